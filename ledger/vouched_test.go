package ledger_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

func (f *fair) vouch(agency token.WalletID, wallet token.WalletID, as string, withdrawn bool) *token.Error {
	a, _ := f.model.Agency(agency)
	return f.Try(f.Make(&token.Vouch{Agency: agency, Sequence: a.Sequence, Wallet: wallet, As: as, Withdrawn: withdrawn}))
}

// A purpose that asks its agency who is a canteen believes no bank, and no other agency; what is taken back opens nothing more.
func TestAnAgencyVouchesForWhomItsMoneyPays(t *testing.T) { newFair(t).asksItsAgency() }

func (f *fair) asksItsAgency() {
	p := sim.Meals(f.treasury, f.Now)
	p.Permits = []token.Permit{{When: `"ministry/canteen" in payee.vouched`}, {When: `payee.role == "school"`, Becomes: token.BecomesSame}}
	meals := f.purpose(p)
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, meals))
	pay := func() *token.Error { return f.Try(f.Make(f.earmarked(f.school, f.canteen, kzt, meals, 0))) }
	f.tried(pay(), contract.PurposeForbids) // its bank calls it a canteen

	other := token.RegisteredID(f.Must(&token.SetAgency{Sequence: f.policySequence(), Name: "other", Keys: f.setOf("other")}).ID())
	f.tried(f.vouch(other, f.canteen, "canteen", false), "")
	f.tried(pay(), contract.PurposeForbids)
	f.tried(f.vouch(f.agency, f.canteen, "canteen", false), "")
	f.tried(pay(), "")

	f.tried(f.vouch(f.agency, f.canteen, "canteen", false), ledger.Duplicate)
	f.tried(f.vouch(f.agency, f.canteen, "school", true), token.OutOfRange)
	f.Must(&token.SetAgency{Sequence: f.policySequence(), Agency: f.agency, Name: "ministry", Keys: f.setOf("ministry"), Suspended: true})
	f.tried(f.vouch(f.agency, f.school, "school", false), ledger.Suspended)
	f.tried(pay(), "") // what it said stands
	f.tried(f.vouch(f.agency, f.canteen, "canteen", true), "")
	f.tried(pay(), contract.PurposeForbids)
}

// Whom nobody may vouch for, how often, and under which rules.
func TestVouchingIsBounded(t *testing.T) {
	newFair(t).vouchesTooFar()
	vouchesTooEarly(t)
}

// vouchesTooEarly vouches, and asks for it, under rules that know nothing of it.
func vouchesTooEarly(t *testing.T) {
	old := fairIn(townUnder(t, 3))
	old.tried(old.vouch(old.agency, old.shop, "shop", false), ledger.LaterRules)
	p := sim.Meals(old.treasury, old.Now)
	p.Name, p.Permits = "vouched meals", []token.Permit{{When: `"ministry/canteen" in payee.vouched`}}
	old.expect(contract.BadDefinition, &token.RegisterPurpose{Agency: old.agency, Sequence: 2, Purpose: p})
}

// vouchesTooFar breaks each rule of vouching.
func (f *fair) vouchesTooFar() {
	escrow := f.escrow(kzt)
	f.tried(f.vouch(f.agency, escrow, "shop", false), ledger.OfContract)
	f.tried(f.vouch(f.agency, f.bank, "shop", false), ledger.Treasury)
	f.tried(f.vouch(f.agency, token.WalletID{9}, "shop", false), ledger.UnknownWallet)
	f.expect(ledger.UnknownAgency, &token.Vouch{Agency: f.shop, Sequence: 1, Wallet: f.shop, As: "shop"})
	f.expect(ledger.StaleVersion, &token.Vouch{Agency: f.agency, Sequence: 77, Wallet: f.shop, As: "shop"})
	for i := range ledger.MaxVouched {
		f.tried(f.vouch(f.agency, f.shop, fmt.Sprint("w", i), false), "")
	}
	f.tried(f.vouch(f.agency, f.shop, "one-more", false), token.TooMany)
	before := f.model.Wallets[f.shop].Version
	f.tried(f.vouch(f.agency, f.shop, "w0", true), "")
	if f.model.Wallets[f.shop].Version != before {
		f.t.Error("a testimony makes the owner's version stale")
	}
	f.Must(&token.Rekey{Wallet: f.shop, Version: uint64(before), By: token.RoleEnforcement, Key: f.Key("shop's next").Public()})
	f.tried(f.vouch(f.agency, f.shop, "w1", false), ledger.Duplicate) // it is of the wallet, not of its key
}

// A contract asks it of its parties, and a snapshot keeps it.
func TestContractsAskWhatIsVouchedFor(t *testing.T) {
	f := newFair(t)
	source, problems := contract.Parse([]byte(`
contract: guild
parties: [buyer, mason]
create: {by: buyer, when: '"ministry/mason" in mason.vouched', takes: {tenge: any}}
actions: {take: {by: mason, when: '"ministry/mason" in caller.vouched', pay: [{to: mason, amount: rest}], ends: true}}
end: {at: created + day, pay: {buyer: 1}}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	create := func() *token.Create {
		return &token.Create{Creator: f.rich, Definition: f.define(source.Definition.Encode()), Parties: []token.WalletID{f.rich, f.shop}, Assets: []uint32{0},
			Paid: []money.Tiyn{kzt}, Inputs: f.of(f.rich, 0)}
	}
	f.expect(contract.GuardNotMet, create())
	f.tried(f.vouch(f.agency, f.shop, "mason", false), "")
	id := token.RegisteredID(f.Must(create()).ID())
	f.Must(f.action(id, f.shop, "take"))
}

func TestSnapshotsKeepWhatIsVouchedFor(t *testing.T) {
	w := sim.NewWorld(1)
	state := livestate.New([32]byte{1})
	chain, town := w.Story(state)
	var snapshot bytes.Buffer
	at := livestate.Position{Network: w.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()}
	if _, err := state.WriteSnapshot(&snapshot, at); err != nil {
		t.Fatal(err)
	}
	again, _, err := livestate.ReadSnapshot(bytes.NewReader(snapshot.Bytes()), [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	detail := again.Detail(town.Alice)
	if got, want := ledger.Testimonies(again, &detail), []string{"ministry/KZ-35", "ministry/teacher"}; !slices.Equal(got, want) {
		t.Errorf("the snapshot says %q of Alice, want %q", got, want)
	}
}
