package sealcmd

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market/document"
	marketreport "github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/sealfile"
)

// NewVerifyReportCommand makes the command "report".
func NewVerifyReportCommand() *cobra.Command {
	var log, inputs, public, sealFile string
	command := &cobra.Command{
		Use:   "report INDEX|FILE",
		Short: "Verify a sealed market report: by its log, or one that you were sent",
		Long: `INDEX: check the signed checkpoint of --log and that the entry stands under it, then
compute the report anew from its input files and compare; where it differs, the tables
and cells that do are named.

FILE: a report or study that you were sent (HTML, Markdown, JSON, CSV, or a PDF that was
sealed), with the file that ends in .seal.json: check the signature and that the
document is byte for byte what was sealed; name the cells that are not. With --inputs
the data are held to their hashes and, where all are there, all is computed anew. What
was not checked is said.

Give --public when you have the log's key from elsewhere; a folder's or a file's own
word proves only that nothing changed since.`,
		Example: `  aqsha verify report 0 --log sealed --inputs demo
  aqsha verify report btc-2021-01-01-2025-12-31.kk.html
  aqsha verify report study-bitcoin.en.html --seal-file study-bitcoin.seal.json --inputs demo`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			index, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil && log == "" {
				// The default folder is for entries: data that nobody offered are said to be unchecked.
				if !command.Flags().Changed("inputs") {
					inputs = ""
				}
				return verifyInHand(command, args[0], sealFile, public, inputs)
			}
			if err != nil {
				return cli.Usage(fmt.Errorf("INDEX: %w", err))
			}
			if log == "" {
				return cli.Usage(errors.New("--log: name the folder given to --seal"))
			}
			if sealFile != "" {
				return cli.Usage(errors.New("--seal-file: it belongs to a FILE, not to an entry of --log"))
			}
			return verifySealed(command, log, inputs, public, index)
		},
	}
	flags := command.Flags()
	flags.StringVar(&log, "log", "", "folder given to --seal")
	flags.StringVar(&inputs, "inputs", ".", "folder with the input files (of a FILE: none unless given)")
	flags.StringVar(&public, "public", "", "the log's public key, from a source you trust")
	flags.StringVar(&sealFile, "seal-file", "", "the file that came with a FILE (default: the one beside it)")
	return command
}

// verifySealed derives an entry of a log again.
func verifySealed(command *cobra.Command, log, inputs, public string, index uint64) error {
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
			return verifyDocument(command, sealed, log, index, inputs)
		}
	}
	sealed, err := marketreport.ReadSeal(filepath.Join(log, "log"), index, keys)
	if err != nil {
		return err
	}
	err = sealed.Rederive(command.Context(), opener(inputs), cli.ProgressOf(command, "back-test"))
	var differs *marketreport.Differs
	if errors.As(err, &differs) {
		return named(command, err, log, index, marketreport.Figures, sealed.Texts, differs.Rows)
	}
	if err != nil {
		return err
	}
	return cli.Present(command, sealed, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Text("market.verified-report", "asset", sealed.Asset, "from",
			sealed.From, "to", sealed.To, "entry", index, "file", sealed.File, "sha", sealed.SHA256, "hash",
			sealed.Report))
	})
}

// verifyDocument derives a sealed document again, every form of it.
func verifyDocument(command *cobra.Command, sealed document.Seal, log string, index uint64, inputs string) error {
	err := sealed.Rederive(command.Context(), inputs)
	var differs *document.Differs
	if errors.As(err, &differs) {
		return named(command, err, log, index, differs.Form, sealed.Texts, differs.Rows)
	}
	if err != nil {
		return err
	}
	return cli.Present(command, sealed, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Count("market.verified-study", len(sealed.Inputs), "system",
			sealed.Options.System, "entry", index, "forms", len(sealed.Forms)))
	})
}

// named prints which cells of a form are not as sealed, by the seal file in the log's folder, where there is one that
// the entry vouches for; and gives the error.
func named(command *cobra.Command, failed error, log string, index uint64, form string, texts map[string]string,
	found []sealfile.Row) error {
	raw, err := readBounded(sealFileOf(log, index), sealfile.MaxFile)
	if err != nil {
		return failed // sealed before there were such files, or it is lost
	}
	file, err := sealfile.Read(raw)
	if err != nil || texts[form] == "" || sealfile.TextHash(file.Texts[form]) != texts[form] {
		return failed
	}
	differences := sealfile.Compare(file.Texts[form], found)
	if err := cli.Present(command, map[string]any{"entry": index, "form": form, "differences": differences},
		func(w io.Writer) {
			fmt.Fprintln(w, cli.LanguageFor(command).Text("market.hand-derived-differs", "form", form, "entry", index))
			printDifferences(w, command, form, differences)
		}); err != nil {
		return err
	}
	return failed
}
