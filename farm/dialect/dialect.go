package dialect

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Dialect is how a firmware speaks.
type Dialect string

// The dialects that are understood.
const (
	Cgminer      Dialect = "cgminer"       // cgminer and what stays close to it, also 'aqsha mine'
	AntminerOld  Dialect = "antminer-old"  // stock, flat stats
	AntminerNew  Dialect = "antminer-new"  // stock, chains as a list
	WhatsminerV2 Dialect = "whatsminer-v2" // port 4028
	WhatsminerV3 Dialect = "whatsminer-v3" // port 4433, length-prefixed
	LuxOS        Dialect = "luxos"
	Braiins      Dialect = "braiins"
)

// Dialects lists all of them.
var Dialects = []Dialect{Cgminer, AntminerOld, AntminerNew, WhatsminerV2, WhatsminerV3, LuxOS, Braiins}

// ParseDialect reads a dialect's name.
func ParseDialect(name string) (Dialect, error) {
	if d := Dialect(name); slices.Contains(Dialects, d) {
		return d, nil
	}
	return "", farm.Refuse("unknown_dialect", "dialect", "%q is not one of %v", name, Dialects)
}

// Ports on which machines answer.
const (
	Port   = 4028
	PortV3 = 4433
)

// DefaultPort is where a dialect is spoken.
func (d Dialect) DefaultPort() int {
	if d == WhatsminerV3 {
		return PortV3
	}
	return Port
}

// Framed says whether requests and replies carry their length in front (little-endian, 4 bytes)
// on a connection that stays, instead of ending with it.
func (d Dialect) Framed() bool { return d == WhatsminerV3 }

// Frame puts the length in front.
func Frame(body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(make([]byte, 0, len(body)+4), uint32(len(body))), body...)
}

// Polls are the requests of one poll, each on a connection of its own; the replies go to Read in this order.
func (d Dialect) Polls() []string { return polls[d] }

var polls = map[Dialect][]string{
	Cgminer:      {`{"command":"summary+pools+devs"}`},
	AntminerOld:  {`{"command":"summary+pools+stats"}`},
	AntminerNew:  {`{"command":"stats","new_api":true}`, `{"command":"pools"}`},
	WhatsminerV2: {`{"cmd":"summary"}`, `{"cmd":"pools"}`, `{"cmd":"devs"}`},
	WhatsminerV3: {`{"cmd":"get.miner.status","param":"summary+pools+edevs"}`},
	LuxOS:        {`{"command":"summary+pools+stats+power+fans"}`},
	Braiins:      {`{"command":"summary+pools+devs+temps+fans+tunerstatus"}`},
}

// Identities are the requests that tell who a machine is; none for those that say it elsewhere or nowhere.
func (d Dialect) Identities() []string {
	switch d {
	case WhatsminerV2:
		return []string{`{"cmd":"get_miner_info"}`, `{"cmd":"devdetails"}`}
	case WhatsminerV3:
		return []string{`{"cmd":"get.device.info"}`}
	case LuxOS:
		return []string{`{"command":"config"}`}
	}
	return nil
}

// Probe is the first request to a machine of which nothing is known.
const Probe = `{"command":"version"}`

// ProbeNewAntminer tells a new Antminer from an old one.
const ProbeNewAntminer = `{"command":"stats","new_api":true}`

// Detect tells the dialect from the reply to Probe. A stock Antminer comes back as AntminerOld;
// DetectNewAntminer decides.
func Detect(reply []byte) (Dialect, Reading, error) {
	v, err := Parse(reply)
	if err != nil {
		return "", Reading{}, err
	}
	version := v.Get("VERSION").At(0)
	description := strings.ToLower(statusOf(v).Get("Description").Text() + " " + v.Get("Description").Text())
	r := newReading(Cgminer)
	r.Model, r.Firmware = version.Get("Type", "Model").Text(), version.Get("Miner", "CompileTime").Text()
	switch {
	case version.Get("LUXminer").OK():
		r.Dialect, r.Firmware = LuxOS, version.Get("LUXminer").Text()
	case version.Get("BOSminer", "BOSminer+", "BOSer").OK():
		r.Dialect, r.Firmware = Braiins, version.Get("BOSminer", "BOSminer+", "BOSer").Text()
	case strings.Contains(description, "whatsminer"):
		r.Dialect = WhatsminerV2
	case version.Get("BMMiner").OK() || strings.Contains(strings.ToLower(r.Model), "antminer"):
		r.Dialect = AntminerOld
	case version.OK():
		r.Firmware = strings.TrimSpace("cgminer " + version.Get("CGMiner").Text())
		if own := version.Get("Miner").Text(); own != "" {
			r.Firmware = own
		}
	default:
		return "", Reading{}, farm.Refuse("unknown_dialect", "reply", "no version that is known: %s", clip(string(reply)))
	}
	return r.Dialect, *r, nil
}

// DetectNewAntminer says whether the reply to ProbeNewAntminer is that of a new one.
func DetectNewAntminer(reply []byte) bool {
	v, err := Parse(reply)
	return err == nil && statsRow(v).Get("chain", "rate_5s").OK()
}

// Read understands the replies to Polls.
func Read(d Dialect, replies [][]byte) (*Reading, error) {
	if len(replies) != len(polls[d]) {
		return nil, fmt.Errorf("%s: %d replies to %d requests", d, len(replies), len(polls[d]))
	}
	values := make([]Value, len(replies))
	for i, reply := range replies {
		var err error
		if values[i], err = Parse(reply); err != nil {
			return nil, err
		}
	}
	r := newReading(d)
	read := map[Dialect]func(*Reading, []Value) error{
		Cgminer: readCgminer, AntminerOld: readAntminerOld, AntminerNew: readAntminerNew, WhatsminerV2: readWhatsminerV2,
		WhatsminerV3: readWhatsminerV3, LuxOS: readLuxOS, Braiins: readBraiins,
	}[d]
	if err := read(r, values); err != nil {
		return nil, err
	}
	return r, nil
}

// ReadIdentity adds to a reading who the machine is, from the replies to Identities.
func ReadIdentity(r *Reading, replies [][]byte) error {
	for _, reply := range replies {
		v, err := Parse(reply)
		if err != nil {
			return err
		}
		message := v.Get("Msg", "msg")
		config := v.Get("CONFIG").At(0)
		for _, place := range []Value{message, message.Get("network"), message.Get("miner"), message.Get("system"), config, v.Get("DEVDETAILS").At(0), v} {
			r.MAC = first(r.MAC, normalMAC(place.Get("mac", "MACAddr", "macaddr").Text()))
			r.Serial = first(r.Serial, place.Get("minersn", "miner-sn", "SerialNumber", "serinum").Text())
			r.Model = first(r.Model, place.Get("type", "Model", "minertype").Text())
			r.Firmware = first(r.Firmware, place.Get("fwversion", "system_filesystem_version").Text())
		}
	}
	return nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// statusOf is the STATUS row of a reply, which Whatsminer writes without a list.
func statusOf(v Value) Value {
	status := v.Get("STATUS")
	if row := status.At(0); row.OK() {
		return row
	}
	return status
}

// section finds a command's section in a joined reply ({"summary":[{…"SUMMARY":[…]}]}) or a plain one.
func section(v Value, command, name string) Value {
	if joined := v.Get(command).At(0); joined.OK() {
		v = joined
	}
	return v.Get(name)
}

// refused is the error of a reply that says no.
func refused(v Value, command string) error {
	row := statusOf(v)
	if joined := v.Get(command).At(0); joined.OK() {
		row = statusOf(joined)
	}
	return farm.Refuse("no_section", command, "the machine answers without it: %s", clip(first(row.Get("Msg").Text(), v.Get("Msg", "msg").Text())))
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
