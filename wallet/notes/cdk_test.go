package notes_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash/coin"
)

// cdkProgram is cdk's command-line wallet, as 'make interop' installs it from crates.io.
const cdkProgram = "../../.tools/cdk/bin/cdk-cli"

// cdk runs it over a wallet's folder.
func cdk(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := filepath.Abs(cdkProgram)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, append([]string{"-n", "-w", dir, "-u", "kzt"}, args...)...)
	c.Env = append(os.Environ(), "NO_COLOR=1")
	return c
}

// said is what it prints, and fails the test where it does not end well.
func said(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := cdk(t, dir, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("cdk-cli %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

var (
	tokenText = regexp.MustCompile(`cashu[AB][A-Za-z0-9_=-]+`)
	publicKey = regexp.MustCompile(`\b0[23][0-9a-f]{64}\b`)
)

// cdk's wallet, unmodified, at our office in tenge: it buys, gives, takes, locks, and is restored from its words. Its
// command line pays out through Lightning and Bitcoin alone, so that melting is not among it.
func TestCDK(t *testing.T) {
	if _, err := os.Stat(cdkProgram); err != nil {
		t.Skip("SKIPPED: cdk-cli is not here; 'make interop' installs it from crates.io")
	}
	town := newTown(t)
	dir, mint := t.TempDir(), town.client.URL()

	buying := cdk(t, dir, "mint", mint, "10000", "--method", "aqsha", "--wait-duration", "10")
	out, err := buying.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := buying.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if request, found := strings.CutPrefix(lines.Text(), "Please pay: "); found {
			town.ledger.pay(request)
			if err := town.office.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	rest, _ := io.ReadAll(out)
	if err := buying.Wait(); err != nil || !strings.Contains(string(rest), "10000 kzt") {
		t.Fatalf("buying: %v, %s", err, rest)
	}

	// Both ways between their wallet and ours; what was taken is taken.
	_, w := town.newWallet(testWords)
	theirs, err := coin.DecodeToken(tokenText.FindString(said(t, dir, "send", "--mint-url", mint, "-a", "3217")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Receive(t.Context(), theirs, nil); err != nil || got != 3_217 {
		t.Fatal(got, err)
	}
	token, err := w.Send(t.Context(), 500, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := token.Encode(true)
	if err != nil {
		t.Fatal(err)
	}
	if out := said(t, dir, "receive", ours); !strings.Contains(out, "Received: 500") {
		t.Errorf("receiving ours: %s", out)
	}
	other := t.TempDir()
	if out, err := cdk(t, other, "receive", "--allow-untrusted", ours).CombinedOutput(); err == nil ||
		!strings.Contains(string(out), "Spent") {
		t.Errorf("taking the same twice: %v, %s", err, out)
	}

	// Locked to a key (NUT-11): its holder takes it, nobody else.
	key := publicKey.FindString(said(t, other, "generate-public-key", "--mint-url", mint))
	locked := tokenText.FindString(said(t, dir, "send", "--mint-url", mint, "-a", "1000", "-p", key))
	if out, err := cdk(t, dir, "receive", locked).CombinedOutput(); err == nil {
		t.Errorf("who has no key takes what is locked: %s", out)
	}
	if out := said(t, other, "receive", "--allow-untrusted", locked); !strings.Contains(out, "Received: 1000") {
		t.Errorf("receiving what is locked: %s", out)
	}

	// From the words alone, in an empty folder.
	again := t.TempDir()
	seed, err := os.ReadFile(filepath.Join(dir, "seed"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(again, "seed"), seed, 0o600); err != nil {
		t.Fatal(err)
	}
	said(t, again, "restore", mint)
	if out := said(t, again, "balance"); !strings.Contains(out, " 6283 kzt") {
		t.Errorf("restored: %s", out)
	}
	if s := town.office.Status(); s.Outstanding != 10_000 || !s.Reserve.Holds() {
		t.Errorf("%+v", s)
	}
}
