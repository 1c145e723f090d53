package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// Exit codes, for scripts.
const (
	exitOK        = 0
	exitFailure   = 1 // something went wrong: I/O, data damaged
	exitUsage     = 2 // the command line or a file given to it is wrong
	exitRefused   = 3 // understood, and refused by a rule, which the code names; nothing was changed
	exitUnknown   = 4 // sent, and it is not known whether it was done: the same may be sent again
	exitUnreached = 5 // nobody could be asked; nothing was sent
)

// coded is an error with a stable code and, where there is one, the field it speaks of.
// Rule violations of every line implement it.
type coded interface {
	error
	ErrorCode() string
	ErrorField() string
}

// usageError marks a mistake in what the user typed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func wantsJSON(command *cobra.Command) bool {
	asked, _ := command.Flags().GetBool("json")
	return asked
}

// show prints a result: value as JSON when asked, otherwise what human writes.
func show(command *cobra.Command, value any, human func(w io.Writer)) error {
	w := command.OutOrStdout()
	if wantsJSON(command) {
		return showJSON(command, value)
	}
	human(w)
	return nil
}

// showJSON prints what has no other form.
func showJSON(command *cobra.Command, value any) error {
	encoder := json.NewEncoder(command.OutOrStdout())
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// plain makes outside text fit for a terminal: what is not printable is shown as its escape.
func plain(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// remedy says what to do about an error that the machine causes, where one thing helps.
func remedy(err error) string {
	switch {
	case vfs.Full(err):
		return "The disk is full: make room on it and run the command again. What was done before is there; nothing is half done."
	case errors.Is(err, syscall.EROFS):
		return "The file system takes no writes: mount it for writing, or choose another --data."
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "Too many files are open: raise the limit (ulimit -n)."
	}
	return ""
}

// exitWith ends a command that has said everything with an exit code of its own.
type exitWith int

func (e exitWith) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// verdict is what an error comes to: its code, the field that it speaks of, and the exit code.
type verdict struct {
	code, field string
	exit        int
}

// verdictOn decides a command's exit code. An outcome that is not known comes first: whatever else went wrong, it must not
// be taken for a refusal.
func verdictOn(err error) verdict {
	var rule coded
	var usage usageError
	var unanswered *api.UnansweredError
	switch {
	case errors.As(err, &unanswered):
		return verdict{words.OutcomeUnknown, "", exitUnknown}
	case errors.As(err, &rule):
		v := verdict{rule.ErrorCode(), rule.ErrorField(), exitRefused}
		if money, _ := words.MoneyOf(v.code); money == words.MoneyUnknown {
			v.exit = exitUnknown
		}
		return v
	case errors.As(err, &usage):
		return verdict{words.Usage, "", exitUsage}
	case api.NotReached(err):
		return verdict{words.NotReached, "", exitUnreached}
	}
	return verdict{words.Failure, "", exitFailure}
}

// report prints an error on stderr, with what it means in the user's words, and returns the exit code that belongs to it.
func report(command *cobra.Command, err error) int {
	var silent exitWith
	if errors.As(err, &silent) {
		return int(silent)
	}
	v := verdictOn(err)
	language, wrong := languageOf(command)
	said, known := language.Explain(v.code)
	if v.exit == exitUsage || v.exit == exitFailure || wrong != nil { // the line says it all
		known = false
	}
	w := command.ErrOrStderr()
	if wantsJSON(command) {
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
		}{v.code, v.field, err.Error(), remedy(err), explained})
		return v.exit
	}
	fmt.Fprintf(w, "aqsha: %v\n", err)
	if text := remedy(err); text != "" {
		fmt.Fprintf(w, "%s\n", text)
	}
	if known {
		fmt.Fprintf(w, "\n%s. %s\n%s\n%s\n", said.Title, said.Means, said.Money, language.Text("explain.do", "text", said.Do))
	}
	if v.exit == exitUsage {
		fmt.Fprintf(w, "See '%s --help'.\n", command.CommandPath())
	}
	return v.exit
}
