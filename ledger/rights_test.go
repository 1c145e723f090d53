package ledger_test

import (
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// The table in docs/rights.md: each right over a wallet, every path that gets there, how long it waits, who can stop
// it. A path that is shorter than the others is a hole in all of them.

const rekeyDelay = 86_400_000 // of the worlds' policy

// saved is a wallet with a recovery key.
func (w *town) saved(name string) token.WalletID {
	return token.RegisteredID(w.Must(&token.Register{Registrar: w.bank,
		Sequence: w.model.Intermediaries[w.bank].Sequence, Tier: 2,
		Key: w.Key(name).Public(), Recovery: w.Key(name + " recovery").Public()}).ID())
}

func TestTheRightToTakeAWallet(t *testing.T) {
	for name, path := range map[string]struct {
		recovery bool // the wallet has a recovery key
		by       token.Role
		waits    bool
	}{
		"its key":                       {by: token.RoleWallet},
		"its key beside a recovery key": {recovery: true, by: token.RoleWallet, waits: true},
		"its recovery key":              {recovery: true, by: token.RoleRecovery},
		"its bank":                      {by: token.RoleIntermediary, waits: true},
		"its bank, with recovery":       {recovery: true, by: token.RoleIntermediary, waits: true},
		"enforcement":                   {by: token.RoleEnforcement},
	} { // any order: each by itself
		for _, stops := range []string{"", "wallet", "recovery", "recovery re-keys"} {
			if stops != "" && !path.waits || !path.recovery && (stops == "recovery" || stops == "recovery re-keys") {
				continue
			}
			t.Run(name+", stopped by "+stops, func(t *testing.T) {
				w := newTown(t)
				id := w.bob
				if path.recovery {
					id = w.saved("saved")
				}
				w.fund(id, 100*kzt)
				before := w.model.Wallets[id].Key
				w.Must(&token.Rekey{Wallet: id, Version: 1, By: path.by, Key: w.Key("new").Public()})
				if waits := w.model.Wallets[id].Key == before; waits != path.waits {
					t.Fatalf("it waits: %v", waits)
				}
				if !path.waits {
					return
				}
				w.expect(ledger.RekeyPending, w.payment(id, w.rich, kzt))
				w.expect(ledger.RekeyPending, &token.Rekey{Wallet: id, Version: 2, By: path.by,
					Key: w.Key("newer").Public()})
				switch stops {
				case "wallet":
					w.Must(&token.Cancel{Wallet: id, Version: 2, By: token.RoleWallet})
				case "recovery":
					w.Must(&token.Cancel{Wallet: id, Version: 2, By: token.RoleRecovery})
				case "recovery re-keys":
					w.Must(&token.Rekey{Wallet: id, Version: 2, By: token.RoleRecovery, Key: w.Key("owner").Public()})
					before = w.Key("owner").Public()
				}
				w.Now += rekeyDelay - 1
				w.Block()
				if w.model.Wallets[id].Key != before {
					t.Fatal("it did not wait the whole delay")
				}
				w.Now++
				w.Block()
				if taken := w.model.Wallets[id].Key == w.Key("new").Public(); taken != (stops == "") {
					t.Errorf("taken: %v", taken)
				}
			})
		}
	}
}

// A stolen wallet key replaced key and recovery key in one transaction, so that the owner's recovery was of no use.
func TestAStolenKeyDoesNotTakeTheRecoveryKey(t *testing.T) {
	w := newTown(t)
	id := w.saved("saved")
	w.Must(&token.Rekey{Wallet: id, Version: 1, By: token.RoleWallet, Key: w.Key("thief").Public(),
		Recovery: w.Key("thief 2").Public()})
	w.Must(&token.Rekey{Wallet: id, Version: 2, By: token.RoleRecovery, Key: w.Key("owner").Public(),
		Recovery: w.Key("recovery 2").Public()})
	w.Now += 2 * rekeyDelay
	w.Block()
	if key := w.model.Wallets[id].Key; key != w.Key("owner").Public() ||
		w.model.Details[id].Recovery != w.Key("recovery 2").Public() {
		t.Error("the thief has it")
	}
	w.expect(ledger.NotAuthorised, &token.Cancel{Wallet: w.bob, Version: 1, By: token.RoleRecovery}) // he has none
}

// The delay in which a wallet's owner can stop his bank was set to a second at once, by two policy keys and without a
// veto, and the bank had the wallet a second later; turning the day began a second day's cap.
func TestWhatProtectsOthersIsProposed(t *testing.T) {
	w := newTown(t)
	shorter, turned, longer := w.model.Central.Policy, w.model.Central.Policy, w.model.Central.Policy
	shorter.RekeyDelayMillis, turned.DayOffsetMillis, longer.RekeyDelayMillis = 1000, 0, 2*rekeyDelay
	w.expect(ledger.NeedsProposal, &token.SetPolicy{Sequence: w.policySequence(), Policy: shorter})
	w.expect(ledger.NeedsProposal, &token.SetPolicy{Sequence: w.policySequence(), Policy: turned})
	propose := func(p token.Policy) *token.Transaction {
		return w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(),
			Change: token.Change{Policy: &p}})
	}
	vetoed := propose(shorter)
	w.Must(&token.Veto{Sequence: 1, Proposal: vetoed.ID()})
	propose(turned)
	more := w.model.Central.Policy
	more.Tiers = append(slices.Clone(more.Tiers), token.Tier{Name: "new"})
	w.Must(&token.SetPolicy{Sequence: w.policySequence(), Policy: more}) // meanwhile
	w.Now += w.model.Central.DelayMillis - 1
	w.Block()
	if p := w.model.Central.Policy; p.DayOffsetMillis == 0 {
		t.Error("it did not wait")
	}
	w.Now++
	w.Block()
	if p := w.model.Central.Policy; p.DayOffsetMillis != 0 || p.RekeyDelayMillis != rekeyDelay ||
		len(p.Tiers) != len(more.Tiers) {
		t.Errorf("the policy is %+v", p)
	}
	longer.DayOffsetMillis, longer.Tiers = 0, more.Tiers
	w.expect("", &token.SetPolicy{Sequence: w.policySequence(), Policy: longer}) // which protects more
	w.expect(ledger.UnknownTier, &token.Propose{By: token.RolePolicy, Sequence: w.policySequence(),
		Change: token.Change{Policy: &turned}})
	old := townUnder(t, 1)
	old.expect(ledger.LaterRules, &token.Propose{By: token.RolePolicy, Sequence: old.policySequence(),
		Change: token.Change{Policy: &shorter}})
	old.expect("", &token.SetPolicy{Sequence: old.policySequence(), Policy: shorter})
}

// A bank closed a wallet at once instead of waiting to re-key it, and took what a contract then paid in its place.
func TestTheRightToCloseAWallet(t *testing.T) {
	for _, stops := range []string{"", "its key", "its recovery key", "money", "a contract", "a freeze",
		"the bank's suspension"} {
		t.Run(stops, func(t *testing.T) {
			f := newFair(t)
			id := f.saved("saved")
			f.Must(&token.Close{Wallet: id, Version: 1, By: token.RoleIntermediary})
			switch stops {
			case "its key":
				f.Must(&token.Cancel{Wallet: id, Version: 2, By: token.RoleWallet})
			case "its recovery key":
				f.Must(&token.Cancel{Wallet: id, Version: 2, By: token.RoleRecovery})
			case "money":
				f.fund(id, kzt)
			case "a contract":
				f.escrowFor(id, 100*kzt)
			case "a freeze":
				f.freeze(id, token.FreezeDebits)
			case "the bank's suspension":
				f.suspend()
			}
			f.Now += rekeyDelay - 1
			f.Block()
			if _, open := f.model.Wallets[id]; !open {
				t.Fatal("it did not wait the whole delay")
			}
			f.Now++
			f.Block()
			w, open := f.model.Wallets[id]
			if open != (stops != "") || w.Rekeying {
				t.Errorf("open: %v, %+v", open, w)
			}
			if c, known := f.model.Closed(id); known == open ||
				known && (c.Key != f.Key("saved").Public() || c.Recovery != f.Key("saved recovery").Public()) {
				t.Errorf("what is kept of it: %+v", c)
			}
		})
	}
	f := newFair(t)
	id := f.saved("saved")
	f.escrowFor(id, 100*kzt)
	f.expect(ledger.InContract, &token.Close{Wallet: id, Version: 1, By: token.RoleIntermediary})
	f.expect("", &token.Close{Wallet: id, Version: 1, By: token.RoleWallet}) // its owner may
}

// keyless are wallets without a key, and others of which a stranger holds no key, in all their states.
func keyless(t *testing.T) (f *fair, wallets map[string]token.WalletID) {
	f, poor := three(t, 1)
	wallets = map[string]token.WalletID{
		"suspense of version 1": ledger.SuspenseOf(f.bank), "frozen": f.shop, "closed": f.bob,
		"of a suspended bank": f.rich,
	}
	f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
	f.upgrade()
	f.Now += dayMillis
	id := f.escrowFor(poor, 30_000*kzt)
	f.Must(f.action(id, f.rich, "release"))
	wallets["holder"], wallets["holder of a frozen wallet's"] = token.HeldFor(poor), token.HeldFor(f.alice)
	f.Must(f.payment(f.alice, f.rich, 400_000*kzt))
	wallets["contract"] = f.escrow(100 * kzt)
	frozen := f.escrow(100 * kzt)
	f.freeze(frozen, token.FreezeAll)
	wallets["frozen contract"] = frozen
	waits := f.saved("waits")
	f.rekeyByBank(waits, "new")
	closing := f.saved("closing")
	f.Must(&token.Close{Wallet: closing, Version: 1, By: token.RoleIntermediary})
	wallets["re-keyed by its bank"], wallets["closed by its bank"], wallets["treasury"], wallets["court"] = waits,
		closing, f.bank, f.court
	f.Must(f.bonding(100 * kzt))
	f.phone("a purse", kzt)
	wallets["reserve"] = token.RegisteredID(f.Must(f.announcing(token.WalletID{}, "an office's")).ID())
	f.suspend()
	return f, wallets
}

// An absent key counted as one that need not sign: nothing is accepted unless a key that stood before has signed.
// Here it is every kind on wallets in every state, with no signature but those by which a stranger's new keys prove
// possession, and his signatures in every role and place.
func TestNothingIsAcceptedWithoutAKeyThatStoodBefore(t *testing.T) {
	f, wallets := keyless(t)
	thief := f.Key("thief")
	tried, kinds := 0, map[token.Kind]bool{}
	for name, id := range wallets { // any order: a refusal changes nothing
		for _, body := range f.wishes(id, thief.Public(), f.arbiter) {
			if _, err := token.New(body, 1); err != nil {
				continue // of bad form: of that role, or to where it lies
			}
			kinds[body.Kind()] = true
			unsigned := f.Sign(body, f.Now+1000)
			signed := f.Sign(body, f.Now+1000)
			for _, role := range []token.Role{token.RoleWallet, token.RoleRecovery, token.RolePossession,
				token.RoleIntermediary, token.RoleEnforcement, token.RolePolicy, token.RoleRoot, token.RoleIssue} {
				if err := signed.SignAs(f.Network, role, 0, thief); err != nil {
					t.Fatal(err)
				}
			}
			possessing := f.Sign(body, f.Now+1000)
			if err := possessing.SignAs(f.Network, token.RolePossession, 0, thief); err != nil {
				t.Fatal(err)
			}
			// any order: refused all
			for how, tx := range map[string]*token.Transaction{"unsigned": unsigned, "signed by a stranger": signed,
				"with a new key's proof": possessing} {
				tried++
				if err := f.Try(tx); err == nil {
					t.Fatalf("%s on the wallet that is %s was executed, %s", body.Kind(), name, how)
				}
			}
		}
	}
	t.Logf("%d transactions", tried)
	if tried < 500 || len(kinds) != int(token.LastKind) {
		t.Errorf("%d transactions of %d kinds show nothing", tried, len(kinds))
	}
}

// wishes are bodies of every kind that name a wallet, such as who has a key and a wallet would like to see executed,
// with the right versions. Some are of bad form.
func (f *fair) wishes(id token.WalletID, key token.PublicKey, to token.WalletID) (bodies []token.Body) {
	version, central := f.version(id), &f.model.Central
	inputs, amount := f.tokensOf(id), f.model.Wallets[id].Balance
	if len(inputs) == 0 {
		inputs, amount = []token.ID{{1}}, kzt
	}
	for _, by := range []token.Role{token.RoleWallet, token.RoleRecovery, token.RoleIntermediary, token.RoleEnforcement,
		token.RoleIssue} {
		bodies = append(bodies, &token.Rekey{Wallet: id, Version: version, By: by, Key: key},
			&token.Rekey{Wallet: id, Version: version, By: by, Key: key, Recovery: f.Key("thief's recovery").Public()})
		bodies = append(bodies, &token.Close{Wallet: id, Version: version, By: by},
			&token.Cancel{Wallet: id, Version: version, By: by})
		for _, of := range []token.WalletID{id, f.bob, f.alice, {}} {
			bodies = append(bodies, &token.Release{Held: token.HeldFor(of), For: of, By: by, Inputs: inputs,
				Amount: amount, To: to},
				&token.Release{Held: id, For: of, By: by, Inputs: inputs, Amount: amount, To: to})
		}
	}
	set := token.KeySet{Threshold: 1, Keys: []token.PublicKey{key}}
	policy := central.Set(token.RolePolicy).Sequence
	bodies = append(bodies,
		&token.Transfer{Parties: []token.WalletID{id, to}, Payers: 1, Inputs: inputs,
			Outputs: []token.Output{{Party: 1, Amount: amount}}},
		&token.EarmarkedTransfer{Parties: []token.WalletID{id, to}, Inputs: inputs,
			Outputs: []token.EarmarkedOutput{{Party: 1, Amount: amount, From: 1}}},
		&token.CancelRekey{Wallet: id, Version: version}, &token.Update{Wallet: id, Version: version, Tier: 2},
		&token.Issue{Sequence: central.Set(token.RoleIssue).Sequence, To: id, Amounts: []money.Tiyn{kzt}},
		&token.Redeem{From: id, Inputs: inputs, Amount: amount},
		&token.Freeze{Wallet: id, Version: version, Mode: token.FreezeAll, Case: "case 1"},
		&token.Unfreeze{Wallet: id, Version: version, Case: "case 1"},
		&token.Seize{Wallet: id, Inputs: inputs, Amount: amount, Court: f.court, Case: "case 1"},
		&token.Register{Registrar: f.bank, Sequence: f.model.Intermediaries[f.bank].Sequence, Key: key},
		&token.Register{Sequence: policy, Key: key},
		&token.Admit{Sequence: policy, Name: "thieves", Keys: set, Treasury: f.Key("thief 2").Public()},
		&token.Suspend{Sequence: policy, Intermediary: f.bank},
		&token.RenewIntermediary{Sequence: policy, Intermediary: f.bank, Keys: set},
		&token.Move{Sequence: policy, From: f.bank, To: to, Wallets: []token.WalletID{id}},
		&token.SetPolicy{Sequence: policy, Policy: central.Policy},
		&token.Propose{By: token.RoleRoot, Sequence: central.Set(token.RoleRoot).Sequence,
			Change: token.Change{Set: token.RoleRoot, Keys: &set}},
		&token.Propose{By: token.RoleRoot, Sequence: central.Set(token.RoleRoot).Sequence,
			Change: token.Change{Rules: 9, Height: 1}},
		&token.SetValidators{Sequence: central.Set(token.RoleRoot).Sequence, Validators: []token.Validator{
			f.Validator("thief")}},
		&token.Veto{Sequence: central.Set(token.RoleRoot).Sequence},
		&token.SetAgency{Sequence: policy, Agency: f.agency, Name: "thieves", Keys: set},
		&token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: sim.Meals(f.treasury, f.Now)},
		&token.Vouch{Agency: f.agency, Sequence: 2, Wallet: id, As: "thief"},
		f.announcing(token.WalletID{}, "a thief's"), &token.StampCash{Reserve: id, Size: 1},
		&token.BondPurses{Intermediary: f.bank, Sequence: f.bankSequence(), Certifier: key, Inputs: f.tokensOf(f.bank),
			Amount: f.model.Wallets[f.bank].Balance},
		&token.OpenPurse{Intermediary: f.bank, Sequence: f.bankSequence(), Owner: id, Key: key, Class: 1,
			Limits: purseLimits, ExpiryMillis: f.Now + 30*dayMillis, Inputs: inputs, Deposit: amount},
		&token.FundPurse{From: id, Purse: f.purseOf(), Inputs: inputs, Amount: amount},
		settling(purse.Link{Purse: f.purseOf(), Number: 1, Amount: kzt, Payee: to}), forgedConviction(f.purseOf()),
		&token.ClosePurse{Purse: f.purseOf()}, &token.ClosePurse{Purse: f.bank},
		&token.AnnounceOpeners{Sequence: policy, Members: 1,
			Commitments: []token.Hash{f.NewOpeners(9, 1, 1).Key.Commitments[0]}},
		forgedOpening(f.purseOf(), f.model.PurseBook()),
		&token.Define{Registrar: f.bank, Sequence: f.model.Intermediaries[f.bank].Sequence, Definition: []byte{1}},
		&token.Create{Creator: id, Definition: sha256.Sum256(f.Template("escrow")),
			Parties: []token.WalletID{id, f.shop, to}, Assets: []uint32{0},
			Terms: []token.Value{token.Int(1), token.Int(1)}, Inputs: inputs, Paid: []money.Tiyn{amount}},
		f.action(id, id, "release"), f.action(id, to, "refund"), f.action(id, to, "release"))
	return bodies
}

// purseOf is a purse that stands, or none.
func (w *town) purseOf() (id token.WalletID) {
	if all := w.model.Purses(); len(all) > 0 {
		return all[0]
	}
	return id
}

// forgedOpening is made with shares of openers that nobody announced.
func forgedOpening(of token.WalletID, book *ledger.PurseBook) *token.OpenName {
	w := sim.NewWorld(5)
	o := w.NewOpeners(9, 1, 1)
	t := &token.OpenPurse{}
	opening, _ := o.Open(of, o.Seal(t, uint32(len(book.Openers)), "nobody"), 0, token.Hash{1}, 1)
	return opening
}

// forgedConviction is a pair that nobody signed.
func forgedConviction(of token.WalletID) *token.ConvictPurse {
	c := purse.NewConviction(token.NetworkID{}, purse.Link{Purse: of, Number: 1, Amount: 1},
		purse.Link{Purse: of, Number: 1, Amount: 2})
	c.A.Signature[0], c.B.Signature[0] = byte(token.Ed25519), byte(token.Ed25519)
	return &token.ConvictPurse{Conviction: c.Append(nil)}
}
