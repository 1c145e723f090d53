package sim

import (
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Town is who lives in Story.
type Town struct {
	BankA, BankB, Alice, Bob, Carol, Court token.WalletID
}

// Story executes every kind of transaction and of system entry once, on a new network.
func (w *World) Story(state ledger.State) (*Chain, Town) {
	c := w.NewChain(state)
	var town Town
	admit, bankA := w.Admit("bank A", 1, c.Now+1000)
	admitB, bankB := w.Admit("bank B", 2, c.Now+1000)
	town.BankA, town.BankB = bankA, bankB
	for _, refusal := range c.Block(admit, admitB) {
		if refusal != nil {
			panic(refusal)
		}
	}
	public := func(name string) token.PublicKey { return w.Key(name).Public() }
	register := func(registrar token.WalletID, sequence uint64, name string, tier uint8, a token.Attributes,
		recovery token.PublicKey) token.WalletID {
		return token.RegisteredID(c.Must(&token.Register{Registrar: registrar, Sequence: sequence, Key: public(name),
			Recovery: recovery, Tier: tier, Attributes: a}).ID())
	}
	town.Alice = register(bankA, 1, "alice", 1, token.Attributes{Region: "KZ-35", Role: "person"},
		public("alice recovery"))
	town.Bob = register(bankA, 2, "bob", 1, token.Attributes{Category: 5411, Role: "merchant"}, token.NoKey)
	town.Carol = register(bankA, 3, "carol", 0, token.Attributes{}, token.NoKey)
	town.Court = register(token.Authority, 3, "court", 2, token.Attributes{Role: ledger.CourtRole}, token.NoKey)

	issue := c.Must(&token.Issue{Sequence: 1, To: bankA, Amounts: []money.Tiyn{1_000_000 * money.Tenge,
		500_000 * money.Tenge}})
	out := token.OutputID
	fund := c.Must(&token.Transfer{
		Parties: []token.WalletID{bankA, town.Alice, town.Bob}, Payers: 1, Inputs: []token.ID{out(issue.ID(), 0)},
		Outputs: []token.Output{{Party: 1, Amount: 90_000 * money.Tenge}, {Party: 2, Amount: 60_000 * money.Tenge},
			{Party: 0, Amount: 850_000 * money.Tenge}},
		Memo: token.Plain("жалақы"),
	})
	// Two owners pay a third together, in the block after.
	both := c.Must(&token.Transfer{
		Parties: []token.WalletID{town.Alice, town.Bob, town.Carol}, Payers: 2,
		Inputs: []token.ID{out(fund.ID(), 0), out(fund.ID(), 1)},
		Outputs: []token.Output{{Party: 2, Amount: 3_000 * money.Tenge}, {Party: 0, Amount: 88_000 * money.Tenge},
			{Party: 1, Amount: 59_000 * money.Tenge}},
	})
	c.Must(&token.Redeem{From: bankA, Inputs: []token.ID{out(issue.ID(), 1)}, Amount: 400_000 * money.Tenge,
		Change: 100_000 * money.Tenge})
	c.Must(&token.Update{Wallet: town.Carol, Version: 1, Tier: 1, Attributes: token.Attributes{Role: "person"}})

	c.Must(&token.Freeze{Wallet: town.Bob, Version: 1, Mode: token.FreezeAll, Case: "2-11/2026"})
	c.Must(&token.Seize{Wallet: town.Bob, Inputs: []token.ID{out(both.ID(), 2)}, Amount: 9_000 * money.Tenge,
		Change: 50_000 * money.Tenge, Court: town.Court, Case: "2-11/2026"})
	c.Must(&token.Unfreeze{Wallet: town.Bob, Version: 2, Case: "2-11/2026"})

	c.Must(&token.Rekey{Wallet: town.Alice, Version: 1, By: token.RoleIntermediary, Key: public("thief")})
	c.Must(&token.CancelRekey{Wallet: town.Alice, Version: 2})
	c.Must(&token.Rekey{Wallet: town.Alice, Version: 3, By: token.RoleRecovery, Key: public("alice 2")})
	dora := register(bankA, 4, "dora", 0, token.Attributes{}, token.NoKey)
	c.Must(&token.Close{Wallet: dora, Version: 1, By: token.RoleWallet})

	c.Must(&token.Rekey{Wallet: town.Bob, Version: 3, By: token.RoleIntermediary, Key: public("bob 2")})
	policy := state.Authority().Policy
	policy.LeastToken = 2
	c.Must(&token.SetPolicy{Sequence: 4, Policy: policy})
	c.Must(&token.Propose{By: token.RolePolicy, Sequence: 5,
		Change: token.Change{DailyCap: 2_000_000_000 * money.Tenge}})
	refused := c.Must(&token.Propose{By: token.RolePolicy, Sequence: 6,
		Change: token.Change{DelayMillis: token.MinDelayMillis}})
	c.Must(&token.Veto{Sequence: 1, Proposal: refused.ID()})
	newKeys := token.KeySet{Threshold: 2, Keys: []token.PublicKey{public("enforcement 1"), public("enforcement 2")}}
	c.Must(&token.Propose{By: token.RoleRoot, Sequence: 2, Change: token.Change{Set: token.RoleEnforcement,
		Keys: &newKeys}})
	next := func() uint64 { return state.Authority().Set(token.RolePolicy).Sequence }
	w.programs(c, town, out(fund.ID(), 2), 850_000*money.Tenge)
	if w.Genesis.Rules >= 2 {
		erik := register(bankA, 5, "erik", 0, token.Attributes{}, token.NoKey)
		c.Must(&token.Close{Wallet: erik, Version: 1, By: token.RoleIntermediary})
		c.Must(&token.Cancel{Wallet: erik, Version: 2, By: token.RoleWallet})
		c.Must(&token.Close{Wallet: erik, Version: 3, By: token.RoleIntermediary}) // and is closed the day after
		w.held(c, bankA, 6)
	}
	if w.Genesis.Rules >= 4 {
		w.vouched(c, town)
	}
	if w.Genesis.Rules >= 5 {
		w.cash(c, bankB)
		w.shares(c, bankA)
	}
	c.Now += 86_400_000 // the day after: a key and two proposals take effect
	c.Must(&token.RenewIntermediary{Sequence: next(), Intermediary: bankB,
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{public("bank B 2")}}})
	c.Must(&token.Suspend{Sequence: next(), Intermediary: bankA, Suspended: true})
	c.Must(&token.Move{Sequence: next(), From: bankA, To: bankB, Wallets: []token.WalletID{town.Alice, town.Bob}})
	if w.Genesis.Rules >= 5 {
		w.purses(c, bankB)
		w.validators(c)
	}
	return c, town
}

// shares gives each registrar a share of one definition, which a second one of the same bank frees.
func (w *World) shares(c *Chain, bank token.WalletID) {
	a := c.State.Authority()
	policy := a.Policy
	policy.DefinitionsEach, policy.PurposesEach = 1, 2
	c.Must(&token.SetPolicy{Sequence: a.Set(token.RolePolicy).Sequence, Policy: policy})
	for _, name := range []string{"escrow", "refund"} {
		registrar, _ := c.State.Intermediary(bank)
		text, _ := contract.Template(name)
		source, problems := contract.Parse(text)
		if len(problems) > 0 {
			panic(problems)
		}
		source.Definition.About = "the bank's own " + name // and so another id
		c.Must(&token.Define{Registrar: bank, Sequence: registrar.Sequence, Definition: source.Definition.Encode()})
	}
}
