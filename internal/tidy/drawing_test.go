package tidy

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "redraw the arrows in docs/ARCHITECTURE.md")

const architecture = "../../docs/ARCHITECTURE.md"

// drawing is the imports between rooms as a mermaid graph, without those that follow from others.
func drawing(all []source) string {
	arrows := map[string]map[string]bool{}
	for _, s := range all {
		if s.test || s.room == "internal" {
			continue
		}
		for _, path := range imports(s.file) {
			inside, ok := strings.CutPrefix(path, module)
			if room := roomOf(inside); ok && room != s.room && room != "internal" {
				if arrows[s.room] == nil {
					arrows[s.room] = map[string]bool{}
				}
				arrows[s.room][room] = true
			}
		}
	}
	var lines []string
	for from, targets := range arrows {
		for to := range targets {
			if !throughAnother(arrows, from, to) {
				lines = append(lines, fmt.Sprintf("  %s --> %s\n", strings.ReplaceAll(from, "/", "_"), strings.ReplaceAll(to, "/", "_")))
			}
		}
	}
	slices.Sort(lines)
	return "```mermaid\ngraph TD\n" + strings.Join(lines, "") + "```\n"
}

// throughAnother says whether one room reaches another by way of a third.
func throughAnother(arrows map[string]map[string]bool, from, to string) bool {
	for middle := range arrows[from] {
		if middle != to && reaches(arrows, middle, to, map[string]bool{from: true}) {
			return true
		}
	}
	return false
}

// reaches follows arrows; seen keeps it out of circles, which TestArrowsRunOneWay names.
func reaches(arrows map[string]map[string]bool, from, to string, seen map[string]bool) bool {
	seen[from] = true
	for next := range arrows[from] {
		if next == to || (!seen[next] && reaches(arrows, next, to, seen)) {
			return true
		}
	}
	return false
}

func TestDrawingIsUpToDate(t *testing.T) {
	_, all := sources(t)
	content, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(content), "<!-- arrows -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- /arrows -->")
	if !ok1 || !ok2 {
		t.Fatal("the page has no place for the arrows")
	}
	want := before + "<!-- arrows -->\n" + drawing(all) + "<!-- /arrows -->" + after
	if want == string(content) {
		return
	}
	if !*update {
		t.Fatal("the drawing is out of date: go test ./internal/tidy -update")
	}
	if err := os.WriteFile(architecture, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
