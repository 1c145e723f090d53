package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payments"
)

// mempoolFees are what bitcoind says of a transaction of the mempool.
type mempoolFees struct {
	AncestorSize float64 `json:"ancestorsize"`
	Fees         struct {
		Base     float64 `json:"base"`
		Ancestor float64 `json:"ancestor"`
	} `json:"fees"`
	Depends []string `json:"depends"`
}

func (k *till) mempoolEntry(id string) (entry mempoolFees) {
	k.t.Helper()
	if err := k.node.Call(context.Background(), &entry, "getmempoolentry", id); err != nil {
		k.t.Fatal(err)
	}
	return entry
}

// childOf is the transaction of the mempool that spends another's change.
func (k *till) childOf(id string, change int) (child string) {
	k.t.Helper()
	for _, one := range k.mempool() {
		for _, in := range k.pending(one).TxIn {
			if in.PreviousOutPoint.Hash.String() == id && in.PreviousOutPoint.Index == uint32(change) {
				child = one
			}
		}
	}
	return child
}

// A payee has spent what it was sent, at a high fee: nodes refuse a replacement, which would take that transaction away and
// pay less. A child that spends the change raises the fee instead, once more when that is not enough, and its fee is in
// the books. When the operator spends the change otherwise, only the payment's own fee is.
func TestTheFeeIsRaisedByAChild(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("child lost ", lost), func(t *testing.T) { raiseByChild(t, lost) })
	}
}

func raiseByChild(t *testing.T, lost bool) {
	ctx := context.Background()
	k := openTill(t, 3)
	k.rate(0.00001)
	var payee string
	if err := k.node.Call(ctx, &payee, "getnewaddress"); err != nil {
		t.Fatal(err)
	}
	k.work(payee)
	owed := k.Owed()[payee]
	sent, err := k.Pay(ctx, k.options)
	if err != nil {
		t.Fatal(err)
	}
	parent := sent.TxID.String()
	k.spend(unspent{parent, 0}, map[string]any{operator: (owed - 10*money.Bitcoin/100).String()})
	for range 6 {
		k.mineOnly()
	}
	k.rate(0.0002)
	if err := k.WatchPayments(ctx); err != nil {
		t.Fatal(err)
	}
	first := k.childOf(parent, 1)
	if first == "" {
		t.Fatal("no child")
	}
	entry := k.mempoolEntry(first)
	// Signatures are counted with their largest size.
	if rate := entry.Fees.Ancestor * 1e8 / entry.AncestorSize; rate < 20 || rate > 21.5 || len(entry.Depends) != 1 {
		t.Errorf("with its child the payment pays %.2f satoshi per byte: %+v", rate, entry)
	}
	firstFee := money.Satoshi(math.Round(entry.Fees.Base * 1e8))
	k.restart()
	for range 7 {
		k.mineOnly()
	}
	k.rate(0.0004)
	if _, err := k.Pay(ctx, k.options); !errors.Is(err, payments.ErrNothingToPay) { // it knows by then how dear a fee may be
		t.Fatal(err)
	}
	second := k.childOf(parent, 1)
	if second == "" || second == first {
		t.Fatalf("the child's fee is not raised: %s", second)
	}
	entry = k.mempoolEntry(second)
	if rate := entry.Fees.Ancestor * 1e8 / entry.AncestorSize; rate < 40 || rate > 42.5 {
		t.Errorf("with its second child the payment pays %.2f satoshi per byte", rate)
	}
	fees := map[string]money.Satoshi{second: money.Satoshi(math.Round(entry.Fees.Base * 1e8)), first: firstFee}
	k.restart()
	if lost {
		clear(fees)
		k.mineOnly(parent)
		k.mineOnly(k.spend(unspent{parent, 1}, map[string]any{operator: "1"}))
	}
	before := k.Balance("operator")
	k.settle()
	if got := k.received(payee); got != owed || k.paying() != 0 || k.Owed()[payee] != 0 {
		t.Errorf("received %s of %s, %s open", got, owed, k.paying())
	}
	// A template of before the second child may be mined, with the first.
	fee := sent.Fee
	for child, its := range fees {
		if k.inChain(child) {
			fee += its
		}
	}
	if got := before - k.Balance("operator"); got != fee || !lost && got == sent.Fee {
		t.Errorf("fees of %s are booked, those in the chain are %s; the payment's is %s", got, fee, sent.Fee)
	}
	if err := k.Audit(ctx); err != nil {
		t.Error(err)
	}
	if !k.inChain(parent) {
		t.Error("the payment is not in the chain")
	}
}

// btcwallet's payment waits in vain: its fee is raised by a replacement, or by a child where the wallet signs none, and
// everybody is paid once.
func TestBTCWalletRaisesTheFee(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, keeps := range []bool{false, true} {
		t.Run(fmt.Sprint("signs no replacement ", keeps), func(t *testing.T) {
			k := openBTCWalletTill(t, 3)
			k.rate(0.00001)
			k.work(k.alice)
			owed := k.Owed()[k.alice]
			sent, err := k.Pay(ctx, k.options)
			if err != nil {
				t.Fatal(err)
			}
			if keeps {
				k.between.keeps(k.pending(sent.TxID.String()))
			}
			for range 6 {
				k.mineOnly()
			}
			k.rate(0.0002)
			if err := k.WatchPayments(ctx); err != nil {
				t.Fatal(err)
			}
			child := k.childOf(sent.TxID.String(), 1)
			if replaced := k.inMempool() != sent.TxID.String() && child == ""; !replaced && child == "" || keeps && child == "" {
				t.Fatalf("the fee is not raised: child %q", child)
			}
			t.Logf("by a child: %v", child != "")
			before := k.Balance("operator")
			k.settle()
			if got := k.received(k.alice); got != owed || k.paying() != 0 || k.Owed()[k.alice] != 0 {
				t.Errorf("received %s of %s, %s open", got, owed, k.paying())
			}
			// A template of before the fee was raised may be mined.
			raised := !k.inChain(sent.TxID.String()) || child != "" && k.inChain(child)
			if got := before - k.Balance("operator"); raised != (got > sent.Fee) {
				t.Errorf("fees of %s are booked, the payment's was %s; raised in the chain: %v", got, sent.Fee, raised)
			}
			if err := k.Audit(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
