package pool_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/txlog"
)

// A node that hangs is noticed by the age of its templates: miners are sent away until it comes back.
func TestFrozenNode(t *testing.T) {
	t.Parallel()
	node := testnode.BTCD(t)
	config := testConfig()
	config.MaxTemplateAge = 2 * time.Second
	p := startPool(t, t.TempDir(), config, node.Client)
	c := dial(t, p.address).login(alice)
	if err := node.Pause(); err != nil {
		t.Fatal(err)
	}
	closed(t, c.conn, "a miner of a frozen node")
	if s := p.Stats(time.Now()); !s.Halted {
		t.Errorf("%+v", s)
	}
	if !banned(t, p) { // refused, that is
		t.Error("a new miner is served while work stops")
	}
	if err := node.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "work goes on", func() bool { return !p.Stats(time.Now()).Halted })
	dial(t, p.address).login(alice)
}

// When the first node hangs, the second stands in.
func TestSecondNode(t *testing.T) {
	t.Parallel()
	first, second := testnode.BTCD(t), testnode.BTCD(t)
	config := testConfig()
	config.MaxTemplateAge = 2 * time.Second
	p := startPool(t, t.TempDir(), config, first.Client, second.Client)
	c := dial(t, p.address).login(alice)
	if err := first.Pause(); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Client.MineBlocks(context.Background(), 1, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	tip, _ := second.Client.Tip(context.Background())
	eventually(t, "a job on the second node's block", func() bool {
		_, ok := c.next()
		return ok && c.job().Previous == tip
	})
	if err := first.Resume(); err != nil {
		t.Fatal(err)
	}
}

// When the first node hangs just before the pool's own block, work goes on upon it as soon as the second has it: long
// before the first node's silence counts.
func TestOwnBlockAtTheSecondNode(t *testing.T) {
	t.Parallel()
	first, second := testnode.BTCD(t), testnode.BTCD(t)
	config := testConfig()
	config.MaxTemplateAge = time.Hour
	p := startPool(t, t.TempDir(), config, first.Client, second.Client)
	c := dial(t, p.address).login(alice)
	if err := first.Pause(); err != nil {
		t.Fatal(err)
	}
	network, _ := bitcoin.TargetOfBits(c.job().Bits)
	var hash bitcoin.Hash
	params := c.find(alice, c.job(), 1, func(h bitcoin.Hash) bool { hash = h; return network.Met(h) })
	c.expect("a block", params, 0)
	_ = c.conn.SetDeadline(time.Now().Add(25 * time.Second)) // being behind for six looks takes longer
	eventually(t, "a job on the pool's own block", func() bool {
		_, ok := c.next()
		return ok && c.job().Previous == hash
	})
	if err := first.Resume(); err != nil {
		t.Fatal(err)
	}
}

// A node that is behind another with real work is left.
func TestNodeBehind(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: it waits for several comparisons of tips; make test runs it")
	}
	first, second := testnode.BTCD(t), testnode.BTCD(t)
	if _, err := second.Client.MineBlocks(context.Background(), 3, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	tip, _ := second.Client.Tip(context.Background())
	config := testConfig()
	config.MaxTemplateAge = 2 * time.Second // compares each half second
	p := startPool(t, t.TempDir(), config, first.Client, second.Client)
	c := dial(t, p.address).login(alice)
	eventually(t, "a job on the longer chain", func() bool {
		_, ok := c.next()
		return ok && c.job().Previous == tip
	})
}

// Two pool nodes share a node and nothing else: when one dies its miner goes on at the other, with
// an extranonce that the first never gives.
func TestTwoPoolNodes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var pools []*running
	for number := range byte(2) {
		config := testConfig()
		config.Node = number
		config.StartDifficulty, config.MinDifficulty = 1.0/(1<<18), 1.0/(1<<18)
		p := startOffered(t, config)
		if c := dial(t, p.address).login(alice); c.extranonce1[:2] != [2]string{"00", "01"}[number] {
			t.Errorf("node %d gives extranonce1 %s", number, c.extranonce1)
		}
		pools = append(pools, p)
	}
	stats := miner.NewStats(time.Now())
	kernel, _ := sha256d.Find("generic")
	engine := miner.NewEngine(miner.Options{Threads: 1, Kernel: kernel}, stats)
	go engine.Run(ctx)
	client := miner.PoolClient{URLs: []string{"stratum+tcp://" + pools[0].address, "stratum+tcp://" + pools[1].address}, User: alice, Log: quiet}
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx, engine, stats) }()
	eventually(t, "shares at the first", func() bool { return pools[0].Stats(time.Now()).Accepted > 2 })
	pools[0].stop()
	eventually(t, "shares at the second", func() bool { return pools[1].Stats(time.Now()).Accepted > 2 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s := stats.Summary(time.Now()); s.RejectedTotal() > 0 {
		t.Errorf("%+v", s)
	}
	shares, _ := logged(t, pools[0].dir)
	pools[1].stop()
	more, _ := logged(t, pools[1].dir)
	if total := stats.Summary(time.Now()).Accepted; uint64(len(shares)+len(more)) < total {
		t.Errorf("%d and %d shares logged of %d accepted", len(shares), len(more), total)
	}
}

// TLS carries the same protocol, for our miner too.
func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := x509.ParseCertificate(der)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	log, err := txlog.Open(filepath.Join(t.TempDir(), "shares"), txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	config := testConfig()
	config.StartDifficulty, config.MinDifficulty = 1.0/(1<<18), 1.0/(1<<18)
	p, err := pool.Open(context.Background(), config, pool.Options{Network: regtest, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- p.Run(ctx, serve.Listener{Net: listener, TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	}()
	if err := p.Offer(testTemplate(t, 5, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	stats := miner.NewStats(time.Now())
	kernel, _ := sha256d.Find("generic")
	engine := miner.NewEngine(miner.Options{Threads: 1, Kernel: kernel}, stats)
	go engine.Run(ctx)
	client := miner.PoolClient{URLs: []string{"stratum+ssl://" + listener.Addr().String()}, User: alice, Log: quiet, TLS: &tls.Config{RootCAs: roots}}
	go func() { _ = client.Run(ctx, engine, stats) }()
	eventually(t, "shares over TLS", func() bool { return stats.Summary(time.Now()).Accepted > 2 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// Miners whose part has no room in a small firmware's coinbase are owed it; larger firmware's
// coinbase, of the same job, pays them. Nobody is dropped.
func TestClassesAndDebts(t *testing.T) {
	config := testConfig()
	config.Scheme, config.PayInCoinbase, config.FeePPM = "pplns", true, 0
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	var users []string
	for i := range 40 {
		script := append([]byte{0x00, 0x14}, make([]byte, 20)...)
		script[2] = byte(i + 1)
		users = append(users, regtest.AddressOf(script))
		c := dial(t, p.address).login(users[i])
		if a := c.call("mining.submit", c.find(users[i], c.job(), uint64(i), meets(c.difficulty))...); !a.isTrue() {
			t.Fatal(a)
		}
	}
	next := *template
	next.CurTime++
	if err := p.Offer(&next, time.Now()); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	for _, agent := range []string{"NiceHash/1.0", "cgminer/4.13", "Antminer S21/x", "bitaxe/2", "whatever"} {
		c := dial(t, p.address)
		c.call("mining.subscribe", agent)
		c.call("mining.authorize", alice, "x")
		job := c.awaitJob(1)
		sizes[agent] = len(job.Head) + 13 + len(job.Tail)
	}
	for agent, bound := range map[string]int{"NiceHash/1.0": 500, "cgminer/4.13": 750, "Antminer S21/x": 2250, "bitaxe/2": 6500, "whatever": 750} {
		if sizes[agent] > bound || sizes[agent] < min(bound-60, 1300) {
			t.Errorf("%s gets a coinbase of %d bytes, may have %d", agent, sizes[agent], bound)
		}
	}
	p.stop()
	_, jobs := logged(t, p.dir)
	last := jobs[uint64(len(jobs))]
	if len(last.Variants) != len(settings.Classes) {
		t.Fatalf("%d variants", len(last.Variants))
	}
	for _, v := range last.Variants {
		var paid, owed, unpaid int64
		for _, payee := range v.Payees {
			paid += int64(payee.Amount)
			if payee.User != 0 {
				owed += int64(payee.Amount + payee.Debt)
				unpaid += int64(payee.Debt)
			}
		}
		if paid != int64(template.CoinbaseValue) || owed != int64(template.CoinbaseValue) || len(v.Payees) != 41 {
			t.Errorf("%s: pays %d, gives users %d, has %d payees", v.Name, paid, owed, len(v.Payees))
		}
		if (unpaid > 0) != (v.Name == "nicehash" || v.Name == "unknown") {
			t.Errorf("%s leaves %d owing", v.Name, unpaid)
		}
	}
}
