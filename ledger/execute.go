package ledger

import (
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// MaxSystemPerBlock bounds what falls due in one block; the rest waits for the next.
const MaxSystemPerBlock = 2000

// maxAheadMillis is how far valid-until of anything but a payment may lie ahead: time enough
// to carry a transaction from one key holder to the next.
const maxAheadMillis = 30 * 86_400_000

// Executor applies transactions to a state, block by block. It is used by one goroutine.
type Executor struct {
	network token.NetworkID
	state   State
	height  uint64
	now     uint64 // the block's time, ms
	count   uint32 // entries of the block so far, the leaf not counted

	// TrustSignatures skips cryptography: for replaying what this node has verified before.
	TrustSignatures bool

	keys    []token.PublicKey // scratch, reused between transactions
	tokens  []Token
	wallets []Wallet
	nets    []money.Tiyn
	delta   []int
}

// NewExecutor works on a state that Found has founded, or that was recovered.
func NewExecutor(network token.NetworkID, state State) *Executor {
	return &Executor{network: network, state: state}
}

// Begin starts a block and applies what falls due in it. Its entries follow the leaf, in order.
func (x *Executor) Begin(height, timeMillis uint64) []System {
	x.height, x.now, x.count = height, timeMillis, 0
	due := x.applyDue()
	x.count = uint32(len(due))
	return due
}

// Leaf ends the block; previous is the log's root before it. The sum of live tokens must be what
// the totals say: if not, the process must not go on.
func (x *Executor) Leaf(previous token.Hash) Leaf {
	a := x.state.Authority()
	if live := x.state.LiveTotal(); live != a.Circulating() {
		panic(fmt.Sprintf("supply not conserved at height %d: live %d, issued %d, redeemed %d", x.height, live, a.Issued, a.Redeemed))
	}
	return Leaf{
		Height: x.height, TimeMillis: x.now, Count: x.count, Rules: RulesVersion, Previous: previous,
		Issued: a.Issued, Redeemed: a.Redeemed, Circulating: a.Circulating(),
	}
}

// Apply executes a transaction, or refuses it and changes nothing. verified are the keys under
// which its signatures were found valid, in order (see Keys); if they are not the present ones,
// or nil, the signatures are verified here.
func (x *Executor) Apply(tx *token.Transaction, verified []token.PublicKey) *token.Error {
	if err := x.checkTime(tx); err != nil {
		return err
	}
	keys, err := Keys(x.keys, x.state, tx)
	if err != nil {
		return err
	}
	x.keys = keys
	if !x.TrustSignatures && !slices.Equal(keys, verified) {
		if err := Verify(x.network, tx, keys); err != nil {
			return err
		}
	}
	if err := x.apply(tx); err != nil {
		return err
	}
	x.count++
	return nil
}

// Verify checks a transaction's signatures one at a time under the keys that Keys returned.
func Verify(network token.NetworkID, tx *token.Transaction, keys []token.PublicKey) *token.Error {
	for i := range tx.Witnesses {
		w := &tx.Witnesses[i]
		if !token.Verify(keys[i], token.Digest(network, tx.ID(), w.Role), &w.Signature) {
			return BadSignatureOf(w)
		}
	}
	return nil
}

// BadSignatureOf is the refusal of a transaction for one witness.
func BadSignatureOf(w *token.Witness) *token.Error {
	return refuse(BadSignature, "witnesses", "the signature of %s %d is not valid", w.Role, w.Index)
}

func (x *Executor) checkTime(tx *token.Transaction) *token.Error {
	ahead := uint64(maxAheadMillis)
	switch tx.Body.Kind() {
	case token.KindTransfer:
		ahead = x.state.Authority().Policy.ValidAheadMillis
	}
	if tx.ValidUntil < x.now {
		return refuse(Expired, "valid_until", "%d ms before the block's time", x.now-tx.ValidUntil)
	}
	if tx.ValidUntil > x.now+ahead {
		return refuse(TooFarAhead, "valid_until", "%d ms after the block's time, at most %d", tx.ValidUntil-x.now, ahead)
	}
	return nil
}

func (x *Executor) apply(tx *token.Transaction) *token.Error {
	switch t := tx.Body.(type) {
	case *token.Transfer:
		return x.transfer(tx.ID(), t)
	case *token.Issue:
		return x.issue(tx.ID(), t)
	case *token.Redeem:
		return x.redeem(tx.ID(), t)
	case *token.Register:
		return x.register(tx.ID(), t)
	case *token.Update:
		return x.update(t)
	case *token.Rekey:
		return x.rekey(t)
	case *token.CancelRekey:
		return x.cancelRekey(t)
	case *token.Close:
		return x.closeWallet(t)
	case *token.Freeze:
		return x.freeze(t)
	case *token.Unfreeze:
		return x.unfreeze(t)
	case *token.Seize:
		return x.seize(tx.ID(), t)
	case *token.Admit:
		return x.admit(tx.ID(), t)
	case *token.Suspend:
		return x.suspend(t)
	case *token.Move:
		return x.move(t)
	case *token.RenewIntermediary:
		return x.renew(t)
	case *token.SetPolicy:
		return x.setPolicy(t)
	case *token.Propose:
		return x.propose(tx.ID(), t)
	case *token.Veto:
		return x.veto(t)
	}
	panic(fmt.Sprintf("no rule for transactions of kind %d", tx.Body.Kind()))
}
