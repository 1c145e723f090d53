package advise

import (
	"embed"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/internal/catalog"
)

// Languages of the advice.
var Languages = []string{"en", "kk", "ru"}

// Advice is the recommended strategy in words.
type Advice struct {
	Headline string   `json:"headline"`
	Steps    []string `json:"steps"`
	Reasons  []string `json:"reasons"`
	RunnerUp string   `json:"runner_up"`
	Changes  []string `json:"changes"`
	Notes    []string `json:"notes"`
}

// phrases: English, Kazakh, Russian. Arguments are numbers as they are already written, so that each language may order
// them.
var phrases = catalog.Load(translations)

//go:embed translations
var translations embed.FS

// Phrases writes in one language.
type Phrases struct{ index int }

// In chooses a language: en, kk, ru.
func In(language string) Phrases {
	for i, l := range Languages {
		if l == language {
			return Phrases{i}
		}
	}
	return Phrases{0}
}

// Say fills a phrase.
func (t Phrases) Say(key string, args ...any) string {
	phrase := phrases[key][t.index]
	if len(args) == 0 {
		return strings.ReplaceAll(phrase, "%%", "%")
	}
	return fmt.Sprintf(phrase, args...)
}

// Number has the language's decimal sign and thin spaces between thousands, and a true minus sign; what rounds to zero
// has none.
func (t Phrases) Number(v float64, decimals int) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune('\u202f')
		}
		b.WriteRune(c)
	}
	if fraction != "" {
		point := "."
		if t.index > 0 {
			point = ","
		}
		b.WriteString(point + fraction)
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		return "−" + b.String()
	}
	return b.String()
}

// Millions of tenge.
func (t Phrases) Millions(tenge float64) string {
	return t.Number(tenge/1e6, 1) + " " + t.Say("million")
}

// Signed millions, with a plus.
func (t Phrases) Signed(tenge float64) string {
	if tenge > 0 {
		return "+" + t.Millions(tenge)
	}
	return t.Millions(tenge)
}

// Percent of a fraction, with a sign when asked.
func (t Phrases) Percent(fraction float64, signed bool) string {
	text := t.Number(100*fraction, 0) + " %"
	if signed && fraction > 0 {
		return "+" + text
	}
	return text
}
