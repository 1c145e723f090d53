package office

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
)

// How a world's disk fails.
const (
	crashes   = iota // in the middle of an operation: what was not synced is lost, or torn
	syncFails        // and the page cache keeps what the disk has not: the machine goes on, and crashes later
	writeFails
	killed // the process ends, the machine goes on, and crashes later
	faults
)

// At some operation of the disk it fails: nothing acknowledged is lost, a repeat gets the same answer, a melt is paid
// once or not at all, nothing is pending for ever, and the log verifies. AQSHA_CRASHES says how many worlds; the long
// target has 5,000.
func TestOfficeSurvivesCrashes(t *testing.T) {
	worlds := 200
	if raced { // it finds nothing in one goroutine, and make test plays all of them without it
		worlds = 40
	}
	if text := os.Getenv("AQSHA_CRASHES"); text != "" {
		var err error
		if worlds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	first := 0
	if text := os.Getenv("AQSHA_CRASH_FROM"); text != "" {
		var err error
		if first, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var next, struck int
	var all sync.WaitGroup
	for range runtime.NumCPU() {
		all.Go(func() {
			for {
				mu.Lock()
				seed := first + next
				next++
				mu.Unlock()
				if seed >= first+worlds || t.Failed() {
					return
				}
				hit := playCrash(t, uint64(seed))
				mu.Lock()
				if hit {
					struck++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d worlds, the fault struck in %d", worlds, struck)
	if struck < worlds/2 {
		t.Fatal("too few faults struck")
	}
}

// deed is a request and what came back.
type deed struct {
	swap   *SwapRequest
	melt   *MeltRequest
	outs   []coin.Blank
	amount money.Tiyn
	answer []cash.Signature
	done   bool // answered: nobody may forget it
}

func (d *deed) inputs() []cash.Proof {
	if d.melt != nil {
		return d.melt.Inputs
	}
	return d.swap.Inputs
}

// crashWorld is a world with notes of its people, each used once.
type crashWorld struct {
	*world
	seed  uint64
	rand  *rand.Rand
	disk  *disk.Disk
	notes [][]cash.Proof
	deeds []*deed
	later bool
}

func playCrash(t *testing.T, seed uint64) (struck bool) {
	c := &crashWorld{seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), disk: disk.New(seed)}
	c.world = newWorld(t, c.disk.FS())
	c.retry = 3 * time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := c.open(); err != nil {
		t.Errorf("world %d: %v", seed, err)
		return
	}
	if err := c.stock(ctx); err != nil {
		t.Errorf("world %d: %v", seed, err)
		return
	}
	fault := c.rand.IntN(faults)
	at := 1 + c.rand.IntN(14)
	switch fault {
	case crashes:
		c.disk.CrashAt(at)
	case syncFails:
		c.disk.FailSyncAt(1 + at/2)
	case writeFails:
		c.disk.FailWriteAt(1 + at/2)
	}
	c.ledger.lose = c.rand.IntN(2)
	for range 3 + c.rand.IntN(4) {
		if err := c.act(ctx); err != nil {
			struck = true
			if !isFault(err) {
				t.Errorf("world %d: %v", seed, err)
				return struck
			}
			break
		}
	}
	c.office.Close()
	if fault == killed {
		c.disk.Kill()
		struck = true
	}
	if fault == crashes || struck && c.rand.IntN(2) == 0 && fault != killed {
		c.disk.Restart()
	}
	return struck && c.afterwards(t, ctx) || struck
}

// isFault says whether an error is of the disk, and no refusal.
func isFault(err error) bool {
	var refused *cash.Refusal
	return !errors.As(err, &refused)
}

// stock buys notes, two in a purse.
func (c *crashWorld) stock(ctx context.Context) error {
	all, err := c.buy(ctx, 1000)
	if err != nil {
		return err
	}
	blanks := c.blanks(50, 50, 50, 50, 50, 50, 50, 50, 100, 100, 100, 100, 100, 100)
	signatures, err := c.office.Swap(ctx, keyOf("stock"), SwapRequest{coin.Strip(all), coin.Outputs(blanks)})
	if err != nil {
		return err
	}
	notes := coin.Strip(c.world.notes(blanks, signatures))
	for i := 0; i+1 < len(notes); i += 2 {
		c.notes = append(c.notes, notes[i:i+2])
	}
	return nil
}

// act does something that people, or the clock, do.
func (c *crashWorld) act(ctx context.Context) error {
	if len(c.notes) == 0 {
		return nil
	}
	switch c.rand.IntN(7) {
	case 0, 1, 2:
		return c.change(ctx)
	case 3, 4:
		return c.pays(ctx)
	case 5:
		if !c.later && c.rand.IntN(3) == 0 {
			c.later = true
			c.clock = c.clock.Add(50 * time.Minute) // the journal's next file is due
		}
		return c.office.CloseBlock(ctx)
	}
	states, err := c.office.States(ctx, ysOf(c.notes[0]))
	if err == nil && states[0].State != cash.StateUnspent {
		c.t.Errorf("world %d: a note that nobody used is %s", c.seed, states[0].State)
	}
	return err
}

func (c *crashWorld) purse() []cash.Proof {
	notes := c.notes[0]
	c.notes = c.notes[1:]
	return notes
}

func (c *crashWorld) change(ctx context.Context) error {
	in := c.purse()
	d := &deed{amount: coin.Total(in)}
	d.outs = c.blanks(cash.Split(d.amount, []money.Tiyn{10, 20, 50}, 20)...)
	d.swap = &SwapRequest{in, coin.Outputs(d.outs)}
	c.deeds = append(c.deeds, d)
	var err error
	d.answer, err = c.office.Swap(ctx, keyOf(d.swap), *d.swap)
	d.done = err == nil
	return err
}

func (c *crashWorld) pays(ctx context.Context) error {
	in := c.purse()
	d := &deed{amount: coin.Total(in) - 30, outs: c.blanks(make([]money.Tiyn, 5)...)}
	quote, err := c.office.NewMeltQuote(ctx, payRequest(d.amount))
	if err != nil {
		return err
	}
	d.melt = &MeltRequest{Quote: quote.ID, Inputs: in, Outputs: coin.Outputs(d.outs), Async: c.rand.IntN(2) == 0}
	c.deeds = append(c.deeds, d)
	c.ledger.mu.Lock()
	c.ledger.refuse = d.melt.Async && c.rand.IntN(2) == 0
	c.ledger.mu.Unlock()
	melted, err := c.office.Melt(ctx, keyOf(quote.ID), *d.melt)
	d.done, d.answer = err == nil && melted.Quote.State == cash.Paid, melted.Change
	return err
}

func ysOf(notes []cash.Proof) (ys []string) {
	for i := range notes {
		ys = append(ys, cash.HexPoint(curve.HashToCurve([]byte(notes[i].Secret))))
	}
	return ys
}

// afterwards begins the office anew, holds it to its answers, crashes the machine, and holds it to them again.
func (c *crashWorld) afterwards(t *testing.T, ctx context.Context) bool {
	for life := range 2 {
		c.files = c.disk.FS()
		if err := c.open(); err != nil {
			t.Errorf("world %d, life %d: %v", c.seed, life, err)
			return true
		}
		err := c.holds(ctx)
		if err == nil {
			err = c.ends(ctx, life)
		}
		c.office.Close()
		if err != nil {
			t.Errorf("world %d, life %d: %v", c.seed, life, err)
			return true
		}
		c.disk.Restart() // what the page cache alone had is gone now
	}
	return true
}

// holds says whether what was answered stands: before anybody repeats his request, which would do it again.
func (c *crashWorld) holds(ctx context.Context) error {
	for i, d := range c.deeds {
		if !d.done {
			continue
		}
		states, err := c.office.States(ctx, ysOf(d.inputs()))
		if err != nil {
			return err
		}
		for _, s := range states {
			if s.State != cash.StateSpent {
				return fmt.Errorf("deed %d was answered and its note is %s", i, s.State)
			}
		}
		found, _, err := c.office.Restore(ctx, coin.Outputs(d.outs[:len(d.answer)]))
		if err != nil || len(found) != len(d.answer) {
			return fmt.Errorf("deed %d was answered with %d signatures and %d are restored: %w", i, len(d.answer),
				len(found), err)
		}
	}
	return nil
}

// ends has everybody repeat what was not answered, and what was; all of it is executed then, once.
func (c *crashWorld) ends(ctx context.Context, life int) error {
	c.ledger.mu.Lock()
	c.ledger.refuse, c.ledger.lose = false, 0
	c.ledger.mu.Unlock()
	if life == 0 {
		c.ledger.mu.Lock()
		c.ledger.millis += 60_001 // whatever was on its way has come or never will
		c.ledger.mu.Unlock()
	}
	if err := c.office.Settle(ctx); err != nil {
		return err
	}
	paid := money.Tiyn(0)
	for i, d := range c.deeds {
		answer, err := c.repeats(ctx, d)
		if err != nil {
			return fmt.Errorf("deed %d, answered %t: %w", i, d.done, err)
		}
		if d.done && !reflect.DeepEqual(answer, d.answer) {
			return fmt.Errorf("deed %d has another answer", i)
		}
		d.done, d.answer = true, answer
		if d.melt != nil {
			paid += d.amount
		}
	}
	if got := c.ledger.paidOut(); got != paid {
		return fmt.Errorf("%d was paid, %d had to be", got, paid)
	}
	if s := c.office.Status(); s.Pending != 0 || s.Reserve.Balance() != c.ledger.balance || !s.Reserve.Holds() ||
		s.Outstanding != s.Reserve.Circulating() {
		return fmt.Errorf("%+v, the ledger has %d", s, c.ledger.balance)
	}
	if err := c.office.CloseBlock(ctx); err != nil {
		return err
	}
	if checker := c.verify(); checker.Outstanding() != c.office.Status().Outstanding || !checker.Last.Compared {
		return fmt.Errorf("the log has %d in circulation", checker.Outstanding())
	}
	return nil
}

func (c *crashWorld) repeats(ctx context.Context, d *deed) ([]cash.Signature, error) {
	if d.swap != nil {
		return c.office.Swap(ctx, keyOf(d.swap), *d.swap)
	}
	d.melt.Async = false
	melted, err := c.office.Melt(ctx, keyOf(d.melt.Quote), *d.melt)
	if codeOf(err) == cash.PaymentFailed { // it lapsed: who wants it all the same asks anew
		melted, err = c.office.Melt(ctx, keyOf(d.melt.Quote+" again"), *d.melt)
	}
	if err == nil && melted.Quote.State != cash.Paid {
		err = fmt.Errorf("the melt is %s", melted.Quote.State)
	}
	return melted.Change, err
}

// paidOut is all that the reserve paid.
func (l *ledger) paidOut() (sum money.Tiyn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, amount := range l.executed { // any order: a sum
		sum += amount
	}
	return sum
}
