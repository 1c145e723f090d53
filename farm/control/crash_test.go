package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/fault"
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

// Whatever fails while a broken trail is set aside: afterwards either it is broken still, with every line in some file,
// or another one is begun that names what was set aside. Nothing is ever believed that says nothing of it.
func TestABrokenTrailIsNotForgotten(t *testing.T) {
	t.Parallel()
	reason := "the disk was replaced"
	diskfault.Every(t, func(files vfs.FS) error {
		if err := files.MkdirAll("farm"); err != nil {
			return err
		}
		a, err := openAudit(files, "farm")
		if err != nil {
			return err
		}
		if err := errors.Join(a.write(entryOf(0)), a.write(entryOf(1)), a.Close()); err != nil {
			return err
		}
		return durable.Replace(files, filepath.Join("farm", headFile), fmt.Appendf(nil, "1 %064d\n", 7))
	}, func(files vfs.FS) (done int, err error) {
		if _, err := beginAnew(files, "farm", "operator", reason, time.Unix(9, 0)); err != nil {
			return 0, err
		}
		return 1, nil
	}, func(files vfs.FS, done int) error {
		entries, _, err := readAudit(files, "farm")
		if err == nil && len(entries) == 0 {
			return errors.New("a trail is believed that says nothing")
		}
		if err != nil {
			if done > 0 || fault.Code(err) != "farm-trail" {
				return fmt.Errorf("after %d: %w", done, err)
			}
			if _, err := beginAnew(files, "farm", "operator", reason, time.Unix(10, 0)); err != nil {
				return fmt.Errorf("the second time: %w", err)
			}
			if entries, _, err = readAudit(files, "farm"); err != nil {
				return err
			}
		}
		kept, err := keptAside(files, "farm")
		if err != nil {
			return err
		}
		lines := 0
		for _, k := range kept {
			if !strings.Contains(entries[0].Detail, k.SHA256) {
				return fmt.Errorf("%s is not named by %q", k.File, entries[0].Detail)
			}
			if strings.HasSuffix(k.File, ".jsonl") {
				err := durable.ReadLines(files, filepath.Join("farm", k.File), func([]byte) error {
					lines++
					return nil
				})
				if err != nil {
					return err
				}
			}
		}
		if lines < 2 || entries[0].Action != Begun {
			return fmt.Errorf("%d lines are kept, and the trail begins with %+v", lines, entries[0])
		}
		a, err := openAudit(files, "farm") // orders are given again
		if err != nil {
			return err
		}
		return errors.Join(a.write(entryOf(2)), a.Close())
	})
}

// Each way in which a trail is broken has the code that names its remedy; a trail that holds together, one of a folder
// in which nothing was ordered, and a remedy without a reason are refused.
func TestRemedyOfABrokenTrail(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"a line changed": func(dir string) error {
			path := filepath.Join(dir, auditFile)
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(content), "operator", "nobody", 1)), 0o600)
		},
		"taken away": func(dir string) error { return os.Remove(filepath.Join(dir, auditFile)) },
		"end cut":    func(dir string) error { return os.Truncate(filepath.Join(dir, auditFile), 0) },
		"a head of words": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, headFile), []byte("x"), 0o600)
		},
		"a head too long": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, headFile), make([]byte, 2000), 0o600)
		},
		"zeros in between": func(dir string) error {
			return overwrite(filepath.Join(dir, auditFile), 5, make([]byte, 20))
		},
	} {
		dir := t.TempDir()
		if _, err := BeginAnew(dir, "x", "why", time.Now()); fault.Code(err) != "farm-trail-whole" {
			t.Errorf("where nothing was ordered: %v", err)
		}
		a, err := OpenAudit(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.write(entryOf(0)), a.write(entryOf(1)), a.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := BeginAnew(dir, "x", "why", time.Now()); fault.Code(err) != "farm-trail-whole" {
			t.Errorf("a whole trail: %v", err)
		}
		if err := harm(dir); err != nil {
			t.Fatal(err)
		}
		// Both readers judge alike.
		_, opened := OpenAudit(dir)
		if _, _, read := ReadAudit(dir); fault.Code(opened) != "farm-trail" || fault.Code(read) != "farm-trail" {
			t.Errorf("%s: opened %v, read %v", name, opened, read)
		}
		if _, err := BeginAnew(dir, "x", " ", time.Now()); fault.Code(err) != "farm-trail-reason" {
			t.Errorf("%s, without a reason: %v", name, err)
		}
		anew, err := BeginAnew(dir, "x", "why", time.Now())
		if err != nil || len(anew.Aside) == 0 {
			t.Fatalf("%s: %+v, %v", name, anew, err)
		}
		entries, head, err := ReadAudit(dir)
		if err != nil || head != anew.Head || len(entries) != 1 || !strings.Contains(entries[0].Detail, "why: why") {
			t.Errorf("%s: %+v, %v", name, entries, err)
		}
	}
}

func overwrite(path string, at int, with []byte) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	copy(content[at:], with)
	return os.WriteFile(path, content, 0o600)
}
