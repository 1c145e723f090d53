package livestate

import (
	"bytes"
	"encoding/binary"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// pageTokens is how many tokens a page holds; the last one may hold fewer.
const pageTokens = 4096

// page is tokens in columns: their ids, their amounts, and what is not as it is with nearly all of them, plain and
// without hops. Whose they are follows from the wallets before it, which say how many tokens each has.
type page struct {
	count   int
	ids     []byte
	amounts []byte // uvarints
	others  []byte // of each token that is not plain: how many tokens further, issuer, unit, purpose, hops; uvarints
	last    int    // the token after the last of these
}

// add adds a token: id and amount always, the rest only of those that are not plain tenge of no hops.
func (p *page) add(t *chunkToken, assets []token.Asset) {
	p.ids = append(p.ids, t.id[:]...)
	p.amounts = binary.AppendUvarint(p.amounts, uint64(t.amount))
	if t.asset != plainAsset || t.hops != 0 {
		a := assets[t.asset]
		for _, v := range [...]uint64{uint64(p.count - p.last), uint64(a.Issuer), uint64(a.Unit), uint64(a.Purpose),
			uint64(t.hops)} {
			p.others = binary.AppendUvarint(p.others, v)
		}
		p.last = p.count + 1
	}
	p.count++
}

// flush writes the page and empties it.
func (p *page) flush(out *snapshotWriter) {
	out.record(func(b []byte) []byte {
		b = token.AppendUint(token.AppendArray(b, 3), recordPage)
		b = token.AppendBytes(b, p.ids)
		return token.AppendBytes(b, append(p.amounts, p.others...))
	})
	p.count, p.last, p.ids, p.amounts, p.others = 0, 0, p.ids[:0], p.amounts[:0], p.others[:0]
}

// noneFurther is the number of no token in a page.
const noneFurther = -1

// maxPageBytes bounds the amounts and the rest of a page. For each token the longest uvarints of its six numbers: an
// amount below 2⁶³ takes 9 bytes, a number of 32 bits 5, one of 16 bits 3, and those below 16,384 two.
const maxPageBytes = pageTokens * (9 + 2 + 5 + 2 + 5 + 3)

// owed are wallets whose tokens are still to come, in order. Invariant: tokens is the sum of left over wallets.
type owed struct {
	wallets []owedWallet
	tokens  int
	partial bool // a page with fewer tokens was there: it must be the last
}

type owedWallet struct {
	slot   uint32
	left   uint32
	amount money.Tiyn // still to come
	last   token.ID   // that came
}

// putWallet loads a wallet.
func (l *loader) putWallet(id token.WalletID, w ledger.Wallet, detail ledger.Detail) error {
	if l.owed.tokens >= pageTokens || l.owed.partial {
		return badSnapshot("wallet %s stands where a page of tokens, or nothing more, should", id)
	}
	l.state.PutWallet(id, w)
	if detail != (ledger.Detail{}) {
		l.state.PutDetail(id, detail)
	}
	if w.Tokens == 0 {
		if w.Balance != 0 {
			return badSnapshot("wallet %s states %s in no tokens", id, w.Balance)
		}
		return nil
	}
	slot, _ := l.state.wallets.find(id)
	l.owed.tokens += int(w.Tokens)
	l.owed.wallets = append(l.owed.wallets, owedWallet{slot: slot, left: w.Tokens, amount: w.Balance})
	return nil
}

// page loads a page. A page is full but for the last one, which comes where all that is owed is in it: one state has
// one way to be cut into pages, and so one root.
func (l *loader) page(d *token.Decoder) error {
	ids := d.Bytes("ids", 32, 32*pageTokens)
	columns := uvarints{left: d.Bytes("amounts", 1, maxPageBytes)}
	if d.Err() != nil {
		return badSnapshot("record %d: %v", l.count, d.Err())
	}
	count := len(ids) / 32
	if len(ids)%32 != 0 || count > l.owed.tokens || (count < pageTokens && count != l.owed.tokens) {
		return badSnapshot("a page with %d bytes of ids, where wallets have %d tokens to come", len(ids), l.owed.tokens)
	}
	l.owed.tokens -= count
	l.owed.partial = count < pageTokens
	l.ids, l.amounts = l.ids[:0], l.amounts[:0]
	for i := range count {
		l.ids = append(l.ids, token.ID(ids[32*i:]))
		l.amounts = append(l.amounts, money.Tiyn(columns.next(maxUint63)))
	}
	l.homes = l.state.tokens.homes(l.ids, l.homes[:0]) // fetches them from memory
	other := columns.further(0)
	for i, id := range l.ids {
		t := ledger.Token{Amount: l.amounts[i]}
		if i == other {
			t.Asset = token.Asset{Issuer: uint32(columns.next(1<<32 - 1)), Unit: uint16(columns.next(999)),
				Purpose: uint32(columns.next(1<<32 - 1))}
			t.Hops = uint16(columns.next(1<<16 - 1))
			columns.bad = columns.bad || (t.Asset == token.PlainTenge && t.Hops == 0)
			other = columns.further(i + 1)
		}
		if columns.bad {
			return badSnapshot("token %s is not in its form", id)
		}
		if err := l.token(id, t); err != nil {
			return err
		}
	}
	if len(columns.left) != 0 || other != noneFurther {
		return badSnapshot("a page speaks of more tokens than it has")
	}
	return nil
}

// token loads a token of the first wallet that is owed one. The checks are those on which the rules rely without ever
// adding up again: ids ascend in a wallet, amounts sum to the wallet's balance, no sum exceeds what circulates.
func (l *loader) token(id token.ID, t ledger.Token) error {
	s, w := l.state, &l.owed.wallets[0]
	switch {
	case bytes.Compare(w.last[:], id[:]) >= 0:
		return badSnapshot("token %s is out of order", id)
	case t.Amount <= 0 || t.Amount > w.amount || t.Amount > s.authority.Circulating()-s.total:
		return badSnapshot("token %s of %s is more than its wallet states, or circulates", id, t.Amount)
	case t.Asset.Purpose != 0 && s.Purpose(t.Asset.Purpose) == nil:
		return badSnapshot("token %s is marked with no known purpose", id)
	}
	t.Wallet = s.wallets.at(w.slot).key
	if !s.addToken(id, w.slot, t) {
		return badSnapshot("token %s stands twice", id)
	}
	w.last = id
	w.amount -= t.Amount
	if w.left--; w.left > 0 {
		return nil
	}
	if w.amount != 0 {
		return badSnapshot("wallet %s states %s more than its tokens", t.Wallet, w.amount)
	}
	l.owed.wallets = l.owed.wallets[1:]
	return nil
}

// uvarints reads numbers in their shortest form. bad stays once it is set, so that it is asked for once a token.
type uvarints struct {
	left []byte
	bad  bool
}

// next reads a number in its shortest form; 0, with bad set, for any other.
func (u *uvarints) next(most uint64) uint64 {
	v, n := binary.Uvarint(u.left)
	if n <= 0 || v > most || (n > 1 && u.left[n-1] == 0) {
		u.bad = true
		return 0
	}
	u.left = u.left[n:]
	return v
}

// further is the number of the next token that is not plain, counted from a token on; none if that was the last.
func (u *uvarints) further(from int) int {
	if len(u.left) == 0 {
		return noneFurther
	}
	return from + int(u.next(pageTokens))
}
