package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sort"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/node/verifier"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Report is what a verification re-derived from the log alone.
type Report struct {
	Network      token.NetworkID `json:"network"`
	Name         string          `json:"name"`
	Size         uint64          `json:"size"`   // entries
	Root         string          `json:"root"`   // of the log, equal to the checkpoint's
	Height       uint64          `json:"height"` // of the last block
	TimeMillis   uint64          `json:"time_millis"`
	Transactions map[string]int  `json:"transactions"` // by kind
	System       int             `json:"system"`       // entries that nobody signs
	Signatures   int             `json:"signatures"`
	Issued       money.Tiyn      `json:"issued"`
	Redeemed     money.Tiyn      `json:"redeemed"`
	Circulating  money.Tiyn      `json:"circulating"` // the sum of live tokens
	LiveTokens   int             `json:"live_tokens"`
	Wallets      int             `json:"wallets"`
	// over the whole state in id order, limits and counters included
	StateRoot string `json:"state_root"`
	Rules     uint32 `json:"rules"` // version that the last block follows
	// of a copy of the past: size of the signed checkpoint whose log begins with it
	SignedAt uint64 `json:"signed_at,omitempty"`
	// what its version of the rules allowed and a later one forbids, at most MaxOutlawed
	Outlawed     []ledger.Breach `json:"outlawed"`
	OutlawedMore int             `json:"outlawed_more,omitempty"`

	// Reserves are the wallets that back banknotes, as the last block has them: of which cash logs the ledger tells.
	Reserves []ledger.CashReserve `json:"-"`
	held     []heldFrom
}

// heldFrom is what all reserves held from a block on, by its leaf.
type heldFrom struct {
	height uint64
	sum    money.Tiyn
}

// ReserveAt is what the leaf of a block says that all reserves hold.
func (r *Report) ReserveAt(height uint64) (sum money.Tiyn, found bool) {
	if height > r.Height {
		return 0, false
	}
	after := sort.Search(len(r.held), func(i int) bool { return r.held[i].height > height })
	if after == 0 {
		return 0, true
	}
	return r.held[after-1].sum, true
}

// MaxOutlawed is how many uses of what later rules forbid a report lists; more are counted.
const MaxOutlawed = 1000

// Evidence is a log as somebody shows it: a signed checkpoint, and the entries up to its size.
type Evidence struct {
	Checkpoint []byte
	Entries    func(size uint64) iter.Seq2[[]byte, error]
	// Network, if set, is the network that this must be. Otherwise the log's own genesis is believed.
	Network token.NetworkID
	// Point, if set, stands for the checkpoint of a copy of the past, of whose size none was signed.
	Point *Point
	// Hashes, if set, gets the leaf hashes of every block that holds, in order.
	Hashes func([]txlog.Hash) error
}

// claimed is what the entries have to come to.
func (e Evidence) claimed() (txlog.Checkpoint, error) {
	if e.Point != nil {
		return txlog.Checkpoint{Size: e.Point.Size, Root: e.Point.root()}, nil
	}
	return txlog.ParseSigned(e.Checkpoint)
}

// VerifyError says what does not hold.
type VerifyError struct{ Detail string }

func (e *VerifyError) Error() string      { return "verification failed: " + e.Detail }
func (e *VerifyError) ErrorCode() string  { return "verification-failed" }
func (e *VerifyError) ErrorField() string { return "" }

func mismatch(format string, args ...any) error {
	return &VerifyError{fmt.Sprintf(format, args...)}
}

// Verify replays a log from nothing: every signature, rule, limit and system entry, every leaf's supply, and that the
// root of it all is the one that the checkpoint's signature stands under. progress, if not nil, is told the entries
// done. It needs memory for the live state, not for the log. The report is filled as far as it came, also beside an
// error; the state is nil where the replay failed.
func Verify(ctx context.Context, e Evidence, progress func(done, size uint64)) (Report, *livestate.State, error) {
	claimed, err := e.claimed()
	if err != nil {
		return Report{}, nil, err
	}
	v := &verification{evidence: e, state: livestate.New(randomSeed()), claimed: claimed, progress: progress}
	v.report.Transactions = map[string]int{}
	v.replay = ledger.NewReplay(v.state, false)
	v.report.Outlawed = []ledger.Breach{}
	v.replay.Outlawed = func(use ledger.Breach) {
		if len(v.report.Outlawed) == MaxOutlawed {
			v.report.OutlawedMore++
			return
		}
		v.report.Outlawed = append(v.report.Outlawed, use)
	}
	engine := replay.Engine{State: v.state, Replay: v.replay, Root: txlog.EmptyRoot,
		Cache: verifier.NewCache(verifyCache), Hash: true, Executed: v.executed}
	if err := engine.Run(ctx, v.blocks); err != nil {
		if invalid := (*replay.InvalidError)(nil); errors.As(err, &invalid) {
			err = mismatch("%v", invalid.Err)
		}
		return v.report, nil, err
	}
	return v.report, v.state, v.finish(claimed)
}

// verifyCache is how many bytes of keys a verification keeps decoded.
const verifyCache = 256 << 20

// verification is a log that is being verified: what is claimed, and the state as far as it was replayed.
type verification struct {
	evidence Evidence
	claimed  txlog.Checkpoint
	progress func(done, size uint64)
	state    *livestate.State
	replay   *ledger.Replay
	tree     txlog.Tree
	report   Report
	leaf     ledger.Leaf
	missing  int // entries that the last block lacks
	signers  *signers.Signers
	changes  int // of validators, met by them
}

// blocks gathers entries into blocks, each as long as its leaf says.
func (v *verification) blocks(context.Context) iter.Seq2[*replay.Block, error] {
	return func(yield func(*replay.Block, error) bool) {
		b, number := &replay.Block{}, uint64(0)
		for data, err := range v.evidence.Entries(v.claimed.Size) {
			if err != nil {
				yield(nil, err)
				return
			}
			if len(b.Entries) == 0 {
				e, err := ledger.DecodeEntry(data)
				if err != nil {
					err = fmt.Errorf("entry %d: %w", number, err)
				}
				if err == nil && e.Leaf == nil {
					err = mismatch("entry %d should begin a block", number)
				}
				if err != nil {
					yield(nil, err)
					return
				}
				v.missing = int(e.Leaf.Count) + 1
			}
			// A copy: the evidence uses its buffer again, and the block is executed later, by another goroutine.
			b.Entries = append(b.Entries, append([]byte(nil), data...))
			number++
			if v.missing--; v.missing > 0 {
				continue
			}
			if !yield(b, nil) {
				return
			}
			b = &replay.Block{}
		}
	}
}

// executed counts a block that holds.
func (v *verification) executed(b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) {
	for _, hash := range b.Hashes {
		v.tree.Add(hash)
	}
	if v.evidence.Hashes != nil {
		if err := v.evidence.Hashes(b.Hashes); err != nil {
			return txlog.Hash{}, err
		}
	}
	// Only where the sum changes, so that what a log of years says of its reserve stays short.
	if n := len(v.report.held); n == 0 && leaf.Reserve != 0 || n > 0 && leaf.Reserve != v.report.held[n-1].sum {
		v.report.held = append(v.report.held, heldFrom{leaf.Height, leaf.Reserve})
	}
	v.leaf = leaf
	// After the block's hashes are in the tree: a change of validators is held against the checkpoint that ends with
	// this very block.
	if err := v.meetsSigners(leaf); err != nil {
		return txlog.Hash{}, err
	}
	if leaf.Genesis != nil {
		v.report.Network, v.report.Name = leaf.Genesis.Network(), leaf.Genesis.Name
	}
	for _, e := range b.Decoded() {
		switch {
		case e.Transaction != nil:
			v.report.Transactions[e.Transaction.Body.Kind().String()]++
			v.report.Signatures += len(e.Transaction.Witnesses)
		case e.System != nil:
			v.report.System++
		}
	}
	if v.progress != nil {
		v.progress(v.tree.Size(), v.claimed.Size)
	}
	return v.tree.Root(), nil
}

// meetsSigners takes in who signs the log from a block on.
func (v *verification) meetsSigners(leaf ledger.Leaf) (err error) {
	if leaf.Genesis != nil {
		if v.signers, err = signers.Begin(*leaf.Genesis); err != nil {
			return mismatch("%v", err)
		}
	}
	a := v.state.Authority()
	if len(a.Validators.Changes) == v.changes {
		return nil
	}
	v.changes++ // a block holds one at most
	v.signers, err = v.signers.Then(v.tree.Size(), v.tree.Root(), a.Validators.Members)
	return err
}

// finish compares what was derived with what was claimed, and the signature with the genesis's key.
func (v *verification) finish(claimed txlog.Checkpoint) error {
	r := &v.report
	root := v.tree.Root()
	r.Size, r.Root, r.Height, r.TimeMillis = v.tree.Size(), root.String(), v.leaf.Height, v.leaf.TimeMillis
	r.Issued, r.Redeemed, r.Circulating = v.leaf.Issued, v.leaf.Redeemed, v.state.LiveTotal()
	r.LiveTokens, r.Wallets = v.state.Counts()
	r.Rules = v.leaf.Rules
	r.Reserves = slices.Clone(v.state.Authority().Reserves)
	genesis := v.replay.Genesis()
	// What was derived is compared before the signature is looked at: a sound signature over other entries proves
	// fraud, and the mismatch is what a reader must see.
	switch {
	case v.missing != 0:
		return mismatch("the last block lacks %d entries", v.missing)
	case genesis == nil:
		return mismatch("the log is empty")
	case r.Size != claimed.Size || root != claimed.Root:
		return mismatch("the checkpoint states root %s at %d entries, the entries give %s at %d", claimed.Root,
			claimed.Size, root, r.Size)
	case v.evidence.Network != token.NetworkID{} && v.evidence.Network != r.Network:
		return mismatch("this is network %s, not %s", r.Network, v.evidence.Network)
	}
	if p := v.evidence.Point; p != nil {
		var err error
		if r.SignedAt, err = p.Check(v.signers); err != nil {
			return err
		}
	} else if err := signedBy(v.signers, v.evidence.Checkpoint); err != nil {
		return err
	}
	if r.Height == 0 {
		return nil
	}
	stateRoot, err := v.state.WriteSnapshot(io.Discard, livestate.Position{Network: r.Network, Leaf: v.leaf,
		LogSize: r.Size, LogRoot: root})
	r.StateRoot = stateRoot.String()
	return err
}

// CheckSignature checks that a checkpoint is signed by the key that the genesis names, or by those whom links show to
// have followed.
func CheckSignature(g ledger.Genesis, checkpoint []byte, links ...signers.Link) error {
	s, err := signers.FromGenesis(g, links)
	if err != nil {
		return mismatch("%v", err)
	}
	return signedBy(s, checkpoint)
}

// signedBy refuses a checkpoint that is not signed as the log's is.
func signedBy(s *signers.Signers, checkpoint []byte) error {
	if _, _, err := s.Open(checkpoint); err != nil {
		return mismatch("the checkpoint is not signed by the log's key: %v", err)
	}
	return nil
}
