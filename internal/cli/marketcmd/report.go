package marketcmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/sealcmd"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/performance"
	marketreport "github.com/aqsha/aqsha/market/report"
)

// reportFlags choose inputs and outputs of a report.
type reportFlags struct {
	studyFlags
	file, data, benchmark, language, out, seal, free string
	formats                                          []string
}

// find looks for the asset's daily prices in a folder, by the usual names.
func (f *reportFlags) find(asset string) (string, error) {
	if f.file != "" {
		return f.file, nil
	}
	name := strings.ToLower(asset)
	for _, pattern := range []string{"cm_%s_daily.csv", "cm2019_%s_daily.csv", "%s.parquet", "%s.csv"} {
		path := filepath.Join(f.data, fmt.Sprintf(pattern, name))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", market.Refuse("not-available", "data",
		"no file of %s in %s (looked for cm_%s_daily.csv, %s.csv and the like); name one with --file", asset, f.data,
		name, name)
}

func (f *reportFlags) build(command *cobra.Command, asset string) (*marketreport.Report, error) {
	path, err := f.find(asset)
	if err != nil {
		return nil, err
	}
	o := marketreport.Options{Asset: strings.ToUpper(asset), From: f.from, To: f.to, Version: cli.Version()}
	if o.Input, err = f.input(path); err != nil {
		return nil, err
	}
	if f.benchmark != "" {
		if o.Benchmark, err = market.ReadFile(f.benchmark, market.ReadOptions{}); err != nil {
			return nil, err
		}
	}
	if o.RiskFree, err = riskFree(f.free); err != nil {
		return nil, err
	}
	return marketreport.Build(command.Context(), o, cli.ProgressSpoken(command, "back-test"))
}

// riskFree reads a rate in percent a year, or FILE or FILE:COLUMN with one.
func riskFree(text string) (*performance.RiskFree, error) {
	if text == "" {
		return nil, nil
	}
	if percent, err := strconv.ParseFloat(text, 64); err == nil {
		return performance.Rate(percent)
	}
	path, column := text, ""
	if _, err := os.Stat(path); err != nil {
		if i := strings.LastIndexByte(text, ':'); i > 0 {
			path, column = text[:i], text[i+1:]
		}
	}
	return performance.ReadRate(func(reading market.ReadOptions) (*market.Table, error) {
		return market.ReadFile(path, reading)
	}, column)
}

func newMarketReportCommand() *cobra.Command {
	var f reportFlags
	command := &cobra.Command{
		Use:   "report ASSET",
		Short: "Write one currency's report: HTML, Markdown, CSV, JSON, Parquet",
		Long: `Write everything about one currency into files that open offline. The same input
gives the same bytes. --seal DIR puts the report's hashes into a signed, append-only
log there; "aqsha verify report" re-derives it from its inputs.`,
		Example: `  aqsha market report BTC --data demo --from 2021-01-01 --to 2025-12-31
  aqsha market report BTC --file btc.csv --benchmark sp500.csv --lang kk --format html,csv --out reports
  aqsha market report BTC --data demo --seal sealed
  aqsha market report BTC --data demo --risk-free demo/macro_kz_quarterly.csv:tonia_pct
  aqsha verify report 0 --log sealed --inputs demo`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			language, err := marketreport.ParseLanguage(f.language)
			if err != nil {
				return err
			}
			if err := checkAsset(args[0]); err != nil {
				return err
			}
			// Before the report is computed, which takes seconds: a misspelt form is found out at once.
			if err := f.checkForms(); err != nil {
				return err
			}
			r, err := f.build(command, args[0])
			if err != nil {
				return err
			}
			written, err := f.write(r, language)
			if err != nil {
				return err
			}
			result := map[string]any{"files": written}
			if f.seal != "" {
				keys, err := cli.OpenSealLog(f.seal, cli.SealOrigin, true)
				if err != nil {
					return err
				}
				// Sealed when its files are there: a log that names a report which nobody can open would be the worse
				// failure.
				index, checkpoint, texts, err := r.Append(filepath.Join(f.seal, "log"), keys)
				if err != nil {
					return err
				}
				along := filepath.Join(f.out, baseOf(r)+".seal.json")
				if err := sealcmd.WriteFile(f.seal, along, keys, index, texts); err != nil {
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
				if f.seal != "" {
					fmt.Fprintf(w, "%s\n%s", cli.LanguageFor(command).Text("market.sealed", "entry",
						result["sealed_index"]), result["checkpoint"])
				}
			})
		},
	}
	f.register(command)
	flags := command.Flags()
	flags.StringVar(&f.file, "file", "", "the asset's prices")
	flags.StringVar(&f.data, "data", ".", "folder in which to look for them")
	flags.StringVar(&f.benchmark, "benchmark", "", "file of a benchmark's prices")
	flags.StringVar(&f.free, "risk-free", "",
		"risk-free rate: percent a year, or FILE[:COLUMN] with a series of it, such as TONIA (default 0)")
	flags.StringVar(&f.language, "lang", "en", "en, kk or ru")
	flags.StringVar(&f.out, "out", ".", "folder to write to")
	flags.StringSliceVar(&f.formats, "format", reportForms, "what to write")
	flags.StringVar(&f.seal, "seal", "", "folder of a log of sealed reports (made if absent)")
	return command
}

// checkAsset refuses a name of which no file can be called: files are read and written under it, and it must not lead
// out of --data or --out.
func checkAsset(name string) error {
	letters := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.+ ", r)
	}
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	reserved := slices.Contains([]string{"con", "prn", "aux", "nul"}, stem) || len(stem) == 4 &&
		(strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '0' && stem[3] <= '9'
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, letters) || strings.Contains(name, "..") ||
		reserved || strings.Trim(name, ". ") != name {
		return market.Refuse("choice", "asset",
			"%q is not the name of an asset: letters, digits and - _ + ., at most 64 bytes, no path", name)
	}
	return nil
}

// reportForms are the forms in which a report is written.
var reportForms = []string{"html", "md", "csv", "json", "parquet"}

// checkForms refuses a form that is none.
func (f *reportFlags) checkForms() error {
	if len(f.formats) == 0 {
		return market.Refuse("format", "format", "no form to write; want some of html, md, csv, json, parquet")
	}
	for _, form := range f.formats {
		if !slices.Contains(reportForms, form) {
			return market.Refuse("format", "format", "%q is not one of html, md, csv, json, parquet", form)
		}
	}
	return nil
}

// baseOf is what a report's files are called, without what tells them apart.
func baseOf(r *marketreport.Report) string {
	return fmt.Sprintf("%s-%s-%s", strings.ToLower(r.Options.Asset), r.Origin.From, r.Origin.To)
}

func (f *reportFlags) write(r *marketreport.Report, language marketreport.Language) ([]string, error) {
	writers := map[string]func(io.Writer) error{
		"html": func(w io.Writer) error { return r.HTML(w, language) },
		"md":   func(w io.Writer) error { return r.Markdown(w, language) },
		"csv":  r.CSV, "json": r.JSON, "parquet": r.Parquet,
	}
	if err := os.MkdirAll(f.out, 0o700); err != nil {
		return nil, err
	}
	var written []string
	base := baseOf(r)
	for _, format := range f.formats {
		name := base + "." + format
		if slices.Contains([]string{"html", "md"}, format) {
			name = base + "." + string(language) + "." + format
		}
		path := filepath.Join(f.out, name)
		if err := cli.WriteFile(path, writers[format]); err != nil {
			return nil, err
		}
		written = append(written, path)
	}
	return written, nil
}
