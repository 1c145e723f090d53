package token

// Vouch says of a wallet, in an agency's name, what its holder is: a canteen, of a region, of a trade. The registrar's
// attributes are the word of any bank; what an agency vouches for is its own, and rules ask for both together, such as
// "ministry/canteen" in payee.vouched. The agency signs, and takes it back the same way. Since rules version 4.
type Vouch struct {
	Agency    WalletID `json:"agency"`
	Sequence  uint64   `json:"sequence"` // of the agency
	Wallet    WalletID `json:"wallet"`
	As        string   `json:"as"`
	Withdrawn bool     `json:"withdrawn,omitempty"`
}

// vouchedLetters are those of what an agency vouches for: a role, a region, a category.
const vouchedLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"

func (*Vouch) Kind() Kind  { return KindVouch }
func (*Vouch) fields() int { return 5 }

func (t *Vouch) appendFields(b []byte) []byte {
	b = AppendUint(AppendBytes(b, t.Agency[:]), t.Sequence)
	b = AppendText(AppendBytes(b, t.Wallet[:]), t.As)
	return AppendBool(b, t.Withdrawn)
}

func (t *Vouch) decodeFields(d *Decoder) {
	t.Agency = d.wallet("agency")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Wallet = d.wallet("wallet")
	t.As = d.Text("as", 1, MaxRole)
	t.Withdrawn = d.Bool("withdrawn")
}

func (t *Vouch) check() *Error {
	if len(t.As) == 0 || len(t.As) > MaxRole || !only(t.As, vouchedLetters) {
		return Errorf(OutOfRange, "as", "want 1 to %d of a–z, A–Z, 0–9, -", MaxRole)
	}
	return nil
}
