package play

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// named is a purpose of a play and the word by which the play knows it: an asset, another word of purposes, or of an
// amendment NAME (NUMBER).
type named struct {
	word   string
	number uint32
}

// numbered is the purpose of a word, 0 for plain money.
func (s *Stage) numbered(word string) (uint32, error) {
	if word == "" || word == PlainMoney {
		return 0, nil
	}
	for _, p := range s.words {
		if p.word == word || p.number > 0 && s.model.Purpose(p.number).Name == word &&
			s.model.Purpose(p.number).Amends == 0 {
			return p.number, nil
		}
	}
	return 0, fmt.Errorf("no purpose is called %q here", word)
}

// registerPurposes registers those of the play: what is no asset first, in order of the words, then the assets'.
func (s *Stage) registerPurposes() error {
	var words []string
	for word := range s.Purposes {
		if !slices.Contains(s.program.Definition.Assets, word) {
			words = append(words, word)
		}
	}
	// In order: numbers that purposes get, and so every play of the file, are the same.
	slices.Sort(words)
	for _, word := range append(words, s.program.Definition.Assets...) {
		file := s.Purposes[word]
		number := uint32(0)
		if file != "" {
			agency, err := s.agency(s.agencyOf(word))
			if err != nil {
				return err
			}
			body, err := s.purposeIn(file, agency)
			if err != nil {
				return err
			}
			if err := s.chain.Try(s.chain.Make(body)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			number = uint32(s.model.Purposes())
			s.words = append(s.words, named{word, number})
		}
		if slices.Contains(s.program.Definition.Assets, word) {
			s.purposes = append(s.purposes, number)
		}
	}
	return nil
}

// purposeIn reads a purpose for an agency to register. What it amends is the last amendment that is announced, and
// without `from:` it begins as soon as the promised notice lets it, as "aqsha purpose register" has it.
func (s *Stage) purposeIn(file string, agency token.WalletID) (*token.RegisterPurpose, error) {
	source, err := ReadPurpose(file)
	if err != nil {
		return nil, err
	}
	p := source.Purpose
	if p.Returns = s.people[source.Returns]; p.Returns == (token.WalletID{}) {
		return nil, cli.Usage(fmt.Errorf("%s: returns: nobody is called %q", file, source.Returns))
	}
	if p.Contracts, err = s.admitted(source.Contracts); err != nil {
		return nil, fmt.Errorf("%s: contracts: %w", file, err)
	}
	for i, becomes := range source.Becomes {
		if becomes == "plain" || becomes == "same" {
			continue
		}
		if p.Permits[i].Becomes, err = s.numbered(becomes); err != nil {
			return nil, cli.Usage(fmt.Errorf("%s: permits[%d].becomes: %q: want plain, same, or a purpose that is "+
				"registered before", file, i, becomes))
		}
	}
	if source.Amends != "" {
		number, err := s.numbered(source.Amends)
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("%s: amends: %w", file, err))
		}
		// A purpose is amended once: the next amendment is of the last one in the line (R-AMEND).
		for s.model.Purpose(number).AmendedBy != 0 {
			number = s.model.Purpose(number).AmendedBy
		}
		old := s.model.Purpose(number)
		if agency == (token.WalletID{}) {
			agency = old.Agency
		}
		if p.Amends = number; p.FromMillis == 0 {
			p.FromMillis = s.chain.Now + old.NoticeMillis + 1000
		}
	}
	a, _ := s.model.Agency(agency)
	return &token.RegisterPurpose{Agency: agency, Sequence: a.Sequence, Purpose: p}, nil
}

// purposeOf is a step that registers a purpose.
func (s *Stage) purposeOf(m Move) (token.Body, error) {
	var agency token.WalletID
	var err error
	if m.By != "" {
		agency, err = s.agency(m.By)
	}
	if err != nil {
		return nil, err
	}
	body, err := s.purposeIn(m.Register, agency)
	if err == nil && body.Agency == (token.WalletID{}) {
		if body.Agency, err = s.agency("agency"); err == nil {
			a, _ := s.model.Agency(body.Agency)
			body.Sequence = a.Sequence
		}
	}
	return body, err
}

// nameNewest gives the purpose that was registered last its word.
func (s *Stage) nameNewest() {
	number := uint32(s.model.Purposes())
	word := s.model.Purpose(number).Name
	if slices.ContainsFunc(s.words, func(p named) bool {
		return p.word == word ||
			s.model.Purpose(p.number).Name == word
	}) {
		word = fmt.Sprintf("%s (%d)", word, number)
	}
	s.words = append(s.words, named{word, number})
}

// fund gives everybody what the play says. Marked money is put there by the stage, whoever may mark: while it does so
// every purpose lets anybody mark, and the executor forgets that afterwards.
func (s *Stage) fund(bank token.WalletID) error {
	rules := map[uint32]string{}
	for _, p := range s.words {
		rules[p.number] = s.model.Purpose(p.number).Earmark
		s.model.Purpose(p.number).Earmark = "true"
	}
	for _, name := range s.names {
		if err := s.give(bank, name, s.People[name].Money, 0); err != nil {
			return err
		}
		for word := range s.People[name].Earmarked {
			if number, err := s.numbered(word); err != nil || number == 0 {
				return cli.Usage(fmt.Errorf("people.%s.marked: no purpose is called %q here", name, word))
			}
		}
		for _, p := range s.words {
			if err := s.give(bank, name, s.People[name].Earmarked[p.word], p.number); err != nil {
				return err
			}
		}
	}
	for number, rule := range rules {
		s.model.Purpose(number).Earmark = rule
	}
	s.chain.Restart()
	return nil
}

// give issues money to the bank, which pays it to a person, marked for a purpose if there is one.
func (s *Stage) give(bank token.WalletID, name, text string, purpose uint32) error {
	if text == "" {
		return nil
	}
	amount, err := money.ParseTenge(text)
	if err != nil || amount == 0 {
		return cli.Usage(fmt.Errorf("people.%s: %q is no amount", name, text))
	}
	issue := s.chain.Make(&token.Issue{Sequence: s.sequence(token.RoleIssue), To: bank, Amounts: []money.Tiyn{amount}})
	if err := s.chain.Try(issue); err != nil {
		return err
	}
	parties, inputs := []token.WalletID{bank, s.people[name]}, []token.ID{token.OutputID(issue.ID(), 0)}
	var pay token.Body = &token.Transfer{Parties: parties, Payers: 1, Inputs: inputs,
		Outputs: []token.Output{{Party: 1, Amount: amount}}}
	if purpose != 0 {
		pay = &token.EarmarkedTransfer{Parties: parties, Inputs: inputs,
			Outputs: []token.EarmarkedOutput{{Party: 1, Amount: amount, Becomes: purpose}}}
	}
	if err := s.chain.Try(s.chain.Make(pay)); err != nil {
		return fmt.Errorf("people.%s: %w", name, err)
	}
	return nil
}

// pass lets time pass as it does on a network, whose node looks every second whether something falls due: the end of a
// contract, or money that returns, comes at its own moment and not when somebody next acts.
func (s *Stage) pass(millis uint64) {
	until := s.chain.Now + millis
	for {
		due := s.due(until)
		if due > until {
			break
		}
		s.chain.Now = max(s.chain.Now, due)
		before := len(s.chain.Blocks)
		s.chain.Block()
		if len(s.chain.Blocks) == before {
			panic("what was due did not happen") // it would be due for ever
		}
	}
	s.chain.Now = until
}

// due is when something falls due next, up to a time, or later than that.
func (s *Stage) due(until uint64) uint64 {
	next := uint64(math.MaxUint64)
	if c := s.model.NextEnd(); c != nil {
		next = min(next, c.EndsMillis)
	}
	for number := uint32(1); int(number) <= s.model.Purposes(); number++ {
		if at := s.model.Purpose(number).UntilMillis; at <= until && at < next {
			if _, found := s.model.NextExpired(at); found {
				next = at
			}
		}
	}
	return next
}

// live are a wallet's tokens as a node hands them to who pays.
func (s *Stage) live(who token.WalletID) (all []livestate.LiveToken) {
	for id, t := range s.model.Tokens {
		if t.Wallet == who {
			all = append(all, livestate.LiveToken{ID: id, Token: t})
		}
	}
	slices.SortFunc(all, func(a, b livestate.LiveToken) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return all
}

func (s *Stage) bounds() node.Bounds {
	policy := &s.model.Central.Policy
	return node.Bounds{Max: policy.MaxInputs, Least: policy.LeastToken}
}

// anyHops leaves out no token that can still be paid on, and takes the least used first, as wallets do for contracts.
const anyHops = 1<<16 - 1

// choose takes tokens of a purpose as a node does for a wallet that pays.
func (s *Stage) choose(who token.WalletID, purpose uint32, amount money.Tiyn,
	hopsBelow uint16) (inputs []token.ID, total money.Tiyn, err error) {
	chosen, merge, refused := node.Choose(s.live(who), node.Want{Asset: token.PurposeAsset(purpose), Amount: amount,
		HopsBelow: hopsBelow}, s.bounds())
	if refused != nil {
		return nil, 0, refused
	}
	if merge {
		return nil, 0, token.Errorf(token.TooMany, "amount", "it lies in more tokens than one transaction may spend")
	}
	for _, t := range chosen {
		inputs, total = append(inputs, t.ID), total+t.Amount
	}
	return inputs, total, nil
}

// brings chooses tokens for what is paid in, asset by asset in the definition's order: paid has an amount for each,
// also where it is nothing.
func (s *Stage) brings(who token.WalletID, pay map[string]string) (paid []money.Tiyn, inputs []token.ID, err error) {
	for word := range pay {
		if !slices.Contains(s.program.Definition.Assets, word) {
			return nil, nil, fmt.Errorf("pay.%s: the contract's assets are %s", word,
				strings.Join(s.program.Definition.Assets, ", "))
		}
	}
	for i, asset := range s.program.Definition.Assets {
		amount := money.Tiyn(0)
		if text := pay[asset]; text != "" {
			if amount, err = money.ParseTenge(text); err != nil {
				return nil, nil, fmt.Errorf("pay.%s: %w", asset, err)
			}
		}
		paid = append(paid, amount)
		if amount > 0 {
			more, _, err := s.choose(who, s.purposes[i], amount, anyHops)
			if err != nil {
				return nil, nil, err
			}
			inputs = append(inputs, more...)
		}
	}
	return paid, inputs, nil
}

// payment is a payment of plain money, or of marked money, or one that marks, as "aqsha pay" makes it.
func (s *Stage) payment(m Move) (token.Body, error) {
	from, to := s.people[m.By], s.people[m.To]
	if from == (token.WalletID{}) || to == (token.WalletID{}) {
		return nil, fmt.Errorf("nobody is called %q, or %q", m.By, m.To)
	}
	amount, err := money.ParseTenge(m.Send)
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	of, err := s.numbered(m.Of)
	if err != nil {
		return nil, err
	}
	mark, err := s.numbered(m.Mark)
	if err != nil {
		return nil, err
	}
	switch {
	case from == to && of == 0 && mark == 0:
		return nil, token.Errorf(token.Repeated, "to", "payer and payee are the same wallet")
	// With what is in force now: an amendment that has begun takes the place of what it amends.
	case mark != 0:
		return s.earmarked(from, to, []wallet.Share{{Amount: amount, Becomes: s.inForce(mark)}})
	case of == 0:
		inputs, total, err := s.choose(from, 0, amount, 0)
		if err != nil {
			return nil, err
		}
		t := &token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Inputs: inputs,
			Outputs: []token.Output{{Party: 1, Amount: amount}}}
		if total > amount {
			t.Outputs = append(t.Outputs, token.Output{Amount: total - amount})
		}
		return t, nil
	}
	shares, err := s.shares(from, to, of, amount)
	if err != nil {
		return nil, err
	}
	return s.earmarked(from, to, shares)
}

// inForce is of a purpose and its amendments the one with which money is marked now.
func (s *Stage) inForce(number uint32) uint32 {
	for next := s.model.Purpose(number).AmendedBy; next != 0 &&
		s.model.Purpose(next).FromMillis <= s.chain.Now; next = s.model.Purpose(next).AmendedBy {
		number = next
	}
	return number
}

// shares divides a payment among a purpose's money and that of its amendments, the oldest first, each under the rules
// that its money may follow: its own and those of what amends it.
func (s *Stage) shares(from, to token.WalletID, of uint32, amount money.Tiyn) ([]wallet.Share, error) {
	if from == to {
		return []wallet.Share{{Number: s.inForce(of), Amount: amount, Becomes: s.inForce(of)}}, nil
	}
	for s.model.Purpose(of).Amends != 0 {
		of = s.model.Purpose(of).Amends
	}
	var sources []wallet.Source
	for number := of; number != 0; number = s.model.Purpose(number).AmendedBy {
		source := wallet.Source{Number: number}
		for _, t := range s.live(from) {
			if t.Asset == token.PurposeAsset(number) {
				source.Tokens = append(source.Tokens, t)
			}
		}
		for n := number; n != 0; n = s.model.Purpose(n).AmendedBy {
			rule, problems := contract.CompileRegisteredPurpose(contract.NewestRules, s.model.Purpose(n).Purpose)
			if len(problems) > 0 {
				return nil, problems
			}
			source.Rules, source.Until = append(source.Rules, rule), max(source.Until, s.model.Purpose(n).UntilMillis)
		}
		sources = append(sources, source)
	}
	payment := contract.Payment{Payer: s.party(from), Payee: s.party(to), Amount: amount, Now: s.chain.Now,
		Today: s.model.Central.Policy.Day(s.chain.Now)}
	return wallet.Split(sources, payment, s.bounds(), false)
}

// party is what rules see of a person.
func (s *Stage) party(id token.WalletID) *contract.Party {
	w, _ := s.model.Wallet(id)
	detail := s.model.Detail(id)
	return &contract.Party{ID: id, Key: w.Key, Tier: w.Tier, Bank: w.Registrar, Attributes: w.Attributes,
		Vouched: ledger.Testimonies(s.model, &detail)}
}

// earmarked makes a payment of shares, each of which gives its own change back.
func (s *Stage) earmarked(from, to token.WalletID, shares []wallet.Share) (token.Body, error) {
	t := &token.EarmarkedTransfer{Parties: []token.WalletID{from}}
	payee := 0
	if from != to {
		t.Parties, payee = append(t.Parties, to), 1
	}
	for _, share := range shares {
		inputs, total, err := s.choose(from, share.Number, share.Amount, share.HopsBelow)
		if err != nil {
			return nil, err
		}
		t.Inputs = append(t.Inputs, inputs...)
		t.Outputs = append(t.Outputs, token.EarmarkedOutput{Party: payee, Amount: share.Amount, From: share.Number,
			Becomes: share.Becomes})
		if total > share.Amount {
			t.Outputs = append(t.Outputs, token.EarmarkedOutput{Amount: total - share.Amount, From: share.Number,
				Becomes: share.Number})
		}
	}
	return t, nil
}
