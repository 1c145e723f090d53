package planner_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
)

// Months are counted as the standard library's calendar counts them.
func TestMonthsAreTheCalendars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(rapid.IntRange(1, 9999).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")),
			rapid.IntRange(1, 28).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		m, err := planner.ParseMonth(day.Format("2006-01"))
		if err != nil {
			t.Fatal(err)
		}
		first := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
		days := int(first.AddDate(0, 1, 0).Sub(first).Hours()) / 24
		if m.Year() != day.Year() || m.Number() != int(day.Month()) || m.Days() != days ||
			m.String() != day.Format("2006-01") || string(m.First()) != first.Format(time.DateOnly) ||
			string(m.Day(day.Day())) != day.Format(time.DateOnly) || planner.MonthOf(params.DateOf(day)) != m {
			t.Fatalf("%s: %s of %d days, begins %s", day, m, m.Days(), m.First())
		}
		ahead := rapid.IntRange(0, 200).Draw(t, "ahead")
		if later := first.AddDate(0, ahead, 0); (m+planner.Month(ahead)).First() != params.DateOf(later) && later.Year() < 10_000 {
			t.Fatalf("%d months after %s is %s, want %s", ahead, m, m+planner.Month(ahead), later)
		}
	})
	for _, text := range []string{"", "2027", "2027-00", "2027-13", "27-01", "2027-1", "2027-01-01", " 2027-01", "2027/01"} {
		if m, err := planner.ParseMonth(text); err == nil {
			t.Errorf("%q is read as %s", text, m)
		}
	}
}

// assumption is one [[assume]] as a test draws it: what is not set is −1.
type assumption struct {
	from            params.Date
	quota, tax, vat int64 // millionths
	levy            money.Tiyn
}

// Every month's law is, key by key, that of the latest assumption that says it, and else that of the tables: looked up
// here by going through all assumptions from the last.
func TestLawsAgainstAssumptionsOneByOne(t *testing.T) {
	sources := []params.PowerSource{params.PowerBought, params.PowerOwn, params.PowerRenewable, params.PowerOwnRenewable}
	rapid.Check(t, func(t *rapid.T) {
		source := rapid.SampledFrom(sources).Draw(t, "source")
		text := strings.NewReplacer(`power = "bought"`, fmt.Sprintf("power = %q", source), "paths = 2000", "paths = 1").
			Replace(planner.ExampleFile)
		days := rapid.SliceOfNDistinct(rapid.IntRange(0, 2500), 0, 4, rapid.ID).Draw(t, "days")
		slices.Sort(days)
		var all []assumption
		for i, n := range days {
			ppm := func(name string) int64 {
				return int64(rapid.OneOf(rapid.Just(-1), rapid.IntRange(0, 1_000_000)).Draw(t, fmt.Sprint(name, i)))
			}
			a := assumption{from: params.DateOf(time.Date(2026, 1, 1+n, 0, 0, 0, 0, time.UTC)), quota: ppm("quota"),
				tax: ppm("tax"), vat: ppm("vat"), levy: money.Tiyn(ppm("levy"))}
			text += fmt.Sprintf("[[assume]]\nfrom = %q\n", a.from)
			for _, v := range []struct {
				key string
				ppm int64
			}{{"quota", a.quota}, {"tax", a.tax}, {"vat", a.vat}} {
				if v.ppm >= 0 {
					text += fmt.Sprintf("%s = \"0.%06d\"\n", v.key, v.ppm%1_000_000)
				}
			}
			if a.levy >= 0 {
				text += fmt.Sprintf("levy = \"%d.%02d\"\n", a.levy/100, a.levy%100)
			}
			all = append(all, a)
		}
		p, err := parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for m, law := range p.Laws {
			day := p.Month(m).First()
			want, err := tables(day)
			if err != nil {
				t.Fatal(err)
			}
			tariff := naiveTariff(day)
			levy, err := want.Levy.PerKWh(source, tariff)
			if err != nil {
				t.Fatal(err)
			}
			if source == params.PowerOwn || source == params.PowerOwnRenewable {
				want.VAT = 0 // of one's own power nobody writes an invoice
			}
			latest := func(value func(assumption) int64, or int64) int64 {
				for i := len(all) - 1; i >= 0; i-- {
					if v := value(all[i]); all[i].from <= day && v >= 0 {
						return v % 1_000_000
					}
				}
				return or
			}
			want.Quota = params.PPM(latest(func(a assumption) int64 { return a.quota }, int64(want.Quota)))
			want.Tax = params.PPM(latest(func(a assumption) int64 { return a.tax }, int64(want.Tax)))
			want.VAT = params.PPM(latest(func(a assumption) int64 { return a.vat }, int64(want.VAT)))
			for i := len(all) - 1; i >= 0; i-- {
				if all[i].from <= day && all[i].levy >= 0 {
					levy = all[i].levy
					break
				}
			}
			got, err := law.Levy.PerKWh(source, tariff)
			if err != nil || got != levy || law.Quota != want.Quota || law.Tax != want.Tax || law.VAT != want.VAT {
				t.Fatalf("%s: levy %s (want %s), quota %d (%d), tax %d (%d), VAT %d (%d), %v", p.Month(m), got, levy,
					law.Quota, want.Quota, law.Tax, want.Tax, law.VAT, want.VAT, err)
			}
			if price, err := p.Tariff(m); err != nil || price.Tiyn() != tariff {
				t.Fatalf("%s: tariff %s, want %s (%v)", p.Month(m), price, tariff, err)
			}
		}
		checkFacts(t, p, all)
	})
}

// tables is the law of a day without any plan.
func tables(day params.Date) (law planner.Law, err error) {
	levy, err1 := params.MiningLevies.At(day)
	vat, err2 := params.ValueAddedTax.At(day)
	quota, err3 := params.MiningSaleQuota.At(day)
	tax, err4 := params.CorporateIncomeTax.At(day)
	return planner.Law{Levy: levy.Value, VAT: vat.Value, Quota: quota.Value, Tax: tax.Value},
		cmp.Or(err1, err2, err3, err4)
}

// naiveTariff is the sample's.
func naiveTariff(day params.Date) money.Tiyn {
	switch {
	case day >= "2030-01-01":
		return 14_00
	case day >= "2028-01-01":
		return 12_50
	}
	return 11_50
}

// checkFacts: whoever reads the result sees each law and each assumption that was used, once.
func checkFacts(t *rapid.T, p *planner.Plan, all []assumption) {
	seen := map[planner.Fact]bool{}
	for _, f := range p.Facts {
		if seen[f] || f.Source == "" {
			t.Fatalf("%+v twice, or without a source, among %v", f, p.Facts)
		}
		seen[f] = true
	}
	end := p.Month(p.Months - 1).First()
	for _, a := range all {
		found := slices.ContainsFunc(p.Facts, func(f planner.Fact) bool {
			return f.From == a.from && strings.Contains(f.Source, "[[assume]]")
		})
		if found != (a.from <= end) {
			t.Fatalf("an assumption from %s in a plan to %s is among the facts: %v", a.from, end, found)
		}
	}
}

// Halvings are where the tables have them, and a month of two subsidies has their mean by days: any plan's subsidies
// add up, over its days, to those of its days.
func TestSubsidiesAddUp(t *testing.T) {
	for _, start := range []string{"2024-01", "2027-01", "2031-06"} {
		text := edited(t, "start =", fmt.Sprintf("start = %q", start), "dates =", "dates = []", "retire =", "",
			`bought = "2023-06"`, `bought = "2023-06"`, `from = "2026-01-01"`, `from = "2023-01-01"`)
		p, err := parse(text)
		if err != nil {
			t.Fatalf("%s: %v", start, err)
		}
		got, want := 0.0, 0.0
		for m, subsidy := range p.Network.SubsidyBTC {
			got += subsidy * float64(p.Month(m).Days())
			if m > 0 && subsidy > p.Network.SubsidyBTC[m-1] {
				t.Errorf("%s: the subsidy rises in month %d", start, m)
			}
		}
		day := time.Date(p.Start.Year(), time.Month(p.Start.Number()), 1, 0, 0, 0, 0, time.UTC)
		for ; planner.MonthOf(params.DateOf(day)) < p.Start+planner.Month(p.Months); day = day.AddDate(0, 0, 1) {
			era, err := params.SubsidyEras.At(params.DateOf(day))
			if err != nil {
				t.Fatal(err)
			}
			want += float64(era.Value.Subsidy) / float64(money.Bitcoin)
		}
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s: %v bitcoin of a block over all days, want %v", start, got, want)
		}
	}
}

// Counts and shares are a set: written twice, in any order, or without the 0 that is always a choice, they are one grid.
func TestAGridIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 12).Draw(t, "counts")
		hold := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 9).Draw(t, "hold")
		list := func(all []int, format string) string {
			var out []string
			for _, n := range all {
				out = append(out, fmt.Sprintf(format, n))
			}
			return "[" + strings.Join(out, ", ") + "]"
		}
		p, err := parse(strings.NewReplacer("counts = [0, 250, 500, 1000]", "counts = "+list(counts, "%d"),
			`hold = [0, "50%"]`, "hold = "+list(hold, `"%d%%"`)).Replace(planner.ExampleFile))
		if err != nil {
			t.Fatal(err)
		}
		want := append([]int{0}, counts...)
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(p.Counts, want) {
			t.Fatalf("%v are the counts %v", counts, p.Counts)
		}
		if len(hold) == 0 {
			hold = []int{0}
		}
		var shares []int
		for _, n := range p.Hold {
			shares = append(shares, int(n)/10_000)
		}
		slices.Sort(hold)
		slices.Sort(shares)
		if !slices.Equal(shares, slices.Compact(hold)) {
			t.Fatalf("shares %v of %v", shares, hold)
		}
	})
}

// A fleet is within the site's power or refused; the power that it takes, cooling included, is added up here.
func TestAFleetWithinItsPower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pue := rapid.Int64Range(1000, 3000).Draw(t, "pue")
		limit := rapid.Int64Range(1, 400).Draw(t, "kilowatts")
		text := strings.NewReplacer("pue = 1.05", fmt.Sprintf("pue = \"%d.%03d\"", pue/1000, pue%1000),
			"limit_kw = 10_000", fmt.Sprintf("limit_kw = %d", limit)).Replace(planner.ExampleFile)
		at, end := strings.Index(text, "[[fleet]]"), strings.Index(text, "[[offer]]")
		fleet, drawn := "", int64(0)
		for range rapid.IntRange(0, 4).Draw(t, "kinds") {
			watts, count := rapid.Int64Range(1, 6000).Draw(t, "watts"), rapid.Int64Range(1, 60).Draw(t, "count")
			fleet += fmt.Sprintf("[[fleet]]\nmodel = \"X\"\nrate_ths = 100\nwatts = %d\ncount = %d\nbought = \"2023-06\"\n"+
				"life_months = 9\n", watts, count)
			drawn += int64(math.Floor(float64(watts*pue)/1000+0.5)) * count
		}
		p, err := parse(text[:at] + fleet + text[end:])
		if fits := drawn <= 1000*limit; fits != (err == nil) {
			t.Fatalf("%d W at a limit of %d kW: %v", drawn, limit, err)
		}
		if err != nil {
			return
		}
		total := int64(0)
		for _, f := range p.Fleet {
			total += f.Class.MeterWatts(p.PUEMilli) * int64(f.Class.Count)
		}
		if total != drawn || p.LimitWatts != 1000*limit {
			t.Fatalf("the plan draws %d W of %d, want %d", total, p.LimitWatts, drawn)
		}
	})
}
