package token

import "slices"

// MaxOpeners is the most openers of sealed names that have one key.
const MaxOpeners = 16

// AnnounceOpeners announces the key under which the names of purses' owners are sealed from now on; names sealed under
// the keys before it stay what they are. Package sealed says what is in it. Signed by the authority's policy keys.
// Since rules version 5.
type AnnounceOpeners struct {
	Sequence    uint64 `json:"sequence"`    // of the policy set
	Members     uint8  `json:"members"`     // openers, numbered from 1
	Commitments []Hash `json:"commitments"` // points; as many as open a name together
}

func (*AnnounceOpeners) Kind() Kind  { return KindAnnounceOpeners }
func (*AnnounceOpeners) fields() int { return 3 }

func (t *AnnounceOpeners) appendFields(b []byte) []byte {
	b = AppendUint(AppendUint(b, t.Sequence), uint64(t.Members))
	b = AppendArray(b, len(t.Commitments))
	for _, c := range t.Commitments {
		b = AppendBytes(b, c[:])
	}
	return b
}

func (t *AnnounceOpeners) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Members = uint8(d.Uint("members", MaxOpeners))
	for range d.Array("commitments", 1, MaxOpeners) {
		var c Hash
		if d.Fixed("commitments", c[:]); d.err != nil {
			return
		}
		t.Commitments = append(t.Commitments, c)
	}
}

func (t *AnnounceOpeners) check() *Error {
	if err := counts("commitments", len(t.Commitments), MaxOpeners); err != nil {
		return err
	}
	if t.Members > MaxOpeners || len(t.Commitments) > int(t.Members) {
		return Errorf(OutOfRange, "members", "%d of %d openers, at most %d", len(t.Commitments), t.Members, MaxOpeners)
	}
	return nil
}

// OpenName opens the sealed name of a purse's owner for who asked. Nobody signs it: the openers' shares prove that they
// made them for this request. Since rules version 5.
type OpenName struct {
	Purse  WalletID    `json:"purse"`
	Number uint32      `json:"number"` // how many times the purse's name was opened before
	Case   Hash        `json:"case"`   // of a court; zeros where the purse is convicted
	Asker  Hash        `json:"asker"`  // a point whose secret who asked holds
	Proof  Octets      `json:"proof"`  // that it does: 64 bytes
	Shares []NameShare `json:"shares"` // by opener
}

// NameShare is an opener's part.
type NameShare struct {
	Opener uint8  `json:"opener"`
	Point  Hash   `json:"point"`
	Proof  Octets `json:"proof"` // 64 bytes
}

const proofBytes = 64

func (*OpenName) Kind() Kind  { return KindOpenName }
func (*OpenName) fields() int { return 6 }

func (t *OpenName) appendFields(b []byte) []byte {
	b = AppendBytes(AppendUint(AppendBytes(b, t.Purse[:]), uint64(t.Number)), t.Case[:])
	b = AppendArray(AppendBytes(AppendBytes(b, t.Asker[:]), t.Proof), len(t.Shares))
	for i := range t.Shares {
		s := &t.Shares[i]
		b = AppendBytes(AppendUint(AppendArray(b, 3), uint64(s.Opener)), s.Point[:])
		b = AppendBytes(b, s.Proof)
	}
	return b
}

func (t *OpenName) decodeFields(d *Decoder) {
	t.Purse = d.wallet("purse")
	t.Number = uint32(d.Uint("number", 1<<32-1))
	d.Fixed("case", t.Case[:])
	d.Fixed("asker", t.Asker[:])
	t.Proof = slices.Clone(d.Bytes("proof", proofBytes, proofBytes))
	for range d.Array("shares", 1, MaxOpeners) {
		var s NameShare
		d.Array("shares", 3, 3)
		s.Opener = uint8(d.Uint("shares.opener", MaxOpeners))
		d.Fixed("shares.point", s.Point[:])
		if s.Proof = slices.Clone(d.Bytes("shares.proof", proofBytes, proofBytes)); d.err != nil {
			return
		}
		t.Shares = append(t.Shares, s)
	}
}

// check: shares ascend by opener, each once. Whether they open the name the ledger computes.
func (t *OpenName) check() *Error {
	if err := counts("shares", len(t.Shares), MaxOpeners); err != nil {
		return err
	}
	if len(t.Proof) != proofBytes {
		return Errorf(OutOfRange, "proof", "%d bytes, want %d", len(t.Proof), proofBytes)
	}
	for i := range t.Shares {
		s := &t.Shares[i]
		if len(s.Proof) != proofBytes || s.Opener > MaxOpeners {
			return Errorf(OutOfRange, "shares", "opener %d of at most %d, a proof of %d bytes, want %d", s.Opener,
				MaxOpeners, len(s.Proof), proofBytes)
		}
		if i > 0 && s.Opener <= t.Shares[i-1].Opener {
			return Errorf(Repeated, "shares", "opener %d stands twice, or out of order", s.Opener)
		}
	}
	return nil
}
