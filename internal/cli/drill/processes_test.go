package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// scripts is the variable that names the folder in which a test says what each command of a drill does.
const scripts = "AQSHA_TEST_DRILL"

// TestMain is the program when a drill has started it as that: a script of the command's name.
func TestMain(m *testing.M) {
	if dir := os.Getenv(scripts); dir != "" && os.Args[0] == "aqsha" && len(os.Args) > 1 {
		line := append([]string{"sh", filepath.Join(dir, os.Args[1])}, os.Args[2:]...)
		err := syscall.Exec("/bin/sh", line, os.Environ())
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// serves is a script that says where it serves, and ends when it is asked to.
func serves(url string) string {
	return "trap 'exit 0' INT TERM\necho 'WARNING: a test' >&2\n" +
		"echo 'Serving tenge.test at " + url + " (API description there). Ctrl-C ends.' >&2\n" +
		"while :; do sleep 0.02; done\n"
}

// rehearsal is a drill whose commands are scripts.
func rehearsal(t *testing.T, commands map[string]string) *Drill {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(scripts, dir)
	for name, text := range commands {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := New(t.Context(), func(string, ...any) {}, Result{Clients: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.StopAll)
	return d
}

// ends says whether a process is gone soon: it was killed, and waited for.
func gone(c *Child) bool { return c.ProcessState != nil && syscall.Kill(c.Process.Pid, 0) != nil }

// What a command of a drill printed is its result; one that fails says which it was and what it said; one that does not
// begin to serve is no node. Nothing is left running, whatever it does about being asked to end.
func TestProcessesOfADrill(t *testing.T) {
	d := rehearsal(t, map[string]string{
		"print": "echo \"$@\"; echo aside >&2", "fail": "echo why >&2; exit 7", "up": serves("http://127.0.0.1:7"),
		"mute": "echo nothing; echo 'port is taken' >&2; exit 1", "deaf": "trap '' INT TERM\n" +
			"echo 'Serving at http://127.0.0.1:8 ' >&2\nwhile :; do sleep 0.05; done\n",
		"wide": "head -c 200000 /dev/zero | tr '\\0' x >&2; exit 0",
	})
	out, err := d.do("print", "a", "b c")
	if err != nil || string(out) != "a b c\n" {
		t.Errorf("%q, %v", out, err)
	}
	for name, says := range map[string]string{"fail": "why", "none": "none"} {
		if _, err := d.do(name); err == nil || !strings.Contains(err.Error(), "aqsha "+name) ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, says := range map[string]string{"mute": "port is taken", "fail": "why", "wide": "did not serve"} {
		if _, err := d.Serve(name); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	node, err := d.Serve("up", "--data", "x")
	if err != nil || node.Url != "http://127.0.0.1:7" {
		t.Fatalf("%+v, %v", node, err)
	}
	if err := node.End(); err != nil || !gone(node) {
		t.Errorf("%v", err)
	}
	if err := node.End(); err == nil {
		t.Error("it ended twice")
	}
	deaf, err := d.Serve("deaf")
	if err != nil {
		t.Fatal(err)
	}
	d.StopAll()
	if !gone(deaf) {
		t.Error("a process outlives its drill")
	}
}

// town is a served ledger, whose people pay.
type town struct {
	served.Ledger
	url     string
	keyring *wallet.Keyring
	wallets []token.WalletID
	client  *wallet.Client
}

func newTown(t *testing.T) town {
	t.Helper()
	l := town{Ledger: served.Start(t, clitest.Nouns{authoritycmd.NewBankCommand, walletcmd.NewIssueCommand})}
	l.Done("bank", "admit", "bank")
	l.Done("issue", "bank", "1000000")
	var err error
	if l.url, _, err = datadir.Announced(l.Dir); err == nil {
		l.keyring, err = wallet.OpenKeyring(l.Dir, "", nil)
	}
	if err == nil {
		l.client, err = wallet.NewClient(t.Context(), api.NewClient(l.url, ""), l.keyring)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := &Group{d: &Drill{ctx: t.Context(), Dir: t.TempDir(), Result: Result{Clients: 2}}}
	for _, part := range []string{"keys", "names"} {
		if err := os.CopyFS(g.d.Path("people/"+part), os.DirFS(filepath.Join(l.Dir, part))); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.customers(t.Context(), l.client.API); err != nil {
		t.Fatal(err)
	}
	l.keyring, l.wallets = g.keyring, g.wallets
	return l
}

// pays makes a payment, and says which it is.
func (l town) pays(t *testing.T, from, to int) token.TransactionID {
	t.Helper()
	client, err := wallet.NewClient(t.Context(), api.NewClient(l.url, ""), l.keyring)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := client.Pay(t.Context(), l.wallets[from], l.wallets[to], 1, token.Memo{})
	if err != nil {
		t.Fatal(err)
	}
	return receipt.ID
}

// A drill counts what the new leader has and has not: of what was answered nothing may be missing where followers
// acknowledge, and what was under way may have been made or not. What does not go as it should ends it.
func TestWhatADrillCounts(t *testing.T) {
	l := newTown(t)
	if len(l.wallets) != 4 {
		t.Fatalf("%d customers", len(l.wallets))
	}
	made, open := l.pays(t, 0, 1), l.pays(t, 1, 0)
	absent := token.TransactionID{9}
	good := map[string]string{"promote": "echo '{\"epoch\": 3}'", "up": serves(l.url), "verify": "echo '{\"size\": 42}'"}
	for name, c := range map[string]struct {
		command, script string // that is another
		answered        []token.TransactionID
		with            bool // followers acknowledge
		lost            int
		says            string
	}{
		"all is there": {answered: []token.TransactionID{made}, with: true},
		"one is lost": {answered: []token.TransactionID{made, absent}, with: true, lost: 1,
			says: "1 payments"},
		"one is lost unpromised":    {answered: []token.TransactionID{made, absent}, lost: 1},
		"nothing was answered":      {with: true},
		"no promotion":              {command: "promote", script: "echo refused >&2; exit 3", says: "refused"},
		"a promotion that is none":  {command: "promote", script: "echo done", says: "invalid"},
		"nobody serves":             {command: "up", script: "exit 1", says: "did not serve"},
		"another serves":            {command: "up", script: serves("http://127.0.0.1:1"), says: "connect"},
		"what is there is not true": {command: "verify", script: "echo 'root differs' >&2; exit 1", says: "root differs"},
	} {
		commands := map[string]string{c.command: c.script}
		for verb, script := range good {
			if verb != c.command {
				commands[verb] = script
			}
		}
		delete(commands, "")
		d := rehearsal(t, commands)
		d.Result.Acknowledgement, d.acknowledged, d.open = c.with, c.answered, []token.TransactionID{open, absent}
		err := d.recover(t.Context(), l.keyring, l.wallets, time.Now())
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) ||
			d.Result.Lost != c.lost {
			t.Errorf("%s: %v, %+v", name, err, d.Result)
		}
		if err == nil && (d.Result.Acknowledged != len(c.answered) || d.Result.Open != 2 || d.Result.OpenExecuted != 1 ||
			d.Result.Epoch != 3 || d.Result.VerifiedEntries != 42 || d.Result.RecoverySeconds <= 0) {
			t.Errorf("%s: %+v", name, d.Result)
		}
	}
	clientsOfAGroup(t, l)
	faultsOfAGroup(t, l)
}

// Clients count what was answered, and what was not while they paid, not what they gave up themselves; the pause is the
// longest without an answer since the fault.
func clientsOfAGroup(t *testing.T, l town) {
	d := &Drill{ctx: t.Context(), Say: func(string, ...any) {}, Result: Result{Clients: 2}}
	g := &Group{d: d, urls: []string{l.url}, keyring: l.keyring, wallets: l.wallets}
	g.fault("nothing")
	stop := g.StartPaying()
	if err := g.UntilServed(); err != nil {
		t.Error(err)
	}
	stop()
	got, err := g.Count()
	if err != nil || got.Answered == 0 || got.Lost != 0 || got.Refused != 0 || got.Seconds <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if rate := g.Rate(50 * time.Millisecond); rate <= 0 {
		t.Errorf("%f payments a second", rate)
	}
	client, err := wallet.NewClient(t.Context(), api.NewClient(l.url, ""), l.keyring)
	if err != nil {
		t.Fatal(err)
	}
	before := len(g.answered)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.payOnce(ended, client, 0); err == nil || g.refused != 0 || len(g.answered) != before {
		t.Errorf("given up: %v, %d refused", err, g.refused)
	}
	// All the money is there, whoever paid whom.
	var total money.Tiyn
	for _, id := range l.wallets {
		view, err := client.API.Wallet(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		total += view.Balance
	}
	if want := money.Tiyn(len(l.wallets)) * 100_000 * money.Tenge; total != want {
		t.Errorf("customers have %s, want %s", total.Format(), want.Format())
	}
	called, off := context.WithCancel(t.Context())
	off()
	if err := (&Group{d: &Drill{ctx: called}}).UntilServed(); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}

// A node that may not answer and does, and a promotion that should be refused and is not, end a rehearsal.
func faultsOfAGroup(t *testing.T, l town) {
	group := func(commands map[string]string) *Group {
		d := rehearsal(t, commands)
		g := &Group{d: d, urls: []string{l.url, "http://127.0.0.1:1", "http://127.0.0.1:1"}, keyring: l.keyring,
			wallets: l.wallets, Nodes: make([]*Child, 3)}
		for i, start := range []func(int) error{g.lead, g.follow, g.follow} {
			if err := start(i); err != nil {
				t.Fatal(err)
			}
		}
		return g
	}
	node := serves(l.url)
	g := group(map[string]string{"up": node, "follow": node, "promote": "echo 'x (--without a)' >&2; exit 3"})
	if err := g.answersNothing(0); err == nil || !strings.Contains(err.Error(), "may not answer") {
		t.Errorf("%v", err)
	}
	if err := g.answersNothing(1); err != nil {
		t.Errorf("nobody is there: %v", err)
	}
	if err := g.followerLost(); err != nil || !gone(g.Nodes[2]) || gone(g.Nodes[1]) || g.faulted.IsZero() {
		t.Errorf("a follower: %v", err)
	}
	if err := os.MkdirAll(g.dir(0), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := g.LeaderLost(); err == nil || !strings.Contains(err.Error(), "--without") || !gone(g.Nodes[0]) {
		t.Errorf("the leader: %v", err)
	}
	if _, err := os.Stat(g.dir(0)); err == nil {
		t.Error("the leader's data are there still")
	}
	for script, says := range map[string]string{"echo '{}'": "was not refused",
		"echo broken >&2; exit 1": "not refused for that"} {
		g := group(map[string]string{"up": node, "follow": node, "promote": script})
		if err := g.wrongPromotion(); err == nil || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "%!") {
			t.Errorf("%s: %v", script, err)
		}
	}
}

// Where no folder can be made nothing is rehearsed: a drill never plays in the folder that it was started in.
func TestADrillWithoutAFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	quiet := func(string, ...any) {}
	_, err := Play(t.Context(), quiet, "leader-lost", (*Group).LeaderLost, 1, time.Millisecond)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
