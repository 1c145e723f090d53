package cli

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Too many arguments and too few are refused in words, with the line as it is to be; the count is cobra's or ours.
func TestCountsOfArgumentsInWords(t *testing.T) {
	for name, c := range map[string]struct {
		args  cobra.PositionalArgs
		given []string
		want  string
	}{
		"too few":       {cobra.MinimumNArgs(2), []string{"a"}, "noun verb A B: want at least 2 arguments, got 1"},
		"too many":      {cobra.MaximumNArgs(1), []string{"a", "b"}, "noun verb A B: want at most 1 argument, got 2"},
		"out of range":  {cobra.RangeArgs(2, 3), nil, "noun verb A B: want 2 to 3 arguments, got 0"},
		"another count": {cobra.ExactArgs(2), []string{"a"}, "noun verb A B: want 2 arguments, got 1"},
		"ours":          {ExactArgs(1), nil, "noun verb A B: want 1 argument, got 0"},
		"none wanted":   {cobra.NoArgs, []string{"a"}, `noun verb: it takes no argument, got "a"`},
	} {
		root := &cobra.Command{Use: "noun", SilenceErrors: true, SilenceUsage: true}
		root.AddCommand(&cobra.Command{Use: "verb A B", Args: c.args, RunE: func(*cobra.Command, []string) error { return nil },
			DisableFlagsInUseLine: true})
		StrictTree(root)
		root.SetArgs(append([]string{"verb"}, c.given...))
		root.SetErr(io.Discard)
		err := root.Execute()
		if err == nil || err.Error() != c.want || !errors.As(err, new(UsageError)) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "arg(s)") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
