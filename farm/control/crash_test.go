package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func entryOf(n int) Entry {
	return Entry{Time: time.Unix(int64(n), 0).UTC(), Who: "operator", Action: Reboot, Machine: fmt.Sprintf("M%04d", n), Outcome: "ordered"}
}

// entriesOn reads the trail of a simulated disk, which must hold together.
func entriesOn(files vfs.FS) ([]Entry, error) {
	var check trail
	err := durable.ReadLines(files, filepath.Join("farm", auditFile), check.line)
	return check.entries, err
}

// Whatever fails while orders are written down: every entry that an order was given after is there, the chain holds, and the next
// order can be given. (A torn end used to refuse every order for ever.)
func TestATrailSurvivesItsDisk(t *testing.T) {
	t.Parallel()
	diskfault.Every(t, func(files vfs.FS) error {
		if err := files.MkdirAll("farm"); err != nil {
			return err
		}
		a, err := openAudit(files, "farm")
		if err != nil {
			return err
		}
		return errors.Join(a.write(entryOf(0)), a.write(entryOf(1)), a.Close())
	}, func(files vfs.FS) (done int, err error) {
		a, err := openAudit(files, "farm")
		if err != nil {
			return 2, err
		}
		for done = 2; done < 9; done++ {
			if err := a.write(entryOf(done)); err != nil {
				return done, errors.Join(err, a.Close())
			}
		}
		return done, a.Close()
	}, func(files vfs.FS, done int) error {
		a, err := openAudit(files, "farm")
		if err != nil {
			return err
		}
		there, err := entriesOn(files)
		if err != nil {
			return err
		}
		if len(there) < done || len(there) > done+2 { // with what the check of the killed process added
			return fmt.Errorf("%d entries were written, %d are there", done, len(there))
		}
		for i, e := range there {
			if e.Machine != entryOf(i).Machine {
				return fmt.Errorf("entry %d is of %s", i, e.Machine)
			}
		}
		if err := errors.Join(a.write(entryOf(len(there))), a.Close()); err != nil {
			return err
		}
		after, err := entriesOn(files)
		if len(after) != len(there)+1 {
			return fmt.Errorf("%d entries after another, %d before: %w", len(after), len(there), err)
		}
		return err
	})
}

// Half a line at the end was acknowledged to nobody and is cut; an entry that was changed is damage, wherever it stands.
func TestATornTrailGoesOnAndAChangedOneDoesNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, auditFile)
	a, err := OpenAudit(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.write(entryOf(0)), a.write(entryOf(1)), a.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole[:len(whole):len(whole)], `{"time":"2026-`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := ReadAudit(dir); err != nil || len(entries) != 2 {
		t.Errorf("a torn trail reads as %d entries, %v", len(entries), err)
	}
	if a, err = OpenAudit(dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.write(entryOf(2)), a.Close()); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := ReadAudit(dir); err != nil || len(entries) != 3 {
		t.Errorf("after another order the trail reads as %d entries, %v", len(entries), err)
	}
	changed := append([]byte(nil), whole...)
	changed[len(changed)-3] ^= 1 // of the last line's own hash of the one before
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAudit(dir); err == nil {
		t.Error("a changed entry was taken")
	}
}
