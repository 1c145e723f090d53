package purse

import (
	"encoding/binary"
	"io"

	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// Over a pipe or a connection each message stands behind its length in two bytes, the high one first; an empty one ends
// the exchange.

// Send writes a message.
func Send(to io.Writer, message []byte) error {
	_, err := to.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}

// Receive reads a message.
func Receive(from io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(length[:])
	if n > rules.MaxMessage {
		return nil, token.Errorf(token.TooLarge, "", "%d bytes, at most %d", n, rules.MaxMessage)
	}
	message := make([]byte, n)
	_, err := io.ReadFull(from, message)
	return message, err
}

// Collect asks whoever is at the other end for an amount and takes the payment: the payee's side of an exchange. A
// payment of an earlier request, whose receipt was lost, gets its receipt; it is not what was asked for now.
func (p *Phone) Collect(other io.ReadWriter, amount money.Tiyn) (conviction []byte, err error) {
	request, err := p.Ask(amount)
	if err != nil {
		return nil, err
	}
	asked, err := p.readRequest(request)
	if err != nil {
		return nil, err
	}
	if err := Send(other, request); err != nil {
		return nil, err
	}
	for {
		message, err := Receive(other)
		if err != nil {
			return nil, err
		}
		receipt, conviction, err := p.Take(message)
		if err != nil {
			return conviction, err
		}
		if err := Send(other, receipt); err != nil {
			return nil, err
		}
		if m, err := rules.DecodeMessage(message); err != nil || m.Payment().Nonce == asked.Nonce {
			return nil, err
		}
	}
}

// Give pays what the other end asks for: the payer's side. A payment that has no receipt yet goes first, for whoever is
// there: its payee gives the receipt again.
func (p *Phone) Give(other io.ReadWriter, most money.Tiyn) (paid rules.Request, err error) {
	request, err := Receive(other)
	if err != nil {
		return paid, err
	}
	if paid, err = p.readRequest(request); err != nil {
		return paid, err
	}
	pending, message, err := p.Pending()
	if err != nil {
		return paid, err
	}
	// A signed payment is never replaced: its payee may hold it without the receipt having come, and a second link of
	// the same number would convict the payer.
	if len(message) > 0 && string(pending) != string(request) {
		before, err := p.readRequest(pending)
		if err != nil {
			return paid, err
		}
		if before.Payee != paid.Payee {
			return paid, token.Errorf(rules.PaymentPending, "request",
				"a payment of %s tenge to purse %s has no receipt yet: show it there first, or give it up",
				before.Amount,
				before.Payee)
		}
		if err := p.show(other, message); err != nil {
			return paid, err
		}
	}
	if message, err = p.Pay(request, most); err != nil {
		return paid, err
	}
	return paid, p.show(other, message)
}

// readRequest reads a request of this purse's network.
func (p *Phone) readRequest(request []byte) (rules.Request, error) {
	f, err := read(p.files, p.path)
	if err != nil {
		return rules.Request{}, err
	}
	return rules.DecodeRequest(f.Network, request)
}

// show shows a payment and waits for its receipt.
func (p *Phone) show(other io.ReadWriter, message []byte) error {
	if err := Send(other, message); err != nil {
		return err
	}
	receipt, err := Receive(other)
	if err != nil {
		return err
	}
	return p.Finish(receipt)
}
