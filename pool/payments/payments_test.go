package payments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/pool/outbox"
	"github.com/aqsha/aqsha/pool/reconcile"
	"github.com/aqsha/aqsha/txlog"
)

// founds are transactions that a log misses: a coinbase, one in a block, others.
func founds(n int) (list []reconcile.Found) {
	for i := range n {
		list = append(list, reconcile.Found{ID: bitcoin.Hash{byte(i + 1)}, Coinbase: i == 0, Time: time.Unix(int64(i), 0)})
	}
	list[1].Height, list[1].Block = 7, bitcoin.Hash{7}
	return list
}

// A pause outlives the process: it is a file beside the payments.
func TestAPauseOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "payments")
	open := func() *Payments { return &Payments{outbox: outbox.Outbox{Dir: dir}} }
	if open().PayoutsPaused() {
		t.Error("paused from the start")
	}
	for range 2 { // twice is no error
		if err := open().PausePayouts(true); err != nil {
			t.Fatal(err)
		}
	}
	if !open().PayoutsPaused() {
		t.Error("the next process pays")
	}
	for range 2 {
		if err := open().PausePayouts(false); err != nil {
			t.Fatal(err)
		}
	}
	if open().PayoutsPaused() {
		t.Error("still paused")
	}
	none := &Payments{}
	if err := none.PausePayouts(true); err == nil || none.PayoutsPaused() {
		t.Error("a pool without payments is paused")
	}
}

// A replacement that is refused for good has a child instead; one that is only delayed is tried again.
func TestWhenAChildRaisesTheFee(t *testing.T) {
	for _, err := range []error{wallet.ErrRefused, wallet.ErrSpent, wallet.ErrNoChange, wallet.ErrNotSigned} {
		if !replacementImpossible(fmt.Errorf("replacing: %w", err)) {
			t.Errorf("%v is taken for a delay", err)
		}
	}
	for _, err := range []error{context.DeadlineExceeded, errors.New("connection reset")} {
		if replacementImpossible(err) {
			t.Errorf("%v is taken for a refusal", err)
		}
	}
}

// The depth is the operator's, or the customary one.
func TestDepth(t *testing.T) {
	p := &Payments{}
	if p.payDepth() != DefaultConfirmations {
		t.Errorf("%d", p.payDepth())
	}
	p.options.Store(&PayOptions{})
	if p.payDepth() != DefaultConfirmations {
		t.Errorf("%d", p.payDepth())
	}
	p.options.Store(&PayOptions{Confirmations: 2})
	if p.payDepth() != 2 {
		t.Errorf("%d", p.payDepth())
	}
}

// The fee is raised from the newest transaction, or from its child where there is one.
func TestWhatIsRaised(t *testing.T) {
	r := &raise{newest: &wallet.Draft{Rate: 2, Height: 10}}
	if r.rate() != 2 || r.since() != 10 {
		t.Errorf("%v since %d", r.rate(), r.since())
	}
	r.child = &wallet.Draft{Rate: 9, Height: 14}
	if r.rate() != 9 || r.since() != 14 {
		t.Errorf("%v since %d", r.rate(), r.since())
	}
}

// openLog makes a log of some entries.
func openLog(t *testing.T, entries ...string) *txlog.Log {
	t.Helper()
	log, err := txlog.Open(t.TempDir(), txlog.Options{Origin: "pool.test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	var raw [][]byte
	for _, e := range entries {
		raw = append(raw, []byte(e))
	}
	batch, err := log.Stage(raw)
	if err == nil {
		err = log.Commit(batch)
	}
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// A copy that has more of the log, or another, stops payments; one that has never answered too, and one that has, no more.
func TestAMirrorKnowsWhatTheLogHasLost(t *testing.T) {
	mine := openLog(t, "a", "b", "c")
	at := func(log *txlog.Log, size uint64) txlog.Checkpoint {
		root, err := log.Root(size)
		if err != nil {
			t.Fatal(err)
		}
		return txlog.Checkpoint{Size: size, Root: root}
	}
	gone := errors.New("nobody answers")
	for _, c := range []struct {
		name    string
		mirror  func(context.Context) (txlog.Checkpoint, error)
		before  bool // it has answered since the start
		missing string
		err     bool
	}{
		{"no mirror", nil, false, "", false},
		{"it lags", func(context.Context) (txlog.Checkpoint, error) { return at(mine, 2), nil }, false, "", false},
		{"it has more", func(context.Context) (txlog.Checkpoint, error) {
			return at(openLog(t, "a", "b", "c", "d"), 4), nil
		}, false, "4 entries of the log, which has 3", false},
		{"it has another", func(context.Context) (txlog.Checkpoint, error) {
			return at(openLog(t, "a", "x", "c"), 3), nil
		}, false, "continued twice", false},
		{"it has never answered", func(context.Context) (txlog.Checkpoint, error) {
			return txlog.Checkpoint{}, gone
		}, false, "", true},
		{"it answered before", func(context.Context) (txlog.Checkpoint, error) {
			return txlog.Checkpoint{}, gone
		}, true, "", false},
	} {
		var said bytes.Buffer
		p := &Payments{log: mine, logger: slog.New(slog.NewTextHandler(&said, nil)),
			outside: outside{mirror: c.mirror, mirrored: c.before}}
		missing, err := p.queryMirror(t.Context())
		if (err != nil) != c.err || (missing != nil) != (c.missing != "") {
			t.Errorf("%s: missing %v, error %v", c.name, missing, err)
		}
		if missing != nil && !strings.Contains(missing.Error(), c.missing) {
			t.Errorf("%s: %v", c.name, missing)
		}
		if c.before && !strings.Contains(said.String(), "nobody answers") {
			t.Errorf("%s: it is not said: %s", c.name, said.String())
		}
	}
}

// A log publishes why a transaction is entered or set aside: a reason is wanted, and is short.
func TestWhatIsToBeRecoveredHasAReason(t *testing.T) {
	p := &Payments{}
	for name, r := range map[string]RecoverRequest{"too long": {Reason: strings.Repeat("a", 1<<16)},
		"none for what is set aside": {Aside: []bitcoin.Hash{{1}}}} {
		if _, err := p.Recover(t.Context(), r); err == nil || !strings.Contains(err.Error(), "reason") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Pay(t.Context(), PayOptions{}); !errors.Is(err, ErrNoWallet) {
		t.Errorf("a pool without a wallet: %v", err)
	}
}

// A pause ends with its context.
func TestAWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done := make(chan struct{})
	go func() { pause(ctx, time.Hour); close(done) }()
	<-done
}

// What became of an attempt to pay is logged with the number and who waits.
func TestWhatIsSaidOfAPayment(t *testing.T) {
	var said bytes.Buffer
	p := &Payments{logger: slog.New(slog.NewTextHandler(&said, nil))}
	p.logPay(nil, errors.New("no coins"))
	p.logPay(&PaymentSent{Number: 3}, errors.New("lost"))
	p.logPay(&PaymentSent{Number: 4, Unpaid: []Unpaid{{Address: "bcrt1q", Amount: 5}}}, nil)
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	for i, want := range [][]string{{"WARN", "not paid", "no coins"}, {"WARN", "not known to be sent", "number=3"},
		{"INFO", "payment sent", "number=4"}, {"WARN", "too little", "bcrt1q"}} {
		for _, w := range want {
			if i >= len(lines) || !strings.Contains(lines[i], w) {
				t.Errorf("line %d of %q lacks %q", i, lines, w)
			}
		}
	}
}
