package market

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// style is how a column writes its numbers.
type style struct {
	decimal  byte   // '.' or ','; 0: whole numbers only
	group    byte   // ' ' for every kind of blank, '\'', ',', '.'; 0: none
	percent  bool   // each filled cell has a per cent sign
	currency string // each filled cell has this sign
	suffix   bool   // K, M, B behind volumes
	why      string
}

// String is for decisions.
func (s style) String() string {
	if s.decimal == 0 && s.group == 0 {
		return "whole numbers"
	}
	text := "plain"
	if s.decimal != 0 {
		text = "decimal " + strconv.Quote(string(s.decimal))
	}
	if s.group != 0 {
		text += ", groups by " + strconv.Quote(string(s.group))
	}
	return text
}

// missing are the cells that say "no value".
func missing(cell string) bool {
	if cell == "" {
		return true
	}
	if len(cell) > 24 || cell[0] >= '0' && cell[0] <= '9' {
		return false
	}
	switch cell {
	case "-", "–", "—", "--", "---", ".", "..", "...", "…", "*", "?", ":":
		return true
	}
	switch strings.ToLower(cell) {
	case "na", "nan", "null", "none", "n/a", "#n/a", "nil", "н/д", "<na>", "n.a.", "n/d", "nd", "nat", "#n/a n/a",
		"no data", "нет данных", "жоқ", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!", "#дел/0!", "#н/д",
		"#знач!", "#ссылка!", "#имя?", "#число!", "-nan", "+nan":
		return true
	}
	return false
}

// tensExact are the powers of ten that a float64 holds exactly.
var tensExact = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
	1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// plain parses what every program reads alike: digits, one point, an exponent.
// Words that strconv takes for numbers ("inf", "0x1p4") are none here.
func plain(cell string) (float64, bool) {
	v, _, ok := plainPoint(cell)
	return v, ok
}

// plainPoint is plain, and says whether there was a point. Up to 2^53 and 22
// decimals one division is correctly rounded (Clinger 1990), which is most
// cells of most files; strconv has the rest.
func plainPoint(cell string) (v float64, point, ok bool) {
	mantissa, at, digits, i := uint64(0), -1, 0, 0
	if cell != "" && cell[0] == '-' {
		i = 1
	}
	for ; i < len(cell); i++ {
		if d := cell[i] - '0'; d <= 9 {
			mantissa = mantissa*10 + uint64(d)
			digits++
		} else if cell[i] == '.' && at < 0 {
			at = i
		} else {
			return slowPlain(cell)
		}
	}
	if digits == 0 || digits > 18 || mantissa >= 1<<53 {
		return slowPlain(cell)
	}
	v = float64(mantissa)
	if at >= 0 {
		v /= tensExact[len(cell)-1-at]
	}
	if cell[0] == '-' {
		v = -v
	}
	return v, at >= 0, true
}

// eightAt is the text's next eight bytes, the first in the lowest.
func eightAt(text string, at int) uint64 {
	t := text[at : at+8]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 |
		uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// digitsOf are the first n of eight characters as a number; ok says whether
// they are digits. Pairs, then fours, then eight are joined in one word.
func digitsOf(word uint64, n int) (v uint64, ok bool) {
	word = (word - 0x3030303030303030) << (64 - 8*n) // n characters, behind leading zeros
	if (word|(word+0x7676767676767676))&0x8080808080808080 != 0 {
		return 0, false
	}
	word = word*10 + word>>8
	return ((word&0x000000ff000000ff)*0x000f424000000064 + (word>>16&0x000000ff000000ff)*0x0000271000000001) >> 32, true
}

// shortDecimal parses one to seven digits, a point and one to eight digits:
// the price of most files. The sum of both is exact, and so is its rounding.
func shortDecimal(text string, s span) (float64, bool) {
	from, n := int(s.from), int(s.bytes)
	if s.extra || n < 3 || n > 16 || from+24 > len(text) {
		return 0, false
	}
	word := eightAt(text, from)
	x := word ^ 0x2e2e2e2e2e2e2e2e
	point := bits.TrailingZeros64((x-0x0101010101010101)&^x&0x8080808080808080) / 8
	decimals := n - 1 - point
	if point < 1 || point > 7 || decimals < 1 || decimals > 8 { // 8: no point among the first eight
		return 0, false
	}
	whole, okWhole := digitsOf(word, point)
	part, okPart := digitsOf(eightAt(text, from+point+1), decimals)
	mantissa := whole*tens64[decimals] + part
	if !okWhole || !okPart || mantissa >= 1<<53 {
		return 0, false
	}
	return float64(mantissa) / tensExact[decimals], true
}

// tens64 are powers of ten as whole numbers.
var tens64 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// slowPlain is plainPoint for every cell: it checks the signs and leaves the value to strconv.
func slowPlain(cell string) (v float64, point, ok bool) {
	digits := 0
	for i := range len(cell) {
		switch c := cell[i]; {
		case c >= '0' && c <= '9':
			// 18 digits fit 64 bits; what has more goes to strconv below.
			digits++
		case c == '.' && !point:
			point = true
		case (c == '-' || c == '+') && (i == 0 || cell[i-1] == 'e' || cell[i-1] == 'E'):
		case (c == 'e' || c == 'E') && i > 0:
		default:
			return 0, point, false
		}
	}
	if digits == 0 {
		return 0, point, false
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, point, err == nil
}

// plainColumn is a column whose cells all are plain or missing.
type plainColumn struct {
	values  []float64
	points  bool // some cell has one
	certain bool // of some cell the point can only be of decimals (see evidence)
}

// blockRows are parsed column by column before the next are: their text is in
// the processor's cache then, while a column of a whole file is not.
const blockRows = 1024

// plainColumns parses the columns that need no look at their style, all but
// that of the times. What is not among them has cells of another kind.
func (g *grid) plainColumns(except int) map[int]*plainColumn {
	found := map[int]*plainColumn{}
	if g.rows() == 0 {
		return found
	}
	for column := range g.headers {
		if first := g.cell(0, column); column != except && (missing(first) || isPlain(first)) {
			found[column] = &plainColumn{values: make([]float64, g.rows())}
		}
	}
	for from := 0; from < g.rows(); from += blockRows {
		for column := range g.headers {
			if c := found[column]; c != nil && !g.plainBlock(c, column, from, min(g.rows(), from+blockRows)) {
				delete(found, column)
			}
		}
	}
	return found
}

// isPlain says whether plain reads the cell.
func isPlain(cell string) bool {
	_, ok := plain(cell)
	return ok
}

// plainBlock parses some rows of a column; false where a cell is neither plain nor missing, and then the column is none
// of these.
func (g *grid) plainBlock(c *plainColumn, column, from, to int) bool {
	// Where each row has as many cells, a column's lie a step apart: nothing is looked up a cell.
	at, step, regular := g.columnSpans(column)
	at += from * step
	for i := from; i < to; i++ {
		var cell string
		if regular {
			s := g.spans[at]
			at += step
			if v, ok := shortDecimal(g.text, s); ok {
				c.values[i], c.points = v, true
				if !c.certain {
					e := evidenceOf(g.raw(at - step))
					c.certain = e.decimal == '.' && !e.either
				}
				continue
			}
			cell = trim(g.raw(at - step))
		} else {
			cell = g.cell(i, column)
		}
		v, point, ok := plainPoint(cell)
		if !ok {
			if !missing(cell) {
				return false
			}
			v = math.NaN()
		} else if point {
			c.points = true
			if !c.certain {
				e := evidenceOf(cell)
				c.certain = e.decimal == '.' && !e.either
			}
		}
		c.values[i] = v
	}
	return true
}

// numbers parses a column. Cells that all are plain need no second look,
// unless a point could be a sign of thousands.
func (g *grid) numbers(column int, f field, options ReadOptions) (values []float64, s style, err error) {
	c := g.plain[column]
	switch {
	case c == nil:
		return g.styledNumbers(column, f, options)
	case !c.points:
		return c.values, style{why: "digits only"}, nil
	case options.Decimal == "," || !c.certain && options.Decimal == "" &&
		(g.separator == ';' || g.decimalComma(column)):
		return g.styledNumbers(column, f, options)
	}
	return c.values, style{decimal: '.', why: fmt.Sprintf("every cell of %q is plain", g.headers[column])}, nil
}

// decimalComma: the first rows of another column can only be read with decimal
// commas, so that a column of 114.982 is one of thousands, not of ones.
func (g *grid) decimalComma(but int) bool {
	for column := range g.headers {
		s := style{suffix: true}
		for i := 0; column != but && i < min(g.rows(), 1000); i++ {
			cell := g.cell(i, column)
			if missing(cell) {
				continue
			}
			body, _ := s.cutSuffix(cell)
			e := evidenceOf(body)
			if e.bad {
				break
			}
			if e.decimal != 0 && !e.either {
				if e.decimal == ',' {
					return true
				}
				break
			}
		}
	}
	return false
}

// evidence is what one cell says about its column's style.
type evidence struct {
	decimal, group byte
	either         bool // "1,234" or "1.234": one thousand or one and a bit
	bad            bool
	currency       string
	percent        bool
	flag           string // a footnote or the letter of a statistical office behind the number
	digits         string // what is left of the cell
}

// currencies are the signs and codes that stand beside numbers, with the code of each.
// cutFlag takes footnotes ("1.5[1]", "1.5*") and the letters that mark a number as preliminary, estimated or revised
// ("9.5 p", "1.75e") from behind it. A letter that follows at once is one of these three only: others are powers.
func cutFlag(cell string) (body, flag string) {
	body = cell
	for body != "" {
		last := body[len(body)-1]
		cut := len(body)
		switch {
		case last == ']':
			cut = strings.LastIndexByte(body, '[')
		case last == '*':
			cut--
		case len(body) > 2 && body[len(body)-2] == ' ' && strings.IndexByte("bcdefinprsu", last) >= 0:
			cut -= 2
		case last == 'p' || last == 'e' || last == 'r':
			cut--
		default:
			return body, flag
		}
		if cut < 1 || len(body)-cut > 5 {
			return cell, ""
		}
		rest := trim(body[:cut])
		if rest == "" || rest[len(rest)-1]-'0' > 9 && rest[len(rest)-1] != ']' && rest[len(rest)-1] != '*' {
			return cell, "" // behind a number only
		}
		flag = trim(body[cut:]) + flag
		body = rest
	}
	return cell, ""
}

// cutBrackets reads a number in brackets as accountants write one below zero.
func cutBrackets(cell string) string {
	if len(cell) > 2 && cell[0] == '(' && cell[len(cell)-1] == ')' && cell[1] != '-' {
		return "-" + trim(cell[1:len(cell)-1])
	}
	return cell
}

// currencies are the signs and codes that stand beside numbers, and what each is as a code of ISO 4217 or as a coin's
// ticker. A "$" alone is taken for the dollar of the United States and "¥" for the yen.
var currencies = map[string]string{"$": "USD", "usd": "USD", "us$": "USD", "€": "EUR", "eur": "EUR", "£": "GBP",
	"gbp": "GBP", "₽": "RUB", "rub": "RUB", "руб.": "RUB", "руб": "RUB", "₸": "KZT", "kzt": "KZT", "тг": "KZT",
	"тг.": "KZT", "тенге": "KZT", "btc": "BTC", "₿": "BTC", "¥": "JPY", "jpy": "JPY", "₴": "UAH", "uah": "UAH",
	"₹": "INR", "inr": "INR", "₺": "TRY", "try": "TRY", "₩": "KRW", "krw": "KRW", "zł": "PLN", "pln": "PLN",
	"chf": "CHF", "cny": "CNY", "usdt": "USDT", "usdc": "USDC", "₪": "ILS", "₾": "GEL", "₼": "AZN", "₽.": "RUB",
	"r$": "BRL", "brl": "BRL", "c$": "CAD", "cad": "CAD", "a$": "AUD", "aud": "AUD", "kč": "CZK", "czk": "CZK",
	"eth": "ETH", "Ξ": "ETH", "сом": "KGS", "kgs": "KGS", "uzs": "UZS"}

// evidenceOf looks at one filled cell. Groups are of three digits, the first
// of one to three; a sign that breaks that is a decimal sign, a sign that
// stands twice is none.
func evidenceOf(cell string) evidence {
	var e evidence
	body, flag := cutFlag(cell)
	e.flag, body = flag, cutBrackets(body)
	if rest, ok := strings.CutSuffix(body, "%"); ok {
		e.percent, body = true, trim(rest)
	}
	sign := ""
	if rest, ok := strings.CutPrefix(body, "-"); ok && rest != "" && rest[0]-'0' > 9 && rest[0] != '.' { // -$1.5
		sign, body = "-", rest
	}
	body = e.cutCurrency(body)
	if sign != "" {
		body = sign + body
		sign = ""
	}
	if body != "" && (body[0] == '-' || body[0] == '+') {
		sign, body = body[:1], body[1:]
	} else if rest, ok := strings.CutPrefix(body, "−"); ok {
		sign, body = "-", rest
	}
	body = strings.Map(func(r rune) rune {
		switch {
		case isBlank(r):
			return ' '
		case r == '’' || r == '\'' || r == 'ʼ':
			return '\''
		}
		return r
	}, body)
	e.digits = sign + body
	if v, ok := plain(body); ok && strings.ContainsAny(body, "eE") && v >= 0 { // an exponent has no groups
		e.decimal = '.'
		return e
	}
	mantissa, exponent, isScientific := strings.Cut(strings.ToUpper(body), "E")
	if isScientific && (strings.Contains(mantissa, ".") || !digitsOnly(strings.TrimLeft(exponent, "+-"))) {
		e.bad = true
		return e
	}
	e.shape(mantissa)
	if isScientific {
		e.decimal, e.either, e.bad = ',', false, e.bad || e.group != 0
	}
	return e
}

// cutCurrency takes the sign or code of a currency before or behind the
// number, the longest that fits: "us$" before "$".
func (e *evidence) cutCurrency(body string) string {
	if body == "" || body[0]-'0' <= 9 && body[len(body)-1]-'0' <= 9 {
		return body // nothing but the number
	}
	longest, rest := "", body
	for sign := range currencies {
		if len(sign) > len(body) || len(sign) <= len(longest) {
			continue
		}
		if head, tail := body[:len(sign)], body[len(body)-len(sign):]; strings.EqualFold(head, sign) {
			longest, rest = sign, trim(body[len(sign):])
		} else if strings.EqualFold(tail, sign) {
			longest, rest = sign, trim(body[:len(body)-len(sign)])
		}
	}
	e.currency = currencies[longest]
	return rest
}

// shape reads points, commas, blanks and apostrophes between digits.
func (e *evidence) shape(body string) {
	whole, fraction, mark := body, "", byte(0)
	if last := strings.LastIndexAny(body, ".,"); last >= 0 && strings.Count(body, body[last:last+1]) == 1 {
		whole, fraction, mark = body[:last], body[last+1:], body[last]
	}
	group := byte(0)
	for i := range len(whole) {
		switch c := whole[i]; {
		case c >= '0' && c <= '9':
		case c == ' ' || c == '\'' || c == ',' || c == '.':
			if group != 0 && group != c {
				e.bad = true
				return
			}
			group = c
		default:
			e.bad = true
			return
		}
	}
	if group != 0 && !grouped(strings.Split(whole, string(group))) {
		e.bad = true
		return
	}
	e.group = group
	switch {
	case mark == 0:
		e.bad = whole == "" // no digit
	case !digitsOnly(fraction) && fraction != "" || whole == "" && fraction == "":
		e.bad = true
	case group != 0:
		e.decimal = mark
	case len(fraction) == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0':
		e.either = true
		e.decimal = mark // if it is one
	default:
		e.decimal = mark
	}
}

// digitsOnly: there are characters, and each is a digit.
func digitsOnly(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// grouped: thousands, or as India writes them (12,34,567): two digits but in the last group.
func grouped(parts []string) bool {
	last := len(parts) - 1
	if len(parts[0]) < 1 || len(parts[0]) > 3 || last > 0 && len(parts[last]) != 3 {
		return false
	}
	size := 3
	if last > 1 {
		size = len(parts[1])
	}
	if size == 2 && len(parts[0]) > 2 || size != 2 && size != 3 {
		return false
	}
	for _, p := range parts[1:max(1, last)] {
		if len(p) != size {
			return false
		}
	}
	return true
}
