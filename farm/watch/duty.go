package watch

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/book"
	"github.com/aqsha/aqsha/farm/dialect"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/sample"
	"github.com/aqsha/aqsha/farm/use"
)

// Options of a duty.
type Options struct {
	Interval, Timeout time.Duration // 0: the farm's settings
	Log               *slog.Logger
	PoolWorkers       string                                                                // URL of the pool's workers, read every five minutes; "": none
	Tell              func([]alert.Notice)                                                  // besides log, file and webhooks
	Ask               func(ctx context.Context, m *fleet.Machine) (*dialect.Reading, error) // nil: fleet.Poll
}

// Duty watches a farm.
type Duty struct {
	book     *book.Book
	options  Options
	watcher  fleet.Watcher
	numbers  []uint32
	subjects []alert.Subject
	where    map[string]int // machine by serial number and MAC
	hook     alert.Webhook
	log      *slog.Logger
	file     *os.File // alerts.jsonl

	mu        sync.Mutex // guards what metrics read
	detectors []alert.Detector
	latest    []use.Poll
	answered  []bool
	counts    Counts
}

// Counts of a duty so far.
type Counts struct {
	Polls    int64 `json:"polls"`
	Answered int64 `json:"answered"`
	Skipped  int64 `json:"skipped"`
	Late     int64 `json:"late"`
	Raised   int64 `json:"alertsRaised"`
	LagMS    int64 `json:"worstLagMillis"`
}

// New prepares a duty over a farm that is open for writing.
func New(b *book.Book, o Options) (*Duty, error) {
	if o.Interval == 0 {
		o.Interval = b.Config.Interval
	}
	if o.Timeout == 0 {
		o.Timeout = b.Config.Timeout
	}
	if o.Ask == nil {
		o.Ask = fleet.Poll
	}
	n := len(b.Fleet.Machines)
	d := &Duty{book: b, options: o, log: o.Log, where: map[string]int{}, subjects: make([]alert.Subject, n), detectors: make([]alert.Detector, n), latest: make([]use.Poll, n), answered: make([]bool, n)}
	identities := make([]string, n)
	machines := make([]*fleet.Machine, n)
	for i := range b.Fleet.Machines {
		m := &b.Fleet.Machines[i]
		machines[i], identities[i] = m, m.ID
		d.subjects[i] = alert.Subject{ID: m.ID, Place: m.Place.String()}
		for _, identity := range []string{m.Serial, m.MAC} {
			if identity != "" {
				d.where[identity] = i
			}
		}
	}
	var err error
	if d.numbers, err = b.Store.Numbers(identities); err != nil {
		return nil, err
	}
	d.watcher = fleet.Watcher{Machines: machines, Interval: o.Interval, Timeout: o.Timeout, Ask: o.Ask, Identify: fleet.Identify, Handle: d.handle}
	d.hook = alert.Webhook{URLs: b.Config.Webhooks, Log: o.Log}
	d.file, err = os.OpenFile(filepath.Join(b.Dir, "alerts.jsonl"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	return d, err
}

// Run watches until ctx ends, and sums up settled days every hour.
func (d *Duty) Run(ctx context.Context) error {
	d.hook.Start(ctx)
	defer d.hook.Close()
	var housekeeping sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	housekeeping.Go(func() { d.housekeep(ctx) })
	if d.options.PoolWorkers != "" {
		housekeeping.Go(func() { d.readPool(ctx) })
	}
	err := d.watcher.Run(ctx)
	stop()
	housekeeping.Wait()
	return errors.Join(err, d.file.Close(), d.save())
}

func (d *Duty) housekeep(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		days, err := d.book.SumUp(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Error("summing up", "error", err)
		}
		for _, day := range days {
			d.log.Info("summed up", "day", day.Time().Format(time.DateOnly))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := d.save(); err != nil {
				d.log.Error("saving the fleet", "error", err)
			}
		}
	}
}

// readPool writes down the pool's counters at each multiple of five minutes, where machines' accounts are cut too.
func (d *Duty) readPool(ctx context.Context) {
	for {
		now := use.At(time.Now())
		next := now.Floor(use.Grid) + use.Grid
		select {
		case <-ctx.Done():
			return
		case <-time.After(next.Time().Sub(now.Time())):
		}
		asked, stop := context.WithTimeout(ctx, time.Minute)
		readings, err := book.AskPool(asked, d.options.PoolWorkers, next)
		stop()
		if err == nil {
			err = book.WritePool(d.book.Dir, readings)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Error("reading the pool's workers", "error", err)
		}
	}
}

// save keeps what was learned of machines: ideal rates, boards, addresses.
func (d *Duty) save() (err error) {
	d.watcher.Locked(func() { err = d.book.Fleet.Save() })
	return err
}

// handle takes the outcomes of about a second.
func (d *Duty) handle(outcomes []fleet.Outcome) {
	rows := make([]sample.Row, 0, len(outcomes))
	var changes []alert.Change
	d.mu.Lock()
	for _, o := range outcomes {
		observation := d.observe(o)
		if observation.Answered {
			rows = append(rows, sample.Row{Machine: d.numbers[o.Index], Poll: observation.Poll})
			d.latest[o.Index] = observation.Poll
			d.counts.Answered++
		}
		d.answered[o.Index] = observation.Answered
		d.counts.Polls++
		for _, c := range d.detectors[o.Index].Observe(observation) {
			c.Machine = o.Index
			changes = append(changes, c)
			if c.Raised {
				d.counts.Raised++
			}
		}
	}
	d.mu.Unlock()
	late, err := d.book.Store.Append(rows)
	if err != nil {
		d.log.Error("storing polls", "error", err)
	}
	d.mu.Lock()
	d.counts.Late += int64(late)
	d.mu.Unlock()
	d.tell(changes)
}

// observe turns an outcome into an observation, and follows machines that have moved.
func (d *Duty) observe(o fleet.Outcome) alert.Observation {
	m := d.watcher.Machines[o.Index]
	out := alert.Observation{At: use.At(o.At), Accepted: use.Unknown, Rejected: use.Unknown}
	if o.Err != nil {
		out.Why = o.Err.Error()
		var refusal *farm.Error
		out.Garbled = errors.As(o.Err, &refusal)
		var other *fleet.OtherMachine
		if errors.As(o.Err, &other) {
			d.follow(other)
		}
		return out
	}
	out.Answered = true
	d.watcher.Locked(func() { out.Poll = m.Observe(o.Reading, o.At, d.book.Config.Pools) })
	out.Accepted, out.Rejected, out.HotLimit = o.Reading.Accepted, o.Reading.Rejected, m.Catalogue().HeatLimit
	return out
}

// follow moves the machine that answers at another's address.
func (d *Duty) follow(other *fleet.OtherMachine) {
	for _, identity := range []string{other.Serial, other.MAC} {
		if i, ok := d.where[identity]; ok {
			d.log.Info("a machine has moved", "machine", d.subjects[i].ID, "address", other.Address)
			d.watcher.Move(i, other.Address)
			return
		}
	}
}

// tell groups what changed, holds silenced notices back and hands the others on.
func (d *Duty) tell(changes []alert.Change) {
	if len(changes) == 0 {
		return
	}
	silences, err := ReadSilences(d.book.Dir)
	if err != nil {
		d.log.Error("silences", "error", err)
	}
	notices := alert.Group(alert.Silenced(changes, d.subjects, silences), d.subjects)
	encoder := json.NewEncoder(d.file)
	for _, n := range notices {
		if err := encoder.Encode(n); err != nil {
			d.log.Error("alerts.jsonl", "error", err)
		}
		d.log.Info("alert", "kind", n.Kind, "raised", n.Raised, "scope", n.Scope, "machines", len(n.Machines), "detail", n.Detail)
	}
	d.hook.Send(notices)
	if d.options.Tell != nil {
		d.options.Tell(notices)
	}
}

// Counts are the figures so far.
func (d *Duty) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counts
	c.Skipped, c.LagMS = d.watcher.Skipped.Load(), d.watcher.WorstLag.Load()
	return c
}

// ReadSilences reads the silences of a folder.
func ReadSilences(dir string) (silences []alert.Silence, err error) {
	content, err := os.ReadFile(filepath.Join(dir, "silences.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &silences)
	}
	return silences, err
}

// WriteSilences stores the silences of a folder.
func WriteSilences(dir string, silences []alert.Silence) error {
	content, err := json.MarshalIndent(silences, "", " ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "silences.json")
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
