package protocol

import (
	"slices"
	"strconv"
	"strings"
)

// maxPools that are kept of a machine: LuxOS and Braiins have groups of them.
const maxPools = 32

// readCgminer reads the summary, pools, devices and chains of cgminer API 3.7 and its kin.
func readCgminer(r *Reading, replies []Value) error {
	v := replies[0]
	devices := section(v, "devs", "DEVS")
	if err := readSummary(r, v); err != nil {
		if !devices.At(0).OK() {
			return err
		}
		sumDevices(r, devices) // a summary that is denied does not lose the rest
	}
	readPools(r, section(v, "pools", "POOLS"))
	if !r.PoolsReported {
		readNumberedPools(r, v)
	}
	readDevices(r, devices)
	readChains(r, statsRows(v))
	if s := statsRow(v); len(r.Boards) == 0 && s.Get("chain_acn1").OK() {
		readFlatBoards(r, s)
	}
	summary := section(v, "summary", "SUMMARY").At(0)
	for n := int64(1); n <= min(summary.Get("Fan Num").Count(), 8); n++ { // StrongU
		r.addFan(summary.Get("Fan" + strconv.FormatInt(n, 10)).Count())
	}
	return nil
}

// readFlatBoards reads boards and fans of firmwares that write their stats as old Antminers do and call themselves
// otherwise (Hammer, VolcMiner). Their unit is the one in which the boards make what the machine makes.
func readFlatBoards(r *Reading, s Value) {
	flat := newReading(r.Protocol)
	readFlatStats(flat, s)
	sum := int64(0)
	for _, b := range flat.Boards {
		sum += max(b.RateMHs, 0)
	}
	if r.RateMHs > 0 && sum/100 > r.RateMHs {
		flat.scale(1000)
	}
	r.Boards, r.Fans, r.ChipTemp, r.BoardTemp = flat.Boards, flat.Fans, flat.ChipTemp, flat.BoardTemp
}

// readNumberedPools reads the pools of Innosilicon's sgminer: a section for each, POOL0 and on.
func readNumberedPools(r *Reading, v Value) {
	if joined := v.Get("pools").At(0); joined.OK() {
		v = joined
	}
	for n := range 8 {
		for _, p := range v.Get("POOL" + strconv.Itoa(n)).Each {
			alive := strings.EqualFold(p.Get("Status").Text(), "Alive")
			r.PoolsReported = true
			r.Pools = append(r.Pools, Pool{URL: p.Get("URL").Text(), User: p.Get("User").Text(), Alive: alive,
				Active:   alive && r.ActivePool() == Pool{},
				Accepted: p.Get("Accepted").Count(), AcceptedMH: difficultyMH(p.Get("Difficulty Accepted"))})
			if len(r.Pools) == maxPools {
				return
			}
		}
	}
}

// sumDevices makes up for a summary that is not told: devices count what they have done.
func sumDevices(r *Reading, devices Value) {
	for _, d := range devices.Each {
		r.RateMHs = addCounter(r.RateMHs, rateOf(d, "5s", "20s", "1m", "av"))
		r.TotalMH = addCounter(r.TotalMH, megahashes(d.Get("Total MH"), 1e6))
		r.HardwareErrors = addCounter(r.HardwareErrors, d.Get("Hardware Errors").Count())
		r.ElapsedSeconds = max(r.ElapsedSeconds, uptime(d.Get("Device Elapsed")))
	}
}

// statsRows are the rows of STATS, or of STATS0 and on, which Innosilicon's sgminer writes; at most 64.
func statsRows(v Value) (rows []Value) {
	add := func(stats Value) {
		for _, row := range stats.Each {
			if len(rows) < 64 {
				rows = append(rows, row)
			}
		}
	}
	if add(section(v, "stats", "STATS")); len(rows) > 0 {
		return rows
	}
	if joined := v.Get("stats").At(0); joined.OK() {
		v = joined
	}
	for n := range 16 {
		add(v.Get("STATS" + strconv.Itoa(n)))
	}
	return rows
}

// readChains reads the rows of STATS that are hash boards, as Innosilicon's firmware and its kin (HonorKnight,
// MinerVA) write them: what DEVS does not tell of a board, and the fans.
func readChains(r *Reading, rows []Value) {
	devices, n := len(r.Boards), 0
	for _, row := range rows {
		chips := row.Get("Num active chips", "Num chips", "Chip Count")
		if !chips.OK() {
			continue // a pool, a version, a place for a chain
		}
		b := Board{Slot: n, RateMHs: rateOf(row, "5s", "1m", "av"), Chips: int(chips.Count()),
			ChipTemp: temperature(row.Get("Temp max", "Temp Avg", "Temp"))}
		if row.Get("Enabled").Text() == "N" || strings.EqualFold(row.Get("Status").Text(), "Dead") ||
			row.Get("Disabled").True() {
			b.RateMHs = 0
		}
		switch {
		case devices == 0:
			r.addBoard(b)
		case n < devices:
			r.Boards[n].Chips = b.Chips
			r.Boards[n].ChipTemp = hotter(r.Boards[n].ChipTemp, b.ChipTemp)
			r.ChipTemp = hotter(r.ChipTemp, b.ChipTemp)
		}
		r.BoardTemp = hotter(r.BoardTemp, temperature(row.Get("Temp")))
		for fan := 0; n == 0 && fan < 8; fan++ { // every row tells the same fans
			name := "Fan" + strconv.Itoa(fan)
			r.addFan(row.Get(name+" rpm", name+" Speed").Count())
		}
		n++
	}
}

// readSummary reads SUMMARY, in which rates are MHS or GHS.
func readSummary(r *Reading, v Value) error {
	s := section(v, "summary", "SUMMARY").At(0)
	if !s.OK() {
		return refused(v, "summary")
	}
	r.ElapsedSeconds = uptime(s.Get("Elapsed"))
	r.RateMHs = rateOf(s, "5s", "20s", "30s", "1m", "5m", "av")
	r.TotalMH = megahashes(s.Get("Total MH"), 1e6)
	if average := rateOf(s, "av"); average != Unknown {
		r.totalFromAverage(float64(average))
	}
	r.Accepted, r.Rejected, r.HardwareErrors = s.Get("Accepted").Count(), s.Get("Rejected").Count(),
		s.Get("Hardware Errors").Count()
	r.AcceptedMH, r.RejectedMH, r.StaleMH = difficultyMH(s.Get("Difficulty Accepted")),
		difficultyMH(s.Get("Difficulty Rejected")), difficultyMH(s.Get("Difficulty Stale"))
	return nil
}

// maxUptime of a mining program: a clock that was set while it ran makes it decades.
const maxUptime = 5 * 365 * 86400

// uptime is a plausible one in seconds, or Unknown.
func uptime(v Value) int64 {
	if seconds := v.Count(); seconds <= maxUptime {
		return seconds
	}
	return Unknown
}

// rateOf is the first rate that is there, over the given windows.
func rateOf(s Value, windows ...string) int64 {
	for _, window := range windows {
		if rate := megahashes(s.Get("MHS "+window), 1e6); rate != Unknown {
			return rate
		}
		if rate := megahashes(s.Get("GHS "+window), 1e9); rate != Unknown {
			return rate
		}
	}
	for _, window := range windows { // rarer: looked for where nothing else is told
		for _, unit := range []string{"THS ", "KHS ", "PHS "} {
			if rate := megahashes(s.Get(unit+window), rateUnit(unit[:3])); rate != Unknown {
				return rate
			}
		}
	}
	return Unknown
}

// readPools reads POOLS; the counters of shares by pool go before those of the summary where it has none.
func readPools(r *Reading, pools Value) {
	r.PoolsReported = pools.OK()
	var accepted, rejected, stale, shares, lost int64 = Unknown, Unknown, Unknown, Unknown, Unknown
	for _, p := range pools.Each {
		if len(r.Pools) == maxPools {
			break
		}
		status := p.Get("Status", "status").Text()
		pool := Pool{URL: p.Get("URL", "url").Text(), User: p.Get("User", "user", "account").Text(),
			Alive:      strings.EqualFold(status, "Alive") || strings.EqualFold(status, "Active"), // FDMiner
			Accepted:   p.Get("Accepted", "accepted").Count(),
			AcceptedMH: difficultyMH(p.Get("Difficulty Accepted", "diffa"))}
		if pool.URL == "" {
			continue // a place for a pool that is not set
		}
		pool.Fee = pool.URL == "*" || strings.EqualFold(pool.URL, "DevFee") || p.Get("Priority").Count() >= 998
		active := p.Get("Stratum Active", "stratum-active")
		// Where nothing says which pool is in use, it is the live one of the best priority.
		pool.Active = active.True() || (!active.OK() && pool.Alive && !pool.Fee &&
			!slices.ContainsFunc(r.Pools, func(p Pool) bool { return p.Active }))
		r.Pools = append(r.Pools, pool)
		accepted = addCounter(accepted, pool.AcceptedMH)
		rejected = addCounter(rejected, difficultyMH(p.Get("Difficulty Rejected", "diffr")))
		stale = addCounter(stale, difficultyMH(p.Get("Difficulty Stale", "diffs")))
		shares = addCounter(shares, pool.Accepted)
		lost = addCounter(lost, p.Get("Rejected", "rejected").Count())
	}
	for to, counted := range map[*int64]int64{&r.AcceptedMH: accepted, &r.RejectedMH: rejected, &r.StaleMH: stale,
		&r.Accepted: shares, &r.Rejected: lost} {
		if *to == Unknown {
			*to = counted
		}
	}
}

// readDevices reads DEVS, one row a hash board.
func readDevices(r *Reading, devices Value) {
	for i, d := range devices.Rows {
		slot := d.Get("ASC", "Slot", "ID", "DEV", "slot", "id").Count()
		if slot == Unknown {
			slot = int64(i)
		}
		b := Board{Slot: int(min(slot, 99)), RateMHs: rateOf(d, "5s", "20s", "1m", "av"),
			Chips:    int(d.Get("Effective Chips", "Chips", "effective-chips", "chips-nr").Count()),
			ChipTemp: temperature(d.Get("Chip Temp Max", "chip-temp-max", "Temperature", "temperature")),
			Serial:   d.Get("PCB SN", "SerialNumber", "pcb-sn").Text()}
		for _, name := range []string{"hash-average", "hash-realtime"} {
			if rate := megahashes(d.Get(name), 1e12); rate != Unknown {
				b.RateMHs = rate
			}
		}
		if rate := megahashes(d.Get("HS RT"), 1e6); b.RateMHs == Unknown {
			b.RateMHs = rate
		}
		if strings.EqualFold(d.Get("Status", "status").Text(), "Dead") || d.Get("Enabled").Text() == "N" {
			b.RateMHs = 0
		}
		if d.Get("CPU").OK() {
			b.Chips = 1 // a processor: 'aqsha mine', which idles without being broken
			if b.RateMHs == 0 {
				b.RateMHs = Unknown
			}
		}
		r.addBoard(b)
	}
}

// readFans reads FANS of LuxOS and Braiins.
func readFans(r *Reading, fans Value) {
	for _, f := range fans.Each {
		r.addFan(f.Get("RPM", "Speed", "rpm").Count())
	}
}
