package purse

import (
	"crypto/sha256"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Sizes in bytes, which make a message fit a QR code (version 33, level L) and an NFC exchange.
const (
	MaxCertificate = 190
	MaxLink        = 205
	MaxMessage     = 2048
)

// MaxAmount bounds every amount and total of a purse: below 2^53 they are exact in every language, and the sum of all
// that a message holds cannot overflow.
const MaxAmount = 1<<53 - 1

// MaxHops is the most links of a chain, MaxAgeHours the oldest that a link may be when it is paid on.
const (
	MaxHops     = 5
	MaxAgeHours = 7 * 24
)

// MaxNumber is the highest number of a link.
const MaxNumber = 1<<32 - 1

// Message kinds, the first item of everything that purses say.
const (
	kindCertificate = 1
	kindLink        = 2
	kindPayment     = 3
	kindRequest     = 4
	kindReceipt     = 5
	kindList        = 6
	kindFilter      = 7
	kindConviction  = 8
)

// Class says what guards a purse's key.
type Class uint8

const (
	Software Class = 1 // a file: can be copied
	Hardware Class = 2 // attested by hardware; how is an interface of the intermediary's
)

// Limits are what a certificate lets its purse do.
type Limits struct {
	MaxPayment money.Tiyn `json:"payment_most_tiyn"` // of one payment
	MaxOffline money.Tiyn `json:"offline_most_tiyn"` // of all payments of the purse
	MaxHops    uint8      `json:"hops_most"`         // links of a chain that ends with one of this purse
	AgeHours   uint16     `json:"age_hours"`         // how old a link of this purse may be when it is paid on
}

// ceilings are the highest limits of each class.
var ceilings = map[Class]Limits{
	Software: {MaxPayment: 20_000 * money.Tenge, MaxOffline: 100_000 * money.Tenge, MaxHops: MaxHops,
		AgeHours: MaxAgeHours},
	Hardware: {MaxPayment: 100_000 * money.Tenge, MaxOffline: 1_000_000 * money.Tenge, MaxHops: MaxHops,
		AgeHours: MaxAgeHours},
}

// Ceiling is the highest limits that a class may have.
func Ceiling(c Class) (Limits, bool) {
	l, ok := ceilings[c]
	return l, ok
}

// Certificate is an intermediary's word that a purse exists on the ledger, with a key, a deposit and limits.
type Certificate struct {
	Purse        token.WalletID  `json:"purse"`
	Key          token.PublicKey `json:"key"` // the device's
	Intermediary token.WalletID  `json:"intermediary"`
	// counts the certificates of a purse: each deposit added makes a new one
	Serial  uint32     `json:"serial"`
	Deposit money.Tiyn `json:"deposit_tiyn"`
	Limits
	Class        Class           `json:"class"`
	ExpiryMillis uint64          `json:"expiry_millis"`
	Signature    token.Signature `json:"signature"` // by the intermediary's certifying key
}

// Domains keep a signature made for one use from being valid for another.
const (
	certificateDomain = "aqsha purse certificate v1\x00"
	linkDomain        = "aqsha purse link v1\x00"
	listDomain        = "aqsha purse revocations v1\x00"
	filterDomain      = "aqsha purse filter v1\x00"
	requestDomain     = "aqsha purse request v1\x00"
)

// digest is what is signed: SHA-256(domain ‖ network ‖ unsigned bytes).
func digest(domain string, network token.NetworkID, unsigned []byte) [32]byte {
	b := make([]byte, 0, len(domain)+len(network)+MaxMessage)
	b = append(append(append(b, domain...), network[:]...), unsigned...)
	return sha256.Sum256(b)
}

// appendUnsigned encodes all but the signature, as the beginning of an array of so many items.
func (c *Certificate) appendUnsigned(b []byte, items int) []byte {
	b = token.AppendUint(token.AppendArray(b, items), kindCertificate)
	b = token.AppendBytes(token.AppendBytes(token.AppendBytes(b, c.Purse[:]), c.Key[:]), c.Intermediary[:])
	b = token.AppendUint(token.AppendUint(b, uint64(c.Serial)), uint64(c.Deposit))
	b = token.AppendUint(token.AppendUint(b, uint64(c.MaxPayment)), uint64(c.MaxOffline))
	b = token.AppendUint(token.AppendUint(b, uint64(c.MaxHops)), uint64(c.AgeHours))
	return token.AppendUint(token.AppendUint(b, uint64(c.Class)), c.ExpiryMillis)
}

// Digest is what the intermediary signs: the certificate without its signature, as an array of one item less.
func (c *Certificate) Digest(network token.NetworkID) [32]byte {
	return digest(certificateDomain, network, c.appendUnsigned(nil, certificateItems-1))
}

const certificateItems = 13

// Append encodes the certificate.
func (c *Certificate) Append(b []byte) []byte {
	return token.AppendBytes(c.appendUnsigned(b, certificateItems), c.Signature[:])
}

// Sign signs a certificate whose fields pass Check.
func (c *Certificate) Sign(network token.NetworkID, certifier token.Signer) (err error) {
	if bad := c.Check(); bad != nil {
		return bad
	}
	if !c.Key.Usable() {
		return refuse(token.WeakKey, "key", "a key that proves nothing")
	}
	c.Signature, err = certifier.Sign(c.Digest(network))
	return err
}

// Check checks the rules of form. What it says of the ledger, and who signed it, is not looked at. Limits may be less
// than the class's and never more; all payments together may not be less than one.
func (c *Certificate) Check() *token.Error {
	most, known := ceilings[c.Class]
	switch {
	case !known:
		return refuse(token.UnknownKind, "class", "class %d, want 1 (software) or 2 (hardware)", c.Class)
	case c.Serial == 0:
		return refuse(token.OutOfRange, "serial", "certificates are counted from 1")
	case c.Deposit < 0 || c.Deposit > MaxAmount:
		return refuse(token.OutOfRange, "deposit", "%d tiyn, want 0 to %d", c.Deposit, int64(MaxAmount))
	case c.MaxPayment < 1 || c.MaxPayment > most.MaxPayment:
		return refuse(token.OutOfRange, "payment_most", "%s tenge; class %d may have up to %s", c.MaxPayment, c.Class,
			most.MaxPayment)
	case c.MaxOffline < c.MaxPayment || c.MaxOffline > most.MaxOffline:
		return refuse(token.OutOfRange, "offline_most", "%s tenge; want one payment's limit, %s, to %s", c.MaxOffline,
			c.MaxPayment, most.MaxOffline)
	case c.MaxHops < 1 || c.MaxHops > most.MaxHops:
		return refuse(token.OutOfRange, "hops_most", "%d, want 1 to %d", c.MaxHops, most.MaxHops)
	case c.AgeHours < 1 || c.AgeHours > most.AgeHours:
		return refuse(token.OutOfRange, "age_hours", "%d, want 1 to %d", c.AgeHours, most.AgeHours)
	}
	return nil
}

// Contradiction says why two certificates of one purse cannot both be by an intermediary that follows the rules, or ""
// where they can: what a purse is opened with never changes, and a deposit grows with each serial. The signatures are
// the caller's to check; with them the two prove it against the intermediary.
func Contradiction(a, b *Certificate) string {
	if a.Purse != b.Purse || a.Intermediary != b.Intermediary {
		return ""
	}
	if a.Serial > b.Serial {
		a, b = b, a
	}
	switch {
	case a.Key != b.Key:
		return "two keys"
	case a.Class != b.Class || a.Limits != b.Limits || a.ExpiryMillis != b.ExpiryMillis:
		return "two classes, limits or expiries"
	case a.Serial == b.Serial && a.Deposit != b.Deposit:
		return "two deposits under one serial"
	case a.Serial < b.Serial && a.Deposit >= b.Deposit:
		return "a deposit that does not grow with the serial"
	}
	return ""
}

// decodeCertificate reads a certificate and checks its form.
func decodeCertificate(d *token.Decoder) (c Certificate) {
	before := d.Pos()
	d.Array("certificate", certificateItems, certificateItems)
	kind(d, "certificate", kindCertificate)
	d.Fixed("certificate.purse", c.Purse[:])
	d.Fixed("certificate.key", c.Key[:])
	d.Fixed("certificate.intermediary", c.Intermediary[:])
	c.Serial = uint32(d.Uint("certificate.serial", 1<<32-1))
	c.Deposit = amount(d, "certificate.deposit")
	c.MaxPayment, c.MaxOffline = amount(d, "certificate.payment_most"), amount(d, "certificate.offline_most")
	c.MaxHops = uint8(d.Uint("certificate.hops_most", MaxHops))
	c.AgeHours = uint16(d.Uint("certificate.age_hours", MaxAgeHours))
	c.Class = Class(d.Uint("certificate.class", uint64(Hardware)))
	c.ExpiryMillis = d.Uint("certificate.expiry", token.MaxValidUntil)
	signature(d, "certificate.signature", &c.Signature)
	if d.Err() == nil && c.Key.Algorithm() != token.Ed25519 {
		d.Fail(refuse(token.UnknownKind, "certificate.key", "algorithm %d of the key", c.Key[0]))
	}
	tooLong(d, "certificate", d.Pos()-before, MaxCertificate)
	if d.Err() == nil {
		if err := c.Check(); err != nil {
			d.Fail(refuse(err.Code, "certificate."+err.Field, "%s", err.Detail))
		}
	}
	return c
}

// DecodeCertificate reads one certificate that fills data.
func DecodeCertificate(data []byte) (Certificate, error) {
	return whole(data, MaxCertificate, decodeCertificate)
}

// whole decodes what fills data exactly.
func whole[T any](data []byte, most int, decode func(*token.Decoder) T) (result T, _ error) {
	if len(data) > most {
		return result, refuse(token.TooLarge, "", "%d bytes, at most %d", len(data), most)
	}
	d := token.NewDecoder(data)
	result = decode(d)
	if err := d.Finish(); err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// kind reads a message's first item, which must be the one that is wanted.
func kind(d *token.Decoder, field string, want uint64) {
	if got := d.Uint(field, 255); d.Err() == nil && got != want {
		d.Fail(refuse(token.UnknownKind, field, "a message of kind %d, want %d", got, want))
	}
}

// amount reads an amount of 0 to MaxAmount.
func amount(d *token.Decoder, field string) money.Tiyn { return money.Tiyn(d.Uint(field, MaxAmount)) }

// signature reads a signature of the one algorithm that purses know.
func signature(d *token.Decoder, field string, s *token.Signature) {
	d.Fixed(field, s[:])
	if d.Err() == nil && token.Algorithm(s[0]) != token.Ed25519 {
		d.Fail(refuse(token.UnknownKind, field, "algorithm %d of the signature", s[0]))
	}
}

// tooLong fails what took more bytes than it may.
func tooLong(d *token.Decoder, field string, bytes, most int) {
	if d.Err() == nil && bytes > most {
		d.Fail(refuse(token.TooLarge, field, "%d bytes, at most %d", bytes, most))
	}
}
