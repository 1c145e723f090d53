package cli

import (
	"fmt"
	"io"
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

// spokenEvery is how long work goes on without a word where no bar can be drawn.
const spokenEvery = 5 * time.Second

// leastPace is how long work goes on, and a hundredth of it how far, before its pace says anything of the rest.
const leastPace = 3 * time.Second

// ProgressSpoken is ProgressOf for work of minutes: where there is no terminal for a bar, people have a line on
// standard error every few seconds; who asked for JSON hears nothing.
func ProgressSpoken(command *cobra.Command, what string) func(done, all int) {
	if term.IsTerminal(int(os.Stderr.Fd())) || WantsJSON(command) {
		return ProgressOf(command, what)
	}
	return speak(command.ErrOrStderr(), what, time.Now)
}

// speak says how much is done and, once there is a pace, how long the rest takes.
func speak(w io.Writer, what string, now func() time.Time) func(done, all int) {
	last := now()
	var first time.Time // of a call: what came before it, reading and first fits, has another pace
	from := 0
	return func(done, all int) {
		at := now()
		if first.IsZero() {
			first, from = at, done
		}
		if done <= 0 || done >= all || at.Sub(last) < spokenEvery {
			return
		}
		last = at
		passed := at.Sub(first)
		if passed < leastPace || (done-from)*100 < all {
			fmt.Fprintf(w, "%s: %d of %d\n", what, done, all)
			return
		}
		rest := time.Duration(float64(passed) / float64(done-from) * float64(all-done))
		fmt.Fprintf(w, "%s: %d of %d, about %s more\n", what, done, all, rest.Round(time.Second))
	}
}

// Narrator says the steps of what takes long, a line each, to people; who asked for JSON hears nothing.
func Narrator(command *cobra.Command) func(format string, args ...any) {
	if WantsJSON(command) {
		return func(string, ...any) {}
	}
	return func(format string, args ...any) { fmt.Fprintf(command.ErrOrStderr(), format+"\n", args...) }
}
