package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// progress shows a bar on a terminal, and nothing elsewhere. A total that is not known yet is 1, to be
// changed when it is: for an unknown one the library draws from a goroutine of its own, which races with ours.
func progress(command *cobra.Command, total int, what string) *progressbar.ProgressBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) || wantsJSON(command) {
		return progressbar.DefaultSilent(int64(total))
	}
	return progressbar.NewOptions(total, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// progressOf turns the bar into the callback that long work in packages takes.
func progressOf(command *cobra.Command, what string) func(done, all int) {
	bar := progress(command, 1, what)
	return func(done, all int) {
		bar.ChangeMax(all)
		_ = bar.Set(done)
		if done == all {
			_ = bar.Finish()
		}
	}
}
