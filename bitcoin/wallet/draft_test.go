package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
)

var keyHash = append([]byte{0x00, 0x14}, make([]byte, 20)...)

// Whatever the coins: inputs are worth outputs and fee, the fee covers the size at the rate and not
// more than the dust that was not worth an output, and the payees come first and whole.
func TestAssembleConserves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var coins []coin
		var all money.Satoshi
		for i := range rapid.IntRange(0, 40).Draw(t, "coins") {
			value := money.Satoshi(rapid.Int64Range(1, 3_000_000).Draw(t, "value"))
			coins = append(coins, coin{wire.OutPoint{Index: uint32(i)}, value, 68})
			all += value
		}
		var outputs []bitcoin.Output
		var needed money.Satoshi
		for range rapid.IntRange(1, 20).Draw(t, "payees") {
			o := bitcoin.Output{Value: money.Satoshi(rapid.Int64Range(1, 2_000_000).Draw(t, "amount")), Script: keyHash}
			outputs = append(outputs, o)
			needed += o.Value
		}
		rate := rapid.Float64Range(1, 300).Draw(t, "rate")
		tx, fee, err := assemble(outputs, keyHash, coins, rate)
		most := float64(overhead) + 68*float64(len(coins)) + 31*float64(len(outputs))
		if err != nil {
			if !errors.Is(err, ErrTooPoor) || all >= needed+money.Satoshi(most*rate)+1 {
				t.Fatalf("with %s for %s: %v", all, needed, err)
			}
			return
		}
		var in, out money.Satoshi
		for _, i := range tx.TxIn {
			in += coins[indexOf(coins, i.PreviousOutPoint)].value
		}
		for i, o := range tx.TxOut {
			out += money.Satoshi(o.Value)
			if i < len(outputs) && (o.Value != int64(outputs[i].Value) || !bytes.Equal(o.PkScript, outputs[i].Script)) {
				t.Fatalf("output %d is %+v", i, o)
			}
		}
		if in != out+fee || len(tx.TxOut) > len(outputs)+1 {
			t.Fatalf("in %s, out %s, fee %s", in, out, fee)
		}
		size := float64(overhead) + 68*float64(len(tx.TxIn)) + 31*float64(len(tx.TxOut))
		if least := size * rate; float64(fee) < least || float64(fee) > least+31*rate+dust+1 {
			t.Fatalf("fee %d for %.0f bytes at %.2f", fee, size, rate)
		}
	})
}

func indexOf(coins []coin, at wire.OutPoint) int {
	for i := range coins {
		if coins[i].at == at {
			return i
		}
	}
	panic("a coin that was never offered")
}

func TestSatoshi(t *testing.T) {
	for text, want := range map[string]money.Satoshi{"0.1": 10_000_000, "1e-8": 1, "2.5e-7": 25, "1.234e-05": 1234, "20999999.9769": 20_999_999_97690000} {
		if got, err := satoshi(json.Number(text)); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"1e99", "-1e-3", "0.000000001", "e", ""} {
		if got, err := satoshi(json.Number(text)); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

// The wallet signs what it was given, or nothing is sent.
func TestAnotherTransactionIsNoticed(t *testing.T) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 1}, nil, nil))
	tx.AddTxOut(wire.NewTxOut(5, keyHash))
	for name, change := range map[string]func(*wire.MsgTx){
		"value": func(m *wire.MsgTx) { m.TxOut[0].Value++ }, "payee": func(m *wire.MsgTx) { m.TxOut[0].PkScript = []byte{0x51} },
		"coin": func(m *wire.MsgTx) { m.TxIn[0].PreviousOutPoint.Index++ }, "lock": func(m *wire.MsgTx) { m.LockTime = 9 },
		"more": func(m *wire.MsgTx) { m.AddTxOut(wire.NewTxOut(1, keyHash)) }, "none": func(m *wire.MsgTx) { m.TxOut = nil },
	} {
		other := tx.Copy()
		change(other)
		if sameTransaction(tx, other) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
	signed := tx.Copy()
	signed.TxIn[0].SignatureScript = []byte{1, 2}
	if err := sameTransaction(tx, signed); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 1}, []byte{1}, nil))
	tx.AddTxOut(wire.NewTxOut(5, keyHash))
	var raw bytes.Buffer
	_ = tx.Serialize(&raw)
	f.Add(raw.Bytes())
	f.Add([]byte{1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		tx, err := decode(data)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := tx.Serialize(&again); err != nil || len(again.Bytes()) > len(data) {
			t.Fatalf("%v, %d bytes from %d", err, again.Len(), len(data))
		}
	})
}
