package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/cobra"
)

// asked is a command that is run as the program runs it, with what it came to.
func asked(t *testing.T, run func(command *cobra.Command) error, flags ...string) (out, wrong string, exit int) {
	t.Helper()
	root := &cobra.Command{Use: "aqsha", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().Bool("json", false, "")
	root.PersistentFlags().String("lang", "en", "")
	command := &cobra.Command{Use: "do", RunE: func(command *cobra.Command, args []string) error {
		return withNotes(command, args, func(command *cobra.Command, _ []string) error { return run(command) })
	}}
	root.AddCommand(command)
	var o, e bytes.Buffer
	root.SetOut(&o)
	root.SetErr(&e)
	root.SetArgs(append([]string{"do"}, flags...))
	if ran, err := root.ExecuteC(); err != nil {
		exit = Report(ran, err)
	}
	return o.String(), e.String(), exit
}

// What a command says beside its result is one document for programs: alone, or with the error, in the order in which
// it was said and without what moves a cursor; people hear it at once, as it is.
func TestWarningsAreOneDocument(t *testing.T) {
	t.Parallel()
	warn := func(command *cobra.Command, lines ...string) {
		for _, line := range lines {
			fmt.Fprintln(command.ErrOrStderr(), line)
		}
	}
	for name, c := range map[string]struct {
		lines []string
		err   error
		want  []string
	}{
		"nothing":                  {nil, nil, nil},
		"one":                      {[]string{"first"}, nil, []string{"first"}},
		"two":                      {[]string{"first", "second"}, nil, []string{"first", "second"}},
		"a stranger's text":        {[]string{"a\x1b[2Jb", `"quoted"`}, nil, []string{`a\x1b[2Jb`, `"quoted"`}},
		"blanks":                   {[]string{"", "  "}, nil, nil},
		"an error":                 {nil, errors.New("broken"), nil},
		"a warning, then an error": {[]string{"first"}, errors.New("broken"), []string{"first"}},
		"a silent ending":          {[]string{"first"}, ExitWith(ExitRefused), nil},
	} {
		out, wrong, exit := asked(t, func(command *cobra.Command) error {
			warn(command, c.lines...)
			if c.err != nil {
				return c.err
			}
			return Show(command, map[string]int{"n": 1}, nil)
		}, "--json")
		var document struct {
			Warnings []string
			Code     string
		}
		if wrong != "" {
			decoder := json.NewDecoder(strings.NewReader(wrong))
			if err := decoder.Decode(&document); err != nil || decoder.More() {
				t.Errorf("%s: not one document: %v\n%s", name, err, wrong)
			}
		}
		silent := c.err != nil && errors.As(c.err, new(ExitWith))
		if !silent && fmt.Sprint(document.Warnings) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", name, document.Warnings, c.want)
		}
		if (out == "") != (c.err != nil) || (exit == 0) != (c.err == nil) ||
			!silent && (document.Code == "") != (c.err == nil) {
			t.Errorf("%s: exit %d, %s%s", name, exit, out, wrong)
		}
	}
	_, wrong, _ := asked(t, func(command *cobra.Command) error { warn(command, "first"); return nil })
	if wrong != "first\n" {
		t.Errorf("people read %q", wrong)
	}
}

// Warnings without an end are cut at a bound, and several that are said at once are whole lines.
func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	kept := &notes{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range maxNotes / 100 {
				if n, err := kept.Write([]byte(strings.Repeat("x", 49) + "\n")); n != 50 || err != nil {
					t.Error(n, err)
				}
			}
		})
	}
	all.Wait()
	if kept.text.Len() > maxNotes {
		t.Errorf("%d bytes", kept.text.Len())
	}
	for _, line := range kept.lines() {
		if len(line) != 49 {
			t.Fatalf("%q", line)
		}
	}
}

// A command that goes on says at once where it listens: what waits for its end would never be read.
func TestWhatGoesOnSpeaksAtOnce(t *testing.T) {
	t.Parallel()
	command := SpeakingAtOnce(&cobra.Command{})
	command.Flags().Bool("json", true, "")
	var wrong bytes.Buffer
	command.SetErr(&wrong)
	err := withNotes(command, nil, func(command *cobra.Command, _ []string) error {
		fmt.Fprintln(command.ErrOrStderr(), "it listens")
		if wrong.String() != "it listens\n" {
			t.Errorf("%q", wrong.String())
		}
		return nil
	})
	if err != nil || wrong.String() != "it listens\n" {
		t.Errorf("%v, %q", err, wrong.String())
	}
}

// Whoever asked for JSON gets it too where the line was refused before it was read: wherever --json stands, but for
// what is no flag any more.
func TestJSONIsHeardInAWrongLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{"pay --json": true, "--json pay x": true, "pay --json=true": true,
		"pay": false, "pay -- --json": false, "pay --jsonl": false, "pay --json=false": false, "pay json": false, "": false} {
		root, pay := &cobra.Command{Use: "aqsha"}, &cobra.Command{Use: "pay", Run: func(*cobra.Command, []string) {}}
		root.PersistentFlags().Bool("json", false, "")
		root.AddCommand(pay)
		HearJSON(pay, strings.Fields(line))
		if got := WantsJSON(pay); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}
