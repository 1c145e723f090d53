package livestate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// fromStory is a snapshot of the story, with a key and a proposal that wait.
func fromStory(t testing.TB) (*State, []byte) {
	t.Helper()
	state := New([32]byte{1})
	chain, town := sim.NewWorld(1).Story(state)
	alice, _ := state.Wallet(town.Alice)
	chain.Must(&token.Rekey{Wallet: town.Alice, Version: uint64(alice.Version), By: token.RoleIntermediary,
		Key: chain.Key("alice 3").Public(), Recovery: chain.Key("r 3").Public()})
	var out bytes.Buffer
	at := Position{Network: chain.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()}
	if _, err := state.WriteSnapshot(&out, at); err != nil {
		t.Fatal(err)
	}
	return state, out.Bytes()
}

// recordsOf are a snapshot's records without its trailer.
func recordsOf(t testing.TB, snapshot []byte) (records [][]byte) {
	t.Helper()
	for rest := snapshot[len(snapshotMagic):]; len(rest) > 0; {
		n := binary.BigEndian.Uint32(rest)
		records = append(records, bytes.Clone(rest[4:4+n]))
		rest = rest[4+n:]
	}
	return records[:len(records)-1]
}

// joined is a snapshot of some records under a trailer and a root that are right: what somebody serves who can hash.
func joined(records [][]byte) []byte {
	out := []byte(snapshotMagic)
	var tree txlog.Tree
	add := func(r []byte) { out = append(binary.BigEndian.AppendUint32(out, uint32(len(r))), r...) }
	for _, r := range records {
		add(r)
		tree.Add(txlog.LeafHash(r))
	}
	add(appendTrailer(nil, tree.Size(), tree.Root()))
	return out
}

// consistent reads a snapshot that somebody has made. It is refused, or it is of a state that holds together and that is
// written in these bytes and no others.
func consistent(t interface{ Fatalf(string, ...any) }, made []byte) (accepted bool) {
	s, at, err := ReadSnapshot(bytes.NewReader(made), [32]byte{9})
	if err != nil {
		if !errors.As(err, new(*SnapshotError)) {
			t.Fatalf("%v is no refusal", err)
		}
		return false
	}
	var again bytes.Buffer
	if _, err := s.WriteSnapshot(&again, at); err != nil || !bytes.Equal(again.Bytes(), made) {
		t.Fatalf("what was accepted is written otherwise (%v)", err)
	}
	if s.LiveTotal() != s.authority.Circulating() {
		t.Fatalf("%d live of %d", s.LiveTotal(), s.authority.Circulating())
	}
	for _, slot := range s.wallets.slots() {
		row := s.wallets.at(slot)
		sum := row.value.balance
		tokens := s.TokensOf(row.key, 1<<20)
		for _, one := range tokens {
			sum -= one.Amount
		}
		if sum != 0 || len(tokens) != int(row.value.tokens) {
			t.Fatalf("wallet %s holds %d tokens, %d more than them", row.key, len(tokens), sum)
		}
	}
	return true
}

// A snapshot under a right root, of records that are left out, doubled, exchanged, of another's place, cut or altered,
// is refused or holds together: its root says who made it, and nothing of what is in it.
func TestForgedSnapshotsUnderARightRoot(t *testing.T) {
	_, snapshot := fromStory(t)
	records := recordsOf(t, snapshot)
	if !bytes.Equal(joined(records), snapshot) {
		t.Fatal("the records do not make the snapshot again")
	}
	for i := range records { // each left out, doubled and exchanged with the next
		for name, forged := range map[string][][]byte{
			"left out": slices.Delete(slices.Clone(records), i, i+1),
			"doubled":  slices.Insert(slices.Clone(records), i, records[i]),
		} {
			if consistent(t, joined(forged)) && name == "doubled" {
				t.Fatalf("record %d, of type %d, is accepted twice", i, records[i][1])
			}
		}
		if i+1 < len(records) {
			forged := slices.Clone(records)
			forged[i], forged[i+1] = forged[i+1], forged[i]
			if consistent(t, joined(forged)) {
				t.Fatalf("records %d and %d are accepted in another order", i, i+1)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		forged := slices.Clone(records)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			i := rapid.IntRange(0, len(forged)-1).Draw(t, "record")
			r := bytes.Clone(forged[i])
			switch at := rapid.IntRange(0, len(r)-1).Draw(t, "byte"); rapid.IntRange(0, 4).Draw(t, "how") {
			case 0:
				r[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case 1:
				r[at] = rapid.SampledFrom([]byte{0, 0x17, 0x18, 0x1b, 0x80, 0xf4, 0xf5, 0xff}).Draw(t, "value")
			case 2:
				r = append(r[:at], 0)
			case 3:
				r = slices.Insert(r, at, 0)
			case 4:
				r = records[rapid.IntRange(0, len(records)-1).Draw(t, "other")]
			}
			forged[i] = r
		}
		consistent(t, joined(forged))
	})
}

// A stream that comes byte by byte, with its end, or breaks off with an error is read as far as it goes; one that claims
// a record beyond every bound is not waited for.
func TestStreamsThatComeInPieces(t *testing.T) {
	_, snapshot := fromStory(t)
	for name, in := range map[string]io.Reader{
		"by bytes":     iotest.OneByteReader(bytes.NewReader(snapshot)),
		"by halves":    iotest.HalfReader(bytes.NewReader(snapshot)),
		"with its end": iotest.DataErrReader(bytes.NewReader(snapshot)),
	} {
		if _, at, err := ReadSnapshot(in, [32]byte{}); err != nil || at.LogSize == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]io.Reader{
		"nothing":       bytes.NewReader(nil),
		"a failure":     io.MultiReader(bytes.NewReader(snapshot[:len(snapshot)/2]), iotest.ErrReader(errors.New("gone"))),
		"a long record": io.MultiReader(bytes.NewReader(append([]byte(snapshotMagic), 0xff, 0xff, 0xff, 0xff)), iotest.ErrReader(errors.New("read on"))),
		"an empty one":  bytes.NewReader(append([]byte(snapshotMagic), 0, 0, 0, 0)),
		"another magic": bytes.NewReader(append([]byte("AQSNAP2\n"), snapshot[len(snapshotMagic):]...)),
		"only a frame":  bytes.NewReader(joined(nil)),
	} {
		if s, _, err := ReadSnapshot(in, [32]byte{}); s != nil || !errors.As(err, new(*SnapshotError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every form of the authority's, a contract's, a definition's and a closed wallet's record comes back as it was written,
// and is as long as it needs to be: what an earlier ledger has not takes no byte.
func TestFormsOfRecords(t *testing.T) {
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	size := func(change func(*State)) int {
		t.Helper()
		s := New([32]byte{1})
		sim.NewWorldUnder(5, 1).NewChain(s)
		change(s)
		var out, again bytes.Buffer
		root, err := s.WriteSnapshot(&out, at)
		if err != nil {
			t.Fatal(err)
		}
		length := out.Len()
		back, _, err := ReadSnapshot(bytes.NewReader(out.Bytes()), [32]byte{2})
		if err != nil {
			t.Fatal(err)
		}
		if same, err := back.WriteSnapshot(&again, at); err != nil || same != root {
			t.Errorf("it comes back as another: %v", err)
		}
		if got, want := back.Authority(), s.Authority(); got.Rules != want.Rules || got.Upgrade != want.Upgrade ||
			!slices.Equal(got.Validators.Changes, want.Validators.Changes) || len(got.Reserves) != len(want.Reserves) {
			t.Errorf("%+v, want %+v", got, want)
		}
		return length
	}
	reserve := ledger.CashReserve{Wallet: token.WalletID{4}, Origin: "mint", LogKey: "key",
		Keysets: []ledger.CashKeyset{{Until: 5, Expiry: 6}}}
	plain := size(func(s *State) { s.authority.Rules, s.authority.Upgrade = ledger.FirstRules, ledger.Upgrade{} })
	upgrading := size(func(s *State) { s.authority.Rules, s.authority.Upgrade = 1, ledger.Upgrade{Rules: 2, Height: 70} })
	backed := size(func(s *State) { s.authority.Reserves = []ledger.CashReserve{reserve, reserve} })
	if !(plain < upgrading && upgrading < backed) {
		t.Errorf("%d, %d, %d bytes", plain, upgrading, backed)
	}
	s := New([32]byte{1})
	sim.NewWorldUnder(5, 1).NewChain(s)
	s.authority.Validators.Changes = []uint64{3, 9} // of nobody
	var out bytes.Buffer
	if _, err := s.WriteSnapshot(&out, at); err != nil {
		t.Fatal(err)
	}
	if consistent(t, out.Bytes()) {
		t.Error("a log that nobody signs is read")
	}
	closed := func(c ledger.Closed) int { return size(func(s *State) { s.PutClosed(token.WalletID{8}, c) }) }
	if short, long := closed(ledger.Closed{Registrar: token.WalletID{1}}),
		closed(ledger.Closed{Registrar: token.WalletID{1}, Key: token.PublicKey{1}, Tier: 2}); long <= short {
		t.Errorf("%d bytes with a key, %d without", long, short)
	}
}

// A contract's record holds what was paid in, its freeze, registers and renewals; one that states another number of
// tokens than its wallet has, a freeze that its wallet knows nothing of, or an unknown definition is refused.
func TestContractsThatDoNotFitTheirWallets(t *testing.T) {
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	definition := []byte{1, 2, 3}
	id, name := token.WalletID{5}, token.ID{7}
	made := func(change func(*State, *ledger.Contract)) []byte {
		s := New([32]byte{1})
		sim.NewWorldUnder(5, 1).NewChain(s)
		hash := token.Hash(sha256.Sum256(definition))
		s.AddDefinition(hash, definition, ledger.Registered{Registrar: token.WalletID{1}, Sequence: 1})
		s.PutWallet(id, ledger.Wallet{Version: 1, Contract: true, Balance: 40, Tokens: 1})
		s.AddToken(name, ledger.Token{Wallet: id, Amount: 40})
		s.authority.Issued = 40
		c := &ledger.Contract{Instance: contract.Instance{ID: id, Definition: hash, Parties: []token.WalletID{{9}},
			Assets: []uint32{0}, Version: 1}, Tokens: []token.ID{name}}
		change(s, c)
		s.AddContract(c)
		var out bytes.Buffer
		if _, err := s.WriteSnapshot(&out, at); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	lengths := map[int]bool{}
	for name, change := range map[string]func(*State, *ledger.Contract){
		"plain":     func(*State, *ledger.Contract) {},
		"paid in":   func(_ *State, c *ledger.Contract) { c.PaidIn = append(c.PaidIn, 40) },
		"registers": func(_ *State, c *ledger.Contract) { c.Registers = []token.Hash{{1}} },
		"renewed":   func(_ *State, c *ledger.Contract) { c.Renewals = 2 },
		"frozen": func(s *State, c *ledger.Contract) {
			c.Frozen = true
			w, _ := s.Wallet(id)
			w.Frozen = token.FreezeAll
			s.PutWallet(id, w)
		},
	} {
		out := made(change)
		if !consistent(t, out) {
			_, _, err := ReadSnapshot(bytes.NewReader(out), [32]byte{})
			t.Errorf("%s: %v", name, err)
		}
		lengths[len(out)] = true
	}
	if len(lengths) < 4 {
		t.Errorf("forms of %v bytes", lengths)
	}
	for name, change := range map[string]func(*State, *ledger.Contract){
		"a token that is not there": func(_ *State, c *ledger.Contract) { c.Tokens[0] = token.ID{8} },
		"a token that it forgets":   func(_ *State, c *ledger.Contract) { c.Tokens[0] = token.ID{} },
		"marked money":              func(_ *State, c *ledger.Contract) { c.Assets[0] = 3 },
		"an unknown definition":     func(_ *State, c *ledger.Contract) { c.Definition[0]++ },
		"a freeze of its own":       func(_ *State, c *ledger.Contract) { c.Frozen = true },
		"another's wallet":          func(_ *State, c *ledger.Contract) { c.ID[0]++ },
		"half of what was paid in":  func(_ *State, c *ledger.Contract) { c.PaidIn = append(c.PaidIn, 20, 20) },
		"nobody":                    func(_ *State, c *ledger.Contract) { c.Parties = nil },
		"a wallet that is no contract's": func(s *State, _ *ledger.Contract) {
			w, _ := s.Wallet(id)
			w.Contract = false
			s.PutWallet(id, w)
		},
		"a second wallet of a contract": func(s *State, _ *ledger.Contract) {
			s.PutWallet(token.WalletID{6}, ledger.Wallet{Version: 1, Contract: true})
		},
	} {
		if consistent(t, made(change)) {
			t.Errorf("a contract with %s is read", name)
		}
	}
}
