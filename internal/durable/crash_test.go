package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func text(n int) []byte { return []byte(fmt.Sprint(n, " ", strings.Repeat("tenge", 50*(n+1)))) }

func TestReplaceIsOldOrNew(t *testing.T) {
	diskfault.Every(t,
		func(files vfs.FS) error { return durable.Replace(files, "f", text(0)) },
		func(files vfs.FS) (int, error) {
			for n := 1; n <= 3; n++ {
				if err := durable.Replace(files, "f", text(n)); err != nil {
					return n - 1, err
				}
			}
			return 3, nil
		},
		func(files vfs.FS, done int) error {
			got, err := durable.Read(files, "f", 1<<20)
			if err != nil || (string(got) != string(text(done)) && string(got) != string(text(done+1))) {
				return fmt.Errorf("after %d replacements: %.20q, %v", done, got, err)
			}
			return durable.Replace(files, "f", got) // what was left does not stand in the way
		})
}

func TestCreateIsCompleteOrAbsent(t *testing.T) {
	diskfault.Every(t,
		func(vfs.FS) error { return nil },
		func(files vfs.FS) (int, error) {
			for n := range 3 {
				if err := durable.Create(files, "k"+strconv.Itoa(n), text(n)); err != nil {
					return n, err
				}
			}
			return 3, nil
		},
		func(files vfs.FS, done int) error {
			for n := range 3 {
				name := "k" + strconv.Itoa(n)
				got, err := durable.Read(files, name, 1<<20)
				switch {
				case errors.Is(err, fs.ErrNotExist) && n >= done:
					if err := durable.Create(files, name, text(n)); err != nil {
						return fmt.Errorf("again after a crash: %w", err)
					}
				case err != nil || string(got) != string(text(n)):
					return fmt.Errorf("%s after %d: %.20q (%d bytes), %v", name, done, got, len(got), err)
				}
				if err := durable.Create(files, name, []byte("other")); !errors.Is(err, fs.ErrExist) {
					return fmt.Errorf("a name that is taken: %v", err)
				}
			}
			return nil
		})
}

func increment(content []byte) ([]byte, error) {
	n, _ := strconv.Atoi(strings.TrimSpace(string(content)))
	return []byte(strconv.Itoa(n+1) + strings.Repeat(" ", 400)), nil
}

func TestUpdateLosesNoChange(t *testing.T) {
	diskfault.Every(t,
		func(vfs.FS) error { return nil },
		func(files vfs.FS) (int, error) {
			for n := range 3 {
				if err := durable.Update(files, "n", 1<<10, increment); err != nil {
					return n, err
				}
			}
			return 3, nil
		},
		func(files vfs.FS, done int) error {
			got, err := durable.Read(files, "n", 1<<10)
			n, _ := strconv.Atoi(strings.TrimSpace(string(got)))
			if (err != nil && done > 0) || (n != done && n != done+1) {
				return fmt.Errorf("%d after %d increments: %v", n, done, err)
			}
			return nil
		})
}

var options = durable.Options{Header: "test journal 1\n", Max: 4096}

func openJournal(files vfs.FS) (*durable.Journal, []string, error) {
	var records []string
	j, err := durable.OpenJournal(files, "j", options, func(body []byte) error {
		records = append(records, string(body))
		return nil
	})
	return j, records, err
}

func TestJournalKeepsWhatItAcknowledged(t *testing.T) {
	diskfault.Every(t,
		func(vfs.FS) error { return nil },
		func(files vfs.FS) (int, error) {
			j, _, err := openJournal(files)
			if err != nil {
				return 0, err
			}
			for n := range 4 {
				if err := j.Append(text(n)); err != nil {
					if again := j.Append(text(n)); again == nil {
						t.Error("took a record after a write had failed")
					}
					return n, errors.Join(err, j.Close())
				}
			}
			return 4, j.Close()
		},
		func(files vfs.FS, done int) error {
			for range 2 { // what the first opening found or mended, the second finds
				j, records, err := openJournal(files)
				if err != nil {
					return err
				}
				if len(records) < done || len(records) > done+1 {
					return fmt.Errorf("%d records after %d", len(records), done)
				}
				for n, r := range records {
					if r != string(text(n)) {
						return fmt.Errorf("record %d of %d is %.20q", n, len(records), r)
					}
				}
				if err := j.Append(text(len(records))); err != nil {
					return err
				}
				if err := j.Close(); err != nil {
					return err
				}
				done = len(records) + 1
			}
			return truncateJournal(files, done-2)
		})
}

// truncateJournal takes back what a check appended, since a second check comes after a crash.
func truncateJournal(files vfs.FS, keep int) error {
	var all []string
	j, err := durable.OpenJournal(files, "j", options, func(body []byte) error { all = append(all, string(body)); return nil })
	if err != nil {
		return err
	}
	if err := j.Close(); err != nil {
		return err
	}
	if err := durable.Remove(files, "j"); err != nil {
		return err
	}
	if j, _, err = openJournal(files); err != nil {
		return err
	}
	for _, record := range all[:keep] {
		if err := j.Append([]byte(record)); err != nil {
			return err
		}
	}
	return j.Close()
}

// A sync that failed is not repaired by the next: a reader in the same machine sees the record, says so, and a crash
// takes it away. What an opening has handed over must not go.
func TestWhatAJournalHandedOverStays(t *testing.T) {
	seen := 0
	for seed := range uint64(40) {
		d := disk.New(seed)
		j, _, err := openJournal(d.FS())
		if err != nil {
			t.Fatal(err)
		}
		d.FailSyncAt(1)
		if err := j.Append(text(1)); !errors.Is(err, disk.ErrIO) {
			t.Fatal(err)
		}
		d.Kill()
		if _, records, err := openJournal(d.FS()); err != nil {
			t.Fatal(err)
		} else if len(records) == 1 {
			seen++
			d.Restart()
			if _, records, err := openJournal(d.FS()); err != nil || len(records) != 1 {
				t.Fatalf("seed %d: a record that was handed over is gone: %v", seed, err)
			}
		}
	}
	if seen == 0 {
		t.Error("no seed showed the record")
	}
}
