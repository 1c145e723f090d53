package consolebench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// benchNoun is "bench" with this verb alone.
func benchNoun() *cobra.Command {
	command := &cobra.Command{Use: "bench"}
	command.AddCommand(NewBenchConsoleCommand())
	return command
}

// What cannot be measured is refused before a network is made: of none, of more than there is room for, and of numbers
// whose product is a small one only because it wraps round.
func TestTheBenchOfPagesIsJudgedFirst(t *testing.T) {
	for _, line := range [][]string{{"--rounds", "0"}, {"--rounds", "-1"}, {"--payments", "0"}, {"--subscribers", "0"}, {"--subscribers", "-1"},
		{"--subscribers", "100001"}, {"--rounds", "2", "--payments", "50001"}, {"--rounds", "4294967296", "--payments", "4294967296"},
		{"--hear", "http://127.0.0.1:1", "--subscribers", "-1"}, {"--hear", "http://127.0.0.1:1", "--subscribers", "0"}, {"surplus"}} {
		if e := clitest.Run(t, clitest.Nouns{benchNoun}, append([]string{"bench", "console"}, line...)...); e.Exit != 2 || e.Out != "" {
			t.Errorf("%v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
}

// process is a shell script in the place of the subscribers' process.
func process(script string) hearer {
	return func(ctx context.Context, _ string, _ int) (*exec.Cmd, error) {
		return exec.CommandContext(ctx, "sh", "-c", script), nil
	}
}

// The subscribers' process may say nothing, rubbish, that it could not, or end at any moment: what was to be measured ends with
// an error then, and with no figure.
func TestSubscribersThatFail(t *testing.T) {
	for name, c := range map[string]struct{ script, says string }{
		"ends at once":       {"exit 0", "ended"},
		"ends with an error": {"exit 3", "exit status 3"},
		"says rubbish":       {"echo rubbish; cat >/dev/null", "invalid character"},
		"opened fewer":       {`echo '{"opened":2}'; cat >/dev/null`, "2 of 3 streams"},
		"opened more":        {`echo '{"opened":4}'; cat >/dev/null`, "4 of 3 streams"},
		"was refused":        {`echo '{"opened":1,"error":"too many"}'; cat >/dev/null`, "too many"},
		"an endless line":    {`head -c 200000 /dev/zero | tr '\0' x; cat >/dev/null`, "token too long"},
	} {
		s, err := subscribe(t.Context(), process(c.script), "http://127.0.0.1:1", 3)
		if s != nil || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	for name, c := range map[string]struct{ script, says string }{
		"ends when asked":     {`echo '{"opened":3}'; read x; exit 0`, "ended"},
		"rubbish when asked":  {`echo '{"opened":3}'; while read x; do echo rubbish; done`, "invalid character"},
		"an error when asked": {`echo '{"opened":3}'; while read x; do echo '{"error":"gone"}'; done`, "gone"},
	} {
		s, err := subscribe(t.Context(), process(c.script), "http://127.0.0.1:1", 3)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := s.await(t.Context(), 5); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		_ = s.close()
	}
	s, err := subscribe(t.Context(), process(`echo '{"opened":3}'; n=0; while read x; do n=$((n+2)); echo "{\"heard\":$n,\"cpu_seconds\":$n}"; done`), "http://127.0.0.1:1", 3)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := s.await(t.Context(), 5); err != nil || h.Heard != 6 || h.CPUSeconds != 6 { // asked until it has heard enough
		t.Errorf("%+v, %v", h, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if h, err := s.await(over, 1000); err != nil || h.Heard != 8 { // who is interrupted takes what there is
		t.Errorf("%+v, %v", h, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// A stream is counted to the byte wherever the reads fall: an event counts once, and what only looks like one not at all.
func TestBlocksAreCountedOnce(t *testing.T) {
	text := ": aqsha\n\nevent: block\ndata: {}\n\nevent: blocks\ndata: event: block\n\nevent: block\ndata: {}\n\n" + strings.Repeat("data: x\n", 3000) + "\nevent: block\ndata: {}\n\n"
	for _, size := range []int{1, 2, 13, 14, 15, 4096, len(text)} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/events" || r.URL.Query().Get("topics") != "blocks" {
				t.Errorf("asked for %s", r.URL)
			}
			for rest := []byte(text); len(rest) > 0; {
				n := min(size, len(rest))
				_, _ = w.Write(rest[:n])
				if size < 4096 && len(rest) < 120 || len(rest) > len(text)-120 {
					_ = http.NewResponseController(w).Flush()
				}
				rest = rest[n:]
			}
		}))
		in, asked := io.Pipe()
		answers, out := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- hear(t.Context(), server.URL, 2, in, out) }()
		read := json.NewDecoder(answers)
		var h hearing
		if err := read.Decode(&h); err != nil || h.Opened != 2 {
			t.Fatalf("%+v, %v", h, err)
		}
		for h.Heard < 6 {
			if _, err := io.WriteString(asked, "\n"); err != nil {
				t.Fatal(err)
			}
			if err := read.Decode(&h); err != nil || h.Heard > 6 {
				t.Fatalf("pieces of %d: %+v, %v", size, h, err)
			}
		}
		_ = asked.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		server.Close()
	}
}

// A stream that nobody serves, or that is cut off before it is answered, is said with how many were opened.
func TestStreamsThatAreNotOpened(t *testing.T) {
	for name, url := range map[string]string{"nobody": "http://127.0.0.1:1", "no address": "://", "hangs up": "http://" + clitest.Listen(t, func(net.Conn) {})} {
		var out bytes.Buffer
		err := hear(t.Context(), url, 2, strings.NewReader("\n"), &out)
		var h hearing
		if json.Unmarshal(out.Bytes(), &h) != nil || err == nil || h.Error == "" || h.Opened != 0 {
			t.Errorf("%s: %v, %s", name, err, out.String())
		}
	}
}

// balances are what the bank and the payee have, and what circulates.
func (p *pagesNode) balances(t *testing.T) (bank, payee, circulating money.Tiyn) {
	t.Helper()
	if err := p.node.View(t.Context(), func(state *livestate.State, _ node.Head) {
		w, _ := state.Wallet(p.bank)
		bank = w.Balance
		w, _ = state.Wallet(p.payee)
		payee, circulating = w.Balance, state.Authority().Circulating()
	}); err != nil {
		t.Fatal(err)
	}
	return bank, payee, circulating
}

// Rounds of any size pay what they issue and no tiyn more, beside subscribers who hear of every block and without; what is
// measured of them is of both. A wallet of the bank's paper gets what it is funded with.
func TestRoundsPayWhatTheyIssue(t *testing.T) {
	if err := benchServed(t.Context(), 4, func(p *pagesNode) error {
		var took spent
		paid := money.Tiyn(0)
		for _, each := range []int{1, benchTokens - 1, benchTokens + 1} {
			before := took
			if err := p.round(t.Context(), each, &took); err != nil {
				return err
			}
			paid += money.Tiyn(each) * money.Tenge
			if bank, payee, all := p.balances(t); payee != paid || bank != 0 || all != paid || took.time <= before.time {
				t.Errorf("after %d payments: bank %s, payee %s of %s, want %s; took %s", each, bank, payee, all, paid, took.time)
			}
		}
		p.hearer = thisTest
		result := consoleBench{Rounds: 2, Subscribers: 4}
		if err := p.payments(t.Context(), 20, &result); err != nil {
			return err
		}
		paid += 4 * 20 * money.Tenge
		if _, payee, all := p.balances(t); payee != paid || all != paid {
			t.Errorf("%s of %s, want %s", payee, all, paid)
		}
		if result.Heard != 1 || result.WithEvents <= 0 || result.WithoutThem <= 0 || result.EventsRatio != result.WithEvents/result.WithoutThem {
			t.Errorf("%+v", result)
		}
		p.hearer = process("exit 3") // subscribers that fail end it, and leave the node as it is
		if err := p.payments(t.Context(), 1, &consoleBench{Rounds: 1, Subscribers: 4}); err == nil {
			t.Error("payments beside nobody are measured")
		}
		text, id, err := p.paper(p.world.Key("phone").Public().String())
		if err != nil {
			return err
		}
		var paper struct {
			Network     token.NetworkID
			Transaction *token.Transaction
		}
		if err := json.Unmarshal([]byte(text), &paper); err != nil || paper.Network != p.world.Network {
			t.Errorf("%v, %s", err, text)
		}
		if _, _, err := p.paper("rubbish"); err == nil {
			t.Error("a paper for no key")
		}
		if err := p.submit(t.Context(), paper.Transaction); err == nil {
			t.Error("the bank's paper alone registers a key whose owner has not signed")
		}
		if err := p.fund(t.Context(), id, 5); err == nil {
			t.Error("a wallet that is not there is paid")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
