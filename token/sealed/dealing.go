package sealed

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"slices"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token"
)

const (
	dealDomain = "aqsha openers deal v1"
	maskDomain = "aqsha openers share v1"
)

// Dealing is one opener's part of the openers' key: commitments to a polynomial of its own, and the polynomial's value
// for each opener, which only that opener can read. Openers name each other in one order, by public points of their
// own.
type Dealing struct {
	Dealer      uint8   // from 1
	Commitments []Point // as many as the threshold
	Proof       Proof   // the dealer knows what the first commits to: nobody can undo the others' by it
	Ephemeral   Point
	Masked      []token.Hash // by opener: the value, masked with what the ephemeral secret and the opener's point make
}

// Append encodes the dealing.
func (l *Dealing) Append(b []byte) []byte {
	b = token.AppendUint(token.AppendUint(token.AppendArray(b, 6), kindDealing), uint64(l.Dealer))
	b = token.AppendArray(b, len(l.Commitments))
	for _, c := range l.Commitments {
		b = token.AppendBytes(b, c[:])
	}
	b = token.AppendBytes(token.AppendBytes(b, l.Proof[:]), l.Ephemeral[:])
	b = token.AppendArray(b, len(l.Masked))
	for _, m := range l.Masked {
		b = token.AppendBytes(b, m[:])
	}
	return b
}

// DecodeDealing reads a dealing that fills data.
func DecodeDealing(data []byte) (*Dealing, error) {
	return whole(data, func(d *token.Decoder) *Dealing {
		l := &Dealing{}
		begin(d, kindDealing, 6)
		l.Dealer = uint8(d.Uint("dealer", MaxOpeners))
		l.Commitments = decodePoints(d, "commitments")
		d.Fixed("proof", l.Proof[:])
		d.Fixed("ephemeral", l.Ephemeral[:])
		l.Masked = decodePoints(d, "shares")
		return l
	})
}

func dealContext(network token.NetworkID, dealer uint8, members []Point, commitments []Point) []byte {
	context := append(slices.Clone(network[:]), dealer, uint8(len(members)))
	for _, p := range append(slices.Clone(members), commitments...) {
		context = append(context, p[:]...)
	}
	return context
}

// mask is what hides the value for an opener.
func mask(context []byte, ephemeral Point, shared *curve.RistrettoPoint, opener int) (m token.Hash) {
	secret := encode(shared)
	return sha256.Sum256(bound([]byte(maskDomain+"\x00"), context, ephemeral[:], secret[:], []byte{byte(opener)}))
}

// Deal draws a polynomial and shares it out to members, of whom the dealer is one.
func Deal(random io.Reader, network token.NetworkID, dealer uint8, threshold int,
	members []Point) (*Dealing, error) {
	if len(members) == 0 || len(members) > MaxOpeners || threshold < 1 || threshold > len(members) || dealer == 0 ||
		int(dealer) > len(members) {
		return nil, token.Errorf(token.OutOfRange, "members", "opener %d, %d of %d, at most %d", dealer, threshold,
			len(members), MaxOpeners)
	}
	l, polynomial := &Dealing{Dealer: dealer}, make([]*scalar.Scalar, threshold)
	for j := range polynomial {
		a, err := randomScalar(random)
		if err != nil {
			return nil, err
		}
		polynomial[j] = a
		l.Commitments = append(l.Commitments, encode(timesBase(a)))
	}
	// The proof is over network, members and commitments: nobody deals another's polynomial as its own, here or
	// elsewhere.
	context := dealContext(network, dealer, members, l.Commitments)
	ephemeral, err := randomScalar(random)
	if err != nil {
		return nil, err
	}
	l.Ephemeral = encode(timesBase(ephemeral))
	for i, member := range members {
		public, ok := decode(member)
		if !ok {
			return nil, token.Errorf(token.WeakKey, "members", "%s is no point of ristretto255", member)
		}
		// At i+1, for at 0 the polynomial is the secret. Horner, from the highest coefficient.
		at, value := scalar.NewFromUint64(uint64(i+1)), scalar.New()
		for j := threshold - 1; j >= 0; j-- {
			value = scalar.New().Add(scalar.New().Mul(value, at), polynomial[j])
		}
		masked, hidden := bytesOf(value), mask(context, l.Ephemeral, times(public, ephemeral), i+1)
		subtle.XORBytes(masked[:], masked[:], hidden[:])
		l.Masked = append(l.Masked, masked)
	}
	// That the dealer knows its secret: without it the last to deal could choose commitments that cancel the others'
	// (rogue key).
	l.Proof, err = prove(random, dealDomain, context, polynomial[0], curve.RISTRETTO_BASEPOINT_POINT)
	return l, err
}

// Join puts the dealings of all members together, in their order: the openers' key, and the opener's share of its
// secret. A dealing that does not fit is refused with its dealer's number; openers of one key compare it before it is
// announced. The last to deal could choose among keys, which is of no use to it: it does not learn the secret of any
// (Gennaro, Jarecki, Krawczyk, Rabin 2007, section 5).
func Join(network token.NetworkID, members []Point, opener uint8, own *Secret,
	dealings []*Dealing) (*Key, *Secret, error) {
	if opener == 0 || int(opener) > len(members) || len(dealings) != len(members) {
		return nil, nil, token.Errorf(token.OutOfRange, "members", "opener %d of %d, %d dealings", opener, len(members),
			len(dealings))
	}
	if members[opener-1] != own.Public() {
		return nil, nil, token.Errorf(token.OutOfRange, "members", "opener %d has another key", opener)
	}
	key, share := &Key{Members: uint8(len(members))}, scalar.New()
	sums := make([]*curve.RistrettoPoint, len(dealings[0].Commitments))
	for j := range sums {
		sums[j] = curve.NewRistrettoPoint().Identity()
	}
	for i, l := range dealings {
		if int(l.Dealer) != i+1 || len(l.Commitments) != len(sums) || len(l.Masked) != len(members) {
			return nil, nil, token.Errorf(token.OutOfRange, "dealings", "dealing %d is opener %d's, of other numbers",
				i+1,
				l.Dealer)
		}
		// Verified against the dealer's commitments (Feldman 1987): a wrong share names its dealer, and is not
		// summed.
		value, err := l.value(network, members, opener, own)
		if err != nil {
			return nil, nil, err
		}
		share = scalar.New().Add(share, value)
		for j, c := range l.Commitments {
			p, _ := decode(c)
			sums[j] = plus(sums[j], p)
		}
	}
	for _, s := range sums {
		key.Commitments = append(key.Commitments, encode(s))
	}
	if err := key.Check(); err != nil {
		return nil, nil, err
	}
	// The sum of the shares is a share of the sum of the polynomials: nobody ever has the secret itself.
	secret, err := SecretOf(bytesOf(share))
	return key, secret, err
}

// value is what a dealing has for an opener, checked against the commitments.
func (l *Dealing) value(network token.NetworkID, members []Point, opener uint8, own *Secret) (*scalar.Scalar, error) {
	dealt := Key{Members: uint8(len(members)), Commitments: l.Commitments}
	if err := dealt.Check(); err != nil {
		return nil, err
	}
	ephemeral, ok := decode(l.Ephemeral)
	if !ok {
		return nil, token.Errorf(token.WeakKey, "dealings", "%s is no point of ristretto255", l.Ephemeral)
	}
	context := dealContext(network, l.Dealer, members, l.Commitments)
	first, _ := dealt.public()
	if !l.Proof.verify(dealDomain, context, statement{curve.RISTRETTO_BASEPOINT_POINT, first}) {
		return nil, token.Errorf(BadProof, "dealings", "opener %d does not know what it dealt", l.Dealer)
	}
	masked, hidden := l.Masked[opener-1], mask(context, l.Ephemeral, times(ephemeral, own.scalar), int(opener))
	subtle.XORBytes(masked[:], masked[:], hidden[:])
	value, err := scalar.NewFromCanonicalBytes(masked[:])
	want, _ := dealt.ofMember(opener)
	if err != nil || timesBase(value).Equal(want) != 1 {
		return nil, token.Errorf(BadProof, "dealings",
			"opener %d dealt opener %d a share that does not fit its commitments",
			l.Dealer, opener)
	}
	return value, nil
}
