package api

import (
	"testing"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// What a session opened ends with it: a stream asks again with each line whether it may still be read.
func TestAStreamEndsWithItsSession(t *testing.T) {
	s, wallet := newSessions(), token.WalletID{1}
	w := ledger.Wallet{Key: token.NewPrivateKey([32]byte{7}).Public()}
	for _, tc := range []struct {
		ends  time.Duration
		holds bool
	}{{time.Minute, true}, {-time.Second, false}} {
		ends := time.Now().Add(tc.ends)
		a := s.read(s.open(wallet, w.Key, ends), ends.Add(-time.Second)) // it was good when the stream began
		if a == nil || a.holds(wallet, w) != tc.holds {
			t.Errorf("a session that ends in %s holds: %t", tc.ends, !tc.holds)
		}
	}
}
