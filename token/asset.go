package token

import "github.com/aqsha/aqsha/money"

// Asset is what a token is worth something of. The zero Asset is plain digital tenge.
type Asset struct {
	Issuer  uint32 `json:"issuer"`  // 0 is the central bank
	Unit    uint16 `json:"unit"`    // 0 is the tenge; otherwise the ISO 4217 number
	Purpose uint32 `json:"purpose"` // 0 is unmarked
}

// PlainTenge is unmarked tenge of the central bank.
var PlainTenge Asset

// appendAsset encodes an asset that is not plain tenge.
func appendAsset(b []byte, a Asset) []byte {
	b = AppendArray(b, 3)
	b = AppendUint(b, uint64(a.Issuer))
	b = AppendUint(b, uint64(a.Unit))
	return AppendUint(b, uint64(a.Purpose))
}

// asset reads an asset. Plain tenge is refused, as it has another way to be written.
func (d *Decoder) asset(field string) (a Asset) {
	d.Array(field, 3, 3)
	a.Issuer = uint32(d.Uint(field+".issuer", 1<<32-1))
	a.Unit = uint16(d.Uint(field+".unit", 999))
	a.Purpose = uint32(d.Uint(field+".purpose", 1<<32-1))
	if d.err == nil && a == PlainTenge {
		d.err = Errorf(NotCanonical, field, "plain tenge is written by leaving the asset out")
	}
	return a
}

// amount reads a positive amount. Negative and zero amounts have codes of their own.
func (d *Decoder) amount(field string) money.Tiyn {
	major, n := d.head(field)
	if d.err == nil {
		d.err = checkAmount(field, major, n)
	}
	return money.Tiyn(n)
}

// checkAmount says what is wrong with an amount, as it is written.
func checkAmount(field string, major byte, n uint64) *Error {
	switch {
	case major == majorNegint:
		return Errorf(AmountNegative, field, "an amount is positive")
	case major != majorUint:
		return Errorf(WrongType, field, "CBOR major type %d, want an unsigned integer", major)
	case n == 0:
		return Errorf(AmountZero, field, "an amount is positive")
	case n > 1<<63-1:
		return Errorf(AmountOverflow, field, "%d exceeds 63 bits", n)
	}
	return nil
}

// positive says what is wrong with an amount in memory, by the same codes.
func positive(field string, amount money.Tiyn) *Error {
	if amount < 0 {
		return Errorf(AmountNegative, field, "an amount is positive")
	}
	return checkAmount(field, majorUint, uint64(amount))
}

// sum adds amounts; an overflow names the field.
func sum(field string, total, amount money.Tiyn) (money.Tiyn, *Error) {
	total, err := money.Add(total, amount)
	if err != nil {
		return 0, Errorf(AmountOverflow, field, "the sum exceeds 63 bits")
	}
	return total, nil
}
