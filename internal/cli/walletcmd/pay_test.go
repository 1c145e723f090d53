package walletcmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// paying is a pay command whose flags are parsed.
func paying(t *testing.T, flags ...string) *cobra.Command {
	t.Helper()
	command := NewPayCommand()
	if err := command.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	return command
}

// A flag that would have no effect is refused, and so is one whose script left it empty: who asked for a protection must not
// be without it.
func TestFlagsOfAPayment(t *testing.T) {
	for flags, says := range map[string]string{
		"":                              "",
		"--memo rent":                   "",
		"--memo rent --memo-hash":       "",
		"--idempotency-key k":           "",
		"--purpose any --document a":    "",
		"--mark meals --document a":     "",
		"--out pay.json":                "",
		"--batch a.csv":                 "",
		"--batch a.csv --only-new":      "",
		"--batch a.csv --batch-name b":  "",
		"--idempotency-key=":            "--idempotency-key: is empty",
		"--purpose=":                    "--purpose: is empty",
		"--mark=":                       "--mark: is empty",
		"--document=":                   "--document: is empty",
		"--memo-for=":                   "--memo-for: is empty",
		"--batch=":                      "--batch: is empty",
		"--journal=":                    "--journal: is empty",
		"--out=":                        "--out: is empty",
		"--purpose a --mark b":          "not both",
		"--document a":                  "--document belongs to marked money",
		"--batch a.csv --memo-hash":     "--memo-hash does not apply to a batch",
		"--batch a --idempotency-key k": "--idempotency-key does not apply to a batch",
		"--batch a.csv --out b":         "--out does not apply to a batch",
		"--idempotency-key k --out b":   "--out does not apply with --idempotency-key",
		"--idempotency-key k --memo m --memo-hash": "--memo-hash does not apply with --idempotency-key",
		"--journal j":                    "--journal does not apply without --batch",
		"--batch-name n":                 "--batch-name does not apply without --batch",
		"--only-new":                     "--only-new does not apply without --batch",
		"--idempotency-key k --only-new": "--only-new does not apply without --batch",
	} {
		err := checkPayFlags(paying(t, strings.Fields(flags)...))
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("pay %s: %v, want %q", flags, err, says)
		}
		if usage := (cli.UsageError{}); err != nil && !errors.As(err, &usage) {
			t.Errorf("pay %s: %v is no mistake of the command line", flags, err)
		}
	}
}

// A payment has three arguments, a batch one.
func TestArgumentsOfAPayment(t *testing.T) {
	for _, c := range []struct {
		flags, args string
		ok          bool
	}{
		{"", "a b 1", true}, {"", "a b", false}, {"", "a b 1 2", false}, {"", "", false},
		{"--batch f", "a", true}, {"--batch f", "a b 1", false}, {"--batch f", "", false},
	} {
		command := paying(t, strings.Fields(c.flags)...)
		if err := command.Args(command, strings.Fields(c.args)); (err == nil) != c.ok {
			t.Errorf("pay %s %s: %v", c.args, c.flags, err)
		}
	}
}

// A memo is open, encrypted to somebody, or a hash whose salt the payer is given; never two of these, and none without a text.
func TestMemos(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to := identity.Recipient().String()
	run := func(flags ...string) (token.Memo, string, error) {
		var errs bytes.Buffer
		command := paying(t, flags...)
		command.SetErr(&errs)
		m, err := memoOf(command)
		return m, errs.String(), err
	}
	if m, _, err := run(); err != nil || m.Text() != "" {
		t.Errorf("no memo: %q, %v", m.Text(), err)
	}
	if m, _, err := run("--memo", "rent"); err != nil || m.Text() != "rent" {
		t.Errorf("an open memo: %q, %v", m.Text(), err)
	}
	if m, _, err := run("--memo", "rent", "--memo-for", to); err != nil || strings.Contains(string(m.Bytes), "rent") || len(m.Bytes) == 0 {
		t.Errorf("an encrypted memo: %+v, %v", m, err)
	}
	if m, said, err := run("--memo", "rent", "--memo-hash"); err != nil || strings.Contains(string(m.Bytes), "rent") ||
		!strings.HasPrefix(said, "salt of the memo") {
		t.Errorf("a hashed memo: %+v, %q, %v", m, said, err)
	}
	for says, flags := range map[string][]string{
		"need --memo": {"--memo-hash"}, "--memo-for and": {"--memo-for", to}, "not both": {"--memo", "m", "--memo-for", to, "--memo-hash"},
		"at most 256": {"--memo", strings.Repeat("x", 257)}, "--memo-for:": {"--memo", "m", "--memo-for", "age1nobody"},
	} {
		if _, _, err := run(flags...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", flags, err, says)
		}
	}
}

// What holds for all rows of a batch is checked before any is paid.
func TestOptionsOfABatch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "act")
	if err := os.WriteFile(file, []byte("act"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := batchOptions(paying(t, "--memo", "pay", "--purpose", "meals", "--document", file))
	if err != nil || o.Memo != "pay" || o.Purpose != "meals" || o.Earmark != "" || len(o.Document) != 64 {
		t.Errorf("%+v, %v", o, err)
	}
	for says, flags := range map[string][]string{
		"--memo: 257 bytes": {"--memo", strings.Repeat("x", 257)}, "--memo-for:": {"--memo-for", "nobody"}, "no such file": {"--document", file + "2"},
	} {
		if _, err := batchOptions(paying(t, flags...)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", flags, err, says)
		}
	}
}

// Every row of a batch gets its line: paid, paid before, or refused and why. Names come from a file, and are shown harmlessly.
func TestOutcomesOfABatch(t *testing.T) {
	var out bytes.Buffer
	describeOutcomes(&out, words.English, []wallet.Outcome{
		{Row: wallet.Row{Line: 2, To: "shop", Amount: 5 * money.Tenge}, Receipt: &node.Receipt{Index: 17}},
		{Row: wallet.Row{Line: 3, To: "bank", Amount: money.Tenge}, Receipt: &node.Receipt{Index: 9}, Again: true},
		{Row: wallet.Row{Line: 4, To: "x\x1b[2J", Amount: 7}, Problem: &api.Problem{Code: "limit-balance", Detail: "too much"}},
	})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "5.00 ₸") || !strings.HasSuffix(lines[1], "paid, entry 17") ||
		!strings.Contains(lines[2], "paid before, entry 9, ") || !strings.Contains(lines[3], "refused: ") ||
		!strings.Contains(lines[3], "too much") || strings.Contains(lines[3], "\x1b") {
		t.Errorf("%s", out.String())
	}
}

// A batch that stopped says how many are paid and how to go on, before the first too; one that was refused has nothing to
// go on with, and a key that was another payment's says so.
func TestBatchesThatStop(t *testing.T) {
	broken := errors.New("the line is down")
	for _, cut := range []error{context.Canceled, &api.UnansweredError{Cause: broken}} {
		for _, done := range []int{0, 3} {
			if got := interrupted(cut, done, 7); !errors.Is(got, cut) ||
				!strings.Contains(got.Error(), fmt.Sprintf("%d of 7 payments are known", done)) {
				t.Error(got)
			}
		}
	}
	for _, refused := range []error{broken, token.Errorf(wallet.BatchOfAnother, "file", "x")} {
		if got := interrupted(refused, 0, 7); got != refused {
			t.Error(got)
		}
		if got := interrupted(refused, 2, 7); !errors.Is(got, refused) || !strings.Contains(got.Error(), "2 of 7") {
			t.Error(got)
		}
	}
	for _, code := range []token.Code{wallet.BatchOfAnother, wallet.BatchOtherTerms, wallet.BatchOtherRow} {
		var refused *token.Error
		if err := onceError("rent", token.Errorf(code, "id", "x")); !errors.As(err, &refused) || refused.Code != keyReused ||
			!strings.Contains(err.Error(), `"rent"`) {
			t.Errorf("%s: %v", code, err)
		}
	}
	if err := onceError("rent", broken); err != broken {
		t.Error(err)
	}
}

// A file has one name, whichever way leads there: its journal is found by that.
func TestOneNameOfAFile(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "a.csv"), filepath.Join(dir, "b.csv")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link)); err != nil {
		t.Fatal(err)
	}
	whole, err := filepath.EvalSymlinks(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{file, link, filepath.Join(dir, ".", "x", "..", "a.csv")} {
		if got := realPath(way); got != whole {
			t.Errorf("%s is %s, want %s", way, got, whole)
		}
	}
	if got := realPath(filepath.Join(dir, "none")); got != filepath.Join(dir, "none") {
		t.Error(got)
	}
}
