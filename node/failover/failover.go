// Package failover holds the rules by which a ledger of one leader and its followers survives the loss of machines: what
// counts as acknowledged, what a follower may show, and who may lead. They are pure, so that the node and the exhaustive
// model of it (model_test.go) apply the very same ones.
//
// The protocol is the first phase of Paxos with a person as the proposer (Lamport, Paxos Made Simple, 2001, section 2.2):
// a candidate prepares a higher epoch, each follower promises to acknowledge nothing of an older one and says how much it
// has, and the candidate leads when whoever has not promised is too few to have acknowledged anything alone.
package failover

// Acknowledged is the largest size of the log that at least enough followers have. enough is at least 1.
func Acknowledged(sizes []uint64, enough int) uint64 {
	best := uint64(0)
	for _, size := range sizes {
		have := 0
		for _, other := range sizes {
			if other >= size {
				have++
			}
		}
		if have >= enough {
			best = max(best, size)
		}
	}
	return best
}

// Shown is how many entries a follower shows: of those that it has, the ones that were acknowledged.
func Shown(has, acknowledged uint64) uint64 { return min(has, acknowledged) }
