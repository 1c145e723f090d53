package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// englishWord of four letters and more that is no name, symbol or file: such a word is not translated.
var englishWord = regexp.MustCompile(`[A-Za-z]{4,}`)

// names are the same in every language.
var names = []string{"GARCH", "EGARCH", "EWMA", "CAGR", "Ljung", "Jarque", "Bera", "KPSS", "ARCH", "omega", "alpha", "gamma",
	"beta", "Kupiec", "Christoffersen", "Acerbi", "Székely", "Cornish", "Fisher", "mean", "periods", "days", "last", "first",
	"normal", "skewt", "persistence"}

// No table of a Kazakh or Russian report has an English word in it, no formula ends in the air, and decimals have one
// sign.
func TestTablesAreInOneLanguage(t *testing.T) {
	r := year()
	for _, lang := range []Language{Kazakh, Russian} {
		var b bytes.Buffer
		if err := r.Markdown(&b, lang); err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(b.String(), "\n## "+r.writer(lang).word("provenance"))
		_, figures, _ := strings.Cut(b.String(), "\n## "+r.writer(lang).word("figure")+"\n")
		for _, line := range strings.Split(text+figures, "\n") {
			if !strings.HasPrefix(line, "|") {
				continue
			}
			if strings.Contains(line, "; |") || strings.Contains(line, ";|") {
				t.Errorf("%s: a formula ends in the air: %s", lang, line)
			}
			for _, word := range englishWord.FindAllString(line, -1) {
				if known := strings.Join(names, " ") + " "; !strings.Contains(known, strings.ToUpper(word)+" ") &&
					!strings.Contains(known, word+" ") && !regexp.MustCompile(`^[0-9a-f]+$`).MatchString(word) {
					t.Errorf("%s: %q in %s", lang, word, line)
				}
			}
			if decimal := regexp.MustCompile(`[0-9]\.[0-9]`).FindString(line); decimal != "" {
				t.Errorf("%s: %s in %s", lang, decimal, line)
			}
		}
		for _, c := range r.charts(lang) {
			for _, label := range c.chart.Days {
				if strings.Contains(label, ".") {
					t.Errorf("%s: the axis of %s says %s", lang, c.caption, label)
				}
			}
		}
	}
	// English has what the studies wrote, without loose ends.
	if w := r.writer(English); w.phrase("one-day loss; ") != "one-day loss" ||
		w.key("garch-t: alpha") != "GARCH-t: alpha" || w.phrase("n − 1") != "n − 1" {
		t.Error("English was changed")
	}
}
