package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const accounts = 4

// operation is what a client asks of the ledger: to pay, or, with no amount, what a wallet holds.
type operation struct {
	from, to int
	amount   money.Tiyn
}

// fate is what a client learned of its operation.
type fate struct {
	balance money.Tiyn // of a question
	refused bool
	unknown bool // it gave up: the payment may take effect at any time, or never
}

// balances is the ledger as its users see it.
type balances [accounts]money.Tiyn

// ledgerModel is a sequential ledger: a payment that was acknowledged moves its amount at one instant,
// one that was refused moves nothing, one that nobody knows the outcome of does either.
var ledgerModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{balances{startMoney, startMoney, startMoney, startMoney}} },
	Step: func(state, input, output any) []any {
		b, o, f := state.(balances), input.(operation), output.(fate)
		if o.amount == 0 {
			if b[o.from] == f.balance {
				return []any{b}
			}
			return nil
		}
		moved := b
		moved[o.from] -= o.amount
		moved[o.to] += o.amount
		switch {
		case f.refused:
			return []any{b}
		case f.unknown && moved[o.from] < 0:
			return []any{b}
		case f.unknown:
			return []any{b, moved}
		case moved[o.from] < 0:
			return nil
		}
		return []any{moved}
	},
	Equal: func(a, b any) bool { return a.(balances) == b.(balances) },
}

// linearizable decides whether one order of the operations, each between its call and its return, explains every answer.
func linearizable(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(ledgerModel.ToModel(), history, 2*time.Minute)
}

// The model notices what a faulty ledger would do.
func TestTheModelNoticesFaults(t *testing.T) {
	t.Parallel()
	pay := porcupine.Operation{ClientId: 0, Input: operation{0, 1, 10}, Call: 0, Output: fate{}, Return: 10}
	read := func(wallet int, balance money.Tiyn, call int64) porcupine.Operation {
		return porcupine.Operation{ClientId: 1, Input: operation{from: wallet}, Call: call, Output: fate{balance: balance}, Return: call + 5}
	}
	lost := porcupine.Operation{ClientId: 2, Input: operation{0, 2, 7}, Call: 1, Output: fate{unknown: true}, Return: math.MaxInt64}
	for name, tc := range map[string]struct {
		history []porcupine.Operation
		want    porcupine.CheckResult
	}{
		"seen after its answer":          {[]porcupine.Operation{pay, read(1, startMoney+10, 20)}, porcupine.Ok},
		"missing after its answer":       {[]porcupine.Operation{pay, read(1, startMoney, 20)}, porcupine.Illegal},
		"not yet, while it is under way": {[]porcupine.Operation{pay, read(1, startMoney, 2)}, porcupine.Ok},
		"happened twice":                 {[]porcupine.Operation{pay, read(0, startMoney-20, 20)}, porcupine.Illegal},
		"seen, then unseen":              {[]porcupine.Operation{pay, read(1, startMoney+10, 1), read(1, startMoney, 7)}, porcupine.Illegal},
		"half of it":                     {[]porcupine.Operation{pay, read(0, startMoney-10, 20), read(1, startMoney, 30)}, porcupine.Illegal},
		"unknown, and never happened":    {[]porcupine.Operation{lost, read(2, startMoney, 90)}, porcupine.Ok},
		"unknown, and happened late":     {[]porcupine.Operation{lost, read(2, startMoney, 20), read(2, startMoney+7, 90)}, porcupine.Ok},
		"unknown, and undone":            {[]porcupine.Operation{lost, read(2, startMoney+7, 20), read(2, startMoney, 90)}, porcupine.Illegal},
	} {
		if got := linearizable(tc.history); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// theatre is where clients find the node that is up now.
type theatre struct {
	c     *customers
	begun time.Time

	mu     sync.Mutex
	client *testClient
}

func (h *theatre) current() *testClient {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.client
}

func (h *theatre) enter(t *testing.T) {
	client := h.c.client(t, up(t, h.c.dir))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.client = client
}

// now is the time in the history, nanoseconds.
func (h *theatre) now() int64 { return time.Since(h.begun).Nanoseconds() }

// play is one client's operations.
func (h *theatre) play(ctx context.Context, remote, operations int, random *rand.Rand) (history []porcupine.Operation) {
	for n := range operations {
		o := operation{from: random.IntN(accounts)}
		if random.IntN(3) > 0 {
			o.to = (o.from + 1 + random.IntN(accounts-1)) % accounts
			o.amount = money.Tiyn(1 + remote + 8*n) // no two payments alike, so that a balance tells which have happened
		}
		if p, ok := h.perform(ctx, o, random); ok {
			p.ClientId = remote
			history = append(history, p)
		}
	}
	return history
}

// perform carries out one operation; ok is false when it had no effect and no answer.
func (h *theatre) perform(ctx context.Context, o operation, random *rand.Rand) (p porcupine.Operation, ok bool) {
	p = porcupine.Operation{Input: o, Call: h.now()}
	if o.amount == 0 {
		view, err := h.current().API.Wallet(ctx, h.c.ids[o.from])
		p.Output, p.Return = fate{balance: view.Balance}, h.now()
		return p, err == nil
	}
	tx, err := h.current().Prepare(ctx, h.c.ids[o.from], h.c.ids[o.to], o.amount, token.Memo{})
	for ; err != nil; tx, err = h.current().Prepare(ctx, h.c.ids[o.from], h.c.ids[o.to], o.amount, token.Memo{}) {
		if ctx.Err() != nil {
			return p, false // nothing was signed
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.Call = h.now()
	for patience := random.IntN(5); ; patience-- {
		_, err = h.current().API.Submit(ctx, tx)
		p.Return = h.now()
		var problem *api.Problem
		switch {
		case err == nil:
			p.Output = fate{}
			return p, true
		case errors.As(err, &problem) && problem.Status < 500 && problem.Status != 429:
			p.Output = fate{refused: true}
			return p, true
		case patience == 0 || ctx.Err() != nil:
			p.Output, p.Return = fate{unknown: true}, math.MaxInt64
			return p, true
		}
		patience = max(patience, 2) // most clients ask again until somebody answers
		time.Sleep(20 * time.Millisecond)
	}
}

// Eight clients pay between four wallets and ask for balances, while the node is killed again and
// again. Whatever they were told is what a ledger that does one thing at a time would have told.
func TestPaymentsAreLinearizableUnderCrashes(t *testing.T) {
	t.Parallel()
	const clients, operations, kills = 8, 200, 6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	h := &theatre{c: newCustomers(t, accounts), begun: time.Now()}
	h.enter(t)
	var playing sync.WaitGroup
	histories := make([][]porcupine.Operation, clients)
	for remote := range clients {
		playing.Go(func() {
			histories[remote] = h.play(ctx, remote, operations, rand.New(rand.NewPCG(seed, uint64(remote))))
		})
	}
	over := make(chan struct{})
	go func() { playing.Wait(); close(over) }()
	random, killed := rand.New(rand.NewPCG(seed, clients)), 0
	for running := true; running; {
		pause := time.Duration(20+random.IntN(130)) * time.Millisecond
		if killed == kills {
			pause = time.Minute
		}
		select {
		case <-over:
			running = false
		case <-time.After(pause):
			h.current().process.kill()
			h.enter(t)
			killed++
		}
	}
	var history []porcupine.Operation
	counts := map[string]int{}
	for _, part := range histories {
		for _, p := range part {
			o, f := p.Input.(operation), p.Output.(fate)
			switch {
			case o.amount == 0:
				counts["read"]++
			case f.unknown:
				counts["unknown"]++
			case f.refused:
				counts["refused"]++
			default:
				counts["paid"]++
			}
		}
		history = append(history, part...)
	}
	t.Logf("%d kills; %v", killed, counts)
	if got := linearizable(history); got != porcupine.Ok {
		t.Fatalf("the history is %s", got)
	}
	if killed < kills || counts["paid"] < clients*operations/4 {
		t.Fatalf("%d kills, %v: the test shows too little", killed, counts)
	}
	h.current().process.stop(t)
}
