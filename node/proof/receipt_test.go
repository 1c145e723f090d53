package proof_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Receipts of transactions of the story, and such as do not hold. The second implementation checks the same vectors.
func TestReceiptVectors(t *testing.T) {
	model := ledger.NewModel()
	chain, _ := sim.NewWorldUnder(4, 2026).Story(model) // of ledger-4.json
	n := served(t, chain)
	v := proofVectors{Comment: "receipt files, which hold or do not", Kind: "receipts"}
	add := func(about string, content []byte, network token.NetworkID, want bool) {
		t.Helper()
		_, err := proof.CheckReceipt(content, network)
		if (err == nil) != want {
			t.Errorf("%s: %v, want to hold: %t", about, err, want)
		}
		v.Cases = append(v.Cases, proofCase{about, network, hex.EncodeToString(content), err == nil})
	}
	done := 0
	for index := uint64(1); index < n.Head().Size && done < 6; index++ {
		e, _, err := n.Entry(index)
		if err != nil {
			t.Fatal(err)
		}
		if e.Transaction == nil {
			continue
		}
		r, err := proof.MakeReceipt(n, e.Transaction.ID(), index)
		if err != nil {
			t.Fatal(err)
		}
		add("a transaction of the story", r.Encode(), chain.Network, true)
		if done++; done > 1 {
			continue
		}
		changed := func(about string, change func(r *proof.Receipt)) {
			other := *r
			other.Checkpoint = bytes.Clone(r.Checkpoint)
			for i := range other.Entries {
				other.Entries[i].Proof, other.Entries[i].Entry = slices.Clone(r.Entries[i].Proof), bytes.Clone(r.Entries[i].Entry)
			}
			change(&other)
			add(about, other.Encode(), chain.Network, false)
		}
		add("another network's", r.Encode(), token.NetworkID{1}, false)
		add("cut short", r.Encode()[:len(r.Encode())-1], chain.Network, false)
		add("a byte more", append(r.Encode(), 0), chain.Network, false)
		changed("another transaction", func(r *proof.Receipt) { r.ID[0] ^= 1 })
		changed("a hash altered", func(r *proof.Receipt) { r.Entries[1].Proof[0][5] ^= 1 })
		changed("a hash too many", func(r *proof.Receipt) { r.Entries[1].Proof = append(r.Entries[1].Proof, txlog.Hash{}) })
		changed("a place altered", func(r *proof.Receipt) { r.Entries[1].Index++ })
		changed("the checkpoint altered", func(r *proof.Receipt) { r.Checkpoint[len(r.Checkpoint)-20] ^= 1 })
		changed("the entry altered", func(r *proof.Receipt) { r.Entries[1].Entry[len(r.Entries[1].Entry)-3] ^= 1 })
		changed("the genesis twice", func(r *proof.Receipt) { r.Entries[1] = r.Entries[0] })
		if _, err := proof.Check(r.Encode(), chain.Network); err == nil || !proof.IsReceipt(r.Encode()) {
			t.Error("a receipt passes for a token's proof")
		}
	}
	if done < 6 {
		t.Fatalf("only %d transactions", done)
	}
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "../../testdata/vectors/receipt.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("receipt.json is not what receipts are now: go test ./node/proof -run Vectors -update")
	}
}
