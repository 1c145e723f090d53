package wallet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/money"
)

// Child makes and signs a transaction that spends what a draft returns to the wallet, its change behind the first
// payees outputs, so that the two together pay the rate: miners take a transaction for the sake of its child's fee. It
// pays nobody but the wallet. Where the change does not suffice it adds confirmed coins, none of those named. Earlier
// is the fee of a child that it replaces, 0 for the first (BIP 125).
func (w *Wallet) Child(ctx context.Context, d *Draft, payees int, rate float64, earlier money.Satoshi,
	but map[wire.OutPoint]bool) (*Draft, error) {
	parent, err := decode(d.Raw)
	if err != nil {
		return nil, err
	}
	if len(parent.TxOut) != payees+1 {
		return nil, ErrNoChange
	}
	change := parent.TxOut[payees]
	size, known := inputSize(change.PkScript)
	if !known {
		return nil, fmt.Errorf("the change of %s has a script whose signature's size is not known", d.ID)
	}
	var address string
	if err := w.client.Call(ctx, &address, "getrawchangeaddress"); err != nil {
		return nil, err
	}
	script, err := w.network.PayTo(address)
	if err != nil {
		return nil, fmt.Errorf("the wallet's change: %w", err)
	}
	first := coin{wire.OutPoint{Hash: chainhash.Hash(d.ID), Index: uint32(payees)}, money.Satoshi(change.Value), size}
	family := family{size: virtualSize(parent), fee: d.Fee, rate: rate, earlier: earlier}
	tx, fee, err := family.child([]coin{first}, script)
	if err != nil { // the wallet's other coins are looked at only when they are needed
		more, listed := w.coins(ctx)
		if listed != nil {
			return nil, listed
		}
		more = slices.DeleteFunc(more, func(c coin) bool { return but[c.at] || c.at == first.at })
		slices.SortFunc(more, func(a, b coin) int {
			return cmp.Or(cmp.Compare(b.value, a.value), bytes.Compare(a.at.Hash[:], b.at.Hash[:]))
		})
		if tx, fee, err = family.child(append([]coin{first}, more[:min(len(more), maxAdded)]...), script); err != nil {
			return nil, err
		}
	}
	child, err := w.signed(ctx, tx, fee, rate, prevTx{TxID: d.ID.String(), Vout: uint32(payees),
		Script: hex.EncodeToString(change.PkScript),
		Amount: json.Number(money.Satoshi(change.Value).String())})
	if err == nil {
		child.Parent = d.ID
	}
	return child, err
}

// family is what a child is made for: its parent's size and fee, the rate that both are to pay, and an earlier child's
// fee.
type family struct {
	size    float64
	fee     money.Satoshi
	rate    float64
	earlier money.Satoshi
}

// child spends the first coin, and as few of the others as its fee takes. Of sizes s (the child's), p and of rate r
// the fee is max(⌈(p+s)·r⌉ − the parent's fee, ⌈s·r⌉, the earlier child's fee + ⌈s·minRelayRate⌉): for the two
// together, for the child alone when its parent pays enough already, and for a replacement's own relay (BIP 125, rule
// 4).
func (f family) child(coins []coin, script []byte) (*wire.MsgTx, money.Satoshi, error) {
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(0, script))
	size, gathered := float64(overhead+tx.TxOut[0].SerializeSize()), money.Satoshi(0)
	for _, c := range coins {
		in := wire.NewTxIn(&c.at, nil, nil)
		in.Sequence = replaceable
		tx.AddTxIn(in)
		size, gathered = size+c.bytes, gathered+c.value
		relay := money.Satoshi(math.Ceil(size * minRelayRate))
		fee := max(money.Satoshi(math.Ceil((f.size+size)*f.rate))-f.fee, money.Satoshi(math.Ceil(size*f.rate)),
			f.earlier+relay)
		if rest := gathered - fee; rest >= dust {
			tx.TxOut[0].Value = int64(rest)
			return tx, fee, nil
		}
	}
	return nil, 0, ErrNoChange
}
