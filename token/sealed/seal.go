package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/oasisprotocol/curve25519-voi/curve"

	"github.com/aqsha/aqsha/token"
)

const (
	// MaxName is the most bytes of a name: who somebody is, and what identifies him to a court.
	MaxName = 200

	block  = 64 // names are filled up to a multiple of this many bytes, so that a seal does not say how long a name is
	tag    = 16 // of AES-GCM
	maxBox = 256 + tag
)

const (
	sealDomain = "aqsha sealed name v1"
	boxDomain  = "aqsha sealed name box v1"
)

// Purse is what a seal is bound to, before the purse has an id: who certifies it, who owns it, its device's key, and
// the number of the openers' key, from 1.
type Purse struct {
	Network      token.NetworkID
	Intermediary token.WalletID
	Owner        token.WalletID
	Device       token.PublicKey
	KeyNumber    uint32
}

func (p *Purse) context() []byte {
	return bound(p.Network[:], p.Intermediary[:], p.Owner[:], p.Device[:], number(uint64(p.KeyNumber)))
}

// Seal is a sealed name.
type Seal struct {
	KeyNumber uint32 // of the openers' key
	Point     Point  // rG
	Proof     Proof  // its maker knows r; bound to the purse and the box
	Box       []byte // the name, filled up, and its tag
}

// Append encodes the seal: at most 384 bytes.
func (s *Seal) Append(b []byte) []byte {
	b = token.AppendUint(token.AppendUint(token.AppendArray(b, 5), kindSeal), uint64(s.KeyNumber))
	return token.AppendBytes(token.AppendBytes(token.AppendBytes(b, s.Point[:]), s.Proof[:]), s.Box)
}

// Decode reads a seal that fills data.
func Decode(data []byte) (*Seal, error) {
	return whole(data, func(d *token.Decoder) *Seal {
		s := &Seal{}
		begin(d, kindSeal, 5)
		s.KeyNumber = uint32(d.Uint("key", 1<<32-1))
		d.Fixed("point", s.Point[:])
		d.Fixed("proof", s.Proof[:])
		s.Box = slices.Clone(d.Bytes("box", block+tag, maxBox))
		if d.Err() == nil && (len(s.Box)-tag)%block != 0 {
			d.Fail(token.Errorf(token.OutOfRange, "box", "%d bytes, want %d and a multiple of %d", len(s.Box), tag,
				block))
		}
		return s
	})
}

func (s *Seal) context(p *Purse) []byte {
	box := sha256.Sum256(s.Box)
	return bound(p.context(), s.Point[:], box[:])
}

// New seals a name of 1 to MaxName bytes of UTF-8 for a purse. Who seals states with it that the name was checked: no
// one else can, since the seal is closed.
func New(random io.Reader, key *Key, purse *Purse, name string) (*Seal, error) {
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
		return nil, token.Errorf(token.OutOfRange, "name", "%d bytes, want 1 to %d of UTF-8", len(name), MaxName)
	}
	public, ok := key.public()
	if !ok {
		return nil, token.Errorf(token.WeakKey, "commitments", "%s is no point of ristretto255", key.Commitments[0])
	}
	r, err := randomScalar(random)
	if err != nil {
		return nil, err
	}
	s := &Seal{KeyNumber: purse.KeyNumber, Point: encode(timesBase(r))}
	filled := append([]byte(name), 0x80)
	filled = append(filled, make([]byte, (block-len(filled)%block)%block)...)
	s.Box = box(s.Point, times(public, r)).Seal(nil, make([]byte, 12), filled, nil)
	s.Proof, err = prove(random, sealDomain, s.context(purse), r, curve.RISTRETTO_BASEPOINT_POINT)
	return s, err
}

// box is the cipher whose key only the sealer and so many openers have. Its one message has the nonce zero; what it is
// bound to, the proof says.
func box(point Point, secret *curve.RistrettoPoint) cipher.AEAD {
	shared := encode(secret)
	key := sha256.Sum256(bound([]byte(boxDomain+"\x00"), point[:], shared[:]))
	c, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCM(c)
	if err != nil {
		panic(err)
	}
	return aead
}

// Verify checks that the seal was made for this purse by somebody who knows what its point hides: it cannot be another
// purse's seal, or made of one.
func (s *Seal) Verify(purse *Purse) *token.Error {
	point, ok := decode(s.Point)
	if !ok {
		return token.Errorf(token.WeakKey, "sealed", "%s is no point of ristretto255", s.Point)
	}
	if s.KeyNumber != purse.KeyNumber ||
		!s.Proof.verify(sealDomain, s.context(purse), statement{curve.RISTRETTO_BASEPOINT_POINT, point}) {
		return token.Errorf(BadProof, "sealed", "the name was not sealed for this purse")
	}
	return nil
}

// Read reads the name with what openers have combined, for who asked.
func (s *Seal) Read(key *Key, asker *Secret, combined Point) (string, error) {
	opened, ok := decode(combined)
	public, good := key.public()
	if !ok || !good {
		return "", token.Errorf(token.WeakKey, "opened", "%s is no point of ristretto255", combined)
	}
	secret := curve.NewRistrettoPoint().Sub(opened, times(public, asker.scalar))
	filled, err := box(s.Point, secret).Open(nil, make([]byte, 12), s.Box, nil)
	if err != nil {
		return "", token.Errorf(NotReadable, "opened",
			"this key did not ask for it, or its intermediary sealed nothing that "+
				"opens: its proof and the shares are right")
	}
	end := len(filled) - 1
	for end >= 0 && filled[end] == 0 {
		end--
	}
	if end < 1 || filled[end] != 0x80 || !utf8.Valid(filled[:end]) {
		return "", token.Errorf(NotReadable, "opened", "what was sealed is no name")
	}
	return string(filled[:end]), nil
}
