package marketcmd

import (
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/study"
)

func newMarketBreaksCommand() *cobra.Command {
	var flags studyFlags
	// A seed that is always the same and can be given: whoever runs it again gets the same critical values.
	o := study.BreaksOptions{Seed: 1}
	command := &cobra.Command{
		Use:   "breaks FILE",
		Short: "When a market changed: variance, level of volatility, regimes, bubbles",
		Long: `Date changes of variance (ICSS with the statistic that allows for heavy tails), of the
level of volatility (Bai and Perron), fit regimes of a Markov chain (as many as the
Bayesian criterion prefers, up to three), and test the logarithm of the price for
explosive growth (Phillips, Shi and Yu) against random walks simulated from --seed.`,
		Example: "  aqsha market breaks btc.csv --from 2017-01-01\n  aqsha market breaks btc.csv --regimes 2 --paths 499 --json",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if o.Most < 1 {
				return market.Refuse("choice", "breaks", "%d breaks; want one or more", o.Most)
			}
			if o.Paths < 1 {
				return market.Refuse("choice", "paths", "%d walks; want one or more", o.Paths)
			}
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			b, err := study.StudyBreaks(command.Context(), in, o)
			if err != nil {
				return err
			}
			return show(command, b)
		},
	}
	flags.register(command)
	f := command.Flags()
	f.IntVar(&o.Most, "breaks", 5, "most breaks of the level of volatility")
	f.Float64Var(&o.Trim, "trim", 0.15, "shortest stretch between them, as a share of the whole")
	f.IntVar(&o.Regimes, "regimes", 0, "how many regimes (1 to 4; 0: 1 to 3, the least BIC)")
	f.IntVar(&o.Paths, "paths", 199, "simulated walks of the test of bubbles")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the simulation")
	return command
}

func newMarketLiquidityCommand() *cobra.Command {
	var flags studyFlags
	command := &cobra.Command{
		Use:   "liquidity FILE",
		Short: "What it costs to trade: Amihud, Roll, Corwin and Schultz, Kyle",
		Long: `Estimate spreads and price impact from bars, for each year and the whole window.
What the file does not have (highs and lows, value traded) is not available.`,
		Example: "  aqsha market liquidity bitstamp_btcusd_d.csv\n" +
			"  aqsha market liquidity btc.csv --from 2020-01-01 --json",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			l, err := study.StudyLiquidity(in)
			if err != nil {
				return err
			}
			return show(command, l)
		},
	}
	flags.register(command)
	return command
}

func newMarketIntradayCommand() *cobra.Command {
	var flags studyFlags
	var level float64
	command := &cobra.Command{
		Use:   "intraday FILE",
		Short: "Realised measures and jumps of days, and realised GARCH",
		Long: `Measure each UTC day from the returns inside it (realised, bipower, median and
two-scale variance), test it for jumps, and fit the realised GARCH of Hansen, Huang and
Shek to the days. The file needs at least ten prices a day.`,
		Example: "  aqsha market intraday bitstamp_1h.csv --from 2020-01-01\n  aqsha market intraday btc_1m.csv --level 0.01 --json",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			s, err := study.StudyIntraday(in, level)
			if err != nil {
				return err
			}
			return show(command, s)
		},
	}
	flags.register(command)
	command.Flags().Float64Var(&level, "level", 0.001, "level of the test of jumps")
	return command
}

func newMarketSpilloverCommand() *cobra.Command {
	var flags studyFlags
	var lags, ahead int
	command := &cobra.Command{
		Use:   "spillover FILE FILE...",
		Short: "How markets move each other: connectedness and dynamic correlations",
		Long: `On the days that all files have, share out the variance of forecasts of returns and of
their sizes among the markets (Diebold and Yilmaz), and fit correlations that change from
day to day (DCC).`,
		Example: "  aqsha market spillover btc.csv gold_close.csv sp500_close.csv --from 2017-01-01\n  aqsha market spillover btc.csv eth.csv --lags 2 --ahead 5 --json",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			// Before the files are read, of which there may be many and large ones.
			if lags < 0 {
				return market.Refuse("spillover", "lags", "%d lags; 0 lets the criterion choose", lags)
			}
			if ahead < 1 {
				return market.Refuse("spillover", "ahead", "%d days ahead; want one or more", ahead)
			}
			var inputs []study.Input
			for _, path := range args {
				in, err := flags.input(path)
				if err != nil {
					return err
				}
				inputs = append(inputs, in)
			}
			s, err := study.StudySpillover(command.Context(), inputs, lags, ahead)
			if err != nil {
				return err
			}
			return show(command, s)
		},
	}
	flags.register(command)
	command.Flags().IntVar(&lags, "lags", 0, "lags of the autoregression (0: up to 7, the least BIC)")
	command.Flags().IntVar(&ahead, "ahead", 10, "days ahead")
	return command
}
