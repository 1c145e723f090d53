package token

import "github.com/aqsha/aqsha/money"

// FreezeMode says what a frozen wallet may still do.
type FreezeMode uint8

const (
	NotFrozen    FreezeMode = 0
	FreezeDebits FreezeMode = 1 // it may receive, not pay
	FreezeAll    FreezeMode = 2 // it may do neither
)

// MaxCase is the most bytes of a case reference.
const MaxCase = 64

// Freeze stops a wallet under a case reference, signed by the enforcement set.
type Freeze struct {
	Wallet  WalletID   `json:"wallet"`
	Version uint64     `json:"version"`
	Mode    FreezeMode `json:"mode"`
	Case    string     `json:"case"`
}

func (*Freeze) Kind() Kind  { return KindFreeze }
func (*Freeze) fields() int { return 4 }

func (t *Freeze) appendFields(b []byte) []byte {
	b = AppendUint(appendTarget(b, t.Wallet, t.Version), uint64(t.Mode))
	return AppendText(b, t.Case)
}

func (t *Freeze) decodeFields(d *Decoder) {
	t.Wallet, t.Version = d.target()
	t.Mode = FreezeMode(d.Uint("mode", 255))
	t.Case = d.Text("case", 1, MaxCase)
}

func (t *Freeze) check() *Error {
	if t.Mode != FreezeDebits && t.Mode != FreezeAll {
		return Errorf(OutOfRange, "mode", "%d; want 1 (debits) or 2 (all)", t.Mode)
	}
	return checkCase(t.Case)
}

func checkCase(reference string) *Error {
	if len(reference) == 0 || len(reference) > MaxCase {
		return Errorf(OutOfRange, "case", "%d bytes, want 1 to %d", len(reference), MaxCase)
	}
	return nil
}

// Unfreeze ends a freeze, under the same case reference.
type Unfreeze struct {
	Wallet  WalletID `json:"wallet"`
	Version uint64   `json:"version"`
	Case    string   `json:"case"`
}

func (*Unfreeze) Kind() Kind  { return KindUnfreeze }
func (*Unfreeze) fields() int { return 3 }

func (t *Unfreeze) appendFields(b []byte) []byte {
	return AppendText(appendTarget(b, t.Wallet, t.Version), t.Case)
}

func (t *Unfreeze) decodeFields(d *Decoder) {
	t.Wallet, t.Version = d.target()
	t.Case = d.Text("case", 1, MaxCase)
}

func (t *Unfreeze) check() *Error { return checkCase(t.Case) }

// Seize takes a stated amount out of named tokens of a frozen wallet to a registered court
// wallet; the change goes back, still frozen. Signed by the enforcement set under the freeze's case.
type Seize struct {
	Wallet WalletID   `json:"wallet"`
	Inputs []ID       `json:"inputs"`
	Amount money.Tiyn `json:"amount"`
	Change money.Tiyn `json:"change"`
	Court  WalletID   `json:"court"`
	Case   string     `json:"case"`
}

func (*Seize) Kind() Kind  { return KindSeize }
func (*Seize) fields() int { return 6 }

func (t *Seize) appendFields(b []byte) []byte {
	b = AppendBytes(b, t.Wallet[:])
	b = appendIDs(b, t.Inputs)
	b = AppendUint(b, uint64(t.Amount))
	b = AppendUint(b, uint64(t.Change))
	b = AppendBytes(b, t.Court[:])
	return AppendText(b, t.Case)
}

func (t *Seize) decodeFields(d *Decoder) {
	t.Wallet = d.wallet("wallet")
	t.Inputs = d.ids("inputs", 1, MaxInputs)
	t.Amount = d.amount("amount")
	t.Change = money.Tiyn(d.Uint("change", 1<<63-1))
	t.Court = d.wallet("court")
	t.Case = d.Text("case", 1, MaxCase)
}

func (t *Seize) check() *Error {
	if err := checkTaking(t.Inputs, t.Amount, t.Change); err != nil {
		return err
	}
	return checkCase(t.Case)
}
