package pool_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/btcsuite/btcd/wire/v2"
)

// standIn answers the calls of a wallet that a payment makes, as Bitcoin Core documents them, and
// fails where a real one cannot be made to: see TestARealWalletPaysMiners for the real one.
type standIn struct {
	mu      sync.Mutex
	feeRate float64 // BTC per 1,000 virtual bytes
	fail    string  // of sendrawtransaction: "refuse", "spent" or "break"
	sent    map[string]*wire.MsgTx
	calls   int // of sendrawtransaction
}

func (f *standIn) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	var call struct {
		ID     int
		Method string
		Params []json.RawMessage
	}
	if json.Unmarshal(raw, &call) != nil { // a batch, about blocks
		_, _ = io.WriteString(w, "[]")
		return
	}
	result, code := f.answer(call.Method, call.Params)
	if code != 0 {
		w.WriteHeader(500)
		fmt.Fprintf(w, `{"result":null,"error":{"code":%d,"message":"no"},"id":1}`, code)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result, "error": nil, "id": call.ID})
}

func (f *standIn) answer(method string, params []json.RawMessage) (result any, code int) {
	var text string
	if len(params) > 0 {
		_ = json.Unmarshal(params[0], &text)
	}
	switch method {
	case "estimatesmartfee":
		return map[string]any{"feerate": f.feeRate, "blocks": 6}, 0
	case "getrawchangeaddress":
		return operator, 0
	case "listunspent":
		return []map[string]any{{"txid": strings.Repeat("ab", 32), "vout": 1, "amount": 100, "scriptPubKey": "0014" + strings.Repeat("cd", 20), "spendable": true, "safe": true}}, 0
	case "signrawtransactionwithwallet":
		return map[string]any{"hex": text, "complete": true}, 0
	case "gettransaction", "getrawtransaction":
		if f.sent[text] == nil {
			return nil, -5
		}
		return map[string]any{}, 0
	case "sendrawtransaction":
		f.calls++
		raw, _ := hex.DecodeString(text)
		tx := new(wire.MsgTx)
		if tx.Deserialize(bytes.NewReader(raw)) != nil {
			return nil, -22
		}
		if code := map[string]int{"refuse": -26, "spent": -25}[f.fail]; code != 0 {
			return nil, code
		}
		f.sent[tx.TxHash().String()] = tx
		if f.fail == "break" { // sent, and then the connection is lost
			panic(http.ErrAbortHandler)
		}
		return tx.TxHash().String(), 0
	}
	return nil, -32601
}

// Payments are capped, batched, refused and found again after a lost answer; nothing is paid twice.
func TestPay(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fake := &standIn{feeRate: 0.001, sent: map[string]*wire.MsgTx{}}
	server := httptest.NewServer(fake)
	defer server.Close()
	node, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.Scheme, config.FeePPM = payout.PPS, 0
	p := startPool(t, t.TempDir(), config, node)
	// PPS at the network's own difficulty: a share is worth a block, so two users have something.
	template := testTemplate(t, 50, 0x207fffff)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	network, _ := bitcoin.TargetOfBits(template.Bits)
	for i, user := range []string{alice, bob} {
		c := dial(t, p.address).login(user)
		if a := c.call("mining.submit", c.find(user, c.job(), uint64(i), func(h bitcoin.Hash) bool { return !network.Met(h) && meets(1.0/(1<<32))(h) })...); !a.isTrue() {
			t.Fatal(a)
		}
	}
	again := *template
	again.CurTime++
	if err := p.Offer(&again, time.Now()); err != nil { // accruals are booked with the next job
		t.Fatal(err)
	}
	eventually(t, "both are owed", func() bool { o := p.Owed(); return o[alice] > 0 && o[bob] > 0 })
	owed := p.Owed()
	if owed[alice] < 2*money.Bitcoin || owed[alice] > 3*money.Bitcoin { // half the network's work, times 5 BTC
		t.Errorf("owed %v", owed)
	}
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); !errors.Is(err, pool.ErrFeeTooHigh) {
		t.Errorf("at 100 satoshi per virtual byte: %v", err)
	}
	fake.set(func() { fake.feeRate = 0.0001 })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 10 * money.Bitcoin, MaxFeeRate: 50}); !errors.Is(err, pool.ErrNothingToPay) {
		t.Errorf("below the minimum: %v", err)
	}
	for _, fail := range []string{"refuse", "spent"} { // never sent before: nothing is open
		fake.set(func() { fake.fail = fail })
		if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); err == nil || !strings.Contains(err.Error(), "code -2") {
			t.Errorf("%s: %v", fail, err)
		}
		if got := p.Owed(); got[alice] != owed[alice] || got[bob] != owed[bob] {
			t.Errorf("after %s: %v, want %v", fail, got, owed)
		}
	}
	fake.set(func() { fake.fail = "break" })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); err == nil {
		t.Error("a lost answer is no error")
	}
	// While the node would refuse it, it stays open: other nodes may have it.
	fake.set(func() { fake.fail, fake.sent = "refuse", map[string]*wire.MsgTx{} })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); err == nil || !strings.Contains(err.Error(), "open") {
		t.Errorf("an open payment: %v", err)
	}
	p.stop() // and over a restart
	p = startPool(t, p.dir, config, node)
	fake.set(func() { fake.fail = "" })
	// The next attempt sends the same transaction and has nothing left to pay.
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); !errors.Is(err, pool.ErrNothingToPay) {
		t.Errorf("after a lost answer: %v", err)
	}
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if len(fake.sent) != 1 {
		t.Fatalf("sent %v", fake.sent)
	}
	for _, tx := range fake.sent {
		paid := map[string]int64{}
		for _, o := range tx.TxOut {
			paid[regtest.AddressOf(o.PkScript)] += o.Value
		}
		if len(tx.TxOut) != 3 || paid[alice] != int64(owed[alice]) || paid[bob] != int64(owed[bob]) {
			t.Errorf("sent %v, owed %v", paid, owed)
		}
	}
	if got := p.Owed(); got[alice] != 0 || got[bob] != 0 {
		t.Errorf("still owed: %v", got)
	}
	if left, _ := os.ReadDir(filepath.Join(p.dir, "payments")); len(left) != 0 {
		t.Errorf("signed payments are left: %v", left)
	}
	if err := p.Audit(ctx); err != nil {
		t.Error(err)
	}
}

// A coin that is gone can never pay: the users are owed again, and a new payment uses other coins.
func TestAPaymentWhoseCoinsAreGone(t *testing.T) {
	ctx := context.Background()
	fake := &standIn{feeRate: 0.0001, sent: map[string]*wire.MsgTx{}}
	server := httptest.NewServer(fake)
	defer server.Close()
	node, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := testConfig()
	config.Scheme, config.FeePPM = payout.PPS, 0
	p := startPool(t, t.TempDir(), config, node)
	template := testTemplate(t, 50, 0x207fffff)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	network, _ := bitcoin.TargetOfBits(template.Bits)
	c := dial(t, p.address).login(alice)
	if a := c.call("mining.submit", c.find(alice, c.job(), 1, func(h bitcoin.Hash) bool { return !network.Met(h) && meets(1.0/(1<<32))(h) })...); !a.isTrue() {
		t.Fatal(a)
	}
	again := *template
	again.CurTime++
	if err := p.Offer(&again, time.Now()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "alice is owed", func() bool { return p.Owed()[alice] > 0 })
	owed := p.Owed()[alice]
	fake.set(func() { fake.fail = "break" })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); err == nil {
		t.Fatal("a lost answer is no error")
	}
	if got := p.Owed()[alice]; got != 0 {
		t.Errorf("%s is owed while its payment is open", got)
	}
	fake.set(func() { fake.fail, fake.sent = "spent", map[string]*wire.MsgTx{} })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 100 * money.Bitcoin, MaxFeeRate: 50}); !errors.Is(err, pool.ErrNothingToPay) {
		t.Errorf("the open payment is not closed: %v", err)
	}
	if got := p.Owed()[alice]; got != owed {
		t.Errorf("owed %s, want %s again", got, owed)
	}
	if err := p.Audit(ctx); err != nil {
		t.Error(err)
	}
}
