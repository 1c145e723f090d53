package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

type act = func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error

// run runs a command with a ledger's flags, and returns what it said.
func run(t *testing.T, make func(act) func(*cobra.Command, []string) error, do act, args ...string) (out, errs string, err error) {
	t.Helper()
	root := &cobra.Command{Use: "aqsha", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().Bool("json", false, "")
	command := &cobra.Command{Use: "x", RunE: make(do)}
	datadir.AddLedgerFlags(command)
	session.AddDraftFlag(command)
	command.Flags().String("document", "", "")
	root.AddCommand(command, nodecmd.NewInitCommand())
	var stdout, stderr bytes.Buffer
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// newNet makes a development network.
func newNet(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "net")
	nothing := func(context.Context, *cobra.Command, *session.Session, []string) error { return nil }
	if _, _, err := run(t, session.OnLedger, nothing, "init", "--development", "--shared-keys", "--data", dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents are a directory's files.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	files := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = sha256.Sum256(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A command changes a ledger in this process; one that reads it finds the change, needs no more than to read, and leaves every file
// as it was.
func TestALedgerInThisProcess(t *testing.T) {
	t.Parallel()
	dir := newNet(t)
	admit := func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
		receipt, err := s.Admit(ctx, args[0])
		return session.ShowReceipt(command, receipt, err, "bank %s\n", args[0])
	}
	out, _, err := run(t, session.OnLedger, admit, "x", "halyk", "--data", dir)
	if err != nil || !strings.Contains(out, "bank halyk") || !strings.Contains(out, "entry ") {
		t.Fatalf("%q, %v", out, err)
	}
	before := contents(t, dir)
	read := func(ctx context.Context, _ *cobra.Command, s *session.Session, _ []string) error {
		banks, err := s.API.Intermediaries(ctx)
		if err != nil || len(banks) != 1 {
			t.Errorf("%d banks, %v", len(banks), err)
		}
		if id, err := s.WalletOf("halyk"); err != nil || s.WalletName(id) != "halyk" || s.WalletName(token.Authority) != "the central bank" {
			t.Errorf("the bank's name: %v", err)
		}
		if _, err := s.Admit(ctx, "second"); err == nil {
			t.Error("a ledger that is open for reading took a transaction")
		}
		return nil
	}
	if _, _, err := run(t, session.ReadingLedger, read, "x", "--data", dir); err != nil {
		t.Fatal(err)
	}
	after := contents(t, dir)
	for path, hash := range before {
		if after[path] != hash {
			t.Errorf("reading changed %s", path)
		}
	}
	for path := range after {
		if _, there := before[path]; !there && !strings.Contains(path, "second") && filepath.Base(path) != "LOCK" {
			t.Errorf("reading made %s", path)
		}
	}
}

// A transaction becomes a draft where one is asked for, and nothing is submitted; a name that is empty is a script's mistake.
func TestDraftsInsteadOfSubmitting(t *testing.T) {
	t.Parallel()
	dir := newNet(t)
	file := filepath.Join(t.TempDir(), "draft.json")
	admit := func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
		receipt, err := s.Admit(ctx, args[0])
		return session.ShowReceipt(command, receipt, err, "bank %s\n", args[0])
	}
	var usage cli.UsageError
	if _, _, err := run(t, session.OnLedger, admit, "x", "halyk", "--data", dir, "--out", ""); !errors.As(err, &usage) {
		t.Errorf("--out with nothing: %v", err)
	}
	out, _, err := run(t, session.OnLedger, admit, "x", "halyk", "--data", dir, "--out", file, "--json")
	var said struct{ ID, Draft string }
	if err != nil || json.Unmarshal([]byte(out), &said) != nil || said.Draft != file || len(said.ID) != 64 {
		t.Fatalf("%q, %v", out, err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	none := func(ctx context.Context, _ *cobra.Command, s *session.Session, _ []string) error {
		if banks, err := s.API.Intermediaries(ctx); err != nil || len(banks) != 0 {
			t.Errorf("a draft was executed: %d banks, %v", len(banks), err)
		}
		return nil
	}
	if _, _, err := run(t, session.ReadingLedger, none, "x", "--data", dir); err != nil {
		t.Error(err)
	}
}

// Who is not known and what is no amount are refused with a code or as a mistake of the line.
func TestArguments(t *testing.T) {
	t.Parallel()
	dir := newNet(t)
	look := func(_ context.Context, _ *cobra.Command, s *session.Session, _ []string) error {
		if _, err := s.Resolve("nobody"); fault.Code(err) == "" {
			t.Errorf("a name that nobody has: %v", err)
		}
		id := strings.Repeat("ab", 16)
		var usage cli.UsageError
		if got, _, err := s.WalletAndAmount(id, "12.345"); !errors.As(err, &usage) || got.String() != id {
			t.Errorf("no amount: %v", err)
		}
		if _, amount, err := s.WalletAndAmount(id, "12.34"); err != nil || amount != 1234 {
			t.Errorf("an amount: %s, %v", amount, err)
		}
		key, err := s.PublicKey("mine")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.PublicKey("mine"); err != nil || again != key {
			t.Errorf("another key of the same name: %v", err)
		}
		if parsed, err := s.PublicKey(key.String()); err != nil || parsed != key {
			t.Errorf("a key by its text: %v", err)
		}
		return nil
	}
	if _, _, err := run(t, session.OnLedger, look, "x", "--data", dir); err != nil {
		t.Error(err)
	}
}

// A document is a file's hash, or the hash itself.
func TestDocuments(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "invoice.xml")
	if err := os.WriteFile(file, []byte("<invoice/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	hash := token.Hash(sha256.Sum256([]byte("<invoice/>")))
	for given, want := range map[string]*token.Hash{"": nil, file: &hash, hash.String(): &hash} {
		command := &cobra.Command{}
		command.Flags().String("document", given, "")
		got, err := session.DocumentOf(command)
		if err != nil || (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: %v, %v", given, got, err)
		}
	}
	command := &cobra.Command{}
	command.Flags().String("document", file+".gone", "")
	if _, err := session.DocumentOf(command); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Once a command is done, what goes wrong in closing the ledger is a warning; where it failed, both are said.
func TestWhatGoesWrongInClosing(t *testing.T) {
	t.Parallel()
	stuck, failed := errors.New("disk full"), errors.New("refused")
	var said bytes.Buffer
	command := &cobra.Command{}
	command.SetErr(&said)
	end := func(err error) *session.Session { return &session.Session{End: func() error { return err }} }
	if err := session.Finish(command, end(stuck), nil); err != nil || !strings.Contains(said.String(), "done, but") || !strings.Contains(said.String(), "disk full") {
		t.Errorf("done, and not closed: %v, %q", err, said.String())
	}
	said.Reset()
	if err := session.Finish(command, end(stuck), failed); !errors.Is(err, failed) || !errors.Is(err, stuck) || said.Len() > 0 {
		t.Errorf("failed, and not closed: %v, %q", err, said.String())
	}
	if err := session.Finish(command, end(nil), failed); !errors.Is(err, failed) {
		t.Errorf("failed: %v", err)
	}
	if err := session.Finish(command, end(nil), nil); err != nil || said.Len() > 0 {
		t.Errorf("done: %v, %q", err, said.String())
	}
}

// A directory that another process holds is named with who holds it, and no command changes it.
func TestAHeldDirectory(t *testing.T) {
	t.Parallel()
	dir := newNet(t)
	lock, err := vfs.OS.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // who does not wait
	command := &cobra.Command{}
	datadir.AddLedgerFlags(command)
	if err := errors.Join(command.PersistentFlags().Set("data", dir), command.ParseFlags(nil)); err != nil {
		t.Fatal(err)
	}
	command.SetContext(ctx)
	ran := false
	err = session.WithSession(command, false, func(context.Context, *session.Session) error { ran = true; return nil })
	if err == nil || ran {
		t.Errorf("a held directory: %v, ran %t", err, ran)
	}
}

// Purposes of a payment are each named once, and a receipt is shown with where it stands.
func TestWhatIsShown(t *testing.T) {
	t.Parallel()
	tx := &token.Transaction{Body: &token.EarmarkedTransfer{Outputs: []token.EarmarkedOutput{{From: 3, Becomes: 3}, {From: 3}, {Becomes: 5}, {}}}}
	if got := session.PurposesIn(tx); len(got) != 2 || got[0] != 3 || got[1] != 5 {
		t.Errorf("purposes %v", got)
	}
	if got := session.PurposesIn(&token.Transaction{Body: &token.Transfer{}}); got != nil {
		t.Errorf("purposes of a plain payment: %v", got)
	}
	s := &session.Session{} // nothing is asked of a node where a history speaks of no purpose
	if names, err := s.PurposeNames(t.Context(), api.History{}); names != nil || err != nil {
		t.Errorf("names %v, %v", names, err)
	}
	command := &cobra.Command{}
	command.Flags().Bool("json", false, "")
	command.Flags().String("out", "d.json", "")
	var out bytes.Buffer
	command.SetOut(&out)
	refused := token.Errorf("some-code", "amount", "no")
	if err := session.ShowReceipt(command, node.Receipt{}, refused, "paid %s\n", money.Tiyn(5)); !errors.Is(err, refused) || out.Len() > 0 {
		t.Errorf("a refusal: %v, %q", err, out.String())
	}
	if err := session.ShowReceipt(command, node.Receipt{Index: 7, Height: 3}, nil, "paid %s\n", money.Tiyn(5)); err != nil ||
		!strings.HasPrefix(out.String(), "paid 0.05\n") || !strings.Contains(out.String(), "entry 7, block 3") {
		t.Errorf("a receipt: %q, %v", out.String(), err)
	}
	out.Reset()
	if err := session.ShowReceipt(command, node.Receipt{}, wallet.ErrDrafted, "paid\n"); err != nil || !strings.Contains(out.String(), "draft d.json") {
		t.Errorf("a draft: %q, %v", out.String(), err)
	}
}

// A command that was asked for a draft submits nothing, also where it does not go by the way that writes drafts.
func TestWhoDraftsSubmitsNothing(t *testing.T) {
	t.Parallel()
	dir := newNet(t)
	admit := func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
		receipt, err := s.Admit(ctx, args[0])
		return session.ShowReceipt(command, receipt, err, "")
	}
	paper := filepath.Join(t.TempDir(), "admit.draft")
	if out, _, err := run(t, session.OnLedger, admit, "x", "halyk", "--data", dir, "--out", paper); err != nil || !strings.Contains(out, paper) {
		t.Fatalf("%q, %v", out, err)
	}
	forgets := func(ctx context.Context, _ *cobra.Command, s *session.Session, args []string) error {
		s.Out = nil
		_, err := s.Admit(ctx, args[0])
		return err
	}
	if _, _, err := run(t, session.OnLedger, forgets, "x", "kaspi", "--data", dir, "--out", paper+"2"); err == nil ||
		!strings.Contains(err.Error(), "nothing was submitted") {
		t.Errorf("who goes past the draft: %v", err)
	}
	read := func(ctx context.Context, _ *cobra.Command, s *session.Session, _ []string) error {
		banks, err := s.API.Intermediaries(ctx)
		if err != nil || len(banks) != 0 {
			t.Errorf("%d banks were admitted by drafts, %v", len(banks), err)
		}
		return nil
	}
	if _, _, err := run(t, session.ReadingLedger, read, "x", "--data", dir); err != nil {
		t.Fatal(err)
	}
}

// A language that is not here is refused before a command does anything: what it did could not be said.
func TestALanguageThatIsNotHere(t *testing.T) {
	t.Parallel()
	dir := newNet(t)
	ran := false
	do := func(context.Context, *cobra.Command, *session.Session, []string) error { ran = true; return nil }
	spoken := func(make func(act) func(*cobra.Command, []string) error) func(act) func(*cobra.Command, []string) error {
		return func(do act) func(*cobra.Command, []string) error {
			run := make(do)
			return func(command *cobra.Command, args []string) error {
				command.Flags().String("lang", "", "")
				if err := command.Flags().Set("lang", args[0]); err != nil {
					return err
				}
				return run(command, args)
			}
		}
	}
	paying := func(do act) func(*cobra.Command, []string) error {
		return func(command *cobra.Command, args []string) error {
			return session.WithPayer(command, func(ctx context.Context, s *session.Session) error { return do(ctx, command, s, args) })
		}
	}
	for name, make := range map[string]func(act) func(*cobra.Command, []string) error{"changing": session.OnLedger, "reading": session.ReadingLedger, "paying": paying} {
		ran = false
		var usage cli.UsageError
		if _, _, err := run(t, spoken(make), do, "x", "de", "--data", dir); !errors.As(err, &usage) || ran {
			t.Errorf("%s in a language that is not here: ran %t, %v", name, ran, err)
		}
		if _, _, err := run(t, spoken(make), do, "x", "kk", "--data", dir); err != nil || !ran {
			t.Errorf("%s in Kazakh: ran %t, %v", name, ran, err)
		}
	}
}
