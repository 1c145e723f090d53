package pool_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/payout"
)

// cutting passes calls on to a real wallet; from the first that sends on, while cut, answers are lost.
func cutting(t *testing.T, walletURL string) (client *bitcoin.Client, cut *atomic.Bool) {
	t.Helper()
	target, err := url.Parse(walletURL)
	if err != nil {
		t.Fatal(err)
	}
	cut = new(atomic.Bool)
	var lost atomic.Bool
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	proxy.ModifyResponse = func(r *http.Response) error {
		if cut.Load() && (r.Request.Header.Get("X-Sends") != "" || lost.Load()) {
			lost.Store(true)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte(`"sendrawtransaction"`)) {
			r.Header.Set("X-Sends", "1")
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	at, _ := url.Parse(server.URL)
	at.User = target.User
	client, err = bitcoin.Dial(at.String(), bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, cut
}

// Miners of a pool that keeps the block are paid by a real wallet once the block is final. The answer
// to the payment is lost; the pool starts again, sends the same transaction, and nobody is paid twice.
func TestARealWalletPaysMiners(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	node, walletURL := testnode.BTCWalletURL(t)
	simnet, err := bitcoin.FindNetwork("simnet")
	if err != nil {
		t.Fatal(err)
	}
	payer, cut := cutting(t, walletURL)
	var own string
	if err := payer.Call(ctx, &own, "getnewaddress"); err != nil {
		t.Fatal(err)
	}
	address := func(regtestAddress string) string {
		script, err := regtest.PayTo(regtestAddress)
		if err != nil {
			t.Fatal(err)
		}
		return simnet.AddressOf(script)
	}
	a, b := address(alice), address(bob)
	config := testConfig()
	config.Operator, config.Scheme, config.FeePPM = own, payout.PROP, 20_000
	options := pool.Options{Network: simnet, Nodes: []*bitcoin.Client{node.Client}, Wallet: payer}
	if _, err := node.Client.MineBlocks(ctx, 1, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	p := startPoolWith(t, t.TempDir(), config, options)
	alices, bobs := dial(t, p.address).login(a+".1"), dial(t, p.address).login(b)
	network, _ := bitcoin.TargetOfBits(alices.job().Bits)
	for i := range uint64(4) {
		c, user := alices, a+".1"
		if i == 3 {
			c, user = bobs, b
		}
		if got := c.call("mining.submit", c.find(user, c.job(), i, func(h bitcoin.Hash) bool { return !network.Met(h) && meets(c.difficulty)(h) })...); !got.isTrue() {
			t.Fatalf("share %d: %+v", i, got)
		}
	}
	alices.awaitJob(len(alices.jobs) + 2) // the shares are in a later job's split
	if got := alices.call("mining.submit", alices.find(a+".1", alices.job(), 9, network.Met)...); !got.isTrue() {
		t.Fatalf("block: %+v", got)
	}
	eventually(t, "the block is booked", func() bool { return len(p.Blocks()) == 1 })
	pay := payments.PayOptions{Minimum: 1, MaxFeeRate: 50}
	if _, err := p.Pay(ctx, pay); !errors.Is(err, payments.ErrNothingToPay) {
		t.Fatalf("a block that is not final: %v", err)
	}
	// The pool is away for so long that its block is deep when it comes back.
	p.stop()
	if _, err := node.Client.MineBlocks(ctx, 250, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	p = startPoolWith(t, p.dir, config, options)
	eventually(t, "the block is final", func() bool { return p.Blocks()[0].Status == "final" })
	owed := p.Owed()
	if owed[a] != 3_920_000_000 || owed[b] != 980_000_000 { // 98 % of 50, four to one: the block's own share counts
		t.Fatalf("owed %v", owed)
	}
	eventually(t, "the wallet has the coinbase", func() bool {
		var coins []struct{ Amount float64 }
		return payer.Call(ctx, &coins, "listunspent", 1) == nil && len(coins) == 1
	})
	cut.Store(true)
	if _, err := p.Pay(ctx, pay); err == nil || errors.Is(err, payments.ErrNothingToPay) {
		t.Fatalf("a lost answer: %v", err)
	}
	p.stop()
	cut.Store(false)
	p = startPoolWith(t, p.dir, config, options)
	if _, err := p.Pay(ctx, pay); !errors.Is(err, payments.ErrNothingToPay) {
		t.Fatalf("after the restart: %v", err)
	}
	hashes, err := node.Client.MineBlocks(ctx, 2, []byte{0x51}) // btcd's template for the first may be older than the payment
	if err != nil {
		t.Fatal(err)
	}
	paid := map[string]money.Satoshi{}
	transactions := 0
	for _, hash := range hashes {
		block, err := node.Client.Block(ctx, simnet, hash.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range block.Transactions[1:] {
			transactions++
			for _, payment := range tx.Payments {
				paid[payment.Recipient] += payment.Amount
			}
		}
	}
	if transactions != 1 || paid[a] != owed[a] || paid[b] != owed[b] || len(paid) != 3 {
		t.Errorf("%d transactions pay %v, owed %v", transactions, paid, owed)
	}
	if err := p.Audit(ctx); err != nil {
		t.Error(err)
	}
}
