package systems

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/words"
)

//go:embed systems.json
var systemsFile []byte

// Cell is one fact of a card, with source and date.
type Cell struct {
	Field  string `json:"field"`
	Value  string `json:"value"`
	Unit   string `json:"unit,omitempty"`
	Source string `json:"source"`
	Date   string `json:"date"`
}

// Card describes one system.
type Card struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	Cells     []Cell    `json:"cells"`
	Issuance  *Issuance `json:"issuance,omitempty"`
	Curve     []Point   `json:"supply_curve,omitempty"`
	Reversals []Reverse `json:"reversal,omitempty"` // systems with proof of work only
}

// Reverse is a row of the reversal table.
type Reverse struct {
	Share         float64   `json:"attackers_share"`
	Probabilities []float64 `json:"probabilities"` // at the depths below
	Safe          int       `json:"confirmations_for_0.1%"`
}

// Depths are the confirmations of the reversal table.
var Depths = []int{1, 2, 3, 6, 12, 24}

var shares = []float64{0.05, 0.1, 0.2, 0.3, 0.4, 0.45}

// Load reads the embedded cards, or those of an edited file.
func Load(edited []byte) ([]Card, error) {
	data := systemsFile
	if edited != nil {
		data = edited
	}
	var file struct {
		Systems []Card `json:"systems"`
	}
	if len(data) > 1<<20 {
		return nil, market.Refuse("too-large", "systems", "more than 1 MiB")
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, market.Refuse("systems", "systems", "%v", err)
	}
	for i := range file.Systems {
		c := &file.Systems[i]
		if err := c.check(); err != nil {
			return nil, err
		}
		if schedule, ok := Schedules[c.Name]; ok {
			c.Issuance, c.Curve = &schedule, schedule.Curve(30)
			for _, q := range shares {
				row := Reverse{Share: q}
				for _, z := range Depths {
					p, err := Reversal(q, z)
					if err != nil {
						return nil, err
					}
					row.Probabilities = append(row.Probabilities, p)
				}
				var err error
				// Nakamoto (2008), section 11, has this bound of 0.1 % in its table.
				if row.Safe, err = Confirmations(q, 0.001); err != nil {
					return nil, err
				}
				c.Reversals = append(c.Reversals, row)
			}
		}
	}
	return file.Systems, nil
}

// check: a cell says where and when it is from, unless it is not available.
func (c *Card) check() error {
	for _, cell := range c.Cells {
		if cell.Value != notAvailable && (cell.Source == "" || cell.Date == "") {
			return market.Refuse("systems", c.Name+"."+cell.Field, "no source or date")
		}
	}
	return nil
}

const notAvailable = "not available"

// Set fills or adds a cell from data.
func (c *Card) Set(field, value, unit, source, date string) {
	i := slices.IndexFunc(c.Cells, func(x Cell) bool { return x.Field == field })
	if i < 0 {
		c.Cells = append(c.Cells, Cell{})
		i = len(c.Cells) - 1
	}
	c.Cells[i] = Cell{field, value, unit, source, date}
}

// FromNetwork fills hash rate, fee and the cost of an hour's majority from a
// network file: electricity at the best guess's efficiency, and the hour's
// block reward, below which nobody rents hash rate out. All of them are of the
// last day up to to, "" for the file's last.
func (c *Card) FromNetwork(t *market.Table, energy []usage.Energy, overheads usage.Overheads, to string) {
	last := func(column string) (float64, string, bool) {
		s, err := t.Series(column)
		if err != nil {
			return 0, "", false
		}
		if s = s.Window("", to); s.Len() == 0 {
			return 0, "", false
		}
		return s.Values[s.Len()-1], s.Last(), true
	}
	source := t.Provenance.File
	if hash, day, ok := last("hash_rate_ths"); ok {
		c.Set("hash rate", fmt.Sprintf("%.4g", hash/1e6), "EH/s", source, day)
	}
	price, day, ok := last("price_usd")
	if issued, _, known := last("issuance_native"); ok && known && c.Issuance != nil { // proof of work to this day
		fees, _, _ := last("fees_native")
		c.Set("an hour's majority, reward outbid", fmt.Sprintf("%.0f", (issued+fees)*price/24), "USD", source, day)
	}
	if len(energy) > 0 {
		e := energy[len(energy)-1]
		machines := fmt.Sprintf("%d machines of the device list that pay", e.Profitable)
		if e.Profitable == 0 {
			machines = "no machine of the device list pays any more: the last that did, an upper figure"
		}
		c.Set("an hour's majority, electricity", fmt.Sprintf("%.0f", e.BestTWh*1e9/8766*overheads.USDPerKWh), "USD",
			source+"; "+machines, e.Day)
	}
	if fee, day, ok := last("fee_median_usd"); ok {
		c.Set("fee", fmt.Sprintf("%.4g", fee), "USD, median", source, day)
	}
}

// FromTenge fills the digital tenge's cells from a node's use.
func (c *Card) FromTenge(s usage.System) {
	if v, ok := s.Values["transactions"]; ok {
		c.Set("payments now", fmt.Sprintf("%.4g", v), "a day", s.Source, s.To)
	}
	if v, ok := s.Values["fee per payment"]; ok {
		c.Set("fee", fmt.Sprintf("%.4g", v), "USD", s.Source, s.To)
	}
}

// Print writes cards for a terminal, in a language; phrase says their cells in it.
func Print(w io.Writer, l words.Language, cards []Card, phrase func(string) string) {
	for _, c := range cards {
		fmt.Fprintf(w, "%s\n", phrase(c.Title))
		tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
		for _, cell := range c.Cells {
			origin := ""
			// No brackets without a source: an empty pair would look like one that was lost.
			if cell.Source != "" {
				origin = fmt.Sprintf("[%s, %s]", phrase(cell.Source), cell.Date)
			}
			fmt.Fprintf(tab, "  %s\t%s %s\t%s\n", phrase(cell.Field), phrase(cell.Value), phrase(cell.Unit),
				origin)
		}
		tab.Flush()
		if c.Curve != nil {
			supply := make([]float64, len(c.Curve))
			for i, p := range c.Curve {
				supply[i] = p.Supply
			}
			last := c.Curve[len(c.Curve)-1]
			fmt.Fprintln(w, l.Text("study.card-supply", "first", c.Curve[0].Year, "last", last.Year, "line",
				market.Sparkline(supply, 30), "supply", fmt.Sprintf("%.0f", last.Supply), "growth",
				fmt.Sprintf("%.3f", 100*last.Inflation)))
		}
		if c.Reversals != nil {
			tab = tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
			fmt.Fprintln(tab, l.Text("study.card-reversals", "depths",
				strings.Trim(strings.ReplaceAll(fmt.Sprint(Depths), " ", "\t"), "[]")))
			for _, r := range c.Reversals {
				fmt.Fprintf(tab, "  %.0f %%\t", 100*r.Share)
				for _, p := range r.Probabilities {
					fmt.Fprintf(tab, "%.3g\t", p)
				}
				fmt.Fprintf(tab, "%d\t\n", r.Safe)
			}
			tab.Flush()
		}
		fmt.Fprintln(w)
	}
}
