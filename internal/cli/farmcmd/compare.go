package farmcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
)

func newFarmCompareCommand() *cobra.Command {
	var s farmdir.Span
	command := &cobra.Command{
		Use:   "compare",
		Short: "Compare accepted work as machines count it with what the pool counts",
		Long: `Compares, for each machine whose worker the pool knows, the work that the machine says was accepted
with the work that the pool credits to the worker, between the first and the last of the pool's readings in the time
(the last day by default). 'aqsha farm watch --pool-workers' takes readings; pool.csv (time,worker,work_difficulty)
may come from elsewhere. A difference of over 2 % is marked: shares that go elsewhere, a worker with two machines, or
a pool that does not pay for all.`,
		Example: "  aqsha farm compare\n  aqsha farm compare --from 2026-10-01 --to 2026-10-08 --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			b, err := farmdir.Open(command)
			if err != nil {
				return err
			}
			defer b.Close()
			to := b.Store.Newest() + 1
			if s.To != "" {
				at, err := farmdir.ParseTime("to", s.To, &b.Config)
				if err != nil {
					return err
				}
				to = usage.At(at)
			}
			// To the newest poll and not to now: a farm that was not watched today has nothing to compare.
			from := to - usage.Day
			if s.From != "" {
				at, err := farmdir.ParseTime("from", s.From, &b.Config)
				if err != nil {
					return err
				}
				from = usage.At(at)
			}
			if from > to {
				return farm.Refuse("bad-time", "to", "want it after from")
			}
			zone := b.Config.Location()
			rows, err := b.ComparePool(command.Context(), from, to)
			if err != nil {
				return err
			}
			return cli.Show(command, rows, func(w io.Writer) {
				l := cli.LanguageFor(command)
				cli.Tabbed(w, func(tab io.Writer) {
					fmt.Fprintln(tab, l.Text("farm.compare-columns"))
					for _, r := range rows {
						annotation := ""
						if r.Differs {
							annotation = "  " + l.Text("farm.differs")
						}
						fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%.1f\t%.1f\t%+.2f %%%s\n", r.Machine,
							terminal.Plain(r.Worker), farmdir.Moment(r.From, zone), farmdir.Moment(r.To, zone),
							r.Device.Float()/1e15, r.Pool.Float()/1e15, float64(r.OffPPM)/10_000, annotation)
					}
				})
			})
		},
	}
	s.Register(command)
	return command
}
