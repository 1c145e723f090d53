package wallet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// Draft is a signed transaction, made before it is sent. It is what the caller keeps: sent again after a crash it is
// the same transaction, which the network takes once.
type Draft struct {
	Raw    []byte
	ID     bitcoin.Hash
	Fee    money.Satoshi // what the coins are worth beyond the outputs
	Rate   float64       // that the fee was made for, satoshi per virtual byte
	Height uint64        // of the chain then
	Tip    bitcoin.Hash  `json:",omitzero"` // the block at Height then; zero in drafts of before
	// Parent is whose change a Child spends; zero for a transaction that pays.
	Parent bitcoin.Hash `json:",omitzero"`
}

// Transaction is the draft itself.
func (d *Draft) Transaction() (*wire.MsgTx, error) { return decode(d.Raw) }

// Coins are the outputs that the transaction spends.
func (d *Draft) Coins() ([]wire.OutPoint, error) {
	tx, err := decode(d.Raw)
	if err != nil {
		return nil, err
	}
	coins := make([]wire.OutPoint, len(tx.TxIn))
	for i, in := range tx.TxIn {
		coins[i] = in.PreviousOutPoint
	}
	return coins, nil
}

// ErrTooPoor means that the wallet's confirmed coins do not suffice.
var ErrTooPoor = errors.New("the wallet has too little")

const (
	// dust is the least change worth an output of its own (Bitcoin Core's default for P2PKH).
	dust = 546
	// maxCoins keeps the transaction below the 100,000 virtual bytes that nodes relay: the largest input takes 148.
	maxCoins = 500
	// overhead is a transaction's size without inputs and outputs: version, marker and flag (half a virtual byte,
	// rounded up), the two counts of three bytes, lock time.
	overhead = 4 + 1 + 3 + 3 + 4
)

// coin is an output that the wallet can spend.
type coin struct {
	at    wire.OutPoint
	value money.Satoshi
	bytes float64 // virtual bytes of an input that spends it
}

// replaceable is the sequence of inputs whose transaction may be replaced at a higher fee (BIP 125).
const replaceable = 0xfffffffd

// Draft makes and signs a transaction that pays the outputs at a fee rate in satoshi per virtual
// byte. It spends the largest confirmed coins first, and none of those named; change goes to a new
// address of the wallet. Where the coins do not suffice for all outputs it pays, in their order, those
// that they do suffice for; paid says which. With none it is ErrTooPoor.
func (w *Wallet) Draft(ctx context.Context, outputs []bitcoin.Output, rate float64,
	but map[wire.OutPoint]bool) (draft *Draft, paid []bool, err error) {
	if len(outputs) == 0 || rate < minRelayRate || math.IsNaN(rate) || math.IsInf(rate, 0) {
		return nil, nil, fmt.Errorf("a draft of %d outputs at %v satoshi per virtual byte", len(outputs), rate)
	}
	var change string
	if err := w.client.Call(ctx, &change, "getrawchangeaddress"); err != nil {
		return nil, nil, err
	}
	changeScript, err := w.network.PayTo(change)
	if err != nil {
		return nil, nil, fmt.Errorf("the wallet's change: %w", err)
	}
	coins, err := w.coins(ctx)
	if err != nil {
		return nil, nil, err
	}
	coins = slices.DeleteFunc(coins, func(c coin) bool { return but[c.at] })
	tx, fee, paid, err := maxAssemble(outputs, changeScript, coins, rate)
	if err != nil {
		return nil, nil, err
	}
	draft, err = w.signed(ctx, w.tagged(tx), fee, rate)
	return draft, paid, err
}

// signed has the wallet sign and makes the draft. Height and Tip are the caller's to fill in.
func (w *Wallet) signed(ctx context.Context, tx *wire.MsgTx, fee money.Satoshi, rate float64,
	parents ...prevTx) (*Draft, error) {
	signed, err := w.sign(ctx, tx, parents...)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	if err := signed.Serialize(&raw); err != nil {
		return nil, err
	}
	return &Draft{Raw: raw.Bytes(), ID: bitcoin.Hash(signed.TxHash()), Fee: fee, Rate: rate}, nil
}

// ErrNoChange means that neither a transaction's change nor the wallet's other coins give a higher fee.
var ErrNoChange = errors.New("the transaction has too little change for a higher fee, and the wallet no other coins")

// Bump makes and signs a replacement of a draft at a higher fee rate (BIP 125): the same coins and
// the same first payees outputs, with the fee out of the change, or, where that does not suffice, out of
// further confirmed coins, none of those named. Only one of the two can be mined.
func (w *Wallet) Bump(ctx context.Context, d *Draft, payees int, rate float64,
	but map[wire.OutPoint]bool) (*Draft, error) {
	old, err := decode(d.Raw)
	if err != nil {
		return nil, err
	}
	if len(old.TxOut) < payees {
		return nil, fmt.Errorf("a payment of %d outputs for %d payees", len(old.TxOut), payees)
	}
	tx, fee, err := fromChange(old, d.Fee, payees, rate)
	if errors.Is(err, ErrNoChange) {
		tx, fee, err = w.fromCoins(ctx, old, d.Fee, payees, rate, but)
	}
	if err != nil {
		return nil, err
	}
	return w.signed(ctx, w.tagged(tx), fee, rate)
}

// replacement has the inputs and the payees of a transaction. The change comes from what it is made for.
func replacement(old *wire.MsgTx, payees int) *wire.MsgTx {
	tx := wire.NewMsgTx(old.Version)
	tx.LockTime = old.LockTime
	for _, in := range old.TxIn {
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: in.PreviousOutPoint, Sequence: replaceable})
	}
	for _, out := range old.TxOut[:payees] {
		tx.AddTxOut(wire.NewTxOut(out.Value, out.PkScript))
	}
	return tx
}

// virtualSize is in bytes of the weight's quarter (BIP 141).
func virtualSize(tx *wire.MsgTx) float64 {
	return math.Ceil(float64(3*tx.SerializeSizeStripped()+tx.SerializeSize()) / 4)
}

// fromCoins adds coins until they pay the fee and leave a change. All must be confirmed (BIP 125, rule 2).
func (w *Wallet) fromCoins(ctx context.Context, old *wire.MsgTx, oldFee money.Satoshi, payees int, rate float64,
	but map[wire.OutPoint]bool) (*wire.MsgTx, money.Satoshi, error) {
	coins, err := w.coins(ctx)
	if err != nil {
		return nil, 0, err
	}
	tx := replacement(old, payees)
	spent := map[wire.OutPoint]bool{}
	for _, in := range tx.TxIn {
		spent[in.PreviousOutPoint] = true
	}
	coins = slices.DeleteFunc(coins, func(c coin) bool { return but[c.at] || spent[c.at] })
	slices.SortFunc(coins, func(a, b coin) int {
		return cmp.Or(cmp.Compare(b.value, a.value), bytes.Compare(a.at.Hash[:], b.at.Hash[:]))
	})
	var change string
	if err := w.client.Call(ctx, &change, "getrawchangeaddress"); err != nil {
		return nil, 0, err
	}
	script, err := w.network.PayTo(change)
	if err != nil {
		return nil, 0, fmt.Errorf("the wallet's change: %w", err)
	}
	left, size := oldFee, virtualSize(old)+float64(wire.NewTxOut(0, script).SerializeSize())
	for _, out := range old.TxOut[payees:] { // a change that is too small goes too
		left += money.Satoshi(out.Value)
	}
	for i, c := range coins {
		if len(tx.TxIn) >= maxCoins || i >= maxAdded {
			break
		}
		in := wire.NewTxIn(&c.at, nil, nil)
		in.Sequence = replaceable
		tx.AddTxIn(in)
		left, size = left+c.value, size+c.bytes
		fee := max(money.Satoshi(math.Ceil(size*rate)), oldFee+money.Satoshi(math.Ceil(size*minRelayRate)))
		if rest := left - fee; rest >= dust {
			tx.AddTxOut(wire.NewTxOut(int64(rest), script))
			return tx, fee, nil
		}
	}
	return nil, 0, ErrNoChange
}

// maxAdded is how many coins may be added for a fee.
const maxAdded = 10

// fromChange takes the fee out of the change.
func fromChange(old *wire.MsgTx, oldFee money.Satoshi, payees int, rate float64) (*wire.MsgTx, money.Satoshi, error) {
	if len(old.TxOut) != payees+1 {
		return nil, 0, ErrNoChange
	}
	// BIP 125, rule 4: the replacement pays for its own relay beside what the first one paid.
	size := virtualSize(old)
	fee := max(money.Satoshi(math.Ceil(size*rate)), oldFee+money.Satoshi(math.Ceil(size*minRelayRate)))
	tx := replacement(old, payees)
	change := old.TxOut[payees]
	switch left := money.Satoshi(change.Value) - (fee - oldFee); {
	case left >= dust:
		tx.AddTxOut(wire.NewTxOut(int64(left), change.PkScript))
	case left >= 0:
		fee += left
	default:
		return nil, 0, ErrNoChange
	}
	return tx, fee, nil
}

// maxAssemble pays all outputs, or as many as the coins suffice for, the first ones first: an output that is too large
// is passed over, and smaller ones behind it may still be paid. Each is tried with all that were taken before, since
// every output also raises the fee.
func maxAssemble(outputs []bitcoin.Output, change []byte, coins []coin,
	rate float64) (tx *wire.MsgTx, fee money.Satoshi, paid []bool, err error) {
	paid = make([]bool, len(outputs))
	tx, fee, err = assemble(outputs, change, coins, rate)
	if !errors.Is(err, ErrTooPoor) {
		for i := range paid {
			paid[i] = err == nil
		}
		return tx, fee, paid, err
	}
	var some []bitcoin.Output
	for i, o := range outputs {
		more, moreFee, failed := assemble(append(some[:len(some):len(some)], o), change, coins, rate)
		if failed == nil {
			some, tx, fee, paid[i], err = append(some, o), more, moreFee, true, nil
		}
	}
	return tx, fee, paid, err
}

// assemble chooses coins, largest first, until they cover the outputs and their own fee.
func assemble(outputs []bitcoin.Output, change []byte, coins []coin, rate float64) (*wire.MsgTx, money.Satoshi, error) {
	tx := wire.NewMsgTx(2)
	size := float64(overhead)
	var needed, gathered money.Satoshi
	for _, o := range outputs {
		if o.Value <= 0 {
			return nil, 0, fmt.Errorf("an output of %s", o.Value)
		}
		out := wire.NewTxOut(int64(o.Value), o.Script)
		tx.AddTxOut(out)
		size += float64(out.SerializeSize())
		needed += o.Value
	}
	changeSize := float64(wire.NewTxOut(0, change).SerializeSize())
	feeFor := func(size float64) money.Satoshi { return money.Satoshi(math.Ceil(size * rate)) }
	// Ties by the coin's name, so that the same wallet drafts the same transaction when it is asked again.
	slices.SortFunc(coins, func(a, b coin) int {
		if a.value != b.value {
			return int(min(max(b.value-a.value, -1), 1))
		}
		return bytes.Compare(a.at.Hash[:], b.at.Hash[:])
	})
	for i, c := range coins {
		if i == maxCoins {
			break
		}
		in := wire.NewTxIn(&c.at, nil, nil)
		in.Sequence = replaceable
		tx.AddTxIn(in)
		size += c.bytes
		gathered += c.value
		// Each coin pays for its own bytes, so the fee grows with the loop: it is asked anew at each.
		if gathered < needed+feeFor(size) {
			continue
		}
		fee := gathered - needed
		// Change below dust would not be relayed (Core's dust relay fee): it goes to the fee, and without the bytes
		// of an output.
		if rest := gathered - needed - feeFor(size+changeSize); rest >= dust {
			tx.AddTxOut(wire.NewTxOut(int64(rest), change))
			fee -= rest
		}
		return tx, fee, nil
	}
	return nil, 0, fmt.Errorf("%w: %s in %d confirmed coins, %s and a fee of %s are needed", ErrTooPoor, gathered,
		min(len(coins), maxCoins), needed, feeFor(size))
}

// coins lists what the wallet can spend now.
func (w *Wallet) coins(ctx context.Context) ([]coin, error) {
	var listed []struct {
		TxID      string      `json:"txid"`
		Vout      uint32      `json:"vout"`
		Amount    json.Number `json:"amount"`
		Script    string      `json:"scriptPubKey"`
		Spendable *bool       `json:"spendable"`
		Safe      *bool       `json:"safe"`
	}
	if err := w.client.Call(ctx, &listed, "listunspent", 1); err != nil {
		return nil, err
	}
	coins := make([]coin, 0, len(listed))
	for _, l := range listed {
		// Core says both, btcwallet may leave them out: what is not said is not held against a coin.
		if l.Spendable != nil && !*l.Spendable || l.Safe != nil && !*l.Safe {
			continue
		}
		value, err := satoshi(l.Amount)
		if err != nil {
			return nil, fmt.Errorf("listunspent: %w", err)
		}
		hash, err := chainhash.NewHashFromStr(l.TxID)
		if err != nil {
			return nil, fmt.Errorf("listunspent: %w", err)
		}
		script, err := hex.DecodeString(l.Script)
		if err != nil {
			return nil, fmt.Errorf("listunspent: %w", err)
		}
		// The fee needs the bytes before there is a signature: a coin whose script is of no known kind is left alone
		// instead of being guessed.
		if size, known := inputSize(script); known {
			coins = append(coins, coin{wire.OutPoint{Hash: *hash, Index: l.Vout}, value, size})
		}
	}
	return coins, nil
}

// inputSize is what spending an output takes, in virtual bytes, with the largest signature; false for scripts whose
// signatures cannot be told beforehand. 41 bytes are the output's id, the script's length and the sequence.
func inputSize(script []byte) (float64, bool) {
	switch txscript.GetScriptClass(script) {
	case txscript.PubKeyHashTy: // signature 72 bytes, compressed key 33
		return 41 + 73 + 34, true
	case txscript.PubKeyTy:
		return 41 + 73, true
	case txscript.WitnessV0PubKeyHashTy: // BIP 141: witness bytes count a quarter
		return 41 + 108.0/4, true
	case txscript.ScriptHashTy: // P2SH-P2WPKH, the only one that wallets make by themselves
		return 41 + 23 + 108.0/4, true
	case txscript.WitnessV1TaprootTy:
		return 41 + 67.0/4, true
	}
	return 0, false
}
