package marketcmd

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/words"
)

// english are words of it that stand in no Russian or Kazakh sentence; quoted is what stands in quotation marks, options
// and names of files and columns.
var (
	english = regexp.MustCompile(`(?i)\b(the|of|and|is|are|has|its?|with|from|to|by|not|no|available|percent|returns|column|year)\b`)
	quoted  = regexp.MustCompile(`'[^']*'|--[a-z-]+|\[[^\]]*\]|[a-z0-9_]+\.csv|\([a-z_, ]+\)`)
)

// Studies say what they found in the reader's language, whole, and the same figures in each.
func TestStudiesAreSaidInThreeLanguages(t *testing.T) {
	dir := extracts(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	window := []string{"--from", "2018-01-01", "--to", "2019-06-30"}
	figures := regexp.MustCompile(`\d+\.\d{3,}`)
	for name, line := range map[string][]string{
		"volatility": append([]string{"volatility", in("cm_btc_daily.csv")}, window...),
		"bars":       append([]string{"volatility", in("sp500_close.csv")}, window...),
		"garch":      append([]string{"garch", in("cm_btc_daily.csv"), "--forecast", "3", "--paths", "200"}, window...),
		"aparch":     append([]string{"garch", in("cm_btc_daily.csv"), "--model", "aparch"}, window...),
		"memory":     append([]string{"memory", in("cm_btc_daily.csv")}, window...),
		"risk":       append([]string{"risk", in("cm_btc_daily.csv"), "--p", "0.05"}, window...),
		"breaks":     append([]string{"breaks", in("cm_btc_daily.csv"), "--paths", "99", "--regimes", "2"}, window...),
		"liquidity":  append([]string{"liquidity", in("cm_btc_daily.csv")}, window...),
		"spillover":  append([]string{"spillover", in("cm_btc_daily.csv"), in("sp500_close.csv")}, window...),
		"risks":      append([]string{"risks", dir}, window...),
		"functions":  append([]string{"functions", dir}, window...),
		"pools":      {"concentration", in("pools_monthly.csv"), "--last", "2"},
		"bounds":     {"concentration", "--points", "0.9:0.1,0.999:0.5", "--n", "50000"},
		"paper":      {"paper", "--verdict", "possible"},
	} {
		var first []string
		for _, l := range []string{"en", "ru", "kk"} {
			ended := run(t, append(append([]string{"market"}, line...), "--lang", l)...)
			if ended.Exit != 0 {
				t.Fatalf("%s: exit %d, %s", name, ended.Exit, ended.Err)
			}
			found := figures.FindAllString(ended.Out, -1)
			if l == "en" {
				if first = found; len(first) == 0 {
					t.Errorf("%s: no figure is said: %s", name, ended.Out)
				}
				continue
			}
			if strings.Join(found, " ") != strings.Join(first, " ") {
				t.Errorf("%s, %s: other figures than in English:\n%s", name, l, ended.Out)
			}
			if name == "paper" { // its claims are quoted in the paper's language; what is around them is not
				ended.Out, _, _ = strings.Cut(ended.Out, "\n")
			}
			for text := range strings.Lines(ended.Out) {
				if strings.Contains(text, "simulated by aqsha") {
					text, _, _ = strings.Cut(text, ";") // the origin is the file's own
				}
				if name == "risks" && dated.MatchString(text) {
					continue // an event has the name that its list gives it
				}
				if word := english.FindString(quoted.ReplaceAllString(text, "")); word != "" || strings.Contains(text, "study.") {
					t.Errorf("%s, %s: %q is left in English: %s", name, l, word, text)
				}
			}
		}
	}
}

// dated begins a line of an event, or names one.
var dated = regexp.MustCompile(`^\s+\d{4}-\d\d-\d\d\s|без события|болмаса`)

// A refusal of a study is said in the first of the languages that it was to be written in, with the words of its code,
// and what is missing is named: the folder, a file of a network, or a day.
func TestAStudyIsRefusedInItsLanguage(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	missing := filepath.Join(t.TempDir(), "nowhere")
	for _, x := range []string{"ru", "kk,en", "en,ru"} {
		first, _, _ := strings.Cut(x, ",")
		said, known := words.Language(first).Explain("market-not-available")
		if !known {
			t.Fatal("no words")
		}
		line := []string{"study", "bitcoin", "--data", missing, "--lang", x}
		run(t, line...).Wants(t, 3, "there is no folder "+missing, said.Title, said.Do)
		if e := run(t, append(line, "--json")...); !strings.Contains(e.Err, `"words"`) || !strings.Contains(e.Err, said.Title) {
			t.Errorf("%s: %s", x, e.Err)
		}
	}
	empty := t.TempDir()
	run(t, "market", "use", empty).Wants(t, 3, "has no network file", "cm_btc_daily.csv")
	run(t, "market", "use", extracts(t), "--from", "1990-01-01", "--to", "1990-02-01").Wants(t, 3, "has a day in the window")
}
