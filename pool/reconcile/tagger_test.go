package reconcile_test

import (
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/reconcile"
)

func payment(t *rapid.T, m *reconcile.Tagger) *wire.MsgTx {
	tx := wire.NewMsgTx(2)
	for i := range rapid.IntRange(1, 3).Draw(t, "inputs") {
		var at wire.OutPoint
		copy(at.Hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "coin"))
		at.Index = rapid.Uint32().Draw(t, "index")
		in := wire.NewTxIn(&at, nil, nil)
		in.Sequence = 0xfffffffd
		if i == 0 {
			in.Sequence = m.Sequence(at)
		}
		tx.AddTxIn(in)
	}
	return tx
}

// A marked payment is known by whoever has the secret, and by nobody else as theirs; any change of the coin that it
// spends, or of the mark, ends that. Its inputs can be replaced (BIP 125) and lock nothing (BIP 68).
func TestAPaymentsMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "secret")
		m, other := reconcile.NewTagger(secret), reconcile.NewTagger(append([]byte{1}, secret...))
		tx := payment(t, m)
		first := tx.TxIn[0]
		if !m.Paid(tx) || !reconcile.Tagged(tx) {
			t.Fatal("its own payment is not known")
		}
		if first.Sequence > 0xfffffffd || first.Sequence&wire.SequenceLockTimeDisabled == 0 {
			t.Fatalf("sequence %08x", first.Sequence)
		}
		if other.Sequence(first.PreviousOutPoint) != first.Sequence && other.Paid(tx) {
			t.Fatal("another's payment is taken for its own")
		}
		switch rapid.IntRange(0, 2).Draw(t, "change") {
		case 0:
			first.Sequence ^= 1 << rapid.IntRange(0, 31).Draw(t, "bit")
		case 1:
			first.PreviousOutPoint.Index++
		case 2:
			first.PreviousOutPoint.Hash[rapid.IntRange(0, 31).Draw(t, "byte")]++
		}
		if m.Paid(tx) && m.Sequence(first.PreviousOutPoint) != first.Sequence {
			t.Fatal("a changed payment is its own")
		}
	})
}

// A block is known by the mark in its coinbase, wherever in the script it stands, on that parent only.
func TestABlocksMark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := reconcile.NewTagger([]byte("secret"))
		parent := bitcoin.Hash{byte(rapid.IntRange(0, 255).Draw(t, "parent"))}
		job := rapid.Uint32().Draw(t, "job")
		script := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "before")
		script = append(script, 4+reconcile.CoinbaseTag, byte(job), byte(job>>8), byte(job>>16), byte(job>>24))
		script = append(script, m.Coinbase(parent, job)...)
		script = append(script, rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "after")...)
		coinbase := wire.NewMsgTx(2)
		coinbase.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: 0xffffffff}, script, nil))
		block := wire.NewMsgBlock(&wire.BlockHeader{PrevBlock: [32]byte(parent)})
		if _, ours := m.Mined(block); ours {
			t.Fatal("a block without a transaction")
		}
		if err := block.AddTransaction(coinbase); err != nil {
			t.Fatal(err)
		}
		if number, ours := m.Mined(block); !ours || number != job {
			t.Fatal("its own block is not known")
		}
		block.Header.PrevBlock[5]++
		_, ours := m.Mined(block)
		if _, without := (*reconcile.Tagger)(nil).Mined(block); ours || without {
			t.Fatal("on another parent it is taken for its own")
		}
	})
}

// Without a secret there are no marks.
func TestNoSecretNoMark(t *testing.T) {
	m := reconcile.NewTagger(nil)
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{}, nil, nil))
	if m != nil || m.Paid(tx) || reconcile.Tagged(tx) {
		t.Error("marked")
	}
}
