package ledger

import (
	"bytes"
	"container/heap"
	"iter"
	"maps"
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Agency registers purposes, by a role that the authority granted. Its id is the registered id of the transaction that
// granted the role.
type Agency struct {
	Name        string       `json:"name"`
	Keys        token.KeySet `json:"keys"`
	SinceMillis uint64       `json:"since_millis"` // since when these keys stand: the time of that block
	Sequence    uint64       `json:"sequence"`     // the next purpose it registers names this
	Suspended   bool         `json:"suspended"`
}

// Purpose is a registered purpose and what became of the money that carries it. Invariant: Live is the sum of the live
// tokens that carry it (Executor.Leaf asserts it for purposes whose money moved, a snapshot's reader for all).
type Purpose struct {
	Agency token.WalletID `json:"agency"`
	token.Purpose
	Entered money.Tiyn `json:"entered"` // ever marked with it, or become it
	Left    money.Tiyn `json:"left"`    // ever freed, become another, or returned

	AmendedBy uint32 `json:"amended_by,omitempty"` // the purpose that amends it, 0 for none; by the purposes alone
}

// Registered says who registered a definition, and by which of its sequences; of a definition that came under rules
// before version 5 nobody knows, and its sequence is 0.
type Registered struct {
	Registrar token.WalletID
	Sequence  uint64
}

// Live is how much money carries the mark now.
func (p *Purpose) Live() money.Tiyn { return p.Entered - p.Left }

// Contract is an instance and what it holds: at most one token of each of its assets. Invariant: each of Tokens that is
// not zero is a live token of the contract's wallet and of that asset, and the wallet has no other.
type Contract struct {
	contract.Instance
	Tokens []token.ID `json:"tokens"` // by asset; zero for none
	Frozen bool       `json:"frozen,omitempty"`
	// PaidIn is what each party has paid in of each asset and not got back: party·assets + asset. A contract that was
	// made under rules version 1 has none.
	PaidIn []money.Tiyn `json:"paid_in,omitempty"`

	// endHeap keeps it: the index at which container/heap finds the contract.
	place int // in Programs.ends, unless it is frozen
}

// Programs is the part of a state that programmable money adds: agencies, purposes, definitions,
// contracts, and what stays known of wallets that were closed. Every State embeds one.
//
// The counts and lists beside the records (numbers, purposesOf, definedBy, defined, ends, named, instances, holding)
// can be derived from them. They are changed by Add, Put and Remove alone, with the record; whoever changes a record in
// place leaves alone what they are derived from: a contract's parties, assets and definition never change, its end and
// freeze do by SetEnd and SetFrozen.
type Programs struct {
	agencies    map[token.WalletID]Agency
	purposes    map[uint32]*Purpose
	numbers     []uint32                    // theirs, in order
	purposesOf  map[token.WalletID][]uint32 // an agency's, in order
	lastNumber  uint32                      // that was ever given
	definitions map[token.Hash][]byte
	registered  map[token.Hash]Registered
	definedBy   map[token.WalletID][]token.Hash // a registrar's, by the sequence that registered them
	defined     []token.Hash                    // their ids, in order
	contracts   map[token.WalletID]*Contract
	ends        endHeap
	named       map[token.WalletID]int // in how many live contracts a wallet is a party
	instances   map[token.Hash]int     // how many live contracts are of a definition
	holding     map[uint32]int         // how many live contracts have a purpose among their assets
	closed      map[token.WalletID]Closed
	purses      map[token.WalletID]*Purse
	purseBook   PurseBook
}

// NewPrograms makes an empty one.
func NewPrograms() Programs {
	return Programs{
		agencies: map[token.WalletID]Agency{}, definitions: map[token.Hash][]byte{},
		contracts: map[token.WalletID]*Contract{}, named: map[token.WalletID]int{}, closed: map[token.WalletID]Closed{},
		purposes: map[uint32]*Purpose{}, purposesOf: map[token.WalletID][]uint32{}, holding: map[uint32]int{},
		registered: map[token.Hash]Registered{}, definedBy: map[token.WalletID][]token.Hash{},
		instances: map[token.Hash]int{}, purses: map[token.WalletID]*Purse{},
	}
}

// Agency is the record of an agency, by value; PutAgency stores it, new or changed.
func (p *Programs) Agency(id token.WalletID) (Agency, bool) {
	a, ok := p.agencies[id]
	return a, ok
}

func (p *Programs) PutAgency(id token.WalletID, a Agency) { p.agencies[id] = a }

// Contract is a live contract's record; nil for none. The executor changes it in place, after saying so to
// ChangeContract.
func (p *Programs) Contract(id token.WalletID) *Contract { return p.contracts[id] }

// ChangeContract is for a state that must know: the records alone need no telling.
func (p *Programs) ChangeContract(*Contract) {}

// AddContract makes a contract live; RemoveContract ends it.
func (p *Programs) AddContract(c *Contract) {
	p.contracts[c.ID] = c
	for _, party := range c.Parties {
		p.named[party]++
	}
	p.instances[c.Definition]++
	for _, number := range c.Assets {
		p.holding[number]++
	}
	if !c.Frozen {
		heap.Push(&p.ends, c)
	}
}

// RemoveContract takes a live contract out of all indexes. Its wallet is the executor's to remove.
func (p *Programs) RemoveContract(id token.WalletID) {
	c := p.contracts[id]
	for _, party := range c.Parties {
		fewer(p.named, party)
	}
	fewer(p.instances, c.Definition)
	for _, number := range c.Assets {
		fewer(p.holding, number)
	}
	if !c.Frozen {
		heap.Remove(&p.ends, c.place)
	}
	delete(p.contracts, id)
}

// SetFrozen freezes a live contract, whose end then waits, or lets it go on. It changes the record.
func (p *Programs) SetFrozen(c *Contract, frozen bool) {
	switch {
	case frozen && !c.Frozen:
		heap.Remove(&p.ends, c.place)
	case !frozen && c.Frozen:
		heap.Push(&p.ends, c)
	}
	c.Frozen = frozen
}

// SetEnd gives a live contract that is not frozen another end. It changes the record.
func (p *Programs) SetEnd(c *Contract, endsMillis uint64) {
	c.EndsMillis = endsMillis
	heap.Fix(&p.ends, c.place)
}

// Named says whether a wallet is a party of a live contract.
func (p *Programs) Named(id token.WalletID) bool { return p.named[id] > 0 }

// NextEnd is the contract with the least (end, id), of those that are not frozen.
func (p *Programs) NextEnd() *Contract {
	if len(p.ends) == 0 {
		return nil
	}
	return p.ends[0]
}

// Closed is what stays known of a wallet that was closed.
func (p *Programs) Closed(id token.WalletID) (Closed, bool) {
	c, ok := p.closed[id]
	return c, ok
}

// PutClosed keeps what stays known of a closed wallet. The record stays for ever: its id is a hash and never given
// again.
func (p *Programs) PutClosed(id token.WalletID, c Closed) { p.closed[id] = c }

// Agencies, Contracts and ClosedWallets list ids in order.
func (p *Programs) Agencies() []token.WalletID      { return sortedIDs(p.agencies) }
func (p *Programs) Contracts() []token.WalletID     { return sortedIDs(p.contracts) }
func (p *Programs) ClosedWallets() []token.WalletID { return sortedIDs(p.closed) }

// ContractsAfter lists at most so many ids of live contracts that come after one, in order.
func (p *Programs) ContractsAfter(id token.WalletID, most int) (ids []token.WalletID) {
	sort := func() {
		slices.SortFunc(ids, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
		ids = ids[:min(len(ids), most)]
	}
	for next := range p.contracts { // any order: sorted, and cut, whenever twice as many are there as are wanted
		if bytes.Compare(next[:], id[:]) <= 0 {
			continue
		}
		if ids = append(ids, next); len(ids) >= 2*most {
			sort()
		}
	}
	sort()
	return ids
}

// EachDefinition, EachContract and EachClosed yield ids in no order. What they range over may change between steps:
// what is there from the first to the last is yielded, once.
func (p *Programs) EachDefinition() iter.Seq[token.Hash]   { return maps.Keys(p.definitions) }
func (p *Programs) EachContract() iter.Seq[token.WalletID] { return maps.Keys(p.contracts) }
func (p *Programs) EachClosed() iter.Seq[token.WalletID]   { return maps.Keys(p.closed) }

// fewer counts one less.
func fewer[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}

// sortedIDs are a map's keys in order, so that nothing follows from the map's own.
func sortedIDs[T any](m map[token.WalletID]T) []token.WalletID {
	ids := make([]token.WalletID, 0, len(m))
	for id := range m { // any order: sorted below
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// endHeap orders contracts by (end, id).
type endHeap []*Contract

func (h endHeap) Len() int { return len(h) }

func (h endHeap) Less(i, j int) bool {
	if h[i].EndsMillis != h[j].EndsMillis {
		return h[i].EndsMillis < h[j].EndsMillis
	}
	return bytes.Compare(h[i].ID[:], h[j].ID[:]) < 0
}

func (h endHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *endHeap) Push(x any) {
	c := x.(*Contract)
	c.place = len(*h)
	*h = append(*h, c)
}

func (h *endHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
