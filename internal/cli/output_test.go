package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"

	"github.com/spf13/cobra"
)

// fieldless is a refusal that speaks of no field.
type fieldless struct{}

func (fieldless) Error() string     { return "no field of it is at fault" }
func (fieldless) ErrorCode() string { return "log-contradicts" }

// What went wrong decides the exit code, however it is wrapped.
func TestExitCodesOfErrors(t *testing.T) {
	dial := &url.Error{Op: "Get", URL: "http://127.0.0.1:1", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}
	broken := &url.Error{Op: "Post", URL: "http://127.0.0.1:1", Err: &net.OpError{Op: "read", Err: errors.New("connection reset")}}
	rule := token.Errorf(token.AmountZero, "amount", "zero")
	for _, c := range []struct {
		err  error
		exit int
		code string
	}{
		{rule, ExitRefused, "amount-zero"},
		{&api.Problem{Code: "limit-day", Status: 422}, ExitRefused, "limit-day"},
		{&api.Problem{Code: "timeout", Status: 504}, ExitUnknown, "timeout"},
		{token.Errorf(node.Unacknowledged, "", "too few"), ExitUnknown, "unacknowledged"},
		{&api.UnansweredError{Cause: broken}, ExitUnknown, words.OutcomeUnknown},
		{&api.UnansweredError{Cause: dial}, ExitUnknown, words.OutcomeUnknown}, // of several nodes, one got it
		{errors.Join(rule, &api.UnansweredError{Cause: broken}), ExitUnknown, words.OutcomeUnknown},
		{dial, ExitUnreached, words.NotReached},
		{&net.DNSError{Name: "nowhere"}, ExitUnreached, words.NotReached},
		{Unreached(errors.New("nobody")), ExitUnreached, words.NotReached},
		{SentUnanswered(errors.New("cut")), ExitUnknown, words.OutcomeUnknown},
		{SentUnanswered(dial), ExitUnreached, words.NotReached},
		{broken, ExitFailure, words.Failure},
		{&api.UnreachedError{Cause: io.EOF, Asked: true}, ExitUnreached, words.NotReached},
		{&api.UnreachedError{Cause: context.DeadlineExceeded, Asked: true}, ExitUnreached, words.NotReached},
		{&api.UnreachedError{Cause: io.EOF, Asked: true, Changed: true}, ExitUnknown, words.OutcomeUnknown},
		{&api.UnreachedError{Cause: dial, Changed: true}, ExitUnknown, words.OutcomeUnknown},
		{&api.UnreachedError{Cause: io.EOF}, ExitFailure, words.Failure}, // a request of nodes to each other
		{UsageError{errors.New("a value")}, ExitUsage, words.Usage},
		{errors.New("a file"), ExitFailure, words.Failure},
		{fieldless{}, ExitRefused, "log-contradicts"},
		{token.Errorf("of-tomorrow", "", "a code of a newer node"), ExitRefused, "of-tomorrow"},
	} {
		for _, err := range []error{c.err, fmt.Errorf("paying: %w", Begun(c.err))} {
			if nothing := c.exit == ExitRefused || c.exit == ExitUnreached; NothingDone(err) != nothing {
				t.Errorf("%v: nothing was done: %t", err, !nothing)
			}
			if v := verdictOn(err); v.exit != c.exit || v.code != c.code {
				t.Errorf("%v: exit %d, code %s; want %d, %s", err, v.exit, v.code, c.exit, c.code)
			}
		}
	}
}

// Neither a result nor a refusal gives the author of a file, a name or an answer the reader's cursor; programs read what was
// there.
func TestWhatIsShownMovesNoCursor(t *testing.T) {
	root := &cobra.Command{Use: "aqsha"}
	root.Flags().Bool("json", false, "")
	var out, wrong bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&wrong)
	name := "a\x1b[2Jb"
	if err := Show(root, name, func(w io.Writer) { fmt.Fprintf(w, "%s\t1\n", name) }); err != nil {
		t.Fatal(err)
	}
	if out.String() != `a\x1b[2Jb`+"\t1\n" {
		t.Errorf("shown: %q", out.String())
	}
	if exit := Report(root, fmt.Errorf("no holder is called %s", name)); exit != ExitFailure ||
		strings.ContainsRune(wrong.String(), 0x1b) || !strings.Contains(wrong.String(), `a\x1b[2Jb`) {
		t.Errorf("exit %d: %q", exit, wrong.String())
	}
	out.Reset()
	if err := root.Flags().Set("json", "true"); err != nil {
		t.Fatal(err)
	}
	var read string
	if err := Show(root, name, nil); err != nil || json.Unmarshal(out.Bytes(), &read) != nil || read != name {
		t.Errorf("as JSON: %q, %v", out.String(), err)
	}
}
