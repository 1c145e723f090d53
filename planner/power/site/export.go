package site

import (
	"fmt"
	"io"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner/power/dispatch"
)

// HourRow is an hour of a schedule.
type HourRow struct {
	Hour  int        `json:"hour"`
	Price money.Tiyn `json:"price_tiyn"` // before VAT and fees, to the nearest tiyn
	// Exact is the price where it has parts of a tiyn, as in a plan of another currency.
	Exact    farm.MicroTiyn `json:"price_micro_tiyn,omitempty"`
	KWh      int64          `json:"watt_hours"`
	LimitWh  int64          `json:"limit_watt_hours"`
	Machines int            `json:"machines"`
	Starts   int            `json:"starts"`
	Called   bool           `json:"called,omitempty"`
	Cost     money.Tiyn     `json:"cost_tiyn"` // with VAT, fees and levy
}

// Hours tells a schedule hour by hour. p, s and prices are of the same day and length.
func Hours(p *dispatch.Problem, s *dispatch.Schedule, prices []money.Tiyn) []HourRow {
	rows := make([]HourRow, len(p.Cost))
	for h := range rows {
		rows[h] = HourRow{Hour: h, Price: prices[h], KWh: s.WattHours[h], LimitWh: p.LimitWatts[h], Starts: s.Starts[h],
			Called: p.Called != nil && p.Called[h],
			Cost:   costOf(p.Cost[h], s.WattHours[h])}
		for m := range p.Machines {
			if s.Running(m, h) {
				rows[h].Machines++
			}
		}
	}
	return rows
}

func costOf(perKWh farm.MicroTiyn, wattHours int64) money.Tiyn {
	return (perKWh * farm.MicroTiyn(wattHours) / 1000).Tiyn()
}

// WriteHours is what an operator submits: energy by hour.
func (s *Site) WriteHours(out io.Writer, rows []HourRow) error {
	w := safecsv.NewWriter(out)
	_ = w.Write([]string{"day", "from", "to", "zone", "kwh", "machines", "starts", "price_tenge_per_kwh", "cost_tenge",
		"curtailed"})
	for _, r := range rows {
		_ = w.Write([]string{string(s.Day), clock(r.Hour), clock(r.Hour + 1), s.Zone, kWh(r.KWh),
			fmt.Sprint(r.Machines), fmt.Sprint(r.Starts), r.Price.String(), r.Cost.String(), fmt.Sprint(r.Called)})
	}
	w.Flush()
	return w.Error()
}

// WriteMachines is what control software executes: a row for each run of each machine, from an hour's beginning to
// another's, 24:00 at the day's end. was_on says that the run goes on from the day before.
func (s *Site) WriteMachines(out io.Writer, p *dispatch.Problem, schedule *dispatch.Schedule) error {
	w := safecsv.NewWriter(out)
	_ = w.Write([]string{"day", "machine", "model", "from", "to", "meter_watts", "was_on"})
	for i, m := range p.Machines {
		class := p.Classes[m.Class]
		for h := 0; h < len(p.Cost); h++ {
			if !schedule.Running(i, h) {
				continue
			}
			from := h
			for h < len(p.Cost) && schedule.Running(i, h) {
				h++
			}
			_ = w.Write([]string{string(s.Day), m.Name, class.Name, clock(from), clock(h),
				fmt.Sprint(class.MeterWatts(p.PUEMilli)), fmt.Sprint(from == 0 && m.On)})
		}
	}
	w.Flush()
	return w.Error()
}

func clock(hour int) string { return fmt.Sprintf("%02d:00", hour) }

// kWh prints watt-hours as kilowatt-hours, exactly.
func kWh(wattHours int64) string {
	return fmt.Sprintf("%d.%03d", wattHours/1000, wattHours%1000)
}
