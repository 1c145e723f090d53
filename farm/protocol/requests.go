package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Request is one question of a poll.
type Request struct {
	Text     string // as it is sent: a command of the API, or "GET /path", "POST /path body" over HTTP
	Or       string // asked instead when the machine refuses Text, perhaps over HTTP; "": nothing
	Optional bool   // the poll stands without its reply
}

// speech is what is asked in a protocol and how the replies are read.
type speech struct {
	polls      []Request
	identities []Request
	read       func(*Reading, []Value) error
}

func must(texts ...string) []Request { return requests(false, texts) }
func may(texts ...string) []Request  { return requests(true, texts) }

// requests are several, all of them optional or none.
func requests(optional bool, texts []string) []Request {
	out := make([]Request, 0, len(texts))
	for _, text := range texts {
		out = append(out, Request{Text: text, Optional: optional})
	}
	return out
}

// speeches are what each protocol is asked in a poll, what for its identity, and how its answers are read.
var speeches = map[Protocol]speech{
	Cgminer:     {polls: must(`{"command":"summary+pools+devs+stats"}`), read: readCgminer},
	AntminerOld: {polls: must(`{"command":"summary+pools+stats"}`), read: readAntminerOld},
	AntminerNew: {polls: []Request{
		{Text: `{"command":"stats","new_api":true}`, Or: "GET /cgi-bin/stats.cgi"},
		{Text: `{"command":"pools"}`, Or: "GET /cgi-bin/pools.cgi", Optional: true}},
		read: readAntminerNew},
	WhatsminerV2: { // status and what begins with get_ cannot be joined there
		polls: append(must(`{"command":"summary+pools+devs"}`), may(`{"cmd":"get_error_code"}`,
			`{"cmd":"status"}`)...),
		identities: may(`{"cmd":"get_miner_info"}`, `{"cmd":"devdetails"}`, `{"cmd":"get_version"}`),
		read:       readWhatsminerV2},
	WhatsminerV3: {
		polls: append(must(`{"cmd":"get.miner.status","param":"summary+pools+edevs"}`),
			may(`{"cmd":"get.device.info"}`)...),
		identities: must(`{"cmd":"get.device.info"}`), read: readWhatsminerV3},
	// The configuration names the profile in use; how many watts it allows, only the list of profiles tells.
	LuxOS: {polls: append(must(`{"command":"summary+pools+stats+power+fans+devs+config+events"}`),
		may(`{"command":"profiles"}`)...),
		identities: may(`{"command":"config"}`, `{"command":"profiles"}`), read: readLuxOS},
	Braiins: {polls: must(`{"command":"summary+pools+devs+temps+fans+tunerstatus"}`), identities: may(Probe),
		read: readBraiins},
	Avalon: {polls: append(must(`{"command":"summary+pools+stats"}`),
		Request{Text: `{"command":"estats"}`, Or: `{"command":"litestats"}`, Optional: true}), identities: may(Probe),
		read: readAvalon},
	Auradine: {polls: must(`{"command":"summary+pools+devs+fan+psu+mode+temperature+asccount"}`),
		identities: may(`{"command":"ipreport"}`), read: readAuradine},
	SealMiner: {polls: must(`{"command":"summary+pools+stats"}`), read: readSealMiner},
	BraiinsREST: {polls: append(must("GET /api/v1/miner/stats"),
		may("GET /api/v1/pools", "GET /api/v1/miner/hw/hashboards", "GET /api/v1/cooling/state",
			"GET /api/v1/performance/tuner-state", "GET /api/v1/miner/details", "GET /api/v1/miner/errors")...),
		read: readBraiinsREST},
	BraiinsGraphQL: {polls: append(must("POST /graphql "+graphSystem),
		may("POST /graphql "+graphPools, "POST /graphql "+graphBoards)...), read: readBraiinsGraphQL},
	Proto: {polls: append(must("GET /api/v1/mining"), may("GET /api/v1/pools", "GET /api/v1/hardware",
		"GET /api/v1/cooling", "GET /api/v1/errors",
		"GET /api/v1/network", "GET /api/v1/system", "GET /api/v1/telemetry")...), read: readProto},
	AxeOS: {polls: must("GET /api/system/info"), read: readAxeOS},
	// Which preset it runs in, only the page of its performance tells.
	VNish: {polls: append(must("GET /api/v1/summary"), may("GET /api/v1/info", "GET /api/v1/perf-summary")...),
		read: readVNish},
	EPIC: {polls: append(must("GET /summary"), may("GET /capabilities", "GET /network")...), read: readEPIC},
	Marathon: {polls: append(must("GET /kaonsu/v1/brief"), may("GET /kaonsu/v1/overview", "GET /kaonsu/v1/hashboards",
		"GET /kaonsu/v1/fans", "GET /kaonsu/v1/pools")...), read: readMarathon},
	IceRiver: {polls: must("POST /user/userpanel?post=4"), read: readIceRiver},
	ElphaPex: {polls: append(must("GET /cgi-bin/stats.cgi"), may("GET /cgi-bin/pools.cgi",
		"GET /cgi-bin/get_power.cgi")...),
		identities: may("GET /cgi-bin/get_system_info.cgi"), read: readElphaPex},
	Goldshell: {polls: append(must("GET /mcb/cgminer?cgminercmd=devs"), may("GET /mcb/pools", "GET /mcb/status",
		"GET /mcb/setting")...), read: readGoldshell},
	Innosilicon: {polls: append(must("POST /api/summary"), may("POST /api/getAll", "POST /api/overview")...),
		read: readInnosilicon},
	Ebang: {polls: append(must("POST /Cgminer/CgminerStatus"), may("POST /Status/getsystemstatus",
		"POST /Cgminer/CgminerGetVal")...), read: readEbang},
	Bitfury: {polls: must("GET /api/om/miner/stat/agg"), read: readBitfury},
}

// Polls are the requests of one poll, each on a connection of its own; the replies go to Read in this order.
func (d Protocol) Polls() []Request { return speeches[d].polls }

// Identities are the requests that tell who a machine is, beyond what a poll tells.
func (d Protocol) Identities() []Request { return speeches[d].identities }

// Read understands the replies to Polls; the reply to an optional request may be nil.
func Read(d Protocol, replies [][]byte) (*Reading, error) {
	s := speeches[d]
	if len(replies) != len(s.polls) || len(replies) == 0 {
		return nil, fmt.Errorf("%s: %d replies to %d requests", d, len(replies), len(s.polls))
	}
	// What is read is copied out of the documents as numbers and texts: their nodes serve the next poll again.
	room := rooms.Get().(*[]node)
	defer rooms.Put(room)
	values, docs, used := make([]Value, len(replies)), make([]document, len(replies)), 0
	for i, reply := range replies {
		if reply == nil && s.polls[i].Optional {
			continue
		}
		v, err := docs[i].parse(reply, (*room)[used:used])
		if used+len(docs[i].nodes) <= cap(*room) {
			used += len(docs[i].nodes)
		}
		if err != nil && !s.polls[i].Optional {
			return nil, err
		}
		values[i] = v
	}
	r := newReading(d)
	if err := s.read(r, values); err != nil {
		return nil, err
	}
	return r, nil
}

// rooms are for the nodes of a poll's replies; what does not fit is allocated.
var rooms = sync.Pool{New: func() any {
	nodes := make([]node, 0, 4096)
	return &nodes
}}

// Singles are the commands of a joined request ("a+b"), each as a request of its own; nil when it is none.
func Singles(request string) (names, texts []string) {
	var asked struct{ Command string }
	if json.Unmarshal([]byte(request), &asked) != nil || !strings.Contains(asked.Command, "+") {
		return nil, nil
	}
	names = strings.Split(asked.Command, "+")
	for _, name := range names {
		texts = append(texts, `{"command":"`+name+`"}`)
	}
	return names, texts
}

// Join makes the replies to single commands into the reply that the joined one would have got.
func Join(names []string, replies [][]byte) []byte {
	out := []byte("{")
	for i, name := range names {
		// A reply that broke off does not spoil the others: it is as if it had not come.
		if reply := whole(replies[i]); reply != nil {
			out = fmt.Appendf(out, "%q:[%s],", name, reply)
		}
	}
	return append(out, `"id":1}`...)
}

// whole is a reply as JSON, without what some firmwares write behind its end; nil where it has none.
func whole(reply []byte) []byte {
	if len(reply) > MaxReply {
		return nil
	}
	text := bytes.TrimPrefix(reply, []byte("\ufeff"))
	if isPlain(string(text)) {
		return []byte(fromPlain(string(text)))
	}
	p := parser{text: string(text), doc: new(document)}
	if p.space(); p.pos == len(text) || text[p.pos] != '{' && text[p.pos] != '[' {
		return nil
	}
	if _, ok := p.value(span{}, 0); !ok {
		return nil
	}
	return text[:p.pos]
}

// Refused says whether a reply as a whole is a no to the command: it does not exist (code 14, cgminer's
// API-README; VNish writes 0) or is not allowed (code 45).
func Refused(reply []byte) bool {
	if len(reply) > 4<<10 || !mayRefuse(reply) {
		return false // a refusal is short; long replies are parsed once
	}
	room := rooms.Get().(*[]node)
	defer rooms.Put(room)
	v, err := new(document).parse(reply, *room)
	if err != nil {
		return false
	}
	row := statusOf(v)
	code := first(row.Get("Code").Text(), v.Get("Code", "code").Text())
	status := strings.ToUpper(first(row.Get("STATUS").Text(), v.Get("STATUS").Text()))
	return status == "E" && slices.Contains([]string{"14", "45", "0", ""}, code)
}

// mayRefuse says whether a reply has an E that stands alone, as a status of refusal does, or an escape that may be one:
// most replies have none, and are parsed once.
func mayRefuse(reply []byte) bool {
	alone := func(i int) bool {
		if i < 0 || i >= len(reply) {
			return true
		}
		c := reply[i] | 0x20
		return (c < 'a' || c > 'z') && (reply[i] < '0' || reply[i] > '9')
	}
	if bytes.IndexByte(reply, '\\') >= 0 {
		return true
	}
	for _, e := range []byte{'E', 'e'} {
		for at := 0; ; at++ {
			next := bytes.IndexByte(reply[at:], e)
			if next < 0 {
				break
			}
			if at += next; alone(at-1) && alone(at+1) {
				return true
			}
		}
	}
	return false
}
