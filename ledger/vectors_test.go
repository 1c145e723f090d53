package ledger_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
)

var update = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

type witnessVector struct {
	Role      string          `json:"role"`
	Index     uint16          `json:"index"`
	Seed      string          `json:"seed"` // of the Ed25519 key, RFC 8032
	PublicKey token.PublicKey `json:"publicKey"`
	Digest    string          `json:"digest"` // what is signed
	Signature token.Signature `json:"signature"`
}

type transactionVector struct {
	Kind      string              `json:"kind"`
	JSON      json.RawMessage     `json:"json"`
	Body      string              `json:"body"` // the bytes whose SHA-256 is the id
	ID        token.TransactionID `json:"id"`
	Witnesses []witnessVector     `json:"witnesses"`
	Bytes     string              `json:"bytes"`
	Outputs   []token.ID          `json:"outputs"` // ids of the tokens that it makes
}

type blockVector struct {
	RootBefore string   `json:"rootBefore"`
	Entries    []string `json:"entries"` // the leaf first
}

type ledgerVectors struct {
	Comment      string              `json:"comment"`
	Network      token.NetworkID     `json:"network"`
	Genesis      string              `json:"genesis"` // the log's first entry
	Transactions []transactionVector `json:"transactions"`
	Blocks       []blockVector       `json:"blocks"`
	Size         uint64              `json:"size"`
	Root         string              `json:"root"`
	Snapshot     string              `json:"snapshot"`     // of the state after the last block
	SnapshotRoot string              `json:"snapshotRoot"` // over its records
}

func bodyOf(t *testing.T, tx *token.Transaction) []byte {
	t.Helper()
	unsigned, err := token.New(tx.Body, tx.ValidUntil)
	if err != nil {
		t.Fatal(err)
	}
	encoded := unsigned.Encode()
	return encoded[1 : len(encoded)-1] // between the head of two items and the empty list of witnesses
}

func outputsOf(tx *token.Transaction) []token.ID {
	n := 0
	switch b := tx.Body.(type) {
	case *token.Transfer:
		n = len(b.Outputs)
	case *token.Issue:
		n = len(b.Amounts)
	case *token.Redeem:
		n = 1
	case *token.Seize, *token.Release:
		n = 2
	}
	ids := []token.ID{}
	for i := range n {
		ids = append(ids, token.OutputID(tx.ID(), i))
	}
	return ids
}

func TestVectors(t *testing.T) {
	for rules := uint32(ledger.FirstRules); rules <= ledger.LatestRules; rules++ {
		name := "ledger.json"
		if rules > 1 {
			name = fmt.Sprintf("ledger-%d.json", rules)
		}
		checkVectors(t, rules, name)
	}
}

// checkVectors holds the story under a version of the rules against its file.
func checkVectors(t *testing.T, rules uint32, name string) {
	w := sim.NewWorldUnder(rules, 2026)
	state := livestate.New([32]byte{1})
	shadow := ledger.NewModel() // to know whose key each signature was
	chain, _ := w.Story(state)
	v := ledgerVectors{
		Comment: "a log with every kind of transaction; byte strings in hexadecimal",
		Network: w.Network, Genesis: hex.EncodeToString(w.Genesis.Leaf().Encode()), Size: chain.Size, Root: chain.Root().String(),
	}
	replay := ledger.NewReplay(shadow, false)
	for i, block := range chain.Blocks {
		b := blockVector{RootBefore: chain.Roots[i].String()}
		for _, data := range block {
			b.Entries = append(b.Entries, hex.EncodeToString(data))
		}
		v.Blocks = append(v.Blocks, b)
		for _, data := range block {
			e, err := ledger.DecodeEntry(data)
			if err != nil {
				t.Fatal(err)
			}
			if e.Transaction != nil {
				v.Transactions = append(v.Transactions, describeTransaction(t, w, shadow, e.Transaction))
			}
		}
		if _, err := replay.Block(block, token.Hash(chain.Roots[i])); err != nil {
			t.Fatal(err)
		}
	}
	var snapshot bytes.Buffer
	root, err := state.WriteSnapshot(&snapshot, livestate.Position{Network: w.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()})
	if err != nil {
		t.Fatal(err)
	}
	v.Snapshot, v.SnapshotRoot = hex.EncodeToString(snapshot.Bytes()), root.String()
	compareVectors(t, name, v)
}

func describeTransaction(t *testing.T, w *sim.World, state ledger.Reader, tx *token.Transaction) transactionVector {
	t.Helper()
	text, err := json.Marshal(tx)
	if err != nil {
		t.Fatal(err)
	}
	v := transactionVector{
		Kind: tx.Body.Kind().String(), JSON: text, Body: hex.EncodeToString(bodyOf(t, tx)), ID: tx.ID(),
		Bytes: hex.EncodeToString(tx.Encode()), Outputs: outputsOf(tx),
	}
	keys, violation := ledger.Keys(nil, state, tx)
	if violation != nil {
		t.Fatal(violation)
	}
	for i, witness := range tx.Witnesses {
		private, ok := w.Private(keys[i])
		if !ok {
			t.Fatalf("no key for witness %d of %s", i, v.Kind)
		}
		seed, digest := private.Seed(), token.Digest(w.Network, tx.ID(), witness.Role)
		v.Witnesses = append(v.Witnesses, witnessVector{
			Role: witness.Role.String(), Index: witness.Index, Seed: hex.EncodeToString(seed[:]), PublicKey: keys[i],
			Digest: hex.EncodeToString(digest[:]), Signature: witness.Signature,
		})
	}
	return v
}

// compareVectors holds what the code makes now against the file.
func compareVectors(t *testing.T, name string, vectors any) {
	t.Helper()
	path := filepath.Join("..", "testdata", "vectors", name)
	made, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	if *update {
		if err := os.WriteFile(path, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made) {
		t.Errorf("%s differs from what the code makes; a format change needs a new version", name)
	}
}
