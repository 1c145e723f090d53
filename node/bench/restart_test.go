package bench_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aqsha/aqsha/node/bench"
)

// restartPart names the part that a process of this test binary does.
const restartPart = "AQSHA_BENCH_RESTART_PART"

// A node that is killed under load serves again, with all that it had answered.
func TestRestart(t *testing.T) {
	if raced {
		t.Skip("a measurement: make test runs it without the race detector")
	}
	o := bench.RestartOptions{
		Options: bench.Options{Dir: t.TempDir(), Wallets: 6_000, LiveTokens: 12_000, Transfers: 4096, Runs: 1, TwoOwners: 10, Seed: 1},
		Load:    0.4, After: time.Second,
	}
	if part := os.Getenv(restartPart); part != "" { // in the process of a part
		o.Dir = os.Getenv(restartPart + "_DIR")
		if _, err := hex.Decode(o.Payer[:], []byte(os.Getenv(restartPart+"_PAYER"))); err != nil {
			t.Fatal(err)
		}
		if err := bench.RestartPart(t.Context(), part, o, os.Stdout); err != nil {
			t.Fatal(err)
		}
		return
	}
	o.Process = func(ctx context.Context, part string, o bench.RestartOptions) *exec.Cmd {
		process := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestRestart$", "-test.timeout", "180s")
		process.Env = append(os.Environ(), restartPart+"="+part, restartPart+"_DIR="+o.Dir, fmt.Sprintf("%s_PAYER=%x", restartPart, o.Payer[:]))
		process.Stderr = os.Stderr
		return process
	}
	r, err := bench.Restart(t.Context(), o, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if r.Lost != 0 || r.Answered == 0 || r.Found < r.Answered || r.ServingSeconds <= 0 || r.Aim > r.Capacity {
		t.Errorf("%+v", r)
	}
	o.Load = 2
	if _, err := bench.Restart(t.Context(), o, nil); err == nil {
		t.Error("an impossible load is taken")
	}
}
