package functions

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/market/volatility"
	"github.com/aqsha/aqsha/words"
)

// Options of a study over a folder of extracts.
type Options struct {
	Dir      string
	From, To string
	Anchors  Anchors
	Tenge    *usage.System // the digital tenge's use, from a node
}

// Study is the scorecard of several moneys with the verdict on the paper. The anchors stand in it whole: they are the
// assumptions that a reader may hold against the scores.
type Study struct {
	From     string              `json:"from"`
	To       string              `json:"to"`
	Anchors  Anchors             `json:"anchors"`
	Cards    []Card              `json:"cards"`
	Flip     Flip                `json:"flip"`
	Findings []Finding           `json:"findings"`
	Data     []market.Provenance `json:"data"`
	Notes    []string            `json:"notes,omitempty"`

	said []words.Said // Notes, for any language
}

// note adds a note: in English for files, and as a text of any language.
func (s *Study) note(said words.Said) {
	s.Notes, s.said = append(s.Notes, said.String()), append(s.said, said)
}

// folder opens what is there and notes what is not.
type folder struct {
	dir   string
	study *Study
}

// open reads a file of the folder; one that is not there is noted, and nil.
func (f folder) open(name string) (*market.Table, error) {
	t, err := market.ReadFile(filepath.Join(f.dir, name), market.ReadOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		f.study.note(words.Say("functions.note-file", "name", name))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f.study.Data = append(f.study.Data, t.Provenance)
	return t, nil
}

// series is a column within the study's days; empty where there is no file.
func (f folder) series(name, column string) (market.Series, error) {
	t, err := f.open(name)
	if t == nil || err != nil {
		return market.Series{}, err
	}
	s, err := t.Series(column)
	return s.Window(f.study.From, f.study.To), err
}

// OfFolder scores bitcoin and the benchmarks: tenge, dollar, gold, card money
// (tenge by card) and digital tenge.
func OfFolder(o Options) (Study, error) {
	s := Study{From: o.From, To: o.To, Anchors: o.Anchors}
	if err := market.CheckWindow(o.From, o.To); err != nil {
		return s, err
	}
	f := folder{o.Dir, &s}
	network, err := f.open("cm_btc_daily.csv")
	if err != nil {
		return s, err
	}
	if network == nil {
		return s, market.Refuse("not-available", "data", "no cm_btc_daily.csv in %s", o.Dir)
	}
	bitcoin, err := network.Series("price_usd")
	if err != nil {
		return s, err
	}
	if bitcoin = bitcoin.Window(o.From, o.To); bitcoin.Len() < 60 {
		return s, market.Refuse("too-short", "window", "%d prices between %q and %q; 60 are needed", bitcoin.Len(),
			o.From, o.To)
	}
	s.From, s.To = bitcoin.First(), bitcoin.Last()
	w, tenge, err := f.context()
	if err != nil {
		return s, err
	}
	exchange, err := f.exchange(network)
	if err != nil {
		return s, err
	}
	coin := holding{name: "bitcoin", prices: bitcoin}
	if err := s.addCard(w, coin, exchange, nil); err != nil {
		return s, err
	}
	if err := s.addBenchmarks(f, w, tenge, o.Tenge); err != nil {
		return s, err
	}
	// How far the price's moves would have to be stretched until a verdict changes: how near the threshold it stands is
	// told with it.
	if s.Flip, err = s.flip(w, coin, exchange); err != nil {
		return s, err
	}
	s.Findings = s.findings(network, w)
	return s, nil
}

// context reads what indicators are measured against; tenge is the dollar price
// of a tenge, empty when its rate does not cover the window.
func (f folder) context() (w context, tenge market.Series, err error) {
	w.tengeVol = math.NaN()
	rate, err := f.series("usd_kzt_daily.csv", "kzt_per_usd")
	if err != nil {
		return w, tenge, err
	}
	if rate.Len() > 60 {
		r, err := rate.LogReturns()
		if err != nil {
			return w, tenge, err
		}
		w.tengeVol = volatility.Realised(r.Values, volatility.EveryDay)
		tenge = rate
		tenge.Values = make([]float64, rate.Len())
		for i, v := range rate.Values {
			tenge.Values[i] = 1 / v
		}
	} else {
		f.study.note(words.Say("market-word." + words.Slug(
			"the tenge's rate does not cover the window: the tenge's volatility not available")))
	}
	if w.gold, err = f.series("gold_close.csv", "close"); err != nil {
		return w, tenge, err
	}
	w.macro, err = f.open("macro_kz_quarterly.csv")
	return w, tenge, err
}

// exchange takes the medium-of-exchange indicators from the network's files,
// the earlier one for columns that the later lacks.
func (f folder) exchange(network *market.Table) (map[string]float64, error) {
	values := usage.Network("bitcoin", network, f.study.From, f.study.To, 144, nil).Values
	early, err := f.open("cm2019_btc_daily.csv")
	if err != nil {
		return nil, err
	}
	if early != nil {
		for key, v := range usage.Network("bitcoin", early, f.study.From, f.study.To, 144, nil).Values {
			if _, have := values[key]; !have {
				values[key] = v
			}
		}
	}
	return values, nil
}

// addCard measures and scores one money.
func (s *Study) addCard(w context, h holding, exchange map[string]float64, remarks []string) error {
	values, err := w.holdingValues(h, 1)
	if err != nil {
		return fmt.Errorf("%s: %w", h.name, err)
	}
	s.Cards = append(s.Cards, s.Anchors.Score(h.name, s.merge(values, exchange), remarks))
	return nil
}

// merge keeps the indicators that the anchors name.
func (s *Study) merge(parts ...map[string]float64) map[string]float64 {
	all, out := map[string]float64{}, map[string]float64{}
	for _, p := range parts {
		maps.Copy(all, p)
	}
	for _, f := range s.Anchors.Functions {
		for _, i := range f.Indicators {
			if v, ok := all[i.Key]; ok {
				out[i.Key] = v
			}
		}
	}
	return out
}

// addBenchmarks scores what bitcoin is held against: the tenge (bank money, by
// card, digital), the foreign moneys whose rates the folder has, gold.
func (s *Study) addBenchmarks(f folder, w context, tenge market.Series, digital *usage.System) error {
	type benchmark struct {
		h      holding
		use    map[string]float64
		remark string
	}
	var all []benchmark
	if tenge.Len() > 60 {
		dollar := tenge
		dollar.Values = make([]float64, tenge.Len())
		for i, v := range tenge.Values {
			dollar.Values[i] = 1 / v
		}
		// The price of digital tenge is the tenge's; only how it is used is its own, and that a node has to tell.
		digitalUse, remark := map[string]float64{}, "exchange indicators not available: no node was given"
		if digital != nil {
			digitalUse, remark = digital.Values, "exchange indicators from "+digital.Source
			if len(digital.Remarks) > 0 {
				remark += "; " + strings.Join(digital.Remarks, "; ")
			}
		}
		cards, cardRemark := s.cards()
		bank, bankRemark := w.turnover(s.From, s.To)
		all = append(all, benchmark{holding{name: "tenge", prices: tenge, tenge: true}, bank, bankRemark},
			benchmark{holding{name: "card money", prices: tenge, tenge: true}, cards, cardRemark},
			benchmark{holding{name: "digital tenge", prices: tenge, tenge: true}, digitalUse, remark},
			benchmark{holding{name: "dollar", prices: dollar, inKZT: true}, nil,
				"price in tenge; exchange indicators not available"})
	}
	foreign, err := f.foreign()
	if err != nil {
		return err
	}
	for _, h := range foreign {
		all = append(all, benchmark{h, nil, "price in tenge; exchange indicators not available"})
	}
	if w.gold.Len() > 60 {
		all = append(all, benchmark{holding{name: "gold", prices: w.gold}, nil,
			"a fund's share in dollars; exchange indicators not available"})
	}
	for _, b := range all {
		if err := s.addCard(w, b.h, b.use, []string{b.remark}); err != nil {
			return err
		}
	}
	return nil
}
