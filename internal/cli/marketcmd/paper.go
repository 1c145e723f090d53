package marketcmd

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/paper"
)

func newMarketPaperCommand() *cobra.Command {
	var data, verdict string
	command := &cobra.Command{
		Use:   "paper",
		Short: "Check every number of the paper on mining and the digital tenge",
		Long: `Check every number in the paper's text and tables: against its other numbers,
against issuance rules and dated facts and, with --data, against real extracts.`,
		Example: `  aqsha market paper
  aqsha market paper --verdict wrong
  aqsha market paper --data extracts --json`,
		Args: cli.ExactArgs(0),
		RunE: func(command *cobra.Command, _ []string) error {
			if verdict != "" && !slices.Contains(paper.Verdicts, verdict) {
				return market.Refuse("verdict", "verdict", "%q is not one of %s", verdict,
					strings.Join(paper.Verdicts, ", "))
			}
			report, err := paper.Check(data)
			if err != nil {
				return err
			}
			return present(command, report, func(w io.Writer) { report.Print(w, cli.LanguageFor(command), verdict) })
		},
	}
	command.Flags().StringVar(&data, "data", "", "folder of real extracts, for the claims that need them")
	command.Flags().StringVar(&verdict, "verdict", "", "only claims with this verdict: "+strings.Join(paper.Verdicts,
		", "))
	return command
}
