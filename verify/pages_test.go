package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

type pagesVector struct {
	Comment string           `json:"comment"`
	Kind    string           `json:"kind"`
	Base    string           `json:"base"`    // the log behind which they are added
	Wallets []token.WalletID `json:"wallets"` // token i is of wallet i mod 3
	Roots   map[int]string   `json:"roots"`   // of the state with so many tokens more
}

// added is the i-th token that the vector adds: its id is SHA-256("token" and i in 8 bytes), its amount i² + 1 tiyn; every seventh is marked
// with purpose 1 and has used i mod 5 hops.
func added(i int, wallets []token.WalletID) (token.ID, ledger.Token) {
	id := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("token"), uint64(i)))
	t := ledger.Token{Wallet: wallets[i%len(wallets)], Amount: money.Tiyn(i*i + 1)}
	if i%7 == 0 {
		t.Asset, t.Hops = token.PurposeAsset(1), uint16(i%5)
	}
	return id, t
}

// States of several pages of tokens, around a page's end, have the root that the documents lead to.
func TestPagesVector(t *testing.T) {
	w := sim.NewWorldUnder(4, 2026) // of ledger-4.json
	state := livestate.New([32]byte{1})
	chain, _ := w.Story(state)
	v := pagesVector{Comment: "the root of a state with many tokens: see verify/pages_test.go for which", Kind: "pages", Base: "ledger-4.json", Roots: map[int]string{}}
	model := ledger.NewModel()
	if err := chain.Replay(model); err != nil {
		t.Fatal(err)
	}
	for id, wallet := range model.Wallets { // any order: sorted below
		if !wallet.Contract {
			v.Wallets = append(v.Wallets, id)
		}
	}
	slices.SortFunc(v.Wallets, func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	v.Wallets = v.Wallets[:3]
	live := len(model.Tokens)
	sizes := []int{1, 4096 - live, 4097 - live, 5000, 8192 - live, 9000}
	for i, next := 0, 0; next < len(sizes); i++ {
		if i == sizes[next] {
			root, err := state.WriteSnapshot(io.Discard, livestate.Position{Network: chain.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()})
			if err != nil {
				t.Fatal(err)
			}
			v.Roots[i] = root.String()
			next++
		}
		id, one := added(i, v.Wallets)
		state.AddToken(id, one)
		wallet, _ := state.Wallet(one.Wallet)
		wallet.Balance += one.Amount
		wallet.Tokens++
		state.PutWallet(one.Wallet, wallet)
	}
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "../testdata/vectors/pages.json"
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
		t.Error("pages.json is not what a snapshot's root is now: go test ./verify -run Pages -update")
	}
}
