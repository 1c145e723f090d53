package wallet

import (
	"context"
	"errors"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// OpenReserve announces a keyset with a wallet that backs its notes, opened under a name with a key made here: the
// office's.
func (d *Client) OpenReserve(ctx context.Context, name string, t token.AnnounceKeyset) (node.Receipt, error) {
	if err := d.Keyring.Fresh(name); err != nil {
		return node.Receipt{}, err
	}
	key, err := d.Keyring.KeyFor(name, "reserve "+name)
	if err != nil {
		return node.Receipt{}, err
	}
	t.Reserve, t.Key = token.WalletID{}, key.Public()
	receipt, err := d.Announce(ctx, t)
	if err == nil || errors.Is(err, ErrDrafted) {
		err = errors.Join(err,
			d.Keyring.Put(Name{Name: name, ID: token.RegisteredID(receipt.ID), Registrar: token.Authority}),
			d.Keyring.TookKey(name))
	}
	return receipt, err
}

// Announce announces a keyset in the issue set's name.
func (d *Client) Announce(ctx context.Context, t token.AnnounceKeyset) (node.Receipt, error) {
	return d.withSequence(ctx, token.RoleIssue, func(sequence uint64) token.Body {
		body := t
		body.Sequence = sequence
		return &body
	})
}
