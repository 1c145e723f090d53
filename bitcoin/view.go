package bitcoin

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/money"
)

// TransactionView is a transaction as a reader asks for it: who paid whom, how much, with what remark.
type TransactionView struct {
	ID            Hash  `json:"txid"`
	Block         *Hash `json:"block,omitempty"` // absent while it waits in the mempool
	Height        int   `json:"height,omitempty"`
	Confirmations int   `json:"confirmations"`
	Coinbase      bool  `json:"coinbase,omitempty"` // newly issued coins: nobody's payment
	// addresses; inputs whose address cannot be told are left out
	Senders      []string       `json:"senders,omitempty"`
	Payments     []PaymentView  `json:"payments"`
	Remarks      []string       `json:"remarks,omitempty"`     // OP_RETURN texts; other data as hex:…
	Fee          *money.Satoshi `json:"fee_satoshi,omitempty"` // known when all previous outputs are
	SizeBytes    int            `json:"size_bytes"`            // as stored
	VirtualBytes int            `json:"virtual_bytes"`         // weight/4 rounded up (BIP 141)
	inputs       []wire.TxIn    // kept to fill in the senders
	outputsTotal money.Satoshi  // for the fee
}

// PaymentView is one output.
type PaymentView struct {
	Recipient string        `json:"recipient"` // address, or "script:" and hexadecimal
	Amount    money.Satoshi `json:"amount_satoshi"`
	Change    bool          `json:"change,omitempty"` // goes back to a sender's own address
}

// BlockView is a block as a reader asks for it. Issued is all that its coinbase pays: the subsidy and the fees. Bits
// is the target's compact form in hexadecimal; transactions are in the block's order, the coinbase first.
type BlockView struct {
	Hash          Hash              `json:"hash"`
	Height        int               `json:"height"`
	Confirmations int               `json:"confirmations"` // −1 when it is not on the best chain
	Time          time.Time         `json:"time"`
	Previous      Hash              `json:"previous"`
	MerkleRoot    Hash              `json:"merkle_root"`
	Bits          string            `json:"bits"`
	Difficulty    float64           `json:"difficulty"`
	Nonce         uint32            `json:"nonce"`
	SizeBytes     int               `json:"size_bytes"`
	Issued        money.Satoshi     `json:"coinbase_satoshi"`
	Transactions  []TransactionView `json:"transactions"`
}

// viewTransaction describes what the bytes alone say. Virtual bytes are a quarter of the weight 3·base + full, rounded
// up (BIP 141). Senders are guessed from what inputs reveal, and change is marked by them; what is paid to a script
// without an address is named by the script, and a remark (OP_RETURN) is no payment.
func viewTransaction(network Network, tx *wire.MsgTx) TransactionView {
	base, full := tx.SerializeSizeStripped(), tx.SerializeSize()
	view := TransactionView{
		ID: Hash(tx.TxHash()), Payments: []PaymentView{}, SizeBytes: full, VirtualBytes: (3*base + full + 3) / 4,
		Coinbase: len(tx.TxIn) == 1 && tx.TxIn[0].PreviousOutPoint.Index == 0xffffffff,
	}
	for _, in := range tx.TxIn {
		view.inputs = append(view.inputs, *in)
		if sender := senderOf(network, in); sender != "" && !view.Coinbase {
			view.addSender(sender)
		}
	}
	for _, out := range tx.TxOut {
		view.outputsTotal += money.Satoshi(out.Value)
		if remark, ok := remarkOf(out.PkScript); ok {
			if remark != "" {
				view.Remarks = append(view.Remarks, remark)
			}
			continue
		}
		recipient := network.AddressOf(out.PkScript)
		if recipient == "" {
			recipient = "script:" + hex.EncodeToString(out.PkScript)
		}
		view.Payments = append(view.Payments, PaymentView{Recipient: recipient, Amount: money.Satoshi(out.Value)})
	}
	view.markChange()
	return view
}

func (v *TransactionView) addSender(sender string) {
	if !slices.Contains(v.Senders, sender) {
		v.Senders = append(v.Senders, sender)
	}
}

// markChange calls an output change when it goes to an address that also paid. Change to a new address, which most
// wallets use, cannot be told from a payment.
func (v *TransactionView) markChange() {
	for i, payment := range v.Payments {
		v.Payments[i].Change = slices.Contains(v.Senders, payment.Recipient)
	}
}

// senderOf reads the address from an input that reveals its key: P2WPKH and P2PKH.
func senderOf(network Network, in *wire.TxIn) string {
	var key []byte
	pushes, err := txscript.PushedData(in.SignatureScript)
	switch {
	case len(in.Witness) == 2 && len(in.Witness[1]) == 33 && len(in.SignatureScript) == 0:
		sender, err := address.NewAddressWitnessPubKeyHash(address.Hash160(in.Witness[1]), network.Params)
		if err != nil {
			return ""
		}
		return sender.EncodeAddress()
	case err == nil && len(pushes) == 2 && (len(pushes[1]) == 33 || len(pushes[1]) == 65):
		key = pushes[1]
	default:
		return ""
	}
	sender, err := address.NewAddressPubKeyHash(address.Hash160(key), network.Params)
	if err != nil {
		return ""
	}
	return sender.EncodeAddress()
}

// remarkOf says whether a script only carries data, and which. The witness commitment is no remark.
func remarkOf(script []byte) (string, bool) {
	if len(script) == 0 || script[0] != txscript.OP_RETURN {
		return "", false
	}
	if bytes.HasPrefix(script, witnessScriptPrefix) {
		return "", true
	}
	pushes, err := txscript.PushedData(script[1:])
	if err != nil {
		return "hex:" + hex.EncodeToString(script[1:]), true
	}
	data := bytes.Join(pushes, nil)
	if text := string(data); utf8.Valid(data) && !containsControl(text) {
		return text, true
	}
	return "hex:" + hex.EncodeToString(data), true
}

func containsControl(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) && r != ' ' {
			return true
		}
	}
	return false
}

// decodeBlock parses a whole block and checks that its transactions are those its header commits to.
func decodeBlock(raw []byte) (*wire.MsgBlock, error) {
	var block wire.MsgBlock
	if err := block.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, fmt.Errorf("block: %w", err)
	}
	ids := make([]Hash, len(block.Transactions))
	for i, tx := range block.Transactions {
		ids[i] = Hash(tx.TxHash())
	}
	if MerkleRoot(ids) != Hash(block.Header.MerkleRoot) {
		return nil, fmt.Errorf("block %s: merkle root is not that of its transactions", Hash(block.BlockHash()))
	}
	return &block, nil
}
