package channel

import (
	"encoding/binary"
	"math"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Word is a link of a hash chain.
type Word = token.Hash

// ID names a channel: its contract, on its network.
type ID struct {
	Network  token.NetworkID `json:"network"`
	Contract token.WalletID  `json:"contract"`
}

// Voucher is the sender's word for a total.
type Voucher struct {
	Amount    money.Tiyn      `json:"amount"` // all that was paid on the channel, not an increment
	Root      Word            `json:"root"`   // of the chain whose words are ticks on top; any 32 bytes without ticks
	Signature token.Signature `json:"signature"`
}

const (
	voucherTag = "voucher"
	finalTag   = "final"
)

// message is what is signed under a tag.
func (id ID) message(tag string, amount money.Tiyn) []byte {
	b := make([]byte, 0, 96)
	b = append(append(append(b, tag...), id.Network[:]...), id.Contract[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(amount))
}

// Digest is what the channel's key signs for a voucher.
func (id ID) Digest(amount money.Tiyn, root Word) [32]byte {
	return contract.MessageDigest(append(id.message(voucherTag, amount), root[:]...))
}

// FinalDigest is what the receiver's key signs to agree that a channel closes at a total.
func (id ID) FinalDigest(amount money.Tiyn) [32]byte {
	return contract.MessageDigest(id.message(finalTag, amount))
}

// Sign makes a voucher.
func Sign(id ID, key token.Signer, amount money.Tiyn, root Word) (Voucher, error) {
	v := Voucher{Amount: amount, Root: root}
	var err error
	v.Signature, err = key.Sign(id.Digest(amount, root))
	return v, err
}

// Claim is what is brought to the contract: a voucher, and how far its chain was walked.
type Claim struct {
	Voucher
	Ticks int  `json:"ticks"`
	Word  Word `json:"word"` // the last tick's; the root without one
}

// Worth is a claim's total, or false where it exceeds the range of money.
func (c *Claim) Worth(tick money.Tiyn) (money.Tiyn, bool) {
	if c.Ticks < 0 || c.Ticks > contract.MaxChain || tick < 0 || c.Amount < 0 {
		return 0, false
	}
	if tick > 0 && int64(c.Ticks) > (math.MaxInt64-int64(c.Amount))/int64(tick) {
		return 0, false
	}
	return c.Amount + money.Tiyn(c.Ticks)*tick, true
}

// Args are the arguments of the contract's actions claim and close.
func (c *Claim) Args() []token.Value {
	return []token.Value{
		token.Int(int64(c.Amount)), token.Bytes(c.Root[:]), token.Int(int64(c.Ticks)), token.Bytes(c.Word[:]),
		token.Bytes(c.Signature[:]),
	}
}

// Chain is a hash chain that its maker keeps: the words from the root on, each the hash of the next.
type Chain struct{ words []Word }

// NewChain makes a chain of n ticks from a secret seed.
func NewChain(seed [32]byte, n int) *Chain {
	c := &Chain{words: make([]Word, n+1)}
	c.words[n] = seed
	for i := n; i > 0; i-- {
		c.words[i-1] = contract.Walk(c.words[i], 1)
	}
	return c
}

// Root is what a voucher commits to, Ticks how many words there are, and Tick the n-th, 1 first.
func (c *Chain) Root() Word      { return c.words[0] }
func (c *Chain) Ticks() int      { return len(c.words) - 1 }
func (c *Chain) Tick(n int) Word { return c.words[n] }
