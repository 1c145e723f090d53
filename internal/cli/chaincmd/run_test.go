package chaincmd

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

func run(t *testing.T, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, clitest.Nouns{NewChainCommand}, append([]string{"chain"}, line...)...)
}

// genesis is the first block of a private chain, its hash, and its one transaction with its id.
func genesis(t *testing.T) (block, hash, tx, id string) {
	t.Helper()
	b := chaincfg.RegressionNetParams.GenesisBlock
	var whole, first bytes.Buffer
	if err := b.Serialize(&whole); err != nil {
		t.Fatal(err)
	}
	if err := b.Transactions[0].Serialize(&first); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(whole.Bytes()), b.BlockHash().String(), hex.EncodeToString(first.Bytes()),
		b.Transactions[0].TxHash().String()
}

// node answers the methods of a Bitcoin node with texts; a method without one is unknown to it. Its first calls fail.
func node(t *testing.T, answers map[string]string, failing int64) string {
	t.Helper()
	var calls atomic.Int64
	one := func(raw json.RawMessage) string {
		var asked struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params []any           `json:"params"`
		}
		_ = json.Unmarshal(raw, &asked)
		if len(asked.Params) == 2 && asked.Params[1] == false {
			asked.Method += " raw"
		}
		if result, known := answers[asked.Method]; known {
			return `{"id":` + string(asked.ID) + `,"result":` + result + `,"error":null}`
		}
		return `{"id":` + string(asked.ID) + `,"result":null,"error":{"code":-32601,"message":"Method not found\u001b[2J"}}`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "u" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if calls.Add(1) <= failing {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var body json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body)
		var batch []json.RawMessage
		if json.Unmarshal(body, &batch) != nil {
			_, _ = w.Write([]byte(one(body)))
			return
		}
		var all []string
		for _, raw := range batch {
			all = append(all, one(raw))
		}
		_, _ = w.Write([]byte("[" + strings.Join(all, ",") + "]"))
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http://", "http://u:secret@", 1)
}

// What a node says of its chain is shown as it is, a block and a transaction by whichever name they are asked for; what
// it says of another is not taken for it, and its texts and passwords are shown to nobody.
func TestAChainIsRead(t *testing.T) {
	t.Parallel()
	block, hash, tx, id := genesis(t)
	header := `{"hash":"` + hash + `","height":0,"confirmations":1}`
	answers := func(change ...string) map[string]string {
		all := map[string]string{
			"getblockchaininfo": `{"chain":"regtest","blocks":0,"headers":0,"bestblockhash":"` + hash + `"}`,
			"getmininginfo":     `{"networkhashps":1,"pooledtx":0}`, "getnetworkinfo": `{"subversion":"/Satoshi:28.0.0/"}`,
			"getconnectioncount": "0", "getblockhash": `"` + hash + `"`, "getblock": `"` + block + `"`,
			"getblockheader": header, "getblockheader raw": `"` + block[:160] + `"`,
			"getrawtransaction": `{"hex":"` + tx + `","blockhash":"` + hash + `","confirmations":1}`}
		for i := 0; i+1 < len(change); i += 2 {
			all[change[i]] = change[i+1]
		}
		return all
	}
	good := node(t, answers(), 0)
	for _, which := range []string{"0", hash} {
		var seen struct {
			Hash         string
			Height       int
			Transactions []struct{ Txid string }
		}
		run(t, "block", which, "--bitcoin", good, "--json").JSON(t, &seen)
		if seen.Hash != hash || seen.Height != 0 || len(seen.Transactions) != 1 || seen.Transactions[0].Txid != id {
			t.Errorf("%s: %+v", which, seen)
		}
	}
	run(t, "block", "0", "--bitcoin", good).Wants(t, 0, hash, "(new coins)", "50.00000000")
	run(t, "tx", id, "--bitcoin", good).Wants(t, 0, id, "0, "+hash)
	run(t, "info", "--bitcoin", good).Wants(t, 0, "regtest", hash)
	other := strings.Repeat("1", 64)
	for name, c := range map[string]struct {
		url  string
		line []string
		exit int
	}{
		"another block than asked":       {good, []string{"block", other}, 1},
		"another transaction than asked": {good, []string{"tx", other}, 1},
		"no height":                      {good, []string{"block", "-1"}, 2},
		"no block":                       {good, []string{"block", "nonsense"}, 2},
		"no transaction":                 {good, []string{"tx", hash[:63]}, 2},
		"another network": {node(t, answers("getblockchaininfo", `{"chain":"moon"}`), 0),
			[]string{"block", "0"}, 1},
		"a block that is torn":       {node(t, answers("getblock", `"`+block[:99]+`"`), 0), []string{"block", "0"}, 1},
		"a number for a block":       {node(t, answers("getblock", `7`), 0), []string{"block", "0"}, 1},
		"a transaction that is torn": {node(t, answers("getrawtransaction", `{"hex":"zz"}`), 0), []string{"tx", id}, 1},
		"nothing it knows":           {node(t, nil, 0), []string{"info"}, 1},
		"a wrong password":           {strings.Replace(good, "secret", "guess", 1), []string{"info"}, 1},
		"nobody":                     {"http://u:secret@127.0.0.1:1", []string{"info"}, 5},
		"no URL":                     {"gopher://x", []string{"info"}, 2},
		"none":                       {"", []string{"info"}, 2},
		"a cookie that is not there": {good, []string{"info", "--cookie", filepath.Join(t.TempDir(), "none")}, 2},
	} {
		e := run(t, append(c.line, "--bitcoin", c.url)...)
		if e.Exit != c.exit || strings.Contains(e.Err, "secret") || strings.Contains(e.Err, "\x1b") || e.Out != "" {
			t.Errorf("%s: exit %d, want %d\n%s%s", name, e.Exit, c.exit, e.Out, e.Err)
		}
	}
	// A node that is only starting is waited for, and no longer than was said.
	run(t, "block", "0", "--bitcoin", node(t, answers(), 1), "--wait", "1m").Wants(t, 0, hash)
	if e := run(t, "block", "0", "--bitcoin", node(t, answers(), 1)); e.Exit == 0 {
		t.Errorf("waited for unasked: %s", e.Out)
	}
	run(t, "info", "--bitcoin", "gopher://x", "--wait", "1h").Wants(t, 2) // what is wrong stays wrong
}

// A risk falls with each confirmation and rises with the attacker's share, and what bounds it is the first that does;
// shares, bounds and numbers that are none are refused.
func TestRisksOfReversal(t *testing.T) {
	t.Parallel()
	type risk struct {
		Risk []struct {
			Confirmations int
			Probability   float64
			Paper         float64 `json:"probability_bitcoin_paper"`
		}
		Needed *int `json:"confirmations_needed"`
	}
	var little, much, most risk
	run(t, "risk", "--json").JSON(t, &little)
	run(t, "risk", "--attacker", "0.3", "--confirmations", "40", "--json").JSON(t, &much)
	run(t, "risk", "--attacker", "0.6", "--json").JSON(t, &most)
	if len(little.Risk) != 7 || len(much.Risk) != 41 || little.Risk[0].Probability != 1 || most.Needed != nil ||
		most.Risk[6].Probability != 1 {
		t.Errorf("%+v\n%+v", little, most)
	}
	for i := 1; i < 7; i++ {
		if little.Risk[i].Probability >= little.Risk[i-1].Probability ||
			much.Risk[i].Probability <= little.Risk[i].Probability {
			t.Errorf("%d confirmations: %v, %v", i, little.Risk[i], much.Risk[i])
		}
	}
	if n := *much.Needed; much.Risk[n].Probability > 0.001 || much.Risk[n-1].Probability <= 0.001 {
		t.Errorf("%d confirmations are needed: %v, %v", n, much.Risk[n-1], much.Risk[n])
	}
	// Section 11 of the paper: 5 confirmations against a tenth, 24 against three tenths.
	if p := little.Risk[5].Paper; p < 0.0009136 || p > 0.0009138 {
		t.Errorf("the paper's figure is %v", p)
	}
	run(t, "risk", "--attacker", "0.6").Wants(t, 0, "60")
	for _, line := range [][]string{{"--attacker", "-0.1"}, {"--attacker", "1.1"}, {"--attacker", "NaN"},
		{"--attacker", "x"}, {"--confirmations", "-1"}, {"--confirmations", "1000000000"}, {"--bound", "0"}, {"--bound", "1"}, {"--bound", "NaN"}} {
		run(t, append([]string{"risk"}, line...)...).Wants(t, 2)
	}
}

// What no private network can be is refused before a node is looked for, built or started; what was there before stays
// when it ends.
func TestPrivateNetworksThatAreNone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "net")
	for word, line := range map[string][]string{
		"regtest or simnet": {"--network", "mainnet"}, "moon": {"--network", "moon"}, "--keep": {"--keep"},
		"--blocks": {"--blocks", "-1"}, "--blocks 100001": {"--blocks", "100001"},
	} {
		run(t, append([]string{"up", "--data", dir, "--install=false", "--btcd", filepath.Join(dir, "none")}, line...)...).
			Wants(t, 2, word)
	}
	for _, to := range []string{"nobody", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"} {
		run(t, "up", "--data", dir, "--install=false", "--pay-to", to).Wants(t, 3, "bad-address")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("what was refused has made a folder")
	}
	made := []string{"data", "logs", "btcd.conf", "node.url", "mine"}
	fill := func() {
		for _, name := range made {
			if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill()
	left := func() (names []string) {
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			names = append(names, e.Name())
		}
		return names
	}
	if err := (&chainUp{dir: dir}).clean(false); err != nil || strings.Join(left(), " ") != "mine" {
		t.Errorf("%v, %v", left(), err)
	}
	fill()
	if err := (&chainUp{dir: dir, keep: true}).clean(true); err != nil || len(left()) != len(made)-1 {
		t.Errorf("%v, %v", left(), err)
	}
	if err := (&chainUp{dir: dir}).clean(true); err != nil || left() != nil {
		t.Errorf("%v, %v", left(), err)
	}
}
