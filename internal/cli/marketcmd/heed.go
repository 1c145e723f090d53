package marketcmd

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// grace is how long a command that is interrupted may take to clear up after itself.
var grace = 2 * time.Second

// heeding lets every command below heed an interruption: what is computed in one piece (a test of a million returns) is
// left where it is, and the process ends. A result of which a part was cut off must not pass for one, so that an
// interrupted command ends with an error whatever it has returned.
func heeding(command *cobra.Command) *cobra.Command {
	for _, verb := range command.Commands() {
		heeding(verb)
	}
	run := command.RunE
	if run == nil {
		return command
	}
	command.RunE = func(command *cobra.Command, args []string) error {
		ctx, done := command.Context(), make(chan error, 1)
		go func() { done <- run(command, args) }()
		select {
		case err := <-done:
			return interrupted(command, err)
		case <-ctx.Done():
		}
		select {
		case err := <-done:
			return interrupted(command, err)
		case <-time.After(grace):
			return interrupted(command, nil)
		}
	}
	return command
}

// interrupted is the error of a command that was, and err of one that was not.
func interrupted(command *cobra.Command, err error) error { return cli.Interrupted(command, err) }

// present prints a result, unless the command was interrupted while it was computed.
func present(command *cobra.Command, value any, human func(w io.Writer)) error {
	return cli.Present(command, value, human)
}
