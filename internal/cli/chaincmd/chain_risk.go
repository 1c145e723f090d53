package chaincmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
)

// riskRow is the risk after some confirmations.
type riskRow struct {
	Confirmations int     `json:"confirmations"`
	Exact         float64 `json:"probability"`
	Nakamoto      float64 `json:"probability_bitcoin_paper"`
}

// maxRows bounds --confirmations: a week of blocks.
const maxRows = 1008

// newChainRiskCommand makes "chain risk". It asks no node. From half of the hash rate on every payment can be
// reversed: then no number of confirmations is an answer, and null is.
func newChainRiskCommand() *cobra.Command {
	var confirmations int
	var share, bound float64
	command := &cobra.Command{
		Use:   "risk",
		Short: "Print how likely a payment is to be reversed",
		Long: `Prints the probability that an attacker with a share of the hash rate overtakes the
honest chain after each number of confirmations: exactly (negative binomial, Rosenfeld
2014), and as the Bitcoin paper estimates it (section 11).`,
		Example: "  aqsha chain risk --attacker 0.1 --confirmations 6\n  aqsha chain risk --attacker 0.3 --bound " +
			"0.001 --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if confirmations < 0 || confirmations > maxRows {
				return cli.Usage(fmt.Errorf("--confirmations %d: want 0 to %d", confirmations, maxRows))
			}
			result := struct {
				Attacker float64   `json:"attacker_share"`
				Rows     []riskRow `json:"risk"`
				Bound    float64   `json:"bound"`
				Needed   *int      `json:"confirmations_needed"` // null: no number of confirmations is enough
			}{Attacker: share, Bound: bound}
			for z := 0; z <= confirmations; z++ {
				exact, err := bitcoin.ReversalProbability(z, share)
				if err != nil {
					return cli.Usage(err)
				}
				paper, err := bitcoin.ReversalProbabilityNakamoto(z, share)
				if err != nil {
					return cli.Usage(err)
				}
				result.Rows = append(result.Rows, riskRow{z, exact, paper})
			}
			if share < 0.5 {
				needed, err := bitcoin.ConfirmationsFor(share, bound)
				if err != nil {
					return cli.Usage(err)
				}
				result.Needed = &needed
			}
			return cli.Show(command, result, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("chain.attacker", "share", fmt.Sprintf("%.4g", 100*share)))
				cli.Tabbed(w, func(tab io.Writer) {
					fmt.Fprintln(tab, l.Text("chain.risk-columns"))
					for _, row := range result.Rows {
						fmt.Fprintf(tab, "%d\t%.3g\t%.3g\n", row.Confirmations, row.Exact, row.Nakamoto)
					}
				})
				if result.Needed == nil {
					fmt.Fprintln(w, l.Text("chain.majority"))
				} else {
					fmt.Fprintln(w, l.Text("chain.bound", "bound", fmt.Sprintf("%.4g", bound), "count", *result.Needed))
				}
			})
		},
	}
	command.Flags().IntVar(&confirmations, "confirmations", 6, "rows to print")
	command.Flags().Float64Var(&share, "attacker", 0.1, "attacker's share of the hash rate, 0 to 1")
	command.Flags().Float64Var(&bound, "bound", 0.001, "find the confirmations that keep the risk at or below this")
	return command
}
