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
	Cgminer        Dialect = "cgminer"         // cgminer and what stays close to it, also 'aqsha mine'
	AntminerOld    Dialect = "antminer-old"    // stock and its kin, flat stats: X9, X17, X19; Hiveon, asicseer, MSK
	AntminerNew    Dialect = "antminer-new"    // stock, chains as a list
	WhatsminerV2   Dialect = "whatsminer-v2"   // port 4028, firmware of 2019 to 2024
	WhatsminerV3   Dialect = "whatsminer-v3"   // port 4433, length-prefixed
	LuxOS          Dialect = "luxos"           // port 4028
	Braiins        Dialect = "braiins"         // Braiins OS on port 4028
	Avalon         Dialect = "avalon"          // cgminer with "MM ID0"
	Auradine       Dialect = "auradine"        // FluxOS on port 4028
	SealMiner      Dialect = "sealminer"       // bdminer on port 4028
	BraiinsREST    Dialect = "braiins-rest"    // Braiins OS since 25.03, HTTP
	BraiinsGraphQL Dialect = "braiins-graphql" // Braiins OS before, HTTP
	Proto          Dialect = "proto"           // HTTP
	AxeOS          Dialect = "axeos"           // Bitaxe, NerdAxe and kin, HTTP
	VNish          Dialect = "vnish"           // HTTP
	EPIC           Dialect = "epic"            // HTTP on port 4028
	Marathon       Dialect = "marathon"        // HTTP, digest
	IceRiver       Dialect = "iceriver"        // HTTP
	ElphaPex       Dialect = "elphapex"        // HTTP, digest
)

// Dialects lists all of them; those over HTTP come last.
var Dialects = []Dialect{Cgminer, AntminerOld, AntminerNew, WhatsminerV2, WhatsminerV3, LuxOS, Braiins, Avalon, Auradine, SealMiner,
	BraiinsREST, BraiinsGraphQL, Proto, AxeOS, VNish, EPIC, Marathon, IceRiver, ElphaPex}

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
	switch {
	case d == WhatsminerV3:
		return PortV3
	case d.HTTP() && d != EPIC:
		return 80
	}
	return Port
}

// HTTP says whether the dialect is spoken over HTTP: its requests are "GET /path" or "POST /path body".
func (d Dialect) HTTP() bool { return slices.Index(Dialects, d) >= slices.Index(Dialects, BraiinsREST) }

// Framed says whether requests and replies carry their length in front (little-endian, 4 bytes)
// on a connection that stays, instead of ending with it.
func (d Dialect) Framed() bool { return d == WhatsminerV3 }

// Frame puts the length in front.
func Frame(body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(make([]byte, 0, len(body)+4), uint32(len(body))), body...)
}

// Probe is the first request to a machine of which nothing is known.
const Probe = `{"command":"version"}`

// ProbeNewAntminer tells a new Antminer from an old one.
const ProbeNewAntminer = `{"command":"stats","new_api":true}`

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
