package wallet

import (
	"context"
	"errors"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Pay pays an amount. Tokens are set aside at the node, so that payers in other processes choose
// others or wait; a payment that needs too many tokens merges some first. A draft's tokens are set aside no longer than
// others': if they are spent before it is submitted, it is refused.
func (d *Client) Pay(ctx context.Context, from, to token.WalletID, amount money.Tiyn,
	memo token.Memo) (node.Receipt, error) {
	if d.Out != nil {
		return d.draftPayment(ctx, from, to, amount, memo)
	}
	tx, err := d.Prepare(ctx, from, to, amount, memo)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.API.Submit(ctx, tx)
	var problem *api.Problem
	if errors.As(err, &problem) {
		_ = d.freeInputs(ctx, from, tx) // a courtesy; they come free by themselves
	}
	return receipt, err
}

// draftPayment hands a payment to Out.
func (d *Client) draftPayment(ctx context.Context, from, to token.WalletID, amount money.Tiyn,
	memo token.Memo) (node.Receipt, error) {
	if from == to {
		return node.Receipt{}, token.Errorf(token.Repeated, "to", "payer and payee are the same wallet")
	}
	selection, err := d.API.Select(ctx, from, amount, waitMillis)
	if err != nil {
		return node.Receipt{}, err
	}
	t := transferOf(selection.Selection, from, to, amount, memo)
	if selection.Merge {
		_ = d.API.Release(ctx, from, t.Inputs)
		return node.Receipt{},
			token.Errorf(token.TooMany, "amount",
				"it lies in more tokens than one payment may spend: pay the wallet's own bank a part first, or a "+
					"smaller amount")
	}
	receipt, err := d.Do(ctx, t)
	return receipt, d.freeRefused(ctx, from, t.Inputs, err)
}

// waitMillis is how long a payer waits for others who pay from the same wallet.
const waitMillis = 120_000

// selectTries is how often tokens are chosen anew because they were spent meanwhile by a payer
// who did not set them aside, and how many merges one payment makes at most.
const selectTries = 100

// Prepare selects tokens and signs a payment without submitting it. Its tokens stay set aside for whoever submits it;
// merges that it needs are submitted.
func (d *Client) Prepare(ctx context.Context, from, to token.WalletID, amount money.Tiyn,
	memo token.Memo) (*token.Transaction, error) {
	if from == to {
		return nil, token.Errorf(token.Repeated, "to", "payer and payee are the same wallet")
	}
	for range selectTries {
		selection, err := d.API.Select(ctx, from, amount, waitMillis)
		if err != nil {
			return nil, err
		}
		d.learn(ctx, selection.Network, selection.TimeMillis)
		if !selection.Merge {
			t := transferOf(selection.Selection, from, to, amount, memo)
			tx, err := d.signSelected(ctx, t, selection.Signatories)
			return tx, d.freeRefused(ctx, from, t.Inputs, err)
		}
		// It lies in more tokens than one transaction may spend: a payment to oneself makes fewer of them, and it is
		// tried again.
		t := mergeOf(selection.Selection, from)
		merge, err := d.signSelected(ctx, t, selection.Signatories)
		if err != nil {
			return nil, d.freeRefused(ctx, from, t.Inputs, err)
		}
		var problem *api.Problem
		// Another of this wallet's payers may have spent one of them meanwhile: then the next selection sees it.
		if _, err := d.API.Submit(ctx, merge); err != nil &&
			!(errors.As(err, &problem) && problem.Code == string(ledger.TokenNotLive)) {
			return nil, err
		}
	}
	return nil, token.Errorf(token.TooMany, "amount", "it lies in too many small tokens: still so after %d merges",
		selectTries)
}

// transferOf pays from a selection and gives the rest back.
func transferOf(s node.Selection, from, to token.WalletID, amount money.Tiyn, memo token.Memo) *token.Transfer {
	t := &token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Memo: memo,
		Outputs: []token.Output{{Party: 1, Amount: amount}}}
	for _, in := range s.Tokens {
		t.Inputs = append(t.Inputs, in.ID)
	}
	if change := s.Total - amount; change > 0 {
		t.Outputs = append(t.Outputs, token.Output{Party: 0, Amount: change})
	}
	return t
}

// mergeOf gathers a selection into one token of the same wallet.
func mergeOf(s node.Selection, wallet token.WalletID) *token.Transfer {
	t := &token.Transfer{Parties: []token.WalletID{wallet}, Payers: 1,
		Outputs: []token.Output{{Party: 0, Amount: s.Total}}}
	for _, in := range s.Tokens {
		t.Inputs = append(t.Inputs, in.ID)
	}
	return t
}

// signSelected signs a payment whose signatories came with its selection; a node of an earlier version is asked for
// them. So a payment asks the node once before it is submitted.
func (d *Client) signSelected(ctx context.Context, body token.Body,
	signatories []ledger.Signatory) (*token.Transaction, error) {
	if signatories == nil || d.Network == (token.NetworkID{}) {
		return d.sign(ctx, body)
	}
	tx, err := token.New(body, d.Now()+paymentMillis)
	if err != nil {
		return nil, err
	}
	return d.complete(&Draft{d.Network, tx, signatories})
}

// sign signs with the keys that are here, of which there must be enough.
func (d *Client) sign(ctx context.Context, body token.Body) (*token.Transaction, error) {
	draft, err := d.draft(ctx, body)
	if err != nil {
		return nil, err
	}
	return d.complete(draft)
}

// complete signs a draft with the keys that are here, of which there must be enough.
func (d *Client) complete(draft *Draft) (*token.Transaction, error) {
	if err := draft.signFrom(d.Keyring); err != nil {
		return nil, err
	}
	if missing := draft.Missing(); len(missing) > 0 {
		return nil, &MissingError{missing}
	}
	return draft.Transaction, nil
}
