package channel

import (
	"crypto/sha256"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Codes of what a receiver refuses.
const (
	BadSignature token.Code = "bad-voucher-signature" // not signed by the channel's key, or for another channel
	// worth no more than what was accepted before: replayed or reordered
	Stale        token.Code = "stale-voucher"
	AboveDeposit token.Code = "above-deposit"   // worth more than the channel holds
	BadTick      token.Code = "bad-tick"        // not the next word of the chain
	ChainSpent   token.Code = "chain-spent"     // the chain has no words left; a new voucher is due
	AboveDay     token.Code = "above-day-limit" // more than the sender allows by now
	Revoked      token.Code = "channel-left"    // the sender has left, or revoked the device
)

// Terms are what both sides know of a channel from the ledger.
type Terms struct {
	ID
	Key     token.PublicKey `json:"key"`
	Tick    money.Tiyn      `json:"tick"`
	Deposit money.Tiyn      `json:"deposit"` // all that was ever put in
	MaxDay  money.Tiyn      `json:"day_most,omitempty"`
	Created uint64          `json:"created_millis"`
	Left    uint64          `json:"left_at_millis,omitempty"` // nothing is accepted any more
}

// millisOfDay as the contract counts days.
const millisOfDay = 86_400_000

// allowed is the most that the channel may be worth at a time.
func (t *Terms) allowed(now uint64) money.Tiyn {
	if t.MaxDay == 0 {
		return t.Deposit
	}
	days := money.Tiyn((max(now, t.Created)-t.Created)/millisOfDay + 1)
	if days > t.Deposit/t.MaxDay {
		return t.Deposit
	}
	return min(t.Deposit, t.MaxDay*days)
}

// Receiver is the receiver's book of one channel: what it has accepted, which is what it can claim.
type Receiver struct {
	Terms
	decoded  token.DecodedKey
	expanded *token.LibraryKey
	best     Claim
	begun    bool
	worth    money.Tiyn

	// Asked is when the ledger was last asked about the channel, 0 for just now. The sender may have left since, and
	// the contract counts the limit a day until then: a claim above that is refused as a whole, so nothing above it is
	// taken.
	Asked uint64
}

// NewReceiver begins a book.
func NewReceiver(t Terms) (*Receiver, *token.Error) {
	decoded, ok := token.DecodeKey(t.Key)
	expanded, err := token.ExpandKey(t.Key)
	if !ok || err != nil || !t.Key.Usable() {
		return nil, token.Errorf(BadSignature, "key", "the channel's key is no usable key")
	}
	return &Receiver{Terms: t, decoded: decoded, expanded: expanded}, nil
}

// limit is the most that is taken at a time.
func (r *Receiver) limit(now uint64) money.Tiyn {
	if r.Asked != 0 {
		now = min(now, r.Asked)
	}
	return r.allowed(now)
}

// Worth is what was accepted in all.
func (r *Receiver) Worth() money.Tiyn { return r.worth }

// Claim is what the contract pays for; false before anything was accepted.
func (r *Receiver) Claim() (Claim, bool) { return r.best, r.begun }

// judge checks everything about a voucher but its signature.
func (r *Receiver) judge(v *Voucher, now uint64) *token.Error {
	switch {
	case r.Left != 0:
		return token.Errorf(Revoked, "channel", "the sender left, or revoked the device, at %d", r.Left)
	case r.begun && v.Amount < r.worth, !r.begun && v.Amount < 0, v.Amount == r.worth && v.Root == r.best.Root:
		return token.Errorf(Stale, "amount", "a voucher for %s, %s was accepted before", v.Amount, r.worth)
	case v.Amount > r.Deposit:
		return token.Errorf(AboveDeposit, "amount", "a voucher for %s, the channel holds %s", v.Amount, r.Deposit)
	case v.Amount > r.limit(now):
		return token.Errorf(AboveDay, "amount", "a voucher for %s, %s is allowed by when the ledger was asked",
			v.Amount, r.limit(now))
	}
	return nil
}

func (r *Receiver) take(v *Voucher) {
	r.best, r.worth, r.begun = Claim{Voucher: *v, Word: v.Root}, v.Amount, true
}

// Accept takes a voucher that is worth more than what was accepted before, or as much under a new chain.
func (r *Receiver) Accept(v *Voucher, now uint64) *token.Error {
	if err := r.judge(v, now); err != nil {
		return err
	}
	digest := r.Digest(v.Amount, v.Root)
	if !token.VerifyExpanded(r.expanded, digest, &v.Signature) {
		return token.Errorf(BadSignature, "signature", "not by the channel's key for this channel")
	}
	r.take(v)
	return nil
}

// Tick takes the next word of the chain: one hash.
func (r *Receiver) Tick(word Word, now uint64) *token.Error {
	switch {
	case !r.begun:
		return token.Errorf(BadTick, "word", "no voucher commits to a chain yet")
	case r.Left != 0:
		return token.Errorf(Revoked, "channel", "the sender left, or revoked the device, at %d", r.Left)
	case r.best.Ticks == contract.MaxChain:
		return token.Errorf(ChainSpent, "word", "%d ticks were walked", r.best.Ticks)
	case r.worth+r.Terms.Tick > r.Deposit:
		return token.Errorf(AboveDeposit, "word", "a tick more would exceed the deposit of %s", r.Deposit)
	case r.MaxDay != 0 && r.worth+r.Terms.Tick > r.limit(now):
		return token.Errorf(AboveDay, "word", "a tick more would exceed what is allowed by now")
	}
	if sha256.Sum256(word[:]) != r.best.Word {
		return token.Errorf(BadTick, "word", "not the next word of the chain")
	}
	r.best.Word = word
	r.best.Ticks++
	r.worth += r.Terms.Tick
	return nil
}

// Leave notes that the ledger says the sender has left: nothing is accepted any more.
func (r *Receiver) Leave(at uint64) { r.Left = at }

// TopUp notes that the deposit has grown.
func (r *Receiver) TopUp(deposit money.Tiyn) { r.Deposit = max(r.Deposit, deposit) }

// Restore takes up a claim that was kept, such as after a restart.
func (r *Receiver) Restore(c Claim) *token.Error {
	worth, ok := c.Worth(r.Terms.Tick)
	switch {
	case !ok || worth > r.Deposit || contract.Walk(c.Word, c.Ticks) != c.Root:
		return token.Errorf(BadTick, "claim", "the claim that was kept does not hold")
	case !token.Verify(r.Key, r.Digest(c.Amount, c.Root), &c.Signature):
		return token.Errorf(BadSignature, "claim", "the claim that was kept does not hold")
	}
	r.best, r.worth, r.begun = c, worth, true
	return nil
}
