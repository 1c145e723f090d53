// Package sealed keeps a name for a court: whoever opens a purse has his name sealed under the key of several openers,
// and so many of them as their key says can open it together, for one who asked, and for nobody else.
//
// A seal is hybrid ElGamal on ristretto255 (RFC 9496) under the openers' joint public key Y: the point C = rG, a proof
// that its maker knows r, bound to the purse, and the name under AES-256-GCM with a key of rY. The proof makes it
// worthless to copy another's point (Shoup and Gennaro's TDH2 has the same shape): a seal with a point that is not
// one's own cannot be made, so that opening one name never opens another.
//
// The openers' secret is never in one place: each deals a polynomial (Feldman's commitments; Pedersen's joint key), and
// the sum of what was dealt to an opener is its share x_i, whose public key Y_i everybody computes from the
// commitments. Who asks for a name shows a point A = aG and proves that it knows a. An opener's share of an opening is
// x_i(C + A) with a proof that it is the same x_i as of Y_i (a DLEQ, as RFC 9497 section 2.2 has it). So many as the
// threshold, combined, are x(C + A) = rY + aY: only who knows a has rY.
//
// The package is pure: randomness is an argument. It may import money and token.
package sealed
