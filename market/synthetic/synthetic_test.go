package synthetic

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/market"
)

// The set is the same bytes on every run, every file is recognised, and the
// checks find nothing to repair in it.
func TestSetIsReproducibleAndClean(t *testing.T) {
	again := Files()
	for i, f := range Files() {
		if !bytes.Equal(f.Data, again[i].Data) {
			t.Errorf("%s differs between two runs", f.Name)
		}
		table, err := market.Parse(f.Name, f.Data, market.ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if table.Provenance.Form == "declared" || table.Provenance.Origin != Origin {
			t.Errorf("%s: form %q, origin %q", f.Name, table.Provenance.Form, table.Provenance.Origin)
		}
		for _, finding := range market.Check(table) {
			t.Errorf("%s: %+v", f.Name, finding)
		}
	}
}

func TestWriteMakesTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := Write(dir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(Files()) {
		t.Fatalf("%d files, %v", len(entries), err)
	}
}

// The issuance rule: 12.5 coins a block from height 420,000, and the supply
// below it is 15,750,000.
func TestSupplyFollowsTheHalvings(t *testing.T) {
	day := (420_000-331_900)/144 + 1
	supply, issued := supplyAt(day)
	if issued != 144*12.5 || supply < 15_750_000 || supply > 15_750_000+144*12.5 {
		t.Errorf("supply %v, issued %v", supply, issued)
	}
}
