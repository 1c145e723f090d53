package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aqsha/aqsha/internal/cli"
)

// takesNothing is a standard output on a full disk.
type takesNothing struct{}

func (takesNothing) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// unprinted plays a command line whose standard output takes nothing: the exit code, and what stderr says.
func unprinted(t *testing.T, line []string) (int, string) {
	t.Helper()
	root, results := newRootCommand(), cli.NewResults(takesNothing{})
	var said bytes.Buffer
	root.SetArgs(line)
	root.SetIn(strings.NewReader(""))
	root.SetErr(&said)
	root.SetOut(results)
	command, err := root.ExecuteContextC(t.Context())
	if err = results.Unprinted(err); err == nil {
		return cli.ExitOK, said.String()
	}
	return cli.Report(command, err), said.String()
}

// Every command that changes the ledger, where its result cannot be printed: what was done is never said to have
// failed, nor to be done again, and its receipt is on stderr.
func nobodyReadsResults(t *testing.T, s stage) {
	t.Helper()
	for _, line := range []string{"issue halyk 7 --data $NET --node $NODE",
		"key new reported --development --data $DIR/reported"} {
		exit, said := unprinted(t, strings.Fields(s.replacements.Replace(line)))
		if exit != cli.ExitOK || !strings.Contains(said, "do not run it again") ||
			strings.Contains(said, "run the command again") {
			t.Errorf("aqsha %s, unprinted: exit %d: %s", line, exit, said)
		}
	}
	exit, said := unprinted(t, strings.Fields(s.replacements.Replace("supply --data $NET --node $NODE")))
	if exit != cli.ExitFailure || !strings.Contains(said, "standard output") || strings.Contains(said, "make room") {
		t.Errorf("what is only read, unprinted: exit %d: %s", exit, said)
	}
	done := 0
	text, err := os.ReadFile("testdata/exit_codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		rest, changes := strings.CutPrefix(strings.TrimSpace(line), "changes | ")
		if !changes || strings.HasPrefix(rest, "wallet apply") { // which waits for a bank's answer
			continue
		}
		words := append(strings.Fields(s.replacements.Replace(rest+" --data $NET --node $NODE")), "--json")
		exit, said := unprinted(t, words)
		switch {
		case exit == cli.ExitOK:
			done++
			var reported struct {
				Warning string
				Result  json.RawMessage
			}
			if err := json.Unmarshal([]byte(said), &reported); err != nil || reported.Warning == "" ||
				len(reported.Result) < 3 {
				t.Errorf("aqsha %s, unprinted: %v, %s", rest, err, said)
			}
		case exit == cli.ExitFailure || exit == cli.ExitUsage:
			t.Errorf("aqsha %s, unprinted: exit %d: %s", rest, exit, said)
		}
	}
	if done < 10 {
		t.Errorf("%d commands changed the ledger with a standard output that takes nothing", done)
	}
}

// The program itself, with a reader that has gone: a payment is made and said to be, what is only read ends as a pipe's
// writer does.
func TestAReaderOfResultsHasGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run1(t, "init", "--development", "--shared-keys", "--data", dir)
	run1(t, "bank", "admit", "halyk", "--data", dir)
	gone := func(args ...string) (*os.ProcessState, string) {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		reader.Close()
		defer writer.Close()
		command := aqsha(append(args, "--data", dir)...)
		var said bytes.Buffer
		command.Stdout, command.Stderr = writer, &said
		_ = command.Run()
		return command.ProcessState, said.String()
	}
	if state, said := gone("issue", "halyk", "5"); state.ExitCode() != cli.ExitOK ||
		!strings.Contains(said, "carried out") {
		t.Errorf("issue: %v, %s", state, said)
	}
	const ofPipe = 128 + int(syscall.SIGPIPE) // as a shell says it
	if state, said := gone("supply"); state.ExitCode() != ofPipe &&
		state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGPIPE {
		t.Errorf("supply: %v, %s", state, said)
	}
}
