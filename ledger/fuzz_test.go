package ledger_test

import (
	"bytes"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// FuzzDecodeEntry: what is accepted as a log entry has no second encoding.
func FuzzDecodeEntry(f *testing.F) {
	chain, _ := sim.NewWorld(1).Story(ledger.NewModel())
	for _, block := range chain.Blocks {
		for _, entry := range block {
			f.Add(entry)
		}
	}
	f.Add(ledger.System{Kind: ledger.SystemRekeyDropped}.Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ledger.DecodeEntry(bytes.Clone(data))
		if err != nil {
			return
		}
		var again []byte
		switch {
		case e.Leaf != nil:
			again = e.Leaf.Encode()
		case e.Transaction != nil:
			again = ledger.AppendEntry(nil, e.Transaction.Encode(), &e.Effects)
		case e.System != nil:
			again = e.System.Encode()
		}
		if !bytes.Equal(again, data) {
			t.Fatalf("it is encoded as %x", again)
		}
	})
}

// FuzzReplay: a block whose entries somebody chose never gets past the rules, and never crashes them.
func FuzzReplay(f *testing.F) {
	chain, _ := sim.NewWorld(1).Story(ledger.NewModel())
	genesis := chain.Blocks[0]
	for _, block := range chain.Blocks[1:5] {
		f.Add(block[0], block[len(block)-1])
	}
	f.Fuzz(func(t *testing.T, leaf, entry []byte) {
		model := ledger.NewModel()
		replay := ledger.NewReplay(model, true)
		if _, err := replay.Block(genesis, token.Hash(chain.Roots[0])); err != nil {
			t.Fatal(err)
		}
		if _, err := replay.Block([][]byte{leaf, entry}, token.Hash(chain.Roots[1])); err == nil && model.LiveTotal() != model.Central.Circulating() {
			t.Fatal("money out of nothing")
		}
	})
}
