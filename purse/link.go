package purse

import (
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Nonce is drawn by the payee for each payment it asks for, so that no payment is good twice.
type Nonce [16]byte

// Link is one payment of a purse. Its id is its digest, without the signature: who signs the same twice has paid once.
type Link struct {
	Purse          token.WalletID  `json:"purse"`
	Number         uint32          `json:"number"`   // from 1
	Previous       token.Hash      `json:"previous"` // id of the link with the number before; zeros for the first
	PaidBefore     money.Tiyn      `json:"paid_before_tiyn"`
	ReceivedBefore money.Tiyn      `json:"received_before_tiyn"`
	Amount         money.Tiyn      `json:"amount_tiyn"`
	Payee          token.WalletID  `json:"payee"` // the payee's purse
	Nonce          Nonce           `json:"nonce"`
	TimeMillis     uint64          `json:"time_millis"` // by the payer's clock: evidence, nothing to trust
	Signature      token.Signature `json:"signature"`
}

// End is how much the purse has paid with this link and all before it.
func (l *Link) End() money.Tiyn { return l.PaidBefore + l.Amount }

const linkItems = 11

// appendUnsigned encodes all but the signature, as the beginning of an array of so many items.
func (l *Link) appendUnsigned(b []byte, items int) []byte {
	b = token.AppendUint(token.AppendArray(b, items), kindLink)
	b = token.AppendUint(token.AppendBytes(b, l.Purse[:]), uint64(l.Number))
	b = token.AppendUint(token.AppendBytes(b, l.Previous[:]), uint64(l.PaidBefore))
	b = token.AppendUint(token.AppendUint(b, uint64(l.ReceivedBefore)), uint64(l.Amount))
	b = token.AppendBytes(token.AppendBytes(b, l.Payee[:]), l.Nonce[:])
	return token.AppendUint(b, l.TimeMillis)
}

// ID is what the payer signs and what the next link names.
func (l *Link) ID(network token.NetworkID) token.Hash {
	return digest(linkDomain, network, l.appendUnsigned(nil, linkItems-1))
}

// Append encodes the link.
func (l *Link) Append(b []byte) []byte {
	return token.AppendBytes(l.appendUnsigned(b, linkItems), l.Signature[:])
}

// Verify says whether a key signed the link.
func (l *Link) Verify(network token.NetworkID, key token.PublicKey) bool {
	return token.Verify(key, l.ID(network), &l.Signature)
}

// Check checks the rules of form: what a link says by itself.
func (l *Link) Check() *token.Error {
	switch {
	case l.Number == 0:
		return refuse(token.OutOfRange, "number", "links are counted from 1")
	case l.Amount < 1 || l.Amount > MaxAmount:
		return refuse(token.OutOfRange, "amount", "%d tiyn, want 1 to %d", l.Amount, int64(MaxAmount))
	case l.PaidBefore < 0 || l.PaidBefore > MaxAmount-l.Amount:
		return refuse(token.AmountOverflow, "paid_before", "what was paid before and now exceeds %d tiyn",
			int64(MaxAmount))
	case l.ReceivedBefore < 0 || l.ReceivedBefore > MaxAmount:
		return refuse(token.OutOfRange, "received_before", "%d tiyn, want 0 to %d", l.ReceivedBefore, int64(MaxAmount))
	case l.Payee == l.Purse:
		return refuse(OtherPayee, "payee", "a purse pays itself")
	case l.Number == 1 && (l.PaidBefore != 0 || l.Previous != token.Hash{}):
		return refuse(token.OutOfRange, "number", "the first link follows none and nothing was paid before it")
	case int64(l.PaidBefore) < int64(l.Number)-1:
		return refuse(token.OutOfRange, "paid_before", "%d tiyn in %d links before: each pays at least one",
			l.PaidBefore, l.Number-1)
	}
	return nil
}

// decodeLink reads a link and checks its form.
func decodeLink(d *token.Decoder) (l Link) {
	before := d.Pos()
	d.Array("link", linkItems, linkItems)
	kind(d, "link", kindLink)
	d.Fixed("link.purse", l.Purse[:])
	l.Number = uint32(d.Uint("link.number", MaxNumber))
	d.Fixed("link.previous", l.Previous[:])
	l.PaidBefore, l.ReceivedBefore = amount(d, "link.paid_before"), amount(d, "link.received_before")
	l.Amount = amount(d, "link.amount")
	d.Fixed("link.payee", l.Payee[:])
	d.Fixed("link.nonce", l.Nonce[:])
	l.TimeMillis = d.Uint("link.time", token.MaxValidUntil)
	signature(d, "link.signature", &l.Signature)
	tooLong(d, "link", d.Pos()-before, MaxLink)
	if d.Err() == nil {
		if err := l.Check(); err != nil {
			d.Fail(refuse(err.Code, "link."+err.Field, "%s", err.Detail))
		}
	}
	return l
}

// DecodeLink reads one link that fills data.
func DecodeLink(data []byte) (Link, error) { return whole(data, MaxLink, decodeLink) }
