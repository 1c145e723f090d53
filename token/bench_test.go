package token_test

import (
	"crypto/sha256"
	"testing"

	"github.com/aqsha/aqsha/token"
)

// benchTransfer is the payment that nearly all are: one owner, two in, two out, no memo.
func benchTransfer(b *testing.B) []byte {
	b.Helper()
	body := &token.Transfer{Parties: wallets(2), Payers: 1, Inputs: ids(2), Outputs: []token.Output{{Party: 1, Amount: 1_250_000}, {Party: 0, Amount: 48_750_000}}}
	tx, err := token.New(body, 1_767_225_600_000)
	if err != nil {
		b.Fatal(err)
	}
	if err := tx.SignAs(token.NetworkID{1}, token.RoleWallet, 0, keyNamed("bench")); err != nil {
		b.Fatal(err)
	}
	return tx.Encode()
}

func BenchmarkDecode(b *testing.B) {
	data := benchTransfer(b)
	b.ReportMetric(float64(len(data)), "B/transaction")
	b.ReportAllocs()
	for range b.N {
		if _, err := token.Decode(data); err != nil { // with its id
			b.Fatal(err)
		}
	}
}

func BenchmarkID(b *testing.B) {
	data := benchTransfer(b)
	body := data[1 : len(data)-72]
	for range b.N {
		sha256.Sum256(body)
	}
}

func BenchmarkDigest(b *testing.B) {
	for range b.N {
		token.Digest(token.NetworkID{1}, token.TransactionID{2}, token.RoleWallet)
	}
}

func BenchmarkVerifyOne(b *testing.B) {
	k := keyNamed("bench")
	s, _ := k.Sign([32]byte{1})
	for range b.N {
		if !token.Verify(k.Public(), [32]byte{1}, &s) {
			b.Fatal("not valid")
		}
	}
}
