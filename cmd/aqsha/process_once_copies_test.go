package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
)

// A key protects within one data directory, which remembers it: a copy that was made after the payment answers with it, and one that
// was made before knows nothing of it and pays for itself. The help and the documents say so.
func TestAKeyInTwoCopiedDirectories(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	defer p.stop(t)
	copies := make([]string, 3)
	for i := range copies {
		copies[i] = filepath.Join(t.TempDir(), "copy")
	}
	copyKeys := func(to string) {
		for _, part := range []string{"keys", "names", "payments", "config.toml"} {
			from := filepath.Join(c.dir, part)
			if err := os.MkdirAll(to, 0o700); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(from); err == nil && info.IsDir() {
				if err := os.CopyFS(filepath.Join(to, part), os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
			} else if err == nil {
				content, err := os.ReadFile(from)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(to, part), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	pay := func(dir string) string {
		return run1Out(t, "pay", "c0", "c1", "10", "--idempotency-key", "order-1", "--data", dir, "--node", p.url, "--json")
	}
	before, after := copies[0], copies[1]
	copyKeys(before)
	first := receiptOf(t, []byte(pay(c.dir)))
	copyKeys(after)
	if again := receiptOf(t, []byte(pay(after))); again != first {
		t.Errorf("a copy made after the payment answers %+v, and the payment is %+v", again, first)
	}
	balanceIs(t, c.dir, "c1", 100_010*money.Tenge)
	if other := receiptOf(t, []byte(pay(before))); other.ID == first.ID {
		t.Errorf("a copy made before the payment answers with it: %+v", other)
	}
	balanceIs(t, c.dir, "c1", 100_020*money.Tenge)
	if again := receiptOf(t, []byte(pay(c.dir))); again != first {
		t.Errorf("the first directory answers %+v", again)
	}
	if help := run1(t, "pay", "--help"); !strings.Contains(help, "A copy of the data directory that was made before") {
		t.Error("the help does not say it")
	}
}
