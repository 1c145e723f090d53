package farmcmd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
)

func newFarmAlertsAckCommand() *cobra.Command {
	var kinds []string
	var note string
	command := &cobra.Command{
		Use:   "ack SELECTOR",
		Short: "Say that you see to alerts, so that nobody else is called",
		Long: `Acknowledges the alerts that hold for machines: a route of farm.toml with "after" is not told of them
any more. An acknowledgement ends with its alert. It is a line of acks.jsonl in the farm's folder.`,
		Example: "  aqsha farm alerts ack ekibastuz/c1/r2 --kind hot --note \"fan ordered\"\n" +
			"  aqsha farm alerts ack SMTTYRHBDJAAI0001 --json",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			for _, k := range kinds {
				if !slices.Contains(alert.Kinds, alert.Kind(k)) {
					return cli.Usage(fmt.Errorf("--kind: %q is no kind of alert", k))
				}
			}
			if len(note) > records.MaxNote {
				return cli.Usage(fmt.Errorf("--note: at most %d bytes are taken", records.MaxNote))
			}
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			// Without the samples, which a watch holds: an acknowledgement is a line appended, and the watch reads it
			// before it calls the next person.
			acks, err := (&records.Records{Dir: dir, Fleet: inventory}).Acknowledge(
				notify.Acknowledgement{At: time.Now(), Who: farmdir.Operator(), Note: note}, args[0], kinds)
			if err != nil {
				return err
			}
			return cli.Show(command, acks, func(w io.Writer) {
				cli.Tabbed(w, func(tab io.Writer) {
					for _, a := range acks {
						fmt.Fprintf(tab, "%s\t%s\t%s\n", a.Kind, terminal.Plain(a.Machine),
							cli.LanguageFor(command).Text("farm.acknowledged", "who", terminal.Plain(a.Who)))
					}
				})
			})
		},
	}
	command.Flags().StringSliceVar(&kinds, "kind", nil, "of these kinds only")
	command.Flags().StringVar(&note, "note", "", "what is done about it")
	return command
}

func newFarmAlertsTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test ROUTE",
		Short: "Send a message by a route of farm.toml, to see that it arrives",
		Long: `Sends one message that says that it is a test, at once, also in quiet hours. Ends with 0 when the
receiver took it, 3 when it refused, 4 when it was sent and not answered, 5 when nobody was reached.`,
		Example: "  aqsha farm alerts test night\n  aqsha farm alerts test mail --json",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			_, config, err := farmdir.Config(command)
			if err != nil {
				return err
			}
			at := slices.IndexFunc(config.Routes, func(r notify.Route) bool { return r.Name == args[0] })
			if at < 0 {
				names := make([]string, len(config.Routes))
				for i := range config.Routes {
					names[i] = config.Routes[i].Name
				}
				return farm.Refuse("unknown-route", "route", "farm.toml has no route %q; it has: %s", args[0],
					strings.Join(names, ", "))
			}
			route := &config.Routes[at]
			// It has no number: a receiver counts real messages, and a test must not look like one that is missing.
			m := notify.Message{Farm: config.Name, Route: route.Name, At: time.Now(), Test: true}
			if err := routeEnd(route.Send(command.Context(), m, config.Location())); err != nil {
				return err
			}
			return cli.Show(command, map[string]string{"route": route.Name, "outcome": "taken"}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.route-took", "route", route.Name))
			})
		},
	}
}

// routeEnd is what a message comes to that was not taken.
func routeEnd(err error) error {
	var failure *notify.Failure
	switch {
	case !errors.As(err, &failure):
		return err
	case !failure.Reached:
		return cli.EndWith(cli.ExitUnreached, farm.Refuse("not-reached", "route", "%v", failure))
	case failure.Unknown:
		return cli.EndWith(cli.ExitUnknown, farm.Refuse("not-answered", "route", "%v", failure))
	}
	return farm.Refuse("not-taken", "route", "%v", failure)
}
