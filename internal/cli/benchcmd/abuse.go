package benchcmd

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api/abuse"
	"github.com/aqsha/aqsha/internal/cli"
)

func newBenchAbuseCommand() *cobra.Command {
	var o abuse.Options
	var dir, role string
	command := &cobra.Command{
		Use:   "abuse",
		Short: "Measure what strangers can take from honest payers",
		Long: `Sixteen honest payers pay as fast as they are answered, half with a bank's access and half as
strangers, while attackers without any access attack the same node: forgeries, contracts that are refused and
expensive, bodies that are never finished, readers of long lists, 1,000 streams, readers that are slow. Likewise
sixteen honest miners send shares to a pool of 3,000 workers beside connections that say nothing, ever new worker
names, readers of its pages and lists, and bodies that are never finished. Each attack goes on twice at the same pace:
against the node or pool, and then as hard against what throws all away, since attackers take processor time too.
Compared are payments or shares a second, the 99th percentile of their waiting, and the memory. All of it is on this
machine's loopback, and ends with the command.`,
		Example: `  aqsha bench abuse
  aqsha bench abuse --attack forgeries --attack streams --duration 3s --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// This program again, as one of the processes of the measurement: an attacker in the node's own process
			// would take from the node's memory and threads what it takes over the network.
			switch role {
			case "serve":
				return abuse.Serve(command.Context(), dir, command.InOrStdin(), command.OutOrStdout())
			case "pool":
				return abuse.ServePool(command.Context(), dir, command.InOrStdin(), command.OutOrStdout())
			case "sink":
				return abuse.Sink(command.Context(), command.InOrStdin(), command.OutOrStdout())
			case "attack":
				return abuse.Attack(command.Context(), command.InOrStdin(), command.OutOrStdout())
			}
			if o.Duration < 100*time.Millisecond || o.Duration > time.Minute {
				return cli.Usage(fmt.Errorf("--duration: want 100ms to 1m"))
			}
			if o.Rounds < 1 || o.Rounds > 100 {
				return cli.Usage(fmt.Errorf("--rounds: want 1 to 100"))
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			result, err := benchIn(command, dir, func(dir string, notify func(string, int, int)) (abuse.Result, error) {
				o.Start = func(role string) *exec.Cmd {
					return exec.Command(self, "bench", "abuse", "--role", role, "--data", filepath.Join(dir, role))
				}
				return abuse.Run(command.Context(), o, notify)
			})
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) { describeAbuse(w, result) })
		},
	}
	flags := command.Flags()
	flags.DurationVar(&o.Duration, "duration", 5*time.Second, "of each part; a round of an attack has two")
	flags.IntVar(&o.Rounds, "rounds", 3,
		"of each attack, by turns against the node and what throws all away; medians count")
	flags.StringArrayVar(&o.Attacks, "attack", nil,
		"only this one, several times for several: "+strings.Join(abuse.Names(), ", "))
	flags.StringVar(&dir, "data", "", "where to write (default: a folder here, removed afterwards)")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&role, "role", "", "")
	_ = flags.MarkHidden("role")
	return command
}

func describeAbuse(w io.Writer, r abuse.Result) {
	fmt.Fprintf(w, "nobody attacks: %.0f payments/s, p99 %.1f ms; %.0f shares/s, p99 %.1f ms\n", r.Alone.PerSecond,
		r.Alone.P99, r.MinersAlone.PerSecond, r.MinersAlone.P99)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "attack\tquiet/s\tattacked/s\tshare\tquiet p99 ms\tp99 ms\tratio\tMB over quiet\tattackers' "+
		"steps\trefused\t")
	for _, name := range abuse.Names() {
		a, ok := r.Attacks[name]
		if !ok {
			continue
		}
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%.2f\t%.1f\t%.1f\t%.1f\t%.0f\t%d\t%d\t\n", name, a.Quiet.PerSecond,
			a.Attacked.PerSecond, a.Share, a.Quiet.P99, a.Attacked.P99, a.P99Ratio, a.Memory, a.Steps, a.Refused)
	}
	table.Flush()
	fmt.Fprintf(w, "worst: %.2f of the quiet rate, p99 %.1f times, %.0f MB over quiet\n", r.ShareWorst, r.P99RatioWorst,
		r.MemoryWorst)
}
