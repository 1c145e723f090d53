package contract

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/token"
)

func TestPurposesInWords(t *testing.T) {
	p := meals()
	p.Permits = append(p.Permits, token.Permit{When: `amount <= 5000 && (payee.category in [5411, 5499] || !(payee.role == "shop")) && size(document) == 32 && payee.tier * 2 > 3`, Becomes: 7})
	p.Hops, p.MaxTotal = 3, 100_000
	r := rule(t, p)
	wants := map[Language][]string{
		English: {"Tenge marked “school meals”", `the payee's role is “canteen” and the payee's region is “KZ-75”`, "becomes plain tenge", "it keeps its mark",
			"the amount is at most 50.00 tenge and (the payee's merchant category is one of 5411, 5499 or not (the payee's role is “shop”)) and a document is attached and `payee.tier * 2` is more than 3",
			"purpose 7", "returns to the treasury", "keep the mark: 3 at most"},
		Kazakh:  {"«school meals» белгісі бар теңге", "алушының рөлі — “canteen” және алушының өңірі — “KZ-75”", "жай теңгеге айналады", "белгісін сақтайды", "сома ең көбі 50.00 теңге", "құжат тіркелген"},
		Russian: {"Тенге с меткой «school meals»", "роль получателя — “canteen” и регион получателя — “KZ-75”", "становятся обычными тенге", "метка сохраняется", "сумма не больше 50.00 тенге", "приложен документ"},
	}
	for _, language := range Languages {
		text := strings.Join(r.Explain(language, "the treasury", nil), "\n")
		for _, want := range wants[language] {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is not in\n%s", language, want, text)
			}
		}
		if strings.Contains(text, "%!") {
			t.Errorf("%s: badly formatted:\n%s", language, text)
		}
	}
}

// Every language says every action of every template, with its formulas, and leaves no form unfilled.
func TestDefinitionsInEveryLanguage(t *testing.T) {
	for _, name := range TemplateNames {
		p := template(t, name)
		english := p.ExplainIn(English)
		for _, language := range Languages {
			lines := p.ExplainIn(language)
			text := strings.Join(lines, "\n")
			if len(lines) != len(english) || strings.Contains(text, "%!") || strings.Contains(text, "``") {
				t.Errorf("%s, %s:\n%s", name, language, text)
			}
			for _, a := range p.Definition.Actions {
				for _, part := range []string{a.Name, a.From, a.Until} {
					if !strings.Contains(text, part) {
						t.Errorf("%s, %s: %q is not in\n%s", name, language, part, text)
					}
				}
			}
		}
	}
	text := strings.Join(template(t, "escrow").ExplainIn(Russian), "\n")
	for _, want := range []string{"Buyer или arbiter может выполнить release: seller получает остаток tenge; договор завершается.", "Конец, в момент `created + terms.days * day`: всё, что осталось, получает buyer."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestDefinitionsInWords(t *testing.T) {
	for _, name := range TemplateNames {
		lines := template(t, name).Explain()
		text := strings.Join(lines, "\n")
		if len(lines) < 5 || strings.Contains(text, "%!") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	text := strings.Join(template(t, "escrow").Explain(), "\n")
	for _, want := range []string{"Buyer or arbiter may release: seller is paid the rest of tenge; the contract ends.", "The end, at `created + terms.days * day`: all that is left goes to buyer."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// formatted finds what is filled into a text: %s, %d, %[2]s.
var formatted = regexp.MustCompile(`%(\[\d+\])?[sd]`)

// A language that lacks a word, or fills one in with other things, would say half a rule: each has all that the first has.
func TestLexiconsAreComplete(t *testing.T) {
	same := func(where, english, other string) {
		t.Helper()
		a, b := formatted.FindAllString(english, -1), formatted.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if (english == "") != (other == "") || len(a) != len(b) {
			t.Errorf("%s is %q, in English %q", where, other, english)
		}
	}
	compare := func(language Language, english, other reflect.Value) {
		for i := range english.NumField() {
			name := fmt.Sprintf("%s: %s", language, english.Type().Field(i).Name)
			switch e, o := english.Field(i), other.Field(i); e.Kind() {
			case reflect.String:
				same(name, e.String(), o.String())
			case reflect.Map:
				if e.Len() == 0 || e.Len() != o.Len() {
					t.Errorf("%s has %d words, in English %d", name, o.Len(), e.Len())
				}
				for _, key := range e.MapKeys() {
					if word := o.MapIndex(key); !word.IsValid() || word.String() == "" {
						t.Errorf("%s has no word for %s", name, key)
					} else {
						same(name+"."+key.String(), e.MapIndex(key).String(), word.String())
					}
				}
			}
		}
	}
	for _, language := range Languages[1:] {
		compare(language, reflect.ValueOf(*lexicons[English]), reflect.ValueOf(*lexicons[language]))
		compare(language, reflect.ValueOf(definitionClauses[English]), reflect.ValueOf(definitionClauses[language]))
	}
}
