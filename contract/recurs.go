package contract

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/aqsha/aqsha/token"
)

// Recurs says whether a term or an argument is one by which something is due again and again: an expression hands it to
// next_due. Only there does "each 31st" mean a day of the calendar: its number anywhere else is a very small one.
func (d *Definition) Recurs(name string) bool {
	named := regexp.MustCompile(`\b(terms|args)\.` + regexp.QuoteMeta(name) + `\b`)
	for _, text := range textsOf(reflect.ValueOf(d).Elem()) {
		for _, period := range periodsOf(text) {
			if named.MatchString(period) {
				return true
			}
		}
	}
	return false
}

// periodsOf lists the second argument of each call of next_due, with the comma before it and what may follow it. It
// looks for brackets in the text and does not parse: a name too many only asks for a clearer way of writing a number.
func periodsOf(text string) (all []string) {
	for {
		_, rest, ok := strings.Cut(text, "next_due(")
		if !ok {
			return all
		}
		comma, end, deep := -1, len(rest), 1
		for i, letter := range rest {
			switch {
			case letter == '(' || letter == '[':
				deep++
			case letter == ')' || letter == ']':
				deep--
			case letter == ',' && deep == 1 && comma < 0:
				comma = i
			}
			if deep == 0 {
				end = i
				break
			}
		}
		if comma >= 0 {
			all = append(all, rest[comma:end])
		}
		text = rest
	}
}

// textsOf lists the texts of a value, however deep.
func textsOf(v reflect.Value) (all []string) {
	switch v.Kind() {
	case reflect.String:
		return []string{v.String()}
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, textsOf(v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, textsOf(v.Index(i))...)
		}
	}
	return all
}

// ParseField reads a term or an argument of a definition as ParseValue does. A day of the calendar is refused where
// nothing recurs by it, and a span that would be taken for a day where something does.
func (d *Definition) ParseField(f Field, text string, now int64) (token.Value, error) {
	calendar := strings.HasPrefix(strings.ToLower(text), "each ")
	v, err := ParseValue(f.Type, text, now)
	if err != nil || f.Type != token.IntValue {
		return v, err
	}
	switch recurs := d.Recurs(f.Name); {
	case calendar && !recurs:
		return v, fmt.Errorf("%q is a day of the calendar, and nothing is due again and again by %s: write a number, "+
			"a date, or a span such as 30d", text, f.Name)
	case recurs && !calendar && v.Int >= -7 && v.Int <= 31 && v.Int != 0:
		return v, fmt.Errorf("%q would be a day of the calendar: write it so, as in \"each 1st\" or \"each monday\", "+
			"or a span such as 30d", text)
	}
	return v, nil
}
