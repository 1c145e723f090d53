package ledger

import (
	"crypto/sha256"
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// define registers a definition, after checking that it is a contract.
func (x *Executor) define(t *token.Define) *token.Error {
	if err := x.registrarSequence(t.Registrar, t.Sequence); err != nil {
		return err
	}
	id := token.Hash(sha256.Sum256(t.Definition))
	if _, exists := x.state.Definition(id); exists {
		return refuse(Duplicate, "definition", "definition %s is registered", id)
	}
	// The cheap refusals come before the definition is compiled, whose cost its sender chooses; and what must go to
	// make room goes only after everything has passed, so that a refused definition drops nobody's.
	drop, full, err := x.roomForDefinition(t.Registrar)
	if err != nil {
		return err
	}
	d, err := contract.Decode(t.Definition)
	if err != nil {
		return err
	}
	program, problems := x.compileNew(id, d)
	if len(problems) > 0 {
		return problems.Refusal()
	}
	if later := program.Later(); len(later) > 0 {
		if err := x.from(5, later.Refusal()); err != nil {
			return err
		}
	}
	x.advance(t.Registrar)
	if full {
		x.state.RemoveDefinition(drop)
		x.programs.Delete(drop)
	}
	var by Registered
	if x.rulesVersion >= sharedRoom {
		by = Registered{t.Registrar, t.Sequence}
		x.registered[t.Registrar]++
	}
	x.state.AddDefinition(id, slices.Clone(t.Definition), by)
	// The compiled program is a cache beside the state: a node that starts from a snapshot compiles the same from the
	// bytes.
	x.keepProgram(id, program)
	return nil
}

// caller reads and checks the wallet that creates a contract or calls an action.
func (x *Executor) caller(id token.WalletID) (Wallet, *token.Error) {
	w, ok := x.state.Wallet(id)
	if !ok {
		return w, refuse(UnknownWallet, "caller", "no wallet %s", id)
	}
	if err := x.notReserve(id, "caller"); err != nil {
		return w, err
	}
	return w, x.mayPay(id, &w)
}

// create makes a contract. From PutWallet on nothing refuses.
func (x *Executor) create(id token.TransactionID, t *token.Create) *token.Error {
	if _, ok := x.state.Definition(t.Definition); !ok {
		return refuse(UnknownDefinition, "definition", "no definition %s", t.Definition)
	}
	creator, err := x.caller(t.Creator)
	if err != nil {
		return err
	}
	for _, party := range t.Parties {
		if err := x.mayReceive(party, "parties"); err != nil {
			return err
		}
	}
	program, err := x.program(t.Definition) // what may take long to compile comes after what costs nothing
	if err != nil {
		return err
	}
	for _, number := range t.Assets {
		if number == 0 {
			continue
		}
		if err := x.admits(number, t.Definition); err != nil {
			return err
		}
	}
	c := &Contract{Instance: contract.Instance{
		ID: token.RegisteredID(id), Definition: t.Definition, Parties: t.Parties, Assets: t.Assets, Terms: t.Terms,
		Version: 1, CreatedMillis: x.now,
	}, Tokens: make([]token.ID, len(t.Assets))}
	if x.rulesVersion >= 2 {
		c.PaidIn = make([]money.Tiyn, len(t.Parties)*len(t.Assets))
	}
	if _, exists := x.state.Wallet(c.ID); exists || c.ID == token.Authority {
		return refuse(Duplicate, "", "wallet %s exists", c.ID)
	}
	if err := x.bring(t.Creator, &creator, c, t.Inputs, t.Paid); err != nil {
		return err
	}
	party := x.partyOf(t.Creator, &creator)
	if err := program.Create(&c.Instance, x.call(c, &party, t.Paid, t.Document)); err != nil {
		return err
	}

	if err := x.outlives(c, c.EndsMillis); err != nil {
		return err
	}

	x.beginPaying(c)
	x.paysIn(c, t.Creator, t.Paid)
	copy(c.PaidIn, x.paidIn)
	x.state.PutWallet(c.ID, Wallet{Registrar: creator.Registrar, Version: 1, Contract: true})
	x.state.AddContract(c)
	x.change(c, t.Creator, t.Paid)
	for i := range c.Assets {
		x.effect(c.ID, t.Paid[i], c.Assets[i], x.inHops[i])
	}
	x.takeIn(t.Creator, &creator, c, t.Inputs, t.Paid)
	x.enactEffects(id)
	x.locate(c, id)
	return nil
}

// act executes an action: everything is checked and planned first, then done, so that a refusal leaves the state as it
// was. What comes in is taken before what is held is paid out.
func (x *Executor) act(id token.TransactionID, t *token.Act) *token.Error {
	p, err := x.planAct(t)
	if err != nil {
		return err
	}
	c, out := p.contract, p.out
	x.state.ChangeContract(c)
	x.change(c, t.Caller, t.Paid)
	x.takeIn(t.Caller, &p.caller, c, t.Inputs, t.Paid)
	x.release(c, out, p.call, p.program.Definition)
	for _, e := range x.entering {
		x.became(e.from, e.to, e.amount)
	}
	x.enactEffects(id)
	if out.Ends {
		x.remove(c)
		return nil
	}
	x.goesOn(c, out)
	x.locate(c, id)
	return nil
}

// plannedAct is an action that everything has been found to allow.
type plannedAct struct {
	contract *Contract
	caller   Wallet
	program  *contract.Program
	call     *contract.Call
	out      *contract.Outcome
}

// planAct checks an action and plans what it does. It changes nothing of the state.
func (x *Executor) planAct(t *token.Act) (p plannedAct, err *token.Error) {
	c := x.state.Contract(t.Contract)
	if c == nil {
		return p, refuse(UnknownContract, "contract", "no contract %s: it has ended, or never was", t.Contract)
	}
	// An action is signed over the version that its caller saw. Two that cross cannot both happen on terms that only
	// the first of them knew: the second is refused, whatever it would have paid.
	if c.Version != t.Version {
		return p, refuse(StaleVersion, "version", "%d is named, %d is present", t.Version, c.Version)
	}
	if c.Frozen {
		return p, refuse(Frozen, "contract", "contract %s is frozen", t.Contract)
	}
	p.contract = c
	if p.caller, err = x.caller(t.Caller); err != nil {
		return p, err
	}
	if p.program, err = x.program(c.Definition); err != nil {
		return p, err
	}
	action, ok := p.program.Definition.Action(t.Action)
	if !ok {
		return p, refuse(contract.UnknownAction, "action", "the contract has no action %q", t.Action)
	}
	if len(t.Paid) != len(c.Assets) {
		return p, refuse(contract.WrongPayment, "paid", "%d amounts, the contract has %d assets", len(t.Paid),
			len(c.Assets))
	}
	if err := x.bring(t.Caller, &p.caller, c, t.Inputs, t.Paid); err != nil {
		return p, err
	}
	party := x.partyOf(t.Caller, &p.caller)
	p.call = x.call(c, &party, t.Paid, t.Document)
	p.call.Action, p.call.Args = action, t.Args
	if p.out, err = p.program.Act(&c.Instance, p.call); err != nil {
		return p, err
	}
	// From here nothing of the contract decides any more: what is left is whether money may move so. payouts is last,
	// for it sees what paysIn will have put in.
	if err := x.outlives(c, p.out.EndsMillis); err != nil {
		return p, err
	}
	x.beginPaying(c)
	x.paysIn(c, t.Caller, t.Paid)
	return p, x.payouts(c, p.out.Payouts, p.call)
}

// goesOn is a contract's record after an action that does not end it.
func (x *Executor) goesOn(c *Contract, out *contract.Outcome) {
	copy(c.State, out.State)
	copy(c.Registers, out.Registers)
	copy(c.PaidIn, x.paidIn)
	c.Version++
	if out.EndsMillis != 0 {
		x.state.SetEnd(c, out.EndsMillis)
		c.Renewals++
	}
}

// outlives checks that no money returns from under a contract that is to end at a time: since rules version 3 it ends
// before its assets' purposes.
func (x *Executor) outlives(c *Contract, ends uint64) *token.Error {
	if x.rulesVersion < 3 {
		return nil
	}
	for _, number := range c.Assets {
		if p := x.state.Purpose(number); p != nil && p.UntilMillis < ends {
			return refuse(contract.BadTerms, "assets",
				"the contract would end at %s, after its money for %q has returned at %s",
				contract.Moment(int64(ends)), p.Name, contract.Moment(int64(p.UntilMillis)))
		}
	}
	return nil
}

// bring checks what a wallet brings into a contract: x.held and x.heldHops become what the contract
// holds by asset, x.brought and x.inHops what the inputs are, of which t.Paid stays.
func (x *Executor) bring(id token.WalletID, w *Wallet, c *Contract, inputs []token.ID, paid []money.Tiyn) *token.Error {
	if err := x.gather(id, inputs); err != nil {
		return err
	}
	policy := &x.state.Authority().Policy
	x.held, x.heldHops, x.brought, x.inHops = x.held[:0], x.heldHops[:0], x.brought[:0], x.inHops[:0]
	x.effectHops, x.entering = x.effectHops[:0], x.entering[:0]
	var counted money.Tiyn
	named := 0
	for i, purpose := range c.Assets {
		held, _ := x.heldToken(c, i)
		x.held, x.heldHops = append(x.held, held.Amount), append(x.heldHops, held.Hops)
		h := x.holdingOf(purpose)
		if h.in != 0 {
			named++
		}
		change := h.in - paid[i]
		switch {
		case change < 0:
			return refuse(NotBalanced, "paid", "%s tenge is paid in, the inputs have %s", paid[i], h.in)
		case change != 0 && change < policy.LeastToken:
			return refuse(Dust, "paid", "%s tenge of change is less than %s", change, policy.LeastToken)
		case paid[i] != 0 && paid[i] < policy.LeastToken:
			return refuse(Dust, "paid", "%s tenge is less than %s", paid[i], policy.LeastToken)
		}
		x.brought, x.inHops = append(x.brought, h.in), append(x.inHops, h.hops)
		if x.counts(purpose) {
			counted -= paid[i]
		}
		h.hops = max(h.hops, held.Hops) // what is merged has used the most
	}
	for i := range x.holdings {
		if x.holdings[i].in != 0 {
			named--
		}
	}
	if named != 0 {
		return refuse(NotBalanced, "inputs", "an input is of an asset that the contract does not hold")
	}
	return x.checkLimit(policy, id, w, counted, true, policy.Day(x.now))
}

// heldToken is what a contract holds of one of its assets.
func (x *Executor) heldToken(c *Contract, asset int) (Token, bool) {
	if c.Tokens[asset] == (token.ID{}) {
		return Token{}, false
	}
	return x.state.Token(c.Tokens[asset])
}

// call puts together what package contract asks for.
func (x *Executor) call(c *Contract, caller *contract.Party, paid []money.Tiyn, document *token.Hash) *contract.Call {
	x.parties = x.parties[:0]
	for range c.Parties {
		x.parties = append(x.parties, contract.Party{})
	}
	call := &x.calling
	*call = contract.Call{Rules: x.rulesVersion, Today: x.state.Authority().Policy.Day(x.now),
		Purpose: func(i int) string { return x.nameOf(c.Assets[i]) },
		Network: x.network, Caller: caller, Now: x.now, Paid: paid, Held: x.held, Party: func(i int) *contract.Party {
			return x.party(c, i)
		}}
	if document != nil {
		call.Document = document[:]
	}
	return call
}

// party reads a party's wallet when it is first asked for. Of one that was closed only the id is known.
func (x *Executor) party(c *Contract, i int) *contract.Party {
	p := &x.parties[i]
	if p.ID != c.Parties[i] {
		w, _ := x.state.Wallet(c.Parties[i])
		*p = x.partyOf(c.Parties[i], &w)
	}
	return p
}

// remark is money that goes over into another mark, planned.
type remark struct {
	from, to uint32
	amount   money.Tiyn
}

// payouts asks the purposes about what an action pays, and plans its tokens. What is left of x.held
// is the rest.
func (x *Executor) payouts(c *Contract, payouts []contract.Paid, call *contract.Call) *token.Error {
	least := x.state.Authority().Policy.LeastToken
	for i := range x.held {
		x.held[i] += call.Paid[i]
	}
	for _, p := range payouts {
		if p.Amount < least {
			return refuse(Dust, "pay", "%s tenge is less than %s", p.Amount, least)
		}
		if p.Amount > x.held[p.Asset] {
			panic("a payout of more than is held") // package contract computes each from what is left
		}
		x.held[p.Asset] -= p.Amount
		payee := call.Caller
		if p.Party != contract.ToCaller {
			payee = x.party(c, p.Party)
		}
		from, as := c.Assets[p.Asset], c.Assets[p.As]
		becomes, hops := from, uint16(0)
		if from != 0 || as != 0 {
			if from != 0 && as != from {
				return refuse(WrongEarmark, "pay", "only plain tenge is marked")
			}
			var err *token.Error
			wanted := as
			if from != 0 {
				wanted = anyEarmark
			}
			payment := contract.Payment{Payer: call.Caller, Payee: payee, Amount: p.Amount, Now: x.now,
				Document: call.Document, Definition: c.Definition[:]}
			if becomes, err = x.judge(from, wanted, false, &payment); err != nil {
				return err
			}
			if becomes == from {
				hops = used(x.holdingOf(from).hops)
			} else {
				x.entering = append(x.entering, remark{from, becomes, p.Amount})
			}
		}
		x.pay(c, payee.ID, p.Asset, p.Amount, becomes, hops)
	}
	return nil
}

// change plans what comes back to the caller of what it brought.
func (x *Executor) change(c *Contract, caller token.WalletID, paid []money.Tiyn) {
	for i, purpose := range c.Assets {
		x.effect(caller, x.brought[i]-paid[i], purpose, x.inHops[i])
	}
}

// takeIn ends the caller's inputs and books what it paid.
func (x *Executor) takeIn(id token.WalletID, w *Wallet, c *Contract, inputs []token.ID, paid []money.Tiyn) {
	var brought, counted money.Tiyn
	for i, purpose := range c.Assets {
		brought += x.brought[i]
		if x.counts(purpose) {
			counted += paid[i]
			x.gained(id, x.brought[i]) // its balance is about to lack all of it; the change comes with the effects
		}
	}
	for _, input := range inputs {
		x.state.RemoveToken(input)
	}
	w.book(-brought, -counted, -len(inputs), true, x.state.Authority().Policy.Day(x.now))
	x.state.PutWallet(id, *w)
}

// release ends the contract's tokens of the assets that the action moved, and plans what it keeps of
// them, or the shares of the end.
func (x *Executor) release(c *Contract, out *contract.Outcome, call *contract.Call, d *contract.Definition) {
	for i, purpose := range c.Assets {
		held, has := x.heldToken(c, i)
		if !out.Ends && call.Paid[i] == 0 && held.Amount == x.held[i] {
			continue // untouched
		}
		if has {
			x.spend(c.Tokens[i], held)
			c.Tokens[i] = token.ID{}
		}
		hops := x.holdingOf(purpose).hops
		if out.Ends {
			x.shares(c, d, out.State, i, x.held[i], hops, call)
			continue
		}
		x.effect(c.ID, x.held[i], purpose, hops)
	}
}

// locate notes where a contract's tokens are after an entry made them. An entry makes at most one token of each asset
// for its contract: what it keeps.
func (x *Executor) locate(c *Contract, id token.TransactionID) {
	for i, e := range x.effects.Made {
		if e.Wallet == c.ID {
			asset := slices.Index(c.Assets, e.Purpose)
			c.Tokens[asset] = token.OutputID(id, i)
		}
	}
}

// remove ends a contract that holds nothing. Its wallet goes with it and leaves no Closed record: nothing is paid to a
// contract but by its own actions.
func (x *Executor) remove(c *Contract) {
	x.state.RemoveContract(c.ID)
	x.state.RemoveWallet(c.ID)
}

// definitionOf is a registered definition, compiled before or not.
func (x *Executor) definitionOf(id token.Hash) *contract.Definition {
	if p, ok := x.programs.Get(id); ok {
		return p.Definition
	}
	encoded, _ := x.state.Definition(id)
	d, err := contract.Decode(encoded)
	if err != nil {
		panic("a registered definition does not decode: " + err.Error())
	}
	return d
}

// expire returns a token whose purpose has ended. The id of the token stands for the transaction in the id of the one
// that is made, so that a token returns under an id that nothing else can have (System.Makes).
func (x *Executor) expire(id token.ID) System {
	t, _ := x.state.Token(id)
	purpose := t.Asset.Purpose
	p := x.state.Purpose(purpose)
	if c := x.state.Contract(t.Wallet); c != nil {
		x.state.ChangeContract(c)
		c.Tokens[slices.Index(c.Assets, purpose)] = token.ID{}
	}
	x.effects.reset()
	x.effectHops = x.effectHops[:0]
	x.spend(id, t)
	x.effect(p.Returns, t.Amount, 0, 0)
	x.became(purpose, 0, t.Amount)
	x.enactEffects(token.TransactionID(id))
	return System{Kind: SystemExpiry, Wallet: t.Wallet, Effects: x.effects.clone()}
}
