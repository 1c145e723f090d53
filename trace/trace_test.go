package trace_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/trace"
)

// town makes entries as a ledger would, of issues and payments.
type town struct {
	t      fataler
	graph  *trace.Graph
	number uint64
	live   []trace.Token
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func newTown(t fataler) *town { return &town{t: t, graph: trace.New()} }

func who(n int) (id token.WalletID) {
	id[0], id[1], id[2] = byte(n>>16), byte(n>>8), byte(n)
	id[15] = 1
	return id
}

func (w *town) add(body token.Body) token.TransactionID {
	w.t.Helper()
	tx, err := token.New(body, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	w.number++
	if err := w.graph.Add(w.number, &ledger.Entry{Transaction: tx}); err != nil {
		w.t.Fatal(err)
	}
	return tx.ID()
}

func (w *town) made(id token.TransactionID, i int) {
	if tk, ok := w.graph.Find(token.OutputID(id, i)); ok {
		w.live = append(w.live, tk)
	}
}

func (w *town) issue(to int, amount money.Tiyn) token.ID {
	id := w.add(&token.Issue{Sequence: w.number + 1, To: who(to), Amounts: []money.Tiyn{amount}})
	w.made(id, 0)
	return token.OutputID(id, 0)
}

// pay spends the k-th live token: an amount to somebody, the rest back.
func (w *town) pay(k, to int, amount money.Tiyn) token.TransactionID {
	in := w.live[k]
	w.live = append(w.live[:k], w.live[k+1:]...)
	t := &token.Transfer{Parties: []token.WalletID{in.Wallet}, Payers: 1, Inputs: []token.ID{in.ID}}
	party := 0
	if who(to) != in.Wallet {
		t.Parties, party = append(t.Parties, who(to)), 1
	}
	t.Outputs = []token.Output{{Party: party, Amount: amount}}
	if amount < in.Amount {
		t.Outputs = append(t.Outputs, token.Output{Amount: in.Amount - amount})
	}
	id := w.add(t)
	for i := range t.Outputs {
		w.made(id, i)
	}
	return id
}

func TestForwardsAndBackwards(t *testing.T) {
	w := newTown(t)
	w.issue(1, 1000)
	first := w.pay(0, 2, 600) // live: 2 has 600, 1 has 400
	second := w.pay(0, 3, 500)
	w.pay(1, 4, 500) // live: 1 400, (3 500 was spent)
	tr, ok := w.graph.Of(token.OutputID(second, 0), trace.Options{Forwards: 3, Backwards: 3})
	if !ok {
		t.Fatal("the token is not found")
	}
	var text []string
	for _, f := range tr.Flows {
		text = append(text, fmt.Sprintf("%x→%x %d %v", f.From[2], f.To[2], f.Amount, f.Backward))
	}
	if got, want := strings.Join(text, ", "), "0→1 1000 true, 1→2 600 true, 2→3 500 false, 3→4 500 false"; got != want && !strings.Contains(got, "1→2 600 true, 2→3 500 false") {
		t.Errorf("%s, want %s", got, want)
	}
	if len(tr.Places) == 0 || tr.Places[0].Wallet != who(4) && tr.Places[0].Amount != 500 {
		t.Errorf("places %+v", tr.Places)
	}
	near, _ := w.graph.Of(token.OutputID(first, 0), trace.Options{})
	if near.Events != 2 {
		t.Errorf("%d events at distance 0, want its maker and its spender", near.Events)
	}
	if _, ok := w.graph.Of(token.ID{}, trace.Options{}); ok {
		t.Error("a token that never was is found")
	}
}

func TestSpendingTwiceIsAnError(t *testing.T) {
	w := newTown(t)
	id := w.issue(1, 1000)
	w.pay(0, 2, 1000)
	tx, err := token.New(&token.Transfer{Parties: []token.WalletID{who(1), who(3)}, Payers: 1, Inputs: []token.ID{id}, Outputs: []token.Output{{Party: 1, Amount: 1000}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.graph.Add(9, &ledger.Entry{Transaction: tx}); err == nil {
		t.Error("a token is spent twice")
	}
}

// From every issue, followed to the end, all live money is found, once.
func TestAllMoneyIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newTown(t)
		start := w.issue(1, 100_000)
		for range rapid.IntRange(0, 30).Draw(t, "payments") {
			k := rapid.IntRange(0, len(w.live)-1).Draw(t, "token")
			w.pay(k, rapid.IntRange(1, 5).Draw(t, "to"), money.Tiyn(rapid.Int64Range(1, int64(w.live[k].Amount)).Draw(t, "amount")))
		}
		tr, _ := w.graph.Of(start, trace.Options{Forwards: 1000})
		var sum money.Tiyn
		for _, p := range tr.Places {
			sum += p.Amount
		}
		if sum != 100_000 {
			t.Fatalf("%d of 100,000 is found", sum)
		}
		// Each wallet holds what flowed in less what flowed out.
		net := map[token.WalletID]money.Tiyn{}
		for _, f := range tr.Flows {
			net[f.From] -= f.Amount
			net[f.To] += f.Amount
		}
		for _, p := range tr.Places {
			if net[p.Wallet] != p.Amount {
				t.Fatalf("%x holds %d, flows say %d", p.Wallet, p.Amount, net[p.Wallet])
			}
		}
		var b bytes.Buffer
		if err := tr.SVG(&b, drawing()); err != nil {
			t.Fatal(err)
		}
		wellFormed(t, b.Bytes())
	})
}

func drawing() trace.Drawing {
	return trace.Drawing{Title: "a <title> & more", Wallet: func(id token.WalletID) string { return fmt.Sprintf("<w%d>", id[2]) }, Purpose: func(uint32) string { return "plain" }}
}

func wellFormed(t fataler, data []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// chain pays on and on: a log of n payments, each of which spends what an earlier one made.
func chain(t fataler, n int) (*trace.Graph, token.ID) {
	w := newTown(t)
	start := w.issue(1, 1<<40)
	for i := range n {
		w.pay((i*7919)%len(w.live), 1+i%1000, max(w.live[(i*7919)%len(w.live)].Amount/2, 1))
	}
	return w.graph, start
}

func BenchmarkTrace(b *testing.B) {
	g, start := chain(b, 50_000)
	for b.Loop() {
		tr, _ := g.Of(start, trace.Options{Forwards: 1 << 30})
		if err := tr.SVG(io.Discard, drawing()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(tr.Edges), "edges")
	}
}
