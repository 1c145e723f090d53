package sim

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Template is the encoding of a shipped definition.
func Template(name string) []byte {
	text, ok := contract.Template(name)
	if !ok {
		panic(fmt.Sprintf("sim: no template %q", name))
	}
	source, problems := contract.Parse(text)
	if len(problems) > 0 {
		panic(problems)
	}
	return source.Definition.Encode()
}

// Before3 is a template as it was before rules version 3, under which blocks of earlier versions are made.
func Before3(name string) []byte {
	text, _ := contract.Template(name)
	old := strings.NewReplacer("assets: {tenge: plain}\n", "",
		" && arbiter.id != buyer.id && arbiter.id != seller.id && buyer.id != seller.id", "",
		"today", "now / day", "the network's days since 1970", "days since 1970").Replace(string(text))
	source, problems := contract.Parse([]byte(old))
	if len(problems) > 0 {
		panic(problems)
	}
	return source.Definition.Encode()
}

// Template is a template that the world's rules take.
func (w *World) Template(name string) []byte {
	if w.Genesis.Rules < 3 {
		return Before3(name)
	}
	return Template(name)
}

// Meals is a purpose whose money a school may have, which becomes plain when a canteen is paid. It lasts for twelve
// hours from now (ms), after which what is left goes to returns.
func Meals(returns token.WalletID, now uint64) token.Purpose {
	return token.Purpose{
		Name: "school meals", Earmark: `payer.role == "treasury"`, FromMillis: now, UntilMillis: now + 43_200_000,
		Permits: []token.Permit{{When: `payee.role == "canteen"`},
			{When: `payee.role == "school"`, Becomes: token.BecomesSame}},
		Hops: 2, Returns: returns,
	}
}

// programs executes every kind of programmable money in Story: marked money is spent, and what is left
// returns; one contract is closed by an action and one by its end.
func (w *World) programs(c *Chain, town Town, input token.ID, amount money.Tiyn) {
	policy := func() uint64 { return c.State.Authority().Set(token.RolePolicy).Sequence }
	agency := token.RegisteredID(c.Must(&token.SetAgency{Sequence: policy(), Name: "ministry",
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{w.Key("ministry").Public()}}}).ID())
	direct := func(name, role string) token.WalletID {
		return token.RegisteredID(c.Must(&token.Register{Sequence: policy(), Key: w.Key(name).Public(), Tier: 2,
			Attributes: token.Attributes{Role: role}}).ID())
	}
	treasury, canteen := direct("treasury", "treasury"), direct("canteen", "canteen")
	c.Must(&token.RegisterPurpose{Agency: agency, Sequence: 1, Purpose: Meals(treasury, c.Now)})

	out := token.OutputID
	fund := c.Must(&token.Transfer{Parties: []token.WalletID{town.BankA, treasury}, Payers: 1,
		Inputs: []token.ID{input},
		Outputs: []token.Output{{Party: 1, Amount: 50_000 * money.Tenge},
			{Party: 0, Amount: amount - 50_000*money.Tenge}}})
	mark := c.Must(&token.EarmarkedTransfer{Parties: []token.WalletID{treasury}, Inputs: []token.ID{out(fund.ID(), 0)},
		Outputs: []token.EarmarkedOutput{{Amount: 30_000 * money.Tenge, Becomes: 1}, {Amount: 20_000 * money.Tenge}}})
	c.Must(&token.EarmarkedTransfer{Parties: []token.WalletID{treasury, canteen}, Inputs: []token.ID{out(mark.ID(), 0)},
		Outputs: []token.EarmarkedOutput{{Party: 1, Amount: 700 * money.Tenge, From: 1},
			{Amount: 29_300 * money.Tenge, From: 1, Becomes: 1}}})

	definition := w.Template("escrow")
	c.Must(&token.Define{Sequence: policy(), Definition: definition})
	create := func(input token.ID) *token.Transaction {
		price := 3_000 * money.Tenge
		return c.Must(&token.Create{Creator: treasury, Definition: sha256.Sum256(definition),
			Parties: []token.WalletID{treasury, canteen, town.Court}, Assets: []uint32{0},
			Terms: []token.Value{token.Int(int64(price)), token.Int(1)}, Inputs: []token.ID{input},
			Paid: []money.Tiyn{price}})
	}
	first := create(out(mark.ID(), 1))
	create(out(first.ID(), 0)) // nobody acts: its end comes
	c.Must(&token.Act{Contract: token.RegisteredID(first.ID()), Version: 1, Action: "divide", Caller: town.Court,
		Args: []token.Value{token.Int(int64(1_000 * money.Tenge))}, Paid: []money.Tiyn{0}})
}

// held plays what is paid beyond a limit: a contract pays 100 tenge more than its payee may hold, who takes them when
// there is room.
func (w *World) held(c *Chain, bank token.WalletID, sequence uint64) {
	const most = 12_975 * money.Tenge // of the tier
	dana := token.RegisteredID(c.Must(&token.Register{Registrar: bank, Sequence: sequence,
		Key: w.Key("dana").Public()}).ID())
	payer := token.RegisteredID(c.Must(&token.Register{Registrar: bank, Sequence: sequence + 1,
		Key: w.Key("payer").Public(), Tier: 2}).ID())
	issue := c.Must(&token.Issue{Sequence: 2, To: bank, Amounts: []money.Tiyn{most + 100*money.Tenge}})
	fund := c.Must(&token.Transfer{Parties: []token.WalletID{bank, payer}, Payers: 1,
		Inputs:  []token.ID{token.OutputID(issue.ID(), 0)},
		Outputs: []token.Output{{Party: 1, Amount: most + 100*money.Tenge}}})
	create := c.Must(&token.Create{Creator: payer, Definition: sha256.Sum256(w.Template("escrow")),
		Parties: []token.WalletID{payer, dana, bank}, Assets: []uint32{0},
		Terms:  []token.Value{token.Int(int64(most + 100*money.Tenge)), token.Int(1)},
		Inputs: []token.ID{token.OutputID(fund.ID(), 0)}, Paid: []money.Tiyn{most + 100*money.Tenge}})
	release := c.Must(&token.Act{Contract: token.RegisteredID(create.ID()), Version: 1, Action: "release",
		Caller: payer, Paid: []money.Tiyn{0}})
	c.Must(&token.Transfer{Parties: []token.WalletID{dana, payer}, Payers: 1,
		Inputs:  []token.ID{token.OutputID(release.ID(), 0)},
		Outputs: []token.Output{{Party: 1, Amount: 60 * money.Tenge}, {Party: 0, Amount: most - 60*money.Tenge}}})
	c.Must(&token.Release{Held: token.HeldFor(dana), For: dana, By: token.RoleWallet,
		Inputs: []token.ID{token.OutputID(release.ID(), 1)},
		Amount: 60 * money.Tenge, Change: 40 * money.Tenge, To: dana})
}

// vouched lets the agency of the story vouch for two wallets, and take one back.
func (w *World) vouched(c *Chain, town Town) {
	agency := c.State.Agencies()[0]
	say := func(wallet token.WalletID, as string, withdrawn bool) {
		a, _ := c.State.Agency(agency)
		c.Must(&token.Vouch{Agency: agency, Sequence: a.Sequence, Wallet: wallet, As: as, Withdrawn: withdrawn})
	}
	say(town.Alice, "teacher", false)
	say(town.Alice, "KZ-35", false)
	say(town.Bob, "canteen", false)
	say(town.Bob, "canteen", true)
}
