package purse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Phone is a purse on this device.
type Phone struct {
	files  vfs.FS
	path   string
	now    func() uint64 // Unix milliseconds
	random io.Reader
	// that has the key; nil where the file has it
	hardware Hardware
}

// Open names the purse that lies in a file; the file is read by what is done with it.
func Open(files vfs.FS, path string, now func() uint64, random io.Reader) *Phone {
	return &Phone{files, path, now, random, nil}
}

// New makes a purse's file with a key of its own, before the purse is opened on the ledger. There may be none yet.
func (p *Phone) New(network token.NetworkID) (token.PublicKey, error) {
	f := file{Network: network}
	if p.hardware != nil {
		f.Key = p.hardware.Public()
	} else if _, err := io.ReadFull(p.random, f.Seed[:]); err != nil {
		return token.PublicKey{}, err
	}
	content, err := encoded(&f)
	if err != nil {
		return token.PublicKey{}, err
	}
	return f.public(), durable.Create(p.files, p.path, content)
}

// Discard takes the file away again when no purse was opened for its key: one with a certificate stays.
func (p *Phone) Discard() (err error) {
	lock, err := durable.Lock(p.files, p.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	f, err := read(p.files, p.path)
	if err != nil {
		return err
	}
	if len(f.Certificate) > 0 {
		return FileError{fmt.Errorf("%s: it holds a purse that was opened", p.path)}
	}
	return durable.Remove(p.files, p.path)
}

// Signer is the device's key, for the transaction that opens the purse.
func (p *Phone) Signer() (token.Signer, error) {
	f, err := read(p.files, p.path)
	if err != nil {
		return nil, err
	}
	return p.signer(&f)
}

// Certify takes a certificate of this purse in: the first, or one with a higher serial.
func (p *Phone) Certify(certificate []byte) error {
	c, err := rules.DecodeCertificate(certificate)
	if err != nil {
		return err
	}
	return update(p.files, p.path, func(f *file) error {
		d, err := f.device()
		if err != nil {
			return err
		}
		switch {
		case c.Key != f.public() || len(f.Certificate) > 0 && c.Purse != f.Purse:
			return token.Errorf(rules.OtherPurse, "certificate", "a certificate of another purse")
		case len(f.Certificate) > 0 && c.Serial < d.Certificate.Serial:
			return token.Errorf(rules.OtherPurse, "certificate", "certificate %d; the purse has number %d", c.Serial,
				d.Certificate.Serial)
		}
		certifier, known := f.Certifiers[c.Intermediary]
		if !known || !token.Verify(certifier, c.Digest(f.Network), &c.Signature) {
			return token.Errorf(rules.BadSignature, "certificate",
				"the certifying key of intermediary %s did not sign it",
				c.Intermediary)
		}
		f.Purse, f.Certificate = c.Purse, slices.Clone(certificate)
		return nil
	})
}

// Learn takes in what a ledger says: the certifying keys, and the key that signs revocation lists; zero where the
// ledger's log has no single key.
func (p *Phone) Learn(certifiers map[token.WalletID]token.PublicKey, logKey token.PublicKey) error {
	return update(p.files, p.path, func(f *file) error {
		f.Certifiers, f.LogKey = certifiers, logKey
		return nil
	})
}

// Revoke takes a revocation list in, or its filter, whoever carried it here: it holds by its signature, and by being
// no older than the one at hand.
func (p *Phone) Revoke(data []byte) error {
	r, err := rules.DecodeRevocations(data)
	if err != nil {
		return err
	}
	return update(p.files, p.path, func(f *file) error {
		atHand, word, err := f.revocations()
		if err != nil {
			return err
		}
		if err := r.Check(f.Network, f.LogKey, atHand); err != nil {
			return err
		}
		f.Revocations = slices.Clone(data)
		if word != nil && !later(word, &r) {
			f.Word = nil
		}
		return nil
	})
}

// later says whether one list is of a longer log than another.
func later(a, b *rules.Revocations) bool {
	had, _ := b.Edition()
	has, _ := a.Edition()
	return has > had
}

// RevokeUnsigned takes the word of a node that signs no list, for a log of so many entries at a time in Unix
// milliseconds. It adds to a signed list and frees nobody of it; where that is of as long a log, it says nothing new.
func (p *Phone) RevokeUnsigned(purses []token.WalletID, size, timeMillis uint64) error {
	l := rules.List{Sequence: size, TimeMillis: timeMillis, Purses: slices.Clone(purses)}
	slices.SortFunc(l.Purses, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	l.Purses = slices.Compact(l.Purses)
	l.Signature[0] = byte(token.Ed25519)
	return update(p.files, p.path, func(f *file) error {
		signed, word, err := f.revocations()
		if err != nil {
			return err
		}
		r := rules.Revocations{List: &l}
		if signed != nil && !later(&r, signed) || word != nil && later(word, &r) {
			return nil
		}
		f.Word = l.Append(nil)
		return nil
	})
}

// Ask draws a request for an amount. It is written before it is shown: a payment that comes after a restart is known.
func (p *Phone) Ask(amount money.Tiyn) (request []byte, err error) {
	r := rules.Request{Amount: amount}
	if _, err := io.ReadFull(p.random, r.Nonce[:]); err != nil {
		return nil, err
	}
	err = update(p.files, p.path, func(f *file) error {
		if len(f.Certificate) == 0 {
			return token.Errorf(rules.NoCertificate, "certificate",
				"the purse has no certificate: it was not opened yet")
		}
		r.Payee = f.Purse
		request = r.Append(f.Network, nil)
		if _, err := rules.DecodeRequest(f.Network, request); err != nil {
			return err
		}
		if len(f.Asked) == maxAsked {
			f.Asked = f.Asked[1:]
		}
		f.Asked = append(f.Asked, request)
		return nil
	})
	return request, err
}

// Pay signs a payment of what is asked for, writes that down, and gives the message to show. For the same request,
// while its receipt is missing, it gives the same message.
func (p *Phone) Pay(request []byte, most money.Tiyn) (message []byte, err error) {
	err = update(p.files, p.path, func(f *file) error {
		r, err := rules.DecodeRequest(f.Network, request)
		if err != nil {
			return err
		}
		if r.Amount > most {
			return token.Errorf(rules.OverLimit, "amount", "%s tenge are asked for, at most %s was said", r.Amount,
				most)
		}
		signer, err := p.signer(f)
		if err != nil {
			return err
		}
		return f.pay(r, p.now(), signer, &message)
	})
	return message, err
}

func (f *file) pay(r rules.Request, now uint64, signer token.Signer, message *[]byte) error {
	if len(f.Certificate) == 0 {
		return token.Errorf(rules.NoCertificate, "certificate", "the purse has no certificate: it was not opened yet")
	}
	d, err := f.device()
	if err != nil {
		return err
	}
	// A payment that was signed before is shown again all the same: it is in its payee's hands already.
	convicted, err := f.convicted()
	if err != nil {
		return err
	}
	again := func(p rules.Pending) bool { return p.Request == r }
	if convicted && !slices.ContainsFunc(d.GivenUp, again) && (d.Pending == nil || !again(*d.Pending)) {
		return token.Errorf(rules.Revoked, "purse",
			"this purse is convicted: nobody who knows it takes a payment of it")
	}
	next, m, err := d.Pay(f.Network, r, now, signer)
	if err != nil {
		return err
	}
	f.put(&next)
	*message = m.Append(nil)
	return nil
}

// Pending is the request and the payment that have no receipt yet; nil for none.
func (p *Phone) Pending() (request, message []byte, err error) {
	f, err := read(p.files, p.path)
	return f.Request, f.Payment, err
}

// GiveUp stops waiting for the pending payment's receipt, and gives its request and its message, which stay in the
// file: Pay gives the message for that request still.
func (p *Phone) GiveUp() (request rules.Request, message []byte, err error) {
	err = update(p.files, p.path, func(f *file) error {
		d, err := f.device()
		if err != nil {
			return err
		}
		next, err := d.GiveUp()
		if err != nil {
			return err
		}
		request, message = d.Pending.Request, f.Payment
		f.put(&next)
		return nil
	})
	return request, message, err
}

// GivenUp are the payments that were given up and have no receipt since, in order, as they were shown.
func (p *Phone) GivenUp() (messages [][]byte, err error) {
	f, err := read(p.files, p.path)
	for _, g := range f.GivenUp {
		messages = append(messages, g.Payment)
	}
	return messages, err
}

// Finish ends the pending payment, or one that was given up, by its receipt. One that has ended already stays so.
func (p *Phone) Finish(receipt []byte) error {
	r, err := rules.DecodeReceipt(receipt)
	if err != nil {
		return err
	}
	return update(p.files, p.path, func(f *file) error {
		d, err := f.device()
		if err != nil {
			return err
		}
		next, err := d.Finish(f.Network, r)
		if err != nil && d.Pending == nil && r.Payment == d.Last {
			return nil // it has ended
		}
		if err == nil {
			f.put(&next)
		}
		return err
	})
}

// Take checks a payment and writes it down before it says yes by the receipt. A payment that is held already gets the
// same receipt. A refusal for two links that conflict comes with the conviction's bytes, which stay in the file: from
// then on the purse is revoked here, whatever the ledger knows, and its refusals come with them again.
func (p *Phone) Take(message []byte) (receipt, conviction []byte, err error) {
	m, err := rules.DecodeMessage(message)
	if err != nil {
		return nil, nil, err
	}
	var refusal error // that is written down
	err = update(p.files, p.path, func(f *file) error {
		d, err := f.device()
		if err != nil {
			return err
		}
		view, err := f.view(p.now())
		if err != nil {
			return err
		}
		next, answer, proof, err := d.Receive(view, f.asked(m.Payment().Nonce), m)
		if proof != nil {
			if bad := holds(f.Network, proof, m.Certificates); bad != nil {
				return bad
			}
			conviction, refusal = proof.Append(nil), err
			f.Proofs = append(f.Proofs, conviction)
			return nil
		}
		if err != nil {
			for i := 0; i < len(m.Certificates) && conviction == nil; i++ {
				conviction = f.proofOf(m.Certificates[i].Purse)
			}
			return err
		}
		f.put(&next)
		f.Asked = slices.DeleteFunc(f.Asked, func(data token.Octets) bool {
			r, err := rules.DecodeRequest(f.Network, data)
			return err != nil || r.Nonce == m.Payment().Nonce
		})
		receipt = answer.Append(nil)
		return nil
	})
	return receipt, conviction, errors.Join(refusal, err)
}

// holds checks a conviction by the payer's certificate, which has been checked: a payment that this device's disk has
// damaged since accuses nobody.
func holds(network token.NetworkID, proof *rules.Conviction, certificates []rules.Certificate) error {
	for i := range certificates {
		if c := &certificates[i]; c.Purse == proof.A.Purse {
			if err := proof.Verify(network, c.Purse, c.Key); err != nil {
				return FileError{fmt.Errorf("a payment in the purse's file was changed: %w", err)}
			}
		}
	}
	return nil
}

// asked finds the request with a nonce; without one it is a request that no payment fits.
func (f *file) asked(nonce rules.Nonce) rules.Request {
	for _, data := range f.Asked {
		if r, err := rules.DecodeRequest(f.Network, data); err == nil && r.Nonce == nonce {
			return r
		}
	}
	return rules.Request{Payee: f.Purse}
}

// Standing is what a purse shows of itself.
type Standing struct {
	Purse    token.WalletID  `json:"purse"`
	Network  token.NetworkID `json:"network"`
	Key      token.PublicKey `json:"key"`
	Deposit  money.Tiyn      `json:"deposit_tiyn"`
	Paid     money.Tiyn      `json:"paid_tiyn"`
	Received money.Tiyn      `json:"received_tiyn"`
	Funds    money.Tiyn      `json:"funds_tiyn"`
	Limits   rules.Limits    `json:"limits"`
	Serial   uint32          `json:"serial"`
	Expiry   uint64          `json:"expiry_millis"`
	Pending  bool            `json:"pending"`  // a payment has no receipt yet
	GivenUp  int             `json:"given_up"` // payments that no receipt is waited for any more
	Held     int             `json:"held"`     // payments received
	Revoked  int             `json:"revoked"`  // purses that are known to be
	// when the revocation list was made, in Unix milliseconds; 0 for none
	ListMillis uint64 `json:"list_millis"`
	ListSigned bool   `json:"list_signed"` // by the log's key; else the newest that is known is a node's bare word
	ListFilter bool   `json:"list_filter"` // only its filter: a false alarm sends the payer online
	// none, or older than money may be that is paid on: who was convicted since can pay
	ListStale bool `json:"list_stale"`
	Convicted bool `json:"convicted"` // it stands in the list itself: it signs nothing more, and Funds is 0
}

// staleMillis is the age at which a revocation list is said to be stale: that of the oldest money that is paid on.
const staleMillis = rules.MaxAgeHours * 3_600_000

// Standing reads what the purse is.
func (p *Phone) Standing() (s Standing, err error) {
	f, err := read(p.files, p.path)
	if err != nil {
		return s, err
	}
	d, err := f.device()
	if err != nil {
		return s, FileError{fmt.Errorf("%s: %w", p.path, err)}
	}
	c := &d.Certificate
	s = Standing{Purse: f.Purse, Network: f.Network, Key: f.public(), Deposit: c.Deposit,
		Paid: d.Paid, Received: d.Received, Funds: d.Funds(), Limits: c.Limits, Serial: c.Serial,
		Expiry:  c.ExpiryMillis,
		Pending: d.Pending != nil, GivenUp: len(d.GivenUp), Held: len(d.Held)}
	if s.Convicted, err = f.convicted(); err != nil {
		return s, err
	}
	if s.Convicted {
		s.Funds = 0
	}
	return s, s.lists(&f, p.now())
}

// lists adds what is known of revoked purses.
func (s *Standing) lists(f *file, now uint64) error {
	signed, word, err := f.revocations()
	if err != nil {
		return err
	}
	newest := word
	if signed != nil {
		s.ListFilter, s.ListSigned, s.Revoked = signed.Filter != nil, word == nil, signed.Count()
		if newest == nil {
			newest = signed
		}
	}
	if word != nil {
		for _, id := range word.List.Purses {
			if signed == nil || !signed.Has(id) {
				s.Revoked++
			}
		}
	}
	if newest != nil {
		_, s.ListMillis = newest.Edition()
	}
	s.ListStale = s.ListMillis+staleMillis < now
	return nil
}

// Settlements are the messages that the purse has received, as the links of transactions that settle them: the payment
// last, what it rests on before it.
func (p *Phone) Settlements() (all [][]token.Octets, err error) {
	f, err := read(p.files, p.path)
	if err != nil {
		return nil, err
	}
	d, err := f.device()
	if err != nil {
		return nil, err
	}
	for i := range d.Held {
		var links []token.Octets
		for j := len(d.Held[i].Links) - 1; j >= 0; j-- {
			links = append(links, d.Held[i].Links[j].Append(nil))
		}
		all = append(all, links)
	}
	return all, nil
}
