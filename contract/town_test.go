package contract

import (
	"cmp"
	"crypto/sha256"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// what tests share: templates compiled, parties with attributes, and a contract without a ledger

func named(name string) token.WalletID {
	h := sha256.Sum256([]byte(name))
	return token.WalletID(h[:16])
}

func template(t testing.TB, name string) *Program {
	t.Helper()
	text, ok := Template(name)
	if !ok {
		t.Fatalf("no template %s", name)
	}
	return program(t, string(text))
}

func program(t testing.TB, text string) *Program {
	t.Helper()
	source, problems := Parse([]byte(text))
	if problems != nil {
		t.Fatal(problems)
	}
	p, problems := source.Check()
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

// fataler is a testing.TB or a rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// play is a contract with the money it holds, outside any ledger.
type play struct {
	t        fataler
	program  *Program
	instance Instance
	people   []Party
	held     []money.Tiyn
	got      map[string]money.Tiyn // party → paid out, all assets
	now      uint64
	document []byte
}

const start = 1_700_000_000_000

func begin(t testing.TB, name string, paid []money.Tiyn, terms ...token.Value) *play {
	p, err := tryBegin(t, template(t, name), paid, terms...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryBegin(t fataler, program *Program, paid []money.Tiyn, terms ...token.Value) (*play, *token.Error) {
	d := program.Definition
	p := &play{t: t, program: program, held: make([]money.Tiyn, len(d.Assets)), got: map[string]money.Tiyn{}, now: start}
	p.instance = Instance{ID: named("contract"), Terms: terms, CreatedMillis: start, Assets: make([]uint32, len(d.Assets))}
	for _, name := range d.Parties {
		p.people = append(p.people, Party{ID: named(name), Attributes: token.Attributes{Role: "vat-payer"}})
		p.instance.Parties = append(p.instance.Parties, named(name))
	}
	if paid == nil {
		paid = make([]money.Tiyn, len(d.Assets))
	}
	creator := 0
	if len(program.create.by) > 0 {
		creator = program.create.by[0]
	}
	call := p.call(creator, paid)
	if err := program.Create(&p.instance, call); err != nil {
		return nil, err
	}
	for i, amount := range paid {
		p.held[i] += amount
	}
	return p, nil
}

func (p *play) call(party int, paid []money.Tiyn) *Call {
	names := func(i int) string { return map[string]string{"vat": "revenue/VAT"}[p.program.Definition.Assets[i]] }
	return &Call{Today: uint32((p.now + 5*3_600_000) / 86_400_000), Purpose: func(i int) string { return cmp.Or(names(i), Plain) }, Caller: &p.people[party], Party: func(i int) *Party { return &p.people[i] }, Now: p.now, Paid: paid, Held: p.held, Document: p.document}
}

// act plays an action and checks conservation.
func (p *play) act(by, action string, paid []money.Tiyn, args ...token.Value) *token.Error {
	p.t.Helper()
	party, ok := find(p.program.Definition.Parties, by)
	if !ok {
		p.t.Fatalf("no party %s", by)
	}
	if paid == nil {
		paid = make([]money.Tiyn, len(p.held))
	}
	call := p.call(party, paid)
	call.Action, ok = p.program.Definition.Action(action)
	if !ok {
		p.t.Fatalf("no action %s", action)
	}
	call.Args = args
	out, err := p.program.Act(&p.instance, call)
	if err != nil {
		return err
	}
	for i, amount := range paid {
		p.held[i] += amount
	}
	for _, pay := range out.Payouts {
		p.held[pay.Asset] -= pay.Amount
		if pay.Amount <= 0 || p.held[pay.Asset] < 0 {
			p.t.Fatalf("%s pays %d and leaves %d", action, pay.Amount, p.held[pay.Asset])
		}
		to := by
		if pay.Party != ToCaller {
			to = p.program.Definition.Parties[pay.Party]
		}
		p.got[to] += pay.Amount
	}
	copy(p.instance.State, out.State)
	copy(p.instance.Registers, out.Registers)
	p.instance.Version++
	if out.Ends {
		p.end()
	}
	return nil
}

func (p *play) end() {
	for i, amount := range p.held {
		for _, s := range p.program.Shares(p.instance.State, amount) {
			p.got[p.program.Definition.Parties[s.Party]] += s.Amount
			p.held[i] -= s.Amount
		}
		if p.held[i] != 0 {
			p.t.Fatalf("%d left after the end", p.held[i])
		}
	}
}

func code(err *token.Error) token.Code {
	if err == nil {
		return ""
	}
	return err.Code
}
