package pool_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/txlog"
)

// childDir tells a run of the test binary to be a pool that will be killed.
const childDir = "AQSHA_TEST_POOL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := beKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if dir := os.Getenv(successorDir); dir != "" {
		if err := beSuccessor(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if dir := os.Getenv(payerDir); dir != "" {
		if err := bePayer(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func beKilled(dir string) error {
	log, err := txlog.Open(dir+"/shares", txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		return err
	}
	p, err := pool.Open(context.Background(), testConfig(), pool.Options{Network: regtest, Log: log, BooksFile: dir + "/books.sqlite"})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	target, _ := bitcoin.TargetOfBits(hardBits)
	// The same template in every life, so that shares of an earlier one could be sent again.
	if err := p.Offer(&bitcoin.Template{
		Version: 0x20000000, Height: 100, Previous: bitcoin.Hash{7}, Bits: hardBits, Target: target, MinTime: 1, CurTime: uint32(time.Now().Unix()), CoinbaseValue: money.Bitcoin,
	}, time.Now()); err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return p.Run(context.Background(), serve.Listener{Net: listener})
}

// SIGKILL at random moments while shares flow: whatever was answered true is in the log of the next
// life, exactly once, and the books balance.
func TestKill(t *testing.T) {
	lives := 12
	if testing.Short() {
		lives = 3
	}
	dir := t.TempDir()
	acknowledged := map[[16]byte]bool{}
	sent := 0
	for life := range lives {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		if !lines.Scan() {
			t.Fatalf("life %d: no address", life)
		}
		c := dial(t, lines.Text()).login(alice)
		job := c.job()
		kill := time.AfterFunc(time.Duration(20+rand.IntN(150))*time.Millisecond, func() { _ = child.Process.Kill() })
		hashes := map[string][16]byte{} // by request id
		dead := make(chan struct{})
		go func() { _, _ = child.Process.Wait(); close(dead) }()
		for i := 0; ; i++ {
			var hash bitcoin.Hash
			params := c.find(alice, job, uint64(i), func(h bitcoin.Hash) bool { hash = h; return meets(c.difficulty)(h) })
			sent++
			if !c.trySend(params) {
				break
			}
			hashes[fmt.Sprint(c.id)] = [16]byte(hash[:16])
			// Answers come in groups; several shares are always under way.
			if i%16 == 15 && !c.collect(hashes, acknowledged, 4) {
				break
			}
		}
		c.collect(hashes, acknowledged, 1<<30)
		kill.Stop()
		_ = child.Process.Kill()
		<-dead // it holds the log until it is gone
	}
	shares, jobs := logged(t, dir)
	inLog := map[[16]byte]int{}
	for _, s := range shares {
		inLog[s.HashPrefix]++
		if err := s.Verify(jobs[s.Job]); err != nil {
			t.Error(err)
		}
	}
	for hash := range acknowledged {
		if inLog[hash] != 1 {
			t.Errorf("share %x was answered true and is %d times in the log", hash, inLog[hash])
		}
	}
	for hash, n := range inLog {
		if n > 1 {
			t.Errorf("share %x is %d times in the log", hash, n)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("no share was ever answered")
	}
	t.Logf("%d lives: %d shares sent, %d answered, %d logged", lives, sent, len(acknowledged), len(shares))
	p := startPool(t, dir, testConfig())
	if err := p.Audit(context.Background()); err != nil {
		t.Error(err)
	}
}

// trySend submits; false when the pool is gone.
func (c *client) trySend(params []any) bool {
	c.id++
	_, err := fmt.Fprintf(c.conn, `{"id":%d,"method":"mining.submit","params":["%s","%s","%s","%s","%s"]}`+"\n", append([]any{c.id}, params...)...)
	return err == nil
}

// collect reads up to n answers and notes the shares that were answered true.
func (c *client) collect(hashes map[string][16]byte, acknowledged map[[16]byte]bool, n int) bool {
	for range n {
		a, ok := c.next()
		if !ok {
			return false
		}
		if hash, mine := hashes[string(a.ID)]; mine && a.isTrue() {
			acknowledged[hash] = true
		}
	}
	return true
}
