package contract

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Rule is a purpose's rules, compiled. It is used by one goroutine.
type Rule struct {
	Purpose token.Purpose
	earmark *expression
	permits []*expression
	getters map[string]getter
	scope   scope

	// Rules that read nothing but what the payee is give one answer for all who are alike; it is
	// remembered. An answer is the number of the permit, or refused.
	ofPayee bool
	memory  map[likeness]int
	later   Problems // what a later version of the rules says of it
}

// likeness is what a rule over the payee alone can tell apart.
type likeness struct {
	tier       uint8
	attributes token.Attributes
}

const (
	// Answers are remembered for so many payments that differ, and then all forgotten; refused is the number that
	// stands for none of the permits.
	maxMemory = 4096
	refused   = -1
)

// Payment is what a purpose judges.
type Payment struct {
	Payer, Payee *Party
	Amount       money.Tiyn
	Now          uint64
	Document     []byte // hash of the attached document, or nil
	Definition   []byte // of the contract that pays; nil for a payment between wallets
	Today        uint32 // the network's day, since 1970
}

// paymentVariables are what a purpose's conditions see of a payment under every version of the rules.
func paymentVariables() []variable {
	vars := append(
		partyVariables("payer", func(s *scope) *Party { return s.payer }),
		partyVariables("payee", func(s *scope) *Party { return s.payee })...)
	return append(vars,
		intVariable("amount", func(s *scope) int64 { return int64(s.amount) }),
		intVariable("now", func(s *scope) int64 { return int64(s.now) }),
		variable{"document", cel.BytesType, 32, func(s *scope) ref.Val { return types.Bytes(s.document) }},
		variable{"definition", cel.BytesType, 32, func(s *scope) ref.Val { return types.Bytes(s.definition) }})
}

// CompilePurpose checks a purpose's rules under the newest rules and prepares them.
func CompilePurpose(p token.Purpose) (*Rule, Problems) { return CompilePurposeUnder(NewestRules, p) }

// CompilePurposeUnder is CompilePurpose under a version of the ledger's rules.
func CompilePurposeUnder(rules uint32, p token.Purpose) (*Rule, Problems) {
	return compilePurpose(p, environmentOf(rules).payments, false)
}

// Later says what rules version 5 refuses in a purpose that an earlier version takes.
func (r *Rule) Later() Problems { return r.later }

// CompileRegisteredPurpose prepares a purpose that is registered already, whatever its rules cost by now.
func CompileRegisteredPurpose(rules uint32, p token.Purpose) (*Rule, Problems) {
	return compilePurpose(p, environmentOf(rules).payments, true)
}

// compilePurpose compiles the conditions of a purpose, and finds whether they are of the payee alone (ofPayee): then a
// wallet's verdict is remembered by what its attributes are, and a payment to a hundred of the same kind evaluates
// once.
func compilePurpose(p token.Purpose, c *compiler, registered bool) (*Rule, Problems) {
	var problems Problems
	r := &Rule{Purpose: p, getters: c.getters, memory: map[likeness]int{}, ofPayee: true}
	var cost total
	compile := func(where, text string) *expression {
		x, problem := c.compile(where, text, cel.BoolType)
		if problem != nil {
			problems = append(problems, *problem)
			return nil
		}
		cost.addExpression(x)
		if value, ok := x.constant.(types.Bool); ok && !bool(value) {
			problems.add(where, "write who may, such as payee.role == \"canteen\"", "never holds")
		}
		return x
	}
	r.earmark = compile("mark", p.Earmark)
	for i, permit := range p.Permits {
		x := compile(index("permits", i)+".when", permit.When)
		r.permits = append(r.permits, x)
		if x == nil {
			continue
		}
		for _, name := range x.names {
			// What a wallet is, not what is paid: an amount or a document makes each payment its own, and its verdict
			// is not remembered.
			switch name {
			case "payee.tier", "payee.category", "payee.region", "payee.role":
			default:
				r.ofPayee = false
			}
		}
		if _, always := x.constant.(types.Bool); always && i+1 < len(p.Permits) {
			problems.add(index("permits", i)+".when", "put it last",
				"always holds, so that those after it never decide")
		}
	}
	switch refused, later := cost.exceeds(MaxRuleCost, c.estimator.rules); {
	// A purpose that stands goes on under the bound it was registered with.
	case registered:
	case refused:
		problems.add("permits", "make the rules simpler, or fewer", "estimated worst-case cost %d, at most %d",
			cost.units, MaxRuleCost)
	case later:
		r.later.add("permits", "make the rules simpler, or fewer", "estimated worst-case cost %d, at most %d",
			cost.units, MaxRuleCost)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return r, nil
}

// enter lays a payment out for the conditions, in the rule's one scope: a rule judges one payment at a time.
func (r *Rule) enter(p *Payment) *scope {
	s := &r.scope
	s.getters, s.payer, s.payee = r.getters, p.Payer, p.Payee
	s.amount, s.now, s.document, s.definition = p.Amount, p.Now, p.Document, p.Definition
	s.today = p.Today
	return s
}

// InTime says whether the purpose's money may be spent at a time.
func (r *Rule) InTime(now uint64) *token.Error {
	if now < r.Purpose.FromMillis {
		return refuse(PurposeNotBegun, "inputs", "money for %q is spendable from %s", r.Purpose.Name,
			Moment(int64(r.Purpose.FromMillis)))
	}
	if now >= r.Purpose.UntilMillis {
		return refuse(PurposeExpired, "inputs", "money for %q was spendable until %s; it returns", r.Purpose.Name,
			Moment(int64(r.Purpose.UntilMillis)))
	}
	return nil
}

// MayEarmark says whether the payer may mark money for the payee.
func (r *Rule) MayEarmark(p *Payment) *token.Error {
	if p.Now >= r.Purpose.UntilMillis {
		return r.InTime(p.Now)
	}
	holds, err := r.earmark.bool(r.enter(p))
	if err != nil {
		return err
	}
	if !holds {
		return refuse(EarmarkingForbidden, "outputs", "marking for %q needs: %s", r.Purpose.Name, r.earmark.text)
	}
	return nil
}

// Permit judges a payment of marked money and returns what it becomes: a purpose's number, 0 for
// plain, token.BecomesSame.
func (r *Rule) Permit(p *Payment) (becomes uint32, _ *token.Error) {
	if err := r.InTime(p.Now); err != nil {
		return 0, err
	}
	if most := r.Purpose.MaxPayment; most != 0 && p.Amount > most {
		return 0, refuse(PurposeForbids, "outputs.amount", "%s tenge; money for %q pays at most %s at once", p.Amount,
			r.Purpose.Name, most)
	}
	answer, err := r.decide(p)
	if err != nil {
		return 0, err
	}
	if answer == refused {
		return 0, refuse(PurposeForbids, "outputs", "money for %q may not be paid to wallet %s; it needs: %s",
			r.Purpose.Name, p.Payee.ID, r.conditions())
	}
	return r.Purpose.Permits[answer].Becomes, nil
}

// conditions are all of them, for a refusal.
func (r *Rule) conditions() string {
	text := r.permits[0].text
	for _, x := range r.permits[1:] {
		text += ", or " + x.text
	}
	return text
}

// decide finds the first permit that holds.
func (r *Rule) decide(p *Payment) (int, *token.Error) {
	if !r.ofPayee {
		return r.first(p)
	}
	alike := likeness{p.Payee.Tier, p.Payee.Attributes}
	if answer, known := r.memory[alike]; known {
		return answer, nil
	}
	answer, err := r.first(p)
	if err == nil {
		if len(r.memory) >= maxMemory {
			clear(r.memory)
		}
		r.memory[alike] = answer
	}
	return answer, err
}

// first is the first permit whose condition holds; the order is the registered one.
func (r *Rule) first(p *Payment) (int, *token.Error) {
	s := r.enter(p)
	for i, x := range r.permits {
		holds, err := x.bool(s)
		if err != nil {
			return 0, err
		}
		if holds {
			return i, nil
		}
	}
	return refused, nil
}
