package wallet

import (
	"context"
	"errors"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// OpenReserve announces a keyset with a wallet that backs its notes, opened under a name with a key made here: the
// office's.
func (d *Client) OpenReserve(ctx context.Context, name string, t token.AnnounceKeyset) (node.Receipt, error) {
	if err := d.Keyring.Fresh(name); err != nil {
		return node.Receipt{}, err
	}
	key, err := d.Keyring.KeyFor(name, reservePurpose(name))
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

// reservePurpose is what the key of a reserve is made for.
func reservePurpose(name string) string { return "reserve " + name }

// Announced is the transaction that announces a keyset, or nil if the ledger has none: a run may have ended after it
// was sent and before anything was written here. A reserve that such a run opened under a name gets the name now, if
// its key is the one that was made here for it.
func (d *Client) Announced(ctx context.Context, name string, t token.AnnounceKeyset) (*token.TransactionID, error) {
	authority, err := d.API.Authority(ctx)
	if err != nil {
		return nil, err
	}
	for _, reserve := range authority.Reserves {
		for _, k := range reserve.Keysets {
			if k.Keyset != t.Keyset {
				continue
			}
			if reserve.Origin != t.Origin || reserve.LogKey != t.LogKey {
				return nil, token.Errorf(ledger.OtherLog, "origin", "keyset %s is announced for the cash log %s with "+
					"the key %s", t.Keyset, reserve.Origin, reserve.LogKey)
			}
			return &k.Transaction, d.nameReserve(ctx, name, reserve.Wallet)
		}
	}
	return nil, nil
}

// nameReserve holds a name to a reserve, and gives it to one that OpenReserve opened under it and did not note.
func (d *Client) nameReserve(ctx context.Context, name string, id token.WalletID) error {
	if d.Keyring.Fresh(name) == nil {
		made, err := d.Keyring.keyMadeFor(name)
		if err != nil {
			return err
		}
		view, err := d.API.Wallet(ctx, id)
		if err != nil {
			return err
		}
		if made == reservePurpose(name) {
			if key, err := d.Keyring.PublicKey(name); err != nil {
				return err
			} else if key == view.Key {
				return errors.Join(d.Keyring.Put(Name{Name: name, ID: id, Registrar: token.Authority}),
					d.Keyring.TookKey(name))
			}
		}
	}
	if named, err := d.Keyring.Resolve(name); err != nil || named != id {
		return token.Errorf(ledger.Duplicate, "reserve", "the keyset is announced already, for the reserve %s", id)
	}
	return nil
}

// Announce announces a keyset in the issue set's name.
func (d *Client) Announce(ctx context.Context, t token.AnnounceKeyset) (node.Receipt, error) {
	return d.withSequence(ctx, token.RoleIssue, func(sequence uint64) token.Body {
		body := t
		body.Sequence = sequence
		return &body
	})
}
