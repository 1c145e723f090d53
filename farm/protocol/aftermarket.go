package protocol

import (
	"math"
	"strings"
)

// readLuxOS reads LuxOS: stock-like stats, with power and fans in commands of their own. "Total MH" is
// the average there (docs.luxor.tech/firmware/api/cgminer), so the work done is the average times the time.
func readLuxOS(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	summary := section(v, "summary", "SUMMARY").At(0)
	if average := rateOf(summary, "av"); average != Unknown {
		r.TotalMH = Unknown
		r.totalFromAverage(summary.Get("GHS av").Float()*1000 + summary.Get("MHS av").Float())
	}
	readPools(r, section(v, "pools", "POOLS"))
	if s := statsRow(v); s.OK() {
		readFlatStats(r, s)
	}
	for _, row := range section(v, "stats", "STATS").Each {
		r.Model, r.Firmware = first(r.Model, row.Get("Type").Text()), first(r.Firmware, row.Get("Miner").Text())
	}
	readLuxBoards(r, section(v, "devs", "DEVS"))
	r.PowerWatts = section(v, "power", "POWER").At(0).Get("Watts").Count()
	// The command of its own knows them better than the row of stats: they are not counted twice.
	if fans := section(v, "fans", "FANS"); fans.OK() {
		r.Fans = nil
		readFans(r, fans)
	}
	r.Sleeping = summary.Get("Curtailed").True()
	readLuxConfig(r, section(v, "config", "CONFIG").At(0), section(replies[1], "profiles", "PROFILES"))
	for _, event := range section(v, "events", "EVENTS").Each {
		r.addError(event.Get("Code").Text())
	}
	return nil
}

// readLuxBoards takes each board's rate of now and its serial from devs, because chain_rateN is the
// average since the start: chain N is the device N−1.
func readLuxBoards(r *Reading, devices Value) {
	for _, d := range devices.Each {
		for i := range r.Boards {
			if b := &r.Boards[i]; int64(b.Slot) == d.Get("ASC", "ID").Count()+1 {
				if rate := rateOf(d, "5s", "1m"); rate != Unknown {
					b.RateMHs = rate
				}
				b.Serial = d.Get("SerialNumber").Text()
			}
		}
	}
}

// readLuxConfig reads what the configuration says of the present state; the power limit is that of the
// profile in use.
func readLuxConfig(r *Reading, config, profiles Value) {
	r.Immersed = r.Immersed || config.Get("ImmersionMode").True() || strings.EqualFold(config.Get("Cooling").Text(),
		"Immersion")
	r.Sleeping = r.Sleeping || strings.EqualFold(config.Get("CurtailMode").Text(), "Sleep")
	if r.Immersed {
		r.turning()
	}
	for _, p := range profiles.Each {
		if name := p.Get("Profile Name").Text(); name != "" && name == config.Get("Profile").Text() {
			r.PowerLimit = p.Get("Watts").Count()
		}
	}
}

// readBraiins reads Braiins OS on port 4028: boards as devices, watts from the tuner's estimate.
func readBraiins(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	readPools(r, section(v, "pools", "POOLS"))
	devices := section(v, "devs", "DEVS")
	readDevices(r, devices)
	for _, d := range devices.Each {
		if nominal := megahashes(d.Get("Nominal MHS"), 1e6); nominal > 0 {
			r.IdealMHs = addCounter(r.IdealMHs, nominal)
		}
	}
	for _, t := range section(v, "temps", "TEMPS").Each {
		r.ChipTemp, r.BoardTemp = hotter(r.ChipTemp, temperature(t.Get("Chip"))),
			hotter(r.BoardTemp, temperature(t.Get("Board")))
	}
	readFans(r, section(v, "fans", "FANS"))
	r.turning()
	tuner := section(v, "tunerstatus", "TUNERSTATUS").At(0)
	r.PowerWatts, r.PowerLimit = tuner.Get("ApproximateMinerPowerConsumption").Count(), tuner.Get("PowerLimit").Count()
	return nil
}

// The queries to the GraphQL API of Braiins OS before 25.03.
const (
	graphSystem = `{"query":"query system{bos{hostname info{version{full}} uptime{durationS}} bosminer{info{fans{name rpm speed} summary{power{approxConsumptionW limitW}} workSolver{nominalMhs realHashrate{mhs5S}}}}}"}`
	graphPools  = `{"query":"query pools{bosminer{info{poolGroups{name pools{url user active status shares{acceptedSolutions rejectedSolutions}}}}}}"}`
	graphBoards = `{"query":"query boards{bosminer{info{workSolver{childSolvers{name nominalMhs realHashrate{mhs5S} hwDetails{chips} temperatures{degreesC name}}}}}}"}`
)

// readBraiinsGraphQL reads the three queries.
func readBraiinsGraphQL(r *Reading, replies []Value) error {
	data := replies[0].Get("data")
	info := data.Get("bosminer").Get("info")
	if !info.OK() {
		return refused(replies[0], "bosminer")
	}
	r.Firmware, r.ElapsedSeconds = data.Get("bos").Get("info").Get("version").Get("full").Text(),
		data.Get("bos").Get("uptime").Get("durationS").Count()
	solver := info.Get("workSolver")
	if info.null() || solver.null() { // stopped: the program that would solve is not there
		r.Sleeping, r.RateMHs = true, 0
		readGraphPools(r, replies[1])
		return nil
	}
	r.RateMHs, r.IdealMHs = megahashes(solver.Get("realHashrate").Get("mhs5S"), 1e6),
		megahashes(solver.Get("nominalMhs"), 1e6)
	power := info.Get("summary").Get("power")
	r.PowerWatts, r.PowerLimit = power.Get("approxConsumptionW").Count(), power.Get("limitW").Count()
	readFans(r, info.Get("fans"))
	r.turning()
	readGraphPools(r, replies[1])
	for i, c := range replies[2].Get("data").Get("bosminer").Get("info").Get("workSolver").Get("childSolvers").Rows {
		b := Board{Slot: i, RateMHs: megahashes(c.Get("realHashrate").Get("mhs5S"), 1e6),
			Chips: int(c.Get("hwDetails").Get("chips").Count()), ChipTemp: Unknown}
		// Boards are named by their slot, which begins with 6 on some models; what is no such number is counted on.
		if n := c.Get("name").Count(); n >= 0 && n < 100 {
			b.Slot = int(n)
		}
		for _, t := range c.Get("temperatures").Each {
			switch t.Get("name").Text() {
			case "Chip", "Max Chip":
				b.ChipTemp = hotter(b.ChipTemp, temperature(t.Get("degreesC")))
			case "Board", "Max Board":
				r.BoardTemp = hotter(r.BoardTemp, temperature(t.Get("degreesC")))
			}
		}
		r.addBoard(b)
	}
	return nil
}

// readGraphPools reads the pools of all groups.
func readGraphPools(r *Reading, reply Value) {
	for _, group := range reply.Get("data").Get("bosminer").Get("info").Get("poolGroups").Each {
		for _, p := range group.Get("pools").Each {
			shares := p.Get("shares")
			r.addPool(Pool{URL: p.Get("url").Text(), User: p.Get("user").Text(),
				Alive: p.Get("status").Text() == "ALIVE", Active: p.Get("active").True(),
				Accepted: shares.Get("acceptedSolutions").Count(), AcceptedMH: Unknown},
				shares.Get("rejectedSolutions").Count())
		}
	}
}

// addPool adds a pool of a protocol that counts shares by pool only.
func (r *Reading) addPool(p Pool, rejected int64) {
	if p.URL == "" || len(r.Pools) >= maxPools {
		return
	}
	r.Pools = append(r.Pools, p)
	r.Accepted, r.Rejected = addCounter(r.Accepted, p.Accepted), addCounter(r.Rejected, rejected)
	if p.AcceptedMH != Unknown {
		r.AcceptedMH = addCounter(r.AcceptedMH, p.AcceptedMH)
	}
}

// gigahash reads {"gigahash_per_second":n}.
func gigahash(v Value) int64 { return megahashes(v.Get("gigahash_per_second"), 1e9) }

// readBraiinsREST reads the public REST API (developer.braiins-os.com).
func readBraiinsREST(r *Reading, replies []Value) error {
	stats, details := replies[0].Get("miner_stats"), replies[5]
	if !stats.OK() {
		return refused(replies[0], "miner_stats")
	}
	real := stats.Get("real_hashrate")
	r.RateMHs = gigahash(real.Get("last_1m"))
	if r.RateMHs == Unknown {
		r.RateMHs = gigahash(real.Get("last_5s"))
	}
	r.IdealMHs, r.ElapsedSeconds = gigahash(stats.Get("nominal_hashrate")), details.Get("bosminer_uptime_s").Count()
	r.totalFromAverage(real.Get("since_restart").Get("gigahash_per_second").Float() * 1000)
	r.PowerWatts = replies[0].Get("power_stats").Get("approximated_consumption").Get("watt").Count()
	for _, state := range replies[4].Get("mode_state").Each {
		r.PowerLimit = state.Get("current_target").Get("watt").Count()
	}
	identity := details.Get("miner_identity")
	r.Model = first(identity.Get("miner_model").Text(), identity.Get("name").Text())
	r.Firmware, r.MinerID = details.Get("bos_version").Get("current").Text(), details.Get("uid").Text()
	r.MAC, r.Serial = normalMAC(details.Get("mac_address").Text()), properSerial(details.Get("serial_number").Text())
	r.Sleeping = details.Get("status").Count() == 3 // MINER_STATUS_PAUSED
	for _, group := range replies[1].Each {
		for _, p := range group.Get("pools").Each {
			r.addPool(Pool{URL: p.Get("url").Text(), User: p.Get("user").Text(), Alive: p.Get("alive").True(),
				Active:   p.Get("active").True(),
				Accepted: p.Get("stats").Get("accepted_shares").Count(), AcceptedMH: Unknown},
				p.Get("stats").Get("rejected_shares").Count())
		}
	}
	if len(r.Pools) == 0 { // without the pools, the sums of all
		sums := replies[0].Get("pool_stats")
		r.Accepted, r.Rejected = sums.Get("accepted_shares").Count(), sums.Get("rejected_shares").Count()
	}
	for i, h := range replies[2].Get("hashboards").Rows {
		r.addBoard(Board{Slot: i + 1, Chips: int(h.Get("chips_count").Count()),
			RateMHs:  gigahash(h.Get("stats").Get("real_hashrate").Get("last_1m")),
			ChipTemp: temperature(h.Get("highest_chip_temp").Get("temperature").Get("degree_c")),
			Serial:   h.Get("serial_number").Text()})
		r.BoardTemp = hotter(r.BoardTemp, temperature(h.Get("board_temp").Get("degree_c")))
	}
	readFans(r, replies[3].Get("fans"))
	r.turning()
	for _, e := range replies[6].Get("errors").Each {
		for _, code := range e.Get("error_codes").Each {
			r.addError(code.Get("code").Text())
		}
	}
	return nil
}

// readVNish reads the web API of VNish 1.2 and later; the maker's pool is marked as such there.
func readVNish(r *Reading, replies []Value) error {
	m := replies[0].Get("miner")
	if !m.OK() {
		return refused(replies[0], "summary")
	}
	info := replies[1]
	model, version := vnishModel(m.Get("miner_type").Text())
	r.Model = first(info.Get("miner").Text(), model)
	r.Firmware, r.Serial = first(info.Get("fw_version").Text(), version), properSerial(info.Get("serial").Text())
	for _, v := range []Value{info, replies[0]} {
		r.MAC = first(r.MAC, normalMAC(v.Get("system").Get("network_status").Get("mac").Text()))
	}
	// Versions name it differently and in another unit: gigahashes here, terahashes there.
	if r.RateMHs = megahashes(m.Get("hr_realtime"), 1e9); r.RateMHs == Unknown {
		r.RateMHs = megahashes(m.Get("instant_hashrate"), 1e12)
	}
	r.IdealMHs = megahashes(m.Get("hr_stock"), 1e9)
	if r.IdealMHs == Unknown {
		r.IdealMHs = megahashes(info.Get("hr_stock"), 1e9)
	}
	silent := r.IdealMHs == Unknown // then the chains' own
	r.PowerWatts, r.HardwareErrors = m.Get("power_consumption", "power_usage").Count(), m.Get("hw_errors").Count()
	status := m.Get("miner_status")
	r.ElapsedSeconds = status.Get("miner_state_time").Count()
	if average := m.Get("hr_average"); average.OK() {
		r.totalFromAverage(average.Float() * 1000)
	} else {
		r.totalFromAverage(m.Get("average_hashrate").Float() * 1e6)
	}
	state := status.Get("miner_state").Text()
	if r.Sleeping = state == "stopped"; r.Sleeping {
		r.RateMHs = 0 // the last one stands on
	}
	if state == "failure" {
		r.addError("failure " + status.Get("failure_code").Text())
	}
	for _, f := range m.Get("cooling").Get("fans").Each {
		r.addFan(f.Get("rpm").Count())
	}
	readVNishChains(r, m.Get("chains"), silent)
	r.ChipTemp = hotter(r.ChipTemp, temperature(m.Get("chip_temp").Get("max")))
	r.BoardTemp = hotter(r.BoardTemp, temperature(m.Get("pcb_temp").Get("max")))
	readVNishPools(r, m.Get("pools"))
	preset := replies[2].Get("current_preset")
	r.setMode(preset.Get("name").Text(), preset.Get("pretty").Text(), preset.Text(),
		m.Get("preset", "profile", "power_mode").Text(), m.Get("overclock").Get("preset").Text())
	return nil
}

// readVNishChains reads the boards; what they should make counts where the machine does not say what it should.
func readVNishChains(r *Reading, chains Value, silent bool) {
	for i, c := range chains.Rows {
		// A board's number is its place in the machine. Versions that tell none, or nonsense, get their order, so that
		// a technician still finds it.
		slot := c.Get("id").Count()
		if slot < 0 || slot > 99 {
			slot = int64(i + 1)
		}
		chips := int64(0)
		for _, n := range c.Get("chip_statuses").Each {
			chips += max(n.Count(), 0)
		}
		r.addBoard(Board{Slot: int(slot), RateMHs: megahashes(c.Get("hr_realtime", "hashrate_rt"), 1e9),
			Chips:    int(chips),
			ChipTemp: temperature(c.Get("chip_temp").Get("max")), Serial: c.Get("serial").Text()})
		r.BoardTemp = hotter(r.BoardTemp, temperature(c.Get("pcb_temp").Get("max")))
		if ideal := megahashes(c.Get("hashrate_ideal"), 1e9); silent && ideal != Unknown {
			r.IdealMHs = addCounter(r.IdealMHs, ideal)
		}
	}
}

// readVNishPools reads the pools: "active" is in use, "working" one that could be.
func readVNishPools(r *Reading, pools Value) {
	for _, p := range pools.Each {
		state := p.Get("status").Text()
		r.addPool(Pool{URL: p.Get("url").Text(), User: p.Get("user").Text(), Alive: state != "offline" &&
			// The maker's pool takes part of the work: it is shown apart, and its shares are not the farm's.
			state != "rejecting" && state != "disabled", Active: state == "active",
			Fee: strings.EqualFold(p.Get("pool_type").Text(), "DevFee"), Accepted: p.Get("accepted").Count(),
			AcceptedMH: difficultyMH(p.Get("diffa"))}, p.Get("rejected").Count())
	}
}

// readEPIC reads the PowerPlay firmware (ePIC Blockchain), HTTP on port 4028.
func readEPIC(r *Reading, replies []Value) error {
	s, capabilities := replies[0], replies[1]
	session := s.Get("Session")
	if !session.OK() {
		return refused(s, "summary")
	}
	r.Model = capabilities.Get("Model").Text()
	r.Firmware, r.Serial = s.Get("Software").Text(),
		properSerial(first(s.Get("Miner Serial Number").Text(), capabilities.Get("Miner Serial Number").Text()))
	for _, network := range replies[2].Each {
		r.MAC = first(r.MAC, normalMAC(network.Get("mac_address").Text()))
	}
	r.ElapsedSeconds = session.Get("Uptime").Count()
	r.Accepted, r.Rejected = session.Get("Accepted").Count(), session.Get("Rejected").Count()
	r.totalFromAverage(session.Get("Average MHs").Float())
	r.IdealMHs = megahashes(capabilities.Get("Default Hashrate"), 1e12)
	if watts, ok := s.Get("Power Supply Stats").Get("Input Power").Number(); ok && watts >= 0 {
		r.PowerWatts = int64(math.Round(min(watts, 1e6)))
	}
	r.PowerLimit = s.Get("PresetInfo").Get("Target Power").Count()
	r.Sleeping = s.Get("Status").Get("Operating State").Text() == "Idling"
	r.addError(s.Get("Status").Get("Last Error").Text())
	readEPICBoards(r, s, capabilities)
	if r.RateMHs == Unknown {
		// Firmware 2 tells no rate but the average since the start.
		if r.RateMHs = megahashes(session.Get("Average MHs"), 1e6); s.Get("HBStatus").OK() && len(r.Boards) > 0 {
			r.RateMHs = 0
		}
	}
	// Boards that are there and give no rate do nothing: that is 0, not an answer left out.
	for _, f := range s.Get("Fans Rpm").Each {
		r.addFan(f.Count())
	}
	readEPICPools(r, s)
	return nil
}

// readEPICBoards reads the boards that are there, and sums their rates. HBStatus has all of them, HBs those that
// are on; firmware 2 has HBs alone.
func readEPICBoards(r *Reading, s, known Value) {
	chips := int(known.Get("Performance Estimator").Get("Chip Count").Count())
	on := func(slot int) Value {
		for _, row := range s.Get("HBs").Each {
			if row.Get("Index").Count() == int64(slot) {
				return row
			}
		}
		return Value{}
	}
	all := s.Get("HBStatus")
	if !all.OK() {
		all = s.Get("HBs")
	}
	serials := 0 // of those that are on, in their order
	for _, h := range all.Each {
		if detected := h.Get("Detected"); detected.OK() && !detected.True() {
			continue
		}
		b := Board{Slot: int(min(max(h.Get("Index").Count(), 0), 99)), ChipTemp: Unknown}
		if row := on(b.Slot); row.OK() {
			b.Chips, b.ChipTemp = chips, temperature(row.Get("Temperature"))
			b.Serial = known.Get("BoardSerialNumbers").At(serials).Text()
			serials++
			if b.RateMHs = megahashes(row.Get("Hashrate").At(0), 1e6); b.RateMHs != Unknown {
				r.RateMHs = addCounter(r.RateMHs, b.RateMHs)
			}
		}
		r.addBoard(b)
	}
}

// readEPICPools reads the list of pools, of which one is marked; without a list the pool in use alone.
func readEPICPools(r *Reading, s Value) {
	stratum := s.Get("Stratum")
	for i, p := range s.Get("StratumConfigs").Rows {
		active := int64(i) == max(stratum.Get("Config Id").Count(), 0)
		r.Pools = append(r.Pools[:min(len(r.Pools), maxPools-1)],
			Pool{URL: p.Get("pool").Text(), User: p.Get("login").Text(), Active: active,
				Alive: !active || stratum.Get("IsPoolConnected").True(), Accepted: Unknown, AcceptedMH: Unknown})
	}
	if url := stratum.Get("Current Pool").Text(); url != "" && len(r.Pools) == 0 {
		r.Pools = []Pool{{URL: url, User: stratum.Get("Current User").Text(), Active: true, Alive: true,
			Accepted: r.Accepted, AcceptedMH: Unknown}}
	}
}

// readMarathon reads MARA firmware.
func readMarathon(r *Reading, replies []Value) error {
	brief, overview := replies[0], replies[1]
	if !brief.Get("hashrate_realtime").OK() {
		return refused(brief, "brief")
	}
	r.RateMHs, r.IdealMHs = megahashes(brief.Get("hashrate_realtime"), 1e9),
		megahashes(brief.Get("hashrate_ideal"), 1e9)
	r.totalFromAverage(brief.Get("hashrate_average").Float() * 1000)
	r.PowerWatts, r.ElapsedSeconds = brief.Get("power_consumption_estimated").Count(), brief.Get("elapsed").Count()
	r.Sleeping = strings.EqualFold(brief.Get("status").Text(), "Sleep") || strings.EqualFold(brief.Get("status").Text(),
		"Sleeping")
	r.Model, r.Firmware, r.MAC = overview.Get("model").Text(), overview.Get("version_firmware").Text(),
		normalMAC(overview.Get("mac").Text())
	for _, h := range replies[2].Get("hashboards").Each {
		b := Board{Slot: int(min(max(h.Get("index").Count(), 0), 99)), RateMHs: megahashes(h.Get("hashrate_average"),
			1e9), Chips: int(h.Get("asic_num").Count()), ChipTemp: Unknown,
			Serial: h.Get("serial_number").Text()}
		for _, t := range h.Get("temperature_chip").Each {
			b.ChipTemp = hotter(b.ChipTemp, temperature(t))
		}
		for _, t := range h.Get("temperature_pcb").Each {
			r.BoardTemp = hotter(r.BoardTemp, temperature(t))
		}
		r.addBoard(b)
	}
	for _, f := range replies[3].Get("fans").Each {
		r.addFan(f.Get("current_speed").Count())
	}
	for _, p := range replies[4].Each {
		state := strings.ToLower(p.Get("status").Text())
		r.addPool(Pool{URL: p.Get("url").Text(), User: p.Get("user").Text(), Alive: state == "alive",
			// The firmware does not say which: it works for the first that is alive.
			Active:   state == "alive" && r.ActivePool() == Pool{},
			Accepted: p.Get("accepted").Count(), AcceptedMH: difficultyMH(p.Get("diffa"))}, p.Get("rejected").Count())
	}
	return nil
}
