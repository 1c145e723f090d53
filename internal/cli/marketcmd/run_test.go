package marketcmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/sealcmd"
	"github.com/aqsha/aqsha/market/synthetic"
)

var nouns = clitest.Nouns{NewMarketCommand, NewStudyCommand}

// demo is the synthetic market, written once for all tests, which only read it.
var demo = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aqsha-market-test")
	if err == nil {
		err = synthetic.Write(dir)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := demo(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func extracts(t *testing.T) string {
	t.Helper()
	dir, err := demo()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, line...)
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refusedWith wants lines refused by the market's rules, each with the word of what is wrong.
func refusedWith(t *testing.T, word string, line ...string) {
	t.Helper()
	e := run(t, append(line, "--json")...)
	if code, field := e.Code(t); e.Exit != 3 || !strings.HasPrefix(code, "market-") || !strings.Contains(code+" "+field+" "+e.Err, word) {
		t.Errorf("%v: exit %d, %s of %s, want %q: %s", line, e.Exit, code, field, word, e.Err)
	}
}

// A file is read by what it holds or not at all: what could be read in two ways is asked for, and a figure that nobody wrote is
// not made up.
func TestFilesAreReadOrRefused(t *testing.T) {
	prices := filepath.Join(extracts(t), "cm_btc_daily.csv")
	var summary struct {
		Rows int
		Form string
	}
	run(t, "market", "import", prices, "--json").JSON(t, &summary)
	if summary.Rows < 1000 || summary.Form == "" {
		t.Errorf("%+v", summary)
	}
	two := "time,a_price,b_price\n2020-01-01,1,2\n2020-01-02,3,4\n2020-01-03,5,6\n"
	for name, c := range map[string]struct {
		content, word string
		more          []string
	}{
		"empty.csv":   {"", "", nil},
		"one.csv":     {"time,price\n", "", nil},
		"words.csv":   {"a,b\nx,y\nz,w\n", "", nil},
		"two.csv":     {two, "price", nil},
		"zone.csv":    {two, "time-zone", []string{"--time-zone", "Mars/Olympus"}},
		"column.csv":  {two, "column", []string{"--column", "price_usd=c_price:USD"}},
		"repair.csv":  {"time,price\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n", "repair", []string{"--repair", "everything"}},
		"decimal.csv": {"time,price\n2020-01-01,1\n2020-01-02,2\n", "decimal", []string{"--decimal", ";;"}},
		"torn.json":   {`{"prices":[[1577836800000,1],[15`, "", nil},
	} {
		e := run(t, append([]string{"market", "import", file(t, name, c.content), "--json"}, c.more...)...)
		if e.Exit == 0 || !strings.Contains(e.Err, c.word) {
			t.Errorf("%s: exit %d, %s%s, want %q", name, e.Exit, e.Out, e.Err, c.word)
		}
	}
	if e := run(t, "market", "import", filepath.Join(t.TempDir(), "none.csv")); e.Exit == 0 || !strings.Contains(e.Err, "none.csv") {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	good := run(t, "market", "import", file(t, "named.csv", two), "--column", "price_usd=b_price:USD", "--time-column", "time")
	good.Wants(t, 0, "price_usd", "USD", "3 rows")
	out := filepath.Join(t.TempDir(), "clean.parquet")
	run(t, "market", "import", prices, "--out", out, "--explain", "--explain-line", "2").Wants(t, 0, "encoding")
	if written, err := os.ReadFile(out); err != nil || !strings.HasPrefix(string(written), "PAR1") {
		t.Errorf("no Parquet file: %v", err)
	}
	run(t, "market", "import", out).Wants(t, 0, "rows") // and it is read back
}

// Concentration is of the names and amounts that were chosen; the rest is the one that has that name, and bounds are bounds.
func TestConcentrationIsOfWhatWasChosen(t *testing.T) {
	holders := file(t, "h.csv", "holder,amount,fees\na,50,1\nb,30,1\nOther,20,2\n")
	var study struct {
		Periods []struct {
			With struct {
				N   int     `json:"n"`
				HHI float64 `json:"hhi"`
			} `json:"residual_as_one"`
		}
	}
	run(t, "market", "concentration", holders, "--by", "holder", "--of", "amount", "--json").JSON(t, &study)
	if p := study.Periods; len(p) != 1 || p[0].With.N != 3 || p[0].With.HHI < 3799 || p[0].With.HHI > 3801 {
		t.Errorf("%+v", study) // 50² + 30² + 20²
	}
	refusedWith(t, "last", "market", "concentration", holders, "--last", "-1")
	refusedWith(t, "nobody", "market", "concentration", holders, "--residual", "nobody")
	refusedWith(t, "colour", "market", "concentration", holders, "--by", "colour")
	refusedWith(t, "colour", "market", "concentration", holders, "--of", "colour")
	for _, points := range []string{"0.9", "0.9:x", "1.5:0.1", "0.9:0.1,0.5:0.5", "0.9:-1"} {
		if e := run(t, "market", "concentration", "--points", points); e.Exit != 3 && e.Exit != 2 {
			t.Errorf("points %s: exit %d, %s", points, e.Exit, e.Out)
		}
	}
	run(t, "market", "concentration").Wants(t, 2)
	run(t, "market", "concentration", "--points", "0.9:0.1,0.999:0.5", "--n", "50000").Wants(t, 0, "Gini")
	run(t, "market", "concentration", filepath.Join(extracts(t), "pools_monthly.csv"), "--last", "2").Wants(t, 0, "HHI")
}

// Experts' scores are joined by weights that are each named once, of criteria that are there; names of a file stay names.
func TestScoresAreJoined(t *testing.T) {
	scores := file(t, "s.csv", "expert,system,criterion,score\na,bank\x1b[2J,cost,1\na,cash,cost,2\nb,bank\x1b[2J,cost,1\nb,cash,cost,3\n"+
		"a,bank\x1b[2J,speed,5\na,cash,speed,1\nb,bank\x1b[2J,speed,4\nb,cash,speed,2\n")
	if out := run(t, "study", "score", scores).Wants(t, 0, "cash").Out; strings.ContainsRune(out, 0x1b) {
		t.Errorf("%q", out)
	}
	refusedWith(t, "twice", "study", "score", scores, "--weight", "cost=1", "--weight", "cost=2")
	refusedWith(t, "CRITERION=NUMBER", "study", "score", scores, "--weight", "cost")
	refusedWith(t, "no such criterion", "study", "score", scores, "--weight", "colour=1")
	refusedWith(t, "not a weight", "study", "score", scores, "--weight", "cost=NaN")
	refusedWith(t, "not a weight", "study", "score", scores, "--weight", "cost=-1")
	refusedWith(t, "zero", "study", "score", scores, "--weight", "cost=0")
	refusedWith(t, "", "study", "score", scores, "--level", "guessed")
	refusedWith(t, "", "study", "score", file(t, "e.csv", "expert,system\na,b\n"))
	var ranked struct{ Weights map[string]float64 }
	run(t, "study", "score", scores, "--weight", "cost=3", "--weight", "speed=1", "--json").JSON(t, &ranked)
	if ranked.Weights["cost"] != 0.75 || ranked.Weights["speed"] != 0.25 {
		t.Errorf("%v", ranked.Weights)
	}
}

// Risks, cards and functions take files of one's own whole or refuse them with what is wrong; what is shipped stands in for none.
func TestFilesOfOnesOwn(t *testing.T) {
	dir := extracts(t)
	for content, word := range map[string]string{
		"date,event\n2020-01-01,x\n":                            "",
		"date,event,kind,source\nyesterday,x,news,y\n":          "YYYY-MM-DD",
		"date,event,kind,source\n2020-01-01,\"x,news,y\n":       "",
		"day,event,kind,source\n2020-01-01,x,news,y\n":          "columns",
		"date,event,kind,source\n" + strings.Repeat("x", 2<<20): "1 MiB",
	} {
		refusedWith(t, word, "market", "risks", dir, "--events", file(t, "events.csv", content))
	}
	if e := run(t, "market", "risks", dir, "--events", filepath.Join(dir, "none.csv")); e.Exit != 2 || !strings.Contains(e.Err, "none.csv") {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	run(t, "market", "architecture", "--system", "bitcoin").Wants(t, 0, "reversed after", "supply")
	refusedWith(t, "gold", "market", "architecture", "--system", "gold")
	if e := run(t, "market", "architecture", "--cards", file(t, "cards.json", `[{"na`)); e.Exit == 0 {
		t.Errorf("torn cards: %s", e.Out)
	}
	anchors := run(t, "market", "functions", "--print-anchors").Wants(t, 0).Out
	if !json.Valid([]byte(anchors)) {
		t.Error("the anchors that are shipped are no JSON")
	}
	run(t, "market", "functions").Wants(t, 2)
	if e := run(t, "market", "functions", dir, "--anchors", file(t, "anchors.json", anchors[:len(anchors)/2])); e.Exit == 0 {
		t.Errorf("torn anchors: %s", e.Out)
	}
	own := file(t, "anchors.json", anchors)
	if shipped := run(t, "market", "functions", dir, "--json").Out; shipped != run(t, "market", "functions", dir, "--anchors", own, "--json").Out {
		t.Error("the anchors that were printed give another result than those that are shipped")
	}
}

// A site's reserve is split from what its period says; a period that contradicts itself is refused.
func TestReservesOfASite(t *testing.T) {
	head := "machine,calendar_hours,planned_repair_hours,permitted_off_grid_hours,hours_fact,nameplate_ths,accepted_ths," +
		"nameplate_j_th,measured_j_th\n"
	var reserves struct {
		Machines int
		Ext      float64  `json:"k_ext"`
		KZT      *float64 `json:"reserve_kzt"`
	}
	run(t, "market", "reserves", file(t, "site.csv", head+"a,720,20,0,630,100,90,30,31\n"), "--json").JSON(t, &reserves)
	if reserves.Machines != 1 || reserves.Ext < 0.899 || reserves.Ext > 0.901 || reserves.KZT != nil {
		t.Errorf("%+v", reserves) // 630 of 700 hours; no price was given, and none is assumed
	}
	run(t, "market", "reserves", file(t, "site.csv", head+"a,720,20,0,630,100,90,30,31\n"), "--coins-a-day", "450",
		"--network-ths", "1e9", "--price-kzt", "35e6", "--json").JSON(t, &reserves)
	if reserves.KZT == nil || *reserves.KZT <= 0 {
		t.Errorf("%+v", reserves)
	}
	for _, row := range []string{"", "a,720,20,0,9000,100,90,30,31\n", "a,720,20,0,x,100,90,30,31\n", "a,-1,20,0,1,100,90,30,31\n", "a,720\n"} {
		if e := run(t, "market", "reserves", file(t, "bad.csv", head+row)); e.Exit != 3 {
			t.Errorf("%q: exit %d, %s%s", row, e.Exit, e.Out, e.Err)
		}
	}
}

// A language or form that is not there is found out before a file is written; a sealed report names its entry in JSON, and an
// entry that is not there is verified by nobody.
func TestAReportNamesItsSeal(t *testing.T) {
	dir, out, seal := extracts(t), t.TempDir(), filepath.Join(t.TempDir(), "sealed")
	report := func(to string, more ...string) clitest.Ended {
		return run(t, append([]string{"market", "report", "BTC", "--data", dir, "--from", "2019-01-01", "--to", "2019-06-30",
			"--format", "md,json", "--out", to, "--json"}, more...)...)
	}
	refused := report(out, "--lang", "de")
	if refused.Exit == 0 || len(listed(t, out)) > 0 {
		t.Errorf("a language that is not there: exit %d, %v", refused.Exit, listed(t, out))
	}
	if e := report(out, "--format", "docx"); e.Exit == 0 {
		t.Errorf("a form that is none: %s", e.Out)
	}
	var result map[string]json.RawMessage
	report(out, "--seal", seal).JSON(t, &result)
	if string(result["sealed_index"]) != "0" || result["checkpoint"] == nil || result["files"] == nil {
		t.Errorf("%s", result)
	}
	if e := clitest.Run(t, clitest.Nouns{sealcmd.NewVerifyReportCommand}, "report", "1", "--log", seal, "--inputs", dir); e.Exit == 0 {
		t.Errorf("an entry that is not there: %s", e.Out)
	}
}

func listed(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What a study asks for is judged before it is computed: languages, forms, systems, windows and seeds.
func TestStudiesAreJudgedFirst(t *testing.T) {
	dir := extracts(t)
	prices := filepath.Join(dir, "cm_btc_daily.csv")
	for _, line := range [][]string{
		{"study", "gold", "--data", dir},
		{"study", "bitcoin", "--data", dir, "--lang", "de"},
		{"study", "bitcoin", "--data", dir, "--format", "docx"},
		{"study", "tenge", "--data", dir, "--bitcoin", "http://127.0.0.1:1"},
		{"study", "farm", "--data", dir},
		{"market", "risk", prices, "--p", "0"},
		{"market", "risk", prices, "--p", "1.5"},
		{"market", "risk", prices, "--from", "yesterday"},
		{"market", "risk", prices, "--from", "2019-01-01", "--to", "2018-01-01"},
		{"market", "garch", prices, "--model", "magic"},
		{"market", "garch", prices, "--law", "cauchy"},
		{"market", "breaks", prices, "--from", "2018-01-01", "--to", "2019-01-01", "--regimes", "9"},
		{"market", "spillover", prices, prices, "--lags", "-1"},
	} {
		if e := run(t, line...); e.Exit != 3 && e.Exit != 2 {
			t.Errorf("%v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
	run(t, "market", "risk", prices, "--from", "2018-01-01", "--to", "2019-06-30", "--p", "0.05").Wants(t, 0, "VaR", "method")
	run(t, "market", "garch", prices, "--from", "2018-01-01", "--to", "2019-06-30").Wants(t, 0, "log-likelihood", "persistence")
	run(t, "market", "demo", "--data", filepath.Join(t.TempDir(), "demo")).Wants(t, 0, "simulated, not a market")
}
