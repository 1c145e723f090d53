package protocol

import (
	"slices"
	"strings"
)

// maxPools that are kept of a machine: LuxOS and Braiins have groups of them.
const maxPools = 32

// readCgminer reads the summary, pools and devices of cgminer API 3.7 and its kin.
func readCgminer(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	readPools(r, section(v, "pools", "POOLS"))
	readDevices(r, section(v, "devs", "DEVS"))
	return nil
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
			Alive:      strings.EqualFold(status, "Alive"),
			Accepted:   p.Get("Accepted", "accepted").Count(),
			AcceptedMH: difficultyMH(p.Get("Difficulty Accepted", "diffa"))}
		if pool.URL == "" {
			continue // a place for a pool that is not set
		}
		pool.Fee = pool.URL == "*" || p.Get("Priority").Count() >= 998
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
			ChipTemp: temperature(d.Get("Chip Temp Max", "chip-temp-max", "Temperature")),
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
