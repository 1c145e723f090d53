package node

import (
	"sync"

	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// compiled keeps definitions that verifiers have compiled, for the executor. Compiling takes as long as hundreds of
// payments and must not be done under the state's lock, where all payments wait for it. A compilation depends on
// version and bytes alone, so that one made under a state that has changed since is right all the same; at worst it is
// not asked for.
type compiled struct {
	mu   sync.Mutex
	kept *recent.Map[compiledKey, ledger.Compiled]
}

type compiledKey struct {
	rules uint32
	id    token.Hash
}

func newCompiled() *compiled {
	return &compiled{kept: recent.New[compiledKey, ledger.Compiled](ledger.KeptCompiled)}
}

func (c *compiled) get(rules uint32, id token.Hash) (ledger.Compiled, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.Get(compiledKey{rules, id})
}

func (c *compiled) put(rules uint32, id token.Hash, made ledger.Compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Put(compiledKey{rules, id}, made)
}

// wanted is a definition that a request needs compiled, and that nobody has compiled yet.
type wanted struct {
	rules      uint32
	id         token.Hash
	encoded    []byte
	registered bool
}

// maxCompiles is how many definitions are compiled for one submission; more come with the next. Who is in disgrace has
// none compiled.
const maxCompiles = 32

// compileCost is what a compilation counts as that was for nothing, in forged signatures.
const compileCost = 16

// wants finds what a request needs compiled. The state's lock is held.
func (n *Node) wants(r *request) {
	rules := n.state.Authority().RulesAt(n.head.Height + 1)
	id, encoded, registered := ledger.Needs(n.state, r.tx.Body)
	if encoded == nil {
		return
	}
	if c, ok := n.compiled.get(rules, id); ok && (registered || c.Checked) {
		return
	}
	if ledger.Hopeless(n.state, n.shownTime.Load(), r.tx) == nil {
		r.wanted = &wanted{rules, id, encoded, registered}
	}
}

// compile compiles what a submission's requests need whose signatures hold. It runs in a verifier's goroutine, after
// the signatures were checked: who has not signed has nothing compiled.
func (n *Node) compile(s *submission) {
	made := 0
	for i := range s.requests {
		r := &s.requests[i]
		if r.wanted == nil || r.keys == nil || r.forged != 0 {
			r.wanted = nil
			continue
		}
		w := r.wanted
		if c, ok := n.compiled.get(w.rules, w.id); ok && (w.registered || c.Checked) {
			r.wanted = nil // for another request meanwhile
			continue
		}
		if made == maxCompiles || s.place.Disgraced {
			r.wanted = nil
			r.refused = refuse(Overloaded, "", "definitions wait to be compiled: send it again")
			continue
		}
		made++
		n.compiled.put(w.rules, w.id, ledger.Compile(w.rules, w.encoded, w.registered))
	}
}

// reckonCompiled tells the queue of compilations that were for nothing.
func (n *Node) reckonCompiled(s *submission) {
	vain := 0
	for i := range s.requests {
		if r := &s.requests[i]; r.wanted != nil && r.refused != nil {
			vain++
		}
	}
	if vain > 0 {
		n.ingest.Judge(s.place, 0, vain*compileCost)
	}
}
