package wallet_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

var rewritePrograms = flag.Bool("update-uses", false, "write the vectors of what devices, meters and registries sign")

// What devices, meters and registries sign is pinned: their software lives longer than a release.
func TestVectorsOfUses(t *testing.T) {
	network, id := token.NetworkID{1, 2, 3}, token.WalletID{4, 5, 6}
	ch := channel.ID{Network: network, Contract: id}
	chain := channel.NewChain([32]byte{7}, 3)
	r := meter.Reading{AtMillis: 1_700_000_000_000, Registers: meter.Registers{1, 2, 3}}
	link := meter.Link(token.Hash{8}, &r)
	tick := contract.Walk(chain.Tick(3), 3)
	digests := map[string][32]byte{
		"voucher of 12345 tiyn, root of the chain": ch.Digest(12345, chain.Root()),
		"consent to close at 12345 tiyn":           ch.FinalDigest(12345),
		"root of the chain of 3 from seed 07 00…":  chain.Root(),
		"the third tick, hashed three times":       tick,
		"link of the reading after 08 00…":         link,
		"the reading with that link":               meter.Digest(network, id, &r, link),
		"certificate of subject 09… document 0a…":  wallet.CertificateDigest(network, id, token.Hash{9}, token.Hash{10}),
	}
	out := map[string]string{}
	for name, d := range digests {
		out[name] = hex.EncodeToString(d[:])
	}
	if tick != chain.Root() {
		t.Error("the last tick does not lead to the root")
	}
	made, err := json.MarshalIndent(out, "", "  ") // keys in order
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	const path = "../testdata/vectors/uses.json"
	if *rewritePrograms {
		if err := os.WriteFile(path, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made) {
		t.Errorf("%s differs from what is signed now:\n%s", path, made)
	}
}
