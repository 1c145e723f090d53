package node

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/verifier"
)

// verifier checks signatures of units, any of them. There are as many as processors; each has its own batch and shares
// the cache of keys.
func (n *Node) verifier() {
	defer n.running.Done()
	v := n.newVerifier()
	for u := range n.work {
		n.verify(u, v)
		close(u.verified)
	}
}

func (n *Node) newVerifier() *verifier.Verifier {
	return &verifier.Verifier{Cache: n.keys, Network: n.network}
}

// verify finds the keys that each transaction's signatures must be of, as they stand now, and checks all
// signatures in one batch. What cannot be resolved yet (a wallet registered a moment ago) is left to the
// executor, which looks again under the then present keys, as it does when those are others than here.
//
// What has expired is not verified. What comes from a source in disgrace is looked at first: nothing is verified that
// cannot be executed as the ledger stands, and the rest is verified by itself, so that its forgeries cost the batch of
// the others nothing.
func (n *Node) verify(u *unit, v *verifier.Verifier) {
	n.verifyUnit(u, v)
	for _, s := range u.submissions {
		n.reckon(s)
		n.compile(s)
	}
}

// verifyUnit is verify without telling the queue. State that it reads may be older than what the executor will see: it
// decides nothing but what need not be verified again.
func (n *Node) verifyUnit(u *unit, v *verifier.Verifier) {
	now := n.shownTime.Load() // no block is dated before the last
	n.mu.RLock()
	for _, s := range u.submissions {
		for i := range s.requests {
			r := &s.requests[i]
			if r.hopeless = ledger.Late(now, r.tx); r.hopeless == nil && s.place.Disgraced {
				r.hopeless = ledger.Hopeless(n.state, now, r.tx)
			}
			if r.hopeless != nil {
				continue
			}
			if keys, err := ledger.Keys(r.keyed[:0], n.state, r.tx); err == nil {
				r.keys = keys
				n.wants(r)
			}
		}
	}
	n.mu.RUnlock()
	v.Reset()
	added := make([]*request, 0, u.size)
	for _, s := range u.submissions {
		for i := range s.requests {
			r := &s.requests[i]
			switch {
			case r.keys == nil:
			case s.place.Disgraced:
				n.verifyAlone(r)
			default:
				v.Add(r.tx, r.keys)
				added = append(added, r)
			}
		}
	}
	next := 0
	err := v.Verify(func(forged int) {
		if forged == verifier.Unchecked {
			added[next].keys = nil // the executor says what is wrong
		} else {
			added[next].forged = forged
		}
		next++
	})
	if next = 0; err == nil {
		err = v.Plain(func(plain bool) {
			added[next].plain = plain
			next++
		})
	}
	if err != nil { // no randomness: one at a time, by the executor
		for _, r := range added {
			r.keys, r.plain = nil, false
		}
	}
}

// verifyAlone verifies a transaction's signatures one by one.
func (n *Node) verifyAlone(r *request) {
	for i := range r.tx.Witnesses {
		w := &r.tx.Witnesses[i]
		if !ledger.VerifyWitness(n.network, r.tx, w, r.keys[i]) {
			r.forged = i + 1
			return
		}
	}
}

// reckon tells the queue how a submission's signatures turned out.
func (n *Node) reckon(s *submission) {
	valid, forged := 0, 0
	for i := range s.requests {
		switch r := &s.requests[i]; {
		case r.forged > 0, r.hopeless != nil && r.hopeless.Code != ledger.Expired:
			forged++
		case r.keys != nil:
			valid++
		}
	}
	n.ingest.Judge(s.place, valid, forged)
}
