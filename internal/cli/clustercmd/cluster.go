package clustercmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/cli/statuscmd"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// NewClusterCommand makes the command "cluster".
func NewClusterCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "cluster",
		Short: "Order a ledger together with others, so that nobody owns it alone",
		Long: `Order a ledger together: the central bank and the intermediaries each run a validator, and a payment is
final when more than two thirds of them have agreed on its block. No machine leads; any third of them, less one, may
be lost or lie, and the others go on. Each has the whole log, verifies every signature and rule, and signs
checkpoints, which hold under the signatures of more than two thirds.

"aqsha cluster init" founds a network with a directory for each validator; "aqsha up --data DIRECTORY" runs one.
docs/cluster.md says how to add a bank, and what to do when machines are lost.`,
		Example: "  aqsha cluster init --validators central,dala,tulpar,farmers --data ./net\n  aqsha cluster status " +
			"--data ./net/dala\n  aqsha cluster demo",
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newClusterInitCommand(), newClusterStatusCommand(), newClusterPrepareCommand(),
		newClusterAddCommand(), newClusterRemoveCommand(), newClusterRotateCommand(), newClusterSetCommand(),
		newClusterAdoptCommand(), newClusterDissolveCommand(), newClusterDemoCommand())
	session.ChangesLedger(command, "add", "remove", "rotate", "set")
	return command
}

func newClusterStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how a validator sees its cluster",
		Long: `Show how the validator that runs on the data directory, or at --node, sees its cluster: who is reached,
who has voted for the last block, and how many votes of each are missing since it started. The exit code is 3
(group-unwell) when payments wait.`,
		Example: "  aqsha cluster status --data ./net/central\n  aqsha cluster status --node http://127.0.0.1:8421 " +
			"--json | jq '.members[] | select(.connected | not)'",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return session.WithSession(command, true, func(ctx context.Context, s *session.Session) error {
				ordering, err := s.API.Cluster(ctx)
				if err != nil {
					return err
				}
				seen := ordering.Cluster
				if seen == nil {
					return cli.Usage(errors.New("this node orders alone, or does not run: a cluster's validator is " +
						"founded with \"aqsha cluster init\" and run with \"aqsha up\""))
				}
				err = cli.Show(command, seen, func(w io.Writer) {
					describeCluster(w, cli.LanguageFor(command), seen)
				})
				// After everything is shown: who asks because payments wait wants to see who is missing, and a monitor
				// reads the exit code.
				if why := seen.Waits(); err == nil && why != "" {
					return token.Errorf(statuscmd.GroupUnwell, "cluster", "%s", terminal.Plain(why))
				}
				return err
			})
		},
	}
}

// describeCluster says how a validator sees its cluster.
func describeCluster(w io.Writer, l words.Language, seen *status.Status) {
	fmt.Fprintln(w, l.Text("cluster.head", "name", seen.Member, "height", seen.Height, "seconds",
		fmt.Sprintf("%.1f", float64(seen.Silent)/1000), "reached", seen.Reached, "all", len(seen.Members), "needed",
		seen.Needed))
	if seen.Since > 0 {
		fmt.Fprintln(w, l.Text("cluster.since", "entry", seen.Since))
	}
	if seen.Outside {
		fmt.Fprintln(w, l.Text("cluster.outside", "name", seen.Member))
	}
	// Above the table of members, among whom they are no more.
	if len(seen.Leaving) > 0 {
		var left []string
		for i := range seen.Leaving {
			left = append(left, terminal.Plain(seen.Leaving[i].Name))
		}
		fmt.Fprintln(w, l.Text("cluster.leaving", "block", seen.Changed+status.InForce, "names",
			strings.Join(left, ", ")))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, l.Text("cluster.columns"))
	for _, m := range seen.Members {
		reached := yesNo(l, m.Connected)
		if m.Self {
			reached = l.Text("cluster.itself")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\n", terminal.Plain(m.Name), reached, yesNo(l, m.Signed), m.Missed)
	}
	table.Flush()
	if seen.Batches > 0 {
		fmt.Fprintln(w, l.Text("cluster.waiting", "batches", seen.Batches, "bytes", seen.Bytes))
	}
	for i := range seen.Faults {
		f := &seen.Faults[i]
		fmt.Fprintln(w, l.Text("cluster.twice", "name", terminal.Plain(f.Member), "height", f.Height, "kind",
			terminal.Plain(f.Kind), "evidence", f.Evidence()))
	}
}

func yesNo(l words.Language, yes bool) string {
	if yes {
		return l.Text("cluster.yes")
	}
	return l.Text("cluster.no")
}
