package purse

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/ur"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// MaxFile bounds a purse's file, in bytes; maxAsked how many requests wait for a payment at once.
const (
	MaxFile  = 32 << 20
	maxAsked = 64
)

// file is a purse on disk. Messages stand in it as the bytes that were shown, in hexadecimal.
type file struct {
	Network     token.NetworkID                    `json:"network"`
	Seed        token.Hash                         `json:"seed,omitzero"` // of the device's key: secret
	Key         token.PublicKey                    `json:"key,omitzero"`  // of hardware, in the seed's place
	Purse       token.WalletID                     `json:"purse,omitzero"`
	Certificate token.Octets                       `json:"certificate,omitempty"`
	Number      uint32                             `json:"number"`
	Last        token.Hash                         `json:"last,omitzero"`
	Paid        money.Tiyn                         `json:"paid_tiyn"`
	Received    money.Tiyn                         `json:"received_tiyn"`
	Held        []token.Octets                     `json:"held,omitempty"`
	Request     token.Octets                       `json:"pending_request,omitempty"`
	Payment     token.Octets                       `json:"pending_payment,omitempty"`
	GivenUp     []givenUp                          `json:"given_up,omitempty"` // in order
	Asked       []token.Octets                     `json:"asked,omitempty"`    // unanswered requests, the oldest first
	Certifiers  map[token.WalletID]token.PublicKey `json:"certifiers,omitempty"`
	LogKey      token.PublicKey                    `json:"log_key,omitzero"`      // that signs revocation lists
	Revocations token.Octets                       `json:"revocations,omitempty"` // a signed list or filter
	// a later list that a node said and nobody signed: it adds to the signed one, and takes nothing from it
	Word   token.Octets   `json:"revocations_unsigned,omitempty"`
	Proofs []token.Octets `json:"proofs,omitempty"` // convictions met here, one for a purse
}

// givenUp is a payment that no receipt is waited for any more.
type givenUp struct {
	Request token.Octets `json:"request"`
	Payment token.Octets `json:"payment"`
}

// FileError is what is wrong with a purse's file.
type FileError struct{ error }

func (e FileError) Unwrap() error { return e.error }

// BadInput says that the mistake is in what was given.
func (FileError) BadInput() {}

// device is the state of the purse, as the rules have it.
func (f *file) device() (d rules.Device, err error) {
	d = rules.Device{Number: f.Number, Last: f.Last, Paid: f.Paid, Received: f.Received}
	d.Certificate.Purse = f.Purse
	if len(f.Certificate) > 0 {
		if d.Certificate, err = rules.DecodeCertificate(f.Certificate); err != nil {
			return d, err
		}
	}
	// The file holds messages as they came, so that what is shown on is byte for byte what was received and signed.
	for _, data := range f.Held {
		m, err := rules.DecodeMessage(data)
		if err != nil {
			return d, err
		}
		d.Held = append(d.Held, m)
	}
	for _, g := range f.GivenUp {
		p, err := f.pendingOf(g.Request, g.Payment)
		if err != nil {
			return d, err
		}
		d.GivenUp = append(d.GivenUp, p)
	}
	if len(f.Payment) > 0 {
		p, err := f.pendingOf(f.Request, f.Payment)
		if err != nil {
			return d, err
		}
		d.Pending = &p
	}
	return d, nil
}

func (f *file) pendingOf(request, payment []byte) (p rules.Pending, err error) {
	if p.Request, err = rules.DecodeRequest(f.Network, request); err != nil {
		return p, err
	}
	p.Message, err = rules.DecodeMessage(payment)
	return p, err
}

// put takes over a state that the rules gave.
func (f *file) put(d *rules.Device) {
	f.Number, f.Last, f.Paid, f.Received = d.Number, d.Last, d.Paid, d.Received
	for _, m := range d.Held[len(f.Held):] {
		f.Held = append(f.Held, m.Append(nil))
	}
	f.GivenUp = nil
	for i := range d.GivenUp {
		p := &d.GivenUp[i]
		f.GivenUp = append(f.GivenUp, givenUp{p.Request.Append(f.Network, nil), p.Message.Append(nil)})
	}
	f.Request, f.Payment = nil, nil
	if d.Pending != nil {
		f.Request, f.Payment = d.Pending.Request.Append(f.Network, nil), d.Pending.Message.Append(nil)
	}
}

// revocations are the signed list at hand, or its filter, and a node's bare word; nil for what is not there.
func (f *file) revocations() (signed, word *rules.Revocations, err error) {
	for _, one := range []struct {
		data token.Octets
		into **rules.Revocations
	}{{f.Revocations, &signed}, {f.Word, &word}} {
		if len(one.data) == 0 {
			continue
		}
		r, err := rules.DecodeRevocations(one.data)
		if err != nil {
			return nil, nil, FileError{fmt.Errorf("its revocation list: %w", err)}
		}
		*one.into = &r
	}
	return signed, word, nil
}

// convicted says whether the purse itself stands in a list that names purses. A filter alone does not convict it: it
// can give a false alarm.
func (f *file) convicted() (bool, error) {
	signed, word, err := f.revocations()
	named := func(r *rules.Revocations) bool { return r != nil && r.Filter == nil && r.Has(f.Purse) }
	return named(signed) || named(word), err
}

func (f *file) view(nowMillis uint64) (rules.View, error) {
	signed, word, err := f.revocations()
	return rules.View{Network: f.Network, Certifiers: f.Certifiers, NowMillis: nowMillis,
		Revoked: func(id token.WalletID) bool {
			return signed != nil && signed.Has(id) || word != nil && word.Has(id) || f.proofOf(id) != nil
		}}, err
}

// proofOf is the conviction of a purse that was met here; nil for none.
func (f *file) proofOf(id token.WalletID) []byte {
	for _, data := range f.Proofs {
		if c, err := rules.DecodeConviction(data); err == nil && c.A.Purse == id {
			return data
		}
	}
	return nil
}

func parse(path string, data []byte) (f file, err error) {
	if err := json.Unmarshal(data, &f); err != nil {
		return f, FileError{fmt.Errorf("%s: not a purse's file: %w", path, err)}
	}
	if (f.Seed == token.Hash{}) == (f.Key == token.PublicKey{}) {
		return f, FileError{fmt.Errorf("%s: not a purse's file: it holds no key, or two", path)}
	}
	return f, nil
}

// update changes the file, durable before it returns. Others who change it wait.
func update(files vfs.FS, path string, change func(f *file) error) error {
	return durable.Update(files, path, MaxFile, func(content []byte) ([]byte, error) {
		if content == nil {
			return nil, FileError{fmt.Errorf("%s: there is no purse", path)}
		}
		f, err := parse(path, content)
		if err != nil {
			return nil, err
		}
		if err := change(&f); err != nil {
			return nil, err
		}
		return encoded(&f)
	})
}

func encoded(f *file) ([]byte, error) {
	after, err := json.Marshal(f)
	return append(after, '\n'), err
}

func read(files vfs.FS, path string) (file, error) {
	content, err := durable.Read(files, path, MaxFile)
	if err != nil {
		return file{}, FileError{err}
	}
	return parse(path, content)
}

var (
	errNotHex  = errors.New("want hexadecimal digits, or frames of a code")
	errMissing = errors.New("frames of the message are missing")
)

// Text is a message as text, for files and codes: hexadecimal.
func Text(message []byte) string { return hex.EncodeToString(message) }

// FromText reads a message's text: hexadecimal, or all frames of a code.
func FromText(text string) ([]byte, error) {
	if ur.Is(text) {
		message, whole, err := ur.Join(text)
		if err == nil && !whole {
			err = errMissing
		}
		if err != nil {
			return nil, FileError{err}
		}
		return message, nil
	}
	message, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, FileError{errNotHex}
	}
	return message, nil
}
