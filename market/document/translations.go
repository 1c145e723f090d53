package document

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/market/report"
)

// Language of a document.
type Language = report.Language

// The languages.
const (
	English = report.English
	Kazakh  = report.Kazakh
	Russian = report.Russian
)

// Languages that every document can be written in.
var Languages = []Language{English, Kazakh, Russian}

//go:embed words/*.json
var wordFiles embed.FS

// catalogues by language: key to text.
var catalogues = func() map[Language]map[string]string {
	out := map[Language]map[string]string{}
	for _, l := range Languages {
		data, err := wordFiles.ReadFile("words/" + string(l) + ".json")
		if err != nil {
			panic(err) // embedded
		}
		words := map[string]string{}
		if err := json.Unmarshal(data, &words); err != nil {
			panic(fmt.Sprintf("words/%s.json: %v", l, err))
		}
		out[l] = words
	}
	return out
}()

// writer writes in one language and remembers the words that it had not.
type writer struct {
	lang    Language
	missing map[string]bool
	earlier bool
}

func newWriter(lang Language, earlier bool) *writer { return &writer{lang, map[string]bool{}, earlier} }

// earlierWords are the words that stood in documents of the formats 1 and 2
// where another stands now: what was sealed is derived in the words of then.
var earlierWords = map[Language]map[string]string{Kazakh: {"percent a year": "жылына %",
	"points of 10,000": "10 000-нан балл", "points of 100": "100-ден балл"}}

// word is a key in the language; one that is missing stands as it is and is noted.
func (w *writer) word(key string) string {
	if key == "" {
		return ""
	}
	if s, ok := earlierWords[w.lang][key]; ok && w.earlier {
		return s
	}
	s, ok := catalogues[w.lang][key]
	if !ok {
		w.missing[key] = true
		return key
	}
	return s
}

// Phrase is a text of a document in a language, as documents have it; one that no document has is itself.
func Phrase(l Language, english string) string {
	if text, known := catalogues[l][english]; known && l != English {
		return text
	}
	return english
}

// err names the words that the catalogue lacks: a document is whole or not made.
func (w *writer) err() error {
	if len(w.missing) == 0 {
		return nil
	}
	return fmt.Errorf("words/%s.json lacks %q", w.lang, slices.Sorted(maps.Keys(w.missing)))
}

// sentence puts cells into the places {0}, {1}, … of a text.
func (w *writer) sentence(s Sentence) string {
	out := w.word(s.Word)
	for i, c := range s.Cells {
		out = strings.ReplaceAll(out, "{"+strconv.Itoa(i)+"}", w.cell(c))
	}
	return out
}

// cell writes a word, a number with its unit, or a list of cells.
func (w *writer) cell(c Cell) string {
	switch {
	case c.Word != "":
		return w.word(c.Word)
	case c.Value != nil:
		s := w.number(*c.Value, c.Digits)
		if u := w.word(c.Unit); u != "" {
			s += "\u00a0" + u
		}
		return s
	case c.List != nil:
		parts := make([]string, len(c.List))
		for i, x := range c.List {
			parts[i] = strings.TrimSpace(w.cell(x))
		}
		return strings.Join(parts, " ")
	}
	return c.Text
}

// number with the language's decimal sign, a true minus and groups of three, divided by a narrow space that does not
// break. Four digits stay together, as a year does; and what rounds to zero has no sign, whichever side it came from.
func (w *writer) number(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	sign := ""
	if s[0] == '-' {
		if s = s[1:]; strings.Trim(s, "0.") != "" {
			sign = "−"
		}
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) > 4 {
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "\u202f" + whole[i:]
		}
	}
	if fraction == "" {
		return sign + whole
	}
	if w.lang == English {
		return sign + whole + "." + fraction
	}
	return sign + whole + "," + fraction
}

func (w *writer) html(c Cell) template.HTML {
	return template.HTML(template.HTMLEscapeString(w.cell(c)))
}
