package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Progress shows a bar on a terminal, and nothing elsewhere. A total that is not known yet is 1, to be
// changed when it is: for an unknown one the library draws from a goroutine of its own, which races with ours.
func Progress(command *cobra.Command, total int, what string) *progressbar.ProgressBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) || WantsJSON(command) {
		return progressbar.DefaultSilent(int64(total))
	}
	return progressbar.NewOptions(total, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
}

// ProgressOf turns the bar into the callback that long work in packages takes.
func ProgressOf(command *cobra.Command, what string) func(done, all int) {
	bar := Progress(command, 1, what)
	return func(done, all int) {
		bar.ChangeMax(all)
		_ = bar.Set(done)
		if done == all {
			_ = bar.Finish()
		}
	}
}

// Narrator says the steps of what takes long, a line each, to people; who asked for JSON hears nothing.
func Narrator(command *cobra.Command) func(format string, args ...any) {
	if WantsJSON(command) {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(command.ErrOrStderr(), format+"\n", args...) }
}
