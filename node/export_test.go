package node

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
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

// SaltOf is the salt of a system entry of a block that was ordered with others.
func SaltOf(seed [32]byte, height uint64, i int) ledger.Salt { return *seeded(seed)(height, i) }

// ReadSnapshot reads a snapshot's file as at the start.
func (n *Node) ReadSnapshot(path string) (*livestate.State, livestate.Position, error) {
	f, err := n.fs.Open(path)
	if err != nil {
		return nil, livestate.Position{}, err
	}
	defer f.Close()
	return n.readSnapshotFile(f)
}

// Standstill looks, each time it is called, whether a wallet's tokens that were set aside at the call before stand
// still.
func (n *Node) Standstill(wallet token.WalletID) func() bool {
	return (&standstill{node: n, wallet: wallet}).stands
}
