package protocol

import (
	"fmt"
	"strings"
)

// readWhatsminerV2 reads API 2.x on port 4028 and the firmwares before it. Later ones put the summary
// into Msg. A machine that is switched off answers status only.
func readWhatsminerV2(r *Reading, replies []Value) error {
	s := section(replies[0], "summary", "SUMMARY").At(0)
	if !s.OK() {
		s = section(replies[0], "summary", "Msg")
	}
	status := replies[2].Get("Msg")
	r.Sleeping = status.Get("btmineroff", "mineroff").True()
	r.Firmware = strings.Trim(status.Get("Firmware Version", "FirmwareVersion").Text(), "'")
	readCodes(r, replies[1].Get("Msg").Get("error_code"))
	if !s.Get("Elapsed").OK() {
		if r.Sleeping {
			r.RateMHs = 0
			return nil
		}
		return refused(replies[0], "summary")
	}
	r.ElapsedSeconds = uptime(s.Get("Elapsed"))
	if !readTerahashes(r, s) {
		readWhatsminerRates(r, s)
	}
	readWhatsminerSummary(r, s)
	if r.PowerLimit == Unknown {
		r.PowerLimit = status.Get("power_limit_set").Count()
	}
	r.setMode(status.Get("power_mode", "powermode").Text(), s.Get("Power Mode", "power_mode").Text())
	readPools(r, section(replies[0], "pools", "POOLS"))
	readWhatsminerDevices(r, section(replies[0], "devs", "DEVS"))
	return nil
}

// readTerahashes reads a summary of some firmwares of 2024, whose fields named MHS are 10^12: nothing that Whatsminer
// builds makes less than 2 GH/s after its first minute. It says whether the summary is one.
func readTerahashes(r *Reading, s Value) bool {
	average, ok := s.Get("MHS av").Number()
	if !ok || average <= 0 || average >= 2000 || r.ElapsedSeconds < 60 || s.Get("Total MH").Float() > 0 {
		return false
	}
	if r.RateMHs = megahashes(s.Get("HS RT", "MHS 5m", "MHS 1m"), 1e12); r.RateMHs == Unknown {
		r.RateMHs = inRange(average * 1e6)
	}
	r.totalFromAverage(average * 1e6)
	return true
}

func readWhatsminerRates(r *Reading, s Value) {
	average := rateOf(s, "av")
	if r.RateMHs = megahashes(s.Get("HS RT"),
		1e6); r.RateMHs == Unknown || (r.RateMHs > 0 && r.RateMHs < average/1000) {
		r.RateMHs = rateOf(s, "5m", "1m", "av", "5s") // the 5 s swing by a third here
	}
	r.TotalMH = megahashes(s.Get("Total MH"), 1e6)
	r.totalFromAverage(s.Get("MHS av").Float())
}

// readWhatsminerSummary reads what the summary tells beside the rates.
func readWhatsminerSummary(r *Reading, s Value) {
	if r.IdealMHs = megahashes(s.Get("Factory GHS"), 1e9); r.IdealMHs <= 0 {
		r.IdealMHs = Unknown
	}
	r.Accepted, r.Rejected, r.HardwareErrors = s.Get("Accepted").Count(), s.Get("Rejected").Count(),
		s.Get("Hardware Errors").Count()
	r.PowerWatts, r.PowerLimit = s.Get("Power", "Power_RT").Count(), s.Get("Power Limit").Count()
	chip := temperature(s.Get("Chip Temp Max"))
	r.BoardTemp = temperature(s.Get("Temperature"))
	r.Immersed = s.Get("Liquid Cooling").True()
	for _, name := range []string{"Fan Speed In", "Fan Speed Out"} {
		if !r.Immersed {
			r.addFan(s.Get(name).Count())
		}
	}
	r.turning()
	r.MAC = normalMAC(s.Get("MAC").Text())
	if own := strings.Trim(s.Get("Firmware Version").Text(), "'"); own != "" {
		r.Firmware = own
	}
	for i := range min(max(s.Get("Error Code Count").Count(), 0), 32) {
		r.addError(s.Get(fmt.Sprintf("Error Code %d", i)).Text())
	}
	r.ChipTemp = chip
}

// readWhatsminerDevices reads DEVS, which tells the board's temperature and not always the chips'. Firmwares of 2024
// write 10^12 under the name MHS there: the boards make what the machine makes.
func readWhatsminerDevices(r *Reading, devices Value) {
	chip, silent := r.ChipTemp, r.BoardTemp == Unknown
	readDevices(r, devices)
	sum := int64(0)
	for _, b := range r.Boards {
		sum += max(b.RateMHs, 0)
	}
	for i, d := range devices.Rows {
		if r.RateMHs > 0 && sum < r.RateMHs/1000 && i < len(r.Boards) && r.Boards[i].RateMHs > 0 {
			r.Boards[i].RateMHs = megahashes(d.Get("HS RT", "MHS 1m", "MHS av"), 1e12)
		}
	}
	if chip != Unknown {
		r.ChipTemp = chip
	}
	for _, d := range devices.Each {
		if board := d.Get("Temperature"); silent || d.Get("Chip Temp Max").OK() {
			r.BoardTemp = hotter(r.BoardTemp, temperature(board))
		}
	}
}

// NeedsDevices says whether a Whatsminer has told nothing of its boards: some firmwares do under another command.
func (r *Reading) NeedsDevices() bool {
	return r.Protocol == WhatsminerV2 && len(r.Boards) == 0 && r.RateMHs > 0
}

// EDevices is that command.
const EDevices = `{"cmd":"edevs"}`

// ReadEDevices adds the reply to it.
func ReadEDevices(r *Reading, reply Value) { readWhatsminerDevices(r, reply.Get("DEVS")) }

// readCodes reads a list of error codes: numbers, or objects that are code → time, or ones with a
// member "code". 0 is none.
func readCodes(r *Reading, codes Value) {
	add := func(code string) {
		if code != "" && code != "0" && strings.Trim(code, "0123456789") == "" {
			r.addError(code)
		}
	}
	for key, c := range codes.Each {
		add(key)
		add(c.Text())
		add(c.Get("code", "error_code").Text())
		for key := range c.Each {
			add(key)
		}
	}
}

// readWhatsminerV3 reads API 3.x: rates in TH/s, no counter of hashes and none of shares.
func readWhatsminerV3(r *Reading, replies []Value) error {
	message, device := replies[0].Get("msg"), replies[1].Get("msg")
	s := message.Get("summary")
	r.Sleeping = device.Get("miner").Get("working").Text() == "false"
	readCodes(r, device.Get("error-code"))
	// A machine whose service is stopped has no summary: that it sleeps is an answer, and no failure.
	if !s.Get("elapsed").OK() {
		if r.Sleeping {
			r.RateMHs = 0
			return nil
		}
		return refused(replies[0], "get.miner.status")
	}
	r.ElapsedSeconds = uptime(s.Get("elapsed"))
	r.RateMHs = megahashes(s.Get("hash-realtime"), 1e12)
	if r.IdealMHs = megahashes(s.Get("factory-hash"), 1e12); r.IdealMHs <= 0 {
		r.IdealMHs = Unknown
	}
	r.totalFromAverage(s.Get("hash-average").Float() * 1e6)
	r.PowerWatts, r.PowerLimit = s.Get("power-realtime").Count(), s.Get("power-limit").Count()
	// A mode that is a number is the supply's, whose meaning no reference says.
	mode := first(device.Get("power").Get("mode").Text(), device.Get("miner").Get("power-mode").Text())
	if strings.Trim(mode, "0123456789") != "" {
		r.setMode(mode)
	}
	for _, t := range s.Get("board-temperature").Each {
		r.BoardTemp = hotter(r.BoardTemp, temperature(t))
	}
	for _, name := range []string{"fan-speed-in", "fan-speed-out"} {
		r.addFan(s.Get(name).Count())
	}
	r.turning()
	r.Firmware = device.Get("system").Get("fwversion").Text()
	readPools(r, message.Get("pools"))
	readDevices(r, message.Get("edevs"))
	if chip := temperature(s.Get("chip-temp-max")); chip != Unknown {
		r.ChipTemp = chip
	}
	for i := range r.Boards {
		r.Boards[i].Serial = first(r.Boards[i].Serial, device.Get("miner").Get(fmt.Sprintf("pcbsn%d", i)).Text())
	}
	return nil
}
