package controlcmd

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/tune"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/words"
)

const tuneHelp = `Tries each --profile (or --watts limit) on the machines, the first as they run now, measures rates and
watts as they say themselves, lets each machine run in what earned most at the newest price of work
('aqsha farm price') and at the price of power, and measures again. --hold per cent of the machines, drawn by
--seed, are left as they are: the gain is by how much more the others' earnings changed, with its 95 % interval.
If that is not above zero, if the command is interrupted, or for a machine that cannot be measured to the end, all
go back to the first profile. The machines that were held keep it; run it again to tune them. Orders go out in
batches of --step-kw as with 'farm control', each read back and in audit.jsonl; above four_eyes machines of farm.toml
select fewer, since nobody could confirm what is tried. --dry-run shows who would be tried and who held.`

// NewFarmTuneCommand is the verb "tune": which profile of a machine earns most.
func NewFarmTuneCommand() *cobra.Command {
	var c control.Controller
	var r tune.Runner
	var profiles []string
	var watts []int64
	var power string
	var dry bool
	command := &cobra.Command{
		Use:   "tune SELECTOR",
		Short: "Find the power profile in which each machine earns most, and show that the gain is real",
		Long:  tuneHelp,
		Example: "  aqsha farm tune ekibastuz/c1 --profile default --profile 445MHz --profile 290MHz --dry-run\n" +
			"  aqsha farm tune ekibastuz/c1 --watts 3400,3000,2600 --measure 1h --allow-control --json",
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			dir, config, machines, err := selected(command, args[0])
			if err != nil {
				return err
			}
			if r.Profiles, err = tuneProfiles(profiles, watts, r.Held); err != nil {
				return err
			}
			if r.Terms, err = tuneTerms(command, &config, power); err != nil {
				return err
			}
			if dry {
				return showSplit(command, machines, &r)
			}
			// A trial changes its orders as it goes: there is no order that a second person could confirm.
			if config.NeedsSecond(len(machines)) {
				return farm.Refuse("farm-person", "machines",
					"%d machines are more than four_eyes of farm.toml: nobody can confirm what is tried; select fewer",
					len(machines))
			}
			if !c.Allow {
				return farm.Refuse("control-off", "allow-control",
					"control is off; --allow-control lets orders through")
			}
			if err := prepare(command, &c, dir); err != nil {
				return err
			}
			defer c.Audit.Close()
			c.Progress = nil
			narrate := cli.Narrator(command)
			r.Control, r.Progress = &c, func(text string) { narrate("%s", text) }
			out, err := r.Run(command.Context(), machines)
			if out == nil {
				return err
			}
			if shown := showTuned(command, out); err == nil {
				err = shown
			}
			return err
		},
	}
	controllerFlags(command, &c)
	flags := command.Flags()
	flags.StringArrayVar(&profiles, "profile", nil, "name of a profile on the firmware, the first as machines run now")
	flags.Int64SliceVar(&watts, "watts", nil, "limits of power instead of profiles, the first as machines run now")
	flags.StringVar(&power, "power-price", "", "tenge a kWh (default: tariff and levy of farm.toml)")
	flags.IntVar(&r.Held, "hold", 20, "per cent of the machines that are left as they are")
	flags.Uint64Var(&r.Seed, "seed", 1, "by which these are drawn")
	flags.DurationVar(&r.Settle, "warm-up", 10*time.Minute, "after a change, before it is measured")
	flags.DurationVar(&r.Measure, "measure", 30*time.Minute, "how long each profile is measured")
	flags.DurationVar(&r.Every, "every", 30*time.Second, "between polls of a measurement")
	flags.BoolVar(&dry, "dry-run", false, "tell nobody")
	command.MarkFlagsMutuallyExclusive("profile", "watts")
	return command
}

// tuneProfiles are the orders to try, where not all machines are held.
func tuneProfiles(names []string, watts []int64, held int) (list []control.Order, err error) {
	if held < 0 || held > 99 {
		return nil, cli.Usage(fmt.Errorf("--hold %d: want 0 to 99 per cent", held))
	}
	for _, name := range names {
		list = append(list, control.Order{Action: control.Profile, Profile: name})
	}
	for _, w := range watts {
		list = append(list, control.Order{Action: control.Power, Watts: w})
	}
	if len(list) < 2 {
		return nil, cli.Usage(errors.New("want at least two of --profile or --watts, the first as machines run now"))
	}
	for _, o := range list {
		if err := o.Validate(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// tuneTerms are the newest price of work and the price of power: the command line's, or the settings'. Without a price
// of work nothing can be compared, and it is refused.
func tuneTerms(command *cobra.Command, config *records.Config, power string) (t tune.Terms, err error) {
	if t.Power, err = config.PricePerKWh(); err != nil {
		return t, err
	}
	if power != "" {
		if t.Power, err = money.ParseTenge(power); err != nil || t.Power < 0 {
			return t, cli.Usage(fmt.Errorf("--power-price: %q: want tenge a kWh", power))
		}
	}
	b, err := farmdir.Open(command)
	if err != nil {
		return t, err
	}
	defer b.Close()
	price, priced := b.PriceAt(usage.At(time.Now()).Floor(usage.Hour))
	if !priced {
		return t, farm.Refuse("no-price", "prices.csv",
			"work has no price yet; 'aqsha farm price' says what it is worth")
	}
	t.Work = price
	return t, nil
}

// showSplit draws as the run will, by the same seed, and tells no machine anything.
func showSplit(command *cobra.Command, machines []*fleet.Machine, r *tune.Runner) error {
	able, missing := tune.Able(machines, r.Profiles)
	tuned, held := r.Draw(able)
	reasons := map[string]string{}
	for id, why := range missing {
		reasons[id] = why.In(words.English)
	}
	return cli.Show(command, map[string]any{"seed": r.Seed, "tuned": tuned, "held": held, "missing": reasons},
		func(w io.Writer) {
			l := cli.LanguageFor(command)
			fmt.Fprintln(w, l.Text("farm.would-try", "machines", tuned))
			fmt.Fprintln(w, l.Text("farm.would-leave", "machines", held))
			for _, id := range slices.Sorted(maps.Keys(missing)) {
				fmt.Fprintln(w, l.Text("farm.cannot-try", "machine", terminal.Plain(id), "why",
					terminal.Plain(missing[id].In(l))))
			}
			if len(able) < 4 {
				fmt.Fprintln(w, l.Text("farm.too-few"))
			}
		})
}

// perDay is an hour's money, a day long, as people read it.
func perDay(hour farm.MicroTiyn) string { return money.Tiyn(hour * 24 / 1_000_000).Format() }

func showTuned(command *cobra.Command, out *tune.Result) error {
	return cli.Show(command, out, func(w io.Writer) {
		l := cli.LanguageFor(command)
		cli.Tabbed(w, func(tab io.Writer) {
			fmt.Fprintln(tab, l.Text("farm.tune-columns"))
			for _, m := range out.Machines {
				profile, last := out.Profiles[m.Best], m.Windows[len(m.Windows)-1]
				switch {
				case m.Problem != "":
					fmt.Fprintf(tab, "%s\t%s\n", terminal.Plain(m.Machine),
						l.Text("farm.not-measured", "why", terminal.Plain(m.Finding.Say(l, m.Problem))))
					continue
				// What the others are compared with: it keeps its profile, so that weather and difficulty are in both
				// changes.
				case m.Held:
					profile = l.Text("farm.held")
				}
				fmt.Fprintf(tab, "%s\t%s\t%d\t%d\t%.1f\t%s\t%s\n", terminal.Plain(m.Machine), terminal.Plain(profile),
					last.RateMHs/1_000_000, last.Watts, float64(last.Watts)*1e6/float64(max(1, last.RateMHs)),
					perDay(m.Net[len(m.Net)-1]), perDay(m.Change))
			}
		})
		// Without enough machines measured to the end there is no interval, and a mean alone would be taken for one.
		if out.Gain == nil {
			fmt.Fprintln(w, l.Text("farm.gain-unmeasured", "count", out.Returned, "profile",
				terminal.Plain(out.Profiles[0])))
			return
		}
		fmt.Fprintln(w, l.Text("farm.gain", "mean", perDay(out.Gain.Mean), "low", perDay(out.Gain.Low), "high",
			perDay(out.Gain.High), "seed", out.Seed))
		if !out.Shown {
			fmt.Fprintln(w, l.Text("farm.gain-not-shown", "count", out.Returned, "profile",
				terminal.Plain(out.Profiles[0])))
		}
	})
}
