package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Accept answers an application with a draft of the registration that the bank's keys here have signed. The draft names
// the bank's next sequence: another registration before the applicant hands it in makes it void, and he asks again.
func (d *Client) Accept(ctx context.Context, a api.ApplicationView, tier uint8) (api.ApplicationView, *Draft, error) {
	sequence, err := d.registrarSequence(ctx, a.Bank)
	if err != nil {
		return a, nil, err
	}
	draft, err := d.draft(ctx, &token.Register{Registrar: a.Bank, Sequence: sequence, Key: a.Key, Tier: tier})
	if err != nil {
		return a, nil, err
	}
	if err := draft.signFrom(d.Keyring); err != nil {
		return a, nil, err
	}
	content, err := json.Marshal(draft)
	if err != nil {
		return a, nil, err
	}
	answered, err := d.API.AcceptApplication(ctx, a.ID, content)
	return answered, draft, err
}

// applyEvery is how often an applicant looks whether the bank has answered.
const applyEvery = 500 * time.Millisecond

// RefusedError says that a bank opens no wallet.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string      { return "the bank refuses: " + e.Reason }
func (e *RefusedError) ErrorCode() string  { return "application-refused" }
func (e *RefusedError) ErrorField() string { return "application" }

// Apply asks a bank for a wallet of a key that is made here, waits for its paper, signs and hands it in. A crash in
// between costs nothing: the same key asks again. A paper that another registration of the bank's made void is asked
// for anew.
func (d *Client) Apply(ctx context.Context, name string, bank token.WalletID) (node.Receipt, error) {
	if err := d.Keyring.Fresh(name); err != nil {
		return node.Receipt{}, err
	}
	key, err := d.Keyring.KeyFor(name, "wallet "+name)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := retry(ctx, func() (node.Receipt, error) { return d.applyOnce(ctx, key, name, bank) })
	if err == nil {
		err = errors.Join(d.Keyring.Put(Name{Name: name, ID: token.RegisteredID(receipt.ID), Registrar: bank}),
			d.Keyring.TookKey(name))
	}
	return receipt, err
}

// applyOnce asks, waits for the answer and hands the paper in.
func (d *Client) applyOnce(ctx context.Context, key token.Signer, name string,
	bank token.WalletID) (node.Receipt, error) {
	network, err := d.API.Network(ctx)
	if err != nil {
		return node.Receipt{}, err
	}
	signature, err := key.Sign(token.ApplicationDigest(network.Network, bank, key.Public(), name))
	if err != nil {
		return node.Receipt{}, err
	}
	a, err := d.API.Apply(ctx, api.ApplicationRequest{Bank: bank, Key: key.Public(), Name: name, Signature: signature})
	for ; err == nil && a.State == api.ApplicationWaits; a, err = d.API.Application(ctx, a.ID) {
		select {
		case <-time.After(applyEvery):
		case <-ctx.Done():
			return node.Receipt{}, ctx.Err()
		}
	}
	if err != nil {
		return node.Receipt{}, err
	}
	if a.State == api.ApplicationRefused {
		return node.Receipt{}, &RefusedError{a.Reason}
	}
	draft, err := parseDraft("the bank's paper", a.Draft)
	if err != nil {
		return node.Receipt{}, err
	}
	// The bank's paper is anything until it is read: a key signs its own registration, and nothing else that a bank
	// sends.
	r, registers := draft.Transaction.Body.(*token.Register)
	if draft.Network != network.Network || !registers || r.Key != key.Public() || r.Registrar != bank {
		return node.Receipt{},
			token.Errorf(token.OutOfRange, "draft",
				"the bank's paper is no registration of this key at this bank: it is not signed")
	}
	if _, err := draft.Sign(key); err != nil {
		return node.Receipt{}, err
	}
	return d.Submit(ctx, draft)
}
