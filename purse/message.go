package purse

import (
	"bytes"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// MaxLinks is the most links of a message: more do not fit its bytes anyway.
const MaxLinks = 16

// Message is a payment as the payer shows it: the link, the links on which it rests, and the certificate of every
// payer.
type Message struct {
	// the payment first; then each before what it rests on, as Device orders them
	Links        []Link        `json:"links"`
	Certificates []Certificate `json:"certificates"` // of the links' payers, in order of purse
}

// Payment is the link that pays.
func (m *Message) Payment() *Link { return &m.Links[0] }

// Append encodes the message.
func (m *Message) Append(b []byte) []byte {
	b = token.AppendUint(token.AppendArray(b, 3), kindPayment)
	b = token.AppendArray(b, len(m.Links))
	for i := range m.Links {
		b = m.Links[i].Append(b)
	}
	b = token.AppendArray(b, len(m.Certificates))
	for i := range m.Certificates {
		b = m.Certificates[i].Append(b)
	}
	return b
}

// DecodeMessage reads one payment that fills data. Every certificate is used, and stands once.
func DecodeMessage(data []byte) (Message, error) { return whole(data, MaxMessage, decodeMessage) }

// decodeMessage reads a message and checks its form; an error ends it at once.
func decodeMessage(d *token.Decoder) (m Message) {
	d.Array("message", 3, 3)
	kind(d, "message", kindPayment)
	for range d.Array("links", 1, MaxLinks) {
		if d.Err() != nil {
			return m
		}
		m.Links = append(m.Links, decodeLink(d))
	}
	for range d.Array("certificates", 1, MaxLinks) {
		if d.Err() != nil {
			return m
		}
		m.Certificates = append(m.Certificates, decodeCertificate(d))
	}
	if d.Err() == nil {
		if err := m.check(); err != nil {
			d.Fail(err)
		}
	}
	return m
}

// check checks the rules of form of a whole message. At most MaxLinks of each, so that comparing each with each is
// cheap.
func (m *Message) check() *token.Error {
	for i := range m.Links {
		for j := range i {
			if m.Links[i] == m.Links[j] {
				return refuse(token.Repeated, "links", "link %d stands twice", i)
			}
		}
	}
	for i := range m.Certificates {
		c := &m.Certificates[i]
		if i > 0 && slices.Compare(m.Certificates[i-1].Purse[:], c.Purse[:]) >= 0 {
			return refuse(token.Repeated, "certificates", "certificate %d repeats a purse or is out of order", i)
		}
		if !slices.ContainsFunc(m.Links, func(l Link) bool { return l.Purse == c.Purse }) {
			return refuse(Unneeded, "certificates", "certificate %d is of a purse that pays nothing here", i)
		}
	}
	for i := range m.Links {
		if m.certificate(m.Links[i].Purse) == nil {
			return refuse(NoCertificate, "certificates", "none of purse %s", m.Links[i].Purse)
		}
	}
	return nil
}

// certificate is that of a purse, or nil.
func (m *Message) certificate(purse token.WalletID) *Certificate {
	at, found := slices.BinarySearchFunc(m.Certificates, purse, func(c Certificate, id token.WalletID) int {
		return slices.Compare(c.Purse[:], id[:])
	})
	if !found {
		return nil
	}
	return &m.Certificates[at]
}

// Deposit is what a purse's certificate in the message says; 0 without one.
func (m *Message) Deposit(purse token.WalletID) money.Tiyn {
	if c := m.certificate(purse); c != nil {
		return c.Deposit
	}
	return 0
}

// Request is what a payee asks for.
type Request struct {
	Payee  token.WalletID `json:"payee"`
	Nonce  Nonce          `json:"nonce"`
	Amount money.Tiyn     `json:"amount_tiyn"`
}

const (
	requestItems    = 5
	requestChecksum = 4 // bytes
)

// appendUnchecked encodes all but the checksum, as the beginning of an array of so many items.
func (r *Request) appendUnchecked(b []byte, items int) []byte {
	b = token.AppendUint(token.AppendArray(b, items), kindRequest)
	b = token.AppendBytes(token.AppendBytes(b, r.Payee[:]), r.Nonce[:])
	return token.AppendUint(b, uint64(r.Amount))
}

// checksum is no signature: anybody makes it. It keeps a payer from signing for a request that was mistyped, whose
// payment nobody could take, or for one of another network.
func (r *Request) checksum(network token.NetworkID) []byte {
	sum := digest(requestDomain, network, r.appendUnchecked(nil, requestItems-1))
	return sum[:requestChecksum]
}

// Append encodes the request, for purses of a network.
func (r *Request) Append(network token.NetworkID, b []byte) []byte {
	return token.AppendBytes(r.appendUnchecked(b, requestItems), r.checksum(network))
}

// DecodeRequest reads one request that fills data, of purses of a network: purse-checksum is for one that was changed
// on its way, or is of another network.
func DecodeRequest(network token.NetworkID, data []byte) (Request, error) {
	return whole(data, MaxMessage, func(d *token.Decoder) (r Request) {
		d.Array("request", requestItems, requestItems)
		kind(d, "request", kindRequest)
		d.Fixed("request.payee", r.Payee[:])
		d.Fixed("request.nonce", r.Nonce[:])
		r.Amount = amount(d, "request.amount")
		var sum [requestChecksum]byte
		d.Fixed("request.checksum", sum[:])
		if d.Err() == nil && !bytes.Equal(sum[:], r.checksum(network)) {
			d.Fail(refuse(BadChecksum, "request.checksum", "it was changed on its way, or is of another network"))
		}
		if d.Err() == nil && r.Amount == 0 {
			d.Fail(refuse(token.AmountZero, "request.amount", "a payment of nothing"))
		}
		return r
	})
}

// Receipt is the payee's word that it has written a payment down.
type Receipt struct {
	Payment token.Hash `json:"payment"` // the link's id
}

// Append encodes the receipt.
func (r *Receipt) Append(b []byte) []byte {
	return token.AppendBytes(token.AppendUint(token.AppendArray(b, 2), kindReceipt), r.Payment[:])
}

// DecodeReceipt reads one receipt that fills data.
func DecodeReceipt(data []byte) (Receipt, error) {
	return whole(data, MaxMessage, func(d *token.Decoder) (r Receipt) {
		d.Array("receipt", 2, 2)
		kind(d, "receipt", kindReceipt)
		d.Fixed("receipt.payment", r.Payment[:])
		return r
	})
}
