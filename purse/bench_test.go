package purse_test

import (
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// BenchmarkCheck checks a message of four hops; BenchmarkSignatures verifies its signatures and does nothing else.
func BenchmarkCheck(b *testing.B) {
	r, m := fourHops(b)
	v := view(noon)
	for b.Loop() {
		if _, err := purse.Check(&v, &r, &m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignatures(b *testing.B) {
	_, m := fourHops(b)
	bank := keyOf("bank").Public()
	var digests [][32]byte
	keys := map[token.WalletID]token.PublicKey{}
	for i := range m.Certificates {
		keys[m.Certificates[i].Purse] = m.Certificates[i].Key
		digests = append(digests, m.Certificates[i].Digest(network))
	}
	for i := range m.Links {
		digests = append(digests, m.Links[i].ID(network))
	}
	for b.Loop() {
		for i := range m.Certificates {
			if !token.Verify(bank, digests[i], &m.Certificates[i].Signature) {
				b.Fatal("a certificate")
			}
		}
		for i := range m.Links {
			if !token.Verify(keys[m.Links[i].Purse], digests[len(m.Certificates)+i], &m.Links[i].Signature) {
				b.Fatal("a link")
			}
		}
	}
}

func fourHops(b *testing.B) (r purse.Request, m purse.Message) {
	phones := []*phone{newPhone(b, "0", 1000)}
	for i := range 4 {
		to := newPhone(b, fmt.Sprint(i+1), 0)
		r = to.query(money.Tiyn(1000 - i))
		var err error
		if _, m, err = phones[i].device.Pay(network, r, noon, phones[i].key); err != nil {
			b.Fatal(err)
		}
		mustPay(b, phones[i], to, r.Amount)
		phones = append(phones, to)
	}
	return r, m
}
