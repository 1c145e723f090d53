package livestate

import "github.com/aqsha/aqsha/token"

// Prefetcher brings what coming transactions will touch from memory into the processor's cache. Executing one after
// another waits for memory a dozen times each; looking for many at once, those waits overlap. It changes nothing and
// answers nothing. The zero Prefetcher is usable, by one goroutine.
type Prefetcher struct {
	wallets []token.WalletID
	tokens  []token.ID

	walletSlots, tokenSlots []uint32
	read                    uint32 // what was read, so that the compiler keeps the reads
}

// Add names what a transaction will touch, if it is of a kind that many are.
func (w *Prefetcher) Add(tx *token.Transaction) {
	switch t := tx.Body.(type) {
	case *token.Transfer:
		w.wallets = append(w.wallets, t.Parties...)
		w.tokens = append(w.tokens, t.Inputs...)
	case *token.EarmarkedTransfer:
		w.wallets = append(w.wallets, t.Parties...)
		w.tokens = append(w.tokens, t.Inputs...)
	case *token.Act:
		w.wallets = append(w.wallets, t.Caller, t.Contract)
		w.tokens = append(w.tokens, t.Inputs...)
	}
}

// Fetch reads what was named since the last time. The state must not change meanwhile.
func (w *Prefetcher) Fetch(s *State) {
	w.walletSlots = s.wallets.homes(w.wallets, w.walletSlots[:0])
	w.tokenSlots = s.tokens.homes(w.tokens, w.tokenSlots[:0])
	first, next := w.walletSlots, w.tokenSlots
	for i, slot := range first {
		first[i] = s.wallets.at(slot).value.first
	}
	for i, slot := range next {
		next[i] = s.tokens.at(slot).value.next
	}
	for _, slot := range first { // an added token is linked before the wallet's first
		if slot != none {
			w.read ^= s.tokens.at(slot).value.prev
		}
	}
	for _, slot := range next { // a removed one is unlinked
		if slot != none {
			w.read ^= s.tokens.at(slot).value.prev
		}
	}
	w.wallets, w.tokens = w.wallets[:0], w.tokens[:0]
}
