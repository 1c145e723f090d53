package monitor_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
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
	for _, m := range machines {
		number, ok := b.Store.Number(m.ID)
		polls, err := b.Store.Polls(number, 0, usage.At(time.Now()))
		if ok != nil || err != nil {
			t.Fatal(ok, err)
		}
		if tells := strings.HasPrefix(m.ID, "AXE"); (tells && len(polls) < 10) || (strings.HasPrefix(m.ID, "DUMB") && len(polls) > 0) {
			t.Errorf("%d polls of %s are kept", len(polls), m.ID)
		}
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

// An inventory's guess of a protocol is corrected before anybody is called, and remembered.
func TestProtocolIsFoundAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machines := []fleet.Machine{
			{ID: "AXE0001", MAC: "c6:00:aa:22:33:01", Protocol: protocol.Cgminer, Address: "10.0.0.1:4028"},
			{ID: "SMT0002", MAC: "c6:00:aa:22:33:02", Protocol: protocol.AntminerNew, Address: "10.0.0.2:4028"},
			{ID: "AWAY003", MAC: "c6:00:aa:22:33:03", Protocol: protocol.Cgminer, Address: "10.0.0.3:4028"},
			{ID: "OTHER04", MAC: "c6:00:aa:22:33:04", Protocol: protocol.Cgminer, Address: "10.0.0.4:4028"},
			{ID: "POOR006", MAC: "c6:00:aa:22:33:06", Protocol: protocol.Cgminer, Address: "10.0.0.6:4028"},
			{ID: "PORT007", MAC: "c6:00:aa:22:33:07", Protocol: protocol.AxeOS, Address: "10.0.0.7:80"},
			{ID: "DUMB005", MAC: "c6:00:aa:22:33:05", Protocol: protocol.Cgminer, Address: "10.0.0.5:4028"}}
		of := func(d protocol.Protocol, mac string) *protocol.Reading {
			r := said("", mac)
			r.Protocol = d
			return r
		}
		silent := of("", "c6:00:aa:22:33:02") // it answers, and what it says fits another protocol
		silent.RateMHs = protocol.Unknown
		dumb := *silent
		dumb.MAC = "c6:00:aa:22:33:05"
		poor := *of("", "c6:00:aa:22:33:06") // its work, and nothing of its parts
		poor.ChipTemp, poor.BoardTemp = protocol.Unknown, protocol.Unknown
		answers := map[string]*protocol.Reading{"10.0.0.6:4028": &poor, "10.0.0.1:80": of(protocol.AxeOS, "c6:00:aa:22:33:01"), "10.0.0.2:4028": silent, "10.0.0.5:4028": &dumb}
		asked := map[string]int{}
		var raised []string
		o := monitor.Options{Notify: func(notices []alert.Notice) {
			for _, n := range notices {
				raised = append(raised, string(n.Kind)+" "+n.Scope)
			}
		}, Detect: func(_ context.Context, m *fleet.Machine) (*fleet.Machine, *protocol.Reading) {
			asked[m.ID]++ // under synctest the polls of machines do not overlap
			found := *m
			switch m.ID {
			case "AXE0001":
				found.Protocol, found.Address = protocol.AxeOS, "10.0.0.1:80"
				return &found, of(protocol.AxeOS, m.MAC)
			case "SMT0002":
				found.Protocol = protocol.AntminerOld
				answers["10.0.0.2:4028"] = of(protocol.AntminerOld, m.MAC)
				return &found, answers["10.0.0.2:4028"]
			case "POOR006":
				if found.Protocol = protocol.Auradine; asked[m.ID] > 1 {
					found.Protocol = protocol.Avalon
					answers["10.0.0.6:4028"] = of(protocol.Avalon, m.MAC)
				}
				return &found, answers["10.0.0.6:4028"]
			case "PORT007":
				found.Address = "10.0.0.7:8080"
				answers[found.Address] = of(protocol.AxeOS, m.MAC)
				return &found, answers[found.Address]
			case "OTHER04":
				found.Protocol, found.Address = protocol.AxeOS, "10.0.0.4:80"
				return &found, of(protocol.AxeOS, "c6:00:aa:22:33:99")
			}
			return nil, nil
		}}
		after := watched(t, o, machines, answers)
		got := map[string]string{}
		for _, m := range after.Machines {
			got[m.ID] = string(m.Protocol) + " " + m.Address
		}
		want := map[string]string{"AXE0001": "axeos 10.0.0.1:80", "SMT0002": "antminer-old 10.0.0.2:4028",
			"AWAY003": "cgminer 10.0.0.3:4028", "OTHER04": "cgminer 10.0.0.4:4028", "DUMB005": "cgminer 10.0.0.5:4028",
			"POOR006": "avalon 10.0.0.6:4028", "PORT007": "axeos 10.0.0.7:8080"}
		if !maps.Equal(got, want) {
			t.Errorf("the fleet is %v", got)
		}
		slices.Sort(raised)
		if want := []string{"norate DUMB005", "offline AWAY003", "offline OTHER04"}; !slices.Equal(raised, want) {
			t.Errorf("raised %v", raised)
		}
		// 20 polls in ten minutes: asked anew at the 2nd, 4th, 8th and 16th that do not fit.
		if want := map[string]int{"AXE0001": 1, "SMT0002": 1, "AWAY003": 4, "OTHER04": 4, "DUMB005": 4, "POOR006": 2, "PORT007": 1}; !maps.Equal(asked, want) {
			t.Errorf("asked %v", asked)
		}
	})
}
