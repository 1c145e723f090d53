package bitcoin_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
)

// recorded returns templates that real nodes have answered.
func recorded(t testing.TB) map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("testdata/templates.json")
	if err != nil {
		t.Fatal(err)
	}
	var templates map[string]json.RawMessage
	if err := json.Unmarshal(raw, &templates); err != nil {
		t.Fatal(err)
	}
	return templates
}

func TestRecordedTemplates(t *testing.T) {
	for name, raw := range recorded(t) {
		template, err := bitcoin.DecodeTemplate(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.HasSuffix(name, "witness") != (len(template.Transactions) > 0) {
			t.Errorf("%s: %d transactions", name, len(template.Transactions))
		}
		// Core offers a commitment always, btcd only with witness transactions.
		if (template.Commitment == nil) != (name == "btcd-empty") {
			t.Errorf("%s: commitment %v", name, template.Commitment)
		}
	}
}

// A node that lies about what it offers is found out.
func TestLyingTemplates(t *testing.T) {
	raws := recorded(t)
	for _, tc := range []struct{ template, field, old, new string }{
		{"btcd-witness", "target", `"target": "7fffff`, `"target": "7ffffe`},
		{"btcd-witness", "bits", `"bits": "207fffff"`, `"bits": "217fffff"`},
		{"btcd-witness", "transactions[0]", `"txid": "1`, `"txid": "2`},
		{"btcd-witness", "default_witness_commitment", `"default_witness_commitment": "6`, `"default_witness_commitment": "7`},
		{"core-empty", "default_witness_commitment", `aa21a9ede2`, `aa21a9ede3`},
		{"btcd-witness", "coinbasevalue", `"coinbasevalue": 6`, `"coinbasevalue": -6`},
		{"btcd-witness", "coinbasevalue", `"coinbasevalue":`, `"coinbase":`},
		{"btcd-empty", "height", `"height":`, `"length":`},
		{"btcd-empty", "previousblockhash", `"previousblockhash": "`, `"previousblockhash": "0`},
	} {
		changed := strings.Replace(string(raws[tc.template]), tc.old, tc.new, 1)
		if changed == string(raws[tc.template]) {
			t.Fatalf("%s has no %s", tc.template, tc.old)
		}
		_, err := bitcoin.DecodeTemplate([]byte(changed))
		var bad *bitcoin.TemplateError
		if !errors.As(err, &bad) || bad.Field != tc.field {
			t.Errorf("%s -> %s: %v", tc.old, tc.new, err)
		}
	}
}

func FuzzDecodeTemplate(f *testing.F) {
	for _, raw := range recorded(f) {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		template, err := bitcoin.DecodeTemplate(raw)
		if err != nil {
			return
		}
		// Whatever is accepted can be laid out as a block.
		parts, err := bitcoin.Coinbase{
			Height: template.Height, Aux: template.CoinbaseAux, Extranonce: 8, Commitment: template.CommitmentScript(),
			Outputs: []bitcoin.Output{{Value: template.CoinbaseValue, Script: []byte{0x51}}},
		}.Parts()
		if err != nil {
			t.Fatal(err)
		}
		filled := parts.Fill(make([]byte, 8))
		if len(filled) != parts.Size() {
			t.Fatalf("size %d, want %d", len(filled), parts.Size())
		}
		template.Block(bitcoin.Header{}, parts.WithWitness(filled))
	})
}

func TestHeightPush(t *testing.T) {
	for height, want := range map[uint32]string{
		1: "51", 16: "60", 17: "0111", 127: "017f", 128: "028000", 255: "02ff00", 256: "020001",
		32767: "02ff7f", 32768: "03008000", 227931: "035b7a03", 8388608: "0400008000",
	} {
		if got := hex.EncodeToString(bitcoin.HeightPush(height)); got != want {
			t.Errorf("HeightPush(%d) = %s, want %s", height, got, want)
		}
	}
}

// The branch that Stratum sends leads to the same root as hashing the whole tree.
func TestMerkleBranch(t *testing.T) {
	ids := make([]bitcoin.Hash, 40)
	for i := range ids {
		ids[i] = bitcoin.HashOf([]byte{byte(i)})
		if got, want := bitcoin.RootOf(ids[0], bitcoin.MerkleBranch(ids[1:i+1])), bitcoin.MerkleRoot(ids[:i+1]); got != want {
			t.Errorf("%d transactions: %s, want %s", i+1, got, want)
		}
	}
}

// Real blocks decode, and their header's work holds.
func TestRecordedBlocks(t *testing.T) {
	raw, err := os.ReadFile("testdata/blocks.json")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []struct {
		Hash, Hex string
		Height    uint32
	}
	if err := json.Unmarshal(raw, &blocks); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		data, _ := hex.DecodeString(b.Hex)
		header, err := bitcoin.DecodeHeader(data[:80])
		if err != nil || header.Hash().String() != b.Hash || header.Check() != nil {
			t.Errorf("block %d: %s, %v, %v", b.Height, header.Hash(), err, header.Check())
		}
	}
}

func TestCoinbaseLimits(t *testing.T) {
	good := bitcoin.Coinbase{Height: 800_000, Extranonce: 12, Tag: []byte("tag"), Outputs: []bitcoin.Output{{Value: 1, Script: []byte{0x51}}}}
	parts, err := good.Parts()
	if err != nil {
		t.Fatal(err)
	}
	filled := parts.Fill(make([]byte, 12))
	if lock := binary.LittleEndian.Uint32(filled[len(filled)-4:]); lock != 799_999 {
		t.Errorf("lock time %d", lock)
	}
	for name, change := range map[string]func(*bitcoin.Coinbase){
		"height 0":   func(c *bitcoin.Coinbase) { c.Height = 0 },
		"long tag":   func(c *bitcoin.Coinbase) { c.Tag = make([]byte, 84) },
		"no output":  func(c *bitcoin.Coinbase) { c.Outputs = nil },
		"bad amount": func(c *bitcoin.Coinbase) { c.Outputs = []bitcoin.Output{{Value: -1}} },
		"short":      func(c *bitcoin.Coinbase) { *c = bitcoin.Coinbase{Height: 5, Outputs: c.Outputs} },
	} {
		bad := good
		change(&bad)
		if _, err := bad.Parts(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
