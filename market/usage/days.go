package usage

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/aqsha/aqsha/market"
)

// TengeDays are a node's daily series over the days that are over. A day on which
// fewer than ten wallets paid is suppressed by the node: it is counted, and left out of every figure.
// Figures are null where no day is shown.
type TengeDays struct {
	From       string   `json:"from,omitempty"` // first and last day that the node has
	To         string   `json:"to,omitempty"`
	Shown      int      `json:"shown"`
	Suppressed int      `json:"suppressed"`
	Payments   *float64 `json:"payments"`       // a day, mean of the days shown
	ValueTiyn  *float64 `json:"value_tiyn"`     // the same, of what was paid
	Active     *float64 `json:"active_wallets"` // the same, of wallets that paid or were paid
	HeldTiyn   *float64 `json:"held_tiyn"`      // the same, held at the day's end
}

// seriesYears is how far back the node is asked, in days.
const seriesYears = 365

// dailyRow is one day of a node's series; a value is whole tiyn, payments or wallets. A day is either shown, be it
// with 0, or suppressed and without a value.
type dailyRow struct {
	Date       string   `json:"date"`
	Of         string   `json:"of"`
	Value      *float64 `json:"value"`
	Suppressed bool     `json:"suppressed"`
}

// FetchDays asks for the year before a day. A node without the series, or without a
// day that is over, has none: nil, and no failure. An answer that is no series is one.
func FetchDays(ctx context.Context, client *http.Client, base string, today time.Time) (*TengeDays, error) {
	series := map[string]map[string]dailyRow{}
	query := url.Values{"step": {"day"}, "from": {today.AddDate(0, 0, -seriesYears).Format(time.DateOnly)}}.Encode()
	for _, measure := range dailyMeasures {
		var answer struct {
			Step string     `json:"step"`
			Rows []dailyRow `json:"rows"`
		}
		if err := getJSON(ctx, client, base, "/v1/series/"+measure+"?"+query, &answer); err != nil {
			if withheld(err) {
				return nil, nil
			}
			return nil, err
		}
		if answer.Step != "day" || len(answer.Rows) > 2*seriesYears {
			return nil, market.Refuse("node", "/v1/series/"+measure, "%d rows by %.20q were not asked for",
				len(answer.Rows), answer.Step)
		}
		byDay, err := rowsByDay(measure, answer.Rows)
		if err != nil {
			return nil, err
		}
		series[measure] = byDay
	}
	return mean(series), nil
}

// dailyMeasures are the series that are asked for, in the order of the sums in mean.
var dailyMeasures = []string{"payments", "value", "active", "held"}

// rowsByDay holds an answer to what it must be: one total a day, shown or suppressed and not both, and a value that a
// float64 has exactly (at most 2⁵³). A node is not the program's own, and what it says is checked like a file.
func rowsByDay(measure string, rows []dailyRow) (map[string]dailyRow, error) {
	out := map[string]dailyRow{}
	for _, r := range rows {
		_, err := time.Parse(time.DateOnly, r.Date)
		_, twice := out[r.Date]
		switch {
		case err != nil || twice || r.Of != "":
			return nil, market.Refuse("node", "/v1/series/"+measure, "the row %.20q of %.20q is not one day's total",
				r.Date, r.Of)
		case r.Value == nil != r.Suppressed:
			return nil, market.Refuse("node", "/v1/series/"+measure, "%s is neither shown nor suppressed", r.Date)
		case r.Value != nil && !(*r.Value >= 0 && *r.Value <= 1<<53):
			return nil, market.Refuse("node", "/v1/series/"+measure, "%g on %s", *r.Value, r.Date)
		}
		out[r.Date] = r
	}
	return out, nil
}

// mean is over the days on which every measure is shown: a mean of one measure over
// more days than of another would compare different days, and tell what was suppressed.
func mean(series map[string]map[string]dailyRow) *TengeDays {
	d := &TengeDays{}
	sums := [4]float64{}
	for day := range series[dailyMeasures[0]] { // any order: whole numbers below 2⁵³
		shown, known := true, true
		var values [4]float64
		for i, measure := range dailyMeasures {
			row, ok := series[measure][day]
			known = known && ok
			if shown = shown && row.Value != nil; shown {
				values[i] = *row.Value
			}
		}
		if !known { // the day ended between two questions
			continue
		}
		if d.From == "" || day < d.From {
			d.From = day
		}
		d.To = max(d.To, day)
		if !shown {
			d.Suppressed++
			continue
		}
		d.Shown++
		for i, v := range values {
			sums[i] += v
		}
	}
	if d.From == "" {
		return nil
	}
	if d.Shown > 0 {
		for i, to := range []**float64{&d.Payments, &d.ValueTiyn, &d.Active, &d.HeldTiyn} {
			v := sums[i] / float64(d.Shown)
			*to = &v
		}
	}
	return d
}

// whole says whether there are figures to go by, all of them counts.
func (d *TengeDays) whole() bool {
	if d == nil {
		return false
	}
	for _, v := range []*float64{d.Payments, d.ValueTiyn, d.Active, d.HeldTiyn} {
		if v == nil || !(*v >= 0) || math.IsInf(*v, 0) {
			return false
		}
	}
	return true
}

// DailyPayments is the mean of the days shown, null without any.
func (d *TengeDays) DailyPayments() *float64 {
	if !d.whole() {
		return nil
	}
	return d.Payments
}

// DailyActive is the mean of the wallets that paid or were paid on a day.
func (d *TengeDays) DailyActive() *float64 {
	if !d.whole() {
		return nil
	}
	return d.Active
}

// Hidden is how many days the node suppresses, null without the series.
func (d *TengeDays) Hidden() *float64 {
	if d == nil {
		return nil
	}
	n := float64(d.Suppressed)
	return &n
}

// remark says under the table of what days the means are, and how many are hidden.
func (d *TengeDays) remark() string {
	return fmt.Sprintf(
		"digital tenge: means of the %d days from %s to %s on which the node shows them; %d days of few "+
			"wallets are suppressed", d.Shown, d.From, d.To, d.Suppressed)
}

// daily sets what daily series tell; kztPerUSD turns tenge into the table's unit. They take the place of what the last
// blocks gave, being over whole days. The use of capacity is payments a second, spread evenly over the day's 86,400
// seconds, over the capacity; the velocity is a year of a day's payments over what was held at its end; and a joule is
// 1/3.6·10⁶ of a kWh.
func (t TengeStats) daily(s *System, kztPerUSD float64) {
	d := t.Days
	s.set("transactions", *d.Payments)
	if t.CapacityPerSec != nil && *t.CapacityPerSec > 0 {
		perSecond := *d.Payments / 86400
		s.set("network K_int", perSecond / *t.CapacityPerSec)
		s.set("capacity reserve", 86400*(*t.CapacityPerSec-perSecond))
	}
	if t.Wallets != nil && *t.Wallets > 0 {
		s.set("currency K_ext", *d.Active / *t.Wallets)
	}
	if *d.HeldTiyn > 0 {
		s.set("velocity", *d.ValueTiyn*365 / *d.HeldTiyn)
	}
	if *d.Active > 0 && kztPerUSD > 0 {
		s.set("value per active address", *d.ValueTiyn / *d.Active / 100 / kztPerUSD)
	}
	if *d.Payments > 0 {
		if t.PowerWatts != nil {
			s.set("electricity per payment", *t.PowerWatts*86400 / *d.Payments / 3.6e6)
		}
		if t.FeeTiyn != nil && *d.ValueTiyn > 0 {
			s.set("fee over value", *t.FeeTiyn**d.Payments / *d.ValueTiyn)
		}
	}
}
