package office

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// noteOp is what somebody did with one note: spent it, as the act of this number; asked for its state; or asked whether
// the signature that an act would get for it is there.
type noteOp struct {
	note, act int // act 0 asks for the state
	restores  bool
}

// noteResult is what came back.
type noteResult struct {
	state    cash.State // of a question
	done     bool       // of an act, or whether a restore found the signature
	inFlight bool       // of an act: refused because another one has the note in hand
}

// noteModel is one note: which act spent it, 0 for none. A pending note is one that an act has in hand, which ends in
// its favour: it counts as spent or not yet, as the order wants.
var noteModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byNote := map[int][]porcupine.Operation{}
		most := 0
		for _, op := range history {
			note := op.Input.(noteOp).note
			byNote[note] = append(byNote[note], op)
			most = max(most, note)
		}
		var parts [][]porcupine.Operation
		for note := range most + 1 {
			parts = append(parts, byNote[note])
		}
		return parts
	},
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		by, in, out := state.(int), input.(noteOp), output.(noteResult)
		switch {
		case in.restores:
			return out.done == (by == in.act), by
		case in.act == 0:
			return out.state == cash.StatePending || (out.state == cash.StateSpent) == (by != 0), by
		case out.done:
			return by == 0 || by == in.act, in.act // the same act again is a repeat
		case out.inFlight:
			return true, by
		}
		return by != 0 && by != in.act, by
	},
	Equal: func(a, b any) bool { return a == b },
}

// TestTheModelSeesADoubleSpend: what must be found is found.
func TestTheModelSeesADoubleSpend(t *testing.T) {
	act := func(n int, call, back int64, done bool) porcupine.Operation {
		return porcupine.Operation{ClientId: n, Input: noteOp{0, n, false}, Call: call, Output: noteResult{done: done},
			Return: back}
	}
	ask := func(state cash.State, call, back int64) porcupine.Operation {
		return porcupine.Operation{ClientId: 9, Input: noteOp{}, Call: call, Output: noteResult{state: state},
			Return: back}
	}
	for name, history := range map[string][]porcupine.Operation{
		"spent twice":                {act(1, 0, 10, true), act(2, 5, 15, true)},
		"refused though nobody did":  {act(1, 0, 10, false)},
		"unspent after the answer":   {act(1, 0, 10, true), ask(cash.StateUnspent, 11, 12)},
		"spent before anybody asked": {ask(cash.StateSpent, 0, 1), act(1, 5, 10, true)},
		"a signature of the refused": {act(1, 0, 10, true),
			{ClientId: 3, Input: noteOp{0, 2, true}, Call: 11, Output: noteResult{done: true}, Return: 12}},
		"no signature for the answer": {act(1, 0, 10, true),
			{ClientId: 3, Input: noteOp{0, 1, true}, Call: 11, Output: noteResult{}, Return: 12}},
	} { // any order: each by itself
		if porcupine.CheckOperations(noteModel, history) {
			t.Errorf("%s was not found", name)
		}
	}
	if !porcupine.CheckOperations(noteModel, []porcupine.Operation{act(1, 0, 10, true), act(2, 5, 15, false),
		act(1, 20, 21, true), ask(cash.StateSpent, 22, 23)}) {
		t.Error("a right history was refused")
	}
}

// Swaps, melts, restores and state checks of the same notes by several people at once: there is one order in which all
// of it happened, and no note is spent twice in it.
func TestNotesAreLinearizable(t *testing.T) {
	const people, notes, deeds = 6, 12, 60
	w := opened(t)
	ctx := t.Context()
	h := &noteHistory{world: w, start: time.Now()}
	whole, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	amounts := make([]money.Tiyn, 20)
	for i := range amounts {
		amounts[i] = 50
	}
	blanks := w.blanks(amounts...)
	signatures, err := w.office.Swap(ctx, keyOf("stock"), SwapRequest{coin.Strip(whole), coin.Outputs(blanks)})
	if err != nil {
		t.Fatal(err)
	}
	h.notes = coin.Strip(w.notes(blanks, signatures))[:notes]
	for range people * notes * 2 {
		h.outs = append(h.outs, w.blanks(50))
	}
	var all sync.WaitGroup
	for person := range people {
		all.Go(func() {
			for i := range deeds {
				h.deed(ctx, person, person*7+i)
			}
		})
	}
	all.Wait()
	if spent := h.spent.Load(); spent != notes {
		t.Errorf("%d acts spent %d notes", spent, notes)
	}
	if result := porcupine.CheckOperationsTimeout(noteModel, h.list, time.Minute); result != porcupine.Ok {
		t.Errorf("the history of %d operations is %s", len(h.list), result)
	}
}

type noteHistory struct {
	*world
	start time.Time
	notes []cash.Proof
	outs  [][]coin.Blank // of each act
	spent atomic.Int64   // acts that were done, each counted once
	seen  sync.Map

	lock sync.Mutex
	list []porcupine.Operation
}

// deed does the n-th thing of somebody and notes it.
func (h *noteHistory) deed(ctx context.Context, person, n int) {
	note := n % len(h.notes)
	in := noteOp{note: note}
	call := time.Since(h.start).Nanoseconds()
	var out noteResult
	switch (n + n/len(h.notes)) % 4 {
	case 0: // a state
		states, err := h.office.States(ctx, []string{cash.HexPoint(curve.HashToCurve([]byte(h.notes[note].Secret)))})
		if err != nil {
			h.t.Error(err)
			return
		}
		out.state = states[0].State
	case 1: // a restore of some act on it
		in.restores, in.act = true, 1+(n/4%6)*len(h.notes)+note
		found, _, err := h.office.Restore(ctx, coin.Outputs(h.outs[in.act-1]))
		if err != nil {
			h.t.Error(err)
			return
		}
		out.done = len(found) == 1
	default:
		in.act = 1 + person*len(h.notes) + note // the same person's second try is a repeat
		out = h.spend(ctx, in.act, note, person%3 == 2)
	}
	back := time.Since(h.start).Nanoseconds()
	h.lock.Lock()
	defer h.lock.Unlock()
	h.list = append(h.list, porcupine.Operation{ClientId: person, Input: in, Call: call, Output: out, Return: back})
}

// spend spends a note, by a swap or by a melt whose change is the whole of it but a tiyn.
func (h *noteHistory) spend(ctx context.Context, act, note int, melts bool) noteResult {
	var err error
	if melts {
		err = h.melt(ctx, act, note)
	} else {
		_, err = h.office.Swap(ctx, keyOf(act), SwapRequest{h.notes[note : note+1], coin.Outputs(h.outs[act-1])})
	}
	switch code := codeOf(err); {
	case err == nil:
		if _, again := h.seen.LoadOrStore(act, true); !again {
			h.spent.Add(1)
		}
		return noteResult{done: true}
	case code == cash.Pending || code == cash.OutputPending || code == cash.QuotePending:
		return noteResult{inFlight: true}
	case code != cash.Spent:
		h.t.Errorf("act %d: %v", act, err)
	}
	return noteResult{}
}

func (h *noteHistory) melt(ctx context.Context, act, note int) error {
	quote, found := h.seen.Load(fmt.Sprint("quote of ", act))
	if !found {
		made, err := h.office.NewMeltQuote(ctx, payRequest(30))
		if err != nil {
			return err
		}
		quote = made.ID
		h.seen.Store(fmt.Sprint("quote of ", act), quote)
	}
	blanks := coin.Outputs(h.outs[act-1])
	r := MeltRequest{Quote: quote.(string), Inputs: h.notes[note : note+1],
		Outputs: append(blanks, coin.Outputs(h.outs[act-1+len(h.outs)/2])...)}
	_, err := h.office.Melt(ctx, keyOf([2]any{"melt", act}), r)
	return err
}
