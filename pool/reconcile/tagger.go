package reconcile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
)

// Tagger makes and knows the marks of one pool's log. They are authenticated with a key that stays with the log's own,
// so that nobody stops a pool's payments by sending a satoshi to one of its miners, and another log's are not taken for
// this one's, such as that of a second pool node beside it which pays from the same wallet.
type Tagger struct{ key []byte }

// NewTagger derives the key from a secret of the log. Without one nothing is marked.
func NewTagger(secret []byte) *Tagger {
	if len(secret) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("aqsha pool marks"))
	return &Tagger{mac.Sum(nil)}
}

const (
	// sequenceTag is the first byte of a payment's mark. Bit 31 switches relative lock times off (BIP 68), and all such
	// sequences let the transaction be replaced (BIP 125).
	sequenceTag = 0xa5 << 24
	// CoinbaseTag is the length of a block's mark.
	CoinbaseTag = 4
)

func (m *Tagger) sum(what byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, m.key)
	mac.Write([]byte{what})
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// Sequence is the sequence of a payment's first input, by the coin that it spends: a replacement of the payment spends
// it as well and has the same.
func (m *Tagger) Sequence(coin wire.OutPoint) uint32 {
	index := binary.LittleEndian.AppendUint32(nil, coin.Index)
	return sequenceTag | binary.BigEndian.Uint32(m.sum('p', coin.Hash[:], index))&0xffffff
}

// Paid tells whether a transaction is a payment of this log's pool.
func (m *Tagger) Paid(tx *wire.MsgTx) bool {
	return m != nil && Tagged(tx) && tx.TxIn[0].Sequence == m.Sequence(tx.TxIn[0].PreviousOutPoint)
}

// Tagged tells whether a transaction is a payment of some pool's.
func Tagged(tx *wire.MsgTx) bool {
	return len(tx.TxIn) > 0 && tx.TxIn[0].Sequence&0xff000000 == sequenceTag
}

// Coinbase is the mark of a job's coinbases, by the block that they are built on.
func (m *Tagger) Coinbase(previous bitcoin.Hash, job uint32) []byte {
	return m.sum('b', previous[:], binary.LittleEndian.AppendUint32(nil, job))[:CoinbaseTag]
}

// Mined tells whether a block is of this log's pool, and of which of its jobs. The mark follows the job's number in one
// push of eight bytes, and the extranonces follow in another (see job.Tag): before them may be what the node wants in a
// coinbase.
func (m *Tagger) Mined(block *wire.MsgBlock) (job uint32, ours bool) {
	if m == nil || len(block.Transactions) == 0 || len(block.Transactions[0].TxIn) == 0 {
		return 0, false
	}
	const length = 4 + CoinbaseTag
	script := block.Transactions[0].TxIn[0].SignatureScript
	for i := 0; i+1+length <= len(script); i++ {
		if script[i] != length {
			continue
		}
		job = binary.LittleEndian.Uint32(script[i+1:])
		if hmac.Equal(script[i+5:i+5+CoinbaseTag], m.Coinbase(bitcoin.Hash(block.Header.PrevBlock), job)) {
			return job, true
		}
	}
	return 0, false
}
