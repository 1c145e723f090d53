package usage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

// Study is the table of systems with what belongs to it.
type Study struct {
	Indicators []Indicator         `json:"indicators"`
	Systems    []System            `json:"systems"`
	Energy     []Energy            `json:"energy"`
	Overheads  Overheads           `json:"overheads"`
	Country    string              `json:"country"`
	Months     []CountryMonth      `json:"country_months"`
	Data       []market.Provenance `json:"data"`
	Notes      []string            `json:"notes,omitempty"`
}

// Options of a study of a folder of extracts.
type Options struct {
	Dir       string
	From, To  string
	Overheads Overheads
	Country   string
	Tenge     *System // nil: no node was given
	// ValueNorm is the value per active address, USD a day, that counts as full
	// use of a currency; 0: none given.
	ValueNorm float64
}

// networks that a folder may hold, with their protocol's blocks a day.
var networks = []struct {
	file, name string
	blocks     float64
}{{"cm_btc_daily.csv", "Bitcoin", 144}, {"cm2019_btc_daily.csv", "Bitcoin (to 2019)", 144},
	{"cm2019_eth_daily.csv", "Ethereum (to 2019)", 86400 / 13.5}, {"cm2019_ltc_daily.csv", "Litecoin (to 2019)", 576}}

// noNetwork is why a folder has no network to study: there is no folder, no file of one, or no day in the window.
func noNetwork(dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return market.Refuse("not-available", "data", "there is no folder %s", dir)
	}
	files := make([]string, len(networks))
	for i, n := range networks {
		files[i] = n.file
	}
	if !slices.ContainsFunc(files, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}) {
		return market.Refuse("not-available", "data", "%s has no network file: none of %s", dir,
			strings.Join(files, ", "))
	}
	return market.Refuse("not-available", "data", "no network file in %s has a day in the window", dir)
}

// OfFolder studies whatever the folder holds; what is missing is noted.
func OfFolder(o Options) (Study, error) {
	s := Study{Indicators: indicators, Overheads: o.Overheads, Country: o.Country}
	if err := market.CheckWindow(o.From, o.To); err != nil {
		return Study{}, err
	}
	// Judged here: of one file among many an error is a note, and a wrong price would leave columns out for no reason
	// told.
	// Judged here: of one file among many an error is a note, and a wrong price would leave columns out without a
	// reason.
	if err := o.Overheads.Check(); err != nil {
		return Study{}, err
	}
	if !(o.ValueNorm >= 0) || math.IsInf(o.ValueNorm, 1) {
		return Study{}, market.Refuse("choice", "value-norm", "want dollars a day, 0 or more, got %g", o.ValueNorm)
	}
	open := func(name string) *market.Table {
		t, err := market.ReadFile(filepath.Join(o.Dir, name), market.ReadOptions{})
		if err != nil {
			note := err.Error()
			if errors.Is(err, fs.ErrNotExist) {
				note = name + " not available"
			}
			s.Notes = append(s.Notes, note)
			return nil
		}
		s.Data = append(s.Data, t.Provenance)
		return t
	}
	var devices []Device
	if list := open("cbeci_devices.csv"); list != nil {
		var err error
		if devices, err = Devices(list); err != nil {
			return Study{}, err
		}
	}
	for _, n := range networks {
		t := open(n.file)
		if t == nil {
			continue
		}
		var energy []Energy
		if n.file == "cm_btc_daily.csv" && devices != nil {
			var err error
			if energy, err = Estimate(t, devices, o.Overheads, o.From, o.To); err != nil {
				s.Notes = append(s.Notes, "energy: "+err.Error())
			}
			// Even where the estimate failed: the table of the network stands without its energy, and the note says
			// why.
			s.Energy = energy
		}
		system := Network(n.name, t, o.From, o.To, n.blocks, energy)
		if len(system.Values) > 0 {
			s.Systems = append(s.Systems, system)
		} else {
			s.Notes = append(s.Notes, n.file+": nothing in the window")
		}
	}
	if len(s.Systems) == 0 {
		return Study{}, noNetwork(o.Dir)
	}
	if o.Tenge != nil {
		s.Systems = append(s.Systems, *o.Tenge)
	}
	for i := range s.Systems {
		s.Systems[i].against(o.ValueNorm)
	}
	s.addCountry(open, o.Country)
	return s, nil
}

// addCountry adds the months of a country's part, at the consumption that Cambridge estimates for power at 5 cents a
// kWh. A folder without either file has none; a country that the map does not have is a note under the table.
func (s *Study) addCountry(open func(string) *market.Table, country string) {
	consumption, shares := open("cbeci_consumption_twh.csv"), open("cbeci_country_share.csv")
	if consumption == nil || shares == nil {
		return
	}
	twh, err := consumption.Series("twh_at_0.05")
	if err == nil {
		s.Months, err = Country(twh, shares, country)
	}
	if err != nil {
		s.Notes = append(s.Notes, err.Error())
	}
}

// Print writes the study for a terminal, in a language; its remarks and notes are in English.
func (s Study) Print(w io.Writer, l words.Language) {
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tab, "\t%s\t", l.Text("market.use-unit"))
	for _, system := range s.Systems {
		fmt.Fprintf(tab, "%s\t", system.Name)
	}
	fmt.Fprintln(tab)
	for _, i := range s.Indicators {
		fmt.Fprintf(tab, "%s\t%s\t", i.Key, i.Unit)
		for _, system := range s.Systems {
			v, ok := system.Values[i.Key]
			if !ok {
				// Left empty it would be read as nothing used.
				fmt.Fprintf(tab, "%s\t", l.Text("market.not-available"))
				continue
			}
			fmt.Fprintf(tab, "%.5g\t", v)
		}
		fmt.Fprintln(tab)
	}
	tab.Flush()
	s.printEnergy(w, l)
	if n := len(s.Months); n > 0 {
		values := make([]float64, n)
		for i, m := range s.Months {
			values[i] = m.TWh
		}
		first, last := s.Months[0], s.Months[n-1]
		fmt.Fprintf(w, "\n%s\n", l.Text("market.use-country", "country", s.Country, "share", cents(first.SharePct),
			"twh",
			cents(first.TWh), "month", first.Month, "share_last", cents(last.SharePct), "twh_last", cents(last.TWh),
			"month_last", last.Month, "line", market.Sparkline(values, 24)))
	}
	for _, system := range s.Systems {
		for _, remark := range system.Remarks {
			fmt.Fprintln(w, l.Text("market.note", "text", remark))
		}
	}
	for _, note := range s.Notes {
		fmt.Fprintln(w, l.Text("market.note", "text", note))
	}
}

// cents writes a figure with two decimals, whole one without.
func cents(v float64) string { return fmt.Sprintf("%.2f", v) }

func whole(v float64) string { return fmt.Sprintf("%.0f", v) }

// printEnergy writes three days of the estimate and, over all of them, the cost of a coin on a logarithmic scale and
// the ratio of the fleet's cost of a coin to its price: above 1 an equal mix of the machines of four years burns more
// than the coin fetches. It says on how many days that was so, on how many no device paid, and how many are
// extrapolated from an old list.
func (s Study) printEnergy(w io.Writer, l words.Language) {
	n := len(s.Energy)
	if n == 0 {
		return
	}
	cost, ratio := make([]float64, n), make([]float64, n)
	below, fleets, none, stale := 0, 0, 0, 0
	for i, e := range s.Energy {
		cost[i], ratio[i] = math.Log(e.BestUSD), e.FleetUSD/e.Price
		if e.FleetUSD > 0 {
			fleets++
			if e.Price < e.FleetUSD {
				below++
			}
		}
		if e.Profitable == 0 {
			none++
		}
		if e.Extrapolated {
			stale++
		}
	}
	fmt.Fprintf(w, "\n%s\n", l.Text("market.use-energy", "price", s.Overheads.USDPerKWh, "low", s.Overheads.PUELow,
		"best", s.Overheads.PUEBest, "high", s.Overheads.PUEHigh))
	// Three days of what may be thousands, first, middle and last; the lines below show all of them.
	for _, e := range []Energy{s.Energy[0], s.Energy[n/2], s.Energy[n-1]} {
		mark := ""
		if e.Extrapolated {
			mark = "  " + l.Count("market.use-extrapolated", e.ListDays)
		}
		fmt.Fprintf(w, "  %s%s\n", l.Count("market.use-day", e.Profitable, "day", e.Day, "low", cents(e.LowTWh), "best",
			cents(e.BestTWh), "high", cents(e.HighTWh), "low_usd", whole(e.LowUSD), "best_usd", whole(e.BestUSD),
			"high_usd", whole(e.HighUSD), "price", whole(e.Price)), mark)
	}
	fmt.Fprintln(w, " ", l.Text("market.use-cost", "line", market.Sparkline(cost, 60)))
	fmt.Fprintln(w, " ", l.Text("market.use-ratio", "line", market.Sparkline(ratio, 60), "below", below, "days", fleets,
		"none", none))
	if stale > 0 {
		fmt.Fprintln(w, l.Text("market.use-stale", "stale", stale, "days", n))
	}
}
