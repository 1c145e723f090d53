package contract

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// Every template speaks of itself in the language that is asked for; a definition that bears a template's name and says other
// words keeps its own.
func TestTemplatesSpeakOfThemselvesInEveryLanguage(t *testing.T) {
	for _, name := range TemplateNames {
		program := template(t, name)
		for _, language := range Languages {
			lines := program.ExplainIn(language)
			said := lines[1]
			letters, latin := 0, 0
			for _, r := range said {
				if unicode.IsLetter(r) {
					letters++
				}
				if unicode.Is(unicode.Latin, r) {
					latin++
				}
			}
			if cyrillic := language != English; letters < 100 || cyrillic && latin*5 > letters || !cyrillic && latin != letters {
				t.Errorf("%s in %s: %s", name, language, said)
			}
			if n, want := strings.Count(said, "."), strings.Count(program.Definition.About, "."); n < want/2 {
				t.Errorf("%s in %s: %d sentences of %d", name, language, n, want)
			}
		}
		if len(templateAbouts[Kazakh]) != len(TemplateNames) || len(templateAbouts[Russian]) != len(TemplateNames) {
			t.Errorf("%d and %d translations, %d templates", len(templateAbouts[Kazakh]), len(templateAbouts[Russian]), len(TemplateNames))
		}
	}
	own := *template(t, "escrow").Definition
	own.About = "The arbiter has it all."
	program, problems := Compile(&own)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if !slices.Contains(program.ExplainIn(Russian), own.About) {
		t.Errorf("a stranger's words were replaced: %v", program.ExplainIn(Russian))
	}
}
