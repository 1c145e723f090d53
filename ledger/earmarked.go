package ledger

import (
	"math"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// holding is what a transaction brings of one asset, and gives. A payment is balanced when in equals out of every
// holding (checkHoldings).
type holding struct {
	purpose  uint32
	in, out  money.Tiyn
	entering money.Tiyn // becomes of this purpose by the transaction
	hops     uint16     // the most that a token of it has used
}

// portion is what a transaction pays of a purpose to one wallet. MaxPayment of a purpose bounds the sum, not each
// output (paysAtOnce).
type portion struct {
	purpose uint32
	payee   token.WalletID
	amount  money.Tiyn
}

// holdingOf finds a purpose's holding, or begins one.
func (x *Executor) holdingOf(purpose uint32) *holding {
	for i := range x.holdings {
		if x.holdings[i].purpose == purpose {
			return &x.holdings[i]
		}
	}
	x.holdings = append(x.holdings, holding{purpose: purpose})
	return &x.holdings[len(x.holdings)-1]
}

// gather reads a payer's inputs into x.holdings. Money whose purpose has ended is not spent any more. Inputs are
// distinct by form (package token), so that none is counted twice.
func (x *Executor) gather(payer token.WalletID, inputs []token.ID) *token.Error {
	x.holdings, x.portions = x.holdings[:0], x.portions[:0]
	if most := x.state.Authority().Policy.MaxInputs; len(inputs) > most {
		return refuse(PolicyTooMany, "inputs", "%d inputs, at most %d", len(inputs), most)
	}
	for _, id := range inputs {
		in, ok := x.state.Token(id)
		switch {
		case !ok:
			return refuse(TokenNotLive, "inputs", "token %s is unknown or spent", id)
		case in.Wallet != payer:
			return refuse(WrongOwner, "inputs", "token %s belongs to another wallet", id)
		case in.Asset != token.PurposeAsset(in.Asset.Purpose):
			return refuse(UnknownAsset, "inputs", "asset %v is not known to these rules", in.Asset)
		}
		h := x.holdingOf(in.Asset.Purpose)
		h.in += in.Amount
		h.hops = max(h.hops, in.Hops)
	}
	for i := range x.holdings {
		if p := x.state.Purpose(x.holdings[i].purpose); p != nil && x.now >= p.UntilMillis {
			return refuse(contract.PurposeExpired, "inputs", "money for %q was spendable until %s; it returns", p.Name,
				contract.Moment(int64(p.UntilMillis)))
		}
	}
	return nil
}

// planEarmarked checks a payment in which money is marked, or marked money is spent. It changes nothing of the state.
func (x *Executor) planEarmarked(t *token.EarmarkedTransfer) *token.Error {
	policy := &x.state.Authority().Policy
	if len(t.Outputs) > policy.MaxOutputs {
		return refuse(PolicyTooMany, "outputs", "%d outputs, at most %d", len(t.Outputs), policy.MaxOutputs)
	}
	if err := x.loadEarmarked(t); err != nil {
		return err
	}
	if err := x.gather(t.Parties[0], t.Inputs); err != nil {
		return err
	}
	if err := x.judgeOutputs(t, policy); err != nil {
		return err
	}
	if err := x.checkHoldings(); err != nil {
		return err
	}
	today := policy.Day(x.now)
	for party := range t.Parties {
		counted := x.counted[party]
		if err := x.checkLimit(policy, t.Parties[party], &x.wallets[party], counted, party == 0 &&
			paysNow(counted, x.delta[party]), today); err != nil {
			return err
		}
	}
	return nil
}

// earmarkedTransfer makes such a payment. A token that keeps its mark has the hops of what was spent, and one more
// where it goes to somebody else: change is no hop. Money that is marked anew, or becomes money of another purpose,
// begins at none.
func (x *Executor) earmarkedTransfer(id token.TransactionID, t *token.EarmarkedTransfer) *token.Error {
	if err := x.planEarmarked(t); err != nil {
		return err
	}
	today := x.state.Authority().Policy.Day(x.now)
	for _, input := range t.Inputs {
		x.state.RemoveToken(input)
	}
	for i, o := range t.Outputs {
		hops := uint16(0)
		if o.From == o.Becomes && o.From != 0 {
			if hops = x.holdingOf(o.From).hops; o.Party != 0 {
				hops = used(hops)
			}
		}
		x.became(o.From, o.Becomes, o.Amount)
		x.state.AddToken(token.OutputID(id, i), Token{t.Parties[o.Party], token.PurposeAsset(o.Becomes), o.Amount,
			hops})
	}
	for party, wallet := range t.Parties {
		w := &x.wallets[party]
		w.book(x.nets[party], x.counted[party], x.delta[party], party == 0 && paysNow(x.counted[party], x.delta[party]),
			today)
		x.state.PutWallet(wallet, *w)
	}
	return nil
}

// used is one hop more; at the end of its range it stays.
func used(hops uint16) uint16 {
	if hops == math.MaxUint16 {
		return hops
	}
	return hops + 1
}

// loadEarmarked reads the parties' wallets, the payer first: he must be able to pay, the others to be paid. A cash
// office's reserve is neither.
func (x *Executor) loadEarmarked(t *token.EarmarkedTransfer) *token.Error {
	x.wallets, x.nets, x.counted, x.delta = x.wallets[:0], x.nets[:0], x.counted[:0], x.delta[:0]
	for i, id := range t.Parties {
		w, ok := x.state.Wallet(id)
		switch {
		case !ok:
			return refuse(UnknownWallet, "parties", "no wallet %s", id)
		case x.notReserve(id, "parties") != nil:
			return x.notReserve(id, "parties")
		case i == 0:
			if err := x.mayPay(id, &w); err != nil {
				return err
			}
		default:
			if err := mayBePaid(id, &w, "parties"); err != nil {
				return err
			}
		}
		x.wallets = append(x.wallets, w)
		x.nets, x.counted, x.delta = append(x.nets, 0), append(x.counted, 0), append(x.delta, 0)
	}
	return nil
}

// judgeOutputs asks the purposes about every output and adds up what each party gains. It leaves in x.nets what each
// party gains in all, in x.counted the part of that which counts to limits, in x.delta the same in numbers of tokens,
// each by party.
func (x *Executor) judgeOutputs(t *token.EarmarkedTransfer, policy *token.Policy) *token.Error {
	payer := x.partyOf(t.Parties[0], &x.wallets[0])
	for i := range t.Outputs {
		o := &t.Outputs[i]
		if o.Amount < policy.LeastToken {
			return refuse(Dust, "outputs.amount", "%s tenge is less than %s", o.Amount, policy.LeastToken)
		}
		x.holdingOf(o.From).out += o.Amount
		x.nets[o.Party] += o.Amount
		x.delta[o.Party]++
		if x.counts(o.Becomes) {
			x.counted[o.Party] += o.Amount
		}
		if o.From == 0 && o.Becomes == 0 || o.Party == 0 && o.From == o.Becomes {
			continue // plain money, or change
		}
		payee := x.partyOf(t.Parties[o.Party], &x.wallets[o.Party])
		payment := contract.Payment{Payer: &payer, Payee: &payee, Amount: o.Amount, Now: x.now}
		if t.Document != nil {
			payment.Document = t.Document[:]
		}
		becomes, err := x.judge(o.From, o.Becomes, o.Party == 0, &payment)
		if err != nil {
			return err
		}
		if becomes != o.Becomes {
			return refuse(WrongEarmark, "outputs.becomes", "by the rule of purpose %d it becomes %d, not %d", o.From,
				becomes, o.Becomes)
		}
	}
	x.delta[0] -= len(t.Inputs)
	for i := range x.holdings {
		h := &x.holdings[i]
		x.nets[0] -= h.in
		if x.counts(h.purpose) {
			x.counted[0] -= h.in
		}
	}
	return nil
}

// judge asks the purposes what an amount becomes by a payment: marking, or a payment of marked money. wanted is what
// the payer has signed that it becomes.
func (x *Executor) judge(from, wanted uint32, own bool, payment *contract.Payment) (uint32, *token.Error) {
	if from == 0 {
		return wanted, x.mayEnter(wanted, payment, true)
	}
	if own {
		return 0, refuse(contract.PurposeForbids, "outputs", "a payment to oneself frees no money from its purpose")
	}
	payment.Today = x.state.Authority().Policy.Day(x.now)
	after, bounded, err := x.permitted(from, wanted, payment)
	if err != nil {
		return 0, err
	}
	if bounded {
		x.pays(from, payment)
	}
	if after != from && after != 0 {
		if err := x.mayEnter(after, payment, false); err != nil {
			return 0, err
		}
	}
	return after, nil
}

// permits asks one rule about a payment of a purpose's money: its own, or one that amends it.
func (x *Executor) permits(r *contract.Rule, from uint32, payment *contract.Payment) (after uint32, _ *token.Error) {
	after, err := r.Permit(payment)
	if err != nil {
		return 0, err
	}
	if after == token.BecomesSame {
		after = from
	}
	if err := x.paysAtOnce(r, from, payment); err != nil {
		return 0, err
	}
	if x.rulesVersion >= 3 && after != from {
		// Hops count the payments that keep the mark. The one that ends it is always open.
	} else if most := r.Purpose.Hops; most != 0 && x.holdingOf(from).hops >= most {
		return 0, refuse(HopsUsed, "inputs", "money for %q is paid on %d times at most", r.Purpose.Name, most)
	}
	return after, nil
}

// paysAtOnce sums what a transaction pays of a purpose to one payee: since rules version 3 the sum is what the rule
// bounds, in however many outputs it comes.
func (x *Executor) paysAtOnce(r *contract.Rule, purpose uint32, payment *contract.Payment) *token.Error {
	most := r.Purpose.MaxPayment
	if most == 0 || x.rulesVersion < 3 {
		return nil
	}
	for i := range x.portions {
		if p := &x.portions[i]; p.purpose == purpose && p.payee == payment.Payee.ID &&
			payment.Amount > most-min(p.amount, most) {
			return refuse(contract.PurposeForbids, "outputs.amount",
				"%s tenge on top of %s to one payee; money for %q pays at most %s at once",
				payment.Amount, p.amount, r.Purpose.Name, most)
		}
	}
	return nil
}

// pays books a payment that is permitted.
func (x *Executor) pays(purpose uint32, payment *contract.Payment) {
	for i := range x.portions {
		if p := &x.portions[i]; p.purpose == purpose && p.payee == payment.Payee.ID {
			p.amount += payment.Amount // at most what the inputs hold
			return
		}
	}
	x.portions = append(x.portions, portion{purpose, payment.Payee.ID, payment.Amount})
}

// mayEnter checks that money may become a purpose's: by marking, or out of another purpose. It adds the amount to the
// holding's entering, so that outputs of one transaction cannot exceed MaxTotal together.
func (x *Executor) mayEnter(number uint32, payment *contract.Payment, earmarking bool) *token.Error {
	r, err := x.rule(number)
	if err != nil {
		return err
	}
	if earmarking {
		if err := x.inForce(number); err != nil {
			return err
		}
		payment.Today = x.state.Authority().Policy.Day(x.now)
		if err := r.MayEarmark(payment); err != nil {
			return err
		}
	} else if x.now >= r.Purpose.UntilMillis {
		return r.InTime(x.now)
	}
	p, h := x.state.Purpose(number), x.holdingOf(number)
	entering, overflow := money.Add(h.entering, payment.Amount)
	if overflow != nil || entering > math.MaxInt64-p.Entered {
		return refuse(token.AmountOverflow, "outputs.amount", "all ever marked for %q would exceed 63 bits", p.Name)
	}
	if p.MaxTotal != 0 && entering > p.MaxTotal-min(p.Live(), p.MaxTotal) {
		return refuse(PurposeFull, "outputs.amount", "%s tenge on top of %s; the purpose %q holds at most %s", entering,
			p.Live(), p.Name, p.MaxTotal)
	}
	h.entering = entering
	return nil
}

// checkHoldings says whether, of every asset, what is given is what is brought.
func (x *Executor) checkHoldings() *token.Error {
	for i := range x.holdings {
		if h := &x.holdings[i]; h.in != h.out {
			return refuse(NotBalanced, "outputs", "of purpose %d, inputs less outputs is %s tenge, want 0", h.purpose,
				h.in-h.out)
		}
	}
	return nil
}

// counts says whether a purpose's money counts to its holder's limits.
func (x *Executor) counts(purpose uint32) bool {
	p := x.state.Purpose(purpose)
	return p == nil || !p.OwnLimits
}

// paysNow says whether a payer's part in a transaction is a payment of the day: all are, but
// gathering one's own tokens into fewer.
func paysNow(net money.Tiyn, delta int) bool { return net < 0 || delta >= 0 }
