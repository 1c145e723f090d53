package ledger_test

import (
	"crypto/sha256"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const bobMay = 12_975 * kzt // hold

// overpaid lets an escrow pay bob 20,000 tenge, and returns the wallet that holds what he may not have yet.
func (f *fair) overpaid() token.WalletID {
	create := f.creation("escrow", f.rich, []token.WalletID{f.rich, f.bob, f.arbiter}, 20_000*kzt, token.Int(int64(20_000*kzt)), token.Int(2))
	f.Must(f.action(token.RegisteredID(f.Must(create).ID()), f.rich, "release"))
	return token.HeldFor(f.bob)
}

// taking releases an amount of what is held for a wallet.
func (f *fair) taking(of, to token.WalletID, by token.Role, amount money.Tiyn) *token.Release {
	held := token.HeldFor(of)
	return &token.Release{Held: held, For: of, By: by, Inputs: f.of(held, 0), Amount: amount, Change: f.balanceOf(held, 0) - amount, To: to}
}

func (f *fair) has(name string, id token.WalletID, want money.Tiyn) {
	f.t.Helper()
	if got := f.balanceOf(id, 0); got != want {
		f.t.Errorf("%s has %s, want %s", name, got, want)
	}
}

// An unidentified wallet held 5,000,000 through any escrow: the limit of what it holds was gone round.
func TestWhatAContractPaysAboveTheLimitIsHeldAndTakenInParts(t *testing.T) {
	f := newFair(t)
	held := f.overpaid()
	f.has("bob", f.bob, bobMay)
	f.has("the holder", held, 20_000*kzt-bobMay)
	f.expect(ledger.LimitBalance, f.taking(f.bob, f.bob, token.RoleWallet, kzt))
	f.expect(ledger.NotAuthorised, f.taking(f.bob, f.rich, token.RoleWallet, kzt))           // it is his, not to be paid from there
	f.expect(ledger.NotAuthorised, f.taking(f.bob, f.bob, token.RoleRecovery, kzt))          // he has none
	f.expect(ledger.NotEmpty, &token.Close{Wallet: f.bob, Version: 1, By: token.RoleWallet}) // while he has something
	f.Must(f.payment(f.bob, f.rich, 5_000*kzt))
	f.expect(ledger.LimitBalance, f.taking(f.bob, f.bob, token.RoleWallet, 5_001*kzt))
	f.expect("", f.taking(f.bob, f.bob, token.RoleWallet, 5_000*kzt))
	f.has("bob", f.bob, bobMay)
	f.has("the holder", held, 20_000*kzt-bobMay-5_000*kzt)
	f.Now += dayMillis
	f.Must(f.payment(f.bob, f.rich, bobMay))
	f.expect(ledger.NotEmpty, &token.Close{Wallet: f.bob, Version: 1, By: token.RoleWallet}) // something is held for him
	f.expect("", f.taking(f.bob, f.bob, token.RoleWallet, f.balanceOf(held, 0)))
}

// What comes back to who paid it in is no income, whatever the limit.
func TestARefundIsNotHeld(t *testing.T) {
	f := newFair(t)
	f.fund(f.bob, bobMay)
	price := 10_000 * kzt
	create := f.creation("escrow", f.bob, []token.WalletID{f.bob, f.shop, f.arbiter}, price, token.Int(int64(price)), token.Int(2))
	id := token.RegisteredID(f.Must(create).ID())
	f.fund(f.bob, price) // there is room again
	f.Must(f.action(id, f.shop, "refund"))
	f.has("bob", f.bob, bobMay+price)
	f.has("the holder", token.HeldFor(f.bob), 0)
}

// A hash time lock's secret is never out for nothing: with a full wallet the receiver's claim is executed, all of it is
// held for him, and no deadline takes it back to the sender.
func TestHeldMoneyIsBeyondTheContract(t *testing.T) {
	f := newFair(t)
	held := f.overpaid() // bob's wallet is full
	before := f.balanceOf(held, 0)
	secret := []byte("a secret of just thirty-two bytes")[:32]
	lock := sha256.Sum256(secret)
	timeout := f.Now + 3_600_000
	create := f.creation("htlc", f.rich, []token.WalletID{f.rich, f.bob}, 3_000*kzt, token.Bytes(lock[:]), token.Int(int64(timeout)))
	id := token.RegisteredID(f.Must(create).ID())
	f.Must(f.action(id, f.bob, "claim", token.Bytes(secret)))
	f.has("bob", f.bob, bobMay)
	f.has("the holder", held, before+3_000*kzt)
	sender := f.balanceOf(f.rich, 0)
	f.Now = timeout + 400*dayMillis
	f.Block()
	f.has("the holder", held, before+3_000*kzt)
	f.has("the sender", f.rich, sender)
}

func (f *fair) escrowFor(seller token.WalletID, price money.Tiyn) token.WalletID {
	return token.RegisteredID(f.Must(f.creation("escrow", f.rich, []token.WalletID{f.rich, seller, f.arbiter}, price, token.Int(int64(price)), token.Int(2))).ID())
}

func TestHeldMoneyIsFrozenAndSeizedLikeAToken(t *testing.T) {
	f := newFair(t)
	held := f.overpaid()
	f.Must(f.payment(f.bob, f.rich, 5_000*kzt))
	f.freeze(f.bob, token.FreezeAll)
	f.expect(ledger.Frozen, f.taking(f.bob, f.bob, token.RoleWallet, kzt))
	f.Must(&token.Unfreeze{Wallet: f.bob, Version: 2, Case: "case 1"})
	f.freeze(held, token.FreezeDebits)
	f.expect(ledger.Frozen, f.taking(f.bob, f.bob, token.RoleWallet, kzt))
	f.expect(ledger.Frozen, f.taking(f.bob, f.bob, token.RoleEnforcement, kzt))
	amount := f.balanceOf(held, 0)
	f.expect("", &token.Seize{Wallet: held, Inputs: f.of(held, 0), Amount: amount - kzt, Change: kzt, Court: f.court, Case: "case 1"})
	f.has("the holder", held, kzt)
}

// Closed wallets' money was mixed in one wallet of the bank, which the bank could re-key, or anybody.
func TestAClosedWalletsMoneyObeysItsLastKey(t *testing.T) {
	f, _ := three(t, ledger.LatestRules) // bob, of the limited tier, closed; 100,000 is held for him
	f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
	held := token.HeldFor(f.bob)
	f.expect(ledger.Held, &token.Rekey{Wallet: held, Version: 1, By: token.RoleIntermediary, Key: f.Key("thief").Public()})
	f.expect(ledger.NotAuthorised, &token.Rekey{Wallet: held, Version: 1, By: token.RoleWallet, Key: f.Key("thief").Public()})
	f.expect(ledger.NotAuthorised, f.taking(f.bob, f.rich, token.RoleRecovery, kzt)) // he had none
	f.expect(ledger.LimitPayment, f.taking(f.bob, f.rich, token.RoleWallet, 13_000*kzt))
	f.expect("", f.taking(f.bob, f.rich, token.RoleWallet, 12_000*kzt)) // as his tier paid
	f.expect(ledger.LimitDay, f.taking(f.bob, f.rich, token.RoleWallet, 1_000*kzt))
	again := f.holder("bob", "person", 2) // he comes back, with the same key
	f.Now += dayMillis
	f.expect("", f.taking(f.bob, again, token.RoleWallet, 12_000*kzt))
	all := f.taking(f.bob, again, token.RoleEnforcement, f.balanceOf(held, 0)) // or both authorities agree
	f.expectTx(ledger.MissingSignature, f.Sign(all, f.Now+1, f.By(token.RoleEnforcement, 2)))
	f.expectTx(ledger.MissingSignature, f.Sign(all, f.Now+1, sim.One(token.RoleIntermediary, 0, f.Key("bank"))))
	f.expect("", all)
	f.has("bob's new wallet", again, 88_000*kzt)
}

// Marked money asks no rule when it is released, so it stays with its owner.
func TestAClosedWalletsMarkedMoneyStaysItsOwners(t *testing.T) {
	f := newFair(t)
	d := contract.Definition{Name: "kept", Parties: []string{"school"}, Assets: []string{"meals"},
		Create:  contract.Action{Takes: []contract.Take{{Asset: "meals", Amount: contract.Any}}},
		Actions: []contract.Action{{Name: "nothing"}},
		End:     contract.End{At: "created + hour", Pay: []contract.Share{{To: "school", Share: 1}}}}
	p := sim.Meals(f.treasury, f.Now)
	p.Contracts = []token.Hash{f.define(d.Encode())}
	number := f.purpose(p)
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
	f.Must(&token.Create{Creator: f.school, Definition: p.Contracts[0], Parties: []token.WalletID{f.school}, Assets: []uint32{number},
		Inputs: f.of(f.school, number), Paid: []money.Tiyn{100 * kzt}})
	f.Must(&token.Close{Wallet: f.school, Version: 1, By: token.RoleWallet})
	f.Now += 3_600_000
	f.Block()
	held := token.HeldFor(f.school)
	release := &token.Release{Held: held, For: f.school, By: token.RoleWallet, Inputs: f.of(held, number), Amount: 60 * kzt, Change: 40 * kzt, To: f.canteen}
	f.expect(ledger.Earmarked, release)
	release.To = f.holder("school", "school", 2) // it comes back, with the same key
	f.expect("", release)
	if got := f.balanceOf(release.To, number); got != 60*kzt {
		t.Errorf("the school has %s of the purpose", got)
	}
	late := &token.Release{Held: held, For: f.school, By: token.RoleWallet, Inputs: f.of(held, number), Amount: 40 * kzt, To: release.To}
	f.Now = p.UntilMillis
	f.Block()
	f.expect(ledger.TokenNotLive, late) // it has returned
	f.has("the budget", f.treasury, 1_000_000*kzt)
}

// What lies in the suspense wallets of rules version 1 is moved by enforcement and registrar together, and by nobody else,
// even where its bank has given it a key.
func TestOldSuspenseMoneyIsReleasedByTwo(t *testing.T) {
	f, _ := three(t, 1)
	f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
	suspense := ledger.SuspenseOf(f.bank)
	f.Must(&token.Rekey{Wallet: suspense, Version: 1, By: token.RoleIntermediary, Key: f.Key("clerk").Public()})
	f.Now += f.model.Central.Policy.RekeyDelayMillis
	f.Block()
	f.Must(f.payment(suspense, f.rich, kzt)) // under version 1 it was the bank's to spend
	f.upgrade()
	f.expect(ledger.Held, f.payment(suspense, f.rich, kzt))
	f.expect(ledger.Held, &token.Rekey{Wallet: suspense, Version: f.version(suspense), By: token.RoleWallet, Key: f.Key("thief").Public()})
	release := &token.Release{Held: suspense, By: token.RoleEnforcement, Inputs: f.of(suspense, 0), Amount: f.balanceOf(suspense, 0), To: f.arbiter}
	f.expectTx(ledger.MissingSignature, f.Sign(release, f.Now+1, f.By(token.RoleEnforcement, 2)))
	f.expectTx(ledger.MissingSignature, f.Sign(release, f.Now+1, sim.One(token.RoleIntermediary, 0, f.Key("bank"))))
	f.expect("", release)
	f.has("the arbiter", f.arbiter, 99_999*kzt)
}

// While a contract's money was safe from the enforcement set, an accomplice could act while its owner was frozen.
func TestAContractIsFrozenAndSeizedFrom(t *testing.T) {
	f := newFair(t)
	id := f.escrow(100 * kzt)
	f.freeze(id, token.FreezeDebits)
	f.expect(ledger.Frozen, f.action(id, f.rich, "release"))
	f.Now += 400 * dayMillis
	f.Block()
	if c := f.model.Contract(id); c == nil || !c.Frozen {
		t.Fatal("the end paid what is frozen")
	}
	f.expect(ledger.NotCourt, &token.Seize{Wallet: id, Inputs: f.of(id, 0), Amount: 100 * kzt, Court: f.rich, Case: "case 1"})
	f.expect("", &token.Seize{Wallet: id, Inputs: f.of(id, 0), Amount: 60 * kzt, Change: 40 * kzt, Court: f.court, Case: "case 1"})
	f.expect("", &token.Seize{Wallet: id, Inputs: f.of(id, 0), Amount: 10 * kzt, Change: 30 * kzt, Court: f.court, Case: "case 1"})
	before := f.balanceOf(f.rich, 0)
	f.Must(&token.Unfreeze{Wallet: id, Version: f.version(id), Case: "case 1"})
	f.Now++
	f.Block()
	if f.model.Contract(id) != nil {
		t.Error("the end waits for ever")
	}
	f.has("the payer", f.rich, before+30*kzt)
	all := f.escrow(50 * kzt)
	f.freeze(all, token.FreezeAll)
	f.expect("", &token.Seize{Wallet: all, Inputs: f.of(all, 0), Amount: 50 * kzt, Court: f.court, Case: "case 1"})
	f.Must(&token.Unfreeze{Wallet: all, Version: f.version(all), Case: "case 1"})
	f.expect("", f.action(all, f.rich, "release")) // nothing is left of it
	f.has("the seller", f.shop, 0)
}

// upgrade brings the newest rules into force.
func (w *town) upgrade() {
	w.t.Helper()
	w.Must(&token.Propose{By: token.RoleRoot, Sequence: w.model.Central.Set(token.RoleRoot).Sequence, Change: token.Change{Rules: ledger.LatestRules, Height: 1}})
	w.Now += w.model.Central.DelayMillis
	w.Block()
	w.issue(kzt) // any block
	if w.Leaf.Rules != ledger.LatestRules {
		w.t.Fatalf("block %d follows version %d", w.Leaf.Height, w.Leaf.Rules)
	}
}
