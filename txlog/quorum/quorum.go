package quorum

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// algorithm is the first byte of a quorum's key: signed notes leave it to the key's kind. 1 is Ed25519, 4 a
// cosignature, 6 ML-DSA (C2SP signed-note); this one is of the range that nobody assigns.
const algorithm = 0xf1

// MaxMembers bounds a quorum: a member's place in a signature is a bit of two bytes.
const MaxMembers = 16

// commitment separates what a key text commits to from anything else that is hashed.
const commitment = "aqsha quorum v1\n"

// Quorum is keys of which a number must sign. The order of the members is part of it.
type Quorum struct {
	Threshold int
	Members   []ed25519.PublicKey
}

// Max is how many of n members must sign for two quorums always to share an honest one: more than two thirds.
func Max(n int) int { return 2*n/3 + 1 }

// Check says what is wrong with a quorum.
func (q Quorum) Check() error {
	switch n := len(q.Members); {
	case n == 0 || n > MaxMembers:
		return fmt.Errorf("a quorum of %d members, want 1 to %d", n, MaxMembers)
	case q.Threshold < 1 || q.Threshold > n:
		return fmt.Errorf("%d of %d members must sign, want 1 to %d", q.Threshold, n, n)
	}
	for i, key := range q.Members {
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("member %d has a key of %d bytes, want %d", i, len(key), ed25519.PublicKeySize)
		}
		for _, other := range q.Members[:i] {
			if bytes.Equal(key, other) {
				return fmt.Errorf("member %d has the key of another", i)
			}
		}
	}
	return nil
}

// encode is the quorum as a signature carries it and a key commits to it: threshold, number, keys.
func (q Quorum) encode() []byte {
	b := []byte{byte(q.Threshold), byte(len(q.Members))}
	for _, key := range q.Members {
		b = append(b, key...)
	}
	return b
}

// digest is what a key text states of a quorum.
func digest(encoded []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(commitment), encoded...))
}

// Key is the verifier key text of a quorum under a name, in the form of signed notes: name+hash+base64.
func (q Quorum) Key(name string) (string, error) {
	if err := q.Check(); err != nil {
		return "", err
	}
	if name == "" || strings.ContainsAny(name, "+ \t\r\n") {
		return "", fmt.Errorf("%q: a key's name has no blanks and no plus", name)
	}
	sum := digest(q.encode())
	key := append([]byte{algorithm}, sum[:]...)
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, key), base64.StdEncoding.EncodeToString(key)), nil
}

// keyHash is that of signed notes.
func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// verifier checks signatures of the quorum that its key commits to.
type verifier struct {
	name string
	hash uint32
	sum  [sha256.Size]byte
}

func (v *verifier) Name() string    { return v.name }
func (v *verifier) KeyHash() uint32 { return v.hash }

// Verify is true when enough members of the quorum have signed the text.
func (v *verifier) Verify(text, signature []byte) bool {
	q, signed, err := decode(signature)
	if err != nil || digest(q.encode()) != v.sum {
		return false
	}
	count := 0
	for i, s := range signed {
		if s == nil {
			continue
		}
		if !ed25519.Verify(q.Members[i], text, s) {
			return false // whoever put it together has checked each: this is no signature that was made honestly
		}
		count++
	}
	return count >= q.Threshold
}

// NewVerifier reads a verifier key: a quorum's, or one of those that signed notes know.
func NewVerifier(text string) (note.Verifier, error) {
	name, rest, _ := strings.Cut(text, "+")
	hash16, key64, _ := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.DecodeString(key64)
	if err != nil || len(key) == 0 || key[0] != algorithm {
		return note.NewVerifier(text)
	}
	hash, err := strconv.ParseUint(hash16, 16, 32)
	switch {
	case err != nil || len(hash16) != 8 || name == "" || strings.ContainsAny(name, " \t\r\n"):
		return nil, errors.New("malformed verifier key of a quorum")
	case len(key) != 1+sha256.Size:
		return nil, fmt.Errorf("verifier key of a quorum has %d bytes, want %d", len(key), 1+sha256.Size)
	case uint32(hash) != keyHash(name, key):
		return nil, errors.New("verifier key of a quorum does not match its hash")
	}
	return &verifier{name, uint32(hash), [sha256.Size]byte(key[1:])}, nil
}

// Sign puts signatures of members over a note's text together into the quorum's signature line, and returns the note.
// signed has a signature or nil for each member, in order; those that do not hold are left out.
func (q Quorum) Sign(name, text string, signed [][]byte) ([]byte, error) {
	key, err := q.Key(name)
	if err != nil {
		return nil, err
	}
	v, err := NewVerifier(key)
	if err != nil {
		return nil, err
	}
	body, err := q.join(text, signed)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: text}, &joined{v, body})
}

// join encodes the members' signatures that hold.
func (q Quorum) join(text string, signed [][]byte) ([]byte, error) {
	if len(signed) != len(q.Members) {
		return nil, fmt.Errorf("%d signatures of %d members", len(signed), len(q.Members))
	}
	places, body, count := uint16(0), []byte{}, 0
	for i, s := range signed {
		if len(s) == ed25519.SignatureSize && ed25519.Verify(q.Members[i], []byte(text), s) {
			places |= 1 << i
			body = append(body, s...)
			count++
		}
	}
	if count < q.Threshold {
		return nil, fmt.Errorf("%d of %d members have signed, %d must", count, len(q.Members), q.Threshold)
	}
	return append(binary.BigEndian.AppendUint16(q.encode(), places), body...), nil
}

// joined gives a signature that is already made to whoever asks for one.
type joined struct {
	note.Verifier
	signature []byte
}

func (j *joined) Sign([]byte) ([]byte, error) { return j.signature, nil }

// decode reads a quorum's signature: the quorum, whose places signed (a bit each, the first member's the lowest), and
// their signatures in order.
func decode(b []byte) (q Quorum, signed [][]byte, err error) {
	if len(b) < 2 || int(b[1]) > MaxMembers {
		return q, nil, errors.New("no quorum's signature")
	}
	q.Threshold = int(b[0])
	n := int(b[1])
	if len(b) < 2+n*ed25519.PublicKeySize+2 {
		return q, nil, errors.New("a quorum's signature that ends early")
	}
	b = b[2:]
	for range n {
		q.Members = append(q.Members, slices.Clone(b[:ed25519.PublicKeySize]))
		b = b[ed25519.PublicKeySize:]
	}
	places := binary.BigEndian.Uint16(b)
	b = b[2:]
	// A bit beyond the members would be a second form of one signature; there is to be one.
	if err := q.Check(); err != nil || places>>n != 0 {
		return q, nil, errors.Join(errors.New("no quorum's signature"), err)
	}
	signed = make([][]byte, n)
	for i := range n {
		if places&(1<<i) == 0 {
			continue
		}
		if len(b) < ed25519.SignatureSize {
			return q, nil, errors.New("a quorum's signature that ends early")
		}
		signed[i], b = b[:ed25519.SignatureSize], b[ed25519.SignatureSize:]
	}
	if len(b) != 0 {
		return q, nil, errors.New("a quorum's signature with more after it")
	}
	return q, signed, nil
}

// NewSigner signs for a quorum with the keys of its members that are here: a ceremony's, or a test's. Members that run
// apart sign each for itself, and Sign puts that together.
func NewSigner(name string, q Quorum, keys []ed25519.PrivateKey) (note.Signer, error) {
	key, err := q.Key(name)
	if err != nil {
		return nil, err
	}
	v, err := NewVerifier(key)
	if err != nil {
		return nil, err
	}
	return &signer{v, q, keys}, nil
}

type signer struct {
	note.Verifier
	quorum Quorum
	keys   []ed25519.PrivateKey
}

func (s *signer) Sign(text []byte) ([]byte, error) {
	signed := make([][]byte, len(s.quorum.Members))
	for _, key := range s.keys {
		for i, member := range s.quorum.Members {
			if member.Equal(key.Public()) {
				signed[i] = ed25519.Sign(key, text)
			}
		}
	}
	return s.quorum.join(string(text), signed)
}

// secretTitle begins the text of a signed note's secret key (golang.org/x/mod/sumdb/note), which goes on with
// +NAME+HASH+KEY: the hash of the verifier key in hexadecimal, and in base64 an algorithm's byte and a seed.
const secretTitle = "PRIVATE+KEY"

// SoleSecret is the secret of a quorum whose one member has a key, in the form of a signed note's; OpenSecret reads it.
func SoleSecret(name string, key ed25519.PrivateKey) (string, error) {
	v, err := sole(name, key)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s+%s+%08x+%s", secretTitle, name, v.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{algorithm}, key.Seed()...))), nil
}

// sole signs for a quorum of one.
func sole(name string, key ed25519.PrivateKey) (*signer, error) {
	q := Quorum{Threshold: 1, Members: []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}}
	text, err := q.Key(name)
	if err != nil {
		return nil, err
	}
	v, err := NewVerifier(text)
	if err != nil {
		return nil, err
	}
	return &signer{v, q, []ed25519.PrivateKey{key}}, nil
}

// OpenSecret reads the secret of a log's key that one hand has: an Ed25519 key of a signed note, or that of a quorum of
// one. The verifier believes what the signer signs.
func OpenSecret(secret string) (note.Signer, note.Verifier, error) {
	// A name has no plus, base64 may.
	parts := strings.SplitN(secret, "+", 5)
	key, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(parts) != 5 || len(key) != 1+ed25519.SeedSize {
		return nil, nil, errors.New("not an Ed25519 key of a signed note")
	}
	private := ed25519.NewKeyFromSeed(key[1:])
	if key[0] == algorithm {
		s, err := sole(parts[2], private)
		if err != nil {
			return nil, nil, err
		}
		if text, err := SoleSecret(s.Name(), private); err != nil || secret != text {
			return nil, nil, errors.New("malformed secret of a quorum of one")
		}
		return s, s.Verifier, nil
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		return nil, nil, err
	}
	text, err := note.NewEd25519VerifierKey(s.Name(), private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, nil, err
	}
	v, err := note.NewVerifier(text)
	return s, v, err
}
