package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/market"
	marketreport "github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/txlog/seal"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Origins name the logs of sealed reports and of a farm's sealed months.
const (
	sealOrigin     = "aqsha.market/reports"
	farmSealOrigin = "aqsha.farm/months"
)

// openSealLog reads the keys of a folder of seals; with create it makes them. The signing key is
// readable by its owner only.
func openSealLog(dir, origin string, create bool) (seal.Log, error) {
	o := seal.Log{Origin: origin}
	secretFile, publicFile := filepath.Join(dir, "signer.key"), filepath.Join(dir, "log.pub")
	public, err := os.ReadFile(publicFile)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := vfs.OS.MkdirAll(dir); err != nil {
			return o, err
		}
		secret, verifier, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return o, err
		}
		// The public half last: with it there, the keys are complete.
		if err := durable.Replace(vfs.OS, secretFile, []byte(secret+"\n")); err != nil {
			return o, err
		}
		if err := durable.Create(vfs.OS, publicFile, []byte(verifier+"\n")); err != nil {
			return o, err
		}
		public = []byte(verifier)
	} else if err != nil {
		return o, err
	}
	if o.Verifier, err = note.NewVerifier(strings.TrimSpace(string(public))); err != nil {
		return o, fmt.Errorf("%s: %w", publicFile, err)
	}
	if !create {
		return o, nil
	}
	secret, err := os.ReadFile(secretFile)
	if err != nil {
		return o, err
	}
	o.Signer, err = note.NewSigner(strings.TrimSpace(string(secret)))
	return o, err
}

func newVerifyReportCommand() *cobra.Command {
	var log, inputs, public string
	command := &cobra.Command{
		Use:   "report INDEX",
		Short: "Re-derive a sealed market report from its inputs",
		Long: `Check the log's signed checkpoint and that the entry stands under it, then compute
the report anew from its input files and compare. Give --public when you have the
log's key from elsewhere; the folder's own word proves only that nothing changed since.`,
		Example: "  aqsha verify report 0 --log sealed --inputs demo",
		Args:    exactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			index, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("INDEX: %w", err)}
			}
			keys, err := openSealLog(log, sealOrigin, false)
			if err != nil {
				return err
			}
			if public != "" {
				if keys.Verifier, err = note.NewVerifier(public); err != nil {
					return usageError{fmt.Errorf("--public: %w", err)}
				}
			}
			sealed, err := marketreport.ReadSeal(filepath.Join(log, "log"), index, keys)
			if err != nil {
				return err
			}
			open := func(name string, reading market.ReadOptions) (*market.Table, error) {
				return market.ReadFile(filepath.Join(inputs, filepath.Base(name)), reading)
			}
			if err := sealed.Rederive(command.Context(), open, progressOf(command, "back-test")); err != nil {
				return err
			}
			return show(command, sealed, func(w io.Writer) {
				fmt.Fprintf(w, "Verified: report on %s %s … %s, entry %d, re-derived from %s (sha-256 %s); figures hash to %s\n", sealed.Asset, sealed.From, sealed.To, index, sealed.File, sealed.SHA256, sealed.Report)
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
