package wallet_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// view is a wallet as the node has it.
func (w *town) view(id token.WalletID) api.WalletView {
	w.t.Helper()
	view, err := w.API.Wallet(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return view
}

// must fails the test at an error of what was to be done.
func (w *town) must(what string, _ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

// pass lets time go by, with a block at its end.
func (w *town) pass(d time.Duration) {
	w.t.Helper()
	w.clock.Add(uint64(d.Milliseconds()))
	_, err := w.Issue(w.t.Context(), w.bank(), money.Tenge)
	w.must("a block", nil, err)
}

func (w *town) bank() token.WalletID {
	w.t.Helper()
	bank, err := w.Keyring.Resolve("bank")
	w.must("the bank's name", nil, err)
	return bank
}

// What a court and enforcement do to a wallet: frozen, seized, let go again; and money that was redeemed is no more.
func TestACourtTakesAndTheFreezeEnds(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	court, err := w.Register(ctx, wallet.NewWallet{Name: "court", Registrar: token.Authority, Tier: wallet.TierBusiness,
		Attributes: token.Attributes{Role: ledger.CourtRole}})
	w.must("a court", court, err)
	shop := w.register("shop")

	_, err = w.Freeze(ctx, w.payer, token.FreezeAll, "2-11/2026")
	w.must("freeze", nil, err)
	var refusal *token.Error
	if _, err = w.Pay(ctx, w.payer, shop, money.Tenge, token.Memo{}); !errors.As(err, &refusal) && !isProblem(err, ledger.Frozen) {
		t.Errorf("a frozen wallet pays: %v", err)
	}
	_, err = w.Seize(ctx, w.payer, token.RegisteredID(court.ID), 0, 100_000*money.Tenge, "2-11/2026")
	w.must("seize", nil, err)
	if got := w.view(token.RegisteredID(court.ID)).Balance; got != 100_000*money.Tenge {
		t.Errorf("the court has %s", got.Format())
	}
	if got := w.view(w.payer).Balance; got != 800_000*money.Tenge {
		t.Errorf("the wallet has %s left", got.Format())
	}
	_, err = w.Freeze(ctx, w.payer, token.NotFrozen, "2-11/2026")
	w.must("unfreeze", nil, err)
	_, err = w.Pay(ctx, w.payer, shop, money.Tenge, token.Memo{})
	w.must("a payment after the freeze", nil, err)

	before, err := w.API.Supply(ctx)
	w.must("supply", nil, err)
	_, err = w.Redeem(ctx, w.bank(), 40_000*money.Tenge)
	w.must("redeem", nil, err)
	after, err := w.API.Supply(ctx)
	w.must("supply", nil, err)
	if after.Circulating != before.Circulating-40_000*money.Tenge {
		t.Errorf("%s circulate after %s", after.Circulating.Format(), before.Circulating.Format())
	}
}

func isProblem(err error, code token.Code) bool {
	var problem *api.Problem
	return errors.As(err, &problem) && problem.Code == string(code)
}

// A wallet's life: changed, given a new key by its bank, which its holder cancels, and another, which holds after the delay;
// moved to another bank when its own is suspended; closed when it is empty.
func TestAWalletsLife(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	id := w.register("aigerim")
	_, err := w.Update(ctx, id, func(tier *uint8, a *token.Attributes) { *tier, a.Region = wallet.TierBusiness, "KZ-75" })
	w.must("update", nil, err)
	if view := w.view(id); view.Attributes.Region != "KZ-75" {
		t.Errorf("%+v", view.Attributes)
	}

	fresh, err := w.FreshKeyName(id, "aigerim")
	if err != nil || fresh != "aigerim-new" {
		t.Fatalf("%s, %v", fresh, err)
	}
	if _, err = w.Rekey(ctx, id, token.RoleIntermediary, "aigerim"); err == nil || !isCode(err, wallet.PresentKey) {
		t.Errorf("the present key again: %v", err)
	}
	_, err = w.Rekey(ctx, id, token.RoleIntermediary, fresh)
	w.must("rekey", nil, err)
	old := w.view(id).Key
	_, err = w.Cancel(ctx, id, token.RoleWallet)
	w.must("cancel", nil, err)
	w.pass(2 * time.Hour)
	if w.view(id).Key != old {
		t.Error("a key that was cancelled holds")
	}
	if again, err := w.FreshKeyName(id, "aigerim"); err != nil || again != "aigerim-new-2" {
		t.Errorf("the next key's name is %s, %v", again, err)
	}
	_, err = w.Rekey(ctx, id, token.RoleIntermediary, "aigerim-new-2")
	w.must("rekey", nil, err)
	w.pass(2 * time.Hour)
	if now, err := w.Keyring.PublicKey("aigerim-new-2"); err != nil || w.view(id).Key != now {
		t.Errorf("the key after the delay is another (%v)", err)
	}

	other, err := w.Admit(ctx, "other")
	w.must("another bank", nil, err)
	_, err = w.Suspend(ctx, w.bank(), true)
	w.must("suspend", nil, err)
	if _, err = w.Register(ctx, wallet.NewWallet{Name: "late", Registrar: w.bank(), Tier: 1}); err == nil {
		t.Error("a suspended bank opens wallets")
	}
	_, err = w.Move(ctx, w.bank(), token.RegisteredID(other.ID), []token.WalletID{id})
	w.must("move", nil, err)
	if got := w.view(id).Registrar; got != token.RegisteredID(other.ID) {
		t.Errorf("the wallet is at %s", got)
	}
	_, err = w.Suspend(ctx, w.bank(), false)
	w.must("reinstate", nil, err)
	_, err = w.Close(ctx, id, token.RoleWallet)
	w.must("close", nil, err)
	if _, err = w.API.Wallet(ctx, id); err == nil {
		t.Error("a closed wallet is there")
	}
}

func isCode(err error, code token.Code) bool {
	var refusal *token.Error
	return errors.As(err, &refusal) && refusal.Code == code
}

// What the authority changes: policy at once, the cap after its delay, unless root vetoes; a bank's keys, which prove
// possession.
func TestWhatTheAuthorityChanges(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	authority := func() api.AuthorityView {
		t.Helper()
		a, err := w.API.Authority(ctx)
		w.must("authority", nil, err)
		return a
	}
	policy := authority().Policy
	policy.LeastToken = 7
	_, err := w.SetPolicy(ctx, policy)
	w.must("policy", nil, err)
	if got := authority().Policy.LeastToken; got != 7 {
		t.Errorf("the least token is %d", got)
	}
	vetoed, err := w.Propose(ctx, token.RolePolicy, token.Change{DailyCap: 5 * money.Tenge})
	w.must("propose", nil, err)
	_, err = w.Veto(ctx, vetoed.ID)
	w.must("veto", nil, err)
	_, err = w.Propose(ctx, token.RolePolicy, token.Change{DailyCap: 2_000_000_000 * money.Tenge})
	w.must("propose", nil, err)
	if n := len(authority().Proposals); n != 1 {
		t.Errorf("%d proposals wait", n)
	}
	w.pass(2 * time.Hour)
	if got := authority().DailyCap; got != 2_000_000_000*money.Tenge {
		t.Errorf("the cap is %s", got.Format())
	}
	key, err := w.Keyring.NewKey("bank-2")
	w.must("a key", nil, err)
	_, err = w.Renew(ctx, w.bank(), token.KeySet{Threshold: 1, Keys: []token.PublicKey{key.Public()}})
	w.must("renew", nil, err)
	if err := w.Keyring.RemoveKey("bank-bank"); err != nil {
		t.Fatal(err)
	}
	w.register("by-the-new-key")
}

// A draft goes from holder to holder as a file: each adds what he may, none twice, and it is submitted when nothing is
// missing. What is not understood of it is refused.
func TestADraftGoesRound(t *testing.T) {
	w, ctx := newTown(t), t.Context()
	shop := w.register("shop")
	path := filepath.Join(t.TempDir(), "payment.json")
	var drafted *wallet.Draft
	out := *w.Client
	out.Out = func(d *wallet.Draft) error { drafted = d; return d.Write(path) }
	key, err := w.Keyring.Key("payer")
	w.must("the payer's key", nil, err)
	stranger, err := w.Keyring.Key("shop")
	w.must("another's key", nil, err)
	if err := w.Keyring.RemoveKey("payer"); err != nil { // elsewhere
		t.Fatal(err)
	}
	if _, err = out.Pay(ctx, w.payer, shop, 5*money.Tenge, token.Memo{}); !errors.Is(err, wallet.ErrDrafted) || drafted == nil {
		t.Fatalf("%v", err)
	}
	read, err := wallet.ReadDraft(path)
	w.must("the file", nil, err)
	if read.Transaction.ID() != drafted.Transaction.ID() || read.Missing()["wallet"] != 1 {
		t.Errorf("%v is missing", read.Missing())
	}
	var missing *wallet.MissingError
	if _, err = w.Submit(ctx, read); !errors.As(err, &missing) || missing.ErrorCode() != string(ledger.MissingSignature) {
		t.Errorf("without a signature: %v", err)
	}
	sign := func(by token.Signer) (given int) {
		t.Helper()
		w.must("signing", nil, wallet.UpdateDraft(path, func(d *wallet.Draft) (err error) {
			given, err = d.Sign(by)
			return err
		}))
		return given
	}
	if sign(stranger) != 0 || len(read.Roles(stranger.Public())) != 0 {
		t.Error("a stranger may sign")
	}
	if roles := read.Roles(key.Public()); len(roles) != 1 || roles[0] != token.RoleWallet {
		t.Errorf("the payer signs as %v", roles)
	}
	if sign(key) != 1 || sign(key) != 0 {
		t.Error("a signature is given twice, or not at all")
	}
	read, err = wallet.ReadDraft(path)
	w.must("the file", nil, err)
	_, err = w.Submit(ctx, read)
	w.must("submit", nil, err)
	if got := w.view(shop).Balance; got != 5*money.Tenge {
		t.Errorf("the shop has %s", got.Format())
	}
}
