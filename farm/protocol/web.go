package protocol

import (
	"strconv"
	"strings"
)

// texts are the parts of a text such as "2940 rpm / 2940 rpm" or "83.0 °C / 73.8 °C" as numbers, at most 16.
func texts(v Value) []float64 {
	var out []float64
	for _, part := range strings.FieldsFunc(v.Text(), func(c rune) bool { return c == '/' || c == ',' || c == '|' }) {
		number, _, _ := strings.Cut(strings.TrimSpace(part), " ")
		if f, err := strconv.ParseFloat(number, 64); err == nil && f > -1e6 && f < 1e6 && len(out) < 16 {
			out = append(out, f)
		}
	}
	return out
}

// readGoldshell reads Goldshell's web API: a row a board, in MH/s. Temperatures are those of the chips on both sides
// of a board, or of its four corners; the shares are told of the boards, not of the pools.
func readGoldshell(r *Reading, replies []Value) error {
	rows := replies[0].Get("data")
	if !rows.OK() {
		return refused(replies[0], "devs")
	}
	average := int64(Unknown)
	for i, row := range rows.Rows {
		b := Board{Slot: i, RateMHs: megahashes(row.Get("hashrate"), 1e6), Chips: Unknown, ChipTemp: Unknown}
		for _, name := range []string{"temp", "l_temp", "r_temp", "t_temp", "m_temp"} {
			for _, t := range texts(row.Get(name)) {
				b.ChipTemp = hotter(b.ChipTemp, celsius(t))
			}
		}
		r.addBoard(b)
		r.RateMHs = addCounter(r.RateMHs, b.RateMHs)
		average = addCounter(average, megahashes(row.Get("av_hashrate"), 1e6))
		r.ElapsedSeconds = max(r.ElapsedSeconds, uptime(row.Get("time")))
		r.HardwareErrors = addCounter(r.HardwareErrors, row.Get("hwerrors").Count())
		r.Accepted = addCounter(r.Accepted, row.Get("accepted").Count())
		r.Rejected = addCounter(r.Rejected, row.Get("rejected").Count())
		if i == 0 { // every row tells the same fans
			for _, rpm := range texts(row.Get("fanspeed")) {
				r.addFan(int64(rpm))
			}
		}
	}
	r.totalFromAverage(float64(average))
	r.PoolsReported = replies[1].OK()
	for _, p := range replies[1].Each {
		if url := p.Get("url").Text(); url != "" && len(r.Pools) < maxPools {
			pool := Pool{URL: url, User: p.Get("user").Text(), Alive: p.Get("legal").True(),
				Active: p.Get("active").True(), AcceptedMH: Unknown}
			if pool.Active {
				pool.Accepted = r.Accepted
			}
			r.Pools = append(r.Pools, pool)
		}
	}
	r.Model, r.Firmware = replies[2].Get("model").Text(), replies[2].Get("firmware").Text()
	r.MAC = normalMAC(replies[3].Get("name").Text())
	return nil
}

// readInnosilicon reads the web API of Innosilicon's machines and of Halong's Dragonmint: devices and pools as
// cgminer writes them, without a summary, and in newer ones everything in one document.
func readInnosilicon(r *Reading, replies []Value) error {
	summary, all, overview := replies[0], replies[1].Get("all"), replies[2]
	devices := summary.Get("DEVS")
	if !devices.OK() {
		return refused(summary, "summary")
	}
	sumDevices(r, devices)
	readDevices(r, devices)
	readPools(r, summary.Get("POOLS"))
	// The chips' heat stands in another answer than the rates, under the board's number and not in its order: a board
	// that is down is missing from one of them.
	for _, chain := range all.Get("chain").Each {
		for i := range r.Boards {
			if b := &r.Boards[i]; int64(b.Slot) == chain.Get("ASC").Count() {
				b.ChipTemp = hotter(b.ChipTemp, temperature(chain.Get("Temp max")))
				b.Chips = int(max(chain.Get("Num active chips").Count(), int64(b.Chips)))
				r.ChipTemp = hotter(r.ChipTemp, b.ChipTemp)
			}
		}
	}
	r.PowerWatts = all.Get("power").Count()
	version := overview.Get("version")
	r.Model, r.Firmware = overview.Get("type").Text(), version.Get("platform_v").Text()
	r.MAC = first(normalMAC(version.Get("ethaddr").Text()), normalMAC(all.Get("mac").Text()))
	switch {
	case strings.EqualFold(r.Model, "T1"):
		r.Model = "Dragonmint T1"
	case r.Model != "" && !strings.Contains(strings.ToLower(r.Model), "innosilicon"):
		r.Model = "Innosilicon " + r.Model
	}
	return nil
}

// readEbang reads the web API of Ebang's Ebit machines: a rate with its unit behind, "hours:minutes:seconds", two
// fans, temperatures as "60,55|55,51".
func readEbang(r *Reading, replies []Value) error {
	s, system, pools := replies[0].Get("feedback"), replies[1].Get("feedback"), replies[2].Get("feedback")
	if !s.Get("fivesecfigure", "fiveavg").OK() {
		return refused(replies[0], "CgminerStatus")
	}
	r.RateMHs = scaled(s.Get("fiveavg", "fivesecfigure"))
	r.ElapsedSeconds = clock(s.Get("worktime").Text())
	if average := scaled(s.Get("averfigure")); average != Unknown {
		r.totalFromAverage(float64(average))
	}
	r.Accepted, r.Rejected = s.Get("accepted").Count(), s.Get("rejected").Count()
	r.Model, r.Firmware = system.Get("productname").Text(), system.Get("systemsoftwareversion").Text()
	for _, name := range []string{"devicefan", "devicefan2"} {
		r.addFan(system.Get(name).Count())
	}
	for n := 1; n <= 4; n++ {
		for _, t := range texts(system.Get("device" + strconv.Itoa(n) + "temp")) {
			r.BoardTemp = hotter(r.BoardTemp, celsius(t))
		}
	}
	r.PoolsReported = pools.OK()
	for n := 1; n <= 3; n++ {
		number := strconv.Itoa(n)
		url := pools.Get("Mip" + number).Text()
		if url == "" {
			continue
		}
		p := Pool{URL: url, User: pools.Get("Mwork" + number).Text(), Alive: true, AcceptedMH: Unknown,
			// The pool that works is told by its address, in another answer; two entries of the same address are both
			// taken for it.
			Active: url == s.Get("cgminerstatus").Text()}
		if p.Active {
			p.Accepted = r.Accepted
		}
		r.Pools = append(r.Pools, p)
	}
	return nil
}

// clock reads "123:6:37", hours, minutes and seconds, with days in front where there are four; Unknown for others.
func clock(s string) int64 {
	parts := strings.Split(s, ":")
	units := []int64{86400, 3600, 60, 1}
	if len(parts) < 3 || len(parts) > 4 {
		return Unknown
	}
	seconds := int64(0)
	for i, part := range parts {
		n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 32)
		if err != nil || n < 0 {
			return Unknown
		}
		seconds += n * units[i+4-len(parts)]
	}
	return seconds
}

// readBitfury reads the machine's own controller of Bitfury's B8 (OpenMiner): boards in numbered slots.
func readBitfury(r *Reading, replies []Value) error {
	s := replies[0]
	slots := s.Get("slots")
	if !slots.OK() {
		return refused(s, "stat/agg")
	}
	versions, master, pool := s.Get("versions"), s.Get("master"), s.Get("pool")
	r.Model, r.Firmware = "Bitfury B8", versions.Get("softwareVersion", "miner").Text()
	r.MAC = normalMAC(s.Get("mac").Text())
	r.ElapsedSeconds = uptime(master.Get("upTime"))
	r.PowerWatts = master.Get("psuW", "boardsW").Count()
	for key, slot := range slots.Each {
		// Slots are keys of an object, which anything may stand in: only numbers that a backplane has are boards.
		n, err := strconv.ParseUint(key, 10, 6)
		if err != nil {
			continue
		}
		b := Board{Slot: int(n), RateMHs: megahashes(slot.Get("ghs"), 1e9), Chips: int(slot.Get("chips").Count()),
			ChipTemp: hotter(temperature(slot.Get("temperature")), temperature(slot.Get("temperature1")))}
		r.addBoard(b)
		r.RateMHs = addCounter(r.RateMHs, b.RateMHs)
	}
	for _, rpm := range s.Get("fansRpm").Each {
		r.addFan(rpm.Count())
	}
	total := master.Get("intervals").Get("0")
	r.totalFromAverage(total.Get("bySol").Float() * 1000)
	shares := pool.Get("intervals").Get("0")
	if host := pool.Get("host").Text(); host != "" {
		r.PoolsReported = true
		if port := pool.Get("port").Count(); port > 0 {
			host += ":" + strconv.FormatInt(port, 10)
		}
		r.addPool(Pool{URL: "stratum+tcp://" + host, User: pool.Get("userName").Text(), Alive: true, Active: true,
			Accepted: shares.Get("sharesAccepted").Count(), AcceptedMH: Unknown}, shares.Get("sharesRejected").Count())
	}
	return nil
}
