package token

import "github.com/aqsha/aqsha/money"

// Hard bounds of form; policy sets lower ones.
const (
	MaxParties = 1024
	MaxInputs  = 1024
	MaxOutputs = 1024
)

// Output gives an amount of an asset to a party of the transfer.
type Output struct {
	Party  int        `json:"party"` // index into the transfer's parties
	Amount money.Tiyn `json:"amount"`
	Asset  Asset      `json:"asset,omitzero"`
}

// Transfer spends tokens of one or several payers and makes new ones of the same value.
// Parties are named once and referred to by number, which keeps change cheap; the first Payers
// of them own the inputs, and each signs.
type Transfer struct {
	Parties []WalletID `json:"parties"`
	Payers  int        `json:"payers"`
	Inputs  []ID       `json:"inputs"`
	Outputs []Output   `json:"outputs"`
	Memo    Memo       `json:"memo,omitzero"`
}

func (*Transfer) Kind() Kind  { return KindTransfer }
func (*Transfer) fields() int { return 5 }

func (t *Transfer) appendFields(b []byte) []byte {
	b = appendWallets(b, t.Parties)
	b = AppendUint(b, uint64(t.Payers))
	b = appendIDs(b, t.Inputs)
	b = AppendArray(b, len(t.Outputs))
	for _, o := range t.Outputs {
		items := 2
		if o.Asset != PlainTenge {
			items = 3
		}
		b = AppendArray(b, items)
		b = AppendUint(b, uint64(o.Party))
		b = AppendUint(b, uint64(o.Amount))
		if o.Asset != PlainTenge {
			b = appendAsset(b, o.Asset)
		}
	}
	return appendMemo(b, t.Memo)
}

func (t *Transfer) decodeFields(d *Decoder) {
	t.Parties = d.wallets("parties", 1, MaxParties)
	t.Payers = int(d.Uint("payers", MaxParties))
	t.Inputs = d.ids("inputs", 1, MaxInputs)
	n := d.Array("outputs", 1, MaxOutputs)
	t.Outputs = make([]Output, 0, n)
	for range n {
		if d.err != nil {
			return
		}
		items := d.Array("outputs", 2, 3)
		o := Output{Party: int(d.Uint("outputs.party", MaxParties)), Amount: d.amount("outputs.amount")}
		if items == 3 {
			o.Asset = d.asset("outputs.asset")
		}
		t.Outputs = append(t.Outputs, o)
	}
	t.Memo = d.memo()
}

// check: parties and inputs once each, amounts positive and their sum within the range of money, and nobody named who
// neither pays nor is paid. That inputs are the payers' and amount to the outputs the ledger checks.
func (t *Transfer) check() *Error {
	if err := counts("parties", len(t.Parties), MaxParties); err != nil {
		return err
	}
	if err := counts("inputs", len(t.Inputs), MaxInputs); err != nil {
		return err
	}
	if err := counts("outputs", len(t.Outputs), MaxOutputs); err != nil {
		return err
	}
	if t.Payers < 1 || t.Payers > len(t.Parties) {
		return Errorf(OutOfRange, "payers", "%d of %d parties", t.Payers, len(t.Parties))
	}
	if err := distinct("parties", t.Parties); err != nil {
		return err
	}
	// One input twice would be money twice: the ledger takes it out of the state once and would count it two times.
	if err := distinct("inputs", t.Inputs); err != nil {
		return err
	}
	var total money.Tiyn
	for _, o := range t.Outputs {
		if o.Party < 0 || o.Party >= len(t.Parties) {
			return Errorf(OutOfRange, "outputs.party", "%d of %d parties", o.Party, len(t.Parties))
		}
		err := positive("outputs.amount", o.Amount)
		if err == nil {
			total, err = sum("outputs.amount", total, o.Amount)
		}
		if err != nil {
			return err
		}
	}
	// A payer's consent is its signature. A party that neither pays nor is paid has none, and is kept out.
	if party, ok := t.unpaid(); ok {
		return Errorf(Unused, "parties", "party %d neither pays nor is paid", party)
	}
	return t.Memo.check()
}

// unpaid finds a party that is neither a payer nor named by an output.
func (t *Transfer) unpaid() (party int, found bool) {
	for party := t.Payers; party < len(t.Parties); party++ {
		named := false
		for _, o := range t.Outputs {
			named = named || o.Party == party
		}
		if !named {
			return party, true
		}
	}
	return 0, false
}

func counts(field string, n, max int) *Error {
	if n < 1 {
		return Errorf(TooFew, field, "none, at least 1")
	}
	if n > max {
		return Errorf(TooMany, field, "%d items, at most %d", n, max)
	}
	return nil
}

// distinct checks that no item stands twice: by comparison while few, by a set when many.
func distinct[T comparable](field string, items []T) *Error {
	const few = 16
	if len(items) <= few {
		for i := range items {
			for j := range i {
				if items[i] == items[j] {
					return Errorf(Repeated, field, "items %d and %d are the same", j, i)
				}
			}
		}
		return nil
	}
	seen := make(map[T]int, len(items))
	for i, item := range items {
		if j, ok := seen[item]; ok {
			return Errorf(Repeated, field, "items %d and %d are the same", j, i)
		}
		seen[item] = i
	}
	return nil
}

func appendWallets(b []byte, wallets []WalletID) []byte {
	b = AppendArray(b, len(wallets))
	for i := range wallets {
		b = AppendBytes(b, wallets[i][:])
	}
	return b
}

//nolint:unparam // in the form of the decoder's other methods
func (d *Decoder) wallets(field string, min, max int) []WalletID {
	n := d.Array(field, min, max)
	wallets := make([]WalletID, 0, n)
	for range n {
		if d.err != nil {
			return nil
		}
		wallets = append(wallets, d.wallet(field))
	}
	return wallets
}

func (d *Decoder) wallet(field string) (id WalletID) {
	d.Fixed(field, id[:])
	return id
}

func appendIDs(b []byte, ids []ID) []byte {
	b = AppendArray(b, len(ids))
	for i := range ids {
		b = AppendBytes(b, ids[i][:])
	}
	return b
}

//nolint:unparam // in the form of the decoder's other methods
func (d *Decoder) ids(field string, min, max int) []ID {
	n := d.Array(field, min, max)
	ids := make([]ID, 0, n)
	for range n {
		if d.err != nil {
			return nil
		}
		var id ID
		d.Fixed(field, id[:])
		ids = append(ids, id)
	}
	return ids
}
