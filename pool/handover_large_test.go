package pool_test

import (
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// Of a large log: how many shares, of how many users, and how many a job.
const (
	longLogUsers = 500
	sharesPerJob = 1000
	perBatch     = 500
)

// longLog writes the log of a pool that has taken shares for long.
func longLog(t *testing.T, dir string, shares int) {
	t.Helper()
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "pool.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var entries [][]byte
	add := func(r sharelog.Record) {
		if entries = append(entries, sharelog.Append(nil, r)); len(entries) < perBatch {
			return
		}
		batch, err := log.Stage(entries)
		if err == nil {
			err = log.Commit(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
		entries = entries[:0]
	}
	add(&sharelog.Scheme{Name: payout.PPS, Address: operator, Rules: sharelog.RulesAtBlock})
	for user := range uint64(longLogUsers) {
		script := append([]byte{0, 20, byte(user), byte(user >> 8)}, make([]byte, 18)...)
		add(&sharelog.Worker{Number: user + 1, User: user + 1, Address: regtest.AddressOf(script)})
	}
	began := time.Now().Add(-time.Duration(shares) * 10 * time.Millisecond).UnixMilli()
	job := uint64(0)
	for i := range uint64(shares) {
		at := began + int64(i)*10
		if i%sharesPerJob == 0 {
			job++
			add(&sharelog.Job{Number: job, TimeMillis: at, Height: job / 20, Previous: bitcoin.Hash{byte(job / 20), byte(job / 20 >> 8), 1}, Bits: hardBits,
				CoinbaseValue: 5_000_000_000, Position: log.Size(), Branch: make([]bitcoin.Hash, 12),
				Variants: []sharelog.Variant{{Name: "a", Head: make([]byte, 80), Tail: make([]byte, 120), Payees: []sharelog.Payee{{Amount: 5_000_000_000}}}}})
		}
		share := &sharelog.Share{TimeMillis: at, Worker: 1 + i%longLogUsers, Job: job, Difficulty: stratum.Difficulty{N: 1}, Version: 0x20000000, Time: uint32(at / 1000),
			Nonce: uint32(i), Extranonce: make([]byte, 12)}
		for b := range 8 {
			share.HashPrefix[b] = byte(i >> (8 * b))
		}
		add(share)
	}
	for len(entries) > 0 {
		add(&sharelog.Lease{})
	}
}

// A pool with a long log is handed over: the successor reads it while its predecessor serves, and what miners wait for is
// what the log has got since. How long they waited is printed; AQSHA_HANDOVER has a log of so many shares.
func TestHandoverOfALargeLog(t *testing.T) {
	shares := 30_000
	if text := os.Getenv("AQSHA_HANDOVER"); text != "" {
		var err error
		if shares, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := &succession{t: t, dir: t.TempDir(), scheme: payout.PPS}
	writeCertificate(t, s.dir+"/cert.pem", s.dir+"/key.pem")
	longLog(t, s.dir, shares)
	_, addresses := s.next(false)
	c := dial(t, addresses[0]).login(alice)
	var longest, last atomic.Int64
	load := &hashing{}
	load.each = func() {
		now := time.Now().UnixNano()
		if before := last.Swap(now); before != 0 {
			longest.Store(max(longest.Load(), now-before))
		}
		time.Sleep(5 * time.Millisecond)
	}
	load.mine(t, c, alice+".rig")
	for _, unprepared := range []bool{true, false} {
		accepted := load.accepted.Load()
		for load.accepted.Load() < accepted+20 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		longest.Store(0)
		s.unprepared = unprepared
		if _, next := s.next(false); next != addresses {
			t.Errorf("listens on %v, before on %v", next, addresses)
		}
		since := load.accepted.Load()
		for load.accepted.Load() < since+20 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		since = load.accepted.Load() - accepted
		t.Logf("%d shares in the log, read beforehand: %v; the miner waited %v, meanwhile %d entries were read", shares, !unprepared,
			time.Duration(longest.Load()).Round(time.Millisecond), s.read)
		// Each is read twice, by the log and the accounts. Beside the miner's shares the log gets a lease, the scheme and jobs.
		if most := 2*uint64(since) + 200; !unprepared && s.read > most {
			t.Errorf("%d entries were read while miners waited; at most %d are new", s.read, most)
		}
		if unprepared && s.read < uint64(shares) {
			t.Errorf("%d entries read of %d: this test sees nothing", s.read, shares)
		}
	}
	load.stop.Store(true)
	load.wait.Wait()
	if load.accepted.Load() != load.sent.Load() {
		t.Errorf("%d of %d shares accepted", load.accepted.Load(), load.sent.Load())
	}
}
