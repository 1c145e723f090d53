package fleet

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// machineOf is a machine by number.
func machineOf(n int) Machine {
	return Machine{ID: fmt.Sprintf("M%04d", n), Serial: fmt.Sprintf("M%04d", n), Address: fmt.Sprintf("10.0.0.%d:4028", n+1), Protocol: protocol.Protocols[0]}
}

// Whatever fails while machines are added: the fleet is whole, with all that was said to be saved and at most what was being saved.
func TestAFleetSurvivesItsDisk(t *testing.T) {
	t.Parallel()
	add := func(files vfs.FS, n int) error {
		inv, err := openInventory(files, "farm")
		if err != nil {
			return err
		}
		if len(inv.Machines) != n {
			return fmt.Errorf("%d machines, want %d", len(inv.Machines), n)
		}
		if _, _, err := inv.Merge([]Machine{machineOf(n)}); err != nil {
			return err
		}
		return inv.Save()
	}
	diskfault.Every(t, func(files vfs.FS) error { return errors.Join(add(files, 0), add(files, 1)) }, func(files vfs.FS) (done int, err error) {
		for done = 2; done < 8; done++ {
			if err := add(files, done); err != nil {
				return done, err
			}
		}
		return done, nil
	}, func(files vfs.FS, done int) error {
		inv, err := openInventory(files, "farm")
		if err != nil {
			return err
		}
		if n := len(inv.Machines); n < done || n > done+2 { // with what the check of the killed process added
			return fmt.Errorf("%d machines were saved, %d are there", done, n)
		}
		for i, m := range inv.Machines {
			if m != machineOf(i) {
				return fmt.Errorf("machine %d is %+v", i, m)
			}
		}
		return add(files, len(inv.Machines)) // and it goes on
	})
}
