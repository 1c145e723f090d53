package token

import "github.com/aqsha/aqsha/money"

// Bounds of what names a contract's parts; package contract sets lower ones.
const (
	MaxDefinition      = 16_384
	MaxContractParties = 8
	MaxContractAssets  = 4
	MaxAction          = 24
)

// Define registers a definition of contracts, signed by a registrar: an intermediary, or the policy
// set for the authority. Its id is the SHA-256 of its bytes.
type Define struct {
	Registrar  WalletID `json:"registrar"`
	Sequence   uint64   `json:"sequence"` // of the registrar
	Definition Octets   `json:"definition"`
}

func (*Define) Kind() Kind  { return KindDefine }
func (*Define) fields() int { return 3 }

func (t *Define) appendFields(b []byte) []byte {
	return AppendBytes(AppendUint(AppendBytes(b, t.Registrar[:]), t.Sequence), t.Definition)
}

func (t *Define) decodeFields(d *Decoder) {
	t.Registrar = d.wallet("registrar")
	t.Sequence = d.Uint("sequence", 1<<63-1)
	t.Definition = d.Bytes("definition", 1, MaxDefinition)
}

func (t *Define) check() *Error {
	if len(t.Definition) == 0 || len(t.Definition) > MaxDefinition {
		return Errorf(OutOfRange, "definition", "%d bytes, want 1 to %d", len(t.Definition), MaxDefinition)
	}
	return nil
}

// Create makes a contract out of a definition. The creator signs and brings in what it takes.
type Create struct {
	Creator    WalletID     `json:"creator"`
	Definition Hash         `json:"definition"`
	Parties    []WalletID   `json:"parties"`
	Assets     []uint32     `json:"assets"` // the purpose of each of the definition's assets
	Terms      []Value      `json:"terms"`
	Inputs     []ID         `json:"inputs"`
	Paid       []money.Tiyn `json:"paid"` // of each asset; what inputs have more comes back
	Document   *Hash        `json:"document,omitempty"`
}

func (*Create) Kind() Kind  { return KindCreate }
func (*Create) fields() int { return 8 }

func (t *Create) appendFields(b []byte) []byte {
	b = AppendBytes(AppendBytes(b, t.Creator[:]), t.Definition[:])
	b = appendWallets(b, t.Parties)
	b = AppendArray(b, len(t.Assets))
	for _, a := range t.Assets {
		b = AppendUint(b, uint64(a))
	}
	b = AppendValues(b, t.Terms)
	return appendDocument(appendPaid(appendIDs(b, t.Inputs), t.Paid), t.Document)
}

func (t *Create) decodeFields(d *Decoder) {
	t.Creator = d.wallet("creator")
	d.Fixed("definition", t.Definition[:])
	t.Parties = d.wallets("parties", 1, MaxContractParties)
	n := d.Array("assets", 1, MaxContractAssets)
	for range n {
		t.Assets = append(t.Assets, uint32(d.Uint("assets", BecomesSame-1)))
	}
	t.Terms = d.Values("terms")
	t.Inputs = d.ids("inputs", 0, MaxInputs)
	t.Paid = d.paid()
	t.Document = d.document()
}

// check: an amount for each asset, and no asset twice. Whether parties, terms and money are as the definition wants
// them the ledger asks.
func (t *Create) check() *Error {
	if err := counts("parties", len(t.Parties), MaxContractParties); err != nil {
		return err
	}
	if err := counts("assets", len(t.Assets), MaxContractAssets); err != nil {
		return err
	}
	if err := distinct("assets", t.Assets); err != nil {
		return err
	}
	if err := CheckValues("terms", t.Terms); err != nil {
		return err
	}
	if len(t.Paid) != len(t.Assets) {
		return Errorf(OutOfRange, "paid", "%d amounts for %d assets", len(t.Paid), len(t.Assets))
	}
	return checkPaid(t.Inputs, t.Paid)
}

// Act calls an action of a contract. The caller signs and brings in what the action takes.
type Act struct {
	Contract WalletID     `json:"contract"`
	Version  uint64       `json:"version"` // of the contract
	Action   string       `json:"action"`
	Caller   WalletID     `json:"caller"`
	Args     []Value      `json:"args"`
	Inputs   []ID         `json:"inputs"`
	Paid     []money.Tiyn `json:"paid"` // of each asset; what inputs have more comes back
	Document *Hash        `json:"document,omitempty"`
}

func (*Act) Kind() Kind  { return KindAct }
func (*Act) fields() int { return 8 }

func (t *Act) appendFields(b []byte) []byte {
	b = AppendUint(AppendBytes(b, t.Contract[:]), t.Version)
	b = AppendBytes(AppendText(b, t.Action), t.Caller[:])
	b = appendIDs(AppendValues(b, t.Args), t.Inputs)
	return appendDocument(appendPaid(b, t.Paid), t.Document)
}

func (t *Act) decodeFields(d *Decoder) {
	t.Contract = d.wallet("contract")
	t.Version = d.Uint("version", 1<<63-1)
	t.Action = d.Text("action", 1, MaxAction)
	t.Caller = d.wallet("caller")
	t.Args = d.Values("args")
	t.Inputs = d.ids("inputs", 0, MaxInputs)
	t.Paid = d.paid()
	t.Document = d.document()
}

func (t *Act) check() *Error {
	if len(t.Action) == 0 || len(t.Action) > MaxAction {
		return Errorf(OutOfRange, "action", "%d bytes, want 1 to %d", len(t.Action), MaxAction)
	}
	if err := CheckValues("args", t.Args); err != nil {
		return err
	}
	return checkPaid(t.Inputs, t.Paid)
}

func appendPaid(b []byte, paid []money.Tiyn) []byte {
	b = AppendArray(b, len(paid))
	for _, a := range paid {
		b = AppendUint(b, uint64(a))
	}
	return b
}

func (d *Decoder) paid() []money.Tiyn {
	n := d.Array("paid", 1, MaxContractAssets)
	paid := make([]money.Tiyn, 0, n)
	for range n {
		paid = append(paid, money.Tiyn(d.Uint("paid", 1<<63-1)))
	}
	return paid
}

// checkPaid checks the form of what is brought into a contract: nothing without inputs, and no
// inputs for nothing.
func checkPaid(inputs []ID, paid []money.Tiyn) *Error {
	if err := counts("paid", len(paid), MaxContractAssets); err != nil {
		return err
	}
	if len(inputs) > MaxInputs {
		return Errorf(TooMany, "inputs", "%d items, at most %d", len(inputs), MaxInputs)
	}
	if err := distinct("inputs", inputs); err != nil {
		return err
	}
	var total money.Tiyn
	for _, amount := range paid {
		if amount < 0 {
			return Errorf(AmountNegative, "paid", "an amount is not negative")
		}
		var err *Error
		if total, err = sum("paid", total, amount); err != nil {
			return err
		}
	}
	if (total == 0) != (len(inputs) == 0) {
		return Errorf(Unused, "inputs", "%d inputs for %d tiyn", len(inputs), total)
	}
	return nil
}
