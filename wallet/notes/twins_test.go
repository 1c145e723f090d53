package notes_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/wallet/notes"
)

const otherWords = "legal winner thank year wave sausage worth useful legal winner thank yellow"

// twins are two wallets of the same words, the second restored while the first lives on.
func (w *town) twins(amount money.Tiyn) (first, second *notes.Wallet) {
	w.t.Helper()
	_, first = w.newWallet(testWords)
	w.buy(first, amount)
	_, second = w.newWallet(testWords)
	if back, err := second.Restore(w.t.Context()); err != nil || back != amount {
		w.t.Fatal(back, err)
	}
	return first, second
}

// A number of the seed that another wallet of the same words has used is no answer to this one's operation: a token
// is of the amount that was asked for, and no note is dropped that nobody has spent.
func TestASendUnderNumbersThatATwinHasUsed(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	first, second := town.twins(3_000) // 2 000 and 1 000
	_, payee := town.newWallet(otherWords)
	// The second pays with the note of 2 000; its change is signed under the number that the first takes next.
	if _, err := second.Pay(ctx, payRequest(1_500)); err != nil {
		t.Fatal(err)
	}
	token, err := first.Send(ctx, 1_000, "", false, nil)
	if err != nil || coin.Total(token.Proofs) != 1_000 || first.Balance().Settled != 2_000 {
		t.Fatal(token, err, first.Balance())
	}
	if got, err := payee.Receive(ctx, token, nil); err != nil || got != 1_000 {
		t.Fatal(got, err)
	}
	// What the second has spent is said, and leaves the first.
	_, err = first.Pay(ctx, payRequest(1_500))
	var elsewhere *notes.SpentElsewhereError
	if !errors.As(err, &elsewhere) || elsewhere.Gone != 2_000 || elsewhere.Back != 0 || fault.Code(err) != "cash-spent-elsewhere" {
		t.Fatal(err)
	}
	if b := first.Balance(); b.Settled != 0 || b.Begun != 0 {
		t.Fatalf("%+v", b)
	}
	if found, gone, err := first.Recheck(ctx); err != nil || found != 500 || gone != 0 || first.Balance().Settled != 500 {
		t.Fatal(found, gone, err, first.Balance())
	}
	// And the second, which has the note of 1 000 that the first sent.
	if found, gone, err := second.Recheck(ctx); err != nil || found != 0 || gone != 1_000 || second.Balance().Settled != 500 {
		t.Fatal(found, gone, err, second.Balance())
	}
}

// A withdrawal that was paid for brings its notes, though a twin has used its numbers.
func TestAWithdrawalUnderNumbersThatATwinHasUsed(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	first, second := town.twins(2_000)
	op, err := first.Request(ctx, 500)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Pay(ctx, payRequest(1_500)); err != nil { // its change: one note of 500
		t.Fatal(err)
	}
	town.ledger.pay(op.Request)
	if err := town.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Take(ctx, op); err != nil {
		t.Fatal(err)
	}
	if found, gone, err := first.Recheck(ctx); err != nil || found != 500 || gone != 2_000 || first.Balance().Settled != 1_000 {
		t.Fatal(found, gone, err, first.Balance())
	}
}

// The invariant, for any work of two wallets of the same words: a token has the amount that was asked for, an
// operation that succeeds costs its amount and one that is refused what it names, and at the end what is unspent at
// the office, what was paid and what others received are what there was.
func TestTwinsLoseNothing(t *testing.T) {
	draw := rand.New(rand.NewPCG(39, 1))
	refused := 0
	for run := 0; run < 12 || refused < 10; run++ {
		refused += twinsAtWork(t, draw)
	}
}

func twinsAtWork(t *testing.T, draw *rand.Rand) (refused int) {
	t.Helper()
	const total = 100_000
	town := newTown(t)
	ctx := t.Context()
	first, second := town.twins(total)
	_, payee := town.newWallet(otherWords)
	var out money.Tiyn // of both wallets
	for range 12 {
		w := []*notes.Wallet{first, second}[draw.IntN(2)]
		before := w.Balance().Settled
		amount := money.Tiyn(1 + draw.IntN(20_000))
		var token *coin.Token
		var err error
		if draw.IntN(2) == 0 {
			token, err = w.Send(ctx, amount, "", false, nil)
		} else {
			_, err = w.Pay(ctx, payRequest(amount))
		}
		after := w.Balance().Settled
		var elsewhere *notes.SpentElsewhereError
		var little *notes.TooLittleError
		switch {
		case errors.As(err, &elsewhere):
			refused++
			if after != before-elsewhere.Gone || elsewhere.Gone <= 0 {
				t.Fatalf("%d of %d, and %v", after, before, err)
			}
		case errors.As(err, &little):
		case err != nil:
			t.Fatal(err)
		default:
			out += amount
			if after != before-amount {
				t.Fatalf("%d of %d after %d", after, before, amount)
			}
			if token != nil {
				if got, err := payee.Receive(ctx, token, nil); err != nil || got != amount {
					t.Fatal(got, err)
				}
			}
		}
		if b := w.Balance(); b.Begun != 0 {
			t.Fatalf("%+v", b)
		}
	}
	for _, w := range []*notes.Wallet{first, second} {
		if _, _, err := w.Recheck(ctx); err != nil || w.Balance().Settled != total-out {
			t.Fatalf("%d of %d: %v", w.Balance().Settled, total-out, err)
		}
	}
	if got := payee.Balance().Settled + town.ledger.paid[payeeID]; got != out {
		t.Fatalf("%d are paid of %d", got, out)
	}
	return refused
}

// A token that somebody gave and that is spent is refused as such: it was never this wallet's.
func TestASpentTokenIsNotSpentElsewhere(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	_, w := town.newWallet(testWords)
	town.buy(w, 1_000)
	token, err := w.Send(ctx, 500, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, words := range []string{otherWords, "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"} {
		_, payee := town.newWallet(words)
		_, err := payee.Receive(ctx, token, nil)
		var refused *cash.Refusal
		if i == 0 && err != nil || i == 1 && (!errors.As(err, &refused) || fault.Code(err) != "cash-11001") {
			t.Fatal(i, err)
		}
	}
}
