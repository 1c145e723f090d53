package token

import (
	"crypto/sha256"
	"slices"
)

// MaxTransaction is the most bytes of a transaction: an entry of the log holds it with its effects.
const MaxTransaction = 65_000

// MaxValidUntil bounds valid-until: milliseconds below 2^53 are exact in every language.
const MaxValidUntil = 1<<53 - 1

// Transaction is a body, how long it may be executed, and the signatures over it.
type Transaction struct {
	Body       Body
	ValidUntil uint64 // Unix milliseconds; refused in a block later than this
	Witnesses  []Witness

	id  TransactionID
	raw []byte // the encoding, when decoded
}

// New makes an unsigned transaction and fixes its id. It keeps a copy of the body.
// An error means that the body violates a rule of form.
func New(body Body, validUntil uint64) (*Transaction, error) {
	if err := body.check(); err != nil {
		return nil, err
	}
	// One way in: what is made here passes the decoder that will meet it elsewhere.
	d := NewDecoder(appendBody(nil, &Transaction{Body: body, ValidUntil: validUntil}))
	t := d.body()
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return t, nil
}

// ID is the SHA-256 of the body's bytes.
func (t *Transaction) ID() TransactionID { return t.id }

// Add puts a signature at its place, replacing one of the same role and index.
func (t *Transaction) Add(w Witness) {
	t.raw = nil
	at, found := slices.BinarySearchFunc(t.Witnesses, w, func(a, b Witness) int {
		switch {
		case a.before(b):
			return -1
		case b.before(a):
			return 1
		}
		return 0
	})
	if found {
		t.Witnesses[at] = w
		return
	}
	t.Witnesses = slices.Insert(t.Witnesses, at, w)
}

// Encode returns the transaction's bytes. The result must not be changed.
func (t *Transaction) Encode() []byte {
	if t.raw != nil {
		return t.raw
	}
	// Not kept: one transaction may be submitted from several goroutines at once.
	return appendWitnesses(appendBody(AppendArray(nil, 2), t), t.Witnesses)
}

func appendBody(b []byte, t *Transaction) []byte {
	b = AppendArray(b, 2+t.Body.fields())
	b = AppendUint(b, uint64(t.Body.Kind()))
	b = AppendUint(b, t.ValidUntil)
	return t.Body.appendFields(b)
}

// Decode reads one transaction that fills data exactly. The transaction keeps data, which must
// not change. Errors are *Error and name the field.
func Decode(data []byte) (*Transaction, error) {
	if len(data) > MaxTransaction {
		return nil, Errorf(TooLarge, "", "%d bytes, at most %d", len(data), MaxTransaction)
	}
	d := NewDecoder(data)
	t := d.Transaction()
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return t, nil
}

// Transaction reads the next item as a transaction.
func (d *Decoder) Transaction() *Transaction {
	start := d.pos
	d.Array("transaction", 2, 2)
	t := d.body()
	if d.err != nil {
		return nil
	}
	t.Witnesses = d.witnesses()
	if d.err != nil {
		return nil
	}
	if size := d.pos - start; size > MaxTransaction {
		d.err = Errorf(TooLarge, "", "%d bytes, at most %d", size, MaxTransaction)
		return nil
	}
	t.raw = d.data[start:d.pos:d.pos]
	return t
}

// check checks a body's form, its keys unless they are believed.
func (d *Decoder) check(body Body) *Error {
	if register, ok := body.(*Register); ok && d.believes {
		return register.Attributes.check()
	}
	return body.check()
}

// body reads a body as a transaction without witnesses; nil after an error.
func (d *Decoder) body() *Transaction {
	start := d.pos
	const maxFields = 11
	items := d.Array("body", 2, 2+maxFields)
	kind := Kind(d.Uint("kind", 255))
	t := &Transaction{ValidUntil: d.Uint("valid_until", MaxValidUntil)}
	if d.err != nil {
		return nil
	}
	t.Body = NewBody(kind)
	switch {
	case t.Body == nil:
		d.err = Errorf(UnknownKind, "kind", "%d", kind)
	case items != 2+t.Body.fields():
		d.err = Errorf(NotCanonical, "body", "%d items for kind %s, want %d", items, kind, 2+t.Body.fields())
	}
	if d.err != nil {
		return nil
	}
	t.Body.decodeFields(d)
	if d.err == nil {
		d.err = d.check(t.Body)
	}
	if d.err != nil {
		return nil
	}
	t.id = sha256.Sum256(d.data[start:d.pos])
	return t
}
