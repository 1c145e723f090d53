package fleet

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// Outcome is the end of one poll: a reading or the reason why there is none.
type Outcome struct {
	Index   int // of the machine in the watch
	At      time.Time
	Reading *protocol.Reading
	Err     error
	Was     protocol.Protocol // that it was asked in before it was found to speak another; "": it is the same
}

// Watcher polls every machine once an interval, spread evenly over it, each in a goroutine of its own
// with its own deadline, so that silent machines delay nobody.
type Watcher struct {
	Machines []*Machine
	Interval time.Duration
	Timeout  time.Duration                                                    // of one poll; must be below the interval
	Query    func(ctx context.Context, m *Machine) (*protocol.Reading, error) // usually Poll
	// Identify tells who answers at a machine's address; asked at first and whenever a machine comes
	// back, because addresses change hands. nil: never asked.
	Identify func(ctx context.Context, m *Machine) (mac, serial string, err error)
	// Detect finds out anew in which protocol a machine speaks whose polls do not fit; the reading is nil when that is
	// not found. nil: never asked.
	Detect func(ctx context.Context, m *Machine) (*Machine, *protocol.Reading)
	// Handle gets outcomes in batches, from one goroutine, about once a second.
	Handle func([]Outcome)
	// MaxInFlight is how many polls may wait at a time; 0: as many as can time out at once, and more.
	MaxInFlight int
	// Log is told of what keeps machines from being polled; nil: nobody is.
	Log *slog.Logger

	mu         sync.Mutex
	state      []watched // by machine
	detections int       // under way
	Polls      atomic.Int64
	Skipped    atomic.Int64 // not begun for want of a slot: our fault, not the machine's
	WorstLag   atomic.Int64 // milliseconds between when a poll was due and when it began
}

// watched is what the watch remembers of a machine; the watcher's lock owns it.
type watched struct {
	busy       bool
	asked      time.Time // when its last poll began; before the first, when the watch did
	identified bool
	misfits    int // polls in a row whose answers do not fit the protocol
	nextDetect int // misfits at which it is asked anew
}

// Run polls until ctx ends, then waits for the polls that are under way.
func (w *Watcher) Run(ctx context.Context) error {
	if len(w.Machines) == 0 {
		return farm.Refuse("no-machine", "fleet",
			"there is no machine to watch; add some with 'aqsha farm scan' or 'aqsha farm import'")
	}
	if w.Interval <= 0 || w.Timeout <= 0 || w.Timeout >= w.Interval {
		return farm.Refuse("farm-out-of-range", "timeout", "want it above 0 and below the interval, got %v and %v",
			w.Timeout, w.Interval)
	}
	if w.MaxInFlight == 0 {
		// If every machine were silent, so many polls would wait at once (machines × timeout ÷ interval); twice that,
		// so that only a real jam skips.
		w.MaxInFlight = int(int64(len(w.Machines))*int64(w.Timeout)/int64(w.Interval))*2 + 64
	}
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	w.state = make([]watched, len(w.Machines))
	outcomes := make(chan Outcome, 1024)
	collected := make(chan struct{})
	go func() { w.collect(outcomes); close(collected) }()
	slots := make(chan struct{}, w.MaxInFlight)
	var polls sync.WaitGroup
	w.schedule(ctx, func(i int) bool {
		select {
		case slots <- struct{}{}:
			polls.Go(func() {
				w.one(ctx, i, outcomes)
				<-slots
			})
			return true
		default:
			return false
		}
	})
	polls.Wait()
	// In this order: no poll writes to a closed channel, and the last outcomes are stored before Run returns.
	close(outcomes)
	<-collected
	return nil
}

// rota says when whose turn is: machine after machine, spread over the interval, so that neither network nor disk meets
// the fleet at once.
type rota struct {
	start           time.Time
	interval        time.Duration
	machines        int
	round, position int
}

func (r *rota) machine() int { return r.position }

// due is when the turn of the machine at hand comes. Against the start and not the turn before: lateness does not add
// up.
func (r *rota) due() time.Time {
	share := r.interval * time.Duration(r.position) / time.Duration(r.machines)
	return r.start.Add(time.Duration(r.round)*r.interval + share)
}

// catchUp puts everything off by what was lost, if at least allowed was: turns that went by while the host stood still
// are not taken all at once, and each machine's next one comes within an interval from now.
func (r *rota) catchUp(now time.Time, allowed time.Duration) (lost time.Duration) {
	if lost = now.Sub(r.due()); lost < allowed {
		return 0
	}
	r.start = r.start.Add(lost)
	return lost
}

// next goes on to the next machine and says whether a round is complete.
func (r *rota) next() (complete bool) {
	if r.position++; r.position == r.machines {
		r.position, r.round = 0, r.round+1
		return true
	}
	return false
}

// overdueAfter is how many intervals a machine may go without a poll before that is a warning.
const overdueAfter = 3

// shortfall is what of a round was not polled.
type shortfall struct {
	skipped, overdue int
	machines         []string // of the overdue, the first few
}

// schedule calls begin for each machine at its time, until ctx ends. Begin says whether a poll has begun.
func (w *Watcher) schedule(ctx context.Context, begin func(i int) bool) {
	turns := rota{start: time.Now(), interval: w.Interval, machines: len(w.Machines)}
	for i := range w.state {
		w.state[i].asked = turns.start
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	var short shortfall
	for {
		if wait := time.Until(turns.due()); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		} else if lag := -wait.Milliseconds(); lag > w.WorstLag.Load() {
			w.WorstLag.Store(lag)
		}
		if ctx.Err() != nil {
			return
		}
		// What is overdue by less fits into the slots beside polls that time out.
		if lost := turns.catchUp(time.Now(), w.Timeout); lost > 0 {
			w.Log.Warn("the watch stood still: nobody was polled", "for", lost.Round(time.Second))
		}
		w.turn(turns.machine(), begin, &short)
		if turns.next() {
			if short.skipped+short.overdue > 0 {
				w.Log.Warn("machines are not polled in time", "skipped", short.skipped, "overdue", short.overdue,
					"overdue_machines", short.machines)
			}
			short = shortfall{}
		}
	}
}

// turn begins a machine's poll unless one is under way.
func (w *Watcher) turn(i int, begin func(i int) bool, short *shortfall) {
	const named = 10
	now := time.Now()
	w.mu.Lock()
	s := &w.state[i]
	if now.Sub(s.asked) > overdueAfter*w.Interval {
		if short.overdue++; len(short.machines) < named {
			short.machines = append(short.machines, w.Machines[i].ID)
		}
	}
	// Under the lock with one, which clears it: a machine that answers slowly is asked again only when it has
	// answered, or a hung one would gather polls.
	busy, before := s.busy, s.asked
	if !busy {
		s.busy, s.asked = true, now
	}
	w.mu.Unlock()
	if busy || begin(i) {
		return
	}
	// No poll will clear it: its next turn is to find it free.
	w.mu.Lock()
	s.busy, s.asked = false, before
	w.mu.Unlock()
	w.Skipped.Add(1)
	short.skipped++
}

// one is one poll.
func (w *Watcher) one(ctx context.Context, i int, outcomes chan<- Outcome) {
	// A machine that was known by its certificate is asked in no other way: whoever can break its connections could
	// have it asked in clear.
	deadline, stop := context.WithTimeout(ctx, w.Timeout)
	defer stop()
	w.mu.Lock()
	m, identified := *w.Machines[i], w.state[i].identified
	w.mu.Unlock()
	reading, err := w.Query(deadline, &m)
	was, anew, fits := m.Protocol, false, w.Detect == nil || m.TLS || !misfit(reading, err)
	if !fits && ctx.Err() == nil {
		if found, other := w.detect(ctx, i, &m, reading); found != nil || other != nil {
			reading, err, fits, anew = found, other, other == nil, found != nil
		}
	}
	if err == nil {
		_, err = m.Confirm(reading.MAC, reading.Serial, reading.MinerID, reading.Model)
	}
	if err == nil && !identified && w.Identify != nil {
		err = w.check(deadline, &m)
	}
	w.mu.Lock()
	w.Machines[i].Single = m.Single
	if w.Machines[i].Certificate == "" {
		w.Machines[i].Certificate = m.Certificate // seen first
	}
	outcome := Outcome{Index: i, Err: err}
	if err == nil && anew {
		w.Machines[i].SpeakAs(&m)
		outcome.Was = was
	}
	if fits {
		w.state[i].misfits, w.state[i].nextDetect = 0, 0
	}
	w.state[i].busy, w.state[i].identified = false, err == nil
	w.mu.Unlock()
	if ctx.Err() != nil {
		return // stopped by us: says nothing of the machine
	}
	w.Polls.Add(1)
	if err == nil {
		outcome.Reading = reading
	}
	outcome.At = time.Now()
	outcomes <- outcome
}

// check refuses a machine that is another one than its address says.
func (w *Watcher) check(ctx context.Context, m *Machine) error {
	mac, serial, err := w.Identify(ctx, m)
	if err != nil {
		return nil //nolint:nilerr // it answers, and does not say who it is
	}
	_, err = m.Confirm(mac, serial, "", "")
	return err
}

// Move gives a machine another address.
func (w *Watcher) Move(i int, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Machines[i].Address, w.state[i].identified = address, false
}

// Locked runs an action while no poll reads or changes a machine.
func (w *Watcher) Locked(action func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	action()
}

// collect hands outcomes on in batches.
func (w *Watcher) collect(outcomes <-chan Outcome) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var batch []Outcome
	hand := func() {
		if len(batch) > 0 {
			w.Handle(batch)
			batch = nil
		}
	}
	for {
		select {
		case o, ok := <-outcomes:
			if !ok {
				hand()
				return
			}
			batch = append(batch, o)
		case <-ticker.C:
			hand()
		}
	}
}
