package marketcmd

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/document"
	"github.com/aqsha/aqsha/market/risks"
	"github.com/aqsha/aqsha/market/systems"
	"github.com/aqsha/aqsha/market/usage"
)

func newMarketRisksCommand() *cobra.Command {
	var o risks.Options
	var eventsFile string
	command := &cobra.Command{
		Use:   "risks DIR",
		Short: "The seven risks the National Bank lists, events, causality, wash trading",
		Long: `Give an indicator for each of the seven risks for which the National Bank restricts
cryptocurrency; measure what dated news did to the price, whether price leads hash
rate, and how reported volume looks. --events takes date,event,kind,source.`,
		Example: "  aqsha market risks demo\n  aqsha market risks extracts --from 2016-01-01 --events events.csv",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			var data []byte
			var err error
			if eventsFile != "" {
				if data, err = os.ReadFile(eventsFile); err != nil {
					return err
				}
			}
			// Nothing given stands for the list that is shipped.
			if o.Events, err = risks.ParseEvents(data); err != nil {
				return err
			}
			o.Dir = args[0]
			r, err := risks.OfFolder(o)
			if err != nil {
				return err
			}
			return show(command, r)
		},
	}
	f := command.Flags()
	f.StringVar(&o.From, "from", "", "first day, YYYY-MM-DD")
	f.StringVar(&o.To, "to", "", "last day, YYYY-MM-DD")
	f.StringVar(&eventsFile, "events", "", "file of dated events (default: a list that is shipped)")
	return command
}

func newMarketWashCommand() *cobra.Command {
	var flags importFlags
	var column string
	command := &cobra.Command{
		Use:     "wash FILE",
		Short:   "Signs of invented volume in a file of trades",
		Example: "  aqsha market wash trades.csv --sizes amount --time-column time",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			table, err := flags.read(args[0])
			if err != nil {
				return err
			}
			sizes, err := table.Column(column)
			if i := slices.IndexFunc(table.Columns, func(c market.Column) bool {
				return strings.EqualFold(c.Header, column) // as the file calls it
			}); err != nil && i >= 0 {
				sizes, err = table.Columns[i], nil
			}
			if err != nil {
				return err
			}
			w, err := risks.WashOf(sizes.Values, false, nil, nil)
			if err != nil {
				return err
			}
			r := risks.Report{Wash: &w, Data: []market.Provenance{table.Provenance}}
			return show(command, r)
		},
	}
	flags.register(command)
	command.Flags().StringVar(&column, "sizes", "amount", "column of trade sizes")
	return command
}

func newMarketArchitectureCommand() *cobra.Command {
	var file, data, only string
	overheads := usage.CBECI
	var tenge tengeFlags
	command := &cobra.Command{
		Use:   "architecture",
		Short: "A card per system: consensus, finality, issuance, cost of a majority",
		Long: `Print the architecture of Bitcoin, Ethereum, Litecoin and the digital tenge, every
cell with its source and date; supply curves; the probability that a payment is undone.
--data fills hash rate, fees and the cost of an hour's majority from network files.`,
		Example: `  aqsha market architecture --system bitcoin
  aqsha market architecture --data extracts --node http://127.0.0.1:8420
  aqsha market architecture --cards mine.json --json`,
		Args: cli.ExactArgs(0),
		RunE: func(command *cobra.Command, _ []string) error {
			var edited []byte
			var err error
			if file != "" {
				if edited, err = os.ReadFile(file); err != nil {
					return err
				}
			}
			cards, err := systems.Load(edited)
			if err != nil {
				return err
			}
			column, err := tenge.system(command)
			if err != nil {
				return err
			}
			if err := fillCards(cards, data, overheads); err != nil {
				return err
			}
			var chosen []systems.Card
			for _, c := range cards {
				if c.Name == "digital-tenge" && column != nil {
					c.FromTenge(*column)
				}
				if only == "" || c.Name == only {
					chosen = append(chosen, c)
				}
			}
			// A name is judged by the cards that were read: a file of one's own may have systems that the shipped one
			// lacks.
			if chosen == nil {
				return market.Refuse("system", "system", "%q is on no card", only)
			}
			return present(command, chosen, func(w io.Writer) {
				l := cli.LanguageFor(command)
				systems.Print(w, l, chosen, func(text string) string {
					return document.Phrase(document.Language(l),
						text)
				})
			})
		},
	}
	tenge.register(command)
	f := command.Flags()
	f.StringVar(&file, "cards", "", "file of cards in place of the shipped ones")
	f.StringVar(&data, "data", "", "folder of network files")
	f.StringVar(&only, "system", "", "only this system")
	f.Float64Var(&overheads.USDPerKWh, "usd-per-kwh", overheads.USDPerKWh, "price of electricity")
	return command
}

// fillCards completes cards from the newest network file of each coin.
func fillCards(cards []systems.Card, dir string, overheads usage.Overheads) error {
	if dir == "" {
		return nil
	}
	open := func(name string) (*market.Table, error) {
		t, err := market.ReadFile(filepath.Join(dir, name), market.ReadOptions{})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return t, err
	}
	list, err := open("cbeci_devices.csv")
	if err != nil {
		return err
	}
	for i := range cards {
		// The older file first: what the newer one has too goes over it.
		for _, name := range map[string][]string{"bitcoin": {"cm2019_btc_daily.csv", "cm_btc_daily.csv"},
			"ethereum": {"cm2019_eth_daily.csv"}, "litecoin": {"cm2019_ltc_daily.csv"}}[cards[i].Name] {
			t, err := open(name)
			if err != nil {
				return err
			}
			if t == nil {
				continue
			}
			var energy []usage.Energy
			if list != nil && t.Has("hash_rate_ths") {
				devices, err := usage.Devices(list)
				if err != nil {
					return err
				}
				if energy, err = usage.Estimate(t, devices, overheads, "", ""); err != nil {
					return err
				}
			}
			cards[i].FromNetwork(t, energy, overheads, "")
		}
	}
	return nil
}
