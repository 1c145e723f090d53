package token

import (
	"encoding/hex"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// KeysetID is a banknotes' keyset (NUT-02): its version byte and SHA-256 over its public keys, unit and expiry.
type KeysetID [33]byte

func (id KeysetID) String() string               { return hex.EncodeToString(id[:]) }
func (id KeysetID) MarshalText() ([]byte, error) { return hexText(id[:]), nil }

func (id *KeysetID) UnmarshalText(text []byte) error { return fromHex(id[:], text) }

// Bounds of an announcement.
const (
	MaxDenominations = 64
	MaxUnit          = 8
	MaxLogOrigin     = 128
	MaxLogKey        = 256
	MaxSeconds       = 1 << 40 // Unix seconds
)

// AnnounceKeyset says, in the issue set's name, with which keys a cash office signs banknotes, and which wallet backs
// them. Without a reserve it opens one, of which Key is the office's; later keysets name it. Since rules version 5.
type AnnounceKeyset struct {
	Sequence      uint64       `json:"sequence"` // of the issue set
	Reserve       WalletID     `json:"reserve,omitzero"`
	Key           PublicKey    `json:"key,omitzero"` // of the reserve that is opened; none where one is named
	Keyset        KeysetID     `json:"keyset"`
	Unit          string       `json:"unit"`
	Denominations []money.Tiyn `json:"denominations"` // ascending
	From          uint64       `json:"from"`          // signs from then, in Unix seconds
	Until         uint64       `json:"until"`         // signs until then
	Expiry        uint64       `json:"expiry"`        // its notes are redeemed until then
	Origin        string       `json:"origin"`        // of the office's public log
	LogKey        string       `json:"log_key"`       // verifier key of that log's checkpoints
}

func (*AnnounceKeyset) Kind() Kind  { return KindAnnounceKeyset }
func (*AnnounceKeyset) fields() int { return 11 }

func (t *AnnounceKeyset) appendFields(b []byte) []byte {
	b = AppendBytes(AppendUint(b, t.Sequence), t.Reserve[:])
	b = AppendBytes(appendKey(b, t.Key), t.Keyset[:])
	b = AppendArray(AppendText(b, t.Unit), len(t.Denominations))
	for _, amount := range t.Denominations {
		b = AppendUint(b, uint64(amount))
	}
	b = AppendUint(AppendUint(AppendUint(b, t.From), t.Until), t.Expiry)
	return AppendText(AppendText(b, t.Origin), t.LogKey)
}

func (t *AnnounceKeyset) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Reserve = d.wallet("reserve")
	t.Key = d.optionalKey("key")
	d.Fixed("keyset", t.Keyset[:])
	t.Unit = d.Text("unit", 1, MaxUnit)
	n := d.Array("denominations", 1, MaxDenominations)
	for range n {
		t.Denominations = append(t.Denominations, d.amount("denominations"))
		if d.err != nil {
			return
		}
	}
	t.From, t.Until, t.Expiry = d.Uint("from", MaxSeconds), d.Uint("until", MaxSeconds), d.Uint("expiry", MaxSeconds)
	t.Origin, t.LogKey = d.Text("origin", 1, MaxLogOrigin), d.Text("log_key", 1, MaxLogKey)
}

// check: a keyset as NUT-02 has it, its times in order, and either a reserve that stands or the key of a new one.
func (t *AnnounceKeyset) check() *Error {
	switch opens := t.Reserve == (WalletID{}); {
	case opens && t.Key == NoKey:
		return Errorf(TooFew, "key", "an announcement names a reserve, or the key of the one that it opens")
	case !opens && t.Key != NoKey:
		return Errorf(OutOfRange, "key", "a reserve that stands has its key: the issue set re-keys it")
	case opens:
		if err := t.Key.check("key"); err != nil {
			return err
		}
	}
	// NUT-02: the first byte of a keyset id of 33 bytes is its version, the rest a hash of keys and fields
	// (docs/cash.md).
	if t.Keyset[0] != 1 {
		return Errorf(UnknownKind, "keyset", "version %d of keysets", t.Keyset[0])
	}
	if len(t.Unit) == 0 || len(t.Unit) > MaxUnit || !only(t.Unit, "abcdefghijklmnopqrstuvwxyz") {
		return Errorf(OutOfRange, "unit", "want 1 to %d of a–z", MaxUnit)
	}
	if err := counts("denominations", len(t.Denominations), MaxDenominations); err != nil {
		return err
	}
	for i, amount := range t.Denominations {
		if err := positive("denominations", amount); err != nil {
			return err
		}
		// Ascending, so that a list has one encoding and no denomination two keys.
		if i > 0 && amount <= t.Denominations[i-1] {
			return Errorf(Repeated, "denominations", "denominations ascend")
		}
	}
	if t.From >= t.Until || t.Until >= t.Expiry || t.Expiry > MaxSeconds {
		return Errorf(OutOfRange, "expiry", "a keyset signs from, signs until and expires at times that ascend")
	}
	if err := printable("origin", t.Origin, MaxLogOrigin); err != nil {
		return err
	}
	return printable("log_key", t.LogKey, MaxLogKey)
}

// printable checks a text that is a name in a signed note: visible ASCII alone.
func printable(field, text string, most int) *Error {
	if len(text) == 0 || len(text) > most {
		return Errorf(OutOfRange, field, "%d bytes, want 1 to %d", len(text), most)
	}
	if slices.ContainsFunc([]byte(text), func(c byte) bool { return c <= ' ' || c > '~' }) {
		return Errorf(OutOfRange, field, "want visible ASCII without spaces")
	}
	return nil
}

// StampCash enters the state of a cash office's public log, signed with its reserve's key: one view for everybody,
// since the ledger has one. Since rules version 5.
type StampCash struct {
	Reserve WalletID `json:"reserve"`
	Size    uint64   `json:"size"` // entries of the log
	Root    Hash     `json:"root"` // RFC 6962, over them
}

func (*StampCash) Kind() Kind  { return KindStampCash }
func (*StampCash) fields() int { return 3 }

func (t *StampCash) appendFields(b []byte) []byte {
	return AppendBytes(AppendUint(AppendBytes(b, t.Reserve[:]), t.Size), t.Root[:])
}

func (t *StampCash) decodeFields(d *Decoder) {
	t.Reserve = d.wallet("reserve")
	t.Size = d.Uint("size", 1<<53)
	d.Fixed("root", t.Root[:])
}

func (t *StampCash) check() *Error {
	if t.Size == 0 || t.Size > 1<<53 {
		return Errorf(OutOfRange, "size", "%d, want 1 to %d", t.Size, uint64(1<<53))
	}
	return nil
}
