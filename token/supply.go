package token

import "github.com/aqsha/aqsha/money"

// Issue makes new plain tenge for an intermediary's treasury, one token per amount.
// It has no inputs, so it names the sequence of the issue set: a replay fails for ever.
type Issue struct {
	Sequence uint64       `json:"sequence"`
	To       WalletID     `json:"to"`
	Amounts  []money.Tiyn `json:"amounts"`
}

func (*Issue) Kind() Kind  { return KindIssue }
func (*Issue) fields() int { return 3 }

func (t *Issue) appendFields(b []byte) []byte {
	b = AppendUint(b, t.Sequence)
	b = AppendBytes(b, t.To[:])
	b = AppendArray(b, len(t.Amounts))
	for _, a := range t.Amounts {
		b = AppendUint(b, uint64(a))
	}
	return b
}

func (t *Issue) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.To = d.wallet("to")
	n := d.Array("amounts", 1, MaxOutputs)
	t.Amounts = make([]money.Tiyn, 0, n)
	for range n {
		if d.err != nil {
			return
		}
		t.Amounts = append(t.Amounts, d.amount("amounts"))
	}
}

func (t *Issue) check() *Error {
	if err := counts("amounts", len(t.Amounts), MaxOutputs); err != nil {
		return err
	}
	_, err := t.Total()
	return err
}

// Total is the sum of the amounts, which are all positive.
func (t *Issue) Total() (money.Tiyn, *Error) {
	var total money.Tiyn
	for _, a := range t.Amounts {
		err := positive("amounts", a)
		if err == nil {
			total, err = sum("amounts", total, a)
		}
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}

// Redeem destroys an intermediary's own treasury tokens: its treasury's signature and the issue set's.
type Redeem struct {
	From   WalletID   `json:"from"`
	Inputs []ID       `json:"inputs"`
	Amount money.Tiyn `json:"amount"`
	Change money.Tiyn `json:"change"` // back to the treasury; zero for none
}

func (*Redeem) Kind() Kind  { return KindRedeem }
func (*Redeem) fields() int { return 4 }

func (t *Redeem) appendFields(b []byte) []byte {
	b = AppendBytes(b, t.From[:])
	b = appendIDs(b, t.Inputs)
	b = AppendUint(b, uint64(t.Amount))
	return AppendUint(b, uint64(t.Change))
}

func (t *Redeem) decodeFields(d *Decoder) {
	t.From = d.wallet("from")
	t.Inputs = d.ids("inputs", 1, MaxInputs)
	t.Amount = d.amount("amount")
	t.Change = money.Tiyn(d.Uint("change", 1<<63-1))
}

func (t *Redeem) check() *Error { return checkTaking(t.Inputs, t.Amount, t.Change) }

// checkTaking checks the form of what takes an amount out of tokens and leaves change.
func checkTaking(inputs []ID, amount, change money.Tiyn) *Error {
	if err := counts("inputs", len(inputs), MaxInputs); err != nil {
		return err
	}
	if err := distinct("inputs", inputs); err != nil {
		return err
	}
	if err := positive("amount", amount); err != nil {
		return err
	}
	if change < 0 {
		return Errorf(AmountNegative, "change", "change is not negative")
	}
	_, err := sum("change", amount, change)
	return err
}
