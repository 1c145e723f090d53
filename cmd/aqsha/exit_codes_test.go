package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// endOf runs a command line in this process, as main does, and returns its exit code and what it said.
func endOf(t *testing.T, line []string) (int, string) {
	t.Helper()
	return verdictOn(t, newRootCommand(), line)
}

// reads are requests by POST that change nothing.
var reads = []string{"/selections", "/explain", "/quote/aqsha"}

// silent is a server before a node, a pool or an office that passes on what is asked and takes whatever would change
// something, whole, to answer nothing; nor does it answer paths that end so.
func silent(t *testing.T, behind string, ends ...string) string {
	t.Helper()
	to, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	path := to.Path
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return listen(t, "tcp", "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || slices.ContainsFunc(reads, func(end string) bool {
			return strings.HasSuffix(r.URL.Path, end) && !slices.Contains(ends, end)
		}) {
			passOn(t, client, to.Host, w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})) + path
}

// passOn asks the server behind. One that has too much to do ends connections without an answer: it is asked again.
func passOn(t *testing.T, client *http.Client, host string, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	for range 50 {
		if err != nil {
			break
		}
		var request *http.Request
		target := "http://" + host + r.URL.RequestURI()
		if request, err = http.NewRequestWithContext(r.Context(), r.Method, target, bytes.NewReader(body)); err != nil {
			break
		}
		request.Header = r.Header.Clone()
		answer, failed := client.Do(request)
		if failed != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		maps.Copy(w.Header(), answer.Header)
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
		_ = answer.Body.Close()
		return
	}
	t.Errorf("%s %s was not passed on: %v", r.Method, r.URL.Path, err)
	panic(http.ErrAbortHandler)
}

// listen serves until the test ends, and returns the URL.
func listen(t *testing.T, network, address string, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), ignoreClosed(<-served)); err != nil {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// stage is a ledger with a node, and what stands for nodes, pools and machines that are silent or not there.
type stage struct{ replacements *strings.Replacer }

func newStage(t *testing.T) stage {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	net := at("net")
	run1(t, "init", "--development", "--shared-keys", "--data", net)
	run1(t, "bank", "admit", "halyk", "--data", net)
	if err := os.CopyFS(at("broken"), os.DirFS(net)); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(os.RemoveAll(at("broken/log")), os.WriteFile(at("broken/log"), []byte("x"), 0o600),
		os.WriteFile(at("pay.csv"), []byte("to,amount\nshop,1\n"), 0o600),
		os.WriteFile(at("meals.yaml"), []byte(mealsPurpose), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	node := up(t, net)
	t.Cleanup(func() { node.stop(t) })
	// A payment that was not answered keeps its token reserved, so each line that pays has one of its own.
	tokens := append(slices.Repeat([]string{"pay halyk aigerim 1000"}, 14),
		slices.Repeat([]string{"pay halyk shop 500"}, 6)...)
	for _, line := range slices.Concat([]string{
		"issue halyk 100000", "wallet new aigerim --bank halyk --tier person",
		"wallet new shop --bank halyk --tier business",
		"wallet new dana --bank halyk --tier person", "wallet new court --bank halyk --tier business",
		"agency grant ministry",
		"contract register channel --bank halyk", "contract register escrow --bank halyk",
		"contract register work --bank halyk",
		"contract register order --bank halyk", "contract register metered --bank halyk",
	}, tokens, []string{
		"channel open stream --from aigerim --to shop --deposit 100 --tick 0.01",
		"contract create escrow house --by shop --party buyer=shop --party seller=dana --party arbiter=court --term price=100KZT --term days=30 --pay 100",
		"purse bond halyk --amount 100", "purse open aigerim --deposit 100 --purse " + at("phone.json"),
		"pay halyk court 50", "pay court shop 5 --out " + at("frozen.json"), "wallet freeze court --case 7",
		"pay aigerim shop 10 --out " + at("draft.json"),
	}) {
		if code, said := endOf(t, append(strings.Fields(line), "--data", net, "--node", node.url)); code != 0 {
			t.Fatalf("aqsha %s: %d, %s", line, code, said)
		}
	}
	run1(t, "cluster", "prepare", "central", "--from", net, "--data", at("central"))
	run1(t, "cash", "keys", "new", "--office", at("office"))
	run1(t, "cash", "keys", "announce", "reserve", "--data", net, "--office", at("office"))
	office := &process{Cmd: aqsha("cash", "up", "reserve", "--data", net, "--office", at("office"), "--listen",
		"127.0.0.1:0")}
	if err := office.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.stop(t) })
	mint := waitForFile(t, at("office/office.url"))
	farmOfRoutes(t, at("routes"))
	farmOfNobody(t, at("joined"))
	socket := at("silent.sock")
	listen(t, "unix", socket, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	ends := listen(t, "tcp", "127.0.0.1:0", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}))
	return stage{strings.NewReplacer("$NODE", node.url, "$ENDS", ends, "$MUTE", silent(t, node.url, "/selections"), "$SILENT", silent(t, node.url), "$GONE", "http://127.0.0.1:1",
		"$NET", net,
		"$BROKEN", at("broken"), "$SOCKET", socket, "$DIR", dir,
		"$MINT", strings.TrimSpace(string(mint)), "$DUMB", silent(t, strings.TrimSpace(string(mint))))}
}

// farmOfNobody makes a farm that joins one that is not there.
func farmOfNobody(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	joined := fmt.Sprintf("[[joined]]\nname = \"gone\"\nurl = \"http://127.0.0.1:1\"\ntoken_file = %q\n",
		filepath.Join(dir, "token"))
	for name, content := range map[string]string{"farm.toml": joined, "token": "t\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// farmOfRoutes makes a farm whose alerts' receivers refuse, close without an answer, or are not there.
func farmOfRoutes(t *testing.T, dir string) {
	t.Helper()
	refusing := listen(t, "tcp", "127.0.0.1:0", http.NotFoundHandler())
	closing := listen(t, "tcp", "127.0.0.1:0", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	var settings strings.Builder
	for _, route := range [][2]string{{"refusing", refusing}, {"closing", closing}, {"gone", "http://127.0.0.1:1"}} {
		fmt.Fprintf(&settings, "[[routes]]\nname = %q\nform = \"slack\"\nurl = %q\n", route[0], route[1])
	}
	err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "farm.toml"), []byte(settings.String()),
		0o600))
	if err != nil {
		t.Fatal(err)
	}
}

// waitForFile waits until a process has written a file, and reads it.
func waitForFile(t *testing.T, path string) []byte {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if content, err := os.ReadFile(path); err == nil && len(content) > 0 {
			return content
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

const mealsPurpose = `purpose: meals
about: Meals at school
mark: payee.role == "canteen"
permits:
  - {when: payee.role == "canteen", becomes: plain}
from: 2020-01-01
until: 2030-01-01
returns: court
`

// provoked is a line of testdata/exit_codes.txt.
type provoked struct {
	exit int
	code string // of the refusal; empty where the exit code says all
	line []string
}

// Lines of the file: "exit [code] | the command line". One that begins with "changes" changes the ledger, and is run at
// a node that takes it and does not answer, at an address where nobody is, at one that ends every connection, and, the first of a noun, on a directory
// whose log is damaged.
func readProvoked(t *testing.T) (all []provoked) {
	t.Helper()
	text, err := os.ReadFile("testdata/exit_codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var broken []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		want, rest, ok := strings.Cut(line, " | ")
		if !ok {
			t.Fatalf("testdata/exit_codes.txt: %q has no |", line)
		}
		words := strings.Fields(rest)
		if want == "changes" {
			all = append(all, provoked{cli.ExitUnknown, "", append(slices.Clone(words), "--data", "$NET", "--node",
				"$SILENT")},
				provoked{cli.ExitUnreached, "", append(slices.Clone(words), "--data", "$NET", "--node", "$GONE")},
				provoked{cli.ExitUnreached, "", append(slices.Clone(words), "--data", "$NET", "--node", "$ENDS")})
			if !slices.Contains(broken, words[0]) { // one of a noun: all open the ledger in the same way
				broken = append(broken, words[0])
				all = append(all, provoked{cli.ExitFailure, "", append(slices.Clone(words), "--data", "$BROKEN")})
			}
			continue
		}
		exit, code, _ := strings.Cut(want, " ")
		n, err := strconv.Atoi(exit)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, provoked{n, code, words})
	}
	return all
}

// Every exit code is provoked at every noun whose commands can end with it: 1 where a file is damaged, 3 where a rule
// refuses, 4 where something was sent and no answer came, 5 where nobody is there. 2 is
// TestWrongCommandLinesEndWithTwo's.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	s, all := newStage(t), readProvoked(t)
	ran := map[string]map[int]int{}
	var wait sync.WaitGroup
	// a payment that is not answered is asked after for seconds: they wait side by side
	several := make(chan struct{}, 8)
	for _, p := range all {
		line := make([]string, len(p.line))
		for i, word := range p.line {
			line[i] = s.replacements.Replace(word)
		}
		if ran[line[0]] == nil {
			ran[line[0]] = map[int]int{}
		}
		ran[line[0]][p.exit]++
		wait.Go(func() {
			several <- struct{}{}
			defer func() { <-several }()
			if got, said := endOf(t, line); got != p.exit || p.code != "" && !strings.Contains(said, p.code) {
				t.Errorf("aqsha %s: exit %d, want %d %s:\n%s", strings.Join(p.line, " "), got, p.exit, p.code, said)
			} else if slices.Contains(line, "--idempotency-key") && strings.Contains(said, "line 1") {
				t.Errorf("aqsha %s has no file: %s", strings.Join(p.line, " "), said)
			}
		})
	}
	wait.Wait()
	nobodyReadsResults(t, s)
	for noun, codes := range codesOfNouns() {
		for _, code := range codes {
			if ran[noun][code] == 0 {
				t.Errorf("aqsha %s is never made to end with %d: add a line to testdata/exit_codes.txt", noun, code)
			}
		}
	}
}

// codesOfNouns are the exit codes that a noun's commands can end with, read off their flags: who changes a ledger can
// write a draft instead, and who speaks to one or to another server names it. What a flag does not show is listed.
func codesOfNouns() map[string][]int {
	codes := map[string][]int{"pool": {1, 3, 4, 5}, "farm": {1, 3, 4, 5}, "cash": {1, 3, 4, 5}, "mine": {5},
		"chain": {5}, "market": {1, 3, 5}, "restore": {5},
		"follow": {5}, "status": {3, 5}}
	everyCommand(newRootCommand(), func(c *cobra.Command) {
		if !c.HasParent() {
			return
		}
		noun := pathOf(c)[0]
		add := func(more ...int) {
			for _, code := range more {
				if !slices.Contains(codes[noun], code) {
					codes[noun] = append(codes[noun], code)
				}
			}
		}
		if out := c.Flags().Lookup("out"); out != nil && strings.HasPrefix(out.Usage, "write a draft") {
			add(cli.ExitFailure, cli.ExitRefused, cli.ExitUnknown, cli.ExitUnreached)
		}
	})
	return codes
}
