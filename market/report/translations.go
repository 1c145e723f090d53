package report

import (
	"embed"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/internal/catalog"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/study"
)

// Language of a document.
type Language string

// The languages.
const (
	English Language = "en"
	Kazakh  Language = "kk"
	Russian Language = "ru"
)

// ParseLanguage refuses anything but en, kk and ru.
func ParseLanguage(text string) (Language, error) {
	switch l := Language(text); l {
	case English, Kazakh, Russian:
		return l, nil
	}
	return "", market.Refuse("language", "lang", "%q is not one of en, kk, ru", text)
}

// words: English, Kazakh, Russian. A key that is not here is printed as it is
// (names of methods and formulas are the same everywhere).
var words = catalog.Load(translations)

//go:embed translations
var translations embed.FS

// writer prints in one language. bySteps is for data that are not daily: texts
// that name days have another form, under the key and " (steps)".
type writer struct {
	lang    Language
	bySteps bool
}

func (r *Report) writer(lang Language) writer {
	return writer{lang, !study.Daily(r.Origin.Annual)}
}

// methods are the notes that belong to the figures.
func (r *Report) methods(w writer) []string {
	returns := w.word("method: returns")
	if r.Options.RiskFree != nil {
		returns = w.word("method: returns (rate)")
	}
	return []string{returns, w.word("method: intervals"), w.word("method: garch"), w.word("method: risk")}
}

// word gives a key's words in the writer's language. Where the report is by steps and not by days, the form of the key
// for steps comes first. A key that is not in the list is its own words.
func (w writer) word(key string) string {
	entry, ok := words[key]
	if steps, has := words[key+" (steps)"]; has && w.bySteps {
		entry, ok = steps, true
	}
	if !ok {
		return key
	}
	switch w.lang {
	case Kazakh:
		return entry[1]
	case Russian:
		return entry[2]
	}
	return entry[0]
}

// number prints with the language's decimal sign; nil and NaN are "not available".
func (w writer) number(v *float64, decimals int) string {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return w.word("not available")
	}
	text := strconv.FormatFloat(*v, 'f', decimals, 64)
	if *v != 0 && decimals > 2 && math.Abs(*v) < math.Pow10(-decimals) {
		text = strconv.FormatFloat(*v, 'g', 3, 64)
	}
	text = strings.Replace(text, "-", "−", 1)
	if w.lang != English {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// scaled prints a figure: fractions as per cent.
func (w writer) scaled(f Figure, v *float64) string {
	if v == nil {
		return w.word("not available")
	}
	if f.Unit == "fraction" || f.Unit == "fraction a year" {
		percent := 100 * *v
		return w.number(&percent, 2) + " %"
	}
	return w.number(v, 4)
}
