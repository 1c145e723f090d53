package intake_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/node/intake"
)

// clock is a time that a test sets.
type clock struct{ now time.Time }

func newQueue(room int) (*intake.Queue[int], *clock) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	return intake.New[int](room, func() time.Time { return c.now }), c
}

func address(i int) intake.Source { return intake.Source{Class: intake.Stranger, Name: fmt.Sprint(i)} }

var bank = intake.Source{Class: intake.Access, Name: "bank"}

// fill takes all the room that a source gets.
func fill(t *testing.T, q *intake.Queue[int], s intake.Source) (got int) {
	t.Helper()
	for {
		place, _ := q.Reserve(s, 100)
		if place.N == 0 {
			return got
		}
		got += place.N
		if !q.Push(place, got) {
			t.Fatal("closed")
		}
	}
}

// However many strangers send all they may, a bank finds its place, and none of them has more than its own share.
func TestStrangersLeaveRoom(t *testing.T) {
	q, _ := newQueue(16_384)
	for i := range 100 {
		if got := fill(t, q, address(i)); got > 16_384/8 {
			t.Fatalf("a stranger has %d places", got)
		}
	}
	if q.Waiting() > 16_384*3/4 {
		t.Errorf("strangers have %d places", q.Waiting())
	}
	if got := fill(t, q, bank); got < 16_384/8 {
		t.Errorf("a bank has %d places behind a hundred strangers", got)
	}
}

// One who comes when another has much waiting does not wait for all of it, and everybody's own order is kept.
func TestTurns(t *testing.T) {
	q, _ := newQueue(16_384)
	known, _ := q.Reserve(address(1), 1)
	q.Judge(known, 200, 0)
	q.Done(known)
	many := map[intake.Place[int]]int{}
	for i := range 200 {
		place, _ := q.Reserve(address(1), 1)
		q.Push(place, i)
		many[place]++
	}
	place, _ := q.Reserve(address(2), 1)
	q.Push(place, -1)
	before, next := 0, 0
	for {
		v, ok := q.Pop(false)
		if !ok {
			t.Fatal("the second's never came")
		}
		if v == -1 {
			break
		}
		if v != next {
			t.Fatalf("%d came before %d", v, next)
		}
		before, next = before+1, next+1
	}
	if before > 128 {
		t.Errorf("%d of another's came before the second's one", before)
	}
}

// Who forges loses most of its share, others nothing; it comes back with time, and nobody remembers.
func TestForgingCostsTheForgerHisShare(t *testing.T) {
	q, c := newQueue(16_384)
	forger, honest := address(1), address(2)
	place, _ := q.Reserve(honest, 100)
	q.Judge(place, 100, 0)
	q.Done(place)
	place, _ = q.Reserve(forger, 256)
	q.Judge(place, 0, 256)
	q.Done(place)
	if again, _ := q.Reserve(forger, 1000); !again.Disgraced || again.N > 32 {
		t.Errorf("a forger has %d places, in disgrace: %v", again.N, again.Disgraced)
	} else {
		q.Done(again)
	}
	if got, _ := q.Reserve(honest, 1000); got.Disgraced || got.N != 1000 {
		t.Errorf("one who never forged has %d places, in disgrace: %v", got.N, got.Disgraced)
	}
	if got, _ := q.Reserve(bank, 1000); got.Disgraced || got.N != 1000 {
		t.Errorf("a bank has %d places, in disgrace: %v", got.N, got.Disgraced)
	}
	// A new address stands for nothing while others like it forge; the operator's own process always does.
	if got, _ := q.Reserve(address(3), 1000); !got.Disgraced || got.N > 32 {
		t.Errorf("a new address has %d places while strangers forge, in disgrace: %v", got.N, got.Disgraced)
	}
	if got, _ := q.Reserve(intake.Source{}, 5000); got.Disgraced || got.N != 5000 {
		t.Errorf("the operator has %d places, in disgrace: %v", got.N, got.Disgraced)
	}
	c.now = c.now.Add(time.Minute)
	if got, _ := q.Reserve(forger, 1000); got.Disgraced || got.N != 64 {
		t.Errorf("a minute later the forger has %d places, in disgrace: %v", got.N, got.Disgraced)
	}
}

// forge has a source found out with so many forgeries.
func forge(q *intake.Queue[int], s intake.Source, n int) {
	place, _ := q.Reserve(s, 1)
	q.Judge(place, 0, n)
	q.Done(place)
}

// Who forged is barred until half of it was forgotten so often that little is left, and until then a few of what it sends are
// looked at each second, however much it sends: an honest one behind the same address still pays, and earns its standing back.
func TestABarredSourceHasItsLane(t *testing.T) {
	for _, test := range []struct {
		source    intake.Source
		perSecond int
	}{{address(1), 16}, {intake.Source{Class: intake.Session, Name: "wallet"}, 16}, {bank, 256}} {
		q, c := newQueue(16_384)
		if wait, single := q.Barred(test.source); wait != 0 || !single {
			t.Fatalf("%v: barred for %v before it sent anything", test.source, wait)
		}
		forge(q, test.source, 300)
		wait, single := q.Barred(test.source)
		if wait < 4*time.Second || wait > 30*time.Second || !single {
			t.Errorf("%v: barred for %v, with a lane: %v", test.source, wait, single)
		}
		looked := 0
		for range 5000 {
			place, _ := q.Reserve(test.source, 1000)
			looked += place.N
			q.Done(place)
			c.now = c.now.Add(time.Millisecond)
		}
		if most := 6 * test.perSecond; looked > most || looked < test.perSecond {
			t.Errorf("%v: %d of it were looked at in 5 s, want at most %d", test.source, looked, most)
		}
		for range 1000 { // what is left of its lane
			place, _ := q.Reserve(test.source, 1000)
			q.Done(place)
		}
		if wait, single = q.Barred(test.source); single || wait == 0 {
			t.Errorf("%v: barred for %v, with a lane: %v", test.source, wait, single)
		}
		c.now = c.now.Add(wait - time.Millisecond)
		if wait, _ := q.Barred(test.source); wait == 0 {
			t.Errorf("%v: free before its time", test.source)
		}
		c.now = c.now.Add(2 * time.Millisecond)
		if wait, _ := q.Barred(test.source); wait != 0 {
			t.Errorf("%v: barred for another %v when its time is over", test.source, wait)
		}
	}
}

// What is valid earns a source its share back, and a source is barred for what came from it alone: not another address, not a
// wallet's session or a bank, whatever the forgeries were of.
func TestABarIsForItsSource(t *testing.T) {
	q, _ := newQueue(16_384)
	known, _ := q.Reserve(address(2), 1)
	q.Judge(known, 40, 0)
	q.Done(known)
	forge(q, address(1), 300)
	for _, s := range []intake.Source{address(2), bank, {Class: intake.Session, Name: "1"}, {}} {
		if wait, _ := q.Barred(s); wait != 0 {
			t.Errorf("%v is barred for %v", s, wait)
		}
	}
	// A new address is looked at slowly while strangers forge, and no more when one of it was valid.
	place, _ := q.Reserve(address(3), 1000)
	if wait, _ := q.Barred(address(3)); wait == 0 || place.N == 0 || place.N > 16 {
		t.Errorf("a new address is barred for %v with %d places", wait, place.N)
	}
	q.Judge(place, 1, 0)
	q.Done(place)
	if wait, _ := q.Barred(address(3)); wait != 0 {
		t.Errorf("one that has paid is barred for %v", wait)
	}
	earning, _ := q.Reserve(address(1), 1)
	q.Judge(earning, 300*64, 0)
	q.Done(earning)
	if wait, _ := q.Barred(address(1)); wait != 0 {
		t.Errorf("one whose signatures are good again is barred for %v", wait)
	}
}

// From however many addresses it comes, so much a second of what is doubted is looked at, and looking makes no place in the table.
func TestAllLanesTogether(t *testing.T) {
	q, c := newQueue(16_384)
	for i := range 200 {
		forge(q, address(i), 100)
	}
	c.now = c.now.Add(2 * time.Second)
	looked, before := 0, q.Sources()
	for i := range 2000 {
		q.Barred(address(1000 + i))
		place, _ := q.Reserve(address(i%200), 1000)
		looked += place.N
		q.Done(place)
	}
	if looked != 256 {
		t.Errorf("%d of 200 forgers were looked at at once", looked)
	}
	if after := q.Sources(); after != before {
		t.Errorf("%d sources are kept, and were %d before anybody looked", after, before)
	}
}

// Sources without end take no memory without end, and cannot drive out one that has something waiting.
func TestSourcesWithoutEnd(t *testing.T) {
	q, c := newQueue(16_384)
	kept, _ := q.Reserve(bank, 10)
	q.Push(kept, 7)
	for i := range 100_000 {
		place, _ := q.Reserve(address(i), 1)
		q.Done(place)
		if i%10_000 == 0 {
			c.now = c.now.Add(time.Second)
		}
	}
	if n := q.Sources(); n > 16_384+4 {
		t.Errorf("%d sources are kept", n)
	}
	if v, ok := q.Pop(false); !ok || v != 7 {
		t.Errorf("%d, %v", v, ok)
	}
	q.Done(kept)
	if q.Waiting() != 0 {
		t.Errorf("%d wait", q.Waiting())
	}
}

// Whatever is reserved, pushed, taken out and given back in whatever order: what goes in comes out once, in each source's
// order, and no source and no class has more than its share.
func TestQueueAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(1, 400).Draw(t, "room")
		q, c := newQueue(room)
		type entry struct {
			place  intake.Place[int]
			source intake.Source
		}
		queued, out := map[int]entry{}, []entry{}
		order := map[intake.Source][]int{}
		waiting, unknown, next := 0, 0, 0
		source := rapid.Custom(func(t *rapid.T) intake.Source {
			return intake.Source{Class: intake.Class(rapid.IntRange(0, 3).Draw(t, "class")), Name: fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "name"))}
		})
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				s := source.Draw(t, "source")
				place, _ := q.Reserve(s, rapid.IntRange(1, 50).Draw(t, "size"))
				if place.N == 0 {
					return
				}
				waiting += place.N
				if s.Class >= intake.Session {
					unknown += place.N
				}
				next++
				q.Push(place, next)
				queued[next], order[s] = entry{place, s}, append(order[s], next)
			},
			"pop": func(t *rapid.T) {
				v, ok := q.Pop(false)
				if ok != (len(queued) > 0) {
					t.Fatalf("popped: %v, with %d queued", ok, len(queued))
				}
				if !ok {
					return
				}
				e := queued[v]
				if order[e.source][0] != v {
					t.Fatalf("%v: %d came before %d", e.source, v, order[e.source][0])
				}
				order[e.source] = order[e.source][1:]
				delete(queued, v)
				out = append(out, e)
			},
			"done": func(t *rapid.T) {
				if len(out) == 0 {
					return
				}
				e := out[0]
				out = out[1:]
				q.Judge(e.place, rapid.IntRange(0, e.place.N).Draw(t, "valid"), rapid.IntRange(0, e.place.N).Draw(t, "forged"))
				q.Done(e.place)
				waiting -= e.place.N
				if e.source.Class >= intake.Session {
					unknown -= e.place.N
				}
			},
			"wait": func(t *rapid.T) {
				c.now = c.now.Add(time.Duration(rapid.IntRange(0, 10_000).Draw(t, "millis")) * time.Millisecond)
			},
			"": func(t *rapid.T) {
				if q.Waiting() != waiting || waiting > room || unknown > max(1, room*3/4) {
					t.Fatalf("%d wait, counted %d of %d, %d of them unknown", q.Waiting(), waiting, room, unknown)
				}
			},
		})
	})
}

// A closed queue takes nothing in, and lets out what it has.
func TestClosing(t *testing.T) {
	q, _ := newQueue(10)
	place, _ := q.Reserve(bank, 1)
	q.Push(place, 1)
	late, _ := q.Reserve(bank, 1)
	q.Close()
	if q.Push(late, 2) {
		t.Error("it took something in")
	}
	if v, ok := q.Pop(true); !ok || v != 1 {
		t.Errorf("%d, %v", v, ok)
	}
	if _, ok := q.Pop(true); ok {
		t.Error("there is more")
	}
}
