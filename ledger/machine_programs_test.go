package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Random programmable money for the machine.

var machineTemplates = func() (all [][]byte) {
	for _, name := range contract.TemplateNames {
		all = append(all, sim.Template(name))
	}
	return all
}()

func (m *machine) program(t *rapid.T, kind token.Kind) token.Body {
	agencies, wallets := m.model.Agencies(), sorted(m.model.Wallets)
	switch kind {
	case token.KindSetAgency:
		agency := token.WalletID{}
		if rapid.Bool().Draw(t, "known") {
			agency = pick(t, "agency", agencies)
		}
		return &token.SetAgency{Sequence: m.sequence(t, token.RolePolicy), Agency: agency, Name: fmt.Sprintf("agency %d", rapid.IntRange(0, 9).Draw(t, "name")), Keys: m.newSet(t), Suspended: rapid.IntRange(0, 5).Draw(t, "suspended") == 0}
	case token.KindRegisterPurpose:
		agency := pick(t, "agency", agencies)
		a, _ := m.model.Agency(agency)
		return &token.RegisterPurpose{Agency: agency, Sequence: off(t, a.Sequence), Purpose: m.purpose(t, pick(t, "returns", wallets))}
	case token.KindVouch:
		agency := pick(t, "agency", agencies)
		a, _ := m.model.Agency(agency)
		return &token.Vouch{Agency: agency, Sequence: off(t, a.Sequence), Wallet: pick(t, "wallet", wallets),
			As: rapid.SampledFrom([]string{"school", "canteen", "KZ-75"}).Draw(t, "as"), Withdrawn: rapid.IntRange(0, 3).Draw(t, "withdrawn") == 0}
	case token.KindDefine:
		bank, sequence := pick(t, "bank", sorted(m.model.Intermediaries)), uint64(0)
		if sequence = off(t, m.model.Intermediaries[bank].Sequence); rapid.Bool().Draw(t, "direct") {
			bank, sequence = token.Authority, m.sequence(t, token.RolePolicy)
		}
		return &token.Define{Registrar: bank, Sequence: sequence, Definition: rapid.SampledFrom(machineTemplates).Draw(t, "definition")}
	case token.KindCreate:
		return m.creation(t, wallets)
	case token.KindAct:
		return m.action(t, wallets)
	}
	return m.earmarked(t, wallets)
}

func (m *machine) purpose(t *rapid.T, returns token.WalletID) token.Purpose {
	p := token.Purpose{Name: fmt.Sprintf("purpose %d", rapid.IntRange(0, 99).Draw(t, "name")), Earmark: rapid.SampledFrom([]string{"true", `payer.role != "court"`}).Draw(t, "mark"), Returns: returns,
		FromMillis: m.plain.Now, UntilMillis: m.plain.Now + uint64(rapid.IntRange(1, 40).Draw(t, "hours"))*3_600_000,
		Hops: rapid.Uint16Range(0, 2).Draw(t, "hops"), OwnLimits: rapid.Bool().Draw(t, "own"),
		Permits: []token.Permit{{When: `payee.role == "person"`}, {When: "amount < 1000 || payee.category > 5000", Becomes: token.BecomesSame}}}
	if rapid.Bool().Draw(t, "vouched") {
		p.Permits[0].When = `payee.vouched.exists(v, v.endsWith("/school"))`
	}
	if rapid.Bool().Draw(t, "amendable") {
		p.NoticeMillis = rapid.Uint64Range(1, 3_600_000).Draw(t, "notice")
	}
	if n := m.model.Purposes(); n > 0 && rapid.Bool().Draw(t, "amends") {
		p.Amends = uint32(rapid.IntRange(1, n).Draw(t, "amended"))
		old := m.model.Purpose(p.Amends)
		p.Name, p.OwnLimits, p.FromMillis = old.Name, old.OwnLimits, p.FromMillis+old.NoticeMillis
	}
	if n := m.model.Purposes(); n > 0 && rapid.Bool().Draw(t, "other") {
		p.Permits = append(p.Permits, token.Permit{When: "true", Becomes: uint32(rapid.IntRange(1, n).Draw(t, "becomes"))})
	}
	if rapid.IntRange(0, 3).Draw(t, "full") == 0 {
		p.MaxTotal = 1000 * kzt
	}
	for _, encoded := range machineTemplates {
		p.Contracts = append(p.Contracts, sha256.Sum256(encoded))
	}
	return p
}

// holding draws some of a wallet's tokens of one purpose, and their sum.
func (m *machine) holding(t *rapid.T, id token.WalletID) (inputs []token.ID, purpose uint32, total money.Tiyn) {
	for _, in := range m.tokensOf(id) {
		held := m.model.Tokens[in]
		if len(inputs) == 0 {
			purpose = held.Asset.Purpose
		}
		if held.Asset.Purpose == purpose && (len(inputs) == 0 || rapid.Bool().Draw(t, "more")) {
			inputs, total = append(inputs, in), total+held.Amount
		}
	}
	return inputs, purpose, total
}

func (m *machine) rich(wallets []token.WalletID) []token.WalletID {
	return slices.DeleteFunc(slices.Clone(wallets), func(id token.WalletID) bool { return m.model.Wallets[id].Tokens == 0 })
}

func (m *machine) earmarked(t *rapid.T, wallets []token.WalletID) token.Body {
	payer := pick(t, "payer", m.rich(wallets))
	inputs, purpose, total := m.holding(t, payer)
	if len(inputs) == 0 {
		inputs, total = []token.ID{{1}}, 5
	}
	b := &token.EarmarkedTransfer{Parties: []token.WalletID{payer}, Inputs: inputs}
	party := 0
	if payee := pick(t, "payee", wallets); payee != payer {
		b.Parties, party = append(b.Parties, payee), 1
	}
	becomes := purpose
	if n := m.model.Purposes(); n > 0 && rapid.Bool().Draw(t, "change") {
		becomes = uint32(rapid.IntRange(0, n).Draw(t, "becomes"))
	}
	amount := amountUpTo(t, max(1, total))
	b.Outputs = []token.EarmarkedOutput{{Party: party, Amount: amount, From: purpose, Becomes: becomes}}
	if total > amount {
		b.Outputs = append(b.Outputs, token.EarmarkedOutput{Amount: total - amount, From: purpose, Becomes: purpose})
	}
	return b
}

func (m *machine) creation(t *rapid.T, wallets []token.WalletID) token.Body {
	creator := pick(t, "creator", m.rich(wallets))
	encoded := rapid.SampledFrom(machineTemplates).Draw(t, "definition")
	d, _ := contract.Decode(encoded)
	b := &token.Create{Creator: creator, Definition: sha256.Sum256(encoded), Paid: make([]money.Tiyn, len(d.Assets))}
	for i, name := range d.Parties {
		id := pick(t, "party", wallets)
		if len(d.Create.By) > 0 && d.Create.By[0] == name || i == 0 && len(d.Create.By) == 0 {
			id = creator
		}
		b.Parties = append(b.Parties, id)
	}
	inputs, purpose, total := m.holding(t, creator)
	b.Assets = []uint32{purpose}
	for i := 1; i < len(d.Assets); i++ {
		b.Assets = append(b.Assets, purpose+uint32(i))
	}
	paid := amountUpTo(t, max(1, total/2))
	for _, f := range d.Terms {
		switch {
		case f.Type == token.BytesValue:
			b.Terms = append(b.Terms, token.Bytes(make([]byte, 32)))
		case f.Name == "days" || f.Name == "window":
			b.Terms = append(b.Terms, token.Int(1))
		case f.Name == "timeout" || f.Name == "until":
			b.Terms = append(b.Terms, token.Int(int64(m.plain.Now+3_600_000*uint64(rapid.IntRange(1, 30).Draw(t, "hours")))))
		case f.Name == "period":
			b.Terms = append(b.Terms, token.Int(3_600_000))
		case f.Name == "rate" || f.Name == "fee":
			b.Terms = append(b.Terms, token.Int(1))
		default:
			b.Terms = append(b.Terms, token.Int(int64(paid)))
		}
	}
	if len(d.Create.Takes) > 0 && len(inputs) > 0 {
		b.Inputs, b.Paid[0] = inputs, paid
	}
	return b
}

func (m *machine) action(t *rapid.T, wallets []token.WalletID) token.Body {
	id := pick(t, "contract", m.model.Contracts())
	c := m.model.Contract(id)
	if c == nil {
		return &token.Act{Contract: id, Version: 1, Action: "release", Caller: pick(t, "caller", wallets), Paid: []money.Tiyn{0}}
	}
	encoded, _ := m.model.Definition(c.Definition)
	d, _ := contract.Decode(encoded)
	a := d.Actions[rapid.IntRange(0, len(d.Actions)-1).Draw(t, "action")]
	b := &token.Act{Contract: id, Version: off(t, c.Version), Action: a.Name, Caller: c.Parties[rapid.IntRange(0, len(c.Parties)-1).Draw(t, "caller")], Paid: make([]money.Tiyn, len(c.Assets))}
	for i, name := range d.Parties {
		if len(a.By) > 0 && a.By[0] == name && rapid.IntRange(0, 3).Draw(t, "right") > 0 {
			b.Caller = c.Parties[i]
		}
	}
	for _, f := range a.Args {
		if f.Type == token.BytesValue {
			b.Args = append(b.Args, token.Bytes(make([]byte, 32)))
			continue
		}
		held := m.model.Tokens[c.Tokens[0]]
		b.Args = append(b.Args, token.Int(int64(amountUpTo(t, max(1, held.Amount)))))
	}
	if inputs, purpose, total := m.holding(t, b.Caller); len(a.Takes) > 0 && len(inputs) > 0 {
		if i := slices.Index(c.Assets, purpose); i >= 0 {
			b.Inputs, b.Paid[i] = inputs, amountUpTo(t, total)
			if d.Name == "vat_split" {
				b.Paid[i] = total
			}
		}
	}
	if a.Document != "" {
		b.Document = &token.Hash{}
	}
	return b
}

// checkPrograms holds what must hold of purposes and contracts in every state.
func (m *machine) checkPrograms(t *rapid.T) {
	for number := uint32(1); int(number) <= m.model.Purposes(); number++ {
		p := m.model.Purpose(number)
		if p.Live() != m.model.LiveOf(number) || p.Left < 0 || p.Entered < p.Left {
			t.Fatalf("purpose %d: entered %d, left %d, live %d", number, p.Entered, p.Left, m.model.LiveOf(number))
		}
	}
	for _, id := range m.model.Contracts() {
		c, sum := m.model.Contract(id), money.Tiyn(0)
		for i, name := range c.Tokens {
			held, live := m.model.Token(name)
			if (name != token.ID{}) != live || live && (held.Wallet != id || held.Asset.Purpose != c.Assets[i]) {
				t.Fatalf("contract %s names %s as its token of purpose %d", id, name, c.Assets[i])
			}
			sum += held.Amount
		}
		if w := m.model.Wallets[id]; w.Balance != sum || !w.Contract {
			t.Fatalf("contract %s holds %s, its wallet %s", id, sum, w.Balance)
		}
	}
}

// emptied lets all contracts come to their ends, whatever their parties are, and wants nothing left in any.
func (m *machine) emptied(t *rapid.T) {
	for _, id := range m.model.Contracts() {
		if w := m.model.Wallets[id]; w.Frozen != token.NotFrozen { // until then its end waits
			m.both(&token.Unfreeze{Wallet: id, Version: uint64(w.Version), Case: m.model.Details[id].Case})
		}
	}
	m.plain.Now += contract.MaxLifeMillis
	m.chain.Now = m.plain.Now
	for range 3 {
		m.plain.Block()
		m.chain.Block()
	}
	if left := m.model.Contracts(); len(left) > 0 {
		t.Fatalf("%d contracts outlived their ends", len(left))
	}
	for id, w := range m.model.Wallets {
		if w.Contract {
			t.Fatalf("wallet %s of a contract is left with %s", id, w.Balance)
		}
	}
	for number := uint32(1); int(number) <= m.model.Purposes(); number++ {
		if live := m.model.LiveOf(number); live != 0 {
			t.Fatalf("%s of purpose %d outlived it", live, number)
		}
	}
	m.check(t)
}

var _ ledger.State = (*ledger.Model)(nil)
