package protocol

import (
	"math"
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
		if !poorer.OK() && row.Get("rate_5s", "GHS 5s", "temp_chip1").OK() {
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
	// VNish puts its own version behind the model, and has the stock program's under the firmware's name.
	if model, version := vnishModel(r.Model); version != "" {
		r.Model, r.Firmware = model, version
	}
	readFlatStats(r, s)
	by := flatUnit(r.Model, s.Get("GHS 5s").Float())
	if named := rateUnit(s.Get("rate_unit").Text()); named > 0 && named < 1e9 {
		r.scaleTotals(by) // what is of boards has the unit that is named
		return nil
	}
	r.scale(by)
	r.boardsUnit()
	return nil
}

// boardsUnit brings the boards' rates into the unit in which they make what the machine makes: FDMiner writes 10^12
// there, where it names 10^9.
func (r *Reading) boardsUnit() {
	sum := int64(0)
	for _, b := range r.Boards {
		sum += max(b.RateMHs, 0)
	}
	if sum == 0 || sum > 1<<50 || r.RateMHs/1000 < sum/4*3 || r.RateMHs/1000 > sum/4*5 {
		return
	}
	for i := range r.Boards {
		if b := &r.Boards[i]; b.RateMHs > 0 {
			b.RateMHs *= 1000
		}
	}
}

// vnishModel cuts "Antminer S19 (Vnish 1.2.0-rc1)" into the model and VNish's version; others have none.
func vnishModel(name string) (model, version string) {
	at := strings.Index(strings.ToLower(name), " (vnish ")
	if at < 0 {
		return name, ""
	}
	return name[:at], strings.TrimSuffix(name[at+len(" (vnish "):], ")")
}

// flatUnit is how much less than 10^9 hashes the fields named GHS stand for: scrypt, X11 and Ethash machines
// write 10^6 there, Equihash machines 10^3 solutions. Scrypt machines since L7, of 9.5 GH/s and more, write either.
func flatUnit(model string, rate float64) int64 {
	name, ok := strings.CutPrefix(strings.ToUpper(model), "ANTMINER ")
	if !ok || name == "" || (name[0] == 'L' && len(name) > 1 && name[1] != '3' && rate < 100) {
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
	r.scaleTotals(by)
	divide(&r.IdealMHs, by)
	for i := range r.Boards {
		divide(&r.Boards[i].RateMHs, by)
	}
}

// scaleTotals divides what is told of the machine as a whole.
func (r *Reading) scaleTotals(by int64) {
	divide(&r.RateMHs, by)
	divide(&r.TotalMH, by)
}

// divide rounds; a board that works is not one that stands.
func divide(p *int64, by int64) {
	if *p > 0 && by > 1 {
		*p = max(*p/by+(*p%by+by/2)/by, 1)
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
	if id := s.Get("miner_id").Text(); !strings.Contains(id, " ") { // "no miner id now"
		r.MinerID = id
	}
	r.IdealMHs = megahashes(s.Get("total_rateideal"), unit)
	r.Sleeping = s.Get("Mode").Count() == sleepingMode
	for _, n := range chains(s) {
		r.addBoard(flatBoard(r, s, strconv.Itoa(n), n, unit))
	}
	for n := 1; n <= 8 && len(r.Boards) == 0; n++ { // MARA tells no boards, but their heat
		r.ChipTemp = hotter(r.ChipTemp, hottestOf(s.Get("temp_chip"+strconv.Itoa(n)).Text()))
		r.BoardTemp = hotter(r.BoardTemp, hottestOf(s.Get("temp_pcb"+strconv.Itoa(n)).Text()))
	}
	readFlatPower(r, s)
	wanted := s.Get("fan_num").Count()
	if wanted > 4 {
		wanted = Unknown // connectors, of which an S7 has six, and two fans
	}
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

// readFlatPower reads the watts that MSK and Hiveon tell of the machine, and VNish of each chain.
func readFlatPower(r *Reading, s Value) {
	watts := s.Get("total_power").Count()
	if all, _, ok := quantity(s.Get("chain_power").Text()); ok && watts <= 0 { // "456.78 (AB)"
		watts = inRange(all)
	}
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
	// Without chips, or with an empty text for its rate, it makes nothing; one of which no rate is told may work.
	if rate := s.Get("chain_rate" + n); b.RateMHs == Unknown && (b.Chips == 0 || (rate.OK() && rate.Text() == "")) {
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
		if t, err := strconv.ParseFloat(strings.TrimSpace(list[i:end]), 64); err == nil && !math.IsNaN(t) {
			hottest = hotter(hottest, celsius(t)) // LuxOS writes "58.25-59", and NaN for a sensor that is not there
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
	if r.IdealMHs > 0 && r.RateMHs > r.IdealMHs/2*3 { // an ElphaPex's 5 s reach three times what it makes
		for _, window := range []string{"rate_15m", "rate_30m", "rate_avg"} {
			if longer := megahashes(s.Get(window), unit); longer > 0 {
				r.RateMHs = longer
				break
			}
		}
	}
	for _, fan := range s.Get("fan").Each {
		r.addFan(fan.Count())
	}
	errors := int64(Unknown)
	for _, c := range s.Get("chain").Each {
		if c.kind() != object {
			continue
		}
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
