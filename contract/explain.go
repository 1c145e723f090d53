package contract

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clauses are how a language says what a definition's parts are. Names and formulas stand as they were written.
type clauses struct {
	between, terms, anyone, or, creates, may   string
	from, until, when                          string
	document, hash, any, brings                string
	paid, rest, part, earmarked, becomes, ends string
	endsAt, allTo, shares, share, byItself     string
	extends, does, as                          string
}

// definitionClauses are the pieces of sentences by which a definition is said in each language; the places (%s, %d)
// are filled in the order of the English ones, except where a piece numbers them.
var definitionClauses = map[Language]clauses{
	English: {
		between: "%s: between %s", terms: "Terms, fixed when it is created: %s.", anyone: "anyone", or: " or ",
		creates: "%s creates it", may: "%s may %s",
		from: ", from %s", until: ", before %s", when: ", when %s", document: ", with a document",
		hash: ", with the document whose hash is %s",
		any:  ", bringing any amount of %s", brings: ", bringing %s of %s", paid: "%s is paid %s",
		rest: "the rest of %s", part: "%s of %s",
		earmarked: " (marked as %s)", becomes: "%s becomes %s", ends: "the contract ends",
		endsAt: "The end, at %s: ", allTo: "all that is left goes to %s", shares: "what is left is shared, %s",
		share: "%d to %s", byItself: ". Nobody needs to do anything for that.",
		extends: "the contract then ends at %s", does: "first %s is done by itself if it is possible then; ",
		as: "as %s says to %s",
	},
	Kazakh: {
		between: "%s: тараптары — %s", terms: "Құрылғанда бекітілетін шарттары: %s.", anyone: "кез келген адам",
		or: " немесе ", creates: "%s оны құрады", may: "%s мына әрекетті жасай алады: %s",
		from: "; басталуы: %s", until: "; мына сәтке дейін: %s", when: "; шарты: %s", document: "; құжат тіркеледі",
		hash: "; тіркелетін құжаттың хеші: %s",
		any:  "; кез келген сома салынады: %s", brings: "; салынатын сома: %s, активі: %s", paid: "%s алады: %s",
		rest: "%s активінің қалғаны", part: "%s, активі: %s",
		earmarked: " (белгісі: %s)", becomes: "%s енді мынаған тең: %s", ends: "келісімшарт аяқталады",
		endsAt: "Соңы, мына сәтте: %s; ", allTo: "қалғанының бәрін алады: %s", shares: "қалғаны бөлінеді: %s",
		share: "%d үлес — %s", byItself: ". Ол үшін ешкімнің әрекеті қажет емес.",
		extends: "келісімшарттың жаңа соңы: %s",
		does:    "алдымен, сол сәтте мүмкін болса, мына әрекет өздігінен орындалады: %s; ",
		as:      "%s айнымалысына сай — %s",
	},
	Russian: {
		between: "%s: стороны — %s", terms: "Условия, которые задаются при создании: %s.", anyone: "любой", or: " или ",
		creates: "%s создаёт договор", may: "%s может выполнить %s",
		from: ", начиная с %s", until: ", до %s", when: ", при условии: %s", document: ", приложив документ",
		hash: ", приложив документ с хешем %s",
		any:  ", внося любую сумму в %s", brings: ", внося %s в %s", paid: "%s получает %s", rest: "остаток %s",
		part:      "%s из %s",
		earmarked: " (с меткой %s)", becomes: "%s становится равно %s", ends: "договор завершается",
		endsAt: "Конец, в момент %s: ", allTo: "всё, что осталось, получает %s", shares: "остаток делится: %s",
		share: "долей %d — %s", byItself: ". Для этого никому ничего не нужно делать.",
		extends: "после этого договор завершается в момент %s",
		does:    "сначала само собой выполняется действие, если оно тогда возможно: %s; ", as: "по значению %s — %s",
	},
}

// Explain says a definition in plain English, a sentence a line: who may do what and when, and where
// the money goes.
func (p *Program) Explain() []string { return p.ExplainIn(English) }

// ExplainIn is Explain in a language.
func (p *Program) ExplainIn(language Language) []string {
	d, c := p.Definition, definitionClauses[language]
	lines := []string{fmt.Sprintf(c.between, d.Name, strings.Join(d.Parties, ", "))}
	if d.About != "" {
		lines = append(lines, d.about(language))
	}
	if len(d.Terms) > 0 {
		var terms []string
		for _, f := range d.Terms {
			terms = append(terms, f.Name+" ("+f.Type.String()+")")
		}
		lines = append(lines, fmt.Sprintf(c.terms, strings.Join(terms, ", ")))
	}
	lines = append(lines, p.sayAction(language, &d.Create, &p.create))
	for i := range d.Actions {
		lines = append(lines, p.sayAction(language, &d.Actions[i], &p.actions[i]))
	}
	// The end belongs to it: what becomes of the money if nobody does anything is what a party has to know before it
	// pays in.
	end := fmt.Sprintf(c.endsAt, said(d.End.At))
	if len(d.End.Do) > 0 {
		end += fmt.Sprintf(c.does, strings.Join(d.End.Do, c.or))
	}
	if len(d.End.Pay) == 1 {
		return append(lines, end+fmt.Sprintf(c.allTo, d.End.Pay[0].To)+c.byItself)
	}
	var shares []string
	for _, s := range d.End.Pay {
		if s.Of != "" {
			shares = append(shares, fmt.Sprintf(c.as, said("state."+s.Of), s.To))
			continue
		}
		shares = append(shares, fmt.Sprintf(c.share, s.Share, s.To))
	}
	return append(lines, end+fmt.Sprintf(c.shares, strings.Join(shares, ", "))+c.byItself)
}

func said(expression string) string { return "`" + expression + "`" }

// sayAction says an action in a sentence. Every condition that could refuse a caller belongs in it, or the sentence
// promises more than the ledger does: what has no words of its own is quoted as it is written.
func (p *Program) sayAction(language Language, a *Action, compiled *action) string {
	c := definitionClauses[language]
	who := c.anyone
	if len(a.By) > 0 {
		who = strings.Join(a.By, c.or)
	}
	// By the rune: Kazakh and Russian begin with letters of two bytes.
	first, size := utf8.DecodeRuneInString(who)
	who = string(unicode.ToUpper(first)) + who[size:]
	var b strings.Builder
	if a.Name == "" {
		fmt.Fprintf(&b, c.creates, who)
	} else {
		fmt.Fprintf(&b, c.may, who, a.Name)
	}
	var args []string
	for _, f := range a.Args {
		args = append(args, f.Name+" "+f.Type.String())
	}
	if len(args) > 0 {
		fmt.Fprintf(&b, "(%s)", strings.Join(args, ", "))
	}
	if a.From != "" {
		fmt.Fprintf(&b, c.from, said(a.From))
	}
	if a.Until != "" {
		fmt.Fprintf(&b, c.until, said(a.Until))
	}
	if compiled.when != nil {
		fmt.Fprintf(&b, c.when, compiled.when.say(language))
	}
	switch a.Document {
	case "":
	case Any:
		b.WriteString(c.document)
	default:
		fmt.Fprintf(&b, c.hash, said(a.Document))
	}
	for _, t := range a.Takes {
		if t.Amount == Any {
			fmt.Fprintf(&b, c.any, t.Asset)
		} else {
			fmt.Fprintf(&b, c.brings, said(t.Amount), t.Asset)
		}
	}
	return b.String() + c.outcome(a) + "."
}

// outcome says what an action pays and sets, in the order in which they happen: payments see the variables as they
// were before. An action that does neither, nor ends or extends the contract, has no outcome to say.
func (c *clauses) outcome(a *Action) string {
	var parts []string
	for _, pay := range a.Pay {
		amount := fmt.Sprintf(c.rest, pay.Asset)
		if pay.Amount != Rest {
			amount = fmt.Sprintf(c.part, said(pay.Amount), pay.Asset)
		}
		if pay.As != "" {
			amount += fmt.Sprintf(c.earmarked, pay.As)
		}
		parts = append(parts, fmt.Sprintf(c.paid, pay.To, amount))
	}
	for _, s := range a.Set {
		parts = append(parts, fmt.Sprintf(c.becomes, s.Name, said(s.Value)))
	}
	if a.Ends {
		parts = append(parts, c.ends)
	}
	if a.Extends != "" {
		parts = append(parts, fmt.Sprintf(c.extends, said(a.Extends)))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}
