package ledger_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"strconv"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const dayMillis = 86_400_000

// provocations breaks every rule of the ledger by name.
var provocations = map[token.Code]func(w *town, code token.Code){
	ledger.TokenNotLive: func(w *town, code token.Code) {
		w.expect(code, &token.Transfer{Parties: []token.WalletID{w.alice}, Payers: 1, Inputs: []token.ID{{1}},
			Outputs: []token.Output{{Amount: 5}}})
		spent := w.payment(w.alice, w.bob, 5*kzt)
		w.Must(spent)
		w.expect(code, spent)
		w.expect(code, &token.Redeem{From: w.bank, Inputs: []token.ID{{1}}, Amount: 5})
		w.freeze(w.alice, token.FreezeDebits)
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: []token.ID{{1}}, Amount: 5, Court: w.court,
			Case: "case 1"})
	},
	ledger.WrongOwner: func(w *town, code token.Code) {
		b := w.payment(w.alice, w.bob, 5*kzt)
		b.Inputs = w.tokensOf(w.rich)
		w.expect(code, b)
		w.expect(code, &token.Redeem{From: w.bank, Inputs: w.tokensOf(w.rich), Amount: 20_000_000 * kzt})
		w.freeze(w.alice, token.FreezeDebits)
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.rich), Amount: 20_000_000 * kzt,
			Court: w.court, Case: "case 1"})
	},
	ledger.BadSignature: func(w *town, code token.Code) {
		tx := w.Make(w.payment(w.alice, w.bob, 5*kzt))
		signature := tx.Witnesses[0]
		signature.Signature[9] ^= 1
		tx.Add(signature)
		w.expectTx(code, tx)
	},
	ledger.MissingSignature: func(w *town, code token.Code) {
		w.expectTx(code, w.Sign(w.payment(w.alice, w.bob, 5*kzt), w.Now+1))
		issue := &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{5}}
		w.expectTx(code, w.Sign(issue, w.Now+1, w.By(token.RoleIssue, 1)))
	},
	ledger.NotAuthorised: func(w *town, code token.Code) {
		issue := &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{5}}
		w.expectTx(code, w.Sign(issue, w.Now+1, w.By(token.RolePolicy, 2)))
		w.expect(code, &token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleRecovery, Key: w.Key("k").Public()})
	},
	ledger.NotBalanced: func(w *town, code token.Code) {
		for _, change := range []money.Tiyn{1, -1} {
			b := w.payment(w.alice, w.bob, 5*kzt)
			b.Outputs[1].Amount += change
			w.expect(code, b)
			w.expect(code, &token.Redeem{From: w.bank, Inputs: w.tokensOf(w.bank), Amount: 5 * kzt,
				Change: w.model.Wallets[w.bank].Balance - 5*kzt + change})
		}
	},
	ledger.Dust: func(w *town, code token.Code) {
		policy := w.model.Central.Policy
		policy.LeastToken = 100
		w.Must(&token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
		w.expect(code, w.payment(w.alice, w.bob, 99))
		w.expect(code, &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{99}})
		w.expect(code, &token.Redeem{From: w.bank, Inputs: w.tokensOf(w.bank), Amount: 99,
			Change: w.model.Wallets[w.bank].Balance - 99})
		w.expect(code, &token.Redeem{From: w.bank, Inputs: w.tokensOf(w.bank), Amount: w.model.Wallets[w.bank].Balance -
			99, Change: 99})
	},
	ledger.PolicyTooMany: func(w *town, code token.Code) {
		policy := w.model.Central.Policy
		policy.MaxInputs, policy.MaxOutputs = 2, 2
		w.Must(&token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
		b := w.payment(w.alice, w.bob, 5*kzt)
		b.Outputs = append(b.Outputs, token.Output{Amount: 1})
		w.expect(code, b)
		b = w.payment(w.alice, w.bob, 5*kzt)
		b.Inputs = []token.ID{{1}, {2}, {3}}
		w.expect(code, b)
		w.expect(code, &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{1, 1, 1}})
		w.expect(code, &token.Redeem{From: w.bank, Inputs: []token.ID{{1}, {2}, {3}}, Amount: 1})
	},
	ledger.LimitPayment: func(w *town, code token.Code) {
		w.expect(code, w.payment(w.alice, w.rich, 500_000*kzt+1))
		w.expect("", w.payment(w.alice, w.rich, 500_000*kzt))
	},
	ledger.LimitDay: func(w *town, code token.Code) {
		w.Must(w.payment(w.alice, w.rich, 500_000*kzt))
		w.Must(w.payment(w.alice, w.rich, 499_999*kzt))
		w.expect(code, w.payment(w.alice, w.rich, kzt+1))
		w.expect("", w.payment(w.alice, w.rich, kzt))
	},
	ledger.LimitBalance: func(w *town, code token.Code) {
		w.expect(code, w.payment(w.alice, w.bob, 12_975*kzt+1))
		w.expect("", w.payment(w.alice, w.bob, 12_975*kzt))
	},
	ledger.LimitPaymentsPerDay: func(w *town, code token.Code) {
		w.fund(w.bob, 1000)
		for range 20 {
			w.Must(w.payment(w.bob, w.rich, 1))
		}
		w.expect(code, w.payment(w.bob, w.rich, 1))
	},
	ledger.Frozen: func(w *town, code token.Code) {
		w.freeze(w.alice, token.FreezeDebits)
		w.expect(code, w.payment(w.alice, w.bob, kzt))
		w.expect("", w.payment(w.rich, w.alice, kzt))
		w.freeze(w.alice, token.FreezeAll)
		w.expect(code, w.payment(w.rich, w.alice, kzt))
		w.freeze(w.bank, token.FreezeAll)
		w.expect(code, &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{5}})
		w.freeze(w.court, token.FreezeAll)
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice)[:1], Amount: kzt, Court: w.court,
			Case: "case 1"})
		w.freeze(w.bob, token.FreezeDebits)
		w.expect(code, &token.Close{Wallet: w.bob, Version: w.version(w.bob), By: token.RoleWallet})
	},
	ledger.RekeyPending: func(w *town, code token.Code) {
		w.rekeyByBank(w.alice, "new")
		w.expect(code, w.payment(w.alice, w.bob, kzt))
		w.expect(code, &token.Rekey{Wallet: w.alice, Version: w.version(w.alice), By: token.RoleIntermediary,
			Key: w.Key("newer").Public()})
		w.expect(code, &token.Update{Wallet: w.alice, Version: w.version(w.alice), Tier: 1})
		w.rekeyByBank(w.bob, "new")
		w.expect(code, &token.Close{Wallet: w.bob, Version: w.version(w.bob), By: token.RoleWallet})
	},
	ledger.NoRekey: func(w *town, code token.Code) {
		w.expect(code, &token.CancelRekey{Wallet: w.alice, Version: w.version(w.alice)})
	},
	ledger.Suspended: func(w *town, code token.Code) {
		w.suspend()
		w.expect(code, w.payment(w.bank, w.alice, kzt))
		w.expect(code, &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{5}})
		w.expect(code, &token.Redeem{From: w.bank, Inputs: w.tokensOf(w.bank), Amount: w.model.Wallets[w.bank].Balance})
		w.expect(code, &token.Register{Registrar: w.bank, Sequence: w.model.Intermediaries[w.bank].Sequence,
			Key: w.Key("k").Public()})
		w.expect(code, &token.Update{Wallet: w.alice, Version: 1, Tier: 1})
		w.expect(code, &token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleIntermediary, Key: w.Key("k").Public()})
		w.expect(code, &token.Close{Wallet: w.bob, Version: 1, By: token.RoleIntermediary})
		w.expect("", w.payment(w.alice, w.bob, kzt)) // its customers go on
	},
	ledger.NotSuspended: func(w *town, code token.Code) {
		w.expect(code, &token.Suspend{Sequence: w.policySequence(), Intermediary: w.bank})
		other := token.RegisteredID(w.Must(w.admission("other")).ID())
		w.expect(code, &token.Move{Sequence: w.policySequence(), From: w.bank, To: other,
			Wallets: []token.WalletID{w.alice}})
	},
	ledger.Expired: func(w *town, code token.Code) {
		w.expectTx(code, w.SignFor(w.model, w.payment(w.alice, w.bob, kzt), w.Now-1))
		w.expectTx("", w.SignFor(w.model, w.payment(w.alice, w.bob, kzt), w.Now))
	},
	ledger.TooFarAhead: func(w *town, code token.Code) {
		ahead := w.model.Central.Policy.ValidAheadMillis
		w.expectTx(code, w.SignFor(w.model, w.payment(w.alice, w.bob, kzt), w.Now+ahead+1))
		w.expectTx("", w.SignFor(w.model, w.payment(w.alice, w.bob, kzt), w.Now+ahead))
		w.expectTx(code, w.SignFor(w.model, &token.CancelRekey{Wallet: w.alice, Version: 1}, w.Now+31*dayMillis))
	},
	ledger.StaleVersion: func(w *town, code token.Code) {
		for _, off := range []uint64{1<<63 - 1, 0} {
			w.expect(code, &token.Update{Wallet: w.alice, Version: off, Tier: 1})
			w.expect(code, &token.Issue{Sequence: off, To: w.bank, Amounts: []money.Tiyn{5}})
			w.expect(code, &token.Suspend{Sequence: off, Intermediary: w.bank, Suspended: true})
			w.expect(code, &token.Veto{Sequence: off})
			w.expect(code, &token.Propose{By: token.RolePolicy, Sequence: off, Change: token.Change{DailyCap: 1}})
		}
	},
	ledger.Duplicate: func(w *town, code token.Code) {
		// An id of 16 bytes that exists cannot be made by hashing: put it there.
		tx := w.Make(&token.Register{Registrar: w.bank, Sequence: w.model.Intermediaries[w.bank].Sequence,
			Key: w.Key("k").Public()})
		w.model.Wallets[token.RegisteredID(tx.ID())] = ledger.Wallet{}
		w.expectTx(code, tx)
		admission := w.Make(w.admission("other"))
		w.model.Wallets[token.RegisteredID(admission.ID())] = ledger.Wallet{}
		w.expectTx(code, admission)
	},
	ledger.CapReached: func(w *town, code token.Code) {
		w.expect(code, &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{950_000_000*kzt + 1}})
		w.expect("", &token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{950_000_000 * kzt}})
	},
	ledger.UnknownWallet: func(w *town, code token.Code) {
		b := w.payment(w.alice, w.bob, kzt)
		b.Parties[1] = token.WalletID{9}
		w.expect(code, b)
		b = w.payment(w.alice, w.bob, kzt)
		b.Parties[0] = token.WalletID{9}
		w.expectTx(code, w.Sign(b, w.Now+1, sim.One(token.RoleWallet, 0, w.Key("alice"))))
		w.expect(code, &token.Close{Wallet: token.WalletID{9}, Version: 1, By: token.RoleWallet})
		w.expect(code, &token.Seize{Wallet: token.WalletID{9}, Inputs: []token.ID{{1}}, Amount: 1, Court: w.court,
			Case: "c"})
		w.freeze(w.alice, token.FreezeDebits)
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice), Amount: kzt, Court: token.WalletID{9},
			Case: "case 1"})
		w.suspend()
		other := token.RegisteredID(w.Must(w.admission("other")).ID())
		w.expect(code, &token.Move{Sequence: w.policySequence(), From: w.bank, To: other,
			Wallets: []token.WalletID{{9}}})
	},
	ledger.UnknownIntermediary: func(w *town, code token.Code) {
		w.expect(code, &token.Issue{Sequence: 2, To: w.alice, Amounts: []money.Tiyn{5}})
		w.expect(code, &token.Redeem{From: w.alice, Inputs: w.tokensOf(w.alice),
			Amount: w.model.Wallets[w.alice].Balance})
		w.expect(code, &token.Suspend{Sequence: w.policySequence(), Intermediary: w.alice, Suspended: true})
		w.expect(code, &token.Register{Registrar: w.alice, Sequence: 1, Key: w.Key("k").Public()})
		w.expect(code, &token.RenewIntermediary{Sequence: w.policySequence(), Intermediary: w.alice,
			Keys: w.setOf("k")})
		w.expect(code, &token.Move{Sequence: w.policySequence(), From: w.bank, To: w.alice,
			Wallets: []token.WalletID{w.bob}})
		w.expect(code, &token.Move{Sequence: w.policySequence(), From: w.alice, To: w.bank,
			Wallets: []token.WalletID{w.bob}})
	},
	ledger.UnknownAsset: func(w *town, code token.Code) {
		for _, id := range w.tokensOf(w.alice) {
			foreign := w.model.Tokens[id]
			foreign.Asset.Issuer = 7
			w.model.Tokens[id] = foreign
		}
		w.expect(code, &token.EarmarkedTransfer{Parties: []token.WalletID{w.alice}, Inputs: w.tokensOf(w.alice),
			Outputs: []token.EarmarkedOutput{{Amount: 2_000_000 * kzt}}})
		w.freeze(w.alice, token.FreezeDebits)
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice),
			Amount: w.model.Wallets[w.alice].Balance, Court: w.court, Case: "case 1"})
	},
	ledger.UnknownTier: func(w *town, code token.Code) {
		w.expect(code, &token.Register{Registrar: w.bank, Sequence: w.model.Intermediaries[w.bank].Sequence,
			Key: w.Key("k").Public(), Tier: 3})
		w.expect(code, &token.Update{Wallet: w.alice, Version: 1, Tier: 3})
		policy := w.model.Central.Policy
		policy.Tiers = policy.Tiers[:2]
		w.expect(code, &token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
		gone := w.model.Wallets[w.alice]
		gone.Tier = 9
		w.model.Wallets[w.alice] = gone
		w.expect(code, w.payment(w.alice, w.bob, kzt))
	},
	ledger.UnknownProposal: func(w *town, code token.Code) {
		w.expect(code, &token.Veto{Sequence: 1, Proposal: token.TransactionID{1}})
	},
	ledger.NotEmpty: func(w *town, code token.Code) {
		w.expect(code, &token.Close{Wallet: w.alice, Version: 1, By: token.RoleWallet})
		w.expect("", &token.Close{Wallet: w.bob, Version: 1, By: token.RoleIntermediary})
	},
	ledger.NotFrozen: func(w *town, code token.Code) {
		w.expect(code, &token.Unfreeze{Wallet: w.alice, Version: 1, Case: "case 1"})
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice), Amount: kzt, Court: w.court,
			Case: "case 1"})
	},
	ledger.WrongCase: func(w *town, code token.Code) {
		w.freeze(w.alice, token.FreezeAll)
		w.expect(code, &token.Freeze{Wallet: w.alice, Version: 2, Mode: token.FreezeDebits, Case: "case 2"})
		w.expect(code, &token.Unfreeze{Wallet: w.alice, Version: 2, Case: "case 2"})
		w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice), Amount: kzt, Court: w.court,
			Case: "case 2"})
	},
	ledger.NotCourt: func(w *town, code token.Code) {
		w.freeze(w.alice, token.FreezeAll)
		pretender := token.RegisteredID(w.Must(&token.Register{Registrar: w.bank,
			Sequence: w.model.Intermediaries[w.bank].Sequence, Key: w.Key("k").Public(), Tier: 2,
			Attributes: token.Attributes{Role: ledger.CourtRole}}).ID()) // registered by a bank
		for _, to := range []token.WalletID{w.rich, pretender} {
			w.expect(code, &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice), Amount: kzt,
				Change: w.model.Wallets[w.alice].Balance - kzt, Court: to, Case: "case 1"})
		}
		w.fund(w.court, kzt)
		w.freeze(w.court, token.FreezeDebits)
		w.expect(code, &token.Seize{Wallet: w.court, Inputs: w.tokensOf(w.court), Amount: kzt, Court: w.court,
			Case: "case 1"})
	},
	ledger.Treasury: func(w *town, code token.Code) {
		w.expect(code, &token.Update{Wallet: w.bank, Version: 1, Tier: 1})
		w.expect(code, &token.Close{Wallet: w.bank, Version: 1, By: token.RoleWallet})
		w.suspend()
		other := token.RegisteredID(w.Must(w.admission("other")).ID())
		w.expect(code, &token.Move{Sequence: w.policySequence(), From: w.bank, To: other,
			Wallets: []token.WalletID{w.bank}})
	},
	ledger.NeedsProposal: func(w *town, code token.Code) {
		policy := w.model.Central.Policy
		policy.RekeyDelayMillis--
		w.expect(code, &token.SetPolicy{Sequence: w.policySequence(), Policy: policy})
	},
	ledger.UnknownRules: func(w *town, code token.Code) {
		w.Must(&token.Propose{By: token.RoleRoot, Sequence: 1,
			Change: token.Change{Rules: ledger.LatestRules + 1, Height: 1}})
		w.Now += w.model.Central.DelayMillis
		w.Block()
		if err := ledger.CheckKnown(w.model.Central.RulesAt(w.Leaf.Height+1), w.Leaf.Height+1); err == nil ||
			err.Code != code {
			w.t.Errorf("the next block follows version %d: %v", w.model.Central.RulesAt(w.Leaf.Height+1), err)
		}
	},
	ledger.LaterRules: func(w *town, code token.Code) {
		old := townUnder(w.t, 1)
		old.expect(code, &token.Cancel{Wallet: old.alice, Version: 1, By: token.RoleWallet})
		old.expect(code, &token.Release{Held: token.HeldFor(old.alice), For: old.alice, By: token.RoleWallet,
			Inputs: []token.ID{{1}}, Amount: 1, To: old.alice})
	},
	ledger.InContract: func(w *town, code token.Code) {
		f := fairIn(w)
		f.Must(f.creation("escrow", f.rich, []token.WalletID{f.rich, f.bob, f.arbiter}, 100*kzt,
			token.Int(int64(100*kzt)), token.Int(2)))
		f.expect(code, &token.Close{Wallet: f.bob, Version: 1, By: token.RoleIntermediary})
	},
	ledger.Held: func(w *town, code token.Code) {
		f := fairIn(w)
		held := f.overpaid()
		f.expect(code, f.payment(f.rich, held, kzt))
		f.expect(code, &token.Update{Wallet: held, Version: 1})
		f.expect(code, &token.Rekey{Wallet: held, Version: 1, By: token.RoleIntermediary, Key: f.Key("thief").Public()})
		f.expect(code, &token.Rekey{Wallet: held, Version: 1, By: token.RoleEnforcement, Key: f.Key("thief").Public()})
		f.expect(code, &token.Close{Wallet: held, Version: 1, By: token.RoleIntermediary})
		f.expect(code, f.creation("escrow", f.rich, []token.WalletID{f.rich, held, f.arbiter}, kzt,
			token.Int(int64(kzt)), token.Int(2)))
	},
	ledger.TooManyProposals: func(w *town, code token.Code) {
		for i := range ledger.MaxProposals / 4 {
			w.Must(&token.Propose{By: token.RolePolicy, Sequence: w.policySequence(),
				Change: token.Change{DailyCap: money.Tiyn(i + 1)}})
		}
		w.expect(code, &token.Propose{By: token.RolePolicy, Sequence: w.policySequence(),
			Change: token.Change{DailyCap: 99}})
	},
}

func (w *town) setOf(names ...string) token.KeySet {
	s := token.KeySet{Threshold: uint8(len(names))}
	for _, name := range names {
		s.Keys = append(s.Keys, w.Key(name).Public())
	}
	return s
}

func (w *town) admission(name string) *token.Admit {
	return &token.Admit{Sequence: w.policySequence(), Name: name, Keys: w.setOf(name),
		Treasury: w.Key(name + " treasury").Public()}
}

func TestEveryRuleRefusesByItsCode(t *testing.T) {
	codes := append(codesIn(t, "errors.go", 30), codesIn(t, "../contract/errors.go", 15)...)
	for _, code := range codes {
		provoke, ok := provocations[code]
		if !ok {
			provoke, ok = programProvocations[code]
		}
		if !ok {
			provoke, ok = cashProvocations[code]
		}
		if !ok {
			provoke, ok = purseProvocations[code]
		}
		if !ok {
			provoke, ok = openersProvocations[code]
		}
		if !ok {
			provoke, ok = validatorsProvocations[code]
		}
		if !ok {
			t.Errorf("no case provokes %s", code)
			continue
		}
		t.Run(string(code), func(t *testing.T) { provoke(newTown(t), code) })
	}
}

// codesIn reads the values of all constants of type token.Code in a file.
func codesIn(t *testing.T, path string, least int) (codes []token.Code) {
	t.Helper()
	file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.SelectorExpr); ok && typ.Sel.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, token.Code(value))
		}
		return true
	})
	if len(codes) < least {
		t.Fatalf("found only %d codes in %s", len(codes), path)
	}
	return codes
}
