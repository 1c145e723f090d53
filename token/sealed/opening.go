package sealed

import (
	"fmt"
	"io"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token"
)

// Codes of the rules of sealed names.
const (
	BadProof    token.Code = "seal-proof"    // a seal, request or share whose proof does not hold
	NotReadable token.Code = "seal-unopened" // a name that this key cannot read
)

const (
	requestDomain = "aqsha opening request v1"
	shareDomain   = "aqsha opening share v1"
)

// Secret is a scalar of who asks, or of an opener. It is not to be shown.
type Secret struct{ scalar *scalar.Scalar }

// NewSecret draws one.
func NewSecret(random io.Reader) (*Secret, error) {
	s, err := randomScalar(random)
	return &Secret{s}, err
}

// Public is its point.
func (s *Secret) Public() Point { return encode(timesBase(s.scalar)) }

// Bytes are its 32 bytes, little-endian, for a key file.
func (s *Secret) Bytes() token.Hash { return bytesOf(s.scalar) }

// SecretOf reads what Bytes wrote.
func SecretOf(b token.Hash) (*Secret, error) {
	s, err := scalar.NewFromCanonicalBytes(b[:])
	if err != nil || s.Equal(scalar.New()) == 1 {
		return nil, fmt.Errorf("no scalar of the group other than zero")
	}
	return &Secret{s}, nil
}

// Request asks for a purse's name.
type Request struct {
	Purse  token.WalletID `json:"purse"`
	Number uint32         `json:"number"` // how many times the purse was opened before
	Case   token.Hash     `json:"case"`   // of a court; zeros where the purse is convicted
	Asker  Point          `json:"asker"`  // A
	Proof  Proof          `json:"proof"`  // the asker knows a
}

func (r *Request) context(network token.NetworkID) []byte {
	return bound(network[:], r.Purse[:], number(uint64(r.Number)), r.Case[:], r.Asker[:])
}

// NewRequest signs a request with the asker's secret.
func NewRequest(random io.Reader, network token.NetworkID, r Request, asker *Secret) (_ *Request, err error) {
	r.Asker = asker.Public()
	r.Proof, err = prove(random, requestDomain, r.context(network), asker.scalar, curve.RISTRETTO_BASEPOINT_POINT)
	return &r, err
}

// Verify checks that the asker knows the secret of its point.
func (r *Request) Verify(network token.NetworkID) *token.Error {
	asker, ok := decode(r.Asker)
	if !ok {
		return token.Errorf(token.WeakKey, "asker", "%s is no point of ristretto255", r.Asker)
	}
	if !r.Proof.verify(requestDomain, r.context(network), statement{curve.RISTRETTO_BASEPOINT_POINT, asker}) {
		return token.Errorf(BadProof, "proof", "who asks does not prove that it holds the secret of its key")
	}
	return nil
}

// Append encodes the request.
func (r *Request) Append(b []byte) []byte {
	b = token.AppendBytes(token.AppendUint(token.AppendArray(b, 6), kindRequest), r.Purse[:])
	b = token.AppendBytes(token.AppendUint(b, uint64(r.Number)), r.Case[:])
	return token.AppendBytes(token.AppendBytes(b, r.Asker[:]), r.Proof[:])
}

// DecodeRequest reads a request that fills data.
func DecodeRequest(data []byte) (*Request, error) {
	return whole(data, func(d *token.Decoder) *Request {
		r := &Request{}
		begin(d, kindRequest, 6)
		d.Fixed("purse", r.Purse[:])
		r.Number = uint32(d.Uint("number", 1<<32-1))
		d.Fixed("case", r.Case[:])
		d.Fixed("asker", r.Asker[:])
		d.Fixed("proof", r.Proof[:])
		return r
	})
}

// Share is an opener's part of an opening.
type Share struct {
	Opener uint8 `json:"opener"` // from 1
	Point  Point `json:"point"`  // x_i(C + A)
	Proof  Proof `json:"proof"`
}

// Append encodes the share.
func (s *Share) Append(b []byte) []byte {
	b = token.AppendUint(token.AppendUint(token.AppendArray(b, 4), kindShare), uint64(s.Opener))
	return token.AppendBytes(token.AppendBytes(b, s.Point[:]), s.Proof[:])
}

// DecodeShare reads a share that fills data.
func DecodeShare(data []byte) (*Share, error) {
	return whole(data, func(d *token.Decoder) *Share {
		s := &Share{}
		begin(d, kindShare, 4)
		s.Opener = uint8(d.Uint("opener", MaxOpeners))
		d.Fixed("point", s.Point[:])
		d.Fixed("proof", s.Proof[:])
		return s
	})
}

// base is C + A: what an opener multiplies.
func base(r *Request, s *Seal) (*curve.RistrettoPoint, *token.Error) {
	point, ok := decode(s.Point)
	asker, good := decode(r.Asker)
	if !ok || !good {
		return nil, token.Errorf(token.WeakKey, "asker", "the seal's point or the asker's is none of ristretto255")
	}
	sum := plus(point, asker)
	if sum.IsIdentity() {
		return nil, token.Errorf(token.WeakKey, "asker", "the asker's point undoes the seal's")
	}
	return sum, nil
}

func (s *Share) context(network token.NetworkID, r *Request, of *curve.RistrettoPoint,
	seal *Seal) []byte {
	public := encode(of)
	return bound(r.context(network), []byte{s.Opener}, public[:], seal.Point[:], s.Point[:])
}

// NewShare makes an opener's share for a request whose proof holds.
func NewShare(random io.Reader, network token.NetworkID, r *Request, seal *Seal, opener uint8,
	secret *Secret) (*Share, error) {
	if err := r.Verify(network); err != nil {
		return nil, err
	}
	b, refusal := base(r, seal)
	if refusal != nil {
		return nil, refusal
	}
	s := &Share{Opener: opener, Point: encode(times(b, secret.scalar))}
	context := s.context(network, r, timesBase(secret.scalar), seal)
	var err error
	s.Proof, err = prove(random, shareDomain, context, secret.scalar, curve.RISTRETTO_BASEPOINT_POINT, b)
	return s, err
}

// Verify checks that the share is what this opener of the key makes of the request.
func (s *Share) Verify(network token.NetworkID, r *Request, seal *Seal, key *Key) *token.Error {
	if s.Opener == 0 || s.Opener > key.Members {
		return token.Errorf(token.OutOfRange, "shares", "opener %d, want 1 to %d", s.Opener, key.Members)
	}
	b, err := base(r, seal)
	if err != nil {
		return err
	}
	public, ok := key.ofMember(s.Opener)
	point, good := decode(s.Point)
	if !ok || !good {
		return token.Errorf(token.WeakKey, "shares", "the share of opener %d is no point of ristretto255", s.Opener)
	}
	if !s.Proof.verify(shareDomain, s.context(network, r, public, seal),
		statement{curve.RISTRETTO_BASEPOINT_POINT, public}, statement{b, point}) {
		return token.Errorf(BadProof, "shares", "opener %d did not make this share for this request", s.Opener)
	}
	return nil
}

// Combine checks a request and exactly as many shares as the key's threshold, by opener, and puts them together: x(C +
// A).
func Combine(network token.NetworkID, r *Request, seal *Seal, key *Key, shares []Share) (Point, *token.Error) {
	if err := r.Verify(network); err != nil {
		return Point{}, err
	}
	if len(shares) != key.Threshold() {
		return Point{}, token.Errorf(token.TooFew, "shares", "%d shares, want %d", len(shares), key.Threshold())
	}
	members := make([]uint8, len(shares))
	for i := range shares {
		if err := shares[i].Verify(network, r, seal, key); err != nil {
			return Point{}, err
		}
		if members[i] = shares[i].Opener; i > 0 && members[i] <= members[i-1] {
			return Point{}, token.Errorf(token.Repeated, "shares", "opener %d stands twice, or out of order",
				members[i])
		}
	}
	sum := curve.NewRistrettoPoint().Identity()
	for i := range shares {
		point, _ := decode(shares[i].Point)
		sum = plus(sum, times(point, lagrange(members[i], members)))
	}
	return encode(sum), nil
}
