package risks

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

//go:embed events.csv
var defaultEvents []byte

// Event is a dated piece of news.
type Event struct {
	Date   string `json:"date"`
	Name   string `json:"event"`
	Kind   string `json:"kind"`
	Source string `json:"source"`
}

// ParseEvents reads date,event,kind,source rows under that header; nil gives the shipped list. At most 1 MiB. Whether
// a day lies in the window is not asked here: Study leaves out the events that it has no returns around.
func ParseEvents(data []byte) ([]Event, error) {
	if data == nil {
		data = defaultEvents
	}
	if len(data) > 1<<20 {
		return nil, market.Refuse("too-large", "events", "more than 1 MiB")
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord = 4
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, market.Refuse("csv", "events", "%v", err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], []string{"date", "event", "kind", "source"}) {
		return nil, market.Refuse("header", "events", "want the columns date, event, kind, source")
	}
	var out []Event
	for _, row := range rows[1:] {
		if _, err := time.Parse(time.DateOnly, row[0]); err != nil {
			return nil, market.Refuse("time-bad", "date", "%q: want YYYY-MM-DD", row[0])
		}
		out = append(out, Event{row[0], row[1], row[2], row[3]})
	}
	return out, nil
}

// Reaction is one event's abnormal returns, in percent; Z divides by the
// standard deviation of the estimation days.
type Reaction struct {
	Event
	Day0   float64 `json:"day0"`
	CAR1   float64 `json:"car0to1"` // cumulated, days 0 and 1
	CAR5   float64 `json:"car0to5"`
	Day0Z  float64 `json:"day0_z"`
	Before float64 `json:"car_minus_5_to_minus_1"` // did it move beforehand?
}

// EventStudy sums reactions up: means with t statistics across events.
type EventStudy struct {
	Reactions []Reaction `json:"reactions"`
	Skipped   []string   `json:"skipped,omitempty"` // events without enough days around them
	MeanDay0  float64    `json:"mean_day0"`
	TDay0     float64    `json:"t_day0"`
	PDay0     float64    `json:"p_day0"` // one-sided: the mean is not below zero
	MeanCAR1  float64    `json:"mean_car_0_to_1"`
	MeanCAR5  float64    `json:"mean_car_0_to_5"`
	MeanPrior float64    `json:"mean_car_minus_5_to_minus_1"`
	Negative  int        `json:"negative_day0"`
	PSign     float64    `json:"p_sign"` // one-sided binomial
	Placebo   Placebo    `json:"placebo"`
}

// Estimation window: 120 to 11 days before the event (MacKinlay 1997, with a
// constant mean).
const (
	estimateFrom, estimateTo = 120, 11
	eventDays                = 5
)

// Study measures the events against the mean of the days before each.
func Study(returns market.Series, events []Event) (EventStudy, error) {
	days := make([]string, returns.Len())
	for i, at := range returns.Times {
		days[i] = at.Format(time.DateOnly)
	}
	var s EventStudy
	var day0, car1, car5, prior []float64
	var places []int
	var names []string
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return strings.Compare(a.Date, b.Date) })
	last := -1 - eventDays
	for _, e := range events {
		i, found := slices.BinarySearch(days, e.Date)
		if !found || i < estimateFrom || i+eventDays >= len(days) {
			s.Skipped = append(s.Skipped, e.Date+" "+e.Name)
			continue
		}
		if i-last <= eventDays { // one reaction cannot be counted twice: the test takes events for independent
			s.Skipped = append(s.Skipped,
				e.Date+" "+e.Name+" (merged with the event "+days[last]+", whose window it lies in)")
			continue
		}
		last = i
		sample := returns.Values[i-estimateFrom : i-estimateTo+1]
		mean, sd := stats.Mean(sample), stats.SD(sample)
		sum := func(from, to int) (car float64) {
			for t := i + from; t <= i+to; t++ {
				car += returns.Values[t] - mean
			}
			return car
		}
		r := Reaction{e, sum(0, 0), sum(0, 1), sum(0, eventDays), sum(0, 0) / sd, sum(-5, -1)}
		s.Reactions = append(s.Reactions, r)
		places, names = append(places, i), append(names, e.Date+" "+e.Name)
		day0, car1, car5, prior = append(day0, r.Day0), append(car1, r.CAR1), append(car5, r.CAR5),
			append(prior, r.Before)
		if r.Day0 < 0 {
			s.Negative++
		}
	}
	n := len(day0)
	if n < 3 {
		return s, market.Refuse("too-short", "events", "%d events have 120 days before and 5 after them; 3 are needed",
			n)
	}
	s.MeanDay0, s.MeanCAR1, s.MeanCAR5, s.MeanPrior = stats.Mean(day0), stats.Mean(car1), stats.Mean(car5),
		stats.Mean(prior)
	s.TDay0 = s.MeanDay0 / (stats.SD(day0) / math.Sqrt(float64(n)))
	s.PDay0 = distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.CDF(s.TDay0)
	s.PSign = distuv.Binomial{N: float64(n), P: 0.5}.Survival(float64(s.Negative) - 1)
	s.Placebo = placeboOf(returns.Values, places, names)
	return s, nil
}

// Words say what the study found of "any negative information immediately
// affects the value". Confirmed is said only where random lists and leaving any
// one event out agree, and even then of these events alone.
func (s EventStudy) Words() words.Said {
	p := s.Placebo
	said := words.Say("risks.event-not")
	switch {
	case s.PDay0 >= 0.05:
	case p.RandomLists > 0 && p.RandomP >= 0.05:
		said = words.Say("risks.event-random", "share", fmt.Sprintf("%.1f", 100*p.RandomP))
	case p.LeaveOut.Below < p.LeaveOut.N:
		said = words.Say("risks.event-one", "name", p.LeaveOut.Carries, "p", fmt.Sprintf("%.3f", p.LeaveOut.MaxP))
	case s.PSign < 0.05:
		said = words.Say("risks.event-yes")
	default:
		said = words.Say("risks.event-few")
	}
	if s.MeanPrior < s.MeanDay0/2 {
		said = words.Say("risks.event-before", "words", said)
	}
	if p.WorstP < 0.05 {
		said = words.Say("risks.event-chosen", "words", said, "worst", p.Worst, "all", p.LeaveOut.N, "expected",
			fmt.Sprintf("%.1f", p.WorstExpected))
	}
	return said
}
