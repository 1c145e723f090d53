package wallet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Names of keys by convention: NAME for a wallet's, NAME-bank for an intermediary's signing key,
// NAME-treasury for its treasury's, ROLE-N for the authority's.
const (
	bankKey     = "-bank"
	treasuryKey = "-treasury"
	recoveryKey = "-recovery"
)

// Admit admits a bank under a name, making its keys if they are not here yet. Interrupted, it goes on with the same
// keys when it is called again.
func (d *Client) Admit(ctx context.Context, name string) (node.Receipt, error) {
	if err := d.Keyring.Fresh(name); err != nil {
		return node.Receipt{}, err
	}
	purpose := "bank " + name
	signing, err := d.Keyring.KeyFor(name+bankKey, purpose)
	if err != nil {
		return node.Receipt{}, err
	}
	treasury, err := d.Keyring.KeyFor(name+treasuryKey, purpose)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.Admit{Sequence: sequence, Name: name, Treasury: treasury.Public(),
			Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{signing.Public()}}}
	})
	if err == nil || errors.Is(err, ErrDrafted) {
		err = errors.Join(err, d.Keyring.Put(Name{Name: name, ID: token.RegisteredID(receipt.ID), Bank: true}),
			d.Keyring.TookKey(name+bankKey), d.Keyring.TookKey(name+treasuryKey))
	}
	return receipt, err
}

// Suspend suspends or reinstates a bank.
func (d *Client) Suspend(ctx context.Context, bank token.WalletID, suspended bool) (node.Receipt, error) {
	return d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.Suspend{Sequence: sequence, Intermediary: bank, Suspended: suspended}
	})
}

// Renew gives a bank other keys to sign with, which prove possession.
func (d *Client) Renew(ctx context.Context, bank token.WalletID, keys token.KeySet) (node.Receipt, error) {
	return d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.RenewIntermediary{Sequence: sequence, Intermediary: bank, Keys: keys}
	})
}

// Move hands wallets of a suspended bank to another.
func (d *Client) Move(ctx context.Context, from, to token.WalletID, wallets []token.WalletID) (node.Receipt, error) {
	return d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.Move{Sequence: sequence, From: from, To: to, Wallets: wallets}
	})
}

// NewWallet says what a wallet shall be.
type NewWallet struct {
	Name       string
	Registrar  token.WalletID // Authority for direct access
	Tier       uint8
	Attributes token.Attributes
	Recovery   bool            // also make a recovery key, NAME-recovery
	Key        token.PublicKey // as its holder brought it; NoKey makes one here
}

// Register opens a wallet, making its key if it is not here yet.
func (d *Client) Register(ctx context.Context, w NewWallet) (node.Receipt, error) {
	if err := d.Keyring.Fresh(w.Name); err != nil {
		return node.Receipt{}, err
	}
	purpose := "wallet " + w.Name
	public := w.Key
	if public == token.NoKey {
		key, err := d.Keyring.KeyFor(w.Name, purpose)
		if err != nil {
			return node.Receipt{}, err
		}
		public = key.Public()
	}
	recovery := token.NoKey
	if w.Recovery {
		r, err := d.Keyring.KeyFor(w.Name+recoveryKey, purpose)
		if err != nil {
			return node.Receipt{}, err
		}
		recovery = r.Public()
	}
	// The keys are on the disk by now: a wallet whose key a crash has lost would be lost with it. A run after a crash
	// finds them, as they were made for this very wallet.
	receipt, err := retry(ctx, func() (node.Receipt, error) {
		sequence, err := d.registrarSequence(ctx, w.Registrar)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.Register{Registrar: w.Registrar, Sequence: sequence, Key: public, Recovery: recovery,
			Tier: w.Tier, Attributes: w.Attributes})
	})
	if err == nil || errors.Is(err, ErrDrafted) {
		// Noted for a draft, too: the id is the transaction's, whoever submits it and when.
		err = errors.Join(err,
			d.Keyring.Put(Name{Name: w.Name, ID: token.RegisteredID(receipt.ID), Registrar: w.Registrar}))
		if w.Key == token.NoKey {
			err = errors.Join(err, d.Keyring.TookKey(w.Name))
		}
		if w.Recovery {
			err = errors.Join(err, d.Keyring.TookKey(w.Name+recoveryKey))
		}
	}
	return receipt, err
}

// registrarSequence is the next number of a bank, or of the policy set for direct access.
func (d *Client) registrarSequence(ctx context.Context, registrar token.WalletID) (uint64, error) {
	if registrar == token.Authority {
		return d.sequence(ctx, token.RolePolicy)
	}
	list, err := d.API.Intermediaries(ctx)
	if err != nil {
		return 0, err
	}
	for _, i := range list {
		if i.ID == registrar {
			return i.Sequence, nil
		}
	}
	return 0, token.Errorf(node.NotFound, "bank", "no bank %s", registrar)
}

// Update changes tier and attributes of a wallet.
func (d *Client) Update(ctx context.Context, id token.WalletID,
	change func(tier *uint8, attributes *token.Attributes)) (node.Receipt, error) {
	return d.withVersion(ctx, id, func(w api.WalletView) token.Body {
		tier, attributes := w.Tier, w.Attributes
		change(&tier, &attributes)
		return &token.Update{Wallet: id, Version: uint64(w.Version), Tier: tier, Attributes: attributes}
	})
}

// PresentKey is the refusal to give a wallet the key that it has.
const PresentKey token.Code = "present-key"

// Rekey gives a wallet the key of a name, made if it is not here.
func (d *Client) Rekey(ctx context.Context, id token.WalletID, by token.Role, keyName string) (node.Receipt, error) {
	key, err := d.Keyring.Key(keyName)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = d.Keyring.KeyFor(keyName, rekeyOf(id))
	}
	if err != nil {
		return node.Receipt{}, err
	}
	view, err := d.API.Wallet(ctx, id)
	if err != nil {
		return node.Receipt{}, err
	}
	if view.Key == key.Public() {
		return node.Receipt{},
			token.Errorf(PresentKey, "key", "%s is the wallet's present key: a new key has a new name (--key NAME)",
				d.Keyring.path(keysDir, keyName+keySuffix))
	}
	receipt, err := d.RekeyTo(ctx, id, by, key.Public())
	if err == nil || errors.Is(err, ErrDrafted) {
		err = errors.Join(err, d.Keyring.TookKey(keyName))
	}
	return receipt, err
}

// RekeyTo gives a wallet a key whose holder may be elsewhere: without it here the transaction is drafted, and he signs
// it too.
func (d *Client) RekeyTo(ctx context.Context, id token.WalletID, by token.Role,
	key token.PublicKey) (node.Receipt, error) {
	return d.withVersion(ctx, id, func(w api.WalletView) token.Body {
		return &token.Rekey{Wallet: id, Version: uint64(w.Version), By: by, Key: key}
	})
}

// rekeyOf is what a key is made for that a wallet is to get.
func rekeyOf(id token.WalletID) string { return "rekey " + id.String() }

// FreshKeyName is a name for a wallet's next key: NAME-new, NAME-new-2 and so on, the first that is free, or whose key
// an interrupted run made for it.
func (d *Client) FreshKeyName(id token.WalletID, name string) (string, error) {
	for i := 1; ; i++ {
		fresh := name + "-new"
		if i > 1 {
			fresh = fmt.Sprintf("%s-new-%d", name, i)
		}
		if err := CheckName(fresh); err != nil {
			return "", err
		}
		made, err := d.Keyring.keyMadeFor(fresh)
		if err != nil || made == rekeyOf(id) || !there(d.Keyring.files, d.Keyring.path(keysDir, fresh+keySuffix)) {
			return fresh, err
		}
	}
}

// Cancel stops a new key or the closing that waits, with the wallet's present key or its recovery key.
func (d *Client) Cancel(ctx context.Context, id token.WalletID, by token.Role) (node.Receipt, error) {
	network, err := d.API.Network(ctx)
	if err != nil {
		return node.Receipt{}, err
	}
	return d.withVersion(ctx, id, func(w api.WalletView) token.Body {
		if network.Rules < 2 && by == token.RoleWallet { // whose rules know no other
			return &token.CancelRekey{Wallet: id, Version: uint64(w.Version)}
		}
		return &token.Cancel{Wallet: id, Version: uint64(w.Version), By: by}
	})
}

// Release moves an amount that the rules hold for a wallet, of plain money or of a purpose's; 0 for all of it.
func (d *Client) Release(ctx context.Context, of, to token.WalletID, by token.Role, purpose uint32,
	amount money.Tiyn) (node.Receipt, error) {
	held, err := d.API.Held(ctx, of)
	if err != nil {
		return node.Receipt{}, err
	}
	return d.releaseHeld(ctx, &token.Release{Held: held.Holder, For: of, By: by, Amount: amount, To: to}, purpose,
		held.Tokens)
}

// ReleaseSuspense moves an amount that a suspense wallet of rules version 1 holds, signed by enforcement and registrar.
func (d *Client) ReleaseSuspense(ctx context.Context, suspense, to token.WalletID, purpose uint32,
	amount money.Tiyn) (node.Receipt, error) {
	list, err := d.API.Tokens(ctx, suspense, token.MaxInputs)
	if err != nil {
		return node.Receipt{}, err
	}
	return d.releaseHeld(ctx, &token.Release{Held: suspense, By: token.RoleEnforcement, Amount: amount, To: to},
		purpose, list.Tokens)
}

// releaseHeld completes a release with tokens that amount to it, the largest first, and does it.
func (d *Client) releaseHeld(ctx context.Context, t *token.Release, purpose uint32,
	tokens []livestate.LiveToken) (node.Receipt, error) {
	a, err := d.API.Authority(ctx)
	if err != nil {
		return node.Receipt{}, err
	}
	tokens = slices.DeleteFunc(slices.Clone(tokens),
		func(l livestate.LiveToken) bool { return l.Asset.Purpose != purpose })
	slices.SortFunc(tokens, func(x, y livestate.LiveToken) int { return cmp.Compare(y.Amount, x.Amount) })
	var total money.Tiyn
	for _, l := range tokens {
		if len(t.Inputs) == a.Policy.MaxInputs || t.Amount != 0 && total >= t.Amount {
			break
		}
		if total, err = money.Add(total, l.Amount); err != nil { // the node's word
			return node.Receipt{}, fmt.Errorf("the tokens that the node lists: %w", err)
		}
		t.Inputs = append(t.Inputs, l.ID)
	}
	switch {
	case len(t.Inputs) == 0:
		return node.Receipt{}, token.Errorf(node.NotFound, "amount", "nothing is held there")
	case t.Amount == 0:
		t.Amount = total
	case total < t.Amount:
		return node.Receipt{},
			token.Errorf(token.TooMany, "amount", "%s tenge is held in as many tokens as one transaction takes", total)
	}
	t.Change = total - t.Amount
	return d.Do(ctx, t)
}

// Close ends an empty wallet.
func (d *Client) Close(ctx context.Context, id token.WalletID, by token.Role) (node.Receipt, error) {
	return d.withVersion(ctx, id, func(w api.WalletView) token.Body {
		return &token.Close{Wallet: id, Version: uint64(w.Version), By: by}
	})
}

// Freeze stops a wallet under a case; NotFrozen ends the freeze.
func (d *Client) Freeze(ctx context.Context, id token.WalletID, mode token.FreezeMode,
	reference string) (node.Receipt, error) {
	return d.withVersion(ctx, id, func(w api.WalletView) token.Body {
		if mode == token.NotFrozen {
			return &token.Unfreeze{Wallet: id, Version: uint64(w.Version), Case: reference}
		}
		return &token.Freeze{Wallet: id, Version: uint64(w.Version), Mode: mode, Case: reference}
	})
}

// Seize takes an amount from a frozen wallet to a court's: of plain money, or of a purpose's. The rest of the tokens
// that are spent goes back to the wallet.
func (d *Client) Seize(ctx context.Context, id, court token.WalletID, purpose uint32, amount money.Tiyn,
	reference string) (node.Receipt, error) {
	inputs, total, err := d.gather(ctx, id, purpose, amount)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.Do(ctx, &token.Seize{Wallet: id, Inputs: inputs, Amount: amount, Change: total - amount,
		Court: court, Case: reference})
	return receipt, d.freeRefused(ctx, id, inputs, err)
}

// gather selects tokens of a wallet, of a purpose, or plain ones for 0. They are set aside at the node: whoever does
// not use them frees them. total may be more than the amount.
func (d *Client) gather(ctx context.Context, id token.WalletID, purpose uint32,
	amount money.Tiyn) (inputs []token.ID, total money.Tiyn, err error) {
	selection, err := d.API.SelectOf(ctx, id, purpose, amount, 0)
	if err != nil {
		return nil, 0, err
	}
	for _, t := range selection.Tokens {
		inputs = append(inputs, t.ID)
	}
	if selection.Merge {
		return nil, 0, d.freeRefused(ctx, id, inputs,
			token.Errorf(token.TooMany, "amount", "it lies in more tokens than one transaction may spend"))
	}
	return inputs, selection.Total, nil
}

// Issue makes tenge in a bank's treasury.
func (d *Client) Issue(ctx context.Context, bank token.WalletID, amounts ...money.Tiyn) (node.Receipt, error) {
	return d.withSequence(ctx, token.RoleIssue, func(sequence uint64) token.Body {
		return &token.Issue{Sequence: sequence, To: bank, Amounts: amounts}
	})
}

// Redeem destroys tenge of a bank's treasury.
func (d *Client) Redeem(ctx context.Context, bank token.WalletID, amount money.Tiyn) (node.Receipt, error) {
	inputs, total, err := d.gather(ctx, bank, 0, amount)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.Do(ctx, &token.Redeem{From: bank, Inputs: inputs, Amount: amount, Change: total - amount})
	return receipt, d.freeRefused(ctx, bank, inputs, err)
}

// SetPolicy replaces the policy.
func (d *Client) SetPolicy(ctx context.Context, policy token.Policy) (node.Receipt, error) {
	return d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.SetPolicy{Sequence: sequence, Policy: policy}
	})
}

// Propose announces a change of keys, cap, delay or rules.
func (d *Client) Propose(ctx context.Context, by token.Role, change token.Change) (node.Receipt, error) {
	return d.withSequence(ctx, by, func(sequence uint64) token.Body {
		return &token.Propose{By: by, Sequence: sequence, Change: change}
	})
}

// Veto stops a proposal that waits.
func (d *Client) Veto(ctx context.Context, proposal token.TransactionID) (node.Receipt, error) {
	return d.withSequence(ctx, token.RoleRoot, func(sequence uint64) token.Body {
		return &token.Veto{Sequence: sequence, Proposal: proposal}
	})
}

// SetValidators says who orders the network and signs its log from now on: root signs. The reason may be empty. The
// sequence is the root set's in the answer that the present list was read from: where somebody has changed it since,
// this list would undo that, and is refused (stale-version).
func (d *Client) SetValidators(ctx context.Context, sequence uint64, reason string,
	list []token.Validator) (node.Receipt, error) {
	return d.Do(ctx, &token.SetValidators{Sequence: sequence, Reason: reason, Validators: list})
}

// SystemNow is the wall clock in Unix milliseconds.
func SystemNow() uint64 { return uint64(time.Now().UnixMilli()) }
