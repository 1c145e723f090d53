package notes_test

import (
	"errors"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/fault"
)

// retire has every keyset sign nothing more, with the next block of the office.
func (w *town) retire() {
	w.t.Helper()
	if err := office.UpdateKeys(w.files, "office", func(list []office.KeyFile) ([]office.KeyFile, error) {
		for i := range list {
			list[i].Retired = true
		}
		return list, nil
	}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.office.CloseBlock(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// An office that signs nothing any more redeems: the wallet pays what its notes make exactly, and a token as it is, and
// refuses with a code what needs new notes.
func TestAnOfficeThatSignsNothingRedeems(t *testing.T) {
	town := newTown(t)
	ctx := t.Context()
	_, w := town.newWallet(testWords)
	town.buy(w, 1_700)
	token, err := w.Send(ctx, 200, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Send(ctx, 100, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, payee := town.newWallet("legal winner thank year wave sausage worth useful legal winner thank yellow")
	town.retire()
	for name, try := range map[string]func() error{
		"change":  func() error { _, err := w.Pay(ctx, payRequest(1_399)); return err },
		"send":    func() error { _, err := w.Send(ctx, 200, "", false, nil); return err },
		"receive": func() error { _, err := payee.Receive(ctx, token, nil); return err },
		"buy":     func() error { _, err := w.Request(ctx, 100); return err },
	} {
		if err := try(); fault.Code(err) != "cash-signs-nothing" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := payee.PayToken(ctx, token, payRequest(100), nil); fault.Code(err) != "cash-sum" {
		t.Error(err)
	}
	if _, err := payee.PayToken(ctx, token, payRequest(200), nil); err != nil || payee.Balance().Settled != 0 {
		t.Error(err, payee.Balance())
	}
	var refused *cash.Refusal
	if _, err := payee.PayToken(ctx, token, payRequest(200), nil); !errors.As(err, &refused) ||
		refused.Code != cash.Spent && refused.Code != cash.BadProof {
		t.Error("a copy of the token:", err)
	}
	if b := payee.Balance(); b.Settled+b.Unsettled+b.Begun != 0 {
		t.Errorf("%+v", b)
	}
	if _, err := payee.PayToken(ctx, again, payRequest(100), nil); err != nil {
		t.Error(err)
	}
	if _, err := w.Pay(ctx, payRequest(1_400)); err != nil || w.Balance().Settled != 0 {
		t.Error(err, w.Balance())
	}
	if paid := town.ledger.paid[payeeID]; paid != 1_700 {
		t.Errorf("%d were paid", paid)
	}
}

// A wallet that has not met its office says so of a token, which may be good; and a token with a changed character is
// damaged or forged, which nobody says of the office. Neither takes anything.
func TestATokenThatCannotBeTakenOffline(t *testing.T) {
	town := newTown(t)
	_, w := town.newWallet(testWords)
	town.buy(w, 1_000)
	token, err := w.Send(t.Context(), 200, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, payee := town.newWallet("legal winner thank year wave sausage worth useful legal winner thank yellow")
	if _, err := payee.ReceiveOffline(token, ""); fault.Code(err) != "cash-keysets-unknown" {
		t.Error(err)
	}
	if err := payee.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	secret := token.Proofs[0].Secret
	changed := "0"
	if secret[:1] == changed {
		changed = "1"
	}
	token.Proofs[0].Secret = changed + secret[1:]
	if _, err := payee.ReceiveOffline(token, ""); fault.Code(err) != "cash-10001" {
		t.Error(err)
	}
	if b := payee.Balance(); b.Settled+b.Unsettled+b.Begun != 0 {
		t.Errorf("%+v", b)
	}
	token.Proofs[0].Secret = secret
	if _, err := payee.ReceiveOffline(token, ""); err != nil || payee.Balance().Unsettled != 200 {
		t.Error(err, payee.Balance())
	}
}
