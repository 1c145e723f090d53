package document

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/market/functions"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/systems"
	"github.com/aqsha/aqsha/market/usage"
)

func (b *builder) add(s Section) { b.Sections = append(b.Sections, s) }

// architecture fills the cards from the folder and the node, and prints them
// side by side with where each cell is from.
func (b *builder) architecture() error {
	var err error
	if b.cards, err = systems.Load(nil); err != nil {
		return err
	}
	tenge, err := b.Options.tenge()
	if err != nil {
		return err
	}
	network, err := b.open("cm_btc_daily.csv")
	if err != nil {
		return err
	}
	s := Section{Key: "architecture", Paragraphs: []Sentence{{Word: "architecture.about"}}}
	for i := range b.cards {
		c := &b.cards[i]
		if c.Name == "bitcoin" && network != nil {
			to := b.Options.To
			if b.Options.rules != 0 && b.Options.rules < 6 {
				to = "" // the file's last day, until format 5
			}
			c.FromNetwork(network, b.use.Energy, usage.CBECI, to)
			b.paceOf(c, network)
		}
		// Measured cells only of a node that was given; the others are the card's, each with its source.
		if c.Name == "bitcoin" && b.Options.Chain != nil {
			b.Options.Chain.fill(c)
		}
		if c.Name == "digital-tenge" && tenge != nil {
			c.FromTenge(*tenge)
			b.answered(c)
		}
		t := Table{Title: c.Title, Heads: []string{"property", "value", "source", "date"}}
		for _, cell := range c.Cells {
			t.Rows = append(t.Rows, []Cell{word(cell.Field), cardValue(c.Name, cell), cardSource(cell.Source),
				named(cell.Date)})
		}
		s.Tables = append(s.Tables, t)
	}
	b.add(s)
	return nil
}

// paceOf measures the time between blocks over the window.
func (b *builder) paceOf(c *systems.Card, network *market.Table) {
	blocks, err := network.Series("blocks")
	if err != nil {
		return
	}
	if blocks = blocks.Window(b.Options.From, b.Options.To); blocks.Len() == 0 {
		return
	}
	sum := 0.0
	for _, v := range blocks.Values {
		sum += v
	}
	if sum > 0 {
		pace := 86400 * float64(blocks.Len()) / sum
		c.Set("block time, measured", strconv.FormatFloat(pace, 'f', 1, 64), "s", network.Provenance.File,
			blocks.First()+"…"+blocks.Last())
	}
}

// answered fills the tenge's card with what the node measured of itself.
func (b *builder) answered(c *systems.Card) {
	n := b.Options.Node
	if v := n.Stats.BlockSeconds; v != nil {
		c.Set("block time", strconv.FormatFloat(*v, 'f', 3, 64), "s", n.Stats.Node, n.Day)
	}
	if v := n.Stats.CapacityPerSec; v != nil {
		c.Set("capacity", strconv.FormatFloat(*v, 'f', 1, 64), "payments/s", n.Stats.Node, n.Day)
	}
	// final once its signed block is durable; documents of before the busiest second was asked lack the line
	if v := n.Stats.BlockSeconds; v != nil && n.Stats.BusiestPerSecond != nil {
		c.Set("finality, measured", strconv.FormatFloat(*v, 'f', 3, 64), "s", n.Stats.Node, n.Day)
	}
	for _, x := range []struct {
		field string
		value *float64
		unit  string
	}{{"nodes", n.Stats.Nodes, ""}, {"busiest second", n.Stats.BusiestPerSecond, "payments/s"},
		{"keys that a fraud needs", n.Stats.KeysOfFraud, ""}, {"wallets", n.Stats.Wallets, ""},
		{"payments a day", n.Stats.Days.DailyPayments(), ""},
		{"active wallets a day", n.Stats.Days.DailyActive(), ""},
		{"days suppressed", n.Stats.Days.Hidden(), ""}} {
		if x.value != nil {
			c.Set(x.field, strconv.FormatFloat(*x.value, 'f', 0, 64), x.unit, n.Stats.Node, n.Day)
		}
	}
}

// cardValue is a number with its unit, or the word of the card's sentence.
func cardValue(system string, cell systems.Cell) Cell {
	if v, err := strconv.ParseFloat(cell.Value, 64); err == nil {
		c := significant(&v)
		c.Unit = cell.Unit
		return c
	}
	if cell.Value == "not available" {
		return word(cell.Value)
	}
	return word(system + "." + cell.Field)
}

// cardSource is a citation; what the device list adds to a file's name is in words.
func cardSource(source string) Cell {
	file, about, ok := strings.Cut(source, "; ")
	if !ok || !strings.HasSuffix(file, ".csv") {
		return named(source)
	}
	if machines, err := strconv.ParseFloat(strings.SplitN(about, " ", 2)[0], 64); err == nil {
		return Cell{List: []Cell{text(file + ";"), value(machines, 0), word("machines of the device list that pay")}}
	}
	return Cell{List: []Cell{text(file + ";"), word("no machine of the device list pays")}}
}

// prices of the system studied.
func (b *builder) prices() (in study.Input, err error) {
	file, column := "cm_btc_daily.csv", "price_usd"
	if b.Options.System == "tenge" {
		file, column = "usd_kzt_daily.csv", "kzt_per_usd"
	}
	t, err := b.open(file)
	if err == nil && t == nil {
		err = market.Refuse("not-available", "data", "no %s in %s", file, b.Options.Dir)
	}
	return study.Input{Table: t, Column: column, From: b.Options.From, To: b.Options.To, Rules: b.Options.rules}, err
}

// volatility is the section of how much the price moves and what can be lost.
func (b *builder) volatility(ctx context.Context) error {
	in, err := b.prices()
	if err != nil {
		return err
	}
	v, err := study.StudyVolatility(in)
	if err != nil {
		return err
	}
	source := v.Origin.Source.File + ", " + v.Origin.From + "…" + v.Origin.To
	s := Section{Key: "volatility",
		Paragraphs: []Sentence{{Word: "volatility.about." + b.Options.System,
			Cells: []Cell{text(v.Origin.From), text(v.Origin.To), value(float64(v.Origin.N), 0),
				value(v.Origin.Annual, 0)}}}}
	t := Table{Title: "volatility.table", Heads: []string{"method", "percent a year", "observations"}}
	for _, e := range v.Estimates {
		t.Rows = append(t.Rows, []Cell{estimateName(e), value(e.Percent, 2), value(float64(e.N), 0)})
	}
	b.figure("volatility", &v.Estimates[0].Percent, "percent a year", source)
	if g, err := study.StudyGarch(ctx, in, study.GarchOptions{Spec: garch.Spec{Law: garch.StudentT,
		// A fit that fails, or has no optimum, is said and left out: volatility and losses are known without it.
		Thorough: b.Options.thorough}}); err == nil && (g.Fit.Convergence.Converged || b.Options.rules != 0) {
		t.Rows = append(t.Rows, []Cell{word("garch next day"), value(g.VolNext, 2), value(float64(g.Origin.N), 0)})
		b.figure("persistence", &g.Fit.Persistence, "ratio", source)
		s.Pictures = b.priceAndVolatility(in, g)
	} else {
		s.Paragraphs = append(s.Paragraphs, Sentence{Word: "volatility.no garch"})
	}
	s.Tables = append(s.Tables, t)
	risk, err := study.StudyRisk(ctx, in, 0.05, false, nil)
	if err != nil {
		return err
	}
	loss := Table{Title: "loss.table", Heads: []string{"method", "value at risk", "expected shortfall"}}
	for _, m := range risk.Measures {
		loss.Rows = append(loss.Rows, []Cell{named(m.Method), number(m.VaR, 3), number(m.ES, 3)})
		if m.Method == "historical" {
			b.figure("value at risk", m.VaR, "percent", source)
			b.figure("expected shortfall", m.ES, "percent", source)
		}
	}
	s.Tables = append(s.Tables, loss)
	b.add(s)
	return nil
}

// estimateName takes an estimate's name apart into words and numbers.
func estimateName(e study.Estimate) Cell {
	if strings.HasPrefix(e.Name, "realised, last ") {
		return Cell{List: []Cell{word("realised, last"), value(float64(e.N), 0), word("observations")}}
	}
	for _, name := range []string{"HAR-RV", "EWMA"} {
		if before, _, ok := strings.Cut(e.Name, ", next"); ok && strings.HasPrefix(e.Name, name) {
			return Cell{List: []Cell{text(before + ","), word("next day")}}
		}
	}
	return named(e.Name)
}

// priceAndVolatility are the two charts above each other; the volatility has as many days as the fit.
func (b *builder) priceAndVolatility(in study.Input, g study.Garch) []Picture {
	series, err := in.Table.Series(in.Column)
	if err != nil {
		return nil
	}
	series = series.Window(in.From, in.To)
	days := make([]string, series.Len())
	for i, at := range series.Times {
		days[i] = at.Format("2006-01-02")
	}
	price := Picture{Title: "price." + b.Options.System, Unit: "", Log: true, Days: days,
		Lines: []Line{{Name: "price", Values: series.Values}}}
	n := min(len(g.Fit.Variances), len(days))
	conditional := make([]float64, n)
	for i, h := range g.Fit.Variances[len(g.Fit.Variances)-n:] {
		conditional[i] = math.Sqrt(g.Origin.Annual * h)
	}
	return []Picture{price, {Title: "conditional volatility", Unit: "percent a year", Days: days[len(days)-n:],
		Lines: []Line{{Name: "conditional volatility", Values: conditional}}}}
}

// usage is the table of extensiveness, intensity, efficiency and reserves.
func (b *builder) usage() {
	s := Section{Key: "use", Paragraphs: []Sentence{{Word: "use.about"}}}
	t := Table{Title: "use.table", Heads: []string{"indicator", "unit"}}
	for _, system := range b.use.Systems {
		t.Heads = append(t.Heads, system.Name)
	}
	for _, i := range b.use.Indicators {
		row := []Cell{word(i.Key), word(i.Unit)}
		for _, system := range b.use.Systems {
			row = append(row, significant(of(system.Values, i.Key)))
		}
		t.Rows = append(t.Rows, row)
	}
	s.Tables = append(s.Tables, t)
	for _, system := range b.use.Systems {
		if system.Name != map[string]string{"bitcoin": "Bitcoin", "tenge": "digital tenge"}[b.Options.System] {
			continue
		}
		for _, key := range []string{"network K_ext", "network K_int", "capacity reserve", "time to finality",
			"fee over value", "median fee", "fee per payment", "electricity per payment"} {
			unit := ""
			for _, i := range b.use.Indicators {
				if i.Key == key {
					unit = i.Unit
				}
			}
			b.figure(key, of(system.Values, key), unit, system.Source)
		}
	}
	if n := len(b.use.Months); n > 0 && b.Options.System != "tenge" {
		first, last := b.use.Months[0], b.use.Months[n-1]
		s.Paragraphs = append(s.Paragraphs,
			Sentence{Word: "use.country", Cells: []Cell{named(b.Options.Country), value(first.SharePct, 2),
				value(first.TWh, 2), text(first.Month), value(last.SharePct, 2), value(last.TWh, 2), text(last.Month)}})
		b.figure("country's share", &last.SharePct, "percent", "cbeci_country_share.csv, "+last.Month)
	}
	// The last day, with how old the list of devices is then: beyond its end the estimate is extrapolated, and said
	// to be.
	if n := len(b.use.Energy); n > 0 {
		e := b.use.Energy[n-1]
		s.Paragraphs = append(s.Paragraphs,
			Sentence{Word: "use.energy", Cells: []Cell{text(e.Day), value(e.LowTWh, 1), value(e.BestTWh, 1),
				value(e.HighTWh, 1), value(float64(e.ListDays), 0)}})
		if e.Extrapolated {
			s.Paragraphs = append(s.Paragraphs, Sentence{Word: "use.extrapolated"})
		}
	}
	b.add(s)
}

// of is a value by its key; nil where there is none.
func of(values map[string]float64, key string) *float64 {
	if v, ok := values[key]; ok {
		return &v
	}
	return nil
}

// card of the system studied among the moneys scored.
func (b *builder) card() *functions.Card {
	name := map[string]string{"bitcoin": "bitcoin", "tenge": "digital tenge"}[b.Options.System]
	for i := range b.functions.Cards {
		if b.functions.Cards[i].Name == name {
			return &b.functions.Cards[i]
		}
	}
	return nil
}

// money is the section of the functions of money, with the scores as figures for the rules.
func (b *builder) money() {
	s := Section{Key: "functions",
		Paragraphs: []Sentence{{Word: "functions.about", Cells: []Cell{value(b.functions.Anchors.Threshold, 0)}}}}
	t := Table{Title: "functions.table", Heads: []string{"money", "function", "score", "band", "indicators known",
		"verdict"}}
	for _, c := range b.functions.Cards {
		for _, f := range c.Functions {
			band := word("not available")
			if f.Low != nil && f.High != nil {
				band = Cell{List: []Cell{value(*f.Low, 0), text("–"), value(*f.High, 0)}}
			}
			t.Rows = append(t.Rows, []Cell{named(c.Name), word(f.Function), number(f.Score, 0), band,
				{List: []Cell{value(float64(f.Known), 0), text("/"), value(float64(f.Of), 0)}}, word(f.Verdict)})
		}
	}
	s.Tables = append(s.Tables, t)
	if c := b.card(); c != nil {
		source := b.functions.From + "…" + b.functions.To
		for _, f := range c.Functions {
			score := f.Score
			// A score of what could not be measured must not reach the rules.
			if f.Verdict == functions.NotAvailable {
				score = nil
			}
			b.figure("score: "+f.Function, score, "points of 100", source)
		}
		values := Table{Title: "functions.values", Heads: []string{"indicator", "unit", "value", "worst", "best"}}
		for _, f := range b.functions.Anchors.Functions {
			for _, i := range f.Indicators {
				values.Rows = append(values.Rows, []Cell{word(i.Key), word(i.Unit), significant(of(c.Values, i.Key)),
					significant(&i.Worst), significant(&i.Best)})
			}
		}
		s.Tables = append(s.Tables, values)
		b.figure("maximum drawdown", of(c.Values, "maximum drawdown"), "fraction", source)
	}
	b.add(s)
}

// concentrated measures pools and countries where their files are.
func (b *builder) concentrated() error {
	for _, f := range []struct {
		file, by, of string
		to           **concentration.Study
	}{{"pools_monthly.csv", "pool", "blocks", &b.pools}, {"cbeci_country_share.csv", "country", "share_pct",
		&b.countries}} {
		t, err := b.open(f.file)
		if err != nil {
			return err
		}
		if t == nil {
			continue
		}
		s, err := concentration.Over(t, f.by, f.of, "")
		if err != nil {
			return err
		}
		*f.to = &s
	}
	return nil
}

// concentration is the section of pools and countries, in the last month within the study's days: a later one would
// judge the window by what came after it. The figures are those with the unknown part counted as one holder (With).
// The tenge's document shows the table for comparison, but its rules are not asked of Bitcoin's miners.
func (b *builder) concentration() {
	s := Section{Key: "concentration", Paragraphs: []Sentence{{Word: "concentration.about." + b.Options.System}}}
	t := Table{Title: "concentration.table", Heads: []string{"of what", "date", "holders", "HHI", "effective number",
		"Gini", "Nakamoto number", "largest share"}}
	for _, x := range []struct {
		name  string
		study *concentration.Study
	}{{"pools", b.pools}, {"countries", b.countries}} {
		p := within(x.study, b.risks.To)
		if p == nil {
			t.Rows = append(t.Rows, []Cell{word(x.name), word("not available"), text("–"), text("–"), text("–"),
				text("–"), text("–"), text("–")})
			continue
		}
		m := p.With
		t.Rows = append(t.Rows, []Cell{word(x.name), text(p.Month), value(float64(m.N), 0), value(m.HHI, 1),
			value(m.Effective, 2), value(m.Gini, 4), value(float64(m.Nakamoto50), 0), value(100*m.CR1, 1)})
		if b.Options.System != "tenge" {
			majority := float64(m.Nakamoto50)
			b.figure("HHI of "+x.name, &m.HHI, "points of 10,000", x.study.Source.File+", "+p.Month)
			b.figure("Nakamoto number of "+x.name, &majority, "count", x.study.Source.File+", "+p.Month)
		}
	}
	s.Tables = append(s.Tables, t)
	b.add(s)
}

// within is the last whole period that lies before the window's end; the last
// of a file may be cut, and is taken only where it is the only one.
func within(s *concentration.Study, to string) *concentration.Period {
	if s == nil || len(s.Periods) == 0 {
		return nil
	}
	var last *concentration.Period
	for i := range s.Periods {
		if p := &s.Periods[i]; len(to) < 7 || p.Month < to[:7] {
			last = p
		}
	}
	return last
}
