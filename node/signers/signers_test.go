package signers_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

var update = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

// history is a log in memory whose validators change, and all checkpoints that its signers would sign.
type history struct {
	t      *testing.T
	world  *sim.World
	chain  *sim.Chain
	hashes []tlog.Hash
	size   uint64
	sets   [][]token.Validator // of each change
	ends   []uint64            // entries up to the end of its block
	at     []uint64            // its entry
	entry  [][]byte
}

func (h *history) ReadHashes(indexes []int64) (list []tlog.Hash, err error) {
	for _, i := range indexes {
		list = append(list, h.hashes[i])
	}
	return list, nil
}

// newHistory begins a log whose genesis names four validators a, b, c and d, and has the sets follow on each other.
func newHistory(t *testing.T, sets ...[]string) *history {
	t.Helper()
	world := sim.NewWorld(24)
	var all [][]token.Validator
	for _, names := range sets {
		all = append(all, named(world, names...))
	}
	return newHistoryOf(t, world, all...)
}

func newHistoryOf(t *testing.T, world *sim.World, sets ...[]token.Validator) *history {
	t.Helper()
	h := &history{t: t, world: world}
	first := h.named("a", "b", "c", "d")
	key, err := signers.Key(h.world.Genesis.Name, first)
	if err != nil {
		t.Fatal(err)
	}
	h.world.Genesis.LogKey = key
	h.world.Refound()
	h.chain = h.world.NewChain(ledger.NewModel())
	h.sets = [][]token.Validator{first}
	h.ends, h.at, h.entry = []uint64{0}, []uint64{0}, [][]byte{nil}
	h.store()
	for _, set := range sets {
		h.pays()
		h.chain.Must(&token.SetValidators{Sequence: sim.RootSequence(h.chain.State), Validators: set})
		entries := h.chain.Blocks[len(h.chain.Blocks)-1]
		h.at, h.entry = append(h.at, h.size+uint64(len(entries))-1), append(h.entry, entries[len(entries)-1])
		h.store()
		h.sets, h.ends = append(h.sets, set), append(h.ends, h.size)
	}
	h.pays()
	return h
}

func (h *history) named(names ...string) []token.Validator { return named(h.world, names...) }

func named(w *sim.World, names ...string) (set []token.Validator) {
	for _, name := range names {
		set = append(set, w.Validator(name))
	}
	return set
}

// pays makes a block of something else.
func (h *history) pays() {
	a := h.chain.State.Authority()
	h.chain.Must(&token.SetPolicy{Sequence: a.Set(token.RolePolicy).Sequence, Policy: a.Policy})
	h.store()
}

// store takes in the chain's last block.
func (h *history) store() {
	for _, entry := range h.chain.Blocks[len(h.chain.Blocks)-1] {
		stored, err := tlog.StoredHashesForRecordHash(int64(h.size), tlog.Hash(txlog.LeafHash(entry)), h)
		if err != nil {
			h.t.Fatal(err)
		}
		h.hashes, h.size = append(h.hashes, stored...), h.size+1
	}
}

func (h *history) root(size uint64) txlog.Hash {
	root, err := tlog.TreeHash(int64(size), h)
	if err != nil {
		h.t.Fatal(err)
	}
	return txlog.Hash(root)
}

// signed is a checkpoint that places of a set have signed.
func (h *history) signed(size uint64, root txlog.Hash, set []token.Validator, places ...int) []byte {
	h.t.Helper()
	text := txlog.Checkpoint{Origin: h.world.Genesis.Name, Size: size, Root: root}.Text()
	signed, err := note.Sign(&note.Note{Text: text}, h.world.Signer(set, places...))
	if err != nil {
		h.t.Fatal(err)
	}
	return signed
}

func hashesOf(proof []tlog.Hash) (list []txlog.Hash) {
	for _, hash := range proof {
		list = append(list, txlog.Hash(hash))
	}
	return list
}

func (h *history) consistency(from, to uint64) []txlog.Hash {
	if from == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(int64(to), int64(from), h)
	if err != nil {
		h.t.Fatal(err)
	}
	return hashesOf(proof)
}

// link shows the i-th change, from 1, by a checkpoint over so many entries.
func (h *history) link(i int, size uint64, places ...int) signers.Link {
	inclusion, err := tlog.ProveRecord(int64(size), int64(h.at[i]), h)
	if err != nil {
		h.t.Fatal(err)
	}
	return signers.Link{Checkpoint: h.signed(size, h.root(size), h.sets[i-1], places...),
		Consistency: h.consistency(h.ends[i-1], size), Index: h.at[i], Entry: h.entry[i],
		Inclusion: hashesOf(inclusion)}
}

func (h *history) links() (list []signers.Link) {
	for i := 1; i < len(h.sets); i++ {
		list = append(list, h.link(i, h.ends[i], 0, 1, 2, 3))
	}
	return list
}

// changing is four validators, a fifth beside them, one of the first gone, and another's keys replaced.
func changing(t *testing.T) *history {
	return newHistory(t, []string{"a", "b", "c", "d", "e"}, []string{"a", "b", "d", "e"}, []string{"a", "b2", "d", "e"})
}

// With the genesis alone, links lead from its key to whoever signs the log now; and each checkpoint on the way is
// signed by those whose turn it was, and by nobody else.
func TestLinksLeadFromTheGenesis(t *testing.T) {
	h := changing(t)
	links := h.links()
	decoded, err := signers.Decode(signers.Encode(links))
	if err != nil {
		t.Fatal(err)
	}
	s, err := signers.FromGenesis(h.world.Genesis, decoded)
	if err != nil || s.Changes() != 3 {
		t.Fatalf("%d changes, %v", s.Changes(), err)
	}
	for size := uint64(1); size <= h.size; size++ {
		turn := 0
		for turn+1 < len(h.ends) && size > h.ends[turn+1] {
			turn++
		}
		for i, set := range h.sets {
			_, _, err := s.Open(h.signed(size, h.root(size), set, 0, 1, 2, 3, 4))
			if (err == nil) != (i == turn) {
				t.Errorf("%d entries signed by set %d: %v; it is set %d's", size, i, err, turn)
			}
		}
	}
	last := txlog.Checkpoint{Size: h.size, Root: h.root(h.size)}
	if err := s.Continues(last, h.consistency(h.ends[3], h.size)); err != nil {
		t.Error(err)
	}
	last.Root[0]++
	if s.Continues(last, h.consistency(h.ends[3], h.size)) == nil {
		t.Error("another log continues this one")
	}
}

// attack is links that are not to be followed, and why.
type attack struct {
	about string
	links []signers.Link
}

// attacks are what those can show who would sign the log without having been set, or whose time has passed.
func attacks(h *history) []attack {
	t := h.t
	alter := func(i int, change func(*signers.Link)) []signers.Link {
		links := h.links()
		change(&links[i])
		return links
	}
	// It differs before the first change: the same four in another order.
	fork := newHistory(t, []string{"b", "a", "c", "d"}, []string{"a", "b", "c", "d", "e"},
		[]string{"a", "b", "c", "d", "thief"})
	stranger := h.world.Sign(&token.SetValidators{Sequence: 1, Validators: h.named("thief")}, h.chain.Now+1,
		h.world.By(token.RoleRoot, 2))
	beyond := h.link(1, h.ends[2], 0, 1, 2, 3)
	return []attack{
		{"the second change first", h.links()[1:]},
		{"a change left out", slices.Delete(h.links(), 1, 2)},
		{"a change twice", slices.Insert(h.links(), 1, h.links()[0])},
		{"the old set signs its own removal's successor", alter(2, func(l *signers.Link) {
			l.Checkpoint = h.signed(h.ends[3], h.root(h.ends[3]), h.sets[1], 0, 1, 2, 3, 4)
		})},
		{"a removed one in another's place", alter(2, func(l *signers.Link) {
			l.Checkpoint = h.signed(h.ends[3], h.root(h.ends[3]), h.named("a", "b", "c", "e"), 0, 1, 2, 3)
		})},
		{"an entry that is not in the log", alter(1, func(l *signers.Link) {
			l.Entry = ledger.AppendEntry(nil, stranger.Encode(), &ledger.Effects{})
		})},
		{"an entry that is no change", alter(1, func(l *signers.Link) {
			l.Index--
			proof, err := tlog.ProveRecord(int64(h.ends[2]), int64(l.Index), h)
			if err != nil {
				t.Fatal(err)
			}
			l.Entry, l.Inclusion = h.leafOf(2), hashesOf(proof)
		})},
		{"another place in the log", alter(1, func(l *signers.Link) { l.Index-- })},
		{"another log behind the first change", []signers.Link{h.links()[0], fork.links()[2]}},
		{"without a proof that it is one log", alter(1, func(l *signers.Link) { l.Consistency = nil })},
		{"a proof that is not asked for", alter(0, func(l *signers.Link) { l.Consistency = []txlog.Hash{{}} })},
		{"two signatures", alter(0, func(l *signers.Link) {
			_, lines, _ := bytes.Cut(l.Checkpoint, []byte("\n\n"))
			l.Checkpoint = append(l.Checkpoint, lines...)
		})},
		{"a checkpoint before the change", alter(0, func(l *signers.Link) {
			l.Checkpoint = h.signed(h.at[1], h.root(h.at[1]), h.sets[0], 0, 1, 2, 3)
		})},
		{"a change of votes alone", func() []signers.Link {
			set := h.named("a", "b", "c", "d")
			set[1].Vote = h.world.Key("another vote").Public()
			return newHistoryOf(t, sim.NewWorld(24), set).links()
		}()},
		{"what the first set may not sign", []signers.Link{beyond, h.links()[2]}},
	}
}

func TestNobodyElseIsFollowed(t *testing.T) {
	h := changing(t)
	for _, a := range attacks(h) {
		if s, err := signers.FromGenesis(h.world.Genesis, a.links); err == nil {
			t.Errorf("%s: %d changes are believed", a.about, s.Changes())
		}
	}
}

// leafOf is the leaf of a change's block.
func (h *history) leafOf(i int) []byte {
	for _, block := range h.chain.Blocks {
		if bytes.Equal(block[len(block)-1], h.entry[i]) {
			return block[0]
		}
	}
	h.t.Fatal("no such block")
	return nil
}

// What no signature can show to whoever has the genesis alone: those who signed first, and leave their own removal out,
// sign a log of which nobody can say that it is not the network's. Whoever has met a later change believes it no more.
func TestTheFirstSignersForkOnlyWhoKnowsNothingNewer(t *testing.T) {
	h, fork := changing(t), newHistory(t)
	for range 12 {
		fork.pays()
	}
	signed := fork.signed(fork.size, fork.root(fork.size), fork.sets[0], 0, 1, 2, 3)
	begun, err := signers.FromGenesis(fork.world.Genesis, nil)
	if err == nil {
		_, _, err = begun.Open(signed)
	}
	if err != nil {
		t.Fatal(err)
	}
	learnt, err := signers.FromGenesis(h.world.Genesis, h.links())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := learnt.Open(signed); err == nil || fork.size <= h.ends[3] {
		t.Errorf("%d entries are believed: %v", fork.size, err)
	}
	other, err := signers.FromGenesis(h.world.Genesis, newHistory(t, []string{"a", "b", "c", "f"}).links())
	if err != nil || other.Same(learnt) {
		t.Errorf("another change in the same place is no other history: %v", err)
	}
}

// One validator signs as one does without others: a network of one node becomes one of several, and back.
func TestOneSignsWithAKeyOfItsOwn(t *testing.T) {
	h := newHistory(t, []string{"a", "b", "c"}, []string{"a", "b"}, []string{"a"}, []string{"b"})
	s, err := signers.FromGenesis(h.world.Genesis, h.links())
	if err != nil {
		t.Fatal(err)
	}
	single, err := note.NewVerifier(s.KeyOf(h.size))
	if err != nil || single.Name() != h.world.Genesis.Name {
		t.Fatalf("%q: %v", s.KeyOf(h.size), err)
	}
}

type vectors struct {
	Comment string `json:"comment"`
	Kind    string `json:"kind"`
	Genesis string `json:"genesis"` // the log's first entry
	Cases   []one  `json:"cases"`
}

type one struct {
	About string `json:"about"`
	File  string `json:"file"`
	Holds bool   `json:"holds"`
	Key   string `json:"key,omitempty"` // of those who sign behind the last change
	After uint64 `json:"after,omitempty"`
}

// The vectors say what is followed and what is not, to any program.
func TestVectors(t *testing.T) {
	h := changing(t)
	v := vectors{Comment: "files of links from a genesis to who signs the log; bytes in hexadecimal", Kind: "signers",
		Genesis: hex.EncodeToString(h.world.Genesis.Leaf().Encode())}
	add := func(about string, links []signers.Link) {
		c := one{About: about, File: hex.EncodeToString(signers.Encode(links))}
		if s, err := signers.FromGenesis(h.world.Genesis, links); err == nil {
			c.Holds, c.Key, c.After = true, s.KeyOf(1<<62), s.After(s.Changes())
		}
		v.Cases = append(v.Cases, c)
	}
	add("no change", nil)
	add("one change", h.links()[:1])
	add("a validator joins, one leaves, one gets other keys", h.links())
	for _, a := range attacks(h) {
		add(a.about, a.links)
	}
	made, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "testdata", "vectors", "signers.json")
	if made = append(made, '\n'); *update {
		if err := os.WriteFile(path, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, made) {
		t.Errorf("%s differs from what the code makes: %v", path, err)
	}
}

// Whatever bytes come, they are read or refused, and what is read has one form.
func FuzzDecode(f *testing.F) {
	h := changing(&testing.T{})
	f.Add(signers.Encode(h.links()))
	f.Add(signers.Encode(nil))
	f.Add([]byte{0x83})
	f.Fuzz(func(t *testing.T, data []byte) {
		links, err := signers.Decode(data)
		if err == nil && !bytes.Equal(signers.Encode(links), data) {
			t.Error("two forms of one file")
		}
		if err == nil {
			_, _ = signers.FromGenesis(h.world.Genesis, links)
		}
	})
}
