package protocol

import (
	"strconv"
	"strings"
)

// statsRow is the row of STATS that holds the machine; others hold versions, or a rate alone.
func statsRow(v Value) Value {
	poorer := Value{}
	for _, row := range section(v, "stats", "STATS").Each {
		if row.Get("chain", "total_rateideal", "chain_acn1", "chain_acn6").OK() {
			return row
		}
		if !poorer.OK() && row.Get("rate_5s", "GHS 5s").OK() {
			poorer = row
		}
	}
	return poorer
}

// readAntminerOld reads stock firmware with flat stats and its kin (Hiveon, asicseer, MSK): chain_rateN,
// temp2_N and fanN, where N begins at 1 or at 6 and chains that are not there read 0.
func readAntminerOld(r *Reading, replies []Value) error {
	v := replies[0]
	denied := readSummary(r, v)
	readPools(r, section(v, "pools", "POOLS"))
	s := statsRow(v)
	if !s.OK() {
		if denied == nil && len(r.Pools) > 0 {
			return nil // only the boards are not told: a group of commands that is not allowed
		}
		return refused(v, "stats")
	}
	longest := ""
	for _, row := range section(v, "stats", "STATS").Each {
		if model := row.Get("Type").Text(); len(model) > len(longest) {
			longest = model
		}
		r.Firmware = first(r.Firmware, row.Get("Miner", "CompileTime").Text())
	}
	r.Model = first(longest, r.Model)
	readFlatStats(r, s)
	r.scale(flatUnit(r.Model))
	return nil
}

// flatUnit is how much less than 10^9 hashes the fields named GHS stand for: scrypt, X11 and Ethash machines
// write 10^6 there, Equihash machines 10^3 solutions.
func flatUnit(model string) int64 {
	name, ok := strings.CutPrefix(strings.ToUpper(model), "ANTMINER ")
	if !ok || name == "" {
		return 1
	}
	switch name[0] {
	case 'L', 'D', 'E':
		return 1000
	case 'Z':
		return 1_000_000
	}
	return 1
}

// scale divides what was read as rates and work by a factor.
func (r *Reading) scale(by int64) {
	if by == 1 {
		return
	}
	all := []*int64{&r.RateMHs, &r.IdealMHs, &r.TotalMH}
	for i := range r.Boards {
		all = append(all, &r.Boards[i].RateMHs)
	}
	for _, p := range all {
		if *p > 0 {
			*p = max(*p/by, 1) // a board that works is not one that stands
		}
	}
}

// sleepingMode is the working mode of firmwares before X19 that means asleep; later ones write 1.
const sleepingMode = 254

// readFlatStats reads the flat row, which LuxOS keeps too.
func readFlatStats(r *Reading, s Value) {
	unit := unitOf(s.Get("rate_unit"), 1e9)
	if rate := megahashes(s.Get("GHS 5s"), 1e9); rate != Unknown {
		r.RateMHs = rate
	}
	if r.ElapsedSeconds == Unknown {
		r.ElapsedSeconds = uptime(s.Get("Elapsed"))
	}
	r.MinerID = s.Get("miner_id").Text()
	r.IdealMHs = megahashes(s.Get("total_rateideal"), unit)
	r.Sleeping = s.Get("Mode").Count() == sleepingMode
	for _, n := range chains(s) {
		r.addBoard(flatBoard(r, s, strconv.Itoa(n), n, unit))
	}
	readFlatPower(r, s)
	wanted := s.Get("fan_num").Count()
	for n := 1; n <= 8; n++ {
		// Unused connectors read 0. A fan that stands still is told by the number of fans.
		if rpm := s.Get("fan" + strconv.Itoa(n)).Count(); rpm > 0 {
			r.addFan(rpm)
		}
	}
	for !r.Sleeping && int64(len(r.Fans)) < min(wanted, 8) {
		r.Fans = append(r.Fans, 0)
	}
}

// readFlatPower reads the watts that MSK tells of the machine, and VNish of each chain.
func readFlatPower(r *Reading, s Value) {
	watts := s.Get("total_power").Count()
	for n := 1; n <= 16 && watts <= 0; n++ {
		if chain := s.Get("chain_consumption" + strconv.Itoa(n)).Count(); chain > 0 && chain < 1e6 {
			r.PowerWatts = addCounter(r.PowerWatts, chain)
		}
	}
	if watts > 0 && watts < 1e6 {
		r.PowerWatts = watts
	}
}

// flatBoard reads one board of flat statistics, in which its number is behind each name.
func flatBoard(r *Reading, s Value, n string, slot int, unit float64) Board {
	b := Board{Slot: slot, Chips: int(max(s.Get("chain_acn"+n).Count(), 0)), RateMHs: megahashes(s.Get("chain_rate"+n),
		unit), ChipTemp: Unknown}
	if b.Chips == 0 && b.RateMHs == Unknown {
		b.RateMHs = 0
	}
	b.ChipTemp = hotter(temperature(s.Get("temp2_"+n)), hottestOf(s.Get("temp_chip"+n).Text()))
	r.BoardTemp = hotter(r.BoardTemp, hotter(temperature(s.Get("temp"+n)), hottestOf(s.Get("temp_pcb"+n).Text())))
	return b
}

// chains are the numbers of the chains that are part of the machine: those with chips, then, up to
// miner_count, those with an ideal rate that they should make, then any. Without miner_count those with
// an ideal rate all count. MSK states an ideal rate for 16 chains on a machine of three.
func chains(s Value) []int {
	var live, due, rest []int
	for n := 1; n <= 16; n++ {
		number := strconv.Itoa(n)
		switch chips := s.Get("chain_acn" + number); {
		case chips.Float() > 0:
			live = append(live, n)
		case s.Get("chain_rateideal"+number).Float() > 0:
			due = append(due, n)
		case chips.OK():
			rest = append(rest, n)
		}
	}
	count := s.Get("miner_count").Count()
	if count == Unknown {
		return append(live, due...)
	}
	for _, n := range append(due, rest...) {
		if int64(len(live)) >= min(count, 16) {
			break
		}
		live = append(live, n)
	}
	return live
}

// hottestOf reads "45-43-62-60", in which a sign stands behind the dash: "2--1-20-22".
func hottestOf(list string) int {
	hottest := Unknown
	for i := 0; i < len(list); {
		end := i
		if list[end] == '-' {
			end++
		}
		for end < len(list) && list[end] != '-' {
			end++
		}
		if t, err := strconv.Atoi(strings.TrimSpace(list[i:end])); err == nil {
			hottest = hotter(hottest, celsius(float64(t)))
		}
		i = end + 1
	}
	return hottest
}

// readAntminerNew reads stock firmware with chains as a list, which ElphaPex keeps too. One that sleeps may tell
// nothing but what it is.
func readAntminerNew(r *Reading, replies []Value) error {
	s, info := statsRow(replies[0]), replies[0].Get("INFO")
	if !s.OK() && (!info.Get("type").OK() || !replies[0].Get("STATS").OK()) {
		return refused(replies[0], "stats")
	}
	r.Model, r.Firmware = info.Get("type").Text(), info.Get("miner_version", "CompileTime").Text()
	r.Serial = properSerial(info.Get("dev_sn").Text())
	// The unit stands in the answer, and is not the same on all models.
	if s.OK() {
		readListedStats(r, s)
	} else {
		r.RateMHs = 0
	}
	readPools(r, replies[1].Get("POOLS"))
	return nil
}

// readListedStats reads the row in which chains are a list.
func readListedStats(r *Reading, s Value) {
	unit := unitOf(s.Get("rate_unit"), 1e9)
	r.ElapsedSeconds = uptime(s.Get("elapsed"))
	r.RateMHs, r.IdealMHs = megahashes(s.Get("rate_5s"), unit), megahashes(s.Get("rate_ideal"), unit)
	if average := s.Get("rate_avg"); average.OK() {
		r.totalFromAverage(average.Float() * unit / 1e6)
	}
	for _, fan := range s.Get("fan").Each {
		r.addFan(fan.Count())
	}
	errors := int64(Unknown)
	for _, c := range s.Get("chain").Each {
		b := Board{Slot: int(min(max(c.Get("index").Count(), 0), 99)), RateMHs: megahashes(c.Get("rate_real"), unit),
			Chips: int(c.Get("asic_num").Count()), ChipTemp: Unknown,
			Serial: c.Get("sn").Text()}
		for _, t := range c.Get("temp_chip").Each {
			b.ChipTemp = hotter(b.ChipTemp, thousandths(t))
		}
		for _, t := range c.Get("temp_pcb").Each {
			r.BoardTemp = hotter(r.BoardTemp, temperature(t))
		}
		errors = addCounter(errors, c.Get("hw").Count())
		r.addBoard(b)
	}
	if errors != Unknown {
		r.HardwareErrors = errors
	}
	ReadConfiguration(r, s)
}

// NeedsStatsPage says whether the boards of a stock Antminer are told on its page only: its port 4028 has the summary
// and the pools.
func (r *Reading) NeedsStatsPage() bool {
	return r.Protocol == AntminerOld && len(r.Boards) == 0 && r.RateMHs > 0
}

// ReadStatsPage adds what /cgi-bin/stats.cgi tells.
func ReadStatsPage(r *Reading, page Value) {
	if s := statsRow(page); s.Get("chain").OK() {
		r.Model = first(page.Get("INFO").Get("type").Text(), r.Model)
		readListedStats(r, s)
	}
}

// thousandths is a temperature in °C that ElphaPex writes in thousandths of a degree: "25687".
func thousandths(v Value) int {
	if f, ok := v.Number(); ok && f >= 1000 {
		return celsius(f / 1000)
	}
	return temperature(v)
}

// readElphaPex reads ElphaPex, which speaks as a new Antminer and tells its supply's watts on a page of its own.
func readElphaPex(r *Reading, replies []Value) error {
	if err := readAntminerNew(r, replies[:2]); err != nil {
		return err
	}
	r.PowerWatts = replies[2].Get("power_output", "power_input").Count()
	return nil
}

// NeedsConfiguration says whether only the machine's configuration tells if it sleeps: an X19 asleep is
// one that hashes nothing.
func (r *Reading) NeedsConfiguration() bool {
	return r.RateMHs == 0 && !r.Sleeping && (r.Protocol == AntminerOld || r.Protocol == AntminerNew)
}

// ReadConfiguration reads from get_miner_conf.cgi whether the machine is told to sleep: it is written
// under one name and read under another.
func ReadConfiguration(r *Reading, conf Value) {
	mode := conf.Get("miner-mode", "bitmain-work-mode").Count()
	r.Sleeping = r.Sleeping || mode == 1 || mode == sleepingMode
}
