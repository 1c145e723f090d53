package plancmd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/backtest"
	"github.com/aqsha/aqsha/planner/power/dispatch"
	"github.com/aqsha/aqsha/planner/power/site"
	"github.com/aqsha/aqsha/words"
)

// NewFarmPowerCommand is what a farm does about its electricity, a day ahead.
func NewFarmPowerCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "power",
		Short: "What a kWh is worth, what to bid for it, which machines run when",
	}
	command.AddCommand(newFarmPowerInitCommand(), newFarmPowerCeilingCommand(), newFarmPowerScheduleCommand(),
		newFarmPowerBidCommand(), newFarmPowerBacktestCommand())
	return command
}

func newFarmPowerInitCommand() *cobra.Command {
	var days int
	var seed uint64
	command := &cobra.Command{
		Use:     "init DIR",
		Short:   "Write a power file to begin with, and simulated prices to try it on",
		Example: "  aqsha farm power init site",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if days < 1 || days > 3660 {
				return cli.Usage(fmt.Errorf("--days: want 1 to 3660, got %d", days))
			}
			var prices bytes.Buffer
			// The file itself says that it is no market's: it is copied about without this command's words.
			fmt.Fprintf(&prices, "# simulated prices, seed %d: no market's\n", seed)
			if err := backtest.Write(&prices, "north-south", backtest.Example("2026-07-28", days, seed)); err != nil {
				return err
			}
			files, err := beginFiles(args[0], beginFile{"power.toml", site.ExampleFile},
				beginFile{"prices.csv", prices.String()})
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"files": files}, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, files[0])
				fmt.Fprintln(w, l.Text("plan.simulated", "file", files[1]))
				fmt.Fprintln(w, l.Text("plan.next-power", "file", files[0]))
			})
		},
	}
	command.Flags().IntVar(&days, "days", 120, "days of simulated prices")
	command.Flags().Uint64Var(&seed, "seed", 1, "seed of the simulated prices")
	return command
}

func newFarmPowerCeilingCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ceiling FILE",
		Short: "The highest price of a kWh at which each class of machines still earns",
		Long: `[hashprice × price × (1 − pool fee) × (1 − sold share × sale cost) / (0.024 × J/TH × PUE) − levy] / (1
+ VAT) − grid fees, rounded down to a tiyn. Levy, VAT and the share to be sold are those of the file's day.`,
		Example: "  aqsha farm power ceiling site/power.toml",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			s, err := site.Read(args[0])
			if err != nil {
				return err
			}
			ceilings, err := s.Ceilings()
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"site": s.Name, "day": s.Day, "ceilings": ceilings,
				"facts": s.Facts}, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintf(w, "%s\n\n%-24s %8s %8s %16s\n", siteText(l, s), l.Text("plan.class"), l.Text("plan.count"),
					l.Text("plan.efficiency"), l.Text("plan.ceiling-kwh"))
				for _, c := range ceilings {
					fmt.Fprintf(w, "%-24s %8d %8.1f %16s\n", terminal.Plain(c.Class), c.Count, c.JTH,
						c.Ceiling.Format())
				}
				fmt.Fprintln(w)
				// With where each rate comes from: a ceiling is believed by whoever can look its levy up.
				for _, f := range s.Facts {
					fmt.Fprintln(w, l.Text("plan.fact", "name", factText(l, f.Name), "from", f.From, "source",
						factText(l, f.Source)))
				}
			})
		},
	}
}

// curtailFlags tell of a grid operator's call.
type curtailFlags struct {
	calls []string
	at    int
}

// apply puts the calls into the problem: "14-17=500" is at most 500 kW from 14:00 to 17:00.
func (f *curtailFlags) apply(p *dispatch.Problem) error {
	for _, text := range f.calls {
		span, limit, ok := strings.Cut(text, "=")
		first, last, ok1 := strings.Cut(span, "-")
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		kW, err3 := strconv.ParseInt(limit, 10, 32)
		if !ok || !ok1 || err1 != nil || err2 != nil || err3 != nil {
			return cli.Usage(fmt.Errorf("--curtail %q: want FROM-TO=KW, such as 14-17=500", text))
		}
		if err := p.Apply(dispatch.Call{From: from, To: to, LimitWatts: 1000 * kW}); err != nil {
			return err
		}
	}
	return nil
}

func newFarmPowerScheduleCommand() *cobra.Command {
	var curtail curtailFlags
	var hoursFile, machinesFile string
	command := &cobra.Command{
		Use:   "schedule FILE",
		Short: "Which machines run in which hour of the day, at the tariffs",
		Long: `Schedules the file's day at its tariffs: the least energy for a hash first, within contract, ramp, least
runs and rests. With --curtail and --at, what was to run before that hour stays and the rest is planned again.`,
		Example: `  aqsha farm power schedule site/power.toml --hours hours.csv --machines machines.csv
  aqsha farm power schedule site/power.toml --curtail 14-17=500 --at 13`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := cli.CheckOutputs(args, cli.Output{Flag: "hours", Path: hoursFile},
				cli.Output{Flag: "machines", Path: machinesFile}); err != nil {
				return err
			}
			s, err := site.Read(args[0])
			if err != nil {
				return err
			}
			prices, err := power.PricesOf(s.Tariffs, s.Day)
			if err != nil {
				return err
			}
			p, err := s.Problem(prices, nil)
			if err != nil {
				return err
			}
			schedule, err := solveWithCalls(p, &curtail)
			if err != nil {
				return err
			}
			rows := site.Hours(p, schedule, prices)
			// One after the other: the supplier's file is there whatever becomes of the machines'.
			if hoursFile != "" {
				if err := cli.WriteFile(hoursFile,
					func(w io.Writer) error { return s.WriteHours(w, rows) }); err != nil {
					return err
				}
			}
			if machinesFile != "" {
				if err := cli.WriteFile(machinesFile,
					func(w io.Writer) error { return s.WriteMachines(w, p, schedule) }); err != nil {
					return err
				}
			}
			return cli.Show(command, map[string]any{"site": s.Name, "day": s.Day, "zone": s.Zone, "hours": rows,
				"gain_tiyn": schedule.Gain.Tiyn(), "forced_stops": schedule.Forced}, func(w io.Writer) {
				printSchedule(w, cli.LanguageFor(command), s, rows, schedule)
			})
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&curtail.calls, "curtail", nil, "a call: FROM-TO=KW (hours, most kW); may be repeated")
	flags.IntVar(&curtail.at, "at", 0, "the hour in which the call came: what ran before stays")
	flags.StringVar(&hoursFile, "hours", "", "write the hours to this CSV, for the supplier")
	flags.StringVar(&machinesFile, "machines", "", "write each machine's runs to this CSV")
	return command
}

// solveWithCalls plans the day as if nothing were known, then again from the hour of the call.
func solveWithCalls(p *dispatch.Problem, curtail *curtailFlags) (*dispatch.Schedule, error) {
	before := *p
	before.LimitWatts = append([]int64{}, p.LimitWatts...)
	if err := curtail.apply(p); err != nil {
		return nil, err
	}
	if len(curtail.calls) == 0 || curtail.at == 0 {
		return dispatch.Solve(p)
	}
	first, err := dispatch.Solve(&before)
	if err != nil {
		return nil, err
	}
	return dispatch.Replan(p, first, curtail.at)
}

// siteText names a site, its day and its zone.
func siteText(l words.Language, s *site.Site) string {
	return l.Text("plan.site", "name", terminal.Plain(s.Name), "day", s.Day, "zone", s.Zone)
}

func printSchedule(w io.Writer, l words.Language, s *site.Site, rows []site.HourRow, schedule *dispatch.Schedule) {
	fmt.Fprintf(w, "%s\n\n%-6s %10s %12s %12s %9s %7s %18s\n", siteText(l, s), l.Text("plan.hour"),
		l.Text("plan.tariff"), l.Text("plan.kwh"), l.Text("plan.limit"), l.Text("plan.machines"),
		l.Text("plan.starts"), l.Text("plan.cost"))
	var total money.Tiyn
	var energy int64
	for _, r := range rows {
		called := ""
		if r.Called {
			called = "  " + l.Text("plan.curtailed")
		}
		fmt.Fprintf(w, "%02d:00  %10s %12.1f %12.1f %9d %7d %18s%s\n", r.Hour, r.Price, float64(r.KWh)/1000,
			float64(r.LimitWh)/1000, r.Machines, r.Starts, r.Cost.Format(), called)
		total, energy = total+r.Cost, energy+r.KWh
	}
	said := []any{"kwh", fmt.Sprintf("%.1f", float64(energy)/1000), "cost", total.Format(), "gain",
		schedule.Gain.Tiyn().Format(), "bound", schedule.Bound.Tiyn().Format()}
	if schedule.Gain < schedule.Bound {
		fmt.Fprintf(w, "\n%s\n", l.Text("plan.total-bound", said...))
	} else {
		fmt.Fprintf(w, "\n%s\n", l.Text("plan.total", said...))
	}
	if schedule.Forced > 0 {
		fmt.Fprintln(w, l.Text("plan.forced", "count", schedule.Forced))
	}
}

func newFarmPowerBidCommand() *cobra.Command {
	var prices, out string
	command := &cobra.Command{
		Use:   "bid FILE",
		Short: "What to bid in tomorrow's pay-as-bid auction, by hour and class",
		Long: `Maximises (ceiling − bid) × P(accepted) for each hour and class. P comes from past clearing prices
(CSV: day,hour,zone,price): the hour's usual place in its day, yesterday's level, and how far such guesses missed.`,
		Example: "  aqsha farm power bid site/power.toml --prices site/prices.csv --out bids.csv",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := cli.CheckOutputs([]string{args[0], prices}, cli.Output{Flag: "out", Path: out}); err != nil {
				return err
			}
			s, days, err := siteAndPrices(args[0], prices)
			if err != nil {
				return err
			}
			// Of the days before alone: prices of the day itself, where the file has them already, would make bids that
			// nobody could have made.
			offers, err := backtest.Offers(s, before(days, s.Day), backtest.ByRule(s.Auction.Limits))
			if err != nil {
				return err
			}
			if out != "" {
				if err := cli.WriteFile(out,
					func(w io.Writer) error { return backtest.WriteOffers(w, s, offers) }); err != nil {
					return err
				}
			}
			return cli.Show(command, map[string]any{"site": s.Name, "day": s.Day, "zone": s.Zone, "bids": offers},
				func(w io.Writer) {
					l := cli.LanguageFor(command)
					fmt.Fprintf(w, "%s\n\n%-6s %-24s %12s %10s %10s\n", siteText(l, s), l.Text("plan.hour"),
						l.Text("plan.class"), l.Text("plan.kwh"), l.Text("plan.bid"), l.Text("plan.ceiling"))
					for _, o := range offers {
						fmt.Fprintf(w, "%02d:00  %-24s %12.1f %10s %10s\n", o.Hour, terminal.Plain(o.Class),
							float64(o.WattHour)/1000, o.Price, o.Ceiling)
					}
				})
		},
	}
	command.Flags().StringVar(&prices, "prices", "", "past clearing prices, CSV")
	command.Flags().StringVar(&out, "out", "", "write the bids to this CSV")
	_ = command.MarkFlagRequired("prices")
	return command
}

// strategyKeys are the words of what a back-test plays.
var strategyKeys = map[string]string{"rule": "rule", "ceiling": "ceiling", "margin 10 %": "margin-10",
	"margin 20 %": "margin-20", "margin 40 %": "margin-40", "margin that was best before": "best-margin",
	"always on, bidding": "bidding", "always on, granted the clearing price": "granted", "foresight": "foresight"}

// strategyText is a strategy's name in a language; the result's JSON keeps its own.
func strategyText(l words.Language, name string) string {
	if key, ok := strategyKeys[name]; ok {
		return l.Text("plan-strategy." + key)
	}
	return name
}

// factKeys are the words of the dated parameters that a power file takes; what a law is called stays as its source.
var factKeys = map[string]string{params.MiningLevies.Name: "levy", params.ValueAddedTax.Name: "vat",
	params.MiningSaleQuota.Name: "quota", "day-ahead auction of power for miners": "auction",
	params.NotConfirmed2026: "not-confirmed"}

func factText(l words.Language, text string) string {
	if key, ok := factKeys[text]; ok {
		return l.Text("plan-fact." + key)
	}
	return text
}

// siteAndPrices reads both files; the site must have an auction.
func siteAndPrices(file, prices string) (*site.Site, []backtest.Day, error) {
	s, err := site.Read(file)
	if err != nil {
		return nil, nil, err
	}
	if s.Auction == nil {
		return nil, nil, cli.Usage(fmt.Errorf("%s has no [auction]", file))
	}
	in, err := os.Open(prices)
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	days, err := backtest.Read(in, s.Zone)
	return s, days, err
}

// before keeps the days before one.
func before(days []backtest.Day, day params.Date) []backtest.Day {
	n := 0
	for n < len(days) && days[n].Date < day {
		n++
	}
	return days[:n]
}

func newFarmPowerBacktestCommand() *cobra.Command {
	var prices string
	var train int
	command := &cobra.Command{
		Use:   "backtest FILE",
		Short: "What the bids and the schedule would have earned on past prices",
		Long: `Plays the auction again: each day is bid from the days before it, what is accepted is prepaid at the bid,
and the best machines run on it. Beside the rule: bidding the ceiling, fixed margins, running always, and
perfect foresight. The worth of hashes is the power file's on every day.`,
		Example: "  aqsha farm power backtest site/power.toml --prices site/prices.csv --train 60",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			s, days, err := siteAndPrices(args[0], prices)
			if err != nil {
				return err
			}
			result, err := backtest.Run(command.Context(), s, days, train, cli.ProgressOf(command, "days"))
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("plan.backtest", "name", terminal.Plain(result.Site), "from", result.From, "to",
					result.To, "days", result.Days, "train", result.TrainDays))
				fmt.Fprintf(w, "\n%-46s %20s %16s %18s %15s\n", l.Text("plan.strategy"), l.Text("plan.gain"),
					l.Text("plan.bought"), l.Text("plan.used"), l.Text("plan.foresight"))
				// Beside what perfect foresight earns: a rule that gains is not yet a good one.
				for _, r := range result.Rows {
					fmt.Fprintf(w, "%-46s %20s %16d %18d %14.1f%%\n", strategyText(l, r.Strategy),
						r.Gain.Format(), r.BoughtKWh,
						r.UsedKWh, float64(r.OfForesight)/1e4)
				}
			})
		},
	}
	command.Flags().StringVar(&prices, "prices", "", "past clearing prices, CSV")
	command.Flags().IntVar(&train, "train", 60, "days to learn from before the first that is scored")
	_ = command.MarkFlagRequired("prices")
	return command
}
