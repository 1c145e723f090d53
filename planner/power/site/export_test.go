package site_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/dispatch"
	"github.com/aqsha/aqsha/planner/power/site"
)

// day decides the example's day by its tariffs.
func day(t *testing.T) (*site.Site, *dispatch.Problem, *dispatch.Schedule, []money.Tiyn) {
	t.Helper()
	s, err := site.Parse("power.toml", site.ExampleFile)
	if err != nil {
		t.Fatal(err)
	}
	prices, err := power.PricesOf(s.Tariffs, s.Day)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Problem(prices, nil)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := dispatch.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	return s, p, schedule, prices
}

func table(t *testing.T, write func(out *bytes.Buffer) error) (head map[string]int, rows [][]string) {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	head = map[string]int{}
	for i, name := range all[0] {
		head[name] = i
	}
	return head, all[1:]
}

// What an operator submits by hour and what the machines are told say the same: as many run in each hour, and the energy is what
// the schedule has, to the watt-hour.
func TestTheTwoFilesAgree(t *testing.T) {
	s, p, schedule, prices := day(t)
	hours := site.Hours(p, schedule, prices)
	head, byHour := table(t, func(out *bytes.Buffer) error { return s.WriteHours(out, hours) })
	if len(byHour) != 24 {
		t.Fatalf("%d hours", len(byHour))
	}
	mhead, byMachine := table(t, func(out *bytes.Buffer) error { return s.WriteMachines(out, p, schedule) })
	running := [24]int{}
	hour := func(text string) int {
		t.Helper()
		h, err := strconv.Atoi(strings.TrimSuffix(text, ":00"))
		if err != nil || h < 0 || h > 24 {
			t.Fatalf("%q is no hour", text)
		}
		return h
	}
	for _, row := range byMachine {
		from, to := hour(row[mhead["from"]]), hour(row[mhead["to"]])
		if from >= to {
			t.Fatalf("a run from %d to %d", from, to)
		}
		for h := from; h < to; h++ {
			running[h]++
		}
	}
	ran := 0
	for h, row := range byHour {
		machines, err := strconv.Atoi(row[head["machines"]])
		if err != nil || machines != running[h] {
			t.Errorf("%02d:00: %d machines run by hour, %d by machine", h, machines, running[h])
		}
		ran += machines
		whole, part, _ := strings.Cut(row[head["kwh"]], ".")
		wattHours, err := strconv.ParseInt(whole+part, 10, 64)
		if err != nil || len(part) != 3 || wattHours != schedule.WattHours[h] {
			t.Errorf("%02d:00: %s kWh, the schedule has %d Wh", h, row[head["kwh"]], schedule.WattHours[h])
		}
		if wattHours > s.LimitWatts[h] {
			t.Errorf("%02d:00: %d Wh over a limit of %d W", h, wattHours, s.LimitWatts[h])
		}
		if row[head["zone"]] != s.Zone || row[head["day"]] != string(s.Day) || row[head["price_tenge_per_kwh"]] != prices[h].String() {
			t.Errorf("%v", row)
		}
	}
	if ran == 0 {
		t.Error("nothing runs: the files say nothing")
	}
}

// A power file is read from the disk, and one that is too long is not.
func TestReadingAPowerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "power.toml")
	if err := os.WriteFile(path, []byte(site.ExampleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := site.Read(path)
	if err != nil || s.Name != "Ekibastuz" {
		t.Fatalf("%v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("# a remark\n"), 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := site.Read(path); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("11 MB: %v", err)
	}
	if _, err := site.Read(path + ".none"); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}
