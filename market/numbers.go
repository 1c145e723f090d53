package market

import (
	"fmt"
	"math"
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
	case "-", "–", "—", "--", "---", ".", "..", "...", "…", "*", "?":
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
// Words that strconv takes for numbers ("inf", "0x1p4") are none here. Up to
// 2^53 and 22 decimals one division is correctly rounded (Clinger 1990), which
// is most cells of most files; strconv has the rest.
func plain(cell string) (float64, bool) {
	mantissa, decimals, digits, point, exponent := uint64(0), 0, 0, false, false
	for i := range len(cell) {
		switch c := cell[i]; {
		case c >= '0' && c <= '9':
			// 18 digits fit 64 bits; what has more goes to strconv below.
			if digits++; digits < 19 {
				mantissa = mantissa*10 + uint64(c-'0')
			}
			if point {
				decimals++
			}
		case c == '.' && !point:
			point = true
		case c == '-' || c == '+':
			if i > 0 && cell[i-1] != 'e' && cell[i-1] != 'E' {
				return 0, false
			}
		case c == 'e' || c == 'E':
			if exponent = true; i == 0 {
				return 0, false
			}
		default:
			return 0, false
		}
	}
	if digits > 0 && digits < 19 && mantissa < 1<<53 && decimals < len(tensExact) && !exponent {
		v := float64(mantissa) / tensExact[decimals]
		if cell[0] == '-' {
			v = -v
		}
		return v, true
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil
}

// numbers parses a column. Cells that all are plain need no second look,
// unless a point could be a sign of thousands (see evidence).
func (g *grid) numbers(column int, f field, options ReadOptions) (values []float64, s style, err error) {
	header := g.headers[column]
	values = make([]float64, g.rows())
	semicolon, points, certain := g.separator == ';', false, false
	for i := range values {
		cell := g.cell(i, column)
		v, ok := plain(cell)
		if !ok {
			if !missing(cell) {
				return g.styledNumbers(column, f, options)
			}
			v = math.NaN()
		} else if p := strings.IndexByte(cell, '.'); p >= 0 {
			points = true
			if !certain {
				e := evidenceOf(cell)
				certain = e.decimal == '.' && !e.either
			}
		}
		values[i] = v
	}
	switch {
	case !points:
		return values, style{why: "digits only"}, nil
	case options.Decimal == "," || !certain && options.Decimal == "" && (semicolon || g.decimalComma(column)):
		return g.styledNumbers(column, f, options)
	}
	return values, style{decimal: '.', why: fmt.Sprintf("every cell of %q is plain", header)}, nil
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
	digits         string // what is left of the cell
}

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
	body := cell
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
