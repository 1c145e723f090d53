package wallet

import (
	"context"
	"errors"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// agencyKey is what an agency's key is called: NAME-agency.
const agencyKey = "-agency"

// GrantAgency gives the role of an agency under a name, making its key if it is not here yet.
func (d *Client) GrantAgency(ctx context.Context, name string) (node.Receipt, error) {
	if err := d.Keyring.Fresh(name); err != nil {
		return node.Receipt{}, err
	}
	key, err := d.Keyring.KeyFor(name+agencyKey, "agency "+name)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.SetAgency{Sequence: sequence, Name: name,
			Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{key.Public()}}}
	})
	if err == nil || errors.Is(err, ErrDrafted) {
		err = errors.Join(err, d.Keyring.Put(Name{Name: name, ID: token.RegisteredID(receipt.ID)}),
			d.Keyring.TookKey(name+agencyKey))
	}
	return receipt, err
}

// SuspendAgency suspends or reinstates an agency.
func (d *Client) SuspendAgency(ctx context.Context, id token.WalletID, suspended bool) (node.Receipt, error) {
	return d.setAgency(ctx, id, func(t *token.SetAgency) { t.Suspended = suspended })
}

// RenewAgency gives an agency other keys to sign with, which prove possession.
func (d *Client) RenewAgency(ctx context.Context, id token.WalletID, keys token.KeySet) (node.Receipt, error) {
	return d.setAgency(ctx, id, func(t *token.SetAgency) { t.Keys = keys })
}

// setAgency changes one thing of an agency. The agency is read anew at each try: another may change something else.
func (d *Client) setAgency(ctx context.Context, id token.WalletID,
	change func(t *token.SetAgency)) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		sequence, err := d.sequence(ctx, token.RolePolicy)
		if err != nil {
			return node.Receipt{}, err
		}
		a, err := d.agency(ctx, id)
		if err != nil {
			return node.Receipt{}, err
		}
		t := &token.SetAgency{Sequence: sequence, Agency: id, Name: a.Name, Keys: a.Keys, Suspended: a.Suspended}
		change(t)
		return d.Do(ctx, t)
	})
}

// Vouch says in an agency's name what a wallet's holder is, or takes that back.
func (d *Client) Vouch(ctx context.Context, agency, wallet token.WalletID, as string,
	withdrawn bool) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		a, err := d.agency(ctx, agency)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.Vouch{Agency: agency, Sequence: a.Sequence, Wallet: wallet, As: as,
			Withdrawn: withdrawn})
	})
}

// agency is an agency as it stands now.
func (d *Client) agency(ctx context.Context, id token.WalletID) (api.AgencyView, error) {
	list, err := d.API.Agencies(ctx)
	for _, a := range list {
		if a.ID == id {
			return a, err
		}
	}
	return api.AgencyView{}, errors.Join(err, token.Errorf(node.NotFound, "agency", "no agency %s", id))
}

// RegisterPurpose registers a purpose for an agency.
func (d *Client) RegisterPurpose(ctx context.Context, agency token.WalletID,
	purpose token.Purpose) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		a, err := d.agency(ctx, agency)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.RegisterPurpose{Agency: agency, Sequence: a.Sequence, Purpose: purpose})
	})
}

// party reads what rules see of a wallet.
func (d *Client) party(ctx context.Context, id token.WalletID) (*contract.Party, error) {
	w, err := d.API.Wallet(ctx, id)
	return &contract.Party{ID: id, Key: w.Key, Tier: w.Tier, Bank: w.Registrar, Attributes: w.Attributes,
		Vouched: w.Testimonies}, err
}

// EarmarkedPayment is a payment of marked money, or one that marks.
type EarmarkedPayment struct {
	From, To token.WalletID
	Amount   money.Tiyn
	Purpose  api.PurposeView
	Earmark  bool // plain money of the payer becomes the purpose's
	Any      bool // whatever marked money becomes plain by it, of any purpose, and then plain money
	Document *token.Hash
	Memo     token.Memo
}

// PayEarmarked pays marked money, or marks money, and says what it became.
func (d *Client) PayEarmarked(ctx context.Context, p EarmarkedPayment) (node.Receipt, uint32, error) {
	t, becomes, err := d.prepareEarmarked(ctx, p)
	if err != nil {
		return node.Receipt{}, 0, err
	}
	receipt, err := d.submitting(ctx, t, p.From, t.Inputs)
	return receipt, becomes, err
}

// submitting submits what spends tokens that were set aside, and frees them if it is refused. Without an answer they
// stay set aside.
func (d *Client) submitting(ctx context.Context, body token.Body, wallet token.WalletID,
	inputs []token.ID) (node.Receipt, error) {
	receipt, err := d.Do(ctx, body)
	if len(inputs) == 0 {
		return receipt, err
	}
	return receipt, d.freeRefused(ctx, wallet, inputs, err)
}

// Define registers a definition with a registrar.
func (d *Client) Define(ctx context.Context, registrar token.WalletID,
	definition *contract.Definition) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		sequence, err := d.registrarSequence(ctx, registrar)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.Define{Registrar: registrar, Sequence: sequence, Definition: definition.Encode()})
	})
}

// CreateContract makes a contract; its inputs are chosen here.
func (d *Client) CreateContract(ctx context.Context, t *token.Create) (node.Receipt, error) {
	var err error
	if t.Inputs, err = d.bring(ctx, t.Creator, t.Assets, t.Paid); err != nil {
		return node.Receipt{}, err
	}
	return d.submitting(ctx, t, t.Creator, t.Inputs)
}

// Act calls an action of a contract in its present version; its inputs are chosen here.
func (d *Client) Act(ctx context.Context, t *token.Act, assets []uint32) (node.Receipt, error) {
	var err error
	if t.Inputs, err = d.bring(ctx, t.Caller, assets, t.Paid); err != nil {
		return node.Receipt{}, err
	}
	return d.submitting(ctx, t, t.Caller, t.Inputs)
}

// Amends finds what a purpose amends: the last amendment that is announced, of a name or number. Without `from:` it
// begins as soon as the promised notice lets it.
func (d *Client) Amends(ctx context.Context, agency token.WalletID, name string, p *token.Purpose) error {
	list, err := d.API.Purposes(ctx)
	if err != nil {
		return err
	}
	var old api.PurposeView
	for _, candidate := range list { // a bare name is the agency's own
		if candidate.Agency == agency && candidate.Name == name {
			old = candidate
		}
	}
	if old.Number == 0 {
		if old, err = d.Purpose(ctx, name); err != nil {
			return err
		}
	}
	if old, err = d.Newest(ctx, old); err != nil {
		return err
	}
	if p.Amends = old.Number; p.FromMillis == 0 {
		p.FromMillis = d.Now() + old.NoticeMillis + 1000 // until the block comes
	}
	return nil
}
