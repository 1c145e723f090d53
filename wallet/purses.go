package wallet

import (
	"context"
	"errors"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
)

// certifierKey ends the name of the key by which a bank certifies offline purses.
const certifierKey = "-certifier"

// CertifierName is the name of the key by which a bank certifies purses.
func (d *Client) CertifierName(bank token.WalletID) string {
	return d.Keyring.NameOf(bank) + certifierKey
}

// gatherAside selects what is set aside; nothing for nothing.
func (d *Client) gatherAside(ctx context.Context, from token.WalletID, amount money.Tiyn) (inputs []token.ID,
	change money.Tiyn, err error) {
	if amount == 0 {
		return nil, 0, nil
	}
	inputs, total, err := d.gather(ctx, from, 0, amount)
	return inputs, total - amount, err
}

// BondPurses adds an amount, which may be 0, to a bank's bond for offline purses, and makes the bank's certifying key
// the one of its name in this keyring.
func (d *Client) BondPurses(ctx context.Context, bank token.WalletID, amount money.Tiyn) (node.Receipt, error) {
	certifier, err := d.Keyring.KeyOrNew(d.CertifierName(bank))
	if err != nil {
		return node.Receipt{}, err
	}
	inputs, change, err := d.gatherAside(ctx, bank, amount)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := retry(ctx, func() (node.Receipt, error) {
		sequence, err := d.registrarSequence(ctx, bank)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.BondPurses{Intermediary: bank, Sequence: sequence, Certifier: certifier.Public(),
			Inputs: inputs, Amount: amount, Change: change})
	})
	return receipt, d.freeRefused(ctx, bank, inputs, err)
}

// OpenPurse opens an offline purse of a wallet at its bank. The device's key, which is in no keyring, proves itself.
func (d *Client) OpenPurse(ctx context.Context, t token.OpenPurse, device token.Signer) (node.Receipt, error) {
	inputs, change, err := d.gatherAside(ctx, t.Owner, t.Deposit)
	if err != nil {
		return node.Receipt{}, err
	}
	t.Key, t.Inputs, t.Change = device.Public(), inputs, change
	receipt, err := retry(ctx, func() (node.Receipt, error) {
		body := t
		if body.Sequence, err = d.registrarSequence(ctx, t.Intermediary); err != nil {
			return node.Receipt{}, err
		}
		return d.doWith(ctx, &body, token.RolePossession, device)
	})
	return receipt, d.freeRefused(ctx, t.Owner, inputs, err)
}

// doWith is Do where another key than the keyring's signs too.
func (d *Client) doWith(ctx context.Context, body token.Body, role token.Role, key token.Signer) (node.Receipt, error) {
	draft, err := d.draft(ctx, body)
	if err != nil {
		return node.Receipt{}, err
	}
	if err := errors.Join(draft.signFrom(d.Keyring), draft.Transaction.SignAs(d.Network, role, 0, key)); err != nil {
		return node.Receipt{}, err
	}
	if d.Out == nil {
		return d.Submit(ctx, draft)
	}
	if err := d.Out(draft); err != nil {
		return node.Receipt{}, err
	}
	return node.Receipt{ID: draft.Transaction.ID()}, ErrDrafted
}

// FundPurse adds to a purse's deposit out of a wallet.
func (d *Client) FundPurse(ctx context.Context, from, purse token.WalletID, amount money.Tiyn) (node.Receipt, error) {
	inputs, change, err := d.gatherAside(ctx, from, amount)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.Do(ctx, &token.FundPurse{From: from, Purse: purse, Inputs: inputs, Amount: amount,
		Change: change})
	return receipt, d.freeRefused(ctx, from, inputs, err)
}

// AnnounceOpeners announces the key under which names are sealed from now on.
func (d *Client) AnnounceOpeners(ctx context.Context, key *sealed.Key) (node.Receipt, error) {
	return d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.AnnounceOpeners{Sequence: sequence, Members: key.Members, Commitments: key.Commitments}
	})
}
