package contract

import (
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/aqsha/aqsha/token"
)

// The text of every expression of every template is complete: it compiles to an expression of the same text, and nothing
// of an explanation is empty.
func TestTextsOfExpressionsAreComplete(t *testing.T) {
	macros := 0
	for _, name := range TemplateNames {
		p := template(t, name)
		d := p.Definition
		check := func(a *Action, compiled *action) {
			c, err := newCompiler(environmentOf(NewestRules), p.withRegisters(append(actionVariables(d, a), laterVariables(d)...)))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range compiled.expressions() {
				text := x.textOf(x.tree)
				if strings.Contains(text, ".all(") || strings.Contains(text, ".exists(") {
					macros++
				}
				kind := cel.IntType
				switch {
				case x == compiled.when:
					kind = cel.BoolType
				case x == compiled.document || slices.ContainsFunc(compiled.set, func(u update) bool { return u.value == x && p.registers[u.variable] >= 0 }):
					kind = cel.BytesType
				}
				again, problem := c.compile("", text, kind)
				if problem != nil {
					t.Errorf("%s: %q is read as %q: %v", name, x.text, text, problem)
					continue
				}
				if got := again.textOf(again.tree); got != text || again.cost != x.cost {
					t.Errorf("%s: %q, read back, is %q", name, text, got)
				}
			}
		}
		check(&d.Create, &p.create)
		for i := range d.Actions {
			check(&d.Actions[i], &p.actions[i])
		}
		if text := strings.Join(p.Explain(), "\n"); strings.Contains(text, "``") {
			t.Errorf("%s: something is left out:\n%s", name, text)
		}
	}
	if macros == 0 {
		t.Error("no template has all or exists: nothing is tested")
	}
}

// Conditions as a lawyer reads them, in three languages.
func TestConditionsReadOneWay(t *testing.T) {
	for _, c := range []struct{ when, en, kk, ru string }{
		{`50000 >= amount`, "the amount is at most 500.00 tenge", "сома ең көбі 500.00 теңге", "сумма не больше 500.00 тенге"},
		{`50000 < amount`, "the amount is more than 500.00 tenge", "сома мынадан көп: 500.00 теңге", "сумма больше 500.00 тенге"},
		{`payee.tier == 1 || payee.tier == 2 && amount > 100`, "the payee's tier is 1 or (the payee's tier is 2 and the amount is more than 1.00 tenge)",
			"алушының деңгейі — 1 немесе (алушының деңгейі — 2 және сома мынадан көп: 1.00 теңге)", "уровень получателя — 1 или (уровень получателя — 2 и сумма больше 1.00 тенге)"},
		{`(payee.tier == 1 || payee.tier == 2) && amount > 100`, "(the payee's tier is 1 or the payee's tier is 2) and the amount is more than 1.00 tenge",
			"(алушының деңгейі — 1 немесе алушының деңгейі — 2) және сома мынадан көп: 1.00 теңге", "(уровень получателя — 1 или уровень получателя — 2) и сумма больше 1.00 тенге"},
		{`["a", "b"].exists(r, r == payee.role)`, "`[\"a\", \"b\"].exists(r, r == payee.role)`", "`[\"a\", \"b\"].exists(r, r == payee.role)`", "`[\"a\", \"b\"].exists(r, r == payee.role)`"},
		{`payee.key == b"reading"`, "the payee's key is `b\"reading\"`", "алушының кілті — `b\"reading\"`", "ключ получателя — `b\"reading\"`"},
		{`payee.bank == authority`, "the payee's bank is the authority", "алушының банкі — орталық банк", "банк получателя — центральный банк"},
		{`"ministry/canteen" in payee.vouched`, "agency “ministry” vouches for the payee as “canteen”", "“ministry” агенттігінің куәлігі бойынша алушының түрі — “canteen”", "агентство “ministry” ручается за получателя: “canteen”"},
		{`now >= 1788202800000`, "the time is at least 2026-09-01 00:00 (UTC+05)", "уақыт кемінде 2026-09-01 00:00 (UTC+05)", "время не меньше 2026-09-01 00:00 (UTC+05)"},
	} {
		p := meals()
		p.Permits = []token.Permit{{When: c.when}}
		x := rule(t, p).permits[0]
		for language, want := range map[Language]string{English: c.en, Kazakh: c.kk, Russian: c.ru} { // any order: each by itself
			if got := x.say(language); got != want {
				t.Errorf("%s in %s:\n%s, want\n%s", c.when, language, got, want)
			}
		}
	}
}

// A day is the network's: terms and purposes read it so, and periods are periods.
func TestDaysAndPeriodsAreRead(t *testing.T) {
	for text, want := range map[string]int64{ // any order: each by itself
		"2026-09-01": 1_788_202_800_000, "2026-09-01T00:00:00Z": 1_788_220_800_000, "30d": 30 * 86_400_000, "36h": 36 * 3_600_000, "500": 500, "500KZT": 50_000, "0": 0, "-7": -7,
	} {
		v, err := ParseValue(token.IntValue, text, 0)
		if err != nil || v.Int != want {
			t.Errorf("%s is %d, %v; want %d", text, v.Int, err, want)
		}
	}
	for _, bad := range []string{"", "d", "2026-13-01", "1e3", "500 KZTT"} {
		if v, err := ParseValue(token.IntValue, bad, 0); err == nil {
			t.Errorf("%q is %d", bad, v.Int)
		}
	}
	source, problems := ParsePurpose([]byte(strings.Replace(mealsText, "until: 2027-05-31T00:00:00+05:00", "until: 2027-05-31", 1)))
	if problems != nil {
		t.Fatal(problems)
	}
	if end := source.Purpose.UntilMillis; end != 1_811_703_600_000+86_400_000 {
		t.Errorf("until 31 May ends at %d", end)
	}
}
