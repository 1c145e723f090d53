package scenario

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/advise"
	"github.com/aqsha/aqsha/planner/page"
	"github.com/aqsha/aqsha/planner/power/site"
	"github.com/aqsha/aqsha/planner/register"
)

// planSteps are the farm's decisions: tomorrow's hours, the month's levy, next year's machines.
func planSteps() []Step {
	return []Step{
		{"schedule", "The farm decides which machines run tomorrow, hour by hour", scheduleTomorrow},
		{"levy", "The farm's levy of the month, metered and paid to the budget", payLevy},
		{"plan", "The farm plans its next year from a model of volatility", planNextYear},
	}
}

// planDir is where the steps leave their files.
func (w *Stage) planDir() (string, error) {
	dir := filepath.Join(w.DataDir, "farm-plan")
	return dir, os.MkdirAll(dir, 0o700)
}

// scheduleTomorrow schedules the example's site. It needs no ledger and no network.
func scheduleTomorrow(_ context.Context, w *Stage) error {
	dir, err := w.planDir()
	if err != nil {
		return err
	}
	// The example's day is long past, and a schedule is submitted for tomorrow: only the day is put in, the rest is the
	// file that the documentation shows.
	tomorrow := params.DateOf(time.Now().AddDate(0, 0, 1))
	s, err := site.Parse("power.toml", strings.Replace(site.ExampleFile, `day = "2026-11-25"`,
		fmt.Sprintf("day = %q", tomorrow), 1))
	if err != nil {
		return err
	}
	day, err := advise.DayOf(s, "power.toml")
	if err != nil {
		return err
	}
	var energy int64
	least, most := day.Hours[0], day.Hours[0]
	for _, h := range day.Hours {
		energy += h.KWh
		if h.Machines < least.Machines {
			least = h
		}
		if h.Machines > most.Machines {
			most = h
		}
	}
	ceilings, err := s.Ceilings()
	if err != nil {
		return err
	}
	for _, c := range ceilings {
		w.Say("schedule-say-1", "price", c.Ceiling.Format(), "class", c.Class)
	}
	clock := func(hour int) string { return fmt.Sprintf("%02d:00", hour) }
	w.Say("schedule-say-2", "day", s.Day, "many", most.Machines, "many_hour", clock(most.Hour), "many_price",
		most.Price.Format(), "few", least.Machines, "few_hour", clock(least.Hour), "few_price", least.Price.Format())
	file := filepath.Join(dir, "hours.csv")
	if err := create(file, func(out io.Writer) error { return s.WriteHours(out, day.Hours) }); err != nil {
		return err
	}
	w.Proves("schedule-proves", "kwh", fmt.Sprintf("%.0f", float64(energy)/1000), "gain", day.Gain.Format(), "file",
		file)
	return nil
}

// storyFarm is the plan of the story, on prices that are simulated from a made-up model.
func storyFarm() (*planner.Plan, error) {
	next := time.Now().Year() + 1
	year := func(n int) string { return fmt.Sprint(next + n) }
	text := strings.NewReplacer("paths = 2000", "paths = 500", "count = 1_200", "count = 300", "limit_kw = 10_000",
		"limit_kw = 3_000", `"1_500_000_000"`, `"400_000_000"`,
		`"6_000_000"`, `"2_000_000"`, "[0, 250, 500, 1000]", "[0, 100, 200, 300]", `from = "2026-01-01"`,
		`from = "2024-01-01"`,
		"2027", year(0), "2028", year(1), "2029", year(2), "2030", year(3)).Replace(planner.ExampleFile)
	return planner.Parse("plan.toml", text, func(string) (string, error) { return planner.ExampleModel, nil })
}

// payLevy declares and pays the month that is over, by a meter that is simulated and says so.
func payLevy(ctx context.Context, w *Stage) error {
	p, err := storyFarm()
	if err != nil {
		return err
	}
	last := params.DateOf(time.Now().AddDate(0, 0, 1-time.Now().Day()).AddDate(0, 0, -1)) // of the month that is over
	month := planner.MonthOf(last)
	var meter []register.Metered
	for day := 1; day <= month.Days(); day++ { // a simulated meter: 300 machines at 97 %, some hours lost
		meter = append(meter,
			register.Metered{Day: month.Day(day), WattHours: 300 * 3221 * 24 * 97 / 100 * int64(1000-7*(day%5)) / 1000})
	}
	r, err := register.Build(p, meter, nil)
	if err != nil {
		return err
	}
	row := r.Levy[0]
	w.Say("levy-say-1", "month", month, "kwh", fmt.Sprintf("%.0f", float64(row.WattHours)/1000), "fewer",
		fmt.Sprintf("%.0f", float64(row.Planned-row.WattHours)/1000))
	if err := w.Once("levy",
		func() error { return w.payAndLink(ctx, farm, budget, farm, row.Levy, "levy "+month.String()) }); err != nil {
		return err
	}
	w.Say("levy-say-2", "from", farm, "to", budget, "levy", row.Levy.Format(), "price", row.PerKWh.Format(), "declare",
		row.DeclareBy, "due", row.PayBy)
	fact, err := params.MiningLevies.At(last)
	if err != nil {
		return err
	}
	w.Proves("levy-proves", "since", fact.From, "wh", row.WattHours, "price", row.PerKWh.Format())
	return nil
}

// planNextYear has the plan's own words said: the story adds none of its own to an advice.
func planNextYear(ctx context.Context, w *Stage) error {
	p, err := storyFarm()
	if err != nil {
		return err
	}
	r, err := advise.Build(ctx, p, nil, "story", nil)
	if err != nil {
		return err
	}
	language := string(w.language())
	a := r.Words[language] // the plan's own words, which it has in every language
	for _, text := range slices.Concat([]string{a.Headline}, a.Steps, []string{a.RunnerUp, a.Changes[0]}) {
		w.say(text)
	}
	dir, err := w.planDir()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "plan.html")
	if err := create(file, func(out io.Writer) error { return page.Write(out, r, language) }); err != nil {
		return err
	}
	spent := money.Tiyn(100 * r.Power.SpentKZT)
	w.Proves("plan-proves", "paths", r.Paths, "spent", spent.Format(), "file", file)
	return nil
}

// create writes a file.
func create(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
