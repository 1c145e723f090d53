package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// testdata/fleet-earlier.json was written by the program that spelled keys otherwise.
func TestAFleetOfAnEarlierProgramOpens(t *testing.T) {
	then, err := os.ReadFile("testdata/fleet-earlier.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "fleet.json")
	if err := os.WriteFile(path, then, 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := OpenInventory(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	m := inv.Machines[0]
	if m.HTTPPort != 8080 || m.IdealMHs != 100 || m.NominalWatts != 3000 || m.MinerID != "ab" || m.Given.RateMHs != 90 || m.Given.HeatLimit != 80 || m.Protocol != "cgminer" {
		t.Fatalf("%+v", m)
	}
	if err := inv.Save(); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(now), `"ideal_mhs": 100`) || strings.Contains(string(now), "idealMHs") {
		t.Fatalf("%s, %v", now, err)
	}
	if inv, err = OpenInventory(filepath.Dir(path)); err != nil || inv.Machines[0] != m {
		t.Fatalf("written and read again: %+v, %v", inv.Machines[0], err)
	}
}
