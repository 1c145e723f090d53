package pool_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// leave has the node leave the chain from a height on, and returns the block that it leaves there.
func (k *till) leave(height int) bitcoin.Hash {
	k.t.Helper()
	hash, err := k.node.HashAt(context.Background(), height)
	if err == nil {
		err = k.node.Call(context.Background(), nil, "invalidateblock", hash.String())
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return hash
}

func (k *till) height() (height int) {
	k.t.Helper()
	if err := k.node.Call(context.Background(), &height, "getblockcount"); err != nil {
		k.t.Fatal(err)
	}
	return height
}

// A payment is mined below the tip that it was intended on, because the chain has become another meanwhile: it is found
// there, whether the pool has looked before or is started anew, and with a draft that does not name that tip.
func TestAPaymentIsFoundBelowItsTip(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 6)
	for _, looked := range []bool{true, false} {
		k.work(alice)
		k.mine(4, []byte{0x51})
		owed, had := k.Owed()[alice], k.received(alice)
		sent, err := k.Pay(ctx, k.options)
		if err != nil {
			t.Fatal(err)
		}
		if looked {
			if err := k.WatchPayments(ctx); err != nil {
				t.Fatal(err)
			}
		} else {
			k.stop()
		}
		tip := k.height()
		k.leave(tip - 3)
		k.mine(1, k.own) // with the payment
		if !k.inChain(sent.TxID.String()) || k.height() >= tip {
			t.Fatalf("the payment is not below height %d", tip)
		}
		k.mine(10, []byte{0x51})
		if !looked {
			k.start(k.dir)
		}
		if err := k.WatchPayments(ctx); err != nil {
			t.Error(err)
		}
		if k.paying() != 0 || k.received(alice) != had+owed {
			t.Fatalf("ten blocks deep %s is open; received %s", k.paying(), k.received(alice)-had)
		}
		if _, err := k.Pay(ctx, k.options); err != nil && !errors.Is(err, payments.ErrNothingToPay) {
			t.Error(err)
		}
		k.settle()
		if err := k.Audit(ctx); err != nil {
			t.Error(err)
		}
	}
}

// A reorganisation deeper than a payment's confirmations moves it into another block: the log says so once it is as deep
// there, pays nobody twice, and whoever holds it against the chain has nothing against the pool, also after a restart.
// Before, that the payment is in no block is an alarm.
func TestADeepReorganisationMovesAPayment(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 6)
	k.work(alice)
	k.mine(2, []byte{0x51})
	sent, err := k.Pay(ctx, k.options)
	if err != nil {
		t.Fatal(err)
	}
	at := k.height() + 1
	k.settle()
	owed, books := k.Owed()[alice], k.Balance("operator")
	k.leave(at)
	k.mineOnly()
	for range 8 {
		k.mineOnly()
	}
	if err := k.WatchPayments(ctx); err == nil || !k.logged("ALARM", "has left the chain", "number=1") {
		t.Errorf("of a payment in no block: %v", err)
	}
	k.mineOnly(sent.TxID.String())
	for range 4 {
		k.mineOnly()
	}
	if err := k.WatchPayments(ctx); err != nil {
		t.Error(err)
	}
	if n := k.outcomes(); n != 1 {
		t.Errorf("five blocks deep the log says %d times where the payment is", n)
	}
	k.mineOnly()
	for range 2 {
		if err := k.WatchPayments(ctx); err != nil {
			t.Error(err)
		}
		k.restart()
	}
	if n := k.outcomes(); n != 2 {
		t.Errorf("the log says %d times where the payment is", n)
	}
	if k.Owed()[alice] != owed || k.Balance("operator") != books || k.paying() != 0 {
		t.Errorf("the books have changed: alice is owed %s, before %s", k.Owed()[alice], owed)
	}
	if err := k.Audit(ctx); err != nil {
		t.Error(err)
	}
	k.stop()
	var log forged
	for _, record := range records(t, k.dir) {
		log = append(log, sharelog.Append(nil, record))
	}
	auditor, err := audit.Replay(log, false)
	if err == nil {
		err = auditor.CheckChain(ctx, k.network, k.node)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range auditor.Contradictions() {
		if c.Field == "payment" {
			t.Errorf("the honest pool is convicted: %s", c)
		}
	}
}

// A deep reorganisation gives a settled payment's coin to another transaction. Once that is as deep as any outcome the
// payment is booked back and its users are paid again from another coin; not before, and not twice over restarts. Then
// the first chain comes back, with the first payment: that counts as paid again, and what was paid since is the user's debt
// to work off.
func TestADeepReorganisationTakesAPaymentBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := openTill(t, 6)
	k.work(alice)
	k.mine(2, []byte{0x51})
	owed := k.Owed()[alice]
	sent, err := k.Pay(ctx, k.options)
	if err != nil {
		t.Fatal(err)
	}
	at := k.height() + 1
	k.settle()
	first := k.leave(at)
	k.mineOnly()
	k.doubleSpend(sent.TxID) // and mines it
	again := k.Owed()[alice]
	for range 4 {
		k.mineOnly()
		if err := k.WatchPayments(ctx); err != nil {
			t.Logf("open: %v", err)
		}
	}
	if got := k.Owed()[alice]; got != again {
		t.Fatalf("booked back too early: owed %s", got)
	}
	k.mineOnly()
	for range 2 {
		_ = k.WatchPayments(ctx)
		if got := k.Owed()[alice]; got != again+owed || k.paying() != 0 {
			t.Fatalf("owed %s, want %s; %s open", got, again+owed, k.paying())
		}
		if err := k.Audit(ctx); err != nil {
			t.Error(err)
		}
		k.restart()
	}
	if _, err := k.Pay(ctx, k.options); err != nil {
		t.Fatal(err)
	}
	k.settle()
	if got := k.received(alice); got != owed+again {
		t.Errorf("received %s of %s", got, owed+again)
	}
	k.convictsNobody()
	k.start(k.dir)
	if err := k.node.Call(ctx, nil, "reconsiderblock", first.String()); err != nil {
		t.Fatal(err)
	}
	fork, err := k.node.HashAt(ctx, at)
	if err == nil && fork != first {
		if err = k.node.Call(ctx, nil, "invalidateblock", fork.String()); err == nil {
			fork, err = k.node.HashAt(ctx, at)
		}
	}
	if err != nil || fork != first {
		t.Fatalf("the first chain does not come back: %s, %v", fork, err)
	}
	for range 7 {
		k.mine(1, []byte{0x51})
		_ = k.WatchPayments(ctx)
	}
	if got := k.Balance("user:1"); got > 0 {
		t.Errorf("alice is owed %s, and was paid by the first payment and, if its coin allows, the second", got)
	}
	if err := k.Audit(ctx); err != nil {
		t.Error(err)
	}
	k.convictsNobody()
}

// outcomes counts what the log says of how payments have ended; the pool is started anew.
func (k *till) outcomes() (n int) {
	k.stop()
	defer k.start(k.dir)
	for _, record := range records(k.t, k.dir) {
		if _, is := record.(*sharelog.Settled); is {
			n++
		}
	}
	return n
}
