package fleet

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/safecsv"
)

// Columns that inventories call by many names; compared in lower case without spaces, dashes and underscores.
var importColumns = map[string]string{
	"id": "id", "serial": "serial", "serialnumber": "serial", "minerserial": "serial", "sn": "serial",
	"mac": "mac", "macaddress": "mac", "hwaddr": "mac",
	"ip": "ip", "ipaddress": "ip", "apiip": "ip", "address": "ip", "ipaddresses": "ip",
	"port": "port", "apiport": "port",
	"model": "model", "type": "model", "minertype": "model", "asicmodel": "model", "make&model": "model",
	"devicemodel": "model",
	"dialect":     "dialect", "firmware": "firmware", "fwver": "firmware", "firmwareversion": "firmware",
	"firmwaretype": "firmware",
	"worker":       "worker", "workername": "worker", "miner": "name", "minername": "name", "name": "name",
	"hostname": "name", "workerid": "ignored",
	"site": "site", "sitename": "site", "farm": "site", "farmname": "site", "location": "site",
	"container": "container", "row": "container", "building": "container", "zone": "container",
	"rack": "rack", "rackname": "rack", "shelf": "shelf", "position": "shelf", "index": "shelf", "slot": "shelf",
	"wattage": "watts", "watts": "watts", "power": "watts", "nominalpower": "watts", "expectedwattage": "watts",
	"expectedhashrate": "rate", "nominalhashrate": "rate",
	"givenhashrate": "givenrate", "givenwatts": "givenwatts", "givenlimit": "givenlimit",
}

// MaxImport is the size of an inventory to import.
const MaxImport = 64 << 20

// ReadCSV reads an inventory as Foreman, HiveOS or pyasic export it, or our own: columns are found by
// their names, in any order; others are ignored and returned. Each row needs an address and a serial
// number or a MAC. A place without a site belongs to the given one.
func ReadCSV(r io.Reader, site string) (machines []Machine, ignored []string, err error) {
	rows := csv.NewReader(io.LimitReader(r, MaxImport+1))
	rows.FieldsPerRecord, rows.LazyQuotes, rows.TrimLeadingSpace = -1, true, true
	header, err := rows.Read()
	if err != nil {
		return nil, nil, farm.Refuse("csv", "import", "no header: %v", err)
	}
	columns := map[string]int{}
	for i, name := range header {
		key := strings.NewReplacer(" ", "", "_", "", "-", "", "\ufeff", "").Replace(strings.ToLower(name))
		if meaning, ok := importColumns[key]; ok {
			// Of two columns of one meaning the first.
			if _, twice := columns[meaning]; !twice {
				columns[meaning] = i
			}
			continue
		}
		ignored = append(ignored, name)
	}
	if _, ok := columns["ip"]; !ok {
		return nil, nil, farm.Refuse("header", "import", "no column with addresses (ip, ip_address, address) among %q",
			header)
	}
	for {
		record, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return machines, ignored, nil
		}
		if err != nil || rows.InputOffset() > MaxImport {
			return nil, nil, farm.Refuse("csv", "import", "at byte %d: %v", rows.InputOffset(), err)
		}
		field := func(name string) string {
			if i, ok := columns[name]; ok && i < len(record) {
				// Cells come from strangers' machines and go out again in our CSV: none may be a formula.
				return safecsv.Text(strings.TrimSpace(record[i]))
			}
			return ""
		}
		m, err := importRow(field, site)
		if err != nil {
			var refusal *farm.Error
			if errors.As(err, &refusal) {
				return nil, nil, farm.Refuse(refusal.Code, refusal.Field, "line %d: %s", line(rows), refusal.Detail)
			}
			return nil, nil, err
		}
		if machines = append(machines, m); len(machines) > MaxMachines {
			return nil, nil, farm.Refuse("farm-too-many", "import", "more than %d machines", MaxMachines)
		}
	}
}

func line(rows *csv.Reader) int {
	line, _ := rows.FieldPos(0)
	return line
}

func importRow(field func(string) string, site string) (Machine, error) {
	m := Machine{Serial: field("serial"), MAC: protocol.NormalMAC(field("mac")), Model: field("model"),
		Worker: field("worker"),
		Place:  Place{field("site"), field("container"), field("rack"), field("shelf")}}
	if m.Worker == "" {
		m.Worker = field("name")
	}
	if m.Place.Site == "" {
		m.Place.Site = site
	}
	if _, err := ParsePlace(m.Place.String()); err != nil {
		return Machine{}, err
	}
	if m.ID = field("id"); m.ID == "" || (m.Serial != "" && strings.Trim(m.ID, "0123456789") == "") {
		m.ID = m.Serial // exports number their rows
	}
	if m.ID == "" {
		m.ID = m.MAC
	}
	m.Protocol = guessProtocol(m.Model, field("firmware"))
	if name := field("dialect"); name != "" {
		m.Protocol = protocol.Protocol(name)
	}
	address := field("ip")
	if port := field("port"); port != "" && !strings.Contains(address, ":") {
		address += ":" + port
	}
	var err error
	if m.Address, err = ParseAddress(address, m.Protocol); err != nil {
		return Machine{}, err
	}
	if text := strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(field("rate")), "TH/S")); text != "" {
		th, err := strconv.ParseFloat(text, 64)
		if err != nil || !(th > 0 && th < 10_000) {
			return Machine{}, farm.Refuse("not-a-number", "expected hash rate", "%q: want TH/s", text)
		}
		m.IdealMHs = int64(math.Round(th * 1e6))
	}
	if text := strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(field("watts")), "W")); text != "" {
		watts, err := strconv.ParseFloat(text, 64)
		if err != nil || !(watts >= 0 && watts <= 1e6) {
			return Machine{}, farm.Refuse("not-a-number", "watts", "%q: want watts", text)
		}
		m.NominalWatts = int64(watts)
	}
	for column, key := range map[string]string{"givenrate": "nameplate", "givenwatts": "watts", "givenlimit": "limit"} {
		if text := field(column); text != "" {
			given, err := ParseGiven([]string{key + "=" + text})
			if err != nil {
				return Machine{}, err
			}
			given.Apply(&m)
		}
	}
	return m, m.Validate()
}

// guessProtocol is the protocol that a model and firmware most likely speak; a scan corrects it.
func guessProtocol(model, firmware string) protocol.Protocol {
	text := strings.ToLower(model + " " + firmware)
	for _, guess := range []struct {
		word string
		d    protocol.Protocol
	}{{"luxos", protocol.LuxOS}, {"luxminer", protocol.LuxOS}, {"braiins", protocol.Braiins},
		{"bosminer", protocol.Braiins}, {"whatsminer", protocol.WhatsminerV2}, {"s9", protocol.AntminerOld},
		{"s17", protocol.AntminerOld},
		{"antminer", protocol.AntminerNew}, {"s19", protocol.AntminerNew}, {"s21", protocol.AntminerNew},
		{"t21", protocol.AntminerNew}, {"m30", protocol.WhatsminerV2}, {"m50", protocol.WhatsminerV2},
		{"m60", protocol.WhatsminerV3}} {
		if strings.Contains(text, guess.word) {
			return guess.d
		}
	}
	return protocol.Cgminer
}

// WriteCSV writes the inventory in our own columns, which ReadCSV reads back.
func (inv *Inventory) WriteCSV(w io.Writer) error {
	out := safecsv.NewWriter(w)
	_ = out.Write([]string{"id", "serial", "mac", "ip", "model", "dialect", "worker", "site", "container", "rack",
		"shelf", "expected_hashrate", "wattage", "given_hashrate", "given_watts", "given_limit"})
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	for _, m := range inv.Machines {
		_ = out.Write([]string{m.ID, m.Serial, m.MAC, m.Address, m.Model, string(m.Protocol), m.Worker, m.Place.Site,
			m.Place.Container, m.Place.Rack, m.Place.Shelf,
			terahashes(m.IdealMHs), number(m.NominalWatts), terahashes(m.Given.RateMHs), number(m.Given.Watts),
			number(m.Given.HeatLimit)})
	}
	out.Flush()
	return out.Error()
}
