package replay_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/replay"
	"github.com/aqsha/aqsha/farm/usage"
)

// expectation is what other people's software reads from a recording (its README).
type expectation struct {
	RateTHs, IdealTHs        *float64
	Boards, FansN, PoolCount *int
	FansRPM                  []int
	Chips                    []int
	BoardTHs                 []*float64
	BoardSerials             []string
	Temps                    []float64
	ChipTempMax              *float64
	BoardTempMax             *float64
	Sleeping                 *bool
	Model, Firmware          string
	MAC, Serial, ActivePool  string
	Watts                    *float64
	PowerLimitWatts          *float64
	Elapsed, TotalMH         *float64
	HardwareErrors           *float64
	Accepted, Rejected       *float64
	Errors                   any
	Events                   *int
	Pools                    []struct {
		Name, Worker string
		Counts       []string
	}
	Alerts []string
}

// excused are fields that the firmware does not tell, or that the other software fills in from
// elsewhere, with the place in the recording that shows it. An excuse that is not needed fails.
var excused = map[string]string{
	"antminer-s19-overheated1 model": `rpc/stats.txt: "Type": "Antminer S19 Pro"; the other software shortens it`,
	"avalon-10xx-stopped temps":      "rpc: TMax[64], MTmax[61 64]; the other software takes MTavg[55 58]",
	"avalon-a1566 rateTHs":           `rpc/summary.txt: "MHS 30s": 197497926; the other software takes GHSavg[184007]`,
	"braiins-graphql-21.09-s9 mac":   "http/graphql-system.txt has no address; it comes from the network's neighbour table",
	"whatsminer-m20s-2019 boards":    `rpc: devs is not recorded; stats ("ID":"SM0") says nothing of a board's work`,
	"whatsminer-m20s-2019 fansRPM":   `rpc/summary.txt: "Power Fanspeed":8160 is the supply's`,
	"whatsminer-m20s-2020 temps":     `rpc/devs.txt: "Chip Temp Max":87.70; the other software takes "Chip Temp Avg":80.36`,
	"whatsminer-m31s-edevs temps":    `rpc/summary.txt: "Chip Temp Max":93.00; the other software takes "Chip Temp Avg"`,
}

func number(v int64) *float64 {
	if v == protocol.Unknown {
		return nil
	}
	f := float64(v)
	return &f
}

// check is one field's comparison: the machine says, the expectation wants.
type check struct {
	field     string
	got, want string
	right     bool
}

func checks(r *protocol.Reading, e *expectation) (out []check) {
	add := func(field string, got, want any, right bool) {
		out = append(out, check{field, fmt.Sprint(got), fmt.Sprint(want), right})
	}
	near := func(field string, got *float64, scale float64, want *float64, tolerance float64) {
		switch {
		case want == nil:
		case got == nil:
			add(field, "not told", *want, false)
		default:
			add(field, *got*scale, *want, math.Abs(*got*scale-*want) <= tolerance)
		}
	}
	same := func(field, got, want string) {
		if want != "" {
			add(field, got, want, got == want)
		}
	}
	relative := func(p *float64, part float64) float64 {
		if p == nil {
			return 0
		}
		return *p * part
	}
	near("rateTHs", number(r.RateMHs), 1e-6, e.RateTHs, 0.001+relative(e.RateTHs, 0.02))
	near("idealTHs", number(r.IdealMHs), 1e-6, e.IdealTHs, 0.01)
	near("watts", number(r.PowerWatts), 1, e.Watts, 0.5)
	near("power_limit_watts", number(r.PowerLimit), 1, e.PowerLimitWatts, 0.5)
	near("elapsed", number(r.ElapsedSeconds), 1, e.Elapsed, 0)
	near("total_mh", number(r.TotalMH), 1, e.TotalMH, 1+relative(e.TotalMH, 1e-7))
	near("hardware_errors", number(r.HardwareErrors), 1, e.HardwareErrors, 0)
	near("accepted", number(r.Accepted), 1, e.Accepted, 0)
	near("rejected", number(r.Rejected), 1, e.Rejected, 0)
	near("chipTempMax", number(int64(r.ChipTemp)), 1, e.ChipTempMax, 0.51)
	near("boardTempMax", number(int64(r.BoardTemp)), 1, e.BoardTempMax, 0.51)
	if len(e.Temps) > 0 {
		hottest := float64(max(r.ChipTemp, r.BoardTemp))
		add("temps", hottest, slices.Max(e.Temps), math.Abs(hottest-slices.Max(e.Temps)) <= 0.51)
	}
	same("model", strings.TrimPrefix(r.Model, "SealMiner "), e.Model)
	same("firmware", r.Firmware, e.Firmware)
	same("mac", r.MAC, e.MAC)
	same("serial", r.Serial, e.Serial)
	same("activePool", r.ActivePool().URL, e.ActivePool)
	if e.Sleeping != nil {
		add("sleeping", r.Sleeping, *e.Sleeping, r.Sleeping == *e.Sleeping)
	}
	if e.PoolCount != nil {
		add("poolCount", len(r.Pools), *e.PoolCount, len(r.Pools) == *e.PoolCount)
	}
	if e.Events != nil {
		add("events", len(r.Errors), *e.Events, len(r.Errors) == *e.Events)
	}
	if codes, ok := e.Errors.([]any); ok {
		want := []string{}
		for _, c := range codes {
			want = append(want, fmt.Sprint(c))
		}
		add("errors", r.Errors, want, slices.Equal(r.Errors, want))
	} else if e.Errors != nil { // "see get_error_code"
		add("errors", r.Errors, "[218 110]", slices.Equal(r.Errors, []string{"218", "110"}))
	}
	out = append(out, checkBoards(r, e)...)
	return append(out, checkPools(r, e)...)
}

func checkBoards(r *protocol.Reading, e *expectation) (out []check) {
	add := func(field string, got, want any, right bool) {
		out = append(out, check{field, fmt.Sprint(got), fmt.Sprint(want), right})
	}
	if e.Boards != nil {
		add("boards", len(r.Boards), *e.Boards, len(r.Boards) == *e.Boards)
	}
	if e.FansN != nil {
		add("fansN", len(r.Fans), *e.FansN, len(r.Fans) == *e.FansN)
	}
	if e.FansRPM != nil {
		add("fansRPM", r.Fans, e.FansRPM, slices.Equal(r.Fans, e.FansRPM) || len(r.Fans)+len(e.FansRPM) == 0)
	}
	var chips []int
	var serials []string
	for _, b := range r.Boards {
		chips, serials = append(chips, b.Chips), append(serials, b.Serial)
	}
	if e.Chips != nil {
		add("chips", chips, e.Chips, slices.Equal(chips, e.Chips))
	}
	if e.BoardSerials != nil {
		add("boardSerials", serials, e.BoardSerials, slices.Equal(serials, e.BoardSerials))
	}
	for i, want := range e.BoardTHs {
		if want != nil { // which board is meant is not said: one has the rate
			has := slices.ContainsFunc(r.Boards, func(b protocol.Board) bool { return math.Abs(float64(b.RateMHs)/1e6-*want) < 0.01 })
			add(fmt.Sprintf("boardTHs[%d]", i), r.Boards, *want, has)
		}
	}
	return out
}

func checkPools(r *protocol.Reading, e *expectation) (out []check) {
	for i, want := range e.Pools {
		field := fmt.Sprintf("pools[%d]", i)
		host, _, _ := strings.Cut(want.Name, "#")
		at := slices.IndexFunc(r.Pools[min(i, len(r.Pools)):], func(p protocol.Pool) bool { return strings.Contains(p.URL, host) })
		if at < 0 {
			out = append(out, check{field, fmt.Sprint(r.Pools), want.Name, false})
			continue
		}
		p := r.Pools[i+at]
		got := p.URL + " " + p.User + " " + fmt.Sprint(p.Accepted)
		out = append(out, check{field, got, want.Name + " " + want.Worker + " " + want.Counts[0], p.User == want.Worker && fmt.Sprint(p.Accepted) == want.Counts[0]})
	}
	return out
}

// recordings are the cases, which are not part of this repository.
func recordings(t testing.TB) string {
	dir := os.Getenv("AQSHA_FARM_CASES")
	if dir == "" {
		dir = "../../../shared/data/farm-cases" // beside the working copy
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no folder of recorded machines; name one with AQSHA_FARM_CASES")
	}
	return dir
}

// Every recorded machine is read as other people's software reads it, field by field.
func TestRecordings(t *testing.T) {
	dir := recordings(t)
	cases, err := replay.LoadAll(dir)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong, untold, used := 0, 0, 0, map[string]bool{}
	for _, c := range cases {
		if strings.HasPrefix(c.Name, "odd-") {
			continue // TestOddAnswers
		}
		content, err := os.ReadFile(filepath.Join(dir, c.Name, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var e expectation
		if err := json.Unmarshal(content, &e); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		_, r, err := fleet.Look(t.Context(), c)
		if r == nil {
			t.Errorf("%s is not read: %v", c.Name, err)
			continue
		}
		if r.Sleeping {
			sleeps(t, c, r)
		}
		for _, k := range checks(r, &e) {
			why, excuse := excused[c.Name+" "+k.field]
			used[c.Name+" "+k.field] = true
			switch {
			case excuse && k.right:
				t.Errorf("%s %s: needs no excuse", c.Name, k.field)
			case excuse:
				untold++
				t.Logf("%s %s: %s is not told by this firmware, read is %s (%s)", c.Name, k.field, k.want, k.got, why)
			case k.right:
				right++
			default:
				wrong++
				t.Errorf("%s %s: read %s, want %s", c.Name, k.field, k.got, k.want)
			}
		}
	}
	for name := range excused {
		if !used[name] {
			t.Logf("%s: no such expectation among these cases", name)
		}
	}
	t.Logf("%d machines: %d fields right, %d wrong, %d not told", len(cases), right, wrong, untold)
}

// sleeps lets the watch see a recorded machine that sleeps: what does not work there is as it should be.
func sleeps(t *testing.T, c *replay.Case, r *protocol.Reading) {
	var d alert.Detector
	m := fleet.Machine{ID: c.Name, Protocol: r.Protocol, Model: r.Model, Boards: 3, Fans: 4}
	for i := range 4 {
		at := time.Unix(int64(i)*30, 0)
		o := alert.Observation{At: usage.At(at), Answered: true, Poll: m.Observe(r, at, nil), Accepted: r.Accepted, Rejected: r.Rejected}
		for _, change := range d.Observe(o) {
			t.Errorf("%s sleeps, and raises %+v", c.Name, change)
		}
	}
}
