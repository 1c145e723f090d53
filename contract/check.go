package contract

import (
	"strings"

	"cel.dev/cel-go/cel"
)

// namedLater says whether a registered definition has a party by a word that came later: to it the word means the
// party.
func (k *checker) namedLater() bool {
	for _, word := range reservedLater {
		if _, named := k.definition.party(word); named {
			return true
		}
	}
	return false
}

// action compiles and checks one action.
func (k *checker) action(a *Action, to *action, where string) {
	d := k.definition
	variables := actionVariables(d, a)
	// A definition means for ever what it meant when it was registered: names that came with a later version are not
	// shown to one whose own names they would take.
	if k.rules >= 3 && !k.namedLater() {
		variables = append(variables, laterVariables(d)...)
	}
	if k.rules >= 4 {
		variables = append(variables, vouchedVariables(d)...)
	}
	variables = k.program.withRegisters(variables)
	c := k.compiler(variables)
	k.compilers = append(k.compilers, c)
	*to = action{name: a.Name, args: a.Args, ends: a.Ends, getters: c.getters, takes: make([]take, len(d.Assets))}
	for _, name := range a.By {
		party, ok := d.party(name)
		if !ok {
			k.problems.add(where+".by", "write one of "+strings.Join(d.Parties, ", ")+", or anyone", "%q is no party",
				name)
		}
		to.by = append(to.by, party)
	}
	optional := func(name, text string, want *cel.Type) *expression {
		if text == "" {
			return nil
		}
		x := k.expression(c, where+"."+name, text, want)
		if x != nil {
			to.cost.addExpression(x)
		}
		return x
	}
	to.from = optional("from", a.From, cel.IntType)
	to.until = optional("until", a.Until, cel.IntType)
	to.when = optional("when", a.When, cel.BoolType)
	if to.anyDocument = a.Document == Any; !to.anyDocument {
		to.document = optional("document", a.Document, cel.BytesType)
	}
	for _, t := range a.Takes {
		asset, ok := d.asset(t.Asset)
		if !ok {
			k.problems.add(where+".takes."+t.Asset, "write one of "+strings.Join(d.Assets, ", "),
				"%q is no asset of this contract", t.Asset)
			continue
		}
		if t.Amount == Any {
			to.takes[asset].any = true
			continue
		}
		to.takes[asset].amount = optional("takes."+t.Asset, t.Amount, cel.IntType)
	}
	for i, p := range a.Pay {
		k.payout(to, where, i, p, optional)
	}
	k.updates(a, to, where, c)
	to.extends = optional("extends", a.Extends, cel.IntType)
	k.bound(where, "split the action, or take fewer and shorter lists and fewer signatures", to.cost)
	// Only of a definition that compiles: what cannot be brought is found by reading the expressions.
	if len(k.problems) == 0 {
		k.inputs(to, where)
	}
}

// updates compiles what an action sets. Values are computed from the state before the action, in no order, so that
// setting one variable twice has no meaning.
func (k *checker) updates(a *Action, to *action, where string, c *compiler) {
	for i, s := range a.Set {
		variable, ok := k.definition.variable(s.Name)
		if !ok {
			k.problems.add(where+".set."+s.Name, "declare it under state, or correct the name",
				"no such variable of the state")
			continue
		}
		for _, other := range a.Set[:i] {
			if other.Name == s.Name {
				k.problems.add(where+".set."+s.Name, "set it once", "set twice in one action")
			}
		}
		kind := cel.IntType
		if k.program.registers[variable] >= 0 {
			kind = cel.BytesType
		}
		// An empty value would be an expression that is not there. No version ever took one: compiling it panicked.
		to.set = append(to.set, update{variable, k.expression(c, where+".set."+s.Name, s.Value, kind)})
		if x := to.set[len(to.set)-1].value; x != nil {
			to.cost.addExpression(x)
		}
	}
}

// bound refuses what costs more than an action may, or notes that a later version does.
func (k *checker) bound(where, write string, cost total) {
	refused, later := cost.exceeds(MaxActionCost, k.rules)
	problems := &k.problems
	switch {
	case k.registered || !refused && !later:
		return
	case !refused:
		problems = &k.program.later
	}
	problems.add(where, write, "estimated worst-case cost %d, at most %d", cost.units, MaxActionCost)
}

// payout compiles one payment of an action. What is wrong is added to the problems and the rest is looked at all the
// same: an author gets all of them at once, in his own words.
func (k *checker) payout(to *action, where string, i int, p Payout,
	compile func(name, text string, want *cel.Type) *expression) {
	d := k.definition
	at := index("pay", i)
	next := payout{to: callerIndex}
	if p.To != Caller {
		party, ok := d.party(p.To)
		if !ok {
			k.problems.add(where+"."+at+".to", "write one of "+strings.Join(d.Parties, ", ")+", or caller",
				"%q is no party", p.To)
		}
		next.to = party
	}
	var ok bool
	if next.asset, ok = d.asset(p.Asset); !ok {
		k.problems.add(where+"."+at+".asset", "write one of "+strings.Join(d.Assets, ", "),
			"%q is no asset of this contract", p.Asset)
	}
	next.as = next.asset
	if p.As != "" {
		if next.as, ok = d.asset(p.As); !ok {
			k.problems.add(where+"."+at+".as", "write one of "+strings.Join(d.Assets, ", "),
				"%q is no asset of this contract", p.As)
		}
	}
	switch p.Amount {
	case "":
		k.problems.add(where+"."+at+".amount", "write an amount, or rest", "no amount")
	case Rest:
	default:
		next.amount = compile(at+".amount", p.Amount, cel.IntType)
		if next.amount == nil {
			break
		}
		// The same is refused when an action is called; here the author learns of it before the contract holds money.
		if n, isConstant := next.amount.literal(); isConstant && n <= 0 {
			k.problems.add(where+"."+at+".amount", "write a positive amount of tiyn, or leave the payout out",
				"pays %d", n)
		}
	}
	to.pay = append(to.pay, next)
}

// inputs checks that an action asks for what its expressions read.
func (k *checker) inputs(to *action, where string) {
	reads := func(name string) bool {
		for _, x := range to.expressions() {
			if _, ok := find(x.names, name); ok {
				return true
			}
		}
		return false
	}
	if reads("document") && !to.anyDocument && to.document == nil {
		k.problems.add(where+".document", "add `document: any`, or the hash that it must have",
			"expressions read document, and the action asks for none")
	}
	for i, name := range k.definition.Assets {
		if reads("paid."+name) && to.takes[i].amount == nil && !to.takes[i].any {
			k.problems.add(where+".takes", "add `takes: {"+name+": any}`, or an amount",
				"expressions read paid.%s, and the action takes none", name)
		}
	}
}

// expressions lists an action's in order, those that are there: what is checked of every one of them (its cost, the
// names in it) is asked of this list, so that a new field of the action is named here once.
func (a *action) expressions() (all []*expression) {
	add := func(x *expression) {
		if x != nil {
			all = append(all, x)
		}
	}
	add(a.from)
	add(a.until)
	add(a.when)
	add(a.document)
	for _, t := range a.takes {
		add(t.amount)
	}
	for _, p := range a.pay {
		add(p.amount)
	}
	for _, u := range a.set {
		add(u.value)
	}
	add(a.extends)
	return all
}

// flows checks, asset by asset, that payouts are covered by what is held.
func (k *checker) flows() {
	d, p := k.definition, k.program
	for asset, name := range d.Assets {
		enters := p.create.takes[asset] != (take{})
		for i := range p.actions {
			enters = enters || p.actions[i].takes[asset] != (take{})
		}
		for i := range p.actions {
			where := "actions." + p.actions[i].name
			for j, pay := range p.actions[i].pay {
				if pay.asset == asset && !enters {
					k.problems.add(where+"."+index("pay", j), "add `takes: {"+name+": …}` to create or to an action",
						"pays %s, and no action takes any", name)
				}
			}
			k.covered(i, asset, where)
		}
	}
}
