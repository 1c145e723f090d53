package contract

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// The end of a contract comes by itself and cannot fail. Since rules version 3 it may first do an action, in nobody's
// name: the first of End.Do whose times and condition hold. Whatever an action cannot compute, a product that overflows
// or a payout of more than is there, makes it one that is not possible; then the next is tried, and after all of them
// the shares are paid, which compute nothing.

// atEnd checks the parts of the end that need the actions compiled.
func (k *checker) atEnd() {
	e := &k.definition.End
	// What version 3 brought is named as of then; what it means is not looked at.
	if k.rules < 3 {
		k.before(len(e.Do) > 0, "end.do")
		for _, s := range e.Pay {
			k.before(s.Of != "", "end.pay."+s.To)
		}
		for i := range k.definition.Actions {
			a := &k.definition.Actions[i]
			k.before(a.Extends != "", "actions."+a.Name+".extends")
		}
		return
	}
	for _, s := range e.Pay {
		if s.Of == "" {
			continue
		}
		if variable, ok := k.definition.variable(s.Of); !ok || k.program.registers[variable] >= 0 {
			k.problems.add("end.pay."+s.To, "write state. and an integer of the state", "%q is no integer of the state",
				s.Of)
		}
	}
	if len(e.Do) > MaxEndActions {
		k.problems.add("end.do", "", "%d actions, at most %d", len(e.Do), MaxEndActions)
	}
	// All together: the end happens in one entry of a block, and nobody is there to call again for the rest.
	var cost total
	for i, name := range e.Do {
		number, ok := k.definition.Action(name)
		if first, _ := find(e.Do, name); !ok || first != i {
			k.problems.add("end.do", "write actions of the contract, each once", "%q is no action, or stands twice",
				name)
			continue
		}
		cost.add(k.program.actions[number].cost)
		k.byItself(number, name)
	}
	k.bound("end.do", "let it do fewer or simpler actions", cost)
	for i := range k.program.actions {
		if a := &k.program.actions[i]; a.extends != nil && a.ends {
			k.problems.add("actions."+a.name+".extends", "leave one of them out",
				"an action that ends the contract does not put its end off")
		}
	}
}

// before refuses what an earlier version of the rules does not have.
func (k *checker) before(has bool, where string) {
	if has {
		k.problems.add(where, "propose the upgrade first", "it exists from rules version 3 on; this network follows %d",
			k.rules)
	}
}

// byItself checks that an action needs nobody: nothing that a caller brings, and not a caller.
func (k *checker) byItself(number int, name string) {
	d, compiled := &k.definition.Actions[number], &k.program.actions[number]
	where := "actions." + name
	refuse := func(part string) {
		k.problems.add(where+"."+part, "leave it out, or let the end do another action",
			"the end does %s by itself, and nobody brings that", name)
	}
	if len(d.Args) > 0 {
		refuse("args")
	}
	if len(d.Takes) > 0 {
		refuse("takes")
	}
	if d.Document != "" {
		refuse("document")
	}
	if d.Until != "" {
		k.problems.add(where+".until", "leave it out", "the end does %s, and it comes after all other times", name)
	}
	for i, pay := range d.Pay {
		switch {
		case pay.To == Caller:
			k.problems.add(where+"."+index("pay", i)+".to", "write a party", "the end does %s, and nobody calls it",
				name)
		case pay.As != "":
			k.problems.add(where+"."+index("pay", i)+".as", "leave it out",
				"at the end marks stay what they are: nobody answers for a mark")
		}
	}
	// At the end there is no caller: an expression that reads one would fail then, and the contract's money could not
	// leave it.
	for _, x := range compiled.expressions() {
		for _, read := range x.names {
			if strings.HasPrefix(read, Caller+".") {
				k.problems.add(where, "name a party", "the end does %s, and nobody calls it: %s means nobody", name,
					read)
			}
		}
	}
}

// renewable says whether an action puts the end off.
func (k *checker) renewable() bool {
	for i := range k.definition.Actions {
		if k.definition.Actions[i].Extends != "" {
			return true
		}
	}
	return false
}

// renewed is when a contract ends after an action that puts its end off: later than before, and within ten years. Some
// actions do so as often as they like, MaxRenewals in all.
func (p *Program) renewed(a *action, s *scope) (uint64, *token.Error) {
	ends, err := a.extends.int(s)
	if err != nil {
		return 0, err
	}
	switch {
	case s.instance.Renewals >= MaxRenewals:
		return 0, refuse(BadTerms, "extends", "the end was put off %d times, which is as often as it can be",
			MaxRenewals)
	case ends <= int64(s.instance.EndsMillis):
		return 0, refuse(BadTerms, "extends", "the end would be at %s, which is not after %s, when it is now",
			Moment(ends), Moment(int64(s.instance.EndsMillis)))
	case uint64(ends)-s.now > MaxLifeMillis:
		return 0, refuse(BadTerms, "extends", "the end would be at %s, which is not within ten years from now",
			Moment(ends))
	}
	return uint64(ends), nil
}

// AtEnd computes what the contract does by itself at its end: the outcome of the first action of End.Do that is
// possible and that suits, which the ledger says; nil where there is none, and the shares are paid at once. The call
// has neither action nor arguments, its time is the contract's end, and nothing is paid in.
func (p *Program) AtEnd(instance *Instance, c *Call, suits func(*Outcome) bool) *Outcome {
	for _, name := range p.Definition.End.Do {
		number, ok := p.Definition.Action(name)
		if !ok {
			panic(fmt.Sprintf("the end does %q, which is no action", name)) // the checks have asked
		}
		a := &p.actions[number]
		out, err := p.does(a, p.enter(instance, c, a.getters))
		if err == nil && suits(out) {
			return out
		}
	}
	return nil
}

// Shares divides what is left at the end: each party's share rounded down, and what rounding leaves
// to the first. The sum is the amount, whatever the shares.
func (p *Program) Shares(state []int64, amount money.Tiyn) []Paid {
	return Shares(p.Definition, state, amount)
}

// Shares is Program.Shares without a program: nothing is evaluated. A variable below nothing is no share; where all are
// none, the first party has it all.
func Shares(d *Definition, state []int64, amount money.Tiyn) []Paid {
	var weights [MaxParties]uint64
	for i, s := range d.End.Pay {
		if weights[i] = s.Share; s.Of != "" {
			variable, _ := d.variable(s.Of)
			weights[i] = uint64(max(state[variable], 0))
		}
	}
	total, carry := uint64(0), uint64(0)
	for _, w := range weights {
		var over uint64
		total, over = bits.Add64(total, w, 0)
		carry += over
	}
	if carry > 0 { // eight numbers below 2⁶³: an eighth of each is one below 2⁶⁰, and their sum below 2⁶³
		total = 0
		for i := range weights {
			weights[i] >>= 3
			total += weights[i]
		}
	}
	left := amount
	shares := make([]Paid, 0, len(d.End.Pay))
	for i, s := range d.End.Pay {
		party, ok := find(d.Parties, s.To)
		if !ok {
			panic(fmt.Sprintf("the end pays %q, who is no party", s.To))
		}
		portion := money.Tiyn(0)
		if total > 0 { // a weight is at most the total, so the part is at most the amount
			portion = money.Tiyn(mulDiv(uint64(amount), weights[i], total))
		}
		left -= portion
		shares = append(shares, Paid{Party: party, Amount: portion})
	}
	shares[0].Amount += left
	return shares
}
