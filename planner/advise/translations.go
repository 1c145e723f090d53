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

// Phrases writes in one language, and amounts in one unit.
type Phrases struct {
	index     int
	thousands bool // amounts are in thousands: of a small farm, or of a currency of much worth
}

// In chooses a language: en, kk, ru.
func In(language string) Phrases {
	for i, l := range Languages {
		if l == language {
			return Phrases{index: i}
		}
	}
	return Phrases{}
}

// In writes of a result: in millions, or in thousands where millions with one decimal would leave one or two digits of
// what the ways are worth.
func (r *Result) In(language string) Phrases {
	t, most := In(language), r.Power.CapitalKZT
	for _, o := range r.Options {
		most = max(most, math.Abs(o.Mean), math.Abs(o.P5), math.Abs(o.P95))
	}
	t.thousands = most < 10e6
	return t
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

// Scale is how much one of the unit is in which amounts are written.
func (t Phrases) Scale() float64 {
	if t.thousands {
		return 1e3
	}
	return 1e6
}

// Amount of tenge in millions or thousands, without the unit.
func (t Phrases) Amount(tenge float64) string { return t.Number(tenge/t.Scale(), 1) }

// Unit in which amounts are written, with the sign of the tenge.
func (t Phrases) Unit() string { return t.InUnit(t.Say("million") + " ₸") }

// InUnit is a text that speaks of millions, in the unit in which amounts are written.
func (t Phrases) InUnit(text string) string {
	if t.thousands {
		return strings.ReplaceAll(text, t.Say("million"), t.Say("thousand"))
	}
	return text
}

// Millions of tenge, or thousands, with the unit.
func (t Phrases) Millions(tenge float64) string { return t.Amount(tenge) + " " + t.Unit() }

// Price of a kWh. One far below a whole unit, as in dollars, has the digits that it is made of.
func (t Phrases) Price(perKWh float64) string {
	if math.Abs(perKWh) < 1 {
		return t.Number(perKWh, 4)
	}
	return t.Number(perKWh, 2)
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
