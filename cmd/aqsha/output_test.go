package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/wallet"
)

// A full disk, and one that takes no writes, are told with what to do.
func TestErrorsOfTheMachineComeWithARemedy(t *testing.T) {
	for cause, want := range map[error]string{
		syscall.ENOSPC: "make room",
		syscall.EROFS:  "takes no writes",
		syscall.EMFILE: "ulimit -n",
	} {
		err := fmt.Errorf("paying: %w", &os.PathError{Op: "write", Path: "log", Err: cause})
		root := newRootCommand()
		var said bytes.Buffer
		root.SetErr(&said)
		if exit := cli.Report(root, err); exit != cli.ExitFailure || !strings.Contains(said.String(), want) {
			t.Errorf("%v: exit %d, %q", cause, exit, said.String())
		}
		if err := root.ParseFlags([]string{"--json"}); err != nil {
			t.Fatal(err)
		}
		said.Reset()
		cli.Report(root, err)
		var answer struct{ Remedy string }
		if err := json.Unmarshal(said.Bytes(), &answer); err != nil || !strings.Contains(answer.Remedy, want) {
			t.Errorf("%v: %q, %v", cause, said.String(), err)
		}
	}
}

// What a command has done is done, though its ledger cannot be closed: exit code 0 and a warning.
func TestAFailureToCloseIsAWarning(t *testing.T) {
	full := errors.New("no space left on device")
	for _, failed := range []error{nil, errors.New("refused")} {
		root := newRootCommand()
		var said bytes.Buffer
		root.SetErr(&said)
		s := &session.Session{Client: &wallet.Client{}, End: func() error { return full }}
		err := session.Finish(root, s, failed)
		if warned := strings.Contains(said.String(), "warning: done"); (failed == nil) != warned || (failed == nil) != (err == nil) {
			t.Errorf("after %v: %v, %q", failed, err, said.String())
		}
	}
}
