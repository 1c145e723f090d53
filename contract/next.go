package contract

import (
	"strings"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Next is what stands for and against an action of a contract before anybody calls it, for one caller.
type Next struct {
	Action string   `json:"action"`
	By     []string `json:"by" doc:"the parties who may call it; none for anybody"`
	// The times are those that can be told before it is called.
	FromMillis  uint64     `json:"from_millis,omitempty" doc:"Unix milliseconds; absent for none, or where it depends on what the caller gives"`
	UntilMillis uint64     `json:"until_millis,omitempty" doc:"Unix milliseconds: possible before; absent for none, or where it depends on what the caller gives"`
	Args        []Field    `json:"args,omitempty" doc:"values that the caller gives"`
	Takes       []NextTake `json:"takes,omitempty" doc:"what is paid in, by asset"`
	Document    bool       `json:"document,omitempty" doc:"a document's hash is attached"`
	Ends        bool       `json:"ends,omitempty" doc:"the contract ends by it"`
	// Open says that whether it is possible depends on what the caller gives, beyond what was found here.
	Open bool `json:"open,omitempty" doc:"whether it is possible depends on what the caller gives: nothing else stands against it"`
}

// NextTake is what an action takes of an asset.
type NextTake struct {
	Asset  string     `json:"asset"`
	Any    bool       `json:"any,omitempty" doc:"whatever the caller gives"`
	Amount money.Tiyn `json:"amount,omitempty" doc:"tiyn; absent where it depends on what the caller gives"`
}

// Next looks at an action as c's caller would find it now. A refusal is the rule that stands against it; where Open is
// set, values, a document or amounts are still to come, and only what does not depend on them was looked at. c says who
// calls, when and what is held; what he would pay in is found here.
func (p *Program) Next(instance *Instance, c *Call) (n Next, refusal *token.Error) {
	a, d := &p.actions[c.Action], p.Definition
	n = Next{Action: a.name, By: []string{}, Args: a.args, Document: a.anyDocument || a.document != nil, Ends: a.ends}
	for _, party := range a.by {
		n.By = append(n.By, d.Parties[party])
	}
	// Whatever the asker left in them is no part of the answer.
	c.Args, c.Document, c.Paid = nil, nil, make([]money.Tiyn, len(d.Assets))
	s := p.enter(instance, c, a.getters)
	n.FromMillis, n.UntilMillis = s.time(a.from), s.time(a.until)
	n.Open = len(a.args) > 0 || n.Document
	for i, t := range a.takes {
		if t.any {
			n.Takes, n.Open = append(n.Takes, NextTake{Asset: d.Assets[i], Any: true}), true
			continue
		}
		if t.amount == nil {
			continue
		}
		amount, known := s.value(t.amount)
		n.Takes = append(n.Takes, NextTake{Asset: d.Assets[i], Amount: money.Tiyn(max(amount, 0))})
		if n.Open = n.Open || !known; known {
			c.Paid[i] = money.Tiyn(max(amount, 0))
		}
	}
	switch {
	case c.Now >= instance.EndsMillis:
		return n, refuse(TooLate, "contract", "it ended at %s", Moment(int64(instance.EndsMillis)))
	case !p.mayCall(a, s):
		return n, refuse(WrongCaller, "caller", "%s is not for this wallet to call", a.called())
	// Nothing is left to be said, so the action itself is tried: one verdict, and no second reading of the rules that
	// could differ from it.
	case !n.Open:
		_, refusal = p.Act(instance, c)
		return n, refusal
	case s.tells(a.from) && s.tells(a.until):
		if refusal = p.inTime(a, s); refusal != nil {
			return n, refusal
		}
	}
	if a.when == nil || !s.tells(a.when) {
		return n, nil
	}
	holds, err := a.when.bool(s)
	if err == nil && !holds {
		err = refuse(GuardNotMet, "when", "%s needs: %s", a.called(), a.when.text)
	}
	return n, err
}

// tells says whether an expression can be evaluated before the caller has given anything.
func (s *scope) tells(x *expression) bool {
	if x == nil {
		return true
	}
	for _, name := range x.names {
		first, _, _ := strings.Cut(name, ".")
		switch first {
		case "args", "paid", "held", "left", "document":
			return false
		}
	}
	return true
}

// value is an expression's value, where it can be evaluated and is a number.
func (s *scope) value(x *expression) (value int64, known bool) {
	if !s.tells(x) {
		return 0, false
	}
	value, err := x.int(s)
	return value, err == nil
}

// time is a time that can be told; 0 for none.
func (s *scope) time(x *expression) uint64 {
	if x == nil {
		return 0
	}
	millis, _ := s.value(x)
	return uint64(max(millis, 0))
}
