package contract

import "github.com/aqsha/aqsha/token"

// format is the first item of every encoded definition.
const format = 1

// Encode returns the definition's deterministic CBOR, the form in which the ledger keeps it. It is the array [format,
// name, about, parties, assets, terms, state, create, actions, end]; its SHA-256 is the definition's id (ID).
func (d *Definition) Encode() []byte {
	b := token.AppendArray(nil, 10)
	b = token.AppendUint(b, format)
	b = token.AppendText(b, d.Name)
	b = token.AppendText(b, d.About)
	b = appendNames(b, d.Parties)
	b = appendNames(b, d.Assets)
	b = appendFields(b, d.Terms)
	b = token.AppendArray(b, len(d.State))
	for _, v := range d.State {
		b = token.AppendArray(b, 2)
		b = token.AppendText(b, v.Name)
		b = token.AppendText(b, v.Start)
	}
	b = appendAction(b, &d.Create)
	b = token.AppendArray(b, len(d.Actions))
	for i := range d.Actions {
		b = appendAction(b, &d.Actions[i])
	}
	return appendEnd(b, &d.End)
}

// appendEnd writes what came with rules version 3 only where it is said: a definition of before has the bytes, and the
// id, that it always had.
func appendEnd(b []byte, e *End) []byte {
	items := 2
	if len(e.Do) > 0 {
		items = 3
	}
	b = token.AppendText(token.AppendArray(b, items), e.At)
	b = token.AppendArray(b, len(e.Pay))
	for _, s := range e.Pay {
		if s.Of != "" {
			b = token.AppendText(token.AppendUint(token.AppendText(token.AppendArray(b, 3), s.To), 0), s.Of)
			continue
		}
		b = token.AppendUint(token.AppendText(token.AppendArray(b, 2), s.To), s.Share)
	}
	if items == 3 {
		b = appendNames(b, e.Do)
	}
	return b
}

// readEnd reads an end in its one form: what is left out is not written as empty. A definition's name is the hash of
// its bytes, so two ways of writing the same end would be two definitions. A share of three items says that a variable
// holds it, and then has no number.
func readEnd(d *token.Decoder) (e End) {
	items := d.Array("end", 2, 3)
	e.At = text(d, "end.at")
	for range d.Array("end.pay", 0, MaxParties) {
		if d.Err() != nil {
			break
		}
		of := d.Array("end.pay", 2, 3) == 3
		s := Share{To: text(d, "end.pay"), Share: d.Uint("end.pay", maxShare)}
		if of {
			if s.Of = text(d, "end.pay"); d.Err() == nil && (s.Of == "" || s.Share != 0) {
				d.Fail(refuse(token.NotCanonical, "end.pay", "a share is a number, or what a variable says"))
			}
		}
		e.Pay = append(e.Pay, s)
	}
	if items == 3 {
		if e.Do = names(d, "end.do", MaxEndActions); d.Err() == nil && len(e.Do) == 0 {
			d.Fail(refuse(token.NotCanonical, "end.do", "no action is written by leaving it out"))
		}
	}
	return e
}

// appendNames encodes a list of names.
func appendNames(b []byte, names []string) []byte {
	b = token.AppendArray(b, len(names))
	for _, n := range names {
		b = token.AppendText(b, n)
	}
	return b
}

// appendFields encodes names with their types.
func appendFields(b []byte, fields []Field) []byte {
	b = token.AppendArray(b, len(fields))
	for _, f := range fields {
		b = token.AppendArray(b, 2)
		b = token.AppendText(b, f.Name)
		b = token.AppendUint(b, uint64(f.Type))
	}
	return b
}

// appendAction writes an action in the one form that is hashed. A field of a later version (extends) is written only
// where it is used, so that definitions of before keep their ids.
func appendAction(b []byte, a *Action) []byte {
	// The id of a definition is the hash of these bytes: one more empty field would give every registered definition
	// another id.
	items := 11
	if a.Extends != "" {
		items = 12
	}
	b = token.AppendArray(b, items)
	b = token.AppendText(b, a.Name)
	b = appendNames(b, a.By)
	b = appendFields(b, a.Args)
	b = token.AppendText(b, a.From)
	b = token.AppendText(b, a.Until)
	b = token.AppendText(b, a.When)
	b = token.AppendText(b, a.Document)
	b = token.AppendArray(b, len(a.Takes))
	for _, t := range a.Takes {
		b = token.AppendArray(b, 2)
		b = token.AppendText(b, t.Asset)
		b = token.AppendText(b, t.Amount)
	}
	b = token.AppendArray(b, len(a.Pay))
	for _, p := range a.Pay {
		b = token.AppendArray(b, 4)
		b = token.AppendText(b, p.To)
		b = token.AppendText(b, p.Asset)
		b = token.AppendText(b, p.Amount)
		b = token.AppendText(b, p.As)
	}
	b = token.AppendArray(b, len(a.Set))
	for _, s := range a.Set {
		b = token.AppendArray(b, 2)
		b = token.AppendText(b, s.Name)
		b = token.AppendText(b, s.Value)
	}
	b = token.AppendBool(b, a.Ends)
	if items == 12 {
		b = token.AppendText(b, a.Extends)
	}
	return b
}

// Decode reads a definition's encoding. It is of the right form then; Compile says whether it is a contract. Every list
// is bounded before it is made, and there is one encoding of each definition.
func Decode(data []byte) (*Definition, *token.Error) {
	if len(data) > MaxDefinition {
		return nil, refuse(token.TooLarge, "definition", "%d bytes, at most %d", len(data), MaxDefinition)
	}
	d := token.NewDecoder(data)
	d.Array("definition", 10, 10)
	if d.Uint("format", 255) != format && d.Err() == nil {
		return nil, refuse(token.UnknownKind, "definition.format", "this program knows format %d", format)
	}
	f := &Definition{Name: text(d, "name"), About: d.Text("about", 0, MaxAbout)}
	f.Parties = names(d, "parties", MaxParties)
	f.Assets = names(d, "assets", MaxAssets)
	f.Terms = fields(d, "terms", MaxTerms)
	f.State = list(d, "state", MaxState, 2, func() Var { return Var{text(d, "state"), text(d, "state")} })
	f.Create = readAction(d, "create")
	n := d.Array("actions", 0, MaxActions)
	for range n {
		if d.Err() != nil {
			break
		}
		f.Actions = append(f.Actions, readAction(d, "actions"))
	}
	f.End = readEnd(d)
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return f, nil
}

// text reads a name or an expression.
func text(d *token.Decoder, field string) string { return d.Text(field, 0, 4*MaxExpression) }

// list reads a list of arrays of so many items, and ends at the first that is wrong.
func list[T any](d *token.Decoder, field string, most, items int, read func() T) []T {
	n := d.Array(field, 0, most)
	var all []T
	for range n {
		d.Array(field, items, items)
		item := read()
		if d.Err() != nil {
			return nil
		}
		all = append(all, item)
	}
	return all
}

// names reads a list of names.
func names(d *token.Decoder, field string, most int) []string {
	n := d.Array(field, 0, most)
	var all []string
	for range n {
		name := text(d, field)
		if d.Err() != nil {
			return nil
		}
		all = append(all, name)
	}
	return all
}

func fields(d *token.Decoder, field string, most int) []Field {
	return list(d, field, most, 2, func() Field { return Field{text(d, field), token.ValueType(d.Uint(field, 255))} })
}

// readAction reads an action in its one form; the twelfth item is there only where the action extends the contract.
// The order of the reads is that of the encoding: Go evaluates the calls of one assignment from left to right.
func readAction(d *token.Decoder, where string) Action {
	items := d.Array(where, 11, 12)
	a := Action{Name: text(d, where+".name")}
	a.By = names(d, where+".by", MaxParties)
	a.Args = fields(d, where+".args", MaxArgs)
	a.From, a.Until, a.When, a.Document = text(d, where+".from"), text(d, where+".until"), text(d, where+".when"),
		text(d, where+".document")
	a.Takes = list(d, where+".takes", MaxAssets, 2, func() Take {
		return Take{text(d, where+".takes"), text(d, where+".takes")}
	})
	a.Pay = list(d, where+".pay", MaxPayouts, 4, func() Payout {
		return Payout{text(d, where+".pay"), text(d, where+".pay"), text(d, where+".pay"), text(d, where+".pay")}
	})
	a.Set = list(d, where+".set", MaxState, 2, func() Assign {
		return Assign{text(d, where+".set"), text(d, where+".set")}
	})
	a.Ends = d.Bool(where + ".ends")
	if items == 12 {
		if a.Extends = text(d, where+".extends"); d.Err() == nil && a.Extends == "" {
			d.Fail(refuse(token.NotCanonical, where+".extends", "no time is written by leaving it out"))
		}
	}
	return a
}
