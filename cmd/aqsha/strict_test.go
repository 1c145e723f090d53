package main

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/words"
)

// everyCommand visits a tree.
func everyCommand(c *cobra.Command, visit func(c *cobra.Command)) {
	visit(c)
	for _, child := range c.Commands() {
		everyCommand(child, visit)
	}
}

// exitOf runs a command line, whose functions must not be reached, and returns its exit code and what it said.
func exitOf(t *testing.T, line ...string) (int, string) {
	t.Helper()
	root := newRootCommand()
	everyCommand(root, func(c *cobra.Command) {
		if c.Annotations[cli.JoinsOnly] == "" && c.RunE != nil {
			c.RunE = func(*cobra.Command, []string) error { return cli.Begun(errors.New("the command began")) }
		}
	})
	return verdictOn(t, root, line)
}

// verdictOn plays a command line in this process: the exit code, and what was said.
func verdictOn(t *testing.T, root *cobra.Command, line []string) (int, string) {
	t.Helper()
	root.SetIn(strings.NewReader(""))
	var said bytes.Buffer
	root.SetArgs(line)
	root.SetErr(&said)
	root.SetOut(&said)
	command, err := root.ExecuteContextC(t.Context())
	switch {
	case err == nil:
		return cli.ExitOK, said.String()
	case !cli.Started(err):
		err = cli.Usage(err)
	}
	return cli.Report(command, err), said.String()
}

// path is a command's words after the program's name.
func pathOf(c *cobra.Command) []string { return strings.Fields(c.CommandPath())[1:] }

// A wrong command line ends with 2, at every command of the tree: an unknown noun or verb, a flag that is not there or whose
// value does not parse, arguments that are missing or too many, and a flag that is missing.
func TestWrongCommandLinesEndWithTwo(t *testing.T) {
	tried := map[string]int{}
	try := func(kind string, line ...string) {
		t.Helper()
		tried[kind]++
		if exit, said := exitOf(t, line...); exit != cli.ExitUsage {
			t.Errorf("%s: aqsha %s: exit %d, want %d: %s", kind, strings.Join(line, " "), exit, cli.ExitUsage, said)
		}
	}
	try("an unknown noun", "no-such-noun")
	everyCommand(newRootCommand(), func(c *cobra.Command) {
		if !c.HasParent() || c.Name() == "help" {
			return
		}
		path := pathOf(c)
		if c.Annotations[cli.JoinsOnly] != "" {
			try("an unknown verb", append(path, "no-such-verb")...)
			try("no verb", path...)
			return
		}
		try("an unknown flag", append(path, "--no-such-flag")...)
		if c.Args != nil && c.Args(c, nil) != nil {
			try("missing arguments", path...)
		}
		many := slices.Repeat([]string{"x"}, 20)
		if c.Args != nil && c.Args(c, many) != nil {
			try("surplus arguments", append(path, many...)...)
		}
		required := false
		c.Flags().VisitAll(func(f *pflag.Flag) {
			required = required || len(f.Annotations[cobra.BashCompOneRequiredFlag]) > 0
			switch f.Value.Type() {
			case "int", "uint", "int64", "uint64", "uint32", "float64", "bool", "duration":
				try("a value that does not parse", append(path, "--"+f.Name+"=x")...)
			}
		})
		if required {
			for n := range 20 { // with as many arguments as it takes
				if args := slices.Repeat([]string{"x"}, n); c.Args == nil || c.Args(c, args) == nil {
					try("a missing flag", append(path, args...)...)
					break
				}
			}
		}
	})
	for _, kind := range []string{"an unknown verb", "an unknown flag", "missing arguments", "surplus arguments", "a value that does not parse", "a missing flag"} {
		if tried[kind] < 8 {
			t.Errorf("only %d command lines with %s were tried", tried[kind], kind)
		}
	}
}

// Help is no mistake, wherever it is asked for.
func TestHelpEndsWithZero(t *testing.T) {
	everyCommand(newRootCommand(), func(c *cobra.Command) {
		if exit, said := exitOf(t, append(pathOf(c), "--help")...); exit != cli.ExitOK || !strings.Contains(said, "Usage:") {
			t.Errorf("%s --help: exit %d, %s", c.CommandPath(), exit, said)
		}
	})
}

// The commands that the words tell people to type are there.
func TestWordsNameCommandsThatExist(t *testing.T) {
	quoted := regexp.MustCompile(`'aqsha ([^']+)'`)
	seen := 0
	for _, l := range words.Languages {
		for _, e := range l.ExplainAll() {
			for _, found := range quoted.FindAllStringSubmatch(e.Means+e.Do, -1) {
				line, open := strings.CutSuffix(found[1], "-…")
				var path []string
				for _, word := range strings.Fields(line) {
					if strings.HasPrefix(word, "-") || strings.ToUpper(word) == word {
						break
					}
					path = append(path, word)
				}
				seen++
				root := newRootCommand()
				if open { // any that begins so
					parent, _, err := root.Find(path[:len(path)-1])
					if err != nil || !slices.ContainsFunc(parent.Commands(), func(c *cobra.Command) bool { return strings.HasPrefix(c.Name(), path[len(path)-1]+"-") }) {
						t.Errorf("%s: %s: no command is %q", l, e.Code, found[0])
					}
					continue
				}
				c, rest, err := root.Find(path)
				if err != nil || len(rest) > 0 || c == root {
					t.Errorf("%s: %s: no command is %q: %v", l, e.Code, found[0], rest)
				}
				for _, word := range strings.Fields(line) {
					if name, isFlag := strings.CutPrefix(word, "--"); isFlag && c.Flags().Lookup(name) == nil && c.InheritedFlags().Lookup(name) == nil {
						t.Errorf("%s: %s: %q has no --%s", l, e.Code, c.CommandPath(), name)
					}
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were looked at", seen)
	}
}
