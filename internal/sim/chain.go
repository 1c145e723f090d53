package sim

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Chain is a ledger without disk or goroutines: the executor on a state, and the log that it makes. It is what a node
// must agree with. It is used by one goroutine at a time. Invariant: Roots has one more than Blocks, and Leaf, Size
// and the tree stand behind the last block.
type Chain struct {
	*World
	State  ledger.State
	Blocks [][][]byte   // entries of each block, the leaf first
	Roots  []txlog.Hash // of the log before each block, and after the last
	Leaf   ledger.Leaf  // of the last block
	Now    uint64       // time of the next block, ms
	Size   uint64       // entries of the log

	// Tried, if set, is told of each transaction that is executed alone in its block, and how it went: before, c.Blocks
	// were there.
	Tried func(before int, tx *token.Transaction, refused *token.Error)

	executor *ledger.Executor
	tree     txlog.Tree
}

// NewChain begins the world's network in a state, which must be empty: block 0 is the genesis leaf alone.
func (w *World) NewChain(state ledger.State) *Chain {
	c := &Chain{World: w, State: state, Now: w.Genesis.TimeMillis + 1000}
	ledger.ApplyGenesis(state, w.Genesis)
	c.Leaf = w.Genesis.Leaf()
	c.executor = ledger.NewExecutor(w.Network, state)
	c.Roots = append(c.Roots, c.tree.Root())
	c.store([][]byte{c.Leaf.Encode()})
	return c
}

// Restart forgets what the executor has computed of the state, such as compiled rules, as a node's restart does.
func (c *Chain) Restart() { c.executor = ledger.NewExecutor(c.Network, c.State) }

// Fork goes on from where the chain stands, on a copy of its state: what is done on one is not known to the other.
func (c *Chain) Fork(state ledger.State) *Chain {
	fork := *c
	fork.State, fork.Tried = state, nil
	fork.Blocks, fork.Roots = slices.Clone(c.Blocks), slices.Clone(c.Roots)
	fork.tree = txlog.Tree{}
	for _, block := range c.Blocks {
		for _, entry := range block {
			fork.tree.Add(txlog.LeafHash(entry))
		}
	}
	fork.Restart()
	return &fork
}

// Strict sets whether later rules than the network's may refuse, see ledger.Executor.
func (c *Chain) Strict(strict bool) { c.executor.Strict = strict }

func (c *Chain) store(entries [][]byte) {
	for _, entry := range entries {
		c.tree.Add(txlog.LeafHash(entry))
	}
	c.Blocks = append(c.Blocks, entries)
	c.Roots = append(c.Roots, c.tree.Root())
	c.Size = c.tree.Size()
}

// Entry returns an entry of the log by its number from 0, which counts through all blocks with their leaves.
func (c *Chain) Entry(number uint64) ([]byte, error) {
	for _, block := range c.Blocks {
		if number < uint64(len(block)) {
			return block[number], nil
		}
		number -= uint64(len(block))
	}
	return nil, fmt.Errorf("the log has %d entries", c.Size)
}

// Entries yields entries [from, to) of the log.
func (c *Chain) Entries(from, to uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for number := from; number < to; number++ {
			if data, err := c.Entry(number); !yield(data, err) || err != nil {
				return
			}
		}
	}
}

// Root is the log's.
func (c *Chain) Root() txlog.Hash { return c.tree.Root() }

// Block executes transactions at c.Now as one block and returns each one's refusal, or nil.
// A block in which nothing happens is not made.
func (c *Chain) Block(txs ...*token.Transaction) []*token.Error {
	entries := [][]byte{nil}
	for i, due := range c.executor.Begin(c.Leaf.Height+1, c.Now) {
		if c.executor.Salted() {
			due.Salt = c.Salt(c.Leaf.Height+1, i)
		}
		entries = append(entries, due.Encode())
	}
	refusals, before := make([]*token.Error, len(txs)), len(c.Blocks)
	for i, tx := range txs {
		hopeless := ledger.Hopeless(c.State, c.Now, tx)
		if refusals[i] = c.executor.Apply(tx, nil); refusals[i] == nil {
			if hopeless != nil { // a node would have refused it unseen
				panic(fmt.Sprintf("sim: %s was executed, and called hopeless: %v", tx.Body.Kind(), hopeless))
			}
			entries = append(entries, ledger.AppendEntry(nil, tx.Encode(), c.executor.Effects()))
		}
	}
	if len(entries) > 1 {
		c.Leaf = c.executor.Leaf(token.Hash(c.Root()))
		entries[0] = c.Leaf.Encode()
		c.store(entries)
	}
	if c.Tried != nil && len(txs) == 1 {
		c.Tried(before, txs[0], refusals[0])
	}
	return refusals
}

// Salt is that of a block's i-th system entry: as good as random, and the same each time.
func (w *World) Salt(height uint64, i int) *ledger.Salt {
	sum := sha256.Sum256(fmt.Appendf(nil, "salt %d %d %d", w.seed, height, i))
	return (*ledger.Salt)(sum[:ledger.SaltBytes])
}

// Try executes one transaction in a block of its own, at c.Now, and returns its refusal or nil. A refused one leaves
// the state as it was, but for what the block's time itself makes due.
func (c *Chain) Try(tx *token.Transaction) *token.Error { return c.Block(tx)[0] }

// Must executes a body, signed by whom it needs, and panics if it is refused.
func (c *Chain) Must(body token.Body) *token.Transaction {
	tx := c.Make(body)
	if err := c.Try(tx); err != nil {
		panic(fmt.Sprintf("sim: %s refused: %v", body.Kind(), err))
	}
	return tx
}

// Make signs a body as the present state demands, with keys of this world, valid for half an hour.
func (c *Chain) Make(body token.Body) *token.Transaction {
	return c.SignFor(c.State, body, c.Now+1_800_000)
}

// SignFor signs a body by whom a state demands, as far as their keys are of this world, and with no more signatures
// than each threshold asks for.
func (w *World) SignFor(state ledger.Reader, body token.Body, validUntil uint64) *token.Transaction {
	groups, err := ledger.Signatories(state, body)
	if err != nil { // of something that is not there: signed by nobody
		return w.Sign(body, validUntil)
	}
	var signatures []Signature
	for _, g := range groups {
		given := 0
		for i, public := range g.Keys {
			if key, ours := w.Private(public); ours && given < g.Threshold {
				signatures = append(signatures, Signature{g.Role, i, key})
				given++
			}
		}
	}
	return w.Sign(body, validUntil, signatures)
}

// Replay derives a state from the chain's log alone, checking everything.
func (c *Chain) Replay(state ledger.State) error {
	replay := ledger.NewReplay(state, false)
	for i, block := range c.Blocks {
		if _, err := replay.Block(block, token.Hash(c.Roots[i])); err != nil {
			return err
		}
	}
	return nil
}

// Copy puts all that a model holds into an empty state.
func Copy(to ledger.State, m *ledger.Model) {
	*to.Authority() = m.Central
	for id, i := range m.Intermediaries {
		to.PutIntermediary(id, i)
	}
	for id, w := range m.Wallets {
		to.PutWallet(id, w)
		to.PutDetail(id, m.Details[id])
	}
	for _, id := range m.Agencies() {
		a, _ := m.Agency(id)
		to.PutAgency(id, a)
	}
	for _, number := range m.PurposeNumbers() {
		to.PutPurpose(number, *m.Purpose(number))
	}
	for _, id := range m.Definitions() {
		encoded, _ := m.Definition(id)
		to.AddDefinition(id, encoded, m.Registered(id))
	}
	for _, id := range m.ClosedWallets() {
		closed, _ := m.Closed(id)
		to.PutClosed(id, closed)
	}
	for _, id := range m.Contracts() {
		copied := *m.Contract(id) // with its lists: an action changes them in place
		copied.Tokens, copied.PaidIn = slices.Clone(copied.Tokens), slices.Clone(copied.PaidIn)
		copied.State, copied.Registers = slices.Clone(copied.State), slices.Clone(copied.Registers)
		to.AddContract(&copied)
	}
	*to.PurseBook() = *m.PurseBook()
	for _, id := range m.Purses() {
		copied := *m.Purse(id)
		to.AddPurse(&copied)
	}
	for id, t := range m.Tokens {
		to.AddToken(id, t)
	}
}
