package cashcmd

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cash/study"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/words"
)

func newCashStudyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "study",
		Short: "Count how many could have paid: populations of cash wallets before observers that forget nothing",
		Long: `Plays populations in which each person withdraws once, waits, and pays once, before observers that keep all that they see, and counts
for each deposit the withdrawals from which its notes can have come. Observers: an office that keeps every request; whoever reads the public
log alone; whoever sees the ledger's payments too; and a payee who, by the proofs on his notes, finds the blocks that signed them.

Without --rounding, withdrawals in steps of 0.01, 1, 500 and 1,000 tenge are played, each with prices below what was withdrawn and with all
of it paid, and each with and without changing notes before paying. A seed replays. docs/PRIVACY.md reads the result.`,
		Example: "  aqsha cash study --wallets 300\n  aqsha cash study --wallets 300 --rounding 500 --wait 10m --json",
		Args:    cobra.NoArgs,
		RunE:    runCashStudy,
	}
	flags := command.Flags()
	flags.Int("wallets", 10_000, "people who withdraw once and pay once")
	flags.Uint64("seed", 0, "which population")
	flags.String("rounding", "", "withdrawals are multiples of it, in tenge (default: several)")
	flags.Duration("wait", 24*time.Hour, "longest time between withdrawing and paying")
	flags.Duration("span", 24*time.Hour, "time over which withdrawals lie")
	flags.Duration("interval", time.Minute, "after how long a block of the public log is closed")
	flags.Int("deposits", 500, "of how many deposits candidates are counted")
	return command
}

func runCashStudy(command *cobra.Command, _ []string) error {
	flags := command.Flags()
	var o study.Options
	if o.Wallets, _ = flags.GetInt("wallets"); o.Wallets < 1 || o.Wallets > study.MaxWallets {
		// 0 too: no default of Run
		return cli.Usage(fmt.Errorf("--wallets %d: want 1 to %d", o.Wallets, study.MaxWallets))
	}
	o.Seed, _ = flags.GetUint64("seed")
	if o.Deposits, _ = flags.GetInt("deposits"); o.Deposits < 1 {
		return cli.Usage(fmt.Errorf("--deposits %d: want 1 or more", o.Deposits))
	}
	for name, at := range map[string]*uint64{"wait": &o.Wait, "span": &o.Span, "interval": &o.Interval} {
		d, _ := flags.GetDuration(name)
		if d < time.Second {
			return cli.Usage(fmt.Errorf("--%s %s is less than a second", name, d))
		}
		*at = uint64(d / time.Second)
	}
	roundings := []money.Tiyn{1, money.Tenge, study.Rounding, 2 * study.Rounding}
	if flags.Changed("rounding") {
		rounding, err := cli.AmountFlag(command, "rounding")
		if err != nil {
			return err
		}
		if rounding <= 0 { // no default of Run either
			return cli.Usage(errors.New("--rounding: want more than nothing"))
		}
		roundings = []money.Tiyn{rounding}
	}
	list := []*study.Result{}
	bar := cli.Progress(command, 4*len(roundings), "playing populations")
	for _, o.Whole = range []bool{false, true} {
		for _, o.Swap = range []bool{false, true} {
			for _, o.Rounding = range roundings {
				if err := command.Context().Err(); err != nil {
					return err
				}
				r, err := study.Run(o)
				if errors.Is(err, study.ErrOptions) {
					err = cli.Usage(err)
				}
				if err != nil {
					return err
				}
				list = append(list, r)
				_ = bar.Add(1)
			}
		}
	}
	_ = bar.Finish()
	return cli.Show(command, list, func(out io.Writer) {
		describeStudy(out, cli.LanguageFor(command), list)
	})
}

// describeStudy writes a line for each population and observer.
func describeStudy(out io.Writer, l words.Language, list []*study.Result) {
	r := list[0]
	fmt.Fprintln(out, l.Text("cash.study", "wallets", r.Wallets, "span", time.Duration(r.Span)*time.Second, "wait",
		time.Duration(r.Wait)*time.Second, "seed", r.Seed, "deposits", r.Deposits))
	fmt.Fprintf(out, "%12s  %-5s  %-7s  %-14s  %8s  %8s  %9s  %9s  %9s\n", l.Text("cash.study-withdrawn"),
		l.Text("cash.study-paid"), l.Text("cash.study-changed"), l.Text("cash.study-observer"),
		l.Text("cash.study-smallest"), l.Text("cash.study-median"), l.Text("cash.study-under-ten"),
		l.Text("cash.study-alone"), l.Text("cash.study-latest"))
	for _, r := range list {
		paid, changed := l.Text("cash.study-part"), l.Text("cash.study-no")
		if r.Whole {
			paid = l.Text("cash.study-all")
		}
		if r.Swap {
			changed = l.Text("cash.study-before")
		}
		for _, s := range r.Seen {
			fmt.Fprintf(out, "%12s  %-5s  %-7s  %-14s  %8d  %8d  %9s  %9s  %9s\n", r.Rounding.Format(), paid, changed,
				s.Observer, s.Smallest,
				s.Median, share(s.UnderTen), share(s.Alone), share(s.Latest))
		}
		var holders []string
		for _, h := range r.Holders {
			holders = append(holders, fmt.Sprintf("%s %d", h.Amount, h.Wallets))
		}
		fmt.Fprintf(out, "%12s  %s\n", "", l.Text("cash.study-blocks", "blocks", r.Blocks, "single", r.Single,
			"holders", strings.Join(holders, " ")))
	}
}

// share writes parts per million in percent.
func share(ppm uint64) string { return fmt.Sprintf("%d.%02d %%", ppm/10_000, ppm%10_000/100) }
