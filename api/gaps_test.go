package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/words"
)

// What a recount does not show is said in the page's language: its name has a text there, and its values fill it.
func TestTheExplorerSaysWhatARecountDoesNotShow(t *testing.T) {
	t.Parallel()
	gaps := officeGaps([]recount.Gap{{Name: "newest", Values: []any{"count", 9}},
		{Name: "newer", Values: []any{"count", 2, "block", 7, "at", "12:00"}}, {Name: "no-state"}})
	english := regexp.MustCompile(`\b(that|others|the|ledger|see)\b`)
	for _, l := range []words.Language{"kk", "ru", "en"} {
		var texts map[string]string
		if err := json.Unmarshal(explorerWords(l), &texts); err != nil {
			t.Fatal(err)
		}
		for _, g := range gaps {
			text := texts["gap."+g.Gap]
			for name, value := range g.Values {
				if !strings.Contains(text, "{"+name+"}") {
					t.Errorf("%s, %s: %q has no place for %s", l, g.Gap, text, name)
				}
				text = strings.ReplaceAll(text, "{"+name+"}", value)
			}
			if text == "" || strings.ContainsAny(text, "{}") || l != "en" && english.MatchString(text) {
				t.Errorf("%s, %s: %q", l, g.Gap, text)
			}
		}
	}
}
