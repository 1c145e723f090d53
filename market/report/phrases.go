package report

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/market/garch"
)

// phrasePrefix marks the keys of texts that studies write in English, with numbers where {0} and {1} stand.
const phrasePrefix = "phrase: "

// pattern recognises a text that a study wrote, by what stands around its numbers.
type pattern struct {
	key  string
	form *regexp.Regexp
}

// patterns are the phrases with numbers in them, {0} and {1}, as expressions to find them by. They are sorted, since
// the words are a map: the first that matches is taken, and the same report must read the same each time.
var patterns = func() []pattern {
	var out []pattern
	for key := range words {
		text, ok := strings.CutPrefix(key, phrasePrefix)
		if !ok {
			continue
		}
		form := regexp.QuoteMeta(text)
		for _, hole := range []string{`\{0\}`, `\{1\}`} {
			form = strings.Replace(form, hole, `(-?[0-9.]+)`, 1)
		}
		out = append(out, pattern{key, regexp.MustCompile("^" + form + "$")})
	}
	slices.SortFunc(out, func(a, b pattern) int { return strings.Compare(a.key, b.key) })
	return out
}()

// phrase is a text of a study in the writer's language, its numbers with that language's decimal sign: a formula, why a
// method was refused, what binds. Formulas of signs alone are the same in all. Of parts with nothing in them nothing is
// left: "one-day loss; " has no refusal.
func (w writer) phrase(text string) string {
	var parts []string
	for _, part := range strings.Split(text, "; ") {
		if part = strings.TrimSpace(strings.TrimSuffix(part, ";")); part != "" {
			parts = append(parts, w.part(part))
		}
	}
	return strings.Join(parts, "; ")
}

// part translates one phrase without further parts: one of the patterns, with the numbers put back in the language's
// way of writing them, or else a word. What is in no list comes out as it went in.
func (w writer) part(text string) string {
	for _, p := range patterns {
		found := p.form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		out := w.word(p.key)
		for i, number := range found[1:] {
			if w.lang != English {
				number = strings.Replace(number, ".", ",", 1)
			}
			out = strings.Replace(out, "{"+string(rune('0'+i))+"}", strings.Replace(number, "-", "−", 1), 1)
		}
		return out
	}
	switch text { // which are also names of parameters
	case "omega", "alpha", "beta":
		return text
	}
	return w.word(text)
}

// key is a figure's name: what it is of and what it is, each in the writer's language.
func (w writer) key(text string) string {
	of, what, two := strings.Cut(text, ": ")
	if !two {
		return w.word(text)
	}
	for _, m := range []garch.Model{garch.GARCH, garch.GJR, garch.EGARCH} {
		if law, ok := strings.CutPrefix(of, string(m)+"-"); ok {
			of = strings.ToUpper(string(m)) + "-" + law
		}
	}
	return w.part(of) + ": " + w.part(what)
}
