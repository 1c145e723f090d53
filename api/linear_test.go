package api_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// The sizes of the history that is checked.
const (
	linearClients = 8
	linearOps     = 200
	linearWallets = 4
	linearCrashes = 6
)

// balances is the model's state: what each wallet holds.
type balances [linearWallets]money.Tiyn

// step is an operation: a payment, or with to < 0 a look at a balance.
type step struct {
	from, to int
	amount   money.Tiyn
}

// bankModel is a bank as its customers see it: a payment moves its amount at one moment between being asked for and being
// answered, and whoever looks sees all payments before that moment.
var bankModel = porcupine.Model{
	Init: func() any { return balances{} },
	Step: func(state, input, output any) (bool, any) {
		b, s := state.(balances), input.(step)
		if s.to < 0 {
			return b[s.from] == output.(money.Tiyn), b
		}
		b[s.from] -= s.amount
		b[s.to] += s.amount
		return true, b
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v %v", input, output) },
}

// linearTown is a served node on a disk that crashes.
type linearTown struct {
	t       *testing.T
	world   *sim.World
	disk    *disk.Disk
	node    *node.Node
	handler atomic.Pointer[http.Handler]
	client  *api.Client
	wallets [linearWallets]token.WalletID
	start   time.Time

	mu      sync.Mutex
	history []porcupine.Operation
	open    map[token.TransactionID]porcupine.Operation // payments whose answer never came
}

func (l *linearTown) config() node.Config {
	return node.Config{Dir: "data", NoIndex: true,
		Options: txlog.Options{Origin: l.world.Genesis.Name, Signers: []note.Signer{l.world.LogSigner}, FS: l.disk.FS(), SegmentBytes: 1 << 16}}
}

func (l *linearTown) reopen() {
	n, err := node.Open(l.config())
	if err != nil {
		l.t.Fatal("opening again: ", err)
	}
	l.node = n
	handler := api.New(n, api.Options{Open: true}).Handler()
	l.handler.Store(&handler)
}

func newLinearTown(t *testing.T, seed uint64) *linearTown {
	l := &linearTown{t: t, world: sim.NewWorld(seed), disk: disk.New(seed), open: map[token.TransactionID]porcupine.Operation{}}
	if err := node.Found(l.config(), l.world.Genesis); err != nil {
		t.Fatal(err)
	}
	l.reopen()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*l.handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(func() { server.Close(); _ = l.node.Close() })
	l.client = api.NewClient(server.URL, "")
	submit := func(tx *token.Transaction) {
		if _, err := l.client.Submit(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
	}
	admit, bank := l.world.Admit("bank", 1, soon())
	submit(admit)
	for i := range l.wallets {
		var register *token.Transaction
		register, l.wallets[i] = l.world.Register("bank", bank, uint64(i+1), fmt.Sprint("wallet ", i), 2, soon())
		submit(register)
		issue := l.world.Issue(uint64(i+1), bank, soon(), 1_000_000*money.Tenge)
		submit(issue)
		submit(l.world.Pay(bank, l.world.Key("bank treasury"), l.wallets[i], 1_000_000*money.Tenge, []token.ID{token.OutputID(issue.ID(), 0)}, 1_000_000*money.Tenge, soon()))
	}
	l.start = time.Now()
	return l
}

// now is what the history counts in.
func (l *linearTown) now() int64 { return int64(time.Since(l.start)) }

func (l *linearTown) record(o porcupine.Operation) {
	l.mu.Lock()
	l.history = append(l.history, o)
	l.mu.Unlock()
}

// client makes one client's operations. After an answer that did not come it goes on as if it were another client: its
// operation is still under way.
func (l *linearTown) run(id int, random *rand.Rand) {
	for range linearOps {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		s := step{from: random.IntN(linearWallets), to: -1}
		o := porcupine.Operation{ClientId: id, Call: l.now()}
		if random.IntN(3) == 0 {
			view, err := l.client.Wallet(ctx, l.wallets[s.from])
			o.Input, o.Output, o.Return = s, view.Balance, l.now()
			if err == nil { // a look that was not answered changed nothing
				l.record(o)
			}
		} else {
			s.to = (s.from + 1 + random.IntN(linearWallets-1)) % linearWallets
			s.amount = money.Tiyn(1 + random.IntN(100_000))
			o.Input = s
			l.pay(ctx, o, s)
		}
		cancel()
	}
}

func (l *linearTown) pay(ctx context.Context, o porcupine.Operation, s step) {
	selection, err := l.client.Select(ctx, l.wallets[s.from], s.amount, 200)
	if err != nil || selection.Merge {
		return
	}
	var inputs []token.ID
	for _, in := range selection.Tokens {
		inputs = append(inputs, in.ID)
	}
	tx := l.world.Pay(l.wallets[s.from], l.world.Key(fmt.Sprint("wallet ", s.from)), l.wallets[s.to], s.amount, inputs, selection.Total, soon())
	_, err = l.client.Submit(ctx, tx)
	o.Return = l.now()
	var problem *api.Problem
	switch {
	case err == nil:
		l.record(o)
	case errors.As(err, &problem) && problem.Status < 500: // refused by a rule: nothing happened
	default:
		o.Return = math.MaxInt64
		l.mu.Lock()
		l.open[tx.ID()] = o
		l.mu.Unlock()
	}
}

// crash lets the machine crash now and again while clients work, and starts the node anew.
func (l *linearTown) crash(random *rand.Rand, ended <-chan struct{}) (crashes int) {
	for crashes < linearCrashes {
		l.disk.CrashAt(60 + random.IntN(200))
		for l.node.Err() == nil {
			select {
			case <-ended:
				return crashes
			case <-time.After(time.Millisecond):
			}
		}
		_ = l.node.Close()
		l.disk.Restart()
		l.reopen()
		crashes++
	}
	return crashes
}

// Payments and balances over the API, by clients at once, while the machine crashes: as if each had happened at one moment.
// Payments whose answer never came stay open: whether they happened is read from the log at the end, when is not known.
func TestTheBankIsLinearizable(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	l := newLinearTown(t, seed%1000)
	var group sync.WaitGroup
	ended := make(chan struct{})
	for id := range linearClients {
		group.Go(func() { l.run(id, rand.New(rand.NewPCG(seed, uint64(id)))) })
	}
	go func() { group.Wait(); close(ended) }()
	crashes := l.crash(rand.New(rand.NewPCG(seed, 99)), ended)
	<-ended
	answered, open := len(l.history), 0
	for data, err := range l.node.Log().Entries(0, l.node.Log().Size()) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil || e.Transaction == nil {
			continue
		}
		if o, ok := l.open[e.Transaction.ID()]; ok {
			o.ClientId = linearClients + open
			l.history = append(l.history, o)
			open++
		}
	}
	t.Logf("%d operations answered over %d crashes; %d of %d payments without an answer happened", answered, crashes, open, len(l.open))
	if answered < linearClients*linearOps/4 || crashes == 0 {
		t.Error("too little happened to show anything")
	}
	model := bankModel
	model.Init = func() any {
		var b balances
		for i := range b {
			b[i] = 1_000_000 * money.Tenge
		}
		return b
	}
	if result := porcupine.CheckOperationsTimeout(model, l.history, time.Minute); result != porcupine.Ok {
		t.Errorf("the history is %s", result)
	}
	// A check that cannot fail shows nothing: one balance that nobody held, and it does.
	for i := range l.history {
		if s := l.history[i].Input.(step); s.to < 0 {
			l.history[i].Output = l.history[i].Output.(money.Tiyn) + 1
			break
		}
	}
	if result := porcupine.CheckOperationsTimeout(model, l.history, 10*time.Second); result == porcupine.Ok {
		t.Error("a balance that nobody held passes")
	}
}
