package wallet

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

// Codes of the node's RPC that sending tells apart (Bitcoin Core's rpc/protocol.h; btcd uses the same).
const (
	codeMissingInputs  = -25
	codeAlreadyInChain = -27
	codeNoMethod       = -32601
	codeUnimplemented  = -1
)

// minRelayRate is the least that nodes relay, satoshi per virtual byte.
const minRelayRate = 1.0

// ErrRefused means that the node will not take a transaction.
var ErrRefused = errors.New("the node refuses the transaction")

// ErrNotSigned means that the wallet has answered and did not sign.
var ErrNotSigned = errors.New("the wallet does not sign the transaction")

// ErrSpent means that a transaction's coins are gone: it can never be mined.
var ErrSpent = errors.New("the transaction's coins have been spent otherwise")

// Wallet is the wallet of one node. Its methods may be used by many goroutines, but two drafts at
// once may choose the same coins; then one of them cannot be sent. Tagging is called before all others.
type Wallet struct {
	client  *bitcoin.Client
	network bitcoin.Network
	tag     func(wire.OutPoint) uint32 // see Tagging; nil: none
}

// New speaks to the wallet behind a client. For Bitcoin Core with several wallets the client's URL
// ends in /wallet/NAME.
func New(client *bitcoin.Client, network bitcoin.Network) *Wallet {
	return &Wallet{client: client, network: network}
}

// FeeRate is the node's estimate for six blocks, satoshi per virtual byte; the least that nodes
// relay when it has none, as on a young or private chain.
func (w *Wallet) FeeRate(ctx context.Context) (float64, error) {
	var smart struct {
		FeeRate float64 `json:"feerate"` // bitcoin per 1,000 virtual bytes
	}
	err := w.client.Call(ctx, &smart, "estimatesmartfee", 6)
	if lacks(err) { // btcd's older name
		err = w.client.Call(ctx, &smart.FeeRate, "estimatefee", 6)
		var refusal *bitcoin.RPCError
		if errors.As(err, &refusal) { // it has not seen enough blocks
			return minRelayRate, nil
		}
	}
	if err != nil {
		return 0, err
	}
	return max(smart.FeeRate*1e5, minRelayRate), nil
}

// lacks tells that the node does not have a method.
func lacks(err error) bool {
	var refusal *bitcoin.RPCError
	return errors.As(err, &refusal) && (refusal.Code == codeNoMethod || refusal.Code == codeUnimplemented)
}

// prevTx is an output that a transaction spends and that the wallet may not have seen yet.
type prevTx struct {
	TxID   string      `json:"txid"`
	Vout   uint32      `json:"vout"`
	Script string      `json:"scriptPubKey"`
	Redeem string      `json:"redeemScript,omitempty"`
	Amount json.Number `json:"amount,omitempty"` // btcwallet takes none
}

// sign has the wallet sign a transaction: Core's method, or btcwallet's.
func (w *Wallet) sign(ctx context.Context, tx *wire.MsgTx, spent ...prevTx) (*wire.MsgTx, error) {
	var raw bytes.Buffer
	if err := tx.Serialize(&raw); err != nil {
		return nil, err
	}
	var signed struct {
		Hex      string            `json:"hex"`
		Complete bool              `json:"complete"`
		Errors   []json.RawMessage `json:"errors"`
	}
	digits := hex.EncodeToString(raw.Bytes())
	err := w.client.Call(ctx, &signed, "signrawtransactionwithwallet", append([]any{digits}, optional(spent)...)...)
	if lacks(err) {
		for i := range spent {
			// btcwallet takes none, and knows the method by its older name.
			spent[i].Amount = ""
		}
		err = w.client.Call(ctx, &signed, "signrawtransaction", append([]any{digits}, optional(spent)...)...)
	}
	var refusal *bitcoin.RPCError
	if errors.As(err, &refusal) {
		return nil, fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	if err != nil {
		return nil, err
	}
	if !signed.Complete {
		return nil, fmt.Errorf("%w, not every input: %.300s", ErrNotSigned,
			bytes.Join(asBytes(signed.Errors), []byte("; ")))
	}
	answer, err := hex.DecodeString(signed.Hex)
	if err != nil {
		return nil, fmt.Errorf("the wallet's signed transaction: %w", err)
	}
	done := new(wire.MsgTx)
	if err := done.Deserialize(bytes.NewReader(answer)); err != nil {
		return nil, fmt.Errorf("the wallet's signed transaction: %w", err)
	}
	// The wallet may be another machine: that it signed what was asked and nothing else is compared, before anybody
	// sends it.
	return done, sameTransaction(tx, done)
}

// optional is a last parameter that is left out when it is empty.
func optional(spent []prevTx) []any {
	if len(spent) == 0 {
		return nil
	}
	return []any{spent}
}

func asBytes(raws []json.RawMessage) [][]byte {
	all := make([][]byte, len(raws))
	for i := range raws {
		all[i] = raws[i]
	}
	return all
}

// sameTransaction holds a signed transaction against what was to be signed.
func sameTransaction(want, got *wire.MsgTx) error {
	same := len(want.TxIn) == len(got.TxIn) && len(want.TxOut) == len(got.TxOut) && want.LockTime == got.LockTime
	for i := 0; same && i < len(want.TxIn); i++ {
		same = want.TxIn[i].PreviousOutPoint == got.TxIn[i].PreviousOutPoint &&
			want.TxIn[i].Sequence == got.TxIn[i].Sequence
	}
	for i := 0; same && i < len(want.TxOut); i++ {
		same = want.TxOut[i].Value == got.TxOut[i].Value && bytes.Equal(want.TxOut[i].PkScript, got.TxOut[i].PkScript)
	}
	if !same {
		return errors.New("the wallet has signed another transaction than it was given")
	}
	return nil
}

// Send gives a transaction to the network. Sending it again does no harm. ErrSpent and ErrRefused
// are answers; any other error leaves open whether it was sent.
func (w *Wallet) Send(ctx context.Context, raw []byte) error {
	id, err := IDOf(raw)
	if err != nil {
		return err
	}
	err = w.client.Call(ctx, nil, "sendrawtransaction", hex.EncodeToString(raw))
	var refusal *bitcoin.RPCError
	if !errors.As(err, &refusal) || refusal.Code == codeAlreadyInChain {
		if refusal != nil {
			return nil //nolint:nilerr // refused as known: the chain has it
		}
		return err
	}
	// A transaction that is in the pool or the chain already is refused by some nodes.
	known, lookErr := w.Known(ctx, id)
	switch {
	case lookErr != nil:
		return errors.Join(err, lookErr)
	case known:
		return nil
	case refusal.Code == codeMissingInputs:
		return fmt.Errorf("%w: %w", ErrSpent, err)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}

// Known tells whether a transaction is on its way or mined, as the wallet or the node sees it. One that the
// wallet only remembers, because another has spent its coins, is not.
func (w *Wallet) Known(ctx context.Context, id bitcoin.Hash) (bool, error) {
	for _, method := range []string{"gettransaction", "getrawtransaction"} {
		params := []any{id.String()}
		if method == "getrawtransaction" {
			params = append(params, 1)
		}
		var seen struct {
			Confirmations int `json:"confirmations"` // negative: another is so deep (Core)
		}
		err := w.client.Call(ctx, &seen, method, params...)
		var refusal *bitcoin.RPCError
		switch {
		case err == nil && seen.Confirmations >= 0:
			return true, nil
		case err != nil && !errors.As(err, &refusal):
			return false, err
		}
	}
	return false, nil
}

// IDOf is the id of a serialized transaction: the hash without its witnesses.
func IDOf(raw []byte) (bitcoin.Hash, error) {
	tx, err := decode(raw)
	if err != nil {
		return bitcoin.Hash{}, err
	}
	return bitcoin.Hash(tx.TxHash()), nil
}

// maxTransaction is above the 100,000 virtual bytes that nodes relay.
const maxTransaction = 400_000

func decode(raw []byte) (*wire.MsgTx, error) {
	if len(raw) > maxTransaction {
		return nil, fmt.Errorf("a transaction of %d bytes; nodes relay at most %d", len(raw), maxTransaction)
	}
	tx, from := new(wire.MsgTx), bytes.NewReader(raw)
	if err := tx.Deserialize(from); err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	if from.Len() != 0 {
		return nil, fmt.Errorf("transaction: %d bytes follow it", from.Len())
	}
	return tx, nil
}

// satoshi reads an amount of the node's JSON. btcwallet writes small ones with an exponent, which is
// exact again at eight decimals: all the bitcoin there will be are fewer than 2^53 satoshi.
func satoshi(n json.Number) (money.Satoshi, error) {
	text := n.String()
	if strings.ContainsAny(text, "eE") {
		f, err := n.Float64()
		if err != nil || !(f >= 0 && f <= 21e6) {
			return 0, fmt.Errorf("amount %.40q in bitcoin", text)
		}
		text = strconv.FormatFloat(f, 'f', 8, 64)
	}
	return money.ParseBitcoin(text)
}
