package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// Every command that does something shows an example, and every example is a command line that parses:
// the command exists, takes these flags and this many arguments. The scripts run them.
func TestEveryCommandHasExamplesThatParse(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, child := range c.Commands() {
			visit(child)
		}
		if c.RunE == nil || c.Annotations[cli.JoinsOnly] != "" {
			return
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		for _, line := range strings.Split(c.Example, "\n") {
			for _, call := range strings.Split(line, " && ") {
				checkExample(t, c, strings.TrimSpace(call))
			}
		}
	}
	visit(newRootCommand())
}

func checkExample(t *testing.T, c *cobra.Command, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, "  #")
	line, _, _ = strings.Cut(line, " | ")
	line, _, _ = strings.Cut(line, " > ")
	words := splitWords(line)
	for len(words) > 0 && strings.Contains(words[0], "=") { // environment
		words = words[1:]
	}
	if len(words) == 0 || words[0] != "aqsha" {
		t.Errorf("%s: example %q does not call aqsha", c.CommandPath(), line)
		return
	}
	root := newRootCommand()
	found, rest, err := root.Find(words[1:])
	if err != nil {
		t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
		return
	}
	if err := found.ParseFlags(rest); err != nil {
		t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
		return
	}
	if err := found.ValidateArgs(found.Flags().Args()); err != nil {
		t.Errorf("%s: example %q: %v", c.CommandPath(), line, err)
	}
}

// splitWords splits as a shell does, for double quotes alone.
func splitWords(line string) (words []string) {
	var word strings.Builder
	quoted, open := false, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted, open = !quoted, true
		case c == ' ' && !quoted:
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}

// The commands on the pages of the uses are command lines that parse; the scripts that the pages name
// run them.
func TestCommandsOfTheUsesParse(t *testing.T) {
	pages, err := filepath.Glob("../../docs/uses/*.md")
	if err != nil || len(pages) < 6 {
		t.Fatal(err, pages)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
			if strings.HasPrefix(line, "    aqsha ") {
				checkExample(t, newRootCommand(), strings.Join(strings.Fields(strings.SplitN(line, "  #", 2)[0][4:]), " "))
			}
		}
	}
}
