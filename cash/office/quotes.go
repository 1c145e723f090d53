package office

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// quoteSeconds is how long a quote is open.
const quoteSeconds = 3600

// NewMintQuote opens a quote: who pays its request gets notes for it. What other open quotes ask for does not count
// against the cap.
func (o *Office) NewMintQuote(ctx context.Context, amount money.Tiyn, key string) (m cash.Mint, err error) {
	if m.ID, err = newQuote(); err != nil {
		return m, err
	}
	var memo [8]byte // apart from the id, which must not follow from the request
	if _, err := io.ReadFull(o.config.Entropy, memo[:]); err != nil {
		return m, err
	}
	now := o.now()
	m.Memo, m.Amount, m.Key, m.Expiry = "cash "+hex.EncodeToString(memo[:]), amount, key, now+quoteSeconds
	if refused := cash.CheckKey(key); refused != nil {
		return m, refused
	}
	o.mu.Lock()
	if o.config.Cap > 0 && o.books.Reserve.Circulating()+amount > o.config.Cap {
		o.mu.Unlock()
		return m, &cash.Refusal{Code: cash.AmountLimits, Field: "amount",
			Rule: "would have more circulate than the office may issue"}
	}
	e, refused := o.books.DecideMintQuote(m, o.config.Max, now)
	if refused != nil {
		o.mu.Unlock()
		return m, refused
	}
	number, err := o.commit(e)
	o.mu.Unlock()
	if err != nil {
		return m, err
	}
	return m, o.writer.wait(ctx, number)
}

// RequestOf is what a mint quote is paid by: a payment of the ledger to the reserve.
func (o *Office) RequestOf(m *cash.Mint) (string, error) {
	var id token.WalletID
	if err := id.UnmarshalText([]byte(o.config.Ledger.Wallet())); err != nil {
		return "", err
	}
	return cash.PayRequest{Wallet: id, Amount: m.Amount, Memo: m.Memo}.String(), nil
}

// MintQuote finds a quote. Looking settles nothing: Run does.
func (o *Office) MintQuote(id string) (cash.Mint, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.books.Mint(id)
}

// NewMeltQuote opens a quote for a payment of the ledger.
func (o *Office) NewMeltQuote(ctx context.Context, request string) (m cash.Melt, err error) {
	p, err := cash.ParsePayRequest(request)
	if err != nil {
		return m, err
	}
	if p.Wallet.String() == o.config.Ledger.Wallet() {
		return m, &cash.Refusal{Code: cash.Malformed, Field: "request", Rule: "would have the reserve pay itself"}
	}
	if len(p.Memo) > maxPayeesMemo {
		return m, &cash.Refusal{Code: cash.Malformed, Field: "request",
			Rule: fmt.Sprintf("has a memo of more than %d bytes", maxPayeesMemo)}
	}
	if p.Amount <= o.config.Max { // more is refused below, whatever the reserve can pay
		if err := o.payable(ctx, p.Amount); err != nil {
			return m, err
		}
	}
	id, err := newQuote()
	if err != nil {
		return m, err
	}
	now := o.now()
	m = cash.Melt{ID: id, Request: request, To: p.Wallet.String(), Memo: p.Memo, Amount: p.Amount,
		Expiry: now + quoteSeconds}
	o.mu.Lock()
	e, refused := o.books.DecideMeltQuote(m, o.config.Max, now)
	if refused != nil {
		o.mu.Unlock()
		return m, refused
	}
	number, err := o.commit(e)
	o.mu.Unlock()
	if err != nil {
		return m, err
	}
	m.State = cash.Unpaid
	return m, o.writer.wait(ctx, number)
}

// MeltQuote finds a quote.
func (o *Office) MeltQuote(id string) (cash.Melt, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.books.Melt(id)
}
