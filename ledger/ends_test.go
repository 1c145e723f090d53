package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

func hashOf(data []byte) token.Hash { return sha256.Sum256(data) }

func (w *town) has(id token.WalletID) money.Tiyn { return w.model.Wallets[id].Balance }

const days = uint64(86_400_000)

// plainContract creates a contract of plain tenge out of a definition in YAML, or a template.
func (w *town) plainContract(definition []byte, creator token.WalletID, paid money.Tiyn, parties []token.WalletID, terms ...token.Value) token.WalletID {
	w.t.Helper()
	w.mustTry(w.Make(&token.Define{Registrar: token.Authority, Sequence: w.policySequence(), Definition: definition}))
	create := &token.Create{Creator: creator, Definition: hashOf(definition), Parties: parties, Assets: []uint32{0}, Terms: terms, Paid: []money.Tiyn{paid}}
	if paid > 0 {
		create.Inputs = w.tokensOf(creator)
	}
	tx := w.Make(create)
	w.mustTry(tx)
	return token.RegisteredID(tx.ID())
}

func (w *town) acts(id, caller token.WalletID, action string, paid money.Tiyn, args ...token.Value) *token.Error {
	w.t.Helper()
	act := &token.Act{Contract: id, Version: w.model.Contract(id).Version, Action: action, Caller: caller, Args: args, Paid: []money.Tiyn{paid}}
	if paid > 0 {
		act.Inputs = w.tokensOf(caller)
	}
	return w.Try(w.Make(act))
}

func definitionOf(t *testing.T, text string) []byte {
	t.Helper()
	source, problems := contract.Parse([]byte(text))
	if problems != nil {
		t.Fatal(problems)
	}
	if _, problems = source.Check(); problems != nil {
		t.Fatal(problems)
	}
	return source.Definition.Encode()
}

// again replays the chain's log, and reads a snapshot of what it gives: both are the same state.
func (w *town) again() {
	w.t.Helper()
	state := livestate.New([32]byte{7})
	if err := w.Replay(state); err != nil {
		w.t.Fatal(err)
	}
	var first, second bytes.Buffer
	position := livestate.Position{Network: w.Network, Leaf: w.Leaf, LogSize: w.Size, LogRoot: w.Root()}
	if _, err := state.WriteSnapshot(&first, position); err != nil {
		w.t.Fatal(err)
	}
	back, _, err := livestate.ReadSnapshot(bytes.NewReader(first.Bytes()), [32]byte{8})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := back.WriteSnapshot(&second, position); err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		w.t.Fatal("a snapshot, read and written again, differs")
	}
	for _, id := range w.model.Contracts() {
		c, other := w.model.Contract(id), back.Contract(id)
		if fmt.Sprint(c.Instance) != fmt.Sprint(other.Instance) || fmt.Sprint(c.Tokens) != fmt.Sprint(other.Tokens) {
			w.t.Fatalf("contract %s is %+v, and after a snapshot %+v", id, c, other)
		}
	}
}

// Nobody does anything, and everybody has his money back; a node that stood still for a month decides as one that did not.
func TestAMissedGoalReturnsByItself(t *testing.T) {
	for _, late := range []uint64{0, 30 * days} {
		w := newTown(t)
		backers := []token.WalletID{w.bob, w.alice, w.rich, w.alice, w.alice, w.alice, w.alice, w.alice}
		deadline := w.Now + 10*days
		id := w.plainContract(sim.Template("crowdfunding"), w.bob, 0, backers, token.Int(int64(3_000_000*kzt)), token.Int(int64(deadline)))
		alice, rich := w.has(w.alice), w.has(w.rich)
		if err := w.acts(id, w.alice, "pledge1", 400_000*kzt+1); err != nil {
			t.Fatal(err)
		}
		if err := w.acts(id, w.rich, "pledge2", 2_500_000*kzt+2); err != nil {
			t.Fatal(err)
		}
		w.again()
		w.Now = deadline + late
		w.Block()
		if w.has(w.alice) != alice || w.has(w.rich) != rich || w.has(w.bob) != 0 || w.model.Contract(id) != nil {
			t.Errorf("alice %s of %s, rich %s of %s", w.has(w.alice), alice, w.has(w.rich), rich)
		}
		w.again()
	}
}

func TestAReachedGoalPaysTheMakerByItself(t *testing.T) {
	w := newTown(t)
	parties := []token.WalletID{w.rich, w.alice, w.bob, w.bob, w.bob, w.bob, w.bob, w.bob}
	id := w.plainContract(sim.Template("crowdfunding"), w.rich, 0, parties, token.Int(int64(300_000*kzt)), token.Int(int64(w.Now+days)))
	rich := w.has(w.rich)
	if err := w.acts(id, w.alice, "pledge1", 300_000*kzt); err != nil {
		t.Fatal(err)
	}
	w.Now += days
	w.Block()
	if w.has(w.rich) != rich+300_000*kzt {
		t.Errorf("the maker has %s more", w.has(w.rich)-rich)
	}
	w.again()
}

// Eighteen years in a contract that lives ten: it goes on by itself, with its money, its state and its next version.
func TestSavingsOutliveTenYears(t *testing.T) {
	w := newTown(t)
	until := w.Now + 18*366*days
	id := w.plainContract(sim.Template("savings"), w.rich, 1000*kzt, []token.WalletID{w.rich, w.alice, w.bob}, token.Int(int64(until)))
	alice := w.has(w.alice)
	version := w.model.Contract(id).Version
	w.Now += 3650*days + 5
	w.Block()
	c := w.model.Contract(id)
	if c == nil || c.EndsMillis != until || c.Version != version+1 || c.Renewals != 1 || w.has(id) != 1000*kzt {
		t.Fatalf("%+v", c)
	}
	w.again()
	if err := w.acts(id, w.rich, "add", 10*kzt); err != nil { // it is a contract as before
		t.Fatal(err)
	}
	w.again()
	w.Now = until - 1
	w.Block()
	if w.has(w.alice) != alice {
		t.Fatal("it was paid early")
	}
	w.Now = until
	w.Block()
	if w.has(w.alice) != alice+1010*kzt || w.model.Contract(id) != nil {
		t.Errorf("the child has %s more", w.has(w.alice)-alice)
	}
	w.again()

	// A node that slept through both ends catches up with both, in one block.
	id = w.plainContract(definitionOf(t, yearly), w.rich, 1000*kzt, []token.WalletID{w.rich, w.alice})
	alice = w.has(w.alice)
	w.Now += 400 * days * 4
	w.Block()
	if w.has(w.alice) != alice+1000*kzt || w.model.Contract(id) != nil {
		t.Errorf("alice has %s more, and the contract is %v", w.has(w.alice)-alice, w.model.Contract(id))
	}
	if kinds := systemsOf(w.Blocks[len(w.Blocks)-1]); !slices.Equal(kinds, []ledger.SystemKind{ledger.SystemRenewal, ledger.SystemRenewal, ledger.SystemEnd}) {
		t.Errorf("it caught up by %v", kinds)
	}
	w.again()
}

// systemsOf lists what happened by itself in a block.
func systemsOf(block [][]byte) (kinds []ledger.SystemKind) {
	for _, data := range block {
		if e, _ := ledger.DecodeEntry(data); e.System != nil {
			kinds = append(kinds, e.System.Kind)
		}
	}
	return kinds
}

// yearly pays a part at each of its ends, and goes on twice.
const yearly = `
contract: yearly
parties: [giver, taker]
state: {years: 0}
create: {by: giver, takes: {tenge: any}}
actions:
  pay_year:
    from: ends
    when: state.years < 2
    pay: [{to: taker, amount: "part(left.tenge, 1, 3)"}]
    set: {years: state.years + 1}
    extends: ends + 365 * day
end: {at: created + 365 * day, do: pay_year, pay: {taker: 1}}
`

// Each renewal makes tokens with ids of its own, and the sum stays.
func TestARenewalPays(t *testing.T) {
	w := newTown(t)
	id := w.plainContract(definitionOf(t, yearly), w.rich, 900, []token.WalletID{w.rich, w.alice})
	alice := w.has(w.alice)
	for _, want := range []money.Tiyn{300, 500, 900} {
		w.Now += 365 * days
		w.Block()
		if got := w.has(w.alice) - alice; got != want {
			t.Fatalf("paid %s, want %s", got, want)
		}
		w.again()
	}
	if w.model.Contract(id) != nil {
		t.Error("it is not gone")
	}
}

// A renewal does not lift a contract over the life of its money: then the shares are paid.
func TestARenewalDoesNotOutliveItsMoney(t *testing.T) {
	f := newFair(t)
	definition := definitionOf(t, yearly)
	f.Must(&token.Define{Registrar: token.Authority, Sequence: f.model.Central.Set(token.RolePolicy).Sequence, Definition: definition})
	agency := f.model.Agencies()[0]
	a, _ := f.model.Agency(agency)
	f.Must(&token.RegisterPurpose{Agency: agency, Sequence: a.Sequence, Purpose: token.Purpose{Name: "pension", Earmark: "true", Permits: []token.Permit{{When: "true", Becomes: token.BecomesSame}},
		FromMillis: f.Now, UntilMillis: f.Now + 400*days, Returns: f.treasury, Contracts: []token.Hash{hashOf(definition)}}})
	number := uint32(f.model.Purposes())
	f.Must(f.earmarked(f.treasury, f.shop, 90*kzt, 0, number))
	create := f.Must(&token.Create{Creator: f.shop, Definition: hashOf(definition), Parties: []token.WalletID{f.shop, f.canteen}, Assets: []uint32{number}, Terms: []token.Value{},
		Inputs: f.of(f.shop, number), Paid: []money.Tiyn{90 * kzt}})
	id := token.RegisteredID(create.ID())
	f.Now = f.model.Contract(id).EndsMillis
	f.Block()
	if f.balanceOf(f.canteen, number) != 90*kzt || f.model.Contract(id) != nil {
		t.Errorf("%s at the end, %v", f.balanceOf(f.canteen, number), f.model.Contract(id))
	}
	if err := f.Replay(ledger.NewModel()); err != nil {
		t.Fatal(err)
	}
}

// The rules' register is the log's own tree: the same roots, and proofs that each takes from the other.
func TestARegisterIsATreeOfTheLog(t *testing.T) {
	var leaves []token.Hash
	var tree txlog.Tree
	for n := 1; n <= 130; n++ {
		entry := fmt.Append(nil, "member ", n)
		leaves = append(leaves, contract.MemberLeaf(entry))
		tree.Add(txlog.LeafHash(entry))
		if root := contract.MembersRoot(leaves); txlog.Hash(root) != tree.Root() {
			t.Fatalf("of %d leaves the root is %s, the log's %s", n, root, tree.Root())
		}
		for at := range leaves {
			path := contract.MemberProof(leaves, at)
			var proof []txlog.Hash
			for ; len(path) > 0; path = path[32:] {
				proof = append(proof, txlog.Hash(path[:32]))
			}
			if err := txlog.VerifyInclusion(txlog.Hash(leaves[at]), uint64(at), uint64(n), proof, tree.Root()); err != nil {
				t.Fatalf("leaf %d of %d: %v", at, n, err)
			}
		}
	}
}

// A register lives through log and snapshot.
func TestARegisterIsKept(t *testing.T) {
	w := newTown(t)
	leaves := []token.Hash{contract.MemberLeaf(contract.MemberOf(w.alice, 100)), contract.MemberLeaf(contract.MemberOf(w.bob, 200)), contract.MemberLeaf(contract.MemberOf(w.court, 300))}
	root := contract.MembersRoot(leaves)
	id := w.plainContract(sim.Template("pool"), w.rich, 600, []token.WalletID{w.rich, w.court},
		token.Bytes(root[:]), token.Int(3), token.Int(600), token.Int(100), token.Int(50), token.Int(int64(w.Now+30*days)))
	document := hashOf([]byte("the rain"))
	w.mustTry(w.Make(&token.Act{Contract: id, Version: 1, Action: "settle", Caller: w.court, Args: []token.Value{token.Int(40)}, Paid: []money.Tiyn{0}, Document: &document}))
	w.again()
	bob := w.has(w.bob)
	path := contract.MemberProof(leaves, 1)
	if err := w.acts(id, w.alice, "claim", 0, token.Int(200), token.Int(1), token.Bytes(path)); err == nil || err.Code != contract.GuardNotMet {
		t.Fatalf("another claims: %v", err)
	}
	if err := w.acts(id, w.bob, "claim", 0, token.Int(200), token.Int(1), token.Bytes(path)); err != nil {
		t.Fatal(err)
	}
	leaves[1] = contract.MemberLeaf(nil)
	if w.has(w.bob) != bob+200 || w.model.Contract(id).Registers[0] != contract.MembersRoot(leaves) {
		t.Errorf("bob has %s more, the register is %s", w.has(w.bob)-bob, w.model.Contract(id).Registers[0])
	}
	if err := w.acts(id, w.bob, "claim", 0, token.Int(200), token.Int(1), token.Bytes(path)); err == nil {
		t.Fatal("bob claims twice")
	}
	w.again()
}
