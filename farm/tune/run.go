package tune

import (
	"context"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/words"
)

// Runner tries profiles on machines.
type Runner struct {
	Control  *control.Controller
	Query    func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) // nil: fleet.Poll
	Profiles []control.Order                                                        // the first is how machines run now
	Terms    Terms
	Held     int // per cent of the machines that are left as they are
	Seed     uint64
	Settle   time.Duration // after the last order of a profile, before it is measured
	Measure  time.Duration
	Every    time.Duration // between polls of a measurement
	Progress func(text string)
}

// Tuned is a machine's end.
type Tuned struct {
	Machine string           `json:"machine"`
	Held    bool             `json:"held"`                      // left as it was
	Windows []Window         `json:"windows"`                   // by profile, then of the end
	Net     []farm.MicroTiyn `json:"net_micro_tiyn_an_hour"`    // likewise
	Best    int              `json:"best"`                      // of the profiles
	Problem string           `json:"problem,omitempty"`         // why it was not measured to the end, in English
	Finding farm.Finding     `json:"finding,omitzero"`          // of which Problem is the sentence
	Change  farm.MicroTiyn   `json:"change_micro_tiyn_an_hour"` // of the end over the first profile

	machine *fleet.Machine
}

// Result is what tuning came to.
type Result struct {
	Seed     uint64   `json:"seed"`
	Profiles []string `json:"profiles"`
	Machines []Tuned  `json:"machines"`
	// Gain is nil where too few were measured to the end.
	Gain  *Interval `json:"gain_micro_tiyn_a_machine_hour"`
	Shown bool      `json:"shown"` // the interval is above zero: machines stay in their best profiles
	// Returned is how many machines were ordered back into the first profile, and have done it.
	Returned int `json:"returned"`
}

// goBackWithin is how long machines are ordered back after tuning was stopped.
const goBackWithin = 10 * time.Minute

// Run tries every profile on the machines that are tuned, lets each run in its best one, and measures again. It returns
// what it came to also when it was stopped; then everybody was ordered back.
func (r *Runner) Run(ctx context.Context, machines []*fleet.Machine) (*Result, error) {
	if err := r.check(machines); err != nil {
		return nil, err
	}
	out := r.prepare(machines)
	err := r.try(ctx, out)
	if err == nil {
		var gain Interval
		if gain, err = gainOf(out); err == nil {
			out.Gain, out.Shown = &gain, gain.Low > 0
		}
	}
	_, missing := Able(machines, r.Profiles)
	back := func(t *Tuned) bool {
		return !t.Held && missing[t.Machine].IsZero() && (err != nil || !out.Shown || t.Problem != "")
	}
	// Whoever stops a run wants the machines as they were: this goes on without him.
	returning, stop := context.WithTimeout(context.WithoutCancel(ctx), goBackWithin)
	defer stop()
	done, failed := r.order(returning, out, r.Profiles[0], back)
	out.Returned = done
	if err == nil {
		err = failed
	}
	return out, err
}

func (r *Runner) check(machines []*fleet.Machine) error {
	switch {
	case !r.Control.Allow:
		return farm.Refuse("control-off", "allow-control", "control is off; --allow-control lets orders through")
	case len(r.Profiles) < 2 || len(r.Profiles) > 20:
		return farm.Refuse("farm-bad-order", "profile", "want 2 to 20 profiles, the first as machines run now")
	case r.Held < 5 || r.Held > 90:
		return farm.Refuse("farm-out-of-range", "hold", "want 5 to 90 per cent, got %d", r.Held)
	case r.Measure <= 0 || r.Every <= 0 || r.Every > r.Measure/2 || r.Settle < 0:
		return farm.Refuse("farm-out-of-range", "measure", "want at least two polls in the time that is measured")
	}
	for _, p := range r.Profiles {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	if able, _ := Able(machines, r.Profiles); len(able) < 4 {
		return farm.Refuse("tune-too-few", "machines",
			"want at least four machines, two of them left as they are; %d of %d know all profiles", len(able),
			len(machines))
	}
	return nil
}

func (r *Runner) prepare(machines []*fleet.Machine) *Result {
	if r.Query == nil {
		r.Query = fleet.Poll
	}
	out := &Result{Seed: r.Seed}
	for _, p := range r.Profiles {
		out.Profiles = append(out.Profiles, p.Detail())
	}
	able, missing := Able(machines, r.Profiles)
	_, held := r.Draw(able)
	for _, m := range machines {
		out.Machines = append(out.Machines, Tuned{Machine: m.ID, Held: slices.Contains(held, m.ID), machine: m,
			Problem: missing[m.ID].In(words.English), Finding: missing[m.ID],
			Windows: make([]Window, len(r.Profiles)+1), Net: make([]farm.MicroTiyn, len(r.Profiles)+1)})
	}
	return out
}

// Able are the machines that can be told each profile, as far as their protocols tell, and why others cannot.
func Able(machines []*fleet.Machine,
	profiles []control.Order) (able []*fleet.Machine, missing map[string]farm.Finding) {
	missing = map[string]farm.Finding{}
	for _, m := range machines {
		for _, p := range profiles {
			if why := control.Missing(m.Protocol, p); !why.IsZero() {
				missing[m.ID] = why
				break
			}
		}
		if missing[m.ID].IsZero() {
			able = append(able, m)
		}
	}
	return able, missing
}

// Draw is Split of machines, of which at least two are held.
func (r *Runner) Draw(machines []*fleet.Machine) (tuned, held []string) {
	ids := make([]string, len(machines))
	for i, m := range machines {
		ids[i] = m.ID
	}
	return Split(ids, max(r.Held, (200+len(ids)-1)/max(1, len(ids))), r.Seed)
}

func (r *Runner) say(text string) {
	if r.Progress != nil {
		r.Progress(text)
	}
}

// try measures every profile, and the best of each machine at the end.
func (r *Runner) try(ctx context.Context, out *Result) error {
	tuned := func(t *Tuned) bool { return !t.Held && t.Problem == "" }
	for p, profile := range r.Profiles {
		r.say("profile " + profile.Detail())
		if _, err := r.order(ctx, out, profile, tuned); err != nil {
			return err
		}
		if err := r.measure(ctx, out, p); err != nil {
			return err
		}
	}
	r.choose(out)
	r.say("each in its best profile")
	for p, profile := range r.Profiles {
		if p == len(r.Profiles)-1 {
			continue // whoever is best there is there
		}
		if _, err := r.order(ctx, out, profile, func(t *Tuned) bool { return tuned(t) && t.Best == p }); err != nil {
			return err
		}
	}
	return r.measure(ctx, out, len(r.Profiles))
}

// order gives an order to those of the machines, and returns how many have done it. Who has not is left out of what
// follows.
func (r *Runner) order(ctx context.Context, out *Result, order control.Order, to func(*Tuned) bool) (int, error) {
	var machines []*fleet.Machine
	at := map[string]*Tuned{}
	for i := range out.Machines {
		if t := &out.Machines[i]; to(t) {
			machines, at[t.Machine] = append(machines, t.machine), t
		}
	}
	if len(machines) == 0 {
		return 0, nil
	}
	giving := *r.Control
	giving.KeepGoing = true // one that does not obey is left out, and the others are compared all the same
	results, err := giving.Give(ctx, machines, order)
	done := 0
	for _, result := range results {
		if result.Done() {
			done++
		} else if t := at[result.Machine]; t.Problem == "" {
			t.Problem, t.Finding = result.Outcome, result.Finding
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	return done, err
}

// measure fills in a window of every machine that is still in it.
func (r *Runner) measure(ctx context.Context, out *Result, window int) error {
	// A profile takes minutes until chips are warm and the tuner has settled: what is measured before is neither
	// profile.
	if err := pause(ctx, r.Settle); err != nil {
		return err
	}
	meters := make([]meter, len(out.Machines))
	for from := time.Now(); ; {
		r.poll(ctx, out, meters)
		if time.Since(from) >= r.Measure {
			break
		}
		if err := pause(ctx, r.Every); err != nil {
			return err
		}
	}
	for i := range out.Machines {
		t := &out.Machines[i]
		if t.Problem != "" {
			continue
		}
		w, found := meters[i].window()
		problem := found.In(words.English)
		if found.IsZero() {
			var err error
			if t.Net[window], err = r.Terms.Net(w); err != nil {
				problem, found = err.Error(), farm.FindingOf(err)
			}
		}
		t.Windows[window], t.Problem, t.Finding = w, problem, found
	}
	return ctx.Err()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// choose gives each machine its best profile.
func (r *Runner) choose(out *Result) {
	drift := make([]farm.MicroTiyn, len(r.Profiles))
	held := farm.MicroTiyn(0)
	for i := range out.Machines {
		if t := &out.Machines[i]; t.Held && t.Problem == "" {
			held++
			for p := range drift {
				drift[p] += t.Net[p] - t.Net[0]
			}
		}
	}
	for p := range drift {
		drift[p] /= max(held, 1)
	}
	for i := range out.Machines {
		t := &out.Machines[i]
		if t.Held || t.Problem != "" {
			continue
		}
		measured := make([]bool, len(r.Profiles))
		for p := range measured {
			measured[p] = t.Windows[p].Measured()
		}
		t.Best = Best(t.Net[:len(r.Profiles)], measured, drift)
	}
}

// gainOf compares those that were measured to the end.
func gainOf(out *Result) (Interval, error) {
	var tuned, held []Change
	for i := range out.Machines {
		t := &out.Machines[i]
		if t.Problem != "" {
			continue
		}
		c := Change{t.Net[0], t.Net[len(t.Net)-1]}
		t.Change = c.After - c.Before
		if t.Held {
			held = append(held, c)
		} else {
			tuned = append(tuned, c)
		}
	}
	return GainOf(tuned, held)
}
