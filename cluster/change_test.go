package cluster_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/audit"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// set has validators ordered by these members from now on.
func (g *group) set(at int, members ...int) node.Receipt {
	g.t.Helper()
	g.changes++
	set := &token.SetValidators{Sequence: g.changes}
	for _, i := range members {
		m := g.members[i]
		v, err := m.keys.Member(m.name).Validator()
		if err != nil {
			g.t.Fatal(err)
		}
		set.Validators = append(set.Validators, v)
	}
	return g.submit(at, g.world.Sign(set, soon(), g.world.By(token.RoleRoot, 2)))
}

// another makes the directory of one more member, which has nothing but the network's first entry.
func (g *group) another() (i int) {
	g.t.Helper()
	i = len(g.members)
	keys, err := cluster.NewKeys()
	if err != nil {
		g.t.Fatal(err)
	}
	g.members = append(g.members, &member{name: fmt.Sprintf("member-%d", i), keys: keys,
		dir: filepath.Join(g.t.TempDir(), fmt.Sprint(i))})
	g.found(i, freePorts(g.t, 1)[0])
	return i
}

// rotate gives a member that does not run other keys, and leaves its directory.
func (g *group) rotate(i int) {
	g.t.Helper()
	keys, err := cluster.NewKeys()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := cluster.Rekey(g.members[i].dir, keys); err != nil {
		g.t.Fatal(err)
	}
	g.members[i].keys = keys
}

// proven holds a member's newest checkpoint against the genesis alone, over so many entries at least, and returns who
// signs by what it shows.
func (g *group) proven(i int, size uint64) *signers.Signers {
	g.t.Helper()
	m := g.members[i]
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	defer cancel()
	signed, c, err := m.node.WaitPublished(ctx, size-1)
	if err != nil {
		g.t.Fatalf("member %d: no checkpoint over %d entries: %v", i, size, err)
	}
	links, err := m.node.SignerLinks(c.Size)
	if err != nil {
		g.t.Fatalf("member %d: %v", i, err)
	}
	decoded, err := signers.Decode(signers.Encode(links))
	if err != nil {
		g.t.Fatal(err)
	}
	s, err := signers.FromGenesis(g.world.Genesis, decoded)
	if err != nil {
		g.t.Fatalf("member %d: %v", i, err)
	}
	if _, _, err := s.Open(signed); err != nil {
		g.t.Fatalf("member %d: %d entries: %v", i, c.Size, err)
	}
	if len(links) > 0 {
		last := s.After(s.Changes())
		proof, err := m.node.ConsistencyProof(last, c.Size)
		if err == nil {
			err = s.Continues(c, proof)
		}
		if err != nil {
			g.t.Fatalf("member %d: %v", i, err)
		}
	}
	return s
}

// A fifth validator joins four that are paid at throughout, one of the four leaves, and another gets other keys: the
// logs are the same, every checkpoint is proven from the genesis, and those who left sign no more.
func TestValidatorsChangeWhileTheyArePaidAt(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(512)
	stop := g.paying(0, 1, 2)
	begun := time.Now()
	five := g.another()
	joined := g.set(0, 0, 1, 2, 3, five)
	g.start(five)
	g.joined(five)
	t.Logf("a fifth votes %s after it was set, %d payments beside", time.Since(begun).Round(time.Millisecond), stop())
	g.submit(five, g.payment())
	head := g.whole()
	for i := range g.members {
		if s := g.proven(i, head.Size); s.Changes() != 1 || s.After(1) <= joined.Index {
			t.Fatalf("member %d shows %d changes behind entry %d", i, s.Changes(), joined.Index)
		}
	}

	stop = g.paying(0, 1, 2)
	g.set(1, 0, 1, 2, five) // member 3 leaves
	g.submit(2, g.payment())
	stop()
	head = g.whole()
	if s := g.members[0].engine.Status(); len(s.Members) != 4 || s.Needed != 3 ||
		slices.ContainsFunc(s.Members, func(m status.Member) bool { return m.Name == "member-3" }) {
		t.Fatalf("after one left: %+v", s)
	}
	g.proven(0, head.Size)
	g.stop(3)

	g.stop(2)
	g.rotate(2)
	stop = g.paying(0, 1, five)
	g.set(five, 0, 1, 2, five)
	g.start(2)
	g.joined(2)
	stop()
	last := g.submit(2, g.payment())
	head = g.whole()
	for _, i := range []int{0, 1, 2, five} {
		if s := g.proven(i, head.Size); s.Changes() != 3 {
			t.Fatalf("member %d shows %d changes", i, s.Changes())
		}
	}
	receipt, err := proof.MakeReceipt(g.members[five].node, last.ID, last.Index)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := proof.CheckReceipt(receipt.Encode(), g.world.Network)
	if err != nil || shown.ID != last.ID || len(receipt.Signers) != 3 {
		t.Fatalf("a receipt through %d changes: %+v, %v", len(receipt.Signers), shown, err)
	}
	g.publicly(five)
	g.forked(five)
	receipt.Signers = receipt.Signers[1:]
	if _, err := proof.CheckReceipt(receipt.Encode(), g.world.Network); err == nil {
		t.Fatal("a receipt without the first change is believed")
	}
	// Where one of the four is lost now, the other three go on: the new keys count, and those before do not.
	g.stop(0)
	g.submit(2, g.payment())
	g.whole()
}

// open is what everybody may read of a member's log.
type open struct {
	*member
	links func([]signers.Link) []signers.Link // as they are shown
}

func (o open) Checkpoint(context.Context) ([]byte, error) {
	signed, _ := o.node.Published()
	return signed, nil
}

func (o open) Tile(_ context.Context, t txlog.Tile) ([]byte, error) { return o.node.Log().ReadTile(t) }

func (o open) Genesis(context.Context) (ledger.Genesis, error) { return o.node.Genesis(), nil }

func (o open) Signers(context.Context) ([]signers.Link, error) {
	_, c := o.node.Published()
	links, err := o.node.SignerLinks(c.Size)
	return o.links(links), err
}

func (o open) Blocks(_ context.Context, from uint64) (blocks []audit.Block, err error) {
	for height := from; height < min(from+100, o.node.Log().Heights()); height++ {
		b, err := o.node.Log().Batch(height)
		if err != nil {
			return nil, err
		}
		data, err := o.node.Log().Entry(b.FirstIndex)
		if err != nil {
			return nil, err
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, audit.Block{Leaf: *e.Leaf, First: b.FirstIndex})
	}
	return blocks, nil
}

// publicly has everybody verify a member's log by its hashes and leaves, through the changes of who signs it.
func (g *group) publicly(i int) {
	g.t.Helper()
	as := func(links []signers.Link) []signers.Link { return links }
	r, err := audit.Public(g.t.Context(), open{g.members[i], as}, g.world.Network, nil)
	if _, c := g.members[i].node.Published(); err != nil || r.Size != c.Size || r.Leaves == 0 {
		g.t.Fatalf("as everybody reads it: %+v, %v", r, err)
	}
	for name, shown := range map[string]func([]signers.Link) []signers.Link{
		"no links":      func([]signers.Link) []signers.Link { return nil },
		"the first one": func(links []signers.Link) []signers.Link { return links[:1] },
	} {
		if _, err := audit.Public(g.t.Context(), open{g.members[i], shown}, g.world.Network, nil); err == nil {
			g.t.Fatalf("a log is verified with %s of its signers", name)
		}
	}
}

// forked has those who sign a member's log now sign another history: two checkpoints are evidence for who has the
// links.
func (g *group) forked(i int) {
	g.t.Helper()
	n := g.members[i].node
	signed, c := n.Published()
	other := c
	other.Root[0] ^= 1
	var charter cluster.Charter
	var signatures [][]byte
	for _, k := range []int{0, 1, 2, i} {
		keys := g.members[k].keys
		charter.Members = append(charter.Members, keys.Member(g.members[k].name))
		signatures = append(signatures, ed25519.Sign(keys.Checkpoint, []byte(other.Text())))
	}
	second, err := charter.Quorum().Sign(c.Origin, other.Text(), signatures)
	if err != nil {
		g.t.Fatal(err)
	}
	links, err := n.SignerLinks(c.Size)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := proof.Fork(signed, second, g.world.Genesis, links...); err != nil {
		g.t.Fatalf("two histories of the present signers are no fork: %v", err)
	}
	if proof.Fork(signed, signed, g.world.Genesis, links...) == nil || proof.Fork(signed, second, g.world.Genesis) == nil {
		g.t.Fatal("a checkpoint beside itself, or signatures of nobody whom the genesis knows, are a fork")
	}
}

// A follower that knew the first validators alone follows through two changes, and shows them on; what those before
// sign beyond their time it refuses.
func TestAnOldFollowerFollowsThroughChanges(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(64)
	dir := filepath.Join(t.TempDir(), "copy")
	if _, err := node.InitCopy(node.Config{Dir: dir, Options: g.options()},
		g.world.Genesis.Leaf().Encode()); err != nil {
		t.Fatal(err)
	}
	follow := func(size uint64) *node.Node {
		n, err := node.Open(node.Config{Dir: dir, Options: g.options(), Leader: "member 1", TrustClock: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- n.Follow(ctx, leading{g.members[1].node}, nil) }()
		waiting, done := context.WithTimeout(t.Context(), time.Minute)
		defer done()
		if _, _, err := n.WaitPublished(waiting, size-1); err != nil {
			state, _ := n.FollowState()
			t.Fatalf("%v: %+v", err, state)
		}
		cancel()
		<-ended
		return n
	}
	n := follow(g.agree().Size)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	five := g.another()
	g.set(0, 0, 1, 2, 3, five)
	g.submit(0, g.payment())
	g.start(five)
	g.joined(five)
	g.set(0, 0, 1, 2, five)
	g.submit(0, g.payment())
	head := g.agree()
	n = follow(head.Size)
	if links, err := n.SignerLinks(head.Size); err != nil || len(links) != 2 {
		t.Fatalf("it shows %d changes on: %v", len(links), err)
	}
	// What shows a change is not here, as where the log brought the change before any checkpoint did: it asks for it.
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	shown, err := filepath.Glob(filepath.Join(dir, "signers", "*"))
	if err != nil || len(shown) != 2 {
		t.Fatalf("%v, %v", shown, err)
	}
	if err := os.Remove(shown[0]); err != nil {
		t.Fatal(err)
	}
	g.submit(0, g.payment())
	head = g.agree()
	n = follow(head.Size)
	defer n.Close()
	if links, err := n.SignerLinks(head.Size); err != nil || len(links) != 2 {
		t.Fatalf("it shows %d changes on, behind one that it had lost: %v", len(links), err)
	}
	if root, err := n.Log().Root(head.Size); err != nil || root != head.Root {
		t.Fatalf("it has another log: %v", err)
	}
	// The first four sign on, though one of them has left: a log that goes on otherwise, and one that goes on so.
	var signed [][]byte
	text := txlog.Checkpoint{Origin: g.world.Genesis.Name, Size: head.Size, Root: head.Root}.Text()
	for i := range 4 {
		signed = append(signed, ed25519.Sign(g.members[i].keys.Checkpoint, []byte(text)))
	}
	forged, err := g.charter.Quorum().Sign(g.world.Genesis.Name, text, signed)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.CheckCheckpoint(forged); err == nil {
		t.Error("those before sign for those who came after them")
	}
	if err := node.CheckSignature(g.world.Genesis, forged); err != nil {
		t.Errorf("whoever has nothing but the genesis cannot know: %v", err)
	}
}

// leading is a member to which followers speak.
type leading struct{ *node.Node }

func (l leading) Feed(ctx context.Context, from uint64) (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(l.Node.Feed(ctx, from, true, func(frames []byte) error {
			_, err := w.Write(frames)
			return err
		}))
	}()
	return r, nil
}

func (l leading) Tile(_ context.Context, t txlog.Tile) ([]byte, error) { return l.Log().ReadTile(t) }
func (l leading) Fence(context.Context) ([]byte, error)                { return nil, nil }
func (l leading) Cosign(context.Context, []byte) error                 { return nil }
func (l leading) Signers(context.Context) ([]byte, error)              { return l.Links() }

func (l leading) Checkpoint(context.Context) ([]byte, error) { return l.PublicCheckpoint(), nil }

// A member whose disk is lost after validators have changed comes back from its keys, and its vote counts.
func TestKeysAloneComeBackAfterAChange(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(256)
	five := g.another()
	g.set(0, 0, 1, 2, 3, five)
	g.start(five)
	g.joined(five)
	g.submit(0, g.payment())
	g.stop(2)
	g.lose(2)
	stop := g.paying(0, 1, five)
	g.start(2)
	g.joined(2)
	stop()
	head := g.whole()
	g.proven(2, head.Size)
	g.stop(0)
	g.submit(2, g.payment()) // its vote is needed
	g.whole()
}
