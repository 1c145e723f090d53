package office

import (
	"io"
	"runtime"
	"sync"

	"github.com/aqsha/aqsha/cash"
)

// Bounds of what is checked together. More notes than maxJoined gain little, and a request's answer waits for all of
// them; a request of minAlone notes is a batch by itself.
const (
	maxJoined = 256
	minAlone  = 64
)

// After a batch with a false note, so many requests are checked by themselves, and twice as many after the next one: a
// search in a batch costs as much as dozens of notes, and whoever sends false ones is nobody whom the office knows.
// Thus they make all pay what was paid before notes were joined, and no more.
const (
	firstAlone = 256
	lastAlone  = 1 << 16
)

// joined checks the notes of requests that are there at the same time as one batch, in which a note costs a third of
// what it costs alone. Nobody waits for others to come: whoever leads lets those go first who can run already.
type joined struct {
	keys    func() cash.Keyring
	entropy io.Reader

	mu      sync.Mutex // over what follows; nothing is checked with it
	waiting []*redemption
	leading bool // somebody checks, or is about to: he hands on to the first who waits
	alone   int  // so many requests are checked by themselves
	next    int  // and so many after the next false note
}

// redemption is one request's notes. Its verdict is read after turn said false.
type redemption struct {
	inputs  []cash.Input
	verdict *cash.Refusal
	turn    chan bool // true: lead; false: it is judged
}

// valid says whether all notes of a request are genuine (cash.Keyring.ValidInputs). While anybody waits there is a
// leader.
func (j *joined) valid(inputs []cash.Input) *cash.Refusal {
	j.mu.Lock()
	if len(inputs) >= minAlone || j.alone > 0 {
		j.alone = max(0, j.alone-1)
		j.mu.Unlock()
		return j.keys().ValidInputs(inputs, j.entropy)
	}
	mine := &redemption{inputs: inputs, turn: make(chan bool, 1)}
	j.waiting = append(j.waiting, mine)
	lead := !j.leading
	j.leading = true
	j.mu.Unlock()
	if lead || <-mine.turn {
		j.lead(mine)
	}
	return mine.verdict
}

// lead checks the first of those who wait, mine among them, and hands on.
func (j *joined) lead(mine *redemption) {
	runtime.Gosched() // whose request is read already comes along
	j.mu.Lock()
	n, notes := 0, 0
	for n < len(j.waiting) && (n == 0 || notes+len(j.waiting[n].inputs) <= maxJoined) {
		notes += len(j.waiting[n].inputs)
		n++
	}
	together := j.waiting[:n:n]
	j.waiting = j.waiting[n:]
	j.mu.Unlock()

	all := make([]cash.Input, 0, notes)
	for _, r := range together {
		all = append(all, r.inputs...)
	}
	keys := j.keys()
	oneIsFalse := keys.ValidInputs(all, j.entropy) != nil
	if oneIsFalse { // whose it is: each is judged as if it had come alone
		for _, r := range together {
			r.verdict = keys.ValidInputs(r.inputs, j.entropy)
		}
	}

	j.mu.Lock()
	if oneIsFalse && n > 1 {
		j.next = min(lastAlone, max(firstAlone, 2*j.next))
		j.alone = j.next
	}
	if j.leading = len(j.waiting) > 0; j.leading {
		j.waiting[0].turn <- true
	}
	j.mu.Unlock()
	for _, r := range together {
		if r != mine {
			r.turn <- false
		}
	}
}
