package pool_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
)

// What a connection to a wallet can do to a call.
const (
	passes   = iota
	loses    // the call is lost
	swallows // the call is made, the answer is lost
	repeats  // the call is made twice, the second answer comes
	refuses  // the call is made, and a refusal is made up
	denies   // a refusal is made up, and the call never made
)

// meddler stands between the pool and a real node and its wallet.
type meddler struct {
	mu       sync.Mutex
	does     map[string]int // by method
	answers  map[string]any // made up
	calls    map[string]int
	upstream *bitcoin.Client
	url      string

	deadly  map[string]bool // methods that count until the caller is killed; empty: all
	fatalOf func(call) bool // which of their calls do; nil: all
	left    int             // calls until then
	when    int             // before the call is passed on, or after; later: with its answer
	kill    func()          // nil: nobody is

	// keep are coins: no transaction that spends one is signed (any more), as by a wallet that knows it to be spent.
	keep map[wire.OutPoint]bool
}

// keeps has the wallet sign nothing that spends the coins of a transaction.
func (m *meddler) keeps(tx *wire.MsgTx) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep = map[wire.OutPoint]bool{}
	for _, in := range tx.TxIn {
		m.keep[in.PreviousOutPoint] = true
	}
}

// refusesToSign tells whether a call asks to sign what spends a coin that is kept. The caller holds mu.
func (m *meddler) refusesToSign(c call) bool {
	if len(m.keep) == 0 || !strings.HasPrefix(c.Method, "signrawtransaction") {
		return false
	}
	tx := c.transaction()
	return tx != nil && slices.ContainsFunc(tx.TxIn, func(in *wire.TxIn) bool { return m.keep[in.PreviousOutPoint] })
}

// transaction is the one that a call is about, as its first parameter; else nil.
func (c call) transaction() *wire.MsgTx {
	if len(c.Params) == 0 {
		return nil
	}
	text, _ := c.Params[0].(string)
	raw, err := hex.DecodeString(text)
	tx := new(wire.MsgTx)
	if err != nil || tx.Deserialize(bytes.NewReader(raw)) != nil {
		return nil
	}
	return tx
}

// isChild tells whether a call is about a transaction with one output, which pays the wallet alone.
func (c call) isChild() bool {
	tx := c.transaction()
	return tx != nil && len(tx.TxOut) == 1
}

// When a caller is killed.
const (
	before = iota
	after
	later
)

// killAt has a caller killed at the nth call of some methods.
func (m *meddler) killAt(n, when int, kill func(), methods ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deadly, m.left, m.when, m.kill, m.fatalOf = map[string]bool{}, n, when, kill, nil
	for _, method := range methods {
		m.deadly[method] = true
	}
}

// spare has nobody killed, and every coin signed for.
func (m *meddler) spare() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kill, m.keep = nil, nil
}

// fatal tells whether a call is the caller's last. The caller holds mu.
func (m *meddler) fatal(c call) (when int, kill func()) {
	if m.kill == nil || len(m.deadly) > 0 && !m.deadly[c.Method] || m.fatalOf != nil && !m.fatalOf(c) {
		return 0, nil
	}
	if m.left--; m.left > 0 {
		return 0, nil
	}
	kill, m.kill = m.kill, nil
	return m.when, kill
}

// meddle returns a client through a meddler that passes everything on so far.
func meddle(t *testing.T, upstream *bitcoin.Client) (*bitcoin.Client, *meddler) {
	t.Helper()
	m := &meddler{does: map[string]int{}, answers: map[string]any{}, calls: map[string]int{}, upstream: upstream}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.url = server.URL
	client, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close) // first: it ends the long poll for which the server would wait
	return client, m
}

func (m *meddler) do(method string, what int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.does[method] = what
}

func (m *meddler) answer(method string, what any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[method] = what
}

func (m *meddler) count(method string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[method]
}

type call struct {
	ID     json.RawMessage
	Method string
	Params []any
}

func (m *meddler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var many []call
	if json.Unmarshal(raw, &many) == nil {
		answers := []any{}
		for _, c := range many {
			answer, _ := m.serve(r.Context(), c)
			answers = append(answers, answer)
		}
		_ = json.NewEncoder(w).Encode(answers)
		return
	}
	var c call
	if json.Unmarshal(raw, &c) != nil {
		return
	}
	answer, code := m.serve(r.Context(), c)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer)
}

func (m *meddler) serve(ctx context.Context, c call) (answer any, code int) {
	m.mu.Lock()
	what, made, isMade := m.does[c.Method], m.answers[c.Method], false
	_, isMade = m.answers[c.Method]
	m.calls[c.Method]++
	if m.refusesToSign(c) {
		what = denies
	}
	when, kill := m.fatal(c)
	m.mu.Unlock()
	if kill != nil {
		switch when {
		case before:
			kill()
			panic(http.ErrAbortHandler)
		case later:
			time.AfterFunc(rand.N(6*time.Millisecond), kill)
		case after:
			defer func() { kill(); panic(http.ErrAbortHandler) }()
		}
	}
	if what == loses {
		panic(http.ErrAbortHandler)
	}
	if isMade {
		return map[string]any{"result": made, "error": nil, "id": c.ID}, 200
	}
	refusal := map[string]any{"result": nil, "error": map[string]any{"code": -26, "message": "made up"}, "id": c.ID}
	if what == denies {
		return refusal, 500
	}
	var result json.RawMessage
	err := m.upstream.Call(ctx, &result, c.Method, c.Params...)
	if what == repeats {
		err = m.upstream.Call(ctx, &result, c.Method, c.Params...)
	}
	switch what {
	case swallows:
		panic(http.ErrAbortHandler)
	case refuses:
		return refusal, 500
	}
	var failed *bitcoin.RPCError
	if errors.As(err, &failed) {
		return map[string]any{"result": nil, "error": map[string]any{"code": failed.Code, "message": failed.Message}, "id": c.ID}, 500
	}
	if err != nil {
		return map[string]any{"result": nil, "error": map[string]any{"code": -1, "message": fmt.Sprint(err)}, "id": c.ID}, 500
	}
	return map[string]any{"result": result, "error": nil, "id": c.ID}, 200
}
