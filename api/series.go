package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Series is a measure over time.
type Series struct {
	Measure string      `json:"measure"`
	Unit    string      `json:"unit" enum:"payments,tiyn,wallets,ratio,refusals"`
	Step    string      `json:"step"`
	By      string      `json:"by,omitempty"`
	Rows    []SeriesRow `json:"rows" doc:"by period, then by name"`
	Size    uint64      `json:"size" doc:"entries of the log that are counted"`
}

// SeriesRow is a measure in one period, of one bank, tier, region or purpose.
type SeriesRow struct {
	Date       string   `json:"date" doc:"the period's first day, in the network's zone"`
	Of         string   `json:"of,omitempty" doc:"id of a bank, number of a tier or purpose, or a region; absent for all together"`
	Value      *int64   `json:"value,omitempty" doc:"absent where it is suppressed, and of a ratio"`
	Ratio      *float64 `json:"ratio,omitempty"`
	Suppressed bool     `json:"suppressed,omitempty" doc:"it is of few wallets, or would tell of few by what it leaves of a total"`
}

// Bounds of one answer.
const (
	seriesDays    = 3_700
	seriesRows    = 50_000
	seriesDefault = 30 // days
)

var (
	seriesUnits = map[string]string{"payments": "payments", "value": "tiyn", "active": "wallets", "held": "tiyn",
		"velocity": "ratio", measureRefusals: "refusals"}
	seriesBy = map[string]index.By{"": index.All, "bank": index.ByBank, "tier": index.ByTier,
		"region": index.ByRegion, "purpose": index.ByPurpose, byCode: index.All}
)

// Refusals are counted by the node, and not from the log: see refusals.
const (
	measureRefusals = "refusals"
	byCode          = "code"
)

// registerSeries serves the daily series.
func (s *Server) registerSeries() {
	op := operation("get-series", "/v1/series/{measure}",
		"Payments, their value, active wallets, what is held, velocity, and refusals, by day, week or month", byAnybody,
		http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	op.Description =
		"Counted from the log. payments: payments to others (transfers), of the first payer's bank, tier and region; value: their sum; active: wallets that paid or were paid, summed over the days of a period; " +
			"held: at a period's end; velocity: value by the mean of what was held at the days' ends. active, held and velocity are not divided by purpose. " +
			"refusals: transactions that this node refused, by the code that it answered; they are in no log, and a " +
			"crash loses those of its last minute. " +
			"To who may not read everything, days that are over are shown, and cells of fewer than ten wallets are suppressed, with so many others that the total does not tell them; a period is shown when all its days are."
	huma.Register(s.api, op, func(ctx context.Context, in *struct {
		Measure string `path:"measure" enum:"payments,value,active,held,velocity,refusals"`
		From    string `query:"from" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"first day, such as 2026-11-30; thirty days before to by default"`
		To      string `query:"to" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"last day; today by default"`
		Step    string `query:"step" enum:"day,week,month" default:"day" doc:"weeks begin on Monday"`
		By      string `query:"by" enum:"bank,tier,region,purpose,code" doc:"code for refusals, and for nothing else"`
	}) (*answer[Series], error) {
		q := seriesQuery{measure: in.Measure, step: in.Step, by: seriesBy[in.By]}
		if in.By != "" && (in.By == byCode) != (in.Measure == measureRefusals) {
			return nil, problemOf(token.Errorf(token.OutOfRange, "by",
				"refusals are counted by code, and nothing else is"))
		}
		q.byCode = in.By == byCode
		view, err := s.series(ctx, q, in.From, in.To)
		view.By = in.By
		return ok(view, err)
	})
}

// seriesQuery is what is asked of the days.
type seriesQuery struct {
	measure, step string
	by            index.By
	byCode        bool
	everything    bool // suppress nothing
}

// series reads days and makes rows of them. To who may not read everything the present day is not shown.
func (s *Server) series(ctx context.Context, q seriesQuery, from, to string) (view Series, err error) {
	if q.by == index.ByPurpose && q.measure != "payments" && q.measure != "value" {
		return view, token.Errorf(token.OutOfRange, "by",
			"%s is not kept by purpose: /v1/purposes says what each holds now", q.measure)
	}
	today, err := s.node.Today(ctx)
	if err != nil {
		return view, err
	}
	last, err := dayOf("to", to, today)
	if err != nil {
		return view, err
	}
	first, err := dayOf("from", from, last-min(last, seriesDefault-1))
	switch {
	case err != nil:
		return view, err
	case first > last || last-first > seriesDays:
		return view, token.Errorf(token.OutOfRange, "from", "want at most %d days, and the first before the last",
			seriesDays)
	}
	// a day that goes on tells, asked twice, of one payment
	if q.everything = mayReadAll(ctx) == nil; !q.everything && last >= today {
		last = today - 1
	}
	view = Series{Measure: q.measure, Unit: seriesUnits[q.measure], Step: q.step}
	if q.measure == measureRefusals {
		view.Rows = s.refusals.rowsOf(q, first, last)
	} else {
		days, size, err := s.node.Daily(ctx, first, last)
		if err != nil {
			return view, err
		}
		view.Rows, view.Size = q.rows(days), size
	}
	if len(view.Rows) > seriesRows {
		return Series{}, token.Errorf(token.TooLarge, "from",
			"%d rows, at most %d: ask for fewer days, or longer steps", len(view.Rows), seriesRows)
	}
	return view, nil
}

// dayOf reads a date as a day since 1970.
func dayOf(field, text string, otherwise uint32) (uint32, error) {
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil || at.Unix() < 0 || at.Year() > 2200 {
		return 0, token.Errorf(token.OutOfRange, field, "want a day such as 2026-11-30")
	}
	return uint32(at.Unix() / 86_400), nil
}

// period is the first day of the period of a day.
func (q seriesQuery) period(day uint32) string {
	at := time.Unix(int64(day)*86_400, 0).UTC()
	switch q.step {
	case "week":
		at = at.AddDate(0, 0, -(int(at.Weekday())+6)%7)
	case "month":
		at = at.AddDate(0, 0, 1-at.Day())
	}
	return at.Format(time.DateOnly)
}

// sums are a cell's over a period. hidden stays once a day of the period is suppressed.
type sums struct {
	index.Cell
	heldDays money.Tiyn // what was held at the days' ends, over days
	days     money.Tiyn
	hidden   bool
}

// rows adds days up to periods. Each period has a row for every name that any of the days has, so that a table of them
// has no holes.
func (q seriesQuery) rows(days []index.Day) []SeriesRow {
	names := map[string]bool{}
	if q.by == index.All {
		names[""] = true
	}
	for _, day := range days {
		for name := range day.Cells[q.by] { // any order: a set
			names[name] = true
		}
	}
	order := slices.Sorted(maps.Keys(names))
	rows := []SeriesRow{}
	for at := 0; at < len(days); {
		end, period := at, q.period(days[at].Day)
		for end < len(days) && q.period(days[end].Day) == period {
			end++
		}
		of := map[string]*sums{}
		for _, name := range order {
			of[name] = &sums{}
		}
		for _, day := range days[at:end] {
			q.addDay(of, day)
		}
		for _, name := range order {
			rows = append(rows, q.row(period, name, of[name]))
		}
		at = end
	}
	return rows
}

// addDay adds a day's cells, and notes which are not for everybody.
func (q seriesQuery) addDay(of map[string]*sums, day index.Day) {
	hidden, whole := map[string]bool{}, false
	if !q.everything {
		hidden, whole = q.suppressed(day)
	}
	for name, sum := range of { // any order: each by itself
		c := day.Cells[q.by][name]
		sum.Payments, sum.Value, sum.Active = sum.Payments+c.Payments, sum.Value+c.Value, sum.Active+c.Active
		sum.Held, sum.Wallets = c.Held, c.Wallets
		sum.heldDays, sum.days = sum.heldDays+c.Held/1_000, sum.days+1 // so that ten years of all money fit 63 bits
		sum.hidden = sum.hidden || hidden[name] || q.by == index.All && whole
	}
}

// suppressed says what of a day is hidden, by the wallets that paid and were paid, and by those that hold. What
// circulates in all is public.
func (q seriesQuery) suppressed(day index.Day) (hidden map[string]bool, whole bool) {
	hidden = map[string]bool{}
	total, cells := day.Cells[index.All][""], day.Cells[q.by]
	if q.measure != "held" {
		names, all := index.Suppressed(q.by, cells, total, index.Payers)
		maps.Copy(hidden, names)
		whole = all
	}
	if q.measure == "held" || q.measure == "velocity" {
		names, _ := index.Suppressed(q.by, cells, total, index.Holders)
		maps.Copy(hidden, names)
	}
	if q.by == index.All {
		clear(hidden) // it is the total, of which whole speaks
	}
	return hidden, whole
}

// row states a period's measure. Velocity is V / (Σ held / days), of the value V of the period and what was held at
// each day's end.
func (q seriesQuery) row(period, name string, s *sums) SeriesRow {
	r := SeriesRow{Date: period, Of: name, Suppressed: s.hidden}
	value := map[string]int64{"payments": s.Payments, "value": int64(s.Value), "active": s.Active,
		"held": int64(s.Held)}[q.measure]
	switch {
	case s.hidden:
	case q.measure != "velocity":
		r.Value = &value
	case s.heldDays > 0:
		ratio := float64(s.Value) / (float64(s.heldDays) * 1_000 / float64(s.days))
		r.Ratio = &ratio
	}
	return r
}

// Series asks for a measure; query is from, to, step and by.
func (c *Client) Series(ctx context.Context, measure, query string) (Series, error) {
	return get[Series](ctx, c, "/v1/series/"+measure+"?"+query)
}
