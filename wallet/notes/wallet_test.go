package notes_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aqsha/aqsha/api"
	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/wallet/notes"
)

// One life of a wallet over HTTP: bought, sent, received, paid with change, received offline, restored.
func TestALifeOfAWallet(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	dir, ana := town.newWallet(testWords)
	town.buy(ana, 1_000_000)
	bekDir, bek := town.newWallet("legal winner thank year wave sausage worth useful legal winner thank yellow")
	token, err := ana.Send(ctx, 123_456, "lunch", false, nil)
	if err != nil || coin.Total(token.Proofs) != 123_456 {
		t.Fatal(err, token)
	}
	text, err := token.Encode(true)
	if err != nil {
		t.Fatal(err)
	}
	read, err := coin.DecodeToken(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bek.Receive(ctx, read, nil); err != nil || got != 123_456 || bek.Balance().Settled != 123_456 {
		t.Fatal(got, err)
	}
	again, _ := coin.DecodeToken(text)
	var refused *cash.Refusal
	if _, err := ana.Receive(ctx, again, nil); !errors.As(err, &refused) || refused.Code != cash.Spent || ana.Balance().Settled != 876_544 {
		t.Fatal(err, ana.Balance())
	}
	if op, err := ana.Pay(ctx, payRequest(100_003)); err != nil || op.Amount != 100_003 || town.ledger.paid[payeeID] != 100_003 || ana.Balance().Settled != 776_541 {
		t.Fatal(err, ana.Balance())
	}
	key, err := bek.LockKey()
	if err != nil {
		t.Fatal(err)
	}
	public := hexOf(key.PubKey().SerializeCompressed())
	locked, err := ana.Send(ctx, 500, "", false, &coin.Lock{Kind: cash.P2PK, Data: public})
	if err != nil {
		t.Fatal(err)
	}
	if safe, err := bek.ReceiveOffline(locked, public); err != nil || !safe {
		t.Fatal(safe, err)
	}
	plain, err := ana.Send(ctx, 300, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if safe, err := bek.ReceiveOffline(plain, public); err != nil || safe || bek.Balance().Unsettled != 800 {
		t.Fatal(safe, err)
	}
	bek.Close()
	if bek = town.open(bekDir, town.client); bek.Balance().Unsettled != 800 || bek.Balance().Settled != 123_456 {
		t.Fatal("opened again, the wallet takes for settled what is not", bek.Balance())
	}
	if _, err := bek.ReceiveOffline(plain, public); err == nil {
		t.Fatal("the same token twice")
	}
	forged := *plain
	forged.Proofs = append([]cash.Proof{}, plain.Proofs...)
	forged.Proofs[len(forged.Proofs)-1].Secret += "0" // one bad note among good ones
	if _, err := bek.ReceiveOffline(&forged, public); err == nil {
		t.Fatal("a forged note was taken")
	}
	if back, err := ana.Reclaim(ctx); err != nil || back != 300 { // the payer spends what was taken offline
		t.Fatal(back, err)
	}
	settled, lost, err := bek.Settle(ctx, func(notes []cash.Proof) error { return coin.SignNotes(key, notes) })
	if err != nil || settled != 500 || lost != 300 || bek.Balance().Settled != 123_956 || bek.Balance().Unsettled != 0 {
		t.Fatal(settled, lost, err, bek.Balance())
	}
	want := ana.Balance().Settled
	ana.Close()
	_, phone := town.newWallet(testWords)
	if back, err := phone.Restore(ctx); err != nil || back != want {
		t.Fatalf("restored %d of %d: %v", back, want, err)
	}
	if op, err := phone.Pay(ctx, payRequest(want)); err != nil || op.Amount != want || phone.Balance().Settled != 0 {
		t.Fatal(err)
	}
	ana = town.open(dir, town.client)
	if back, err := ana.Restore(ctx); err != nil || back != 0 {
		t.Fatal("spent notes came back", back, err)
	}
}

// flaky is a mint whose n-th answer is lost, or whose n-th request does not come through.
type flaky struct {
	*apicash.Client
	left   int
	before bool
	hit    bool
}

var errCut = errors.New("cut off")

func through[T any](f *flaky, call func() (T, error)) (value T, err error) {
	f.left--
	if f.left == 0 && f.before {
		f.hit = true
		return value, errCut
	}
	answer, err := call()
	if f.left == 0 {
		f.hit = true
		return value, &api.UnansweredError{Cause: errCut}
	}
	return answer, err
}

func (f *flaky) Swap(ctx context.Context, r office.SwapRequest) ([]cash.Signature, error) {
	return through(f, func() ([]cash.Signature, error) { return f.Client.Swap(ctx, r) })
}

func (f *flaky) Mint(ctx context.Context, r office.MintRequest) ([]cash.Signature, error) {
	return through(f, func() ([]cash.Signature, error) { return f.Client.Mint(ctx, r) })
}

func (f *flaky) Melt(ctx context.Context, r office.MeltRequest) (apicash.MeltQuoteView, error) {
	return through(f, func() (apicash.MeltQuoteView, error) { return f.Client.Melt(ctx, r) })
}

func (f *flaky) NewMintQuote(ctx context.Context, amount money.Tiyn, key string) (apicash.MintQuoteView, error) {
	return through(f, func() (apicash.MintQuoteView, error) { return f.Client.NewMintQuote(ctx, amount, key) })
}

func (f *flaky) NewMeltQuote(ctx context.Context, request string) (apicash.MeltQuoteView, error) {
	return through(f, func() (apicash.MeltQuoteView, error) { return f.Client.NewMeltQuote(ctx, request) })
}

// Whatever answer is lost, or request does not come through, and the wallet killed there: the next start ends what
// was begun, and no tiyn is missing or there twice.
func TestAWalletLosesNoMoney(t *testing.T) {
	hits := 0
	for n := 1; n <= 7; n++ {
		for _, before := range []bool{true, false} {
			if crossed(t, n, before) {
				hits++
			}
		}
	}
	if hits < 8 {
		t.Fatalf("%d faults", hits)
	}
}

func crossed(t *testing.T, n int, before bool) bool {
	town := newTown(t)
	ctx := t.Context()
	dir, w := town.newWallet(testWords)
	town.buy(w, 100_000)
	w.Close()
	mint := &flaky{Client: town.client, left: n, before: before}
	w = town.open(dir, mint)
	bought := money.Tiyn(100_000)
	work := func() error {
		op, err := w.Request(ctx, 50_000)
		if err != nil {
			return err
		}
		town.ledger.pay(op.Request)
		bought += 50_000
		if err := errors.Join(w.Paid(op), town.office.Settle(ctx)); err != nil {
			return err
		}
		if err := w.Take(ctx, op); err != nil {
			return err
		}
		if _, err := w.Send(ctx, 1234, "", false, nil); err != nil {
			return err
		}
		if _, err := w.Pay(ctx, payRequest(10_001)); err != nil {
			return err
		}
		_, err = w.Send(ctx, 4321, "", false, nil)
		return err
	}
	err := work()
	if mint.hit && err == nil {
		t.Fatalf("fault %d went unnoticed", n)
	}
	w.Close() // the process ends where it stood
	w = town.open(dir, town.client)
	defer w.Close()
	if r, err := w.Recover(ctx); err != nil || r.Left != 0 {
		t.Fatalf("fault %d (before %v): %+v: %v", n, before, r, err)
	}
	if _, err := w.Reclaim(ctx); err != nil {
		t.Fatal(err)
	}
	have, paid := w.Balance().Settled, town.ledger.paid[payeeID]
	if have+paid != bought {
		t.Fatalf("fault %d (before %v): has %d, paid %d, bought %d", n, before, have, paid, bought)
	}
	if _, err := w.Pay(ctx, payRequest(have)); err != nil { // all of it can be spent
		t.Fatalf("fault %d (before %v): %v", n, before, err)
	}
	if s := town.office.Status(); s.Outstanding != 0 || s.Reserve.Balance() != town.ledger.balance || !s.Reserve.Holds() {
		t.Fatalf("fault %d: %+v", n, s)
	}
	return mint.hit
}

func hexOf(raw []byte) string {
	const digits = "0123456789abcdef"
	var out []byte
	for _, b := range raw {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

var _ notes.Mint = (*flaky)(nil)
