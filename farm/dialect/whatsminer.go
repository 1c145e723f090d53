package dialect

import "strings"

// readWhatsminerV2 reads API 2.x on port 4028. Later firmwares put the summary into Msg.
func readWhatsminerV2(r *Reading, replies []Value) error {
	s := replies[0].Get("SUMMARY").At(0)
	if !s.OK() {
		s = replies[0].Get("Msg")
	}
	if !s.Get("Elapsed").OK() {
		return refused(replies[0], "summary")
	}
	r.ElapsedSeconds = s.Get("Elapsed").Count()
	if r.RateMHs = megahashes(s.Get("HS RT"), 1e6); r.RateMHs == Unknown {
		r.RateMHs = rateOf(s, "5s", "1m", "av")
	}
	r.TotalMH = megahashes(s.Get("Total MH"), 1e6)
	r.totalFromAverage(s.Get("MHS av").Float())
	if r.IdealMHs = megahashes(s.Get("Factory GHS"), 1e9); r.IdealMHs <= 0 {
		r.IdealMHs = Unknown
	}
	r.Accepted, r.Rejected, r.HardwareErrors = s.Get("Accepted").Count(), s.Get("Rejected").Count(), s.Get("Hardware Errors").Count()
	r.PowerWatts, r.PowerLimit = s.Get("Power", "Power_RT").Count(), s.Get("Power Limit").Count()
	r.ChipTemp, r.BoardTemp = temperature(s.Get("Chip Temp Max")), temperature(s.Get("Temperature"))
	if !s.Get("Liquid Cooling").True() {
		for _, name := range []string{"Fan Speed In", "Fan Speed Out"} {
			if rpm := s.Get(name).Count(); rpm >= 0 {
				r.Fans = append(r.Fans, int(rpm))
			}
		}
	}
	r.MAC, r.Firmware = normalMAC(s.Get("MAC").Text()), strings.Trim(s.Get("Firmware Version").Text(), "'")
	readPools(r, replies[1].Get("POOLS"))
	chip := r.ChipTemp
	readDevices(r, replies[2].Get("DEVS"))
	if chip != Unknown {
		r.ChipTemp = chip // DEVS tells the board's
	}
	return nil
}

// readWhatsminerV3 reads API 3.x: rates in TH/s, no counter of hashes and none of shares.
func readWhatsminerV3(r *Reading, replies []Value) error {
	message := replies[0].Get("msg")
	s := message.Get("summary")
	if !s.Get("elapsed").OK() {
		return refused(replies[0], "get.miner.status")
	}
	r.ElapsedSeconds = s.Get("elapsed").Count()
	r.RateMHs = megahashes(s.Get("hash-realtime"), 1e12)
	if r.IdealMHs = megahashes(s.Get("factory-hash"), 1e12); r.IdealMHs <= 0 {
		r.IdealMHs = Unknown
	}
	r.totalFromAverage(s.Get("hash-average").Float() * 1e6)
	r.PowerWatts, r.PowerLimit = s.Get("power-realtime").Count(), s.Get("power-limit").Count()
	r.ChipTemp = temperature(s.Get("chip-temp-max"))
	for _, t := range s.Get("board-temperature").Each {
		r.BoardTemp = hotter(r.BoardTemp, temperature(t))
	}
	for _, name := range []string{"fan-speed-in", "fan-speed-out"} {
		if rpm := s.Get(name).Count(); rpm >= 0 {
			r.Fans = append(r.Fans, int(rpm))
		}
	}
	readPools(r, message.Get("pools"))
	readDevices(r, message.Get("edevs"))
	return nil
}
