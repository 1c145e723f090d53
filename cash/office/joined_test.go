package office

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// countingSigner takes a note for genuine whose point is its own signature, and says how many it was asked of at once.
type countingSigner struct {
	cash.Signer
	asked chan int      // nil: nobody wants to know
	hold  chan struct{} // what it waits for before it answers, if it is not nil
}

func (s *countingSigner) ValidBatch(ys, cs []curve.Point, _ io.Reader) []bool {
	if s.asked != nil {
		s.asked <- len(ys)
	}
	if s.hold != nil {
		<-s.hold
	}
	valid := make([]bool, len(ys))
	for i := range ys {
		valid[i] = ys[i] == cs[i]
	}
	return valid
}

func joinedBy(s *countingSigner) *joined {
	keys := cash.Keyring{{Keyset: cash.Keyset{Amounts: []money.Tiyn{1}}, Signers: []cash.Signer{s}}}
	return &joined{keys: func() cash.Keyring { return keys }}
}

// inputsOf are notes, of which those named are false.
func inputsOf(n int, wrong ...int) []cash.Input {
	inputs := make([]cash.Input, n)
	for i := range inputs {
		inputs[i].Y = curve.HashToCurve(fmt.Append(nil, i))
		inputs[i].C = inputs[i].Y
	}
	for _, i := range wrong {
		inputs[i].C = curve.HashToCurve([]byte("another"))
	}
	return inputs
}

// Whoever comes beside whom: each request gets the verdict that it gets alone, with the field of its own note.
func TestEveryRequestHasItsOwnVerdict(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		j := joinedBy(&countingSigner{})
		var all sync.WaitGroup
		for range 200 {
			n := 1 + random.IntN(5)
			inputs := inputsOf(n)
			if random.IntN(40) == 0 {
				inputs = inputsOf(n, random.IntN(n))
			}
			all.Go(func() {
				got, want := j.valid(inputs), j.keys().ValidInputs(inputs, nil)
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%v, alone %v", got, want)
				}
			})
		}
		all.Wait()
		if len(j.waiting) > 0 || j.leading {
			t.Errorf("%d wait when all are gone; leading %t", len(j.waiting), j.leading)
		}
	}
}

// crowd has one request check while others come, and returns what each of the checks after it is asked of.
func crowd(t *testing.T, j *joined, s *countingSigner, wrong int) (asked []int) {
	t.Helper()
	s.asked, s.hold = make(chan int, 1000), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { j.valid(inputsOf(1)) })
	if n := <-s.asked; n != 1 {
		t.Fatalf("the first is asked of %d notes", n)
	}
	for i := range 30 {
		all.Go(func() {
			inputs := inputsOf(2)
			if i < wrong {
				inputs = inputsOf(2, 1)
			}
			if refused := j.valid(inputs); (refused != nil) != (i < wrong) {
				t.Errorf("request %d: %v", i, refused)
			}
		})
	}
	for waiting := 0; waiting < 30; runtime.Gosched() {
		j.mu.Lock()
		waiting = len(j.waiting)
		j.mu.Unlock()
	}
	close(s.hold)
	all.Wait()
	close(s.asked)
	for n := range s.asked {
		asked = append(asked, n)
	}
	return asked
}

// Those who wait while others are checked are checked at once.
func TestWhoWaitsIsCheckedTogether(t *testing.T) {
	t.Parallel()
	s := &countingSigner{}
	if asked := crowd(t, joinedBy(s), s, 0); fmt.Sprint(asked) != "[60]" {
		t.Errorf("asked of %v notes, want once of 60", asked)
	}
}

// Whoever sends false notes makes others be checked alone for a while, longer each time: no search is paid for by them.
func TestFalseNotesEndJoining(t *testing.T) {
	t.Parallel()
	s := &countingSigner{}
	j := joinedBy(s)
	for _, alone := range []int{firstAlone, 2 * firstAlone, 4 * firstAlone} {
		if asked := crowd(t, j, s, 3); len(asked) != 31 || asked[0] != 60 {
			t.Fatalf("asked of %v: want all at once, and then each", asked)
		}
		s.asked, s.hold = nil, nil
		if j.alone != alone {
			t.Fatalf("%d are checked alone, want %d", j.alone, alone)
		}
		for range alone {
			if refused := j.valid(inputsOf(1)); refused != nil {
				t.Fatal(refused)
			}
		}
	}
	if asked := crowd(t, j, s, 0); fmt.Sprint(asked) != "[60]" {
		t.Errorf("after that, asked of %v: want once of 60", asked)
	}
	s.asked, s.hold = nil, nil
	if j.valid(inputsOf(1, 0)) == nil {
		t.Error("a false note by itself is taken")
	}
	if j.alone != 0 {
		t.Error("a false note by itself, which nobody else paid for, ends joining")
	}
}

// A batch by itself joins nobody.
func TestLargeRequestsAreBatchesOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := &countingSigner{asked: make(chan int, 10)}
	j := joinedBy(s)
	j.leading = true // whoever waited would do so for ever
	if refused := j.valid(inputsOf(minAlone)); refused != nil || <-s.asked != minAlone {
		t.Error(refused)
	}
}
