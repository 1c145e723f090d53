package miningcmd

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/words"
)

// recover enters what chain and wallet know of the pool's and its log does not.
func (a *poolAdmin) recover() *cobra.Command {
	r := admin.ControlRequest{}
	command := &cobra.Command{
		Use: "recover", Short: "List payments that the log has lost, as after a backup was put back, and enter them " +
			"from the chain", Args: cobra.NoArgs,
		Long: `A pool holds its log against the chain and the wallet. Where these know a payment or a block of the pool
that the log does not know, as after an old copy of the directory was put back, it pays nobody. Best
is to put the newest copy of the directory back, or to make the log whole ("aqsha pool restore").

Without either, this command lists what is missing, and with --reason enters it once it is deep enough
in the chain. A user who was paid is owed less by what the log owed before the gap. What was paid
beyond that was for work that the log has lost: nobody is charged for it, and nobody is owed for lost
work that was not paid. The log, which is public, says so with your reason.

--aside names transactions that are none of the pool's payments, such as what you have sent to a miner
by hand for another reason: the log then knows them, and changes nothing for them.`,
		Example: `  aqsha pool admin recover
  aqsha pool admin recover --reason "the disk died on 3 May; the copy of 1 May was put back"
  aqsha pool admin recover --aside TXID --reason "bought a machine from him"`,
		RunE: func(command *cobra.Command, _ []string) error {
			for _, id := range r.Aside {
				if _, err := bitcoin.ParseHash(id); err != nil {
					return cli.Usage(fmt.Errorf("--aside: %w", err))
				}
			}
			// The pool that runs does it, and not this process: it alone appends to the log, and it has stopped
			// payments meanwhile.
			return a.query(command, "recover", r, func(w io.Writer, answer *admin.ControlAnswer) {
				l := cli.LanguageFor(command)
				for _, m := range answer.Missing {
					fmt.Fprintf(w, "%s  %s  %s\n", m.TxID, m.Time.Format(time.RFC3339), missingLine(l, &m))
				}
				fmt.Fprintln(w, cmp.Or(answer.Pool.Stopped,
					l.Text("pool.known")))
			})
		},
	}
	command.Flags().StringVar(&r.Text, "reason", "",
		"what has happened; published with the log. Without it nothing is entered")
	command.Flags().StringArrayVar(&r.Aside, "aside", nil, "id of a transaction that is no payment of the pool's")
	return command
}

func missingLine(l words.Language, m *payments.Missing) string {
	what := "missing-payment"
	switch {
	case m.Aside:
		return l.Text("pool.aside")
	case m.Coinbase:
		what = "missing-coinbase"
	case m.Unmarked:
		what = "missing-unmarked"
	}
	line := l.Text("pool."+what, "height", m.Height, "booked", m.Booked, "payees", m.Payees, "beyond", m.Beyond)
	if m.Waits != "" {
		line = l.Text("pool.missing-waits", "line", line, "why", m.Waits)
	}
	return line
}
