package market

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cellUnit is what a number format shows beside a stored number: a per cent sign, or a currency. A cell of 0.145 that
// shows 14.50% is fourteen and a half per cent, as it is in the text that the same sheet is saved as.
type cellUnit struct {
	sign    string // "%", or a currency's code; "" for none
	hundred bool   // a hundred times what is stored is shown
}

// builtInUnit is the unit of the formats that have a number and no code (ECMA-376 part 1, section 18.8.30): 9 and 10
// are per cent. Those of currency, 5 to 8, 42 and 44, show the sign of who opens the book, so that they name none.
func builtInUnit(id string) cellUnit {
	if id == "9" || id == "10" {
		return cellUnit{"%", true}
	}
	return cellUnit{}
}

// unitOfFormat is the unit of a format's code, by its first section: a bare per cent sign multiplies by a hundred, one
// in quotes or behind a backslash is only written, and a currency stands among what is written, bare, quoted, escaped
// or in brackets with its country ([$₸-43F]). A word that is no currency's is none.
func unitOfFormat(code string) cellUnit {
	var unit cellUnit
	bare, literal := 0, ""
	take := func() {
		word := strings.ToLower(trim(literal))
		if literal = ""; word == "%" {
			unit.sign = "%"
		} else if known := currencies[word]; known != "" && unit.sign == "" {
			unit.sign = known
		}
	}
	for code != "" && code[0] != ';' {
		c, rest := code[0], code[1:]
		switch {
		case c == '"':
			text, after, _ := strings.Cut(rest, `"`)
			literal, rest = literal+text, after
		case c == '\\' && rest != "":
			size := runeBytes(rest)
			literal, rest = literal+rest[:size], rest[size:]
		case (c == '_' || c == '*') && rest != "": // a blank as wide as the next sign, or that sign repeated
			rest = rest[runeBytes(rest):]
		case c == '[':
			text, after, _ := strings.Cut(rest, "]")
			if symbol, is := strings.CutPrefix(text, "$"); is {
				symbol, _, _ = strings.Cut(symbol, "-")
				literal += symbol
			}
			rest = after
		case c == '%':
			bare++
		case strings.IndexByte("0#?.,/", c) >= 0:
			take()
		default:
			literal += code[:1]
		}
		code = rest
	}
	take()
	if bare == 1 {
		return cellUnit{"%", true}
	}
	if bare > 1 {
		return cellUnit{}
	}
	return unit
}

// runeBytes is how many bytes the first character of a text takes.
func runeBytes(text string) int {
	_, size := utf8.DecodeRuneInString(text)
	return size
}

// shown is a stored number with its unit, as text would have it; the number as it is where it is none.
func (u cellUnit) shown(number string) string {
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || u.sign == "" {
		return number
	}
	if !u.hundred {
		return strconv.FormatFloat(v, 'f', -1, 64) + " " + u.sign
	}
	// The point is moved in the text: a hundred times 0.145 in binary is not 14.5.
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	fraction += "00"
	sign := ""
	if after, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", after
	}
	if whole = strings.TrimLeft(whole+fraction[:2], "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction[2:], "0"); fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction + "%"
}
