package bitcoin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/money"
)

// Template is what a node offers to be mined (BIP 22, BIP 145), checked.
type Template struct {
	Version       uint32
	Previous      Hash
	Height        uint32
	Bits          uint32
	Target        Target
	MinTime       uint32 // least header time, seconds
	CurTime       uint32 // the node's clock, seconds
	CoinbaseValue money.Satoshi
	Fees          money.Satoshi // of the transactions
	CoinbaseAux   []byte        // bytes that the node would like in the coinbase
	Transactions  []TemplateTx
	// Commitment is the merkle root over witness ids hashed with the reserved value
	// (BIP 141). Nil when the block needs none.
	Commitment *Hash
	LongPollID string
	Branch     []Hash // from the coinbase to the merkle root
}

// TemplateTx is one transaction of a template. Both ids are computed from Data; the fee is the node's word, which
// needs the outputs spent to be checked.
type TemplateTx struct {
	Data      []byte
	ID        Hash
	WitnessID Hash
	Fee       money.Satoshi
}

// TemplateError says what is wrong with a template.
type TemplateError struct{ Field, Reason string }

func (e *TemplateError) Error() string {
	return fmt.Sprintf("block template, %s: %s", e.Field, e.Reason)
}
func (e *TemplateError) ErrorCode() string  { return "bad-template" }
func (e *TemplateError) ErrorField() string { return e.Field }

// Limits of a template. MaxMoney is 21 million bitcoin. A block of 4,000,000 weight units (BIP 141) has at most as many
// bytes, all of them witness; its transactions are far fewer than the limit on them. Of the coinbase's 100 bytes of
// script the node may ask for 40: height, extranonces and tag need the rest.
const (
	maxTemplateTransactions = 100_000
	maxBlockBytes           = 4_000_000
	maxAuxBytes             = 40
	MaxMoney                = 21_000_000 * money.Bitcoin
)

type rawTemplate struct {
	Version       *int64                     `json:"version"`
	Previous      string                     `json:"previousblockhash"`
	Height        *int64                     `json:"height"`
	Bits          string                     `json:"bits"`
	Target        string                     `json:"target"`
	MinTime       int64                      `json:"mintime"`
	CurTime       int64                      `json:"curtime"`
	CoinbaseValue *int64                     `json:"coinbasevalue"`
	CoinbaseAux   map[string]json.RawMessage `json:"coinbaseaux"`
	Commitment    string                     `json:"default_witness_commitment"`
	LongPollID    string                     `json:"longpollid"`
	Transactions  []struct {
		Data string `json:"data"`
		TxID string `json:"txid"`
		Hash string `json:"hash"`
		Fee  *int64 `json:"fee"`
	} `json:"transactions"`
}

// DecodeTemplate reads a getblocktemplate result and checks what can be checked without the chain:
// that the target is that of the bits, that ids are those of the transactions' bytes, and that the
// commitment, which btcd gives bare and Core as a script, is the one computed here.
func DecodeTemplate(raw []byte) (*Template, error) {
	var r rawTemplate
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, &TemplateError{"template", err.Error()}
	}
	t := &Template{LongPollID: r.LongPollID}
	if err := t.readNumbers(r); err != nil {
		return nil, err
	}
	if err := t.readTransactions(r); err != nil {
		return nil, err
	}
	if err := t.readCommitment(r.Commitment); err != nil {
		return nil, err
	}
	ids := make([]Hash, len(t.Transactions))
	for i, tx := range t.Transactions {
		ids[i] = tx.ID
	}
	t.Branch = MerkleBranch(ids)
	return t, nil
}

// readNumbers takes over the fields that a header is made of, each within what the header has bits for: a template is a
// node's word, and a wrong one would be hashed for minutes before a block is refused. Bits and target must say the
// same.
func (t *Template) readNumbers(r rawTemplate) (err error) {
	bad := func(field, format string, args ...any) error {
		return &TemplateError{field, fmt.Sprintf(format, args...)}
	}
	// Bitcoin Core writes the version as a signed 32-bit number: one with the top bit set comes negative, and is a
	// version all the same.
	if r.Version == nil || *r.Version < -1<<31 || *r.Version >= 1<<32 {
		return bad("version", "missing or not 32 bits")
	}
	t.Version = uint32(*r.Version)
	if t.Previous, err = ParseHash(r.Previous); err != nil {
		return bad("previousblockhash", "%v", err)
	}
	if r.Height == nil || *r.Height < 1 || *r.Height > 1<<30 {
		return bad("height", "missing or out of range")
	}
	t.Height = uint32(*r.Height)
	bits, err := strconv.ParseUint(r.Bits, 16, 32)
	if err != nil || len(r.Bits) != 8 {
		return bad("bits", "want 8 hexadecimal digits, got %.20q", r.Bits)
	}
	t.Bits = uint32(bits)
	if t.Target, err = TargetOfBits(t.Bits); err != nil {
		return bad("bits", "%v", err)
	}
	if r.Target != "" && r.Target != t.Target.String() {
		return bad("target", "%.70s is not that of bits %s", r.Target, r.Bits)
	}
	if r.CurTime <= 0 || r.CurTime >= 1<<32 || r.MinTime < 0 || r.MinTime >= 1<<32 {
		return bad("curtime", "missing or not 32 bits")
	}
	t.CurTime, t.MinTime = uint32(r.CurTime), uint32(r.MinTime)
	// A pointer, since 0 is an amount: after the last subsidy, of a block without fees. Missing is another thing: BIP
	// 22 lets a node give the coinbase as a transaction instead.
	if r.CoinbaseValue == nil {
		return bad("coinbasevalue", "missing (ask with the capability coinbasevalue)")
	}
	t.CoinbaseValue = money.Satoshi(*r.CoinbaseValue)
	if t.CoinbaseValue < 0 || t.CoinbaseValue > MaxMoney {
		return bad("coinbasevalue", "%d is no amount", *r.CoinbaseValue)
	}
	return t.readAux(r.CoinbaseAux)
}

// readAux joins the values in the order of their names, so that the same template gives the same coinbase each time.
// Entries that are no text are of a kind that BIP 22 does not name; they are passed over.
func (t *Template) readAux(aux map[string]json.RawMessage) error {
	names := make([]string, 0, len(aux))
	for name := range aux {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var digits string
		if json.Unmarshal(aux[name], &digits) != nil {
			continue
		}
		value, err := hex.DecodeString(digits)
		if err != nil {
			return &TemplateError{"coinbaseaux", fmt.Sprintf("%.20q is not hexadecimal", name)}
		}
		t.CoinbaseAux = append(t.CoinbaseAux, value...)
	}
	if len(t.CoinbaseAux) > maxAuxBytes {
		return &TemplateError{"coinbaseaux", fmt.Sprintf("longer than %d bytes", maxAuxBytes)}
	}
	return nil
}

// readTransactions computes each transaction's ids from its bytes and holds them against the node's. A wrong id would
// give a wrong merkle root, found out only when a solved block is refused.
func (t *Template) readTransactions(r rawTemplate) error {
	if len(r.Transactions) > maxTemplateTransactions {
		return &TemplateError{"transactions", fmt.Sprintf("more than %d", maxTemplateTransactions)}
	}
	size := 0
	for i, raw := range r.Transactions {
		bad := func(reason string) error { return &TemplateError{fmt.Sprintf("transactions[%d]", i), reason} }
		data, err := hex.DecodeString(raw.Data)
		if err != nil || len(data) == 0 {
			return bad("data is not hexadecimal")
		}
		if size += len(data); size > maxBlockBytes {
			return &TemplateError{"transactions", fmt.Sprintf("more than %d bytes", maxBlockBytes)}
		}
		tx := TemplateTx{Data: data}
		if tx.ID, tx.WitnessID, err = transactionIDs(data); err != nil {
			return bad(err.Error())
		}
		// A node before BIP 145 gives the id as "hash" only.
		if raw.TxID != "" && raw.TxID != tx.ID.String() || raw.Hash != "" && raw.Hash != tx.WitnessID.String() &&
			raw.Hash != tx.ID.String() {
			return bad("its id is not that of its bytes")
		}
		if raw.Fee != nil {
			tx.Fee = money.Satoshi(*raw.Fee)
		}
		if tx.Fee < 0 || tx.Fee > MaxMoney {
			return bad("fee is no amount")
		}
		if t.Fees, err = money.Add(t.Fees, tx.Fee); err != nil || t.Fees > MaxMoney {
			return &TemplateError{"transactions", "fees are no amount"}
		}
		t.Transactions = append(t.Transactions, tx)
	}
	if t.Fees > t.CoinbaseValue {
		return &TemplateError{"coinbasevalue", "less than the fees"}
	}
	return nil
}

// transactionIDs parses a transaction, which must fill data exactly.
func transactionIDs(data []byte) (id, witnessID Hash, err error) {
	var tx wire.MsgTx
	reader := bytes.NewReader(data)
	if err := tx.Deserialize(reader); err != nil {
		return id, witnessID, fmt.Errorf("not a transaction: %w", err)
	}
	if reader.Len() != 0 {
		return id, witnessID, errors.New("bytes follow the transaction")
	}
	return Hash(tx.TxHash()), Hash(tx.WitnessHash()), nil
}

// witnessScriptPrefix begins the commitment output: OP_RETURN, 36 bytes, BIP 141's marker.
var witnessScriptPrefix = []byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}

// readCommitment computes the commitment whether the node gave one or not: a block with a witness and without its
// commitment is invalid (BIP 141), and a node before BIP 145 gives none.
func (t *Template) readCommitment(given string) error {
	needed := given != ""
	ids := make([]Hash, 1, 1+len(t.Transactions)) // the coinbase counts as zero
	for _, tx := range t.Transactions {
		ids = append(ids, tx.WitnessID)
		needed = needed || tx.WitnessID != tx.ID
	}
	if !needed {
		return nil
	}
	commitment := join(MerkleRoot(ids), Hash{})
	t.Commitment = &commitment
	if given == "" {
		return nil
	}
	raw, err := hex.DecodeString(given)
	if err != nil {
		return &TemplateError{"default_witness_commitment", "not hexadecimal"}
	}
	if len(raw) >= len(witnessScriptPrefix)+len(commitment) && bytes.HasPrefix(raw, witnessScriptPrefix) {
		raw = raw[len(witnessScriptPrefix):][:len(commitment)]
	}
	if !bytes.Equal(raw, commitment[:]) {
		return &TemplateError{"default_witness_commitment", "is not that of the transactions"}
	}
	return nil
}

// CommitmentScript is the output script that carries the commitment, nil without one.
func (t *Template) CommitmentScript() []byte {
	if t.Commitment == nil {
		return nil
	}
	return append(slices.Clone(witnessScriptPrefix), t.Commitment[:]...)
}

// Subsidy is the coinbase's value without the fees.
func (t *Template) Subsidy() money.Satoshi { return t.CoinbaseValue - t.Fees }
