package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed en.json kk.json ru.json money.json families.json
var files embed.FS

// Language is one in which people are spoken to: the name of its file.
type Language string

// The languages of the catalogue.
const (
	English Language = "en"
	Kazakh  Language = "kk"
	Russian Language = "ru"
)

// Languages are all of them; the first is spoken where nobody says otherwise.
var Languages = []Language{English, Kazakh, Russian}

// message is a text, or one text a plural category.
type message struct {
	text  string
	forms map[plural.Form]string // nil if it does not depend on a number
}

// categories are CLDR's names of plural forms, as the files have them.
var categories = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many,
	"other": plural.Other,
}

// catalogue holds the messages of each language by their keys: the names on the way to a text, joined by dots. The
// files are part of the program, so one that cannot be read is a broken build, which the first start shows.
var catalogue = func() map[Language]map[string]message {
	all := map[Language]map[string]message{}
	for _, l := range Languages {
		var tree map[string]any
		mustRead(string(l)+".json", &tree)
		all[l] = map[string]message{}
		flatten(tree, "", all[l])
	}
	return all
}()

func mustRead(name string, into any) {
	content, err := files.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		panic(fmt.Sprintf("words: %s: %v", name, err))
	}
}

// flatten gives every text of a tree its key.
func flatten(tree map[string]any, prefix string, into map[string]message) {
	for name, value := range tree {
		switch value := value.(type) {
		case string:
			into[prefix+name] = message{text: value}
		case map[string]any:
			if forms := formsOf(value); forms != nil {
				into[prefix+name] = message{forms: forms}
				continue
			}
			flatten(value, prefix+name+".", into)
		default:
			panic(fmt.Sprintf("words: %s%s is neither a text nor texts", prefix, name))
		}
	}
}

// formsOf reads an object whose names are all plural categories; nil for any other.
func formsOf(object map[string]any) map[plural.Form]string {
	forms := map[plural.Form]string{}
	for name, value := range object {
		form, known := categories[name]
		text, isText := value.(string)
		if !known || !isText {
			return nil
		}
		forms[form] = text
	}
	return forms
}

// Keys are the keys of a language, in order.
func (l Language) Keys() []string { return slices.Sorted(maps.Keys(catalogue[l])) }

// Text is the text of a key, with {name} filled in from pairs of a name and a value. What has no text is its key, so
// that a forgotten one is seen; a test holds that the program uses none.
func (l Language) Text(key string, pairs ...any) string {
	m, known := catalogue[l][key]
	if !known {
		return key
	}
	return fill(m.text, pairs)
}

// Count is the text of a key for a number, which is {count} in it.
func (l Language) Count(key string, n int, pairs ...any) string {
	m, known := catalogue[l][key]
	if !known {
		return key
	}
	form := plural.Cardinal.MatchPlural(language.Make(string(l)), n, 0, 0, 0, 0)
	text, has := m.forms[form]
	if !has {
		text = m.forms[plural.Other]
	}
	return fill(text, append([]any{"count", n}, pairs...))
}

func fill(text string, pairs []any) string {
	var replace []string
	for i := 0; i+1 < len(pairs); i += 2 {
		replace = append(replace, fmt.Sprintf("{%v}", pairs[i]), fmt.Sprint(pairs[i+1]))
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// matcher finds the nearest language; the first is what nobody's language comes to.
var matcher = func() language.Matcher {
	var tags []language.Tag
	for _, l := range Languages {
		tags = append(tags, language.Make(string(l)))
	}
	return language.NewMatcher(tags)
}()

// Parse reads a language's code: en, kk or ru.
func Parse(code string) (Language, bool) {
	l := Language(code)
	return l, slices.Contains(Languages, l)
}

// Of finds the language for what an environment (ru_RU.UTF-8) or a browser (kk-KZ, ru;q=0.8) asks for; English when it
// asks for one that is not here, or for none.
func Of(wish string) Language {
	wish, _, _ = strings.Cut(wish, "@")
	base, _, _ := strings.Cut(wish, ".")
	tags, _, err := language.ParseAcceptLanguage(strings.ReplaceAll(base, "_", "-"))
	if err != nil || len(tags) == 0 {
		return Languages[0]
	}
	_, i, confidence := matcher.Match(tags...)
	if confidence < language.High {
		return Languages[0]
	}
	return Languages[i]
}

// FromEnvironment is the language that the variables of a system ask for, as POSIX orders them.
func FromEnvironment(getenv func(string) string) Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if wish := getenv(name); wish != "" {
			return Of(wish)
		}
	}
	return Languages[0]
}
