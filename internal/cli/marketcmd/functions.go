package marketcmd

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market/functions"
)

func newMarketFunctionsCommand() *cobra.Command {
	var o functions.Options
	var tenge tengeFlags
	var anchorsFile string
	var printAnchors bool
	command := &cobra.Command{
		Use:   "functions [DIR]",
		Short: "Score bitcoin and its rivals as money, with anchors you can edit",
		Long: `Score bitcoin, tenge, dollar, gold, card money and digital tenge as medium of
exchange, unit of account and store of value; say how far each verdict hangs on anchors
and weights, at which volatility it turns, and which findings of the paper hold.`,
		Example: `  aqsha market functions demo --from 2016-01-01 --to 2019-10-20
  aqsha market functions --print-anchors > anchors.json
  aqsha market functions demo --anchors anchors.json --node http://127.0.0.1:8420 --kzt-per-usd 520`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			data := functions.DefaultAnchors()
			// As they are shipped, byte for byte, and without a folder: one prints them to begin with.
			if printAnchors {
				_, err := command.OutOrStdout().Write(data)
				return err
			}
			if err := cli.ExactArgs(1)(command, args); err != nil {
				return err
			}
			var err error
			if anchorsFile != "" {
				if data, err = os.ReadFile(anchorsFile); err != nil {
					return err
				}
			}
			if o.Anchors, err = functions.ParseAnchors(data); err != nil {
				return err
			}
			if o.Tenge, err = tenge.system(command); err != nil {
				return err
			}
			o.Dir = args[0]
			study, err := functions.OfFolder(o)
			if err != nil {
				return err
			}
			return present(command, study, func(w io.Writer) {
				study.Print(w, cli.LanguageFor(command))
			})
		},
	}
	tenge.register(command)
	f := command.Flags()
	f.StringVar(&o.From, "from", "", "first day, YYYY-MM-DD")
	f.StringVar(&o.To, "to", "", "last day, YYYY-MM-DD")
	f.StringVar(&anchorsFile, "anchors", "", "file of anchors and weights")
	f.BoolVar(&printAnchors, "print-anchors", false, "print the anchors in use, to edit")
	return command
}
