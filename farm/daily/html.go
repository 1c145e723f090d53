package daily

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/chart"
	"github.com/aqsha/aqsha/words"
)

// page is the language of pages, which are files.
const page = words.English

//go:embed month.html
var monthPage string

var monthTemplate = template.Must(template.New("month").Parse(monthPage))

// explained says what a cause is.
var explained = map[usage.Cause]string{
	usage.CausePlanned: "stopped by plan", usage.CauseCurtailed: "told to sleep", usage.CauseOutage: "no power",
	usage.CauseRepair: "under repair", usage.CauseUnknown: "silent, nobody knows why",
	usage.CauseBoards: "dead hash boards", usage.CauseCap: "the power limit", usage.CauseHeat: "slowed down by heat",
	usage.CauseSlow: "slower than all that explains", usage.CauseIdle: "no pool gave work",
	usage.CauseGain: "faster than the nameplate", usage.CauseInvalid: "hardware errors",
	usage.CauseUnsent:   "hashed, and no pool took it, or a stranger's did",
	usage.CauseRejected: "rejected or stale shares",
	usage.CauseLuck:     "shares found less (or, below 0, more) than expected",
}

type monthView struct {
	R                        *Month
	From, To, Begins         string
	Cards                    []card
	Pareto, Waterfall, Trend template.HTML
	Causes                   []causeView
	Rows                     []rowView
	Energy                   [][]string
}

type card struct{ Name, Value string }

type causeView struct{ Name, What, Work, Share, Together, Tenge, Gain string }

type rowView struct {
	Cells []string
	Sum   bool
}

// HTML writes a document that needs nothing from the network.
func (r *Month) HTML(w io.Writer) error {
	c := r.Whole.Coefficients
	waterfall, begins := r.waterfallChart()
	v := monthView{R: r, From: r.From.Format("2 Jan 2006"), To: r.To.AddDate(0, 0, -1).Format("2 Jan 2006"),
		Pareto: template.HTML(r.paretoChart().SVG()), Waterfall: template.HTML(waterfall.SVG()), Begins: begins,
		Trend: template.HTML(r.trendChart().SVG())}
	if r.Until != nil {
		v.To = r.Until.Format("2 Jan 2006 15:04 -07:00")
	}
	v.Cards = []card{{"K, use of what could be", percent(page, c.Integral)}, {"K_ext, by time", percent(page,
		c.Extensive)},
		{"K_int, by intensity", percent(page, c.Intensive)}, {"accepted", r.Whole.EarnedTiyn.Format()},
		{"lost", r.Whole.LostTiyn.Format()}, {"J/TH; norm over fact " + percent(page, c.Efficiency), joules(page,
			c.MilliJTH)}}
	for _, row := range r.Pareto {
		together := ""
		if counts(row.Cause) {
			together = percent(page, row.Cumulative)
		}
		v.Causes = append(v.Causes, causeView{row.Cause.String(), explained[row.Cause], petahashes(row.Work),
			percent(page, row.PPM), together, row.Tiyn.Format(), row.GainTiyn.Format()})
	}
	for i, row := range append(r.Rows, r.Whole) {
		k := row.Coefficients
		v.Rows = append(v.Rows,
			rowView{[]string{row.Name, fmt.Sprint(row.Machines), percent(page, k.Extensive), percent(page, k.Speed),
				percent(page, k.Delivery), percent(page, k.Integral), joules(page, k.MilliJTH), percent(page,
					k.Efficiency),
				row.EarnedTiyn.Format(), row.LostTiyn.Format()}, i == len(r.Rows)})
	}
	// By cause there are no rows, and a table of the whole alone would look like a farm of one machine.
	if len(r.Rows) == 0 {
		v.Rows = nil
	}
	for _, e := range r.Energy {
		overhead, meter := "", "none"
		if e.Metered >= 0 {
			overhead, meter = kilowattHours(e.Overhead)+" kWh", kilowattHours(e.Metered)+" kWh"
		}
		v.Energy = append(v.Energy, []string{e.Site, kilowattHours(e.ByMachine) + " kWh",
			kilowattHours(e.ByMeter) + " kWh", kilowattHours(e.ByNameplate) + " kWh", overhead, meter})
	}
	return monthTemplate.Execute(w, v)
}

// paretoChart has the causes by size; luck and gains, which are not losses, last.
func (r *Month) paretoChart() chart.Steps {
	s := chart.Steps{Title: "causes of loss"}
	for _, losses := range []bool{true, false} {
		for _, row := range r.Pareto {
			if counts(row.Cause) != losses {
				continue
			}
			step := chart.Step{Name: row.Cause.String(), To: float64(row.PPM) / 10_000, Class: "down",
				Label: minus(percent(page, row.PPM)) + ", together " + percent(page, row.Cumulative)}
			if !losses {
				step.Label = minus(percent(page, row.PPM))
				if row.PPM < 0 {
					step.Class = "up"
				}
			}
			s.Rows = append(s.Rows, step)
		}
	}
	return s
}

func minus(text string) string { return strings.Replace(text, "-", "−", 1) }

// waterfallChart steps from level to level, each in parts of the nameplate while running. The bars
// begin near the lowest level: the losses are what is looked at.
func (r *Month) waterfallChart() (s chart.Steps, begins string) {
	s.Title = "from the nameplate to accepted work"
	if len(r.Waterfall) == 0 || r.Waterfall[0].Work.Sign() == 0 {
		return s, "0 %"
	}
	part := func(l usage.Level) float64 { return 100 * l.Work.Float() / r.Waterfall[0].Work.Float() }
	floor := 100.0
	for _, l := range r.Waterfall {
		floor = min(floor, part(l))
	}
	// Losses are a few per cent of the nameplate: bars from 0 would all look alike. Where the axis begins is
	// returned, to be said beside it.
	floor = max(0, floor-0.3*(100-floor)-0.2)
	before := 100.0
	for i, l := range r.Waterfall {
		now := part(l)
		step := chart.Step{Name: l.Name, From: before - floor, To: now - floor, Class: "down",
			Label: strconv.FormatFloat(now, 'f', 2, 64) + " %"}
		switch {
		case i == 0 || i == len(r.Waterfall)-1:
			step.From, step.Class = 0, "bar"
			if i > 0 {
				step.Label += " (" + change(now-before) + ")"
			}
		default:
			step.Label += " (" + change(now-before) + ")"
			if now > before {
				step.Class = "up"
			}
		}
		s.Rows = append(s.Rows, step)
		before = now
	}
	return s, strconv.FormatFloat(floor, 'f', 1, 64) + " %"
}

func change(points float64) string {
	text := strconv.FormatFloat(points, 'f', 2, 64)
	if points >= 0 {
		text = "+" + text
	}
	return minus(text)
}

// trendChart has the coefficients by day.
func (r *Month) trendChart() chart.Chart {
	c := chart.Chart{Title: "coefficients of use by day",
		Format: func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + " %" }}
	lines := []chart.Line{{Name: "K"}, {Name: "K_ext"}, {Name: "K_int"}}
	for _, day := range r.Days {
		c.Days = append(c.Days, day.Name[5:])
		k := day.Coefficients
		for i, ppm := range []int64{k.Integral, k.Extensive, k.Intensive} {
			lines[i].Values = append(lines[i].Values, float64(max(0, ppm))/10_000)
		}
	}
	c.Lines = lines
	return c
}
