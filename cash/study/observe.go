package study

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Observers, by what they see.
const (
	// Office keeps every request with its time: withdrawals, which notes were changed for which, deposits.
	Office = "office"
	// Log sees the public log alone: which notes were issued and redeemed in which block.
	Log = "log"
	// LogAndLedger sees who withdrew and who was paid on the ledger too. In a block with a single request it sees that
	// request's notes.
	LogAndLedger = "log-and-ledger"
	// Payee got the notes with what proves their signatures, so that he finds the blocks that signed them, and sees the
	// ledger.
	Payee = "payee"
)

// Seen is how well an observer finds, over deposits, from which withdrawals their notes came.
type Seen struct {
	Observer string `json:"observer"`
	Smallest int    `json:"smallest"` // set of candidates
	Median   int    `json:"median"`
	UnderTen uint64 `json:"under_ten_ppm"` // deposits with fewer than ten candidates
	Alone    uint64 `json:"alone_ppm"`     // with one
	// Latest are deposits of which the withdrawal that fits and is the latest is the true one: a guess by time alone.
	// Of the log's observer there is none, as it knows no withdrawals.
	Latest uint64 `json:"latest_ppm"`
}

// Holders is how many wallets had a note of a denomination right after they withdrew.
type Holders struct {
	Amount  money.Tiyn `json:"amount"`
	Wallets int        `json:"wallets"`
}

// Result is one population.
type Result struct {
	Seed     uint64     `json:"seed"`
	Wallets  int        `json:"wallets"`
	Rounding money.Tiyn `json:"rounding"`
	Whole    bool       `json:"whole"`
	Swap     bool       `json:"swap"`
	Wait     uint64     `json:"wait_seconds"`
	Span     uint64     `json:"span_seconds"`
	Deposits int        `json:"deposits"` // of which candidates were counted
	Seen     []Seen     `json:"seen"`
	Blocks   int        `json:"blocks"` // of the public log with anything in them
	Single   int        `json:"single_request_blocks"`
	Holders  []Holders  `json:"holders"`
}

// UntrueError is a population of which the truth is not among the candidates: then the study is wrong, not the people.
type UntrueError struct {
	Observer string
	Deposit  int
}

func (e *UntrueError) Error() string {
	return fmt.Sprintf(
		"study: the observer %s does not count the true payer of deposit %d among those who can have paid", e.Observer,
		e.Deposit)
}

// Run plays a population before each observer.
func Run(o Options) (*Result, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	w, err := play(&o)
	if err != nil {
		return nil, err
	}
	return w.observe(&o)
}

func (w *world) observe(o *Options) (*Result, error) {
	e := newEye(w, o)
	r := &Result{Seed: o.Seed, Wallets: o.Wallets, Rounding: o.Rounding, Whole: o.Whole, Swap: o.Swap, Wait: o.Wait,
		Span:   o.Span,
		Blocks: len(e.requests), Holders: w.holders()}
	for _, n := range e.requests { // any order: they are counted
		if n == 1 {
			r.Single++
		}
	}
	chosen := w.chosen(o.Deposits)
	r.Deposits = len(chosen)
	for _, observer := range []struct {
		name string
		sees func(d *deposit) set
	}{{Office, e.office}, {LogAndLedger, e.ledger}, {Payee, e.payee}} {
		seen := tally{name: observer.name}
		for _, i := range chosen {
			d := &w.deposits[i]
			found := observer.sees(d)
			if !found.has(d.by) {
				return nil, &UntrueError{observer.name, i}
			}
			seen.add(found.count(), found.last() == d.by)
		}
		r.Seen = append(r.Seen, seen.result())
	}
	seen := tally{name: Log}
	for _, i := range chosen {
		seen.add(e.notes(&w.deposits[i]), false)
	}
	r.Seen = slices.Insert(r.Seen, 1, seen.result())
	return r, nil
}

// chosen are the deposits that are looked at, evenly among all.
func (w *world) chosen(n int) (list []int) {
	n = min(n, len(w.deposits))
	for i := range n {
		list = append(list, i*len(w.deposits)/n)
	}
	return list
}

func (w *world) holders() (list []Holders) {
	for i, amount := range denominations {
		h := Holders{Amount: amount}
		for j := range w.withdrawals {
			if w.withdrawals[j].notes[i] > 0 {
				h.Wallets++
			}
		}
		if h.Wallets > 0 {
			list = append(list, h)
		}
	}
	return list
}

// eye is what observers look with: the world, blocks, and what candidates were computed before.
type eye struct {
	*world
	interval uint64
	requests map[uint64]int    // of each block
	issued   map[uint64]counts // of each block
	through  []set             // withdrawals that each swap's notes can have come from, as they are asked for
}

// counts are notes of a block, by denomination.
type counts [20]int

func newEye(w *world, o *Options) *eye {
	e := &eye{w, o.Interval, map[uint64]int{}, map[uint64]counts{}, make([]set, len(w.swaps))}
	issue := func(at uint64, notes *bundle) {
		b := e.issued[e.block(at)]
		for i, n := range notes {
			b[i] += int(n)
		}
		e.issued[e.block(at)] = b
	}
	for i := range w.withdrawals {
		e.requests[e.block(w.withdrawals[i].at)]++
		issue(w.withdrawals[i].at, &w.withdrawals[i].notes)
	}
	for i := range w.swaps {
		e.requests[e.block(w.swaps[i].at)]++
		issue(w.swaps[i].at, &w.swaps[i].out)
	}
	for i := range w.deposits {
		e.requests[e.block(w.deposits[i].at)]++
	}
	return e
}

func (e *eye) block(at uint64) uint64 { return at / e.interval }

// fits are the withdrawals up to a time that satisfy a condition. The list is in order of time.
func (e *eye) fits(until uint64, condition func(w *withdrawal) bool) set {
	s := newSet(len(e.withdrawals))
	for i := range e.withdrawals {
		w := &e.withdrawals[i]
		if w.at > until {
			break
		}
		if condition(w) {
			s.put(i)
		}
	}
	return s
}

// origins are the withdrawals that a swap's notes can have come from.
func (e *eye) origins(i int) set {
	if e.through[i] == nil {
		s := &e.swaps[i]
		e.through[i] = e.fits(s.at, func(w *withdrawal) bool { return w.notes.holds(&s.in) })
	}
	return e.through[i]
}

// office: notes come from a withdrawal that has them, or from a swap that made them and a withdrawal that has what it
// took.
func (e *eye) office(d *deposit) set {
	if d.swap < 0 {
		return e.fits(d.at, func(w *withdrawal) bool { return w.notes.holds(&d.in) })
	}
	all := newSet(len(e.withdrawals))
	for i := range e.swaps {
		if s := &e.swaps[i]; s.at <= d.at && s.out.holds(&d.in) {
			all.join(e.origins(i))
		}
	}
	return all
}

// ledger: whoever withdrew that much before. Where the deposit is alone in its block, the block's notes are its notes.
func (e *eye) ledger(d *deposit) set {
	alone := e.requests[e.block(d.at)] == 1 && d.swap < 0
	return e.fits(d.at, func(w *withdrawal) bool {
		return w.amount >= d.amount && (!alone || w.notes.holds(&d.in))
	})
}

// payee: the block that signed the notes says when they were withdrawn, or changed; then he is where the ledger's
// observer is, at that block. A swap that was alone in its block shows what it took.
func (e *eye) payee(d *deposit) set {
	if d.swap < 0 {
		signed := e.block(e.withdrawals[d.by].at)
		return e.fits(d.at, func(w *withdrawal) bool { return e.block(w.at) == signed && w.notes.holds(&d.in) })
	}
	s := &e.swaps[d.swap]
	if e.requests[e.block(s.at)] == 1 {
		return e.origins(d.swap)
	}
	end := (e.block(s.at)+1)*e.interval - 1
	return e.fits(end, func(w *withdrawal) bool { return w.amount >= d.amount })
}

// notes is the smallest number, over a deposit's notes, of notes of the same denomination that were issued up to its
// block.
func (e *eye) notes(d *deposit) int {
	least := -1
	for i, n := range d.in {
		if n == 0 {
			continue
		}
		count := 0
		for block, notes := range e.issued { // any order: they are added up
			if block <= e.block(d.at) {
				count += notes[i]
			}
		}
		if least < 0 || count < least {
			least = count
		}
	}
	return least
}

// tally gathers an observer's sets.
type tally struct {
	name   string
	sizes  []int
	latest int
}

func (t *tally) add(size int, latest bool) {
	t.sizes = append(t.sizes, size)
	if latest {
		t.latest++
	}
}

func (t *tally) result() Seen {
	slices.Sort(t.sizes)
	n := len(t.sizes)
	ppm := func(count int) uint64 { return uint64(count) * 1_000_000 / uint64(n) }
	below := func(size int) int { at, _ := slices.BinarySearch(t.sizes, size); return at }
	return Seen{t.name, t.sizes[0], t.sizes[n/2], ppm(below(10)), ppm(below(2)), ppm(t.latest)}
}

// set is a set of withdrawals, by their numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) put(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }

func (s set) join(other set) {
	for i := range s {
		s[i] |= other[i]
	}
}

func (s set) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// last is the latest withdrawal of a set, -1 of none.
func (s set) last() int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 0 {
			return i*64 + bits.Len64(s[i]) - 1
		}
	}
	return -1
}
