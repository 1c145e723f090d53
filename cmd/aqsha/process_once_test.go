package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
)

// payOf is a payment of ten tenge under a key.
func payOf(dir, key string) *exec.Cmd {
	return aqsha("pay", "c0", "c1", "10", "--idempotency-key", key, "--data", dir, "--json")
}

func receiptOf(t *testing.T, out []byte) (r node.Receipt) {
	t.Helper()
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

func balanceIs(t *testing.T, dir, wallet string, want money.Tiyn) {
	t.Helper()
	if got := run1(t, "balance", wallet, "--data", dir); !strings.Contains(got, want.Format()) {
		t.Errorf("%s holds %s, want %s", wallet, got, want)
	}
}

// Processes that pay under one key at once make one payment: each prints its receipt, or says that another has it in hand.
func TestProcessesWithOneKeyPayOnce(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	defer p.stop(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	receipts := map[node.Receipt]int{}
	for range 6 {
		group.Go(func() {
			pay := payOf(c.dir, "order-1")
			out, err := pay.Output()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				receipts[receiptOf(t, out)]++
			} else if stderr := string(err.(*exec.ExitError).Stderr); !strings.Contains(stderr, `"locked"`) {
				t.Errorf("%v: %s", err, stderr)
			}
		})
	}
	group.Wait()
	if len(receipts) != 1 {
		t.Errorf("receipts: %v", receipts)
	}
	balanceIs(t, c.dir, "c1", 100_010*money.Tenge)
}

// A payer that is killed when he has signed and sent, and has no answer, finds his one payment when he runs again; whether the
// node made it meanwhile or was killed too.
func TestAKilledPayerPaysOnce(t *testing.T) {
	for _, nodeDies := range []bool{false, true} {
		c := newCustomers(t, 2)
		stuck := filepath.Join(t.TempDir(), "stuck")
		t.Setenv(testStuck, stuck)
		p := up(t, c.dir)
		t.Setenv(testStuck, "")
		if err := os.WriteFile(stuck, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		pay := payOf(c.dir, "order-1")
		if err := pay.Start(); err != nil {
			t.Fatal(err)
		}
		signed := filepath.Join(c.dir, "payments", "*.journal")
		until := time.Now().Add(time.Minute)
		for size := int64(0); size < 400; time.Sleep(20 * time.Millisecond) { // the payment with its signature stands there
			if files, _ := filepath.Glob(signed); len(files) == 1 {
				if info, err := os.Stat(files[0]); err == nil {
					size = info.Size()
				}
			}
			if time.Now().After(until) {
				t.Fatal("nothing was signed")
			}
		}
		_ = pay.Process.Kill()
		_ = pay.Wait()
		if nodeDies {
			p.kill()
		}
		if err := os.Remove(stuck); err != nil {
			t.Fatal(err)
		}
		if nodeDies {
			p = up(t, c.dir)
		}
		var first node.Receipt
		for i := range 2 {
			out, err := payOf(c.dir, "order-1").Output()
			if err != nil {
				t.Fatalf("run again: %v: %s", err, err.(*exec.ExitError).Stderr)
			}
			if r := receiptOf(t, out); i == 0 {
				first = r
			} else if r != first {
				t.Errorf("receipts %+v and %+v", first, r)
			}
		}
		balanceIs(t, c.dir, "c1", 100_010*money.Tenge)
		p.stop(t)
	}
}

// A key on another network is refused, and one that is empty or too long before anything is touched.
func TestKeysThatAreRefused(t *testing.T) {
	one, two := newCustomers(t, 2), newCustomers(t, 2)
	run1(t, payOf(one.dir, "order-1").Args[1:]...)
	if err := os.CopyFS(filepath.Join(two.dir, "payments"), os.DirFS(filepath.Join(one.dir, "payments"))); err != nil {
		t.Fatal(err)
	}
	fresh := newCustomers(t, 2)
	for _, c := range []struct {
		dir, key, says string
		exit           int
	}{
		{two.dir, "order-1", "idempotency-key-reused", cli.ExitRefused},
		{fresh.dir, "", "--idempotency-key: is empty", cli.ExitUsage},
		{fresh.dir, strings.Repeat("k", 10_000), "at most 200", cli.ExitUsage},
		{fresh.dir, strings.Repeat("k", walletcmd.MaxIdempotencyKey+1), "at most 200", cli.ExitUsage},
	} {
		pay := payOf(c.dir, c.key)
		out, _ := pay.CombinedOutput()
		if pay.ProcessState.ExitCode() != c.exit || !strings.Contains(string(out), c.says) {
			t.Errorf("a key of %d bytes: exit code %d, %s", len(c.key), pay.ProcessState.ExitCode(), out)
		}
		balanceIs(t, c.dir, "c1", 100_000*money.Tenge)
	}
	if _, err := os.Stat(filepath.Join(fresh.dir, "payments")); !os.IsNotExist(err) {
		t.Errorf("a refused key left something: %v", err)
	}
	run1(t, payOf(fresh.dir, strings.Repeat("k", walletcmd.MaxIdempotencyKey)).Args[1:]...)
	balanceIs(t, fresh.dir, "c1", 100_010*money.Tenge)
}
