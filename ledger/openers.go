package ledger

import (
	"crypto/sha256"
	"slices"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// Of sealed names the ledger keeps the openers' keys, each purse's seal, and every opening: when, for which case, under
// whose key, and what the openers made together, which only who asked can read. Since rules version 5.
const (
	maxOpenersKeys = 64 // in all: an old one stays, for what was sealed under it
	maxOpenings    = 64 // of one purse's name
)

// Opening is an opening of a purse's name.
type Opening struct {
	TimeMillis uint64       `json:"time_millis"`   // of its block
	Case       token.Hash   `json:"case,omitzero"` // of a court; zeros where the purse's conviction was the reason
	Asker      sealed.Point `json:"asker"`         // who holds its secret reads the name
	Combined   sealed.Point `json:"combined"`      // of the openers' shares
}

// announceOpeners announces a key of openers.
func (x *Executor) announceOpeners(t *token.AnnounceOpeners) *token.Error {
	set, err := x.policySequence(t.Sequence)
	if err != nil {
		return err
	}
	key := sealed.Key{Members: t.Members, Commitments: t.Commitments}
	if err := key.Check(); err != nil {
		return err
	}
	book := x.state.PurseBook()
	if len(book.Openers) >= maxOpenersKeys {
		return refuse(token.TooMany, "commitments", "%d keys of openers were announced, the most", maxOpenersKeys)
	}
	set.Sequence++
	book.Openers = append(slices.Clone(book.Openers), key)
	return nil
}

// checkSeal checks a new purse's sealed name: under the last key that was announced, made for this purse. Without a key
// there is none. The proof binds the seal to network, intermediary, owner and device, so that one made for another
// purse is none of this.
func (x *Executor) checkSeal(t *token.OpenPurse) *token.Error {
	keys := len(x.state.PurseBook().Openers)
	if len(t.Sealed) == 0 {
		if keys > 0 {
			return refuse(NoSeal, "sealed", "the owner's name is to be sealed under the openers' key number %d", keys)
		}
		return nil
	}
	if keys == 0 {
		return refuse(UnknownOpeners, "sealed", "no openers were announced")
	}
	seal, err := sealed.Decode(t.Sealed)
	if err != nil {
		return asRefusal(err)
	}
	if uint64(seal.KeyNumber) != uint64(keys) {
		return refuse(UnknownOpeners, "sealed", "sealed under the openers' key number %d, the last is %d",
			seal.KeyNumber, keys)
	}
	return seal.Verify(&sealed.Purse{Network: x.network, Intermediary: t.Intermediary, Owner: t.Owner, Device: t.Key,
		KeyNumber: seal.KeyNumber})
}

// openName enters an opening: so many openers as their key says made their shares for this request.
func (x *Executor) openName(t *token.OpenName) *token.Error {
	p := x.state.Purse(t.Purse)
	switch {
	case p == nil:
		return refuse(UnknownPurse, "purse", "no purse %s", t.Purse)
	case len(p.Sealed) == 0:
		return refuse(NoSeal, "purse", "the name of the owner of purse %s is not sealed", t.Purse)
	case t.Case == token.Hash{} && !p.Convicted:
		return refuse(NoCase, "case", "purse %s is not convicted, and no court's case is named", t.Purse)
	// The number is under the asker's proof and under the shares: a request answered once is not entered twice, and
	// shares for it open nothing later.
	case int(t.Number) != len(p.Openings):
		return refuse(StaleVersion, "number", "opening %d, purse %s was opened %d times", t.Number, t.Purse,
			len(p.Openings))
	case len(p.Openings) >= maxOpenings:
		return refuse(token.TooMany, "purse", "the name of purse %s was opened %d times, the most", t.Purse,
			maxOpenings)
	}
	seal, err := sealed.Decode(p.Sealed)
	if err != nil {
		panic("the seal of purse " + p.ID.String() + " was checked: " + err.Error())
	}
	request := sealed.Request{Purse: t.Purse, Number: t.Number, Case: t.Case, Asker: t.Asker,
		Proof: sealed.Proof(t.Proof)}
	shares := make([]sealed.Share, len(t.Shares))
	for i, s := range t.Shares {
		shares[i] = sealed.Share{Opener: s.Opener, Point: s.Point, Proof: sealed.Proof(s.Proof)}
	}
	book := x.state.PurseBook()
	combined, refusal := sealed.Combine(x.network, &request, seal, &book.Openers[seal.KeyNumber-1], shares)
	if refusal != nil {
		return refusal
	}
	// A copy: readers of the state as it was before this block hold the old slice.
	x.state.ChangePurse(p)
	p.Openings = append(slices.Clone(p.Openings), Opening{x.now, t.Case, t.Asker, combined})
	book.Openings++
	return nil
}

// CaseHash is how a court's case stands in an opening: who knows the case can show that it was the reason. A case's
// number can be guessed, so the hash hides it only from who does not try.
func CaseHash(court string) token.Hash { return sha256.Sum256([]byte("aqsha case v1\x00" + court)) }
