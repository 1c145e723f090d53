package marketcmd

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/usage"
)

// tengeFlags fill the digital tenge's column from a node or a file.
type tengeFlags struct {
	node, file string
	kztPerUSD  float64
}

func (f *tengeFlags) register(command *cobra.Command) {
	cli.NodesFlag(command.Flags(), &f.node, "node", "URL of an Aqsha node whose digital tenge stands in the table")
	command.Flags().StringVar(&f.file, "tenge", "", "file with a node's statistics instead")
	command.Flags().Float64Var(&f.kztPerUSD, "kzt-per-usd", 0,
		"rate that turns tenge into dollars (needed for the tenge's money columns)")
}

// statistics are what a node or a file says of the tenge, or nil when neither was given.
func (f *tengeFlags) statistics(command *cobra.Command) (*usage.TengeStats, error) {
	if !(f.kztPerUSD >= 0) || math.IsInf(f.kztPerUSD, 1) {
		return nil, cli.Usage(fmt.Errorf("--kzt-per-usd: want tenge for a dollar, got %g", f.kztPerUSD))
	}
	if f.node != "" && f.file != "" { // one would be passed over
		return nil, cli.Usage(errors.New("--node and --tenge: whose figures? Give one of the two"))
	}
	var stats usage.TengeStats
	var err error
	switch {
	case f.node != "":
		stats, err = usage.FetchTenge(command.Context(),
			&http.Client{Timeout: 20 * time.Second, CheckRedirect: httplimit.NoRedirect}, f.node)
	case f.file != "":
		var data []byte
		if data, err = os.ReadFile(f.file); err == nil {
			stats, err = usage.ReadTenge(data)
		}
	default:
		return nil, nil
	}
	return &stats, err
}

// system is the tenge's column, or nil when neither was given.
func (f *tengeFlags) system(command *cobra.Command) (*usage.System, error) {
	stats, err := f.statistics(command)
	if stats == nil || err != nil {
		return nil, err
	}
	system := stats.System(f.kztPerUSD, time.Now().UTC())
	return &system, nil
}

func newMarketUseCommand() *cobra.Command {
	o := usage.Options{Overheads: usage.CBECI, Country: "Kazakhstan"}
	var tenge tengeFlags
	command := &cobra.Command{
		Use:   "use DIR",
		Short: "Use, reserves, cost per payment and electricity of networks",
		Long: `Measure how extensively, intensively and efficiently networks and currencies are
used, from the files of a folder; the electricity of a coin by Cambridge's method from
a device list; a country's part of it. --node puts the digital tenge into the table.`,
		Example: `  aqsha market use demo --from 2019-01-01 --to 2019-09-30
  aqsha market use extracts --usd-per-kwh 0.04 --node http://127.0.0.1:8420 --kzt-per-usd 520`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			o.Dir = args[0]
			if !(o.ValueNorm >= 0) || math.IsInf(o.ValueNorm, 0) {
				return market.Refuse("choice", "value-norm", "%g is not a value that counts as full use", o.ValueNorm)
			}
			if command.Flags().Changed("country") {
				if err := usage.CheckCountry(o.Dir, o.Country); err != nil {
					return err
				}
			}
			var err error
			// Of the tenge no file is read: its figures are asked of a node, whose ledger anybody can check.
			if o.Tenge, err = tenge.system(command); err != nil {
				return err
			}
			study, err := usage.OfFolder(o)
			if err != nil {
				return err
			}
			return present(command, study, func(w io.Writer) { study.Print(w, cli.LanguageFor(command)) })
		},
	}
	tenge.register(command)
	f := command.Flags()
	f.StringVar(&o.From, "from", "", "first day, YYYY-MM-DD")
	f.StringVar(&o.To, "to", "", "last day, YYYY-MM-DD")
	f.Float64Var(&o.ValueNorm, "value-norm", 0, "value per active address (USD a day) that counts as full use")
	f.StringVar(&o.Country, "country", o.Country, "country whose consumption is told")
	f.Float64Var(&o.Overheads.USDPerKWh, "usd-per-kwh", o.Overheads.USDPerKWh, "price of electricity")
	f.Float64Var(&o.Overheads.PUELow, "pue-low", o.Overheads.PUELow, "power-usage effectiveness, low case")
	f.Float64Var(&o.Overheads.PUEBest, "pue", o.Overheads.PUEBest, "power-usage effectiveness, best guess")
	f.Float64Var(&o.Overheads.PUEHigh, "pue-high", o.Overheads.PUEHigh, "power-usage effectiveness, high case")
	return command
}

func newMarketReservesCommand() *cobra.Command {
	var coins, network, price float64
	command := &cobra.Command{
		Use:   "reserves FILE",
		Short: "A site's coefficients of use and its reserves, machine by machine",
		Long: `Read a site's period (machine, calendar_hours, planned_repair_hours,
permitted_off_grid_hours, hours_fact, nameplate_ths, accepted_ths, nameplate_j_th,
measured_j_th) and split its reserve into time and speed.`,
		Example: "  aqsha market reserves site.csv --coins-a-day 450 --network-ths 1e9 --price-kzt 35e6",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			for _, one := range []struct {
				flag  string
				value float64
			}{{"coins-a-day", coins}, {"network-ths", network}, {"price-kzt", price}} {
				if !(one.value >= 0) || math.IsInf(one.value, 1) {
					return market.Refuse("choice", one.flag, "%g: want a number, or 0 where it is not known", one.value)
				}
			}
			data, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			machines, err := usage.ReadMachines(data)
			if err != nil {
				return err
			}
			// Without issue, network and price the reserve stays in hours and hashes: no price is assumed.
			reserves, err := usage.ReservesOf(machines, coins, network, price)
			if err != nil {
				return err
			}
			return present(command, reserves, func(w io.Writer) { reserves.Print(w, cli.LanguageFor(command)) })
		},
	}
	f := command.Flags()
	f.Float64Var(&coins, "coins-a-day", 0, "issue and fees of the network")
	f.Float64Var(&network, "network-ths", 0, "hash rate of the network")
	f.Float64Var(&price, "price-kzt", 0, "price of a coin in tenge")
	return command
}
