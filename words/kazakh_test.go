package words_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kazakhTexts are all texts of the file of Kazakh words, and of the pages' own, by where they stand.
func kazakhTexts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, inner := range v { // any order
				walk(at+"/"+key, inner)
			}
		case []any:
			for _, inner := range v {
				walk(at+"/", inner)
			}
		case string:
			all[at+v] = v
		}
	}
	for _, path := range []string{"kk.json", "../console/ui/src/words/kk.json", "../console/ui/src/words/console.kk.json",
		"../console/ui/src/words/learn.kk.json", "../console/ui/src/words/acts.kk.json"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(content, &value); err != nil {
			t.Fatal(path, err)
		}
		walk(path, value)
	}
	return all
}

// notKazakhTerms are words for a thing that the glossary calls otherwise, with its word. "Шарт" is a contract's guard
// there, and a condition: never the contract.
var notKazakhTerms = map[string]string{`қолхат`: "ваучер", `операция`: "транзакция", `басты түйін`: "жетекші",
	`ізбасар`: "көшірме түйін", `папка`: "қалта", `кеңсе`: "касса", `купюра`: "банкнот", `тора[пб]`: "түйін",
	`белгіленген ақша`: "нысаналы ақша", `желісіз әмиян`: "офлайн әмиянша", `команда`: "пәрмен", `айғақ`: "дәлел",
	`шарт(тың|та|қа|ты|тар)? (бұған|сұра|ұсынатын|болжамай|аяқталады|жасау|тұр)`: "келісімшарт"}

// Kazakh texts use the glossary's terms, and their sentences have at most sixteen words: what a person hears in one
// breath. Lines of figures count as sentences at their semicolons and colons.
func TestKazakhTermsAndSentences(t *testing.T) {
	wrong := map[string]*regexp.Regexp{}
	for term := range notKazakhTerms { // any order
		wrong[term] = regexp.MustCompile(`(?i)(^|[^\p{L}])(` + term + `)`)
	}
	sentences := regexp.MustCompile(`[.!?:;]\s+|[\n\t]`)
	letters := regexp.MustCompile(`[\p{L}\p{N}]`)
	seen := 0
	for key, text := range kazakhTexts(t) { // any order
		for term, is := range wrong { // any order
			if found := is.FindString(text); found != "" {
				t.Errorf("%s: %q: the glossary says %q", key, strings.TrimSpace(found), notKazakhTerms[term])
			}
		}
		for _, sentence := range sentences.Split(text, -1) {
			words := slices.DeleteFunc(strings.Fields(sentence), func(w string) bool { return !letters.MatchString(w) })
			if seen++; len(words) > 16 {
				t.Errorf("%s: %d words: %q", key, len(words), sentence)
			}
		}
	}
	if seen < 2_000 {
		t.Errorf("only %d sentences were read", seen)
	}
}
