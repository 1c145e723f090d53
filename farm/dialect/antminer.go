package dialect

import (
	"fmt"
	"strconv"
	"strings"
)

// statsRow is the row of STATS that holds the machine; others hold versions.
func statsRow(v Value) Value {
	stats := section(v, "stats", "STATS")
	for _, row := range stats.Each {
		if row.Get("total_rateideal", "chain", "rate_5s", "GHS 5s", "chain_acn1", "chain_acn6").OK() {
			return row
		}
	}
	return Value{}
}

// readAntminerOld reads stock firmware with flat stats: chain_rateN, temp2_N and fanN, where N begins
// at 1 or at 6 and chains that are not there read 0.
func readAntminerOld(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	readPools(r, section(v, "pools", "POOLS"))
	s := statsRow(v)
	if !s.OK() {
		return refused(v, "stats")
	}
	for _, row := range section(v, "stats", "STATS").Each {
		r.Model, r.Firmware = first(r.Model, row.Get("Type").Text()), first(r.Firmware, row.Get("Miner", "CompileTime").Text())
	}
	readFlatStats(r, s)
	return nil
}

// readFlatStats reads the flat row, which LuxOS keeps too.
func readFlatStats(r *Reading, s Value) {
	unit := unitOf(s.Get("rate_unit"), 1e9)
	if rate := megahashes(s.Get("GHS 5s"), 1e9); rate != Unknown {
		r.RateMHs = rate
	}
	if r.ElapsedSeconds == Unknown {
		r.ElapsedSeconds = s.Get("Elapsed").Count()
	}
	r.IdealMHs = megahashes(s.Get("total_rateideal"), unit)
	for n := 1; n <= 16; n++ {
		chips := s.Get("chain_acn" + strconv.Itoa(n))
		if !chips.OK() || !expectedChain(s, n) {
			continue
		}
		b := Board{Slot: n, Chips: int(chips.Count()), RateMHs: megahashes(s.Get(fmt.Sprintf("chain_rate%d", n)), unit), ChipTemp: Unknown}
		if b.Chips <= 0 && b.RateMHs == Unknown {
			b.RateMHs = 0
		}
		b.ChipTemp = hotter(temperature(s.Get(fmt.Sprintf("temp2_%d", n))), hottestOf(s.Get(fmt.Sprintf("temp_chip%d", n)).Text()))
		r.BoardTemp = hotter(r.BoardTemp, hotter(temperature(s.Get(fmt.Sprintf("temp%d", n))), hottestOf(s.Get(fmt.Sprintf("temp_pcb%d", n)).Text())))
		r.ChipTemp = hotter(r.ChipTemp, b.ChipTemp)
		r.Boards = append(r.Boards, b)
	}
	wanted := s.Get("fan_num").Count()
	for n := 1; n <= 8; n++ {
		// Unused connectors read 0. A fan that stands still is told by the number of fans.
		if rpm := s.Get("fan" + strconv.Itoa(n)).Count(); rpm > 0 && rpm < 100_000 {
			r.Fans = append(r.Fans, int(rpm))
		}
	}
	for int64(len(r.Fans)) < min(wanted, 8) {
		r.Fans = append(r.Fans, 0)
	}
}

// expectedChain says whether a chain is part of the machine: it has chips, or an ideal rate that it should make.
func expectedChain(s Value, n int) bool {
	return s.Get("chain_acn"+strconv.Itoa(n)).Float() > 0 || s.Get("chain_rateideal"+strconv.Itoa(n)).Float() > 0
}

// hottestOf reads "45-43-62-60".
func hottestOf(list string) int {
	hottest := Unknown
	for _, part := range strings.Split(list, "-") {
		if t, err := strconv.Atoi(strings.TrimSpace(part)); err == nil && t > 0 && t <= 200 {
			hottest = max(hottest, t)
		}
	}
	return hottest
}

// readAntminerNew reads stock firmware with chains as a list.
func readAntminerNew(r *Reading, replies []Value) error {
	s := statsRow(replies[0])
	if !s.OK() {
		return refused(replies[0], "stats")
	}
	info := replies[0].Get("INFO")
	r.Model, r.Firmware = info.Get("type").Text(), info.Get("miner_version", "CompileTime").Text()
	unit := unitOf(s.Get("rate_unit"), 1e9)
	r.ElapsedSeconds = s.Get("elapsed").Count()
	r.RateMHs, r.IdealMHs = megahashes(s.Get("rate_5s"), unit), megahashes(s.Get("rate_ideal"), unit)
	if average := s.Get("rate_avg"); average.OK() {
		r.totalFromAverage(average.Float() * unit / 1e6)
	}
	for _, fan := range s.Get("fan").Each {
		if rpm := fan.Count(); rpm >= 0 && rpm < 100_000 && len(r.Fans) < 16 {
			r.Fans = append(r.Fans, int(rpm))
		}
	}
	errors := int64(Unknown)
	for _, c := range s.Get("chain").Each {
		if len(r.Boards) == 16 {
			break
		}
		b := Board{Slot: int(max(c.Get("index").Count(), 0)), RateMHs: megahashes(c.Get("rate_real"), unit), Chips: int(c.Get("asic_num").Count()), ChipTemp: Unknown}
		for _, t := range c.Get("temp_chip").Each {
			b.ChipTemp = hotter(b.ChipTemp, temperature(t))
		}
		for _, t := range c.Get("temp_pcb").Each {
			r.BoardTemp = hotter(r.BoardTemp, temperature(t))
		}
		errors = addCounter(errors, c.Get("hw").Count())
		r.ChipTemp = hotter(r.ChipTemp, b.ChipTemp)
		r.Boards = append(r.Boards, b)
	}
	r.HardwareErrors = errors
	r.Sleeping = s.Get("miner-mode", "bitmain-work-mode").Count() == 1
	readPools(r, replies[1].Get("POOLS"))
	return nil
}
