package contract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Language is one in which rules are explained.
type Language string

const (
	// The codes are those of ISO 639.
	English Language = "en"
	Kazakh  Language = "kk"
	Russian Language = "ru"
)

// Languages are all of them.
var Languages = []Language{English, Kazakh, Russian}

// ParseLanguage reads a language's code.
func ParseLanguage(code string) (Language, bool) {
	for _, l := range Languages {
		if string(l) == code {
			return l, true
		}
	}
	return "", false
}

// lexicon is how a language says what expressions say. Relations take both sides. A copy is made for each expression,
// for its info.
type lexicon struct {
	and, or, not     string
	either           string // around alternatives
	relations        map[string]string
	oneOf, begins    string
	always, attached string
	of               string            // a member of somebody: member, owner
	vouches          string            // agency, owner, what
	members          map[string]string // of a party
	names            map[string]string
	tenge            string
	info             *ast.SourceInfo // of the expression that is said
}

// lexicons are the words of each language for what stands in a condition. relations and members are by the operators
// of CEL's tree ("_<=_") and by the fields of a party; what is in no list is said as code.
var lexicons = map[Language]*lexicon{
	English: {
		and: " and ", or: " or ", not: "not (%s)", either: "(%s)",
		relations: map[string]string{"_==_": "%s is %s", "_!=_": "%s is not %s", "_<=_": "%s is at most %s",
			"_>=_": "%s is at least %s", "_<_": "%s is less than %s", "_>_": "%s is more than %s"},
		oneOf: "%s is one of %s", begins: "%s begins with %s", always: "always", attached: "a document is attached",
		of: "the %[2]s's %[1]s", vouches: "agency “%[1]s” vouches for the %[2]s as “%[3]s”",
		members: map[string]string{"role": "role", "category": "merchant category", "region": "region", "tier": "tier",
			"id": "wallet", "key": "key", "bank": "bank"},
		names: map[string]string{"payee": "payee", "payer": "payer", "caller": "caller", "amount": "the amount",
			"now": "the time", "document": "the document's hash", "authority": "the authority", "today": "today"},
		tenge: "%s tenge",
	},
	Kazakh: {
		and: " және ", or: " немесе ", not: "мына шарт орындалмаса: (%s)", either: "(%s)",
		relations: map[string]string{"_==_": "%s — %s", "_!=_": "%s %s емес", "_<=_": "%s ең көбі %s",
			"_>=_": "%s кемінде %s", "_<_": "%s мынадан аз: %s", "_>_": "%s мынадан көп: %s"},
		oneOf: "%s мыналардың бірі: %s", begins: "%s мынадан басталады: %s", always: "әрқашан",
		attached: "құжат тіркелген",
		of:       "%[2]s %[1]s", vouches: "“%[1]s” агенттігінің куәлігі бойынша %[2]s түрі — “%[3]s”",
		members: map[string]string{"role": "рөлі", "category": "сауда санаты", "region": "өңірі", "tier": "деңгейі",
			"id": "әмияны", "key": "кілті", "bank": "банкі"},
		names: map[string]string{"payee": "алушының", "payer": "төлеушінің", "caller": "шақырушының",
			"amount": "сома", "now": "уақыт", "document": "құжаттың хеші", "authority": "орталық банк",
			"today": "бүгін"},
		tenge: "%s теңге",
	},
	Russian: {
		and: " и ", or: " или ", not: "не выполнено: (%s)", either: "(%s)",
		relations: map[string]string{"_==_": "%s — %s", "_!=_": "%s — не %s", "_<=_": "%s не больше %s",
			"_>=_": "%s не меньше %s", "_<_": "%s меньше %s", "_>_": "%s больше %s"},
		oneOf: "%s — одно из: %s", begins: "%s начинается с %s", always: "всегда", attached: "приложен документ",
		of: "%[1]s %[2]s", vouches: "агентство “%[1]s” ручается за %[2]s: “%[3]s”",
		members: map[string]string{"role": "роль", "category": "торговая категория", "region": "регион",
			"tier": "уровень", "id": "кошелёк", "key": "ключ", "bank": "банк"},
		names: map[string]string{"payee": "получателя", "payer": "плательщика", "caller": "вызывающего",
			"amount": "сумма", "now": "время", "document": "хеш документа", "authority": "центральный банк",
			"today": "сегодня"},
		tenge: "%s тенге",
	},
}

// say puts the whole expression into words. It is for people: nothing of it is hashed or decides anything.
func (x *expression) say(language Language) string {
	l := *lexicons[language]
	l.info = x.info
	return l.say(x.tree)
}

// code is a part of an expression as it was written, for what has no words.
func (l *lexicon) code(e ast.Expr) string {
	text, err := parser.Unparse(e, l.info)
	if err != nil {
		panic(fmt.Sprintf("an expression that was compiled has no text: %v", err))
	}
	return "`" + readable(text) + "`"
}

// octal is bytes as they are written out.
var octal = regexp.MustCompile(`b"(\\[0-7]{3})+"`)

// readable shows bytes that are letters as letters.
func readable(text string) string {
	return octal.ReplaceAllStringFunc(text, func(written string) string {
		var letters []byte
		for rest := written[2 : len(written)-1]; rest != ""; rest = rest[4:] {
			n, err := strconv.ParseUint(rest[1:4], 8, 8)
			if err != nil || n < ' ' || n > '~' || n == '"' || n == '\\' {
				return written
			}
			letters = append(letters, byte(n))
		}
		return `b"` + string(letters) + `"`
	})
}

// turned says a relation from the other side.
var turned = map[string]string{"_==_": "_==_", "_!=_": "_!=_", "_<=_": "_>=_", "_>=_": "_<=_", "_<_": "_>_",
	"_>_": "_<_"}

// say puts a condition into words. What has no words stands as it was written.
func (l *lexicon) say(e ast.Expr) string {
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok && bool(b) {
			return l.always
		}
	case ast.CallKind:
		call := e.AsCall()
		args := call.Args()
		switch name := call.FunctionName(); name {
		case "_&&_":
			return l.joined(l.and, args)
		case "_||_":
			return l.joined(l.or, args)
		case "!_":
			return fmt.Sprintf(l.not, l.say(args[0]))
		case "@in":
			if said, ok := l.vouched(args[0], args[1]); ok {
				return said
			}
			return fmt.Sprintf(l.oneOf, l.thing(args[0], nil), l.thing(args[1], args[0]))
		case "startsWith":
			return fmt.Sprintf(l.begins, l.thing(call.Target(), nil), l.thing(args[0], nil))
		default:
			if l.code(e) == "`size(document) == 32`" {
				return l.attached
			}
			if _, ok := l.relations[name]; ok && args[0].Kind() == ast.LiteralKind &&
				args[1].Kind() != ast.LiteralKind {
				// who reads it meets the thing first, then the number
				name, args = turned[name], []ast.Expr{args[1], args[0]}
			}
			if form, ok := l.relations[name]; ok {
				return fmt.Sprintf(form, l.thing(args[0], args[1]), l.thing(args[1], args[0]))
			}
		}
	}
	return l.code(e)
}

// vouched says what an agency vouches for: AGENCY/WHAT among what is vouched of somebody.
func (l *lexicon) vouched(what, among ast.Expr) (string, bool) {
	if what.Kind() != ast.LiteralKind || among.Kind() != ast.IdentKind {
		return "", false
	}
	text, isText := what.AsLiteral().(types.String)
	owner, member, _ := strings.Cut(among.AsIdent(), ".")
	at := strings.LastIndexByte(string(text), '/')
	if !isText || member != "vouched" || l.names[owner] == "" || at < 0 {
		return "", false
	}
	return fmt.Sprintf(l.vouches, string(text[:at]), l.names[owner], string(text[at+1:])), true
}

// joined says alternatives or conditions; one of the other kind among them stands in brackets.
func (l *lexicon) joined(word string, parts []ast.Expr) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = l.say(p)
		if other := map[string]string{l.and: "_||_", l.or: "_&&_"}[word]; p.Kind() == ast.CallKind &&
			p.AsCall().FunctionName() == other {
			texts[i] = fmt.Sprintf(l.either, texts[i])
		}
	}
	return strings.Join(texts, word)
}

// thing says a value; beside is what it is compared with, which tells tenge from numbers: a whole number next to
// amount is tiyn and next to now milliseconds since 1970, and alone it is what it is.
func (l *lexicon) thing(e, beside ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return l.name(e.AsIdent())
	case ast.ListKind:
		var items []string
		for _, item := range e.AsList().Elements() {
			items = append(items, l.thing(item, beside))
		}
		return strings.Join(items, ", ")
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.String:
			return "“" + string(v) + "”"
		case types.Int:
			if beside != nil && beside.Kind() == ast.IdentKind {
				switch beside.AsIdent() {
				case "amount":
					return fmt.Sprintf(l.tenge, money.Tiyn(v))
				case "now":
					return date(uint64(v))
				}
			}
			return strconv.FormatInt(int64(v), 10)
		}
	}
	return l.code(e)
}

// name says a variable in words; one that has none stands as it is written.
func (l *lexicon) name(name string) string {
	if said, ok := l.names[name]; ok {
		return said
	}
	owner, member, ok := strings.Cut(name, ".")
	if said := l.members[member]; ok && said != "" {
		if who := l.names[owner]; who != "" {
			return fmt.Sprintf(l.of, said, who)
		}
	}
	return "`" + name + "`"
}

// Zone is the network's time: Kazakhstan's since 1 March 2024. Its day is that of a ledger's policy.
var Zone = time.FixedZone("UTC+5", 5*3600)

func date(millis uint64) string {
	return time.UnixMilli(int64(millis)).In(Zone).Format("2006-01-02 15:04 (UTC-07)")
}

// sentences are what is said of a purpose.
type sentences struct {
	title, earmark, permit, plain, same, other string
	once, total, time, ends, returns, hops     string
	contracts, noContracts, counts, notCounts  string
	notice, days                               string
}

// purposeSentences are the sentences by which a purpose's rules are said in each language, with the places that are
// filled the same in all three.
var purposeSentences = map[Language]sentences{
	English: {
		title: "Tenge marked “%s”", earmark: "It is marked out of plain tenge when: %s.",
		permit: "It may be paid when: %s. Then %s.",
		plain:  "it becomes plain tenge", same: "it keeps its mark", other: "it becomes money for purpose %s",
		once: "At most %s at once.", total: "At most %s carry the mark at a time.",
		time: "It may be spent from %s until %s.", ends: "It may be spent until %s.",
		returns:     "What is not spent then returns to %s as plain tenge.",
		hops:        "Payments that keep the mark: %d at most.",
		contracts:   "Contracts of %d named definitions may hold it.",
		noContracts: "No contract may hold it.",
		counts:      "It counts to its holders' limits.", notCounts: "It does not count to its holders' limits.",
		notice: "Its agency may amend it for new money, announced %s before; money that is marked already keeps this " +
			"rule, and gains what an amendment permits.", days: "%d days",
	},
	Kazakh: {
		title: "«%s» белгісі бар теңге", earmark: "Жай теңге мына шартпен белгіленеді: %s.",
		permit: "Мына шартпен төленеді: %s. Сонда %s.",
		plain:  "жай теңгеге айналады", same: "белгісін сақтайды", other: "«%s» мақсатының ақшасына айналады",
		once: "Бір төлемге ең көбі %s.", total: "Белгімен бір мезгілде ең көбі %s жүреді.",
		time: "Жұмсау мерзімі: %s бастап %s дейін.", ends: "Жұмсау мерзімі: %s дейін.",
		returns:     "Жұмсалмағаны жай теңге болып %s әмиянына қайтады.",
		hops:        "Белгісін сақтайтын төлемдер саны: ең көбі %d.",
		contracts:   "Оны аталған %d анықтаманың келісімшарттары ғана ұстай алады.",
		noContracts: "Оны ешбір келісімшарт ұстай алмайды.",
		counts:      "Иесінің шектеріне кіреді.", notCounts: "Иесінің шектеріне кірмейді.",
		notice: "Агенттік оны жаңа ақша үшін өзгерте алады, ол туралы %s бұрын хабарлайды; бұрын белгіленген ақша " +
			"осы ережемен қалады және өзгеріс рұқсат еткенді қосымша алады.", days: "%d күн",
	},
	Russian: {
		title: "Тенге с меткой «%s»", earmark: "Обычные тенге метятся при условии: %s.",
		permit: "Платить можно при условии: %s. Тогда %s.",
		plain:  "они становятся обычными тенге", same: "метка сохраняется", other: "они становятся деньгами цели %s",
		once: "Не больше %s за раз.", total: "Метку одновременно несут не больше %s.",
		time: "Тратить можно с %s до %s.", ends: "Тратить можно до %s.",
		returns:     "Неистраченное возвращается на %s обычными тенге.",
		hops:        "Число передач с сохранением метки: не больше %d.",
		contracts:   "Держать их могут договоры %d названных определений.",
		noContracts: "Никакой договор не может их держать.",
		counts:      "Они входят в лимиты держателей.", notCounts: "Они не входят в лимиты держателей.",
		notice: "Агентство может изменить цель для новых денег, объявив об этом за %s; деньги, помеченные раньше, " +
			"сохраняют это правило и получают то, что изменение разрешает.", days: "%d дн.",
	},
}

// Explain says a purpose in plain words, a sentence a line. returns is what to call the wallet that unspent money
// returns to; others, if not nil, what to call the purpose that money becomes by each permit, instead of its number.
func (r *Rule) Explain(language Language, returns string, others []string) []string {
	s, p := purposeSentences[language], &r.Purpose
	lines := []string{fmt.Sprintf(s.title, p.Name), fmt.Sprintf(s.earmark, r.earmark.say(language))}
	for i, permit := range p.Permits {
		name := strconv.FormatUint(uint64(permit.Becomes), 10)
		if others != nil {
			name = others[i]
		}
		becomes := fmt.Sprintf(s.other, name)
		switch permit.Becomes {
		case 0:
			becomes = s.plain
		case token.BecomesSame:
			becomes = s.same
		}
		lines = append(lines, fmt.Sprintf(s.permit, r.permits[i].say(language), becomes))
	}
	if p.MaxPayment != 0 {
		lines = append(lines, fmt.Sprintf(s.once, p.MaxPayment.Format()))
	}
	if p.MaxTotal != 0 {
		lines = append(lines, fmt.Sprintf(s.total, p.MaxTotal.Format()))
	}
	when := fmt.Sprintf(s.ends, date(p.UntilMillis))
	if p.FromMillis != 0 {
		when = fmt.Sprintf(s.time, date(p.FromMillis), date(p.UntilMillis))
	}
	lines = append(lines, when, fmt.Sprintf(s.returns, returns))
	// A sentence for every field that could refuse a payment, for people decide by these sentences alone.
	if p.Hops != 0 {
		lines = append(lines, fmt.Sprintf(s.hops, p.Hops))
	}
	if len(p.Contracts) > 0 {
		lines = append(lines, fmt.Sprintf(s.contracts, len(p.Contracts)))
	} else {
		lines = append(lines, s.noContracts)
	}
	if p.NoticeMillis != 0 {
		notice := time.Duration(p.NoticeMillis) * time.Millisecond
		period := notice.String()
		if p.NoticeMillis%86_400_000 == 0 {
			period = fmt.Sprintf(s.days, p.NoticeMillis/86_400_000)
		}
		lines = append(lines, fmt.Sprintf(s.notice, period))
	}
	if p.OwnLimits {
		return append(lines, s.notCounts)
	}
	return append(lines, s.counts)
}
