package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
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

// JoinsOnly marks commands that do nothing but join others.
const JoinsOnly = "joins only"

// StrictTree marks what every command of a tree returns, and has those that only join others refuse what is no command
// of theirs: cobra prints their help and succeeds, which a script takes for done.
func StrictTree(command *cobra.Command) *cobra.Command {
	spansOfOneForm(command.Flags())
	spansOfOneForm(command.PersistentFlags())
	for _, child := range command.Commands() {
		StrictTree(child)
	}
	if run := command.RunE; run != nil {
		command.RunE = func(command *cobra.Command, args []string) error {
			if err := run(command, args); err != nil {
				return Begun(err)
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
