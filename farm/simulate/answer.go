package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// descriptions are the programs that name themselves in every reply of the cgminer family.
var descriptions = map[protocol.Protocol]string{protocol.Cgminer: "cgminer 4.13.6",
	protocol.AntminerOld: "cgminer 4.9.0", protocol.AntminerNew: "bmminer 1.0.0",
	protocol.LuxOS: "LUXminer 2024.5.1.155432", protocol.Braiins: "BOSminer+ 0.2.0",
	protocol.Avalon: "cgminer 4.11.1", protocol.SealMiner: "bdminer 4.11.1", protocol.Auradine: "gcminer 1.0"}

// Answer is the unit's reply to a request at an instant; nil: it says nothing.
func (u *Unit) Answer(request []byte, at usage.Instant) []byte {
	var asked struct {
		Command   string `json:"command"`
		Cmd       string `json:"cmd"`
		Parameter string `json:"parameter"`
		NewAPI    bool   `json:"new_api"`
	}
	if json.Unmarshal(request, &asked) != nil {
		asked.Command = strings.TrimSpace(string(request))
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	// The unit's state is a function of the instants it is asked at and its seed: a run is repeated exactly.
	u.advance(at)
	if u.has(Offline, at) || u.has(Silent, at) || at < u.booted+bootTime {
		return nil
	}
	// Neither JSON nor text: a reader must end on it and take nothing of it.
	if u.has(Garbage, at) {
		return []byte("\x00\x07{\"STATUS\":[{\"STATUS\"\xff\xfe:S,,}")
	}
	s := speaker{u, u.reading(at), descriptions[u.Machine.Protocol]}
	switch u.Machine.Protocol {
	case protocol.WhatsminerV2:
		if asked.Cmd == "" {
			asked.Cmd = asked.Command
		}
		return joined(asked.Cmd, s.whatsminerV2)
	case protocol.WhatsminerV3:
		if reply := u.whatsminerOrder(request, at); reply != "" {
			return []byte(reply)
		}
		return []byte(s.whatsminerV3(asked.Cmd))
	case protocol.AntminerNew:
		if asked.NewAPI && asked.Command == "stats" {
			return []byte(s.newStats())
		}
	case protocol.LuxOS:
		if reply := u.luxControl(asked.Command, asked.Parameter, at); reply != "" {
			return []byte(reply)
		}
	}
	return joined(asked.Command, s.command)
}

// joined is the reply to one command, or to several with a plus sign between them. More than ten are cut off.
func joined(asked string, answer func(command string) string) []byte {
	commands := strings.Split(asked, "+")
	if len(commands) == 1 {
		return []byte(answer(asked))
	}
	parts := make([]string, 0, len(commands))
	for _, command := range commands[:min(len(commands), 10)] {
		name, _ := json.Marshal(command)
		parts = append(parts, fmt.Sprintf("%s:[%s]", name, answer(command)))
	}
	return []byte("{" + strings.Join(parts, ",") + `,"id":1}`)
}

// luxProfile is a profile with its shares of the nameplate's watts and rate, in per cent. A chip's watts go by its
// clock and the square of its voltage, which goes up with the clock: here by about the power 1.6 of the rate.
type luxProfile struct {
	name        string
	watts, rate int64
}

var luxProfiles = []luxProfile{{"default", 100, 100}, {"445MHz", 80, 87}, {"290MHz", 60, 73}}

// profile is what the unit runs in; other firmwares' modes change neither watts nor rate here.
func (u *Unit) profile() luxProfile {
	switch u.Machine.Protocol {
	case protocol.LuxOS:
		return luxProfiles[u.mode%len(luxProfiles)]
	case protocol.WhatsminerV3:
		return whatsminerModes[u.mode%len(whatsminerModes)]
	}
	return luxProfiles[0]
}

// luxControl answers LuxOS's commands that write; "" is none of them. They need the session that logon gives, and there
// is one at a time. The caller holds mu.
func (u *Unit) luxControl(command, parameter string, at usage.Instant) string {
	description := descriptions[protocol.LuxOS]
	session := func(id string) string {
		return section(316, "Session", description, "SESSION", `{"SessionID":"`+id+`"}`)
	}
	fail := func(message string) string {
		return `{"STATUS":[{"STATUS":"E","When":1764000000,"Code":402,"Msg":"` + message + `","Description":"` +
			description + `"}],"id":1}`
	}
	switch command {
	case "session":
		return session(u.session)
	case "logon":
		// As the firmware does: a controller that does not give its session back is locked out by itself.
		if u.session != "" {
			return fail("Another session is active")
		}
		u.session = fmt.Sprintf("s%07x", u.rng.Uint32()&0xfffffff)
		return session(u.session)
	case "logoff", "rebootdevice", "curtail", "addpool", "switchpool", "ledset", "fanset",
		"profileset":
	default:
		return ""
	}
	given, rest, _ := strings.Cut(parameter, ",")
	if u.session == "" || given != u.session {
		return fail("Session not found")
	}
	if u.Deaf && command != "logoff" {
		command = "nothing"
	}
	switch command {
	case "logoff":
		u.session = ""
	case "rebootdevice":
		u.session = ""
		u.boot(at, false)
	case "ledset":
		u.lamp = rest == "red,blink"
	case "fanset":
		if _, err := fmt.Sscan(rest, &u.fan); err != nil || u.fan < 0 {
			u.fan = 0
		}
	case "profileset":
		if u.mode = slices.IndexFunc(luxProfiles, func(p luxProfile) bool { return p.name == rest }); u.mode < 0 {
			u.mode = 0
			return fail("Invalid profile")
		}
	case "curtail":
		if rest != "sleep" && rest != "wakeup" {
			return fail("Invalid mode")
		}
		u.sleeping = rest == "sleep"
	case "addpool":
		fields := strings.Split(rest, ",")
		if len(fields) < 3 {
			return fail("Missing parameters")
		}
		u.pending = fields[:2]
	case "switchpool":
		if rest == "1" && len(u.pending) == 2 {
			u.Pool, u.User, u.pending = u.pending[0], u.pending[1], nil
		} else if rest != "0" {
			return fail("Invalid pool")
		}
	}
	return "{" + status(315, "OK", description) + `,"id":1}`
}
