package cash

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Unit is what the office's notes count: tiyn, as the standard names the minor unit of a currency of ISO 4217.
const Unit = "kzt"

// KeysetID is the version byte 01 and SHA-256 over a keyset's public face (NUT-02, version 2).
type KeysetID [33]byte

// String is the id as the protocol writes it.
func (id KeysetID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText writes the id as the protocol does.
func (id KeysetID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads an id.
func (id *KeysetID) UnmarshalText(text []byte) error {
	parsed, err := ParseKeysetID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// ParseKeysetID reads an id: 66 digits in lower case that begin with 01.
func ParseKeysetID(text string) (id KeysetID, err error) {
	if !isHex(text, len(id)) || text[:2] != "01" {
		return id, refuse(UnknownKeyset, "id", "must be 01 and 64 hexadecimal digits in lower case")
	}
	_, err = hex.Decode(id[:], []byte(text))
	return id, err
}

// isHex says whether a text is so many bytes in hexadecimal digits of lower case: one text for one value.
func isHex(text string, size int) bool {
	if len(text) != 2*size {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Keyset is a keyset as everybody sees it: one public key per denomination, in ascending order. Times are Unix seconds.
// The id binds unit, denominations, keys and expiry, but neither From nor Until.
type Keyset struct {
	ID      KeysetID
	Unit    string
	Amounts []money.Tiyn
	Keys    []curve.Point
	From    uint64 // signs from then
	Until   uint64 // signs until then
	Expiry  uint64 // is redeemed until then
}

// NewKeyset checks a keyset and derives its id.
func NewKeyset(unit string, amounts []money.Tiyn, keys []curve.Point, from, until,
	expiry uint64) (k Keyset, err error) {
	switch {
	case len(amounts) == 0 || len(amounts) > MaxDenominations || len(amounts) != len(keys):
		return k, refuse(Malformed, "keys", "need one key for each of 1 to %d denominations", MaxDenominations)
	case from > until || until > expiry:
		return k, refuse(Malformed, "expiry", "a keyset signs from, until and is redeemed until times that ascend")
	case unit == "":
		return k, refuse(UnknownUnit, "unit", "is missing")
	}
	for i, amount := range amounts {
		if amount < 1 || i > 0 && amount <= amounts[i-1] {
			return k, refuse(Malformed, "amounts", "denominations are positive and ascend")
		}
	}
	k = Keyset{Unit: unit, Amounts: slices.Clone(amounts), Keys: slices.Clone(keys), From: from, Until: until,
		Expiry: expiry}
	k.ID = DeriveID(k.Unit, k.Amounts, k.Keys, 0, expiry)
	return k, nil
}

// DeriveID is NUT-02's id of version 2: "amount:key" joined by commas in ascending order, the unit, the fee per input
// in thousandths unless it is 0, and the final expiry unless there is none.
func DeriveID(unit string, amounts []money.Tiyn, keys []curve.Point, feePPK, expiry uint64) (id KeysetID) {
	var text []byte
	for i, amount := range amounts {
		if i > 0 {
			text = append(text, ',')
		}
		point := keys[i].Bytes()
		text = strconv.AppendUint(text, uint64(amount), 10)
		text = append(text, ':')
		text = hex.AppendEncode(text, point[:])
	}
	text = append(text, "|unit:"...)
	text = append(text, unit...)
	if feePPK != 0 {
		text = append(text, "|input_fee_ppk:"...)
		text = strconv.AppendUint(text, feePPK, 10)
	}
	if expiry != 0 {
		text = append(text, "|final_expiry:"...)
		text = strconv.AppendUint(text, expiry, 10)
	}
	sum := sha256.Sum256(text)
	id[0] = 1
	copy(id[1:], sum[:])
	return id
}

// Index is a denomination's place, or -1.
func (k *Keyset) Index(amount money.Tiyn) int {
	i, found := slices.BinarySearch(k.Amounts, amount)
	if !found {
		return -1
	}
	return i
}

// Active says whether the keyset signs at a time. Until itself is past.
func (k *Keyset) Active(now uint64) bool { return k.From <= now && now < k.Until }

// Expired says whether its notes are not redeemed any more.
func (k *Keyset) Expired(now uint64) bool { return now >= k.Expiry }
