package marketcmd

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/synthetic"
)

func newMarketDemoCommand() *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:   "demo",
		Short: "Write a synthetic market to try every command on",
		Long: `Write a set of simulated files laid out like real extracts: prices, networks,
pools, countries, rates. Every one is labelled synthetic; no figure in it is real.`,
		Example: "  aqsha market demo --data demo-market\n  aqsha market import demo-market/cm_btc_daily.csv",
		Args:    cli.ExactArgs(0),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := synthetic.Write(dir); err != nil {
				return err
			}
			var summaries []market.Summary
			for _, f := range synthetic.Files() {
				// Read again as anybody's file would be, with its origin: what is simulated says so in everything made
				// of it.
				table, err := market.Parse(f.Name, f.Data, market.ReadOptions{Origin: synthetic.Origin})
				if err != nil {
					return err
				}
				summaries = append(summaries, market.Summarise(table, market.Check(table)))
			}
			return present(command, summaries, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("market.demo", "dir", dir))
				for _, s := range summaries {
					fmt.Fprintf(w, "  %-28s %-22s %s\n", s.File, s.Form, l.Count("market.demo-file",
						len(s.Findings), "rows", fmt.Sprintf("%6d", s.Rows), "from", s.First, "to", s.Last))
				}
				fmt.Fprintln(w, l.Text("market.demo-next", "file", filepath.Join(dir, "cm_btc_daily.csv")))
			})
		},
	}
	command.Flags().StringVar(&dir, "data", "synthetic-market", "directory to write to")
	cli.Formerly(command.Flags(), "data", "dir")
	return command
}
