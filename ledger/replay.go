package ledger

import "github.com/aqsha/aqsha/token"

// Replay re-derives a ledger from its log, block by block, believing nothing: every rule is
// checked again, every system entry must be the one the rules demand, every leaf must state
// what the entries give. It is used by one goroutine.
type Replay struct {
	state    State
	executor *Executor
	genesis  *Genesis
	next     uint64 // height of the next block
	time     uint64 // of the last block
}

// NewReplay starts from an empty state. With trustSignatures signatures are not verified again.
func NewReplay(state State, trustSignatures bool) *Replay {
	return &Replay{state: state, executor: &Executor{state: state, TrustSignatures: trustSignatures}}
}

// ResumeReplay goes on from a state that stands after the given block.
func ResumeReplay(state State, network token.NetworkID, last Leaf, trustSignatures bool) *Replay {
	executor := NewExecutor(network, state)
	executor.TrustSignatures = trustSignatures
	return &Replay{state: state, executor: executor, next: last.Height + 1, time: last.TimeMillis}
}

// Executor goes on where the replay ended.
func (r *Replay) Executor() *Executor {
	r.executor.TrustSignatures = false
	return r.executor
}

// Genesis is what block 0 said; nil before it.
func (r *Replay) Genesis() *Genesis { return r.genesis }

// NotDerived is the code of a log that does not follow from its own entries.
const NotDerived token.Code = "not-derived"

// Block replays one block: its entries, the leaf first, and the log's root before it.
func (r *Replay) Block(entries [][]byte, rootBefore token.Hash) (Leaf, error) {
	if len(entries) == 0 {
		return Leaf{}, refuse(NotDerived, "entries", "block %d is empty", r.next)
	}
	first, err := DecodeEntry(entries[0])
	if err != nil {
		return Leaf{}, err
	}
	if first.Leaf == nil {
		return Leaf{}, refuse(NotDerived, "leaf", "block %d begins without a leaf", r.next)
	}
	leaf := *first.Leaf
	if err := r.checkLeaf(leaf, len(entries)-1, rootBefore); err != nil {
		return leaf, err
	}
	if leaf.Genesis != nil {
		return leaf, r.found(leaf, entries[0])
	}
	due := r.executor.Begin(leaf.Height, leaf.TimeMillis)
	for i, data := range entries[1:] {
		if err := r.entry(data, &due); err != nil {
			return leaf, &BlockError{Height: leaf.Height, Entry: i + 1, Err: err}
		}
	}
	if len(due) != 0 {
		return leaf, refuse(NotDerived, "entries", "block %d lacks %d system entries", leaf.Height, len(due))
	}
	want := r.executor.Leaf(rootBefore)
	if want != leaf {
		return leaf, refuse(NotDerived, "leaf", "block %d states %+v, its entries give %+v", leaf.Height, leaf, want)
	}
	r.next, r.time = leaf.Height+1, leaf.TimeMillis
	return leaf, nil
}

// entry replays one entry after the leaf. System entries stand first, exactly as due.
func (r *Replay) entry(data []byte, due *[]System) error {
	e, err := DecodeEntry(data)
	switch {
	case err != nil:
		return err
	case e.System != nil:
		if len(*due) == 0 || *e.System != (*due)[0] {
			return refuse(NotDerived, "entries", "system entry %+v is not due", *e.System)
		}
		*due = (*due)[1:]
		return nil
	case e.Leaf != nil:
		return refuse(NotDerived, "entries", "a leaf within a block")
	case len(*due) != 0:
		return refuse(NotDerived, "entries", "a transaction before system entries that are due")
	}
	if err := r.executor.Apply(e.Transaction, nil); err != nil {
		return err
	}
	return nil
}

func (r *Replay) checkLeaf(leaf Leaf, count int, rootBefore token.Hash) error {
	switch {
	case leaf.Height != r.next:
		return refuse(NotDerived, "height", "block %d where %d is next", leaf.Height, r.next)
	case (leaf.Genesis != nil) != (leaf.Height == 0):
		return refuse(NotDerived, "genesis", "a genesis stands in block 0 and nowhere else")
	case leaf.TimeMillis < r.time:
		return refuse(NotDerived, "time", "block %d is %d ms before the one before it", leaf.Height, r.time-leaf.TimeMillis)
	case int(leaf.Count) != count:
		return refuse(NotDerived, "count", "block %d states %d entries and has %d", leaf.Height, leaf.Count, count)
	case leaf.Previous != rootBefore && leaf.Height > 0:
		return refuse(NotDerived, "previous", "block %d does not follow the log before it", leaf.Height)
	case leaf.Rules != RulesVersion:
		return refuse(NotDerived, "rules", "block %d follows rules version %d; this program knows %d", leaf.Height, leaf.Rules, RulesVersion)
	}
	return nil
}

func (r *Replay) found(leaf Leaf, entry []byte) error {
	want := leaf.Genesis.Leaf()
	if leaf.Count != 0 || leaf.Issued != 0 || leaf.Redeemed != 0 || leaf.Circulating != 0 || leaf.Previous != want.Previous {
		return refuse(NotDerived, "leaf", "the genesis block states more than a genesis")
	}
	if err := leaf.Genesis.Check(); err != nil {
		return err
	}
	Found(r.state, *leaf.Genesis)
	r.genesis = leaf.Genesis
	r.executor.network = NetworkOf(entry)
	r.next, r.time = 1, leaf.TimeMillis
	return nil
}
