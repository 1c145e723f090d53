package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// fair is a town with an agency, a purpose for school meals, and who deals in it.
type fair struct {
	*town
	agency                                   token.WalletID
	treasury, school, canteen, shop, arbiter token.WalletID
	meals                                    uint32
	until                                    uint64
}

func newFair(t *testing.T) *fair { return fairIn(newTown(t)) }

func fairIn(w *town) *fair {
	f := &fair{town: w, meals: 1}
	f.agency = token.RegisteredID(w.Must(&token.SetAgency{Sequence: w.policySequence(), Name: "ministry", Keys: w.setOf("ministry")}).ID())
	f.treasury = f.holder("treasury", "treasury", 2)
	f.school = f.holder("school", "school", 2)
	f.canteen = f.holder("canteen", "canteen", 2)
	f.shop = f.holder("shop", "shop", 2)
	f.arbiter = f.holder("arbiter", "arbiter", 2)
	f.fund(f.treasury, 1_000_000*kzt)
	purpose := sim.Meals(f.treasury, w.Now)
	f.until = purpose.UntilMillis
	f.purpose(purpose)
	return f
}

func (f *fair) holder(name, role string, tier uint8) token.WalletID {
	sequence := f.model.Intermediaries[f.bank].Sequence
	return token.RegisteredID(f.Must(&token.Register{Registrar: f.bank, Sequence: sequence, Key: f.Key(name).Public(), Tier: tier, Attributes: token.Attributes{Role: role}}).ID())
}

// purpose registers a purpose and returns its number.
func (f *fair) purpose(p token.Purpose) uint32 {
	if n := f.model.Purposes(); n > 0 && p.Name == sim.Meals(p.Returns, 0).Name {
		p.Name = fmt.Sprintf("other meals %d", n) // of an agency's live purposes each has its own
	}
	a, _ := f.model.Agency(f.agency)
	f.Must(&token.RegisterPurpose{Agency: f.agency, Sequence: a.Sequence, Purpose: p})
	return uint32(f.model.Purposes())
}

// balanceOf is a wallet's money of a purpose.
func (f *fair) balanceOf(id token.WalletID, purpose uint32) (sum money.Tiyn) {
	for _, t := range f.model.Tokens {
		if t.Wallet == id && t.Asset.Purpose == purpose {
			sum += t.Amount
		}
	}
	return sum
}

// of lists a wallet's tokens of a purpose in id order.
func (f *fair) of(id token.WalletID, purpose uint32) (ids []token.ID) {
	return slices.DeleteFunc(f.tokensOf(id), func(t token.ID) bool { return f.model.Tokens[t].Asset.Purpose != purpose })
}

// earmarked pays an amount of a purpose, as which it arrives, and keeps the rest.
func (f *fair) earmarked(from, to token.WalletID, amount money.Tiyn, purpose, becomes uint32) *token.EarmarkedTransfer {
	t := &token.EarmarkedTransfer{Parties: []token.WalletID{from}, Inputs: f.of(from, purpose)}
	party := 0
	if to != from {
		t.Parties, party = append(t.Parties, to), 1
	}
	t.Outputs = []token.EarmarkedOutput{{Party: party, Amount: amount, From: purpose, Becomes: becomes}}
	if rest := f.balanceOf(from, purpose) - amount; rest > 0 {
		t.Outputs = append(t.Outputs, token.EarmarkedOutput{Amount: rest, From: purpose, Becomes: purpose})
	}
	return t
}

// endow marks money of the treasury and gives it to the school.
func (f *fair) endow(amount money.Tiyn) {
	f.Must(f.earmarked(f.treasury, f.school, amount, 0, f.meals))
}

// define registers a definition and returns its id.
func (f *fair) define(encoded []byte) token.Hash {
	id := token.Hash(sha256.Sum256(encoded))
	if _, known := f.model.Definition(id); !known {
		f.Must(&token.Define{Registrar: f.bank, Sequence: f.model.Intermediaries[f.bank].Sequence, Definition: encoded})
	}
	return id
}

// creation makes a contract of a template with the creator's plain money.
func (f *fair) creation(template string, creator token.WalletID, parties []token.WalletID, paid money.Tiyn, terms ...token.Value) *token.Create {
	t := &token.Create{Creator: creator, Definition: f.define(f.Template(template)), Parties: parties, Assets: []uint32{0}, Terms: terms, Paid: []money.Tiyn{paid}}
	if paid > 0 {
		t.Inputs = f.of(creator, 0)
	}
	return t
}

func (f *fair) escrow(price money.Tiyn) token.WalletID {
	return token.RegisteredID(f.Must(f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, price, token.Int(int64(price)), token.Int(2))).ID())
}

// action calls an action that takes nothing.
func (f *fair) action(id, caller token.WalletID, name string, args ...token.Value) *token.Act {
	t := &token.Act{Contract: id, Action: name, Caller: caller, Args: args, Paid: []money.Tiyn{0}, Version: 1}
	if c := f.model.Contract(id); c != nil {
		t.Version, t.Paid = c.Version, make([]money.Tiyn, len(c.Assets))
	}
	return t
}

// paying adds what the caller brings.
func (f *fair) paying(t *token.Act, amounts ...money.Tiyn) *token.Act {
	c := f.model.Contract(t.Contract)
	t.Paid = amounts
	for i, amount := range amounts {
		if amount > 0 {
			t.Inputs = append(t.Inputs, f.of(t.Caller, c.Assets[i])...)
		}
	}
	return t
}

// programProvocations breaks every rule of programmable money by name.
var programProvocations = map[token.Code]func(w *town, code token.Code){
	ledger.Earmarked: func(w *town, code token.Code) {
		f := fairIn(w)
		f.endow(100 * kzt)
		f.expect(code, f.payment(f.school, f.canteen, 10*kzt))
		b := f.payment(f.rich, f.canteen, 10*kzt)
		b.Outputs[0].Asset = token.PurposeAsset(f.meals)
		f.expect(code, b)
	},
	ledger.WrongEarmark: func(w *town, code token.Code) {
		f := fairIn(w)
		f.endow(100 * kzt)
		f.expect(code, f.earmarked(f.school, f.canteen, 10*kzt, f.meals, f.meals))
		f.expect("", f.earmarked(f.school, f.canteen, 10*kzt, f.meals, 0))
	},
	ledger.HopsUsed: func(w *town, code token.Code) {
		f := fairIn(w)
		second := f.holder("school 2", "school", 2)
		f.endow(100 * kzt)                                                     // marked: no hop
		f.Must(f.earmarked(f.school, second, 60*kzt, f.meals, f.meals))        // one
		f.Must(f.earmarked(second, f.school, 50*kzt, f.meals, f.meals))        // two, of two
		f.expect(code, f.earmarked(f.school, second, 5*kzt, f.meals, f.meals)) // merging takes the largest
		var fresh []token.ID
		for _, id := range f.of(f.school, f.meals) {
			if f.model.Tokens[id].Hops == 0 {
				fresh = append(fresh, id)
			}
		}
		b := f.earmarked(f.school, second, 5*kzt, f.meals, f.meals)
		b.Inputs, b.Outputs[1].Amount = fresh, 35*kzt
		f.expect("", b)
		f.expect("", f.earmarked(f.school, f.canteen, kzt, f.meals, 0)) // what ends the mark is no hop
	},
	ledger.PurposeFull: func(w *town, code token.Code) {
		f := fairIn(w)
		p := sim.Meals(f.treasury, f.Now)
		p.Name, p.MaxTotal = "few meals", 100*kzt
		number := f.purpose(p)
		f.expect(code, f.earmarked(f.treasury, f.school, 101*kzt, 0, number))
		twice := f.earmarked(f.treasury, f.school, 60*kzt, 0, number)
		twice.Outputs = append([]token.EarmarkedOutput{{Party: 1, Amount: 60 * kzt, Becomes: number}}, twice.Outputs...)
		twice.Outputs[2].Amount -= 60 * kzt
		f.expect(code, twice)
		f.expect("", f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
		f.expect(code, f.earmarked(f.treasury, f.school, 1*kzt, 0, number))
	},
	ledger.UnknownAgency: func(w *town, code token.Code) {
		w.expect(code, &token.SetAgency{Sequence: w.policySequence(), Agency: w.alice, Name: "x", Keys: w.setOf("x")})
		w.expect(code, &token.RegisterPurpose{Agency: w.alice, Sequence: 1, Purpose: sim.Meals(w.rich, w.Now)})
	},
	ledger.BadName: func(w *town, code token.Code) {
		f := fairIn(w)
		for _, name := range []string{"2", "m\u0435als", "be\u200bef", "\u202ebeef", "a/b", "plain"} {
			p := sim.Meals(f.treasury, f.Now)
			p.Name = name
			f.expect(code, &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: p})
			f.expect(code, &token.SetAgency{Sequence: w.policySequence(), Name: name, Keys: w.setOf("x")})
		}
	},
	ledger.NameTaken: func(w *town, code token.Code) {
		f := fairIn(w)
		p := sim.Meals(f.treasury, f.Now)
		for _, name := range []string{p.Name, "School meals", "schoolmeals", "sch00l meals"} {
			again := p
			again.Name = name
			f.expect(code, &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: again})
		}
		f.expect(code, &token.SetAgency{Sequence: w.policySequence(), Name: "Ministry", Keys: w.setOf("x")})
		other := token.RegisteredID(f.Must(&token.SetAgency{Sequence: f.policySequence(), Name: "other", Keys: f.setOf("other")}).ID())
		f.expect(code, &token.SetAgency{Sequence: w.policySequence(), Agency: other, Name: "ministry", Keys: w.setOf("other")})
		f.expect("", &token.RegisterPurpose{Agency: other, Sequence: 1, Purpose: p}) // another agency's is another name
		f.Now = p.UntilMillis
		f.Block()
		p.FromMillis, p.UntilMillis = f.Now, f.Now+1000_000
		f.expect("", &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: p}) // the first has ended
	},
	ledger.UnknownPurpose: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.earmarked(f.treasury, f.school, kzt, 0, 9))
		p := sim.Meals(f.treasury, f.Now)
		p.Permits[0].Becomes = 9
		p.Name = "others"
		f.expect(code, &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: p})
		create := f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, kzt, token.Int(int64(kzt)), token.Int(2))
		create.Assets = []uint32{9}
		f.expect(code, create)
	},
	ledger.NotAmendable: func(w *town, code token.Code) {
		f := fairIn(w)
		f.tried(f.amend(f.meals, func(*token.Purpose) {}), code)
	},
	ledger.ShortNotice: func(w *town, code token.Code) {
		f := fairIn(w)
		f.tried(f.amend(f.purpose(f.care()), func(p *token.Purpose) { p.FromMillis-- }), code)
	},
	ledger.Amended: func(w *town, code token.Code) {
		f := fairIn(w)
		number := f.purpose(f.care())
		f.tried(f.amend(number, func(*token.Purpose) {}), "")
		f.tried(f.amend(number, func(*token.Purpose) {}), code)
		f.Now += 2 * days
		f.expect(code, f.earmarked(f.treasury, f.school, kzt, 0, number))
	},
	ledger.UnknownDefinition: func(w *town, code token.Code) {
		f := fairIn(w)
		create := f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, kzt, token.Int(int64(kzt)), token.Int(2))
		create.Definition[0] ^= 1
		f.expect(code, create)
	},
	ledger.UnknownContract: func(w *town, code token.Code) {
		f := fairIn(w)
		id := f.escrow(100 * kzt)
		f.expect(code, f.action(f.shop, f.rich, "release"))
		release := f.action(id, f.rich, "release")
		f.expect("", release)
		f.expect(code, release) // closed twice
		f.expect(code, f.action(id, f.arbiter, "refund"))
	},
	ledger.OfContract: func(w *town, code token.Code) {
		f := fairIn(w)
		id := f.escrow(100 * kzt)
		f.expect(code, f.payment(f.alice, id, kzt))
		f.expect(code, f.earmarked(f.treasury, id, kzt, 0, f.meals))
		f.expect(code, &token.Update{Wallet: id, Version: 1})
		f.expect(code, &token.Rekey{Wallet: id, Version: 1, By: token.RoleIntermediary, Key: f.Key("thief").Public()})
		f.expect(code, f.creation("escrow", f.rich, []token.WalletID{f.rich, id, f.arbiter}, kzt, token.Int(int64(kzt)), token.Int(2)))
		p := sim.Meals(id, f.Now)
		p.Name = "others"
		f.expect(code, &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: p})
	},
	ledger.NotAdmitted: func(w *town, code token.Code) {
		f := fairIn(w)
		f.endow(100 * kzt)
		create := f.creation("escrow", f.school, []token.WalletID{f.school, f.canteen, f.arbiter}, 0, token.Int(int64(kzt)), token.Int(2))
		create.Assets, create.Paid, create.Inputs = []uint32{f.meals}, []money.Tiyn{kzt}, f.of(f.school, f.meals)
		f.expect(code, create)
	},
	contract.BadDefinition: func(w *town, code token.Code) {
		f := fairIn(w)
		d, err := contract.Decode(sim.Template("escrow"))
		if err != nil {
			w.t.Fatal(err)
		}
		d.End.Pay = nil
		f.expect(code, &token.Define{Registrar: f.bank, Sequence: f.model.Intermediaries[f.bank].Sequence, Definition: d.Encode()})
		p := sim.Meals(f.treasury, f.Now)
		p.Earmark = "memo == 1"
		p.Name = "others"
		f.expect(code, &token.RegisterPurpose{Agency: f.agency, Sequence: 2, Purpose: p})
	},
	contract.BadTerms: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop}, kzt, token.Int(int64(kzt)), token.Int(2)))
		f.expect(code, f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, kzt, token.Int(int64(kzt))))
		f.expect(code, f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, kzt, token.Int(int64(kzt)), token.Text("2")))
	},
	contract.UnknownAction: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.action(f.escrow(100*kzt), f.rich, "steal"))
	},
	contract.BadArguments: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.action(f.escrow(100*kzt), f.arbiter, "divide"))
	},
	contract.WrongCaller: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.action(f.escrow(100*kzt), f.shop, "release"))
	},
	contract.TooEarly: func(w *town, code token.Code) {
		f := fairIn(w)
		id := token.RegisteredID(f.Must(f.creation("refund", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, 100*kzt, token.Int(int64(100*kzt)), token.Int(0), token.Int(14))).ID())
		f.expect(code, f.action(id, f.shop, "collect"))
	},
	contract.TooLate: func(w *town, code token.Code) {
		f := fairIn(w)
		id := token.RegisteredID(f.Must(f.creation("refund", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, 100*kzt, token.Int(int64(100*kzt)), token.Int(0), token.Int(14))).ID())
		f.Now += 15 * dayMillis
		f.expect(code, f.action(id, f.rich, "send_back"))
	},
	contract.GuardNotMet: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.action(f.escrow(100*kzt), f.arbiter, "divide", token.Int(int64(101*kzt))))
	},
	contract.WrongDocument: func(w *town, code token.Code) {
		f := fairIn(w)
		id := f.invoice()
		forged := token.Hash{1}
		pay := f.paying(f.action(id, f.rich, "pay"), 116*kzt, 0)
		f.expect(code, pay)
		pay.Document = &forged
		f.expect(code, pay)
	},
	contract.WrongPayment: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.creation("escrow", f.rich, []token.WalletID{f.rich, f.shop, f.arbiter}, 2*kzt, token.Int(int64(kzt)), token.Int(2)))
		f.expect(code, f.paying(f.action(f.escrow(100*kzt), f.rich, "release"), kzt))
		id := f.escrow(100 * kzt)
		act := f.action(id, f.rich, "release")
		act.Paid = []money.Tiyn{0, 0}
		f.expect(code, act)
	},
	contract.NotCovered: func(w *town, code token.Code) {
		f := fairIn(w)
		id := f.loose(100 * kzt)
		f.expect(code, f.action(id, f.shop, "take", token.Int(-5)))
	},
	contract.CannotEvaluate: func(w *town, code token.Code) {
		f := fairIn(w)
		id := f.loose(100 * kzt)
		f.expect(code, f.action(id, f.shop, "divide", token.Int(0)))
	},
	contract.PurposeForbids: func(w *town, code token.Code) {
		f := fairIn(w)
		f.endow(100 * kzt)
		f.expect(code, f.earmarked(f.school, f.shop, 10*kzt, f.meals, 0))
		f.expect(code, f.earmarked(f.school, f.school, 10*kzt, f.meals, 0)) // to itself it frees nothing
		p := sim.Meals(f.treasury, f.Now)
		p.MaxPayment = 5 * kzt
		number := f.purpose(p)
		f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
		f.expect(code, f.earmarked(f.school, f.canteen, 6*kzt, number, 0))
	},
	contract.PurposeNotBegun: func(w *town, code token.Code) {
		f := fairIn(w)
		p := sim.Meals(f.treasury, f.Now)
		p.FromMillis = f.Now + 1000
		number := f.purpose(p)
		f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, number))
		f.expect(code, f.earmarked(f.school, f.canteen, 6*kzt, number, 0))
	},
	contract.PurposeExpired: func(w *town, code token.Code) {
		f := fairIn(w)
		f.endow(100 * kzt)
		tx := f.earmarked(f.school, f.canteen, 10*kzt, f.meals, 0)
		for range ledger.MaxPaidPerBlock + 1 { // more than returns in one block, so that some is left to try
			f.model.AddToken(token.OutputID(token.TransactionID{7}, len(f.model.Tokens)), ledger.Token{Wallet: f.school, Asset: token.PurposeAsset(f.meals), Amount: 1})
			w.model.Central.Issued++
			f.model.Purpose(f.meals).Entered++
			s := f.model.Wallets[f.school]
			s.Balance++
			s.Tokens++
			f.model.Wallets[f.school] = s
		}
		f.Now = f.until
		left := f.lastToReturn(tx)
		refusals := f.Block(f.Make(left), f.Make(f.earmarked(f.treasury, f.school, kzt, 0, f.meals)))
		for _, refusal := range refusals {
			if refusal == nil || refusal.Code != code {
				w.t.Errorf("%v, want %s", refusal, code)
			}
		}
	},
	contract.EarmarkingForbidden: func(w *town, code token.Code) {
		f := fairIn(w)
		f.expect(code, f.earmarked(f.rich, f.school, 10*kzt, 0, f.meals))
	},
}

// lastToReturn is a payment of the token whose turn to return comes last.
func (f *fair) lastToReturn(t *token.EarmarkedTransfer) *token.EarmarkedTransfer {
	ids := f.of(f.school, f.meals)
	last := ids[len(ids)-1]
	t.Inputs = []token.ID{last}
	t.Outputs = []token.EarmarkedOutput{{Party: 1, Amount: f.model.Tokens[last].Amount, From: f.meals}}
	return t
}

// invoice is a contract of the VAT split between rich, who buys, and a shop that pays VAT.
func (f *fair) invoice() token.WalletID {
	seller := f.holder("seller", "vat-payer", 2)
	definition := f.define(sim.Template("vat-split"))
	f.agency = token.RegisteredID(f.Must(&token.SetAgency{Sequence: f.policySequence(), Name: "revenue", Keys: f.setOf("revenue")}).ID())
	number := f.purpose(token.Purpose{Name: "VAT", Earmark: "true", FromMillis: f.Now, UntilMillis: f.Now + 365*dayMillis, Returns: f.treasury,
		Permits:   []token.Permit{{When: `payee.role == "treasury"`}, {When: `payee.role == "vat-payer"`, Becomes: token.BecomesSame}},
		Contracts: []token.Hash{definition}})
	invoice := sha256.Sum256([]byte("invoice"))
	return token.RegisteredID(f.Must(&token.Create{Creator: seller, Definition: definition, Parties: []token.WalletID{f.rich, seller}, Assets: []uint32{0, number},
		Terms: []token.Value{token.Int(int64(100 * kzt)), token.Int(16), token.Bytes(invoice[:]), token.Int(10)}, Paid: []money.Tiyn{0, 0}}).ID())
}

// loose is a contract whose amounts are checked only when it is executed.
func (f *fair) loose(paid money.Tiyn) token.WalletID {
	d := contract.Definition{Name: "loose", Parties: []string{"owner", "other"}, Assets: []string{"tenge"},
		Create: contract.Action{Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}},
		Actions: []contract.Action{
			{Name: "take", Args: []contract.Field{{Name: "n", Type: token.IntValue}}, Pay: []contract.Payout{{To: "other", Asset: "tenge", Amount: "min(args.n, left.tenge)"}}},
			{Name: "divide", Args: []contract.Field{{Name: "n", Type: token.IntValue}}, When: "1000 / args.n > 0"},
		},
		End: contract.End{At: "created + day", Pay: []contract.Share{{To: "owner", Share: 2}, {To: "other", Share: 1}}},
	}
	return token.RegisteredID(f.Must(&token.Create{Creator: f.rich, Definition: f.define(d.Encode()), Parties: []token.WalletID{f.rich, f.shop}, Assets: []uint32{0},
		Inputs: f.of(f.rich, 0), Paid: []money.Tiyn{paid}}).ID())
}
