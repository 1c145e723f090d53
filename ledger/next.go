package ledger

import (
	"maps"
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Step is an action of a contract, and what stands against it now.
type Step struct {
	contract.Next
	Caller  token.WalletID `json:"caller" doc:"for whom it was looked at"`
	Refused *token.Error   `json:"-"` // nil where nothing that is known stands against it
}

// Prepared is what was compiled for a trial outside of the state's lock. It is used by one goroutine.
type Prepared struct {
	rules    uint32
	id       token.Hash
	program  *contract.Program
	purposes map[uint32]*contract.Rule
}

// maxPrepared bounds how many purposes are prepared for one trial: one with all its amendments, and what their money
// becomes.
const maxPrepared = 4 * MaxAmendments

// Unprepared is what a trial will need, as it stands in the state.
type Unprepared struct {
	Rules      uint32 // version
	Definition token.Hash
	Encoded    []byte
	Purposes   map[uint32]token.Purpose
}

// NeededFor says what a trial of payments of purposes' money, or of a contract's actions, needs compiled. It reads
// under the state's lock and takes copies; Prepare, which may take long, then needs no lock.
func NeededFor(state State, height uint64, c *Contract, purposes ...uint32) Unprepared {
	need := Unprepared{Rules: state.Authority().RulesAt(height), Purposes: map[uint32]token.Purpose{}}
	if c != nil {
		need.Definition = c.Definition
		need.Encoded, _ = state.Definition(c.Definition)
		purposes = append(purposes, c.Assets...)
	}
	for ; len(purposes) > 0 && len(need.Purposes) < maxPrepared; purposes = purposes[1:] {
		number := purposes[0]
		p := state.Purpose(number)
		if _, known := need.Purposes[number]; known || p == nil {
			continue
		}
		need.Purposes[number] = p.Purpose
		purposes = append(purposes, p.AmendedBy)
		for _, permit := range p.Permits {
			purposes = append(purposes, permit.Becomes)
		}
	}
	return need
}

// Prepare compiles it.
func (need Unprepared) Prepare() Prepared {
	p := Prepared{rules: need.Rules, id: need.Definition, purposes: map[uint32]*contract.Rule{}}
	if need.Encoded != nil {
		p.program = Compile(need.Rules, need.Encoded, true).Program
	}
	for _, number := range slices.Sorted(maps.Keys(need.Purposes)) {
		if r, problems := contract.CompileRegisteredPurpose(need.Rules, need.Purposes[number]); len(problems) == 0 {
			p.purposes[number] = r
		}
	}
	return p
}

// trial is an executor on a state that it does not change, with what was prepared for it.
func trial(network token.NetworkID, state State, height, now uint64, with Prepared) *Executor {
	x := NewExecutor(network, unchanged{state})
	x.height, x.now, x.rulesVersion = height, now, state.Authority().RulesAt(height)
	x.Strict = true
	if x.rulesVersion != with.rules {
		return x // the version changed meanwhile: compiled again
	}
	if with.program != nil {
		x.keepProgram(with.id, with.program)
	}
	for number, r := range with.purposes { // any order: a table again
		x.rules.Put(number, r)
	}
	return x
}

// NextSteps says of every action of a live contract whether it would be executed if a block of this time were made now:
// for a caller or, of the zero wallet, for the first party that may call it. An action that takes nothing is tried to
// its end, payouts included; of one that takes money, whether the caller has it is not asked. Nothing is changed.
// height is the next block's, now its time in Unix milliseconds. The result has one step for each action, in the order
// of the definition; an action that is not open is no error. The state's lock is held for reading.
func NextSteps(network token.NetworkID, state State, height, now uint64, id, caller token.WalletID,
	with Prepared) ([]Step, *token.Error) {
	c := state.Contract(id)
	if c == nil {
		return nil, refuse(UnknownContract, "contract", "no contract %s: it has ended, or never was", id)
	}
	x := trial(network, state, height, now, with)
	program, err := x.program(c.Definition)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(program.Definition.Actions))
	for i := range steps {
		who := caller
		if who == (token.WalletID{}) {
			who = c.Parties[0]
			if by := program.Definition.Actions[i].By; len(by) > 0 {
				who = c.Parties[slices.Index(program.Definition.Parties, by[0])]
			}
		}
		steps[i] = x.step(c, program, i, who)
	}
	return steps, nil
}

// step looks at one action. It is tried whole only where nothing depends on the caller: with arguments or money that
// he has yet to name, a refusal would be of what was made up here.
func (x *Executor) step(c *Contract, program *contract.Program, action int, caller token.WalletID) Step {
	w, refused := x.caller(caller)
	none := make([]money.Tiyn, len(c.Assets))
	x.held = x.held[:0]
	for i := range c.Assets {
		held, _ := x.heldToken(c, i)
		x.held = append(x.held, held.Amount)
	}
	party := x.partyOf(caller, &w)
	call := x.call(c, &party, none, nil)
	call.Action = action
	next, against := program.Next(&c.Instance, call)
	s := Step{Next: next, Caller: caller, Refused: refused}
	switch {
	case c.Frozen:
		s.Refused = refuse(Frozen, "contract", "contract %s is frozen", c.ID)
	case s.Refused == nil && against != nil:
		s.Refused = against
	case s.Refused == nil && !s.Open && len(s.Takes) == 0:
		_, s.Refused = x.planAct(&token.Act{Contract: c.ID, Version: c.Version, Action: next.Action, Caller: caller,
			Paid: none})
	}
	s.Open = s.Open && s.Refused == nil
	return s
}

// MayPay says whether a payment of a purpose's money would be executed if a block of this time were made now, whoever
// has signed it, and what the money becomes. inputs are tokens of the payer that carry the purpose: without them it is
// refused as a payment without them is, so that nobody learns more here than by a payment of his own. Nothing is
// changed.
func MayPay(network token.NetworkID, state State, height, now uint64, of EarmarkedPayment,
	with Prepared) (becomes uint32, refusal *token.Error) {
	x := trial(network, state, height, now, with)
	t := &token.EarmarkedTransfer{Parties: []token.WalletID{of.Payer, of.Payee}, Inputs: of.Inputs}
	if err := x.loadEarmarked(t); err != nil {
		return 0, err
	}
	if err := x.gather(of.Payer, of.Inputs); err != nil {
		return 0, err
	}
	brought := x.holdingOf(of.Purpose).in
	if of.Amount <= 0 || brought < of.Amount {
		return 0, refuse(NotBalanced, "outputs", "%s tenge of purpose %d is brought, %s is paid", brought, of.Purpose,
			of.Amount)
	}
	payer, payee := x.partyOf(of.Payer, &x.wallets[0]), x.partyOf(of.Payee, &x.wallets[1])
	becomes, err := x.judge(of.Purpose, anyEarmark, false,
		&contract.Payment{Payer: &payer, Payee: &payee, Amount: of.Amount, Now: x.now})
	if err != nil {
		return 0, err
	}
	t.Outputs = []token.EarmarkedOutput{{Party: 1, Amount: of.Amount, From: of.Purpose, Becomes: becomes}}
	if rest := brought - of.Amount; rest > 0 {
		t.Outputs = append(t.Outputs, token.EarmarkedOutput{Party: 0, Amount: rest, From: of.Purpose,
			Becomes: of.Purpose})
	}
	return becomes, x.planEarmarked(t)
}

// EarmarkedPayment is a payment of marked money that nobody has signed. Amounts are in tiyn. Inputs are the payer's,
// and may carry other purposes too.
type EarmarkedPayment struct {
	Purpose      uint32
	Payer, Payee token.WalletID
	Amount       money.Tiyn
	Inputs       []token.ID
}
