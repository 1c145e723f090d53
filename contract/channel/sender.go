package channel

import (
	"crypto/sha256"
	"encoding/binary"
	"io"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// OverMandate is the code of a payment that the owner's mandate does not allow the device.
const OverMandate token.Code = "over-mandate"

// Mandate is what an owner allows a device on its own: at most so much to one counterparty and in one
// day over all of them. Zero is no limit. The ledger enforces the deposit and the channel's limit a
// day besides, whatever the device does.
type Mandate struct {
	MaxCounterparty money.Tiyn `json:"counterparty_most,omitempty"`
	MaxDay          money.Tiyn `json:"day_most,omitempty"`
	Revoked         bool       `json:"revoked,omitempty"`
}

// Purse is what a device has spent under its mandate, over all of its channels.
type Purse struct {
	Mandate
	Day   uint64 // since 1970, the day that Spent speaks of
	Spent money.Tiyn
}

// spend books an amount to a counterparty that has had total with it.
func (p *Purse) spend(amount, total money.Tiyn, now uint64) *token.Error {
	if p.Day != now/millisOfDay {
		p.Day, p.Spent = now/millisOfDay, 0
	}
	switch {
	case p.Revoked:
		return token.Errorf(OverMandate, "mandate", "the owner has revoked it")
	case p.MaxCounterparty != 0 && total > p.MaxCounterparty:
		return token.Errorf(OverMandate, "counterparty_most", "%s in all to one counterparty, %s is allowed", total,
			p.MaxCounterparty)
	case p.MaxDay != 0 && amount > p.MaxDay-p.Spent:
		return token.Errorf(OverMandate, "day_most", "%s on top of %s today, %s is allowed", amount, p.Spent, p.MaxDay)
	}
	p.Spent += amount
	return nil
}

// Sender is the sender's side of one channel.
type Sender struct {
	Terms
	Purse *Purse // nil without a mandate
	key   token.Signer
	seed  [32]byte // of this channel's chains
	fresh io.Reader
	chain *Chain
	used  int // ticks of the chain
	base  money.Tiyn
}

// NewSender goes on with a channel on which base was paid. Seed is secret and stays with the channel; fresh gives
// random bytes, of which each chain takes 32 of its own.
func NewSender(t Terms, key token.Signer, seed [32]byte, fresh io.Reader, base money.Tiyn, purse *Purse) *Sender {
	return &Sender{Terms: t, Purse: purse, key: key, seed: seed, fresh: fresh, base: base}
}

// newChain makes a chain that shares no word with any other, whatever was revealed before: two vouchers may stand at
// one total (a run that was cut off and one after it), and were their chains one, the shorter's root, which is public,
// would be a late word of the longer. Total and ticks go in besides the fresh bytes, so that a source of randomness
// which repeats itself (a copied machine) still gives other chains to other vouchers.
func (s *Sender) newChain(total money.Tiyn, ticks int) (*Chain, error) {
	secret := append([]byte("aqsha chain v2\x00"), s.seed[:]...)
	secret = binary.BigEndian.AppendUint64(secret, uint64(total))
	secret = binary.BigEndian.AppendUint64(secret, uint64(ticks))
	var fresh [32]byte
	if _, err := io.ReadFull(s.fresh, fresh[:]); err != nil {
		return nil, err
	}
	return NewChain(sha256.Sum256(append(secret, fresh[:]...)), ticks), nil
}

// Worth is what was paid in all.
func (s *Sender) Worth() money.Tiyn { return s.base + money.Tiyn(s.used)*s.Terms.Tick }

// book allows an amount more or refuses it: by the channel's deposit, by what its limit a day has let grow until then,
// and by the owner's mandate, which comes last, since asking it notes the amount as spent. The receiver knows the
// first two as well; the mandate binds the device alone.
func (s *Sender) book(amount money.Tiyn, now uint64) *token.Error {
	switch total := s.Worth() + amount; {
	case amount < 0:
		return token.Errorf(token.AmountNegative, "amount", "a total never falls")
	case s.Left != 0:
		return token.Errorf(Revoked, "channel", "it was left at %d", s.Left)
	case amount > s.Deposit-s.Worth():
		return token.Errorf(AboveDeposit, "amount", "%s on top of %s, the channel holds %s", amount, s.Worth(),
			s.Deposit)
	case total > s.allowed(now):
		return token.Errorf(AboveDay, "amount", "%s in all, %s is allowed by now", total, s.allowed(now))
	case s.Purse != nil:
		return s.Purse.spend(amount, total, now)
	}
	return nil
}

// Pay makes a voucher for an amount more, with a fresh chain of so many ticks under it.
func (s *Sender) Pay(amount money.Tiyn, ticks int, now uint64) (Voucher, error) {
	if err := s.book(amount, now); err != nil {
		return Voucher{}, err
	}
	total := s.Worth() + amount
	chain, err := s.newChain(total, ticks)
	if err != nil {
		return Voucher{}, err
	}
	v, err := Sign(s.ID, s.key, total, chain.Root())
	if err != nil {
		return v, err
	}
	s.chain, s.used, s.base = chain, 0, total
	return v, nil
}

// NextTick reveals the next word: a tick more.
func (s *Sender) NextTick(now uint64) (Word, *token.Error) {
	if s.chain == nil || s.used == s.chain.Ticks() {
		return Word{}, token.Errorf(ChainSpent, "word", "a new voucher is due")
	}
	if err := s.book(s.Terms.Tick, now); err != nil {
		return Word{}, err
	}
	s.used++
	return s.chain.Tick(s.used), nil
}
