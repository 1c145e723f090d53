package simulate

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
)

// The replies of firmwares with words of their own: on the socket beside cgminer's summary and pools, and over HTTP.

type dict = map[string]any

// maker is one command's reply of Avalon, SealMiner or Auradine; "" is cgminer's own, or none.
func (s speaker) maker(name string) string {
	rows := func(key string, rows ...dict) string {
		text, _ := json.Marshal(rows) // of numbers and texts
		return section(70, key, s.description, key, strings.Trim(string(text), "[]"))
	}
	m := &s.u.Machine
	switch s.r.Protocol {
	case protocol.Avalon:
		switch name {
		case "version":
			return rows("VERSION", dict{"CGMiner": "4.11.1", "API": "3.7", "PROD": s.r.Model, "MODEL": s.r.Model,
				"DNA": m.Serial,
				"MAC": strings.ReplaceAll(m.MAC, ":", ""), "VERSION": "simulated"})
		case "stats", "estats":
			return rows("STATS", dict{"STATS": 0, "ID": "AVA100", "MM Count": 1, "MM ID0": s.management()})
		}
	case protocol.SealMiner:
		switch name {
		case "version":
			return rows("VERSION", dict{"BDMiner": "4.11.1", "API": "3.7"})
		case "stats":
			return rows("STATS", s.sealMiner())
		}
	case protocol.Auradine:
		return s.auradine(name, rows)
	}
	return ""
}

// management is the text that an Avalon's controller says of the machine.
func (s speaker) management() string {
	r, work := s.r, "In Work"
	if r.Sleeping {
		work = "In Idle"
	}
	var b, rates, hottest strings.Builder
	for _, board := range r.Boards {
		fmt.Fprintf(&rates, "%.2f ", float64(board.RateMHs)/1000)
		fmt.Fprintf(&hottest, "%d ", max(0, board.ChipTemp))
	}
	fmt.Fprintf(&b, "Ver[simulated] DNA[%s] SYSTEMSTATU[Work: %s, Hash Board: %d ] Elapsed[%d] Temp[%d] TMax[%d] ",
		s.u.Machine.Serial, work, len(r.Boards), r.ElapsedSeconds, max(0, r.BoardTemp), max(0, r.ChipTemp))
	for i, rpm := range r.Fans {
		fmt.Fprintf(&b, "Fan%d[%d] ", i+1, rpm)
	}
	fmt.Fprintf(&b, "PS[0 1214 1316 242 0 1320 %d] GHSmm[%d.00] MPO[%d] MGHS[%s] MTmax[%s] TA[%d] ECHU[0 0 0] ECMM[0]",
		r.PowerWatts, s.u.Model.RateGHs, s.u.Model.Watts, strings.TrimSpace(rates.String()),
		strings.TrimSpace(hottest.String()), 126*len(r.Boards))
	return b.String()
}

// sealMiner is bdminer's row, in which boards and fans have their number in front.
func (s speaker) sealMiner() dict {
	r, m := s.r, &s.u.Machine
	state := "Running"
	if r.Sleeping {
		state = "Sleep"
	}
	row := dict{"Model": m.Model, "Firmware": "simulated", "MAC": m.MAC, "Ctrl Board SN": m.Serial,
		"MHS(Rated)":      m.IdealMHs,
		"PSU Input Power": r.PowerWatts, "Power Limit": s.u.Model.Watts, "PM State": state, "Fan Count": len(r.Fans),
		"Board Count": len(r.Boards), "Error Code": "", "PSU Error": "0x00000000"}
	for i, b := range r.Boards {
		set := func(name string, value any) { row[fmt.Sprintf("%d %s", i, name)] = value }
		set("Online", b.RateMHs > 0)
		set("Chip Count", b.Chips)
		set("MHS(Sample)", b.RateMHs)
		set("Temp 0", max(0, b.ChipTemp-14))
		set("Temp 2", max(0, b.ChipTemp))
		set("SN", fmt.Sprintf("%s%d", m.Serial, i))
	}
	for i, rpm := range r.Fans {
		row[fmt.Sprintf("%d Speed", i)] = rpm
	}
	return row
}

// auradine is one command's reply of gcminer, which has a command for each part of the machine.
func (s speaker) auradine(name string, rows func(string, ...dict) string) string {
	r, m := s.r, &s.u.Machine
	switch name {
	case "version":
		return rows("VERSION", dict{"GCMiner": "1.0", "API": "3.7"})
	case "ipreport":
		return rows("IPReport", dict{"mac": m.MAC, "SerialNo": m.Serial, "model": m.Model, "version": "simulated"})
	case "psu":
		return rows("PSU", dict{"PowerIn": fmt.Sprintf("%d.00W", r.PowerWatts)})
	case "mode":
		return rows("Mode", dict{"Power": s.u.Model.Watts, "Sleep": map[bool]string{true: "on",
			false: "off"}[r.Sleeping]})
	case "asccount":
		return rows("ASCCount", dict{"AsicCount": 126 * len(r.Boards), "BoardCount": len(r.Boards)})
	case "fan":
		var fans []dict
		for i, rpm := range r.Fans {
			fans = append(fans, dict{"ID": i + 1, "Speed": rpm})
		}
		return rows("Fan", fans...)
	case "temperature":
		var boards []dict
		for i, b := range r.Boards {
			boards = append(boards, dict{"ID": i + 1, "BoardTemp": []dict{{"Temperature": max(0, b.ChipTemp-14)}},
				"ChipTemp": []dict{{"Temperature": max(0, b.ChipTemp)}}})
		}
		return rows("Temperature", boards...)
	}
	// Every other command is answered as plain cgminer does.
	return ""
}

// document is what a machine that speaks over HTTP answers to a request ("GET /path", of GraphQL the query's name);
// nil: it has no such page.
func (u *Unit) document(request string, r *protocol.Reading) any {
	switch u.Machine.Protocol {
	case protocol.AxeOS:
		if request == "GET /api/system/info" {
			return u.axeOS(r)
		}
	case protocol.VNish:
		return u.vnish(request, r)
	case protocol.BraiinsREST:
		return u.braiinsREST(request, r)
	case protocol.BraiinsGraphQL:
		return u.braiinsGraphQL(request, r)
	case protocol.Proto:
		return u.proto(request, r)
	case protocol.EPIC:
		return u.epic(request, r)
	case protocol.Marathon:
		return u.marathon(request, r)
	}
	return nil
}

// gigahashes are what most pages count in.
func gigahashes(mhs int64) float64 { return float64(mhs) / 1000 }

// averageMHs is the rate since the start.
func averageMHs(r *protocol.Reading) float64 {
	return float64(r.TotalMH) / float64(max(1, r.ElapsedSeconds))
}

// each makes one of every board, fan or pool.
func each[T any](all []T, one func(i int, t T) dict) []dict {
	out := make([]dict, 0, len(all))
	for i, t := range all {
		out = append(out, one(i, t))
	}
	return out
}

// vnish is a page of VNish 1.2: the summary has nearly everything.
func (u *Unit) vnish(request string, r *protocol.Reading) any {
	switch request {
	case "GET /api/v1/info":
		return dict{"miner": u.Machine.Model, "fw_name": "Vnish", "fw_version": "simulated", "serial": u.Machine.Serial,
			"system": dict{"network_status": dict{"mac": strings.ToUpper(u.Machine.MAC)}}}
	case "GET /api/v1/perf-summary":
		watts := fmt.Sprint(u.Model.Watts)
		return dict{"current_preset": dict{"name": watts, "pretty": watts + " watt", "status": "tuned"}}
	case "GET /api/v1/summary":
		state := map[bool]string{true: "stopped", false: "mining"}[r.Sleeping]
		return dict{"miner": dict{"miner_status": dict{"miner_state": state, "miner_state_time": r.ElapsedSeconds},
			"hr_stock": gigahashes(u.Machine.IdealMHs), "hr_realtime": gigahashes(r.RateMHs),
			"hr_average":        averageMHs(r) / 1000,
			"power_consumption": r.PowerWatts, "hw_errors": r.HardwareErrors,
			"pools": each(r.Pools, func(_ int, p protocol.Pool) dict {
				return dict{"url": p.URL, "user": p.User, "pool_type": "UserPool", "accepted": r.Accepted,
					"rejected": r.Rejected,
					"status":   map[bool]string{true: "active", false: "offline"}[p.Alive],
					"diffa":    float64(r.AcceptedMH) / mhPerDifficulty}
			}),
			"cooling": dict{"fans": each(r.Fans, func(i, rpm int) dict { return dict{"id": i, "rpm": rpm} })},
			"chains": each(r.Boards, func(i int, b protocol.Board) dict {
				return dict{"id": i + 1, "hr_realtime": gigahashes(b.RateMHs), "chip_statuses": dict{"red": 0,
					"grey": b.Chips},
					"chip_temp": dict{"max": max(0, b.ChipTemp)}, "pcb_temp": dict{"max": max(0, b.ChipTemp-14)}}
			})}}
	}
	return nil
}

// braiinsREST is a page of Braiins OS since 25.03, a part of the machine on each.
func (u *Unit) braiinsREST(request string, r *protocol.Reading) any {
	rate := func(mhs float64) dict { return dict{"gigahash_per_second": mhs / 1000} }
	switch request {
	case "GET /api/v1/version":
		return dict{"major": 1, "minor": 3, "patch": 0}
	case "GET /api/v1/miner/stats":
		return dict{"miner_stats": dict{"nominal_hashrate": rate(float64(u.Machine.IdealMHs)),
			"real_hashrate": dict{"last_1m": rate(float64(r.RateMHs)), "since_restart": rate(averageMHs(r))}},
			"power_stats": dict{"approximated_consumption": dict{"watt": r.PowerWatts}}}
	case "GET /api/v1/miner/details":
		return dict{"miner_identity": dict{"miner_model": u.Machine.Model}, "bos_version": dict{"current": "simulated"},
			"bosminer_uptime_s": r.ElapsedSeconds, "mac_address": u.Machine.MAC, "serial_number": u.Machine.Serial,
			// The firmware's own numbers: two is running, three is paused.
			"status": map[bool]int{true: 3, false: 2}[r.Sleeping]}
	case "GET /api/v1/performance/tuner-state":
		return dict{"mode_state": dict{"powertargetmodestate": dict{"current_target": dict{"watt": u.Model.Watts}}}}
	case "GET /api/v1/cooling/state":
		return dict{"fans": each(r.Fans, func(i, rpm int) dict { return dict{"position": i, "rpm": rpm} })}
	case "GET /api/v1/pools":
		return []dict{{"name": "Default", "pools": each(r.Pools, func(_ int, p protocol.Pool) dict {
			return dict{"url": p.URL, "user": p.User, "alive": p.Alive, "active": p.Active,
				"stats": dict{"accepted_shares": r.Accepted, "rejected_shares": r.Rejected}}
		})}}
	case "GET /api/v1/miner/hw/hashboards":
		return dict{"hashboards": each(r.Boards, func(i int, b protocol.Board) dict {
			return dict{"id": i + 1, "chips_count": b.Chips,
				"stats":             dict{"real_hashrate": dict{"last_1m": rate(float64(b.RateMHs))}},
				"board_temp":        dict{"degree_c": max(0, b.ChipTemp-14)},
				"highest_chip_temp": dict{"temperature": dict{"degree_c": max(0, b.ChipTemp)}}}
		})}
	case "GET /api/v1/miner/errors":
		return dict{"errors": []dict{}}
	}
	return nil
}

// braiinsGraphQL is the answer to one of the three queries that polls send to Braiins OS before 25.03.
func (u *Unit) braiinsGraphQL(request string, r *protocol.Reading) any {
	answer := func(info dict, more dict) dict {
		more["bosminer"] = dict{"info": info}
		return dict{"data": more}
	}
	real := func(mhs int64) dict { return dict{"mhs5S": mhs} }
	var solver any = dict{"nominalMhs": u.Machine.IdealMHs, "realHashrate": real(r.RateMHs)}
	if r.Sleeping {
		// A machine that was put to sleep has no solver at all, which a reader must not take for one that hashes
		// nothing.
		solver = nil
	}
	switch request {
	case "system":
		return answer(dict{"fans": each(r.Fans, func(i, rpm int) dict {
			return dict{"name": fmt.Sprint(i),
				"rpm": rpm}
		}),
			"summary":    dict{"power": dict{"approxConsumptionW": r.PowerWatts, "limitW": u.Model.Watts}},
			"workSolver": solver},
			dict{"bos": dict{"info": dict{"version": dict{"full": "simulated"}},
				"uptime": dict{"durationS": r.ElapsedSeconds}}})
	case "pools":
		return answer(dict{"poolGroups": []dict{{"name": "default", "pools": each(r.Pools, func(_ int,
			p protocol.Pool) dict {
			return dict{"url": p.URL, "user": p.User, "active": p.Active, "status": map[bool]string{true: "ALIVE",
				false: "DEAD"}[p.Alive],
				"shares": dict{"acceptedSolutions": r.Accepted, "rejectedSolutions": r.Rejected}}
		})}}}, dict{})
	case "boards":
		return answer(dict{"workSolver": dict{"childSolvers": each(r.Boards, func(i int, b protocol.Board) dict {
			return dict{"name": fmt.Sprint(i + 1), "realHashrate": real(b.RateMHs), "hwDetails": dict{"chips": b.Chips},
				"temperatures": []dict{{"name": "Max Chip", "degreesC": max(0, b.ChipTemp)}, {"name": "Max Board",
					"degreesC": max(0, b.ChipTemp-14)}}}
		})}}, dict{})
	}
	return nil
}

// proto is a page of a Proto rig.
func (u *Unit) proto(request string, r *protocol.Reading) any {
	switch request {
	case "GET /api/v1/system":
		return dict{"system-info": dict{"product_name": u.Machine.Model, "cb_sn": u.Machine.Serial,
			"os": dict{"version": "simulated"}}}
	case "GET /api/v1/network":
		return dict{"network-info": dict{"mac": u.Machine.MAC}}
	case "GET /api/v1/mining":
		// Boards that hash; those that are there stand under hardware. Who reads one alone takes a dead board for one
		// that was taken out.
		working := 0
		for _, b := range r.Boards {
			if b.RateMHs > 0 {
				working++
			}
		}
		return dict{"mining-status": dict{"status": map[bool]string{true: "Stopped", false: "Mining"}[r.Sleeping],
			"hashrate_ghs": gigahashes(r.RateMHs), "average_hashrate_ghs": averageMHs(r) / 1000,
			"ideal_hashrate_ghs": gigahashes(u.Machine.IdealMHs), "mining_uptime_s": r.ElapsedSeconds,
			"hw_errors":         r.HardwareErrors,
			"power_usage_watts": r.PowerWatts, "power_target_watts": u.Model.Watts, "hashboards_mining": working,
			"average_asic_temp_c": r.ChipTemp, "average_hb_temp_c": r.BoardTemp}}
	case "GET /api/v1/pools":
		return dict{"pools": each(r.Pools, func(_ int, p protocol.Pool) dict {
			return dict{"enabled": true, "url": p.URL, "user": p.User, "accepted": r.Accepted, "rejected": r.Rejected,
				"connection_status": map[bool]string{true: "Active", false: "Dead"}[p.Alive]}
		})}
	case "GET /api/v1/hardware":
		return dict{"hardware-info": dict{"hashboards-info": each(r.Boards, func(i int, b protocol.Board) dict {
			return dict{"slot": i + 1, "hb_sn": fmt.Sprintf("%s-%d", u.Machine.Serial, i), "mining_asic_count": b.Chips}
		})}}
	case "GET /api/v1/cooling":
		return dict{"cooling-status": dict{"fans": each(r.Fans, func(i, rpm int) dict {
			return dict{"slot": i + 1,
				"rpm": rpm}
		})}}
	case "GET /api/v1/errors":
		return []dict{}
	case "GET /api/v1/telemetry":
		return dict{"hashboards": each(r.Boards, func(i int, b protocol.Board) dict {
			return dict{"index": i, "serial_number": fmt.Sprintf("%s-%d", u.Machine.Serial, i),
				"hashrate":    dict{"unit": "TH/s", "value": float64(b.RateMHs) / 1e6},
				"temperature": dict{"outlet": max(0, b.ChipTemp)}}
		})}
	}
	return nil
}

// epic is a page of ePIC's PowerPlay.
func (u *Unit) epic(request string, r *protocol.Reading) any {
	switch request {
	case "GET /capabilities":
		return dict{"Model": u.Machine.Model, "Default Hashrate": float64(u.Machine.IdealMHs) / 1e6,
			"Miner Serial Number":   u.Machine.Serial,
			"Performance Estimator": dict{"Chip Count": 126}}
	case "GET /network":
		return dict{"dhcp": dict{"mac_address": u.Machine.MAC}}
	case "GET /summary":
		fans := dict{}
		for i, rpm := range r.Fans {
			fans[fmt.Sprintf("Fans Speed %d", i+1)] = rpm
		}
		var on []dict
		for i, b := range r.Boards {
			// Under HBs this firmware lists boards that hash; all of them stand under HBStatus. Who reads one alone
			// takes a dead board for one that was taken out.
			if b.RateMHs > 0 {
				on = append(on, dict{"Index": i, "Hashrate": []float64{float64(b.RateMHs), 100, 0.8},
					"Temperature": max(0, b.ChipTemp)})
			}
		}
		p := r.Pools[0]
		return dict{"Software": "simulated", "Session": dict{"Uptime": r.ElapsedSeconds, "Accepted": r.Accepted,
			"Rejected":    r.Rejected,
			"Average MHs": averageMHs(r)}, "HBs": on, "Fans Rpm": fans,
			"Power Supply Stats": dict{"Input Power": r.PowerWatts},
			"HBStatus": each(r.Boards, func(i int, b protocol.Board) dict {
				return dict{"Index": i, "Detected": true, "Enabled": b.RateMHs > 0}
			}),
			"PresetInfo": dict{"Target Power": u.Model.Watts},
			"Status": dict{"Operating State": map[bool]string{true: "Idling", false: "Mining"}[r.Sleeping],
				"Last Error": nil},
			"Stratum":        dict{"Config Id": 0, "IsPoolConnected": p.Alive, "Current Pool": p.URL},
			"StratumConfigs": []dict{{"pool": p.URL, "login": p.User}}}
	}
	return nil
}

// marathon is a page of MARA's firmware.
func (u *Unit) marathon(request string, r *protocol.Reading) any {
	switch request {
	case "GET /kaonsu/v1/brief":
		return dict{"hashrate_realtime": gigahashes(r.RateMHs), "hashrate_average": averageMHs(r) / 1000,
			"hashrate_ideal": gigahashes(u.Machine.IdealMHs), "power_consumption_estimated": r.PowerWatts,
			"elapsed": r.ElapsedSeconds,
			"status":  map[bool]string{true: "Sleep", false: "Mining"}[r.Sleeping]}
	case "GET /kaonsu/v1/overview":
		return dict{"model": u.Machine.Model, "version_firmware": "simulated", "mac": u.Machine.MAC}
	case "GET /kaonsu/v1/hashboards":
		return dict{"hashboards": each(r.Boards, func(i int, b protocol.Board) dict {
			return dict{"index": i, "hashrate_average": gigahashes(b.RateMHs), "asic_num": b.Chips,
				"temperature_chip": []int{max(0, b.ChipTemp)}, "temperature_pcb": []int{max(0, b.ChipTemp-14)}}
		})}
	case "GET /kaonsu/v1/fans":
		return dict{"fans": each(r.Fans, func(_, rpm int) dict { return dict{"current_speed": rpm} })}
	case "GET /kaonsu/v1/pools":
		return each(r.Pools, func(_ int, p protocol.Pool) dict {
			return dict{"url": p.URL, "user": p.User, "status": map[bool]string{true: "Alive", false: "Dead"}[p.Alive],
				"accepted": r.Accepted, "rejected": r.Rejected, "diffa": float64(r.AcceptedMH) / mhPerDifficulty}
		})
	}
	return nil
}

// asked is a request as document knows it: without what stands behind the path, a query of GraphQL by its name.
func asked(method, path, body string) string {
	path, _, _ = strings.Cut(path, "?")
	if path != "/graphql" {
		return method + " " + path
	}
	_, query, _ := strings.Cut(body, "query ")
	name, _, _ := strings.Cut(query, "{")
	return strings.TrimSpace(name)
}
