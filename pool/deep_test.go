package pool_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool"
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
		if _, err := k.Pay(ctx, k.options); err != nil && !errors.Is(err, pool.ErrNothingToPay) {
			t.Error(err)
		}
		k.settle()
		if err := k.Audit(ctx); err != nil {
			t.Error(err)
		}
	}
}
