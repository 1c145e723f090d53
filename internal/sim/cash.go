package sim

import (
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// cash lets the issue set announce a cash office's keyset, a bank buy notes, the office redeem some, and its log be
// entered.
func (w *World) cash(c *Chain, bank token.WalletID) {
	sequence := c.State.Authority().Set(token.RoleIssue).Sequence
	issue := c.Must(&token.Issue{Sequence: sequence, To: bank, Amounts: []money.Tiyn{50_000 * money.Tenge}})
	now := c.Now / 1000
	announcement := c.Must(&token.AnnounceKeyset{Sequence: sequence + 1, Key: w.Key("cash office").Public(),
		Keyset: token.KeysetID{1, 7}, Unit: "kzt",
		Denominations: []money.Tiyn{1, 2, 5, 10, 20, 50}, From: now, Until: now + 15_552_000, Expiry: now + 77_760_000,
		Origin: "cash.example/log", LogKey: "cash.example/log+9d2f1c04+key"})
	reserve := token.RegisteredID(announcement.ID())
	bought := c.Must(&token.Transfer{Parties: []token.WalletID{bank, reserve}, Payers: 1,
		Inputs:  []token.ID{token.OutputID(issue.ID(), 0)},
		Outputs: []token.Output{{Party: 1, Amount: 20_000 * money.Tenge}, {Party: 0, Amount: 30_000 * money.Tenge}},
		Memo:    token.Plain("7f31")})
	c.Must(&token.Transfer{Parties: []token.WalletID{reserve, bank}, Payers: 1,
		Inputs:  []token.ID{token.OutputID(bought.ID(), 0)},
		Outputs: []token.Output{{Party: 1, Amount: 1_250 * money.Tenge}, {Party: 0, Amount: 18_750 * money.Tenge}},
		Memo:    token.Plain("cash redeemed 00112233445566778899aabbccddeeff lunch")})
	c.Must(&token.StampCash{Reserve: reserve, Size: 3, Root: token.Hash{5}})
}
