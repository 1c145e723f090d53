package benchcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api/cash/bench"
	"github.com/aqsha/aqsha/internal/cli"
)

func newBenchCashCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cash", Short: "Measure the cash office: signing, redeeming, swaps, memory, restart",
		Long: `Signing and redeeming beside decred's library and gnark-crypto; notes swapped durably in swaps of 200 notes and, through
HTTP, of one, beside what the arithmetic alone does on all cores in turns between; memory of remembered notes; loading
the books of five million beside reading their file. The ledger is not part of it.`,
		Example: "  aqsha bench cash --json", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			result, err := bench.Measure(command.Context(), bench.Options{})
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "sign %.2f ×, redeem in batches %.2f × decred; proofs %.2f of the office's time\n",
					result.SignOverDecred, result.RedeemBatchOverDecred, result.ProofShareOfCPU)
				fmt.Fprintf(w, "sign %.2f ×, redeem in batches %.2f × gnark-crypto\n", result.SignOverGnark,
					result.RedeemBatchOverGnark)
				fmt.Fprintf(w, "swapped, durable: %.2f of the curve's limit, %.2f through HTTP (%.0f swaps of one "+
					"note a second)\n", result.SwapOverLimit, result.HTTPSwapOverLimit, result.HTTPSwaps)
				fmt.Fprintf(w,
					"%.0f bytes a spent note, %.0f a signed one; %.0f bytes of log; restart %.1f × reading\n",
					result.SpentBytes, result.SignedBytes, result.LogBytes, result.RestartOverRead)
			})
		},
	}
}
