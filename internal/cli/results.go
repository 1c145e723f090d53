package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/errtext"
)

// maxKeptResult bounds what is kept of a result in case standard output does not take it, in bytes.
const maxKeptResult = 4 << 20

// Results is where a command's results go. Of a command that changes something (Changing), a result that standard
// output does not take is no failure: what it tells has happened, and whoever ran it again would do it twice. It is
// kept and said on stderr instead.
type Results struct {
	out     io.Writer
	command *cobra.Command // that runs; nil before one does
	kept    bytes.Buffer
	failed  error // of the first write that was not taken
}

// NewResults writes results to out.
func NewResults(out io.Writer) *Results { return &Results{out: out} }

// Stdout is Results on standard output. That a reader of it has gone is an error of the write from then on, and ends
// the process as it ends others, unless the command changes something.
func Stdout() *Results {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return NewResults(os.Stdout)
}

const changing = "changes"

// Changing says that a command changes something: what it did stands, whether or not its result can be printed.
func Changing(commands ...*cobra.Command) {
	for _, command := range commands {
		if command.Annotations == nil {
			command.Annotations = map[string]string{}
		}
		command.Annotations[changing] = "yes"
	}
}

// ChangingVerbs marks verbs of a noun.
func ChangingVerbs(noun *cobra.Command, verbs ...string) {
	for _, verb := range verbs {
		command, _, err := noun.Find([]string{verb})
		if err != nil || command == noun {
			panic("no verb " + verb + " of " + noun.Name()) // a mistake of ours, which every start would show
		}
		Changing(command)
	}
}

// runs says which command writes.
func runs(command *cobra.Command) {
	if r, ok := command.OutOrStdout().(*Results); ok {
		r.command = command
	}
}

func (r *Results) changes() bool { return r.command != nil && r.command.Annotations[changing] != "" }

// Write implements io.Writer.
func (r *Results) Write(p []byte) (int, error) {
	if r.kept.Len()+len(p) <= maxKeptResult {
		r.kept.Write(p)
	}
	err := r.failed
	if err == nil {
		_, err = r.out.Write(p)
	}
	if err == nil {
		return len(p), nil
	}
	if !r.changes() && errors.Is(err, syscall.EPIPE) {
		endAsByPipe()
	}
	if r.failed == nil {
		r.failed = err
	}
	if r.changes() {
		return len(p), nil // the command goes on to its end
	}
	return 0, unprintedError{err}
}

// endAsByPipe ends the process as SIGPIPE does where nobody waits for it.
func endAsByPipe() {
	signal.Reset(syscall.SIGPIPE)
	_ = syscall.Kill(os.Getpid(), syscall.SIGPIPE)
	os.Exit(128 + int(syscall.SIGPIPE))
}

// unprintedError is of a result that standard output did not take.
type unprintedError struct{ error }

func (e unprintedError) Error() string {
	return "the result could not be written to standard output: " + e.error.Error()
}

func (e unprintedError) Unwrap() error { return e.error }

// Unprinted is what the command comes to whose error is err, when its result was not taken; without one it is err. What
// was changed and could not be printed is said on stderr, and is no error.
func (r *Results) Unprinted(err error) error {
	switch {
	case r.failed == nil:
		return err
	case err == nil && !r.changes():
		return unprintedError{r.failed}
	case !r.changes():
		return err
	}
	text := strings.TrimRight(r.kept.String(), "\n")
	w := r.command.ErrOrStderr()
	const says = "standard output takes nothing (%s); the command was carried out: do not run it again. Its result"
	detail := errtext.Plain(fmt.Sprintf(says, r.failed))
	if !WantsJSON(r.command) {
		fmt.Fprintf(w, "aqsha: %s:\n%s\n", detail, text)
		return err
	}
	if err != nil { // one document: that of the error, which comes after this
		return errors.Join(err, errors.New(detail+": "+text))
	}
	var result any = text
	if json.Valid([]byte(text)) {
		result = json.RawMessage(text)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"warning": "result-not-printed", "detail": detail, "result": result})
	return nil
}
