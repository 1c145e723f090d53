package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// Exit codes, for scripts.
const (
	ExitOK        = 0
	ExitFailure   = 1 // something went wrong: I/O, data damaged
	ExitUsage     = 2 // the command line or a file given to it is wrong
	ExitRefused   = 3 // understood, and refused by a rule, which the code names; nothing was changed
	ExitUnknown   = 4 // sent, and it is not known whether it was done: the same may be sent again
	ExitUnreached = 5 // nobody could be asked; nothing was sent
)

// badInput is an error in a file or a text that somebody gave, of a package below.
type badInput interface {
	error
	BadInput()
}

// UsageError marks a mistake in what the user typed.
type UsageError struct{ error }

func (e UsageError) Unwrap() error { return e.error }

// Usage marks an error as a mistake in what the user typed.
func Usage(err error) error { return UsageError{err} }

// SentUnanswered is err of something that was sent to change something: unless nobody was reached, it is not known
// whether it was done.
func SentUnanswered(err error) error {
	if err == nil || api.NotReached(err) {
		return err
	}
	return &api.UnansweredError{Cause: err}
}

// unreachedError says that nobody could be asked.
type unreachedError struct{ error }

// Unreached marks an error as one of having reached nobody, where the cause does not say it by itself.
func Unreached(err error) error { return unreachedError{err} }

// exitError is a coded error whose command ends otherwise than as refused.
type exitError struct {
	error
	exit int
}

func (e exitError) Unwrap() error { return e.error }

// EndWith gives a coded error an exit code, where what was sent or not reached is no node of a ledger, and the words of
// a payment would mislead.
func EndWith(exit int, err error) error { return exitError{err, exit} }

// WantsJSON says whether --json was given.
func WantsJSON(command *cobra.Command) bool {
	if asked, _ := command.Flags().GetBool("json"); asked {
		return true
	}
	ofAll := command.Root().PersistentFlags().Lookup("json") // where the line was refused before its flags were joined
	return ofAll != nil && ofAll.Value.String() == "true"
}

// HearJSON takes --json from a command line that was refused before it was read that far.
func HearJSON(command *cobra.Command, args []string) {
	for _, arg := range args {
		switch arg {
		case "--":
			return
		case "--json", "--json=true":
			_ = command.Root().PersistentFlags().Set("json", "true")
		}
	}
}

// Show prints a result: value as JSON when asked, otherwise what human writes. Passwords in URLs are not shown, and no
// text of a file, a machine or another's answer moves the cursor of whoever reads it.
func Show(command *cobra.Command, value any, human func(w io.Writer)) error {
	w := command.OutOrStdout()
	if WantsJSON(command) {
		return ShowJSON(command, value)
	}
	var text bytes.Buffer
	human(&text)
	_, err := io.WriteString(w, terminal.Lines(errtext.Redact(text.String())))
	return err
}

// ShowJSON prints what has no other form.
func ShowJSON(command *cobra.Command, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	if errors.As(err, new(*json.UnsupportedValueError)) { // JSON has no infinity: null stands where there is no number
		text.Reset()
		err = encoder.Encode(finite(reflect.ValueOf(value)))
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(command.OutOrStdout(), errtext.Redact(text.String()))
	return err
}

// remedy says what to do about an error that the machine causes, where one thing helps.
func remedy(err error) string {
	switch {
	case errors.As(err, new(unprintedError)): // running a command again is no remedy: what it did, it did
		return ""
	case vfs.Full(err):
		return "The disk is full: make room on it and run the command again. What was done before is there; nothing " +
			"is half done."
	case errors.Is(err, syscall.EROFS):
		return "The file system takes no writes: mount it for writing, or choose another --data."
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "Too many files are open: raise the limit (ulimit -n)."
	}
	return ""
}

// ExitWith ends a command that has said everything with an exit code of its own.
type ExitWith int

func (e ExitWith) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// verdict is what an error comes to: its code, the field that it speaks of, and the exit code.
type verdict struct {
	code, field string
	exit        int
}

// NothingDone says of an error that it is known to have changed nothing: a refusal, or nobody was reached.
func NothingDone(err error) bool {
	exit := verdictOn(err).exit
	return exit == ExitRefused || exit == ExitUnreached
}

// NoAnswer says of an error that nobody answered, whether or not something was sent: the node stopped, is being started
// or cannot be reached. Who runs until interrupted asks again.
func NoAnswer(err error) bool {
	var nobody *api.NobodyLeadsError
	if errors.As(err, &nobody) {
		return true
	}
	var unanswered *api.UnansweredError
	none, _ := api.NoAnswer(err)
	return none || errors.As(err, &unanswered) || errors.As(err, new(unreachedError))
}

// verdictOn decides a command's exit code. An outcome that is not known comes first: whatever else went wrong, it must
// not be taken for a refusal. Then a rule's code, the command line's mistakes, and a node that was not reached; the
// rest is a failure. A code whose words say that the money's whereabouts are unknown counts as an unknown outcome.
func verdictOn(err error) verdict {
	var rule interface{ ErrorCode() string } // some speak of no field
	var usage UsageError
	var input badInput
	var unanswered *api.UnansweredError
	var unreached unreachedError
	switch {
	case errors.As(err, &unanswered):
		return verdict{words.OutcomeUnknown, "", ExitUnknown}
	case errors.As(err, &rule):
		v := verdict{rule.ErrorCode(), "", ExitRefused}
		if of, has := rule.(fault.Coded); has {
			v.field = of.ErrorField()
		}
		if money, _ := words.MoneyOf(v.code); money == words.MoneyUnknown {
			v.exit = ExitUnknown
		}
		var ends exitError
		if errors.As(err, &ends) {
			v.exit = ends.exit
		}
		return v
	case errors.As(err, &usage), errors.As(err, &input):
		return verdict{words.Usage, "", ExitUsage}
	case errors.As(err, &unreached):
		return verdict{words.NotReached, "", ExitUnreached}
	}
	switch none, changed := api.NoAnswer(err); {
	case none && changed: // the part that was sent before is not shown by a command that did not come to its end
		return verdict{words.OutcomeUnknown, "", ExitUnknown}
	case none:
		return verdict{words.NotReached, "", ExitUnreached}
	}
	return verdict{words.Failure, "", ExitFailure}
}

// Report prints an error on stderr, with what it means in the user's words, and returns the exit code that belongs to
// it.
func Report(command *cobra.Command, err error) int {
	var silent ExitWith
	if errors.As(err, &silent) {
		return int(silent)
	}
	v := verdictOn(err)
	language, wrong := LanguageOf(command)
	said, known := language.Explain(v.code)
	var of interface{ CodeFamily() string }
	if errors.As(err, &of) && of.CodeFamily() != "" { // codes of one word, such as "header", which others may have too
		family := strings.TrimSuffix(of.CodeFamily(), "*")
		said, known = language.Explain(family + strings.TrimPrefix(v.code, family)) // its own words, or those of all
		said.Code = v.code
	}
	if v.exit == ExitUsage || v.exit == ExitFailure || wrong != nil { // the line says it all
		known = false
	}
	w := command.ErrOrStderr()
	if WantsJSON(command) {
		var explained *words.Explanation
		if known {
			explained = &said
		}
		_ = json.NewEncoder(w).Encode(struct {
			Code   string             `json:"code"`
			Field  string             `json:"field,omitempty"`
			Detail string             `json:"detail"`
			Remedy string             `json:"remedy,omitempty"`
			Words  *words.Explanation `json:"words,omitempty"`
			Notes  []string           `json:"warnings,omitempty"`
		}{v.code, v.field, errtext.Plain(err.Error()), remedy(err), explained, notesOf(err)})
		return v.exit
	}
	// An error names what it found: a file's name, a word of another's answer.
	text := errtext.Plain(err.Error())
	var translated interface{ ErrorIn(language string) string }
	if errors.As(err, &translated) {
		text = errtext.Plain(translated.ErrorIn(string(language)))
	}
	if v.exit == ExitRefused && !strings.Contains(text, v.code) { // which the words are found by
		text = v.code + ": " + text
	}
	fmt.Fprintf(w, "aqsha: %s\n", terminal.Lines(text))
	if text := remedy(err); text != "" {
		fmt.Fprintf(w, "%s\n", text)
	}
	if known {
		fmt.Fprintf(w, "\n%s. %s\n%s\n%s\n", said.Title, said.Means, said.Money,
			language.Text("explain.do", "text", said.Do))
	}
	if v.exit == ExitUsage {
		fmt.Fprintf(w, "See '%s --help'.\n", command.CommandPath())
	}
	return v.exit
}

// Tabbed writes aligned columns.
func Tabbed(w io.Writer, write func(tab io.Writer)) {
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	write(tab)
	_ = tab.Flush()
}

// CodedError is a refusal by a rule of a file that is not submitted.
type CodedError struct{ Code, Field, Text string }

func (e CodedError) Error() string { return e.Text }

func (e CodedError) ErrorCode() string { return e.Code }

func (e CodedError) ErrorField() string { return e.Field }

// Interrupted is the error of a command that was interrupted, and err of one that was not.
func Interrupted(command *cobra.Command, err error) error {
	if stopped := command.Context().Err(); stopped != nil {
		return fmt.Errorf("interrupted before the end: %w", stopped)
	}
	return err
}

// Present is Show of a result that took its time, unless the command was interrupted meanwhile: of what was cut off
// nothing must pass for a result.
func Present(command *cobra.Command, value any, human func(w io.Writer)) error {
	if err := Interrupted(command, nil); err != nil {
		return err
	}
	return Show(command, value, human)
}
