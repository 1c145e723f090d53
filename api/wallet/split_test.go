package wallet_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// purse is a payer with a few tokens of a few marks on a ledger of its own, and one who is paid.
type purse struct {
	chain        *sim.Chain
	model        *ledger.Model
	payer, payee token.WalletID
	purposes     []token.Purpose
	least        money.Tiyn
}

func drawnPurse(t *rapid.T) *purse {
	p := &purse{model: ledger.NewModel()}
	p.chain = sim.NewWorld(1).NewChain(p.model)
	sequence := func(role token.Role) uint64 { return p.model.Central.Set(role).Sequence }
	admit, bank := p.chain.Admit("bank", 1, p.chain.Now+1000)
	if err := p.chain.Try(admit); err != nil {
		t.Fatal(err)
	}
	policy := p.model.Central.Policy
	if rapid.IntRange(0, 3).Draw(t, "dust") == 0 {
		policy.LeastToken = 3
	}
	if rapid.IntRange(0, 3).Draw(t, "few inputs") == 0 {
		policy.MostInputs = 4
	}
	p.chain.Must(&token.SetPolicy{Sequence: sequence(token.RolePolicy), Policy: policy})
	p.least = policy.LeastToken
	agency := token.RegisteredID(p.chain.Must(&token.SetAgency{Sequence: sequence(token.RolePolicy), Name: "agency",
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{p.chain.Key("agency").Public()}}}).ID())
	person := func(name string) token.WalletID {
		return token.RegisteredID(p.chain.Must(&token.Register{Sequence: sequence(token.RolePolicy), Key: p.chain.Key(name).Public(), Tier: 2}).ID())
	}
	p.payer, p.payee = person("payer"), person("payee")
	for i := range rapid.IntRange(1, 2).Draw(t, "purposes") {
		edge := rapid.IntRange(1, 9).Draw(t, "edge")
		when := rapid.SampledFrom([]string{"amount > 0", "1 > 2", fmt.Sprintf("amount >= %d", edge), fmt.Sprintf("amount < %d", edge), fmt.Sprintf("amount == %d", edge)}).Draw(t, "when")
		purpose := token.Purpose{Name: fmt.Sprint("purpose ", i), Mark: "true", Returns: p.payer, FromMillis: p.chain.Now,
			UntilMillis: p.chain.Now + rapid.SampledFrom([]uint64{5_000, 3_600_000, 7_200_000}).Draw(t, "until"),
			Hops:        rapid.Uint16Range(0, 2).Draw(t, "hops"), Permits: []token.Permit{{When: when, Becomes: rapid.SampledFrom([]uint32{0, token.BecomesSame}).Draw(t, "becomes")}}}
		if rapid.Bool().Draw(t, "another way") {
			purpose.Permits = append(purpose.Permits, token.Permit{When: fmt.Sprintf("amount > %d", edge+2), Becomes: rapid.SampledFrom([]uint32{0, token.BecomesSame}).Draw(t, "otherwise")})
		}
		if rapid.IntRange(0, 2).Draw(t, "capped") == 0 {
			purpose.PaymentMost = money.Tiyn(rapid.IntRange(1, 9).Draw(t, "most"))
		}
		p.chain.Must(&token.RegisterPurpose{Agency: agency, Sequence: uint64(i + 1), Purpose: purpose})
		p.purposes = append(p.purposes, purpose)
	}
	for range rapid.IntRange(1, 5).Draw(t, "tokens") {
		amount := money.Tiyn(rapid.Int64Range(int64(p.least), 7).Draw(t, "token"))
		issue := p.chain.Must(&token.Issue{Sequence: sequence(token.RoleIssue), To: bank, Amounts: []money.Tiyn{amount}})
		pay := p.chain.Must(&token.Transfer{Parties: []token.WalletID{bank, p.payer}, Payers: 1, Inputs: []token.ID{token.OutputID(issue.ID(), 0)}, Outputs: []token.Output{{Party: 1, Amount: amount}}})
		id, number := token.OutputID(pay.ID(), 0), uint32(rapid.IntRange(0, len(p.purposes)).Draw(t, "mark"))
		if held := p.model.Tokens[id]; number != 0 { // as if it had been marked and passed on
			held.Asset, held.Hops = token.PurposeAsset(number), rapid.Uint16Range(0, 2).Draw(t, "used")
			p.model.Tokens[id] = held
			p.model.Purpose(number).Entered += amount
		}
	}
	p.chain.Now += 1000
	return p
}

func (p *purse) tokens() (all []livestate.LiveToken) {
	for id, held := range p.model.Tokens {
		if held.Wallet == p.payer {
			all = append(all, livestate.LiveToken{ID: id, Token: held})
		}
	}
	slices.SortFunc(all, func(a, b livestate.LiveToken) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return all
}

// pay pays shares with tokens, on the ledger.
func (p *purse) pay(shares []wallet.Share, inputs map[uint32][]livestate.LiveToken) *token.Error {
	t := &token.MarkedTransfer{Parties: []token.WalletID{p.payer, p.payee}}
	for _, s := range shares {
		for _, in := range inputs[s.Number] {
			t.Inputs = append(t.Inputs, in.ID)
		}
		t.Outputs = append(t.Outputs, token.MarkedOutput{Party: 1, Amount: s.Amount, From: s.Number, Becomes: s.Becomes})
		if change := node.AmountOf(inputs[s.Number]) - s.Amount; change > 0 {
			t.Outputs = append(t.Outputs, token.MarkedOutput{Amount: change, From: s.Number, Becomes: s.Number})
		}
	}
	return p.chain.Try(p.chain.Make(t))
}

// anyWay tries every set of tokens and every division of the amount among their marks.
func (p *purse) anyWay(tokens []livestate.LiveToken, amount money.Tiyn, most int) bool {
	for set := 1; set < 1<<len(tokens); set++ {
		inputs := map[uint32][]livestate.LiveToken{}
		count := 0
		for i, held := range tokens {
			if set>>i&1 == 1 {
				inputs[held.Asset.Purpose] = append(inputs[held.Asset.Purpose], held)
				count++
			}
		}
		if count > most {
			continue
		}
		var numbers []uint32
		for number := range uint32(len(p.purposes) + 1) {
			if len(inputs[number]) > 0 {
				numbers = append(numbers, number)
			}
		}
		if p.divide(numbers, inputs, amount, nil) {
			return true
		}
	}
	return false
}

func (p *purse) divide(numbers []uint32, inputs map[uint32][]livestate.LiveToken, left money.Tiyn, shares []wallet.Share) bool {
	if len(numbers) == 0 {
		return left == 0 && p.pay(shares, inputs) == nil
	}
	number, has := numbers[0], node.AmountOf(inputs[numbers[0]])
	for x := max(1, p.least); x <= min(has, left); x++ {
		if change := has - x; change > 0 && change < p.least {
			continue
		}
		for _, becomes := range slices.Compact([]uint32{0, number}) {
			if p.divide(numbers[1:], inputs, left-x, append(slices.Clone(shares), wallet.Share{Number: number, Amount: x, Becomes: becomes})) {
				return true
			}
		}
	}
	return false
}

// If any tokens pay, of any marks and in any division, ours do; and the ledger takes what we choose.
func TestIfAnySelectionPaysOursDoes(t *testing.T) {
	paid, refused, divided := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := drawnPurse(t)
		amount := money.Tiyn(rapid.Int64Range(int64(p.least), 14).Draw(t, "amount"))
		tokens, sources := p.tokens(), []wallet.Source{}
		for number := range uint32(len(p.purposes) + 1) {
			s := wallet.Source{Number: number}
			for _, held := range tokens {
				if held.Asset.Purpose == number {
					s.Tokens = append(s.Tokens, held)
				}
			}
			if number > 0 {
				rule, problems := contract.CompilePurpose(p.purposes[number-1])
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				s.Rules, s.Until = []*contract.Rule{rule}, p.purposes[number-1].UntilMillis
			}
			sources = append(sources, s)
		}
		payer, payee := contract.Party{ID: p.payer, Tier: 2}, contract.Party{ID: p.payee, Tier: 2}
		bounds := node.Bounds{Most: p.model.Central.Policy.MostInputs, Least: p.least}
		shares, err := wallet.Split(sources, contract.Payment{Payer: &payer, Payee: &payee, Amount: amount, Now: p.chain.Now}, bounds, false)
		if err == nil {
			inputs, count := map[uint32][]livestate.LiveToken{}, 0
			for _, s := range shares {
				want := node.Want{Asset: token.PurposeAsset(s.Number), Amount: s.Amount, HopsBelow: s.HopsBelow}
				usable, _ := want.Usable(tokens)
				chosen, merge := node.ChooseFor(usable, want, bounds)
				if merge { // what lies in too many tokens is merged first
					return
				}
				inputs[s.Number] = chosen
				count += len(chosen)
			}
			if count > bounds.Most {
				return
			}
			if refusal := p.pay(shares, inputs); refusal != nil {
				t.Fatalf("%v of %v is refused: %v", shares, tokens, refusal)
			}
			if paid++; len(shares) > 1 {
				divided++
			}
			return
		}
		refused++
		if p.anyWay(tokens, amount, bounds.Most) {
			t.Fatalf("%s can be paid, and we say %v", amount, err)
		}
	})
	if paid < 20 || refused < 10 || divided < 5 {
		t.Errorf("%d paid, %d of them divided, %d refused: the wallets test nothing", paid, divided, refused)
	}
}

// Used-up money goes first where it is freed and stays out where the mark is kept, change takes no hops over from it, and who lacks
// money is told what is stuck.
func TestUsedUpTokensStopNoPayment(t *testing.T) {
	live := func(n byte, amount money.Tiyn, hops uint16) livestate.LiveToken {
		return livestate.LiveToken{ID: token.ID{n}, Token: ledger.Token{Asset: token.PurposeAsset(1), Amount: amount, Hops: hops}}
	}
	purse := []livestate.LiveToken{live(1, 100, 2), live(2, 250, 0)}
	b := node.Bounds{Most: 64, Least: 1}
	for _, c := range []struct {
		want   node.Want
		chosen []byte
	}{
		{node.Want{Amount: 90}, []byte{1}},               // freed: what is used up, though the other is there
		{node.Want{Amount: 90, HopsBelow: 2}, []byte{2}}, // kept: only what can be paid on
		{node.Want{Amount: 200}, []byte{2}},
		{node.Want{Amount: 300}, []byte{1, 2}},
		{node.Want{Amount: 200, HopsBelow: 2}, []byte{2}},
		{node.Want{Amount: 300, HopsBelow: 2}, nil},
	} {
		c.want.Asset = token.PurposeAsset(1)
		usable, _ := c.want.Usable(purse)
		chosen, _ := node.ChooseFor(usable, c.want, b)
		var got []byte
		for _, held := range chosen {
			got = append(got, held.ID[0])
		}
		if slices.Sort(got); !slices.Equal(got, c.chosen) {
			t.Errorf("%+v: tokens %v, want %v", c.want, got, c.chosen)
		}
	}
}
