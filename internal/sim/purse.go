package sim

import (
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// purses lets a bank set a bond aside and open two purses, of which one pays the other twice from one copy: it settles,
// is convicted, and both are closed after their windows.
func (w *World) purses(c *Chain, bank token.WalletID) {
	model := c.State
	// Read each time: every act of the bank raises it.
	sequence := func() uint64 { b, _ := model.Intermediary(bank); return b.Sequence }
	issue := c.Must(&token.Issue{Sequence: model.Authority().Set(token.RoleIssue).Sequence, To: bank,
		Amounts: []money.Tiyn{5_000 * money.Tenge, 9_000 * money.Tenge}})
	c.Must(&token.BondPurses{Intermediary: bank, Sequence: sequence(), Certifier: w.Key("certifier").Public(),
		Inputs: []token.ID{token.OutputID(issue.ID(), 0)}, Amount: 4_000 * money.Tenge, Change: 1_000 * money.Tenge})
	owner := token.RegisteredID(c.Must(&token.Register{Registrar: bank, Sequence: sequence(),
		Key: w.Key("owner").Public(), Tier: 2}).ID())
	paid := c.Must(&token.Transfer{Parties: []token.WalletID{bank, owner}, Payers: 1,
		Inputs:  []token.ID{token.OutputID(issue.ID(), 1)},
		Outputs: []token.Output{{Party: 1, Amount: 9_000 * money.Tenge}}})
	openers := w.NewOpeners(23, 2, 3)
	c.Must(openers.Announce(model.Authority().Set(token.RolePolicy).Sequence))
	open := func(device string, deposit money.Tiyn, name string, inputs []token.ID,
		change money.Tiyn) *token.Transaction {
		body := &token.OpenPurse{Intermediary: bank, Sequence: sequence(), Owner: owner,
			Key:   w.Key(device).Public(),
			Class: 1, ExpiryMillis: c.Now + 5*86_400_000, Inputs: inputs, Deposit: deposit,
			Change: change,
			Limits: token.PurseLimits{Payment: 2_000 * money.Tenge, Offline: 10_000 * money.Tenge, Hops: 5,
				AgeHours: 168}}
		body.Sealed = openers.Seal(body, 1, name)
		return c.Must(body)
	}
	first := open("phone 1", 1_500*money.Tenge, "Aigul Serik 900101450012", []token.ID{token.OutputID(paid.ID(), 0)},
		7_500*money.Tenge)
	second := token.RegisteredID(open("phone 2", 0, "Bolat Ospan 850505300011", nil, 0).ID())
	purseID := token.RegisteredID(first.ID())
	c.Must(&token.FundPurse{From: owner, Purse: purseID, Inputs: []token.ID{token.OutputID(first.ID(), 0)},
		Amount: 500 * money.Tenge, Change: 7_000 * money.Tenge})
	link := func(amount money.Tiyn, payee token.WalletID, nonce byte) purse.Link {
		l := purse.Link{Purse: purseID, Number: 1, Amount: amount, Payee: payee, Nonce: purse.Nonce{nonce},
			TimeMillis: c.Now}
		signature, err := w.Key("phone 1").Sign(l.ID(w.Network))
		if err != nil {
			panic(err)
		}
		l.Signature = signature
		return l
	}
	one, two := link(1_800*money.Tenge, second, 1), link(1_700*money.Tenge, owner, 2)
	c.Must(&token.SettlePurses{Links: []token.Octets{one.Append(nil)}})
	conviction := purse.NewConviction(w.Network, one, two)
	c.Must(&token.ConvictPurse{Conviction: conviction.Append(nil)})
	c.Must(&token.SettlePurses{Links: []token.Octets{two.Append(nil), one.Append(nil)}})
	byConviction, _ := openers.Open(purseID, model.Purse(purseID).Sealed, 0, token.Hash{}, 1, 3)
	c.Must(byConviction)
	byCourt, _ := openers.Open(second, model.Purse(second).Sealed, 0, ledger.CaseHash("7599-26-00-2/1"), 2, 3)
	c.Must(byCourt)
	// Past the expiry and the window in which payees may still claim: a purse can be closed no earlier.
	c.Now += 5*86_400_000 + ledger.ClaimWindowMillis
	c.Must(&token.ClosePurse{Purse: purseID})
	c.Must(&token.ClosePurse{Purse: second})
	c.Must(&token.ClosePurse{Purse: bank})
}
