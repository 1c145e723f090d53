package wallet

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// Line is one thing that a transaction says, for whoever is to sign it.
type Line struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Describe says all that a transaction does, in words. Nobody is believed for a name but name, which knows those that
// the reader has given himself; texts of the transaction are quoted where they could pass for anything else. Every
// field of every kind is said: what is not shown to a signer is what somebody will hide from him.
func Describe(l words.Language, tx *token.Transaction, name func(token.WalletID) string) []Line {
	d := &description{l: l, name: name}
	d.add("kind", l.Text("kind."+tx.Body.Kind().String()))
	switch t := tx.Body.(type) {
	case *token.Transfer:
		d.payment(t.Parties, t.Payers)
		for _, o := range t.Outputs {
			d.output(t.Parties, t.Payers, o.Party, o.Amount, assetMarks(o.Asset))
		}
		d.spending(len(t.Inputs), t.Memo)
	case *token.EarmarkedTransfer:
		d.payment(t.Parties, 1)
		for _, o := range t.Outputs {
			d.output(t.Parties, 1, o.Party, o.Amount, d.marks(o))
		}
		if t.Document != nil {
			d.add("document", t.Document.String())
		}
		d.spending(len(t.Inputs), t.Memo)
	default:
		d.fields(tx.Body)
	}
	d.add("valid", Moment(tx.ValidUntil))
	d.add("id", tx.ID().String())
	return d.lines
}

// Moment is a time of the ledger in the network's zone, which it names.
func Moment(millis uint64) string {
	millis = min(millis, token.MaxValidUntil)
	return contract.Moment(int64(millis - millis%1000))
}

// description is being written: lines in the reader's language.
type description struct {
	l     words.Language
	name  func(token.WalletID) string
	lines []Line
}

// add adds a line under a label of the translations.
func (d *description) add(label, value string) {
	d.lines = append(d.lines, Line{d.l.Text("field." + label), value})
}

// wallet is a name that the reader vouches for, and always the id, which is what is signed.
func (d *description) wallet(id token.WalletID) string {
	if name := d.name(id); name != "" && name != id.String() {
		return name + " (" + id.String() + ")"
	}
	return id.String()
}

// payment says who pays: the first parties.
func (d *description) payment(parties []token.WalletID, payers int) {
	for _, id := range parties[:payers] {
		d.add("pays", d.wallet(id))
	}
}

// output is what one party gets, or has back.
func (d *description) output(parties []token.WalletID, payers, party int, amount money.Tiyn, marks string) {
	label := "gets"
	if party < payers {
		label = "back"
	}
	d.add(label, d.wallet(parties[party])+": "+amount.Format()+marks)
}

// marks says of an output from which purpose its money is, and what it becomes.
func (d *description) marks(o token.EarmarkedOutput) (text string) {
	if o.From != 0 {
		text += ", " + d.l.Text("field.of-purpose", "number", o.From)
	}
	switch {
	case o.Becomes == o.From:
	case o.Becomes == 0:
		text += ", " + d.l.Text("field.becomes-plain")
	default:
		text += ", " + d.l.Text("field.becomes-purpose", "number", o.Becomes)
	}
	return text
}

// assetMarks says of other money than plain tenge what it is, raw: a transfer's outputs are plain as a rule.
func assetMarks(a token.Asset) string {
	if a == token.PlainTenge {
		return ""
	}
	return fmt.Sprintf(", %+v", a)
}

// spending says how many tokens a payment uses, and its remark.
func (d *description) spending(inputs int, memo token.Memo) {
	d.add("inputs", d.l.Count("field.tokens", inputs))
	switch memo.Scheme {
	case token.PlainMemo:
		d.add("memo", quoted(memo.Text()))
	case token.EncryptedMemo:
		d.add("memo", d.l.Text("field.memo-encrypted"))
	case token.HashedMemo:
		d.add("memo", d.l.Text("field.memo-hashed"))
	}
}

// quoted makes a text of somebody else's unable to look like anything but a text: what does not print is escaped.
func quoted(text string) string { return strconv.QuoteToGraphic(text) }

// fields says every field of a body by its name in the readable form.
func (d *description) fields(body token.Body) {
	v := reflect.ValueOf(body).Elem()
	for i := range v.NumField() {
		label, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if label == "change" && body.Kind() == token.KindPropose {
			label = "proposed"
		}
		field := v.Field(i)
		if optional := strings.Contains(v.Type().Field(i).Tag.Get("json"), "omit"); optional && field.IsZero() {
			continue
		}
		d.add(label, d.value(field.Interface()))
	}
}

// value says a field's value; what has no words of its own is in the readable form that drafts have.
func (d *description) value(value any) string {
	switch value := value.(type) {
	case token.WalletID:
		return d.wallet(value)
	case []token.WalletID:
		return each(value, d.wallet)
	case money.Tiyn:
		return value.Format()
	case []money.Tiyn:
		return each(value, money.Tiyn.Format)
	case []token.ID:
		return d.l.Count("field.tokens", len(value))
	case token.KeySet:
		return d.l.Text("field.keys-of", "threshold", value.Threshold) + ": " + each(value.Keys, token.PublicKey.String)
	case []token.Validator:
		return each(value, func(v token.Validator) string {
			return quoted(v.Name) + " (" + d.l.Text("field.validator-keys", "vote", v.Vote, "checkpoint", v.Checkpoint,
				"peer", v.Peer) + ")"
		})
	case bool:
		if value {
			return d.l.Text("field.yes")
		}
		return d.l.Text("field.no")
	case string:
		return quoted(value)
	case fmt.Stringer:
		return value.String()
	}
	// What a signer sees is everything that he signs: a field of a kind that has no words is shown raw rather than
	// left out.
	form, err := json.Marshal(value)
	if err != nil {
		return quoted(fmt.Sprintf("%+v", value))
	}
	return string(form)
}

// each says every one of a list; none is left out.
func each[T any](list []T, say func(T) string) string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = say(one)
	}
	return strings.Join(texts, ", ")
}
