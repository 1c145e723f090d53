package pursecmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/purse/study"
	"github.com/aqsha/aqsha/words"
)

// maxRuns bounds how many populations a command plays.
const maxRuns = 100

func newSimulateCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "simulate", Short: "Play populations of purses, some of them crooks', and count who bears the fraud",
		Long: `Purses pay by the rules and signatures that phones use; people are drawn: who pays whom how much,
who has a network when, whose phone is lost. Each crook restores the first state of his purse before every payment
and pays the most that his limits allow. What is claimed of him beyond what he had is the fraud; his bank's bond
bears it up to the limit of all payments, whom he paid bear the rest. --offline, --look-ups and --crooks take several
values with commas, and every combination is played under each of --seeds seeds. No ledger is asked.`,
		Example: "  aqsha purse simulate --purses 30 --days 2\n" +
			"  aqsha purse simulate --purses 30 --days 2 --look-ups 0,50 --crooks 5,10 --seeds 2 --json",
		// All values are flags with commas, and a population is drawn by its seed alone: a line of the table is played
		// again by giving its values.
		Args: cobra.NoArgs, RunE: simulate,
	}
	flags := command.Flags()
	flags.Int("purses", 60, "how many, 2 to 5,000")
	flags.Int("days", 5, "how many days they live")
	flags.Int("payments", 3, "that each tries in a day")
	flags.String("least", "200", "of a payment among honest people, in tenge")
	flags.String("most", "3000", "of a payment among honest people, in tenge")
	flags.String("deposit", "10000", "of a purse, in tenge")
	flags.String("payment", "20000", "limit of one payment, in tenge")
	flags.String("offline", "100000", "limits of all payments of a purse, in tenge, with commas")
	flags.String("bond", "1000000", "of the bank, in tenge")
	flags.String("look-ups", "0", "percent of payments at which the payee has a network, with commas")
	flags.String("crooks", "5", "percent of the purses, with commas")
	flags.String("settles", "50", "percent of phones that settle in an evening")
	flags.String("lost", "1", "percent of phones that are lost")
	flags.Uint64("seed", 1, "the first seed")
	flags.Int("seeds", 1, "how many seeds each combination is played under")
	return command
}

// thousandths reads shares in percent, with commas, to a tenth of a percent.
func thousandths(command *cobra.Command, name string) (list []int, err error) {
	for _, text := range strings.Split(cli.Flag(command, name), ",") {
		// A percent to two decimals is written as tenge are.
		share, err := money.ParseTenge(strings.TrimSpace(text))
		if err != nil || share < 0 || share > 100*money.Tenge || share%10 != 0 {
			return nil, cli.Usage(fmt.Errorf("--%s %s: want 0 to 100 percent, to a tenth", name, text))
		}
		list = append(list, int(share/10))
	}
	return list, nil
}

// amounts reads amounts in tenge, with commas.
func amounts(command *cobra.Command, name string) (list []money.Tiyn, err error) {
	for _, text := range strings.Split(cli.Flag(command, name), ",") {
		amount, err := money.ParseTenge(strings.TrimSpace(text))
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("--%s: %w", name, err))
		}
		list = append(list, amount)
	}
	return list, nil
}

// population reads what all runs have in common.
func population(command *cobra.Command) (o study.Options, err error) {
	flags := command.Flags()
	o.Purses, _ = flags.GetInt("purses")
	o.Days, _ = flags.GetInt("days")
	o.Payments, _ = flags.GetInt("payments")
	o.Limits.MaxHops, o.Limits.AgeHours = rules.MaxHops, rules.MaxAgeHours
	for name, at := range map[string]*money.Tiyn{"least": &o.Least, "most": &o.Most, "deposit": &o.Deposit,
		"payment": &o.Limits.MaxPayment, "bond": &o.Bond} { // any order: of two mistakes either is named
		if *at, err = cli.AmountFlag(command, name); err != nil {
			return o, err
		}
	}
	for name, at := range map[string]*int{"settles": &o.Settles, "lost": &o.Lost} { // any order
		share, err := thousandths(command, name)
		if err != nil {
			return o, err
		}
		if len(share) != 1 {
			return o, cli.Usage(fmt.Errorf("--%s: want one share", name))
		}
		*at = share[0]
	}
	return o, nil
}

// simulate plays every combination of the lists under each seed, up to maxRuns in all. A run that breaks the theorem
// on who bears the fraud ends it as a failure.
func simulate(command *cobra.Command, _ []string) error {
	o, err := population(command)
	if err != nil {
		return err
	}
	offline, err := amounts(command, "offline")
	if err != nil {
		return err
	}
	looks, err := thousandths(command, "look-ups")
	if err != nil {
		return err
	}
	crooks, err := thousandths(command, "crooks")
	if err != nil {
		return err
	}
	seed, _ := command.Flags().GetUint64("seed")
	seeds, _ := command.Flags().GetInt("seeds")
	if runs := len(offline) * len(looks) * len(crooks); seeds < 1 || seeds > maxRuns || runs*seeds > maxRuns {
		return cli.Usage(fmt.Errorf("%d combinations under %d seeds: want 1 to %d runs in all", runs, seeds, maxRuns))
	}
	list := []*study.Result{}
	for _, o.Limits.MaxOffline = range offline {
		for _, o.LookUps = range looks {
			for _, o.Crooks = range crooks {
				for n := range seeds {
					if err := command.Context().Err(); err != nil {
						return err
					}
					o.Seed = seed + uint64(n)
					r, err := study.Run(o)
					// A run that breaks the theorem is a fault of the rules and no slip on the command line.
					if err != nil && !errors.Is(err, study.ErrTheorem) {
						err = cli.Usage(err)
					}
					if err != nil {
						return err
					}
					list = append(list, r)
				}
			}
		}
	}
	return cli.Show(command, map[string]any{"runs": list}, func(w io.Writer) {
		describeRuns(w, cli.LanguageFor(command), list)
	})
}

// percent writes thousandths.
func percent(thousandths int) string { return fmt.Sprintf("%d.%d %%", thousandths/10, thousandths%10) }

func describeRuns(out io.Writer, l words.Language, list []*study.Result) {
	o := &list[0].Options
	fmt.Fprintln(out, l.Text("purse.simulated", "count", o.Purses, "deposit", o.Deposit.Format(), "payments",
		o.Payments,
		"days", o.Days, "share", percent(o.Settles)))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, l.Text("purse.simulated-columns")+"\t")
	for _, r := range list {
		o := &r.Options
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t%d\t\n", o.Limits.MaxOffline.Format(), percent(o.LookUps),
			r.Crooks, o.Seed, r.Paid.Format(), r.Fraud.Format(), r.BondBears.Format(), r.PayeeBears.Format(),
			r.Convicted, r.HalfBy)
	}
	_ = w.Flush() // to a person's terminal
}
