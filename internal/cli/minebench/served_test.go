package minebench

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// measured is the pool under measurement, in the test's own process.
func measured(t *testing.T) (b *benchPool, dir string, end func() clitest.Ended) {
	t.Helper()
	dir = t.TempDir()
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan clitest.Ended, 1)
	go func() {
		e := clitest.FeedFrom(in, out, clitest.Nouns{bench}, "bench", "pool", "--serve", dir)
		_ = out.Close() // who reads its answers is not left waiting
		ended <- e
	}()
	b = &benchPool{stdin: ask, answers: bufio.NewScanner(answers)}
	first, err := b.read()
	if err != nil {
		t.Fatal(err, (<-ended).Err)
	}
	b.address, b.tls = first.Address, first.TLS
	over := false
	end = func() clitest.Ended {
		over = true
		_ = ask.Close()
		return <-ended
	}
	t.Cleanup(func() {
		if !over {
			end()
		}
	})
	return b, dir, end
}

// Every share that a load has answered is in the pool's log, once, plainly and over TLS; a new job reaches every miner; and
// the figures are of what was done.
func TestLoadsAreCountedShareByShare(t *testing.T) {
	b, dir, end := measured(t)
	result := &poolBench{BroadcastMiners: 5}
	if err := b.broadcast(t.Context(), 5, result); err != nil {
		t.Fatal(err)
	}
	if !(result.BroadcastP50 > 0) || result.BroadcastP99 < result.BroadcastP50 {
		t.Errorf("%+v", result)
	}
	for _, window := range []int{1, 20} {
		perCPU, perSecond, err := b.shares(t.Context(), 3, window, 50*time.Millisecond, result)
		if err != nil || !(perCPU > 0 && perSecond > 0) || result.Rejected != 0 {
			t.Errorf("window %d: %g, %g, %d rejected, %v", window, perCPU, perSecond, result.Rejected, err)
		}
	}
	if perCPU, err := b.sharesTLS(t.Context(), 50*time.Millisecond); err != nil || !(perCPU > 0) {
		t.Errorf("over TLS: %g, %v", perCPU, err)
	}
	state, err := b.query("state")
	if err != nil || state.Accepted == 0 || state.RSSBytes <= 0 || state.CPUSeconds <= 0 {
		t.Errorf("%+v, %v", state, err)
	}
	if e := end(); e.Exit != 0 {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "bench.pool"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	logged := uint64(0)
	for entry, err := range log.Entries(0, log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		if sharelog.IsShare(entry) {
			logged++
		}
	}
	if logged != state.Accepted {
		t.Errorf("%d shares are in the log, %d were accepted", logged, state.Accepted)
	}
}

// What the measuring side asks wrongly is answered with an error, and the pool goes on; answers that are none, and a process
// that has ended, end the measurement.
func TestQuestionsThatAreNone(t *testing.T) {
	b, _, end := measured(t)
	for _, question := range []string{"", "rubbish", "state job"} {
		if _, err := b.query(question); err == nil || !strings.Contains(err.Error(), "question") {
			t.Errorf("%q: %v", question, err)
		}
	}
	before, err := b.query("job")
	if err != nil || before.At == 0 {
		t.Fatalf("%+v, %v", before, err)
	}
	if after, err := b.query("job"); err != nil || after.At <= before.At {
		t.Errorf("%+v, %v", after, err)
	}
	if e := end(); e.Exit != 0 {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	if _, err := b.query("state"); err == nil {
		t.Error("a pool that has ended answers")
	}
	for text, says := range map[string]string{"": "ended", "rubbish\n": "invalid", `{"error":"no room"}` + "\n": "no room"} {
		other := &benchPool{stdin: discard{}, answers: bufio.NewScanner(strings.NewReader(text))}
		if _, err := other.query("state"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	file := clitest.Put(t, "x", t.TempDir(), "shares")
	if e := clitest.Run(t, clitest.Nouns{bench}, "bench", "pool", "--serve", filepath.Dir(file)); e.Exit == 0 || e.Out != "" {
		t.Errorf("a pool with a file for its log: %s", e.Out)
	}
}

// discard takes what is asked.
type discard struct{ io.Writer }

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// A pool that answers no share, or that is not there, is measured by nobody: the load ends with an error, and in its time.
func TestPoolsThatCannotBeMeasured(t *testing.T) {
	state := `{"cpu_seconds":1,"accepted":0}` + "\n"
	fake := func(address string) *benchPool {
		return &benchPool{stdin: discard{}, answers: bufio.NewScanner(strings.NewReader(strings.Repeat(state, 10))), address: address, tls: address}
	}
	closes := clitest.Listen(t, func(net.Conn) {})
	rubbish := clitest.Listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "rubbish\n"); _, _ = io.Copy(io.Discard, c) })
	for name, address := range map[string]string{"nobody": "127.0.0.1:1", "hangs up": closes, "rubbish": rubbish} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		result := &poolBench{}
		if _, _, err := fake(address).shares(ctx, 2, 1, 20*time.Millisecond, result); err == nil {
			t.Errorf("%s: shares are measured", name)
		}
		if err := fake(address).broadcast(ctx, 2, result); err == nil || result.BroadcastP99 != 0 {
			t.Errorf("%s: a broadcast is measured: %v", name, err)
		}
		if _, err := fake(address).sharesTLS(ctx, 20*time.Millisecond); err == nil {
			t.Errorf("%s: shares over TLS are measured", name)
		}
		cancel()
	}
}
