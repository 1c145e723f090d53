package notes_test

import (
	"context"
	"slices"
	"testing"

	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/office"
)

// officeMint is a mint by another name: one of its methods bears the first.
type officeMint = apicash.Client

// watchedMint sees what an office sees: the order of outputs, and which notes were spent.
type watchedMint struct {
	*officeMint
	t     *testing.T
	swaps int
	spent map[string]bool
}

func (m *watchedMint) looked(what string, outputs []cash.Output) {
	if !slices.IsSortedFunc(outputs, func(a, b cash.Output) int { return int(a.Amount) - int(b.Amount) }) {
		m.t.Errorf("%s: outputs do not ascend: %+v", what, outputs)
	}
}

func (m *watchedMint) Swap(ctx context.Context, r office.SwapRequest) ([]cash.Signature, error) {
	m.looked("swap", r.Outputs)
	m.swaps++
	for _, n := range r.Inputs {
		m.spent[n.Secret] = true
		if n.DLEQ != nil {
			m.t.Error("a note's blinding factor went to the office")
		}
	}
	return m.officeMint.Swap(ctx, r)
}

func (m *watchedMint) Melt(ctx context.Context, r office.MeltRequest) (apicash.MeltQuoteView, error) {
	m.looked("melt", r.Outputs)
	return m.officeMint.Melt(ctx, r)
}

// What the study recommends a wallet does without being asked: outputs ascend, whatever they are for; what is sent is
// changed first; what is received is changed at once, so that neither side holds a note that the other knows.
func TestAWalletTellsTheOfficeNoOrder(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	watched := &watchedMint{officeMint: town.client, t: t, spent: map[string]bool{}}
	dir, ana := town.newWallet(testWords)
	if err := ana.Close(); err != nil {
		t.Fatal(err)
	}
	ana = town.open(dir, watched)
	town.buy(ana, 1_000_000)
	bekDir, bek := town.newWallet("legal winner thank year wave sausage worth useful legal winner thank yellow")
	if err := bek.Close(); err != nil {
		t.Fatal(err)
	}
	bek = town.open(bekDir, watched)
	key, err := bek.LockKey()
	if err != nil {
		t.Fatal(err)
	}
	for i, lock := range []*coin.Lock{nil, {Kind: cash.P2PK, Data: hexOf(key.PubKey().SerializeCompressed())}} {
		token, err := ana.Send(ctx, 123_450, "", false, lock)
		if err != nil || coin.Total(token.Proofs) != 123_450 || watched.swaps != 2*i+1 {
			t.Fatal(token, err, watched.swaps)
		}
		for _, n := range token.Proofs {
			condition, err := cash.ParseCondition(n.Secret)
			if err != nil || (condition != nil) != (lock != nil) {
				t.Errorf("note %+v: %v", n, err)
			}
		}
		if got, err := bek.Receive(ctx, token, func(list []cash.Proof) error { return coin.SignNotes(key, list) }); err != nil || got != 123_450 || watched.swaps != 2*i+2 {
			t.Fatal(got, err, watched.swaps)
		}
		for _, n := range token.Proofs {
			if !watched.spent[n.Secret] {
				t.Error("a note that was received was not changed")
			}
		}
	}
	if _, err := ana.Pay(ctx, payRequest(100_003)); err != nil {
		t.Fatal(err)
	}
	if b := ana.Balance(); b.Settled != 1_000_000-2*123_450-100_003 || b.Begun != 0 {
		t.Errorf("%+v", b)
	}
	if b := bek.Balance(); b.Settled != 2*123_450 || b.Unsettled != 0 {
		t.Errorf("%+v", b)
	}
}
