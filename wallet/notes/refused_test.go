package notes_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/fault"
)

// What the reserve cannot pay today is refused with what bounds it, and locks no notes: not at once, and not by a
// later command.
func TestAReserveThatPaysNoMoreToday(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	_, w := town.newWallet(testWords)
	town.buy(w, 100_000)
	town.ledger.mu.Lock()
	town.ledger.capped = true
	town.ledger.mu.Unlock()
	for range 2 {
		_, err := w.Pay(ctx, payRequest(40_000))
		var refused *cash.Refusal
		if !errors.As(err, &refused) || refused.Code != cash.PaymentFailed || !strings.Contains(refused.Rule, "its key has paid all of today") {
			t.Fatal(err)
		}
		if b := w.Balance(); b.Settled != 100_000 || b.Begun != 0 {
			t.Fatalf("%+v", b)
		}
		if r, err := w.Recover(ctx); err != nil || r.Left != 0 {
			t.Fatal(r, err)
		}
	}
	if _, err := w.Send(ctx, 500, "", false, nil); err != nil { // what does not go through the reserve goes on
		t.Fatal(err)
	}
}

// refusing is a mint whose melts do not wait for the ledger.
type refusing struct{ *apicash.Client }

func (r refusing) Melt(ctx context.Context, m office.MeltRequest) (apicash.MeltQuoteView, error) {
	m.Async = true
	return r.Client.Melt(ctx, m)
}

// A payment that waits says why, and keeps no other command from its work; nor is it that command's money that may
// have moved.
func TestAPaymentThatWaitsIsNoErrorOfOthers(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	dir, w := town.newWallet(testWords)
	town.buy(w, 100_000)
	town.buy(w, 1_000)
	w.Close()
	w = town.open(dir, refusing{town.client})
	town.ledger.mu.Lock()
	town.ledger.refuse = true
	town.ledger.mu.Unlock()
	var unanswered *api.UnansweredError
	if _, err := w.Pay(ctx, payRequest(50_000)); !errors.As(err, &unanswered) {
		t.Fatal(err)
	}
	if err := town.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	r, err := w.Recover(ctx)
	if err != nil || r.Left != 1 || w.Begun() != 1 || len(r.Notices) != 1 || !strings.Contains(r.Notices[0].Error(), "may not hold more") {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := w.Send(ctx, 500, "", false, nil); err != nil {
		t.Fatal(err)
	}
}

// unreached is a mint that cannot be dialled any more.
type unreached struct{ *apicash.Client }

var errDial = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

func (unreached) Swap(context.Context, office.SwapRequest) ([]cash.Signature, error) {
	return nil, errDial
}

func (unreached) Melt(context.Context, office.MeltRequest) (apicash.MeltQuoteView, error) {
	return apicash.MeltQuoteView{}, errDial
}

// What could not be sent at all has not begun: it is said that nothing was sent, and no later command sends it.
func TestWhatWasNotSentIsNotBegun(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	dir, w := town.newWallet(testWords)
	town.buy(w, 100_000)
	token, err := w.Send(ctx, 700, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w = town.open(dir, unreached{town.client})
	_, payee := town.newWallet("legal winner thank year wave sausage worth useful legal winner thank yellow")
	payee.Close()
	_, err = w.Pay(ctx, payRequest(50_000))
	_, err2 := w.Send(ctx, 500, "", false, nil)
	if !api.NotReached(err) || !api.NotReached(err2) {
		t.Fatal(err, err2)
	}
	if b := w.Balance(); b.Settled != 99_300 || b.Begun != 0 || w.Begun() != 0 {
		t.Fatalf("%+v", b)
	}
	if _, err := w.Reclaim(ctx); !api.NotReached(err) {
		t.Fatal(err)
	}
	w.Close()
	w = town.open(dir, town.client)
	if r, err := w.Recover(ctx); err != nil || r.Left != 0 || town.ledger.paid[payeeID] != 0 {
		t.Fatal(r, err, town.ledger.paid)
	}
	if back, err := w.Reclaim(ctx); err != nil || back != 700 || w.Balance().Settled != 100_000 || len(token.Proofs) == 0 {
		t.Fatal(back, err, w.Balance())
	}
}

// A sum that notes cannot make is refused with a code, whether the office has no such notes or the wallet, and
// nothing is begun.
func TestASumThatNotesCannotMake(t *testing.T) {
	town := newTown(t)
	_, w := town.newWallet(testWords)
	town.buy(w, 1000)
	for name, try := range map[string]func() error{
		"office's": func() error { _, err := w.Request(t.Context(), 1<<40); return err },
		"not here": func() error { _, err := w.Send(t.Context(), 1, "", true, nil); return err },
	} {
		err := try()
		if refused, ok := fault.Of(err); !ok || refused.ErrorCode() != "cash-sum" || refused.ErrorField() != "amount" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b := w.Balance(); b.Settled != 1000 || b.Begun != 0 {
		t.Errorf("%+v", b)
	}
}
