package wallet

import (
	"context"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/signers"
	rules "github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/sealed"
	"github.com/aqsha/aqsha/wallet/purse"
)

// certifierKey ends the name of the key by which a bank certifies offline purses.
const certifierKey = "-certifier"

// CertifierName is the name of the key by which a bank certifies purses.
func (d *Client) CertifierName(bank token.WalletID) string {
	return d.Keyring.NameOf(bank) + certifierKey
}

// gatherAside selects what is set aside; nothing for nothing. The change is what they have more.
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

// FundPurse adds to a purse's deposit out of a wallet. It need not be the purse's owner's.
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

// listKey is the key that signs revocation lists, that of the log now, by the links that the node shows from the
// genesis on; zero where several sign together.
func (d *Client) listKey(ctx context.Context, genesis ledger.Genesis) (key token.PublicKey, err error) {
	shown, err := d.API.Signers(ctx)
	if err != nil {
		return key, err
	}
	var links []signers.Link
	if shown != nil {
		if links, err = signers.Decode(shown); err != nil {
			return key, err
		}
	}
	known, err := signers.FromGenesis(genesis, links)
	if err != nil {
		return key, fmt.Errorf("who signs the log: %w", err)
	}
	key, single := known.Single()
	if !single {
		return token.PublicKey{}, nil
	}
	return key, nil
}

// maxListed is the most entries of which a device keeps the list; of more it keeps the filter.
const maxListed = 1 << 16

// TeachPurse has a device learn what it has to know without a network: certifying keys, the log's key, and the
// revocation list, or its filter where that is asked for or the list is long. Where the node signs no list the device
// keeps what the node says of convicted purses, and knows that nobody signed it. An older list than the one at hand,
// of a node that is behind, changes nothing.
func (d *Client) TeachPurse(ctx context.Context, phone *purse.Phone, filter bool) error {
	view, err := d.API.Purses(ctx)
	if err != nil {
		return err
	}
	genesis, err := d.API.Genesis(ctx)
	if err != nil {
		return err
	}
	// Keys learnt from another network would make genuine payments look forged, and a stranger's look genuine.
	if genesis.Network() != d.Network {
		return errors.New("the node shows the genesis of another network than it serves")
	}
	certifiers := map[token.WalletID]token.PublicKey{}
	for _, bond := range view.Bonds {
		certifiers[bond.Intermediary] = bond.Certifier
	}
	logKey, err := d.listKey(ctx, genesis)
	if err != nil {
		return err
	}
	if err := phone.Learn(certifiers, logKey); err != nil {
		return err
	}
	list, err := d.API.Revocations(ctx, filter || len(view.Convicted) > maxListed)
	if fault.Code(err) == string(node.NoLogKey) {
		return phone.RevokeUnsigned(view.Convicted, view.Size, d.Now())
	}
	if err != nil {
		return err
	}
	if err := phone.Revoke(list.Message); fault.Code(err) != string(rules.OlderList) {
		return err
	}
	return nil
}
