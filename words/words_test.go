package words_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/aqsha/aqsha/words"
)

// askers are the codes that no rule gives.
var askers = []string{words.OutcomeUnknown, words.NotReached, words.Usage, words.Failure}

// Every code in the sources has words, and all words belong to a code.
func TestEveryCodeHasWords(t *testing.T) {
	found := codesOfTheSources(t)
	for code, at := range found {
		if _, known := words.MoneyOf(code); !known {
			t.Errorf("%s (%s) is not in money.json: say what it means for money, and give it a title, a meaning and a remedy in %v", code, at, words.Languages)
		}
	}
	ofMeasuring := map[string]bool{}
	for code := range measuredCodes(t) {
		name := wordedName(code)
		if ofMeasuring[name] = true; !slices.Contains(words.Codes(), name) {
			t.Errorf("%s has words of its family only: give it a title, a meaning and a remedy in %v", name, words.Languages)
		}
	}
	for _, code := range words.Codes() {
		if _, used := found[code]; !used && !ofMeasuring[code] && !slices.Contains(askers, code) && !strings.HasSuffix(code, "-*") {
			t.Errorf("money.json has %s, which nothing refuses with", code)
		}
	}
}

// What happened and why are for everybody: only what can be done names a command, which the browser leaves out.
func TestOnlyRemediesNameCommands(t *testing.T) {
	command := regexp.MustCompile(`aqsha |--[a-z]`)
	for _, language := range words.Languages {
		for _, code := range words.Codes() {
			if e, known := language.Explain(code); !known || command.MatchString(e.Title+" "+e.Means) {
				t.Errorf("%s, %s: %q %q names a command", language, code, e.Title, e.Means)
			}
		}
	}
}

// A key stands once in a file: of two, as two changes that were joined leave them, readers take the last without a word.
func TestKeysStandOnce(t *testing.T) {
	twice := func(decoder *json.Decoder) (found []string) {
		type object struct {
			keys  map[string]bool
			value bool // a value comes next, not a key
		}
		var open []*object
		for {
			token, err := decoder.Token()
			if err == io.EOF {
				return found
			}
			if err != nil {
				t.Fatal(err)
			}
			switch token {
			case json.Delim('{'):
				open = append(open, &object{keys: map[string]bool{}})
				continue
			case json.Delim('}'):
				if open = open[:len(open)-1]; len(open) == 0 {
					continue
				}
			}
			in := open[len(open)-1]
			if key, ok := token.(string); ok && !in.value {
				if in.keys[key] {
					found = append(found, key)
				}
				in.keys[key], in.value = true, true
				continue
			}
			in.value = false
		}
	}
	for _, name := range []string{"en.json", "kk.json", "ru.json", "money.json", "families.json"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := twice(json.NewDecoder(bytes.NewReader(content))); len(found) > 0 {
			t.Errorf("%s has twice: %v", name, found)
		}
	}
	if found := twice(json.NewDecoder(strings.NewReader(`{"a": {"b": "c", "b": {}}, "b": 1}`))); !slices.Equal(found, []string{"b"}) {
		t.Errorf("a key that stands twice was not found: %v", found)
	}
}

// wordedName is under which name the catalogue has a code of farms, plans and markets.
func wordedName(code string) string {
	if strings.HasPrefix(code, "farm-") || strings.HasPrefix(code, "market-") {
		return code
	}
	return "farm-" + code
}

// A code of one word has the words of its long name, under the name that was asked for; one that a family will get has the family's.
func TestFamilies(t *testing.T) {
	for _, l := range words.Languages {
		short, known := l.Explain("csv")
		if long, _ := l.Explain("farm-csv"); !known || short.Code != "csv" || short.Title != long.Title || short.Do != long.Do {
			t.Errorf("%s: csv is explained as %+v, farm-csv as %+v", l, short, long)
		}
		for _, code := range []string{"farm-of-tomorrow", "market-of-tomorrow"} {
			e, known := l.Explain(code)
			if !known || e.Code != code || e.MoneyMoved != words.MoneyUntouched || e.Title == "" || strings.Contains(e.Title, "code.") || strings.Contains(e.Do, "code.") {
				t.Errorf("%s, %s: %+v, %v", l, code, e, known)
			}
		}
		if e, known := l.Explain("cash-99999"); known {
			t.Errorf("a code that nobody gives is known: %+v", e)
		}
	}
}

// blank is where a text has a name to fill in.
var blank = regexp.MustCompile(`\{[a-z_]*\}`)

// All languages have the same keys, each text the same names, and no text is empty or equal in two languages.
func TestLanguagesAgree(t *testing.T) {
	for _, l := range words.Languages {
		for _, code := range words.Codes() {
			e, _ := l.Explain(code)
			if !slices.Contains(words.Moneys, e.MoneyMoved) {
				t.Errorf("money.json: %s: %q is none of %v", code, e.MoneyMoved, words.Moneys)
			}
		}
		for _, key := range l.Keys() {
			code, isCode := strings.CutPrefix(key, "code.")
			if i := strings.LastIndex(code, "."); isCode {
				if _, known := words.MoneyOf(code[:i]); !known || !slices.Contains([]string{"title", "means", "do"}, code[i+1:]) {
					t.Errorf("%s.json: %s is of no code", l, key)
				}
			}
		}
	}
	for _, other := range words.Languages[1:] {
		first := words.Languages[0]
		for _, key := range union(first.Keys(), other.Keys()) {
			a, b := texts(t, first, key), texts(t, other, key)
			if len(a) == 0 || len(b) == 0 {
				continue // texts said so
			}
			if names(a) != names(b) {
				t.Errorf("%s: %s.json fills in %s, %s.json %s", key, first, names(a), other, names(b))
			}
		}
	}
	for i, l := range words.Languages {
		for _, other := range words.Languages[i+1:] {
			for _, key := range l.Keys() {
				if a, b := l.Text(key), other.Text(key); a == b && a != "" && strings.ContainsFunc(a, unicode.IsLetter) && !slices.Contains(alike, key) {
					t.Errorf("%s is the same in %s and %s: %q", key, l, other, a)
				}
			}
		}
	}
}

// alike are words that Kazakh and Russian spell alike.
var alike = []string{"market-word.bitcoin", "market-word.dollar", "role-name.auditor", "role-name.authority",
	"role-name.operator", "role-name.technician", "bench-pages.millis"}

func union(a, b []string) []string {
	all := map[string]bool{}
	for _, key := range append(slices.Clone(a), b...) {
		all[key] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// numbers meet every plural category of the languages here.
var numbers = []int{0, 1, 2, 3, 5, 11, 21, 22, 25, 100, 101, 111}

// texts are all forms of a key.
func texts(t *testing.T, l words.Language, key string) (all []string) {
	t.Helper()
	if text := l.Text(key); text != "" && text != key {
		return []string{text}
	}
	for _, n := range numbers {
		text := l.Count(key, n)
		if text == "" || text == key {
			t.Errorf("%s.json has no text for %s (%d)", l, key, n)
			return nil
		}
		all = append(all, strings.ReplaceAll(text, fmt.Sprint(n), "{count}"))
	}
	return all
}

// names are the names that texts fill in, which must be the same in all of them.
func names(texts []string) string {
	var all []string
	for _, text := range texts {
		found := blank.FindAllString(text, -1)
		slices.Sort(found)
		all = append(all, strings.Join(slices.Compact(found), " "))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " | ")
}

// Studies of markets name models, tests and statistics as papers do in every language, by their initials and symbols.
var (
	ofStudies = regexp.MustCompile(`^(study|market-word|market-finding|risks|functions|paper|concentration)\.`)
	symbols   = regexp.MustCompile(`\b(GARCH(-t)?|HAR(-RV)?|EWMA|G?SADF|BIC|AIC|ADF|KPSS|PP|GPH|DFA|VaR|ES|MCS|VAR|DCC|HHI|GDP|` +
		`ARCH-LM|sha-256|close|M[13]|CR1?[014]|[a-z_]+\.csv|[a-z]+_[a-z_]+|[A-Za-z])\b|\p{Greek}`)
)

// The texts are in their own script: a Russian or Kazakh sentence that was left in English is found by its letters.
func TestTextsAreInTheirScript(t *testing.T) {
	aside := regexp.MustCompile(`'[^']*'|--[a-z-]+|\{[a-z_]*\}|/[a-z0-9/]+|[A-Za-z-]+/[a-z]+|[a-z]+\.[a-z]+|Content-Type|localhost|followers|URL|aqsha explain|\byes\b|\bid\b|°C`)
	for _, l := range words.Languages {
		for _, key := range l.Keys() {
			text := l.Text(key)
			if ofStudies.MatchString(key) {
				text = symbols.ReplaceAllString(text, "")
			}
			text = aside.ReplaceAllString(text, "")
			for _, r := range text {
				if unicode.IsLetter(r) && unicode.Is(unicode.Cyrillic, r) == (l == words.English) {
					t.Errorf("%s.json: %s: %q is not of this language: %q", l, key, r, text)
					break
				}
			}
		}
	}
}

// Kazakh has letters that Russian has not: a file that was filled with the other's texts is found.
func TestKazakhIsNotRussian(t *testing.T) {
	with := 0
	for _, code := range words.Codes() {
		e, _ := words.Kazakh.Explain(code)
		if strings.ContainsAny(strings.ToLower(e.Title+e.Means+e.Do), "әғқңөұүһі") {
			with++
		} else {
			t.Errorf("kk.json: %s has no letter of Kazakh's own: %q", code, e.Means)
		}
		e, _ = words.Russian.Explain(code)
		if strings.ContainsAny(strings.ToLower(e.Title+e.Means+e.Do), "әғқңөұүһі") {
			t.Errorf("ru.json: %s has a Kazakh letter", code)
		}
	}
	if with < 150 {
		t.Errorf("only %d codes are explained in Kazakh", with)
	}
}

// A lay text is not the technical message again: it is a sentence, without the code in it.
func TestTextsAreSentences(t *testing.T) {
	for _, l := range words.Languages {
		for _, code := range words.Codes() {
			e, _ := l.Explain(code)
			for _, text := range []string{e.Means, e.Money, e.Do} {
				if !strings.HasSuffix(text, ".") || len([]rune(text)) < 15 || len([]rune(text)) > 240 {
					t.Errorf("%s.json: %s: %q is no sentence of 15 to 240 letters", l, code, text)
				}
			}
			if strings.Contains(code, "-") && strings.Contains(e.Means+e.Title, code) {
				t.Errorf("%s.json: %s explains itself by itself", l, code)
			}
			if strings.HasSuffix(e.Title, ".") || len([]rune(e.Title)) > 60 {
				t.Errorf("%s.json: %s: %q is no title", l, code, e.Title)
			}
		}
	}
}

func TestLanguageOfAnEnvironment(t *testing.T) {
	for wish, want := range map[string]words.Language{
		"": words.English, "C": words.English, "C.UTF-8": words.English, "en_GB.UTF-8": words.English, "ru_RU.UTF-8": words.Russian, "ru": words.Russian,
		"kk_KZ": words.Kazakh, "kk_KZ.UTF-8@latin": words.Kazakh, "de_DE.UTF-8": words.English, "kk-KZ,kk;q=0.9,ru;q=0.8": words.Kazakh,
		"ru-KZ,en;q=0.5": words.Russian, "../../etc": words.English, "POSIX": words.English,
	} {
		if got := words.FromEnvironment(func(name string) string { return map[string]string{"LANG": wish}[name] }); got != want {
			t.Errorf("LANG=%s: %s, want %s", wish, got, want)
		}
	}
	environment := map[string]string{"LC_ALL": "ru_RU", "LC_MESSAGES": "kk_KZ", "LANG": "en_GB"}
	for _, step := range []struct {
		without string
		want    words.Language
	}{{"", words.Russian}, {"LC_ALL", words.Kazakh}, {"LC_MESSAGES", words.English}} {
		delete(environment, step.without)
		if got := words.FromEnvironment(func(name string) string { return environment[name] }); got != step.want {
			t.Errorf("%v: %s, want %s", environment, got, step.want)
		}
	}
}

func TestPlurals(t *testing.T) {
	for n, want := range map[int]string{1: "1 код.", 2: "2 кода.", 5: "5 кодов.", 11: "11 кодов.", 21: "21 код.", 104: "104 кода."} {
		if got := words.Russian.Count("explain.count", n); !strings.HasPrefix(got, want) {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := words.English.Count("explain.count", 1); !strings.HasPrefix(got, "1 code.") {
		t.Error(got)
	}
	if got := words.English.Text("explain.code", "code", "dust"); got != "Code: dust" {
		t.Error(got)
	}
	if got := words.English.Text("no.such.key"); got != "no.such.key" {
		t.Errorf("a forgotten text is not seen: %q", got)
	}
}

// The keys that the program asks for are there, and every key is asked for.
func TestKeysAreUsed(t *testing.T) {
	asks := regexp.MustCompile(`\.(?:Text|Count)\("([a-z0-9._-]+)"(?:, "([a-z]+)"|)`)
	prefixes := regexp.MustCompile(`\.(?:Text|Count)\("([a-z0-9._-]+\.)" ?\+`)
	sections := regexp.MustCompile(`\.Phrase\("([a-z0-9-]+)"`)
	says := regexp.MustCompile(`\b(?:words\.Say|words\.SayAs|words\.SayCount|cli\.Text)\((?:[a-z.A-Z]+, )?"([a-z0-9._-]+)"`)
	asked, begun := map[string]bool{}, map[string]bool{"code.": true, "money.": true}
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		if !strings.Contains(string(content), "\"github.com/aqsha/aqsha/words\"") && !strings.Contains(string(content), "package words\n") &&
			!strings.Contains(string(content), "LanguageFor(") && !strings.Contains(string(content), "cli.Text(") {
			return err
		}
		for _, found := range asks.FindAllStringSubmatch(string(content), -1) {
			asked[found[1]] = true
		}
		for _, found := range says.FindAllStringSubmatch(string(content), -1) {
			if asked[found[1]] = true; strings.HasSuffix(found[1], ".") {
				begun[found[1]] = true
			}
		}
		for _, found := range sections.FindAllStringSubmatch(string(content), -1) {
			begun[found[1]+"."] = true
		}
		for _, found := range prefixes.FindAllStringSubmatch(string(content), -1) {
			begun[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	keys := words.English.Keys()
	for key := range asked {
		if !strings.HasSuffix(key, ".") && !slices.Contains(keys, key) {
			t.Errorf("the program asks for the text %s, which is not there", key)
		}
	}
	for _, key := range keys {
		if !asked[key] && !slices.ContainsFunc(slices.Collect(maps.Keys(begun)), func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			t.Errorf("nobody asks for the text %s", key)
		}
	}
}
