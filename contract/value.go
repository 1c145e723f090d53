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
// after it (1500.50KZT); a time in RFC 3339, or a day, which begins in the network's time; a period (36h, 30d); true or false; a text; bytes in hexadecimal; numbers
// with commas between.
func ParseValue(kind token.ValueType, text string) (token.Value, error) {
	switch kind {
	case token.IntValue:
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
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(days, 10, 32); err == nil {
			return n * 86_400_000, nil
		}
	}
	if period, err := time.ParseDuration(text); err == nil && text != "0" {
		return period.Milliseconds(), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q: want a whole number, an amount such as 1500.50KZT, a time such as 2026-09-01T00:00:00+05:00, a day such as 2026-09-01, or a period such as 36h or 30d", text)
	}
	return n, nil
}
