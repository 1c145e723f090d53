package wallet_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/props"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
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
		policy.MaxInputs = 4
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
		purpose := token.Purpose{Name: fmt.Sprint("purpose ", i), Earmark: "true", Returns: p.payer, FromMillis: p.chain.Now,
			UntilMillis: p.chain.Now + rapid.SampledFrom([]uint64{5_000, 3_600_000, 7_200_000}).Draw(t, "until"),
			Hops:        rapid.Uint16Range(0, 2).Draw(t, "hops"), Permits: []token.Permit{{When: when, Becomes: rapid.SampledFrom([]uint32{0, token.BecomesSame}).Draw(t, "becomes")}}}
		if rapid.Bool().Draw(t, "another way") {
			purpose.Permits = append(purpose.Permits, token.Permit{When: fmt.Sprintf("amount > %d", edge+2), Becomes: rapid.SampledFrom([]uint32{0, token.BecomesSame}).Draw(t, "otherwise")})
		}
		if rapid.IntRange(0, 2).Draw(t, "capped") == 0 {
			purpose.MaxPayment = money.Tiyn(rapid.IntRange(1, 9).Draw(t, "most"))
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

// sources are the tokens by their marks.
func (p *purse) sources(t *rapid.T, tokens []livestate.LiveToken) (sources []wallet.Source) {
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
	return sources
}

// pay pays shares with tokens, on the ledger.
func (p *purse) pay(shares []wallet.Share, inputs map[uint32][]livestate.LiveToken) *token.Error {
	t := &token.EarmarkedTransfer{Parties: []token.WalletID{p.payer, p.payee}}
	for _, s := range shares {
		for _, in := range inputs[s.Number] {
			t.Inputs = append(t.Inputs, in.ID)
		}
		t.Outputs = append(t.Outputs, token.EarmarkedOutput{Party: 1, Amount: s.Amount, From: s.Number, Becomes: s.Becomes})
		if change := node.AmountOf(inputs[s.Number]) - s.Amount; change > 0 {
			t.Outputs = append(t.Outputs, token.EarmarkedOutput{Amount: change, From: s.Number, Becomes: s.Number})
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
	props.Check(t, func(t *rapid.T) {
		p := drawnPurse(t)
		amount := money.Tiyn(rapid.Int64Range(int64(p.least), 14).Draw(t, "amount"))
		tokens := p.tokens()
		sources := p.sources(t, tokens)
		payer, payee := contract.Party{ID: p.payer, Tier: 2}, contract.Party{ID: p.payee, Tier: 2}
		bounds := node.Bounds{Max: p.model.Central.Policy.MaxInputs, Least: p.least}
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
			if count > bounds.Max {
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
		if p.anyWay(tokens, amount, bounds.Max) {
			t.Fatalf("%s can be paid, and we say %v", amount, err)
		}
	}, func() string {
		if paid < 20 || refused < 10 || divided < 5 {
			return fmt.Sprintf("%d paid, %d of them divided, %d refused", paid, divided, refused)
		}
		return ""
	})
}

// Used-up money goes first where it is freed and stays out where the mark is kept, change takes no hops over from it, and who lacks
// money is told what is stuck.
func TestUsedUpTokensStopNoPayment(t *testing.T) {
	live := func(n byte, amount money.Tiyn, hops uint16) livestate.LiveToken {
		return livestate.LiveToken{ID: token.ID{n}, Token: ledger.Token{Asset: token.PurposeAsset(1), Amount: amount, Hops: hops}}
	}
	purse := []livestate.LiveToken{live(1, 100, 2), live(2, 250, 0)}
	b := node.Bounds{Max: 64, Least: 1}
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

// Money that ends first goes first, plain money last but for what may end before the payment comes: that is relied upon only
// where nothing else pays.
func TestMoneyThatMayEndBeforeThePaymentComesGoesLast(t *testing.T) {
	const now = 1_800_000_000_000
	source := func(number uint32, until uint64, amount money.Tiyn) wallet.Source {
		s := wallet.Source{Number: number, Until: until, Tokens: []livestate.LiveToken{{ID: token.ID{byte(number + 1)}, Token: ledger.Token{Asset: token.PurposeAsset(number), Amount: amount}}}}
		if number != 0 {
			rule, problems := contract.CompilePurpose(token.Purpose{Name: "p", Earmark: "true", UntilMillis: until, Permits: []token.Permit{{When: "amount > 0"}}})
			if problems != nil {
				t.Fatal(problems)
			}
			s.Rules = []*contract.Rule{rule}
		}
		return s
	}
	plain, soon, early, late := source(0, 0, 50), source(1, now+9_999, 50), source(2, now+3_600_000, 50), source(3, now+7_200_000, 50)
	party := contract.Party{}
	order := []uint32{2, 3, 0, 1}
	for amount, sources := range map[money.Tiyn]int{50: 1, 70: 2, 100: 2, 101: 3, 150: 3, 200: 4} {
		shares, err := wallet.Split([]wallet.Source{plain, soon, late, early}, contract.Payment{Payer: &party, Payee: &party, Amount: amount, Now: now}, node.Bounds{Max: 64, Least: 1}, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(shares) != sources {
			t.Errorf("%s is paid by %+v, want by %d of them", amount, shares, sources)
		}
		for i, share := range shares {
			if share.Number != order[i] {
				t.Errorf("%s is paid by %+v, want from %v in this order", amount, shares, order)
				break
			}
		}
	}
}

// largestFirst is the division in which each source pays as much as it can, so that those after it can pay the rest, by trying
// every amount of each: can says what one source pays alone.
func largestFirst(can [][]bool, amount int) []int {
	if len(can) == 0 {
		if amount == 0 {
			return []int{}
		}
		return nil
	}
	for x := amount; x >= 0; x-- {
		if x > 0 && !can[0][x] {
			continue
		}
		if rest := largestFirst(can[1:], amount-x); rest != nil {
			return append([]int{x}, rest...)
		}
	}
	return nil
}

// No source pays what those that end before it could: the shares are those of the division in which each in turn pays as much as
// it can. So none of them is there for its least alone.
func TestNoSourcePaysWhatThoseBeforeItCould(t *testing.T) {
	t.Parallel()
	alone, several := 0, 0
	props.Check(t, func(t *rapid.T) {
		p := drawnPurse(t)
		amount := rapid.IntRange(int(p.least), 14).Draw(t, "amount")
		tokens := p.tokens()
		sources := p.sources(t, tokens)
		soon := func(s wallet.Source) int { // what may end before the payment comes is the last, and plain money before it
			switch {
			case s.Number == 0:
				return 1
			case s.Until < p.chain.Now+10_000:
				return 2
			}
			return 0
		}
		slices.SortStableFunc(sources, func(a, b wallet.Source) int {
			return cmp.Or(cmp.Compare(soon(a), soon(b)), cmp.Compare(a.Until, b.Until))
		})
		payer, payee := contract.Party{ID: p.payer, Tier: 2}, contract.Party{ID: p.payee, Tier: 2}
		bounds := node.Bounds{Max: p.model.Central.Policy.MaxInputs, Least: p.least}
		split := func(of []wallet.Source, amount int) ([]wallet.Share, error) {
			return wallet.Split(of, contract.Payment{Payer: &payer, Payee: &payee, Amount: money.Tiyn(amount), Now: p.chain.Now}, bounds, false)
		}
		can := make([][]bool, len(sources))
		for i := range sources {
			can[i] = make([]bool, amount+1)
			for x := 1; x <= amount; x++ {
				_, err := split(sources[i:i+1], x)
				can[i][x] = err == nil
			}
		}
		want := largestFirst(can, amount)
		shares, err := split(sources, amount)
		if (err == nil) != (want != nil) {
			t.Fatalf("%d: %v, want %v", amount, err, want)
		}
		for i, s := range sources {
			paid := 0
			if at := slices.IndexFunc(shares, func(share wallet.Share) bool { return share.Number == s.Number }); at >= 0 {
				paid = int(shares[at].Amount)
			}
			if err == nil && paid != want[i] {
				t.Fatalf("%d is divided as %+v, want %v of the purposes %v", amount, shares, want, sources)
			}
		}
		switch len(shares) {
		case 0:
		case 1:
			alone++
		default:
			several++
		}
	}, func() string {
		if alone < 20 || several < 5 {
			return fmt.Sprintf("%d paid by one source, %d by several", alone, several)
		}
		return ""
	})
}
