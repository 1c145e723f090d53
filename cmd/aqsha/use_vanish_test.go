package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/channelcmd"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/wallet"
)

// waitingTown is a town whose node's clock stands still until the test sets it forward, so that deadlines pass
// without waiting, and none passes by itself on a busy machine.
// Commands go by the clock on the wall: payments live for ten minutes, so all jumps together are shorter.
type waitingTown struct {
	*programsTown
	ahead time.Duration // of the clock on the wall, when time last passed
	held  atomic.Int64  // Unix ms
}

func newWaitingTown(t *testing.T, wallets ...string) *waitingTown {
	t.Helper()
	w := &waitingTown{programsTown: initProgramsTown(t)}
	w.held.Store(time.Now().UnixMilli())
	keyring, err := wallet.OpenKeyring(w.dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := datadir.ReadConfig(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := datadir.NodeConfig(w.dir, c, keyring, nil)
	if err != nil {
		t.Fatal(err)
	}
	config.Now = func() uint64 { return uint64(w.held.Load()) }
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	instance := datadir.NewInstance()
	_, withdraw, err := datadir.Announce(w.dir, listener, instance)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- api.New(n, api.Options{Open: true, Instance: instance}).Serve(ctx, listener) }()
	t.Cleanup(func() {
		withdraw()
		cancel()
		if err := errors.Join(<-served, n.Close()); err != nil {
			t.Error(err)
		}
		w.run("verify")
	})
	w.settle(append(wallets, "passer-by")...)
	return w
}

// in is a time of the node's clock as a term or a purpose takes it.
func (w *waitingTown) in(d time.Duration) string {
	return time.UnixMilli(w.held.Load()).Add(d).UTC().Format(time.RFC3339)
}

// pass lets time pass, and somebody who has nothing to do with it all make a block.
func (w *waitingTown) pass(d time.Duration) {
	w.t.Helper()
	w.ahead += d
	w.held.Store(time.Now().Add(w.ahead).UnixMilli())
	w.run("pay", "bank", "passer-by", "1")
}

// refused runs a command that must fail with this code.
func (w *waitingTown) refused(code string, args ...string) {
	w.t.Helper()
	out, err := aqsha(append(args, "--data", w.dir)...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), code) {
		w.t.Errorf("aqsha %s: %v, want %s\n%s", strings.Join(args, " "), err, code, out)
	}
}

// hold compares what wallets hold, in tenge.
func (w *waitingTown) hold(when string, tenge map[string]int64) {
	w.t.Helper()
	for name, want := range tenge {
		if got := w.balance(name); got != want*100 {
			w.t.Errorf("%s: %s holds %d tiyn, want %d", when, name, got, want*100)
		}
	}
}

func (w *waitingTown) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// order is one of 1,000 tenge a milestone that ends soon: those of "order open" last for 90 days at least.
func (w *waitingTown) order(name, milestones, pay string) {
	w.t.Helper()
	w.run("contract", "create", "order", name, "--by", "farm", "--party", "buyer=farm", "--party", "seller=works", "--party", "subcontractor=foundry", "--party", "arbiter=court",
		"--term", "milestones="+milestones, "--term", "price=1000KZT", "--term", "first_due="+w.in(time.Minute), "--term", "every=0", "--term", "share=500", "--term", "retention=100",
		"--term", "penalty=0", "--term", "penalty_most=0", "--term", "inspect=1000", "--term", "warranty=0", "--term", "until="+w.in(6*time.Minute), "--term", "money=plain", "--pay", pay)
}

// Orders that reach their end: with a dispute that nobody decides, with nothing delivered, with a retention that nobody
// releases. Of each milestone that was accepted, 450 tenge went to either supplier.
func TestOrdersReachTheirEnd(t *testing.T) {
	t.Parallel()
	w := newWaitingTown(t, "farm", "works", "foundry", "court")
	note := w.file("note.txt", "Two pumps.")
	w.run("contract", "register", "order", "--bank", "bank")
	w.order("disputed", "2", "2000")
	w.order("undelivered", "1", "1000")
	w.order("retained", "1", "1000")
	for _, name := range []string{"disputed", "retained"} {
		w.run("order", "deliver", name, "--by", "works", "--document", note)
		w.run("order", "accept", name, "--by", "farm")
	}
	w.run("order", "deliver", "disputed", "--by", "works", "--document", note)
	w.run("order", "dispute", "disputed", "--by", "farm", "--document", note)
	w.pass(2 * time.Minute) // past every time but the end
	for _, step := range [][2]string{{"accept", "farm"}, {"cancel", "farm"}, {"collect", "works"}, {"collect", "foundry"}, {"release", "works"}} {
		w.refused("guard-not-met", "order", step[0], "disputed", "--by", step[1])
	}
	w.refused("guard-not-met", "order", "warranty", "disputed", "1", "--by", "court")
	w.hold("before the end", map[string]int64{"farm": 6_000, "works": 10_900, "foundry": 10_900, "court": 10_000})
	w.pass(5 * time.Minute)
	w.refused("no live contract", "order", "decide", "disputed", "0", "--by", "court")
	w.refused("no live contract", "order", "release", "retained", "--by", "works")
	w.hold("after it", map[string]int64{"farm": 8_200, "works": 10_900, "foundry": 10_900, "court": 10_000})
}

// Channels whose receiver sleeps past the window, or that nobody closes.
func TestChannelsAreLeft(t *testing.T) {
	t.Parallel()
	w := newWaitingTown(t, "sender", "receiver")
	for _, name := range []string{"unused", "asleep", "both"} {
		w.run("channel", "open", name, "--from", "sender", "--to", "receiver", "--deposit", "1000", "--window", "1m", "--for", "6m")
	}
	for _, name := range []string{"asleep", "both"} { // 200 are claimed, 400 accepted
		w.run("channel", "accept", name, w.file("voucher.json", w.run("channel", "pay", name, "200")))
		w.run("channel", "close", name, "--claim")
		w.run("channel", "accept", name, w.file("voucher.json", w.run("channel", "pay", name, "200")))
	}
	w.hold("claimed", map[string]int64{"sender": 7_000, "receiver": 10_400})
	for _, name := range []string{"unused", "asleep"} {
		w.run("channel", "leave", name)
		w.refused("too-early", "channel", "finish", name)
	}
	w.pass(2 * time.Minute)
	w.run("channel", "finish", "unused")
	w.hold("nothing was signed: all is back", map[string]int64{"sender": 8_000, "receiver": 10_400})
	w.run("channel", "finish", "asleep")
	w.refused("no live contract", "channel", "close", "asleep")
	w.hold("the receiver has lost what it did not claim", map[string]int64{"sender": 8_800, "receiver": 10_400})
	w.pass(5 * time.Minute)
	w.refused("no live contract", "channel", "close", "both")
	w.hold("the channel's end", map[string]int64{"sender": 9_600, "receiver": 10_400})
}

// Metered contracts: the customer, the supplier, the meter or the arbiter is gone, or the deposit is too small.
func TestMeteredPartiesVanish(t *testing.T) {
	t.Parallel()
	w := newWaitingTown(t, "farm", "power", "meter-7", "court")
	letter := w.file("letter.txt", "The meter is gone.")
	open := func(name, deposit string) {
		w.run("pay-per-use", "open", name, "--customer", "farm", "--supplier", "power", "--meter", "meter-7", "--arbiter", "court",
			"--deposit", deposit, "--cap", "9000", "--watts", "100000", "--since", "25h", "--window", "1m", "--judge", "4m", "--for", "8m")
	}
	bill := func(name string) int64 { // of the registers, before any cap by the deposit
		readings := filepath.Join(w.dir, name+".jsonl")
		w.run("pay-per-use", "read", name, "--minutes", "60", "--load", "50000", "--out", readings)
		var u channelcmd.Usage
		if err := json.Unmarshal([]byte(w.run("pay-per-use", "check", name, readings, "--json")), &u); err != nil {
			t.Fatal(err)
		}
		w.run("pay-per-use", "bill", name, readings)
		if u.Bill <= 200*money.Tenge || u.Bill > 2_000*money.Tenge {
			t.Fatalf("a bill of %s", u.Bill.Format())
		}
		return int64(u.Bill)
	}
	for _, name := range []string{"idle", "silent", "undecided", "lost", "forgotten"} {
		open(name, "1500")
	}
	open("small", "100")
	open("grown", "100")
	paid := bill("silent") + 100*100 // by "small", all that is in it
	undecided := bill("undecided")
	bill("small")
	bill("forgotten")
	w.run("pay-per-use", "dispute", "undecided", "--document", letter)
	w.run("pay-per-use", "claim", "lost", "--document", letter)
	grown := bill("grown")
	w.run("pay-per-use", "top-up", "grown", "2000")
	w.run("pay-per-use", "accept", "grown")
	w.run("pay-per-use", "leave", "grown")
	w.expect("power", 1_000_000+grown)
	w.refused("too-early", "pay-per-use", "collect", "silent")

	w.pass(90 * time.Second) // past the window, not past the arbiter's time
	w.run("pay-per-use", "collect", "silent")
	w.run("pay-per-use", "collect", "small")
	w.refused("too-early", "pay-per-use", "collect", "undecided")
	w.pass(4 * time.Minute)
	w.run("pay-per-use", "collect", "undecided")
	w.refused("guard-not-met", "pay-per-use", "collect", "lost")
	w.expect("power", 1_000_000+grown+paid+undecided)
	w.pass(3 * time.Minute) // the end: nothing came, nothing was decided, or nobody collected
	w.refused("no live contract", "pay-per-use", "collect", "forgotten")
	w.expect("power", 1_000_000+grown+paid+undecided)
	w.expect("farm", 1_000_000-grown-paid-undecided)
}

// Budget money that nobody releases or accepts: it returns marked at the contract's end, and at the purpose's end to
// the treasury, wherever it lies.
func TestBudgetMoneyReturns(t *testing.T) {
	t.Parallel()
	w := newWaitingTown(t, "aidar", "ranch", "registry", "bridges", "prime", "court")
	w.run("agency", "grant", "ministry")
	w.run("wallet", "new", "treasury", "--authority", "--tier", "state", "--role", "treasury")
	w.run("pay", "bank", "treasury", "10000")
	w.run("contract", "register", "grant", "--bank", "bank")
	w.run("contract", "register", "work", "--bank", "bank")
	act := w.file("act.txt", "Act 7.")
	w.run("purpose", "register", w.file("budget.yaml", "purpose: budget\nmark: payer.role == \"treasury\"\npermits:\n  - {when: size(document) == 32, becomes: same}\nuntil: "+
		w.in(7*time.Minute)+"\nreturns: treasury\ncontracts: [grant, work]\n"), "--agency", "ministry")
	w.run("pay", "treasury", "treasury", "5000", "--mark", "budget")
	where := func(when string, want ...string) {
		t.Helper()
		out := strings.ReplaceAll(w.run("grant", "where", "budget"), "\u202f", "")
		for _, line := range want {
			if !strings.Contains(out, line) {
				t.Errorf("%s: no %q in\n%s", when, line, out)
			}
		}
	}
	subsidy := func(name string) {
		w.run("grant", "open", name, "--by", "treasury", "--farmer", "aidar", "--seller", "ranch", "--registry", "registry", "--purpose", "budget",
			"--amount", "1000", "--subject", name, "--for", "2m")
	}
	subsidy("silent")
	subsidy("returned")
	w.run("grant", "give-back", "returned", "--by", "aidar")
	work := func(name, buyer, supplier, price string) {
		w.run("grant", "work", name, "--buyer", buyer, "--supplier", supplier, "--arbiter", "court", "--purpose", "budget", "--price", price, "--for", "2m")
	}
	work("line", "treasury", "prime", "2000")
	w.run("grant", "accept", "line", "--by", "treasury", "--document", act)
	work("bridge", "prime", "bridges", "500")
	work("declined", "prime", "bridges", "300")
	w.run("grant", "refuse", "declined", "--by", "bridges")
	where("before", "silent holds 1000.00", "bridge holds 500.00", "prime holds 1500.00", "treasury holds 2000.00")
	w.pass(150 * time.Second)
	w.refused("no live contract", "grant", "accept", "bridge", "--by", "court", "--document", act)
	w.refused("no live contract", "grant", "give-back", "silent", "--by", "ranch")
	where("the contracts' end", "0.00 ₸ have left", "prime holds 2000.00", "treasury holds 3000.00")
	w.hold("nobody was paid", map[string]int64{"ranch": 10_000, "bridges": 10_000, "prime": 12_000, "treasury": 8_000})
	w.pass(5 * time.Minute)
	where("the purpose's end", "5000.00 ₸ have left, 0.00 ₸ carry the mark")
	w.hold("the purpose's end", map[string]int64{"ranch": 10_000, "bridges": 10_000, "prime": 10_000, "treasury": 10_000})
}
