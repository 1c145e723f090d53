package ledger_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// care is a purpose that may be amended with two days' notice: marked money is paid to shops, 50 at once.
func (f *fair) care() token.Purpose {
	return token.Purpose{Name: "care", Earmark: "true", Permits: []token.Permit{{When: `payee.role == "shop"`}, {When: `payee.role == "school"`, Becomes: token.BecomesSame}},
		MaxPayment: 50 * kzt, FromMillis: f.Now, UntilMillis: f.Now + 100*days, Returns: f.treasury, NoticeMillis: 2 * days}
}

// amend registers an amendment of a purpose, changed as is said.
func (f *fair) amend(number uint32, change func(p *token.Purpose)) *token.Error {
	p := f.model.Purpose(number).Purpose
	p.Amends, p.FromMillis = number, f.Now+p.NoticeMillis
	change(&p)
	a, _ := f.model.Agency(f.agency)
	return f.Try(f.Make(&token.RegisterPurpose{Agency: f.agency, Sequence: a.Sequence, Purpose: p}))
}

func (f *fair) tried(err *token.Error, code token.Code) {
	f.t.Helper()
	if code == "" && err != nil || code != "" && (err == nil || err.Code != code) {
		f.t.Fatalf("got %v, want code %q", err, code)
	}
}

// New money has the new rule, with notice; money that is marked keeps its own, and gains.
func TestAnAmendmentIsForNewMoney(t *testing.T) {
	f := newFair(t)
	old := f.purpose(f.care())
	f.Must(f.earmarked(f.treasury, f.school, 1000*kzt, 0, old))
	f.tried(f.amend(old, func(p *token.Purpose) { // shops no more: canteens, and 80 at once
		p.Permits = []token.Permit{{When: `payee.role == "canteen"`}}
		p.MaxPayment = 80 * kzt
	}), "")
	next := uint32(f.model.Purposes())

	// until it begins nothing is different
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.canteen, 10*kzt, old, 0))), contract.PurposeForbids)
	f.tried(f.Try(f.Make(f.earmarked(f.treasury, f.school, 10*kzt, 0, next))), contract.PurposeNotBegun)
	f.tried(f.Try(f.Make(f.earmarked(f.treasury, f.school, 10*kzt, 0, old))), "")
	f.again()

	f.Now += 2 * days
	f.tried(f.Try(f.Make(f.earmarked(f.treasury, f.school, 10*kzt, 0, old))), ledger.Amended)
	f.tried(f.Try(f.Make(f.earmarked(f.treasury, f.school, 500*kzt, 0, next))), "")
	// the older money: by either rule, each with its own limit
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.shop, 50*kzt, old, 0))), "")
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.shop, 51*kzt, old, 0))), contract.PurposeForbids)
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.canteen, 80*kzt, old, 0))), "")
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.canteen, 81*kzt, old, 0))), contract.PurposeForbids)
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.school, 10*kzt, old, old))), "")
	// the new money: by the new one alone
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.shop, 10*kzt, next, 0))), contract.PurposeForbids)
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.canteen, 10*kzt, next, 0))), "")
	f.again()
}

// In twenty outputs no more is paid at once than in one, whichever of the rules permits each.
func TestAnAmendmentsLimitIsOfATransactionToo(t *testing.T) {
	f := newFair(t)
	number := f.purpose(f.care())
	f.Must(f.earmarked(f.treasury, f.school, 1000*kzt, 0, number))
	f.tried(f.amend(number, func(p *token.Purpose) { p.MaxPayment = 80 * kzt }), "")
	f.Now += 2 * days
	pay := func(amounts ...money.Tiyn) *token.Error {
		m := f.earmarked(f.school, f.shop, amounts[0], number, 0)
		for _, amount := range amounts[1:] {
			m.Outputs = append(m.Outputs, token.EarmarkedOutput{Party: 1, Amount: amount, From: number})
			m.Outputs[1].Amount -= amount
		}
		return f.Try(f.Make(m))
	}
	f.tried(pay(50*kzt, 31*kzt), contract.PurposeForbids)
	f.tried(pay(50*kzt, 30*kzt), "")
	f.tried(pay(40*kzt, 20*kzt, 20*kzt), "")
	f.tried(pay(40*kzt, 20*kzt, 20*kzt, 1), contract.PurposeForbids)
}

func TestAnAmendmentPromisesItsNotice(t *testing.T) {
	f := newFair(t)
	number := f.purpose(f.care())
	same := func(*token.Purpose) {}
	f.tried(f.amend(f.meals, same), ledger.NotAmendable) // it promises nothing, so it never changes
	f.tried(f.amend(number, func(p *token.Purpose) { p.FromMillis-- }), ledger.ShortNotice)
	f.tried(f.amend(number, func(p *token.Purpose) { p.Name = "other care" }), ledger.NotAmendable)
	f.tried(f.amend(number, func(p *token.Purpose) { p.OwnLimits = true }), ledger.NotAmendable)
	f.tried(f.amend(number, func(p *token.Purpose) { p.Amends = 99 }), ledger.UnknownPurpose)
	f.tried(f.amend(number, func(p *token.Purpose) { p.Amends = 0 }), ledger.NameTaken)
	other := token.RegisteredID(f.Must(&token.SetAgency{Sequence: f.policySequence(), Name: "other", Keys: f.setOf("other")}).ID())
	p := f.care()
	p.Amends, p.FromMillis = number, f.Now+2*days
	f.tried(f.Try(f.Make(&token.RegisterPurpose{Agency: other, Sequence: 1, Purpose: p})), ledger.NotAuthorised)
	f.tried(f.amend(number, same), "")
	f.tried(f.amend(number, same), ledger.Amended) // of one purpose one amendment: the next amends that
	last := uint32(f.model.Purposes())
	for range ledger.MaxAmendments - 1 {
		f.tried(f.amend(last, same), "")
		last = uint32(f.model.Purposes())
	}
	f.tried(f.amend(last, same), token.TooMany)
	f.again()
	f.Now = f.model.Purpose(last).UntilMillis
	f.Block()
	f.tried(f.amend(last, func(p *token.Purpose) { p.UntilMillis = f.Now + 100*days }), contract.PurposeExpired)

	// under version 2 there is nothing of it
	w := townUnder(t, 2)
	g := fairIn(w)
	p = g.care()
	a, _ := g.model.Agency(g.agency)
	g.tried(g.Try(g.Make(&token.RegisterPurpose{Agency: g.agency, Sequence: a.Sequence, Purpose: p})), ledger.LaterRules)
}

// A purpose that lasts longer after an amendment keeps the money that is marked; one that is shortened does not take it back early.
func TestAnAmendmentLengthensAndNeverShortens(t *testing.T) {
	f := newFair(t)
	number := f.purpose(f.care())
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
	until := f.model.Purpose(number).UntilMillis
	f.tried(f.amend(number, func(p *token.Purpose) { p.UntilMillis -= 90 * days }), "")
	second := uint32(f.model.Purposes())
	if got := f.model.Purpose(number).UntilMillis; got != until {
		t.Fatalf("it ends at %d, not %d", got, until)
	}
	f.again()
	between := f.care()
	between.Name, between.UntilMillis = "between", until+5
	other := f.purpose(between)
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, other))
	f.tried(f.amend(second, func(p *token.Purpose) { p.UntilMillis = until + 900*days }), "")
	f.again()
	f.Now = until + 10
	f.Block() // what ends between returns, though an older purpose lasts longer by now
	if f.balanceOf(f.school, other) != 0 {
		t.Error("what ends between has not returned")
	}
	f.again()
	f.tried(f.Try(f.Make(f.earmarked(f.school, f.shop, 40*kzt, number, 0))), "")
	f.Now = until + 900*days
	f.Block()
	if f.balanceOf(f.school, number) != 0 || f.model.Purpose(number).Live() != 0 {
		t.Error("it has not returned")
	}
	f.again()
}

// Money that is marked enters contracts of definitions that were admitted later: a refund for a tax that knew none.
func TestAnAmendmentAdmitsContractsForOldMoney(t *testing.T) {
	f := newFair(t)
	number := f.purpose(f.care())
	f.Must(f.earmarked(f.treasury, f.rich, 100*kzt, 0, number))
	// With an end before the money's.
	definition := f.define(definitionOf(t, strings.Replace(yearly, "end: {at: created + 365 * day", "end: {at: created + 20 * day", 1)))
	create := &token.Create{Creator: f.rich, Definition: definition, Parties: []token.WalletID{f.rich, f.shop}, Assets: []uint32{number}, Terms: []token.Value{},
		Inputs: f.of(f.rich, number), Paid: []money.Tiyn{100 * kzt}}
	f.tried(f.Try(f.Make(create)), ledger.NotAdmitted)
	f.tried(f.amend(number, func(p *token.Purpose) { p.Contracts = []token.Hash{definition} }), "")
	f.tried(f.Try(f.Make(create)), ledger.NotAdmitted) // not before it begins
	f.Now += 2 * days
	f.tried(f.Try(f.Make(create)), "")
	f.again()
}

// Whatever an agency amends, whoever holds marked money may do with it what he could when it was marked.
func TestMarkedMoneyNeverLosesByAnAmendment(t *testing.T) {
	roles := []string{"shop", "school", "canteen"}
	rapid.Check(t, func(r *rapid.T) {
		f := newFair(t)
		permits := func() (list []token.Permit) {
			for range rapid.IntRange(1, 3).Draw(r, "permits") {
				list = append(list, token.Permit{When: fmt.Sprintf("payee.role == %q && amount >= %d", rapid.SampledFrom(roles).Draw(r, "role"), rapid.IntRange(0, 40).Draw(r, "least")*100),
					Becomes: rapid.SampledFrom([]uint32{0, token.BecomesSame}).Draw(r, "becomes")})
			}
			return list
		}
		p := f.care()
		p.Permits, p.MaxPayment, p.Hops = permits(), money.Tiyn(rapid.IntRange(0, 50).Draw(r, "most"))*kzt, rapid.Uint16Range(0, 2).Draw(r, "hops")
		number := f.purpose(p)
		f.Must(f.earmarked(f.treasury, f.rich, 1000*kzt, 0, number))
		original, problems := contract.CompilePurpose(p)
		if problems != nil {
			r.Fatal(problems)
		}
		last := number
		for range rapid.IntRange(1, 3).Draw(r, "amendments") {
			if err := f.amend(last, func(p *token.Purpose) {
				p.Permits, p.MaxPayment, p.Hops = permits(), money.Tiyn(rapid.IntRange(0, 50).Draw(r, "most"))*kzt, rapid.Uint16Range(0, 2).Draw(r, "hops")
				p.UntilMillis = p.FromMillis + rapid.Uint64Range(1, 50).Draw(r, "days")*days
			}); err != nil {
				r.Fatal(err)
			}
			last = uint32(f.model.Purposes())
			f.Now += rapid.Uint64Range(0, 3).Draw(r, "wait") * days
		}
		for range 5 {
			to := rapid.SampledFrom([]token.WalletID{f.shop, f.school, f.canteen}).Draw(r, "to")
			amount := money.Tiyn(rapid.IntRange(1, 60).Draw(r, "amount")) * kzt
			w, _ := f.model.Wallet(to)
			becomes, before := original.Permit(&contract.Payment{Payer: &contract.Party{}, Payee: &contract.Party{ID: to, Tier: w.Tier, Attributes: w.Attributes}, Amount: amount, Now: f.Now})
			if before != nil {
				continue
			}
			if becomes == token.BecomesSame {
				becomes = number
			}
			if err := f.Try(f.Make(f.earmarked(f.rich, to, amount, number, becomes))); err != nil {
				r.Fatalf("%s to a %s was permitted when it was marked: %v", amount, w.Attributes.Role, err)
			}
		}
	})
}
