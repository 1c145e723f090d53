package token_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/token"
)

// seedTransactions adds one transaction of each kind.
func seedTransactions(f *testing.F, add func(tx *token.Transaction)) {
	for kind := token.KindTransfer; kind <= token.LastKind; kind++ {
		add(rapid.Custom(func(t *rapid.T) *token.Transaction { return generate(t, kind) }).Example(int(kind)))
	}
}

// FuzzDecode holds the decoder against an independent CBOR library: what ours accepts, the library
// reads as one item and writes, deterministically, as the same bytes.
func FuzzDecode(f *testing.F) {
	seedTransactions(f, func(tx *token.Transaction) { f.Add(tx.Encode()) })
	f.Fuzz(func(t *testing.T, data []byte) {
		tx, err := token.Decode(bytes.Clone(data))
		if err != nil {
			return
		}
		if !bytes.Equal(tx.Encode(), data) {
			t.Fatalf("encodes otherwise: %x", tx.Encode())
		}
		if err := agrees(data); err != nil {
			t.Fatal(err)
		}
		// From its parts alone, not from the bytes that it kept.
		again, err := token.New(tx.Body, tx.ValidUntil)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range tx.Witnesses {
			again.Add(w)
		}
		if again.ID() != tx.ID() || !bytes.Equal(again.Encode(), data) {
			t.Fatalf("its parts encode otherwise: %x", again.Encode())
		}
		text, err := json.Marshal(tx)
		if err != nil {
			t.Fatal(err)
		}
		var back token.Transaction
		if err := json.Unmarshal(text, &back); err != nil || !bytes.Equal(back.Encode(), data) {
			t.Fatalf("JSON changed it: %v: %s", err, text)
		}
	})
}

func FuzzTransactionJSON(f *testing.F) {
	seedTransactions(f, func(tx *token.Transaction) {
		text, err := json.Marshal(tx)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	})
	f.Fuzz(func(t *testing.T, text []byte) {
		var tx token.Transaction
		if json.Unmarshal(text, &tx) != nil {
			return
		}
		if _, err := token.Decode(tx.Encode()); err != nil {
			t.Fatalf("JSON let in what the decoder refuses: %v", err)
		}
	})
}
