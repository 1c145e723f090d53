package token

import "github.com/aqsha/aqsha/money"

// PurposeAsset is tenge of the central bank marked with a purpose; number 0 is plain.
func PurposeAsset(number uint32) Asset { return Asset{Purpose: number} }

// BecomesSame says that money keeps its mark; any other number is the purpose it becomes, 0 plain.
const BecomesSame = 1<<32 - 1

// Bounds of a purpose.
const (
	MaxPermits   = 8
	MaxAdmitted  = 16
	MaxRuleBytes = 2048
	maxAbout     = 1024
)

// Permit is a payment that a purpose allows, and what the money becomes by it.
type Permit struct {
	When    string `json:"when"`    // CEL: bool over payee, payer, amount, now, document
	Becomes uint32 `json:"becomes"` // a purpose's number, 0 for plain, BecomesSame
}

// Purpose is the rule that a mark carries. It never changes: a purpose that amends another is another purpose, which
// gives new money another rule, and money that is marked already further ways to be spent.
type Purpose struct {
	Name        string     `json:"name"`
	About       string     `json:"about,omitempty"`
	Earmark     string     `json:"mark"`    // CEL: who may mark plain tenge, and for whom
	Permits     []Permit   `json:"permits"` // the first that holds decides
	MaxPayment  money.Tiyn `json:"payment_most,omitempty"`
	MaxTotal    money.Tiyn `json:"total_most,omitempty"` // ever marked, less what left the purpose
	FromMillis  uint64     `json:"from_millis"`          // spendable from
	UntilMillis uint64     `json:"until_millis"`         // and before; then it returns
	Hops        uint16     `json:"hops,omitempty"`       // payments that keep the mark; 0 for no limit
	Returns     WalletID   `json:"returns"`              // where unspent money goes, plain
	Contracts   []Hash     `json:"contracts,omitempty"`  // definitions that may hold it
	OwnLimits   bool       `json:"own_limits,omitempty"` // it does not count to its holders' limits

	// Since rules version 3.
	// how long before it amendments are announced; 0 if there can be none
	NoticeMillis uint64 `json:"notice_millis,omitempty"`
	// the purpose in whose place money is marked with this one from FromMillis on
	Amends uint32 `json:"amends,omitempty"`
}

// MaxNotice bounds how long before an amendment it must be announced: a year.
const MaxNotice = 366 * 86_400_000

// AppendPurpose encodes a purpose; snapshots use it too.
func AppendPurpose(b []byte, p Purpose) []byte {
	// 12 items since rules version 2, 14 where version 3 says something: the bytes of the early ones stay as they
	// were.
	items := 12
	if p.NoticeMillis != 0 || p.Amends != 0 {
		items = 14
	}
	b = AppendArray(b, items)
	b = AppendText(b, p.Name)
	b = AppendText(b, p.About)
	b = AppendText(b, p.Earmark)
	b = AppendArray(b, len(p.Permits))
	for _, permit := range p.Permits {
		b = AppendArray(b, 2)
		b = AppendText(b, permit.When)
		b = AppendUint(b, uint64(permit.Becomes))
	}
	b = AppendUint(b, uint64(p.MaxPayment))
	b = AppendUint(b, uint64(p.MaxTotal))
	b = AppendUint(b, p.FromMillis)
	b = AppendUint(b, p.UntilMillis)
	b = AppendUint(b, uint64(p.Hops))
	b = AppendBytes(b, p.Returns[:])
	b = AppendArray(b, len(p.Contracts))
	for _, c := range p.Contracts {
		b = AppendBytes(b, c[:])
	}
	b = AppendBool(b, p.OwnLimits)
	if items == 14 {
		b = AppendUint(AppendUint(b, p.NoticeMillis), uint64(p.Amends))
	}
	return b
}

// Purpose reads what AppendPurpose wrote.
func (d *Decoder) Purpose() (p Purpose) {
	items := d.Array("purpose", 12, 14)
	p.Name = d.Text("purpose.name", 1, MaxName)
	p.About = d.Text("purpose.about", 0, maxAbout)
	p.Earmark = d.Text("purpose.mark", 1, MaxRuleBytes)
	n := d.Array("purpose.permits", 1, MaxPermits)
	// No check of the error within: the decoder keeps its first one and reads nothing more, and n is bounded.
	for range n {
		d.Array("purpose.permits", 2, 2)
		p.Permits = append(p.Permits, Permit{d.Text("purpose.permits.when", 1, MaxRuleBytes),
			uint32(d.Uint("purpose.permits.becomes", BecomesSame))})
	}
	p.MaxPayment = money.Tiyn(d.Uint("purpose.payment_most", 1<<63-1))
	p.MaxTotal = money.Tiyn(d.Uint("purpose.total_most", 1<<63-1))
	p.FromMillis = d.Uint("purpose.from", MaxValidUntil)
	p.UntilMillis = d.Uint("purpose.until", MaxValidUntil)
	p.Hops = uint16(d.Uint("purpose.hops", 1<<16-1))
	p.Returns = d.wallet("purpose.returns")
	n = d.Array("purpose.contracts", 0, MaxAdmitted)
	for range n {
		var h Hash
		d.Fixed("purpose.contracts", h[:])
		p.Contracts = append(p.Contracts, h)
	}
	p.OwnLimits = d.Bool("purpose.own_limits")
	if items > 12 {
		p.NoticeMillis, p.Amends = d.Uint("purpose.notice", MaxNotice), uint32(d.Uint("purpose.amends", BecomesSame-1))
		if d.err == nil && (items != 14 || p.NoticeMillis == 0 && p.Amends == 0) {
			d.err = Errorf(NotCanonical, "purpose",
				"what does not amend, and is never amended, is written by leaving both out")
		}
	}
	return p
}

// Check says whether a purpose is well formed; what its rules say is judged in package contract.
func (p *Purpose) Check() *Error {
	if err := checkName("purpose.name", p.Name); err != nil {
		return err
	}
	if len(p.About) > maxAbout || len(p.Earmark) > MaxRuleBytes {
		return Errorf(OutOfRange, "purpose", "its texts are too long")
	}
	if p.Earmark == "" {
		return Errorf(OutOfRange, "purpose.mark", "a purpose says who may mark")
	}
	if err := counts("purpose.permits", len(p.Permits), MaxPermits); err != nil {
		return err
	}
	for _, permit := range p.Permits {
		if len(permit.When) == 0 || len(permit.When) > MaxRuleBytes {
			return Errorf(OutOfRange, "purpose.permits.when", "%d bytes, want 1 to %d", len(permit.When), MaxRuleBytes)
		}
	}
	if p.MaxPayment < 0 || p.MaxTotal < 0 {
		return Errorf(AmountNegative, "purpose", "a limit is negative")
	}
	if p.FromMillis >= p.UntilMillis || p.UntilMillis > MaxValidUntil {
		return Errorf(OutOfRange, "purpose.until", "it ends before it begins, or never")
	}
	// BecomesSame is the greatest number, which no purpose is given: as what is amended it would never be found.
	if p.NoticeMillis > MaxNotice || p.Amends == BecomesSame {
		return Errorf(OutOfRange, "purpose.notice", "%d ms of notice, at most %d, or it amends what is no purpose",
			p.NoticeMillis, uint64(MaxNotice))
	}
	if len(p.Contracts) > MaxAdmitted {
		return Errorf(TooMany, "purpose.contracts", "%d definitions, at most %d", len(p.Contracts), MaxAdmitted)
	}
	return nil
}

// SetAgency gives somebody the role of an agency, which registers purposes, or changes it. The policy
// set signs; new keys prove possession.
type SetAgency struct {
	Sequence  uint64   `json:"sequence"` // of the policy set
	Agency    WalletID `json:"agency"`   // zeros for a new one
	Name      string   `json:"name"`
	Keys      KeySet   `json:"keys"`
	Suspended bool     `json:"suspended"`
}

func (*SetAgency) Kind() Kind  { return KindSetAgency }
func (*SetAgency) fields() int { return 5 }

func (t *SetAgency) appendFields(b []byte) []byte {
	b = AppendBytes(AppendUint(b, t.Sequence), t.Agency[:])
	b = AppendKeySet(AppendText(b, t.Name), t.Keys)
	return AppendBool(b, t.Suspended)
}

func (t *SetAgency) decodeFields(d *Decoder) {
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Agency = d.wallet("agency")
	t.Name = d.Text("name", 1, MaxName)
	t.Keys = d.KeySet("keys")
	t.Suspended = d.Bool("suspended")
}

func (t *SetAgency) check() *Error {
	if err := checkName("name", t.Name); err != nil {
		return err
	}
	return t.Keys.Check("keys")
}

// RegisterPurpose registers a purpose under the next number, signed by its agency.
type RegisterPurpose struct {
	Agency   WalletID `json:"agency"`
	Sequence uint64   `json:"sequence"` // of the agency
	Purpose  Purpose  `json:"purpose"`
}

func (*RegisterPurpose) Kind() Kind  { return KindRegisterPurpose }
func (*RegisterPurpose) fields() int { return 3 }

func (t *RegisterPurpose) appendFields(b []byte) []byte {
	return AppendPurpose(AppendUint(AppendBytes(b, t.Agency[:]), t.Sequence), t.Purpose)
}

func (t *RegisterPurpose) decodeFields(d *Decoder) {
	t.Agency = d.wallet("agency")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Purpose = d.Purpose()
}

func (t *RegisterPurpose) check() *Error { return t.Purpose.Check() }

// EarmarkedOutput gives an amount to a party. What is paid is of one purpose and becomes of another:
// the payer signs what the payee receives. From 0 to a number marks money; from a number to 0 frees it.
type EarmarkedOutput struct {
	Party   int        `json:"party"`
	Amount  money.Tiyn `json:"amount"`
	From    uint32     `json:"from,omitempty"`
	Becomes uint32     `json:"becomes,omitempty"`
}

// EarmarkedTransfer is a payment by one payer, the first party, in which money is marked, or marked
// money is spent.
type EarmarkedTransfer struct {
	Parties  []WalletID        `json:"parties"`
	Inputs   []ID              `json:"inputs"`
	Outputs  []EarmarkedOutput `json:"outputs"`
	Document *Hash             `json:"document,omitempty"` // of a document that the rule may ask for
	Memo     Memo              `json:"memo,omitzero"`
}

func (*EarmarkedTransfer) Kind() Kind  { return KindEarmarkedTransfer }
func (*EarmarkedTransfer) fields() int { return 5 }

func (t *EarmarkedTransfer) appendFields(b []byte) []byte {
	b = appendIDs(appendWallets(b, t.Parties), t.Inputs)
	b = AppendArray(b, len(t.Outputs))
	for _, o := range t.Outputs {
		earmarked := o.From != 0 || o.Becomes != 0
		items := 2
		if earmarked {
			items = 4
		}
		b = AppendUint(AppendUint(AppendArray(b, items), uint64(o.Party)), uint64(o.Amount))
		if earmarked {
			b = AppendUint(AppendUint(b, uint64(o.From)), uint64(o.Becomes))
		}
	}
	return appendMemo(appendDocument(b, t.Document), t.Memo)
}

func (t *EarmarkedTransfer) decodeFields(d *Decoder) {
	t.Parties = d.wallets("parties", 1, MaxParties)
	t.Inputs = d.ids("inputs", 1, MaxInputs)
	n := d.Array("outputs", 1, MaxOutputs)
	t.Outputs = make([]EarmarkedOutput, 0, n)
	for range n {
		if d.err != nil {
			return
		}
		items := d.Array("outputs", 2, 4)
		o := EarmarkedOutput{Party: int(d.Uint("outputs.party", MaxParties)), Amount: d.amount("outputs.amount")}
		if items != 2 {
			o.From, o.Becomes = uint32(d.Uint("outputs.from", BecomesSame-1)),
				uint32(d.Uint("outputs.becomes", BecomesSame-1))
			if d.err == nil && (items == 3 || (o.From == 0 && o.Becomes == 0)) {
				d.err = Errorf(NotCanonical, "outputs", "plain tenge is written by leaving the purposes out")
			}
		}
		t.Outputs = append(t.Outputs, o)
	}
	t.Document = d.document()
	t.Memo = d.memo()
}

func (t *EarmarkedTransfer) check() *Error {
	if err := counts("parties", len(t.Parties), MaxParties); err != nil {
		return err
	}
	if err := counts("inputs", len(t.Inputs), MaxInputs); err != nil {
		return err
	}
	if err := counts("outputs", len(t.Outputs), MaxOutputs); err != nil {
		return err
	}
	if err := distinct("parties", t.Parties); err != nil {
		return err
	}
	if err := distinct("inputs", t.Inputs); err != nil {
		return err
	}
	return t.checkOutputs()
}

// checkOutputs: amounts are positive and their sum fits, purposes have numbers that there can be, and every party but
// the payer gets something.
func (t *EarmarkedTransfer) checkOutputs() *Error {
	named := 0
	var total money.Tiyn
	for i, o := range t.Outputs {
		if o.Party < 0 || o.Party >= len(t.Parties) {
			return Errorf(OutOfRange, "outputs.party", "%d of %d parties", o.Party, len(t.Parties))
		}
		if o.From == BecomesSame || o.Becomes == BecomesSame {
			return Errorf(OutOfRange, "outputs.becomes", "no purpose has this number")
		}
		err := positive("outputs.amount", o.Amount)
		if err == nil {
			total, err = sum("outputs.amount", total, o.Amount)
		}
		if err != nil {
			return err
		}
		// The payer is party 0 and need not be named. The others are counted once each, so that a party that gets
		// nothing cannot be put into somebody's payment: it would load a wallet and appear in its history.
		first := o.Party != 0
		for _, earlier := range t.Outputs[:i] {
			first = first && earlier.Party != o.Party
		}
		if first {
			named++
		}
	}
	if named != len(t.Parties)-1 {
		return Errorf(Unused, "parties", "a party neither pays nor is paid")
	}
	return t.Memo.check()
}

// appendDocument and document are the hash of an attached document, or null.
func appendDocument(b []byte, h *Hash) []byte {
	if h == nil {
		return append(b, cborNull)
	}
	return AppendBytes(b, h[:])
}

func (d *Decoder) document() *Hash {
	if d.Null() {
		return nil
	}
	h := new(Hash)
	d.Fixed("document", h[:])
	return h
}
