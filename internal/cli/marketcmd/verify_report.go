package marketcmd

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/document"
	marketreport "github.com/aqsha/aqsha/market/report"
)

// NewVerifyReportCommand makes the command "report".
func NewVerifyReportCommand() *cobra.Command {
	var log, inputs, public string
	command := &cobra.Command{
		Use:   "report INDEX",
		Short: "Re-derive a sealed market report from its inputs",
		Long: `Check the log's signed checkpoint and that the entry stands under it, then compute
the report anew from its input files and compare. Give --public when you have the
log's key from elsewhere; the folder's own word proves only that nothing changed since.`,
		Example: "  aqsha verify report 0 --log sealed --inputs demo",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			index, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return cli.Usage(fmt.Errorf("INDEX: %w", err))
			}
			keys, err := cli.OpenSealLog(log, cli.SealOrigin, false)
			if err != nil {
				return err
			}
			if public != "" {
				if keys.Verifier, err = note.NewVerifier(public); err != nil {
					return cli.Usage(fmt.Errorf("--public: %w", err))
				}
			}
			// Documents and reports are sealed in logs of one form: the entry says which it is.
			if entry, err := keys.Read(filepath.Join(log, "log"), index); err == nil {
				if sealed, ok := document.ReadSeal(entry); ok {
					return verifyDocument(command, sealed, index, inputs)
				}
			}
			sealed, err := marketreport.ReadSeal(filepath.Join(log, "log"), index, keys)
			if err != nil {
				return err
			}
			open := func(name string, reading market.ReadOptions) (*market.Table, error) {
				// By its bare name: a seal from elsewhere reaches no file but those of the folder.
				return market.ReadFile(filepath.Join(inputs, filepath.Base(name)), reading)
			}
			if err := sealed.Rederive(command.Context(), open, cli.ProgressOf(command, "back-test")); err != nil {
				return err
			}
			return present(command, sealed, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("market.verified-report", "asset", sealed.Asset, "from",
					sealed.From, "to", sealed.To, "entry", index, "file", sealed.File, "sha", sealed.SHA256, "hash",
					sealed.Report))
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&log, "log", "", "folder given to --seal")
	flags.StringVar(&inputs, "inputs", ".", "folder with the input files")
	flags.StringVar(&public, "public", "", "the log's public key, from a source you trust")
	_ = command.MarkFlagRequired("log")
	return command
}

// verifyDocument derives a sealed document again, every form of it.
func verifyDocument(command *cobra.Command, sealed document.Seal, index uint64, inputs string) error {
	if err := sealed.Rederive(command.Context(), inputs); err != nil {
		return err
	}
	return present(command, sealed, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Text("market.verified-study", "system", sealed.Options.System, "entry",
			index, "files", len(sealed.Inputs), "forms", len(sealed.Forms)))
	})
}
