package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Courier tells a farm's routes what is due, each from a goroutine of its own, so that a slow receiver delays neither
// a poll nor another route.
type Courier struct {
	Dir    string // the farm's folder
	Name   string
	Zone   *time.Location
	Routes []Route
	Log    *slog.Logger
	Files  vfs.FS                                               // nil: the system's
	Send   func(ctx context.Context, r *Route, m Message) error // nil: Route.Send

	mu     sync.Mutex // over farm and states
	farm   Farm
	states map[string]State

	saving sync.Mutex // one writer of routes.json; taken before mu
	done   sync.WaitGroup
}

const (
	statesFile = "routes.json"
	acksFile   = "acks.jsonl"
	maxStates  = 64 << 20
	// lookEvery is how often a route looks for what is due.
	lookEvery = 5 * time.Second
	// leastPause and maxPause are between two tries to reach a receiver.
	leastPause, maxPause = 10 * time.Second, 10 * time.Minute
)

// Open prepares a courier. Alerts of before are then taken, and Start called.
func (c *Courier) Open() (err error) {
	if c.Files == nil {
		c.Files = vfs.OS
	}
	if c.Send == nil {
		c.Send = func(ctx context.Context, r *Route, m Message) error { return r.Send(ctx, m, c.Zone) }
	}
	c.farm.Name, c.farm.Zone = c.Name, c.Zone
	c.states, err = readStates(c.Files, c.Dir)
	return err
}

// readStates reads how far each route is; without a file none has begun.
func readStates(files vfs.FS, dir string) (map[string]State, error) {
	states := map[string]State{}
	content, err := durable.Read(files, filepath.Join(dir, statesFile), maxStates)
	if errors.Is(err, fs.ErrNotExist) {
		return states, nil
	}
	if err == nil {
		if err = json.Unmarshal(content, &states); err != nil {
			err = fmt.Errorf("%s: %w", statesFile, err)
		}
	}
	return states, err
}

// SetSubjects names the machines that are watched.
func (c *Courier) SetSubjects(subjects []alert.Subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.farm.SetSubjects(subjects)
}

// Take follows a notice; written is whether it is a line of alerts.jsonl.
func (c *Courier) Take(n alert.Notice, written bool) {
	if len(c.Routes) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.farm.Take(n, written)
}

// Start begins to tell, until ctx ends. A route that is new is told of what holds, not of what is past.
func (c *Courier) Start(ctx context.Context) {
	c.mu.Lock()
	states := map[string]State{}
	for _, r := range c.Routes {
		s, known := c.states[r.Name]
		if !known {
			s.Line = c.farm.lines
		}
		s.Line = min(s.Line, c.farm.lines)
		states[r.Name] = s
	}
	c.states = states
	c.mu.Unlock()
	for i := range c.Routes {
		c.done.Go(func() { c.run(ctx, &c.Routes[i]) })
	}
}

// Wait returns when all routes have ended.
func (c *Courier) Wait() { c.done.Wait() }

// run tells one route.
func (c *Courier) run(ctx context.Context, r *Route) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	var since, retry time.Time // when something was due first; before when nothing is tried again
	pause := leastPause
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		message, next, ok := c.due(r, now)
		if !ok {
			since = time.Time{}
			continue
		}
		if since.IsZero() {
			since = now
		}
		if now.Sub(since) < r.Gather || now.Before(retry) || r.QuietAt(now, c.Zone) {
			continue
		}
		err := c.Send(ctx, r, message)
		if err != nil {
			if ctx.Err() == nil {
				c.Log.Error("an alert could not be told; it is tried again", "error", err, "after", pause)
			}
			retry, pause = time.Now().Add(pause), min(pause*2, maxPause)
			continue
		}
		since, retry, pause = time.Time{}, time.Time{}, leastPause
		if err := c.commit(r, next); err != nil {
			c.Log.Error("writing down what was told", "route", r.Name, "error", err)
		}
	}
}

// due is what a route is to be told.
func (c *Courier) due(r *Route, now time.Time) (Message, State, bool) {
	var acks []Acknowledgement
	if r.After > 0 {
		var err error
		if acks, err = ReadAcknowledgements(c.Files, c.Dir); err != nil {
			c.Log.Error("reading acknowledgements", "error", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	message, next, ok := Due(r, c.states[r.Name], &c.farm, acks, now)
	if !ok {
		c.states[r.Name] = next
		least := next.Line
		for _, s := range c.states {
			least = min(least, s.Line)
		}
		c.farm.Forget(least)
	}
	return message, next, ok
}

// commit writes down that a route was told. If that fails the route is told once more after a restart.
func (c *Courier) commit(r *Route, next State) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	c.states[r.Name] = next
	content, err := json.Marshal(c.states)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return durable.Replace(c.Files, filepath.Join(c.Dir, statesFile), append(content, '\n'))
}

// Acknowledge adds acknowledgements to a farm's folder, each durable before it returns.
func Acknowledge(files vfs.FS, dir string, acks []Acknowledgement) (err error) {
	lines, err := durable.OpenLines(files, filepath.Join(dir, acksFile), func([]byte) error { return nil })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.Close()) }()
	for _, a := range acks {
		line, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if err := lines.Append(line); err != nil {
			return err
		}
	}
	return nil
}

// ReadAcknowledgements reads those of a farm's folder. A line that cannot be read acknowledges nothing.
func ReadAcknowledgements(files vfs.FS, dir string) (acks []Acknowledgement, err error) {
	err = durable.ReadLines(files, filepath.Join(dir, acksFile), func(text []byte) error {
		var a Acknowledgement
		if json.Unmarshal(text, &a) == nil {
			acks = append(acks, a)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return acks, err
}
