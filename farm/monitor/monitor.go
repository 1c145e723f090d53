package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Options of a monitor.
type Options struct {
	Interval, Timeout time.Duration // 0: the farm's settings
	Log               *slog.Logger
	// URL of the pool's workers, read every five minutes; "": none
	PoolWorkers string
	// besides log, file and webhooks
	Notify func([]alert.Notice)
	Query  func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) // nil: fleet.Poll
	// nil: fleet.Detect, and none beside a Query
	Detect func(ctx context.Context, m *fleet.Machine) (*fleet.Machine, *protocol.Reading)
	// nil: over the network
	Send func(ctx context.Context, r *notify.Route, m notify.Message) error
}

// Monitor watches a farm.
type Monitor struct {
	records  *records.Records
	options  Options
	watcher  *fleet.Watcher // replaced between rounds only
	numbers  []uint32
	subjects []alert.Subject
	where    map[string][]int // machines by serial number, MAC and control board, each of which several may have
	hooks    notify.Hooks
	looked   usage.Instant // as it was written down last; handle's, and Run's after it
	newest   usage.Instant // of any poll that ended
	courier  notify.Courier
	log      *slog.Logger
	alerts   *durable.Lines // alerts.jsonl, while it runs

	saving sync.Mutex // one writer of the inventory's file at a time; taken before mu

	mu        sync.Mutex // guards what metrics and saving read
	detectors []alert.Detector
	latest    []usage.Poll
	answered  []bool
	standing  alert.State // which alerts hold, as alerts.jsonl has it
	counts    Counts
	skipped   int64 // by watchers before
	worstLag  int64
	moved     map[string]bool // machines whose address has changed since it was saved
	respoken  map[string]bool // and those that were found to speak another protocol
}

// Counts of a monitor so far.
type Counts struct {
	Polls    int64 `json:"polls"`
	Answered int64 `json:"answered"`
	Skipped  int64 `json:"skipped"`
	Late     int64 `json:"late"`
	Raised   int64 `json:"alerts_raised"`
	LagMS    int64 `json:"worst_lag_millis"`
}

// New prepares a monitor over a farm that is open for writing.
func New(b *records.Records, o Options) (*Monitor, error) {
	if o.Interval == 0 {
		o.Interval = b.Config.Interval
	}
	if o.Timeout == 0 {
		o.Timeout = b.Config.Timeout
	}
	if o.Query == nil {
		o.Query = fleet.Poll
		if o.Detect == nil {
			o.Detect = fleet.Detect
		}
	}
	d := &Monitor{records: b, options: o, log: o.Log, moved: map[string]bool{}, respoken: map[string]bool{},
		hooks: notify.Hooks{Dir: b.Dir, URLs: b.Config.Webhooks, Log: o.Log},
		courier: notify.Courier{Dir: b.Dir, Name: b.Config.Name, Zone: b.Config.Location(), Routes: b.Config.Routes,
			Log: o.Log, Send: o.Send}}
	if err := d.courier.Open(); err != nil {
		return nil, err
	}
	if err := d.hooks.Open(); err != nil {
		return nil, err
	}
	if err := d.take(b.Fleet); err != nil {
		return nil, err
	}
	standing, _, err := b.Standing()
	if err != nil {
		return nil, err
	}
	byID := make(map[string]int, len(d.subjects))
	for i, s := range d.subjects {
		byID[s.ID] = i
	}
	// An alert that was raised before a restart goes on, and ends with a notice. Each is of the fleet: Standing
	// leaves out what was taken from it.
	for _, s := range standing {
		d.detectors[byID[s.Machine]].Resume(s.Kind)
	}
	return d, nil
}

// take makes a fleet the one that is watched. What is remembered of its machines stays.
func (d *Monitor) take(inventory *fleet.Inventory) error {
	known := map[string]int{}
	for i, s := range d.subjects {
		known[s.ID] = i
	}
	n := len(inventory.Machines)
	subjects, where := make([]alert.Subject, n), map[string][]int{}
	detectors, latest, answered := make([]alert.Detector, n), make([]usage.Poll, n), make([]bool, n)
	identities, machines := make([]string, n), make([]*fleet.Machine, n)
	for i := range inventory.Machines {
		m := &inventory.Machines[i]
		machines[i], identities[i], subjects[i] = m, m.ID, alert.Subject{ID: m.ID, Place: m.Place.String()}
		if old, ok := known[m.ID]; ok {
			detectors[i], latest[i], answered[i] = d.detectors[old], d.latest[old], d.answered[old]
		}
		for _, identity := range []string{m.Serial, m.MAC, m.MinerID} {
			if identity != "" {
				where[identity] = append(where[identity], i)
			}
		}
	}
	// All that can fail comes before the lock: after it everything is exchanged together, so that no index means two
	// machines.
	numbers, err := d.records.Store.Numbers(identities)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watcher != nil {
		d.skipped += d.watcher.Skipped.Load()
		d.worstLag = max(d.worstLag, d.watcher.WorstLag.Load())
	}
	d.records.Fleet, d.numbers, d.subjects, d.where, d.detectors, d.latest, d.answered = inventory, numbers, subjects,
		where, detectors, latest, answered
	d.courier.SetSubjects(subjects)
	d.watcher = &fleet.Watcher{Machines: machines, Interval: d.options.Interval, Timeout: d.options.Timeout,
		Query: d.options.Query, Identify: fleet.Identify, Detect: d.options.Detect, Handle: d.handle,
		Log: d.log}
	return nil
}

// Run watches until ctx ends. It sums up settled days every hour, and takes up machines that are added
// to the fleet meanwhile.
func (d *Monitor) Run(ctx context.Context) (err error) {
	// One monitor writes alerts. Lines that cannot be read are left out by whoever reads them, and stay.
	path := filepath.Join(d.records.Dir, "alerts.jsonl")
	if d.alerts, err = durable.OpenLines(vfs.OS, path, d.remember); err != nil {
		return err
	}
	var housekeeping sync.WaitGroup
	ctx, stop := context.WithCancel(ctx)
	housekeeping.Go(func() { d.housekeep(ctx) })
	d.courier.Start(ctx)
	d.hooks.Start(ctx)
	if d.options.PoolWorkers != "" {
		housekeeping.Go(func() { d.readPool(ctx) })
	}
	for ctx.Err() == nil && err == nil {
		round, end := context.WithCancel(ctx)
		var changed *fleet.Inventory
		var looking sync.WaitGroup
		looking.Go(func() { changed = d.waitForChange(round); end() })
		err = d.watcher.Run(round)
		end()
		looking.Wait()
		if err = errors.Join(err, d.save()); err == nil && changed != nil && ctx.Err() == nil {
			if changed, err = fleet.OpenInventory(d.records.Dir); err == nil { // with what was just saved
				err = d.take(changed)
			}
		}
	}
	stop()
	housekeeping.Wait()
	d.courier.Wait()
	d.hooks.Wait()
	if d.newest > d.looked {
		d.look()
	}
	return errors.Join(err, d.alerts.Close())
}

// remember takes a notice of before.
func (d *Monitor) remember(line []byte) error {
	var n alert.Notice
	if json.Unmarshal(line, &n) != nil {
		n = alert.Notice{} // a line that says nothing is counted all the same
	}
	d.stand(n)
	d.courier.Take(n, true)
	d.hooks.Take(n, true)
	return nil
}

// lookEvery is how often the inventory's file is looked at.
const lookEvery = time.Minute

// waitForChange returns the inventory when its file has other machines, places or given nameplates, or nil
// at the end of ctx.
func (d *Monitor) waitForChange(ctx context.Context) *fleet.Inventory {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		inventory, err := fleet.OpenInventory(d.records.Dir)
		if err != nil {
			d.log.Error("reading the fleet", "error", err)
			continue
		}
		same := len(inventory.Machines) == len(d.subjects) || len(inventory.Machines) == 0
		d.watcher.Locked(func() {
			for i := 0; same && i < len(inventory.Machines); i++ {
				is, was := &inventory.Machines[i], d.watcher.Machines[i]
				same = is.ID == d.subjects[i].ID && is.Place.String() == d.subjects[i].Place && is.Given == was.Given &&
					(is.Certificate != "" || was.Certificate == "") // it was taken back
			}
		})
		if !same {
			return inventory
		}
	}
}

func (d *Monitor) housekeep(ctx context.Context) {
	ticker := time.NewTicker(time.Hour)
	defer ticker.Stop()
	for {
		days, err := d.records.SumUp(ctx)
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
func (d *Monitor) readPool(ctx context.Context) {
	for {
		now := usage.At(time.Now())
		next := now.Floor(usage.Grid) + usage.Grid
		select {
		case <-ctx.Done():
			return
		case <-time.After(next.Time().Sub(now.Time())):
		}
		asked, stop := context.WithTimeout(ctx, time.Minute)
		readings, err := records.QueryPool(asked, d.options.PoolWorkers, next)
		stop()
		if err == nil {
			err = records.WritePool(d.records.Dir, readings)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Error("reading the pool's workers", "error", err)
		}
	}
}

// save keeps what was learned of machines (ideal rates, boards, addresses) in the file as it is now, in
// which others may have changed the rest.
func (d *Monitor) save() error {
	d.saving.Lock()
	defer d.saving.Unlock()
	// An error ends the update without a write: a farm whose machines are gone keeps no empty fleet file.
	nobody := errors.New("no fleet was written")
	err := fleet.Update(d.records.Dir, func(inventory *fleet.Inventory) error {
		if len(inventory.Machines) == 0 {
			return nobody
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.watcher.Locked(func() {
			for _, m := range d.watcher.Machines {
				if stored := inventory.Find(m.ID); stored != nil {
					stored.IdealMHs, stored.Boards, stored.Fans = max(stored.IdealMHs, m.IdealMHs),
						max(stored.Boards, m.Boards), max(stored.Fans, m.Fans)
					stored.Single, stored.MinerID = m.Single, m.MinerID
					if m.ModelSeen {
						stored.Model, stored.ModelSeen = m.Model, true
					}
					if d.moved[m.ID] {
						stored.Address = m.Address
					}
					if d.respoken[m.ID] {
						stored.SpeakAs(m)
					}
				}
			}
			d.moved, d.respoken = map[string]bool{}, map[string]bool{}
		})
		return nil
	})
	if errors.Is(err, nobody) {
		return nil
	}
	return err
}

// handle takes the outcomes of about a second.
func (d *Monitor) handle(outcomes []fleet.Outcome) {
	rows := make([]telemetry.Row, 0, len(outcomes))
	var changes []alert.Change
	d.mu.Lock()
	for _, o := range outcomes {
		observation := d.observe(o)
		if observation.Answered {
			if alert.TellsRate(observation.Poll) { // otherwise what it did is unknown, as when it does not answer
				rows = append(rows, telemetry.Row{Machine: d.numbers[o.Index], Poll: observation.Poll})
			}
			d.latest[o.Index] = observation.Poll
			d.counts.Answered++
		}
		d.answered[o.Index] = observation.Answered
		d.counts.Polls++
		for _, c := range d.detectors[o.Index].Observe(observation) {
			c.Machine = o.Index
			changes = append(changes, d.standing.End(c, d.subjects[o.Index].ID))
			if c.Raised {
				d.counts.Raised++
			}
		}
	}
	d.mu.Unlock()
	// Without the lock, for it waits for the disk. A failure is told and watching goes on: alerts need no store.
	// handle is called by one goroutine, so the order of polls stays.
	for _, o := range outcomes {
		d.newest = max(d.newest, usage.At(o.At))
	}
	if d.newest-d.looked >= lookedEvery {
		d.look()
	}
	late, err := d.records.Store.Append(rows)
	if err != nil {
		d.log.Error("storing polls", "error", err)
	}
	d.mu.Lock()
	d.counts.Late += int64(late)
	d.mu.Unlock()
	d.notify(changes)
}

// lookedEvery is how often it is written down up to when the farm was watched.
const lookedEvery = 30 * usage.Second

// look writes down up to when the farm was watched: of polls that nobody answered nothing else is kept.
func (d *Monitor) look() {
	if err := d.records.Look(d.newest); err != nil {
		d.log.Error("writing down when the farm was watched", "error", err)
		return
	}
	d.looked = d.newest
}

// observe turns an outcome into an observation, and follows machines that have moved.
func (d *Monitor) observe(o fleet.Outcome) alert.Observation {
	m := d.watcher.Machines[o.Index]
	out := alert.Observation{At: usage.At(o.At), Accepted: usage.Unknown, Rejected: usage.Unknown}
	if o.Err != nil {
		out.Why, out.Found = o.Err.Error(), farm.FindingOf(o.Err)
		var refusal *farm.Error
		out.Garbled = errors.As(o.Err, &refusal)
		var other *fleet.OtherMachine
		if errors.As(o.Err, &other) {
			d.follow(other)
		}
		return out
	}
	out.Answered = true
	var before, now fleet.Machine // the lock is the watcher's, whose polls find out protocols
	d.watcher.Locked(func() {
		before = *m
		out.Poll = m.Observe(o.Reading, o.At, d.records.Config.Pools)
		now = *m
	})
	if o.Was != "" {
		d.respoken[m.ID] = true
		d.log.Warn("a machine is asked otherwise than the inventory says", "machine", m.ID, "inventory", o.Was,
			"machine_speaks", now.Protocol, "address", now.Address)
	}
	if fleet.DifferentModels(before.Model, now.Model) {
		d.log.Warn("a machine is of another model than the inventory says", "machine", m.ID, "inventory",
			before.Model, "machine_says", now.Model)
	}
	out.Accepted, out.Rejected, out.HotLimit = o.Reading.Accepted, o.Reading.Rejected, now.HeatLimit()
	for _, c := range o.Reading.Errors {
		out.Codes = append(out.Codes, faults.FamilyOf(string(now.Protocol))+"/"+strings.ReplaceAll(c, " ", "-"))
	}
	return out
}

// follow moves the machine that answers at another's address, if it is known which one that is.
func (d *Monitor) follow(other *fleet.OtherMachine) {
	for _, identity := range []string{other.Serial, other.MAC, other.MinerID} {
		var same []int
		for _, i := range d.where[identity] {
			if m := d.watcher.Machines[i]; m.ID != other.Wanted && other.SameAs(m) {
				same = append(same, i)
			}
		}
		if len(same) == 1 {
			i := same[0]
			d.log.Info("a machine has moved", "machine", d.subjects[i].ID, "address", other.Address)
			d.watcher.Move(i, other.Address)
			d.moved[d.subjects[i].ID] = true
		}
		if len(same) > 0 {
			return
		}
	}
}

// notify groups what changed and hands it on. What is silenced is written down all the same: an alert that
// begins or ends in a silence is part of the farm's state, and only nobody is told.
func (d *Monitor) notify(changes []alert.Change) {
	if len(changes) == 0 {
		return
	}
	silences, err := ReadSilences(d.records.Dir)
	if err != nil {
		d.log.Error("silences", "error", err)
	}
	reported, silenced := alert.Silenced(changes, d.subjects, silences)
	notices, quiet := alert.Group(reported, d.subjects), alert.Group(silenced, d.subjects)
	for i := range quiet {
		quiet[i].Silenced = true
	}
	for _, n := range slices.Concat(notices, quiet) {
		line, err := json.Marshal(n)
		if err == nil {
			// Written before anybody is told: a restart finds again what was sent, and what stands.
			err = d.alerts.Append(line)
		}
		if err != nil {
			d.log.Error("alerts.jsonl", "error", err)
		}
		d.stand(n)
		d.courier.Take(n, err == nil)
		d.hooks.Take(n, err == nil)
		d.log.Info("alert", "kind", n.Kind, "raised", n.Raised, "silenced", n.Silenced, "scope", n.Scope, "machines",
			len(n.Machines), "detail", n.Detail)
	}
	if d.options.Notify != nil && len(notices) > 0 {
		d.options.Notify(notices)
	}
}

// Counts are the figures so far.
func (d *Monitor) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.counts
	c.Skipped, c.LagMS = d.skipped+d.watcher.Skipped.Load(), max(d.worstLag, d.watcher.WorstLag.Load())
	return c
}

// maxSilences bounds silences.json, in bytes.
const maxSilences = 16 << 20

// ReadSilences reads the silences of a folder.
func ReadSilences(dir string) ([]alert.Silence, error) { return readSilences(vfs.OS, dir) }

func readSilences(files vfs.FS, dir string) (silences []alert.Silence, err error) {
	content, err := durable.Read(files, filepath.Join(dir, "silences.json"), maxSilences)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &silences)
	}
	return silences, err
}

// AddSilence adds a silence to those of a folder that hold at a time. What has run out goes when something new comes:
// the file does not grow over the years. Two who add at once both add.
func AddSilence(dir string, s alert.Silence, now usage.Instant) error {
	path := filepath.Join(dir, "silences.json")
	return durable.Update(vfs.OS, path, maxSilences, func(content []byte) ([]byte, error) {
		var all []alert.Silence
		if content != nil {
			if err := json.Unmarshal(content, &all); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
		kept := []alert.Silence{s}
		for _, old := range all {
			if old.Until > now {
				kept = append(kept, old)
			}
		}
		return json.Marshal(kept)
	})
}

// WriteSilences stores the silences of a folder, over those that are there.
func WriteSilences(dir string, silences []alert.Silence) error {
	return writeSilences(vfs.OS, dir, silences)
}

func writeSilences(files vfs.FS, dir string, silences []alert.Silence) error {
	content, err := json.MarshalIndent(silences, "", " ")
	if err != nil {
		return err
	}
	return durable.Replace(files, filepath.Join(dir, "silences.json"), append(content, '\n'))
}
