package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A wrong command line ends with exit code 2 at whatever depth it is wrong, and nothing has begun then: cobra's own
// refusals (an unknown command or flag, a value that does not parse, too many arguments or too few, a flag that is
// missing) come before a command's function runs, so what that function returns is marked, and everything else is a
// mistake in the line.

// startedError is what a command returned that had begun.
type startedError struct{ error }

func (e startedError) Unwrap() error { return e.error }

// Begun marks what a command returned that had begun.
func Begun(err error) error { return startedError{err} }

// Started says whether an error is of a command that had begun.
func Started(err error) bool { return errors.As(err, new(startedError)) }

// ofNamedFile marks an error as one of the command line where a file that the line names is not there: every command
// that reads one ends alike.
func ofNamedFile(command *cobra.Command, args []string, err error) error {
	var of *fs.PathError
	if !errors.As(err, &of) || !errors.Is(of, fs.ErrNotExist) {
		return err
	}
	named := slices.Contains(args, of.Path)
	command.Flags().Visit(func(f *pflag.Flag) { named = named || f.Value.String() == of.Path })
	if named {
		return UsageError{err}
	}
	return err
}

// JoinsOnly marks commands that do nothing but join others.
const JoinsOnly = "joins only"

// counts are cobra's refusals of a number of arguments, and what is said in their place.
var counts = []struct {
	form *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`requires at least (\d+) arg\(s\), only received (\d+)`), "want at least $1 arguments, got $2"},
	{regexp.MustCompile(`accepts at most (\d+) arg\(s\), received (\d+)`), "want at most $1 arguments, got $2"},
	{regexp.MustCompile(`accepts between (\d+) and (\d+) arg\(s\), received (\d+)`), "want $1 to $2 arguments, got $3"},
	{regexp.MustCompile(`accepts (\d+) arg\(s\), received (\d+)`), "want $1 arguments, got $2"},
}

// countInWords is a refusal of too many arguments or too few as somebody reads it who writes no commands, with the line
// as it is to be.
func countInWords(command *cobra.Command, args []string, err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), strings.TrimSpace(command.Use)+": ")
	for _, c := range counts {
		if c.form.MatchString(text) {
			text = strings.ReplaceAll(c.form.ReplaceAllString(text, c.says), " 1 arguments", " 1 argument")
			return UsageError{fmt.Errorf("%s: %s", strings.TrimSpace(command.UseLine()), text)}
		}
	}
	if len(args) > 0 && strings.HasPrefix(text, "unknown command ") {
		return UsageError{fmt.Errorf("%s: it takes no argument, got %q", command.CommandPath(), args[0])}
	}
	return err
}

// StrictTree marks what every command of a tree returns, and has those that only join others refuse what is no command
// of theirs: cobra prints their help and succeeds, which a script takes for done. It is called once, when all commands
// are in the tree: a command that is added later has none of it, nor the exit codes.
func StrictTree(command *cobra.Command) *cobra.Command {
	for _, flags := range []*pflag.FlagSet{command.Flags(), command.PersistentFlags()} {
		spansOfOneForm(flags)
		wholeOfOneForm(flags)
	}
	for _, child := range command.Commands() {
		StrictTree(child)
	}
	if check := command.Args; check != nil {
		command.Args = func(command *cobra.Command, args []string) error {
			return countInWords(command, args, check(command, args))
		}
	}
	if run := command.RunE; run != nil {
		command.RunE = func(command *cobra.Command, args []string) error {
			runs(command)
			if err := withNotes(command, args, run); err != nil {
				return Begun(ofNamedFile(command, args, err))
			}
			return nil
		}
		return command
	}
	if command.Run != nil || !command.HasParent() || !command.HasSubCommands() {
		return command // the root says by itself that a noun is unknown, and helps who gives none
	}
	command.Args = cobra.ArbitraryArgs
	command.Annotations = map[string]string{JoinsOnly: "yes"}
	command.RunE = func(command *cobra.Command, args []string) error {
		var verbs []string
		for _, child := range command.Commands() {
			if child.IsAvailableCommand() {
				verbs = append(verbs, child.Name())
			}
		}
		if len(args) == 0 {
			return UsageError{fmt.Errorf("%s: say what: %s", command.CommandPath(), strings.Join(verbs, ", "))}
		}
		return UsageError{fmt.Errorf("unknown command %q for %q: want %s", args[0], command.CommandPath(),
			strings.Join(verbs, ", "))}
	}
	return command
}
