package farmcmd

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/terminal"
)

func newFarmDemoCommand() *cobra.Command {
	var machines int
	var seed uint64
	var month string
	var interval time.Duration
	command := &cobra.Command{
		Use:   "demo",
		Short: "Write a simulated farm's month and bad night into --data, to try everything on",
		Long: `Lets simulated machines live through a month and three days: things break and are repaired, a container
has a planned stop, and in the last night much goes wrong at once. What they say is stored as if a watch had
polled them. Everything says that it is simulated.`,
		Example: "  aqsha farm demo --data demo && aqsha farm today --data demo",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			dir, err := farmdir.Of(command, false)
			if err != nil {
				return err
			}
			config := records.Defaults()
			from, err := time.Parse("2006-01-02-07:00", month+"-01"+config.Zone)
			if err != nil {
				return cli.Usage(fmt.Errorf("--month: want a month such as 2026-10: %w", err))
			}
			// Three days and a morning longer than the month: by then it is settled and can be sealed, and the bad
			// night lies behind the daily report.
			to := from.AddDate(0, 1, 3).Add(8 * time.Hour)
			o := past.Options{Machines: machines, Seed: seed, From: from, To: to, Interval: interval, Faults: true,
				BadNight: true, Progress: cli.ProgressOf(command, "simulated month")}
			if err := past.Write(command.Context(), dir, o); err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"dir": dir, "machines": machines, "from": from, "to": to,
				"simulated": true}, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.lived", "count", machines, "from",
					from.Format(time.DateOnly), "to", to.Format("2006-01-02 15:04 -07:00"), "dir", dir))
			})
		},
	}
	flags := command.Flags()
	flags.IntVar(&machines, "machines", 60, "how many")
	flags.Uint64Var(&seed, "seed", 1, "of their lives")
	flags.StringVar(&month, "month", "2026-10", "to live through")
	flags.DurationVar(&interval, "interval", 5*time.Minute, "between polls")
	return command
}

func newFarmTodayCommand() *cobra.Command {
	var since string
	var top int
	command := &cobra.Command{
		Use:   "today",
		Short: "The daily report: what was lost since yesterday, which machines to visit, what each visit earns",
		Long: `Accounts for the time from yesterday's midnight to the newest poll. A visit earns what the machine
would have accepted without the cause, were the last two hours a day, at the last prices; after power, less the
electricity for it at the tariff and levy of farm.toml.`,
		Example: "  aqsha farm today\n  aqsha farm today --since 2026-10-03T18:00 --top 20 --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if top < 0 {
				return cli.Usage(errors.New("--top: want a number of machines of zero or more"))
			}
			b, err := farmdir.Open(command)
			if err != nil {
				return err
			}
			defer b.Close()
			from := usage.Instant(0)
			if since != "" {
				at, err := farmdir.ParseTime("since", since, &b.Config)
				if err != nil {
					return err
				}
				from = usage.At(at)
			}
			// Zero has the report begin at yesterday's midnight on the farm's clock, which is not the reader's.
			page, err := daily.Build(command.Context(), b, from, time.Now(), top, cli.ProgressOf(command, "account"))
			if err != nil {
				return err
			}
			language, err := cli.LanguageOf(command)
			if err != nil {
				return err
			}
			return cli.Show(command, page, func(w io.Writer) { page.Print(w, language, cli.Tabbed, terminal.Plain) })
		},
	}
	command.Flags().StringVar(&since, "since", "", "begin (default: yesterday's midnight)")
	command.Flags().IntVar(&top, "top", 10, "machines to visit")
	return command
}

func newFarmUseCommand() *cobra.Command {
	var by, month, page, sealDir, selector string
	command := &cobra.Command{
		Use:   "use",
		Short: "Use coefficients, reserves and causes of loss of a month",
		Long: `Accounts for a month: K_ext (by time), K_int = K_speed · K_delivery (by intensity), both together, energy
efficiency, and every cause of loss in hashes and tenge, for each site, container, rack, model or machine, or by
cause. --html writes a report with pictures that opens offline. --seal puts the month's exact account into a
signed, append-only log, once it is settled; "aqsha verify farm" derives it again from the samples.`,
		Example: `  aqsha farm use --by rack --month 2026-10
  aqsha farm use --by cause --month 2026-10 --html october.html
  aqsha farm use --by site --month 2026-10 --seal sealed && aqsha verify farm 0 --log sealed`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			b, err := farmdir.Open(command)
			if err != nil {
				return err
			}
			defer b.Close()
			if month == "" {
				month = b.Store.Newest().Time().In(b.Config.Location()).Format("2006-01")
			}
			report, err := daily.BuildMonth(command.Context(), b, month, selector, by,
				cli.ProgressOf(command, "account"))
			if code := fault.Code(err); code == "bad-time" || code == "unknown-group" {
				return farmdir.Mistyped(err)
			}
			if err != nil {
				return err
			}
			result := map[string]any{"report": report}
			if page != "" {
				if err := cli.WriteFile(page, report.HTML); err != nil {
					return err
				}
				result["html"] = page
			}
			// After the page was written: a seal cannot be taken back, and a page that failed can be written again.
			if sealDir != "" {
				if err := sealMonth(command, b, month, sealDir, result); err != nil {
					return err
				}
			}
			// Alone it is the report itself, as it was before pages and seals could be made with it.
			if cli.WantsJSON(command) && len(result) == 1 {
				return cli.ShowJSON(command, report)
			}
			return cli.Show(command, result, func(w io.Writer) {
				report.Print(w, cli.LanguageFor(command), cli.Tabbed, terminal.Plain)
				if page != "" {
					fmt.Fprintf(w, "\n%s\n", cli.LanguageFor(command).Text("farm.written", "file", page))
				}
				if sealDir != "" {
					fmt.Fprintf(w, "\n%s\n%s", cli.LanguageFor(command).Text("farm.sealed", "entry",
						result["sealed_index"]),
						result["checkpoint"])
				}
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&by, "by", "cause", "site, container, rack, model, machine or cause")
	_ = command.RegisterFlagCompletionFunc("by", cobra.FixedCompletions(append([]string{daily.ByCause}, records.By...),
		cobra.ShellCompDirectiveNoFileComp))
	flags.StringVar(&month, "month", "", "such as 2026-10 (default: that of the newest poll)")
	flags.StringVar(&selector, "select", "*", "machines: *, an identity or the beginning of a place")
	flags.StringVar(&page, "html", "", "write the report as a page")
	flags.StringVar(&sealDir, "seal", "", "folder of a log of sealed months (made if absent)")
	return command
}

func sealMonth(command *cobra.Command, b *records.Records, month, dir string, result map[string]any) error {
	sealed, err := daily.SealMonth(command.Context(), b, month, cli.ProgressOf(command, "seal"))
	if err != nil {
		return err
	}
	keys, err := cli.OpenSealLog(dir, cli.FarmSealOrigin, true)
	if err != nil {
		return err
	}
	index, checkpoint, err := sealed.Append(filepath.Join(dir, "log"), keys)
	result["sealed_index"], result["checkpoint"], result["seal"] = index, string(checkpoint), sealed
	return err
}

// NewVerifyFarmCommand makes the command "farm".
func NewVerifyFarmCommand() *cobra.Command {
	var log, dir, public string
	command := &cobra.Command{
		Use:   "farm INDEX",
		Short: "Derive a farm's sealed month again from its samples",
		Long: `Checks the log's signed checkpoint and that the entry stands under it, then derives the month's account
anew: days whose polls are still kept from these, older days from their five-minute sums. Give --public when you have
the log's key from elsewhere; the folder's own word proves only that nothing changed since.`,
		Example: "  aqsha verify farm 0 --log sealed --data aqsha-farm",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			index, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return cli.Usage(fmt.Errorf("INDEX: %w", err))
			}
			// The folder's own key unless another is given: it shows only that nothing has changed since.
			keys, err := cli.OpenSealLog(log, cli.FarmSealOrigin, false)
			if err != nil {
				return err
			}
			if public != "" {
				if keys.Verifier, err = note.NewVerifier(public); err != nil {
					return cli.Usage(fmt.Errorf("--public: %w", err))
				}
			}
			sealed, err := daily.ReadSeal(filepath.Join(log, "log"), index, keys)
			if err != nil {
				return err
			}
			b, err := records.OpenReader(dir)
			if err != nil {
				return err
			}
			defer b.Close()
			verified, err := sealed.Rederive(command.Context(), b, cli.ProgressOf(command, "account"))
			if err != nil {
				return err
			}
			return cli.Show(command, verified, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("farm.verified", "entry", index, "month", sealed.Month,
					"machines", sealed.Machines,
					"simulated", sealed.Simulated, "accepted", sealed.MicroSatoshi.Satoshi().Format(), "lost",
					sealed.Lost.Satoshi().Format(), "account", sealed.Account))
				fmt.Fprintln(w, l.Text("farm.verified-days", "polled", verified.PolledDays, "summed",
					verified.SummedDays))
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&log, "log", "", "folder given to --seal")
	flags.StringVar(&dir, "data", "aqsha-farm", "folder of the farm's data")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&public, "public", "", "the log's public key, from a source you trust")
	_ = command.MarkFlagRequired("log")
	return command
}
