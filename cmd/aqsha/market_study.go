package main

import (
	"encoding/json"
	"io"
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/volatility"
	"github.com/spf13/cobra"
)

// studyFlags choose the series and the window of a study.
type studyFlags struct {
	importFlags
	price, from, to string
	annual          float64
}

func (f *studyFlags) register(command *cobra.Command) {
	f.importFlags.register(command)
	flags := command.Flags()
	flags.StringVar(&f.price, "price", "", "column to study (default: the file's price)")
	flags.StringVar(&f.from, "from", "", "first day, YYYY-MM-DD")
	flags.StringVar(&f.to, "to", "", "last day, YYYY-MM-DD")
	flags.Float64Var(&f.annual, "periods-per-year", 0, "observations a year (default: by the data's frequency, as import prints it)")
	flags.Float64Var(&f.annual, "annual", 0, "the same")
	_ = flags.MarkDeprecated("annual", "use --periods-per-year")
}

func (f *studyFlags) input(path string) (study.Input, error) {
	if f.annual < 0 || math.IsNaN(f.annual) || f.annual > 1e9 {
		return study.Input{}, market.Refuse("periods_per_year", "periods-per-year", "%g is not a number of observations a year", f.annual)
	}
	table, _, err := f.read(path)
	return study.Input{Table: table, Column: f.price, From: f.from, To: f.to, Annual: volatility.Annual(f.annual)}, err
}

func newMarketVolatilityCommand() *cobra.Command {
	var flags studyFlags
	command := &cobra.Command{
		Use:   "volatility FILE",
		Short: "Realised, EWMA, range and HAR volatility, with tests of the returns",
		Example: `  aqsha market volatility btc.csv --from 2021-01-01 --to 2021-12-31
  aqsha market volatility bitstamp_1h.csv --json`,
		Args: exactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			v, err := study.StudyVolatility(in)
			if err != nil {
				return err
			}
			return show(command, v, v.Print)
		},
	}
	flags.register(command)
	return command
}

func newMarketGarchCommand() *cobra.Command {
	var flags studyFlags
	var o study.GarchOptions
	var model, law, mean, like, parameters string
	var wide familyFlags
	command := &cobra.Command{
		Use:   "garch FILE",
		Short: "Fit a model of the GARCH family by maximum likelihood",
		Long: `Fit a model of changing variance from several starts, with analytic derivatives,
and tell how: which start won, what binds, both kinds of standard error.

garch, gjr and egarch of order (1,1) have forecasts and the conventions of other
packages (--like). Of any order, and with the laws ged, hansen and nig or the means ar
and har or regressors, there are garch, gjr, tgarch, avgarch, aparch, figarch,
component and igarch.`,
		Example: `  aqsha market garch btc.csv --model gjr --law t
  aqsha market garch btc.csv --law t --free --forecast 30
  aqsha market garch btc.csv --like rugarch --mean ar1
  aqsha market garch btc.csv --law t --parameters btc.json
  aqsha market garch btc.csv --model aparch --law ged
  aqsha market garch btc.csv --model gjr --order 2,1,2 --mean ar --mean-lags 2
  aqsha market garch btc.csv --model figarch --law nig --mean har --regressor hash_rate_ths`,
		Args: exactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			if asked, why := wide.asked(model, law, mean); asked {
				if like != "" || parameters != "" || o.Days > 0 || o.Spec.Free {
					return market.Refuse("choice", "like", "--like, --parameters, --forecast and --free belong to garch, gjr and egarch of order (1,1): %s is of the wider family", why)
				}
				return wide.run(command, in, model, law, mean)
			}
			if like != "" && command.Flags().Changed("mean") {
				o.Mean = garch.Mean(mean) // over the package's own
			}
			o.Spec.Model, o.Spec.Law, o.Spec.Mean, o.Like = garch.Model(model), garch.Law(law), garch.Mean(mean), garch.Package(like)
			g, err := study.StudyGarch(command.Context(), in, o)
			if err != nil {
				return err
			}
			if parameters != "" {
				if err := writeParameters(in, g, parameters); err != nil {
					return err
				}
			}
			return show(command, g, g.Print)
		},
	}
	flags.register(command)
	f := command.Flags()
	f.StringVar(&model, "model", "garch", "garch, gjr, egarch; tgarch, avgarch, aparch, figarch, component, igarch")
	f.StringVar(&law, "law", "normal", "normal, t, skewt; ged, hansen, nig")
	f.StringVar(&mean, "mean", "demeaned", "zero, demeaned, constant, ar1; ar, har")
	wide.register(command)
	f.StringVar(&like, "like", "", "initial variance, mean, errors and names as fgarch, rugarch or arch have them")
	f.BoolVar(&o.Spec.Free, "free", false, "do not require stationarity")
	f.IntVar(&o.Days, "forecast", 0, "forecast so many days")
	f.IntVar(&o.Paths, "paths", 20_000, "simulated paths of the forecast")
	f.Float64Var(&o.Level, "level", 0.95, "level of the forecast's intervals")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the simulation")
	f.StringVar(&parameters, "parameters", "", "write the fitted parameters to this file, for the farm's planner")
	return command
}

func writeParameters(in study.Input, g study.Garch, path string) error {
	p, err := study.ParametersOf(in, g)
	if err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(p)
	})
}

func newMarketRiskCommand() *cobra.Command {
	var flags studyFlags
	var p float64
	var backtest bool
	command := &cobra.Command{
		Use:   "risk FILE",
		Short: "Value at risk and expected shortfall, back-tested",
		Example: `  aqsha market risk btc.csv --p 0.01
  aqsha market risk btc.csv --from 2021-01-01 --to 2025-12-31 --backtest`,
		Args: exactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			r, err := study.StudyRisk(command.Context(), in, p, backtest, progressOf(command, "refits"))
			if err != nil {
				return err
			}
			return show(command, r, r.Print)
		},
	}
	flags.register(command)
	command.Flags().Float64Var(&p, "p", 0.01, "tail probability")
	command.Flags().BoolVar(&backtest, "backtest", false, "test all six methods day by day")
	return command
}
