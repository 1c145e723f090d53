package farmcmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
)

func newFarmAnnotationCommand() *cobra.Command {
	var s farmdir.Span
	var why string
	command := &cobra.Command{
		Use:   "mark SELECTOR STATE",
		Short: "Say when and why machines do not run: planned, curtailed, outage, repair",
		Long: `Time in which a machine does not run is accounted by the first of planned, curtailed, outage and repair
that is marked for it, and is unknown otherwise. Planned and curtailed time is not held against the machine.
SELECTOR is *, an identity, or the beginning of a place. A day that is summed up takes no marks any more.`,
		Example: `  aqsha farm mark ekibastuz/c1 planned --from 2026-10-03T08:00 --to 2026-10-03T12:00 --why "transformer"`,
		Args:    cli.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			b, err := farmdir.Open(command)
			if err != nil {
				return err
			}
			defer b.Close()
			m := records.Annotation{Selector: args[0], Why: why}
			if m.State, err = usage.ParseState(args[1]); err != nil {
				return farmdir.Mistyped(err)
			}
			from, err := farmdir.ParseTime("from", s.From, &b.Config)
			if err != nil {
				return err
			}
			to, err := farmdir.ParseTime("to", s.To, &b.Config)
			if err != nil {
				return err
			}
			// Read to the second by the farm's clock; a day that is summed up refuses it, since its account is already
			// printed or sealed.
			m.From, m.To = usage.At(from), usage.At(to)
			if err := b.Annotate(m); err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"selector": m.Selector, "state": m.State.String(), "from": from,
				"to": to}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.annotated", "machines", terminal.Plain(m.Selector),
					"state", m.State, "from", farmdir.Moment(from, b.Config.Location()), "to",
					farmdir.Moment(to, b.Config.Location())))
			})
		},
	}
	s.Register(command)
	command.Flags().StringVar(&why, "why", "", "for whoever reads it")
	return command
}

func newFarmPriceCommand() *cobra.Command {
	var from, fees, bitcoin string
	var difficulty float64
	command := &cobra.Command{
		Use:   "price",
		Short: "Add what work is worth from a time on",
		Long: `Adds a row to prices.csv: network difficulty, what a block pays (the subsidy of the day and the mean
fees of about 144 blocks) and the price of a bitcoin. Work of an hour is valued at the last price before it.`,
		Example: "  aqsha farm price --difficulty 150e12 --fees 0.02 --bitcoin-price 50000000",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, config, err := farmdir.Config(command)
			if err != nil {
				return err
			}
			at := time.Now().Truncate(time.Hour)
			if from != "" {
				if at, err = farmdir.ParseTime("from", from, &config); err != nil {
					return err
				}
			}
			// The subsidy by law of the protocol, of the day; only fees have to be told. Days of the halvings to come are
			// expected ones, so that the result says which subsidy it is of.
			era, err := params.SubsidyEras.At(params.DateOf(at))
			if err != nil {
				return farm.Refuse("farm-out-of-range", "from", "%v", err)
			}
			subsidy := era.Value.Subsidy
			mean, err := money.ParseBitcoin(fees)
			if err != nil || mean < 0 {
				return farm.Refuse("not-a-number", "fees", "%q: want BTC a block", fees)
			}
			reward, d := (subsidy + mean).String(), strconv.FormatFloat(difficulty, 'g', -1, 64)
			price, err := records.ParsePrice(d, reward, bitcoin)
			if err != nil {
				return err
			}
			// Made for what was judged: a price that is refused leaves no folder that looks like a farm.
			if _, err := farmdir.Of(command, true); err != nil {
				return err
			}
			if err := records.AddPrice(dir, at, d, reward, bitcoin); err != nil {
				return err
			}
			perDay := price.Hashprice.PerTHDay()
			worth, err := perDay.Tenge(price.Bitcoin)
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"from": at, "hashprice": price.Hashprice,
				"subsidy_btc": subsidy.String(), "satoshi_per_th_day": perDay.Satoshi(), "tiyn_per_th_day": worth.Tiyn().String()}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.price", "at", farmdir.Moment(at, config.Location()),
					"satoshi", int64(perDay.Satoshi()), "worth", worth.Tiyn().Format(), "subsidy",
					subsidy.String()+" BTC"))
			})
		},
	}
	flags := command.Flags()
	flags.Float64Var(&difficulty, "difficulty", 0, "of the network")
	flags.StringVar(&fees, "fees", "0", "mean fees of a block, BTC")
	flags.StringVar(&bitcoin, "bitcoin-price", "", "price of a bitcoin, tenge")
	cli.Formerly(flags, "bitcoin-price", "bitcoin")
	flags.StringVar(&from, "from", "", "from when on (default: this hour)")
	_ = command.MarkFlagRequired("difficulty")
	_ = command.MarkFlagRequired("bitcoin-price")
	return command
}

func newFarmSilenceCommand() *cobra.Command {
	var long time.Duration
	var kinds []string
	var why string
	command := &cobra.Command{
		Use:   "silence SELECTOR",
		Short: "Hold alerts of machines back for a time",
		Example: "  aqsha farm silence ekibastuz/c1/r3 --for 2h --why \"changing fans\"\n  aqsha farm silence \"*\" " +
			"--kind offline --for 30m",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if long <= 0 || long > 30*24*time.Hour {
				return farm.Refuse("farm-out-of-range", "for", "want a time up to 30 days")
			}
			dir, config, err := farmdir.Config(command)
			if err != nil {
				return err
			}
			// A misspelt selector would hold nothing back, and be found out when somebody is called at night.
			inventory, err := fleet.OpenInventory(dir)
			if err == nil {
				_, err = inventory.Select(args[0])
			}
			if err != nil {
				return err
			}
			now := time.Now()
			s := alert.Silence{Selector: args[0], Until: usage.At(now.Add(long)), Why: why}
			for _, kind := range kinds {
				if !slices.Contains(alert.Kinds, alert.Kind(kind)) {
					return farmdir.Mistyped(farm.Refuse("farm-unknown-kind", "kind", "%q is not one of %v", kind,
						alert.Kinds))
				}
				s.Kinds = append(s.Kinds, alert.Kind(kind))
			}
			if err := monitor.AddSilence(dir, s, usage.At(now)); err != nil {
				return err
			}
			return cli.Show(command, s, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.held-back", "machines", terminal.Plain(args[0]),
					"at",
					farmdir.Moment(s.Until.Time(), config.Location())))
			})
		},
	}
	command.Flags().DurationVar(&long, "for", time.Hour, "how long")
	command.Flags().StringSliceVar(&kinds, "kind", nil, "only these kinds")
	command.Flags().StringVar(&why, "why", "", "for whoever reads it")
	return command
}

func newFarmExportCommand() *cobra.Command {
	var s farmdir.Span
	var out string
	command := &cobra.Command{
		Use:   "export [SELECTOR]",
		Short: "Write polls as CSV",
		Long: `Writes every poll of the machines that is kept (two weeks), one a row, in order of time within each
machine. Counters are in 10^6 hashes; what a machine does not report is empty.`,
		Example: "  aqsha farm export --from 2026-10-03 --to 2026-10-04 --out polls.csv\n  aqsha farm export " +
			"ekibastuz/c1/r3",
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			b, err := farmdir.Open(command)
			if err != nil {
				return err
			}
			defer b.Close()
			selector := "*"
			if len(args) == 1 {
				selector = args[0]
			}
			// The end is outside of a span: without the one more, the newest poll would be missing.
			from, to := usage.Instant(0), b.Store.Newest()+1
			if s.From != "" {
				at, err := farmdir.ParseTime("from", s.From, &b.Config)
				if err != nil {
					return err
				}
				from = usage.At(at)
			} else if days := b.Store.Days(); len(days) > 0 {
				from = days[0]
			}
			if s.To != "" {
				at, err := farmdir.ParseTime("to", s.To, &b.Config)
				if err != nil {
					return err
				}
				to = usage.At(at)
			}
			if from > to {
				return farm.Refuse("bad-time", "to", "want it after from")
			}
			if out == "" {
				return exportPolls(command.OutOrStdout(), b, selector, from, to)
			}
			return cli.WriteFile(out, func(w io.Writer) error { return exportPolls(w, b, selector, from, to) })
		},
	}
	s.Register(command)
	command.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	return command
}

func exportPolls(w io.Writer, b *records.Records, selector string, from, to usage.Instant) error {
	machines, err := b.Fleet.Select(selector)
	if err != nil {
		return err
	}
	numbers := map[string]uint32{}
	for number, identity := range b.Store.Machines() {
		numbers[identity] = uint32(number)
	}
	rows := safecsv.NewWriter(w)
	_ = rows.Write(
		strings.Split(
			"time,machine,simulated,elapsed_s,rate_mhs,nameplate_mhs,total_mh,accepted_mh,rejected_mh,hardware_errors,chip_c,slowest_fan_rpm,watts,watts_from,boards,boards_due,cap_permille,pool_alive,pool_wrong,throttled,sleeping", ","))
	for _, m := range machines {
		number, ok := numbers[m.ID]
		if !ok {
			continue
		}
		polls, err := b.Store.Polls(number, from, to)
		if err != nil {
			return err
		}
		for _, p := range polls {
			fields := []string{p.At.Time().Format(time.RFC3339), m.ID, strconv.FormatBool(m.Simulated)}
			for _, v := range []int64{p.Elapsed, p.RateMHs, p.NameplateMHs, p.TotalMH, p.AcceptedMH, p.RejectedMH,
				p.HardwareErrors, p.ChipTemp, p.SlowestFan, p.Watts} {
				// Empty where a machine does not report: 0 would be a measurement.
				fields = append(fields, known(v))
			}
			fields = append(fields, []string{"", "machine", "nameplate"}[p.Source])
			for _, v := range []int64{p.Boards, p.BoardsDue, p.CapPermille} {
				fields = append(fields, known(v))
			}
			for _, v := range []bool{p.PoolAlive, p.PoolWrong, p.Throttled, p.Sleeping} {
				fields = append(fields, strconv.FormatBool(v))
			}
			if err := rows.Write(fields); err != nil {
				return err
			}
		}
	}
	rows.Flush()
	return rows.Error()
}

// known is a number that was reported, or nothing.
func known(v int64) string {
	if v < 0 {
		return ""
	}
	return strconv.FormatInt(v, 10)
}
