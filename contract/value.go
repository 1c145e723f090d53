package contract

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// ParseValue reads a term or an argument as people write it: a number; an amount in tenge with KZT
// after it (1500.50KZT); a time in RFC 3339, or a day, which begins in the network's time; a period (36h, 30d); true or
// false; a text; bytes in hexadecimal; numbers with commas between. A period may be a day of the calendar ("each 1st"),
// which for "each month" is that of now, in ms; where there is no such time, now is negative, and there are none of
// these.
func ParseValue(kind token.ValueType, text string, now int64) (token.Value, error) {
	switch kind {
	case token.IntValue:
		if now >= 0 && strings.HasPrefix(strings.ToLower(text), "each ") {
			period, err := ParseRecurrence(text, now)
			return token.Int(int64(period)), err
		}
		n, err := parseInt(text)
		return token.Int(n), err
	case token.BoolValue:
		b, err := strconv.ParseBool(text)
		return token.Bool(b), err
	case token.TextValue:
		return token.Text(text), nil
	case token.BytesValue:
		b, err := hex.DecodeString(text)
		return token.Bytes(b), err
	}
	var ints []int64
	for _, item := range strings.Split(text, ",") {
		n, err := parseInt(strings.TrimSpace(item))
		if err != nil {
			return token.Value{}, err
		}
		ints = append(ints, n)
	}
	return token.Ints(ints), nil
}

// parseInt reads a whole number in any of the ways that people write one: an amount, a time, a day, a period.
func parseInt(text string) (int64, error) {
	if amount, ok := strings.CutSuffix(text, "KZT"); ok {
		tiyn, err := money.ParseTenge(strings.TrimSpace(amount))
		return int64(tiyn), err
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UnixMilli(), nil
	}
	if at, err := time.ParseInLocation(time.DateOnly, text, Zone); err == nil {
		return at.UnixMilli(), nil
	}
	if span, err := parseSpan(text); err == nil && text != "0" {
		return span, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: want a whole number, an amount such as 1500.50KZT, a time such as "+
			"2026-09-01T00:00:00+05:00, a day such as 2026-09-01, or a period such as 36h, 30d or \"each 1st\"", text)
	}
	return n, nil
}
