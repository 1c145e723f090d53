package protocol

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Protocol is how a firmware speaks.
type Protocol string

// The protocols that are understood.
const (
	Cgminer        Protocol = "cgminer"         // cgminer and what stays close to it, also 'aqsha mine'
	AntminerOld    Protocol = "antminer-old"    // stock and its kin, flat stats: X9, X17, X19; Hiveon, asicseer, MSK
	AntminerNew    Protocol = "antminer-new"    // stock, chains as a list
	WhatsminerV2   Protocol = "whatsminer-v2"   // port 4028, firmware of 2019 to 2024
	WhatsminerV3   Protocol = "whatsminer-v3"   // port 4433, length-prefixed
	LuxOS          Protocol = "luxos"           // port 4028
	Braiins        Protocol = "braiins"         // Braiins OS on port 4028
	Avalon         Protocol = "avalon"          // cgminer with "MM ID0"
	Auradine       Protocol = "auradine"        // FluxOS on port 4028
	SealMiner      Protocol = "sealminer"       // bdminer on port 4028
	BraiinsREST    Protocol = "braiins-rest"    // Braiins OS since 25.03, HTTP
	BraiinsGraphQL Protocol = "braiins-graphql" // Braiins OS before, HTTP
	Proto          Protocol = "proto"           // HTTP
	AxeOS          Protocol = "axeos"           // Bitaxe, NerdAxe and kin, HTTP
	VNish          Protocol = "vnish"           // HTTP
	EPIC           Protocol = "epic"            // HTTP on port 4028
	Marathon       Protocol = "marathon"        // HTTP, digest
	IceRiver       Protocol = "iceriver"        // HTTP
	ElphaPex       Protocol = "elphapex"        // HTTP, digest
	Goldshell      Protocol = "goldshell"       // HTTP
	Innosilicon    Protocol = "innosilicon"     // HTTP; also Dragonmint
	Ebang          Protocol = "ebang"           // HTTP
	Bitfury        Protocol = "bitfury"         // HTTP
)

// Protocols lists all of them; those over HTTP come last.
var Protocols = []Protocol{Cgminer, AntminerOld, AntminerNew, WhatsminerV2, WhatsminerV3, LuxOS, Braiins, Avalon,
	Auradine, SealMiner,
	BraiinsREST, BraiinsGraphQL, Proto, AxeOS, VNish, EPIC, Marathon, IceRiver, ElphaPex,
	Goldshell, Innosilicon, Ebang, Bitfury}

// ParseProtocol reads a protocol's name.
func ParseProtocol(name string) (Protocol, error) {
	if d := Protocol(name); slices.Contains(Protocols, d) {
		return d, nil
	}
	return "", farm.Refuse("unknown-dialect", "dialect", "%q is not one of %v", name, Protocols)
}

// Ports on which machines answer.
const (
	Port   = 4028
	PortV3 = 4433
)

// DefaultPort is where a protocol is spoken.
func (d Protocol) DefaultPort() int {
	switch {
	case d == WhatsminerV3:
		return PortV3
	case d.HTTP() && d != EPIC:
		return 80
	}
	return Port
}

// HTTP says whether the protocol is spoken over HTTP: its requests are "GET /path" or "POST /path body".
func (d Protocol) HTTP() bool {
	return slices.Index(Protocols, d) >= slices.Index(Protocols, BraiinsREST)
}

// Framed says whether requests and replies carry their length in front (little-endian, 4 bytes)
// on a connection that stays, instead of ending with it.
func (d Protocol) Framed() bool { return d == WhatsminerV3 }

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
	return farm.Refuse("no-section", command, "the machine answers without it: %s",
		clip(first(row.Get("Msg").Text(), v.Get("Msg", "msg").Text())))
}

// clip is what a machine said, quoted and cut, for errors.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
