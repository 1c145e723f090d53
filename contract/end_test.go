package contract

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// atEnd plays a contract's end: the action that it does by itself, and the shares where it does not go on.
func (p *play) atEnd() {
	p.t.Helper()
	nobody := &Party{}
	call := &Call{Caller: nobody, Party: func(i int) *Party { return &p.people[i] }, Now: p.instance.EndsMillis, Paid: make([]money.Tiyn, len(p.held)), Held: p.held}
	out := p.program.AtEnd(&p.instance, call, func(*Outcome) bool { return true })
	if out != nil {
		for _, pay := range out.Payouts {
			p.held[pay.Asset] -= pay.Amount
			p.got[p.program.Definition.Parties[pay.Party]] += pay.Amount
		}
		copy(p.instance.State, out.State)
		if out.EndsMillis != 0 {
			p.instance.EndsMillis = out.EndsMillis
			p.instance.Renewals++
			return
		}
	}
	p.end()
}

// crowd is a crowdfunding for 200 tenge with what three backers pledge.
func crowd(t testing.TB, pledges ...money.Tiyn) *play {
	p := begin(t, "crowdfunding", nil, token.Int(20_000), token.Int(start+30*86_400_000))
	for i, amount := range pledges {
		name := string(rune('1' + i))
		if err := p.act("b"+name, "pledge"+name, tenge(amount)); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestCrowdfundingReturnsEverybodysMoneyByItself(t *testing.T) {
	p := crowd(t, 6_001, 3_000, 10_000)
	p.now = start + 29*86_400_000
	want(t, p.act("maker", "succeed", nil), TooEarly)
	p.atEnd()
	if p.got["b1"] != 6_001 || p.got["b2"] != 3_000 || p.got["b3"] != 10_000 || p.got["maker"] != 0 {
		t.Fatal(p.got)
	}
	p = crowd(t, 6_001, 13_999)
	p.atEnd()
	if p.got["maker"] != 20_000 || p.got["b1"] != 0 {
		t.Fatal(p.got)
	}
	p = crowd(t)
	p.atEnd() // nobody pledged: nothing is shared
}

// An action that cannot be computed at the end is one that is not possible: the shares are paid.
func TestTheEndIsPaidWhateverItsActionDoes(t *testing.T) {
	for _, broken := range []string{
		`when: 9223372036854775807 + state.n > 0, pay: [{to: a, amount: rest}]`,
		`when: 1 / (state.n - 1) > 0, pay: [{to: a, amount: rest}]`,
		`when: state.n == 1, pay: [{to: a, amount: "min(state.n - 2, left.tenge)"}]`,
		`when: state.n == 1, set: {n: 9223372036854775807 + state.n}, pay: [{to: a, amount: rest}]`,
		`when: state.n == 1, extends: ends`,
		`when: state.n == 1, extends: ends + 9223372036854775807`,
		`when: state.n == 1, extends: ends + 3700 * day`,
	} {
		p, err := tryBegin(t, program(t, `
contract: broken
parties: [a, b]
state: {n: 0}
create: {by: a, takes: {tenge: any}}
actions:
  one: {set: {n: 1}}
  act: {`+broken+`}
end: {at: created + day, do: act, pay: {b: 1}}`), tenge(100))
		if err != nil {
			t.Fatal(err)
		}
		want(t, p.act("a", "one", nil), "")
		p.atEnd()
		if p.got["b"] != 100 || p.instance.Renewals != 0 {
			t.Errorf("%s: %v", broken, p.got)
		}
	}
}

func TestSavingsGoOnByThemselves(t *testing.T) {
	until := int64(start + 18*366*86_400_000)
	p := begin(t, "savings", tenge(500), token.Int(until))
	first := p.instance.EndsMillis
	p.atEnd()
	if p.instance.EndsMillis <= first || p.instance.EndsMillis != uint64(until) || p.got["child"] != 0 {
		t.Fatalf("%+v, %v", p.instance, p.got)
	}
	p.atEnd()
	if p.got["child"] != 500 || p.held[0] != 0 {
		t.Fatal(p.got)
	}
	// a hundred and thirty years, and not for ever
	p = begin(t, "savings", tenge(500), token.Int(start+200*366*86_400_000))
	for range MaxRenewals {
		p.atEnd()
	}
	if p.got["child"] != 0 {
		t.Fatal("it ended early")
	}
	if p.atEnd(); p.got["child"] != 500 {
		t.Fatal("it goes on for ever")
	}
}

func TestARenewalIsLaterAndWithinTenYears(t *testing.T) {
	p, err := tryBegin(t, program(t, `
contract: lease
parties: [a, b]
create: {by: a, takes: {tenge: any}}
actions:
  renew: {by: b, args: {to: int}, extends: args.to}
end: {at: created + day, pay: {a: 1}}`), tenge(100))
	if err != nil {
		t.Fatal(err)
	}
	ends := int64(p.instance.EndsMillis)
	for _, to := range []int64{ends, ends - 1, 0, -1, math.MinInt64, math.MaxInt64, int64(p.now) + MaxLifeMillis + 1} {
		want(t, p.act("b", "renew", nil, token.Int(to)), BadTerms)
	}
	want(t, p.act("b", "renew", nil, token.Int(int64(p.now)+MaxLifeMillis)), "")
}

// What an action at the end cannot have, and what to write instead.
func TestTheEndsActionNeedsNobody(t *testing.T) {
	for _, c := range []struct{ action, end, where string }{
		{"args: {n: int}, when: args.n > 0", "do: act", "actions.act.args"},
		{"takes: {tenge: any}", "do: act", "actions.act.takes"},
		{"document: any", "do: act", "actions.act.document"},
		{"until: ends - hour", "do: act", "actions.act.until"},
		{"when: caller.tier == 1", "do: act", "actions.act"},
		{"pay: [{to: caller, amount: rest}]", "do: act", "actions.act.pay[0].to"},
		{"pay: [{to: a, amount: rest, as: other}]", "do: act", "actions.act.pay[0].as"},
		{"set: {n: 1}", "do: nothing", "end.do"},
		{"set: {n: 1}", "do: [act, act]", "end.do"},
		{"set: {n: 1}, ends: true, extends: ends + day", "do: act", "actions.act.extends"},
	} {
		source, problems := Parse([]byte(`
contract: c
parties: [a, b]
assets: [tenge, other]
state: {n: 0}
create: {by: a, takes: {tenge: any, other: any}}
actions:
  act: {` + c.action + `}
end: {at: created + day, ` + c.end + `, pay: {b: 1}}`))
		if problems == nil {
			_, problems = source.Check()
		}
		if len(problems) == 0 || problems[0].Where != c.where || problems[0].Write == "" {
			t.Errorf("%s: %v", c.action, problems)
		}
	}
	for share, where := range map[string]string{"state.m": "end.pay.b", "state.word": "end.pay.b", "1 + 1": "end.pay.b"} {
		source, problems := Parse([]byte("contract: c\nparties: [a, b]\nterms: {w: bytes}\nstate: {n: 0, word: terms.w}\ncreate: {by: a}\nactions: {act: {set: {n: 1}}}\nend: {at: created + day, pay: {b: " + share + "}}"))
		if problems == nil {
			_, problems = source.Check()
		}
		if len(problems) != 1 || problems[0].Where != where || problems[0].Line == 0 {
			t.Errorf("%s: %v", share, problems)
		}
	}
}

// Where the state starts is computed once, and costs no more than an action may.
func TestTheStartsAreBounded(t *testing.T) {
	source, problems := Parse([]byte("contract: c\nparties: [a]\nterms: {w: bytes}\nstate: {one: \"chain(terms.w, 4096, 4096)\", two: \"chain(terms.w, 4095, 4096)\"}\ncreate: {by: a}\nactions: {act: {ends: true}}\nend: {at: created + day, pay: {a: 1}}"))
	if problems != nil {
		t.Fatal(problems)
	}
	if _, problems = source.Check(); len(problems) != 1 || problems[0].Where != "state" {
		t.Error(problems)
	}
}

// Under rules version 2 none of it exists, whoever wrote the bytes.
func TestEndsOfVersion3AreNotOfVersion2(t *testing.T) {
	for _, name := range []string{"crowdfunding", "pool", "savings"} {
		d := template(t, name).Definition
		if _, problems := CompileUnder(2, d); len(problems) == 0 {
			t.Errorf("%s is a contract under version 2", name)
		}
	}
}

// However wild the variables are, what is left is given, each part in proportion, rounded down but the first.
func TestSharesByStateGiveAllThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, MaxParties).Draw(t, "parties")
		d := &Definition{}
		var state []int64
		for i := range n {
			name := string(rune('a' + i))
			d.Parties = append(d.Parties, name)
			if rapid.Bool().Draw(t, "number") {
				d.End.Pay = append(d.End.Pay, Share{To: name, Share: rapid.Uint64Range(1, maxShare).Draw(t, "share")})
				continue
			}
			d.State = append(d.State, Var{Name: name})
			state = append(state, rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3), rapid.Just[int64](math.MaxInt64)).Draw(t, "value"))
			d.End.Pay = append(d.End.Pay, Share{To: name, Of: name})
		}
		amount := money.Tiyn(rapid.Int64Range(0, math.MaxInt64).Draw(t, "amount"))
		total := new(big.Int)
		weight := func(i int) *big.Int {
			if s := d.End.Pay[i]; s.Of != "" {
				at, _ := d.variable(s.Of)
				return big.NewInt(max(state[at], 0))
			}
			return new(big.Int).SetUint64(d.End.Pay[i].Share)
		}
		for i := range n {
			total.Add(total, weight(i))
		}
		sum := money.Tiyn(0)
		for i, s := range Shares(d, state, amount) {
			if s.Amount < 0 || s.Party != i {
				t.Fatalf("share %d: %+v", i, s)
			}
			sum += s.Amount
			if total.Sign() == 0 || total.BitLen() > 64 || i == 0 {
				continue
			}
			exact := new(big.Int).Mul(big.NewInt(int64(amount)), weight(i))
			if exact.Div(exact, total).Int64() != int64(s.Amount) {
				t.Fatalf("share %d is %s of %s, want %s", i, s.Amount, amount, exact)
			}
		}
		if sum != amount {
			t.Fatalf("%s of %s is given", sum, amount)
		}
	})
}

// What came with version 3 is written where it is said, and read back; a definition without has the bytes of before.
func TestEndsAreEncoded(t *testing.T) {
	for _, name := range TemplateNames {
		d := template(t, name).Definition
		back, err := Decode(d.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if back.ID() != d.ID() || !slices.Equal(back.End.Do, d.End.Do) || !slices.Equal(back.End.Pay, d.End.Pay) {
			t.Errorf("%s comes back as %+v", name, back.End)
		}
	}
	d := template(t, "savings")
	for _, language := range Languages {
		if text := strings.Join(d.ExplainIn(language), "\n"); strings.Count(text, "renew") < 2 || !strings.Contains(text, "min(terms.until, ends + 3650 * day)") {
			t.Errorf("%s does not say that it goes on: %s", language, text)
		}
	}
}
