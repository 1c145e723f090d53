package main

import (
	"strings"
	"testing"
)

// Every page that is listed can be printed, and says how its command is used.
func TestEveryCommandHasAManualPage(t *testing.T) {
	root := newRootCommand()
	names := pageNames(root)
	if len(names) < 150 || names[0] != "" {
		t.Fatalf("%d pages, the first is %q", len(names), names[0])
	}
	for _, name := range names {
		found, rest, err := root.Find(strings.Fields(name))
		if err != nil || len(rest) > 0 {
			t.Fatalf("aqsha %s: %v, %v", name, rest, err)
		}
		page, err := manualOf(found)
		if err != nil || !strings.Contains(string(page), ".SH SYNOPSIS") || !strings.Contains(string(page), strings.ReplaceAll(found.CommandPath(), " ", "-")) {
			t.Errorf("aqsha %s: %v\n%.300s", name, err, page)
		}
	}
}
