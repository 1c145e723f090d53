package miningcmd

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// Alone one mines on a node: one that is on another network than the address, that is not in sync or answers rubbish is
// said before a thread begins, and so is an address that nobody could be paid at.
func TestAMinerAloneAndItsNode(t *testing.T) {
	regtest := map[string]any{"getblockchaininfo": map[string]any{"chain": "regtest", "blocks": 1}}
	node := chain(t, regtest)
	for says, line := range map[string][]string{
		"nowhere":  {"--bitcoin", node, "--pay-to", "nowhere"},
		"1A1zP1eP": {"--bitcoin", node, "--pay-to", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"}, // of the main network
	} {
		run(t, append([]string{"mine", "--threads", "1"}, line...)...).Wants(t, 3, says)
	}
	for _, answers := range []map[string]any{
		regtest, // and no template
		{"getblockchaininfo": "raw:"}, {"getblockchaininfo": "raw:" + strings.Repeat("[", 100_000)},
		{"getblockchaininfo": 7}, {"getblockchaininfo": map[string]any{"chain": "\x1b[2J"}},
		{"getblockchaininfo": regtest["getblockchaininfo"], "getblocktemplate": map[string]any{"height": -1}},
		{"getblockchaininfo": regtest["getblockchaininfo"], "getblocktemplate": "raw:{"},
	} {
		e := run(t, "mine", "--threads", "1", "--blocks", "1", "--duration", "200ms", "--bitcoin", chain(t, answers), "--pay-to", alice)
		if strings.Contains(e.Out+e.Err, "\x1b") || strings.Contains(e.Out, "blocks 1") {
			t.Errorf("%v: exit %d\n%s%s", answers, e.Exit, e.Out, e.Err)
		}
	}
	// What only a pool takes, or only mining alone, is no silent nothing.
	for says, line := range map[string][]string{
		"--blocks":     {"--pool", "stratum+tcp://127.0.0.1:1", "--user", "a", "--blocks", "1"},
		"--user":       {"--bitcoin", node, "--pay-to", alice, "--user", "a"},
		"--difficulty": {"--bitcoin", node, "--pay-to", alice, "--difficulty", "4"},
	} {
		run(t, append([]string{"mine", "--threads", "1", "--duration", "100ms"}, line...)...).Wants(t, 2, says)
	}
}

// rejecting is a pool that gives work which every hash solves, and rejects each share with a reason of its own.
func rejecting(c net.Conn, reason func(n int) string) {
	lines := bufio.NewScanner(c)
	n := 0
	for lines.Scan() {
		var asked struct {
			ID     json.RawMessage
			Method string
		}
		if json.Unmarshal(lines.Bytes(), &asked) != nil {
			return
		}
		switch asked.Method {
		case "mining.subscribe":
			fmt.Fprintf(c, `{"id":%s,"result":[[["mining.notify","1"]],"00000001",4],"error":null}`+"\n", asked.ID)
		case "mining.authorize":
			fmt.Fprintf(c, `{"id":%s,"result":true,"error":null}`+"\n", asked.ID)
			fmt.Fprintln(c, `{"id":null,"method":"mining.set_difficulty","params":[1e-9]}`)
			fmt.Fprintf(c, `{"id":null,"method":"mining.notify","params":["j","%064d","01000000","",[],"20000000","207fffff","6a000000",true]}`+"\n", 0)
		case "mining.submit":
			text, _ := json.Marshal(reason(n))
			n++
			fmt.Fprintf(c, `{"id":%s,"result":null,"error":[23,%s,null]}`+"\n", asked.ID, text)
		default:
			fmt.Fprintf(c, `{"id":%s,"result":null,"error":[20,"no",null]}`+"\n", asked.ID)
		}
	}
}

// A pool that makes up a reason for every share that it rejects fills neither the miner's memory nor the screen, and
// moves no cursor.
func TestAPoolThatRejectsWithEverNewReasons(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address := clitest.Listen(t, func(c net.Conn) {
		rejecting(c, func(n int) string {
			if n == 80 {
				cancel()
			}
			return fmt.Sprintf("\x1b[2J reason %d %s", n, strings.Repeat("x", 4000))
		})
	})
	e := clitest.Within(ctx, nouns, "mine", "--pool", "stratum+tcp://"+address, "--user", "a.w", "--threads", "1", "--json")
	var s struct {
		Rejected map[string]uint64
		Accepted uint64
	}
	e.JSON(t, &s)
	sum := uint64(0)
	for reason, n := range s.Rejected {
		sum += n
		if len(reason) > 200 {
			t.Errorf("a reason of %d bytes is kept", len(reason))
		}
	}
	if s.Accepted != 0 || sum < 80 || len(s.Rejected) > 64 {
		t.Errorf("accepted %d, rejected %d for %d reasons", s.Accepted, sum, len(s.Rejected))
	}
}

// Pools that answer nothing, half a line or rubbish end a miner no earlier than its time, and bring no figure that is
// not true.
func TestPoolsThatAnswerRubbish(t *testing.T) {
	for _, rubbish := range []string{"", "{", "HTTP/1.1 400 Bad Request\r\n\r\n", `{"id":1,"result":[[],"zz",4]}` + "\n",
		`{"id":1,"result":[[],"00",99999999]}` + "\n", `{"id":null,"method":"mining.notify","params":[]}` + "\n", strings.Repeat("x", 1<<17)} {
		address := clitest.Listen(t, func(c net.Conn) {
			_, _ = io.WriteString(c, rubbish)
			_, _ = io.Copy(io.Discard, c)
		})
		e := run(t, "mine", "--pool", "stratum+tcp://"+address, "--user", "a", "--threads", "1", "--duration", "100ms", "--json")
		if strings.Contains(e.Out, `"accepted": 1`) || e.Exit == 3 || e.Exit == 2 {
			t.Errorf("%.30q: exit %d\n%s%s", rubbish, e.Exit, e.Out, e.Err)
		}
	}
}

// What a pool needs beside its node is judged before the node is asked: a name that no key can have, a certificate that
// is not there, a mirror that is none, an address for two listeners.
func TestAPoolsPlacesAreJudgedFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pool")
	cert, key := filepath.Join(t.TempDir(), "c.pem"), filepath.Join(t.TempDir(), "k.pem")
	writePair(t, cert, key)
	up := []string{"pool", "up", "--data", dir, "--bitcoin", "http://127.0.0.1:1", "--operator", operator}
	for says, wrong := range map[string][]string{
		"--name":            {"--name", "my pool"},
		"--name \"\"":       {"--name", ""},
		"+":                 {"--name", "a+b"},
		"--mirror \"ftp":    {"--mirror", "ftp://pool.example"},
		"--tls-cert":        {"--tls-listen", "127.0.0.1:0"},
		"no such file":      {"--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", filepath.Join(dir, "none")},
		"--peer \":8333\"":  {"--peer", ":8333"},
		"--peer \"a:b\"":    {"--peer", "a:b"},
		"--admin-socket":    {"--admin-socket", strings.Repeat("x", 200)},
		"more than one":     {"--listen", "127.0.0.1:3333", "--listen", "127.0.0.1:3333"},
		"--second-node":     {"--second-node", "nowhere"},
		"a template age":    {"--max-template-age", "1s"},
		"coinbase-bytes":    {"--coinbase-bytes", "unknown"},
		"private key":       {"--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", cert},
		"shares_per_minute": {"--shares-per-minute", "NaN"},
	} {
		e := run(t, slices.Concat(up, wrong)...)
		if e.Exit != 2 && e.Exit != 3 || !strings.Contains(e.Err, says) {
			t.Errorf("%v: exit %d, want %q in %s%s", wrong, e.Exit, says, e.Out, e.Err)
		}
	}
	run(t, append(up, "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--mirror", "http://127.0.0.1:1")...).Wants(t, 5)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a directory was made")
	}
}

// A ckpool.conf is taken over below the flags; one that is torn or says what cannot be is refused with its key.
func TestACkpoolConfThatIsTaken(t *testing.T) {
	good := `{"btcd":[{"url":"127.0.0.1:1","auth":"u:ser","pass":"p@ss/word"}],"btcaddress":"` + operator + `","btcsig":"/from the file/",
		"startdiff":8,"mindiff":2,"serverurl":["127.0.0.1:3334"],"zmqblock":"tcp://127.0.0.1:28332","nonsense":1}`
	config := func(text string, flags ...string) (*poolUp, clitest.Ended) {
		t.Helper()
		up := &poolUp{}
		file := clitest.Put(t, text, t.TempDir(), "ckpool.conf")
		e := run(t, append([]string{"pool", "up", "--data", filepath.Join(t.TempDir(), "pool"), "--import", file}, flags...)...)
		return up, e
	}
	_, e := config(good) // everything is in the file: the node is asked, and is not there
	e.Wants(t, 5, "nonsense")
	if strings.Contains(e.Err, "p@ss") {
		t.Errorf("a password is shown: %s", e.Err)
	}
	for says, text := range map[string]string{
		"":         "",
		"JSON":     `{"btcd":`,
		"btcd":     strings.Replace(good, `[{"url":"127.0.0.1:1","auth":"u:ser","pass":"p@ss/word"}]`, `7`, 1),
		"operator": strings.Replace(good, `"btcaddress":"`+operator+`",`, "", 1),
		"tag":      strings.Replace(good, "/from the file/", strings.Repeat("x", 100), 1),
	} {
		if _, e := config(text); e.Exit != 2 && e.Exit != 3 && e.Exit != 1 || !strings.Contains(e.Err, says) {
			t.Errorf("%s: exit %d, %s", says, e.Exit, e.Err)
		}
	}
	if _, e := config(good, "--start-difficulty", "1"); e.Exit != 3 || !strings.Contains(e.Err, "difficulty") { // the flag has the last word
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	if _, e := config(good, "--bitcoin", "ftp://127.0.0.1"); e.Exit != 2 {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
}
