package plancmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/oldnames"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/advise"
	"github.com/aqsha/aqsha/planner/page"
	"github.com/aqsha/aqsha/planner/power/site"
	"github.com/aqsha/aqsha/planner/register"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// planFlags say what to do with a plan's result.
type planFlags struct{ html, lang, out, site string }

// NewFarmPlanCommand makes the command "plan".
func NewFarmPlanCommand() *cobra.Command {
	var f planFlags
	command := &cobra.Command{
		Use:   "plan FILE",
		Short: "How the farm should grow: what to buy when, what to retire, what to sell",
		Long: `Decides a plan file on common simulated futures: purchases, retirements and the share of coins kept
that are best by mean − λ × CVaR₅ of net present value after tax; beside it the farm as it is, the same money in
bitcoin, and the same money in the bank. The plan, the files it names and its seed are in the JSON result, which
"aqsha farm plan rerun" computes again to the same bytes.`,
		Example: `  aqsha farm plan farm/plan.toml
  aqsha farm plan farm/plan.toml --html plan.html --lang ru --out plan.json
  aqsha farm plan farm/plan.toml --site farm/power.toml --html plan.html`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			// Before the plan is computed, which takes minutes.
			if err := f.check(args[0], f.site); err != nil {
				return err
			}
			p, err := planner.Read(args[0])
			if err != nil {
				return err
			}
			var day *advise.Day
			if f.site != "" {
				s, err := site.Read(f.site)
				if err != nil {
					return err
				}
				text, err := os.ReadFile(f.site)
				if err != nil {
					return err
				}
				name := filepath.Base(f.site)
				// Into the result: it is computed again without the file. Under its name, which must be its own there.
				if has, taken := p.Files[name]; taken && has != string(text) {
					return cli.Usage(fmt.Errorf("--site %s: it is called as another file of the plan", f.site))
				}
				p.Files[name] = string(text)
				if day, err = advise.DayOf(s, name); err != nil {
					return err
				}
			}
			r, err := advise.Build(command.Context(), p, day, cli.Version(), cli.ProgressOf(command, "plan"))
			if err != nil {
				return err
			}
			return f.show(command, r)
		},
	}
	flags := command.Flags()
	flags.StringVar(&f.html, "html", "", "write one page that opens offline")
	flags.StringVar(&f.lang, "lang", "en", "en, kk or ru")
	flags.StringVar(&f.out, "out", "", "write the result as JSON, to be computed again")
	flags.StringVar(&f.site, "site", "",
		"a power file whose day's schedule goes onto the page (default: the plan's machines on its first day)")
	command.AddCommand(newFarmPlanInitCommand(), newFarmPlanRerunCommand(), newFarmPlanRegistersCommand())
	return command
}

// check refuses a language that there is not, and files that would replace what is read or each other.
func (f *planFlags) check(inputs ...string) error {
	if !slices.Contains([]string{"en", "kk", "ru"}, f.lang) {
		return farm.Refuse("language", "lang", "%q is not one of en, kk, ru", f.lang)
	}
	return cli.CheckOutputs(inputs, cli.Output{Flag: "html", Path: f.html}, cli.Output{Flag: "out", Path: f.out})
}

// show writes the files that were asked for, and prints.
func (f *planFlags) show(command *cobra.Command, r *advise.Result) error {
	if f.html != "" {
		if err := cli.WriteFile(f.html, func(w io.Writer) error { return page.Write(w, r, f.lang) }); err != nil {
			return err
		}
	}
	if f.out != "" {
		if err := cli.WriteFile(f.out, func(w io.Writer) error { return writeResult(w, r) }); err != nil {
			return err
		}
	}
	return cli.Show(command, r, func(w io.Writer) { printPlan(w, r, f.lang) })
}

func writeResult(w io.Writer, r *advise.Result) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

func printPlan(w io.Writer, r *advise.Result, lang string) {
	a, t := r.Words[lang], r.In(lang)
	fmt.Fprintf(w, "%s, %s … %s\n\n%s\n", terminal.Plain(r.Name), r.From, r.To, a.Headline)
	list := func(lines []string) {
		for _, line := range lines {
			fmt.Fprintf(w, "  • %s\n", terminal.Plain(line))
		}
	}
	list(a.Steps)
	fmt.Fprintln(w)
	list(a.Reasons)
	fmt.Fprintf(w, "\n%s\n", terminal.Plain(a.RunnerUp))
	list(a.Changes)
	fmt.Fprintf(w, "\n%-28s %12s %12s %12s %12s %12s %12s %8s\n", advise.InCurrency(t.Unit(), r.Currency),
		t.Say("mean"), "$", "5 %", "50 %",
		"95 %", "−CVaR₅", t.Say("probability"))
	for _, o := range r.Options {
		fmt.Fprintf(w, "%-28s %12s %12s %12s %12s %12s %12s %8s\n", t.Say("way "+string(o.Way)),
			t.Amount(o.Mean), t.Number(o.MeanUSD/t.Scale(), 2), t.Amount(o.P5), t.Amount(o.Median),
			t.Amount(o.P95), t.Amount(-o.CVaR5), t.Percent(o.LossProbability, false))
	}
	printYears(w, r, t)
	for _, s := range r.Tornado {
		fmt.Fprintf(w, "%-28s %6s %12s   %6s %12s\n", t.Say("input "+s.Input), t.Percent(s.LowFactor-1, true),
			t.Amount(s.Low), t.Percent(s.HighFactor-1, true), t.Amount(s.High))
	}
	fmt.Fprintln(w)
	list(a.Notes)
}

// printYears sums the strategy's months up; the page and the JSON have each.
func printYears(w io.Writer, r *advise.Result, t advise.Phrases) {
	fmt.Fprintf(w, "\n%-28s %12s %12s %12s %12s\n", t.Say("year"), t.Say("coins"), t.Say("power and levy"),
		t.Say("profit tax"), t.Say("cash"))
	for i := 0; i < len(r.Months); {
		year := r.Months[i].Month[:4]
		var income, power, tax, cash float64
		for ; i < len(r.Months) && r.Months[i].Month[:4] == year; i++ {
			m := r.Months[i]
			income, power, tax, cash = income+m.Income, power+m.Power, tax+m.Tax, cash+m.Cash
		}
		fmt.Fprintf(w, "%-28s %12s %12s %12s %12s\n", year, t.Amount(income), t.Amount(-power),
			t.Amount(-tax), t.Amount(cash))
	}
	fmt.Fprintln(w)
}

// beginFile is a file to begin with, for a person to edit.
type beginFile struct{ name, content string }

// beginFiles writes files to a folder. One that is there already may have been edited: then nothing is written.
func beginFiles(dir string, files ...beginFile) (paths []string, err error) {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if _, err := os.Stat(path); err == nil {
			return nil, cli.Usage(fmt.Errorf("%s is there already: move it away, or choose another folder", path))
		}
		paths = append(paths, path)
	}
	if err := vfs.OS.MkdirAll(dir); err != nil {
		return nil, err
	}
	for i, f := range files {
		if err := durable.Create(vfs.OS, paths[i], []byte(f.content)); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func newFarmPlanInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "init DIR",
		Short:   "Write a plan to begin with",
		Example: "  aqsha farm plan init farm && aqsha farm plan farm/plan.toml",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			files, err := beginFiles(args[0], beginFile{"plan.toml", planner.ExampleFile},
				beginFile{"garch.json", planner.ExampleModel}, beginFile{"power.toml", site.ExampleFile})
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"files": files}, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, strings.Join(files, "\n"))
				fmt.Fprintln(w, l.Text("plan.made-up", "file", files[1]))
				fmt.Fprintln(w, l.Text("plan.next", "file", files[0]))
			})
		},
	}
}

func newFarmPlanRerunCommand() *cobra.Command {
	var f planFlags
	command := &cobra.Command{
		Use:   "rerun RESULT",
		Short: "Compute a result again from the plan, the files and the seed that are in it",
		Long: `Computes a JSON result again and compares the two byte for byte. A difference is an error: the result was
changed, or another version or processor architecture rounds otherwise.`,
		Example: "  aqsha farm plan rerun plan.json --html plan.html",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := f.check(args[0]); err != nil {
				return err
			}
			old, stored, err := readResult(args[0])
			if err != nil {
				return err
			}
			r, err := rebuild(command, old)
			if err != nil {
				return err
			}
			// In the form of the program that wrote it, whose spelling of keys may have been another.
			again, err := formOf(r, old.Format)
			if err != nil {
				return err
			}
			if !bytes.Equal(again, stored) {
				return farm.Refuse("differs", "result",
					"computed again with %s it is not the same as the file, which %s wrote", r.Version, old.Version)
			}
			if f.html == "" && !cli.WantsJSON(command) {
				fmt.Fprintln(command.OutOrStdout(), cli.LanguageFor(command).Text("plan.again", "file", args[0],
					"bytes",
					len(stored)))
				return nil
			}
			return f.show(command, r)
		},
	}
	command.Flags().StringVar(&f.html, "html", "", "write its page too")
	command.Flags().StringVar(&f.lang, "lang", "en", "en, kk or ru")
	return command
}

func readResult(path string) (*advise.Result, []byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if info.Size() > 64<<20 {
		return nil, nil, farm.Refuse("too-long", "result", "%s is longer than 64 MiB", path)
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var r advise.Result
	if err := json.Unmarshal(oldnames.Read(stored), &r); err != nil || r.Format != advise.Format &&
		r.Format != advise.FirstFormat {
		return nil, nil, farm.Refuse("format", "result", "%s is no result of aqsha farm plan (%v)", path, err)
	}
	return &r, stored, nil
}

// formOf is a result as the program wrote it when its form was called so.
func formOf(r *advise.Result, format string) ([]byte, error) {
	then := *r
	then.Format = format
	var form bytes.Buffer
	if err := writeResult(&form, &then); err != nil {
		return nil, err
	}
	if format == advise.FirstFormat {
		return oldnames.Write(form.Bytes()), nil
	}
	return form.Bytes(), nil
}

func rebuild(command *cobra.Command, old *advise.Result) (*advise.Result, error) {
	p, err := planner.Parse(old.File, old.Text, func(name string) (string, error) {
		text, ok := old.Files[name]
		if !ok {
			return "", os.ErrNotExist
		}
		return text, nil
	})
	if err != nil {
		return nil, err
	}
	var day *advise.Day
	if old.Day != nil && old.Day.File != "" {
		s, err := site.Parse(old.Day.File, old.Files[old.Day.File])
		if err != nil {
			return nil, err
		}
		p.Files[old.Day.File] = old.Files[old.Day.File]
		if day, err = advise.DayOf(s, old.Day.File); err != nil {
			return nil, err
		}
	}
	return advise.Build(command.Context(), p, day, cli.Version(), cli.ProgressOf(command, "plan"))
}

func newFarmPlanRegistersCommand() *cobra.Command {
	var metered, received, out string
	command := &cobra.Command{
		Use:   "registers FILE",
		Short: "Levy declaration, tax base, quota and licence as CSV, with their due dates",
		Long: `Writes levy.csv (a quarter a row, reconciled to the meter), tax.csv, quota.csv and licence.csv.
Kilowatt-hours come from --metered (CSV: day,kwh), coins from --received (CSV: day,btc,price_kzt,sold_btc). Without a
meter the plan's own kilowatt-hours are written, and the basis says "planned". Tax and quota are of coins received, and are
written only with --received.`,
		Example: `  aqsha farm plan registers farm/plan.toml --out registers
  aqsha farm plan registers farm/plan.toml --metered kwh.csv --received coins.csv --out registers`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			p, err := planner.Read(args[0])
			if err != nil {
				return err
			}
			kWh, err := readRows(metered, register.ReadMetered)
			if err != nil {
				return err
			}
			coins, err := readRows(received, register.ReadReceived)
			if err != nil {
				return err
			}
			// All of them computed before the first is written: registers are filed together, and must be of the same
			// figures.
			r, err := register.Build(p, kWh, coins)
			if err != nil {
				return err
			}
			if err := vfs.OS.MkdirAll(out); err != nil {
				return err
			}
			for _, f := range r.Files() {
				if err := cli.WriteFile(filepath.Join(out, f.Name), f.Write); err != nil {
					return err
				}
			}
			return cli.Show(command, r, func(w io.Writer) {
				printRegisters(w, cli.LanguageFor(command), r, out)
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&metered, "metered", "", "the meter's days, CSV: day,kwh")
	flags.StringVar(&received, "received", "", "coins received, CSV: day,btc,price_kzt,sold_btc")
	flags.StringVar(&out, "out", "registers", "folder to write to")
	return command
}

// readRows reads a CSV of the user's; without a path there are no rows.
func readRows[T any](path string, read func(io.Reader) ([]T, error)) ([]T, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return read(file)
}

func printRegisters(w io.Writer, l words.Language, r *register.Registers, out string) {
	cli.Tabbed(w, func(tab io.Writer) {
		fmt.Fprintln(tab, l.Text("plan.registers-columns"))
		for _, x := range r.Levy {
			fmt.Fprintf(tab, "%s\t%s\t%.1f\t%.1f\t%s\t%s\t%s\n", x.Quarter, x.Basis, float64(x.WattHours)/1000,
				float64(x.WattHours-x.Planned)/1000, x.Levy.Format(), x.DeclareBy, x.PayBy)
		}
	})
	if len(r.Quota) == 0 {
		fmt.Fprintf(w, "\n%s\n", l.Text("plan.no-coins"))
	} else {
		last := r.Quota[len(r.Quota)-1]
		fmt.Fprintf(w, "\n%s\n", l.Text("plan.astana", "month", last.Month, "amount", last.Behind.Format()))
	}
	for _, term := range r.Licence {
		fmt.Fprintf(w, "%s: %s … %s\n", term.Kind, term.From, term.Until)
	}
	for _, f := range r.Files() {
		fmt.Fprintf(w, "%s\n", filepath.Join(out, f.Name))
	}
}
