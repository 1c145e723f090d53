package controlcmd

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/orders"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
)

const controlHelp = `ACTION is reboot, pool, sleep, wake, power, profile, fan, led, password or update; docs/farm.md
has a table of which firmware takes which. Nothing is done without --allow-control. Each machine must first say
that it is the one which is meant. Every order and its end stand in audit.jsonl, whose lines are chained by
hashes: "done" when the machine was seen to have done it within --confirm, otherwise "unconfirmed" with what it
says. On a firmware without the order nothing is sent. Machines are told in batches that move a site's load by
at most --step-kw within --settle. The password of stock Antminers is taken from --antminer-password-file or
AQSHA_ANTMINER_PASSWORD, that of other firmwares from --machine-password-file or AQSHA_MACHINE_PASSWORD
(otherwise what they come with), and a new one from --new-password-file or AQSHA_NEW_PASSWORD.

Orders end with the batch of the first machine that answers and does not do it (--keep-going goes on). --dry-run
tells nobody and shows the batches. --at keeps the order for "farm orders run". Above four_eyes machines of
farm.toml the order waits until another person has confirmed it. An update goes to --canaries first, which must
tell the new version and be healthy for --healthy before the rest follows; machines that are worse than before
end it.`

const controlExamples = `  aqsha farm control ekibastuz/c1 sleep --allow-control --step-kw 200
  aqsha farm control SMTTYRHBDJAAI0001 reboot --allow-control
  aqsha farm control ekibastuz/c1/r2 power --watts 2800 --allow-control
  aqsha farm control ekibastuz/c1/r2 fan --fan auto --allow-control
  aqsha farm control SMTTYRHBDJAAI0001 led --led on --allow-control
  aqsha farm control north update --file s19.bmu --sha256 HEX --firmware-version 2026.03 --canaries 4 --allow-control
  aqsha farm control ekibastuz/c1 sleep --at 2026-12-01T18:00 --within 15m
  aqsha farm control "*" pool --pool stratum+tcp://127.0.0.1:3333 --user bc1q.w1 --allow-control`

// NewFarmControlCommand is the verb "control": an order to machines.
func NewFarmControlCommand() *cobra.Command {
	var c control.Controller
	var o control.Order
	var fan, led, at string
	var within time.Duration
	var dry bool
	var firmware control.Firmware
	command := &cobra.Command{
		Use:               "control SELECTOR ACTION",
		Short:             "Order machines to reboot, change pools, sleep, wake, draw less, show where they are",
		Long:              controlHelp,
		Example:           controlExamples,
		Args:              cli.ExactArgs(2),
		ValidArgsFunction: completeActions,
		RunE: func(command *cobra.Command, args []string) error {
			dir, config, machines, err := selected(command, args[0])
			if err != nil {
				return err
			}
			if c.StepKW == 0 {
				c.StepKW = config.StepKW
			}
			o.Action = control.Action(args[1])
			if o.Action == control.Update {
				// The order may be let out later, by a process in another folder.
				if o.Firmware, err = absolute(&firmware); err != nil {
					return err
				}
				if !command.Flags().Changed("confirm") {
					c.Confirm = updateConfirm
				}
			}
			if err := orderSettings(command, &o, fan, led); err != nil {
				return err
			}
			return letOut(command, &c, &o, dir, &config, machines, dry, at, within)
		},
	}
	flags := command.Flags()
	controllerFlags(command, &c)
	personFlags(command)
	updateFlags(command, &firmware)
	flags.StringVar(&at, "at", "", "keep the order until this time, such as 2026-12-01T18:00 in the farm's zone")
	flags.DurationVar(&within, "within", 10*time.Minute, "by how much it may be late, with --at")
	flags.BoolVar(&dry, "dry-run", false, "tell nobody; show who would be told in which batch")
	cli.SecretFlags(flags, newPassword, newVariable, "for ACTION password: the new one")
	flags.Int64Var(&o.Watts, "watts", 0, "for ACTION power: the most that a machine may draw")
	flags.StringVar(&o.Profile, "profile", "", "for ACTION profile: its name on the firmware")
	flags.StringVar(&fan, "fan", "", "for ACTION fan: auto, or per cent")
	flags.StringVar(&led, "led", "", "for ACTION led: on or off")
	flags.StringVar(&o.PoolURL, "pool", "", "for ACTION pool: where to mine")
	flags.StringVar(&o.PoolUser, "user", "", "for ACTION pool: as whom")
	cli.Changing(command)
	return command
}

// completeActions names the actions.
func completeActions(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var actions []string
	if len(args) == 1 {
		for _, action := range control.Actions {
			actions = append(actions, string(action))
		}
	}
	return actions, cobra.ShellCompDirectiveNoFileComp
}

// letOut gives an order at once, keeps it, or shows what it would be. The pool is held against the settings in each
// case: an order to a pool that is not allowed is not even kept. Above four_eyes no order goes out at once, whoever
// gives it.
func letOut(command *cobra.Command, c *control.Controller, o *control.Order, dir string, config *records.Config,
	machines []*fleet.Machine, dry bool, at string, within time.Duration) error {
	if o.Action == control.Pool {
		if err := config.CheckPool(o.PoolURL, o.PoolUser); err != nil {
			return err
		}
	}
	if dry {
		results, err := c.DryRun(machines, *o)
		if err != nil {
			return err
		}
		return showResults(command, results)
	}
	second := config.NeedsSecond(len(machines))
	if at == "" && !second {
		return giveOrder(command, c, dir, machines, *o)
	}
	kept, err := waitingOrder(command, config, o, second, at, within)
	if err != nil {
		return err
	}
	return keepOrder(command, dir, kept, machines)
}

// waitingOrder is an order that waits: for its time, a second person, or both.
func waitingOrder(command *cobra.Command, config *records.Config, o *control.Order, second bool, at string,
	within time.Duration) (kept orders.Entry, err error) {
	kept = orders.Entry{What: o, Second: second}
	if kept.Who, err = person(command, config, second); err != nil || at == "" {
		return kept, err
	}
	if kept.From, err = farmdir.ParseTime("at", at, config); err != nil {
		return kept, err
	}
	kept.From = kept.From.UTC()
	kept.Until = kept.From.Add(within)
	if !kept.Until.After(time.Now()) {
		return kept, farm.Refuse("farm-bad-order", "at", "its time ended at %s, which is past",
			kept.Until.In(config.Location()).Format(time.RFC3339))
	}
	return kept, nil
}

// The secrets of orders besides the password of stock Antminers.
const (
	machinePassword = "machine-password"
	machineVariable = "AQSHA_MACHINE_PASSWORD"
	newPassword     = "new-password"
	newVariable     = "AQSHA_NEW_PASSWORD"
)

// orderSettings reads what belongs to an order's action.
func orderSettings(command *cobra.Command, o *control.Order, fan, led string) (err error) {
	switch o.Action {
	case control.Fan:
		o.FanPercent = control.Automatic
		if fan != "auto" {
			if o.FanPercent, err = strconv.Atoi(fan); err != nil || o.FanPercent < 0 {
				return farm.Refuse("farm-bad-order", "fan", "want auto, or 10 to 100 per cent, got %q", fan)
			}
		}
	case control.LED:
		if led != "on" && led != "off" {
			return farm.Refuse("farm-bad-order", "led", "want on or off, got %q", led)
		}
		o.On = led == "on"
	case control.Password:
		o.Secret, err = cli.Secret(command, newPassword, newVariable)
	}
	return err
}

// giveOrder opens the trail and gives the order. It ends with an error when a machine did not do it, after what all of
// them did was shown.
func giveOrder(command *cobra.Command, c *control.Controller, dir string, machines []*fleet.Machine,
	o control.Order) error {
	if err := prepare(command, c, dir); err != nil {
		return err
	}
	defer c.Audit.Close()
	results, err := c.Give(command.Context(), machines, o)
	if err != nil {
		return err
	}
	if err := showResults(command, results); err != nil {
		return err
	}
	return orderEnd(results)
}

// updateConfirm is in what time a machine must tell its new firmware: it writes it, starts and warms up.
const updateConfirm = 15 * time.Minute

// controllerFlags are how orders are given.
func controllerFlags(command *cobra.Command, c *control.Controller) {
	flags := command.Flags()
	flags.BoolVar(&c.Allow, "allow-control", false, "let orders through")
	flags.Int64Var(&c.StepKW, "step-kw", 0, "how far a site's load may be moved at a time (default: farm.toml, 500)")
	flags.DurationVar(&c.Settle, "settle", time.Minute, "between batches")
	flags.DurationVar(&c.Timeout, "timeout", 10*time.Second, "for each machine")
	flags.DurationVar(&c.Confirm, "confirm", 90*time.Second, "in which the machine must show that it has done it")
	flags.StringVar(&c.User, "antminer-user", "root", "of stock Antminers")
	flags.BoolVar(&c.KeepGoing, "keep-going", false, "go on after machines that did not do it (an update never does)")
	cli.SecretFlags(flags, farmdir.AntminerPassword, farmdir.AntminerVariable, "the password of stock Antminers")
	cli.SecretFlags(flags, machinePassword, machineVariable, "the password of other firmwares")
}

// prepare takes what giving orders needs besides flags: passwords, settings, who gives them, the trail.
func prepare(command *cobra.Command, c *control.Controller, dir string) error {
	if err := readSettings(command, c, dir); err != nil {
		return err
	}
	var err error
	c.Audit, err = control.OpenAudit(dir)
	return err
}

// readSettings is prepare without the trail.
func readSettings(command *cobra.Command, c *control.Controller, dir string) (err error) {
	// Before anything is opened or asked: a time below nothing would order, and never look whether it was done.
	if c.Timeout <= 0 || c.Confirm < 0 || c.Settle < 0 || c.StepKW < 0 {
		return cli.Usage(fmt.Errorf("--timeout %s, --confirm %s, --settle %s, --step-kw %d: want times and steps that "+
			"are not below nothing, and a time for each machine", c.Timeout, c.Confirm, c.Settle, c.StepKW))
	}
	if c.StepKW == 0 {
		config, err := records.ReadConfig(dir)
		if err != nil {
			return err
		}
		c.StepKW = config.StepKW
	}
	if c.Password, err = cli.Secret(command, farmdir.AntminerPassword, farmdir.AntminerVariable); err != nil {
		return err
	}
	if c.Others, err = cli.Secret(command, machinePassword, machineVariable); err != nil {
		return err
	}
	c.Who = farmdir.Operator()
	c.Progress = cli.ProgressOf(command, "orders")
	return nil
}

func showResults(command *cobra.Command, results []control.Result) error {
	return cli.Show(command, results, func(w io.Writer) {
		l := cli.LanguageFor(command)
		cli.Tabbed(w, func(tab io.Writer) {
			for _, r := range results {
				fmt.Fprintf(tab, "%d\t%s\t%s\t%s\n", r.Batch, terminal.Plain(r.Place), r.Machine,
					terminal.Plain(r.Say(l)))
			}
		})
	})
}

// orderEnd is what an order comes to that some machines have not taken: not known, where one of them may still do it;
// nobody reached, where none of them was there; else refused.
func orderEnd(results []control.Result) error {
	failed, unknown, unreached := 0, 0, 0
	for _, r := range results {
		if !r.Done() {
			failed++
		}
		if r.Unknown {
			unknown++
		}
		if r.Unreached {
			unreached++
		}
	}
	switch {
	case failed == 0:
		return nil
	case unknown > 0:
		return cli.EndWith(cli.ExitUnknown, farm.Refuse("farm-unconfirmed", "machines",
			"%d of %d machines have not shown that they took the order", unknown, len(results)))
	case unreached == len(results):
		return cli.EndWith(cli.ExitUnreached, farm.Refuse("farm-machines-not-reached", "machines",
			"none of %d machines could be reached", len(results)))
	}
	return farm.Refuse("not-done", "machines", "%d of %d machines have not taken the order", failed, len(results))
}

// selected are the machines that a selector names, with their farm's folder and settings.
func selected(command *cobra.Command, selector string) (dir string, config records.Config, machines []*fleet.Machine,
	err error) {
	if dir, err = farmdir.Of(command, false); err != nil {
		return dir, config, nil, err
	}
	if config, err = records.ReadConfig(dir); err != nil {
		return dir, config, nil, err
	}
	inventory, err := fleet.OpenInventory(dir)
	if err != nil {
		return dir, config, nil, err
	}
	machines, err = inventory.Select(selector)
	return dir, config, machines, err
}
