package node_test

import (
	"crypto/sha256"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// voyageRules puts marked money and contracts into a voyage: what is marked is spent or returns, of two contracts one is
// closed by an action and one by its end.
type voyageRules struct {
	*voyage
	state               *livestate.State
	bank, holder, other token.WalletID
	agency              token.WalletID
	contracts           []token.WalletID
}

// token finds a token of a wallet that this group has not spent, and spends it.
func (v *voyageRules) token(id token.WalletID, purpose uint32, least money.Tiyn, spent map[token.ID]bool) (livestate.LiveToken, bool) {
	for _, t := range v.state.TokensOf(id, 50) {
		if !spent[t.ID] && t.Asset == token.PurposeAsset(purpose) && t.Amount >= least {
			spent[t.ID] = true
			return t, true
		}
	}
	return livestate.LiveToken{}, false
}

// next is what group i adds, if what it needs is there.
func (v *voyageRules) next(i int, spent map[token.ID]bool) *token.Transaction {
	policy := func() uint64 { return v.state.Authority().Set(token.RolePolicy).Sequence }
	switch i {
	case 0:
		tx := v.chain.Make(&token.SetAgency{Sequence: policy(), Name: "agency", Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{v.world.Key("agency").Public()}}})
		v.agency = token.RegisteredID(tx.ID())
		return tx
	case 1:
		p := token.Purpose{Name: "voyage", Earmark: "true", FromMillis: 0, UntilMillis: v.chain.Now + 43_200_000, Returns: v.other,
			Permits: []token.Permit{{When: "amount % 2 == 0"}, {When: "true", Becomes: token.BecomesSame}}}
		return v.chain.Make(&token.RegisterPurpose{Agency: v.agency, Sequence: 1, Purpose: p})
	case 2:
		return v.chain.Make(&token.Define{Sequence: policy(), Definition: v.world.Template("escrow")})
	case 3: // money of the bank is marked for a holder
		if t, ok := v.token(v.bank, 0, 100, spent); ok {
			return v.chain.Make(&token.EarmarkedTransfer{Parties: []token.WalletID{v.bank, v.holder}, Inputs: []token.ID{t.ID},
				Outputs: []token.EarmarkedOutput{{Party: 1, Amount: 51, Becomes: 1}, {Amount: t.Amount - 51}}})
		}
	case 4, 5: // two contracts
		if t, ok := v.token(v.bank, 0, 100, spent); ok {
			tx := v.chain.Make(&token.Create{Creator: v.bank, Definition: sha256.Sum256(v.world.Template("escrow")), Parties: []token.WalletID{v.bank, v.holder, v.other}, Assets: []uint32{0},
				Terms: []token.Value{token.Int(77), token.Int(1)}, Inputs: []token.ID{t.ID}, Paid: []money.Tiyn{77}})
			v.contracts = append(v.contracts, token.RegisteredID(tx.ID()))
			return tx
		}
	case 6, 8: // the mark is kept by one payment and lost by the other
		if t, ok := v.token(v.holder, 1, 21, spent); ok {
			amount, becomes := money.Tiyn(11), uint32(1)
			if i == 8 {
				amount, becomes = 20, 0
			}
			return v.chain.Make(&token.EarmarkedTransfer{Parties: []token.WalletID{v.holder, v.other}, Inputs: []token.ID{t.ID},
				Outputs: []token.EarmarkedOutput{{Party: 1, Amount: amount, From: 1, Becomes: becomes}, {Amount: t.Amount - amount, From: 1, Becomes: 1}}})
		}
	case 7: // the day is over when group 9 comes: what is left returns then, and the second contract ends
		if len(v.contracts) > 0 {
			return v.chain.Make(&token.Act{Contract: v.contracts[0], Version: 1, Action: "divide", Caller: v.other, Args: []token.Value{token.Int(33)}, Paid: []money.Tiyn{0}})
		}
	}
	return nil
}

// A voyage in which the rules did nothing would prove nothing about them.
func TestVoyagesHaveMarksAndContracts(t *testing.T) {
	for seed := range uint64(3) {
		v := newVoyage(t, seed)
		transactions, systems := map[token.Kind]int{}, map[ledger.SystemKind]int{}
		for _, block := range v.chain.Blocks {
			for _, data := range block {
				e, err := ledger.DecodeEntry(data)
				if err != nil {
					t.Fatal(err)
				}
				if e.Transaction != nil {
					transactions[e.Transaction.Body.Kind()]++
				}
				if e.System != nil {
					systems[e.System.Kind]++
				}
			}
		}
		if transactions[token.KindEarmarkedTransfer] < 2 || transactions[token.KindAct] < 1 || transactions[token.KindCreate] < 2 {
			t.Errorf("seed %d: %v", seed, transactions)
		}
		if systems[ledger.SystemEnd] < 1 || systems[ledger.SystemExpiry] < 1 {
			t.Errorf("seed %d: system entries %v", seed, systems)
		}
	}
}
