package node

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// OnCompiled has f told whenever the executor, under the state's lock, wants a definition that it has not compiled, and
// whether somebody has compiled it before. To be called before anything is submitted.
func (n *Node) OnCompiled(f func(found bool)) {
	n.executor.Compiled = func(rules uint32, id token.Hash) (ledger.Compiled, bool) {
		c, ok := n.compiled.get(rules, id)
		f(ok)
		return c, ok
	}
}
