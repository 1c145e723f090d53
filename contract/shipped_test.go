package contract

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var updateShipped = flag.Bool("update-shipped", false, "write the wallet's list of shipped definitions")

// The wallet's page names the acts and parties of definitions that come with the program in its own words. It knows
// them by their ids, has no other in its list, and has words for each of their names.
func TestTheWalletKnowsWhatIsShipped(t *testing.T) {
	const folder = "../console/ui/src/"
	var ids []string
	names := map[string]bool{}
	put := func(p *Program) {
		ids = append(ids, p.ID().String())
		for _, party := range p.Definition.Parties {
			names["party."+party] = true
		}
		for _, a := range p.Definition.Actions {
			names["act."+a.Name] = true
		}
	}
	for _, name := range TemplateNames {
		p, err := TemplateProgram(name)
		if err != nil {
			t.Fatal(err)
		}
		put(p)
		if earlier, ok := EarlierTemplate(name); ok {
			put(earlier)
		}
	}
	slices.Sort(ids)
	if *updateShipped {
		content, _ := json.MarshalIndent(ids, "", "  ")
		if err := os.WriteFile(folder+"wallet/shipped.json", append(content, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var listed []string
	read := func(name string, into any) {
		content, err := os.ReadFile(folder + name)
		if err == nil {
			err = json.Unmarshal(content, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if read("wallet/shipped.json", &listed); !slices.Equal(listed, ids) {
		t.Errorf("the wallet knows %v, shipped are %v: go test ./contract -run Shipped -update-shipped", listed, ids)
	}
	for _, language := range []string{"en", "kk", "ru"} {
		var words map[string]string
		read("words/acts."+language+".json", &words)
		for name := range names { // any order; of backers each has a number
			if words[strings.TrimRight(name, "1234567")] == "" {
				t.Errorf("%s has no words for %s", language, name)
			}
		}
	}
}
