package ledger

import "github.com/aqsha/aqsha/token"

// Replay re-derives a ledger from its log, block by block, believing nothing: every rule is
// checked again, every system entry must be the one the rules demand, every leaf must state
// what the entries give. It is used by one goroutine.
//
// After an error the state stands in the midst of a block: it and the Replay are of no more use.
type Replay struct {
	state    State
	executor *Executor
	genesis  *Genesis
	next     uint64 // height of the next block

	// Ahead, if set, is shown entries some time before they are executed, for a state that can prepare.
	Ahead func([]Entry)
	// Outlawed, if set, is told of each transaction that its version of the rules allowed and a later one forbids.
	Outlawed func(Breach)
	time     uint64 // of the last block
}

// aheadOf is how many entries Ahead is shown at once.
const aheadOf = 32

// NewReplay starts from an empty state. With trustSignatures signatures are not verified again. The genesis, which
// block 0 holds, says which network it is.
func NewReplay(state State, trustSignatures bool) *Replay {
	executor := NewExecutor(token.NetworkID{}, state) // the network follows with the genesis
	executor.TrustSignatures = trustSignatures
	return &Replay{state: state, executor: executor}
}

// ResumeReplay goes on from a state that stands after the given block. Nobody but who made the state vouches for it:
// what it holds is not derived again.
func ResumeReplay(state State, network token.NetworkID, last Leaf, trustSignatures bool) *Replay {
	executor := NewExecutor(network, state)
	executor.TrustSignatures = trustSignatures
	return &Replay{state: state, executor: executor, next: last.Height + 1, time: last.TimeMillis}
}

// Executor goes on where the replay ended. From then on signatures are verified whatever the replay trusted, and the
// Replay is not used any more.
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
	decoded := make([]Entry, len(entries))
	for i, data := range entries {
		var err error
		if decoded[i], err = DecodeEntry(data); err != nil {
			return Leaf{}, &BlockError{Height: r.next, Entry: i, Err: err}
		}
	}
	return r.Decoded(decoded, nil, rootBefore)
}

// Decoded is Block for entries that were decoded before. verified, if not nil, holds for each entry the keys under
// which its signatures were found valid, as for Apply; those under which they were not are verified here.
func (r *Replay) Decoded(entries []Entry, verified [][]token.PublicKey, rootBefore token.Hash) (Leaf, error) {
	if len(entries) == 0 {
		return Leaf{}, refuse(NotDerived, "entries", "block %d is empty", r.next)
	}
	if entries[0].Leaf == nil {
		return Leaf{}, refuse(NotDerived, "leaf", "block %d begins without a leaf", r.next)
	}
	leaf := *entries[0].Leaf
	// What the leaf claims of itself is checked before entries are applied, what it claims of the state after them.
	// An error between the two leaves the state in the midst of a block: it is of no more use.
	if err := r.checkLeaf(leaf, len(entries)-1, rootBefore); err != nil {
		return leaf, err
	}
	if leaf.Genesis != nil {
		return leaf, r.begin(leaf)
	}
	due := r.executor.Begin(leaf.Height, leaf.TimeMillis)
	for i := 1; i < len(entries); i++ {
		if r.Ahead != nil && i%aheadOf == 1 {
			r.Ahead(entries[i:min(i+aheadOf, len(entries))])
		}
		var keys []token.PublicKey
		if verified != nil {
			keys = verified[i]
		}
		if err := r.entry(&entries[i], keys, &due); err != nil {
			return leaf, &BlockError{Height: leaf.Height, Entry: i, Err: err}
		}
		if tx, refusal := entries[i].Transaction, r.executor.outlawed; tx != nil && refusal != nil &&
			r.Outlawed != nil {
			r.Outlawed(Breach{leaf.Height, i, tx.ID(), tx.Body.Kind().String(), refusal})
		}
	}
	if len(due) != 0 {
		return leaf, refuse(NotDerived, "entries", "block %d lacks %d system entries", leaf.Height, len(due))
	}
	// The sums in the leaf are made anew from the entries and compared whole: issued, redeemed and circulating are
	// never taken from the log.
	want := r.executor.Leaf(rootBefore)
	if want != leaf {
		return leaf, refuse(NotDerived, "leaf", "block %d states %+v, its entries give %+v", leaf.Height, leaf, want)
	}
	r.next, r.time = leaf.Height+1, leaf.TimeMillis
	return leaf, nil
}

// entry replays one entry after the leaf. System entries stand first, exactly as due: what happens by the rules alone
// is derived here and only compared with what the log states, and so are a transaction's effects. A leader that leaves
// one out, adds one or alters an amount is found by whoever replays.
func (r *Replay) entry(e *Entry, verified []token.PublicKey, due *[]System) error {
	switch {
	case e.System != nil:
		if len(*due) == 0 || !e.System.Equal(&(*due)[0]) {
			return refuse(NotDerived, "entries", "system entry %+v is not due", *e.System)
		}
		if has, want := e.System.Salt != nil, r.executor.Salted(); has != want {
			return refuse(NotDerived, "salt", "system entries of rules version %d bear a salt: %t, this one: %t",
				r.executor.rulesVersion, want, has)
		}
		*due = (*due)[1:]
		return nil
	case e.Leaf != nil:
		return refuse(NotDerived, "entries", "a leaf within a block")
	case len(*due) != 0:
		return refuse(NotDerived, "entries", "a transaction before system entries that are due")
	}
	if err := r.executor.Apply(e.Transaction, verified); err != nil {
		return err
	}
	if !e.Effects.Equal(r.executor.Effects()) {
		return refuse(NotDerived, "effects", "the entry states %+v, the rules give %+v", e.Effects,
			*r.executor.Effects())
	}
	return nil
}

// checkLeaf checks what a leaf claims of its place in the log: height, time, count, the root before it and the rules.
// Times may be equal, never fall: what is due is due by them.
func (r *Replay) checkLeaf(leaf Leaf, count int, rootBefore token.Hash) error {
	switch {
	case leaf.Height != r.next:
		return refuse(NotDerived, "height", "block %d where %d is next", leaf.Height, r.next)
	case (leaf.Genesis != nil) != (leaf.Height == 0):
		return refuse(NotDerived, "genesis", "a genesis stands in block 0 and nowhere else")
	case leaf.TimeMillis < r.time:
		return refuse(NotDerived, "time", "block %d is %d ms before the one before it", leaf.Height,
			r.time-leaf.TimeMillis)
	case int(leaf.Count) != count:
		return refuse(NotDerived, "count", "block %d states %d entries and has %d", leaf.Height, leaf.Count, count)
	case leaf.Previous != rootBefore && leaf.Height > 0:
		return refuse(NotDerived, "previous", "block %d does not follow the log before it", leaf.Height)
	}
	if err := CheckKnown(leaf.Rules, leaf.Height); err != nil {
		return err
	}
	if rules := r.state.Authority().RulesAt(leaf.Height); leaf.Height > 0 && leaf.Rules != rules {
		return refuse(NotDerived, "rules", "block %d states rules version %d; by the log it follows %d", leaf.Height,
			leaf.Rules, rules)
	}
	return nil
}

// begin takes in the genesis. Its leaf has no root before it and no sums: everything it states is the genesis, whose
// hash is the network's id.
func (r *Replay) begin(leaf Leaf) error {
	want := leaf.Genesis.Leaf()
	if leaf.Count != 0 || leaf.Issued != 0 || leaf.Redeemed != 0 || leaf.Circulating != 0 ||
		leaf.Previous != want.Previous {
		return refuse(NotDerived, "leaf", "the genesis block states more than a genesis")
	}
	if err := leaf.Genesis.Check(); err != nil {
		return err
	}
	ApplyGenesis(r.state, *leaf.Genesis)
	r.genesis = leaf.Genesis
	r.executor.network = NetworkOf(leaf.Encode())
	r.next, r.time = 1, leaf.TimeMillis
	return nil
}
