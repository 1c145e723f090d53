package proof

import (
	"slices"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// MemosOfOthers counts the payments of a file that say more than sums of somebody else, to which none of the wallets
// was a party: a memo that can be read, whose purse was opened, whom links of purses paid. An entry's hash covers it as
// it stands: nothing can be left out of a file. What a payer gave by its hash, or encrypted for the payee, says nothing
// to anybody else.
func (f *File) MemosOfOthers(wallets ...token.WalletID) (count int) {
	for _, included := range f.Entries {
		e, err := ledger.DecodeEntry(included.Entry)
		if err != nil || e.Transaction == nil {
			continue // a file that was just made; a foreign one is judged by Check
		}
		parties, named := disclosed(e)
		if named && !slices.ContainsFunc(wallets, func(w token.WalletID) bool { return slices.Contains(parties, w) }) {
			count++
		}
	}
	return count
}

// disclosed are the parties of whom an entry says more than sums, if it does.
func disclosed(e ledger.Entry) (parties []token.WalletID, named bool) {
	switch t := e.Transaction.Body.(type) {
	case *token.Transfer:
		return t.Parties, t.Memo.Text() != ""
	case *token.EarmarkedTransfer:
		return t.Parties, t.Memo.Text() != ""
	case *token.OpenPurse:
		return []token.WalletID{t.Owner, t.Intermediary}, true
	case *token.FundPurse:
		return []token.WalletID{t.From}, true
	case *token.SettlePurses, *token.ConvictPurse, *token.ClosePurse:
		for _, made := range e.Effects.Made {
			if made.Wallet != ledger.PurseFund {
				parties = append(parties, made.Wallet)
			}
		}
		return parties, len(parties) > 0
	}
	return nil, false
}
