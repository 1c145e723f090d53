package copycmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/drill"
)

// NewDrillCommand makes the command "drill".
func NewDrillCommand() *cobra.Command {
	var duration time.Duration
	var clients int
	names := make([]string, 0, len(drill.All))
	about := ""
	for _, one := range drill.All {
		names = append(names, one.Name)
		about += fmt.Sprintf("  %-16s %s\n", one.Name, one.What)
	}
	command := &cobra.Command{
		Use:   "drill [DRILL…]",
		Short: "Rehearse the loss of machines: seven drills with a leader and two followers",
		Long: `Found a network for each drill, with a leader and two followers in processes of their own, of which one
must acknowledge each payment; let clients pay at whichever node leads; and play what operators have to be ready for:

` + about + `
Prints the longest time, from the fault on, that no payment was answered, how many payments were answered, and how many of those are lost: none, or the command fails.`,
		Example: `  aqsha drill
  aqsha drill leader-lost switchover --json`,
		RunE: func(command *cobra.Command, args []string) error {
			for _, name := range args {
				if !slices.Contains(names, name) {
					return cli.Usage(fmt.Errorf("%q is no drill: want %s", name, strings.Join(names, ", ")))
				}
			}
			if clients < 1 || clients > 100 {
				return cli.Usage(errors.New("--clients: want 1 to 100"))
			}
			if err := drillTime(duration); err != nil {
				return err
			}
			// All names are judged before the first drill: a misspelt fourth would be found out after three networks
			// have come and gone.
			return runDrills(command, args, clients, duration)
		},
	}
	command.Flags().IntVar(&clients, "clients", 4, "who pay at once")
	command.Flags().DurationVar(&duration, "for", 2*time.Second, "how long they pay before the fault, and after it")
	command.AddCommand(newDrillDestroyCommand())
	return command
}

// maxDrill bounds how long clients pay in a drill.
const maxDrill = time.Hour

// drillTime judges --for: clients who pay for no time show nothing, and the drill waits for their payments.
func drillTime(d time.Duration) error {
	if d <= 0 || d > maxDrill {
		return cli.Usage(fmt.Errorf("--for: want a time up to %s", maxDrill))
	}
	return nil
}

// runDrills plays drills one after the other, each on a network of its own. All results are shown; a payment that was
// answered and is lost makes it a failure, at the end.
func runDrills(command *cobra.Command, only []string, clients int, duration time.Duration) error {
	results := map[string]drill.Outcome{}
	var failed error
	for _, one := range drill.All {
		if len(only) > 0 && !slices.Contains(only, one.Name) {
			continue
		}
		result, err := drill.Play(command.Context(), cli.Narrator(command), one.Name, one.Play, clients, duration)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		if result.Lost > 0 {
			failed = errors.Join(failed, fmt.Errorf("%s: %d payments that were answered are lost", one.Name,
				result.Lost))
		}
		results[one.Name] = result
	}
	return errors.Join(cli.Show(command, results, func(w io.Writer) {
		for _, one := range drill.All {
			if r, played := results[one.Name]; played {
				fmt.Fprintf(w, "%-16s  %s\n", one.Name, cli.LanguageFor(command).Text("drill.line", "seconds",
					fmt.Sprintf("%.2f", r.Seconds), "answered", r.Answered, "lost", r.Lost, "asked", r.Refused))
			}
		}
	}), failed)
}
