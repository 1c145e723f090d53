package proof_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
)

var update = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

type proofVectors struct {
	Comment string      `json:"comment"`
	Kind    string      `json:"kind"`
	Cases   []proofCase `json:"cases"`
}

type proofCase struct {
	About   string          `json:"about"`
	Network token.NetworkID `json:"network"` // against which it is checked
	File    string          `json:"file"`    // hexadecimal
	Holds   bool            `json:"holds"`
}

// Proof files of tokens that a payment, a contract and an ended purpose made, and such as do not hold.
func TestProofVectors(t *testing.T) {
	model := ledger.NewModel()
	chain, _ := sim.NewWorldUnder(4, 2026).Story(model) // of ledger-4.json
	n := served(t, chain)
	var ids []token.ID
	for id := range model.Tokens { // any order: sorted below
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b token.ID) int { return bytes.Compare(a[:], b[:]) })
	v := proofVectors{Comment: "proof files, which hold or do not", Kind: "proofs"}
	add := func(about string, f *proof.File, network token.NetworkID) {
		_, err := proof.Check(f.Encode(), network)
		v.Cases = append(v.Cases, proofCase{about, network, hex.EncodeToString(f.Encode()), err == nil})
	}
	for _, id := range ids[:4] {
		f, err := proof.Make(context.Background(), n, id)
		if err != nil {
			t.Fatal(err)
		}
		add("a token of the story", f, chain.Network)
		if id != ids[0] {
			continue
		}
		add("another network's", f, token.NetworkID{1})
		changed := func(about string, change func(f *proof.File)) {
			other := *f
			other.Checkpoint, other.Entries = bytes.Clone(f.Checkpoint), slices.Clone(f.Entries)
			change(&other)
			add(about, &other, chain.Network)
		}
		last := len(f.Entries) - 1
		changed("a hash altered", func(f *proof.File) {
			f.Entries[last].Proof = slices.Clone(f.Entries[last].Proof)
			f.Entries[last].Proof[0][5] ^= 1
		})
		changed("a place altered", func(f *proof.File) { f.Entries[last].Index++ })
		changed("a hash too many", func(f *proof.File) { f.Entries[last].Proof = append(slices.Clone(f.Entries[last].Proof), txlog.Hash{}) })
		changed("the checkpoint altered", func(f *proof.File) { f.Checkpoint[len(f.Checkpoint)-20] ^= 1 })
		changed("its last entry left out", func(f *proof.File) { f.Entries = f.Entries[:last] })
		changed("another token", func(f *proof.File) { f.Token[0] ^= 1 })
	}
	f, network := underQuorum(t)
	add("a token of the story", f, network)
	for _, at := range []int{20, 120, 300} { // signatures, a member's key, the threshold's neighbourhood
		other := *f
		other.Checkpoint = bytes.Clone(f.Checkpoint)
		other.Checkpoint[len(other.Checkpoint)-at] ^= 1
		add("a quorum's signature altered", &other, network)
	}
	for i, c := range v.Cases {
		if c.Holds != (c.About == "a token of the story") {
			t.Errorf("case %d, %s: holds %t", i, c.About, c.Holds)
		}
	}
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "../../testdata/vectors/proof.json"
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
		t.Error("proof.json is not what proofs are now: go test ./node/proof -run Vectors -update")
	}
}

// underQuorum is a proof from a network whose checkpoints three of four members have signed.
func underQuorum(t *testing.T) (*proof.File, token.NetworkID) {
	world := sim.NewWorldUnder(4, 2027)
	q := quorum.Quorum{Threshold: 3}
	var keys []ed25519.PrivateKey
	for i := range 4 {
		keys = append(keys, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize)))
		q.Members = append(q.Members, keys[i].Public().(ed25519.PublicKey))
	}
	var err error
	if world.LogSigner, err = quorum.NewSigner(world.Genesis.Name, q, []ed25519.PrivateKey{keys[0], keys[1], keys[3]}); err != nil {
		t.Fatal(err)
	}
	if world.Genesis.LogKey, err = q.Key(world.Genesis.Name); err != nil {
		t.Fatal(err)
	}
	world.Refound()
	model := ledger.NewModel()
	chain, _ := world.Story(model)
	var ids []token.ID
	for id := range model.Tokens { // any order: the first in order is taken
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b token.ID) int { return bytes.Compare(a[:], b[:]) })
	f, err := proof.Make(context.Background(), served(t, chain), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return f, world.Network
}
