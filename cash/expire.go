package cash

import (
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Expired writes a keyset off whose time is over: nobody redeems its notes any more, and what they were worth goes to
// the wallet that the ledger's policy names.
type Expired struct {
	Keyset uint16     `cbor:"1,keyasint"`
	Amount money.Tiyn `cbor:"2,keyasint"` // of its notes that never came back
	To     string     `cbor:"3,keyasint"`
}

// expiredRef is the reference of the payment that pays a keyset's rest over.
func expiredRef(id KeysetID) string { return expiredPrefix + id.String() }

const expiredPrefix = "expired "

// PaysExpired says of a payment that is due whether it pays an expired keyset's rest over, and does not send back
// what came in.
func (b *Back) PaysExpired() bool {
	return len(b.Ref) > len(expiredPrefix) && b.Ref[:len(expiredPrefix)] == expiredPrefix
}

// DecideExpiry writes off the next keyset whose time is over, or returns nil. It waits for melts that still have notes
// of it in hand. The order is that of the keyring.
func (b *Books) DecideExpiry(to string, now uint64) *Event {
	for i, s := range b.shelves {
		if !s.gone && b.Keys[i].Expired(now) && !b.inHand(uint16(i)) {
			return &Event{Kind: KeysetExpired, At: now, Expired: &Expired{Keyset: uint16(i), Amount: b.outstanding(i),
				To: to}}
		}
	}
	return nil
}

// inHand says whether a melt that has not ended has notes or change of a keyset. What is only held in memory may be
// of any.
func (b *Books) inHand(keyset uint16) bool {
	// any order: whether there is one
	for _, m := range b.melts {
		if m.State != OnWay {
			continue
		}
		if m.Payment == nil || slices.ContainsFunc(m.Taken, func(t Taken) bool { return t.Keyset == keyset }) ||
			slices.ContainsFunc(m.Given, func(g Given) bool { return g.Keyset == keyset }) {
			return true
		}
	}
	return false
}

// outstanding is what a keyset's notes are worth that did not come back. Time is that of the denominations, not of the
// notes.
func (b *Books) outstanding(keyset int) (sum money.Tiyn) {
	for j, t := range b.shelves[keyset].tally {
		sum += money.Tiyn(int64(t.Issued)-int64(t.Redeemed)) * b.Keys[keyset].Amounts[j]
	}
	return sum
}

// applyExpired books it: what is remembered of the notes goes with the keyset.
func (b *Books) applyExpired(e *Expired) error {
	at := int(e.Keyset)
	if at >= len(b.shelves) || b.shelves[at].gone || e.Amount != b.outstanding(at) {
		return fmt.Errorf("the journal writes keyset %d off for %d, which is not what its notes are worth", e.Keyset,
			e.Amount)
	}
	s := b.shelves[at]
	s.gone, s.spent, s.signed = true, newNoteSet(nullifierBytes), newNoteSet(signedBytes)
	b.Reserve.Expired += e.Amount
	b.Reserve.Waiting += e.Amount
	if e.Amount > 0 {
		ref := expiredRef(b.Keys[at].ID)
		b.backs[ref] = &Back{Ref: ref, To: e.To, Amount: e.Amount}
	}
	return nil
}
