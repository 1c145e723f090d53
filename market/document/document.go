package document

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/market/functions"
	"github.com/aqsha/aqsha/market/paper"
	"github.com/aqsha/aqsha/market/risks"
	"github.com/aqsha/aqsha/market/systems"
	"github.com/aqsha/aqsha/market/usage"
)

// Format names the JSON form.
const Format = "aqsha-study/3"

// Systems that can be studied.
var Systems = []string{"bitcoin", "tenge", "farm"}

// Options of a document; together with the files of Dir they decide every byte.
type Options struct {
	System string `json:"system"`
	From   string `json:"from"` // YYYY-MM-DD; "" for the data's first day
	To     string `json:"to"`
	// Country whose part in mining is measured.
	Country string `json:"country"`
	Node    *Node  `json:"node,omitempty"`
	Farm    *Farm  `json:"farm,omitempty"`
	Chain   *Chain `json:"chain,omitempty"`
	Dir     string `json:"-"`

	earlier bool // written as documents sealed in the formats 1 and 2 were
	six     bool // in the words of documents sealed in the formats 1 to 6
	// thorough has the last digits of fits as documents sealed in the formats 1 to 3 have them.
	thorough bool
	// rules are those of study.Input: 5 for documents sealed in the formats 1 to 4, 6 for those of format 5.
	rules int
}

// Node is what a node of the digital tenge answered: kept, since it cannot be
// asked for that day again.
type Node struct {
	Stats     usage.TengeStats `json:"stats"`
	KZTPerUSD float64          `json:"kzt_per_usd,omitempty"` // 0: figures in dollars are not available
	Day       string           `json:"day"`
}

// Figure is a number that rules and the summary speak of; null: not available.
type Figure struct {
	Key    string   `json:"key"`
	Value  *float64 `json:"value"`
	Unit   string   `json:"unit"`
	Source string   `json:"source"`
}

// Input is a file that the document was made from.
type Input struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Origin string `json:"origin"`
}

// Document before it is written in a language: cells and sentences carry keys of words and figures, and no text. Its
// JSON form is the same in every language; a seal hashes that and each language's pages.
type Document struct {
	Format          string           `json:"format"`
	Options         Options          `json:"options"`
	Synthetic       bool             `json:"synthetic,omitempty"`
	Figures         []Figure         `json:"figures"`
	Recommendations []Recommendation `json:"recommendations"`
	Sections        []Section        `json:"sections"`
	Inputs          []Input          `json:"inputs"`
	Missing         []string         `json:"missing,omitempty"` // files that the folder has not

	earlier, six bool // of the options
}

// builder carries the studies from which the sections are made, computed before those that quote them. pools and
// countries may be nil where the folder has no such file.
type builder struct {
	*Document
	use       usage.Study
	functions functions.Study
	risks     risks.Report
	paper     paper.Report
	cards     []systems.Card
	pools     *concentration.Study
	countries *concentration.Study
}

// Build runs every study. It fails where the folder lacks the files of the
// system itself or a window is too short; what else is missing is said.
func Build(ctx context.Context, o Options) (*Document, error) {
	if !slices.Contains(Systems, o.System) {
		return nil, market.Refuse("system", "system", "%q is not one of %s", o.System, strings.Join(Systems, ", "))
	}
	if err := market.CheckWindow(o.From, o.To); err != nil {
		return nil, err
	}
	if o.System == "farm" && o.Farm == nil {
		return nil, market.Refuse("choice", "farm", "a study of a farm needs the folder of its records: --farm DIR")
	}
	if o.Farm != nil {
		if err := o.Farm.check(); err != nil {
			return nil, err
		}
	}
	if o.Chain != nil {
		if err := o.Chain.check(); err != nil {
			return nil, err
		}
	}
	if o.Country == "" {
		o.Country = "Kazakhstan"
	}
	b := &builder{Document: &Document{Format: Format, Options: o, earlier: o.earlier, six: o.six}}
	// What sections quote comes first; from here to the summary, which stands in front, the order is that of the page.
	for _, step := range []func() error{b.study, b.concentrated, b.architecture} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := b.volatility(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil { // which it would take for a fit that fails
		return nil, err
	}
	b.usage()
	b.mined()
	b.money()
	b.dangers()
	b.concentration()
	b.comparison()
	if err := b.recommend(); err != nil {
		return nil, err
	}
	b.beside()
	b.summary()
	if !o.earlier {
		b.whole()
	}
	slices.SortFunc(b.Inputs, func(x, y Input) int { return strings.Compare(x.File, y.File) })
	slices.Sort(b.Missing)
	b.Missing = slices.Compact(b.Missing)
	return b.Document, nil
}

// tenge is the digital tenge's column, nil without a node.
func (o Options) tenge() (*usage.System, error) {
	if o.Node == nil {
		return nil, nil
	}
	day, err := time.Parse(time.DateOnly, o.Node.Day)
	if err != nil {
		return nil, market.Refuse("node", "day", "%q is not a day YYYY-MM-DD", o.Node.Day)
	}
	s := o.Node.Stats.System(o.Node.KZTPerUSD, day)
	return &s, nil
}

// study makes everything that the document may quote. Nothing of it is left out when it fails: a document with a part
// missing would read as if that part had nothing to say.
func (b *builder) study() error {
	o := b.Options
	tenge, err := o.tenge()
	if err != nil {
		return err
	}
	if b.use, err = usage.OfFolder(usage.Options{Dir: o.Dir, From: o.From, To: o.To, Overheads: usage.CBECI,
		Country: o.Country, Tenge: tenge}); err != nil {
		return err
	}
	anchors, err := functions.ParseAnchors(functions.DefaultAnchors())
	if err != nil {
		return err
	}
	if b.functions, err = functions.OfFolder(functions.Options{Dir: o.Dir, From: o.From, To: o.To, Anchors: anchors,
		Tenge: tenge}); err != nil {
		return err
	}
	events, err := risks.ParseEvents(nil)
	if err != nil {
		return err
	}
	if b.risks, err = risks.OfFolder(risks.Options{Dir: o.Dir, From: o.From, To: o.To, Events: events}); err != nil {
		return err
	}
	check := paper.Check
	if o.rules != 0 { // what was sealed is derived as it was judged then
		check = paper.CheckEarlier
	}
	if b.paper, err = check(o.Dir); err != nil {
		return err
	}
	for _, list := range [][]market.Provenance{b.use.Data, b.functions.Data, b.risks.Data, b.paper.Data} {
		for _, p := range list {
			b.input(p)
		}
	}
	for _, list := range [][]string{b.use.Notes, b.functions.Notes, b.risks.Notes} {
		for _, note := range list {
			// A note of another form says something else than that a file is missing.
			if name, ok := strings.CutSuffix(note, " not available"); ok && !strings.Contains(name, " ") {
				b.Missing = append(b.Missing, name)
			}
		}
	}
	return nil
}

// input notes a file, once. One synthetic file makes the document synthetic.
func (b *builder) input(p market.Provenance) {
	if slices.ContainsFunc(b.Inputs, func(i Input) bool { return i.File == p.File }) {
		return
	}
	b.Inputs = append(b.Inputs, Input{p.File, p.SHA256, p.Origin})
	b.Synthetic = b.Synthetic || strings.HasPrefix(p.Origin, "synthetic")
}

// open reads a file of the folder; nil where it is not there.
func (b *builder) open(name string) (*market.Table, error) {
	t, err := market.ReadFile(filepath.Join(b.Options.Dir, name), market.ReadOptions{})
	if errors.Is(err, fs.ErrNotExist) {
		b.Missing = append(b.Missing, name)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b.input(t.Provenance)
	return t, nil
}

// figure keeps a number for the summary and the rules.
func (b *builder) figure(key string, value *float64, unit, source string) {
	b.Figures = append(b.Figures, Figure{key, value, unit, source})
}

// Figure by its key; nil where it is not available.
func (d *Document) Figure(key string) *float64 {
	for _, f := range d.Figures {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}
