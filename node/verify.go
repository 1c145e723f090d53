package node

import (
	"context"
	"fmt"
	"io"
	"iter"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
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
	StateRoot    string          `json:"state_root"` // over the whole state in id order, limits and counters included
}

// Evidence is a log as somebody shows it: a signed checkpoint, and the entries up to its size.
type Evidence struct {
	Checkpoint []byte
	Entries    func(size uint64) iter.Seq2[[]byte, error]
	// Genesis, if set, is the network that this must be. Otherwise the log's own genesis is believed.
	Network token.NetworkID
}

// VerifyError says what does not hold.
type VerifyError struct{ Detail string }

func (e *VerifyError) Error() string      { return "verification failed: " + e.Detail }
func (e *VerifyError) ErrorCode() string  { return "verification-failed" }
func (e *VerifyError) ErrorField() string { return "" }

func mismatch(format string, args ...any) error {
	return &VerifyError{fmt.Sprintf(format, args...)}
}

// Verify replays a log from nothing: every signature, rule, limit and system entry, every leaf's
// supply, and that the root of it all is the one that the checkpoint's signature stands under.
// progress, if not nil, is told the entries done.
func Verify(ctx context.Context, e Evidence, progress func(done, size uint64)) (Report, *livestate.State, error) {
	v := &verification{evidence: e, state: livestate.New(randomSeed())}
	v.replay = ledger.NewReplay(v.state, false)
	v.report.Transactions = map[string]int{}
	claimed, err := txlog.ParseSigned(e.Checkpoint)
	if err != nil {
		return v.report, nil, err
	}
	for entry, err := range e.Entries(claimed.Size) {
		if err != nil {
			return v.report, nil, err
		}
		if err := v.entry(entry); err != nil {
			return v.report, nil, err
		}
		if done := v.tree.Size(); progress != nil && (done%1024 == 0 || done == claimed.Size) {
			progress(done, claimed.Size)
		}
		if ctx.Err() != nil {
			return v.report, nil, ctx.Err()
		}
	}
	return v.report, v.state, v.finish(claimed)
}

type verification struct {
	evidence Evidence
	state    *livestate.State
	replay   *ledger.Replay
	tree     txlog.Tree
	report   Report

	block  [][]byte // entries of the block being gathered
	want   int      // how many it has
	before txlog.Hash
	leaf   ledger.Leaf
}

// entry gathers entries into blocks, each as long as its leaf says.
func (v *verification) entry(data []byte) error {
	if len(v.block) == 0 {
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			return err
		}
		if e.Leaf == nil {
			return mismatch("entry %d should begin a block", v.tree.Size())
		}
		v.want, v.before = int(e.Leaf.Count)+1, v.tree.Root()
	}
	v.block = append(v.block, append([]byte(nil), data...))
	v.tree.Add(txlog.LeafHash(data))
	if len(v.block) < v.want {
		return nil
	}
	leaf, err := v.replay.Block(v.block, token.Hash(v.before))
	if err != nil {
		return mismatch("%v", err)
	}
	v.leaf = leaf
	v.count()
	v.block = v.block[:0]
	return nil
}

func (v *verification) count() {
	if v.leaf.Genesis != nil {
		v.report.Network = ledger.NetworkOf(v.block[0])
		v.report.Name = v.leaf.Genesis.Name
	}
	for _, data := range v.block {
		e, err := ledger.DecodeEntry(data)
		switch {
		case err != nil: // the replay has decoded it
			panic(err)
		case e.Transaction != nil:
			v.report.Transactions[e.Transaction.Body.Kind().String()]++
			v.report.Signatures += len(e.Transaction.Witnesses)
		case e.System != nil:
			v.report.System++
		}
	}
}

// finish compares what was derived with what was claimed, and the signature with the genesis's key.
func (v *verification) finish(claimed txlog.Checkpoint) error {
	r := &v.report
	root := v.tree.Root()
	r.Size, r.Root, r.Height, r.TimeMillis = v.tree.Size(), root.String(), v.leaf.Height, v.leaf.TimeMillis
	r.Issued, r.Redeemed, r.Circulating = v.leaf.Issued, v.leaf.Redeemed, v.state.LiveTotal()
	r.LiveTokens, r.Wallets = v.state.Counts()
	genesis := v.replay.Genesis()
	switch {
	case len(v.block) != 0:
		return mismatch("the last block has %d of %d entries", len(v.block), v.want)
	case genesis == nil:
		return mismatch("the log is empty")
	case r.Size != claimed.Size || root != claimed.Root:
		return mismatch("the checkpoint states root %s at %d entries, the entries give %s at %d", claimed.Root, claimed.Size, root, r.Size)
	case v.evidence.Network != token.NetworkID{} && v.evidence.Network != r.Network:
		return mismatch("this is network %s, not %s", r.Network, v.evidence.Network)
	}
	if err := CheckSignature(*genesis, v.evidence.Checkpoint); err != nil {
		return err
	}
	if r.Height == 0 {
		return nil
	}
	stateRoot, err := v.state.WriteSnapshot(io.Discard, livestate.Position{Network: r.Network, Leaf: v.leaf, LogSize: r.Size, LogRoot: root})
	r.StateRoot = stateRoot.String()
	return err
}

// CheckSignature checks that a checkpoint is signed by the key that the genesis names.
func CheckSignature(g ledger.Genesis, checkpoint []byte) error {
	verifier, err := note.NewVerifier(g.LogKey)
	if err != nil {
		return mismatch("the genesis names no usable log key: %v", err)
	}
	if _, _, err := txlog.OpenCheckpoint(checkpoint, g.Name, note.VerifierList(verifier)); err != nil {
		return mismatch("the checkpoint is not signed by the log's key: %v", err)
	}
	return nil
}
