package wallet

import (
	"context"
	"errors"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// maxLooked is how many of a wallet's tokens are looked at to divide a payment among marks.
const maxLooked = 4096

// prepareEarmarked makes a payment, unsigned, and says what its money becomes. Where the purpose is amended, money of
// what it amends and of what amends it pays too, each under its own rules.
func (d *Client) prepareEarmarked(ctx context.Context, p EarmarkedPayment) (*token.EarmarkedTransfer, uint32, error) {
	for range selectTries {
		shares, bounds, err := d.shares(ctx, p)
		if err != nil {
			return nil, 0, err
		}
		t, merge, err := d.gatherShares(ctx, p, shares, bounds)
		if err != nil {
			return nil, 0, err
		}
		if !merge {
			return t, t.Outputs[0].Becomes, nil
		}
	}
	return nil, 0, token.Errorf(token.TooMany, "amount", "it lies in too many small tokens: still so after %d merges",
		selectTries)
}

// shares says how much of each mark pays. Marking plain money, and a payment to oneself, are one share; else the rules
// of each mark are asked.
func (d *Client) shares(ctx context.Context, p EarmarkedPayment) ([]Share, node.Bounds, error) {
	authority, err := d.API.Authority(ctx)
	if err != nil {
		return nil, node.Bounds{}, err
	}
	bounds := node.Bounds{Max: authority.Policy.MaxInputs, Least: authority.Policy.LeastToken}
	switch {
	case p.Earmark:
		return []Share{{Amount: p.Amount, Becomes: p.Purpose.Number}}, bounds, nil
	case p.From == p.To:
		return []Share{{Number: p.Purpose.Number, Amount: p.Amount, Becomes: p.Purpose.Number}}, bounds, nil
	}
	sources, err := d.sources(ctx, p)
	if err != nil {
		return nil, bounds, err
	}
	payment := contract.Payment{Amount: p.Amount, Now: d.Now(), Today: authority.Policy.Day(d.Now())}
	if p.Document != nil {
		payment.Document = p.Document[:]
	}
	if payment.Payer, err = d.party(ctx, p.From); err == nil {
		payment.Payee, err = d.party(ctx, p.To)
	}
	if err != nil {
		return nil, bounds, err
	}
	shares, err := Split(sources, payment, bounds, p.Any)
	return shares, bounds, err
}

// sources are the payer's marks that may pay: of the purpose and its amendments, or of all.
func (d *Client) sources(ctx context.Context, p EarmarkedPayment) (all []Source, err error) {
	held, err := d.API.Tokens(ctx, p.From, maxLooked)
	if err != nil {
		return nil, err
	}
	list, err := d.API.Purposes(ctx)
	if err != nil {
		return nil, err
	}
	of := func(number uint32) *Source {
		i := slices.IndexFunc(all, func(s Source) bool { return s.Number == number })
		if i < 0 {
			all = append(all, Source{Number: number})
			i = len(all) - 1
		}
		return &all[i]
	}
	if !p.Any {
		chain, err := d.amendments(ctx, p.Purpose)
		if err != nil {
			return nil, err
		}
		for _, purpose := range chain {
			of(purpose.Number)
		}
	}
	for _, t := range held.Tokens {
		number := t.Asset.Purpose
		if t.Asset != token.PurposeAsset(number) || !p.Any &&
			!slices.ContainsFunc(all, func(s Source) bool { return s.Number == number }) {
			continue
		}
		s := of(number)
		s.Tokens = append(s.Tokens, t)
	}
	for i := range all {
		// The rule under which it was marked, and those that amend it: the division of the amount asks them.
		for at := purposeOf(list, all[i].Number); at != nil; at = purposeOf(list, at.AmendedBy) {
			rule, problems := contract.CompileRegisteredPurpose(contract.NewestRules, at.Purpose.Purpose)
			if len(problems) > 0 {
				return nil, problems
			}
			all[i].Rules, all[i].Until = append(all[i].Rules, rule), max(all[i].Until, at.UntilMillis)
		}
	}
	return all, nil
}

// gatherShares sets tokens aside for each share and makes the payment; or, where they are too many, merges some and
// says so. The tokens of a payment that is not made are free again.
func (d *Client) gatherShares(ctx context.Context, p EarmarkedPayment, shares []Share,
	b node.Bounds) (t *token.EarmarkedTransfer, merged bool, err error) {
	t = &token.EarmarkedTransfer{Parties: []token.WalletID{p.From}, Document: p.Document, Memo: p.Memo}
	to := 0
	if p.To != p.From {
		t.Parties, to = append(t.Parties, p.To), 1
	}
	free := func() { _ = d.API.Release(ctx, p.From, t.Inputs) } // a courtesy; they come free by themselves
	var largest node.Selection
	of := uint32(0)
	for _, share := range shares {
		s, err := d.API.SelectBelow(ctx, p.From, share.Number, share.Amount, share.HopsBelow, waitMillis)
		if err != nil {
			free()
			return nil, false, err
		}
		for _, in := range s.Tokens {
			t.Inputs = append(t.Inputs, in.ID)
		}
		if s.Merge || len(s.Tokens) > len(largest.Tokens) {
			largest, of = s.Selection, share.Number
		}
		if s.Merge {
			break
		}
		t.Outputs = append(t.Outputs, token.EarmarkedOutput{Party: to, Amount: share.Amount, From: share.Number,
			Becomes: share.Becomes})
		if change := s.Total - share.Amount; change > 0 {
			t.Outputs = append(t.Outputs, token.EarmarkedOutput{Amount: change, From: share.Number,
				Becomes: share.Number})
		}
	}
	if !largest.Merge && len(t.Inputs) <= b.Max {
		return t, false, nil
	}
	free()
	return nil, true, d.mergeEarmarked(ctx, p.From, of, largest)
}

// mergeEarmarked makes one token of many of a mark. What is merged has used the most hops of them.
func (d *Client) mergeEarmarked(ctx context.Context, from token.WalletID, number uint32, s node.Selection) error {
	if d.Out != nil {
		return token.Errorf(token.TooMany, "amount",
			"it lies in more tokens than one payment may spend: merge some first, by a payment to the wallet itself, "+
				"or pay a smaller amount")
	}
	t := &token.EarmarkedTransfer{Parties: []token.WalletID{from},
		Outputs: []token.EarmarkedOutput{{Amount: s.Total, From: number, Becomes: number}}}
	for _, in := range s.Tokens {
		t.Inputs = append(t.Inputs, in.ID)
	}
	merge, err := d.sign(ctx, t)
	if err != nil {
		return err
	}
	var problem *api.Problem
	if _, err := d.API.Submit(ctx, merge); err != nil &&
		!(errors.As(err, &problem) && problem.Code == string(ledger.TokenNotLive)) {
		return err
	}
	return nil
}

// bring sets aside tokens of each asset that a wallet pays into a contract, those that have used the fewest hops first.
// On an error none stays set aside.
func (d *Client) bring(ctx context.Context, wallet token.WalletID, assets []uint32,
	paid []money.Tiyn) (inputs []token.ID, err error) {
	for i, amount := range paid {
		for tries := 0; amount > 0; tries++ {
			s, err := d.API.SelectBelow(ctx, wallet, assets[i], amount, anyHops, waitMillis)
			if err == nil && s.Merge {
				if err = d.mergeEarmarked(ctx, wallet, assets[i], s.Selection); err == nil && tries < selectTries {
					continue
				}
				err = errors.Join(err,
					token.Errorf(token.TooMany, "pay", "it lies in more tokens than one transaction may spend"))
			}
			if err != nil {
				return nil, d.freeRefused(ctx, wallet, inputs, err)
			}
			for _, t := range s.Tokens {
				inputs = append(inputs, t.ID)
			}
			break
		}
	}
	return inputs, nil
}

// anyHops leaves out no token that can still be paid on, and takes the least used first.
const anyHops = 1<<16 - 1
