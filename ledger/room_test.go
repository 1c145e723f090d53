package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// shares sets how many definitions of a registrar and purposes of an agency may stand.
func (f *fair) shares(definitions, purposes uint32) {
	policy := f.model.Central.Policy
	policy.DefinitionsEach, policy.PurposesEach = definitions, purposes
	f.Must(&token.SetPolicy{Sequence: f.policySequence(), Policy: policy})
}

// another admits one more agency.
func (f *fair) another(name string) token.WalletID {
	return token.RegisteredID(f.Must(&token.SetAgency{Sequence: f.policySequence(), Name: name, Keys: f.setOf(name)}).ID())
}

// registering is an agency's next purpose, of any name, that ends so many milliseconds from now.
func (f *fair) registering(agency token.WalletID, name string, lasts uint64, permits ...token.Permit) *token.RegisterPurpose {
	a, _ := f.model.Agency(agency)
	p := sim.Meals(f.treasury, f.Now)
	p.Name, p.UntilMillis = name, f.Now+lasts
	p.Permits = append(p.Permits, permits...)
	return &token.RegisterPurpose{Agency: agency, Sequence: a.Sequence, Purpose: p}
}

// variant is a definition like others with a note of its own, so that its id is another.
func variant(note string) []byte {
	source, problems := contract.Parse([]byte(fmt.Sprintf(`
contract: deposit
about: %q
parties: [giver, taker]
create: {by: giver, takes: {tenge: any}}
actions: {take: {by: taker, pay: [{to: taker, amount: rest}], ends: true}}
end: {at: created + day, pay: {giver: 1}}
`, note)))
	if len(problems) > 0 {
		panic(problems.Error())
	}
	return source.Definition.Encode()
}

func (f *fair) defining(bank token.WalletID, note string) *token.Define {
	return &token.Define{Registrar: bank, Sequence: f.model.Intermediaries[bank].Sequence, Definition: variant(note)}
}

func idOf(note string) token.Hash { return sha256.Sum256(variant(note)) }

func (f *fair) stands(note string) bool {
	_, ok := f.model.Definition(idOf(note))
	return ok
}

// An agency that registers all it can fills its own share, and nobody else's: another registers while it is refused. What
// has ended makes room, and no number comes twice.
func TestAnAgencyFillsOnlyItsOwnShare(t *testing.T) { newFair(t).fillsAnAgencysShare() }

func (f *fair) fillsAnAgencysShare() {
	f.shares(0, 4)
	attacker, honest := f.another("attacker"), f.another("honest")
	for i := range 4 {
		f.Must(f.registering(attacker, fmt.Sprint("flood ", i), 3_600_000))
	}
	f.expect(token.TooMany, f.registering(attacker, "flood more", 3_600_000))
	f.Must(f.registering(honest, "books", 3_600_000))
	f.shares(0, 5)
	f.Must(f.registering(attacker, "flood more", 7_200_000)) // number 7
	f.expect(token.TooMany, f.registering(attacker, "flood yet more", 3_600_000))

	f.Now += 3_600_000
	f.Block()
	if f.model.Purpose(2) == nil {
		f.t.Error("what has ended is dropped before its room is wanted")
	}
	// The new one becomes what number 5 was; so that stays, and 2, 3 and 4 make room.
	f.Must(f.registering(attacker, "again", 7_200_000, token.Permit{When: `payee.role == "shop"`, Becomes: 5}))
	if got := f.model.PurposesOf(attacker); !slices.Equal(got, []uint32{5, 7, 8}) {
		f.t.Errorf("of the attacker stand %d, want 5, 7 and 8", got)
	}
	if f.model.Purpose(6) == nil || f.model.Purpose(1) == nil {
		f.t.Error("another agency's purpose made room")
	}
	f.expect(ledger.UnknownPurpose, f.registering(attacker, "of a dropped one", 7_200_000, token.Permit{When: `payee.role == "shop"`, Becomes: 2}))
}

// Of a line of amendments none goes before what amends it, and then all of it may.
func TestALineOfAmendmentsMakesRoomWhole(t *testing.T) {
	f := newFair(t)
	agency := f.another("amender")
	f.shares(0, 3)
	first := f.registering(agency, "line", 3_600_000)
	first.Purpose.NoticeMillis = 1000
	f.Must(first)
	second := f.registering(agency, "line", 7_200_000)
	second.Purpose.NoticeMillis, second.Purpose.Amends, second.Purpose.FromMillis = 1000, 2, f.Now+10_000
	f.Must(second)
	f.Must(f.registering(agency, "beside", 20_000_000))
	f.Now += 7_200_000 - 1
	f.expect(token.TooMany, f.registering(agency, "late", 20_000_000)) // the first lasts as long as what amends it
	f.Now++
	f.Must(f.registering(agency, "late", 20_000_000))
	if got := f.model.PurposesOf(agency); !slices.Equal(got, []uint32{4, 5}) {
		f.t.Errorf("%d stand, want 4 and 5", got)
	}
}

// A contract that was frozen outlasts its purpose, which then stays, and stays what it was.
func TestAPurposeInAFrozenContractMakesNoRoom(t *testing.T) {
	f := newFair(t)
	f.shares(0, 2)
	definition := f.define(variant("held"))
	hour := f.registering(f.agency, "deposits", 172_800_000)
	hour.Purpose.Contracts = []token.Hash{definition}
	f.Must(hour)
	f.Must(f.earmarked(f.treasury, f.school, 100*kzt, 0, 2))
	id := token.RegisteredID(f.Must(&token.Create{Creator: f.school, Definition: definition, Parties: []token.WalletID{f.school, f.canteen}, Assets: []uint32{2},
		Paid: []money.Tiyn{kzt}, Inputs: f.of(f.school, 2)}).ID())
	f.Must(&token.Freeze{Wallet: id, Version: 1, Mode: token.FreezeDebits, Case: "case 1"})
	f.Now += 172_800_000
	f.Block()
	if p := f.model.Purpose(2); p.Live() != 0 || f.model.Contract(id) == nil {
		f.t.Fatalf("%s of an ended purpose are live, contract %v", p.Live(), f.model.Contract(id))
	}
	f.Must(f.registering(f.agency, "next", 3_600_000)) // purpose 1 makes room
	f.expect(token.TooMany, f.registering(f.agency, "after", 3_600_000))
	if f.model.Purpose(1) != nil || f.model.Purpose(2) == nil {
		f.t.Error("the purpose without a contract makes room, the one within a contract does not")
	}
}

// A bank that registers all it can fills its own share; the oldest definition that nothing names makes room, and can be
// registered again.
func TestARegistrarFillsOnlyItsOwnShare(t *testing.T) { newFair(t).fillsARegistrarsShare() }

func (f *fair) fillsARegistrarsShare() {
	f.shares(3, 0)
	admit, other := f.Admit("other bank", f.policySequence(), f.Now+1000)
	f.mustTry(admit)
	live := f.define(variant("in a contract"))
	f.Must(&token.Create{Creator: f.rich, Definition: live, Parties: []token.WalletID{f.rich, f.shop}, Assets: []uint32{0},
		Paid: []money.Tiyn{kzt}, Inputs: f.of(f.rich, 0)})
	admitted := f.define(variant("admitted"))
	p := f.registering(f.agency, "deposits", 3_600_000)
	p.Purpose.Contracts = []token.Hash{admitted}
	f.Must(p)
	for i := range 5 {
		f.Must(f.defining(f.bank, fmt.Sprint("flood ", i)))
	}
	if f.stands("flood 3") || !f.stands("flood 4") || !f.stands("in a contract") || !f.stands("admitted") {
		f.t.Error("not the oldest that nothing names made room")
	}
	f.expect(ledger.UnknownDefinition, &token.Create{Creator: f.rich, Definition: idOf("flood 0"), Parties: []token.WalletID{f.rich, f.shop}, Assets: []uint32{0},
		Paid: []money.Tiyn{kzt}, Inputs: f.of(f.rich, 0)})
	f.Must(f.defining(other, "flood 0"))
	f.Must(&token.Create{Creator: f.rich, Definition: idOf("flood 4"), Parties: []token.WalletID{f.rich, f.shop}, Assets: []uint32{0},
		Paid: []money.Tiyn{kzt}, Inputs: f.of(f.rich, 0)})
	f.expect(token.TooMany, f.defining(f.bank, "no room"))
	f.Must(f.defining(other, "room"))
	f.shares(4, 0)
	f.Must(f.defining(f.bank, "no room"))
	f.shares(2, 0) // a smaller share takes nothing away, and gives nothing
	f.expect(token.TooMany, f.defining(f.bank, "one more"))
}

// However large its share, in one block a registrar registers so many and no more; others go on, and so does it in the next.
func TestRegisteringIsBoundedByTheBlock(t *testing.T) {
	f := newFair(t)
	other := f.another("other")
	var all []*token.Transaction
	a, _ := f.model.Agency(f.agency)
	for i := range ledger.MaxPerBlock + 2 {
		r := f.registering(f.agency, fmt.Sprint("flood ", i), 3_600_000)
		r.Sequence = a.Sequence + uint64(i)
		all = append(all, f.Make(r))
	}
	refusals := f.Block(append(all, f.Make(f.registering(other, "books", 3_600_000)))...)
	for i, err := range refusals {
		wanted := i >= ledger.MaxPerBlock && i < len(all)
		if (err != nil) != wanted || wanted && i == ledger.MaxPerBlock && err.Code != token.TooMany {
			t.Errorf("transaction %d: %v", i, err)
		}
	}
	f.Must(f.registering(f.agency, "next block", 3_600_000))
}

// Under rules before version 5 nobody has a share, and nothing is dropped.
func TestSharesComeWithVersion5(t *testing.T) { namesSharesTooEarly(t) }

func namesSharesTooEarly(t *testing.T) {
	old := fairIn(townUnder(t, 4))
	policy := old.model.Central.Policy
	policy.PurposesEach = 3
	old.expect(ledger.LaterRules, &token.SetPolicy{Sequence: old.policySequence(), Policy: policy})
	old.expect(ledger.LaterRules, &token.Propose{By: token.RolePolicy, Sequence: old.policySequence(), Change: token.Change{Policy: &policy}})
	old.Must(old.defining(old.bank, "old"))
	if by := old.model.Registered(idOf("old")); by != (ledger.Registered{}) {
		t.Errorf("a definition of version 4 is %+v", by)
	}
	g := old.Genesis
	g.Policy = policy
	if err := g.Check(); err == nil || err.Code != ledger.LaterRules {
		t.Errorf("a genesis of version 4 with shares: %v", err)
	}
}

// Whatever is registered and ends, in whatever order, no agency has more than its share, no number comes twice, nothing
// that is named is missing, and the state is the same from the log and from its snapshot.
func TestSharesHoldWhateverIsRegistered(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := newFair(t)
		f.shares(2, 3)
		agencies, given := []token.WalletID{f.agency, f.another("other")}, uint32(1)
		for i := range rapid.IntRange(1, 25).Draw(r, "steps") {
			f.Now += rapid.Uint64Range(0, 5_000).Draw(r, "passes")
			if rapid.IntRange(0, 3).Draw(r, "what") == 0 {
				f.Try(f.Make(f.defining(f.bank, fmt.Sprint(rapid.IntRange(0, 3).Draw(r, "note")))))
				continue
			}
			agency := rapid.SampledFrom(agencies).Draw(r, "agency")
			p := f.registering(agency, fmt.Sprint("purpose ", i), rapid.Uint64Range(1, 20_000).Draw(r, "lasts"))
			p.Purpose.NoticeMillis = 1
			if of := f.model.PurposesOf(agency); len(of) > 0 && rapid.Bool().Draw(r, "names") {
				number := rapid.SampledFrom(of).Draw(r, "of")
				if rapid.Bool().Draw(r, "amends") {
					p.Purpose.Amends, p.Purpose.Name = number, f.model.Purpose(number).Name
					p.Purpose.FromMillis = f.Now + 1
				} else {
					p.Purpose.Permits = append(p.Purpose.Permits, token.Permit{When: `payee.role == "shop"`, Becomes: number})
				}
			}
			p.Purpose.UntilMillis = max(p.Purpose.UntilMillis, p.Purpose.FromMillis+1)
			if f.Try(f.Make(p)) == nil {
				given++
			}
			if last := uint32(f.model.Purposes()); last != given {
				r.Fatalf("%d purposes were registered and the last number is %d", given, last)
			}
		}
		f.holdsItsShares(r, agencies)
		f.survivesASnapshot(r)
	})
}

func (f *fair) holdsItsShares(r *rapid.T, agencies []token.WalletID) {
	for _, agency := range agencies {
		if of := f.model.PurposesOf(agency); len(of) > 3 {
			r.Fatalf("of %s stand %d", agency, of)
		}
	}
	if of := f.model.DefinitionsOf(f.bank); len(of) > 2 {
		r.Fatalf("of the bank stand %d definitions", len(of))
	}
	for _, number := range f.model.PurposeNumbers() {
		p := f.model.Purpose(number)
		if p.Amends != 0 && (f.model.Purpose(p.Amends) == nil || f.model.Purpose(p.Amends).AmendedBy != number) {
			r.Fatalf("purpose %d amends %d, which is gone", number, p.Amends)
		}
		for _, permit := range p.Permits {
			if permit.Becomes != 0 && permit.Becomes != token.BecomesSame && f.model.Purpose(permit.Becomes) == nil {
				r.Fatalf("purpose %d becomes %d, which is gone", number, permit.Becomes)
			}
		}
	}
}

// survivesASnapshot replays the log into a live state, and reads that back from its snapshot.
func (f *fair) survivesASnapshot(r *rapid.T) {
	state := livestate.New([32]byte{1})
	if err := f.Replay(state); err != nil {
		r.Fatal(err)
	}
	at := livestate.Position{Network: f.Network, Leaf: f.Leaf, LogSize: f.Size, LogRoot: f.Root()}
	var first, second bytes.Buffer
	if _, err := state.WriteSnapshot(&first, at); err != nil {
		r.Fatal(err)
	}
	again, _, err := livestate.ReadSnapshot(bytes.NewReader(first.Bytes()), [32]byte{2})
	if err != nil {
		r.Fatal(err)
	}
	if _, err := again.WriteSnapshot(&second, at); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		r.Fatalf("a snapshot read back says something else: %v", err)
	}
	for _, number := range f.model.PurposeNumbers() {
		if got, want := again.Purpose(number), f.model.Purpose(number); got == nil || got.AmendedBy != want.AmendedBy || got.UntilMillis != want.UntilMillis {
			r.Fatalf("purpose %d is %+v, want %+v", number, got, want)
		}
	}
	if got, want := again.DefinitionsOf(f.bank), f.model.DefinitionsOf(f.bank); !slices.Equal(got, want) {
		r.Fatalf("the bank's definitions are %v, want %v", got, want)
	}
}
