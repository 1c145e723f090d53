package wallet

import (
	"context"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// agencyKey is what an agency's key is called: NAME-agency.
const agencyKey = "-agency"

// GrantAgency gives the role of an agency under a name, making its key if it is not here yet.
func (d *Desk) GrantAgency(ctx context.Context, name string) (node.Receipt, error) {
	if err := CheckName(name); err != nil {
		return node.Receipt{}, err
	}
	if d.Book.Has(name) {
		return node.Receipt{}, fmt.Errorf("name %q is taken", name)
	}
	key, err := d.Book.KeyFor(name+agencyKey, "agency "+name)
	if err != nil {
		return node.Receipt{}, err
	}
	receipt, err := d.withSequence(ctx, token.RolePolicy, func(sequence uint64) token.Body {
		return &token.SetAgency{Sequence: sequence, Name: name, Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{key.Public()}}}
	})
	if err == nil || errors.Is(err, ErrDrafted) {
		err = errors.Join(err, d.Book.Put(Name{Name: name, ID: token.RegisteredID(receipt.ID)}), d.Book.TookKey(name+agencyKey))
	}
	return receipt, err
}

// SuspendAgency suspends or reinstates an agency.
func (d *Desk) SuspendAgency(ctx context.Context, id token.WalletID, suspended bool) (node.Receipt, error) {
	return d.setAgency(ctx, id, func(t *token.SetAgency) { t.Suspended = suspended })
}

// RenewAgency gives an agency other keys to sign with, which prove possession.
func (d *Desk) RenewAgency(ctx context.Context, id token.WalletID, keys token.KeySet) (node.Receipt, error) {
	return d.setAgency(ctx, id, func(t *token.SetAgency) { t.Keys = keys })
}

// setAgency changes one thing of an agency. The agency is read anew at each try: another may change something else.
func (d *Desk) setAgency(ctx context.Context, id token.WalletID, change func(t *token.SetAgency)) (node.Receipt, error) {
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
func (d *Desk) Vouch(ctx context.Context, agency, wallet token.WalletID, as string, withdrawn bool) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		a, err := d.agency(ctx, agency)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.Vouch{Agency: agency, Sequence: a.Sequence, Wallet: wallet, As: as, Withdrawn: withdrawn})
	})
}

func (d *Desk) agency(ctx context.Context, id token.WalletID) (api.AgencyView, error) {
	list, err := d.Client.Agencies(ctx)
	for _, a := range list {
		if a.ID == id {
			return a, err
		}
	}
	return api.AgencyView{}, errors.Join(err, token.Errorf(node.NotFound, "agency", "no agency %s", id))
}

// RegisterPurpose registers a purpose for an agency.
func (d *Desk) RegisterPurpose(ctx context.Context, agency token.WalletID, purpose token.Purpose) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		a, err := d.agency(ctx, agency)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.RegisterPurpose{Agency: agency, Sequence: a.Sequence, Purpose: purpose})
	})
}

// party reads what rules see of a wallet.
func (d *Desk) party(ctx context.Context, id token.WalletID) (*contract.Party, error) {
	w, err := d.Client.Wallet(ctx, id)
	return &contract.Party{ID: id, Key: w.Key, Tier: w.Tier, Bank: w.Registrar, Attributes: w.Attributes, Vouched: w.Testimonies}, err
}

// becomes asks a purpose's rule, here, what an amount becomes by a payment, and those that amend it. The ledger asks again.
func (d *Desk) becomes(ctx context.Context, p api.PurposeView, payment *contract.Payment, from, to token.WalletID) (uint32, error) {
	if from == to {
		return p.Number, nil
	}
	all, err := d.amendments(ctx, p)
	if err != nil {
		return 0, err
	}
	if payment.Payer, err = d.party(ctx, from); err == nil {
		payment.Payee, err = d.party(ctx, to)
	}
	if err != nil {
		return 0, err
	}
	var refused error
	for _, amending := range all {
		if amending.Number < p.Number {
			continue // what it amends gives it nothing
		}
		rule, problems := contract.CompilePurpose(amending.Purpose.Purpose)
		if len(problems) > 0 {
			return 0, problems
		}
		after, refusal := rule.Permit(payment)
		switch {
		case refusal != nil && refused == nil:
			refused = refusal
		case refusal != nil:
		case after == token.BecomesSame:
			return p.Number, nil
		default:
			return after, nil
		}
	}
	return 0, refused
}

// MarkedPayment is a payment of marked money, or one that marks.
type MarkedPayment struct {
	From, To token.WalletID
	Amount   money.Tiyn
	Purpose  api.PurposeView
	Mark     bool // plain money of the payer becomes the purpose's
	Document *token.Hash
	Memo     token.Memo
}

// PayMarked pays marked money, or marks money, and says what it became.
func (d *Desk) PayMarked(ctx context.Context, p MarkedPayment) (node.Receipt, uint32, error) {
	t, becomes, err := d.prepareMarked(ctx, p)
	if err != nil {
		return node.Receipt{}, 0, err
	}
	receipt, err := d.submitting(ctx, t, p.From, t.Inputs)
	return receipt, becomes, err
}

// prepareMarked makes a payment out of money of the purpose or, where it is amended, of what it amends or what amends it:
// the oldest money first that suffices and may be paid. Each mark is spent by itself.
func (d *Desk) prepareMarked(ctx context.Context, p MarkedPayment) (*token.MarkedTransfer, uint32, error) {
	if p.Mark {
		return d.prepareOf(ctx, p)
	}
	all, err := d.amendments(ctx, p.Purpose)
	if err != nil {
		return nil, 0, err
	}
	var refused error
	for _, p.Purpose = range all {
		t, becomes, err := d.prepareOf(ctx, p)
		if err == nil {
			return t, becomes, nil
		}
		var coded interface{ ErrorCode() string }
		if lacks := errors.As(err, &coded) && coded.ErrorCode() == string(node.Insufficient); refused == nil || !lacks {
			refused = err // that it is forbidden says more than that there is none
		}
	}
	return nil, 0, refused
}

// prepareOf selects tokens and makes the payment, unsigned, and says what its money becomes.
func (d *Desk) prepareOf(ctx context.Context, p MarkedPayment) (*token.MarkedTransfer, uint32, error) {
	out := token.MarkedOutput{Amount: p.Amount, From: p.Purpose.Number, Becomes: p.Purpose.Number}
	if p.Mark {
		out.From = 0
	} else {
		payment := &contract.Payment{Amount: p.Amount, Now: d.Now()}
		if p.Document != nil {
			payment.Document = p.Document[:]
		}
		var err error
		if out.Becomes, err = d.becomes(ctx, p.Purpose, payment, p.From, p.To); err != nil {
			return nil, 0, err
		}
	}
	selection, err := d.Client.SelectOf(ctx, p.From, out.From, p.Amount, waitMillis)
	if err != nil {
		return nil, 0, err
	}
	t := &token.MarkedTransfer{Parties: []token.WalletID{p.From}, Document: p.Document, Memo: p.Memo}
	if p.To != p.From {
		t.Parties, out.Party = append(t.Parties, p.To), 1
	}
	t.Outputs = []token.MarkedOutput{out}
	for _, in := range selection.Tokens {
		t.Inputs = append(t.Inputs, in.ID)
	}
	if change := selection.Total - p.Amount; change > 0 {
		t.Outputs = append(t.Outputs, token.MarkedOutput{Amount: change, From: out.From, Becomes: out.From})
	}
	return t, out.Becomes, nil
}

// submitting submits what spends tokens that were set aside, and frees them if it is refused.
func (d *Desk) submitting(ctx context.Context, body token.Body, wallet token.WalletID, inputs []token.ID) (node.Receipt, error) {
	receipt, err := d.Do(ctx, body)
	if err != nil && len(inputs) > 0 && !errors.Is(err, ErrDrafted) {
		_ = d.Client.Release(ctx, wallet, inputs) // a courtesy; they come free by themselves
	}
	return receipt, err
}

// Define registers a definition with a registrar.
func (d *Desk) Define(ctx context.Context, registrar token.WalletID, definition *contract.Definition) (node.Receipt, error) {
	return retry(ctx, func() (node.Receipt, error) {
		sequence, err := d.registrarSequence(ctx, registrar)
		if err != nil {
			return node.Receipt{}, err
		}
		return d.Do(ctx, &token.Define{Registrar: registrar, Sequence: sequence, Definition: definition.Encode()})
	})
}

// bring sets aside tokens of each asset that a wallet pays into a contract.
func (d *Desk) bring(ctx context.Context, wallet token.WalletID, assets []uint32, paid []money.Tiyn) (inputs []token.ID, err error) {
	for i, amount := range paid {
		if amount == 0 {
			continue
		}
		selection, err := d.Client.SelectOf(ctx, wallet, assets[i], amount, waitMillis)
		if err != nil {
			return nil, err
		}
		for _, t := range selection.Tokens {
			inputs = append(inputs, t.ID)
		}
	}
	return inputs, nil
}

// CreateContract makes a contract; its inputs are chosen here.
func (d *Desk) CreateContract(ctx context.Context, t *token.Create) (node.Receipt, error) {
	var err error
	if t.Inputs, err = d.bring(ctx, t.Creator, t.Assets, t.Paid); err != nil {
		return node.Receipt{}, err
	}
	return d.submitting(ctx, t, t.Creator, t.Inputs)
}

// Act calls an action of a contract in its present version; its inputs are chosen here.
func (d *Desk) Act(ctx context.Context, t *token.Act, assets []uint32) (node.Receipt, error) {
	var err error
	if t.Inputs, err = d.bring(ctx, t.Caller, assets, t.Paid); err != nil {
		return node.Receipt{}, err
	}
	return d.submitting(ctx, t, t.Caller, t.Inputs)
}
