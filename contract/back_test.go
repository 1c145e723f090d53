package contract

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// The words of a rule are true if somebody who reads only them does what the rule does. This test is that reader: it has a small
// dictionary of each language, written from the language and not from the lexicon, and turns sentences back into formulas.

// dictionary is what a reader knows of a language.
type dictionary struct {
	and, or, not, always, attached string
	between                        []string // words between two things, or around them with the second last, and the relation
	things                         map[string]string
	tenge                          string
}

var dictionaries = map[Language]dictionary{
	English: {" and ", " or ", "not (", "always", "a document is attached",
		[]string{" is at most ", "<=", " is at least ", ">=", " is less than ", "<", " is more than ", ">", " is one of ", "in", " begins with ", "starts", " is not ", "!=", " is ", "=="},
		map[string]string{"the payee's role": "payee.role", "the payer's role": "payer.role", "the payee's region": "payee.region", "the payer's region": "payer.region", "the payee's merchant category": "payee.category",
			"the payee's tier": "payee.tier", "the payer's tier": "payer.tier", "the payee's wallet": "payee.id", "the payer's wallet": "payer.id", "the payee's bank": "payee.bank", "the payer's bank": "payer.bank",
			"the amount": "amount", "the time": "now", "today": "today", "the authority": "authority"}, " tenge"},
	Kazakh: {" және ", " немесе ", "мына шарт орындалмаса: (", "әрқашан", "құжат тіркелген",
		[]string{" ең көбі ", "<=", " кемінде ", ">=", " мынадан аз: ", "<", " мынадан көп: ", ">", " мыналардың бірі: ", "in", " мынадан басталады: ", "starts", " емес", "not", " — ", "=="},
		map[string]string{"алушының рөлі": "payee.role", "төлеушінің рөлі": "payer.role", "алушының өңірі": "payee.region", "төлеушінің өңірі": "payer.region", "алушының сауда санаты": "payee.category",
			"алушының деңгейі": "payee.tier", "төлеушінің деңгейі": "payer.tier", "алушының әмияны": "payee.id", "төлеушінің әмияны": "payer.id", "алушының банкі": "payee.bank", "төлеушінің банкі": "payer.bank",
			"сома": "amount", "уақыт": "now", "бүгін": "today", "орталық банк": "authority"}, " теңге"},
	Russian: {" и ", " или ", "не выполнено: (", "всегда", "приложен документ",
		[]string{" не больше ", "<=", " не меньше ", ">=", " меньше ", "<", " больше ", ">", " — одно из: ", "in", " начинается с ", "starts", " — не ", "!=", " — ", "=="},
		map[string]string{"роль получателя": "payee.role", "роль плательщика": "payer.role", "регион получателя": "payee.region", "регион плательщика": "payer.region", "торговая категория получателя": "payee.category",
			"уровень получателя": "payee.tier", "уровень плательщика": "payer.tier", "кошелёк получателя": "payee.id", "кошелёк плательщика": "payer.id", "банк получателя": "payee.bank", "банк плательщика": "payer.bank",
			"сумма": "amount", "время": "now", "сегодня": "today", "центральный банк": "authority"}, " тенге"},
}

// vouchers are the sentences of what an agency vouches for: before the agency, between it and whom, before what.
var vouchers = map[Language][3]string{
	English: {"agency “", "” vouches for the ", " as “"},
	Kazakh:  {"“", "” агенттігінің куәлігі бойынша ", " түрі — “"},
	Russian: {"агентство “", "” ручается за ", ": “"},
}

var owners = map[string]string{"payee": "payee", "payer": "payer", "алушының": "payee", "төлеушінің": "payer", "получателя": "payee", "плательщика": "payer"}

// apart cuts a sentence at a word that stands outside brackets, quotes and formulas.
func apart(text, word string) (parts []string) {
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "“"):
			quoted = true
		case strings.HasPrefix(rest, "”"):
			quoted = false
		case quoted:
		case rest[0] == '(':
			depth++
		case rest[0] == ')':
			depth--
		case depth == 0 && strings.HasPrefix(rest, word):
			parts = append(parts, text[from:i])
			i += len(word) - 1
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// back reads a sentence. Alternatives bind weaker than conditions, as in the language of formulas; a reader of a sentence without
// brackets who thought otherwise would have to be told, so that mixed ones must have brackets.
func back(t *testing.T, language Language, text string) string {
	d := dictionaries[language]
	if parts := apart(text, d.or); len(parts) > 1 {
		for _, p := range parts {
			if len(apart(p, d.and)) > 1 {
				t.Fatalf("%s: may be read in two ways: %s", language, text)
			}
		}
		return all(t, language, parts, " || ")
	}
	if parts := apart(text, d.and); len(parts) > 1 {
		return all(t, language, parts, " && ")
	}
	switch {
	case strings.HasPrefix(text, d.not) && strings.HasSuffix(text, ")"):
		return "!(" + back(t, language, text[len(d.not):len(text)-1]) + ")"
	case strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")"):
		return "(" + back(t, language, text[1:len(text)-1]) + ")"
	case text == d.always:
		return "true"
	case text == d.attached:
		return "size(document) == 32"
	}
	if form := vouchers[language]; strings.HasPrefix(text, form[0]) && strings.Contains(text, form[1]) {
		agency, rest, _ := strings.Cut(text[len(form[0]):], form[1])
		who, what, _ := strings.Cut(rest, form[2])
		return fmt.Sprintf("%q in %s.vouched", agency+"/"+strings.TrimSuffix(what, "”"), owners[who])
	}
	return relation(t, language, text)
}

func all(t *testing.T, language Language, parts []string, word string) string {
	for i := range parts {
		parts[i] = back(t, language, parts[i])
	}
	return strings.Join(parts, word)
}

// relation reads two things and what is said of them. The first is a thing that has a name.
func relation(t *testing.T, language Language, text string) string {
	d := dictionaries[language]
	for said, name := range d.things {
		rest, ok := strings.CutPrefix(text, said)
		if !ok || rest == "" || rest[0] != ' ' {
			continue
		}
		for i := 0; i < len(d.between); i += 2 {
			if d.between[i+1] == "not" {
				if second, isNot := strings.CutSuffix(rest, d.between[i]); isNot {
					return name + " != " + value(t, language, strings.TrimPrefix(second, " "))
				}
				continue
			}
			second, ok := strings.CutPrefix(rest, d.between[i])
			if !ok {
				continue
			}
			switch sign := d.between[i+1]; sign {
			case "in":
				var items []string
				for _, item := range strings.Split(second, ", ") {
					items = append(items, value(t, language, item))
				}
				return name + " in [" + strings.Join(items, ", ") + "]"
			case "starts":
				return name + ".startsWith(" + value(t, language, second) + ")"
			default:
				return name + " " + sign + " " + value(t, language, second)
			}
		}
	}
	t.Fatalf("%s: nobody understands %q", language, text)
	return ""
}

// value reads a thing, a text, an amount, a time or a number.
func value(t *testing.T, language Language, text string) string {
	d := dictionaries[language]
	if name, ok := d.things[text]; ok {
		return name
	}
	if quoted, ok := strings.CutPrefix(text, "“"); ok {
		return fmt.Sprintf("%q", strings.TrimSuffix(quoted, "”"))
	}
	if amount, ok := strings.CutSuffix(text, d.tenge); ok {
		tiyn, err := money.ParseTenge(amount)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(int64(tiyn))
	}
	if at, err := time.Parse("2006-01-02 15:04 (UTC-07)", text); err == nil {
		return fmt.Sprint(at.UnixMilli())
	}
	return text
}

// The table: what rules say. Literals that stand on the left are said on the right.
var fiftyRules = []string{
	`true`, `payee.role == "canteen"`, `payee.role != "shop"`, `"canteen" == payee.role`, `"shop" != payee.role`,
	`amount <= 5000`, `amount >= 5000`, `amount < 5000`, `amount > 5000`, `amount == 5000`, `amount != 5000`,
	`5000 >= amount`, `5000 <= amount`, `5000 > amount`, `5000 < amount`, `payee.category in [5411, 5499]`, `payee.role in ["canteen", "shop"]`,
	`payee.region.startsWith("KZ-7")`, `size(document) == 32`, `now >= 1790000040000`, `now < 1790000040000`, `1790000040000 <= now`,
	`"edu/canteen" in payee.vouched`, `"edu/canteen" in payer.vouched`, `payee.bank == authority`, `payer.bank != authority`, `payer.tier == 2`, `payee.tier >= 1`, `2 > payee.tier`,
	`payer.region == payee.region`, `payer.id != payee.id`, `today >= 20718`, `today < 20718`, `!(payee.role == "shop")`, `!(amount <= 5000)`,
	`payee.role == "canteen" && amount <= 5000`, `payee.role == "canteen" || amount <= 5000`,
	`payee.role == "canteen" || payee.role == "shop" && amount <= 5000`, `(payee.role == "canteen" || payee.role == "shop") && amount <= 5000`,
	`!(payee.role == "canteen" && amount <= 5000)`, `!(payee.role == "canteen" || amount <= 5000)`, `!(payee.role == "canteen") || amount > 5000 && payee.tier == 1`,
	`payee.role == "canteen" && payee.region == "KZ-75" && payer.role == "school"`, `payee.role == "canteen" || payee.region == "KZ-75" || payer.role == "school"`,
	`payee.role == "canteen" && (payee.region == "KZ-75" || amount < 5000 && size(document) == 32)`,
	`(amount < 5000 || size(document) == 32) && (payee.tier == 1 || payee.tier == 2)`, `payee.role == "bread and salt" || payee.role == "this or that"`,
	`!(!(amount <= 5000))`, `payee.category in [5411] && !(payee.region.startsWith("KZ-7")) && now < 1790000040000`, `"edu/canteen" in payee.vouched && (payee.bank == authority || amount <= 5000)`,
	`payer.role == "treasury" && payer.bank == authority || "edu/canteen" in payee.vouched && payee.region == "KZ-75" && 5000 >= amount`,
}

// drawnPayment is a payment near to what the rules speak of.
func drawnPayment(r *rand.Rand) *Payment {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	party := func(id byte) *Party {
		p := &Party{ID: token.WalletID{id}, Tier: uint8(r.IntN(3)), Attributes: token.Attributes{Role: one("canteen", "shop", "school", "treasury", "bread and salt", "this or that"),
			Region: one("KZ-75", "KZ-71", "KZ-10"), Category: []uint16{5411, 5499, 5912}[r.IntN(3)]}}
		if r.IntN(2) == 0 {
			p.Bank = token.WalletID{9}
		}
		if r.IntN(2) == 0 {
			p.Vouched = []string{"edu/canteen"}
		}
		return p
	}
	p := &Payment{Payer: party(1), Payee: party(byte(1 + r.IntN(2))), Amount: money.Tiyn([]int64{4999, 5000, 5001}[r.IntN(3)]), Now: 1790000040000 - 1 + uint64(r.IntN(3)), Today: 20717 + uint32(r.IntN(3))}
	if r.IntN(2) == 0 {
		p.Document = make([]byte, 32)
	}
	return p
}

// Fifty rules, said in three languages and understood again, permit what they permitted.
func TestWordsAreUnderstoodAsTheyWereMeant(t *testing.T) {
	if len(fiftyRules) < 50 {
		t.Fatalf("%d rules", len(fiftyRules))
	}
	permitting := func(when string) *Rule {
		r, problems := CompilePurpose(token.Purpose{Name: "drawn", Earmark: "true", Permits: []token.Permit{{When: when}}, UntilMillis: 1890000000000})
		if len(problems) > 0 {
			t.Fatalf("%s: %v", when, problems)
		}
		return r
	}
	for _, when := range fiftyRules {
		meant := permitting(when)
		for _, language := range Languages {
			said := meant.permits[0].say(language)
			if strings.Contains(said, "`") {
				t.Errorf("%s, %s: a formula among the words: %s", language, when, said)
				continue
			}
			understood := back(t, language, said)
			read := permitting(understood)
			r := rand.New(rand.NewPCG(50, 1))
			for range 300 {
				p := drawnPayment(r)
				_, one := meant.Permit(p)
				_, other := read.Permit(p)
				if (one == nil) != (other == nil) {
					t.Fatalf("%s: %s is said as %q, understood as %s: %+v is permitted: %v and %v", language, when, said, understood, p, one == nil, other == nil)
				}
			}
		}
	}
}
