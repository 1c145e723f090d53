package past_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/usage"
)

var begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// The same seed is the same past, to the byte of its tables and the last hash of its account.
func TestSeedRepeats(t *testing.T) {
	var wholes [2]usage.Totals
	var prices [2]string
	for i := range wholes {
		dir := t.TempDir()
		if err := past.Write(t.Context(), dir, past.Options{Machines: 8, Seed: 9, From: begin, To: begin.Add(30 * time.Hour), Interval: 2 * time.Minute, Faults: true, BadNight: true}); err != nil {
			t.Fatal(err)
		}
		b, err := records.OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.Account(t.Context(), "*", usage.At(begin), usage.At(begin)+30*usage.Hour, nil)
		if err != nil {
			t.Fatal(err)
		}
		wholes[i] = a.Whole
		content, err := os.ReadFile(filepath.Join(dir, "prices.csv"))
		if err := errors.Join(err, b.Close()); err != nil {
			t.Fatal(err)
		}
		prices[i] = string(content)
		for _, m := range b.Fleet.Machines {
			if !m.Simulated || !strings.HasPrefix(m.Model, "Simulated ") || m.Place.Site != "simulated" {
				t.Errorf("%+v does not say that it is simulated", m)
			}
		}
	}
	if wholes[0] != wholes[1] || prices[0] != prices[1] {
		t.Error("two pasts of one seed differ")
	}
}

func TestRefusals(t *testing.T) {
	good := past.Options{Machines: 1, Seed: 1, From: begin, To: begin.Add(time.Hour), Interval: time.Minute}
	dir := t.TempDir()
	if err := past.Write(t.Context(), dir, good); err != nil {
		t.Fatal(err)
	}
	var refusal *farm.Error
	if err := past.Write(t.Context(), dir, good); !errors.As(err, &refusal) || refusal.Code != "exists" {
		t.Errorf("a farm is overwritten: %v", err)
	}
	for _, change := range []func(*past.Options){func(o *past.Options) { o.Machines = 0 }, func(o *past.Options) { o.To = o.From }, func(o *past.Options) { o.Interval = time.Hour }} {
		bad := good
		change(&bad)
		empty := t.TempDir()
		if err := past.Write(t.Context(), empty, bad); !errors.As(err, &refusal) || refusal.Code != "farm-out-of-range" {
			t.Errorf("%+v: %v", bad, err)
		}
		if left, _ := os.ReadDir(empty); len(left) > 0 {
			t.Errorf("a refusal left %v", left)
		}
	}
}
