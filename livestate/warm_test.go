package livestate

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"github.com/aqsha/aqsha/token"
)

// Fetching names what is there, what is not, and what has no neighbours, and changes nothing.
func TestFetchingChangesNothing(t *testing.T) {
	s := populated(50, 400)
	snapshot := func() []byte {
		var out bytes.Buffer
		if _, err := s.WriteSnapshot(&out, Position{}); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	before := snapshot()
	var w Prefetcher
	w.Fetch(New(sha256.Sum256(nil))) // nothing in nothing
	for i := range 600 {
		tx, err := token.New(&token.Transfer{Parties: []token.WalletID{benchWallet(i), benchWallet(i + 7)}, Payers: 1,
			Inputs: []token.ID{benchToken(i)}, Outputs: []token.Output{{Party: 1, Amount: 100}}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		w.Add(tx)
		if i%32 == 0 {
			w.Fetch(s)
		}
	}
	w.Fetch(s)
	if !bytes.Equal(before, snapshot()) {
		t.Error("the state is another after fetching")
	}
}
