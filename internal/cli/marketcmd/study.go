package marketcmd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/internal/cli/sealcmd"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/document"
	"github.com/aqsha/aqsha/market/garch"
	marketreport "github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/market/volatility"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// studyOutput says where and in which forms a document is written.
type studyOutput struct {
	languages, formats []string
	out, seal          string
}

// NewStudyCommand makes the command "study".
func NewStudyCommand() *cobra.Command {
	var o document.Options
	var output studyOutput
	var tenge tengeFlags
	var site farmFlags
	var chain chaincmd.NodeFlags
	command := &cobra.Command{
		Use:   "study bitcoin|tenge|farm",
		Short: "Write one document on a money: the whole method, in three languages",
		Long: `Run the whole method on one money and write one document: architecture, volatility,
use and reserves, functions of money, risks, concentration, comparison and grouping,
recommendations with the figure that each rests on and what they would say at other
thresholds, and the paper's figure and tables beside the data. The same files give the
same bytes. --seal DIR puts the hash of every form into a signed log; "aqsha verify
report" derives each again. A PDF is printed by Chromium where it is installed.

--bitcoin URL asks a Bitcoin node, and the card says what it measured: the time between
blocks, finality, peers, and what is in its last blocks.

--farm DIR puts a farm's month into the document; "study farm" is about that farm,
with rules of its own.`,
		Example: `  aqsha study bitcoin --data demo --from 2017-01-01 --to 2019-10-20
  aqsha study bitcoin --data demo --lang kk,ru,en --format html,md,json --out documents
  aqsha study tenge --data demo --node http://127.0.0.1:8420 --kzt-per-usd 520
  aqsha farm demo --data site && aqsha study farm --data demo --farm site --lang ru
  aqsha study bitcoin --data demo --bitcoin @net/node.url
  aqsha study bitcoin --data demo --seal sealed
  aqsha verify report 0 --log sealed --inputs demo`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			// Before a node, a chain or a farm is asked: the document takes minutes, and a language that is not there
			// must not be found out at its end.
			if err := output.check(); err != nil {
				return err
			}
			o.System = args[0]
			if command.Flags().Changed("country") {
				if err := usage.CheckCountry(o.Dir, o.Country); err != nil {
					return err
				}
			}
			if err := measured(command, &o, &tenge, &chain, &site); err != nil {
				return err
			}
			d, err := document.Build(command.Context(), o)
			if err != nil {
				return err
			}
			return output.write(command, d)
		},
	}
	tenge.register(command)
	site.register(command)
	chain.Register(command)
	f := command.Flags()
	f.StringVar(&o.Dir, "data", ".", "folder of extracts")
	f.StringVar(&o.From, "from", "", "first day, YYYY-MM-DD")
	f.StringVar(&o.To, "to", "", "last day, YYYY-MM-DD")
	f.StringVar(&o.Country, "country", "Kazakhstan", "country whose part in mining is measured")
	f.StringSliceVar(&output.languages, "lang", []string{"en"}, "languages to write: en, kk, ru")
	f.StringSliceVar(&output.formats, "format", []string{"html", "md", "json"}, "forms to write: html, md, json, pdf")
	f.StringVar(&output.out, "out", ".", "folder to write to")
	f.StringVar(&output.seal, "seal", "", "folder of a log of sealed reports (made if absent)")
	command.AddCommand(newStudyScoreCommand())
	return heeding(command)
}

// measured asks the node, the chain and the farm that the command line names. What they answer goes into the document
// with the day on which it was asked: it is not to be had again.
func measured(command *cobra.Command, o *document.Options, tenge *tengeFlags, chain *chaincmd.NodeFlags,
	site *farmFlags) error {
	stats, err := tenge.statistics(command)
	if err != nil {
		return err
	}
	if stats != nil {
		o.Node = &document.Node{Stats: *stats, KZTPerUSD: tenge.kztPerUSD,
			Day: time.Now().UTC().Format(time.DateOnly)}
	}
	if o.Chain, err = chainOf(command, chain, o.System); err != nil {
		return err
	}
	o.Farm, err = site.month(command)
	return err
}

// check refuses what cannot be written before anything is computed.
func (s *studyOutput) check() error {
	if len(s.languages) == 0 || len(s.formats) == 0 { // minutes, for no file
		return market.Refuse("format", "format", "no language or no form to write")
	}
	for _, l := range s.languages {
		if _, err := marketreport.ParseLanguage(l); err != nil {
			return err
		}
	}
	for _, f := range s.formats {
		if !slices.Contains([]string{"html", "md", "json", "pdf"}, f) {
			return market.Refuse("format", "format", "%q is not one of html, md, json, pdf", f)
		}
	}
	if slices.Contains(s.formats, "pdf") {
		if _, err := chromium(); err != nil {
			return err
		}
	}
	return nil
}

func (s *studyOutput) write(command *cobra.Command, d *document.Document) error {
	if s.seal != "" { // before a key or a form is written
		if err := d.Sealable(); err != nil {
			return err
		}
	}
	if err := vfs.OS.MkdirAll(s.out); err != nil {
		return err
	}
	var written []string
	printed := map[string]string{} // a PDF carries the time of printing: it is sealed as it is, and not derived again
	for _, format := range s.formats {
		for _, lang := range s.languages {
			name := fmt.Sprintf("study-%s.%s.%s", d.Options.System, lang, format)
			if format == "json" {
				if lang != s.languages[0] {
					continue
				}
				name = fmt.Sprintf("study-%s.json", d.Options.System)
			}
			path := filepath.Join(s.out, name)
			var err error
			if format == "pdf" {
				if err = printPDF(command, path, d, document.Language(lang)); err == nil {
					printed["pdf."+lang], err = hashOf(path)
				}
			} else {
				err = cli.WriteFile(path,
					func(w io.Writer) error { return d.Write(w, format, document.Language(lang)) })
			}
			if err != nil {
				return err
			}
			written = append(written, path)
		}
	}
	result := map[string]any{"files": written, "figures": d.Figures, "recommendations": d.Recommendations,
		"missing": d.Missing}
	if s.seal != "" {
		keys, err := cli.OpenSealLog(s.seal, cli.SealOrigin, true)
		if err != nil {
			return err
		}
		index, checkpoint, texts, err := d.Append(filepath.Join(s.seal, "log"), keys, printed)
		if err != nil {
			return err
		}
		along := filepath.Join(s.out, fmt.Sprintf("study-%s.seal.json", d.Options.System))
		if err := sealcmd.WriteFile(s.seal, along, keys, index, texts); err != nil {
			return err
		}
		written = append(written, along)
		result["files"] = written
		result["sealed_index"], result["checkpoint"] = index, string(checkpoint)
	}
	return present(command, result, func(w io.Writer) {
		for _, path := range written {
			fmt.Fprintln(w, path)
		}
		if s.seal != "" {
			fmt.Fprintf(w, "%s\n%s", cli.LanguageFor(command).Text("market.sealed", "entry",
				result["sealed_index"]), result["checkpoint"])
		}
	})
}

// hashOf is a file's SHA-256.
func hashOf(path string) (string, error) {
	data, err := os.ReadFile(path)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// chromium is the browser that prints pages, by the names that it goes by.
func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", market.Refuse("not-available", "format",
		"pdf needs Chromium, which is not installed; write html and print it")
}

// printPDF lets Chromium print the page, in a profile of its own that is
// removed, from and to a folder of its own: an interrupted one leaves no file.
func printPDF(command *cobra.Command, path string, d *document.Document, lang document.Language) error {
	browser, err := chromium()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aqsha-study-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pagePath, pdf := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	if err := cli.WriteFile(pagePath, func(w io.Writer) error { return d.HTML(w, lang) }); err != nil {
		return err
	}
	args := []string{"--headless", "--disable-gpu", "--no-pdf-header-footer",
		"--user-data-dir=" + filepath.Join(dir, "profile"), "--print-to-pdf=" + pdf}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium's sandbox refuses root; the page is ours and has no script
	}
	if said, err := exec.CommandContext(command.Context(), browser,
		append(args, "file://"+pagePath)...).CombinedOutput(); err != nil {
		return fmt.Errorf("printing %s with %s: %w: %s", path, browser, err, said)
	}
	data, err := os.ReadFile(pdf)
	if err != nil {
		return errors.Join(fmt.Errorf("printing %s with %s", path, browser), err)
	}
	return cli.WriteFile(path, func(w io.Writer) error { _, err := w.Write(data); return err })
}

// studyFlags choose the series and the window of a study.
type studyFlags struct {
	importFlags
	price, from, to string
	annual          float64
	flags           *pflag.FlagSet // of the command: 0 that was given is not 0 that was not
}

func (f *studyFlags) register(command *cobra.Command) {
	f.importFlags.register(command)
	flags := command.Flags()
	f.flags = flags
	flags.StringVar(&f.price, "price", "", "column to study (default: the file's price)")
	flags.StringVar(&f.from, "from", "", "first day, YYYY-MM-DD")
	flags.StringVar(&f.to, "to", "", "last day, YYYY-MM-DD")
	flags.Float64Var(&f.annual, "periods-per-year", 0,
		"observations a year (default: by the data's frequency, as import prints it)")
	flags.Float64Var(&f.annual, "annual", 0, "the same")
	_ = flags.MarkDeprecated("annual", "use --periods-per-year")
}

func (f *studyFlags) input(path string) (study.Input, error) {
	if f.flags != nil && (f.flags.Changed("periods-per-year") || f.flags.Changed("annual")) && f.annual == 0 ||
		f.annual < 0 || math.IsNaN(f.annual) || f.annual > 1e9 {
		return study.Input{}, market.Refuse("periods-per-year", "periods-per-year",
			"%g is not a number of observations a year", f.annual)
	}
	table, err := f.read(path)
	return study.Input{Table: table, Column: f.price, From: f.from, To: f.to, Annual: volatility.Annual(f.annual)}, err
}

func newMarketVolatilityCommand() *cobra.Command {
	var flags studyFlags
	command := &cobra.Command{
		Use:   "volatility FILE",
		Short: "Realised, EWMA, range and HAR volatility, with tests of the returns",
		Example: `  aqsha market volatility btc.csv --from 2021-01-01 --to 2021-12-31
  aqsha market volatility bitstamp_1h.csv --json`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			v, err := study.StudyVolatility(in)
			if err != nil {
				return err
			}
			return show(command, v)
		},
	}
	flags.register(command)
	return command
}

// garchHelp is what help says of garch at length.
const garchHelp = `Fit a model of changing variance from several starts, with analytic derivatives,
and tell how: which start won, what binds, both kinds of standard error.

garch, gjr and egarch of order (1,1) have forecasts and the conventions of other
packages (--like). Of any order, and with the laws ged, hansen and nig or the means ar
and har or regressors, there are garch, gjr, tgarch, avgarch, aparch, figarch,
component and igarch.`

func newMarketGarchCommand() *cobra.Command {
	var flags studyFlags
	var o study.GarchOptions
	var model, law, mean, like, parameters, fan string
	var wide familyFlags
	command := &cobra.Command{
		Use:   "garch FILE",
		Short: "Fit a model of the GARCH family by maximum likelihood",
		Long:  garchHelp,
		Example: `  aqsha market garch btc.csv --model gjr --law t
  aqsha market garch btc.csv --law t --free --forecast 30 --fan fan.html
  aqsha market garch btc.csv --like rugarch --mean ar1
  aqsha market garch btc.csv --law t --parameters btc.json
  aqsha market garch btc.csv --model aparch --law ged
  aqsha market garch btc.csv --model gjr --order 2,1,2 --mean ar --mean-lags 2
  aqsha market garch btc.csv --model figarch --law nig --mean har --regressor hash_rate_ths`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := checkGarch(command.Flags(), o, model, law, mean); err != nil {
				return err
			}
			if err := checkGarchFiles(args, o.Days, fan, parameters); err != nil {
				return err
			}
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			if asked, why := wide.asked(model, law, mean); asked {
				if like != "" || parameters != "" || fan != "" || o.Days > 0 || o.Spec.Free {
					return market.Refuse("choice", "like",
						"--like, --parameters, --forecast, --fan and --free belong to garch, gjr and egarch of order (1,1): "+
							"%s is of the wider family", why)
				}
				return wide.run(command, in, model, law, mean)
			}
			if like != "" && command.Flags().Changed("mean") {
				o.Mean = garch.Mean(mean) // over the package's own
			}
			o.Spec.Model, o.Spec.Law, o.Spec.Mean, o.Like = garch.Model(model), garch.Law(law), garch.Mean(mean),
				garch.Package(like)
			g, err := study.StudyGarch(command.Context(), in, o)
			if err != nil {
				return err
			}
			if fan != "" {
				if err := writeFan(command, fan, in, g); err != nil {
					return err
				}
			}
			if parameters != "" {
				if err := writeParameters(in, g, parameters); err != nil {
					return err
				}
			}
			return show(command, g)
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
	forecastFlags(f, &o, &fan)
	f.StringVar(&parameters, "parameters", "", "write the fitted parameters to this file, for the farm's planner")
	return command
}

// checkGarch refuses what would be passed over: names that nothing has, and options of a forecast without one.
func checkGarch(f *pflag.FlagSet, o study.GarchOptions, model, law, mean string) error {
	for _, choice := range []struct {
		flag, value string
		known       []string
	}{
		{"model", model, []string{"garch", "gjr", "egarch", "tgarch", "avgarch", "aparch", "figarch", "component",
			"igarch"}},
		{"law", law, []string{"normal", "t", "skewt", "ged", "hansen", "nig"}},
		{"mean", mean, []string{"zero", "demeaned", "constant", "ar1", "ar", "har"}},
	} {
		if !slices.Contains(choice.known, choice.value) {
			return market.Refuse("choice", choice.flag, "%q is not one of %s", choice.value,
				strings.Join(choice.known, ", "))
		}
	}
	if f.Changed("mean-lags") && mean != "ar" {
		return market.Refuse("mean-lags", "mean-lags", "only --mean ar has lags")
	}
	if o.Days < 0 || f.Changed("forecast") && o.Days == 0 {
		return market.Refuse("forecast", "forecast", "%d steps; want one or more", o.Days)
	}
	// Passed over, they would seem to have been heeded.
	for _, flag := range []string{"paths", "level", "seed"} {
		if f.Changed(flag) && o.Days == 0 {
			return market.Refuse("choice", flag, "--%s is of a forecast: give --forecast STEPS", flag)
		}
	}
	if o.Paths < 1 {
		return market.Refuse("forecast", "paths", "%d simulated paths; want one or more", o.Paths)
	}
	return nil
}

// checkGarchFiles refuses, before the fit, a chart of no forecast and files that would replace what is read or each
// other.
func checkGarchFiles(inputs []string, days int, fan, parameters string) error {
	if fan != "" && days == 0 {
		return market.Refuse("choice", "fan", "a fan chart shows a forecast: give --forecast DAYS")
	}
	return cli.CheckOutputs(inputs, cli.Output{Flag: "fan", Path: fan},
		cli.Output{Flag: "parameters", Path: parameters})
}

// forecastFlags choose a forecast and where it is drawn.
func forecastFlags(f *pflag.FlagSet, o *study.GarchOptions, fan *string) {
	f.IntVar(&o.Days, "forecast", 0, "forecast so many days")
	f.IntVar(&o.Paths, "paths", 20_000, "simulated paths of the forecast")
	f.Float64Var(&o.Level, "level", 0.95, "level of the forecast's intervals")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the simulation")
	f.StringVar(fan, "fan", "", "write the forecast's fan chart as a page to this file, in the language of --lang")
}

// writeFan writes a forecast's fan chart in the language of the command.
func writeFan(command *cobra.Command, path string, in study.Input, g study.Garch) error {
	language, err := cli.LanguageOf(command)
	if err != nil {
		return err
	}
	return cli.WriteFile(path, func(w io.Writer) error {
		return marketreport.Fan(w, in, g, marketreport.Language(language))
	})
}

func writeParameters(in study.Input, g study.Garch, path string) error {
	p, err := study.ParametersOf(in, g)
	if err != nil {
		return err
	}
	return cli.WriteFile(path, func(w io.Writer) error {
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
		Long: `Value at risk and expected shortfall of the window by several methods. --backtest
also tests eight methods on each period of it, each from the 1,000 periods before, and
refits GARCH-t each time: two to twenty thousandths of a second a period, so that five
years of days take seconds to half a minute, and 12,000 minutes up to four minutes.
It says how far it is; --from and --to make it shorter.`,
		Example: `  aqsha market risk btc.csv --p 0.01
  aqsha market risk btc.csv --from 2021-01-01 --to 2025-12-31 --backtest`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			r, err := study.StudyRisk(command.Context(), in, p, backtest,
				cli.ProgressSpoken(command, "back-test"))
			if err != nil {
				return err
			}
			// Tails that cannot be fitted to so few losses are refused by themselves, a method at a time: the rest of
			// the table is shown.
			if r, err = r.WithTails(command.Context(), in); err != nil {
				return err
			}
			return show(command, r)
		},
	}
	flags.register(command)
	command.Flags().Float64Var(&p, "p", 0.01, "tail probability")
	command.Flags().BoolVar(&backtest, "backtest", false, "test all eight methods day by day")
	return command
}
