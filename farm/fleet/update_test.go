package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Whoever changes a fleet at the same time as others takes nothing back of theirs: a watch learns while people set and
// import.
func TestNobodysChangeOfAFleetIsLost(t *testing.T) {
	dir := t.TempDir()
	const people, each = 8, 5
	var all sync.WaitGroup
	for p := range people {
		all.Go(func() {
			for n := range each {
				m := Machine{ID: fmt.Sprintf("SMT%02d%02d", p, n), Address: fmt.Sprintf("10.0.%d.%d:4028", p, n+1),
					Protocol: "cgminer"}
				if err := Update(dir, func(inv *Inventory) error { _, _, err := inv.Merge([]Machine{m}); return err }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	inv, err := OpenInventory(dir)
	if err != nil || len(inv.Machines) != people*each {
		t.Fatalf("%d machines of %d, %v", len(inv.Machines), people*each, err)
	}
}

// A change that fails leaves the file as it is, byte for byte, and one that changes nothing writes nothing; a torn file is
// named and stays for whoever mends it.
func TestAChangeThatFailsWritesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fleet.json")
	no := errors.New("no")
	if err := Update(dir, func(*Inventory) error { return no }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a fleet was written: %v", err)
	}
	add := func(inv *Inventory) error {
		_, _, err := inv.Merge([]Machine{{ID: "SMT0001", Address: "10.0.0.1:4028", Protocol: "cgminer"}})
		return err
	}
	if err := Update(dir, add); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Update(dir, func(inv *Inventory) error { inv.Machines = nil; return no }); !errors.Is(err, no) {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Fatalf("%s, %v", after, err)
	}
	if err := os.WriteFile(path, before[:len(before)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	asked := false
	err = updateOn(vfs.OS, dir, func(*Inventory) error { asked = true; return nil })
	if err == nil || asked || !strings.Contains(err.Error(), path) {
		t.Errorf("a torn fleet: %v, changed %v", err, asked)
	}
	if after, err := os.ReadFile(path); err != nil || len(after) != len(before)/2 {
		t.Errorf("a torn fleet was written over: %d bytes, %v", len(after), err)
	}
}
