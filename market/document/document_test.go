package document

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/sealfile"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/txlog/seal"
)

// folder of synthetic data, made once.
var folder = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "document")
	if err != nil {
		return "", err
	}
	return dir, synthetic.Write(dir)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := folder(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func options(t testing.TB, system string) Options {
	t.Helper()
	dir, err := folder()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{System: system, From: "2017-01-01", To: "2019-10-20", Country: "Steppeland", Dir: dir}
	if system == "tenge" {
		f := func(v float64) *float64 { return &v }
		o.Node = &Node{Stats: usage.TengeStats{Node: "http://node", Wallets: f(1000), ActiveWallets: f(400), CirculatingTiyn: f(1e9), Transactions: f(86400), ValueTiyn: f(5e7), SpanSeconds: f(86400), FeeTiyn: f(0), BlockSeconds: f(0.25), CapacityPerSec: f(4000)}, KZTPerUSD: 390, Day: "2019-10-20"}
	}
	if system == "bitcoin" {
		o.Chain = &Chain{Node: "Core 29.0.0", Network: "main", Day: "2019-10-20", Height: 600000, Blocks: 2016, BlockSeconds: 601.5, Peers: 10, Known: 60000, PerSecond: 3.5, Full: 0.5}
	}
	if system == "farm" {
		f := func(v float64) *float64 { return &v }
		o.Farm = &Farm{Name: "Ekibastuz", Month: "2019-10", Machines: 60, Simulated: 3, Ext: f(0.93), Int: f(0.96), Speed: f(0.97), Delivery: f(0.99), Integral: f(0.8928), Extensive: 0.07, Intensive: 0.0372, EarnedBTC: 0.41, EarnedKZT: 1.3e6, LostKZT: 1.5e5}
		for i, cause := range strings.Fields("planned curtailed outage repair unknown boards cap heat slow idle gain invalid unsent rejected luck") {
			o.Farm.Losses = append(o.Farm.Losses, Loss{Cause: cause, Share: 0.03 - 0.002*float64(i), KZT: 100})
		}
	}
	return o
}

var built = map[string]func() (*Document, error){}

func init() {
	for _, s := range Systems {
		built[s] = sync.OnceValues(func() (*Document, error) {
			var t testing.T
			return Build(context.Background(), options(&t, s))
		})
	}
}

func build(t testing.TB, system string) *Document {
	t.Helper()
	d, err := built[system]()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func written(t testing.TB, d *Document, form string, lang Language) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.Write(&b, form, lang); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// foreign words that a Kazakh or Russian document may hold: names, citations,
// symbols and file names.
var latin = regexp.MustCompile(`[A-Za-z]{4,}`)

var kept = regexp.MustCompile(`^(HHI|GARCH|EWMA|Granger|Casper|Gasper|GHOST|Taproot|Script|MimbleWimble|Dogecoin|SHA|scrypt|nPowTargetSpacing|SECONDS_PER_SLOT|Aqsha|Omni|ARCHITECTURE|Litecoin|Core|Bitcoin|Ethereum|Classic|Binance|Coin|Cash|Stellar|VeChain|TRON|main|Tether|Ripple|Tetcher|USDT|market|concentration|contract|ledger|txlog|risks|aqsha|bitnodes|Steppeland|http|node|Ekibastuz)$`)

// TestADocumentIsWholeInEveryLanguage: no word is missing, and none is left in
// English beside names.
func TestADocumentIsWholeInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, system := range Systems {
		d := build(t, system)
		for _, lang := range Languages {
			text := written(t, d, "md", lang)
			written(t, d, "html", lang)
			if lang == English {
				continue
			}
			text = regexp.MustCompile("`[0-9a-f]{64}`|[a-z0-9_]+\\.csv|[a-z]+\\.io|docs/|SECONDS_PER_SLOT").ReplaceAllString(text, "")
			for _, w := range latin.FindAllString(text, -1) {
				if !kept.MatchString(w) {
					t.Errorf("%s in %s holds the word %q", system, lang, w)
				}
			}
		}
	}
}

// TestCataloguesAgree: the same keys everywhere, the same blanks in each.
func TestCataloguesAgree(t *testing.T) {
	t.Parallel()
	blank := regexp.MustCompile(`\{\d\}`)
	blanks := func(s string) []string {
		found := blank.FindAllString(countPlace.ReplaceAllString(s, "{$1}"), -1)
		slices.Sort(found)
		return found
	}
	for key, en := range catalogues[English] {
		for _, lang := range []Language{Kazakh, Russian} {
			s, ok := catalogues[lang][key]
			if !ok || s == "" {
				t.Errorf("%s lacks %q", lang, key)
			}
			if !slices.Equal(blanks(s), blanks(en)) {
				t.Errorf("%s: %q has the blanks %v, English %v", lang, key, blanks(s), blanks(en))
			}
		}
	}
	for _, lang := range Languages {
		if len(catalogues[lang]) != len(catalogues[English]) {
			t.Errorf("%s has %d words, English %d", lang, len(catalogues[lang]), len(catalogues[English]))
		}
	}
	rules, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if catalogues[English]["rule."+r.ID] == "" || catalogues[English][r.Figure] == "" {
			t.Errorf("rule %s or its figure %q has no words", r.ID, r.Figure)
		}
	}
}

// TestAMissingWordStopsADocument puts a word in that no catalogue has.
func TestAMissingWordStopsADocument(t *testing.T) {
	t.Parallel()
	d := *build(t, "bitcoin")
	d.Sections = append(slices.Clone(d.Sections), Section{Key: "no such word"})
	for _, form := range []string{"html", "md"} {
		if err := d.Write(&bytes.Buffer{}, form, Kazakh); err == nil || !strings.Contains(err.Error(), "no such word") {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// TestSectionsAreThere: every part of the method, in order, none empty.
func TestSectionsAreThere(t *testing.T) {
	t.Parallel()
	for _, system := range Systems {
		var keys []string
		for _, s := range build(t, system).Sections {
			keys = append(keys, s.Key)
			if len(s.Tables) == 0 || len(s.Tables[0].Rows) == 0 {
				t.Errorf("%s: %s has no table", system, s.Key)
			}
			for _, table := range s.Tables {
				for i, row := range table.Rows {
					if len(row) != len(table.Heads) {
						t.Errorf("%s: %s, row %d has %d cells under %d heads", system, table.Title, i, len(row), len(table.Heads))
					}
				}
			}
		}
		want := []string{"summary", "architecture", "volatility", "use", "functions", "risks", "concentration", "comparison", "recommendations", "paper"}
		if system == "farm" {
			want = slices.Insert(want, 4, "farm")
		}
		if !slices.Equal(keys, want) {
			t.Errorf("%s has %v", system, keys)
		}
	}
}

// TestTheNodesFiguresStandOnTheCard: what the node was asked is measured, not cited.
func TestTheNodesFiguresStandOnTheCard(t *testing.T) {
	t.Parallel()
	text := written(t, build(t, "tenge"), "md", English)
	for _, want := range []string{"|block time|0.2500\u00a0s|http://node|2019-10-20|", "|capacity|4000\u00a0payments/s|http://node|2019-10-20|"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestABitcoinNodesFiguresStandOnTheCard, with the capacity that its blocks would have if they were full: 3.5/0.5.
func TestABitcoinNodesFiguresStandOnTheCard(t *testing.T) {
	t.Parallel()
	text := written(t, build(t, "bitcoin"), "md", English)
	source := "|Core 29.0.0, main|2019-10-20|"
	for _, want := range []string{"|block time, measured by the node|601.5\u00a0s" + source, "|finality, measured|3609\u00a0s" + source, "|peers of the node|10" + source, "|capacity by such payments|7\u00a0payments/s" + source, "|block space filled|50\u00a0%" + source} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestAChainOfImpossibleFiguresIsRefused: whatever a node says, a card has no infinity, nothing below zero and no block
// that is more than full.
func TestAChainOfImpossibleFiguresIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		any := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, 0.5, 2}))
		c := Chain{Day: "2019-10-20", BlockSeconds: any.Draw(t, "seconds"), Peers: any.Draw(t, "peers"), Known: any.Draw(t, "known"), PerSecond: any.Draw(t, "rate"), Full: any.Draw(t, "full")}
		possible := c.BlockSeconds >= 0 && c.Peers >= 0 && c.PerSecond >= 0 && c.Full >= 0 && c.Full <= 1
		for _, v := range []float64{c.BlockSeconds, c.Peers, c.Known, c.PerSecond} {
			possible = possible && !math.IsInf(v, 0) && !math.IsNaN(v)
		}
		if err := c.check(); (err == nil) != possible {
			t.Fatalf("%+v: %v", c, err)
		}
	})
	if err := (&Chain{Day: "yesterday"}).check(); err == nil {
		t.Error("a day that is none")
	}
}

// TestRulesFireBeyondTheirThreshold: at the figure itself a rule is silent, and
// what it says elsewhere follows from the figure alone.
func TestRulesFireBeyondTheirThreshold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v, th := rapid.Float64Range(-1e6, 1e6).Draw(t, "value"), rapid.Float64Range(-1e6, 1e6).Draw(t, "threshold")
		r := Rule{Is: rapid.SampledFrom([]string{"above", "below"}).Draw(t, "is"), Threshold: th, Others: []float64{v, v - 1, v + 1}}
		got := r.Judge(Figure{Value: &v})
		if want := r.Is == "above" && v > th || r.Is == "below" && v < th; got.Fires != want {
			t.Fatalf("%s %g at %g: %v", r.Is, th, v, got.Fires)
		}
		if got.Others[0].Fires || got.Others[1].Fires != (r.Is == "above") || got.Others[2].Fires != (r.Is == "below") {
			t.Fatalf("others: %+v", got.Others)
		}
	})
	if got := (Rule{Is: "above"}).Judge(Figure{}); got.Fires || got.Value != nil || got.Others != nil {
		t.Errorf("without a figure: %+v", got)
	}
}

// TestLinkage on five points of a line, by hand: 0 and 1 at 1, with 3 at
// (3+2)/2, 7 and 12 at 5, and the two groups at (7+6+4+12+11+9)/6.
func TestLinkage(t *testing.T) {
	t.Parallel()
	x := []float64{0, 1, 3, 7, 12}
	d := make([][]float64, len(x))
	for i := range x {
		for j := range x {
			d[i] = append(d[i], math.Abs(x[i]-x[j]))
		}
	}
	var got []float64
	for _, m := range Linkage(d) {
		got = append(got, m.Distance)
	}
	if want := []float64{1, 2.5, 5, 49.0 / 6}; !slices.Equal(got, want) {
		t.Errorf("joins at %v, want %v", got, want)
	}
	nan := math.NaN()
	if apart := Linkage([][]float64{{0, nan}, {nan, 0}}); apart != nil {
		t.Errorf("two without a distance were joined: %v", apart)
	}
}

// TestASealedDocumentIsDerivedAgain: byte for byte, and refused when an input, an
// option or a form differs.
func TestASealedDocumentIsDerivedAgain(t *testing.T) {
	t.Parallel()
	d := build(t, "bitcoin")
	secret, public, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	log := seal.Log{Origin: "test"}
	if log.Signer, err = note.NewSigner(secret); err != nil {
		t.Fatal(err)
	}
	if log.Verifier, err = note.NewVerifier(public); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "log")
	index, _, texts, err := d.Append(dir, log, map[string]string{"pdf.en": strings.Repeat("0", 64)})
	if err != nil {
		t.Fatal(err)
	}
	entry, err := log.Read(dir, index)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := ReadSeal(entry)
	if !ok || len(s.Forms) != 8 || len(s.Texts) != 7 {
		t.Fatalf("seal of %d forms: %s", len(s.Forms), entry)
	}
	if err := s.Rederive(context.Background(), d.Options.Dir); err != nil {
		t.Fatal(err)
	}
	refused := func(what, code string, s Seal, dir string) {
		t.Helper()
		var e *market.Error
		if err := s.Rederive(context.Background(), dir); !errors.As(err, &e) || e.Code != "market-"+code {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}
	other := s
	other.Options.To = "2019-10-19"
	refused("another window", "seal-differs", other, d.Options.Dir)
	var differs *Differs
	if err := other.Rederive(context.Background(), d.Options.Dir); !errors.As(err, &differs) ||
		len(sealfile.Compare(texts[differs.Form], differs.Rows)) == 0 {
		t.Errorf("what differs is not named: %v", err)
	}
	for form, rows := range texts {
		if sealfile.TextHash(rows) != s.Texts[form] {
			t.Errorf("the texts of %s are not vouched for", form)
		}
	}
	copied := t.TempDir()
	if err := synthetic.Write(copied); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(copied, "pools_monthly.csv")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	refused("another input", "seal-input", s, copied)
}

// TestBadOptions are refused by name.
func TestBadOptions(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]Options{"system": {System: "gold"}, "from": {System: "bitcoin", From: "yesterday"}, "to": {System: "tenge", To: "2019-13-01"}, "window": {System: "bitcoin", From: "2019-02-01", To: "2019-01-01"}} {
		var e *market.Error
		if _, err := Build(context.Background(), o); !errors.As(err, &e) || e.Field != field && e.Code != "market-"+field {
			t.Errorf("%s: %v", field, err)
		}
	}
	var e *market.Error
	if _, err := Build(context.Background(), Options{System: "bitcoin", Dir: t.TempDir()}); !errors.As(err, &e) || e.Code != "market-not-available" {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestJSONHoldsKeys: the JSON form is read back as it was, so that it can be
// written in any language later.
func TestJSONHoldsKeys(t *testing.T) {
	t.Parallel()
	d := build(t, "bitcoin")
	var again Document
	if err := json.Unmarshal([]byte(written(t, d, "json", English)), &again); err != nil {
		t.Fatal(err)
	}
	for _, lang := range Languages {
		if written(t, &again, "html", lang) != written(t, d, "html", lang) {
			t.Errorf("read back it is written differently in %s", lang)
		}
	}
}

// TestAFarmsStudy carries the farm's account and judges it by its own rules.
func TestAFarmsStudy(t *testing.T) {
	t.Parallel()
	d := build(t, "farm")
	fires := map[string]bool{}
	for _, r := range d.Recommendations {
		fires[r.ID] = r.Fires
		if r.ID == "farm-time" && (r.Value == nil || *r.Value != 0.93 || r.Others[0].Fires || !r.Others[2].Fires) {
			t.Errorf("by time: %+v", r)
		}
		if r.ID == "farm-loss" && (r.Value == nil || math.Abs(*r.Value-2.8) > 1e-9) {
			t.Errorf("the largest loss that is not planned: %+v", r)
		}
		if r.ID == "farm-energy" && r.Value != nil {
			t.Errorf("an efficiency that no record told: %v", *r.Value)
		}
	}
	if !fires["farm-time"] || fires["farm-speed"] || !fires["farm-loss"] || !fires["farm-revenue"] || fires["volatile"] {
		t.Errorf("fires: %v", fires)
	}
	if text := written(t, d, "md", Russian); !strings.Contains(text, "Ekibastuz") || !strings.Contains(text, "Сначала вернуть стоящие машины") {
		t.Error("the Russian text tells nothing of the farm")
	}
	var e *market.Error
	o := options(t, "farm")
	o.Farm.Ext = new(float64)
	*o.Farm.Ext = math.NaN()
	if _, err := Build(context.Background(), o); !errors.As(err, &e) || e.Field != "k_ext" {
		t.Errorf("a share that is no number: %v", err)
	}
	o.Farm = nil
	if _, err := Build(context.Background(), o); !errors.As(err, &e) || e.Field != "farm" {
		t.Errorf("no farm: %v", err)
	}
}

// TestRealExtractsAreSealed: coins that doubled in a day are no reason to refuse,
// and what was sealed is derived again.
func TestRealExtractsAreSealed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no extracts of real markets: %v", err)
	}
	d, err := Build(context.Background(), Options{System: "bitcoin", Dir: dir, To: "2019-10-20"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Sealable(); err != nil {
		t.Fatal(err)
	}
	s, err := d.SealOf()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Rederive(context.Background(), dir); err != nil {
		t.Error(err)
	}
}

// TestWholeNumbersHaveNoZeros: three pools are "3" and not "3.000", which reads
// like three thousand.
func TestWholeNumbersHaveNoZeros(t *testing.T) {
	t.Parallel()
	d := build(t, "bitcoin")
	for _, lang := range Languages {
		text := written(t, d, "md", lang)
		if found := regexp.MustCompile(`\|[0-9]+[.,]0+\x{a0}(count|дана|штук)\|`).FindString(text); found != "" {
			t.Errorf("%s: %q", lang, found)
		}
	}
	for _, f := range d.Figures {
		if f.Unit == "count" && f.Value != nil && *f.Value != math.Trunc(*f.Value) {
			t.Errorf("%s is %g", f.Key, *f.Value)
		}
	}
	if !strings.Contains(written(t, d, "md", English), "\u00a0count|") {
		t.Error("no count stands in the document")
	}
}

// Whatever is counted stands in the form that its number wants, in each language; what is fractional or is not known,
// too.
func TestFormsOfNumbers(t *testing.T) {
	t.Parallel()
	whole := func(v float64) Cell { return value(v, 0) }
	for _, c := range []struct {
		sentence Sentence
		lang     Language
		want     string
	}{
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(1), whole(4)}}, English, "1 pool makes a majority"},
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(3), whole(4)}}, English, "3 pools make a majority"},
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(1), whole(4)}}, Russian, "составляет 1 пул при"},
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(3), whole(4)}}, Russian, "составляют 3 пула при"},
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(5), whole(9)}}, Russian, "составляют 5 пулов при"},
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(21), whole(51)}}, Russian, "составляет 21 пул при"},
		{Sentence{Word: "rule.pools", Cells: []Cell{whole(1), whole(4)}}, Kazakh, "көпшілікті 1 пул құрайды"},
		{Sentence{Word: "rule.finality", Cells: []Cell{whole(1), value(0.5, 1)}}, English, "after 1 minute, more than 0.5"},
		{Sentence{Word: "rule.finality", Cells: []Cell{value(1.5, 1), whole(1)}}, English, "after 1.5 minutes"},
		{Sentence{Word: "summary.rules", Cells: []Cell{whole(12), whole(1), whole(1)}}, English,
			"Of 12 rules 1 fires; 1 lacks data."},
		{Sentence{Word: "summary.rules", Cells: []Cell{whole(12), whole(0), whole(2)}}, English,
			"Of 12 rules 0 fire; 2 lack data."},
		{Sentence{Word: "summary.rules", Cells: []Cell{whole(21), whole(1), whole(1)}}, Russian, "Из 21 правила"},
		{Sentence{Word: "summary.rules", Cells: []Cell{whole(12), whole(1), whole(1)}}, Russian, "Из 12 правил сработало"},
		{Sentence{Word: "volatility.about.bitcoin", Cells: []Cell{text("a"), text("b"), whole(1461), value(365.25, 2)}},
			Russian, "1461 наблюдение; приведены к 365,25 наблюдения"},
		{Sentence{Word: "volatility.about.tenge", Cells: []Cell{text("a"), text("b"), whole(1022), whole(252)}},
			Russian, "1022 наблюдения; приведены к 252 наблюдениям"},
		{Sentence{Word: "risks.events", Cells: []Cell{whole(11), whole(1), whole(0)}}, Russian, "11 событий"},
		{Sentence{Word: "risks.events", Cells: []Cell{text("–"), whole(1), whole(0)}}, English, "– events"},
		{Sentence{Word: "paper.about", Cells: []Cell{whole(1), whole(1)}}, English,
			"1 figure of the paper was checked; 1 identity is wrong"},
	} {
		w := (&Document{}).writer(c.lang)
		if got := w.sentence(c.sentence); !strings.Contains(got, c.want) || w.err() != nil {
			t.Errorf("%s: %q (%v), want %q", c.lang, got, w.err(), c.want)
		}
	}
	// Documents that were sealed before have their words of then.
	then := (&Document{six: true}).writer(English)
	if got := then.sentence(Sentence{Word: "rule.pools", Cells: []Cell{whole(1), whole(4)}}); !strings.Contains(got, "1 pools") {
		t.Errorf("sealed in format 6: %q", got)
	}
}

// Each count that a text has is in the catalogue, with the forms that its language tells apart; and none is unused.
func TestCountsHaveTheirForms(t *testing.T) {
	t.Parallel()
	wants := map[Language][]string{English: {"one", "other"}, Russian: {"few", "many", "one", "other"}}
	for _, lang := range Languages {
		used := map[string]bool{}
		for key, text := range catalogues[lang] {
			for _, found := range countPlace.FindAllStringSubmatch(text, -1) {
				if used[found[2]] = true; counts[lang][found[2]] == nil {
					t.Errorf("%s: %s counts %q, which has no forms", lang, key, found[2])
				}
			}
		}
		for name, forms := range counts[lang] {
			if got := slices.Sorted(maps.Keys(forms)); !used[name] || !slices.Equal(got, wants[lang]) {
				t.Errorf("%s: %q used %v, has the forms %v", lang, name, used[name], got)
			}
			for form, text := range forms {
				if strings.Count(text, "{count}") != 1 {
					t.Errorf("%s: %s of %q: %q", lang, form, name, text)
				}
			}
		}
	}
}
