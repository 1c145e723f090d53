package paper

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

// Table1 is the paper's table of coins, recomputed.
type Table1 struct {
	Rows           []Row   `json:"rows"`
	Capitalisation float64 `json:"capitalisation_usd"`
	MissingRanks   []int   `json:"missing_ranks"`
	DateByRule     string  `json:"date_by_issuance_rule"` // ± two weeks: blocks do not come evenly
	// day on which the chain's supply reached the table's
	DateByData string           `json:"date_by_data,omitempty"`
	HHI        float64          `json:"hhi"`
	Findings   []market.Finding `json:"findings"`
}

// Row is a coin of Table 1.
type Row struct {
	Rank          int     `json:"rank"`
	Name          string  `json:"name"`
	Ticker        string  `json:"ticker"`
	PriceSupply   float64 `json:"price_times_supply_usd"`
	Deviation     float64 `json:"deviation"` // of price × supply from the capitalisation
	TurnoverDaily float64 `json:"turnover_daily"`
	Share         float64 `json:"share"` // of the 13 rows
}

// readTable1 rebuilds the table from its claims and runs the import's checks on it.
func readTable1(claims []Claim) (Table1, error) {
	values := map[string]float64{}
	var csv strings.Builder
	csv.WriteString("rank,name_as_printed,market_cap_usd,price_usd,volume_24h_usd,supply,ticker_as_printed\n")
	for _, c := range claims {
		values[c.ID] = c.Value
	}
	var t Table1
	last := 0
	for _, c := range claims {
		key, ok := strings.CutSuffix(c.ID, "_rank")
		if !ok || !strings.HasPrefix(key, "t1_") {
			continue
		}
		name := strings.TrimSuffix(c.Claim, fmt.Sprintf(" is number %.0f by capitalisation", c.Value))
		ticker := c.Quote[strings.LastIndexByte(c.Quote, ' ')+1:]
		cap, price, volume, supply := values[key+"_cap"], values[key+"_price"], values[key+"_volume"],
			values[key+"_supply"]
		t.Rows = append(t.Rows, Row{int(c.Value), name, ticker, price * supply, price*supply/cap - 1, volume / cap,
			cap})
		t.Capitalisation += cap
		// The printed table skips ranks: which, is a finding.
		for last++; last < int(c.Value); last++ {
			t.MissingRanks = append(t.MissingRanks, last)
		}
		fmt.Fprintf(&csv, "%g,%s,%g,%g,%g,%g,%s\n", c.Value, name, cap, price, volume, supply, ticker)
	}
	for rank := last + 1; rank <= 20; rank++ {
		t.MissingRanks = append(t.MissingRanks, rank)
	}
	for i := range t.Rows {
		t.Rows[i].Share /= t.Capitalisation
		t.HHI += 1e4 * t.Rows[i].Share * t.Rows[i].Share
	}
	snapshot, err := market.Parse("table1", []byte(csv.String()), market.ReadOptions{Origin: "Table 1 of the paper"})
	if err != nil {
		return t, err
	}
	t.Findings = market.Check(snapshot)
	t.DateByRule, err = tableDate(values["t1_btc_supply"])
	return t, err
}

// print writes what the paper's table gives when it is computed again.
func (t Table1) print(w io.Writer, l words.Language) {
	dated := l.Text("paper.table1-by-rule", "date", t.DateByRule)
	if t.DateByData != "" {
		dated = l.Text("paper.table1-by-data", "date", t.DateByData)
	}
	fmt.Fprintf(w, "\n%s\n", l.Text("paper.table1", "dated", dated, "ranks", t.MissingRanks, "hhi",
		fmt.Sprintf("%.1f", t.HHI)))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("paper.table1-columns"))
	for _, r := range t.Rows {
		fmt.Fprintf(tab, "%d\t%s\t%s\t%.0f\t%+.3f %%\t%.2f %%\t%.2f %%\t\n", r.Rank, r.Name, r.Ticker, r.PriceSupply,
			100*r.Deviation, 100*r.TurnoverDaily, 100*r.Share)
	}
	tab.Flush()
	for _, f := range t.Findings {
		fmt.Fprintf(w, "  %s: %s\n", f.Code, f.Says().In(l))
	}
}

// Channel is a year of one channel of Table 3. Payments are in thousands of millions and values in millions of
// millions of tenge, as the paper has them; growth and shares are fractions of 1.
type Channel struct {
	Channel        string   `json:"channel"`
	Year           int      `json:"year"`
	PaymentsBn     float64  `json:"payments_billion"`
	ValueTn        float64  `json:"value_trillion_kzt"`
	MeanTicketKZT  float64  `json:"mean_ticket_kzt"`
	GrowthPayments *float64 `json:"growth_payments"` // on the year before; null in the first
	GrowthValue    *float64 `json:"growth_value"`
	SharePayments  float64  `json:"share_payments"` // of both channels
	ShareValue     float64  `json:"share_value"`
}

// channels are the paper's payments of each channel and year, with growth and shares.
func channels(env environment) []Channel {
	var out []Channel
	for _, channel := range []string{"int", "loc"} {
		for year := 2019; year <= 2021; year++ {
			get := func(channel, kind string, year int) float64 {
				return env.values[fmt.Sprintf("t3_%s_%s_%d", channel, kind, year)]
			}
			n, v := get(channel, "n", year), get(channel, "v", year)
			c := Channel{Channel: map[string]string{"int": "international", "loc": "local"}[channel], Year: year,
				PaymentsBn: n, ValueTn: v, MeanTicketKZT: 1000 * v / n,
				SharePayments: n / (get("int", "n", year) + get("loc", "n", year)),
				ShareValue:    v / (get("int", "v", year) + get("loc", "v", year))}
			if year > 2019 {
				gn, gv := n/get(channel, "n", year-1)-1, v/get(channel, "v", year-1)-1
				c.GrowthPayments, c.GrowthValue = &gn, &gv
			}
			out = append(out, c)
		}
	}
	return out
}

// printChannels writes them; the first year has no growth.
func printChannels(w io.Writer, l words.Language, channels []Channel) {
	fmt.Fprintf(w, "\n%s\n", l.Text("paper.table3"))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("paper.table3-columns"))
	growth := func(g *float64) string {
		if g == nil {
			return "–"
		}
		return fmt.Sprintf("%+.1f %%", 100**g)
	}
	for _, c := range channels {
		fmt.Fprintf(tab, "%s\t%d\t%.2f\t%.1f\t%.0f\t%s\t%s\t%.1f %%\t%.1f %%\t\n", c.Channel, c.Year, c.PaymentsBn,
			c.ValueTn, c.MeanTicketKZT, growth(c.GrowthPayments), growth(c.GrowthValue), 100*c.SharePayments,
			100*c.ShareValue)
	}
	tab.Flush()
}
