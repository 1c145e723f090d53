package document

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

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

// catalogues by language: key to text; counts by language: key to a text a plural category of CLDR. Kazakh has no
// counts: a noun behind a number stands in the singular.
var catalogues, counts = func() (texts map[Language]map[string]string,
	forms map[Language]map[string]map[string]string) {
	texts, forms = map[Language]map[string]string{}, map[Language]map[string]map[string]string{}
	for _, l := range Languages {
		data, err := wordFiles.ReadFile("words/" + string(l) + ".json")
		if err != nil {
			panic(err) // embedded
		}
		var entries map[string]json.RawMessage
		if err := json.Unmarshal(data, &entries); err != nil {
			panic(fmt.Sprintf("words/%s.json: %v", l, err))
		}
		texts[l], forms[l] = map[string]string{}, map[string]map[string]string{}
		for key, entry := range entries {
			var err error
			if counted, is := strings.CutPrefix(key, "count: "); is {
				var of map[string]string
				err = json.Unmarshal(entry, &of)
				forms[l][counted] = of
			} else {
				var text string
				err = json.Unmarshal(entry, &text)
				texts[l][key] = text
			}
			if err != nil {
				panic(fmt.Sprintf("words/%s.json: %s: %v", l, key, err))
			}
		}
	}
	return texts, forms
}()

// sealedSix are the texts that stood in documents sealed in the formats 1 to 6 where others stand now: in those a noun
// had one form, whatever its number. What was sealed is derived in the words of then.
var sealedSix = func() map[Language]map[string]string {
	data, err := wordFiles.ReadFile("words/sealed-6.json")
	if err != nil {
		panic(err) // embedded
	}
	var out map[Language]map[string]string
	if err := json.Unmarshal(data, &out); err != nil {
		panic("words/sealed-6.json: " + err.Error())
	}
	return out
}()

// writer writes in one language and remembers the words that it had not.
type writer struct {
	lang    Language
	missing map[string]bool
	earlier bool // as documents sealed in the formats 1 and 2
	six     bool // as documents sealed in the formats 1 to 6
}

func (d *Document) writer(lang Language) *writer {
	return &writer{lang, map[string]bool{}, d.earlier, d.six}
}

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
	if s, ok := sealedSix[w.lang][key]; ok && w.six {
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

// countPlace is a place of a text that takes a number and what is counted, in the number's form: {0 days}.
var countPlace = regexp.MustCompile(`\{(\d) ([a-z ]+)\}`)

// sentence puts cells into the places {0}, {1}, … of a text, and into {0 days} the cell with what it counts.
func (w *writer) sentence(s Sentence) string {
	out := countPlace.ReplaceAllStringFunc(w.word(s.Word), func(place string) string {
		found := countPlace.FindStringSubmatch(place)
		i, _ := strconv.Atoi(found[1]) // a digit
		forms, ok := counts[w.lang][found[2]]
		if !ok || i >= len(s.Cells) {
			w.missing["count: "+found[2]] = true
			return place
		}
		form, ok := forms[w.pluralOf(s.Cells[i])]
		if !ok {
			form = forms["other"]
		}
		return strings.ReplaceAll(form, "{count}", w.cell(s.Cells[i]))
	})
	for i, c := range s.Cells {
		out = strings.ReplaceAll(out, "{"+strconv.Itoa(i)+"}", w.cell(c))
	}
	return out
}

// pluralOf is the plural category of a number as it is written, with its decimals (Unicode TR35, part 3, section 5.1);
// of what is no number, "other".
func (w *writer) pluralOf(c Cell) string {
	if c.Value == nil || math.Abs(*c.Value) >= 1e9 {
		return "other"
	}
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(*c.Value), 'f', c.Digits, 64), ".")
	bare := strings.TrimRight(fraction, "0")
	number := func(text string) int { n, _ := strconv.Atoi(text); return n } // of digits alone; "" is 0
	switch plural.Cardinal.MatchPlural(language.Make(string(w.lang)), number(whole), len(fraction), len(bare),
		number(fraction), number(bare)) {
	case plural.One:
		return "one"
	case plural.Few:
		return "few"
	case plural.Many:
		return "many"
	}
	return "other"
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
