package trace

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Trace is the part of a graph that was reached.
type Trace struct {
	Events int         `json:"events"`
	Edges  int         `json:"edges"` // tokens passed on the way, from event to event
	Flows  []Flow      `json:"flows"` // in order of first happening
	Places []Place     `json:"places"`
	Start  []token.ID  `json:"-"`
	reach  map[int]int // event → distance from the start, negative backwards
}

// Flow is what one wallet gave another in the events that were reached.
type Flow struct {
	From     token.WalletID `json:"from"`
	To       token.WalletID `json:"to"`
	Purpose  uint32         `json:"purpose"` // what it carried when it arrived
	Amount   money.Tiyn     `json:"amount"`
	Times    int            `json:"times"`
	First    uint64         `json:"first_entry"`
	Backward bool           `json:"backward,omitempty"` // it lies before the start
}

// Place is where traced money lies now.
type Place struct {
	Wallet  token.WalletID `json:"wallet"`
	Purpose uint32         `json:"purpose"`
	Amount  money.Tiyn     `json:"amount"`
	Tokens  int            `json:"tokens"`
}

// Options bound a trace.
type Options struct {
	Forwards, Backwards int // how many events away from the start
}

// Of follows one token.
func (g *Graph) Of(id token.ID, o Options) (*Trace, bool) {
	i, ok := g.byID[id]
	if !ok {
		return nil, false
	}
	return g.trace([]int{i}, o), true
}

// Earmarked follows all money that ever carried a purpose.
func (g *Graph) Earmarked(purpose uint32, o Options) *Trace {
	var start []int
	for i := range g.Tokens {
		if g.Tokens[i].Purpose == purpose {
			start = append(start, i)
		}
	}
	return g.trace(start, o)
}

// Contract follows all money that a contract ever held.
func (g *Graph) Contract(id token.WalletID, o Options) *Trace {
	var start []int
	for i := range g.Tokens {
		if g.Tokens[i].Wallet == id {
			start = append(start, i)
		}
	}
	// What comes and goes in one action is never held between entries: those events are of the contract too.
	var events []int
	for i := range g.Events {
		if g.Events[i].Contract == id {
			events = append(events, i)
		}
	}
	return g.trace(start, o, events...)
}

// trace walks from tokens: their makers and those before, their spenders and those after. The makers
// and spenders of the start, and the events that are named, are at distance 0.
func (g *Graph) trace(start []int, o Options, events ...int) *Trace {
	t := &Trace{reach: map[int]int{}}
	seen := map[int]bool{}
	var back, ahead []int
	enter := func(list *[]int, event, distance int) {
		if event == none {
			return
		}
		if _, known := t.reach[event]; !known {
			t.reach[event] = distance
			*list = append(*list, event)
		}
	}
	for _, i := range start {
		seen[i] = true
		enter(&back, g.Tokens[i].Made, 0)
	}
	for _, i := range start {
		enter(&ahead, g.Tokens[i].Spent, 0)
	}
	spenders := slices.Clone(ahead)
	for _, event := range events {
		if _, known := t.reach[event]; !known {
			t.reach[event] = 0
			back, spenders = append(back, event), append(spenders, event)
		}
	}
	for _, event := range back { // a maker of one start token may spend another
		if slices.ContainsFunc(g.Events[event].in, func(i int) bool { return seen[i] }) {
			spenders = append(spenders, event)
		}
	}
	for at, distance := back, 1; len(at) > 0 && distance <= o.Backwards; distance++ {
		var next []int
		for _, event := range at {
			for _, i := range g.Events[event].in {
				if !seen[i] {
					seen[i] = true
					enter(&next, g.Tokens[i].Made, -distance)
				}
			}
		}
		at = next
	}
	for at, distance := spenders, 1; len(at) > 0 && distance <= o.Forwards; distance++ {
		var next []int
		for _, event := range at {
			for _, i := range g.Events[event].out {
				if !seen[i] {
					seen[i] = true
					enter(&next, g.Tokens[i].Spent, distance)
				}
			}
		}
		at = next
	}
	t.Events, t.Edges = len(t.reach), len(seen)
	g.flows(t)
	g.places(t, seen)
	for _, i := range start {
		t.Start = append(t.Start, g.Tokens[i].ID)
	}
	return t
}

// flows adds up what wallets gave one another in the events reached, in the order of the log.
func (g *Graph) flows(t *Trace) {
	events := make([]int, 0, len(t.reach))
	for event := range t.reach { // any order: sorted below
		events = append(events, event)
	}
	slices.Sort(events)
	type key struct {
		from, to token.WalletID
		purpose  uint32
	}
	found := map[key]int{}
	for _, event := range events {
		for _, f := range g.moves(event) {
			k := key{f.From, f.To, f.Purpose}
			i, known := found[k]
			if !known {
				i = len(t.Flows)
				found[k] = i
				f.Backward = t.reach[event] < 0
				t.Flows = append(t.Flows, f)
				continue
			}
			t.Flows[i].Amount += f.Amount
			t.Flows[i].Times++
		}
	}
}

// holding is what a wallet has of a mark, before or after an event.
type holding struct {
	wallet  token.WalletID
	purpose uint32
}

// moves says who gave what to whom in an event: what each wallet gained of each mark, from the one who
// paid, or from and to the contract. Change is no flow.
func (g *Graph) moves(event int) (flows []Flow) {
	e := &g.Events[event]
	gained := map[holding]money.Tiyn{}
	var order []holding
	note := func(i int, sign money.Tiyn) {
		h := holding{g.Tokens[i].Wallet, g.Tokens[i].Purpose}
		if _, known := gained[h]; !known {
			order = append(order, h)
		}
		gained[h] += sign * g.Tokens[i].Amount
	}
	for _, i := range e.in {
		note(i, -1)
	}
	for _, i := range e.out {
		note(i, 1)
	}
	hub := e.Contract
	if hub == (token.WalletID{}) {
		hub = Authority
		if len(e.in) > 0 {
			hub = g.Tokens[e.in[0]].Wallet
		}
	}
	var sum money.Tiyn
	for _, h := range order {
		sum += gained[h]
	}
	for _, h := range order {
		amount := gained[h]
		switch {
		case amount > 0 && h.wallet != hub:
			flows = append(flows, Flow{From: hub, To: h.wallet, Purpose: h.purpose, Amount: amount, Times: 1,
				First: e.Entry})
		case amount < 0 && h.wallet != hub:
			flows = append(flows, Flow{From: h.wallet, To: hub, Purpose: h.purpose, Amount: -amount, Times: 1,
				First: e.Entry})
		case amount > 0 && sum == 0 && gained[holding{hub, 0}] < 0 && h.purpose != 0:
			// it marked its own
			flows = append(flows, Flow{From: hub, To: hub, Purpose: h.purpose, Amount: amount, Times: 1,
				First: e.Entry})
		}
	}
	if sum < 0 && e.Contract == (token.WalletID{}) {
		flows = append(flows, Flow{From: hub, To: Authority, Amount: -sum, Times: 1, First: e.Entry}) // redeemed
	}
	return flows
}

// places adds up the live tokens that were reached.
func (g *Graph) places(t *Trace, seen map[int]bool) {
	found := map[holding]Place{}
	for i := range seen { // any order: sums
		if tk := &g.Tokens[i]; tk.Spent == none {
			h := holding{tk.Wallet, tk.Purpose}
			p := found[h]
			found[h] = Place{tk.Wallet, tk.Purpose, p.Amount + tk.Amount, p.Tokens + 1}
		}
	}
	for _, p := range found { // any order: sorted below
		t.Places = append(t.Places, p)
	}
	slices.SortFunc(t.Places, func(a, b Place) int {
		if c := cmp.Compare(b.Amount, a.Amount); c != 0 {
			return c
		}
		if c := bytes.Compare(a.Wallet[:], b.Wallet[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.Purpose, b.Purpose)
	})
}

// Carried says whether a flow that arrived without a mark left its payer with it: money that a purpose
// freed by the payment.
func (g *Graph) Carried(f Flow, purpose uint32) bool {
	if f.Purpose == purpose {
		return false
	}
	at := slices.IndexFunc(g.Events, func(e Event) bool { return e.Entry == f.First })
	if at < 0 {
		return false
	}
	freed := money.Tiyn(0)
	for _, i := range g.Events[at].in {
		if g.Tokens[i].Purpose == purpose {
			freed += g.Tokens[i].Amount
		}
	}
	for _, i := range g.Events[at].out {
		if g.Tokens[i].Purpose == purpose {
			freed -= g.Tokens[i].Amount
		}
	}
	return freed > 0
}
