package drafts

import (
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// State says how far a draft is. It waits until it has all signatures (complete), or too many refuse (refused). Of one
// that is complete the ledger says what becomes of it: executed, refused, or lapsed, which its time brings about too. A
// crash while it is complete loses nothing: it is handed over again, and the ledger executes an id once.
type State string

// The states of drafts. Complete is one that has all signatures, and of which the ledger has not said yet what became
// of it.
const (
	Waiting  State = "waiting"
	Complete State = "complete"
	Executed State = "executed"
	Refused  State = "refused"
	Lapsed   State = "lapsed"
)

// Over says whether nothing becomes of a draft any more.
func (s State) Over() bool { return s == Executed || s == Refused || s == Lapsed }

// Codes of drafts.
const (
	SignedAlready token.Code = "signed-already" // the key has signed or refused this draft
	DraftEnded    token.Code = "draft-ended"    // it was executed, refused, or has lapsed
)

// MaxReason bounds why somebody refuses, in bytes.
const MaxReason = 200

// Refusal is a signer's word that he does not sign.
type Refusal struct {
	Key    token.PublicKey `json:"key"`
	Reason string          `json:"reason,omitempty"`
	Millis uint64          `json:"time_millis"`
}

// Draft is what is kept of one. Its id is the transaction's.
type Draft struct {
	Transaction *token.Transaction `json:"transaction"`
	Signatories []ledger.Signatory `json:"signatories"` // as the ledger named them last
	Refusals    []Refusal          `json:"refusals,omitempty"`
	State       State              `json:"state"`
	Made        uint64             `json:"made_millis"`
	Ended       uint64             `json:"ended_millis,omitempty"`
	By          token.PublicKey    `json:"by"` // the first that signed
	Receipt     *node.Receipt      `json:"receipt,omitempty"`
	Code        token.Code         `json:"code,omitempty"` // of the ledger's refusal
	Detail      string             `json:"detail,omitempty"`
	Change      uint64             `json:"change,omitempty"` // the number of its last change, of all drafts' changes
}

// New makes a draft of a transaction of which at least one signature holds. A signature that does not hold, or that
// nobody asked for, refuses it.
func New(network token.NetworkID, tx *token.Transaction, groups []ledger.Signatory, now uint64) (*Draft, *token.Error) {
	d := &Draft{Transaction: unsigned(tx), Signatories: groups, State: Waiting, Made: now}
	if late := ledger.Late(now, tx); late != nil {
		return nil, late
	}
	for _, w := range tx.Witnesses {
		if err := d.Sign(network, w, now); err != nil {
			return nil, err
		}
	}
	if len(tx.Witnesses) == 0 {
		return nil, token.Errorf(ledger.MissingSignature, "witnesses", "who puts a draft up has signed it")
	}
	d.By = d.key(tx.Witnesses[0])
	return d, nil
}

// unsigned is a transaction, which was read as one, without its signatures.
func unsigned(tx *token.Transaction) *token.Transaction {
	bare, err := token.New(tx.Body, tx.ValidUntil)
	if err != nil {
		panic("a transaction that was read is none: " + err.Error())
	}
	return bare
}

// key is the key that a witness is of; NoKey for none.
func (d *Draft) key(w token.Witness) token.PublicKey {
	for _, g := range d.Signatories {
		if g.Role == w.Role && int(w.Index) < len(g.Keys) {
			return g.Keys[w.Index]
		}
	}
	return token.NoKey
}

// Sign adds a signature, once.
func (d *Draft) Sign(network token.NetworkID, w token.Witness, now uint64) *token.Error {
	if err := d.open(now); err != nil {
		return err
	}
	key := d.key(w)
	if key == token.NoKey {
		return token.Errorf(ledger.NotAuthorised, "witnesses", "%s %d does not sign this", w.Role, w.Index)
	}
	if slices.ContainsFunc(d.Transaction.Witnesses, func(has token.Witness) bool {
		return has.Role == w.Role && has.Index == w.Index
	}) {
		return token.Errorf(SignedAlready, "witnesses", "%s %d has signed already", w.Role, w.Index)
	}
	if !token.Verify(key, token.Digest(network, d.Transaction.ID(), w.Role), &w.Signature) {
		return token.Errorf(ledger.BadSignature, "witnesses",
			"the signature of %s %d is not by its key over this transaction", w.Role, w.Index)
	}
	d.Transaction.Add(w)
	// he has thought better of it
	d.Refusals = slices.DeleteFunc(d.Refusals, func(r Refusal) bool { return r.Key == key })
	if len(ledger.Lacking(d.Signatories, d.Transaction.Witnesses)) == 0 {
		d.State = Complete
	}
	return nil
}

// open refuses what comes too late.
func (d *Draft) open(now uint64) *token.Error {
	if d.State != Waiting {
		return token.Errorf(DraftEnded, "draft", "it is %s", d.State)
	}
	return ledger.Late(now, d.Transaction)
}

// Refuse notes that a signer does not sign. When those who are left do not suffice, the draft has ended.
func (d *Draft) Refuse(network token.NetworkID, key token.PublicKey, reason string, signature *token.Signature,
	now uint64) *token.Error {
	if err := d.open(now); err != nil {
		return err
	}
	if len(reason) > MaxReason {
		return token.Errorf(token.TooLarge, "reason", "%d bytes, at most %d", len(reason), MaxReason)
	}
	// Only by those who are asked: anybody else's no would let a stranger end a draft whose id he knows.
	asked := false
	for _, g := range d.Signatories {
		asked = asked || key != token.NoKey && slices.Contains(g.Keys, key)
	}
	switch {
	case !asked:
		return token.Errorf(ledger.NotAuthorised, "key", "this key does not sign this")
	case !token.Verify(key, token.DraftRefusalDigest(network, d.Transaction.ID(), reason), signature):
		return token.Errorf(ledger.BadSignature, "signature", "it is not by the key, over this draft and reason")
	case d.refused(key) || slices.ContainsFunc(d.Transaction.Witnesses, func(w token.Witness) bool {
		return d.key(w) == key
	}):
		return token.Errorf(SignedAlready, "key", "this key has signed or refused already")
	}
	d.Refusals = append(d.Refusals, Refusal{key, reason, now})
	for _, g := range d.Signatories {
		// One group that cannot reach its threshold any more ends the draft: nobody who has not signed yet need be
		// asked.
		left := 0
		for _, k := range g.Keys {
			if k != token.NoKey && !d.refused(k) {
				left++
			}
		}
		if left < g.Threshold {
			d.State, d.Ended = Refused, now
		}
	}
	return nil
}

func (d *Draft) refused(key token.PublicKey) bool {
	return slices.ContainsFunc(d.Refusals, func(r Refusal) bool { return r.Key == key })
}

// Rename takes what the ledger says now of who signs: signatures and refusals by keys that have no say any more go.
// Each signature is verified against the key that stands at its place now, since places may have moved.
func (d *Draft) Rename(network token.NetworkID, groups []ledger.Signatory) {
	before := *d
	d.Signatories = groups
	d.Transaction = unsigned(before.Transaction)
	for _, w := range before.Transaction.Witnesses {
		if key := d.key(w); key != token.NoKey && token.Verify(key, token.Digest(network, d.Transaction.ID(), w.Role),
			&w.Signature) {
			d.Transaction.Add(w)
		}
	}
	d.Refusals = slices.DeleteFunc(slices.Clone(d.Refusals), func(r Refusal) bool {
		return !slices.ContainsFunc(groups, func(g ledger.Signatory) bool { return slices.Contains(g.Keys, r.Key) })
	})
}

// Settle notes what the ledger said of a draft. What it has executed is executed, whatever was said before: the
// signatures may have come together elsewhere.
func (d *Draft) Settle(receipt *node.Receipt, refusal *token.Error, now uint64) {
	d.Ended = now
	if receipt != nil {
		d.State, d.Receipt, d.Code, d.Detail = Executed, receipt, "", ""
		return
	}
	d.State, d.Code, d.Detail = Refused, refusal.Code, refusal.Detail
	if refusal.Code == ledger.Expired {
		d.State = Lapsed
	}
}
