package cash

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// PayRequest asks for a payment of the ledger: a mint quote's to the reserve, a melt quote's to whoever is to be paid.
// As a text it is a URI: aqsha:WALLET?amount=TENGE&memo=TEXT.
type PayRequest struct {
	Wallet token.WalletID
	Amount money.Tiyn
	Memo   string
}

const payScheme = "aqsha:"

// maxPayRequest bounds the text.
const maxPayRequest = 2048

// String is the URI that ParsePayRequest reads.
func (p PayRequest) String() string {
	text := payScheme + p.Wallet.String() + "?amount=" + p.Amount.String()
	if p.Memo != "" {
		text += "&memo=" + strings.ReplaceAll(url.QueryEscape(p.Memo), "+", "%20")
	}
	return text
}

// ParsePayRequest reads the text. Parameters that are not known are refused: they might say who is paid, or what else
// is due.
func ParsePayRequest(text string) (p PayRequest, err error) {
	const field = "request"
	if len(text) > maxPayRequest || !strings.HasPrefix(text, payScheme) {
		return p, refuse(Malformed, field, "must be aqsha:WALLET?amount=TENGE&memo=TEXT, of at most %d characters",
			maxPayRequest)
	}
	wallet, query, _ := strings.Cut(text[len(payScheme):], "?")
	if err := p.Wallet.UnmarshalText([]byte(wallet)); err != nil {
		return p, refuse(Malformed, field, "names no wallet: %v", err)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return p, refuse(Malformed, field, "is not a URI")
	}
	known := 0
	for _, name := range []string{"amount", "memo"} {
		if len(values[name]) > 1 {
			return p, refuse(Malformed, field, "says %s twice", name)
		}
		known += len(values[name])
	}
	// Counted in the text too: ParseQuery drops what it cannot read, and a pair that it dropped would be one nobody
	// saw.
	if n := strings.Count(query, "&") + 1; known == 0 || n != known {
		return p, refuse(Malformed, field, "must say amount, may say memo, and nothing else")
	}
	if p.Amount, err = money.ParseTenge(values.Get("amount")); err != nil || p.Amount < 1 {
		return p, refuse(AmountLimits, field, "must have an amount of at least a tiyn")
	}
	if p.Memo = values.Get("memo"); len(p.Memo) > token.MaxMemo || !utf8.ValidString(p.Memo) {
		return p, refuse(Malformed, field, "has a memo of more than %d bytes", token.MaxMemo)
	}
	return p, nil
}
