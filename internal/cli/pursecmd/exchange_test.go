package pursecmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token/sealed"
	"github.com/aqsha/aqsha/wallet/purse"
	"github.com/aqsha/aqsha/words"
)

func parsed(t *testing.T, command *cobra.Command, flags ...string) *cobra.Command {
	t.Helper()
	if err := command.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	return command
}

func isUsage(err error) bool { var usage cli.UsageError; return errors.As(err, &usage) }

// Shares are percents to a tenth, amounts are tenge: what is neither is a mistake of the command line.
func TestListsOfAStudy(t *testing.T) {
	command := &cobra.Command{}
	command.Flags().String("list", "", "")
	for text, want := range map[string][]int{"5": {50}, "0.1, 100,0": {1, 1000, 0}, "2.50": {25}, "": nil, "100.1": nil, "-1": nil, "0.15": nil, "1,,2": nil} {
		_ = command.Flags().Set("list", text)
		if got, err := thousandths(command, "list"); !slices.Equal(got, want) && want != nil || (err == nil) != (want != nil) || err != nil && !isUsage(err) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string][]money.Tiyn{"5": {500}, "0.01, 7.5": {1, 750}, "": nil, "1;2": nil} {
		_ = command.Flags().Set("list", text)
		if got, err := amounts(command, "list"); !slices.Equal(got, want) && want != nil || (err == nil) != (want != nil) || err != nil && !isUsage(err) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for n, want := range map[int]string{0: "0.0 %", 5: "0.5 %", 250: "25.0 %", 1000: "100.0 %"} {
		if got := percent(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

// An exchange that breaks off may have paid: it ends as what is not known, not as a failure.
func TestAnExchangeThatBreaksOff(t *testing.T) {
	for _, err := range []error{io.EOF, io.ErrUnexpectedEOF, os.ErrDeadlineExceeded} {
		got := brokenOff(err)
		command := &cobra.Command{}
		command.SetErr(io.Discard)
		if exit := cli.Report(command, got); !errors.Is(got, err) || !strings.Contains(got.Error(), "meet again to finish it") || exit != cli.ExitUnknown {
			t.Errorf("%v: %v ends with %d", err, got, exit)
		}
	}
	refused := errors.New("no funds")
	if got := brokenOff(refused); got != refused || brokenOff(nil) != nil {
		t.Error(got)
	}
}

// A message goes as text, as frames, or as a picture, and comes back the same.
func TestAMessageIsCarried(t *testing.T) {
	message := bytes.Repeat([]byte("pay"), 200)
	for name, flags := range map[string][]string{"text": nil, "frames": {"--ur"}, "picture": {"--qr", filepath.Join(t.TempDir(), "code.gif")}} {
		var out bytes.Buffer
		command := parsed(t, newReceiveCommand(), flags...)
		command.SetOut(&out)
		if err := showText(command, "request", message); err != nil {
			t.Fatal(err)
		}
		back := newReceiveCommand()
		back.SetIn(&out)
		if got, err := textOf(back); err != nil || !bytes.Equal(got, message) {
			t.Errorf("%s: %d bytes came back of %d, %v", name, len(got), len(message), err)
		}
		if name == "picture" {
			if picture, err := os.ReadFile(flags[1]); err != nil || !bytes.HasPrefix(picture, []byte("GIF89a")) {
				t.Errorf("no picture: %v", err)
			}
		}
	}
	endless := newReceiveCommand()
	var read zeros
	endless.SetIn(&read)
	if _, _ = textOf(endless); read > 64*rules.MaxMessage {
		t.Errorf("%d bytes of an endless text were read", read)
	}
}

// zeros never end; it counts how many were read.
type zeros int

func (z *zeros) Read(b []byte) (int, error) {
	*z += zeros(len(b))
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

// The proof of a double payment is kept where it is asked for, and nothing is written where there is none.
func TestAProofIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "proof.txt")
	command := parsed(t, newReceiveCommand(), "--proof", path)
	if err := keepProof(command, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("a file of no proof")
	}
	proof := []byte{1, 2, 3}
	if err := keepProof(command, proof); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := purse.FromText(string(text)); err != nil || !bytes.Equal(got, proof) {
		t.Errorf("%q, %v", text, err)
	}
}

// A secret is kept in a new file of its owner's alone, and is the same when it is read; any other file is no secret.
func TestAnOpenersKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "opener.key")
	secret, err := sealed.NewSecret(strings.NewReader(strings.Repeat("entropy!", 64)))
	if err != nil {
		t.Fatal(err)
	}
	if err := saveSecret(path, secret); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if got, err := readSecret(path); err != nil || got.Public() != secret.Public() {
		t.Errorf("another key came back: %v", err)
	}
	if err := saveSecret(path, secret); err == nil {
		t.Error("a key was overwritten")
	}
	if err := os.WriteFile(path, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSecret(path); !isUsage(err) {
		t.Error(err)
	}
}

// Openers are named in one order; who he is among them is a number from 1.
func TestMembers(t *testing.T) {
	var points []string
	for i := range 3 {
		secret, err := sealed.NewSecret(strings.NewReader(strings.Repeat(string(rune('a'+i)), 512)))
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, secret.Public().String())
	}
	all := strings.Join(points, ", ")
	members, opener, err := membersFlag(parsed(t, newDealCommand(), "--members", all, "--opener", "2"))
	if err != nil || len(members) != 3 || opener != 2 || members[1].String() != points[1] {
		t.Errorf("%v, %d, %v", members, opener, err)
	}
	for _, flags := range [][]string{{"--members", all, "--opener", "0"}, {"--members", all, "--opener", "4"}, {"--members", "", "--opener", "1"},
		{"--members", points[0] + ",x", "--opener", "1"}} {
		if _, _, err := membersFlag(parsed(t, newDealCommand(), flags...)); !isUsage(err) {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

// A purse without a list, with a stale one, and with one that nobody signed each says what that leaves open.
func TestTheListThatAPurseHas(t *testing.T) {
	text := func(s purse.Standing) string {
		var out bytes.Buffer
		showList(&out, words.English, &s)
		return out.String()
	}
	if got := text(purse.Standing{}); !strings.Contains(got, "has no revocation list") {
		t.Error(got)
	}
	if got := text(purse.Standing{ListMillis: 1_796_000_000_000, Revoked: 3, ListSigned: true}); !strings.Contains(got, "3 purses are known to be revoked, by a list of 2026-11-30") ||
		strings.Contains(got, "nobody signed") || strings.Contains(got, "stale") {
		t.Error(got)
	}
	if got := text(purse.Standing{ListMillis: 1, ListFilter: true, ListStale: true}); !strings.Contains(got, "by a filter of") ||
		!strings.Contains(got, "nobody signed") || !strings.Contains(got, "is stale") {
		t.Error(got)
	}
}
