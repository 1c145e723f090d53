package protocol

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// managementText is what an Avalon's controller says of one machine: "Ver[…] Temp[31] MGHS[1 2 3]…".
func managementText(row Value) string {
	return row.Get("MM ID0", "MM ID0:Summary", "MM ID1").Raw()
}

// management finds a field of that text; "" when it is not there.
func management(text, name string) string {
	for from := 0; ; {
		at := strings.Index(text[from:], name+"[")
		if at < 0 {
			return ""
		}
		at += from
		value := at + len(name) + 1
		if at == 0 || text[at-1] <= ' ' || text[at-1] == '{' || text[at-1] == ']' {
			value, _, _ := strings.Cut(text[value:], "]")
			return strings.TrimSpace(value)
		}
		from = value
	}
}

// numbers are those of a field, at most 64.
func numbers(field string) []float64 {
	var out []float64
	for _, part := range strings.Fields(field) {
		f, err := strconv.ParseFloat(strings.TrimSuffix(part, "%"), 64)
		if err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) && len(out) < 64 {
			out = append(out, f)
		}
	}
	return out
}

// number is the first of a field; Unknown when there is none in [0, 2^53].
func number(field string) int64 {
	if all := numbers(field); len(all) > 0 && all[0] >= 0 && all[0] < 1<<53 {
		return int64(math.Round(all[0]))
	}
	return Unknown
}

// readAvalon reads cgminer with "MM ID0": the summary has the counters, that text the machine.
func readAvalon(r *Reading, replies []Value) error {
	v := replies[0]
	denied := readSummary(r, v)
	// The 5 s swing by half.
	if rate := rateOf(section(v, "summary", "SUMMARY").At(0), "1m", "30s", "5m"); rate != Unknown {
		r.RateMHs = rate
	}
	if r.RateMHs < 0 {
		r.RateMHs = Unknown
	}
	readPools(r, section(v, "pools", "POOLS"))
	for i, source := range []Value{section(v, "stats", "STATS"), replies[1].Get("STATS")} {
		for _, row := range source.Each {
			switch text := managementText(row); {
			case !row.Get("MM ID1").OK():
				readManagement(r, text)
				if r.IdealMHs == Unknown {
					r.IdealMHs = moduleIdeal(text)
				}
			case i == 0 || len(r.Boards) == 0: // both tell the same modules
				readModules(r, row)
			}
		}
	}
	if denied != nil && len(r.Boards) == 0 {
		return denied
	}
	if r.Sleeping && r.RateMHs > 0 { // its averages fall for minutes after it stopped
		for _, row := range section(v, "stats", "STATS").Each {
			r.stopped(managementText(row))
		}
		for _, row := range replies[1].Get("STATS").Each {
			r.stopped(managementText(row))
		}
	}
	if r.RateMHs == Unknown { // a summary that is denied does not lose the rest
		for _, b := range r.Boards {
			if b.RateMHs != Unknown {
				r.RateMHs = addCounter(r.RateMHs, b.RateMHs)
			}
		}
	}
	return nil
}

// stopped takes the rate of now of a machine that sleeps (GHSspd) for that of its averages.
func (r *Reading) stopped(text string) {
	now := numbers(management(text, "GHSspd"))
	if len(now) == 0 || now[0] < 0 || now[0] > 1e9 {
		return
	}
	r.RateMHs = int64(math.Round(now[0] * 1000))
	for i := range r.Boards {
		if now[0] == 0 {
			r.Boards[i].RateMHs = 0
		}
	}
}

// readModules reads the Avalons of 2016 to 2019: a controller with several rows of up to 5 modules, each in a text of
// its own and here a board. A module tells no rate of its own, but what its frequency should make.
func readModules(r *Reading, row Value) {
	for n := range 17 {
		text := row.Get("MM ID" + strconv.Itoa(n)).Raw()
		if text == "" {
			continue
		}
		hottest := Unknown
		for _, t := range numbers(management(text, "TMax")) {
			hottest = hotter(hottest, celsius(t))
		}
		r.addBoard(Board{Slot: len(r.Boards) + 1, RateMHs: Unknown, Chips: int(number(management(text, "TA"))),
			ChipTemp: hottest})
		readManagement(r, text)
		r.addFan(number(management(text, "Fan")))
		r.IdealMHs = addCounter(r.IdealMHs, moduleIdeal(text))
	}
}

// moduleIdeal is what a module's frequency should make (GHSmm, in GH/s), in 10^6 hashes a second.
func moduleIdeal(text string) int64 {
	if all := numbers(management(text, "GHSmm")); len(all) > 0 && all[0] > 0 && all[0] < 1e9 {
		return int64(math.Round(all[0] * 1000))
	}
	return Unknown
}

// readManagement adds what the text says and the reading lacks.
func readManagement(r *Reading, text string) {
	if text == "" {
		return
	}
	rates, hottest := numbers(management(text, "MGHS")), numbers(management(text, "MTmax"))
	chips := number(management(text, "TA"))
	if len(r.Boards) == 0 {
		if len(rates) == 0 && strings.Contains(management(text, "SYSTEMSTATU"), "Hash Board: 1") {
			rates = numbers(management(text, "GHSspd")) // a Nano 3 has one board, and names it not
			hottest = numbers(management(text, "TMax"))
		}
		for i, rate := range rates {
			b := Board{Slot: i, RateMHs: int64(math.Round(min(max(rate, 0), 1e9) * 1000)), Chips: Unknown,
				ChipTemp: Unknown}
			if chips >= 0 {
				b.Chips = int(chips) / len(rates)
			}
			if i < len(hottest) {
				b.ChipTemp = celsius(hottest[i])
			}
			r.addBoard(b)
		}
		for n := 1; n <= 8; n++ {
			if speed := management(text, "Fan"+strconv.Itoa(n)); speed != "" {
				r.addFan(number(speed))
			}
		}
	}
	for _, t := range numbers(management(text, "TMax")) {
		r.ChipTemp = hotter(r.ChipTemp, celsius(t))
	}
	r.MinerID = first(r.MinerID, management(text, "DNA"))
	for _, name := range []string{"Temp", "HBOTemp", "HBITemp"} {
		for _, t := range numbers(management(text, name)) {
			r.BoardTemp = hotter(r.BoardTemp, celsius(t))
		}
	}
	if outlet := numbers(management(text, "OTemp")); r.BoardTemp == Unknown && len(outlet) > 0 {
		r.BoardTemp = celsius(outlet[0]) // the Nanos' one sensor off the chips
	}
	r.readSupply(text)
	if r.PowerLimit == Unknown {
		r.PowerLimit = number(management(text, "MPO"))
	}
	if r.ElapsedSeconds == Unknown {
		if seconds := number(management(text, "Elapsed")); seconds <= maxUptime {
			r.ElapsedSeconds = seconds
		}
	}
	if off := number(management(text, "SoftOFF")); off > 0 || strings.Contains(management(text, "SYSTEMSTATU"),
		"In Idle") {
		r.Sleeping = true
	}
	for i, code := range numbers(management(text, "ECHU")) {
		if code != 0 && code != 512 { // 512: frequency lowered, no fault
			r.addError(fmt.Sprintf("ECHU%d:%d", i, int64(code)))
		}
	}
	if code := number(management(text, "ECMM")); code > 0 {
		r.addError(fmt.Sprintf("ECMM:%d", code))
	}
	if code := number(management(text, "FanErr")); code > 0 {
		r.addError(fmt.Sprintf("FanErr:%d", code))
	}
}

// readSupply reads what the machine takes.
func (r *Reading) readSupply(text string) {
	// PS[error, controller V, board V, A, output W, set V, input W]; older ones have six and no watts.
	if r.PowerWatts == Unknown {
		if r.PowerWatts = number(management(text, "WALLPOWER")); r.PowerWatts <= 0 {
			r.PowerWatts = Unknown
			supply := numbers(management(text, "PS"))
			switch {
			case len(supply) < 7:
			case supply[1] == 0 && supply[2] == 0 && supply[5] > 0 && supply[4] > 5*supply[5]:
				r.PowerWatts = int64(supply[5]) // a Nano 3: input in 10 mV, W, and what it may take
			case supply[6] > 0 && supply[6] < 1e6:
				r.PowerWatts = int64(supply[6])
			}
		}
	}
}

// readAvalonVersion reads VERSION, where Avalons say who they are.
func readAvalonVersion(r *Reading, version Value) {
	if !version.OK() {
		return
	}
	model := version.Get("PROD", "MODEL").Text()
	if strings.EqualFold(model, "Avalonnano") && strings.EqualFold(version.Get("MODEL").Text(), "nano3") {
		model = "Avalon Nano 3"
	}
	if number, ok := strings.CutPrefix(model, "AvalonMiner "); ok {
		number = map[string]string{"15-194": "1566"}[number]
		if number == "" {
			number = strings.TrimPrefix(model, "AvalonMiner ")
		}
		model = "Avalon A" + number
	}
	r.Model = first(model, r.Model)
	r.Firmware = first(version.Get("VERSION", "LVERSION", "CGVERSION").Text(), r.Firmware)
	r.MAC, r.MinerID = first(normalMAC(version.Get("MAC").Text()), r.MAC), first(version.Get("DNA").Text(), r.MinerID)
}

// leading is the number at the beginning of a text with a unit: "58.94W".
func leading(v Value) int64 {
	return number(strings.TrimRight(v.Text(), " ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
}

// readAuradine reads FluxOS.
func readAuradine(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	readPools(r, section(v, "pools", "POOLS"))
	readDevices(r, section(v, "devs", "DEVS"))
	r.ChipTemp = Unknown // DEVS tells the board's
	readFans(r, section(v, "fan", "Fan"))
	supply, mode, count := section(v, "psu", "PSU").At(0), section(v, "mode", "Mode").At(0),
		section(v, "asccount", "ASCCount").At(0)
	r.PowerWatts, r.PowerLimit = leading(supply.Get("PowerIn")), mode.Get("Power").Count()
	r.Sleeping = mode.Get("Sleep").Text() == "on" || mode.Get("Mode").Text() == "sleep"
	for _, place := range section(v, "temperature", "Temperature").Each {
		board := place.Get("ID").Count()
		if board == 0 {
			continue // the controller
		}
		for _, t := range place.Get("BoardTemp").Each {
			r.BoardTemp = hotter(r.BoardTemp, temperature(t.Get("Temperature")))
		}
		for _, t := range place.Get("ChipTemp").Each {
			r.ChipTemp = hotter(r.ChipTemp, temperature(t.Get("Temperature")))
		}
	}
	for i := range r.Boards {
		r.BoardTemp, r.Boards[i].ChipTemp = hotter(r.BoardTemp, r.Boards[i].ChipTemp), Unknown
		if n, all := count.Get("AsicCount").Count(), count.Get("BoardCount").Count(); n > 0 && all > 0 {
			r.Boards[i].Chips = int(n / all)
		}
	}
	return nil
}

// readSealMiner reads Bitdeer's bdminer: everything stands flat in one row, boards by a digit in front.
// "MHS 5s" swings by half, so that the rate is that of five minutes.
func readSealMiner(r *Reading, replies []Value) error {
	v := replies[0]
	if err := readSummary(r, v); err != nil {
		return err
	}
	if rate := rateOf(section(v, "summary", "SUMMARY").At(0), "5m", "1m", "av"); rate != Unknown {
		r.RateMHs = rate
	}
	readPools(r, section(v, "pools", "POOLS"))
	s := section(v, "stats", "STATS").At(0)
	r.Model = s.Get("Model").Text()
	if r.Model != "" && !strings.Contains(strings.ToLower(r.Model), "seal") {
		r.Model = "SealMiner " + r.Model
	}
	r.Firmware, r.MAC, r.Serial = s.Get("Firmware").Text(), normalMAC(s.Get("MAC").Text()),
		properSerial(s.Get("Ctrl Board SN").Text())
	r.IdealMHs = megahashes(s.Get("MHS(Rated)"), 1e6)
	r.PowerWatts, r.PowerLimit = s.Get("PSU Input Power").Count(), s.Get("Power Limit").Count()
	r.Immersed = s.Get("Liquid Cooling").True()
	state := strings.ToLower(s.Get("PM State").Text() + s.Get("Mining Mode").Text())
	r.Sleeping = strings.Contains(state, "sleep") || strings.Contains(state, "standby")
	for n := range 8 {
		// "0 Temp 0" in recordings, "0Temp0" in the published reference
		field := func(name, short string) Value {
			return s.Get(strconv.Itoa(n)+" "+name, strconv.Itoa(n)+short)
		}
		if online := field("Online", "Online"); online.OK() {
			b := Board{Slot: n, Chips: int(field("Chip Count", "ChipCount").Count()),
				RateMHs: megahashes(field("MHS(Sample)", "MHS(Sample)"), 1e6), ChipTemp: Unknown,
				Serial: field("SN", "SN").Text()}
			if !online.True() {
				b.RateMHs = 0
			}
			for t := range 4 {
				b.ChipTemp = hotter(b.ChipTemp, temperature(field(fmt.Sprintf("Temp %d", t), fmt.Sprintf("Temp%d", t))))
			}
			r.addBoard(b)
		}
		if speed := field("Speed", "Speed"); speed.OK() && int64(n) < max(s.Get("Fan Count").Count(), 0) {
			r.addFan(speed.Count())
		}
	}
	for _, code := range strings.FieldsFunc(s.Get("Error Code").Text(),
		func(c rune) bool { return c == ' ' || c == ',' }) {
		r.addError(code)
	}
	if code := s.Get("PSU Error").Text(); strings.Trim(code, "0x") != "" {
		r.addError("PSU:" + code)
	}
	return nil
}

// readProto reads Proto's rigs.
func readProto(r *Reading, replies []Value) error {
	s := replies[0].Get("mining-status")
	if !s.OK() {
		return refused(replies[0], "mining-status")
	}
	system := replies[6].Get("system-info")
	r.Model, r.Serial = first(system.Get("product_name").Text(), system.Get("model").Text()),
		properSerial(system.Get("cb_sn").Text())
	r.Firmware, r.MAC = system.Get("os").Get("version").Text(),
		normalMAC(replies[5].Get("network-info").Get("mac").Text())
	r.RateMHs, r.IdealMHs = megahashes(s.Get("hashrate_ghs"), 1e9), megahashes(s.Get("ideal_hashrate_ghs"), 1e9)
	r.ElapsedSeconds, r.HardwareErrors = s.Get("mining_uptime_s").Count(), s.Get("hw_errors").Count()
	r.totalFromAverage(s.Get("average_hashrate_ghs").Float() * 1000)
	r.PowerWatts, r.PowerLimit = s.Get("power_usage_watts").Count(), s.Get("power_target_watts").Count()
	r.ChipTemp, r.BoardTemp = temperature(s.Get("average_asic_temp_c")), temperature(s.Get("average_hb_temp_c"))
	r.Sleeping = strings.EqualFold(s.Get("status").Text(), "Stopped")
	hardware := replies[2].Get("hardware-info")
	working := s.Get("hashboards_mining").Count()
	for i, h := range hardware.Get("hashboards-info").Rows {
		b := Board{Slot: int(min(max(h.Get("slot").Count(), 0), 99)), Chips: int(h.Get("mining_asic_count").Count()),
			RateMHs: Unknown, ChipTemp: Unknown, Serial: h.Get("hb_sn").Text()}
		if working >= 0 && int64(i) >= working {
			b.RateMHs = 0 // that many work; which, is not told
		}
		r.addBoard(b)
	}
	readProtoTelemetry(r, replies[7])
	for _, f := range replies[3].Get("cooling-status").Get("fans").Each {
		r.addFan(f.Get("rpm").Count())
	}
	for _, p := range replies[1].Get("pools").Each {
		if len(r.Pools) < maxPools && p.Get("enabled").True() {
			pool := Pool{URL: p.Get("url").Text(), User: p.Get("user").Text(),
				Alive: p.Get("connection_status", "status").Text() == "Active", Accepted: p.Get("accepted").Count(),
				AcceptedMH: Unknown}
			// every pool shows the machine's counters
			if pool.Active = pool.Alive && (r.ActivePool() == Pool{}); pool.Active {
				r.Accepted, r.Rejected = pool.Accepted, p.Get("rejected").Count()
			}
			r.Pools = append(r.Pools, pool)
		}
	}
	for _, e := range replies[4].Each {
		r.addError(first(e.Get("error_code", "code").Text(), e.Get("message").Text()))
	}
	return nil
}

// readProtoTelemetry takes each board's rate from the telemetry; its outlet is the hottest place that is told.
func readProtoTelemetry(r *Reading, telemetry Value) {
	for _, h := range telemetry.Get("hashboards").Each {
		for i := range r.Boards {
			b := &r.Boards[i]
			if serial := h.Get("serial_number").Text(); serial == "" || serial != b.Serial || b.RateMHs == 0 {
				continue
			}
			rate := h.Get("hashrate")
			b.RateMHs = megahashes(rate.Get("value"), unitOf(rate.Get("unit"), 1e12))
			b.ChipTemp = temperature(h.Get("temperature").Get("outlet"))
		}
	}
}

// scaled reads a rate with its unit behind: "12.3G".
func scaled(v Value) int64 {
	f, unit, ok := quantity(v.Text())
	if per := rateUnit(unit); ok && per > 0 {
		return inRange(f * (per / 1e6))
	}
	return Unknown
}

// iceRate is a rate of IceRiver: "6226G", or in hashes a second where another field has its unit ("rtpow_unit").
func iceRate(v Value, name string) int64 {
	if v.Get(name + "_unit").OK() {
		return megahashes(v.Get(name), 1)
	}
	return scaled(v.Get(name))
}

// lastByte is the letter of a rate's unit before H/s; 0 where there is none.
// iceModel is the model: firmwares that say "none" have it in the name of their program, "5977449_ks3m_miner".
func iceModel(s Value) string {
	model := s.Get("model").Text()
	if model == "" || strings.EqualFold(model, "none") {
		model = ""
		if parts := strings.Split(s.Get("softver1", "softver2").Text(), "_"); len(parts) == 3 {
			model = strings.ToUpper(parts[1])
		}
	}
	return strings.TrimSpace("IceRiver " + model)
}

// readIceRiver reads the page's data.
func readIceRiver(r *Reading, replies []Value) error {
	s := replies[0].Get("data")
	if !s.Get("rtpow").OK() {
		return refused(replies[0], "userpanel")
	}
	r.Model, r.Firmware, r.MAC = iceModel(s), s.Get("softver1", "softver2").Text(), normalMAC(s.Get("mac").Text())
	r.RateMHs = iceRate(s, "rtpow")
	r.Sleeping = s.Get("powstate").Text() == "false"
	r.ElapsedSeconds = clock(s.Get("runtime").Text()) // days:hours:minutes:seconds
	if average := iceRate(s, "avgpow"); average != Unknown {
		r.totalFromAverage(float64(average))
	}
	for i, b := range s.Get("boards").Rows {
		slot := b.Get("no").Count()
		if slot < 0 || slot > 99 {
			slot = int64(i + 1)
		}
		r.addBoard(Board{Slot: int(slot), RateMHs: iceRate(b, "rtpow"), Chips: int(b.Get("chipnum").Count()),
			ChipTemp: temperature(b.Get("outtmp"))})
		r.BoardTemp = hotter(r.BoardTemp, temperature(b.Get("intmp")))
	}
	for _, f := range s.Get("fans").Each {
		r.addFan(f.Count())
	}
	for _, p := range s.Get("pools").Each {
		alive := p.Get("connect").True() || p.Get("state").Count() == 1
		r.addPool(Pool{URL: p.Get("addr").Text(), User: p.Get("user").Text(), Alive: alive, Active: alive,
			Accepted: p.Get("accepted").Count(), AcceptedMH: Unknown}, p.Get("rejected").Count())
	}
	return nil
}
