package fleet_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// What people say goes before the machine's word and the catalogue, lower values too, and can be taken back.
func TestGiven(t *testing.T) {
	m := fleet.Machine{ID: "A", Model: "Antminer T17+", Protocol: protocol.AntminerOld, Address: "10.0.0.1:4028"}
	set := func(words ...string) {
		t.Helper()
		change, err := fleet.ParseGiven(words)
		if err != nil {
			t.Fatal(err)
		}
		change.Apply(&m)
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	set("nameplate=58.25TH/s", "watts=3200 W", "limit=85")
	if rate, watts, _ := m.Nameplate(); rate != 58_250_000 || watts != 3200 || m.HeatLimit() != 85 || m.LoadWatts() != 3200 {
		t.Errorf("%d MH/s, %d W, %d °C", rate, watts, m.HeatLimit())
	}
	m.Observe(&protocol.Reading{IdealMHs: 64_000_000, RateMHs: 60_000_000, PowerWatts: -1}, time.Unix(1_800_000_000, 0), nil)
	if rate, _, _ := m.Nameplate(); rate != 58_250_000 {
		t.Errorf("the machine's word went before what was given: %d", rate)
	}
	set("nameplate=-", "limit=-")
	if rate, watts, _ := m.Nameplate(); rate != 64_000_000 || watts != 3200 || m.HeatLimit() == 85 {
		t.Errorf("taken back: %d MH/s, %d W, %d °C", rate, watts, m.HeatLimit())
	}
	for words, want := range map[string]string{"watts=0": "farm-out-of-range", "watts=lots": "bad-setting", "limit=20": "farm-out-of-range", "nameplate=NaN": "farm-out-of-range", "nameplate=1e9": "farm-out-of-range", "colour=red": "bad-setting", "watts": "bad-setting"} {
		if _, err := fleet.ParseGiven([]string{words}); code(err) != want {
			t.Errorf("%s: %v, want %s", words, err, want)
		}
	}
	if _, err := fleet.ParseGiven([]string{"watts=1", "watts=2"}); code(err) != "bad-setting" {
		t.Errorf("given twice: %v", err)
	}
}

// A fleet that is written and read as CSV has the same nameplates: nothing that a column says is dropped.
func TestNameplatesInCSV(t *testing.T) {
	var inv fleet.Inventory
	m := fleet.Machine{ID: "SMT0001", Serial: "SMT0001", Protocol: protocol.AntminerNew, Address: "10.0.0.1:4028", IdealMHs: 110_123_456, NominalWatts: 3250, Given: fleet.Given{RateMHs: 95_500_000, Watts: 3000, HeatLimit: 80}}
	bare := fleet.Machine{ID: "SMT0002", Serial: "SMT0002", Protocol: protocol.Cgminer, Address: "10.0.0.2:4028"}
	if _, _, err := inv.Merge([]fleet.Machine{m, bare}); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := inv.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	back, ignored, err := fleet.ReadCSV(&text, "")
	if err != nil || len(ignored) != 0 || !cmp.Equal(back, []fleet.Machine{m, bare}) {
		t.Errorf("%v, ignored %v\n%s", err, ignored, cmp.Diff(back, []fleet.Machine{m, bare}))
	}
}
