package monitor_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
)

// watched is what a watch of some minutes makes of a fleet whose addresses answer as they are said to.
func watched(t *testing.T, o monitor.Options, machines []fleet.Machine, answers map[string]*protocol.Reading) (after *fleet.Inventory) {
	t.Helper()
	dir := t.TempDir()
	config := records.Defaults()
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		t.Fatal(err)
	}
	if err := b.Fleet.Save(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	o.Log = slog.New(slog.DiscardHandler)
	o.Query = func(_ context.Context, m *fleet.Machine) (*protocol.Reading, error) {
		r, ok := answers[m.Address]
		if !ok || (r.Protocol != "" && r.Protocol != m.Protocol) {
			return nil, errors.New("nobody answers")
		}
		reading := *r
		reading.ElapsedSeconds = int64(time.Since(begun)/time.Second) + 1000
		return &reading, nil
	}
	d, err := monitor.New(b, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	defer stop()
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if after, err = fleet.OpenInventory(dir); err != nil {
		t.Fatal(err)
	}
	return after
}

// said is a reading of a machine that hashes.
func said(serial, mac string) *protocol.Reading {
	return &protocol.Reading{Serial: serial, MAC: mac, RateMHs: 100_000_000, TotalMH: protocol.Unknown, AcceptedMH: protocol.Unknown}
}

// A machine is followed by its serial number, and nobody moves to where a stranger of the same MAC answers.
func TestFollowingMachinesOfOneMAC(t *testing.T) {
	const mac = "c6:00:aa:22:33:44"
	machines := []fleet.Machine{
		{ID: "HTM30S0009", Serial: "HTM30S0009", MAC: mac, Protocol: protocol.Braiins, Address: "10.0.0.9:4028"},
		{ID: "HTM30S0010", Serial: "HTM30S0010", MAC: mac, Protocol: protocol.Braiins, Address: "10.0.0.10:4028"}}
	for name, tc := range map[string]struct {
		at9  string
		want [2]string
	}{
		"the other":  {"HTM30S0010", [2]string{"10.0.0.9:4028", "10.0.0.9:4028"}},
		"a stranger": {"HTM30S0011", [2]string{"10.0.0.9:4028", "10.0.0.10:4028"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			after := watched(t, monitor.Options{}, machines, map[string]*protocol.Reading{"10.0.0.9:4028": said(tc.at9, mac)})
			if got := [2]string{after.Machines[0].Address, after.Machines[1].Address}; got != tc.want {
				t.Errorf("%s answers for the first: machines at %v, want %v", name, got, tc.want)
			}
		})
	}
}
