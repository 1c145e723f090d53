package play

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
)

// staged are the templates that are drawn, and what may stand for their terms, arguments and payments beside common values.
var staged = map[string]map[string][]string{
	"escrow":       {"price": {"1500KZT", "20000KZT"}, "days": {"30", "1"}, "to_seller": {"500KZT", "2000KZT", "-1"}, "pay": {"1500", "20000"}},
	"subscription": {"price": {"100KZT"}, "period": {"30d", "2h", "each 1st", "each 31st", "each monday", "0", "-9"}, "cap": {"350KZT", "100KZT"}, "until": {"2027-06-01", "2026-09-20"}, "pay": {"300", "100"}},
	"school-meals": {"meal_most": {"800KZT"}, "day_most": {"1200KZT", "800KZT"}, "until": {"2027-01-01", "2026-09-20"}, "price": {"650KZT", "200KZT", "900KZT"}, "pay": {"2000", "500"}},
	"refund":       {"price": {"1500KZT"}, "fee": {"50KZT"}, "window": {"14", "2"}, "to_seller": {"500KZT", "1500KZT"}, "pay": {"1500"}},
	"work":         {"price": {"1500KZT"}, "until": {"2026-12-01", "2026-09-20"}, "pay": {"1500"}},
	"order":        {"milestones": {"2", "1"}, "price": {"1000KZT"}, "first_due": {"2026-09-10"}, "every": {"10d", "each 31st", "each monday", "0"}, "share": {"300"}, "retention": {"50", "333"}, "penalty": {"7"}, "penalty_most": {"100"}, "inspect": {"5d"}, "warranty": {"30d"}, "until": {"2027-09-01"}, "penalty_arg": {"10KZT"}, "amount": {"20KZT"}, "pay": {"2000", "1000"}},
	"crowdfunding": {"goal": {"500KZT", "1000KZT"}, "deadline": {"2026-09-20", "2026-12-01"}, "pay": {"200", "333.33"}},
	"pool":         {"members": {"root of MEMBERS"}, "size": {"3"}, "total": {"600KZT"}, "trigger": {"100"}, "exit": {"20"}, "until": {"2027-01-01"}, "rain": {"50", "10", "200"}, "sum": {"100KZT", "200KZT"}, "place": {"0", "1", "2"}, "proof": {"proof of oracle in MEMBERS", "proof of stranger in MEMBERS"}, "pay": {"600"}},
	"savings":      {"until": {"2044-09-01", "2027-09-01"}, "amount": {"100KZT"}, "pay": {"500"}},
	"vat-split":    {"net": {"1000KZT"}, "rate": {"16", "12"}, "invoice": {"sha256 of act"}, "days": {"30"}, "pay": {"1160", "1120", "1000"}, "pay vat": {"160", "60", "100"}},
	"vat-sale":     {"net": {"1000KZT", "300KZT"}, "rate": {"16"}, "invoice": {"sha256 of act"}, "days": {"30"}, "returns": {"60"}, "pay": {"1160", "1000", "300"}, "pay vat": {"160", "48", "100"}},
	"htlc":         {"lock": {"sha256 of 0123456789abcdef0123456789abcdef"}, "timeout": {"2026-09-20"}, "secret": {"3031323334353637383961626364656630313233343536373839616263646566", "00"}, "pay": {"1000"}},
	"drawn":        {"n": {"0", "7", "1000"}, "x": {"0", "1", "250", "100000"}, "pay": {"1000", "10", "2.50"}},
}

// drawPlay draws a definition, people, purposes and steps.
func drawPlay(t *testing.T, r *rand.Rand, dir string) Play {
	kinds := []string{"escrow", "subscription", "school-meals", "refund", "work", "order", "crowdfunding", "pool", "savings", "vat-split", "vat-sale", "htlc", "drawn", "drawn"}
	kind := kinds[r.IntN(len(kinds))]
	p := Play{Definition: kind, Now: "2026-09-01", People: map[string]Person{}, Purposes: map[string]string{}}
	var program *contract.Program
	if kind == "drawn" {
		program = drawDefinition(r)
		p.Definition = writePlayFile(t, playFile(dir, "drawn"), definitionText(program.Definition))
	} else {
		var err error
		if program, err = contract.TemplateProgram(kind); err != nil {
			t.Fatal(err)
		}
	}
	d := program.Definition
	people := append(slices.Clone(d.Parties), "stranger")
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	often := func(percent int) bool { return r.IntN(100) < percent }
	money := "plain"
	for _, asset := range d.Assets {
		fixed := strings.Contains(d.Create.When, `purpose.`+asset+` == "plain"`)
		if fixed || asset != "vat" && !often(70) {
			continue
		}
		p.Purposes[asset] = drawPurpose(t, r, dir, asset, d.Name, people, "")
		money = "agency/" + asset
	}
	for _, name := range people {
		who := Person{Tier: one("unlimited", "unlimited", "unlimited", "normal", "limited"), Earmarked: map[string]string{},
			Role: one("", "vat-payer", "vat-payer", "treasury", "canteen"), Money: one("3000", "3000", "3000", "7000", "100", "9999.99", "")}
		if often(30) {
			who.Vouched = []string{"ministry/canteen"}
		}
		for _, asset := range d.Assets {
			if p.Purposes[asset] != "" {
				who.Earmarked[asset] = one("", "2500", "5000", "90.01")
			}
		}
		p.People[name] = who
	}
	if creator := p.People[d.Parties[0]]; often(85) {
		creator.Money = "3000"
		for asset := range p.Purposes {
			creator.Earmarked[asset] = "2500"
		}
		p.People[d.Parties[0]] = creator
	}
	members := writePlayFile(t, playFile(dir, "members"), fmt.Sprintf("%s,200\nstranger,300\n%s,100\n", d.Parties[len(d.Parties)-1], d.Parties[0]))
	level := r.IntN(2) // prices, and what is paid of them, mostly go together
	of := func(all []string) string {
		if often(80) {
			return all[level%len(all)]
		}
		return one(all...)
	}
	value := func(f contract.Field) string {
		if f.Name == "money" {
			return one(money, money, money, money, money, money, money, "plain")
		}
		from := staged[kind][f.Name]
		if len(from) == 0 || often(2) {
			from = map[string][]string{"int": {"0", "1", "-5", "9000000000000000000", "1d"}, "bytes": {"", "00ff"}, "text": {"plain"}, "bool": {"true"}, "ints": {"1,2"}}[f.Type.String()]
		}
		text := of(from)
		return strings.ReplaceAll(text, "MEMBERS", members)
	}
	brings := func(takes []contract.Take) map[string]string {
		pay := map[string]string{}
		for _, take := range takes {
			from := staged[kind]["pay "+take.Asset]
			if from == nil {
				from = staged[kind]["pay"]
			}
			if often(95) {
				pay[take.Asset] = of(from)
			}
		}
		if len(takes) == 0 && often(3) {
			pay[d.Assets[0]] = "10"
		}
		return pay
	}
	p.Create = Move{By: d.Parties[0], Parties: map[string]string{}, Terms: map[string]string{}, Pay: brings(d.Create.Takes)}
	if len(d.Create.By) > 0 {
		p.Create.By = d.Create.By[0]
	}
	if often(4) {
		p.Create.By = "stranger"
	}
	if often(6) {
		p.Create.Parties[one(d.Parties...)] = one(people...)
	}
	for _, f := range d.Terms {
		p.Create.Terms[f.Name] = value(f)
	}
	for range 2 + r.IntN(10) {
		m := Move{Wait: one("", "", "", "", "", "1h", "2h", "25h", "25h", "3d", "6d", "14d", "31d", []string{"400d", "3650d"}[r.IntN(2)]), Args: map[string]string{}}
		switch kind := 1 + r.IntN(20); {
		case kind <= 11 || kind <= 14 && len(p.Purposes) == 0:
			a := d.Actions[r.IntN(len(d.Actions))]
			for tries := 0; a.Ends && tries < 2; tries++ { // let it go on for a while
				a = d.Actions[r.IntN(len(d.Actions))]
			}
			m.Act, m.By, m.Pay = a.Name, one(people...), brings(a.Takes)
			if len(a.By) > 0 && often(92) {
				m.By = one(a.By...)
			}
			for _, f := range a.Args {
				m.Args[f.Name] = value(f)
			}
			if often(60) {
				m.Document = "act"
			}
		case kind == 20:
			m.Act, m.By = "nothing_of_the_kind", people[0]
		case kind <= 18 || len(p.Purposes) == 0:
			m.By, m.To, m.Send = one(people...), one(people...), one("10", "90.01", "500", "2000", "100000")
			for _, asset := range d.Assets {
				if p.Purposes[asset] == "" {
					continue
				}
				switch 1 + r.IntN(3) {
				case 1:
					m.Of = asset
				case 2:
					m.Mark = asset
				}
			}
		default:
			assets := d.Assets[:1]
			for _, asset := range d.Assets {
				if p.Purposes[asset] != "" {
					assets = []string{asset}
				}
			}
			m.Register = drawPurpose(t, r, dir, assets[0], d.Name, people, assets[0])
		}
		p.Steps = append(p.Steps, m)
	}
	return p
}

// drawPurpose draws a purpose and writes it; amends is its own name for an amendment.
func drawPurpose(t *testing.T, r *rand.Rand, dir, name, definition string, people []string, amends string) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	var b strings.Builder
	if name == "vat" {
		name = "VAT"
	}
	fmt.Fprintf(&b, "purpose: %s\nmark: %q\npermits:\n", name, one("true", `payer.role == "treasury"`, "payer.tier == 2 && payer.bank == authority"))
	if r.IntN(2) == 0 {
		fmt.Fprintf(&b, "  - {when: '%s', becomes: %s}\n", one(`payee.role == "vat-payer"`, `"ministry/canteen" in payee.vouched`, "amount <= 50000", `payer.role == "treasury"`, "today % 2 == 0"), one("plain", "same"))
	}
	fmt.Fprintf(&b, "  - {when: '%s', becomes: %s}\n", one("true", "true", `payee.role == "canteen"`, "size(document) == 32", "amount < 100000"), one("plain", "same", "same"))
	fmt.Fprintf(&b, "until: %s\nreturns: %s\n", one("2036-01-01", "2027-02-01", "2036-01-01", "2026-10-01"), one(people...))
	if contracts := one(definition, definition, definition, definition, definition, definition, ""); contracts != "" {
		fmt.Fprintf(&b, "contracts: [%s]\n", contracts)
	}
	b.WriteString(one("", "", "payment_most: 600\n", "total_most: 100000\n"))
	b.WriteString(one("", "hops: 1\n", "hops: 2\n"))
	b.WriteString(one("notice: 2d\n", "notice: 1h\n", ""))
	if amends != "" {
		fmt.Fprintf(&b, "amends: %s\n", name)
	} else if r.IntN(4) == 0 {
		b.WriteString("own_limits: true\n")
	}
	return writePlayFile(t, playFile(dir, fmt.Sprintf("%s-%d", name, r.Uint32())), b.String())
}

// drawDefinition draws until one is sound.
func drawDefinition(r *rand.Rand) *contract.Program {
	for {
		d := sim.Definition(r)
		if program, problems := contract.Compile(d); len(problems) == 0 {
			return program
		}
	}
}

// definitionText writes a drawn definition as people do.
func definitionText(d *contract.Definition) string {
	var b strings.Builder
	fmt.Fprintf(&b, "contract: %s\nparties: [%s]\nterms: {n: int}\nstate: {a: 0, b: terms.n}\ncreate: {takes: {tenge: any}}\nactions:\n", d.Name, strings.Join(d.Parties, ", "))
	for _, a := range d.Actions {
		fmt.Fprintf(&b, "  %s:\n    args: {x: int}\n", a.Name)
		if len(a.By) > 0 {
			fmt.Fprintf(&b, "    by: %s\n", a.By[0])
		}
		if a.When != "" {
			fmt.Fprintf(&b, "    when: %q\n", a.When)
		}
		if len(a.Takes) > 0 {
			b.WriteString("    takes: {tenge: any}\n")
		}
		if len(a.Pay) > 0 {
			b.WriteString("    pay:\n")
		}
		for _, pay := range a.Pay {
			fmt.Fprintf(&b, "      - {to: %s, amount: %q}\n", pay.To, pay.Amount)
		}
		if len(a.Set) > 0 {
			b.WriteString("    set:\n")
		}
		for _, set := range a.Set {
			fmt.Fprintf(&b, "      %s: %q\n", set.Name, set.Value)
		}
		if a.Ends {
			b.WriteString("    ends: true\n")
		}
	}
	b.WriteString("end:\n  at: created + day\n  pay: {")
	for i, s := range d.End.Pay {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %d", s.To, s.Share)
	}
	b.WriteString("}\n")
	return b.String()
}
