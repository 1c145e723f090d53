package sealcmd

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/market"
	marketreport "github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/sealfile"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/synthetic"
)

// quarter is a report on three months, built once for the tests that seal it.
var quarter = sync.OnceValues(func() (*marketreport.Report, error) {
	for _, f := range synthetic.Files() {
		if f.Name == input {
			table, err := market.Parse(f.Name, f.Data, market.ReadOptions{Origin: synthetic.Origin})
			if err != nil {
				return nil, err
			}
			return marketreport.Build(context.Background(), marketreport.Options{Asset: "BTC", From: "2025-01-01",
				To: "2025-03-31", Input: study.Input{Table: table}, Version: "test"}, nil)
		}
	}
	return nil, os.ErrNotExist
})

const input = "cm_btc_daily.csv"

// sealed is a folder with a log, one with a report as it was sent, and one with its data.
type sealed struct{ log, sent, data, public string }

// seals seals the quarter and sends it with its seal file.
func seals(t *testing.T) sealed {
	t.Helper()
	r, err := quarter()
	if err != nil {
		t.Fatal(err)
	}
	s := sealed{log: filepath.Join(t.TempDir(), "sealed"), sent: t.TempDir(), data: t.TempDir()}
	keys, err := cli.OpenSealLog(s.log, cli.SealOrigin, true)
	if err != nil {
		t.Fatal(err)
	}
	index, _, texts, err := r.Append(filepath.Join(s.log, "log"), keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(s.log, filepath.Join(s.sent, "btc.seal.json"), keys, index, texts); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"btc.kk.html": func(w io.Writer) error { return r.HTML(w, marketreport.Kazakh) },
		"btc.en.md":   func(w io.Writer) error { return r.Markdown(w, marketreport.English) },
		"btc.json":    r.JSON, "btc.csv": r.CSV, "btc.parquet": r.Parquet,
	} {
		if err := cli.WriteFile(filepath.Join(s.sent, name), write); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range synthetic.Files() {
		if f.Name == input {
			clitest.Put(t, string(f.Data), s.data, input)
		}
	}
	public, err := os.ReadFile(filepath.Join(s.log, "log.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.public = strings.TrimSpace(string(public))
	return s
}

func verify(t *testing.T, arguments ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, clitest.Nouns{NewVerifyReportCommand}, append([]string{"report"}, arguments...)...)
}

// changed puts a changed copy of a document into a folder with the seal file.
func (s sealed) changed(t *testing.T, name, old, new string) string {
	t.Helper()
	dir, text := t.TempDir(), read(t, s.sent, name)
	if !strings.Contains(text, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	clitest.Put(t, read(t, s.sent, "btc.seal.json"), dir, "btc.seal.json")
	return clitest.Put(t, strings.Replace(text, old, new, 1), dir, name)
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each form that was sent is held to the seal file beside it, and what was not checked is said; with the key and the
// data nothing is left unchecked.
func TestADocumentInHand(t *testing.T) {
	t.Parallel()
	s := seals(t)
	for name, form := range map[string]string{"btc.kk.html": "html.kk", "btc.en.md": "md.en", "btc.json": "json",
		"btc.csv": "csv", "btc.parquet": "parquet"} {
		var hand inHand
		path := filepath.Join(s.sent, name)
		verify(t, path, "--json").JSON(t, &hand)
		if !hand.Same || hand.Form != form || hand.KeyGiven || hand.Derived || hand.Key != s.public {
			t.Errorf("%s: %+v", name, hand)
		}
		verify(t, path).Wants(t, 0, "byte for byte", "Not checked: whose key", "Not checked: the data of "+input,
			"Not checked: that the figures follow")
	}
	whole := verify(t, filepath.Join(s.sent, "btc.json"), "--public", s.public, "--inputs", s.data)
	whole.Wants(t, 0, "byte for byte", "has the sealed SHA-256", "Derived again from the data: the same")
	if strings.Contains(whole.Out, "Not checked") {
		t.Errorf("something is said to be unchecked:\n%s", whole.Out)
	}
	// Without the data in the folder, that is said, and nothing is derived.
	verify(t, filepath.Join(s.sent, "btc.json"), "--inputs", t.TempDir()).Wants(t, 0, "Not checked: the data of")
	// The folder's name means nothing to what looks for the seal file.
	dir := filepath.Join(t.TempDir(), "Q1 [2025]*")
	clitest.Put(t, read(t, s.sent, "btc.seal.json"), dir, "btc.seal.json")
	clitest.Put(t, "of another", dir, "b.seal.json")
	verify(t, clitest.Put(t, read(t, s.sent, "btc.json"), dir, "btc.json")).Wants(t, 0, "byte for byte")
	// Mail changes the line ends of a text; of what is no text that is damage.
	verify(t, s.changed(t, "btc.en.md", "", "\ufeff")).Wants(t, 0, "but for line ends")
	parquet := s.changed(t, "btc.parquet", "", "\ufeff")
	verify(t, parquet).Wants(t, 3, "CHANGED", "none of the forms")
}

// Every refusal has its code, its field and exit 3; what cannot be a command line has exit 2.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s, other := seals(t), seals(t)
	page := filepath.Join(s.sent, "btc.kk.html")
	alone := clitest.Put(t, read(t, page), t.TempDir(), "btc.kk.html")
	forged := func(old, new string) string {
		text := read(t, s.sent, "btc.seal.json")
		if !strings.Contains(text, old) {
			t.Fatalf("the seal file has no %q", old)
		}
		return clitest.Put(t, strings.Replace(text, old, new, 1), t.TempDir(), "forged.seal.json")
	}
	poisoned := t.TempDir()
	clitest.Put(t, read(t, s.data, input)+"\n", poisoned, input)
	for name, c := range map[string]struct {
		arguments   []string
		exit        int
		code, field string
	}{
		"no seal file":       {[]string{alone}, 3, "market-seal", "seal-file"},
		"another's key":      {[]string{page, "--public", other.public}, 3, "market-seal", "seal-file"},
		"no seal file's":     {[]string{page, "--seal-file", page}, 3, "market-seal", "seal-file"},
		"a forged text":      {[]string{page, "--seal-file", forged(`"cells":["`, `"cells":["9`)}, 3, "market-seal", "seal-file"},
		"a forged index":     {[]string{page, "--seal-file", forged(`"index":0`, `"index":1`)}, 3, "market-seal", "seal-file"},
		"no key of its own":  {[]string{page, "--seal-file", forged(`"public_key":"`, `"public_key":"+`)}, 3, "market-seal", "seal-file"},
		"a changed cell":     {[]string{s.changed(t, "btc.kk.html", `<td class="n">`, `<td class="n">9`)}, 3, "market-seal-document", "btc.kk.html"},
		"other data":         {[]string{page, "--inputs", poisoned}, 3, "market-seal-input", input},
		"an entry beyond":    {[]string{"1", "--log", s.log, "--inputs", s.data}, 3, "market-seal", "index"},
		"an entry's data":    {[]string{"0", "--log", s.log, "--inputs", poisoned}, 3, "market-seal-input", input},
		"an index alone":     {[]string{"0"}, 2, "", ""},
		"a name and a log":   {[]string{page, "--log", s.log}, 2, "", ""},
		"an index's file":    {[]string{"0", "--log", s.log, "--seal-file", page}, 2, "", ""},
		"a key that is none": {[]string{page, "--public", "x"}, 2, "", ""},
		"of an entry":        {[]string{"0", "--log", s.log, "--public", "x"}, 2, "", ""},
		"no such file":       {[]string{filepath.Join(s.sent, "nothing.html")}, 2, "", ""},
		"no such log":        {[]string{"0", "--log", filepath.Join(s.sent, "nothing")}, 1, "", ""},
	} {
		e := verify(t, append(c.arguments, "--json")...)
		if e.Exit != c.exit {
			t.Errorf("%s: exit %d, want %d: %s%s", name, e.Exit, c.exit, e.Out, e.Err)
		}
		if c.code == "" {
			continue
		}
		if code, field := e.Code(t); code != c.code || field != c.field {
			t.Errorf("%s: %s of %s, want %s of %s", name, code, field, c.code, c.field)
		}
	}
}

// What was changed is named by table, row and value, in the reader's language; --json has every difference, a page the
// first ones.
func TestWhatWasChangedIsNamed(t *testing.T) {
	t.Parallel()
	s := seals(t)
	table := strings.Split(read(t, s.sent, "btc.csv"), "\n")
	cells := strings.Split(table[1], ",")
	path := s.changed(t, "btc.csv", table[1], strings.Join(append(slices.Clone(cells[:len(cells)-1]), "x"), ","))
	verify(t, path).Wants(t, 3, "expected "+cells[len(cells)-1]+", found x")
	verify(t, path, "--lang", "ru").Wants(t, 3, "ИЗМЕНЁН", "csv: "+cells[0])
	many := s.changed(t, "btc.csv", "", "")
	text := read(t, many)
	clitest.Put(t, strings.ReplaceAll(text, ",BTC", ",ETH")+strings.Repeat("added,1\n", maxNamed+5), many)
	e := verify(t, many)
	e.Wants(t, 3, "more (--json has all)")
	if named := strings.Count(e.Out, "\n  "); named != maxNamed+1 {
		t.Errorf("%d lines of differences, want %d and one for the others", named, maxNamed)
	}
	var hand inHand
	if err := json.Unmarshal([]byte(verify(t, many, "--json").Out), &hand); err != nil {
		t.Fatal(err)
	}
	added := 0
	for _, d := range hand.Differences {
		if d.Kind == sealfile.Added {
			added++
		}
	}
	if hand.Same || added != maxNamed+5 {
		t.Errorf("%d rows added, same %v", added, hand.Same)
	}
	// A picture has no text: that it was changed is still said.
	verify(t, s.changed(t, "btc.kk.html", "<svg ", "<svg id=\"x\" ")).Wants(t, 3, "CHANGED", "no text of it")
}

// An entry of the log is derived again; where the log's own folder has the seal file, what differs today is named.
func TestAnEntryOfTheLog(t *testing.T) {
	t.Parallel()
	s := seals(t)
	verify(t, "0", "--log", s.log, "--inputs", s.data).Wants(t, 0, "Verified: report on BTC", "entry 0")
	var entry marketreport.Seal
	verify(t, "0", "--log", s.log, "--inputs", s.data, "--json").JSON(t, &entry)
	if entry.Asset != "BTC" || len(entry.Forms) != 9 {
		t.Errorf("%+v", entry)
	}
	// A forged entry, sealed with the log's own key, does not follow from its data: the texts that it vouches for say where.
	keys, err := cli.OpenSealLog(s.log, cli.SealOrigin, true)
	if err != nil {
		t.Fatal(err)
	}
	var file sealfile.File
	if err := json.Unmarshal([]byte(read(t, s.log, "files", "0.seal.json")), &file); err != nil {
		t.Fatal(err)
	}
	for i, r := range file.Texts[marketreport.Figures] {
		if r.Cells[0] == "figures[sharpe].value" {
			file.Texts[marketreport.Figures][i].Cells[1] = "9.5"
		}
	}
	entry.Report = strings.Repeat("0", 64)
	entry.Texts[marketreport.Figures] = sealfile.TextHash(file.Texts[marketreport.Figures])
	text, err := json.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	index, _, err := keys.Append(filepath.Join(s.log, "log"), text)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(s.log, filepath.Join(s.sent, "forged.seal.json"), keys, index, file.Texts); err != nil {
		t.Fatal(err)
	}
	verify(t, "1", "--log", s.log, "--inputs", s.data).Wants(t, 3, "figures[sharpe].value", "expected 9.5", "CHANGED")
	if err := os.Remove(sealFileOf(s.log, 1)); err != nil {
		t.Fatal(err)
	}
	if e := verify(t, "1", "--log", s.log, "--inputs", s.data).Wants(t, 3); strings.Contains(e.Out, "CHANGED") {
		t.Errorf("named by a file that is lost: %s", e.Out)
	}
}
