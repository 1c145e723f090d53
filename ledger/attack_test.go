package ledger_test

import (
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Each test is an attack by name, and what stops it.

func TestAttackRekeyTheftByAnIntermediary(t *testing.T) {
	w := newTown(t)
	w.rekeyByBank(w.alice, "thief")
	// The thief has no key yet, the owner cannot pay, and what the bank can do makes no new version.
	w.expectTx(ledger.BadSignature, w.Sign(w.payment(w.alice, w.bob, kzt), w.Now+1, sim.One(token.RoleWallet, 0, w.Key("thief"))))
	cancel := w.Make(&token.CancelRekey{Wallet: w.alice, Version: w.version(w.alice)})
	w.expect(ledger.RekeyPending, &token.Update{Wallet: w.alice, Version: w.version(w.alice), Tier: 1})
	w.expect(ledger.RekeyPending, &token.Rekey{Wallet: w.alice, Version: w.version(w.alice), By: token.RoleIntermediary, Key: w.Key("thief").Public()})
	w.expectTx("", cancel)
	w.Now += 2 * dayMillis
	w.expect("", w.payment(w.alice, w.bob, kzt))

	// The owner, or who holds the recovery key, can also take a fresh key at once while the bank's waits.
	w.rekeyByBank(w.alice, "thief")
	w.expect("", &token.Rekey{Wallet: w.alice, Version: w.version(w.alice), By: token.RoleWallet, Key: w.Key("alice 2").Public()})
	w.Now += 2 * dayMillis
	w.expect("", w.payment(w.alice, w.bob, kzt))

	// Without the owner's doing the key comes after the delay, not a moment before.
	w.rekeyByBank(w.alice, "alice 3")
	w.Now += dayMillis - 1
	w.expect(ledger.RekeyPending, w.payment(w.alice, w.bob, kzt))
	w.Now++
	w.Block()
	w.expect("", w.payment(w.alice, w.bob, kzt)) // signed by the new key
	if w.model.Wallets[w.alice].Key != w.Key("alice 3").Public() {
		t.Error("the new key did not take effect")
	}
}

func TestAttackRekeyByASuspendedIntermediary(t *testing.T) {
	w := newTown(t)
	other := token.RegisteredID(w.Must(w.admission("other")).ID())
	w.rekeyByBank(w.alice, "thief")
	w.rekeyByBank(w.bob, "thief")
	w.suspend()
	w.Must(&token.Move{Sequence: w.policySequence(), From: w.bank, To: other, Wallets: []token.WalletID{w.bob}})
	w.Now += dayMillis
	w.Must(w.payment(w.rich, w.alice, kzt)) // a block in which both fall due
	for name, id := range map[string]token.WalletID{"alice": w.alice, "bob": w.bob} {
		if got := w.model.Wallets[id]; got.Key != w.Key(name).Public() || got.Rekeying {
			t.Errorf("%s lost the wallet to a suspended bank: %+v", name, got)
		}
	}
	if err := w.Replay(ledger.NewModel()); err != nil {
		t.Error(err)
	}
}

func TestAttackReplayOfTransactionsWithoutInputs(t *testing.T) {
	// Every transaction of the story, sent once more on the day that it was executed and after.
	w := sim.NewWorld(1)
	model := ledger.NewModel()
	chain, _ := w.Story(model)
	kinds := map[token.Kind]bool{}
	for _, block := range chain.Blocks {
		for _, data := range block {
			e, _ := ledger.DecodeEntry(data)
			if e.Transaction == nil {
				continue
			}
			kinds[e.Transaction.Body.Kind()] = true
			if err := chain.Try(e.Transaction); err == nil {
				t.Errorf("%s was executed a second time", e.Transaction.Body.Kind())
			}
		}
	}
	if len(kinds) != int(token.LastKind) {
		t.Errorf("only %d kinds were tried", len(kinds))
	}
	// And at once, in the same block, by all kinds that a town can make.
	town := newTown(t)
	for _, body := range []token.Body{
		&token.Issue{Sequence: 2, To: town.bank, Amounts: []money.Tiyn{1}},
		&token.Register{Registrar: town.bank, Sequence: 4, Key: town.Key("k").Public()},
		&token.Update{Wallet: town.alice, Version: 1, Tier: 1},
		&token.Rekey{Wallet: town.alice, Version: 2, By: token.RoleWallet, Key: town.Key("k2").Public()},
		&token.Freeze{Wallet: town.bob, Version: 1, Mode: token.FreezeAll, Case: "c"},
		&token.Unfreeze{Wallet: town.bob, Version: 2, Case: "c"},
		&token.Close{Wallet: town.bob, Version: 3, By: token.RoleWallet},
		&token.Suspend{Sequence: 3, Intermediary: town.bank, Suspended: true},
		&token.SetPolicy{Sequence: 4, Policy: sim.Policy()},
		&token.Propose{By: token.RolePolicy, Sequence: 5, Change: token.Change{DailyCap: 1}},
	} {
		tx := town.Make(body)
		if refusals := town.Block(tx, tx); refusals[0] != nil || refusals[1] == nil {
			t.Errorf("%s twice in a block: %v", body.Kind(), refusals)
		}
	}
}

func TestAttackDoubleSpendInOneBlock(t *testing.T) {
	w := newTown(t)
	first, second := w.Make(w.payment(w.alice, w.bob, kzt)), w.Make(w.payment(w.alice, w.rich, kzt))
	refusals := w.Block(first, second, first)
	if refusals[0] != nil || refusals[1] == nil || refusals[1].Code != ledger.TokenNotLive || refusals[2] == nil {
		t.Errorf("%v", refusals)
	}
	// Spending in the block what the block made is no double spend.
	chained := w.Make(&token.Transfer{Parties: []token.WalletID{w.rich, w.bob}, Payers: 1, Inputs: w.tokensOf(w.rich),
		Outputs: []token.Output{{Party: 1, Amount: kzt}, {Party: 0, Amount: w.model.Wallets[w.rich].Balance - kzt}}})
	back := w.Make(&token.Transfer{Parties: []token.WalletID{w.bob, w.rich}, Payers: 1, Inputs: []token.ID{token.OutputID(chained.ID(), 0)},
		Outputs: []token.Output{{Party: 1, Amount: kzt}}})
	for _, refusal := range w.Block(chained, back) {
		if refusal != nil {
			t.Error(refusal)
		}
	}
}

func TestAttackKeyOutsideItsSet(t *testing.T) {
	w := newTown(t)
	issue := &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{1}}
	outsider := w.Key("outsider")
	good := w.By(token.RoleIssue, 1)
	for name, second := range map[string][]sim.Signature{
		"a stranger's key in the set's place": sim.One(token.RoleIssue, 1, outsider),
		"an index beyond the set":             sim.One(token.RoleIssue, 3, outsider),
		"the same key under another index":    sim.One(token.RoleIssue, 1, good[0].Key),
		"a key of another set":                sim.One(token.RoleIssue, 1, w.Sets[2][1]),
		"another set's role":                  w.By(token.RolePolicy, 2),
		"a possession signature":              sim.One(token.RolePossession, 0, good[0].Key),
		"nobody":                              nil,
	} {
		tx := w.Sign(issue, w.Now+1, good, second)
		if err := w.Try(tx); err == nil {
			t.Errorf("issued with %s", name)
		}
	}
	// A new set's keys count once it is in force, and the old ones no more.
	next := token.KeySet{Threshold: 1, Keys: []token.PublicKey{outsider.Public()}}
	w.Must(&token.Propose{By: token.RoleIssue, Sequence: 2, Change: token.Change{Set: token.RoleIssue, Keys: &next}})
	issue.Sequence = 3
	if err := w.Try(w.Sign(issue, w.Now+1, sim.One(token.RoleIssue, 0, outsider))); err == nil {
		t.Error("a proposed key signed before its time")
	}
	w.Now += dayMillis
	old := w.Sign(issue, w.Now+1, w.By(token.RoleIssue, 2))
	if err := w.Try(old); err == nil {
		t.Error("old keys signed after their time")
	}
	w.mustTry(w.Sign(issue, w.Now+1, sim.One(token.RoleIssue, 0, outsider)))
}

func TestAttackSignatureOfAnotherNetworkOrRole(t *testing.T) {
	w, foreign := newTown(t), sim.NewWorld(1)
	foreign.Genesis.Name = "other.aqsha"
	foreign.Network = foreign.Genesis.Network()
	body := w.payment(w.alice, w.bob, kzt)
	w.expectTx(ledger.BadSignature, foreign.Sign(body, w.Now+1, sim.One(token.RoleWallet, 0, w.Key("alice"))))

	// One key in two roles: what its holder signed in one is not valid in the other.
	shared := w.Sets[1][0] // of the issue set; make it a treasury's key too
	treasury := w.model.Wallets[w.bank]
	treasury.Key = shared.Public()
	w.model.Wallets[w.bank] = treasury
	redeem := &token.Redeem{From: w.bank, Inputs: w.tokensOf(w.bank), Amount: treasury.Balance}
	tx := w.Sign(redeem, w.Now+1, w.By(token.RoleIssue, 2))
	moved := tx.Witnesses[0]
	moved.Role, moved.Index = token.RoleWallet, 0
	tx.Add(moved)
	w.expectTx(ledger.BadSignature, tx)
}

func TestAttackPossessionReused(t *testing.T) {
	w := newTown(t)
	// A thief registers a wallet with a victim's key, reusing the proof that the victim once gave.
	victim := w.Key("victim")
	first := w.Sign(&token.Register{Registrar: w.bank, Sequence: w.model.Intermediaries[w.bank].Sequence, Key: victim.Public()}, w.Now+1,
		sim.One(token.RoleIntermediary, 0, w.Key("bank")), sim.One(token.RolePossession, 0, victim))
	w.mustTry(first)
	again := w.Sign(&token.Register{Registrar: w.bank, Sequence: w.model.Intermediaries[w.bank].Sequence, Key: victim.Public()}, w.Now+1,
		sim.One(token.RoleIntermediary, 0, w.Key("bank")))
	for _, witness := range first.Witnesses {
		if witness.Role == token.RolePossession {
			again.Add(witness)
		}
	}
	w.expectTx(ledger.BadSignature, again)
	// Nor does the wallet's signature of a payment prove possession, nor the other way round.
	rekey := w.Sign(&token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleWallet, Key: victim.Public()}, w.Now+1,
		sim.One(token.RoleWallet, 0, w.Key("alice")), sim.One(token.RoleWallet, 1, victim))
	if err := w.Try(rekey); err == nil {
		t.Error("re-keyed without possession")
	}
	// A new set whose keys did not all prove themselves.
	next := w.setOf("n1", "n2")
	propose := w.Sign(&token.Propose{By: token.RoleRoot, Sequence: 1, Change: token.Change{Set: token.RoleIssue, Keys: &next}}, w.Now+1,
		w.By(token.RoleRoot, 2), sim.One(token.RolePossession, 0, w.Key("n1")))
	w.expectTx(ledger.MissingSignature, propose)
}

func TestAttackOnTheCap(t *testing.T) {
	w := townUnder(t, 1) // from version 2 on the day's offset is not turned at once
	full := w.model.Central.DailyCap - w.model.Central.IssuedToday
	w.issue(full)
	try := func() *token.Error {
		return w.Try(w.Make(&token.Issue{Sequence: w.model.Central.Set(token.RoleIssue).Sequence, To: w.bank, Amounts: []money.Tiyn{1}}))
	}
	// Turning the day's offset: a policy set in league with the issue set gains nothing.
	policy, before := w.model.Central.Policy, w.model.Central.Issued
	cap := w.model.Central.DailyCap
	for range 3 {
		for _, offset := range []uint64{86_400_000, 0, 19 * 3_600_000} {
			policy.DayOffsetMillis = offset
			w.Must(&token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
			for try() == nil {
				w.issueUpToCap()
			}
		}
	}
	// The day after has come early, once; it is not given again.
	if gained := w.model.Central.Issued - before; gained > cap {
		t.Errorf("%s issued beyond the cap of %s", gained, cap)
	}
	w.Now += dayMillis / 2
	if err := try(); err == nil || err.Code != ledger.CapReached {
		t.Errorf("the day that was taken ahead was given twice: %v", err)
	}
	// A higher cap waits, and root can stop it.
	raise := w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{DailyCap: 1 << 60}})
	if err := try(); err == nil {
		t.Error("a proposed cap was in force at once")
	}
	w.Must(&token.Veto{Sequence: 1, Proposal: raise.ID()})
	w.Now += 10 * dayMillis
	w.Must(w.payment(w.alice, w.rich, 1))
	if w.model.Central.DailyCap != cap {
		t.Error("a vetoed cap took effect")
	}
}

// issueUpToCap issues what is left of the day's cap.
func (w *town) issueUpToCap() {
	a := &w.model.Central
	if left := a.DailyCap - a.IssuedToday; left > 0 {
		w.issue(left)
	}
}

func TestCapStraddlingMidnight(t *testing.T) {
	// The cap is of a calendar day, so two of them may meet at midnight; never three.
	w := newTown(t)
	w.Now = sim.StartMillis + 19*3_600_000 - 1
	w.issueUpToCap()
	w.Now++
	cap := w.model.Central.DailyCap
	w.issue(cap)
	w.expect(ledger.CapReached, &token.Issue{Sequence: w.model.Central.Set(token.RoleIssue).Sequence, To: w.bank, Amounts: []money.Tiyn{1}})
	if w.model.Central.Issued != 2*cap {
		t.Errorf("issued %s", w.model.Central.Issued)
	}
}

func TestAttackThievesOfAKeySet(t *testing.T) {
	w := newTown(t)
	// Thieves of the policy set announce keys of their own, shorten the delay and fill their share of the list.
	thieves := w.setOf("thief 1", "thief 2")
	theft := w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{Set: token.RolePolicy, Keys: &thieves}})
	w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{DelayMillis: token.MinDelayMillis}})
	for {
		spam := w.Make(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{DailyCap: 1}})
		if err := w.Try(spam); err != nil {
			if err.Code != ledger.TooManyProposals {
				t.Fatal(err)
			}
			break
		}
	}
	// Root has room for its own proposal, and stops theirs one by one.
	fresh := w.setOf("fresh 1", "fresh 2")
	w.Must(&token.Propose{By: token.RoleRoot, Sequence: 1, Change: token.Change{Set: token.RolePolicy, Keys: &fresh}})
	w.expectTx(ledger.NotAuthorised, w.Sign(&token.Veto{Sequence: 2, Proposal: theft.ID()}, w.Now+1, w.By(token.RolePolicy, 2)))
	w.Must(&token.Veto{Sequence: 2, Proposal: theft.ID()})
	for i := 0; i < len(w.model.Central.Proposals); {
		p := w.model.Central.Proposals[i]
		if p.By == token.RolePolicy {
			w.Must(&token.Veto{Sequence: w.model.Central.Set(token.RoleRoot).Sequence, Proposal: p.ID})
			continue
		}
		i++
	}
	w.Now += dayMillis
	w.Must(w.payment(w.alice, w.rich, 1))
	if got := w.model.Central; got.Sets[2].Keys[0] != fresh.Keys[0] || got.DelayMillis != dayMillis || len(got.Proposals) != 0 {
		t.Errorf("root did not prevail: %+v", got.Proposals)
	}
	// A delay that shortens binds only what comes after it.
	w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{DelayMillis: token.MinDelayMillis}})
	w.Now += dayMillis / 2
	late := w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(), Change: token.Change{DailyCap: 7}})
	w.Now += dayMillis / 2
	w.Must(w.payment(w.alice, w.rich, 1))
	if got := w.model.Central; got.DelayMillis != token.MinDelayMillis || got.DailyCap == 7 || got.Proposals[0].ID != late.ID() {
		t.Error("a proposal took effect before the delay that it was made under")
	}
}

func TestAttackHidingBehindIncomingMoney(t *testing.T) {
	// A co-payer's money does not raise what a wallet may pay, nor may it be made to pay unasked.
	w := newTown(t)
	unasked := &token.Transfer{Parties: []token.WalletID{w.bob, w.alice}, Payers: 1, Inputs: w.tokensOf(w.alice), Outputs: []token.Output{{Party: 1, Amount: w.model.Wallets[w.alice].Balance}}}
	w.expect(ledger.WrongOwner, unasked)
	bystander := w.payment(w.alice, w.rich, kzt)
	bystander.Parties = []token.WalletID{w.alice, w.bob, w.rich}
	bystander.Payers = 2
	bystander.Outputs[0].Party = 2
	w.expect(token.Unused, bystander) // a payer who owns no input
}
