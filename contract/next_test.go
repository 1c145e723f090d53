package contract

import (
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// next is what is said of an action for a party now.
func (p *play) next(by, action string) (Next, token.Code) {
	p.t.Helper()
	party, _ := find(p.program.Definition.Parties, by)
	call := p.call(party, make([]money.Tiyn, len(p.held)))
	var ok bool
	if call.Action, ok = p.program.Definition.Action(action); !ok {
		p.t.Fatalf("no action %s", action)
	}
	n, refused := p.program.Next(&p.instance, call)
	if refused == nil {
		return n, ""
	}
	return n, refused.Code
}

// Of a purchase with a right of return it is said, as time passes and steps are taken, who may do what, from when and
// until when; and what is possible is then done, and what is not is refused for the reason that was given.
func TestWhatIsNextInAPurchase(t *testing.T) {
	const day, window = 86_400_000, 14
	p := begin(t, "refund", tenge(5000), token.Int(5000), token.Int(100), token.Int(window))
	p.document = make([]byte, 32)
	ends := uint64(start + window*day)
	for _, c := range []struct {
		at         uint64
		by, action string
		code       token.Code
		open       bool
		from       uint64
		until      uint64
	}{
		{start, "buyer", "accept", "", false, 0, 0},
		{start, "seller", "accept", WrongCaller, false, 0, 0},
		{start, "seller", "collect", TooEarly, false, ends, 0},
		{start, "buyer", "send_back", "", true, 0, ends},
		{start, "seller", "send_back", WrongCaller, true, 0, ends},
		{ends, "buyer", "send_back", TooLate, true, 0, ends},
		{ends, "seller", "collect", "", false, ends, 0},
		{start, "seller", "confirm", GuardNotMet, false, 0, 0},
		{start, "seller", "dispute", TooLate, true, 0, window * day},
		{start, "arbiter", "decide", "", true, 0, 0},
		{start, "buyer", "decide", WrongCaller, true, 0, 0},
		{p.instance.EndsMillis, "buyer", "accept", TooLate, false, 0, 0},
	} {
		p.now = c.at
		n, code := p.next(c.by, c.action)
		if code != c.code || n.Open != c.open || n.FromMillis != c.from || n.UntilMillis != c.until {
			t.Errorf("%s by %s at +%d days: %q, %+v", c.action, c.by, (c.at-start)/day, code, n)
		}
	}
	p.now = start + day
	if err := p.act("buyer", "send_back", nil); err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]token.Code{"take_back": TooEarly, "accept": "", "send_back": GuardNotMet} {
		if n, code := p.next("buyer", action); code != want ||
			action == "take_back" && n.FromMillis != start+day+window*day {
			t.Errorf("sent back, %s: %q, %+v", action, code, n)
		}
	}
	if _, code := p.next("seller", "confirm"); code != "" {
		t.Errorf("sent back, confirm: %q", code)
	}
	if err := p.act("seller", "confirm", nil); err != nil {
		t.Error(err)
	}
}

// What an action takes is said as far as it is known: an amount that the terms fix, or whatever the caller gives.
func TestWhatAStepTakes(t *testing.T) {
	const month = 30 * 86_400_000
	p := begin(t, "subscription", tenge(10_000), token.Int(300), token.Int(month), token.Int(5000),
		token.Int(start+12*month))
	if n, code := p.next("subscriber", "add"); code != "" || !n.Open || len(n.Takes) != 1 || !n.Takes[0].Any ||
		n.Takes[0].Asset != "tenge" {
		t.Errorf("%q %+v", code, n)
	}
	if n, code := p.next("merchant", "charge"); code != "" || n.Open || n.FromMillis != start || len(n.By) != 1 ||
		n.By[0] != "merchant" {
		t.Errorf("%q %+v", code, n)
	}
	if err := p.act("merchant", "charge", nil); err != nil {
		t.Fatal(err)
	}
	if n, code := p.next("merchant", "charge"); code != TooEarly || n.FromMillis != start+month {
		t.Errorf("%q %+v", code, n)
	}
	fixed := program(t, `contract: ticket
parties: [guest, house]
assets: {tenge: plain}
terms: {price: int}
create: {by: house, when: terms.price > 0 && terms.price < 1000000}
actions:
  enter: {by: guest, takes: {tenge: terms.price}, pay: [{to: house, amount: rest}], ends: true}
end: {at: created + 30 * day, pay: {house: 1}}
`)
	f, err := tryBegin(t, fixed, nil, token.Int(700))
	if err != nil {
		t.Fatal(err)
	}
	if n, code := f.next("guest", "enter"); code != "" || n.Open || len(n.Takes) != 1 || n.Takes[0].Amount != 700 ||
		!n.Ends {
		t.Errorf("%q %+v", code, n)
	}
}
