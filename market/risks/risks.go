package risks

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/market/paper"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

// Indicator of one of the seven risks.
type Indicator struct {
	Number  int        `json:"number,omitempty"`
	Risk    string     `json:"risk,omitempty"` // as the paper lists it
	Measure string     `json:"measure"`
	Value   *float64   `json:"value"` // null: not available
	Unit    string     `json:"unit"`
	Source  string     `json:"source"`
	From    string     `json:"from,omitempty"` // of this indicator's own data, inside the window asked for
	To      string     `json:"to,omitempty"`
	Words   words.Said `json:"words"`
	Needs   string     `json:"needs,omitempty"` // data that would measure it, or measure it better
	// Beside are further figures of the same risk.
	Beside []Indicator `json:"beside,omitempty"`
}

// Causality is Granger's test in one direction.
type Causality struct {
	From string     `json:"from"`
	To   string     `json:"to"`
	Test stats.Test `json:"test"`
}

// Report of a folder.
type Report struct {
	From       string              `json:"from"`
	To         string              `json:"to"`
	Indicators []Indicator         `json:"indicators"`
	Events     *EventStudy         `json:"events"`
	Causality  []Causality         `json:"causality"`
	Wash       *Wash               `json:"wash"`
	Data       []market.Provenance `json:"data"`
	Notes      []string            `json:"notes,omitempty"`

	said []words.Said // Notes, for any language
}

// Options of a report.
type Options struct {
	Dir      string
	From, To string
	Events   []Event
}

// study carries the series that several indicators use; a zero Series is not
// available.
type study struct {
	Report
	dir                                                string
	price, cap, issued, hash, volume, transfers, tenge market.Series
	macro, pools, residents                            *market.Table
}

// OfFolder computes what the folder allows; the rest is not available, with a note of the file or the reason. Only a
// folder without 200 prices of bitcoin in the window is refused, for nothing else can be measured without them. The
// window in the report is that of the prices found, which may be shorter than the one asked for.
func OfFolder(o Options) (Report, error) {
	s := &study{Report: Report{From: o.From, To: o.To}, dir: o.Dir}
	if err := market.CheckWindow(o.From, o.To); err != nil {
		return Report{}, err
	}
	if err := s.load(); err != nil {
		return Report{}, err
	}
	if s.price.Len() < 200 {
		return Report{}, market.Refuse("too-short", "window", "%d prices of bitcoin in the window; 200 are needed",
			s.price.Len())
	}
	returns, err := s.price.LogReturns()
	if err != nil {
		return Report{}, err
	}
	s.From, s.To = s.price.First(), s.price.Last()
	if events, err := Study(returns, o.Events); err != nil {
		s.note(words.Say("risks.note-events", "why", err))
	} else {
		s.Events = &events
	}
	s.indicators()
	s.causality()
	s.wash()
	return s.Report, nil
}

// note adds a note: in English for files, and as a text of any language.
func (r *Report) note(said words.Said) {
	r.Notes, r.said = append(r.Notes, said.String()), append(r.said, said)
}

// open reads a file of the folder and notes its provenance. One that is not there is noted, and is nil without an
// error; one that is there and cannot be read stops the study, for it would be missing without a word.
func (s *study) open(name string) (*market.Table, error) {
	t, err := market.ReadFile(filepath.Join(s.dir, name), market.ReadOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		s.note(words.Say("risks.note-file", "name", name))
		return nil, nil
	}
	if err == nil {
		s.Data = append(s.Data, t.Provenance)
	}
	return t, err
}

// load takes the series that the study wants from the folder's tables. The price is needed; whatever else is not there
// leaves its measures out, and they say so.
func (s *study) load() error {
	network, err := s.open("cm_btc_daily.csv")
	if err != nil {
		return err
	}
	if network == nil {
		return market.Refuse("not-available", "data", "no cm_btc_daily.csv in %s", s.dir)
	}
	take := func(t *market.Table, to *market.Series, column string) {
		if t == nil {
			return
		}
		// A column that is not there is left out here; which measures lack it, they say themselves.
		if series, err := t.Series(column); err == nil {
			*to = series.Window(s.From, s.To)
		}
	}
	take(network, &s.price, "price_usd")
	take(network, &s.cap, "cap_usd")
	take(network, &s.issued, "issuance_native")
	take(network, &s.hash, "hash_rate_ths")
	take(network, &s.volume, "volume_usd")
	for _, f := range []struct {
		name   string
		to     *market.Series
		column string
	}{{"cm2019_btc_daily.csv", &s.transfers, "transfer_value_usd"}, {"usd_kzt_daily.csv", &s.tenge, "kzt_per_usd"}} {
		t, err := s.open(f.name)
		if err != nil {
			return err
		}
		take(t, f.to, f.column)
	}
	if s.macro, err = s.open("macro_kz_quarterly.csv"); err != nil {
		return err
	}
	if s.residents, err = s.open("crypto_kz_quarterly.csv"); err != nil {
		return err
	}
	s.pools, err = s.open("pools_monthly.csv")
	return err
}

// causality asks with Granger's test whether the price helps to foretell the hash rate and the other way round, with
// four lags of weekly growth. A step over a day without either has the growth 0. "Cause" means no more than that: the
// past of the one improves a forecast of the other.
func (s *study) causality() {
	if s.hash.Len() < 200 {
		s.note(words.Say("risks.note-hash"))
		return
	}
	_, v := market.Align(s.price, s.hash)
	growth := make([][]float64, 2)
	for j := range growth {
		// Weekly steps: daily hash rate is mostly the luck of blocks.
		for i := 7; i < len(v[j]); i += 7 {
			if v[j][i] > 0 && v[j][i-7] > 0 {
				growth[j] = append(growth[j], math.Log(v[j][i]/v[j][i-7]))
			} else {
				growth[j] = append(growth[j], 0)
			}
		}
	}
	for _, d := range []struct {
		from, to string
		y, x     []float64
	}{{"price", "hash rate", growth[1], growth[0]}, {"hash rate", "price", growth[0], growth[1]}} {
		test, err := stats.Granger(d.y, d.x, 4)
		if err != nil {
			s.note(words.Say("risks.note-granger", "why", err))
			return
		}
		s.Causality = append(s.Causality, Causality{d.from, d.to, test})
	}
}

// wash looks at daily volumes for signs of trades that were none. The sizes are sums of days, so that round sizes say
// nothing (the argument true); volume over what moved on the chain is on the days that both have.
func (s *study) wash() {
	if s.volume.Len() == 0 {
		s.note(words.Say("risks.note-wash-volume"))
		return
	}
	var volume, chain []float64
	if s.transfers.Len() > 0 {
		_, v := market.Align(s.volume, s.transfers)
		volume, chain = v[0], v[1]
	}
	w, err := WashOf(s.volume.Values, true, volume, chain)
	if err != nil {
		s.note(words.Say("risks.note-wash", "why", err))
		return
	}
	s.Wash = &w
}

// poolMajority is the Nakamoto number of the last whole month in the window.
func (s *study) poolMajority() (majority, hhi float64, month string) {
	if s.pools == nil {
		return math.NaN(), math.NaN(), ""
	}
	months, err := concentration.ByMonth(s.pools, "pool", "blocks")
	if err != nil {
		return math.NaN(), math.NaN(), ""
	}
	last := -1
	for i, m := range months {
		// The last month of a file, and one that the window cuts, are partial.
		if m.Month >= s.From[:7] && m.Month < s.To[:7] && i < len(months)-1 {
			last = i
		}
	}
	if last < 0 {
		return math.NaN(), math.NaN(), ""
	}
	return float64(months[last].Measure.Nakamoto50), months[last].Measure.HHI, months[last].Month
}

// internationalShare is Table 3's share of payments through international
// systems in the last of its years that lies whole in the window.
func (s *study) internationalShare() (share, first float64, year int) {
	report, err := paper.Check("")
	if err != nil {
		return math.NaN(), math.NaN(), 0
	}
	share, first = math.NaN(), math.NaN()
	for _, c := range report.Table3 {
		if c.Channel != "international" || fmt.Sprintf("%d-01-31", c.Year) < s.From ||
			fmt.Sprintf("%d-12-01", c.Year) > s.To {
			continue
		}
		if math.IsNaN(first) {
			first = c.SharePayments
		}
		share, year = c.SharePayments, c.Year
	}
	return share, first, year
}
