package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/fault"
)

// Action is what a machine is told.
type Action string

// The actions.
const (
	Reboot Action = "reboot"
	Pool   Action = "pool"
	Sleep  Action = "sleep"
	Wake   Action = "wake"

	Power    Action = "power"    // draw at most so many watts
	Profile  Action = "profile"  // run in a mode that the firmware has a name for
	Fan      Action = "fan"      // turn so fast, or as the firmware likes
	LED      Action = "led"      // show where it stands
	Password Action = "password" // take another one for orders
	Update   Action = "update"   // run another firmware
)

// Actions lists them.
var Actions = []Action{Reboot, Pool, Sleep, Wake, Power, Profile, Fan, LED, Password, Update}

// Automatic leaves the fans to the firmware.
const Automatic = -1

// Order is an action with what belongs to it. What does not belong to its action is not looked at.
type Order struct {
	Action     Action `json:"action"`
	PoolURL    string `json:"pool_url,omitempty"`
	PoolUser   string `json:"pool_user,omitempty"`
	Watts      int64  `json:"watts,omitempty"`       // of Power
	Profile    string `json:"profile,omitempty"`     // of Profile
	FanPercent int    `json:"fan_percent,omitempty"` // of Fan: 10 to 100, or Automatic
	On         bool   `json:"on,omitempty"`          // of LED
	Secret     string `json:"-"`                     // of Password; it is in no file, message or error of ours

	Firmware *Firmware `json:"firmware,omitempty"` // of Update
	image    []byte    // its file
}

// Detail is what the order says beside its action, without the secret. It is written into the trail, and shown by a dry
// run.
func (o Order) Detail() string {
	switch o.Action {
	case Pool:
		return o.PoolURL + " " + o.PoolUser
	case Power:
		return fmt.Sprintf("%d W", o.Watts)
	case Profile:
		return o.Profile
	case Fan:
		if o.FanPercent == Automatic {
			return "auto"
		}
		return fmt.Sprintf("%d %%", o.FanPercent)
	case LED:
		if o.On {
			return "on"
		}
		return "off"
	case Update:
		return o.Firmware.Version + " sha256:" + o.Firmware.SHA256
	}
	return ""
}

// validateSetting says what is wrong with the setting of an order. Commas, quotes and backslashes are refused because
// some firmwares take parameters as text with commas, and others as JSON that is put together.
func (o Order) validateSetting() error {
	printable := func(text string, longest int) bool {
		return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool {
			return r <= ' ' || r > '~' || r == '"' || r == '\\' || r == ','
		})
	}
	switch {
	case o.Action == Update:
		return o.Firmware.validate()
	case o.Action == Power && (o.Watts < 1 || o.Watts > 100_000):
		return farm.Refuse("farm-bad-order", "watts", "want 1 to 100000 W, got %d", o.Watts)
	case o.Action == Profile && !printable(o.Profile, 64):
		return farm.Refuse("farm-bad-order", "profile",
			"want a name of at most 64 letters without spaces, commas and quotes, got %q", o.Profile)
	case o.Action == Fan && o.FanPercent != Automatic && (o.FanPercent < 10 || o.FanPercent > 100):
		return farm.Refuse("farm-bad-order", "fan", "want auto, or 10 to 100 per cent, got %d", o.FanPercent)
	case o.Action == Password && (!printable(o.Secret, 64) || len(o.Secret) < 8):
		return farm.Refuse("farm-bad-order", "password",
			"want 8 to 64 letters without spaces, commas and quotes")
	}
	return nil
}

// Validate says what is wrong with an order.
func (o Order) Validate() error {
	if !slices.Contains(Actions, o.Action) {
		return farm.Refuse("farm-unknown-action", "action", "%q is not one of %v", o.Action, Actions)
	}
	if o.Action != Pool {
		return o.validateSetting()
	}
	if !strings.HasPrefix(o.PoolURL, "stratum") || !strings.Contains(o.PoolURL, "://") ||
		strings.ContainsAny(o.PoolURL+o.PoolUser, ", \"\\\r\n\t") ||
		o.PoolUser == "" || len(o.PoolURL)+len(o.PoolUser) > 300 {
		return farm.Refuse("bad-pool", "pool",
			"want a stratum URL and a user without commas, quotes and spaces, got %q and %q", o.PoolURL, o.PoolUser)
	}
	return nil
}

// Controller gives orders. Its fields are set before the first order and then left alone. Orders of one Controller may
// run at the same time, but each keeps to StepKW by itself: together they may move more.
type Controller struct {
	Allow    bool // nothing is done without
	Who      string
	Audit    *Audit
	StepKW   int64         // how far a site's load may be moved
	Settle   time.Duration // in this time
	Timeout  time.Duration // of one machine's order
	Confirm  time.Duration // in which it must be seen to be done; 0: Timeout
	User     string        // of stock Antminers
	Password string
	Others   string // password of other firmwares; "": what they come with
	Progress func(done, all int)

	KeepGoing   bool          // over machines that did not do it; otherwise orders end with the batch of the first
	HealthEvery time.Duration // between polls of canaries; 0: 30 s
	LookEvery   time.Duration // between looks whether an order is done; 0: 1 s
}

// Result is the end of one machine's order.
type Result struct {
	Machine string `json:"machine"`
	Place   string `json:"place"`
	Batch   int    `json:"batch"`
	Outcome string `json:"outcome"` // done: it was seen; unconfirmed, with what the machine says; or what went wrong
	// Finding is what Outcome is a sentence of, but for what is done: any language makes its own of it.
	Finding farm.Finding `json:"finding,omitzero"`

	// Unknown: the order may have reached the machine, which did not show that it has done it, nor refused.
	Unknown bool `json:"unknown,omitempty"`
	// Absent: the firmware has no such order, or Aqsha knows none of it; nothing was sent.
	Absent bool `json:"absent,omitempty"`
	// Halted: it was not come to, because something had gone wrong before.
	Halted bool `json:"halted,omitempty"`
	// Unreached: nobody took a connection, and nothing was sent.
	Unreached bool `json:"unreached,omitempty"`
}

// Done says whether the machine was seen to have done the order.
func (r Result) Done() bool { return r.Outcome == done }

// Batches spreads machines so that no batch moves a site's load by more than stepKW, in the order of places. Sites do
// not wait for each other: a batch has a part of each site. Every machine counts with the whole load that it can draw,
// whatever the order changes of it.
func Batches(machines []*fleet.Machine, stepKW int64) ([][]*fleet.Machine, error) {
	if stepKW < 0 {
		return nil, farm.Refuse("farm-bad-order", "step-kw", "want 1 kW or more, got %d", stepKW)
	}
	sorted := slices.Clone(machines)
	slices.SortStableFunc(sorted,
		func(a, b *fleet.Machine) int { return strings.Compare(a.Place.String(), b.Place.String()) })
	var batches [][]*fleet.Machine
	load, at := map[string]int64{}, map[string]int{} // of the site's open batch
	for _, m := range sorted {
		watts := m.LoadWatts()
		if watts > stepKW*1000 {
			return nil, farm.Refuse("step-too-small", "step-kw", "%s alone moves the load by %d W, allowed are %d kW",
				m.ID, watts, stepKW)
		}
		site := m.Place.Site
		if load[site]+watts > stepKW*1000 {
			at[site]++
			load[site] = 0
		}
		load[site] += watts
		for len(batches) <= at[site] {
			batches = append(batches, nil)
		}
		batches[at[site]] = append(batches[at[site]], m)
	}
	return batches, nil
}

// Give gives an order to machines, batch by batch. Every machine has one result, those without the order first; that a
// machine did not do it is no error. An error ends the orders: it is of the order or its step, of an update's file, of
// the trail, or of the context.
func (c *Controller) Give(ctx context.Context, machines []*fleet.Machine, order Order) ([]Result, error) {
	if !c.Allow {
		return nil, farm.Refuse("control-off", "allow-control", "control is off; --allow-control lets orders through")
	}
	if err := order.Validate(); err != nil {
		return nil, err
	}
	able, results := split(machines, order)
	var given []Result
	var err error
	if order.Action == Update {
		given, err = c.update(ctx, able, order)
	} else {
		var stopped remark
		if given, stopped, err = c.batches(ctx, able, order, 0); !stopped.none() {
			given = halted(given, able, stopped)
		}
	}
	return append(results, given...), err
}

// DryRun is what Give would do, without asking or telling anybody: who is told in which batch, and on whose firmware
// there is no such order. An update's file is read, too, so that a wrong checksum shows before anything is done. It
// needs no Allow and leaves no entry.
func (c *Controller) DryRun(machines []*fleet.Machine, order Order) ([]Result, error) {
	if err := order.Validate(); err != nil {
		return nil, err
	}
	if order.Action == Update {
		if _, err := order.Firmware.read(); err != nil {
			return nil, err
		}
	}
	able, results := split(machines, order)
	batches, err := Batches(able, c.StepKW)
	for i, batch := range batches {
		for _, m := range batch {
			would := saw("would-order", "what", strings.TrimSpace(string(order.Action)+" "+order.Detail()))
			results = append(results, Result{Machine: m.ID, Place: m.Place.String(), Batch: i + 1,
				Outcome: would.text, Finding: would.found})
		}
	}
	return results, err
}

// batches gives the order in steps, which are counted on from first. It ends after the step in which a machine did not
// do it, and says which; one that nobody answers at was no surprise. All of a step end before it is looked at; the
// pause comes before each step but the first.
func (c *Controller) batches(ctx context.Context, machines []*fleet.Machine, order Order,
	first int) (results []Result, stopped remark, err error) {
	batches, err := Batches(machines, c.StepKW)
	if err != nil {
		return nil, remark{}, err
	}
	for i, batch := range batches {
		if i > 0 {
			select {
			case <-ctx.Done():
				return results, remark{}, ctx.Err()
			// Power is moved a batch at a time, with a pause, so that neither the transformer nor the pool meets the
			// whole farm at once.
			case <-time.After(c.Settle):
			}
		}
		given, err := c.batch(ctx, batch, order)
		for j := range given {
			given[j].Batch = first + i + 1
		}
		if results = append(results, given...); err != nil {
			return results, remark{}, err
		}
		if c.Progress != nil {
			c.Progress(len(results), len(machines))
		}
		for _, r := range given {
			// An update stops whatever KeepGoing says: a bad image on one machine is a bad image on all.
			if !r.Done() && !r.Unreached && (!c.KeepGoing || order.Action == Update) {
				return results, saw("stopped", "machine", r.Machine), nil
			}
		}
	}
	return results, remark{}, nil
}

// split takes out the machines on whose firmware there is no such order, with that as their result.
func split(machines []*fleet.Machine, order Order) (rest []*fleet.Machine, absent []Result) {
	for _, m := range machines {
		why := missing(m.Protocol, order)
		if why.none() {
			rest = append(rest, m)
			continue
		}
		absent = append(absent, Result{Machine: m.ID, Place: m.Place.String(), Absent: true,
			Outcome: why.text, Finding: why.found})
	}
	return rest, absent
}

// Missing says why an order is not on a protocol's firmwares, as far as that is known without asking one: the order, or
// a profile where all have the same; nothing otherwise.
func Missing(d protocol.Protocol, o Order) farm.Finding { return missing(d, o).found }

func missing(d protocol.Protocol, o Order) remark {
	if !able(d, o.Action) {
		return saw("unknown-order", "action", o.Action, "protocol", d)
	}
	var known []string
	switch d {
	case protocol.WhatsminerV2, protocol.WhatsminerV3:
		known = powerModes
	case protocol.AntminerOld, protocol.AntminerNew:
		known = slices.Sorted(maps.Keys(antminerModes))
	}
	if o.Action == Profile && known != nil && !slices.Contains(known, o.Profile) {
		return saw("other-profiles", "profiles", strings.Join(known, ", "), "profile", o.Profile)
	}
	return remark{}
}

// batch gives one batch's orders at the same time. Results are in the order of the machines.
func (c *Controller) batch(ctx context.Context, machines []*fleet.Machine, order Order) ([]Result, error) {
	results, errs := make([]Result, len(machines)), make([]error, len(machines))
	var wait sync.WaitGroup
	for i, m := range machines {
		wait.Go(func() { results[i], errs[i] = c.one(ctx, m, order) })
	}
	wait.Wait()
	return results, errors.Join(errs...)
}

// one gives a machine its order. The error is the trail's alone: without a trail nothing goes on. Two entries tell of
// an order, before and after; where there is only the first, the program was ended in between, and the machine may have
// done it.
func (c *Controller) one(ctx context.Context, m *fleet.Machine, order Order) (Result, error) {
	entry := Entry{Time: time.Now().UTC(), Who: c.Who, Action: order.Action, Machine: m.ID, Address: m.Address,
		Detail: order.Detail(), Outcome: "ordered"}
	result := Result{Machine: m.ID, Place: m.Place.String()}
	if err := c.Audit.write(entry); err != nil {
		result.take(saw("trail"))
		return result, err
	}
	c.order(ctx, m, order, &result)
	entry.Time, entry.Outcome = time.Now().UTC(), result.Outcome
	return result, c.Audit.write(entry)
}

// order gives the order, reads back whether it is done, and notes the outcome. Until give, the machine was only asked
// who it is. What went wrong is sorted by whether the machine can have got the order: Unreached, nobody took a
// connection; Unknown, it was sent and the answer is missing; otherwise it refused, or was not told.
func (c *Controller) order(ctx context.Context, m *fleet.Machine, order Order, result *Result) {
	timeout := c.Timeout
	if order.Action == Update {
		timeout = uploadTimeout
	}
	giving, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	speaker, err := c.speaker(m)
	taken := false
	if err == nil {
		taken, err = identified(giving, speaker)
	}
	if err != nil {
		var dial *net.OpError
		result.take(failure(err))
		result.Unreached = errors.As(err, &dial) && dial.Op == "dial"
		if taken && result.Unreached { // a later question found no time, or nobody, any more
			result.take(saw("no-identity"))
			result.Unreached = false
		}
		return
	}
	before := int64(protocol.Unknown)
	if order.Action == Reboot || order.Action == Update {
		if reading, failed := fleet.Poll(giving, m); failed == nil {
			before = reading.ElapsedSeconds
		}
	}
	if err := speaker.give(giving, order); err != nil {
		var broken net.Error
		result.take(failure(err))
		result.Unknown = errors.As(err, &broken) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
			giving.Err() != nil || fault.Code(err) == "farm-empty"
		var dial *net.OpError
		if !result.Unknown || ctx.Err() != nil || errors.As(err, &dial) && dial.Op == "dial" {
			return
		}
		// It may have been taken before the answer broke off, as by a machine that starts anew: the machine says.
		if end := c.readBack(ctx, m, speaker, order, before); end.text == done {
			result.take(end)
			result.Unknown = false
		}
		return
	}
	result.take(c.readBack(ctx, m, speaker, order, before))
	result.Unknown = !result.Done()
}

// identified asks a machine who it is. taken says that a connection came about, whatever became of the next one.
func identified(ctx context.Context, s speaker) (taken bool, err error) {
	var connected atomic.Bool
	err = s.identify(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, failed error) {
			if failed == nil {
				connected.Store(true)
			}
		}}))
	return connected.Load(), err
}

// readBack is readBack within the time that there is for it.
func (c *Controller) readBack(ctx context.Context, m *fleet.Machine, s speaker, order Order, before int64) remark {
	within := c.Confirm
	if within == 0 {
		within = c.Timeout
	}
	ctx, end := context.WithTimeout(ctx, within)
	defer end()
	every := c.LookEvery
	if every == 0 {
		every = readBackEvery
	}
	return readBack(ctx, m, s, order, before, every)
}

// readBackEvery is how often a machine is asked whether it has done what it was told.
const readBackEvery = time.Second

// readBack asks the machine until it is seen to have done the order: an answer of success proves nothing.
func readBack(ctx context.Context, m *fleet.Machine, s speaker, order Order, before int64,
	every time.Duration) remark {
	says := saw("nothing")
	for {
		holds, what := seen(ctx, m, s, order, before)
		if holds {
			return remark{text: done}
		}
		if !what.none() && ctx.Err() == nil {
			says = what
		}
		select {
		case <-ctx.Done():
			return saw("unconfirmed").because(says)
		case <-time.After(every):
		}
	}
}

// seen says whether the machine shows that the order is done, and otherwise what it shows.
func seen(ctx context.Context, m *fleet.Machine, s speaker, order Order, before int64) (bool, remark) {
	if order.Action != Reboot && order.Action != Update {
		ok, what := s.holds(ctx, order)
		if !ok || !slices.Contains([]Action{Pool, Sleep, Wake}, order.Action) {
			return ok, what
		}
	}
	asking, stop := context.WithTimeout(ctx, fleet.DefaultTimeout)
	defer stop()
	reading, err := fleet.Poll(asking, m)
	switch order.Action {
	case Reboot: // it is away, or its clock began again
		var refused *farm.Error
		if errors.As(err, &refused) && refused.Code == "no-section" {
			return false, failure(err) // it answers: it is not away
		}
		if err != nil {
			// That our time is up says nothing of the machine; a connection's deadline comes before the context's end.
			until, ends := ctx.Deadline()
			return ctx.Err() == nil && (!ends || time.Now().Before(until)), remark{}
		}
		known := before != protocol.Unknown && reading.ElapsedSeconds != protocol.Unknown
		return known && reading.ElapsedSeconds < before,
			saw("no-break", "seconds", reading.ElapsedSeconds)
	case Update:
		if err != nil {
			return false, failure(err)
		}
		return updated(reading, order, before)
	case Sleep, Wake:
		if err != nil {
			return false, failure(err)
		}
		state := "awake"
		if reading.Sleeping {
			state = "asleep"
		}
		return reading.Sleeping == (order.Action == Sleep), saw(state, "rate", reading.RateMHs)
	}
	if err != nil {
		return false, failure(err)
	}
	active := reading.ActivePool()
	for _, p := range reading.Pools {
		if p.Active && p.URL == order.PoolURL && p.User == order.PoolUser {
			return true, remark{}
		}
	}
	return false, saw("works-at", "pool", active.URL, "user", active.User)
}

// speaker is a protocol in which orders can be given. Each call speaks to the machine anew; nothing is kept between
// them.
type speaker interface {
	// identify refuses with an error if the machine is not the one that is meant; it tells the machine to do nothing
	identify(ctx context.Context) error
	// give sends the order; nil says only that the machine did not refuse
	give(ctx context.Context, order Order) error
	// holds says whether what the machine is set to is what was ordered, and otherwise what it is.
	holds(ctx context.Context, order Order) (bool, remark)
}

// speaker is the way to speak to a machine, by its protocol.
func (c *Controller) speaker(m *fleet.Machine) (speaker, error) {
	switch m.Protocol {
	case protocol.LuxOS:
		return &luxOS{m}, nil
	case protocol.AntminerOld, protocol.AntminerNew:
		return newAntminer(m, c.User, c.Password)
	case protocol.WhatsminerV2, protocol.WhatsminerV3:
		return newWhatsminer(m, c.Others), nil
	case protocol.Avalon, protocol.SealMiner:
		return &socket{m}, nil
	}
	kind, ok := firmwares[m.Protocol]
	if !ok {
		return nil, farm.Refuse("no-control", "dialect", "%s speaks %s, in which orders cannot be given", m.ID,
			m.Protocol)
	}
	return newWeb(m, kind, c.Others)
}

// sameMachine refuses an order to a machine that does not say that it is the one that is meant: whatever both tell must
// agree, because two machines can have one MAC, and something must.
func sameMachine(m *fleet.Machine, mac, serial, minerID string) error {
	confirmed, err := m.Confirm(mac, serial, minerID, "")
	if err == nil && !confirmed {
		err = &fleet.OtherMachine{Wanted: m.ID, MAC: mac, Serial: serial, Address: m.Address,
			Differs: fleet.Untold}
	}
	if err != nil {
		return farm.WithFinding(fmt.Errorf("not ordered: %w", err),
			farm.Found("not-ordered").Because(farm.FindingOf(err)))
	}
	return nil
}
