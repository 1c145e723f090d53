package simulate

import (
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
)

// The replies of each firmware, in its own words, from a reading.

// mhPerDifficulty is how many megahashes a share of difficulty 1 takes on average.
const mhPerDifficulty = 4295.032833 // 2^48/65535/10^6

// status is the section that every reply of the cgminer family begins with. Its time never changes: no reader may need
// it.
func status(code int, message, description string) string {
	return fmt.Sprintf(`"STATUS":[{"STATUS":"S","When":1764000000,"Code":%d,"Msg":"%s","Description":"%s"}]`, code,
		message, description)
}

// section is a command's reply: status and rows.
func section(code int, message, description, name, rows string) string {
	return "{" + status(code, message, description) + `,"` + name + `":[` + rows + `],"id":1}`
}

// invalid is the reply to a command that the firmware does not have.
func invalid(description string) string {
	return `{"STATUS":[{"STATUS":"E","When":1764000000,"Code":14,"Msg":"Invalid command","Description":"` +
		description + `"}],"id":1}`
}

// speaker answers commands of the cgminer family for one reading. Unit's mu is held as long as it lives.
type speaker struct {
	u           *Unit
	r           *protocol.Reading
	description string
}

// command is one command's reply.
func (s speaker) command(name string) string {
	r := s.r
	// A maker's own answer goes before cgminer's: the same name means other fields with some of them.
	if reply := s.maker(name); reply != "" {
		return reply
	}
	switch name {
	case "version":
		return s.version()
	case "summary":
		return section(11, "Summary", s.description, "SUMMARY", s.summary())
	case "pools":
		return section(7, "1 Pool(s)", s.description, "POOLS", s.pools())
	case "devs":
		return section(9, fmt.Sprintf("%d ASC(s)", len(r.Boards)), s.description, "DEVS", s.devices())
	case "stats":
		return section(70, "CGMiner stats", s.description, "STATS", s.flatStats())
	}
	if r.Protocol == protocol.LuxOS || r.Protocol == protocol.Braiins {
		switch name {
		case "power":
			return section(327, "Power", s.description, "POWER", fmt.Sprintf(`{"PSU":true,"Watts":%d}`, r.PowerWatts))
		case "fans":
			return section(302, "Fans", s.description, "FANS", s.fans())
		case "config":
			return section(33, "LUXminer config", s.description, "CONFIG",
				fmt.Sprintf(
					`{"ASC Count":%d,"CurtailMode":"None","Hostname":"simulated","MACAddr":"%s","Model":"%s","OS":"LuxOS","Profile":"%s","RedLed":"%s","SerialNumber":"%s"}`,
					len(r.Boards), s.u.Machine.MAC, r.Model, luxProfiles[s.u.mode%len(luxProfiles)].name,
					map[bool]string{true: "blink", false: "auto"}[s.u.lamp], s.u.Machine.Serial))
		case "profiles":
			var rows []string
			for _, p := range luxProfiles {
				rows = append(rows, fmt.Sprintf(`{"Profile Name":"%s","Watts":%d}`, p.name,
					s.u.Model.Watts*p.watts/100))
			}
			return section(324, "Profiles", s.description, "PROFILES", strings.Join(rows, ","))
		case "tempctrl":
			return section(321, "Temperature control", s.description, "TEMPCTRL",
				`{"Mode":"`+map[bool]string{true: "Manual", false: "Automatic"}[s.u.fan > 0]+`"}`)
		case "temps":
			return section(201, "Temps", s.description, "TEMPS", s.temps())
		case "tunerstatus":
			return section(205, "Tuner Status", s.description, "TUNERSTATUS",
				fmt.Sprintf(`{"ApproximateMinerPowerConsumption":%d,"PowerLimit":%d,"TunerRunning":true}`, r.PowerWatts,
					s.u.Model.Watts))
		}
	}
	return invalid(s.description)
}

// version is the firmware that the machine runs.
func (u *Unit) version() string {
	if u.firmware == "" {
		return "simulated"
	}
	return u.firmware
}

// Version is the firmware that the machine runs.
func (u *Unit) Version() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.version()
}

// version is the reply from whose keys a firmware is recognised.
func (s speaker) version() string {
	row := map[protocol.Protocol]string{
		protocol.Cgminer: `{"CGMiner":"4.13.6","API":"3.7","Miner":"simulated cgminer"}`,
		protocol.AntminerOld: `{"CGMiner":"4.9.0","API":"3.1","Miner":"16.8.1.3","CompileTime":"simulated","Type":"` +
			s.r.Model + `"}`,
		protocol.AntminerNew: `{"BMMiner":"1.0.0","API":"3.1","Miner":"uart_trans.1.3","CompileTime":"simulated","Type":"` + s.r.Model + `"}`,
		protocol.LuxOS: `{"API":"3.7","LUXminer":"2024.5.1.155432","Miner":"2024.5.1.155432","Type":"` +
			s.r.Model + `"}`,
		protocol.Braiins: `{"API":"3.7","BOSminer+":"0.2.0-simulated"}`,
	}[s.r.Protocol]
	return section(22, "versions", s.description, "VERSION", row)
}

// summary has the rates in the unit that the firmware writes them in: mega- or gigahashes, as numbers or as texts.
func (s speaker) summary() string {
	r := s.r
	rate, average := fmt.Sprintf(`"MHS av":%.2f,"MHS 5s":%.2f`, s.average(), float64(r.RateMHs)), "" // cgminer
	if r.Protocol == protocol.AntminerOld || r.Protocol == protocol.AntminerNew || r.Protocol == protocol.LuxOS {
		rate = fmt.Sprintf(`"GHS 5s":"%.2f","GHS av":%.2f`, float64(r.RateMHs)/1000, s.average()/1000)
	}
	if r.Protocol == protocol.SealMiner {
		rate += fmt.Sprintf(`,"MHS 5m":%d.00`, r.RateMHs)
	}
	if r.Protocol == protocol.LuxOS {
		average = fmt.Sprintf(`,"Curtailed":%t`, r.Sleeping)
	}
	total := r.TotalMH
	if r.Protocol == protocol.LuxOS {
		total = int64(s.average()) // what LuxOS writes there
	}
	return fmt.Sprintf(
		`{"Elapsed":%d,%s,"Found Blocks":0,"Getworks":1000,"Accepted":%d,"Rejected":%d,"Hardware Errors":%d,"Utility":10.00,"Discarded":0,"Stale":0,"Get Failures":0,"Local Work":1,"Remote Failures":0,"Network Blocks":1,"Total MH":%d.0000,"Work Utility":0.00,"Difficulty Accepted":%.8f,"Difficulty Rejected":%.8f,"Difficulty Stale":%.8f,"Best Share":1,"Device Hardware%%":0.0000,"Device Rejected%%":0.0000,"Pool Rejected%%":0.0000,"Pool Stale%%":0.0000,"Last getwork":1764000000%s}`,
		r.ElapsedSeconds, rate, r.Accepted, r.Rejected, r.HardwareErrors, total, float64(r.AcceptedMH)/mhPerDifficulty,
		float64(r.RejectedMH)/mhPerDifficulty, float64(r.StaleMH)/mhPerDifficulty, average)
}

// average is the rate since the start, MH/s.
func (s speaker) average() float64 { return float64(s.r.TotalMH) / float64(max(1, s.r.ElapsedSeconds)) }

// pools is the one pool, and behind it one that was added and is not in use.
func (s speaker) pools() string {
	p := s.r.Pools[0]
	state := "Alive"
	if !p.Alive {
		state = "Dead"
	}
	pending := ""
	if len(s.u.pending) == 2 {
		pending = fmt.Sprintf(
			`,{"POOL":1,"URL":"%s","User":"%s","Status":"Alive","Priority":1,"Accepted":0,"Stratum Active":false}`,
			s.u.pending[0], s.u.pending[1])
	}
	return fmt.Sprintf(
		`{"POOL":0,"URL":"%s","Status":"%s","Priority":0,"Quota":1,"Long Poll":"N","Getworks":1000,"Accepted":%d,"Rejected":%d,"Discarded":0,"Stale":0,"Get Failures":0,"Remote Failures":0,"User":"%s","Last Share Time":0,"Difficulty Accepted":%.8f,"Difficulty Rejected":%.8f,"Difficulty Stale":%.8f,"Last Share Difficulty":%.8f,"Has Stratum":true,"Stratum Active":%t,"Stratum URL":"","Has GBT":false,"Best Share":1,"Pool Rejected%%":0.0000,"Pool Stale%%":0.0000}`,
		p.URL, state, s.r.Accepted, s.r.Rejected, p.User, float64(s.r.AcceptedMH)/mhPerDifficulty,
		float64(s.r.RejectedMH)/mhPerDifficulty, float64(s.r.StaleMH)/mhPerDifficulty, s.u.difficulty,
		p.Active) + pending
}

// devices is a row for each board.
func (s speaker) devices() string {
	var rows []string
	for _, b := range s.r.Boards {
		state, enabled := "Alive", "Y"
		if b.RateMHs == 0 {
			state = "Dead"
		}
		row := fmt.Sprintf(
			`"ASC":%d,"Slot":%d,"Name":"SIM","ID":%d,"Enabled":"%s","Status":"%s","Temperature":%d.00,"MHS av":%d.00,"MHS 5s":%d.00,"Accepted":0,"Rejected":0,"Hardware Errors":0`, b.Slot, b.Slot, b.Slot, enabled, state, max(0, b.ChipTemp-14), b.RateMHs, b.RateMHs)
		switch s.r.Protocol {
		case protocol.Cgminer:
			row = strings.Replace(row, fmt.Sprintf(`"Temperature":%d`, max(0, b.ChipTemp-14)),
				fmt.Sprintf(`"Temperature":%d`, max(0, b.ChipTemp)), 1)
		case protocol.Braiins:
			row += fmt.Sprintf(`,"Nominal MHS":%d.0`, s.u.Model.RateGHs*1000/int64(s.u.Model.Boards))
		case protocol.WhatsminerV2:
			row += fmt.Sprintf(`,"HS RT":%d.00,"Factory GHS":%d,"Effective Chips":%d,"Chip Temp Max":%d.0`, b.RateMHs,
				s.u.Model.RateGHs/int64(s.u.Model.Boards), b.Chips, max(0, b.ChipTemp))
		}
		rows = append(rows, "{"+row+"}")
	}
	return strings.Join(rows, ",")
}

// flatStats leaves out the comma between its rows, as the firmware does.
func (s speaker) flatStats() string {
	r := s.r
	var b strings.Builder
	fmt.Fprintf(&b,
		`{"CompileTime":"simulated","Miner":"1","Type":"%s"}{"STATS":0,"ID":"BC50","Elapsed":%d,"GHS 5s":"%.2f","GHS av":%.2f,"miner_count":%d,"fan_num":%d`, r.Model, r.ElapsedSeconds, float64(r.RateMHs)/1000, s.average()/1000, len(r.Boards), len(r.Fans))
	for i := range 8 {
		rpm := 0
		if i < len(r.Fans) {
			rpm = r.Fans[i]
		}
		fmt.Fprintf(&b, `,"fan%d":%d`, i+1, rpm)
	}
	fmt.Fprintf(&b, `,"total_rateideal":%d.00,"total_rate":%.2f,"rate_unit":"GH"`, s.u.Model.RateGHs,
		float64(r.RateMHs)/1000)
	for _, board := range r.Boards {
		n := board.Slot + 6
		fmt.Fprintf(&b,
			`,"chain_rateideal%d":%d.00,"chain_acn%d":%d,"chain_acs%d":" oooooooo oooooooo","chain_rate%d":"%.2f","temp%d":%d,"temp2_%d":%d`, n, s.u.Model.RateGHs/int64(len(r.Boards)), n, board.Chips, n, n, float64(board.RateMHs)/1000, n, max(0, board.ChipTemp-14), n, max(0, board.ChipTemp))
	}
	return b.String() + "}"
}

// fans is a row for each fan, with how fast it turns and how fast it is told to.
func (s speaker) fans() string {
	var rows []string
	speed := 60
	if s.u.fan > 0 {
		speed = s.u.fan
	}
	for i, rpm := range s.r.Fans {
		rows = append(rows, fmt.Sprintf(`{"FAN":%d,"ID":%d,"RPM":%d,"Speed":%d}`, i, i, rpm, speed))
	}
	return strings.Join(rows, ",")
}

// temps is a row for each board, with the temperatures of board and chips.
func (s speaker) temps() string {
	var rows []string
	for _, b := range s.r.Boards {
		rows = append(rows, fmt.Sprintf(`{"Board":%d.0,"Chip":%d.0,"ID":%d,"TEMP":%d}`, max(0, b.ChipTemp-14),
			max(0, b.ChipTemp), b.Slot, b.Slot))
	}
	return strings.Join(rows, ",")
}

// newStats is the reply of new stock firmware, whose work is the average since the start.
func (s speaker) newStats() string {
	r := s.r
	var chains, fans []string
	for _, b := range r.Boards {
		chains = append(chains,
			fmt.Sprintf(
				`{"index":%d,"freq_avg":545,"rate_ideal":%d.0,"rate_real":%.3f,"asic_num":%d,"asic":"ooooooooo","temp_pic":[40,40,50,50],"temp_pcb":[%d,%d,%d,%d],"temp_chip":[%d,%d,%d,%d],"hw":%d,"eeprom_loaded":true,"sn":"SIM%d"}`,
				b.Slot, s.u.Model.RateGHs/int64(len(r.Boards)), float64(b.RateMHs)/1000, b.Chips, max(0, b.ChipTemp-16),
				max(0, b.ChipTemp-16), max(0, b.ChipTemp-14), max(0, b.ChipTemp-14), max(0, b.ChipTemp-3),
				max(0, b.ChipTemp-3), max(0, b.ChipTemp), max(0, b.ChipTemp-1), r.HardwareErrors/int64(len(r.Boards)),
				b.Slot))
	}
	for _, rpm := range r.Fans {
		fans = append(fans, fmt.Sprint(rpm))
	}
	mode := 0
	if r.Sleeping {
		mode = 1
	}
	return fmt.Sprintf(
		`{"STATUS":{"STATUS":"S","when":1764000000,"Msg":"stats","api_version":"1.0.0"},"INFO":{"miner_version":"%s","CompileTime":"simulated","type":"%s"},"STATS":[{"elapsed":%d,"rate_5s":%.2f,"rate_30m":%.2f,"rate_avg":%.6f,"rate_ideal":%d.0,"rate_unit":"GH/s","chain_num":%d,"fan_num":%d,"fan":[%s],"hwp_total":0.0001,"miner-mode":%d,"freq-level":100,"chain":[%s]}]}`,
		s.u.version(), r.Model, r.ElapsedSeconds, float64(r.RateMHs)/1000, s.average()/1000, s.average()/1000,
		s.u.Model.RateGHs, len(r.Boards), len(r.Fans), strings.Join(fans, ","), mode, strings.Join(chains, ","))
}

// whatsminerV2 answers API 2.x, which knows no joined commands.
func (s speaker) whatsminerV2(name string) string {
	r := s.r
	switch name {
	case "summary":
		return fmt.Sprintf(
			`{"STATUS":[{"STATUS":"S","Msg":"Summary"}],"SUMMARY":[{"Elapsed":%d,"MHS av":%.2f,"MHS 5s":%d.00,"MHS 1m":%d.00,"HS RT":%d.00,"Accepted":%d,"Rejected":%d,"Hardware Errors":%d,"Total MH":%d.0000,"Temperature":%d.00,"freq_avg":646,"Fan Speed In":%d,"Fan Speed Out":%d,"Power":%d,"Power Rate":%.2f,"Uptime":%d,"Security Mode":0,"Hash Stable":true,"Target Freq":574,"Env Temp":24.00,"Power Mode":"Normal","Factory GHS":%d,"Power Limit":%d,"Chip Temp Min":60.0,"Chip Temp Max":%d.0,"Chip Temp Avg":65.0,"Firmware Version":"'simulated'","MAC":"%s"}],"id":1}`,
			r.ElapsedSeconds, s.average(), r.RateMHs, r.RateMHs, r.RateMHs, r.Accepted, r.Rejected, r.HardwareErrors,
			r.TotalMH, r.BoardTemp, r.Fans[0], r.Fans[2], r.PowerWatts, 0.0, r.ElapsedSeconds, s.u.Model.RateGHs,
			s.u.Model.Watts, r.ChipTemp, strings.ToUpper(s.u.Machine.MAC))
	case "pools":
		return `{"STATUS":[{"STATUS":"S","Msg":"1 Pool(s)"}],"POOLS":[` + s.pools() + `],"id":1}`
	case "devs", "edevs":
		return `{"STATUS":[{"STATUS":"S","Msg":"3 ASC(s)"}],"DEVS":[` + s.devices() + `],"id":1}`
	case "get_miner_info":
		return fmt.Sprintf(
			`{"STATUS":"S","When":1764000000,"Code":131,"Msg":{"proto":"dhcp","mac":"%s","ledstat":"auto","minersn":"%s","powersn":"P"},"Description":""}`, strings.ToUpper(s.u.Machine.MAC), s.u.Machine.Serial)
	case "get_version":
		return `{"STATUS":"S","When":1764000000,"Code":131,"Msg":{"api_ver":"2.0.3","fw_ver":"simulated"},"Description":""}`
	case "devdetails":
		return fmt.Sprintf(
			`{"STATUS":[{"STATUS":"S","Msg":"Device Details"}],"DEVDETAILS":[{"DEVDETAILS":0,"Name":"SM","ID":0,"Driver":"bitmicro","Kernel":"","Model":"%s"}],"id":1}`, r.Model)
	}
	return `{"STATUS":"E","When":1764000000,"Code":14,"Msg":"invalid cmd","Description":"whatsminer v1.4"}`
}

// whatsminerV3 answers API 3.x.
func (s speaker) whatsminerV3(name string) string {
	r := s.r
	switch name {
	case "get.miner.status":
		var boards []string
		for _, b := range r.Boards {
			boards = append(boards,
				fmt.Sprintf(
					`{"id":%d,"slot":%d,"hash-average":%.6f,"factory-hash":%.1f,"effective-chips":%d,"chip-temp-min":60.0,"chip-temp-max":%d.0}`, b.Slot, b.Slot, float64(b.RateMHs)/1e6, float64(s.u.Model.RateGHs)/1000/float64(len(r.Boards)), b.Chips, max(0, b.ChipTemp)))
		}
		p := r.Pools[0]
		state := "alive"
		if !p.Alive {
			state = "dead"
		}
		return fmt.Sprintf(
			`{"code":0,"when":1764000000,"msg":{"summary":{"elapsed":%d,"bootup-time":%d,"factory-hash":%.3f,"hash-average":%.9f,"hash-realtime":%.6f,"power-realtime":%d,"environment-temperature":24.0,"board-temperature":[%d.0,%d.0],"chip-temp-max":%d.0,"power-limit":%d,"fan-speed-in":%d,"fan-speed-out":%d},"pools":[{"id":1,"url":"%s","account":"%s","status":"%s","stratum-active":%t,"reject-rate":0.002}],"edevs":[%s]},"desc":"get.miner.status"}`,
			r.ElapsedSeconds, r.ElapsedSeconds, float64(s.u.Model.RateGHs)/1000, s.average()/1e6,
			float64(r.RateMHs)/1e6, r.PowerWatts, r.BoardTemp, r.BoardTemp, r.ChipTemp, s.u.Model.Watts, r.Fans[0],
			r.Fans[2], p.URL, p.User, state, p.Active, strings.Join(boards, ","))
	case "get.device.info":
		return fmt.Sprintf(
			`{"code":0,"when":1764000000,"msg":{"network":{"mac":"%s","hostname":"WhatsMiner"},"miner":{"working":"%t","type":"%s","hash-board":"%d","miner-sn":"%s"},"system":{"api":"3.0.1","fwversion":"simulated"},"power":{"mode":"%s"},"salt":"%s"},"desc":"get.device.info"}`,
			strings.ToUpper(s.u.Machine.MAC), !r.Sleeping, r.Model, len(r.Boards), s.u.Machine.Serial,
			s.u.profile().name, whatsminerSalt)
	}
	return `{"code":-1,"when":1764000000,"msg":"invalid command","desc":"` + name + `"}`
}
