package fleet

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/charset"
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
// number or a MAC; what firmwares write where there is no serial number is none, and a serial number that two rows with
// different MACs have neither. Commas, semicolons or tabs part the columns; UTF-8, UTF-16 or Windows' code pages. Where
// a row names no site it stands at the given place: a site, or the beginning of a path.
func ReadCSV(r io.Reader, place string) (machines []Machine, ignored []string, err error) {
	text, comma, err := importText(r)
	if err != nil {
		return nil, nil, err
	}
	rows := csv.NewReader(strings.NewReader(text))
	rows.Comma, rows.FieldsPerRecord, rows.LazyQuotes, rows.TrimLeadingSpace = comma, -1, true, true
	header, err := rows.Read()
	if err != nil {
		return nil, nil, farm.Refuse("csv", "import", "no header: %v", err)
	}
	given, err := ParsePlace(place)
	if err != nil {
		return nil, nil, err
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
		return nil, nil, farm.Refuse("header", "import",
			"no column with addresses (ip, ip_address, address) among %q; commas, semicolons or tabs part columns",
			header)
	}
	var lines []int
	for {
		record, err := rows.Read()
		if errors.Is(err, io.EOF) {
			rowTwins(machines)
			return machines, ignored, twoAddresses(machines, lines)
		}
		if err != nil {
			return nil, nil, farm.Refuse("csv", "import", "at byte %d: %v", rows.InputOffset(), err)
		}
		field := func(name string) string {
			if i, ok := columns[name]; ok && i < len(record) {
				// Cells come from strangers' machines and go out again in our CSV: none may be a formula.
				return safecsv.Text(strings.TrimSpace(record[i]))
			}
			return ""
		}
		m, err := importRow(field, given)
		if err != nil {
			return nil, nil, atLine(rows, err)
		}
		if machines = append(machines, m); len(machines) > MaxMachines {
			return nil, nil, farm.Refuse("farm-too-many", "import", "more than %d machines", MaxMachines)
		}
		lines = append(lines, line(rows))
	}
}

func line(rows *csv.Reader) int {
	line, _ := rows.FieldPos(0)
	return line
}

// atLine says of a refusal in which line it is.
func atLine(rows *csv.Reader, err error) error {
	var refusal *farm.Error
	if errors.As(err, &refusal) {
		return farm.Refuse(refusal.Code, refusal.Field, "line %d: %s", line(rows), refusal.Detail)
	}
	return err
}

// importRow reads one row. The identity is the serial number where there is one, else the MAC; a number of the row is
// none.
func importRow(field func(string) string, given Place) (Machine, error) {
	m := Machine{Serial: protocol.ProperSerial(field("serial")), MAC: protocol.NormalMAC(field("mac")),
		Model: field("model"), Worker: field("worker"),
		Place: Place{field("site"), field("container"), field("rack"), field("shelf")}}
	if m.Worker == "" {
		m.Worker = field("name")
	}
	m.Place = m.Place.within(given)
	if _, err := ParsePlace(m.Place.String()); err != nil {
		return Machine{}, err
	}
	if m.ID = field("id"); m.ID == "" || (m.Serial != "" && strings.Trim(m.ID, "0123456789") == "") ||
		(protocol.ProperSerial(m.ID) == "" && m.Serial+m.MAC != "") {
		m.ID = m.Serial // exports number their rows
	}
	if m.ID == "" {
		m.ID = m.MAC
	}
	if m.ID == "" {
		return Machine{}, farm.Refuse("bad-identity", "id",
			"neither a serial number nor a MAC: serial number %q, MAC %q", field("serial"), field("mac"))
	}
	m.Protocol = guessProtocol(m.Model, field("firmware"))
	if name := field("dialect"); name != "" {
		m.Protocol = protocol.Protocol(name)
	}
	address := field("ip")
	guessedWeb := field("dialect") == "" && m.Protocol.HTTP() // the port is that of the API which it does not speak
	if port := field("port"); port != "" && !strings.Contains(address, ":") && !guessedWeb {
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

// guesses are words of models and firmwares, with what they most likely speak: firmwares first, since a firmware goes
// before the maker's protocol.
var guesses = []struct {
	word string
	d    protocol.Protocol
}{{"luxos", protocol.LuxOS}, {"luxminer", protocol.LuxOS}, {"braiins", protocol.Braiins},
	{"bosminer", protocol.Braiins}, {"vnish", protocol.VNish}, {"epic", protocol.EPIC},
	{"hiveon", protocol.AntminerOld},
	{"asicseer", protocol.AntminerOld}, {"mara", protocol.Marathon}, {"axeos", protocol.AxeOS},
	{"esp-miner", protocol.AxeOS}, {"bitaxe", protocol.AxeOS}, {"nerd", protocol.AxeOS}, {"avalon", protocol.Avalon},
	{"auradine", protocol.Auradine}, {"teraflux", protocol.Auradine}, {"sealminer", protocol.SealMiner},
	{"iceriver", protocol.IceRiver}, {"elphapex", protocol.ElphaPex}, {"proto rig", protocol.Proto},
	{"s9", protocol.AntminerOld}, {"s17", protocol.AntminerOld}, {"t17", protocol.AntminerOld},
	{"m60", protocol.WhatsminerV3}, {"m61", protocol.WhatsminerV3}, {"m63", protocol.WhatsminerV3},
	{"m64", protocol.WhatsminerV3}, {"m65", protocol.WhatsminerV3}, {"m66", protocol.WhatsminerV3},
	{"m67", protocol.WhatsminerV3}, {"m69", protocol.WhatsminerV3}, {"m70", protocol.WhatsminerV3},
	{"m72", protocol.WhatsminerV3}, {"m73", protocol.WhatsminerV3}, {"m76", protocol.WhatsminerV3},
	{"m79", protocol.WhatsminerV3}, {"whatsminer", protocol.WhatsminerV2}, {"m2", protocol.WhatsminerV2},
	{"m3", protocol.WhatsminerV2}, {"m5", protocol.WhatsminerV2}, {"antminer", protocol.AntminerNew},
	{"s19", protocol.AntminerNew}, {"s21", protocol.AntminerNew}, {"t19", protocol.AntminerNew},
	{"t21", protocol.AntminerNew}}

// guessProtocol is the protocol that a model and firmware most likely speak; a scan or the watch corrects it. A short
// word counts at the beginning of a word only: "m3" is none of "bm35".
func guessProtocol(model, firmware string) protocol.Protocol {
	text := " " + strings.ToLower(model+" "+firmware)
	for _, guess := range guesses {
		if word := guess.word; strings.Contains(text, " "+word) || (len(word) > 4 && strings.Contains(text, word)) {
			return guess.d
		}
	}
	return protocol.Cgminer
}

// rowTwins knows rows of one serial number and different MACs by their MACs, as a scan does.
func rowTwins(machines []Machine) {
	by := map[string][]int{}
	for i, m := range machines {
		if m.Serial != "" && m.MAC != "" {
			by[m.Serial] = append(by[m.Serial], i)
		}
	}
	for _, rows := range by {
		if !slices.ContainsFunc(rows, func(i int) bool { return machines[i].MAC != machines[rows[0]].MAC }) {
			continue
		}
		for _, i := range rows {
			m := &machines[i]
			if m.ID == m.Serial {
				m.ID = m.MAC
			}
			m.Serial = ""
		}
	}
}

// another says whether two rows are two machines: by their serial numbers, or where one has none by their MACs.
func another(a, b *Machine) bool {
	if a.Serial != "" && b.Serial != "" {
		return a.Serial != b.Serial
	}
	return a.MAC != b.MAC || a.MAC == ""
}

// twoAddresses refuses rows that are one machine at two addresses, or two machines at one: one of them is wrong, and
// nobody can say which.
// Rows of two serial numbers are two machines, also under one MAC.
func twoAddresses(machines []Machine, lines []int) error {
	type name struct {
		of, text string
	}
	by := map[name]int{}   // the first row of each name
	at := map[string]int{} // the first row of each address
	for i := range machines {
		m := &machines[i]
		if first, ok := at[m.Address]; ok && another(&machines[first], m) {
			return farm.Refuse("farm-one-address", "address", "lines %d and %d are two machines, %s and %s, at %s",
				lines[first], lines[i], machines[first].ID, m.ID, m.Address)
		}
		at[m.Address] = i
		enter, meet := []name{{"id", m.ID}}, []name{{"id", m.ID}}
		if m.MAC != "" {
			enter, meet = append(enter, name{"mac", m.MAC}), append(meet, name{"bare mac", m.MAC})
			if m.Serial == "" {
				enter, meet = append(enter, name{"bare mac", m.MAC}), append(meet, name{"mac", m.MAC})
			}
		}
		// A row without a serial number is every machine of its MAC; one with a serial number is another than theirs.
		for _, n := range meet {
			if first, ok := by[n]; ok && machines[first].Address != m.Address {
				return farm.Refuse("farm-two-addresses", "address",
					"lines %d and %d are one machine, %s, at %s and at %s",
					lines[first], lines[i], n.text, machines[first].Address, m.Address)
			}
		}
		for _, n := range enter {
			if _, ok := by[n]; !ok {
				by[n] = i
			}
		}
	}
	return nil
}

// importText is an inventory as UTF-8, and what parts its columns: whichever of comma, semicolon and tab its first line
// has most of.
func importText(r io.Reader) (text string, comma rune, err error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxImport+1))
	if err != nil {
		return "", 0, err
	}
	if len(content) > MaxImport {
		return "", 0, farm.Refuse("csv", "import", "more than %d bytes", MaxImport)
	}
	if text, _, err = charset.Text(content); err != nil {
		return "", 0, farm.Refuse("csv", "import", "%v", err)
	}
	header, _, _ := strings.Cut(text, "\n")
	comma = ','
	for _, other := range []rune{';', '\t'} {
		if strings.Count(header, string(other)) > strings.Count(header, string(comma)) {
			comma = other
		}
	}
	return text, comma, nil
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
