package marketcmd

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/sealcmd"
)

// pricesOf writes days of a price as a function has it, in as many digits as it has.
func pricesOf(days int, price func(i int) float64) string {
	var b strings.Builder
	b.WriteString("time,price\n")
	for i := range days {
		fmt.Fprintf(&b, "%s,%v\n", time.Date(2019, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), price(i))
	}
	return b.String()
}

// Series that no market has (of one price, of nothing, below zero, at the ends of what a number holds, of a few days, turned
// round, with each day twice) are measured or refused by every study; none ends the program, and no figure is one that JSON has not.
func TestSeriesThatNoMarketHas(t *testing.T) {
	walk := func(i int) float64 { return 100 * math.Exp(math.Sin(float64(i*i))/10) }
	series := map[string]string{
		"constant":    pricesOf(600, func(int) float64 { return 7 }),
		"zeros":       pricesOf(600, func(int) float64 { return 0 }),
		"below zero":  pricesOf(600, func(i int) float64 { return -walk(i) }),
		"a zero":      pricesOf(600, func(i int) float64 { return walk(i) * float64(min(1, i%60)) }),
		"huge":        pricesOf(600, func(i int) float64 { return 1e307 * walk(i) / 100 }),
		"tiny":        pricesOf(600, func(i int) float64 { return 1e-307 * walk(i) }),
		"two days":    pricesOf(2, walk),
		"twelve days": pricesOf(12, walk),
		"alternating": pricesOf(600, func(i int) float64 { return 1 + float64(i%2) }),
		"one jump":    pricesOf(600, func(i int) float64 { return 1 + 1e9*float64(i/300) }),
		"twice":       pricesOf(300, walk) + strings.TrimPrefix(pricesOf(300, walk), "time,price\n"),
	}
	lines := strings.Split(strings.TrimSpace(pricesOf(600, walk)), "\n")
	for i, j := 1, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	series["backwards"] = strings.Join(lines, "\n") + "\n"
	verbs := [][]string{{"import"}, {"volatility"}, {"garch"}, {"garch", "--model", "egarch", "--law", "t"}, {"memory"},
		{"breaks", "--paths", "19"}, {"liquidity"}, {"risk"}, {"intraday"}}
	measured := 0
	for name, content := range series {
		path := file(t, "s.csv", content)
		for _, verb := range verbs {
			e := run(t, append(append([]string{"market", verb[0], path}, verb[1:]...), "--json")...)
			switch e.Exit {
			case 0:
				measured++
				if !json.Valid([]byte(e.Out)) || strings.Contains(e.Out, "Inf") || strings.Contains(e.Out, "NaN") {
					t.Errorf("%v of %s: no JSON: %.300s", verb, name, e.Out)
				}
			case 3:
				if code, _ := e.Code(t); !strings.HasPrefix(code, "market-") {
					t.Errorf("%v of %s: %s", verb, name, e.Err)
				}
			default:
				t.Errorf("%v of %s: exit %d\n%.300s%.600s", verb, name, e.Exit, e.Out, e.Err)
			}
		}
	}
	if measured < 30 {
		t.Errorf("only %d of %d were measured", measured, len(series)*len(verbs))
	}
}

// Results replace no file that is read nor each other, and what is to write nothing is refused before it is computed.
func TestWhatIsWrittenIsJudgedFirst(t *testing.T) {
	path := file(t, "p.csv", pricesOf(40, func(i int) float64 { return 100 + float64(i%7) }))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "o")
	for _, line := range [][]string{
		{"market", "import", path, "--out", path}, {"market", "import", path, "--out", filepath.Join(filepath.Dir(path), ".", "p.csv")},
		{"market", "garch", path, "--parameters", path}, {"market", "garch", path, "--forecast", "3", "--fan", path},
		{"market", "garch", path, "--forecast", "3", "--fan", other, "--parameters", other},
	} {
		run(t, line...).Wants(t, 2, "replace")
	}
	refusedWith(t, "forecast", "market", "garch", path, "--fan", other)
	dir := extracts(t)
	for _, line := range [][]string{
		{"study", "bitcoin", "--data", dir, "--format", ""}, {"study", "bitcoin", "--data", dir, "--lang", ""},
		{"market", "report", "BTC", "--data", dir, "--format", ""},
	} {
		refusedWith(t, "format", append(line, "--out", other)...)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the prices are %.40q, %v", after, err)
	}
	if _, err := os.Stat(other); err == nil {
		t.Error("something was written")
	}
}

// The tenge's figures are of one node or one file, and are figures: a node that answers rubbish, or nobody, and a file of
// none end the study.
func TestWhereTheTengesFiguresComeFrom(t *testing.T) {
	dir := extracts(t)
	use := func(more ...string) clitest.Ended {
		return run(t, append([]string{"market", "use", dir, "--from", "2019-01-01", "--to", "2019-03-31"}, more...)...)
	}
	good := file(t, "tenge.json", `{"node":"n","circulating_tiyn":100000,"wallets":3,"span_seconds":86400,"transactions":10,"value_tiyn":500}`)
	use("--tenge", good, "--kzt-per-usd", "500").Wants(t, 0)
	use("--tenge", good, "--node", "http://127.0.0.1:1").Wants(t, 2, "--tenge")
	use("--node", "http://127.0.0.1:1").Wants(t, 5)
	use("--tenge", filepath.Join(dir, "none.json")).Wants(t, 2, "none.json")
	for _, text := range []string{"", "{", "[]", `{"wallets":"many"}`, `{"wallets":-1}`, `{"span_seconds":0,"transactions":5}`} {
		e := use("--tenge", file(t, "t.json", text), "--kzt-per-usd", "500")
		if e.Exit != 0 && e.Exit != 1 && e.Exit != 2 && e.Exit != 3 || strings.Contains(e.Out, "NaN") || strings.Contains(e.Out, "Inf") || text == "{" && e.Exit == 0 {
			t.Errorf("%s: exit %d\n%s%s", text, e.Exit, e.Out, e.Err)
		}
	}
	for _, rubbish := range []string{"", "<html>", "[]", strings.Repeat(" ", 9<<20)} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(rubbish)) }))
		if e := use("--node", server.URL); e.Exit == 0 || e.Out != "" {
			t.Errorf("%.10q: %s", rubbish, e.Out)
		}
		server.Close()
	}
}

// Figures of a site and of known points are bounded: what is no number, below zero or beyond what there can be is refused.
func TestFiguresOfSitesAndPoints(t *testing.T) {
	head := "machine,calendar_hours,planned_repair_hours,permitted_off_grid_hours,hours_fact,nameplate_ths,accepted_ths," +
		"nameplate_j_th,measured_j_th\n"
	site := file(t, "site.csv", head+"a,720,20,0,630,100,90,30,31\n")
	for _, flag := range []string{"--coins-a-day", "--network-ths", "--price-kzt"} {
		for _, value := range []string{"NaN", "Inf", "-1"} {
			if e := run(t, "market", "reserves", site, "--coins-a-day", "450", "--network-ths", "1e9", "--price-kzt", "35e6", flag, value); e.Exit != 3 && e.Exit != 2 {
				t.Errorf("%s %s: exit %d, %s", flag, value, e.Exit, e.Out)
			}
		}
	}
	for _, line := range [][]string{{"--points", "0.9:0.1", "--n", "-1"}, {"--points", "NaN:0.1"}, {"--points", "0.5:0.9"}, {"--points", "0:0,1:0.5"}} {
		if e := run(t, append([]string{"market", "concentration"}, line...)...); e.Exit != 3 && e.Exit != 2 {
			t.Errorf("%v: exit %d, %s", line, e.Exit, e.Out)
		}
	}
	for _, row := range []string{"a,NaN,20,0,630,100,90,30,31\n", "a,720,20,0,630,Inf,90,30,31\n", "a,720,20,0,630,100,90,30,31\na,720,20,0,630,100,90,30,31\n",
		"a,720,800,0,630,100,90,30,31\n", "a,720,20,0,630,0,90,30,31\n", "a,1e308,20,0,630,100,90,30,31\n"} {
		if e := run(t, "market", "reserves", file(t, "bad.csv", head+row), "--json"); e.Exit == 0 && !json.Valid([]byte(e.Out)) || e.Exit != 0 && e.Exit != 3 {
			t.Errorf("%q: exit %d, %s%s", row, e.Exit, e.Out, e.Err)
		}
	}
}

// A sealed report is derived again from the same inputs under the same key; other inputs, another key, a damaged log and an
// entry of words are refused. A second seal is the next entry, and both hold.
func TestSealedReportsAreDerivedAgain(t *testing.T) {
	dir, seal := t.TempDir(), filepath.Join(t.TempDir(), "sealed")
	price := func(i int) float64 { return 100 * math.Exp(math.Sin(float64(i*i))/20) }
	inputs := filepath.Dir(clitest.Put(t, pricesOf(400, price), dir, "xyz.csv"))
	report := func() clitest.Ended {
		return run(t, "market", "report", "XYZ", "--data", inputs, "--format", "md", "--out", t.TempDir(), "--seal", seal, "--json")
	}
	var first, second map[string]json.RawMessage
	report().JSON(t, &first)
	report().JSON(t, &second)
	if string(first["sealed_index"]) != "0" || string(second["sealed_index"]) != "1" {
		t.Errorf("entries %s and %s", first["sealed_index"], second["sealed_index"])
	}
	verify := func(entry, from string, more ...string) clitest.Ended {
		return clitest.Run(t, clitest.Nouns{sealcmd.NewVerifyReportCommand}, append([]string{"report", entry, "--log", seal, "--inputs", from}, more...)...)
	}
	for _, entry := range []string{"0", "1"} {
		verify(entry, inputs).Wants(t, 0, "XYZ")
	}
	for _, entry := range []string{"2", "18446744073709551615"} {
		if e := verify(entry, inputs); e.Exit == 0 || e.Out != "" {
			t.Errorf("entry %s: %s", entry, e.Out)
		}
	}
	verify("first", inputs).Wants(t, 2, "INDEX")
	verify("0", inputs, "--public", "rubbish").Wants(t, 2, "--public")
	verify("0", inputs, "--public", "sim.aqsha+13584ff5+ARn5VqfgeYSovJY4YmNtDC4/zGx3WzzWao5k3sLNWtkf")
	changed := filepath.Dir(clitest.Put(t, pricesOf(400, func(i int) float64 { return price(i) + float64(i/399) }), t.TempDir(), "xyz.csv"))
	for name, e := range map[string]clitest.Ended{"other prices": verify("0", changed), "no prices": verify("0", t.TempDir()),
		"another key": verify("0", inputs, "--public", "sim.aqsha+13584ff5+ARn5VqfgeYSovJY4YmNtDC4/zGx3WzzWao5k3sLNWtkf")} {
		if e.Exit == 0 || e.Out != "" {
			t.Errorf("%s: %s", name, e.Out)
		}
	}
}
