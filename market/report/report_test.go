package report

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/sealfile"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/txlog/seal"
)

func open(t testing.TB) func(string, market.ReadOptions) (*market.Table, error) {
	files := synthetic.Files()
	return func(name string, _ market.ReadOptions) (*market.Table, error) {
		for _, f := range files {
			if f.Name == name {
				return market.Parse(f.Name, f.Data, market.ReadOptions{Origin: synthetic.Origin})
			}
		}
		t.Fatal("no ", name)
		return nil, nil
	}
}

func build(t testing.TB, from, to string) *Report {
	t.Helper()
	prices, err := open(t)("cm_btc_daily.csv", market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	index, err := open(t)("sp500_close.csv", market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Build(context.Background(), Options{Asset: "BTC", From: from, To: to, Input: study.Input{Table: prices}, Benchmark: index, Version: "test"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// year is built once for the tests that only read it.
var year = sync.OnceValue(func() *Report {
	var t testing.T
	return build(&t, "2025-01-01", "2025-12-31")
})

func render(t testing.TB, r *Report) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, write := range map[string]func(io.Writer) error{
		"en": func(w io.Writer) error { return r.HTML(w, English) }, "kk": func(w io.Writer) error { return r.HTML(w, Kazakh) }, "ru": func(w io.Writer) error { return r.HTML(w, Russian) },
		"md": func(w io.Writer) error { return r.Markdown(w, Russian) }, "csv": r.CSV, "json": r.JSON, "parquet": r.Parquet,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(name, err)
		}
		out[name] = b.Bytes()
	}
	return out
}

func TestSameInputSameBytes(t *testing.T) {
	one, other := render(t, year()), render(t, build(t, "2025-01-01", "2025-12-31"))
	for name := range one {
		if !bytes.Equal(one[name], other[name]) {
			t.Errorf("%s differs between two runs", name)
		}
	}
}

// The page stands alone, its charts are well-formed and drawn, and every
// figure carries its hash.
func TestPage(t *testing.T) {
	r := year()
	files := render(t, r)
	page := string(files["en"])
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") || strings.Contains(page, "<script") {
		t.Error("the page reaches outside")
	}
	charts := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	if len(charts) != 7 {
		t.Errorf("%d charts", len(charts))
	}
	for _, svg := range charts {
		if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
			t.Errorf("%v in %.80s", err, svg)
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Count(svg, "L") < 10 {
			t.Errorf("empty or broken: %.200s", svg)
		}
	}
	for _, f := range r.Figures {
		if len(f.SHA256) < 64 || f.Window == "" {
			t.Errorf("no provenance: %+v", f)
		}
	}
	if !strings.Contains(page, "synthetic") {
		t.Error("synthetic data are not called so")
	}
}

// Every word has three languages, and the page shows no key or English word in
// another language where there is a translation.
func TestLanguages(t *testing.T) {
	for key, w := range words {
		for _, text := range w {
			if text == "" && w[0] != "" {
				t.Errorf("%s lacks a language", key)
			}
		}
	}
	files := render(t, year())
	for language, marks := range map[string][]string{"kk": {"Нарық есебі", "Құлдырау", "Ең терең он"}, "ru": {"Отчёт о рынке", "Просадка", "Стоимость под риском"}} {
		for _, mark := range marks {
			if !bytes.Contains(files[language], []byte(mark)) {
				t.Errorf("%s lacks %q", language, mark)
			}
		}
		if bytes.Contains(files[language], []byte("Deepest drawdown")) {
			t.Errorf("%s has English in it", language)
		}
	}
	if _, err := ParseLanguage("de"); err == nil {
		t.Error("German was accepted")
	}
}

func TestSeal(t *testing.T) {
	secret, public, err := note.GenerateKey(rand.Reader, "test/reports")
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	verifier, _ := note.NewVerifier(public)
	keys := seal.Log{Origin: "test/reports", Signer: signer, Verifier: verifier}
	dir := t.TempDir()
	r := year()
	index, checkpoint, _, err := r.Append(dir, keys)
	if err != nil || index != 0 || len(checkpoint) == 0 {
		t.Fatal(index, err)
	}
	index, _, texts, err := r.Append(dir, keys)
	if err != nil || index != 1 {
		t.Fatal(index, err)
	}
	sealed, err := ReadSeal(dir, 1, keys)
	if err != nil {
		t.Fatal(err)
	}
	var refused *market.Error
	forged := sealed
	forged.Report = strings.Repeat("0", 64)
	// The refusal names the hash that was re-derived: the sealed one.
	if err := forged.Rederive(context.Background(), open(t), nil); !errors.As(err, &refused) || refused.Code != "market-seal-differs" || !strings.Contains(err.Error(), sealed.Report) {
		t.Errorf("forged figures: %v", err)
	}
	// A window of a day less: what differs is named by the texts that the seal vouches for.
	window := sealed
	window.To = "2025-12-30"
	var differs *Differs
	if err := window.Rederive(context.Background(), open(t), nil); !errors.As(err, &differs) ||
		!slices.ContainsFunc(sealfile.Compare(texts[Figures], differs.Rows), func(d sealfile.Difference) bool {
			return d.Row == "figures[sharpe].value" && d.Expected != d.Found
		}) {
		t.Errorf("what differs is not named: %v", err)
	}
	if sealfile.TextHash(texts[Figures]) != sealed.Texts[Figures] || len(sealed.Forms) != 9 {
		t.Errorf("%d forms, texts %v", len(sealed.Forms), sealed.Texts)
	}
	changed := func(name string, o market.ReadOptions) (*market.Table, error) {
		table, err := open(t)(name, o)
		table.Provenance.SHA256 = strings.Repeat("1", 64)
		return table, err
	}
	if err := sealed.Rederive(context.Background(), changed, nil); !errors.As(err, &refused) || refused.Code != "market-seal-input" {
		t.Errorf("changed input: %v", err)
	}
	if _, err := ReadSeal(dir, 7, keys); err == nil {
		t.Error("an entry that is not there was read")
	}
	_, stranger, _ := note.GenerateKey(rand.Reader, "test/reports")
	keys.Verifier, _ = note.NewVerifier(stranger)
	if _, err := ReadSeal(dir, 0, keys); err == nil {
		t.Error("a stranger's checkpoint was believed")
	}
}

// A window too short for a back-test still makes a report, and says so.
func TestShortWindow(t *testing.T) {
	r := build(t, "2014-12-01", "2015-06-30")
	if len(r.Notes) == 0 || r.Risks[0].League != nil {
		t.Errorf("%v", r.Notes)
	}
	render(t, r)
}

// A seal vouches for its figures: not on data with an error that was found.
func TestNoSealOnAnUnrepairedError(t *testing.T) {
	table, err := market.Parse("dup.csv", []byte("date,close\n2020-01-01,5\n2020-01-01,6\n2020-01-02,7\n"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Options: Options{Input: study.Input{Table: table}}}
	var refused *market.Error
	if _, _, _, err := r.Append(t.TempDir(), seal.Log{}); !errors.As(err, &refused) || refused.Code != "market-unrepaired" {
		t.Fatalf("sealed: %v", err)
	}
	market.Repair(table, market.Check(table), "all")
	if err := r.sound(); err != nil {
		t.Error(err)
	}
}
