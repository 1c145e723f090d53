package fleet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/words"
)

const sharedMAC = "c6:00:aa:22:33:44"

func whatsminer(serial, mac, address string) fleet.Machine {
	id := serial
	if id == "" {
		id = mac
	}
	return fleet.Machine{ID: id, Serial: serial, MAC: mac, Protocol: protocol.WhatsminerV2, Address: address + ":4028"}
}

// Two machines of one MAC are two by their serial numbers, in whatever order they are found, and keep their addresses.
func TestOneMACTwoSerialNumbers(t *testing.T) {
	inv := &fleet.Inventory{}
	ninth, tenth := whatsminer("HTM30S0009", sharedMAC, "10.0.0.9"), whatsminer("HTM30S0010", sharedMAC, "10.0.0.10")
	for range 2 {
		if _, updated, err := inv.Merge([]fleet.Machine{ninth, tenth}); err != nil || updated != 0 || len(inv.Machines) != 2 {
			t.Fatal(inv.Machines, updated, err)
		}
		ninth, tenth = tenth, ninth
	}
	for _, m := range inv.Machines {
		if want := map[string]string{"HTM30S0009": "10.0.0.9:4028", "HTM30S0010": "10.0.0.10:4028"}[m.ID]; m.Address != want {
			t.Errorf("%s is at %s", m.ID, m.Address)
		}
	}
	// One that was known by its MAC alone is known again with its serial number; another of that MAC is not.
	inv = &fleet.Inventory{}
	if added, updated, err := inv.Merge([]fleet.Machine{whatsminer("", sharedMAC, "10.0.0.9"), ninth, tenth}); added != 2 || updated != 1 || err != nil {
		t.Error(added, updated, err)
	}
	// Without its serial number it is the one at its address, or nobody can say which.
	inv = &fleet.Inventory{Machines: []fleet.Machine{whatsminer("HTM30S0009", sharedMAC, "10.0.0.9"), whatsminer("HTM30S0010", sharedMAC, "10.0.0.10")}}
	found := []fleet.Found{{Machine: whatsminer("", sharedMAC, "10.0.0.10"), Identified: true}, {Machine: whatsminer("", sharedMAC, "10.0.0.11"), Identified: true}}
	if inv.Sift(found); !found[0].Identified || found[1].Identified || found[1].Problem == "" {
		t.Errorf("%+v", found)
	}
	if added, _, err := inv.Merge([]fleet.Machine{found[0].Machine}); added != 0 || err != nil || inv.Machines[1].Serial != "HTM30S0010" {
		t.Error(added, err, inv.Machines)
	}
	// A fleet in which they had become one does not get a second machine of one name.
	inv = &fleet.Inventory{Machines: []fleet.Machine{{ID: "HTM30S0009", Serial: "HTM30S0010", MAC: sharedMAC, Protocol: protocol.WhatsminerV2, Address: "10.0.0.10:4028"}}}
	if _, _, err := inv.Merge([]fleet.Machine{whatsminer("HTM30S0009", sharedMAC, "10.0.0.9")}); code(err) != "bad-identity" {
		t.Errorf("%v, %+v", err, inv.Machines)
	}
}

// What a machine and the fleet both know must agree; a placeholder is known to nobody.
func TestConfirm(t *testing.T) {
	m := fleet.Machine{ID: "HTM30S0009", Serial: "HTM30S0009", MAC: sharedMAC, MinerID: "b1", Model: "Antminer S17", Address: "10.0.0.9:4028"}
	for _, tc := range []struct {
		mac, serial, board, model string
		seen, confirmed           bool
		because                   string
	}{
		{mac: sharedMAC, confirmed: true},
		{serial: "HTM30S0009", confirmed: true},
		{mac: sharedMAC, serial: "000000", confirmed: true},
		{mac: sharedMAC, serial: "HTM30S0010", because: "its serial number is HTM30S0010, not HTM30S0009"},
		{mac: "c6:00:aa:22:33:45", serial: "HTM30S0009", because: "its MAC is c6:00:aa:22:33:45, not " + sharedMAC},
		{board: "b2", because: "its control board is b2, not b1"},
		{},
		{model: "Antminer S19"}, // an inventory's model is corrected
		{model: "Antminer S19", seen: true, because: "it is a Antminer S19, not a Antminer S17"},
		{model: "Antminer S19", seen: true, board: "b1"},
		{model: "Antminer S19", seen: true, mac: sharedMAC, confirmed: true},
	} {
		m.ModelSeen = tc.seen
		confirmed, err := m.Confirm(tc.mac, tc.serial, tc.board, tc.model)
		var other *fleet.OtherMachine
		if errors.As(err, &other) != (tc.because != "") || confirmed != tc.confirmed {
			t.Errorf("%+v: %v, %v", tc, confirmed, err)
		} else if other != nil && (!strings.HasSuffix(err.Error(), ": "+tc.because) || !strings.Contains(err.Error(), "10.0.0.9:4028") ||
			other.Finding().In(words.English) != err.Error()) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

// The model of an inventory gives way to the machine's own.
func TestInventorysModelIsCorrected(t *testing.T) {
	inv := &fleet.Inventory{Machines: []fleet.Machine{{ID: "SMT0001", Model: "Antminer S17", Protocol: protocol.AntminerOld, Address: "10.0.0.1:4028"}}}
	m := &inv.Machines[0]
	r := &protocol.Reading{Model: "Antminer S19", RateMHs: 95_000_000}
	if m.Observe(r, time.Now(), nil); m.Model != "Antminer S19" || !m.ModelSeen {
		t.Errorf("%+v", m)
	}
	// Importing the inventory again does not bring the wrong one back.
	if _, _, err := inv.Merge([]fleet.Machine{{ID: "SMT0001", Model: "Antminer S17", Protocol: protocol.AntminerOld, Address: "10.0.0.1:4028"}}); err != nil || inv.Machines[0].Model != "Antminer S19" {
		t.Errorf("%+v, %v", inv.Machines, err)
	}
}

// An import follows the rule of scans: what firmwares write where there is no serial number is none.
func TestImportedPlaceholders(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("ip,mac,serial_number,id\n")
	blanks := []string{"N/A", "000000", "123456", "1234567890", "XXXXXX", "11111111", "unknown", ""}
	for i, blank := range blanks {
		fmt.Fprintf(&rows, "10.0.0.%d,C6:00:AA:22:33:%02d,%s,%s\n", i+1, i+10, blank, blank)
	}
	got, _, err := fleet.ReadCSV(strings.NewReader(rows.String()), "")
	inv := &fleet.Inventory{}
	if added, _, failed := inv.Merge(got); err != nil || failed != nil || added != len(blanks) {
		t.Fatalf("%d added, %v, %v", added, err, failed)
	}
	for _, m := range inv.Machines {
		if m.ID != m.MAC || m.Serial != "" {
			t.Errorf("%+v", m)
		}
	}
	// Nor is one that two machines have.
	got, _, err = fleet.ReadCSV(strings.NewReader("ip,mac,sn\n10.0.0.1,C6:00:AA:22:33:01,SMT0001\n10.0.0.2,C6:00:AA:22:33:02,SMT0001\n"), "")
	if err != nil || got[0].ID != got[0].MAC || got[1].ID != got[1].MAC {
		t.Errorf("%+v, %v", got, err)
	}
}

// Inventories that spreadsheets save: semicolons, tabs, UTF-16, a code page.
func TestImportedSpreadsheets(t *testing.T) {
	plain := "IP;MAC;Model;Rack\n10.0.0.1;C6:00:AA:22:33:44;Whatsminer M30S;ряд 1\n"
	for name, text := range map[string]string{"semicolons": plain, "tabs": strings.ReplaceAll(plain, ";", "\t"),
		"UTF-16, little": wide(plain, binary.LittleEndian), "UTF-16, big": wide(plain, binary.BigEndian),
		"cp1251": strings.ReplaceAll(plain, "ряд", "\xf0\xff\xe4")} {
		got, _, err := fleet.ReadCSV(strings.NewReader(text), "delta/c1")
		if want := (fleet.Place{Site: "delta", Container: "c1", Rack: "ряд 1"}); err != nil || len(got) != 1 || got[0].Place != want || got[0].MAC != sharedMAC {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// A place whose letters cannot be read is nobody's: two sites would become one.
func TestAnInventoryThatIsNoText(t *testing.T) {
	_, _, err := fleet.ReadCSV(strings.NewReader("ip;mac;site\n10.0.0.1;C6:00:AA:22:33:44;\xdd\xea\x98\xe8\n"), "")
	var refusal *farm.Error
	if !errors.As(err, &refusal) || refusal.Code != "csv" || !strings.Contains(refusal.Detail, "cp1251") {
		t.Errorf("%v", err)
	}
}

func wide(text string, order binary.AppendByteOrder) string {
	out := order.AppendUint16(nil, 0xfeff)
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(bytes.Clone(out))
}

// What is most likely spoken, by model and firmware.
func TestGuessedProtocols(t *testing.T) {
	for text, want := range map[string]protocol.Protocol{
		"Bitaxe Gamma,AxeOS": protocol.AxeOS, "NerdQAxe++,": protocol.AxeOS, "Avalon 1246,": protocol.Avalon, "M66S,": protocol.WhatsminerV3,
		"M30S++,": protocol.WhatsminerV2, "Antminer S19,Vnish 1.2.6": protocol.VNish, "Antminer S19,": protocol.AntminerNew,
		"Antminer S17 Pro,": protocol.AntminerOld, "Antminer S19 XP,BraiinsOS": protocol.Braiins, "Whatsminer M63S,": protocol.WhatsminerV3,
		"Antminer S21,ePIC": protocol.EPIC, "something,": protocol.Cgminer,
	} {
		got, _, err := fleet.ReadCSV(strings.NewReader("ip,port,mac,model,firmware\n10.0.0.1,4028,C6:00:AA:22:33:44,"+text+"\n"), "")
		if err != nil || got[0].Protocol != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if want.HTTP() && want != protocol.EPIC && got[0].Address != "10.0.0.1:80" {
			t.Errorf("%s at %s", text, got[0].Address)
		}
	}
}
