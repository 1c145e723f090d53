package benchcmd

import (
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// What the bench of purses checks is a payment of four hops that its payee takes, and all signatures of it.
func TestTheBenchChecksFourHops(t *testing.T) {
	w := sim.NewWorld(1)
	v, r, m, err := fourHops(w)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := purse.Check(&v, &r, &m); err != nil {
		t.Fatal(err)
	}
	keys, digests, signatures := signed(w, &m)
	if len(m.Links) != 4 || len(keys) != 8 {
		t.Errorf("%d links, %d signatures", len(m.Links), len(keys))
	}
	for i := range keys {
		if !token.Verify(keys[i], digests[i], &signatures[i]) {
			t.Errorf("signature %d does not hold", i)
		}
	}
	m.Links[3].Signature[9]++
	if _, err := purse.Check(&v, &r, &m); err == nil {
		t.Error("a payment with a signature that does not hold was taken")
	}
}
