package contract

import (
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
)

// domain are the values that a variable of the state can have, as far as they are written out.
type domain struct {
	values []int64
	open   bool // computed somewhere: any value
}

// add takes in what a variable is set to: one more value, or any.
func (d *domain) add(x *expression) (grew bool) {
	n, ok := x.literal()
	if !ok {
		grew = !d.open
		d.open = true
		return grew
	}
	if slices.Contains(d.values, n) {
		return false
	}
	d.values = append(d.values, n)
	slices.Sort(d.values)
	return true
}

// reachable finds actions that can never be called. Beginning with where the state starts, it
// lets every action whose guard can hold set its values, until no new value comes.
func (k *checker) reachable() {
	p := k.program
	domains := make([]domain, len(k.definition.State))
	for i, x := range p.starts {
		domains[i].add(x)
	}
	reached := make([]bool, len(p.actions))
	why := make([]string, len(p.actions))
	// It ends: a domain only grows, by the values that are written in the definition, and these are finitely many. It
	// overstates what can happen, so what it calls unreachable is.
	for grew := true; grew; {
		grew = false
		for i := range p.actions {
			a := &p.actions[i]
			why[i] = k.impossible(i, domains)
			if why[i] != "" {
				continue
			}
			reached[i] = true
			for _, u := range a.set {
				grew = domains[u.variable].add(u.value) || grew
			}
		}
	}
	facts := k.facts()
	for i := range p.actions {
		if reached[i] && k.rules >= 3 {
			if why, write := k.contradictory(&p.actions[i], facts); why != "" {
				k.problems.add("actions."+p.actions[i].name, write, "can never be called: %s", why)
			}
		}
		if !reached[i] {
			k.problems.add("actions."+p.actions[i].name,
				"correct the guard or the values that are set, or remove the action", "can never be called: %s", why[i])
		}
	}
}

// impossible says which part of an action's guard cannot hold, or nothing.
func (k *checker) impossible(i int, domains []domain) string {
	a, d := &k.program.actions[i], k.definition
	if a.from != nil && a.until != nil {
		from, ok := a.from.literal()
		until, ok2 := a.until.literal()
		if ok && ok2 && from > until {
			return "from is after until"
		}
	}
	if a.when == nil {
		return ""
	}
	for _, part := range conjuncts(a.when.tree) {
		text := a.when.textOf(part)
		x, problem := k.compilers[i+1].compile("", text, cel.BoolType) // the first compiler is of create
		if problem != nil {
			continue // judged as a whole already
		}
		if len(x.names) == 0 {
			if holds, err := x.bool(&scope{}); err == nil && !holds {
				return text + " is never true"
			}
			continue
		}
		if len(x.names) > 1 {
			continue
		}
		name, ok := strings.CutPrefix(x.names[0], "state.")
		if !ok {
			continue
		}
		variable, _ := d.variable(name)
		if !domains[variable].open && !k.holdsFor(x, i, variable, domains[variable].values) {
			return text + " never holds; state." + name + " is only ever " + numbers(domains[variable].values)
		}
	}
	return ""
}

// holdsFor says whether a condition over one variable is true of one of its values. What cannot be evaluated counts as
// possible: only what is certain is refused.
func (k *checker) holdsFor(x *expression, i, variable int, values []int64) bool {
	instance := Instance{State: make([]int64, len(k.definition.State))}
	s := &scope{getters: k.program.actions[i].getters, instance: &instance}
	for _, n := range values {
		instance.State[variable] = n
		if holds, err := x.bool(s); err != nil || holds {
			return true
		}
	}
	return false
}

// numbers writes a list, for problems.
func numbers(values []int64) string {
	texts := make([]string, len(values))
	for i, n := range values {
		texts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(texts, ", ")
}
