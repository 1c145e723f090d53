package farmcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/words"
)

func newFarmSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set SELECTOR nameplate=TH/s watts=W limit=°C",
		Short: "Say what machines should hash, draw, and how hot they may run",
		Long: `Gives machines a nameplate in TH/s, its watts, and the temperature in °C at which the hottest chip
raises the alert "hot". What is given goes before the machine's own word and the catalogue, from the next poll on; a
watch that runs takes it up within a minute. Accounts of time before do not change. - takes back what was given;
certificate=- has a machine that speaks HTTPS believed with the certificate that it shows next.`,
		Example: "  aqsha farm set ekibastuz/c1/r2 nameplate=116 watts=3350\n" +
			"  aqsha farm set SMTTYRHBDJAAI0001 limit=85 --json\n" +
			"  aqsha farm set '*' watts=-",
		Args: cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			// Judged whole before the fleet is read: of three figures with a wrong one, none is set.
			change, err := fleet.ParseGiven(args[1:])
			if fault.Code(err) == "bad-setting" {
				err = farmdir.Mistyped(err)
			}
			if err != nil {
				return err
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			machines, err := inventory.Select(args[0]) // in a folder that is not there nothing is made
			if err != nil {
				return err
			}
			// All machines in one file that is replaced whole: after a crash either all have the new figures, or none
			// has.
			if err := fleet.Update(dir, func(now *fleet.Inventory) (err error) {
				if machines, err = now.Select(args[0]); err != nil {
					return err
				}
				for _, m := range machines {
					change.Apply(m)
				}
				return nil
			}); err != nil {
				return err
			}
			return cli.Show(command, machines, func(w io.Writer) {
				cli.Tabbed(w, func(tab io.Writer) {
					l := cli.LanguageFor(command)
					for _, m := range machines {
						rate, watts, _ := m.Nameplate()
						fmt.Fprintln(tab, l.Text("farm.limits", "machine", terminal.Plain(m.ID),
							"place", terminal.Plain(m.Place.String()), "model", terminal.Plain(m.Model), "rate",
							rate/1_000_000, "watts", watts, "heat", heatLimitText(l, m.HeatLimit())))
					}
				})
			})
		},
	}
}

func heatLimitText(l words.Language, limit int64) string {
	if limit == 0 {
		return l.Text("farm.no-heat-limit")
	}
	return l.Text("farm.heat-limit", "degrees", limit)
}
