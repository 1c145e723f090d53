package wallet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// Sent is a transaction by which the wallet has spent its own coins, whoever has made it.
type Sent struct {
	ID            bitcoin.Hash
	Transaction   *wire.MsgTx
	Confirmations int       // negative: another has spent its coins, so many blocks deep (Core)
	Time          time.Time // at which the wallet has seen it first, or that of its block
	Fee           money.Satoshi
}

// maxSends bounds the transactions that are looked at in one call.
const maxSends = 100_000

// Sends lists what the wallet has sent and the caller does not know: in blocks after one of the chain, the zero hash
// for all of them, or in none. What has been abandoned is left out.
func (w *Wallet) Sends(ctx context.Context, after bitcoin.Hash,
	known func(bitcoin.Hash) bool) (sends []Sent, err error) {
	params := []any{}
	if after != (bitcoin.Hash{}) {
		params = append(params, after.String())
	}
	var listed struct {
		Transactions []struct {
			TxID          string `json:"txid"`
			Category      string `json:"category"`
			Confirmations int    `json:"confirmations"`
			Abandoned     bool   `json:"abandoned"`
			Time          int64  `json:"time"`
		} `json:"transactions"`
	}
	if err := w.client.Call(ctx, &listed, "listsinceblock", params...); err != nil {
		return nil, err
	}
	seen := map[bitcoin.Hash]bool{}
	for _, l := range listed.Transactions {
		if l.Category != "send" || l.Abandoned {
			continue
		}
		id, err := bitcoin.ParseHash(l.TxID)
		if err != nil {
			return nil, fmt.Errorf("listsinceblock: %w", err)
		}
		// listsinceblock has a line for each output, not for each transaction.
		if seen[id] || known(id) {
			continue
		}
		// An error and not a shorter list: what is not listed would be held for never sent, and paid twice.
		if seen[id] = true; len(seen) > maxSends {
			return nil, fmt.Errorf("listsinceblock: more than %d transactions", maxSends)
		}
		one := Sent{ID: id, Confirmations: l.Confirmations, Time: time.Unix(l.Time, 0)}
		if one.Transaction, one.Fee, err = w.own(ctx, id); err != nil {
			return nil, err
		}
		sends = append(sends, one)
	}
	return sends, nil
}

// own is a transaction of the wallet's, held against its id, and its fee.
func (w *Wallet) own(ctx context.Context, id bitcoin.Hash) (*wire.MsgTx, money.Satoshi, error) {
	var answer struct {
		Hex string      `json:"hex"`
		Fee json.Number `json:"fee"` // negative in Core
	}
	if err := w.client.Call(ctx, &answer, "gettransaction", id.String()); err != nil {
		return nil, 0, err
	}
	raw, err := hex.DecodeString(answer.Hex)
	if err != nil {
		return nil, 0, fmt.Errorf("gettransaction: %w", err)
	}
	tx, err := decode(raw)
	if err != nil {
		return nil, 0, fmt.Errorf("gettransaction: %w", err)
	}
	if got := bitcoin.Hash(tx.TxHash()); got != id {
		return nil, 0, fmt.Errorf("gettransaction: the transaction is %s and not %s", got, id)
	}
	fee := money.Satoshi(0)
	if text := strings.TrimPrefix(answer.Fee.String(), "-"); text != "" {
		if fee, err = satoshi(json.Number(text)); err != nil {
			return nil, 0, fmt.Errorf("gettransaction: fee: %w", err)
		}
	}
	return tx, fee, nil
}

// FeeOf is what a transaction of the wallet's leaves to the miner: as the wallet says, or from what it spends, as far
// as the wallet or its node has that.
func (w *Wallet) FeeOf(ctx context.Context, tx *wire.MsgTx) (money.Satoshi, error) {
	_, fee, err := w.own(ctx, bitcoin.Hash(tx.TxHash()))
	if err == nil && fee > 0 {
		return fee, nil
	}
	var refusal *bitcoin.RPCError
	if err != nil && !errors.As(err, &refusal) {
		return 0, err
	}
	spent := money.Satoshi(0)
	for _, in := range tx.TxIn {
		out, err := w.output(ctx, in.PreviousOutPoint)
		if err != nil {
			return 0, fmt.Errorf("the fee of %s: what it spends: %w", tx.TxHash(), err)
		}
		spent += money.Satoshi(out.Value)
	}
	for _, out := range tx.TxOut {
		spent -= money.Satoshi(out.Value)
	}
	if spent < 0 {
		return 0, fmt.Errorf("the fee of %s: it pays more than it spends", tx.TxHash())
	}
	return spent, nil
}

// output looks an output up in the wallet, or else at its node.
func (w *Wallet) output(ctx context.Context, at wire.OutPoint) (*wire.TxOut, error) {
	id := bitcoin.Hash(at.Hash)
	tx, _, err := w.own(ctx, id)
	var refusal *bitcoin.RPCError
	if errors.As(err, &refusal) {
		var text string
		if err = w.client.Call(ctx, &text, "getrawtransaction", id.String()); err != nil {
			return nil, err
		}
		raw, failed := hex.DecodeString(text)
		if failed != nil {
			return nil, failed
		}
		tx, err = decode(raw)
	}
	if err != nil {
		return nil, err
	}
	if int(at.Index) >= len(tx.TxOut) || bitcoin.Hash(tx.TxHash()) != id {
		return nil, fmt.Errorf("%s has no output %d", id, at.Index)
	}
	return tx.TxOut[at.Index], nil
}

// Tagging has the first input of every payment from here on carry a sequence of the caller's, by the coin that it
// spends; one that can be replaced (BIP 125) and locks nothing (BIP 68), or else it is left out.
func (w *Wallet) Tagging(sequence func(wire.OutPoint) uint32) { w.tag = sequence }

// tagged sets the mark of a transaction that is to be signed.
func (w *Wallet) tagged(tx *wire.MsgTx) *wire.MsgTx {
	if w.tag != nil && len(tx.TxIn) > 0 {
		if s := w.tag(tx.TxIn[0].PreviousOutPoint); s <= replaceable && s&wire.SequenceLockTimeDisabled != 0 {
			tx.TxIn[0].Sequence = s
		}
	}
	return tx
}
