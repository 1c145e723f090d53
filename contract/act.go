package contract

import (
	"bytes"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Call is an action that somebody wants. Slices by asset are as long as the definition's assets; amounts are in tiyn.
// Nothing of it is kept after the call.
type Call struct {
	Action   int
	Caller   *Party
	Party    func(i int) *Party // reads a party's wallet when an expression asks
	Now      uint64             // the block's time, ms
	Args     []token.Value
	Paid     []money.Tiyn // what comes in, by asset
	Held     []money.Tiyn // what is held, by asset, before that
	Document []byte       // hash of the attached document: 32 bytes, or nil
	Network  token.NetworkID
	Rules    uint32             // of the block; 0 for the newest
	Purpose  func(i int) string // what an asset is called: Plain, or AGENCY/PURPOSE
	Today    uint32             // the network's day, since 1970
}

// Plain is what tenge without a mark is called.
const Plain = "plain"

// Outcome is what an action does. It is valid until the program is used again. State has an item for each variable,
// Registers one for each that is a word (Instance).
type Outcome struct {
	Payouts []Paid
	State   []int64 // after the action
	Ends    bool

	Registers  []token.Hash // after the action
	EndsMillis uint64       // when the contract ends from now on; 0 where that does not change
}

// Paid is a payout computed: not negative, and covered by what is held.
type Paid struct {
	Party  int // or Caller's −1
	Asset  int
	As     int // the asset it becomes; Asset where it stays
	Amount money.Tiyn
}

// ToCaller is Paid.Party where the caller is paid.
const ToCaller = callerIndex

// Create checks a creation and returns the instance's state and end. The instance has its id, parties, assets, terms
// and time of creation already. After a refusal the instance is of no use.
func (p *Program) Create(instance *Instance, c *Call) *token.Error {
	d := p.Definition
	if len(instance.Parties) != len(d.Parties) {
		return refuse(BadTerms, "parties", "%d, the definition has %d", len(instance.Parties), len(d.Parties))
	}
	if len(instance.Assets) != len(d.Assets) {
		return refuse(BadTerms, "assets", "%d, the definition has %d", len(instance.Assets), len(d.Assets))
	}
	if err := typed(BadTerms, "terms", d.Terms, instance.Terms); err != nil {
		return err
	}
	s := p.enter(instance, c, p.fixed)
	ends, err := p.endsAt.int(s)
	if err != nil {
		return err
	}
	if ends <= int64(c.Now) || uint64(ends)-c.Now > MaxLifeMillis {
		return refuse(BadTerms, "terms", "the end would be at %s, which is not within ten years from now", Moment(ends))
	}
	instance.EndsMillis = uint64(ends)
	instance.State, instance.Registers = make([]int64, len(p.starts)), nil
	for i, x := range p.starts {
		if p.registers[i] >= 0 {
			word, err := x.register(s)
			if err != nil {
				return err
			}
			instance.Registers = append(instance.Registers, word)
		} else if instance.State[i], err = x.int(s); err != nil {
			return err
		}
	}
	s.getters = p.create.getters // the guard reads more than what is fixed: who creates it, and what is paid in
	if !p.mayCall(&p.create, s) {
		return refuse(WrongCaller, "caller", "%s is not for this wallet to call", p.create.called())
	}
	return p.admit(&p.create, s)
}

// Act computes an action: it checks everything that the definition demands and says what is paid and what the state
// becomes. It changes nothing. What an action may cost was bounded when the definition was accepted, so nothing here
// counts steps.
func (p *Program) Act(instance *Instance, c *Call) (*Outcome, *token.Error) {
	if c.Action < 0 || c.Action >= len(p.actions) {
		return nil, refuse(UnknownAction, "action", "no action %d", c.Action)
	}
	if c.Now >= instance.EndsMillis {
		return nil, refuse(TooLate, "contract", "it ended at %s", Moment(int64(instance.EndsMillis)))
	}
	a := &p.actions[c.Action]
	if err := typed(BadArguments, "args", a.args, c.Args); err != nil {
		return nil, err
	}
	s := p.enter(instance, c, a.getters)
	if !p.mayCall(a, s) {
		return nil, refuse(WrongCaller, "caller", "%s is not for this wallet to call", a.called())
	}
	return p.does(a, s)
}

// does computes what an action does, whoever calls it.
func (p *Program) does(a *action, s *scope) (*Outcome, *token.Error) {
	if err := p.admit(a, s); err != nil {
		return nil, err
	}
	if err := p.payouts(a, s); err != nil {
		return nil, err
	}
	// Payouts before state: what an action pays is computed of the state as the caller found it, and so are all new
	// values, whose order in the definition therefore decides nothing. The outcome is the program's own and is used
	// again by the next call.
	out := &p.outcome
	out.State, out.Ends = append(out.State[:0], s.instance.State...), a.ends
	out.Registers, out.EndsMillis = append(out.Registers[:0], s.instance.Registers...), 0
	for _, u := range a.set {
		if place := p.registers[u.variable]; place >= 0 {
			word, err := u.value.register(s)
			if err != nil {
				return nil, err
			}
			out.Registers[place] = word
			continue
		}
		n, err := u.value.int(s)
		if err != nil {
			return nil, err
		}
		out.State[u.variable] = n
	}
	if a.extends == nil {
		return out, nil
	}
	var err *token.Error
	out.EndsMillis, err = p.renewed(a, s)
	return out, err
}

// enter points the scope at a call. The scope is the program's one, used again: that is why a program has one user.
func (p *Program) enter(instance *Instance, c *Call, getters map[string]getter) *scope {
	s := &p.scope
	s.getters, s.instance, s.party, s.caller = getters, instance, c.Party, c.Caller
	s.args, s.paid, s.now, s.document, s.network = c.Args, c.Paid, c.Now, c.Document, c.Network
	s.purpose, s.today, s.rules = c.Purpose, c.Today, c.Rules
	if s.rules == 0 {
		s.rules = NewestRules
	}
	s.held, s.left = s.held[:0], s.left[:0]
	for i, held := range c.Held {
		s.held = append(s.held, held+c.Paid[i]) // the sums of live tokens fit
	}
	s.left = append(s.left, s.held...)
	return s
}

// typed checks that values are those that are asked for.
func typed(code token.Code, field string, fields []Field, values []token.Value) *token.Error {
	if len(values) != len(fields) {
		return refuse(code, field, "%d values, want %d", len(values), len(fields))
	}
	for i, f := range fields {
		if values[i].Type != f.Type {
			return refuse(code, field+"."+f.Name, "of type %s, want %s", values[i].Type, f.Type)
		}
	}
	return nil
}

// admit checks time, document, what is paid in, and the guard.
func (p *Program) admit(a *action, s *scope) *token.Error {
	if err := p.inTime(a, s); err != nil {
		return err
	}
	if err := p.hasDocument(a, s); err != nil {
		return err
	}
	for i, t := range a.takes {
		if t.any {
			continue
		}
		var want int64
		if t.amount != nil {
			var err *token.Error
			if want, err = t.amount.int(s); err != nil {
				return err
			}
		}
		if int64(s.paid[i]) != want {
			return refuse(WrongPayment, "paid."+p.Definition.Assets[i], "%s tenge is paid in; %s takes %s", s.paid[i],
				a.called(), money.Tiyn(want))
		}
	}
	// The guard last: it may read what is paid in, which has been held against what the action takes.
	if a.when == nil {
		return nil
	}
	holds, err := a.when.bool(s)
	if err != nil {
		return err
	}
	if !holds {
		return refuse(GuardNotMet, "when", "%s needs: %s", a.called(), a.when.text)
	}
	return nil
}

// called is the action's name for messages.
func (a *action) called() string {
	if a.name == "" {
		return "creating"
	}
	return a.name
}

// mayCall says whether the caller is one of the action's parties; an action that names none is anybody's.
func (p *Program) mayCall(a *action, s *scope) bool {
	for _, party := range a.by {
		if s.instance.Parties[party] == s.caller.ID {
			return true
		}
	}
	return len(a.by) == 0
}

// inTime refuses an action before its time, and at its end and after; under rules before version 3 the end itself was
// in time.
func (p *Program) inTime(a *action, s *scope) *token.Error {
	if a.from != nil {
		from, err := a.from.int(s)
		if err != nil {
			return err
		}
		if int64(s.now) < from {
			return refuse(TooEarly, "from", "%s is possible from %s, it is %s", a.called(), Moment(from),
				Moment(int64(s.now)))
		}
	}
	if a.until != nil {
		until, err := a.until.int(s)
		if err != nil {
			return err
		}
		if int64(s.now) > until || int64(s.now) == until && s.rules >= 3 {
			return refuse(TooLate, "until", "%s was possible before %s, it is %s", a.called(), Moment(until),
				Moment(int64(s.now)))
		}
	}
	return nil
}

// hasDocument holds the document's hash against what the action wants, if it wants one.
func (p *Program) hasDocument(a *action, s *scope) *token.Error {
	if a.anyDocument {
		if len(s.document) != 32 {
			return refuse(WrongDocument, "document", "%s needs a document's hash", a.called())
		}
		return nil
	}
	if a.document == nil {
		return nil
	}
	want, err := a.document.bytes(s)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, s.document) {
		return refuse(WrongDocument, "document", "the document's hash is %x, %s wants %x", s.document, a.called(), want)
	}
	return nil
}

// payouts computes what is paid, one after the other, each from what the ones before have left. The sum per asset
// therefore never exceeds what is held, whatever the static checks have shown; the ledger asks again all the same.
func (p *Program) payouts(a *action, s *scope) *token.Error {
	out := p.outcome.Payouts[:0]
	for i := range a.pay {
		pay := &a.pay[i]
		amount := s.left[pay.asset]
		if pay.amount != nil {
			n, err := pay.amount.int(s)
			if err != nil {
				return err
			}
			if n < 0 || n > int64(amount) {
				return refuse(NotCovered, index("pay", i), "%s tenge is to be paid, %s is left", money.Tiyn(n), amount)
			}
			amount = money.Tiyn(n)
		}
		s.left[pay.asset] -= amount
		if amount > 0 {
			out = append(out, Paid{pay.to, pay.asset, pay.as, amount})
		}
	}
	p.outcome.Payouts = out
	return nil
}
