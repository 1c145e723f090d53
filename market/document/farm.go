package document

import (
	"math"

	"github.com/aqsha/aqsha/market"
)

// Farm is the account of a farm's month, taken from its records: kept like a
// node's answers, since polls are thinned with age. Ratios are of 1, null where
// the records do not tell.
type Farm struct {
	Name       string   `json:"name"`
	Month      string   `json:"month"` // YYYY-MM in the farm's zone
	Whole      bool     `json:"whole"` // the month is over
	Machines   int      `json:"machines"`
	Simulated  int      `json:"simulated"`
	Ext        *float64 `json:"k_ext"`
	Int        *float64 `json:"k_int"`
	Speed      *float64 `json:"k_speed"`
	Delivery   *float64 `json:"k_delivery"`
	Integral   *float64 `json:"k_integral"`
	Efficiency *float64 `json:"efficiency"` // J/TH of the nameplate over J/TH as measured
	JoulesTH   *float64 `json:"joules_per_th"`
	Extensive  float64  `json:"reserve_extensive_share"` // of the nameplate's work
	Intensive  float64  `json:"reserve_intensive_share"`
	EarnedBTC  float64  `json:"earned_btc"`
	EarnedKZT  float64  `json:"earned_kzt"`
	LostKZT    float64  `json:"lost_kzt"`
	Losses     []Loss   `json:"losses"` // the largest first
}

// Loss is what one cause took.
type Loss struct {
	Cause string  `json:"cause"`
	Share float64 `json:"share"` // of the nameplate's work; luck and gains may be below zero
	KZT   float64 `json:"kzt"`
}

// check refuses numbers that no account can have.
func (f *Farm) check() error {
	for _, x := range []struct {
		name  string
		value *float64
	}{{"k_ext", f.Ext}, {"k_int", f.Int}, {"k_integral", f.Integral}, {"efficiency", f.Efficiency},
		{"joules_per_th", f.JoulesTH}, {"reserve_extensive_share", &f.Extensive}} {
		if x.value != nil && (math.IsNaN(*x.value) || math.IsInf(*x.value, 0) || *x.value < 0) {
			return market.Refuse("farm", x.name, "%g is no measure of a farm", *x.value)
		}
	}
	return nil
}

// largest loss in percent of the nameplate's work that somebody could prevent;
// a planned stop is meant, and luck is nobody's.
func (f *Farm) largest() *float64 {
	for _, l := range f.Losses {
		if l.Cause != "planned" && l.Cause != "luck" {
			percent := 100 * l.Share
			return &percent
		}
	}
	return nil
}

// mined is the farm's own use: by time, by intensity, by energy, and where the
// reserve lies.
func (b *builder) mined() {
	f := b.Options.Farm
	if f == nil {
		return
	}
	source := f.Name + ", " + f.Month
	about := Sentence{Word: "farm.about", Cells: []Cell{text(f.Name), text(f.Month), value(float64(f.Machines), 0)}}
	s := Section{Key: "farm", Paragraphs: []Sentence{about}}
	if !f.Whole {
		s.Paragraphs = append(s.Paragraphs, Sentence{Word: "farm.month not over"})
	}
	if f.Simulated > 0 {
		s.Paragraphs = append(s.Paragraphs,
			Sentence{Word: "farm.simulated", Cells: []Cell{value(float64(f.Simulated), 0)}})
	}
	t := Table{Title: "farm.table", Heads: []string{"indicator", "unit", "value"}}
	for _, x := range []struct {
		key, unit string
		value     *float64
	}{{"farm K_ext", "ratio", f.Ext}, {"farm K_speed", "ratio", f.Speed}, {"farm K_delivery", "ratio", f.Delivery},
		{"farm K_int", "ratio", f.Int}, {"farm K", "ratio", f.Integral}, {"farm efficiency", "ratio", f.Efficiency},
		{"energy per work", "J/TH", f.JoulesTH}, {"extensive reserve", "share", &f.Extensive},
		{"intensive reserve", "share", &f.Intensive}, {"earned", "BTC", &f.EarnedBTC},
		{"earned in tenge", "KZT", &f.EarnedKZT},
		{"lost in tenge", "KZT", &f.LostKZT}} {
		t.Rows = append(t.Rows, []Cell{word(x.key), word(x.unit), significant(x.value)})
		// Figures feed the rules of recommendation: those of a farm only where the farm is what is studied.
		if b.Options.System == "farm" {
			b.figure(x.key, x.value, x.unit, source)
		}
	}
	losses := Table{Title: "farm.losses", Heads: []string{"cause", "share of the nameplate, %", "KZT"}}
	for _, l := range f.Losses {
		losses.Rows = append(losses.Rows, []Cell{word("cause: " + l.Cause), value(100*l.Share, 2), value(l.KZT, 0)})
	}
	s.Tables = append(s.Tables, t, losses)
	if b.Options.System == "farm" {
		b.figure("largest cause of loss", f.largest(), "percent", source)
	}
	b.add(s)
}
