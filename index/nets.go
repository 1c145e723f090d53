package index

import (
	"sync"

	"github.com/aqsha/aqsha/money"
)

// Nets remembers what the parties of the latest payments by several payers gained, from who executed them. A payment says
// what it gives and names what it takes by ids alone: to find the amounts in the log, an entry is read for each. What is not
// remembered is read.
type Nets struct {
	mu    sync.Mutex // over slots
	slots []nettedPayment
}

// nettedPayment is a payment's nets, in the order of its parties; none in a slot that is empty.
type nettedPayment struct {
	entry   uint64
	parties int
	nets    [maxNettedParties]money.Tiyn
}

const (
	nettedPayments   = 1 << 14 // some five blocks of nothing else; the series lags behind by one or two
	maxNettedParties = 6       // of a payment that is remembered
)

// NewNets makes a memory of about a megabyte.
func NewNets() *Nets { return &Nets{slots: make([]nettedPayment, nettedPayments)} }

// Put remembers a payment that the log has, or is about to have, under a number. It forgets the one that many before.
func (n *Nets) Put(entry uint64, nets []money.Tiyn) {
	if len(nets) > maxNettedParties {
		return
	}
	n.mu.Lock()
	s := &n.slots[entry%uint64(len(n.slots))]
	s.entry, s.parties = entry, len(nets)
	copy(s.nets[:], nets)
	n.mu.Unlock()
}

// fill fills in the nets of a payment, if they are remembered.
func (n *Nets) fill(entry uint64, nets []money.Tiyn) bool {
	if n == nil {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &n.slots[entry%uint64(len(n.slots))]
	if s.entry != entry || s.parties != len(nets) {
		return false
	}
	copy(nets, s.nets[:])
	return true
}

// Remembered lets the series take nets from a memory that whoever executes fills.
func (x *Index) Remembered(n *Nets) {
	x.daily.mu.Lock()
	x.daily.nets = n
	x.daily.mu.Unlock()
}
