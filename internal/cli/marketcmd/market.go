package marketcmd

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

// NewMarketCommand is the noun "market"; its verbs live in market_*.go.
func NewMarketCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "market",
		Short: "Measure volatility, risk, concentration and use of digital currencies",
		Long: `Measure digital currencies from files you bring (CSV, xlsx or Parquet), with the origin
of every figure. Without files, "aqsha market demo" writes a synthetic set.`,
	}
	command.AddCommand(newMarketImportCommand(), newMarketDemoCommand(), newMarketPaperCommand(),
		newMarketVolatilityCommand(), newMarketGarchCommand(), newMarketMemoryCommand(), newMarketBreaksCommand(),
		newMarketSpilloverCommand(),
		newMarketIntradayCommand(), newMarketLiquidityCommand(), newMarketRiskCommand(),
		newMarketVerifyCommand(), newMarketReportCommand(), newMarketConcentrationCommand(), newMarketUseCommand(),
		newMarketReservesCommand(), newMarketFunctionsCommand(), newMarketRisksCommand(), newMarketWashCommand(),
		newMarketArchitectureCommand())
	return heeding(command)
}

// importFlags are shared by every verb that reads a file.
type importFlags struct {
	timeColumn, timeLayout, timeZone, origin string
	decimal, encoding, member                string
	noHeader                                 bool
	columns, repairs, only                   []string
}

func (f *importFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.timeColumn, "time-column", "", "header of the time column, when it is not recognised")
	flags.StringVar(&f.timeLayout, "time-layout", "", `layout of times in Go's form ("02/01/2006"), or "unix"`)
	flags.StringVar(&f.timeZone, "time-zone", "UTC", "zone of the times as written")
	flags.StringVar(&f.origin, "origin", "", "where the file comes from, for the provenance")
	flags.StringVar(&f.decimal, "decimal", "",
		`decimal sign of the file's numbers, "." or ",", where it cannot be told`)
	flags.StringVar(&f.encoding, "encoding", "",
		"of the text, where it is not recognised: utf-8, utf-16le, utf-16be, cp1251, cp1252")
	flags.StringVar(&f.member, "member", "",
		"file of a zip, or sheet of a workbook (default: the only file, the first sheet)")
	flags.BoolVar(&f.noHeader, "no-header", false, "the first line is data; columns are called 1, 2, 3 …")
	flags.StringArrayVar(&f.columns, "column", nil, "declare a column: name=header:unit (repeatable)")
	flags.StringArrayVar(&f.only, "only", nil,
		"keep one series of a file that has several: header=name, as symbol=BTC (repeatable)")
	flags.StringSliceVar(&f.repairs, "repair", nil, `apply the proposed repairs of these findings, or "all"`)
}

// read imports a file, checks it, and repairs what was asked.
func (f *importFlags) read(path string) (*market.Table, error) {
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	table, _, err := f.readWith(path, options)
	return table, err
}

// readPanel is read for a study of who holds how much.
func (f *importFlags) readPanel(path string) (*market.Table, error) {
	options, err := f.options()
	if err != nil {
		return nil, err
	}
	options.Panel = true
	table, _, err := f.readWith(path, options)
	return table, err
}

func (f *importFlags) options() (market.ReadOptions, error) {
	zone, err := time.LoadLocation(f.timeZone)
	if err != nil {
		return market.ReadOptions{}, market.Refuse("time-zone", "time-zone", "%v", err)
	}
	options := market.ReadOptions{TimeColumn: f.timeColumn, TimeLayout: f.timeLayout, TimeZone: zone, Origin: f.origin,
		Decimal: f.decimal, Encoding: f.encoding, Member: f.member, NoHeader: f.noHeader, Only: f.only}
	for _, text := range f.columns {
		declared, err := market.ParseDeclared(text)
		if err != nil {
			return market.ReadOptions{}, err
		}
		options.Columns = append(options.Columns, declared)
	}
	return options, nil
}

func (f *importFlags) readWith(path string, options market.ReadOptions) (*market.Table, []market.Finding, error) {
	if err := market.CheckCodes(f.repairs...); err != nil {
		return nil, nil, err
	}
	table, err := market.ReadFile(path, options)
	if err != nil {
		return nil, nil, err
	}
	found := market.Check(table)
	if len(f.repairs) > 0 {
		market.Repair(table, found, f.repairs...)
		found = market.Check(table) // what is still there
	}
	return table, found, nil
}

func newMarketImportCommand() *cobra.Command {
	var flags importFlags
	var out string
	var explain bool
	var lines []int
	command := &cobra.Command{
		Use:   "import FILE",
		Short: "Read a file, say what is in it, and check it",
		Example: `  aqsha market import bitstamp.csv
  aqsha market import bitstamp.csv --repair volume_swapped --out clean.parquet
  aqsha market import from-excel.csv --explain --explain-line 2
  aqsha market import rates.csv --decimal ,
  aqsha market import coins.csv --only symbol=BTC
  aqsha market import odd.csv --time-column when --column price_usd=p:USD`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			options, err := flags.options()
			if err != nil {
				return err
			}
			if err := cli.CheckOutputs(args, cli.Output{Flag: "out", Path: out}); err != nil {
				return err
			}
			// Chosen before it is read: of a cell only its figure is left afterwards, and how it was written could not
			// be shown.
			options.ExplainLines = lines
			table, found, err := flags.readWith(args[0], options)
			if err != nil {
				return err
			}
			if out != "" {
				if err := writeTable(table, out); err != nil {
					return err
				}
			}
			summary := market.Summarise(table, found)
			if explain || len(lines) > 0 {
				summary.Explain(table)
			}
			return show(command, summary)
		},
	}
	flags.register(command)
	command.Flags().BoolVar(&explain, "explain", false,
		"say what was decided about encoding, header, form, times and numbers, and why")
	command.Flags().IntSliceVar(&lines, "explain-line", nil,
		"also show these lines cell by cell, as written and as read")
	command.Flags().StringVar(&out, "out", "", "write the table as Parquet, provenance inside")
	return command
}

// writeTable writes to a temporary file and renames it, so that a failure
// leaves no half of one.
func writeTable(table *market.Table, path string) error {
	return cli.WriteFile(path, func(w io.Writer) error { return table.WriteParquet(w, table.Provenance.Metadata()) })
}

// show shows a study: as JSON, or in the reader's language.
func show(command *cobra.Command, study interface {
	Print(w io.Writer, l words.Language)
}) error {
	return present(command, study, func(w io.Writer) { study.Print(w, cli.LanguageFor(command)) })
}
