package controlcmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
)

// newFarmOrdersTrailCommand is the noun "trail": what was ordered, and whether it can be believed.
func newFarmOrdersTrailCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "trail",
		Short: "Check the trail of orders, and show how long it is and the hash of its last line",
		Long: `Reads audit.jsonl: whether each line follows from the one before, and whether it has all that audit.head
tells of. Keep the number and the hash elsewhere: whoever may write the folder can write both files anew. Ends with 3
when the trail is broken; then no order is given until another one is begun in its place.`,
		Example: "  aqsha farm orders trail\n  aqsha farm orders trail --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			entries, last, err := control.ReadAudit(dir)
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"lines": len(entries), "head": last}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.trail", "count", len(entries), "hash", last))
			})
		},
	}
	command.AddCommand(newFarmOrdersTrailBeginCommand())
	cli.ChangingVerbs(command, "begin")
	return command
}

func newFarmOrdersTrailBeginCommand() *cobra.Command {
	var why string
	command := &cobra.Command{
		Use:   "begin",
		Short: "Set a broken trail of orders aside as evidence, and begin another one that says so",
		Long: `A trail that was changed, cut or damaged stops every order. This keeps it as it is, under a name that
begins with audit.broken-, and begins another trail, whose first line says who did so, when and why, what was wrong,
and the SHA-256 of each file that was set aside. Look first who had the folder, and whether a copy has the lines that
are missing. A trail that holds together is not set aside.`,
		Example: "  aqsha farm orders trail begin --why 'disk of the control room replaced, ticket 114'",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			// Who begins it is the system's user: the trail is what people of farm.toml are judged by.
			anew, err := control.BeginAnew(dir, farmdir.Operator(), why, time.Now())
			if err != nil {
				return err
			}
			return cli.Show(command, anew, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("farm.trail-fault", "fault", terminal.Plain(anew.Fault)))
				for _, f := range anew.Aside {
					fmt.Fprintln(w, l.Text("farm.trail-aside", "file", terminal.Plain(f.File),
						"hash", "SHA-256 "+f.SHA256))
				}
				fmt.Fprintln(w, l.Text("farm.trail-begun", "hash", anew.Head))
			})
		},
	}
	command.Flags().StringVar(&why, "why", "", "the reason, which the new trail's first line keeps")
	return command
}
