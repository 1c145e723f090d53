package contract

import (
	"fmt"
	"strings"
)

// Explain says a definition in plain English, a sentence a line: who may do what and when, and where
// the money goes.
func (p *Program) Explain() []string {
	d := p.Definition
	lines := []string{d.Name + ": between " + strings.Join(d.Parties, ", ")}
	if d.About != "" {
		lines = append(lines, d.About)
	}
	if len(d.Terms) > 0 {
		var terms []string
		for _, f := range d.Terms {
			terms = append(terms, f.Name+" ("+f.Type.String()+")")
		}
		lines = append(lines, "Terms, fixed when it is created: "+strings.Join(terms, ", ")+".")
	}
	lines = append(lines, p.sayAction(&d.Create, &p.create))
	for i := range d.Actions {
		lines = append(lines, p.sayAction(&d.Actions[i], &p.actions[i]))
	}
	var shares []string
	for _, s := range d.End.Pay {
		if len(d.End.Pay) == 1 {
			shares = append(shares, s.To)
		} else {
			shares = append(shares, fmt.Sprintf("%d to %s", s.Share, s.To))
		}
	}
	to := "all that is left goes to "
	if len(shares) > 1 {
		to = "what is left is shared, "
	}
	return append(lines, fmt.Sprintf("The end, at %s: %s%s. Nobody needs to do anything for that.", said(d.End.At), to, strings.Join(shares, ", ")))
}

func said(expression string) string { return "`" + expression + "`" }

func (p *Program) sayAction(a *Action, compiled *action) string {
	who := "Anyone"
	if len(a.By) > 0 {
		who = strings.Join(a.By, " or ")
		who = strings.ToUpper(who[:1]) + who[1:]
	}
	var b strings.Builder
	if a.Name == "" {
		fmt.Fprintf(&b, "%s creates it", who)
	} else {
		fmt.Fprintf(&b, "%s may %s", who, a.Name)
	}
	var args []string
	for _, f := range a.Args {
		args = append(args, f.Name+" "+f.Type.String())
	}
	if len(args) > 0 {
		fmt.Fprintf(&b, "(%s)", strings.Join(args, ", "))
	}
	if a.From != "" {
		fmt.Fprintf(&b, ", from %s", said(a.From))
	}
	if a.Until != "" {
		fmt.Fprintf(&b, ", until %s", said(a.Until))
	}
	if compiled.when != nil {
		fmt.Fprintf(&b, ", when %s", compiled.when.say(English))
	}
	switch a.Document {
	case "":
	case Any:
		b.WriteString(", with a document")
	default:
		fmt.Fprintf(&b, ", with the document whose hash is %s", said(a.Document))
	}
	for _, t := range a.Takes {
		if t.Amount == Any {
			fmt.Fprintf(&b, ", bringing any amount of %s", t.Asset)
		} else {
			fmt.Fprintf(&b, ", bringing %s of %s", said(t.Amount), t.Asset)
		}
	}
	b.WriteString(p.sayOutcome(a))
	return b.String() + "."
}

func (p *Program) sayOutcome(a *Action) string {
	var parts []string
	for _, pay := range a.Pay {
		amount := "the rest of " + pay.Asset
		if pay.Amount != Rest {
			amount = said(pay.Amount) + " of " + pay.Asset
		}
		if pay.As != "" {
			amount += " (marked as " + pay.As + ")"
		}
		parts = append(parts, pay.To+" is paid "+amount)
	}
	for _, s := range a.Set {
		parts = append(parts, s.Name+" becomes "+said(s.Value))
	}
	if a.Ends {
		parts = append(parts, "the contract ends")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}
