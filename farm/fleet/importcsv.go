package fleet

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/dialect"
	"github.com/aqsha/aqsha/internal/safecsv"
)

// Columns that inventories call by many names; compared in lower case without spaces, dashes and underscores.
var importColumns = map[string]string{
	"id": "id", "serial": "serial", "serialnumber": "serial", "minerserial": "serial", "sn": "serial",
	"mac": "mac", "macaddress": "mac", "hwaddr": "mac",
	"ip": "ip", "ipaddress": "ip", "apiip": "ip", "address": "ip", "ipaddresses": "ip",
	"port": "port", "apiport": "port",
	"model": "model", "type": "model", "minertype": "model", "asicmodel": "model", "make&model": "model", "devicemodel": "model",
	"dialect": "dialect", "firmware": "firmware", "fwver": "firmware", "firmwareversion": "firmware", "firmwaretype": "firmware",
	"worker": "worker", "workername": "worker", "miner": "name", "minername": "name", "name": "name", "hostname": "name", "workerid": "ignored",
	"site": "site", "sitename": "site", "farm": "site", "farmname": "site", "location": "site",
	"container": "container", "row": "container", "building": "container", "zone": "container",
	"rack": "rack", "rackname": "rack", "shelf": "shelf", "position": "shelf", "index": "shelf", "slot": "shelf",
	"wattage": "watts", "watts": "watts", "power": "watts", "nominalpower": "watts", "expectedwattage": "watts", "expectedhashrate": "rate", "nominalhashrate": "rate",
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
			if _, twice := columns[meaning]; !twice {
				columns[meaning] = i
			}
			continue
		}
		ignored = append(ignored, name)
	}
	if _, ok := columns["ip"]; !ok {
		return nil, nil, farm.Refuse("header", "import", "no column with addresses (ip, ip_address, address) among %q", header)
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
			return nil, nil, farm.Refuse("too_many", "import", "more than %d machines", MaxMachines)
		}
	}
}

func line(rows *csv.Reader) int {
	line, _ := rows.FieldPos(0)
	return line
}

func importRow(field func(string) string, site string) (Machine, error) {
	m := Machine{Serial: field("serial"), MAC: dialect.NormalMAC(field("mac")), Model: field("model"), Worker: field("worker"),
		Place: Place{field("site"), field("container"), field("rack"), field("shelf")}}
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
	m.Dialect = guessDialect(m.Model, field("firmware"))
	if name := field("dialect"); name != "" {
		m.Dialect = dialect.Dialect(name)
	}
	address := field("ip")
	if port := field("port"); port != "" && !strings.Contains(address, ":") {
		address += ":" + port
	}
	var err error
	if m.Address, err = ParseAddress(address, m.Dialect); err != nil {
		return Machine{}, err
	}
	if text := strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(field("rate")), "TH/S")); text != "" {
		th, err := strconv.ParseFloat(text, 64)
		if err != nil || !(th > 0 && th < 10_000) {
			return Machine{}, farm.Refuse("not_a_number", "expected hash rate", "%q: want TH/s", text)
		}
		m.IdealMHs = int64(th * 1e6)
	}
	if text := strings.TrimSpace(strings.TrimSuffix(strings.ToUpper(field("watts")), "W")); text != "" {
		watts, err := strconv.ParseFloat(text, 64)
		if err != nil || !(watts >= 0 && watts <= 1e6) {
			return Machine{}, farm.Refuse("not_a_number", "watts", "%q: want watts", text)
		}
		m.NominalWatts = int64(watts)
	}
	return m, m.Validate()
}

// guessDialect is the dialect that a model and firmware most likely speak; a scan corrects it.
func guessDialect(model, firmware string) dialect.Dialect {
	text := strings.ToLower(model + " " + firmware)
	for _, guess := range []struct {
		word string
		d    dialect.Dialect
	}{{"luxos", dialect.LuxOS}, {"luxminer", dialect.LuxOS}, {"braiins", dialect.Braiins}, {"bosminer", dialect.Braiins}, {"whatsminer", dialect.WhatsminerV2}, {"s9", dialect.AntminerOld}, {"s17", dialect.AntminerOld},
		{"antminer", dialect.AntminerNew}, {"s19", dialect.AntminerNew}, {"s21", dialect.AntminerNew}, {"t21", dialect.AntminerNew}, {"m30", dialect.WhatsminerV2}, {"m50", dialect.WhatsminerV2}, {"m60", dialect.WhatsminerV3}} {
		if strings.Contains(text, guess.word) {
			return guess.d
		}
	}
	return dialect.Cgminer
}

// WriteCSV writes the inventory in our own columns, which ReadCSV reads back.
func (inv *Inventory) WriteCSV(w io.Writer) error {
	out := safecsv.NewWriter(w)
	_ = out.Write([]string{"id", "serial", "mac", "ip", "model", "dialect", "worker", "site", "container", "rack", "shelf"})
	for _, m := range inv.Machines {
		_ = out.Write([]string{m.ID, m.Serial, m.MAC, m.Address, m.Model, string(m.Dialect), m.Worker, m.Place.Site, m.Place.Container, m.Place.Rack, m.Place.Shelf})
	}
	out.Flush()
	return out.Error()
}
