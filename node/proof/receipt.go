package proof

import (
	"bytes"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Receipt is a file that shows that a transaction was executed: the genesis and the transaction's own entry, both
// proved to be in the log. Unlike a token's proof it has nobody's payment but this one, so that a party of the payment
// may have it.
type Receipt struct {
	Checkpoint []byte
	ID         token.TransactionID
	Entries    [2]Included // the genesis, and the transaction's
	Signers    []signers.Link
	Continues  []txlog.Hash
}

const receiptMagic = "aqsha-receipt"

// maxReceiptBytes bounds a file: two entries, two paths, a checkpoint; and links, of some 6 KB each.
const maxReceiptBytes = 4 << 20

// MakeReceipt gathers the receipt of a transaction that stands at an entry, under the newest checkpoint, with the path
// of the genesis beside the transaction's: who knows only the network's id can then see whose keys signed. An entry
// that the checkpoint does not cover yet is refused, and may be asked for again a moment later.
func MakeReceipt(n *node.Node, id token.TransactionID, index uint64) (*Receipt, error) {
	signed, checkpoint, err := n.ProofCheckpoint()
	if err != nil {
		return nil, err
	}
	if err := node.Covered(index, checkpoint); err != nil {
		return nil, err
	}
	r := &Receipt{Checkpoint: signed, ID: id}
	if r.Signers, r.Continues, err = shownSigners(n, checkpoint); err != nil {
		return nil, err
	}
	for i, at := range []uint64{0, index} {
		entry, err := n.Log().Entry(at)
		if err != nil {
			return nil, err
		}
		path, err := n.Log().InclusionProof(at, checkpoint.Size)
		if err != nil {
			return nil, err
		}
		r.Entries[i] = Included{at, entry, path}
	}
	return r, nil
}

// Encode returns the file's bytes: those of a proof file with another magic and the transaction's id in the token's
// place.
func (r *Receipt) Encode() []byte {
	f := File{Checkpoint: r.Checkpoint, Token: token.ID(r.ID), Entries: r.Entries[:], Signers: r.Signers,
		Continues: r.Continues}
	return f.encode(receiptMagic)
}

// IsReceipt says whether a file says that it is a receipt.
func IsReceipt(data []byte) bool {
	for _, items := range []int{5, 7} {
		if bytes.HasPrefix(data, token.AppendText(token.AppendArray(nil, items), receiptMagic)) {
			return true
		}
	}
	return false
}

// ReceiptResult is what a receipt shows. Index is the transaction's entry in the log, which the checkpoint covers;
// Shows and DoesNotShow say in words what follows from it and what does not, such as that a wallet has the money
// still.
type ReceiptResult struct {
	Network     token.NetworkID     `json:"network"`
	Name        string              `json:"name"`
	ID          token.TransactionID `json:"id"`
	Index       uint64              `json:"index"`
	Kind        string              `json:"kind"`
	Memo        string              `json:"memo,omitempty"`
	Payers      []token.WalletID    `json:"payers,omitempty"` // the wallets whose keys signed
	Paid        []Paid              `json:"paid"`
	LogSize     uint64              `json:"log_size"` // of the checkpoint
	Body        token.Body          `json:"-"`
	ValidUntil  uint64              `json:"-"` // Unix milliseconds: no block that is dated later has it
	Shows       []string            `json:"shows"`
	DoesNotShow []string            `json:"does_not_show"`
}

// Paid is what the transaction made for a wallet.
type Paid struct {
	Wallet token.WalletID `json:"wallet"`
	Amount money.Tiyn     `json:"amount"`
}

// ReceiptShows is what a receipt shows, ReceiptDoesNotShow what it does not, in English.
var ReceiptShows = []string{
	"the transaction stands in the log of this network, under a checkpoint signed with the log's key: it was " +
		"executed, and cannot be taken out unseen",
}

// ReceiptDoesNotShow: see ReceiptShows.
var ReceiptDoesNotShow = []string{
	"that what it made is still unspent",
	"that its signatures were valid: replay the log for that (aqsha verify)",
	"who the people behind the wallets are",
}

// CheckReceipt verifies a receipt against a network's id alone.
func CheckReceipt(data []byte, network token.NetworkID) (*ReceiptResult, error) {
	f, err := decodeAs(data, receiptMagic, maxReceiptBytes)
	if err != nil {
		return nil, err
	}
	genesis, checkpoint, err := f.checkInclusion(network)
	if err != nil {
		return nil, err
	}
	if len(f.Entries) != 2 {
		return nil, bad("entries", "a receipt has the genesis and one transaction, not %d entries", len(f.Entries))
	}
	e, err := ledger.DecodeEntry(f.Entries[1].Entry)
	if err != nil {
		return nil, err
	}
	if e.Transaction == nil || e.Transaction.ID() != token.TransactionID(f.Token) {
		return nil, bad("entries", "entry %d is not transaction %s", f.Entries[1].Index, f.Token)
	}
	step, _ := readStep(1, e) // what makes no tokens, as a registration, has paid nobody
	r := &ReceiptResult{Network: network, Name: genesis.Name, ID: e.Transaction.ID(), Index: f.Entries[1].Index,
		Kind: e.Transaction.Body.Kind().String(), Memo: step.memo,
		Body: e.Transaction.Body, ValidUntil: e.Transaction.ValidUntil, Payers: ledger.Signing(e.Transaction.Body),
		Paid: []Paid{}, LogSize: checkpoint.Size, Shows: ReceiptShows, DoesNotShow: ReceiptDoesNotShow}
	for _, o := range step.outputs {
		r.Paid = append(r.Paid, Paid{o.wallet, o.amount})
	}
	return r, nil
}
