package purse

import "github.com/aqsha/aqsha/token"

// Conflict says why two links of one purse cannot both be by a purse that followed the rules, or "" when they can.
// Their signatures are the caller's to check (Conviction.Verify).
func Conflict(network token.NetworkID, a, b *Link) string {
	if a.Purse != b.Purse {
		return ""
	}
	if a.Number > b.Number {
		a, b = b, a
	}
	return ConflictOf(a, b, a.ID(network), b.ID(network))
}

// ConflictOf is Conflict for two links of one purse whose ids are known, the lower by number first: of the links
// themselves it reads neither nonce, time, payee nor signature.
func ConflictOf(a, b *Link, aID, bID token.Hash) string {
	between := int64(b.Number) - int64(a.Number) - 1 // links, of a tiyn at least each
	switch {
	case a.Number == b.Number && aID == bID:
		return ""
	case a.Number == b.Number:
		return "two links of one number"
	case between == 0 && b.Previous != aID:
		return "the next link names another before it"
	case between == 0 && b.PaidBefore != a.End():
		return "the next link does not go on with what was paid"
	case int64(b.PaidBefore) < int64(a.End())+between:
		return "what was paid falls"
	case b.ReceivedBefore < a.ReceivedBefore:
		return "what was received falls"
	}
	return ""
}

// Conviction is two links of one purse that conflict: by itself the proof that its key signed what no purse that
// follows the rules signs. Anybody may submit it.
type Conviction struct {
	A Link `json:"a"`
	B Link `json:"b"`
}

// NewConviction puts a pair in the one order: by number, then by id.
func NewConviction(network token.NetworkID, a, b Link) Conviction {
	x, y := a.ID(network), b.ID(network)
	if a.Number > b.Number || (a.Number == b.Number && compareHashes(x, y) > 0) {
		a, b = b, a
	}
	return Conviction{a, b}
}

// Verify checks a conviction under the key that the ledger, or a certificate, gives the purse.
func (c *Conviction) Verify(network token.NetworkID, purse token.WalletID, key token.PublicKey) *token.Error {
	switch {
	case c.A.Purse != purse || c.B.Purse != purse:
		return refuse(OtherPurse, "conviction", "both links have to be of purse %s", purse)
	case *c != NewConviction(network, c.A, c.B):
		return refuse(token.NotCanonical, "conviction", "the links stand in order of number, then id")
	case Conflict(network, &c.A, &c.B) == "":
		return refuse(NoConflict, "conviction", "links %d and %d of purse %s do not conflict", c.A.Number, c.B.Number,
			purse)
	case !c.A.Verify(network, key) || !c.B.Verify(network, key):
		return refuse(BadSignature, "conviction", "a link that the purse's key did not sign convicts nobody")
	}
	return nil
}

// Append encodes the conviction.
func (c *Conviction) Append(b []byte) []byte {
	return c.B.Append(c.A.Append(token.AppendUint(token.AppendArray(b, 3), kindConviction)))
}

// DecodeConviction reads one conviction that fills data.
func DecodeConviction(data []byte) (Conviction, error) {
	return whole(data, MaxMessage, func(d *token.Decoder) (c Conviction) {
		d.Array("conviction", 3, 3)
		kind(d, "conviction", kindConviction)
		c.A = decodeLink(d)
		c.B = decodeLink(d)
		return c
	})
}

// Convict looks for a pair of links that convicts a purse. Links whose signatures were checked are assumed.
//
// Neighbours in the order of numbers suffice: where each neighbour pair goes on, what was paid and received rises
// throughout. Time is that of sorting the purse's links.
func Convict(network token.NetworkID, purse token.WalletID, links []Link) (Conviction, bool) {
	own := ofPurse(network, purse, links)
	for i := 1; i < len(own); i++ {
		if Conflict(network, &own[i-1], &own[i]) != "" {
			return NewConviction(network, own[i-1], own[i]), true
		}
	}
	return Conviction{}, false
}
