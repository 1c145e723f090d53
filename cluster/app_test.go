package cluster

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// stage is one validator's application over a real node, driven as CometBFT drives it.
type stage struct {
	t       *testing.T
	world   *sim.World
	dir     string
	charter Charter
	keys    []Keys
	node    *node.Node
	app     *app
	height  int64

	bank, bob token.WalletID
	issued    []token.ID
}

// idle is a Sequencer to which nothing is proposed.
type idle struct{}

func (idle) Propose(*node.Batch) *token.Error { return token.Errorf(node.NotJoined, "", "idle") }
func (idle) Behind() bool                     { return false }

// newStages makes so many validators' applications over one network.
func newStages(t *testing.T, n int) []*stage {
	world := sim.NewWorld(1)
	world.Genesis.TimeMillis = uint64(time.Now().UnixMilli())
	var charter Charter
	var keys []Keys
	for i := range 4 {
		k, err := NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
		charter.Members = append(charter.Members, k.Member(fmt.Sprintf("member-%d", i)))
	}
	var err error
	if world.Genesis.LogKey, err = charter.Quorum().Key(world.Genesis.Name); err != nil {
		t.Fatal(err)
	}
	world.Refound()
	charter.Network = world.Network
	var stages []*stage
	for i := range n {
		s := &stage{t: t, world: world, dir: filepath.Join(t.TempDir(), fmt.Sprint(i)), charter: charter, keys: keys}
		if _, err := node.InitCopy(node.Config{Dir: s.dir, Options: s.options()},
			world.Genesis.Leaf().Encode()); err != nil {
			t.Fatal(err)
		}
		s.open(i)
		t.Cleanup(func() { s.close() })
		stages = append(stages, s)
	}
	return stages
}

func (s *stage) options() txlog.Options {
	return txlog.Options{Origin: s.world.Genesis.Name, SegmentBytes: 1 << 20}
}

func (s *stage) open(own int) {
	s.t.Helper()
	var err error
	if s.node, err = node.Open(node.Config{Dir: s.dir, Options: s.options(), Sequencer: idle{},
		TrustClock: true}); err != nil {
		s.t.Fatal(err)
	}
	at, err := openPositions(vfs.OS, filepath.Join(s.dir, positionsFile))
	if err != nil {
		s.t.Fatal(err)
	}
	s.app = &app{ledger: s.node, name: s.world.Genesis.Name, logger: slog.New(slog.DiscardHandler), charter: s.charter,
		positions: at, seen: seen{members: map[string]seenMember{}},
		cosigns: &cosigning{key: s.keys[own].Checkpoint}, verifies: newVerifying(s.node.VerifyBatch)}
	if err := s.app.recoverSets(); err != nil {
		s.t.Fatal(err)
	}
	head := s.node.Head()
	if s.app.at, err = at.of(head.Size, head.Root); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) close() {
	if s.node == nil {
		return
	}
	if err := errors.Join(s.app.positions.close(), s.node.Close()); err != nil {
		s.t.Error(err)
	}
	s.node = nil
}

func batchOf(txs ...*token.Transaction) []byte {
	return encodeBatch(digest{}, len(txs), func(i int) *token.Transaction { return txs[i] })
}

// header is that of a height, the same at every stage.
func header(height int64) []byte {
	return appendHeader(nil, sha256.Sum256(fmt.Appendf(nil, "seed of %d", height)))
}

func (s *stage) accepts(txs ...[]byte) bool {
	s.t.Helper()
	r, err := s.app.ProcessProposal(s.t.Context(), &abci.RequestProcessProposal{Txs: txs, Height: s.height + 1})
	if err != nil {
		s.t.Fatal(err)
	}
	return r.IsAccepted()
}

// execute executes a block without committing it.
func (s *stage) execute(batches ...[]byte) *abci.ResponseFinalizeBlock {
	s.t.Helper()
	s.height++
	at := time.UnixMilli(int64(s.world.Genesis.TimeMillis) + s.height*1000)
	r, err := s.app.FinalizeBlock(s.t.Context(),
		&abci.RequestFinalizeBlock{Txs: append([][]byte{header(s.height)}, batches...), Height: s.height, Time: at})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// block executes and commits, and returns the application's hash.
func (s *stage) block(batches ...[]byte) []byte {
	s.t.Helper()
	r := s.execute(batches...)
	if _, err := s.app.Commit(s.t.Context(), &abci.RequestCommit{}); err != nil {
		s.t.Fatal(err)
	}
	return r.AppHash
}

func (s *stage) until() uint64 { return s.world.Genesis.TimeMillis + 600_000 }

// economy is blocks that admit a bank, register bob, and issue so many tokens of 1,000 tenge to the bank.
func (s *stage) economy(tokens int) (blocks [][]byte) {
	admit, bank := s.world.Admit("bank", 1, s.until())
	register, bob := s.world.Register("bank", bank, 1, "bob", 2, s.until())
	amounts := make([]money.Tiyn, tokens)
	for i := range amounts {
		amounts[i] = 1000 * money.Tenge
	}
	issue := s.world.Issue(1, bank, s.until(), amounts...)
	s.bank, s.bob = bank, bob
	for i := range amounts {
		s.issued = append(s.issued, token.OutputID(issue.ID(), i))
	}
	return [][]byte{batchOf(admit), batchOf(register), batchOf(issue)}
}

// payment pays bob with the bank's i-th token.
func (s *stage) payment(i int) *token.Transaction {
	return s.world.Pay(s.bank, s.world.Key("bank treasury"), s.bob, 1000*money.Tenge, []token.ID{s.issued[i]},
		1000*money.Tenge, s.until())
}

// forged is a payment that somebody else has signed.
func (s *stage) forged(i int) *token.Transaction {
	return s.world.Pay(s.bank, s.world.Key("a thief"), s.bob, 1000*money.Tenge, []token.ID{s.issued[i]},
		1000*money.Tenge, s.until())
}

// What must not be voted for is not, and what has only become impossible by its order is.
func TestProposals(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	for _, b := range s.economy(8) {
		s.block(b)
	}
	good := batchOf(s.payment(0))
	many := func(n int) []byte {
		return encodeBatch(digest{}, n, func(int) *token.Transaction { return s.payment(1) })
	}
	cut := good[:len(good)-1]
	for name, c := range map[string]struct {
		txs  [][]byte
		want bool
	}{
		"a header alone":           {[][]byte{header(9)}, true},
		"a batch":                  {[][]byte{header(9), good}, true},
		"a token spent twice":      {[][]byte{header(9), good, batchOf(s.payment(0))}, true},
		"nothing":                  {nil, false},
		"a batch without a header": {[][]byte{good}, false},
		"two headers":              {[][]byte{header(9), header(9), good}, false},
		"a short header":           {[][]byte{header(9)[:20], good}, false},
		"a batch twice":            {[][]byte{header(9), good, good}, false},
		"a batch that is cut":      {[][]byte{header(9), cut}, false},
		"an empty batch":           {[][]byte{header(9), good[:batchHead]}, false},
		"rubbish":                  {[][]byte{header(9), []byte("rubbish")}, false},
		"a forged signature":       {[][]byte{header(9), batchOf(s.forged(1))}, false},
		"a forged one among good": {[][]byte{header(9), batchOf(s.payment(1), s.forged(2), s.payment(3))},
			false},
		"as many as a batch may have": {[][]byte{header(9), many(maxBatch)}, true},
		"more than a batch may have":  {[][]byte{header(9), many(maxBatch + 1)}, false},
		"as many as a block may have": {[][]byte{header(9), many(1024), many(1024), many(1024), many(1024)},
			true},
		"more than a block may have": {[][]byte{header(9), many(1024), many(1024), many(1024), many(1023),
			good, batchOf(s.payment(2))}, false},
		"of somebody whom nobody knows (yet)": {[][]byte{header(9), batchOf(s.unknown())}, true},
	} {
		if got := s.accepts(c.txs...); got != c.want {
			t.Errorf("%s: accepted is %t, want %t", name, got, c.want)
		}
	}
}

// A batch passes the mempool twice, a proposal of this validator's and one that it judges, and a block: each of its
// signatures is verified once. One that this node has made is not verified again at all.
func TestEachSignatureIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	for _, b := range s.economy(8) {
		s.block(b)
	}
	var verified atomic.Int64
	s.app.verifies = newVerifying(func(b *node.Batch) {
		verified.Add(int64(b.Len()))
		s.node.VerifyBatch(b)
	})
	others := batchOf(s.payment(0), s.payment(1), s.payment(2))
	made := node.NewBatch([]*token.Transaction{s.payment(3), s.payment(4)})
	s.node.VerifyBatch(made)
	own := encodeBatch(digest{}, made.Len(), made.Transaction)
	s.app.verifies.remember(own, digest{}, made)
	for _, kind := range []abci.CheckTxType{abci.CheckTxType_New, abci.CheckTxType_Recheck, abci.CheckTxType_New} {
		for _, b := range [][]byte{others, own} {
			if r, err := s.app.CheckTx(t.Context(), &abci.RequestCheckTx{Tx: b, Type: kind}); err != nil || r.Code != 0 {
				t.Fatalf("%v, %v", r, err)
			}
		}
	}
	proposed, err := s.app.PrepareProposal(t.Context(), &abci.RequestPrepareProposal{Txs: [][]byte{own, others},
		MaxTxBytes: 1 << 20})
	if err != nil || !s.accepts(append(proposed.Txs[:1], own, others)...) {
		t.Fatalf("%v, %v", proposed, err)
	}
	s.block(own, others)
	if verified.Load() != 3 {
		t.Errorf("%d signatures were verified, want 3", verified.Load())
	}
	if head := s.node.Head(); head.Count < 5 {
		t.Errorf("the block holds %d entries", head.Count)
	}
}

// unknown is a payment of a wallet that is not registered.
func (s *stage) unknown() *token.Transaction {
	return s.world.Pay(token.WalletID{1}, s.world.Key("nobody"), s.bob, 1000*money.Tenge, []token.ID{s.issued[0]},
		1000*money.Tenge, s.until())
}

// Whoever makes a block leaves out what is not signed, and says which batch his stands for, so that that one leaves all
// mempools.
func TestWhatIsNotSignedIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	for _, b := range s.economy(8) {
		s.block(b)
	}
	mixed, bad := batchOf(s.payment(0), s.forged(1), s.payment(2)), batchOf(s.forged(3))
	prepare := func(txs ...[]byte) [][]byte {
		for _, encoded := range txs {
			s.app.verifies.of(encoded).wait()
		}
		r, err := s.app.PrepareProposal(t.Context(), &abci.RequestPrepareProposal{Txs: txs, MaxTxBytes: 1 << 20,
			Height: s.height + 1})
		if err != nil {
			t.Fatal(err)
		}
		if !s.accepts(r.Txs...) {
			t.Fatal("its own proposal is not accepted")
		}
		return r.Txs
	}
	txs := prepare(mixed, bad)
	if len(txs) != 2 {
		t.Fatalf("%d transactions, want a header and a batch", len(txs))
	}
	replaces, kept, err := decodeBatch(txs[1])
	if err != nil || replaces != sha256.Sum256(mixed) || len(kept) != 2 || kept[0].ID() != s.payment(0).ID() ||
		kept[1].ID() != s.payment(2).ID() {
		t.Fatalf("%d transactions that replace %x: %v", len(kept), replaces, err)
	}
	s.block(txs[1])
	for name, encoded := range map[string][]byte{"replaced": mixed, "nothing of which was signed": bad} {
		r, err := s.app.CheckTx(t.Context(), &abci.RequestCheckTx{Type: abci.CheckTxType_Recheck, Tx: encoded})
		if err != nil || r.Code == 0 {
			t.Errorf("a batch that was %s stays in the mempool: %v", name, err)
		}
	}
	if r, err := s.app.PrepareProposal(t.Context(),
		&abci.RequestPrepareProposal{Txs: [][]byte{batchOf(s.payment(4)), batchOf(s.payment(5))},
			MaxTxBytes: 400}); err != nil || len(r.Txs) > 2 {
		t.Errorf("%d transactions in 400 bytes: %v", len(r.Txs), err)
	}
}

// Validators agree on a hash if, and only if, they have executed the same: any other transaction, order, verdict or
// time shows.
func TestTheHashShowsWhatWasExecuted(t *testing.T) {
	t.Parallel()
	stages := newStages(t, 3)
	a, b, c := stages[0], stages[1], stages[2]
	for i, block := range a.economy(8) {
		ha, hb, hc := a.block(block), b.block(block), c.block(block)
		if !bytes.Equal(ha, hb) || !bytes.Equal(ha, hc) {
			t.Fatalf("block %d gives %x, %x and %x", i, ha, hb, hc)
		}
	}
	pay, again := batchOf(a.payment(0), a.payment(1)), batchOf(a.payment(0))
	if ha, hb := a.block(pay, again), b.block(pay, again); !bytes.Equal(ha, hb) {
		t.Fatal("the same block gives two hashes")
	}
	if c.block(pay); bytes.Equal(a.app.at.appHash(a.world.Network), c.app.at.appHash(a.world.Network)) {
		t.Fatal("a refusal does not show")
	}
	if a.app.at.Root != c.app.at.Root {
		t.Fatal("a refusal changed the log")
	}
	before := a.app.at.appHash(a.world.Network)
	if after := a.block(); !bytes.Equal(before, after) {
		t.Fatal("an empty block changes the hash: another would follow it, and so on")
	}
}

// A validator that ends at any point of a block goes on where its log ends, and comes to the hashes of one that never
// ended.
func TestRestartAtAnyPointOfABlock(t *testing.T) {
	t.Parallel()
	stages := newStages(t, 2)
	steady, s := stages[0], stages[1]
	blocks := steady.economy(8)
	for i := range 6 {
		blocks = append(blocks, batchOf(steady.payment(i)))
	}
	for i, block := range blocks {
		want := steady.block(block)
		switch i % 3 {
		case 0: // executed, and nothing of it durable
			s.execute(block)
			s.height--
		case 1: // its position durable, its entries not
			s.execute(block)
			s.height--
			if err := s.app.positions.add(s.app.next); err != nil {
				t.Fatal(err)
			}
		case 2: // nothing
		}
		s.close()
		s.open(1)
		info, err := s.app.Info(t.Context(), &abci.RequestInfo{})
		if err != nil || info.LastBlockHeight != s.height {
			t.Fatalf("block %d: goes on after %d, want %d: %v", i, info.LastBlockHeight, s.height, err)
		}
		if got := s.block(block); !bytes.Equal(got, want) {
			t.Fatalf("block %d gives %x after a restart, %x without", i, got, want)
		}
		s.close()
		s.open(1)
		if info, _ := s.app.Info(t.Context(), &abci.RequestInfo{}); info.LastBlockHeight != s.height ||
			!bytes.Equal(info.LastBlockAppHash, want) {
			t.Fatalf("block %d: stands after %d with %x", i, info.LastBlockHeight, info.LastBlockAppHash)
		}
	}
}

// A checkpoint stands once more than two thirds have signed it, whoever else signs what.
func TestCheckpointsNeedMoreThanTwoThirds(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	for _, b := range s.economy(1) {
		s.block(b)
	}
	own, err := s.app.ExtendVote(t.Context(), &abci.RequestExtendVote{})
	if err != nil || len(own.VoteExtension) != ed25519.SignatureSize {
		t.Fatal(own, err)
	}
	text, size := s.node.CheckpointText()
	hear := func(from int, signature []byte) {
		r, err := s.app.VerifyVoteExtension(t.Context(),
			&abci.RequestVerifyVoteExtension{ValidatorAddress: s.charter.Members[from].address(),
				VoteExtension: signature})
		if err != nil || r.Status != abci.ResponseVerifyVoteExtension_ACCEPT {
			t.Fatal("a vote is refused for its extension", err)
		}
	}
	hear(1, ed25519.Sign(s.keys[1].Checkpoint, []byte(text)))
	hear(2, ed25519.Sign(s.keys[2].Checkpoint, []byte("another text")))
	hear(3, ed25519.Sign(s.keys[1].Checkpoint, []byte(text)))
	s.block()
	if _, c := s.node.Log().Checkpoint(); c.Size == size {
		t.Fatal("two of four have signed, and it stands")
	}
	hear(3, ed25519.Sign(s.keys[3].Checkpoint, []byte(text)))
	s.block()
	signed, c := s.node.Log().Checkpoint()
	if c.Size != size {
		t.Fatalf("a checkpoint over %d entries, want %d", c.Size, size)
	}
	if err := node.CheckSignature(s.world.Genesis, signed); err != nil {
		t.Fatal(err)
	}
}

// A node that was put back without its positions, or they without it, is not taken on.
func TestAPositionThatDoesNotFitTheLog(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	path := filepath.Join(s.dir, positionsFile)
	var kept []byte
	for i, b := range s.economy(1) {
		s.block(b)
		if i == 0 {
			var err error
			if kept, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	head := s.node.Head()
	s.close()
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	at, err := openPositions(vfs.OS, path)
	if err != nil {
		t.Fatal(err)
	}
	defer at.close()
	if _, err := at.of(head.Size, head.Root); err == nil {
		t.Fatal("an older position is taken for the log's")
	}
}

// The journal of positions stays small, and its last ones come through each new beginning.
func TestPositionsBeginAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), positionsFile)
	p, err := openPositions(vfs.OS, path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if i%3 == 0 {
			if err := p.begin(); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.add(position{Height: uint64(i + 1), Size: uint64(10 * (i + 1))}); err != nil {
			t.Fatal(err)
		}
		if err := p.close(); err != nil {
			t.Fatal(err)
		}
		if p, err = openPositions(vfs.OS, path); err != nil {
			t.Fatal(err)
		}
		for back := range min(i+1, keptPositions) {
			if at, err := p.of(uint64(10*(i+1-back)), txlog.Hash{}); err != nil || at.Height != uint64(i+1-back) {
				t.Fatalf("after %d: position %d back is %+v, %v", i+1, back, at, err)
			}
		}
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
}

func TestChartersThatCannotBe(t *testing.T) {
	good := newStagesCharter(t, 4)
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Charter){
		"nobody":             func(c *Charter) { c.Members = nil },
		"too many":           func(c *Charter) { c.Members = newStagesCharter(t, quorum.MaxMembers+1).Members },
		"without a name":     func(c *Charter) { c.Members[1].Name = "" },
		"one name twice":     func(c *Charter) { c.Members[1].Name = c.Members[0].Name },
		"one key twice":      func(c *Charter) { c.Members[1].Consensus = c.Members[0].Consensus },
		"one checkpoint":     func(c *Charter) { c.Members[1].Checkpoint = c.Members[0].Checkpoint },
		"one peer twice":     func(c *Charter) { c.Members[1].Peer = c.Members[0].Peer },
		"a short key":        func(c *Charter) { c.Members[1].Consensus = c.Members[1].Consensus[:31] },
		"a checkpoint short": func(c *Charter) { c.Members[1].Checkpoint = nil },
	} {
		c := newStagesCharter(t, 4)
		if change(&c); c.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func newStagesCharter(t *testing.T, n int) (c Charter) {
	for i := range n {
		k, err := NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseKeys(k.Text()); err != nil || again.Text() != k.Text() {
			t.Fatal("keys are not read back", err)
		}
		c.Members = append(c.Members, k.Member(fmt.Sprint(i)))
	}
	return c
}

// Whatever bytes come, decoding a batch ends, and what it takes it gives back.
func FuzzBatch(f *testing.F) {
	w := sim.NewWorld(1)
	admit, bank := w.Admit("bank", 1, sim.StartMillis)
	register, _ := w.Register("bank", bank, 1, "bob", 2, sim.StartMillis)
	f.Add(batchOf(admit, register))
	f.Add(batchOf(admit)[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		replaces, txs, err := decodeBatch(b)
		if err != nil {
			return
		}
		again := encodeBatch(replaces, len(txs), func(i int) *token.Transaction { return txs[i] })
		copy(again[magicBytes:], b[magicBytes:magicBytes+nonceBytes])
		if !bytes.Equal(again, b) {
			t.Fatalf("%x decodes, and encodes as %x", b, again)
		}
	})
}

// Any settings that are refused name their key, and what is taken can be written and read.
func TestSettingsNameWhatIsWrong(t *testing.T) {
	id := "0123456789abcdef0123456789abcdef01234567"
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{
			Name:   rapid.SampledFrom([]string{"", "dala"}).Draw(t, "name"),
			Listen: rapid.SampledFrom([]string{"", "127.0.0.1", "127.0.0.1:0", "[::1]:5"}).Draw(t, "listen"),
			Peers: rapid.SliceOf(rapid.SampledFrom([]string{id + "@host:1", "host:1", id + "@host",
				id + "@host:x", id[1:] + "@host:1"})).Draw(t, "peers"),
			KeepBlocks:    rapid.SampledFrom([]uint64{0, 1, leastKept}).Draw(t, "keep"),
			ProposeMillis: rapid.IntRange(-1, 60_001).Draw(t, "propose"),
		}
		good := s.Name != "" && len(s.Listen) > 9 || s.Name != "" && s.Listen == "[::1]:5"
		for _, peer := range s.Peers {
			good = good && peer == id+"@host:1"
		}
		good = good && len(s.Peers) <= maxPeers && (s.KeepBlocks == 0 || s.KeepBlocks >= leastKept) &&
			s.ProposeMillis >= 0 && s.ProposeMillis <= 60_000
		err := s.Check()
		var setting *SettingError
		if (err == nil) != good || (err != nil && !errors.As(err, &setting)) {
			t.Fatalf("%+v: %v", s, err)
		}
	})
}
