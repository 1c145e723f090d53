package usage

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

var machineHeader = []string{"machine", "calendar_hours", "planned_repair_hours", "permitted_off_grid_hours",
	"hours_fact", "nameplate_ths", "accepted_ths", "nameplate_j_th", "measured_j_th"}

// ReadMachines reads a site's period from CSV with exactly the columns of
// machineHeader; the two efficiencies may be empty. At most 1,000,000 machines.
func ReadMachines(data []byte) ([]Machine, error) {
	if len(data) > 128<<20 {
		return nil, market.Refuse("too-large", "machines", "more than 128 MiB")
	}
	rows := csv.NewReader(bytes.NewReader(data))
	header, err := rows.Read()
	if err != nil || !slices.Equal(header, machineHeader) {
		return nil, market.Refuse("header", "machines", "want the columns %v", machineHeader)
	}
	var out []Machine
	for line := 2; ; line++ {
		record, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, market.Refuse("csv", "machines", "%v", err)
		}
		m := Machine{Name: record[0]}
		for i, to := range []*float64{&m.CalendarHours, &m.RepairHours, &m.OffGridHours, &m.HoursFact, &m.NormTHs,
			&m.FactTHs, &m.NormJTH, &m.FactJTH} {
			// What was not measured is not a number, and not 0 J/TH, which would read as a machine that needs no
			// power.
			if *to = math.NaN(); record[i+1] == "" && i >= 6 {
				continue
			}
			if *to, err = strconv.ParseFloat(record[i+1], 64); err != nil || math.IsNaN(*to) || math.IsInf(*to, 0) {
				return nil, market.Refuse("not-a-number", machineHeader[i+1], "line %d: %q", line, record[i+1])
			}
		}
		if err := m.check(); err != nil {
			return nil, err
		}
		if out = append(out, m); len(out) > 1_000_000 {
			return nil, market.Refuse("too-many-rows", "machines", "more than 1,000,000")
		}
	}
	return out, nil
}

// Reserves is a site's use with what the reserve is worth.
type Reserves struct {
	Machines   int      `json:"machines"`
	Ext        float64  `json:"k_ext"`
	Int        float64  `json:"k_int"`
	Integral   float64  `json:"k_integral"`
	Efficiency *float64 `json:"efficiency"` // null: not available
	Extensive  float64  `json:"extensive_reserve_ths_hours"`
	Intensive  float64  `json:"intensive_reserve_ths_hours"`
	Coins      *float64 `json:"reserve_coins"`
	KZT        *float64 `json:"reserve_kzt"`
}

// ReservesOf measures a site; coins a day, network TH/s and price (KZT a coin)
// turn the reserve into money where all three are above zero.
func ReservesOf(machines []Machine, coinsADay, networkTHs, priceKZT float64) (Reserves, error) {
	c, err := Site(machines)
	if err != nil {
		return Reserves{}, err
	}
	r := Reserves{Machines: len(machines), Ext: c.Ext, Int: c.Int, Integral: c.Integral, Extensive: c.Extensive,
		Intensive: c.Intensive}
	if !math.IsNaN(c.Efficiency) && !math.IsInf(c.Efficiency, 0) {
		r.Efficiency = &c.Efficiency
	}
	if coinsADay > 0 && networkTHs > 0 && priceKZT > 0 {
		coins, worth := Worth(c.Extensive+c.Intensive, coinsADay, networkTHs, priceKZT)
		r.Coins, r.KZT = &coins, &worth
	}
	return r, nil
}

// Print writes the reserves for a terminal, in a language: the coefficients of use, what is lost by standing still
// (extensive) and by running slow (intensive), and their worth, which is not available without a network's figures.
func (r Reserves) Print(w io.Writer, l words.Language) {
	number := func(v *float64) string {
		if v == nil {
			return l.Text("market.not-available")
		}
		return fmt.Sprintf("%.6g", *v)
	}
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	row := func(label, value string) { fmt.Fprintf(tab, "%s\t%s\n", label, value) }
	share := func(v float64) string { return fmt.Sprintf("%.4f", v) }
	hashes := func(v float64) string { return l.Text("market.reserves-unit", "value", fmt.Sprintf("%.6g", v)) }
	row(l.Text("market.reserves-machines"), fmt.Sprint(r.Machines))
	row(l.Text("market.reserves-ext"), share(r.Ext))
	row(l.Text("market.reserves-int"), share(r.Int))
	row(l.Text("market.reserves-both"), share(r.Integral))
	row(l.Text("market.reserves-efficiency"), number(r.Efficiency))
	row(l.Text("market.reserves-extensive"), hashes(r.Extensive))
	row(l.Text("market.reserves-intensive"), hashes(r.Intensive))
	row(l.Text("market.reserves-coins"), number(r.Coins))
	row(l.Text("market.reserves-tenge"), number(r.KZT))
	tab.Flush()
}
