package ledger

import (
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// MaxSystemPerBlock bounds what falls due in one block; the rest waits for the next.
const MaxSystemPerBlock = 2000

// MaxPaidPerBlock bounds how many contracts end and how much money returns in one block, which take longer than
// what else falls due: payments in the same block wait for them.
const MaxPaidPerBlock = 128

// maxAheadMillis is how far valid-until of anything but a payment may lie ahead: time enough
// to carry a transaction from one key holder to the next.
const maxAheadMillis = 30 * 86_400_000

// Executor applies transactions to a state, block by block. It is used by one goroutine. Begin starts a block, Apply
// executes its transactions one after the other, Leaf ends it; whoever holds the state's lock calls them (package
// node). Between them the state stands in the midst of a block.
//
// What is said to be scratch means something only within one transaction: each begins by emptying what it uses, so that
// a refusal needs no tidying up.
type Executor struct {
	network token.NetworkID
	state   State
	height  uint64
	now     uint64 // the block's time, ms
	count   uint32 // entries of the block so far, the leaf not counted

	// TrustSignatures does not ask who signed: for replaying what this node has verified before.
	TrustSignatures bool
	// Strict refuses under an earlier version of the rules what a later one forbids: for whoever makes blocks.
	Strict bool

	tellable     bool         // why the last transaction was refused
	rulesVersion uint32       // that the block follows
	outlawed     *token.Error // what a later version says of the transaction under way

	// Compiled has definitions that were compiled elsewhere meanwhile, outside of the state's lock; nil for none.
	Compiled func(rules uint32, id token.Hash) (Compiled, bool)

	rules    *recent.Map[uint32, *contract.Rule] // of purposes, compiled
	programs *recent.Map[token.Hash, *contract.Program]
	earmarks []uint32 // purposes whose money moved in the block

	registered map[token.WalletID]int // how much each registrar and agency has registered in the block

	// Scratch, reused between transactions so that a payment allocates nothing. wallets, nets, counted and delta are by
	// party.
	keys    []token.PublicKey // scratch, reused between transactions
	tokens  []Token
	wallets []Wallet
	nets    []money.Tiyn // what each party gains
	counted []money.Tiyn // the part of that which counts to limits
	delta   []int

	holdings         []holding
	portions         []portion
	effects          Effects
	effectHops       []uint16
	held, brought    []money.Tiyn // by a contract's asset
	paidIn           []money.Tiyn // as Contract.PaidIn, as it will be after the entry
	gains            []gain
	heldHops, inHops []uint16
	entering         []remark
	parties          []contract.Party
	calling          contract.Call
}

// NewExecutor works on a state that ApplyGenesis has begun, or that was recovered.
func NewExecutor(network token.NetworkID, state State) *Executor {
	return &Executor{network: network, state: state, registered: map[token.WalletID]int{},
		rules:    recent.New[uint32, *contract.Rule](KeptCompiled),
		programs: recent.New[token.Hash, *contract.Program](KeptCompiled)}
}

// Begin starts a block and applies what falls due in it. Its entries follow the leaf, in order; whoever makes the block
// gives each a salt if they are Salted. height is the last one's plus one and timeMillis, in Unix milliseconds, not
// before the last block's; the caller sees to both. It panics where this program does not know the rules of the height.
func (x *Executor) Begin(height, timeMillis uint64) []System {
	x.height, x.now, x.count = height, timeMillis, 0
	rules := x.state.Authority().RulesAt(height)
	if err := CheckKnown(rules, height); err != nil {
		panic(err.Error()) // whoever makes or replays blocks has asked before
	}
	if rules != x.rulesVersion {
		x.rulesVersion = rules
		x.rules.Clear() // what was compiled was so under the rules before
		x.programs.Clear()
	}
	x.earmarks = x.earmarks[:0]
	clear(x.registered)
	due := x.applyDue()
	x.count = uint32(len(due))
	return due
}

// Salted says whether the system entries of the block that was begun bear salts.
func (x *Executor) Salted() bool { return x.rulesVersion >= salted }

// Leaf ends the block; previous is the log's root before it. The sum of live tokens must be what the totals say: if
// not, the process must not go on. The version of the rules is noted as in force only here, so that RulesAt says the
// same of this height throughout the block.
func (x *Executor) Leaf(previous token.Hash) Leaf {
	a := x.state.Authority()
	if live := x.state.LiveTotal(); live != a.Circulating() {
		panic(fmt.Sprintf("supply not conserved at height %d: live %d, issued %d, redeemed %d", x.height, live,
			a.Issued, a.Redeemed))
	}
	for _, number := range x.earmarks {
		if p := x.state.Purpose(number); p != nil && p.Live() != x.state.LiveOf(number) {
			panic(fmt.Sprintf("purpose %d not conserved at height %d: live %d, entered %d, left %d", number, x.height,
				x.state.LiveOf(number), p.Entered, p.Left))
		}
	}
	if x.state.PurseBook().Used() {
		x.checkPurses()
	}
	if a.Rules != x.rulesVersion {
		a.Rules, a.Upgrade = x.rulesVersion, Upgrade{}
	}
	return Leaf{
		Height: x.height, TimeMillis: x.now, Count: x.count, Rules: x.rulesVersion, Previous: previous,
		Issued: a.Issued, Redeemed: a.Redeemed, Circulating: a.Circulating(), Reserve: x.reserves(),
	}
}

// Apply executes a transaction, or refuses it and changes nothing. verified are the keys under
// which its signatures were found valid, in order (see Keys); if they are not the present ones,
// or nil, the signatures are verified here.
//
// The order of the checks is from what concerns the transaction alone to what concerns others: its time and its kind,
// then whether those have signed who must, and only then the rules, whose refusals speak of balances, limits and
// freezes. So who may not sign learns nothing by them (Tellable).
func (x *Executor) Apply(tx *token.Transaction, verified []token.PublicKey) *token.Error {
	x.outlawed, x.tellable = nil, true
	if err := x.checkTime(tx); err != nil {
		return err
	}
	if version := bornIn(tx.Body.Kind()); x.rulesVersion < version {
		return refuse(LaterRules, "kind", "%s exists from rules version %d on; this network follows %d", tx.Body.Kind(),
			version, x.rulesVersion)
	}
	if !x.TrustSignatures {
		if err := x.checkSignatures(tx, verified); err != nil {
			x.tellable = false
			return err
		}
	}
	x.effects.reset()
	if err := x.apply(tx); err != nil {
		return err
	}
	x.count++
	return nil
}

// Refuse is Apply of a transaction that is refused for a reason that was found before.
func (x *Executor) Refuse(why *token.Error) *token.Error {
	x.tellable = why.Code == Expired
	return why
}

// RefuseOpenly is Refuse where all signatures hold: whoever sent it may be told why.
func (x *Executor) RefuseOpenly(why *token.Error) *token.Error {
	x.tellable = true
	return why
}

// Tellable says whether anybody may be told why the last transaction was refused: its signatures hold, so that it is
// who may know that asks, or the reason lies in the transaction alone.
func (x *Executor) Tellable() bool { return x.tellable }

// Effects are those of the transaction that was applied last. They are valid until the next.
func (x *Executor) Effects() *Effects { return &x.effects }

// Nets are what each party of the transfer that was applied last gained, in tiyn, in the order of its parties; the sums of
// earmarked ones are elsewhere. They are valid until the next.
func (x *Executor) Nets() []money.Tiyn { return x.nets }

// checkSignatures checks that the right keys have signed, and their signatures unless they were verified under these
// keys.
func (x *Executor) checkSignatures(tx *token.Transaction, verified []token.PublicKey) *token.Error {
	keys, err := x.keysOf(tx)
	if err != nil {
		return err
	}
	x.keys = keys
	if slices.Equal(keys, verified) {
		return nil
	}
	return Verify(x.network, tx, keys)
}

// keysOf is Keys under the block's rules.
func (x *Executor) keysOf(tx *token.Transaction) ([]token.PublicKey, *token.Error) {
	if _, changes := Target(tx.Body); !changes {
		return Keys(x.keys, x.state, tx)
	}
	if x.rulesVersion < 2 { // who signs has been the same since
		if _, err := keysUnder(2, x.keys, x.state, tx); err != nil {
			if err := x.from(2, err); err != nil {
				return nil, err
			}
		}
	}
	return keysUnder(x.rulesVersion, x.keys, x.state, tx)
}

// Verify checks a transaction's signatures one at a time under the keys that Keys returned.
func Verify(network token.NetworkID, tx *token.Transaction, keys []token.PublicKey) *token.Error {
	for i := range tx.Witnesses {
		w := &tx.Witnesses[i]
		if !VerifyWitness(network, tx, w, keys[i]) {
			return BadSignatureOf(w)
		}
	}
	return nil
}

// VerifyWitness says whether one of a transaction's signatures is by a key.
func VerifyWitness(network token.NetworkID, tx *token.Transaction, w *token.Witness, key token.PublicKey) bool {
	return token.Verify(key, token.Digest(network, tx.ID(), w.Role), &w.Signature)
}

// BadSignatureOf is the refusal of a transaction for one witness.
func BadSignatureOf(w *token.Witness) *token.Error {
	return refuse(BadSignature, "witnesses", "the signature of %s %d is not valid", w.Role, w.Index)
}

// checkTime holds valid-until against the block's time. It may not lie far ahead either: within that time whoever
// signed knows for good whether it is executed.
func (x *Executor) checkTime(tx *token.Transaction) *token.Error {
	ahead := uint64(maxAheadMillis)
	switch tx.Body.Kind() {
	case token.KindTransfer, token.KindEarmarkedTransfer, token.KindCreate, token.KindAct:
		ahead = x.state.Authority().Policy.ValidAheadMillis
	}
	if late := Late(x.now, tx); late != nil {
		return late
	}
	if tx.ValidUntil > x.now+ahead {
		return refuse(TooFarAhead, "valid_until", "%s after the block's time, at most %s",
			contract.Period(tx.ValidUntil-x.now), contract.Period(ahead))
	}
	return nil
}

// apply does what a transaction says, or refuses it.
func (x *Executor) apply(tx *token.Transaction) *token.Error {
	// A switch over types and not a method of the body: what a transaction does to the state is the ledger's, and
	// package token, which phones decode with too, knows no state. Kinds that the block's version does not have were
	// refused before (bornIn); one that has no rule at all is a fault of this program, and panics in applyPurses.
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
	case *token.Cancel:
		return x.cancel(t.Wallet, t.Version, t.By)
	case *token.Close:
		return x.closeWallet(t)
	case *token.Release:
		return x.releaseHeld(tx.ID(), t)
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
	case *token.SetValidators:
		return x.setValidators(t)
	case *token.SetAgency:
		return x.setAgency(tx.ID(), t)
	case *token.RegisterPurpose:
		return x.registerPurpose(t)
	case *token.Vouch:
		return x.vouch(t)
	case *token.AnnounceKeyset:
		return x.announceKeyset(tx.ID(), t)
	case *token.StampCash:
		return x.stampCash(t)
	case *token.EarmarkedTransfer:
		return x.earmarkedTransfer(tx.ID(), t)
	case *token.Define:
		return x.define(t)
	case *token.Create:
		return x.create(tx.ID(), t)
	case *token.Act:
		return x.act(tx.ID(), t)
	}
	return x.applyPurses(tx)
}

// applyPurses is apply for transactions about offline purses.
func (x *Executor) applyPurses(tx *token.Transaction) *token.Error {
	switch t := tx.Body.(type) {
	case *token.BondPurses:
		return x.bondPurses(tx.ID(), t)
	case *token.OpenPurse:
		return x.openPurse(tx.ID(), t)
	case *token.FundPurse:
		return x.fundPurse(tx.ID(), t)
	case *token.SettlePurses:
		return x.settle(tx.ID(), t)
	case *token.ConvictPurse:
		return x.convict(t)
	case *token.ClosePurse:
		return x.closePurse(tx.ID(), t)
	case *token.AnnounceOpeners:
		return x.announceOpeners(t)
	case *token.OpenName:
		return x.openName(t)
	}
	panic(fmt.Sprintf("no rule for transactions of kind %d", tx.Body.Kind()))
}
