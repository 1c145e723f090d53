package proof

import (
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// MemosOfOthers counts the payments of a file whose memo can be read in it, and to which none of the wallets was a
// party. An entry's hash covers its memo as it stands: a memo cannot be left out of a file. What the payer gave by its
// hash, or encrypted for the payee, says nothing to anybody else.
func (f *File) MemosOfOthers(wallets ...token.WalletID) (count int) {
	for _, included := range f.Entries {
		e, err := ledger.DecodeEntry(included.Entry)
		if err != nil || e.Transaction == nil {
			continue // a file that was just made; a foreign one is judged by Check
		}
		memo, parties := memoOf(e.Transaction.Body)
		if memo.Text() == "" || slices.ContainsFunc(wallets, func(w token.WalletID) bool {
			return slices.Contains(parties, w)
		}) {
			continue
		}
		count++
	}
	return count
}

// memoOf is a payment's memo, and who paid and was paid.
func memoOf(body token.Body) (token.Memo, []token.WalletID) {
	switch t := body.(type) {
	case *token.Transfer:
		return t.Memo, t.Parties
	case *token.EarmarkedTransfer:
		return t.Memo, t.Parties
	}
	return token.Memo{}, nil
}
