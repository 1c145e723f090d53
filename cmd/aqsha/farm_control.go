package main

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/book"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/spf13/cobra"
)

func newFarmControlCommand() *cobra.Command {
	var c control.Controller
	var o control.Order
	var confirmed bool
	command := &cobra.Command{
		Use:   "control SELECTOR ACTION",
		Short: "Tell machines to reboot, change their pool, sleep or wake (LuxOS, stock Antminers)",
		Long: `ACTION is reboot, pool, sleep or wake. Nothing is done without --allow-control. Each machine must first say
that it is the one which is meant. Every order and its end stand in audit.jsonl, whose lines are chained by hashes:
"done" when the machine was seen to have done it within --confirm, otherwise "unconfirmed" with what it says.
Machines are told in batches that move a site's load by at most --step-kw within --settle.
The password of stock Antminers is taken from AQSHA_ANTMINER_PASSWORD.`,
		Example: `  aqsha farm control ekibastuz/c1 sleep --allow-control --step-kw 200
  aqsha farm control SMTTYRHBDJAAI0001 reboot --allow-control
  aqsha farm control "*" pool --pool stratum+tcp://127.0.0.1:3333 --user bc1q.w1 --allow-control`,
		Args: exactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var actions []string
			if len(args) == 1 {
				for _, action := range control.Actions {
					actions = append(actions, string(action))
				}
			}
			return actions, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(command *cobra.Command, args []string) error {
			dir, err := farmDir(command, false)
			if err != nil {
				return err
			}
			config, err := book.ReadConfig(dir)
			if err != nil {
				return err
			}
			inventory, err := fleet.OpenInventory(dir)
			if err != nil {
				return err
			}
			machines, err := inventory.Select(args[0])
			if err != nil {
				return err
			}
			if c.StepKW == 0 {
				c.StepKW = config.StepKW
			}
			o.Action, c.Allow = control.Action(args[1]), confirmed
			return giveOrder(command, &c, dir, machines, o)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&confirmed, "allow-control", false, "let orders through")
	flags.Int64Var(&c.StepKW, "step-kw", 0, "how far a site's load may be moved at a time (default: farm.toml, 500)")
	flags.DurationVar(&c.Settle, "settle", time.Minute, "between batches")
	flags.DurationVar(&c.Timeout, "timeout", 10*time.Second, "for each machine")
	flags.DurationVar(&c.Confirm, "confirm", 90*time.Second, "in which the machine must show that it has done it")
	flags.StringVar(&c.User, "antminer-user", "root", "of stock Antminers")
	flags.StringVar(&o.PoolURL, "pool", "", "for ACTION pool: where to mine")
	flags.StringVar(&o.PoolUser, "user", "", "for ACTION pool: as whom")
	return command
}

func giveOrder(command *cobra.Command, c *control.Controller, dir string, machines []*fleet.Machine, o control.Order) error {
	c.Password = os.Getenv("AQSHA_ANTMINER_PASSWORD")
	c.Who = "unknown"
	if who, err := user.Current(); err == nil {
		c.Who = who.Username
	}
	c.Progress = progressOf(command, "orders")
	var err error
	if c.Audit, err = control.OpenAudit(dir); err != nil {
		return err
	}
	defer c.Audit.Close()
	results, err := c.Give(command.Context(), machines, o)
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		if !r.Done() {
			failed++
		}
	}
	if err := show(command, results, func(w io.Writer) {
		tabbed(w, func(tab io.Writer) {
			for _, r := range results {
				fmt.Fprintf(tab, "%d\t%s\t%s\t%s\n", r.Batch, plain(r.Place), r.Machine, plain(r.Outcome))
			}
		})
	}); err != nil {
		return err
	}
	if failed > 0 {
		return farm.Refuse("not_done", "machines", "%d of %d machines have not taken the order", failed, len(results))
	}
	return nil
}
