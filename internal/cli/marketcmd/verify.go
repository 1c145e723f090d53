package marketcmd

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market/verify"
)

func newMarketVerifyCommand() *cobra.Command {
	var reference string
	var all bool
	command := &cobra.Command{
		Use:   "verify",
		Short: "Recompute reference figures and compare them one by one",
		Long: `Recompute figures of the synthetic set and compare them with results that
independent software (R, Python) gave, or with --reference those of a folder that holds
inputs and reference.json. Exits non-zero when a figure is off.`,
		Example: "  aqsha market verify\n  aqsha market verify --reference extracts --all",
		Args:    cli.ExactArgs(0),
		RunE: func(command *cobra.Command, _ []string) error {
			bar := cli.Progress(command, 1, "verifying")
			step := func(what string) { bar.Describe(what) }
			var report verify.Report
			var err error
			if reference == "" {
				report, err = verify.Synthetic(command.Context(), step)
			} else {
				report, err = verify.Folder(command.Context(), reference, step)
			}
			_ = bar.Finish()
			if err != nil {
				return err
			}
			// Shown also when figures are off: which ones, and by how much, is what one wants to know then.
			if err := present(command, report, func(w io.Writer) {
				report.Print(w, cli.LanguageFor(command),
					all)
			}); err != nil {
				return err
			}
			if report.Off > 0 {
				return errors.New("figures are off")
			}
			return nil
		},
	}
	command.Flags().StringVar(&reference, "reference", "", "folder with inputs and reference.json")
	command.Flags().BoolVar(&all, "all", false, "print every figure")
	return command
}
