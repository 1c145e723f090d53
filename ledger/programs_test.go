package ledger_test

import (
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

func (f *fair) holds(name string, id token.WalletID, plain, earmarked money.Tiyn) {
	f.t.Helper()
	if p, m := f.balanceOf(id, 0), f.balanceOf(id, f.meals); p != plain || m != earmarked {
		f.t.Errorf("%s holds %s plain and %s marked, want %s and %s", name, p, m, plain, earmarked)
	}
}

func TestMarkedMoneyBecomesPlainAtTheCanteen(t *testing.T) {
	f := newFair(t)
	f.endow(100 * kzt)
	f.Must(f.earmarked(f.school, f.canteen, 30*kzt, f.meals, 0))
	f.holds("school", f.school, 0, 70*kzt)
	f.holds("canteen", f.canteen, 30*kzt, 0)
	if p := f.model.Purpose(f.meals); p.Live() != 70*kzt || p.Entered != 100*kzt {
		t.Errorf("purpose: %+v", p)
	}
	f.Must(f.payment(f.canteen, f.shop, 30*kzt)) // plain: to anybody
}

func TestUnspentMoneyReturnsInOrder(t *testing.T) {
	f := newFair(t)
	f.endow(100 * kzt)
	for range 5 {
		f.Must(f.earmarked(f.school, f.school, 10*kzt, f.meals, f.meals))
	}
	before := f.balanceOf(f.treasury, 0)
	f.Now = f.until
	f.Block()
	f.holds("school", f.school, 0, 0)
	f.holds("treasury", f.treasury, before+100*kzt, 0)
	var last token.ID
	count := 0
	for _, data := range f.Blocks[len(f.Blocks)-1] {
		if e, _ := ledger.DecodeEntry(data); e.System != nil {
			id := e.System.Effects.Spent[0]
			if string(id[:]) < string(last[:]) {
				t.Error("returned out of order")
			}
			last = id
			count++
		}
	}
	if count < 2 {
		t.Fatalf("%d entries", count)
	}
}

func TestReturnsAreBoundedByBlock(t *testing.T) {
	f := newFair(t)
	const many = ledger.MaxPaidPerBlock*2 + 50
	f.Must(f.earmarked(f.treasury, f.school, many, 0, f.meals))
	for live := len(f.of(f.school, f.meals)); live < many; live = len(f.of(f.school, f.meals)) {
		whole := f.of(f.school, f.meals)
		biggest := whole[0]
		for _, id := range whole {
			if f.model.Tokens[id].Amount > f.model.Tokens[biggest].Amount {
				biggest = id
			}
		}
		split := &token.EarmarkedTransfer{Parties: []token.WalletID{f.school}, Inputs: []token.ID{biggest}}
		amount := f.model.Tokens[biggest].Amount
		for range min(int(amount)-1, 63) {
			split.Outputs = append(split.Outputs, token.EarmarkedOutput{Amount: 1, From: f.meals, Becomes: f.meals})
			amount--
		}
		split.Outputs = append(split.Outputs, token.EarmarkedOutput{Amount: amount, From: f.meals, Becomes: f.meals})
		f.Must(split)
	}
	f.Now = f.until
	for _, want := range []int{ledger.MaxPaidPerBlock, ledger.MaxPaidPerBlock, 50} {
		f.Block()
		if got := len(f.Blocks[len(f.Blocks)-1]) - 1; got != want {
			t.Errorf("%d returned in a block, want %d", got, want)
		}
		f.Now++
	}
	f.holds("school", f.school, 0, 0)
}

// three is a fair in which a contract came to its end while one of its three parties was frozen, one closed and one
// over its limit, and their bank was suspended.
func three(t *testing.T, rules uint32) (f *fair, poor token.WalletID) {
	f = fairIn(townUnder(t, rules))
	poor = f.holder("poor", "person", 0) // may hold 12,975
	d := contract.Definition{Name: "three", Parties: []string{"frozen", "closed", "poor"}, Assets: []string{"tenge"},
		Create:  contract.Action{Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}},
		Actions: []contract.Action{{Name: "nothing"}},
		End:     contract.End{At: "created + day", Pay: []contract.Share{{To: "frozen", Share: 1}, {To: "closed", Share: 1}, {To: "poor", Share: 1}}}}
	id := token.RegisteredID(f.Must(&token.Create{Creator: f.rich, Definition: f.define(d.Encode()), Parties: []token.WalletID{f.shop, f.bob, poor},
		Assets: []uint32{0}, Inputs: f.of(f.rich, 0), Paid: []money.Tiyn{300_000*kzt + 2}}).ID())
	f.freeze(f.shop, token.FreezeAll)
	f.Must(&token.Close{Wallet: f.bob, Version: 1, By: token.RoleWallet})
	f.suspend()
	f.Now += dayMillis
	f.Block()
	if f.model.Contract(id) != nil || f.model.Wallets[id].Contract {
		t.Error("the contract is still there")
	}
	f.expect(ledger.Frozen, f.payment(f.shop, f.rich, kzt))
	f.expect(ledger.UnknownContract, f.action(id, f.rich, "nothing"))
	return f, poor
}

// The end pays whatever became of the parties: frozen, closed, or over their limit.
func TestTheEndCannotFail(t *testing.T) {
	for rules, inFull := range map[uint32]money.Tiyn{1: 100_000 * kzt, 2: 12_975 * kzt} { // any order: each by itself
		f, poor := three(t, rules)
		closed := token.HeldFor(f.bob)
		if rules == 1 {
			closed = ledger.SuspenseOf(f.bank)
		}
		for name, of := range map[string]struct {
			wallet token.WalletID
			amount money.Tiyn
		}{
			"frozen": {f.shop, 100_000*kzt + 2}, // with what rounding leaves
			"closed": {closed, 100_000 * kzt}, "poor": {poor, inFull}, "held for the poor": {token.HeldFor(poor), 100_000*kzt - inFull},
		} {
			if got := f.balanceOf(of.wallet, 0); got != of.amount {
				t.Errorf("rules %d: %s got %s, want %s", rules, name, got, of.amount)
			}
		}
	}
}

func TestContractsCountToTheCallersLimits(t *testing.T) {
	f := newFair(t)
	f.fund(f.alice, 900_000*kzt) // 500,000 at once
	terms := []token.Value{token.Int(int64(600_000 * kzt)), token.Int(2)}
	f.expect(ledger.LimitPayment, f.creation("escrow", f.alice, []token.WalletID{f.alice, f.shop, f.arbiter}, 600_000*kzt, terms...))
	terms[0] = token.Int(int64(400_000 * kzt))
	for range 2 {
		f.expect("", f.creation("escrow", f.alice, []token.WalletID{f.alice, f.bob, f.arbiter}, 400_000*kzt, terms...))
	}
	f.expect(ledger.LimitDay, f.creation("escrow", f.alice, []token.WalletID{f.alice, f.bob, f.arbiter}, 400_000*kzt, terms...))
	// Bob may hold 12,975; the rest is held for him.
	id := f.model.Contracts()[0]
	f.Must(f.action(id, f.alice, "release"))
	if got, held := f.balanceOf(f.bob, 0), f.balanceOf(token.HeldFor(f.bob), 0); got != 12_975*kzt || held != 400_000*kzt-got {
		t.Errorf("bob got %s, and %s is held for him", got, held)
	}
}

func TestMoneyOfAPurposeCountsToLimitsUnlessItSaysOtherwise(t *testing.T) {
	f := newFair(t)
	pupil := f.holder("pupil", "school", 0) // may hold 12,975
	f.endow(20_000 * kzt)
	f.expect(ledger.LimitBalance, f.earmarked(f.school, pupil, 13_000*kzt, f.meals, f.meals))
	p := sim.Meals(f.treasury, f.Now)
	p.OwnLimits = true
	number := f.purpose(p)
	f.Must(f.earmarked(f.treasury, pupil, 50_000*kzt, 0, number))
	f.fund(pupil, 12_000*kzt) // still room for plain money
	f.expect(ledger.LimitBalance, f.payment(f.rich, pupil, 1_000*kzt))
	f.Must(f.earmarked(pupil, f.canteen, 20_000*kzt, number, 0)) // and more than the tier pays at once
}

func TestVATIsSetOff(t *testing.T) {
	f := newFair(t)
	id := f.invoice()
	c := f.model.Contract(id)
	seller, vat := c.Parties[1], c.Assets[1]
	f.Must(f.earmarked(f.rich, seller, 6*kzt, 0, vat))   // VAT paid to somebody else before
	f.Must(f.earmarked(seller, seller, 6*kzt, vat, vat)) // merely gathered
	f.expect(contract.PurposeForbids, f.earmarked(seller, f.shop, kzt, vat, 0))
	document := token.Hash([]byte(c.Terms[2].Text))
	pay := f.paying(f.action(id, f.rich, "pay"), 116*kzt, 0)
	pay.Document = &document
	before := f.balanceOf(f.rich, 0)
	f.Must(pay)
	if got := f.balanceOf(f.rich, 0); got != before-116*kzt {
		t.Errorf("the buyer paid %s", before-got)
	}
	if f.balanceOf(seller, 0) != 100*kzt || f.balanceOf(seller, vat) != 22*kzt {
		t.Errorf("the seller has %s and VAT of %s", f.balanceOf(seller, 0), f.balanceOf(seller, vat))
	}
	f.Must(f.earmarked(seller, f.treasury, 22*kzt, vat, 0)) // to the budget: plain
}

func TestAStaleActionIsRefused(t *testing.T) {
	f := newFair(t)
	id := token.RegisteredID(f.Must(f.creation("subscription", f.rich, []token.WalletID{f.rich, f.shop}, 100*kzt,
		token.Int(int64(kzt)), token.Int(3_600_000), token.Int(int64(50*kzt)), token.Int(int64(f.Now+30*dayMillis)))).ID())
	charge := f.action(id, f.shop, "charge")
	f.expect("", charge)
	f.expect(ledger.StaleVersion, charge)
	f.expect(contract.TooEarly, f.action(id, f.shop, "charge"))
	add := f.paying(f.action(id, f.rich, "add"), 5*kzt)
	f.expect("", add)
	if c := f.model.Contract(id); c.Version != 3 || f.model.Tokens[c.Tokens[0]].Amount != 104*kzt {
		t.Errorf("%+v", c)
	}
}

// Since rules version 3 a contract ends before its money's purpose does; those that were made before go on.
func TestAContractDoesNotOutliveItsMoney(t *testing.T) {
	f := newFair(t)
	definition := f.define(sim.Template("work"))
	p := sim.Meals(f.treasury, f.Now)
	p.Name, p.Contracts = "works", []token.Hash{definition}
	number := f.purpose(p)
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
	create := &token.Create{Creator: f.school, Definition: definition, Parties: []token.WalletID{f.school, f.canteen, f.arbiter}, Assets: []uint32{number},
		Terms: []token.Value{token.Int(int64(100 * kzt)), token.Int(int64(p.UntilMillis + 1)), token.Text("ministry/works")}, Inputs: f.of(f.school, number), Paid: []money.Tiyn{100 * kzt}}
	f.expect(contract.BadTerms, create)
	create.Terms[1] = token.Int(int64(p.UntilMillis))
	f.Must(create)
	f.Now = p.UntilMillis
	f.Block() // both end: first the contract, then the money that it gave back
	if got := f.balanceOf(f.school, 0) + f.balanceOf(f.school, number); got != 0 || f.model.Purpose(number).Live() != 0 {
		t.Errorf("the school has %s", got)
	}
}

// The bound of one payment is of what a transaction pays to one payee, in however many outputs.
func TestPaymentMostIsOfAPayeeAndATransaction(t *testing.T) {
	for rules, code := range map[uint32]token.Code{2: "", 3: contract.PurposeForbids} { // any order: each by itself
		f := fairIn(townUnder(t, rules))
		p := sim.Meals(f.treasury, f.Now)
		p.Name, p.MaxPayment = "small meals", 5*kzt
		number := f.purpose(p)
		f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
		b := f.earmarked(f.school, f.canteen, 5*kzt, number, 0)
		b.Outputs[1].Amount -= 1 * kzt
		b.Outputs = append([]token.EarmarkedOutput{{Party: 1, Amount: 1 * kzt, From: number}}, b.Outputs...)
		f.expect(code, b)
		if rules == 3 {
			f.expect("", f.earmarked(f.school, f.canteen, 5*kzt, number, 0))
		}
	}
}

// Hops count the payments that keep the mark; what has used them all is still spent where the purpose sets it free.
func TestTheFreeingPaymentIsNoHop(t *testing.T) {
	for rules, code := range map[uint32]token.Code{2: ledger.HopsUsed, 3: ""} { // any order: each by itself
		f := fairIn(townUnder(t, rules))
		second := f.holder("school 2", "school", 2)
		f.endow(100 * kzt)
		f.Must(f.earmarked(f.school, second, 100*kzt, f.meals, f.meals))
		f.Must(f.earmarked(second, f.school, 100*kzt, f.meals, f.meals))
		f.expect(ledger.HopsUsed, f.earmarked(f.school, second, 5*kzt, f.meals, f.meals))
		f.expect(code, f.earmarked(f.school, f.canteen, 5*kzt, f.meals, 0))
	}
}

func TestExpiredMoneyInAContractReturns(t *testing.T) {
	f := fairIn(townUnder(t, 2))
	definition := f.define(sim.Before3("school-meals"))
	p := sim.Meals(f.treasury, f.Now)
	p.Contracts = []token.Hash{definition}
	number := f.purpose(p)
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
	card := f.holder("card", "school", 0)
	create := &token.Create{Creator: f.school, Definition: definition, Parties: []token.WalletID{f.school, card, f.canteen, f.treasury}, Assets: []uint32{number},
		Terms:  []token.Value{token.Int(int64(10 * kzt)), token.Int(int64(15 * kzt)), token.Int(int64(f.Now + 30*dayMillis))},
		Inputs: f.of(f.school, number), Paid: []money.Tiyn{100 * kzt}}
	id := token.RegisteredID(f.Must(create).ID())
	eat := f.action(id, card, "eat", token.Int(int64(8*kzt)))
	f.expect("", eat)
	if got := f.balanceOf(f.canteen, 0); got != 8*kzt {
		t.Errorf("the canteen got %s plain", got)
	}
	before := f.balanceOf(f.treasury, 0)
	f.Now = p.UntilMillis
	f.Block()
	if got := f.balanceOf(f.treasury, 0); got != before+92*kzt {
		t.Errorf("%s returned", got-before)
	}
	f.expect(contract.GuardNotMet, f.action(id, card, "eat", token.Int(int64(8*kzt)))) // nothing is held
	f.Must(f.action(id, f.school, "stop"))
}

func TestASuspendedAgencyRegistersNothing(t *testing.T) {
	f := newFair(t)
	f.Must(&token.SetAgency{Sequence: f.policySequence(), Agency: f.agency, Name: "ministry", Keys: f.setOf("ministry"), Suspended: true})
	f.expect(ledger.Suspended, &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: sim.Meals(f.treasury, f.Now)})
}

// Marked money asks its purpose at ends too, by an action that ends or at the deadline: what comes back stays as it was,
// whom the purpose permits is paid, and what it forbids returns to the purpose's wallet. Nothing fails.
func TestMarkedMoneyAsksItsPurposeAtEnds(t *testing.T) {
	for _, byAction := range []bool{false, true} {
		for _, c := range []struct {
			rules                      uint32
			payee                      string // of the end
			plain, earmarked, returned money.Tiyn
			hops                       uint16
		}{
			{3, "shop", 0, 0, 50 * kzt, 0},
			{3, "canteen", 50 * kzt, 0, 0, 0},
			{3, "school", 0, 50 * kzt, 0, 0},
			{3, "annex", 0, 50 * kzt, 0, 1}, // another school
			{2, "shop", 0, 50 * kzt, 0, 0},  // as those versions did
		} {
			f := fairIn(townUnder(t, c.rules))
			annex := f.holder("annex", "school", 2)
			payee := map[string]token.WalletID{"shop": f.shop, "canteen": f.canteen, "school": f.school, "annex": annex}[c.payee]
			source, problems := contract.Parse([]byte("contract: trust\nparties: [school, heir]\ncreate: {by: school, takes: {tenge: any}}\n" +
				"actions:\n  stop: {by: heir, ends: true}\nend: {at: created + hour, pay: {heir: 1}}\n"))
			if problems != nil {
				t.Fatal(problems)
			}
			definition := f.define(source.Definition.Encode())
			p := sim.Meals(f.treasury, f.Now)
			p.Name, p.Contracts = "trusted meals", []token.Hash{definition}
			number := f.purpose(p)
			f.Must(f.earmarked(f.treasury, f.school, 50*kzt, 0, number))
			create := &token.Create{Creator: f.school, Definition: definition, Parties: []token.WalletID{f.school, payee}, Assets: []uint32{number},
				Inputs: f.of(f.school, number), Paid: []money.Tiyn{50 * kzt}}
			id, treasury := token.RegisteredID(f.Must(create).ID()), f.balanceOf(f.treasury, 0)
			if byAction {
				f.Must(f.action(id, payee, "stop"))
			} else {
				f.Now += 3_600_000
				f.Block()
			}
			plain, earmarked, returned := f.balanceOf(payee, 0), f.balanceOf(payee, number), f.balanceOf(f.treasury, 0)-treasury
			if plain != c.plain || earmarked != c.earmarked || returned != c.returned || f.model.Purpose(number).Live() != c.earmarked {
				t.Errorf("rules %d, %s, by an action %v: %s plain, %s marked, %s returned", c.rules, c.payee, byAction, plain, earmarked, returned)
			}
			for _, token := range f.of(payee, number) {
				if hops := f.model.Tokens[token].Hops; hops != c.hops {
					t.Errorf("%s: %d hops, want %d", c.payee, hops, c.hops)
				}
			}
		}
	}
}
