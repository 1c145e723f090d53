package pool_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/payout"
)

// wallet answers the few calls of a wallet that a payment makes, as Bitcoin Core documents them.
type wallet struct {
	mu       sync.Mutex
	feeRate  float64 // BTC per 1,000 virtual bytes
	fail     string  // of sendmany: "refuse" or "break"
	sent     []map[string]json.Number
	comments []string
}

func (f *wallet) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

const walletTx = "00000000000000000000000000000000000000000000000000000000000000aa"

func (f *wallet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	var result any
	switch call.Method {
	case "estimatesmartfee":
		result = map[string]any{"feerate": f.feeRate, "blocks": 6}
	case "sendmany":
		if f.fail == "refuse" {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"result":null,"error":{"code":-6,"message":"Insufficient funds"},"id":1}`)
			return
		}
		var amounts map[string]json.Number
		var comment string
		_ = json.Unmarshal(call.Params[1], &amounts)
		_ = json.Unmarshal(call.Params[3], &comment)
		f.sent, f.comments = append(f.sent, amounts), append(f.comments, comment)
		if f.fail == "break" { // sent, and then the connection is lost
			panic(http.ErrAbortHandler)
		}
		result = walletTx
	case "gettransaction":
		result = map[string]any{"fee": json.Number("-0.00000300")}
	case "listtransactions":
		list := []map[string]any{}
		for _, c := range f.comments {
			list = append(list, map[string]any{"comment": c, "txid": walletTx})
		}
		result = list
	default:
		w.WriteHeader(500)
		_, _ = io.WriteString(w, `{"result":null,"error":{"code":-32601,"message":"Method not found"},"id":1}`)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"result": result, "error": nil, "id": call.ID})
}

// Payments are capped, batched, refused and found again after a lost answer; nothing is paid twice.
func TestPay(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fake := &wallet{feeRate: 0.001}
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
	fake.set(func() { fake.fail = "refuse" })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); err == nil || !strings.Contains(err.Error(), "Insufficient") {
		t.Errorf("refused: %v", err)
	}
	if got := p.Owed(); got[alice] != owed[alice] || got[bob] != owed[bob] {
		t.Errorf("after a refusal: %v, want %v", got, owed)
	}
	fake.set(func() { fake.fail = "break" })
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); err == nil {
		t.Error("a lost answer is no error")
	}
	fake.set(func() { fake.fail = "" })
	// The next attempt finds the payment in the wallet and has nothing left to pay.
	if _, err := p.Pay(ctx, pool.PayOptions{Minimum: 1, MaxFeeRate: 50}); !errors.Is(err, pool.ErrNothingToPay) {
		t.Errorf("after a lost answer: %v", err)
	}
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if len(fake.sent) != 1 || fake.sent[0][alice].String() != owed[alice].String() || len(fake.sent[0]) != 2 {
		t.Errorf("sent %v", fake.sent)
	}
	if got := p.Owed(); got[alice] != 0 || got[bob] != 0 {
		t.Errorf("still owed: %v", got)
	}
	if err := p.Audit(ctx); err != nil {
		t.Error(err)
	}
}
