package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/terminal"
)

// maxNotes bounds what is kept of a command's warnings, in bytes.
const maxNotes = 64 << 10

// notes are the lines that a command says beside its result. Who asked for JSON reads one document on stderr: they
// come with the error, or alone when there is none.
type notes struct {
	mu     sync.Mutex // guards text: what a command starts may write beside it
	text   bytes.Buffer
	stderr io.Writer // for what goes on for long, see NewLogger
}

// Write implements io.Writer.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.text.Len()+len(p) <= maxNotes {
		n.text.Write(p)
	}
	return len(p), nil
}

// lines are the warnings so far, fit for a terminal.
func (n *notes) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := strings.TrimSpace(terminal.Lines(errtext.Plain(n.text.String())))
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// notedError is an error of a command that had said something before it.
type notedError struct {
	error
	lines []string
}

func (e notedError) Unwrap() error { return e.error }

// notesOf are the lines that a command said before it failed.
func notesOf(err error) []string {
	var noted notedError
	errors.As(err, &noted)
	return noted.lines
}

// withNotes runs a command whose warnings, where JSON is wanted, are kept for one document on stderr: with an error
// they are part of the error's document, without one they are a document of their own. Commands that run on
// (speaksAtOnce) say theirs as they come.
func withNotes(command *cobra.Command, args []string, run func(*cobra.Command, []string) error) error {
	if !WantsJSON(command) || speaksAtOnce(command) {
		return run(command, args)
	}
	stderr := command.ErrOrStderr()
	kept := &notes{stderr: stderr}
	command.SetErr(kept)
	err := run(command, args)
	command.SetErr(stderr)
	switch lines := kept.lines(); {
	case len(lines) == 0:
		return err
	case err != nil:
		return notedError{err, lines}
	default:
		_ = json.NewEncoder(stderr).Encode(struct {
			Warnings []string `json:"warnings"`
		}{lines})
		return nil
	}
}

const atOnce = "speaks at once"

// SpeakingAtOnce marks a command that goes on, and says on stderr what somebody waits for, such as where it listens.
func SpeakingAtOnce(command *cobra.Command) *cobra.Command {
	if command.Annotations == nil {
		command.Annotations = map[string]string{}
	}
	command.Annotations[atOnce] = "yes"
	return command
}

func speaksAtOnce(command *cobra.Command) bool { return command.Annotations[atOnce] != "" }
