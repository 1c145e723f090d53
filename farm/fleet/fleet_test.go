package fleet_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

func code(err error) string {
	var refusal *farm.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func TestValidate(t *testing.T) {
	good := fleet.Machine{ID: "HTM31X1", Protocol: protocol.WhatsminerV2, Address: "10.0.0.7:4028"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*fleet.Machine){
		"bad-identity":      func(m *fleet.Machine) { m.ID = "10.0.0.7" },
		"unknown-dialect":   func(m *fleet.Machine) { m.Protocol = "klingon" },
		"farm-bad-address":  func(m *fleet.Machine) { m.Address = "miner.example.org:4028" },
		"farm-out-of-range": func(m *fleet.Machine) { m.Boards = 99 },
	} {
		bad := good
		change(&bad)
		if got := code(bad.Validate()); got != want {
			t.Errorf("%+v: %q, want %q", bad, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	m := fleet.Machine{ID: "A1", Place: fleet.Place{Site: "north", Container: "c1", Rack: "r2", Shelf: "s3"}}
	for selector, want := range map[string]bool{"*": true, "A1": true, "A": false, "north": true, "nor": false, "north/c1": true, "north/c1/r2/s3": true, "north/c2": false, "": false} {
		if m.Matches(selector) != want {
			t.Errorf("%q matches: %v", selector, !want)
		}
	}
}

// Inventories as Foreman, HiveOS and pyasic export them.
func TestImports(t *testing.T) {
	for name, tc := range map[string]struct {
		csv  string
		want fleet.Machine
	}{
		"foreman": {"id,name,api_ip,api_port,mac,serial_number,type,firmware_version,site_map,rack,row,index\n812,rig-7,10.0.0.7,4028,A2:B4:C6:D8:E0:F2,SMTTYRHBDJAAI0001,Antminer S19 Pro,stock,x,r3,c1,12\n",
			fleet.Machine{ID: "SMTTYRHBDJAAI0001", Serial: "SMTTYRHBDJAAI0001", MAC: "a2:b4:c6:d8:e0:f2", Model: "Antminer S19 Pro", Protocol: protocol.AntminerNew, Address: "10.0.0.7:4028", Worker: "rig-7", Place: fleet.Place{Site: "north", Container: "c1", Rack: "r3", Shelf: "12"}}},
		"hiveos": {"Farm Name,Worker ID,Worker Name,IP Address,MAC,Model,Firmware\nsteppe,55,m30-3,10.0.0.31,c6-08-29-00-44-11,Whatsminer M30S+,20220108\n",
			fleet.Machine{ID: "c6:08:29:00:44:11", MAC: "c6:08:29:00:44:11", Model: "Whatsminer M30S+", Protocol: protocol.WhatsminerV2, Address: "10.0.0.31:4028", Worker: "m30-3", Place: fleet.Place{Site: "steppe"}}},
		"pyasic": {"ip,mac,model,serial_number,hostname,fw_ver,expected_hashrate,wattage,best_difficulty\n10.0.0.50,2e:a1:77:00:00:50,Antminer S19j Pro (LuxOS),JYZZAEUBDJBAF0050,lux,2024.5.1,104.0,3068,1G\n",
			fleet.Machine{ID: "JYZZAEUBDJBAF0050", Serial: "JYZZAEUBDJBAF0050", MAC: "2e:a1:77:00:00:50", Model: "Antminer S19j Pro (LuxOS)", Protocol: protocol.LuxOS, Address: "10.0.0.50:4028", Worker: "lux", IdealMHs: 104_000_000, NominalWatts: 3068, Place: fleet.Place{Site: "north"}}},
	} {
		got, _, err := fleet.ReadCSV(strings.NewReader(tc.csv), "north")
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v, %v", name, got, err)
		}
		if diff := cmp.Diff(tc.want, got[0]); diff != "" {
			t.Errorf("%s (−want +got):\n%s", name, diff)
		}
	}
}

func TestBadImports(t *testing.T) {
	for csv, want := range map[string]string{
		"":                                            "csv",
		"mac,model\na,b\n":                            "header",
		"ip,mac\n10.0.0.1,zz\n":                       "bad-identity",
		"ip,sn\n10.0.0.1,N/A\n":                       "bad-identity",
		"ip,id\n10.0.0.1,10.0.0.1\n":                  "bad-identity",
		"ip,sn\nhost,SMT1\n":                          "farm-bad-address",
		"ip,sn\n10.0.0.1,\"A\n":                       "",
		"ip,sn,rack\n1.1.1.1,SMT1,\"a,b\"\n":          "bad-place",
		"ip,sn,site\n1.1.1.1,SMT1,*\n":                "bad-place",
		"ip,sn,site\n1.1.1.1,SMT1,a\x1b[2J\n":         "bad-place",
		"ip,sn\n1.1.1.1,SMTX0001\n1.1.1.1,SMTX0002\n": "farm-one-address",
		"ip,mac\n1.1.1.1,C6:00:AA:22:33:01\n1.1.1.1,C6:00:AA:22:33:02\n":                 "farm-one-address",
		"ip,sn,expected_hashrate\n1.1.1.1,SMT1,fast\n":                                   "not-a-number",
		"ip,mac,sn\n10.0.0.3,02:00:00:00:00:03,N/A\n10.0.0.4,02-00-00-00-00-03,SNA004\n": "farm-two-addresses",
		"ip,mac,sn\n10.0.0.4,02-00-00-00-00-03,SNA004\n10.0.0.3,02:00:00:00:00:03,N/A\n": "farm-two-addresses",
		"ip,sn\n10.0.0.3,SNA004\n10.0.0.4,SNA004\n":                                      "farm-two-addresses",
	} {
		got, _, err := fleet.ReadCSV(strings.NewReader(csv), "")
		if want != "" && code(err) != want {
			t.Errorf("%q: %v, %v, want %q", csv, got, err, want)
		}
	}
}

// Two serial numbers under one MAC, and a machine that stands twice at its address, are taken.
func TestRowsThatAreNoTwins(t *testing.T) {
	for _, csv := range []string{
		"ip,mac,sn\n10.0.0.3,02:00:00:00:00:03,SNA003\n10.0.0.4,02-00-00-00-00-03,SNA004\n",
		"ip,mac,sn\n10.0.0.3,02:00:00:00:00:03,SNA003\n10.0.0.3,02-00-00-00-00-03,N/A\n",
	} {
		if got, _, err := fleet.ReadCSV(strings.NewReader(csv), ""); err != nil || len(got) != 2 {
			t.Errorf("%q: %v, %v", csv, got, err)
		}
	}
}

// How a machine is spoken to, by its own word, is kept when an inventory guesses otherwise; the row moves it all the same.
func TestAnImportGivesWayToTheMachine(t *testing.T) {
	inv, err := fleet.OpenInventory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	known := []fleet.Machine{
		{ID: "SIM3", Serial: "SIM3", Model: "Antminer S19", ModelSeen: true, Protocol: protocol.LuxOS, Address: "127.94.5.4:4028"},
		{ID: "SIM4", Serial: "SIM4", ProtocolSeen: true, Protocol: protocol.Cgminer, Address: "127.94.5.5:4029"},
		{ID: "SIM5", Serial: "SIM5", ModelSeen: true, Protocol: protocol.VNish, Address: "127.94.5.6:443", TLS: true, Certificate: strings.Repeat("ab", 32)},
		{ID: "SIM6", Serial: "SIM6", Protocol: protocol.Cgminer, Address: "127.94.5.7:4028"},
	}
	if _, _, err := inv.Merge(known); err != nil {
		t.Fatal(err)
	}
	rows, _, err := fleet.ReadCSV(strings.NewReader("ip;mac;sn;model\n127.94.5.4;;SIM3;Whatsminer M99\n127.94.5.5;;SIM4;Bitaxe\n"+
		"127.94.5.16;;SIM5;Whatsminer M30S\n127.94.5.7;;SIM6;Whatsminer M30S\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := inv.Merge(rows); err != nil {
		t.Fatal(err)
	}
	if m := inv.Find("SIM3"); m.Protocol != protocol.LuxOS || m.Address != known[0].Address || m.Model != known[0].Model {
		t.Errorf("%+v, want it as it was", m)
	}
	if m := inv.Find("SIM4"); m.Protocol != protocol.Cgminer || m.Address != known[1].Address {
		t.Errorf("%+v, want its protocol and port", m)
	}
	if m := inv.Find("SIM5"); m.Protocol != protocol.VNish || m.Address != "127.94.5.16:443" || !m.TLS || m.Certificate == "" {
		t.Errorf("%+v, want its protocol, port and certificate at the new host", m)
	}
	if m := inv.Find("SIM6"); m.Protocol != protocol.WhatsminerV2 {
		t.Errorf("%+v: a guess gives way to another", m)
	}
}

func TestInventoryMergesByIdentity(t *testing.T) {
	dir := t.TempDir()
	inv, err := fleet.OpenInventory(dir)
	if err != nil {
		t.Fatal(err)
	}
	first := fleet.Machine{ID: "a2:b4:c6:d8:e0:f2", MAC: "a2:b4:c6:d8:e0:f2", Protocol: protocol.AntminerNew, Address: "10.0.0.7:4028", Place: fleet.Place{Site: "north", Rack: "r1"}, Since: 5}
	if added, updated, err := inv.Merge([]fleet.Machine{first}); added != 1 || updated != 0 || err != nil {
		t.Fatal(added, updated, err)
	}
	// Found again elsewhere, now with its serial number: the same machine at another address.
	again := fleet.Machine{ID: "SN1", Serial: "SN1", MAC: first.MAC, Model: "Antminer S19", Protocol: protocol.LuxOS, Address: "10.0.0.99:4028", Since: 9}
	if added, updated, err := inv.Merge([]fleet.Machine{again}); added != 0 || updated != 1 || err != nil {
		t.Fatal(added, updated, err)
	}
	if _, _, err := inv.Merge([]fleet.Machine{{ID: "x", Protocol: "cgminer", Address: "1.1.1.1"}, {ID: ""}}); err == nil || len(inv.Machines) != 1 {
		t.Error("half of a bad merge happened")
	}
	if err := inv.Save(); err != nil {
		t.Fatal(err)
	}
	back, err := fleet.OpenInventory(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := again
	want.ID, want.Place, want.Since = first.ID, first.Place, 5
	if diff := cmp.Diff(*inv, *back, cmpopts.IgnoreUnexported(fleet.Inventory{})); diff != "" {
		t.Error(diff)
	}
	if m := back.Find("SN1"); m == nil || *m != want {
		t.Errorf("found %+v, want %+v", m, want)
	}
	var csv bytes.Buffer
	if err := back.WriteCSV(&csv); err != nil {
		t.Fatal(err)
	}
	reread, ignored, err := fleet.ReadCSV(&csv, "")
	if err != nil || len(ignored) != 0 || reread[0].ID != want.ID || reread[0].Place != want.Place || reread[0].Protocol != want.Protocol {
		t.Errorf("our own columns read back as %+v, %v, %v", reread, ignored, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fleet.json"), []byte(`{"machines":[{"id":"10.0.0.1"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := fleet.OpenInventory(dir); code(err) != "bad-identity" {
		t.Errorf("a bad inventory: %v", err)
	}
}

func TestObserve(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	m := fleet.Machine{ID: "x", Model: "Antminer S19"}
	r := &protocol.Reading{ElapsedSeconds: 10, RateMHs: 94e6, IdealMHs: protocol.Unknown, TotalMH: 5, AcceptedMH: 4, RejectedMH: 1, StaleMH: 2, HardwareErrors: 0, ChipTemp: 91, PowerWatts: protocol.Unknown, PowerLimit: protocol.Unknown,
		Boards: []protocol.Board{{RateMHs: 1}, {RateMHs: 0}, {RateMHs: 1}}, Fans: []int{4000, 3000, 3500, 3500}, Pools: []protocol.Pool{{URL: "stratum+tcp://p:1", User: "me.1", Alive: true}}}
	p := m.Observe(r, at, []string{"stratum+tcp://p me."})
	want := usage.Poll{At: usage.At(at), Elapsed: 10, RateMHs: 94e6, NameplateMHs: 95e6, TotalMH: 5, AcceptedMH: 4, RejectedMH: 3, ChipTemp: 91, SlowestFan: 3000, Watts: 3250, Source: usage.ByNameplate, NominalWatts: 3250,
		Boards: 2, BoardsDue: 3, CapPermille: 1000, PoolAlive: true, Throttled: true}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(−want +got):\n%s", diff)
	}
	// Its own word goes before the catalogue, watts of its own before the nameplate, and a limit shows.
	r.IdealMHs, r.PowerWatts, r.PowerLimit, r.ChipTemp = 100e6, 3000, 2737, 60
	p = m.Observe(r, at, []string{"stratum+tcp://other"})
	if p.NameplateMHs != 100e6 || p.Watts != 3000 || p.Source != usage.ByMachine || p.CapPermille != 800 || p.Throttled || !p.PoolWrong {
		t.Errorf("%+v", p)
	}
	// An ideal rate that falls with a dead board does not lower what the machine should do.
	r.IdealMHs = 66e6
	if p = m.Observe(r, at, nil); p.NameplateMHs != 100e6 || p.PoolWrong {
		t.Errorf("%+v", p)
	}
	// One of four fans that stands still is told, however the firmware leaves it out; one that never was is not.
	r.Fans = []int{4000, 3000, 3500}
	if p = m.Observe(r, at, nil); p.SlowestFan != 0 {
		t.Errorf("a missing fan: %+v", p)
	}
	dry := fleet.Machine{ID: "dry", Model: "Antminer S19"}
	r.Fans = []int{0, 0, 0, 0}
	if p = dry.Observe(r, at, nil); p.SlowestFan != usage.Unknown {
		t.Errorf("no fans in immersion: %+v", p)
	}
	// A board that was dead before the first poll is due all the same, with its part of the nameplate.
	lame := fleet.Machine{ID: "lame", Model: "Antminer S19 Pro"}
	p = lame.Observe(&protocol.Reading{RateMHs: 73e6, IdealMHs: 73e6, Boards: make([]protocol.Board, 2)}, at, nil)
	if p.BoardsDue != 3 || p.NameplateMHs != 110e6 {
		t.Errorf("two boards of three: %d due, nameplate %d", p.BoardsDue, p.NameplateMHs)
	}
	// Nor is nonsense believed.
	r.IdealMHs = 5e9
	if p = m.Observe(r, at, nil); p.NameplateMHs != 100e6 {
		t.Errorf("%+v", p)
	}
}

// Every pool that is in use, or got shares since the last poll, must be allowed; the firmware maker's own
// is not a stranger's as long as it takes no more than its fee.
func TestWorksForStrangers(t *testing.T) {
	allowed := []string{"stratum+tcp://mine me."}
	mine := protocol.Pool{URL: "stratum+tcp://mine:3333", User: "me.1", Alive: true, Active: true, Accepted: 10, AcceptedMH: 950}
	poll := func(m *fleet.Machine, pools ...protocol.Pool) bool {
		r := &protocol.Reading{ElapsedSeconds: 100, Pools: pools, PoolsReported: true}
		return m.Observe(r, time.Unix(1_800_000_000, 0), allowed).PoolWrong
	}
	m := &fleet.Machine{ID: "x"}
	thief := protocol.Pool{URL: "stratum+tcp://thief:3333", User: "thief.x", Alive: true, Accepted: 7}
	if poll(m, mine, thief) {
		t.Error("a spare pool that got nothing since we look is told")
	}
	if active := thief; true {
		active.Active = true
		if !poll(m, mine, active) {
			t.Error("a second group that works for a stranger is not told")
		}
	}
	thief.Accepted = 8
	if poll(m, mine, thief) != true {
		t.Error("a pool that got a share between two polls is not told")
	}
	fee := protocol.Pool{URL: "*", User: "me.1", Alive: true, Active: true, Fee: true, Accepted: 1, AcceptedMH: 25}
	if fresh := (&fleet.Machine{ID: "y"}); poll(fresh, mine, fee) {
		t.Error("a fee of 2.6 % is told")
	}
	fee.AcceptedMH = 100
	if fresh := (&fleet.Machine{ID: "y"}); !poll(fresh, mine, fee) {
		t.Error("a fee of 9.5 % is not told")
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("ip,mac,model\n10.0.0.1,a2:b4:c6:d8:e0:f2,S19\n")
	f.Add("id,serial,mac,ip,model,dialect,worker,site,container,rack,shelf\nA,A,,1.2.3.4:5,M,luxos,w,s,c,r,h\n")
	f.Fuzz(func(t *testing.T, text string) {
		machines, _, err := fleet.ReadCSV(strings.NewReader(text), "site")
		if err != nil {
			return
		}
		for _, m := range machines {
			if err := m.Validate(); err != nil {
				t.Fatalf("%+v: %v", m, err)
			}
		}
	})
}
