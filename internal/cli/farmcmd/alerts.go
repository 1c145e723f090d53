package farmcmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

func newFarmAlertsCommand() *cobra.Command {
	var since string
	command := &cobra.Command{
		Use:   "alerts",
		Short: "List the alerts that hold, or with --since everything that was told",
		Example: "  aqsha farm alerts\n" +
			"  aqsha farm alerts --since 2026-11-03T20:00 --json",
		Long: `Lists the alerts that hold, each with since when: the state that 'aqsha farm today' stands on too.
Silenced ones are listed and marked.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, config, err := farmdir.Config(command)
			if err != nil {
				return err
			}
			if since != "" {
				from, err := farmdir.ParseTime("since", since, &config)
				if err != nil {
					return err
				}
				notices, err := records.ReadNotices(dir, from)
				if err != nil {
					return err
				}
				if cli.WantsJSON(command) {
					return cli.ShowJSON(command, notices)
				}
				printNotices(command, config.Location(), notices)
				return nil
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			// Without the samples, which a watch may be writing: what holds follows from the notices alone.
			standing, _, err := (&records.Records{Dir: dir, Config: config, Fleet: inventory}).Standing()
			if err != nil {
				return err
			}
			acks, err := notify.ReadAcknowledgements(vfs.OS, dir)
			if err != nil {
				return err
			}
			// An acknowledged alert is listed all the same: it holds until the machine is well, whoever sees to it.
			listed := records.WithAcknowledgements(standing, acks)
			language, err := cli.LanguageOf(command)
			if err != nil {
				return err
			}
			return cli.Show(command, listed,
				func(w io.Writer) { listStanding(w, listed, config.Location(), language) })
		},
	}
	command.Flags().StringVar(&since, "since", "", "list every notice from this time on")
	command.AddCommand(newFarmAlertsAckCommand(), newFarmAlertsTestCommand())
	cli.ChangingVerbs(command, "ack", "test")
	return command
}

// listStanding prints alerts that hold. A machine's own fault codes say more than the alert's text, in the reader's
// language.
func listStanding(w io.Writer, standing []records.Held, zone *time.Location, l words.Language) {
	if len(standing) == 0 {
		fmt.Fprintln(w, l.Text("farm.no-alert"))
	}
	cli.Tabbed(w, func(tab io.Writer) {
		for _, s := range standing {
			detail := terminal.Plain(s.Say(l))
			if s.Silenced {
				detail = l.Text("farm.silenced", "text", detail)
			}
			if a := s.Acknowledged; a != nil {
				said := []any{"text", detail, "who", terminal.Plain(a.Who), "note", terminal.Plain(a.Note)}
				if a.Note != "" {
					detail = l.Text("farm.seen-to-note", said...)
				} else {
					detail = l.Text("farm.seen-to", said...)
				}
			}
			fmt.Fprintf(
				tab,
				"%s\t%s\t%s\t%s\n",
				s.Kind,
				terminal.Plain(s.Machine),
				l.Text("farm.since", "at", farmdir.Moment(s.Since, zone)),
				detail,
			)
		}
	})
}
