package marketcmd

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/experts"
)

func newStudyScoreCommand() *cobra.Command {
	var weights []string
	var level, decimal string
	command := &cobra.Command{
		Use:   "score FILE",
		Short: "Join experts' scores: agreement, ranking and what it hangs on",
		Long: `Read a table with the columns expert, system, criterion, score (an empty score is none),
separated by commas, semicolons or tabs, or a workbook, with decimal points or commas,
and say how far the experts agree (Krippendorff's alpha), how the systems rank, and at which
share of other weights the order stands. Without --weight all criteria weigh the same
and all weights there are are tried; with it, each is varied by up to twice and half.`,
		Example: `  aqsha study score scores.csv
  aqsha study score scores.csv --weight privacy=2 --weight capacity=1 --level ordinal --json`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			var given map[string]float64
			for _, text := range weights {
				name, figure, _ := strings.Cut(text, "=")
				w, err := strconv.ParseFloat(figure, 64)
				if err != nil {
					return market.Refuse("weights", "weight", "%q: want CRITERION=NUMBER", text)
				}
				if given == nil {
					// Only when a weight is given: nil has all weights tried, an empty map would have every criterion
					// weigh nothing.
					given = map[string]float64{}
				}
				if _, twice := given[name]; twice {
					return market.Refuse("weights", "weight", "%q is weighed twice", name)
				}
				given[name] = w
			}
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			scores, err := experts.Read(filepath.Base(args[0]), file, decimal)
			if err != nil {
				return err
			}
			s, err := experts.Rank(scores, given, experts.Level(level))
			if err != nil {
				return err
			}
			return show(command, s)
		},
	}
	command.Flags().StringArrayVar(&weights, "weight", nil,
		"CRITERION=NUMBER (repeatable); a criterion that is not named then weighs nothing")
	command.Flags().StringVar(&level, "level", string(experts.Ordinal),
		"what the scores are: nominal, ordinal, interval, ratio")
	command.Flags().StringVar(&decimal, "decimal", "", "decimal sign of the scores, . or , (default: recognised)")
	return command
}
