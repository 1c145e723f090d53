package protocol

import (
	"strconv"
	"strings"
)

// axeModels are the boards of AxeOS by their chip, where the firmware does not say.
var axeModels = map[string]string{"BM1397": "Bitaxe Max", "BM1366": "Bitaxe Ultra", "BM1368": "Bitaxe Supra",
	"BM1370": "Bitaxe Gamma"}

// readAxeOS reads ESP-Miner (Bitaxe) and its kin (NerdAxe): one document.
func readAxeOS(r *Reading, replies []Value) error {
	s := replies[0]
	if !s.Get("hashRate").OK() {
		return refused(s, "system/info")
	}
	chips := axeChips(s)
	r.Model, r.Firmware, r.MAC = axeModel(s, chips), s.Get("version").Text(), normalMAC(s.Get("macAddr").Text())
	r.RateMHs, r.IdealMHs, r.ElapsedSeconds = megahashes(s.Get("hashRate"), 1e9),
		megahashes(s.Get("expectedHashrate"), 1e9), s.Get("uptimeSeconds").Count()
	if r.IdealMHs == Unknown { // a core makes one hash a cycle
		cores := s.Get("smallCoreCount").Float()
		if ideal := s.Get("frequency").Float() * cores * float64(chips); ideal > 0 && ideal < 1e12 {
			r.IdealMHs = int64(ideal)
		}
	}
	r.Accepted, r.Rejected, r.PowerWatts = s.Get("sharesAccepted").Count(), s.Get("sharesRejected").Count(),
		s.Get("power").Count()
	// A board of two chips tells the second one's sensor apart, one of four or more a list.
	r.ChipTemp, r.BoardTemp = hotter(sensor(s.Get("temp")), sensor(s.Get("temp2"))), sensor(s.Get("vrTemp"))
	for _, t := range s.Get("asicTemps").Each {
		r.ChipTemp = hotter(r.ChipTemp, sensor(t))
	}
	r.Throttled = s.Get("overheat_mode").True()
	r.Sleeping = s.Get("miningPaused").True() || s.Get("shutdown").True()
	for _, fault := range []string{"power_fault", "hardware_fault"} {
		if text := s.Get(fault).Text(); text != "0" && text != "false" {
			r.addError(text)
		}
	}
	r.addBoard(Board{Slot: 0, RateMHs: r.RateMHs, Chips: chips, ChipTemp: r.ChipTemp})
	readAxeFans(r, s)
	readAxePools(r, s)
	return nil
}

// axeChips counts the chips: ESP-Miner since 2.12 names each with its rate, and has their number on another page.
func axeChips(s Value) int {
	chips := s.Get("asicCount").Count()
	for i := range s.Get("hashrateMonitor").Get("asics").Rows {
		chips = max(chips, int64(i)+1)
	}
	return int(min(max(chips, 1), 256))
}

// axeModel is the board by its own word, or by its number (3xx and 7xx have six chips, 8xx two), or by its chip.
func axeModel(s Value, chips int) string {
	chip, board := s.Get("ASICModel").Text(), s.Get("boardVersion").Text()
	model := axeModels[chip]
	switch {
	case s.Get("deviceModel").Text() != "":
		return s.Get("deviceModel").Text()
	case model == "Bitaxe Ultra" && (chips == 6 || len(board) == 3 && board[0] == '3'):
		return "Bitaxe UltraHex"
	case model == "Bitaxe Supra" && (chips == 6 || len(board) == 3 && board[0] == '7'):
		return "Bitaxe SupraHex"
	case model == "Bitaxe Gamma" && (chips == 2 || len(board) == 3 && board[0] == '8'):
		return "Bitaxe GT"
	}
	return model
}

// readAxeFans reads the fans: NerdQAxe lists them, a Bitaxe has a second one or 0 for it.
func readAxeFans(r *Reading, s Value) {
	listed := false
	for _, fan := range s.Get("fans").Each {
		if rpm := fan.Get("rpm"); rpm.OK() {
			r.addFan(rpm.Count())
			listed = true
		}
	}
	if listed {
		return
	}
	r.addFan(s.Get("fanrpm").Count())
	if second := s.Get("fan2rpm", "fanrpm2").Count(); second > 0 {
		r.addFan(second)
	}
}

// readAxePools reads the pools: a first and a spare one, in ESP-Miner since 2.15 a list with the places of these two,
// in NerdQAxe the state of each beside, or two that share the work.
func readAxePools(r *Reading, s Value) {
	state := s.Get("stratum")
	r.PoolsReported = s.Get("stratumURL", "pools", "stratum").OK()
	spare := s.Get("isUsingFallbackStratum").True() || state.Get("usingFallback").True()
	if pools := s.Get("pools"); pools.At(0).Get("stratumURL").OK() {
		used := s.Get("primaryPoolIndex").Count()
		if spare {
			used = s.Get("secondaryPoolIndex").Count()
		}
		for i, p := range pools.Rows {
			id := p.Get("id").Count()
			if id == Unknown {
				id = int64(i)
			}
			r.addAxePool(p.Get("stratumURL").Text(), p.Get("stratumPort"), p.Get("stratumUser").Text(), id == used)
		}
		return
	}
	shared := state.Get("activePoolMode").Count() == 1
	// The state of a pool stands at its place in the list, whose entries have no address before 1.1.
	for i, prefix := range []string{"stratum", "fallbackStratum"} {
		host, port, user := s.Get(prefix+"URL"), s.Get(prefix+"Port"), s.Get(prefix+"User")
		p := state.Get("pools").At(i)
		if own := p.Get("host"); own.OK() && shared {
			host, port, user = own, p.Get("port"), p.Get("user")
		}
		before := len(r.Pools)
		r.addAxePool(host.Text(), port, user.Text(), spare == (i == 1) || shared)
		if shared && p.OK() && len(r.Pools) > before {
			own := &r.Pools[before]
			own.Alive, own.Accepted = p.Get("connected").True(), p.Get("accepted").Count()
			own.Active = own.Alive
		}
	}
}

func (r *Reading) addAxePool(host string, port Value, user string, active bool) {
	if host == "" || len(r.Pools) >= maxPools {
		return
	}
	r.Pools = append(r.Pools, Pool{URL: stratum(host, port.Count()), User: user, Alive: true, Active: active,
		Accepted: Unknown, AcceptedMH: Unknown})
}

// stratum is a pool's address of a host, which may be one already, and a port, if there is one.
func stratum(host string, port int64) string {
	if !strings.Contains(host, "://") {
		host = "stratum+tcp://" + host
	}
	if behind := ":" + strconv.FormatInt(port, 10); port > 0 && !strings.HasSuffix(host, behind) {
		host += behind // some write the whole address as the host
	}
	return host
}
