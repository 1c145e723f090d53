package control_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/words"
)

func code(err error) string {
	var refusal *farm.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := freeport.Port()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve lets one simulated machine of each protocol answer.
func serve(t *testing.T, protocols ...protocol.Protocol) []*simulate.Unit {
	t.Helper()
	if l, err := net.Listen("tcp", "127.78.0.1:0"); err != nil {
		t.Skipf("no loopback addresses beyond 127.0.0.1 here: %v", err)
	} else {
		_ = l.Close()
	}
	server := &simulate.Server{HTTPPort: freePort(t)}
	port := freePort(t)
	for i, d := range protocols {
		u := simulate.NewUnit(i, 1, d, usage.At(time.Now())-usage.Hour)
		u.Machine.Address = fmt.Sprintf("127.78.0.%d:%d", i+1, port)
		server.Units = append(server.Units, u)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	time.Sleep(20 * time.Millisecond) // until its web pages are there
	return server.Units
}

func controller(t *testing.T) (*control.Controller, string) {
	t.Helper()
	dir := t.TempDir()
	audit, err := control.OpenAudit(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = audit.Close() })
	return &control.Controller{Allow: true, Who: "tester", Audit: audit, StepKW: 100, Timeout: 5 * time.Second,
		LookEvery: 20 * time.Millisecond}, dir
}

func machinesOf(units []*simulate.Unit) (machines []*fleet.Machine) {
	for _, u := range units {
		machines = append(machines, &u.Machine)
	}
	return machines
}

// Both protocols obey every order, and the trail tells it.
func TestOrders(t *testing.T) {
	units := serve(t, protocol.LuxOS, protocol.AntminerNew, protocol.AntminerOld)
	c, dir := controller(t)
	give := func(o control.Order) {
		t.Helper()
		results, err := c.Give(t.Context(), machinesOf(units), o)
		saidIn(t, results...)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if !r.Done() {
				t.Errorf("%s of %s: %s", o.Action, r.Machine, r.Outcome)
			}
		}
	}
	check := func(what string, holds func(u *simulate.Unit) bool) {
		t.Helper()
		for _, u := range units {
			if !holds(u) {
				t.Errorf("%s does not %s", u.Machine.Protocol, what)
			}
		}
	}
	give(control.Order{Action: control.Sleep})
	check("sleep", (*simulate.Unit).Sleeping)
	give(control.Order{Action: control.Wake})
	check("wake", func(u *simulate.Unit) bool { return !u.Sleeping() })
	give(control.Order{Action: control.Pool, PoolURL: "stratum+tcp://127.0.0.1:4444", PoolUser: "simulated.new"})
	check("change its pool", func(u *simulate.Unit) bool {
		r, err := fleet.Poll(t.Context(), &u.Machine)
		return err == nil && r.ActivePool().URL == "stratum+tcp://127.0.0.1:4444" &&
			r.ActivePool().User == "simulated.new"
	})
	give(control.Order{Action: control.LED, On: true})
	check("show where it is", func(u *simulate.Unit) bool { _, _, lamp, _ := u.Settings(); return lamp })
	give(control.Order{Action: control.Fan, FanPercent: 80})
	check("turn its fans", func(u *simulate.Unit) bool { _, fan, _, _ := u.Settings(); return fan == 80 })
	give(control.Order{Action: control.Fan, FanPercent: control.Automatic})
	check("let its fans go", func(u *simulate.Unit) bool { _, fan, _, _ := u.Settings(); return fan == 0 })
	give(control.Order{Action: control.Reboot})
	check("reboot", func(u *simulate.Unit) bool { // and is away for a minute
		_, err := fleet.Poll(t.Context(), &u.Machine)
		return err != nil
	})
	entries, _, err := control.ReadAudit(dir)
	if err != nil || len(entries) != 2*7*len(units) {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, u := range units {
		var trail []string
		for _, e := range entries {
			if e.Machine == u.Machine.ID {
				trail = append(trail, string(e.Action)+" "+e.Outcome)
			}
		}
		if want :=
			"sleep ordered,sleep done,wake ordered,wake done,pool ordered,pool done,led ordered,led done,fan ordered,fan done,fan ordered,fan done,reboot ordered,reboot done"; strings.Join(trail, ",") != want {
			t.Errorf("the trail of %s: %v", u.Machine.ID, trail)
		}
	}
}

// Profiles, power and passwords of the firmwares that have simulated machines; a profile that draws too much is not
// chosen.
func TestProfilesAndPasswords(t *testing.T) {
	units := serve(t, protocol.LuxOS, protocol.AntminerNew, protocol.AntminerOld)
	c, _ := controller(t)
	give := func(u *simulate.Unit, o control.Order) control.Result {
		t.Helper()
		results, err := c.Give(t.Context(), []*fleet.Machine{&u.Machine}, o)
		saidIn(t, results...)
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	lux, modern, old := units[0], units[1], units[2]
	if r := give(lux, control.Order{Action: control.Power, Watts: lux.Model.Watts * 85 / 100}); !r.Done() {
		t.Errorf("power of LuxOS: %+v", r)
	}
	if mode, _, _, _ := lux.Settings(); mode != 1 {
		t.Errorf("LuxOS runs profile %d, want the highest below the limit, 1", mode)
	}
	if r := give(lux, control.Order{Action: control.Power, Watts: 100}); r.Done() ||
		!strings.Contains(r.Outcome, "no profile") {
		t.Errorf("power that no profile keeps to: %+v", r)
	} else if saidIn(t, r); r.Say(words.Russian) != "приказ не отдан: ни один профиль устройства не укладывается в 100 Вт" {
		t.Error(r.Say(words.Russian))
	}
	if r := give(modern, control.Order{Action: control.Profile, Profile: "low"}); !r.Done() {
		t.Errorf("profile of a stock Antminer: %+v", r)
	}
	if mode, _, _, _ := modern.Settings(); mode != 3 {
		t.Errorf("a stock Antminer runs mode %d, want 3", mode)
	}
	for _, r := range []control.Result{give(old, control.Order{Action: control.Profile, Profile: "low"}),
		give(modern, control.Order{Action: control.Profile, Profile: "turbo"}),
		give(old, control.Order{Action: control.Password, Secret: "changed99"})} {
		if r.Done() || r.Unknown || !strings.Contains(r.Outcome, "not ordered") {
			t.Errorf("an order that the firmware lacks: %+v", r)
		}
		saidIn(t, r)
	}
	if r := give(modern, control.Order{Action: control.Password, Secret: "changed99"}); !r.Done() {
		t.Errorf("password: %+v", r)
	}
	if _, _, _, password := modern.Settings(); password != "changed99" {
		t.Errorf("the password is %q", password)
	}
}

// english are words of it that stand in no Russian or Kazakh sentence.
var english = regexp.MustCompile(`(?i)\b(the|it|its|is|not|of|and|this|machine|order|done)\b`)

// quoted are a machine's own words.
var quoted = regexp.MustCompile(`«[^»]*»`)

// saidIn holds that a result is a sentence in every language: what was done, or why it was not.
func saidIn(t *testing.T, results ...control.Result) {
	t.Helper()
	for _, r := range results {
		ru, kk := quoted.ReplaceAllString(r.Say(words.Russian), ""), quoted.ReplaceAllString(r.Say(words.Kazakh), "")
		if ru == kk || english.MatchString(ru) || english.MatchString(kk) || strings.Contains(ru+kk, "{") ||
			r.Done() != r.Finding.IsZero() {
			t.Errorf("%q is said as %q, %q (%+v)", r.Outcome, ru, kk, r.Finding)
		}
	}
}

// A machine that is not there was sent nothing.
func TestUnreached(t *testing.T) {
	c, _ := controller(t)
	gone := &fleet.Machine{ID: "gone", Serial: "gone", Address: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		Protocol: protocol.LuxOS}
	results, err := c.Give(t.Context(), []*fleet.Machine{gone}, control.Order{Action: control.Reboot})
	saidIn(t, results...)
	if err != nil || len(results) != 1 || !results[0].Unreached || results[0].Unknown || results[0].Done() {
		t.Errorf("a machine that is not there: %+v, %v", results, err)
	}
}

// Of a machine that takes a connection and is silent it is not said that nobody was there; the order was not sent.
func TestMute(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	heard := make(chan string, 16)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				asked, _ := io.ReadAll(conn) // until the other end gives up
				heard <- string(asked)
			}()
		}
	}()
	c, _ := controller(t)
	c.Timeout = 500 * time.Millisecond
	for _, p := range []protocol.Protocol{protocol.WhatsminerV2, protocol.LuxOS, protocol.AntminerNew} {
		mute := &fleet.Machine{ID: "mute", Serial: "mute", Address: l.Addr().String(), Protocol: p}
		if p == protocol.AntminerNew {
			mute.HTTPPort = l.Addr().(*net.TCPAddr).Port
		}
		results, err := c.Give(t.Context(), []*fleet.Machine{mute}, control.Order{Action: control.Sleep})
		saidIn(t, results...)
		if err != nil || len(results) != 1 || results[0].Unreached || results[0].Unknown || results[0].Done() ||
			strings.Contains(results[0].Outcome, "dial") {
			t.Errorf("a mute %s: %+v, %v", p, results, err)
		}
		if asked := <-heard; asked == "" || strings.Contains(asked, "power_off") {
			t.Errorf("a mute %s was sent %q", p, asked)
		}
	}
}

// A machine that says yes and does nothing is unconfirmed, with what it says, in the trail too; a machine
// whose configuration names no pool is not given one that would leave it so.
func TestUnconfirmed(t *testing.T) {
	units := serve(t, protocol.LuxOS, protocol.AntminerNew, protocol.AntminerOld)
	c, dir := controller(t)
	c.Confirm = 1500 * time.Millisecond
	for _, u := range units {
		u.Deaf = true
	}
	for _, o := range []control.Order{{Action: control.Sleep},
		{Action: control.Pool, PoolURL: "stratum+tcp://127.0.0.1:4444", PoolUser: "simulated.new"}} {
		results, err := c.Give(t.Context(), machinesOf(units), o)
		saidIn(t, results...)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Done() || (!strings.HasPrefix(r.Outcome, "unconfirmed: ") &&
				!strings.Contains(r.Outcome, "not among its pools")) {
				t.Errorf("%s of a deaf %s: %s", o.Action, r.Machine, r.Outcome)
			}
			// What was sent may still be done; what the machine refused is not.
			if r.Unknown != strings.HasPrefix(r.Outcome, "unconfirmed: ") || r.Unreached {
				t.Errorf("%s of a deaf %s: unknown %t, unreached %t: %s", o.Action, r.Machine, r.Unknown, r.Unreached,
					r.Outcome)
			}
		}
	}
	entries, _, err := control.ReadAudit(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Outcome == "done" {
			t.Errorf("the trail states what was not seen: %+v", e)
		}
	}
	bare := serve(t, protocol.AntminerOld)
	bare[0].SetPool("", "")
	results, err := c.Give(t.Context(), machinesOf(bare), control.Order{Action: control.Sleep})
	saidIn(t, results...)
	if err != nil || !strings.Contains(results[0].Outcome, "not ordered") || bare[0].Sleeping() {
		t.Errorf("sleep of a machine without pools: %+v, %v", results, err)
	}
}

func TestRefusals(t *testing.T) {
	units := serve(t, protocol.LuxOS, protocol.Braiins)
	c, dir := controller(t)
	lux := machinesOf(units[:1])
	for want, given := range map[string]func() error{
		"farm-unknown-action": func() error {
			_, err := c.Give(t.Context(), lux, control.Order{Action: "dance"})
			return err
		},
		"bad-pool": func() error {
			_, err := c.Give(t.Context(), lux, control.Order{Action: control.Pool, PoolURL: "stratum+tcp://a:1",
				PoolUser: "x,y"})
			return err
		},
		"step-too-small": func() error {
			small := *c
			small.StepKW = 1
			_, err := small.Give(t.Context(), lux, control.Order{Action: control.Sleep})
			return err
		},
		"control-off": func() error {
			off := *c
			off.Allow = false
			_, err := off.Give(t.Context(), lux, control.Order{Action: control.Sleep})
			return err
		},
	} {
		if err := given(); code(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	absent, err := c.Give(t.Context(), machinesOf(units[1:]), control.Order{Action: control.Sleep})
	if err != nil || !absent[0].Absent || absent[0].Done() {
		t.Errorf("an order that is not on a firmware: %+v, %v", absent, err)
	}
	if units[0].Sleeping() {
		t.Error("a refused order was given")
	}
	if entries, _, err := control.ReadAudit(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// An order meant for another machine is not given to the one that answers at its address.
func TestNotTheMachineThatIsMeant(t *testing.T) {
	for _, d := range []protocol.Protocol{protocol.LuxOS, protocol.AntminerNew} {
		units := serve(t, d)
		c, _ := controller(t)
		meant := units[0].Machine
		meant.ID, meant.Serial, meant.MAC = "OTHER", "OTHER", "02:00:00:00:00:99"
		results, err := c.Give(t.Context(), []*fleet.Machine{&meant}, control.Order{Action: control.Sleep})
		saidIn(t, results...)
		if err != nil || results[0].Done() || !strings.Contains(results[0].Outcome, "not ordered") ||
			units[0].Sleeping() {
			t.Errorf("%s: %+v, %v", d, results, err)
		}
	}
}

// Two machines of one MAC are told apart by their serial numbers, in every dialect that takes orders and tells one.
func TestOneMACIsNotOneMachine(t *testing.T) {
	units := serve(t, protocol.LuxOS, protocol.AntminerNew, protocol.AntminerOld, protocol.WhatsminerV2, protocol.WhatsminerV3)
	for i, u := range units {
		c, _ := controller(t)
		meant := u.Machine
		meant.ID, meant.Serial = "SIM7777777", "SIM7777777"
		results, err := c.Give(t.Context(), []*fleet.Machine{&meant}, control.Order{Action: control.Sleep})
		saidIn(t, results...)
		if err != nil || !strings.Contains(results[0].Outcome, "not ordered") ||
			!strings.Contains(results[0].Outcome, "its serial number is "+u.Machine.Serial) || units[i].Sleeping() {
			t.Errorf("%s: %+v, %v", u.Machine.Protocol, results, err)
		}
	}
	// Auradine's poll does not tell who it is.
	x := &double{d: protocol.Auradine, serial: "AUR0002"}
	m := start(t, x)
	m.Serial = "AUR0001"
	c, _ := controller(t)
	results, err := c.Give(t.Context(), []*fleet.Machine{m}, control.Order{Action: control.Sleep})
	saidIn(t, results...)
	if err != nil || !strings.Contains(results[0].Outcome, "AUR0002") || x.asleep {
		t.Errorf("%+v, %v, asleep %t", results, err, x.asleep)
	}
}

func TestWrongPassword(t *testing.T) {
	units := serve(t, protocol.AntminerNew)
	c, _ := controller(t)
	c.Password = "guess"
	results, err := c.Give(t.Context(), machinesOf(units), control.Order{Action: control.Sleep})
	saidIn(t, results...)
	if err != nil || !strings.Contains(results[0].Outcome, "password") || units[0].Sleeping() {
		t.Errorf("%+v, %v", results, err)
	}
}

// No batch moves a site by more than the step; every machine is in one batch.
func TestBatches(t *testing.T) {
	var machines []*fleet.Machine
	for i := range 50 {
		machines = append(machines, &fleet.Machine{ID: fmt.Sprint(i), NominalWatts: int64(1000 + 137*i%3500),
			Place: fleet.Place{Site: []string{"a", "b", "c"}[i%3], Rack: fmt.Sprint(i % 7)}})
	}
	batches, err := control.Batches(machines, 10)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, batch := range batches {
		load := map[string]int64{}
		for _, m := range batch {
			load[m.Place.Site] += m.NominalWatts
			if seen[m.ID] {
				t.Errorf("%s is told twice", m.ID)
			}
			seen[m.ID] = true
		}
		for site, watts := range load {
			if watts > 10_000 {
				t.Errorf("site %s is moved by %d W", site, watts)
			}
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d machines are told", len(seen))
	}
	// One of which nothing is known is staggered as one that draws much.
	if batches, err := control.Batches([]*fleet.Machine{{ID: "x"}, {ID: "y"}}, 10); err != nil || len(batches) != 2 {
		t.Errorf("machines without power: %d batches, %v", len(batches), err)
	}
}

// A line that is changed or taken out of the trail is noticed.
func TestTrailIsChained(t *testing.T) {
	units := serve(t, protocol.LuxOS)
	c, dir := controller(t)
	for _, action := range []control.Action{control.Sleep, control.Wake} {
		if _, err := c.Give(t.Context(), machinesOf(units), control.Order{Action: action}); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "audit.jsonl")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(content), "\n")
	head, err := os.ReadFile(filepath.Join(dir, "audit.head"))
	if err != nil || !strings.HasPrefix(string(head), fmt.Sprintf("%d ", len(lines)-1)) {
		t.Fatalf("%v: the head says %q of %d lines", err, head, len(lines)-1)
	}
	for name, changed := range map[string][]string{"cut off": lines[:len(lines)-2], "all cut off": nil,
		"taken out": slices.Delete(slices.Clone(lines), 1, 2),
		"changed":   append([]string{strings.Replace(lines[0], "tester", "nobody", 1)}, lines[1:]...)} {
		if err := os.WriteFile(path, []byte(strings.Join(changed, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := control.OpenAudit(dir); err == nil {
			t.Errorf("a line that was %s is not noticed", name)
		}
	}
	// A crash after a line and before its head; a head by no program.
	if err := errors.Join(os.WriteFile(path, content, 0o600),
		os.WriteFile(filepath.Join(dir, "audit.head"),
			fmt.Appendf(nil, "1 %x\n", sha256.Sum256([]byte(strings.TrimSuffix(lines[0], "\n")))), 0o600)); err != nil {
		t.Fatal(err)
	}
	if entries, _, err := control.ReadAudit(dir); err != nil || len(entries) != len(lines)-1 {
		t.Errorf("a head that is behind: %v, %d lines", err, len(entries))
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.head"), []byte("many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := control.ReadAudit(dir); err == nil {
		t.Error("a head that says nothing is believed")
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(filepath.Join(dir, "audit.head"), head, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := control.OpenAudit(dir); err == nil {
		t.Error("a trail that was taken away is begun anew")
	}
}

func Example() {
	machines := []*fleet.Machine{{ID: "a", NominalWatts: 3250, Place: fleet.Place{Site: "north"}},
		{ID: "b", NominalWatts: 3250, Place: fleet.Place{Site: "north"}},
		{ID: "c", NominalWatts: 3250, Place: fleet.Place{Site: "south"}}}
	batches, err := control.Batches(machines, 5)
	for i, batch := range batches {
		for _, m := range batch {
			fmt.Println(i+1, m.ID)
		}
	}
	fmt.Println(err)
	// Output:
	// 1 a
	// 1 c
	// 2 b
	// <nil>
}

// Simulated Whatsminers of API 3 obey what is signed with their password: asleep and awake, other pools, another power
// mode, in which they draw less for each hash. What is signed otherwise they do not take.
func TestSimulatedWhatsminersObey(t *testing.T) {
	units := serve(t, protocol.WhatsminerV3)
	u, machines := units[0], machinesOf(units)
	c, _ := controller(t)
	give := func(o control.Order) control.Result {
		t.Helper()
		results, err := c.Give(t.Context(), machines, o)
		saidIn(t, results...)
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	before, _ := u.Reading(usage.At(time.Now()))
	for _, o := range []control.Order{{Action: control.Sleep}, {Action: control.Wake},
		{Action: control.Pool, PoolURL: "stratum+tcp://new.example:3333", PoolUser: "farm.new"},
		{Action: control.Profile, Profile: "low"}} {
		if r := give(o); !r.Done() {
			t.Errorf("%s: %+v", o.Action, r)
		}
	}
	after, _ := u.Reading(usage.At(time.Now().Add(time.Minute)))
	if u.Sleeping() || u.Pool != "stratum+tcp://new.example:3333" || u.User != "farm.new" ||
		after.PowerWatts*before.RateMHs >= before.PowerWatts*after.RateMHs {
		t.Errorf("%+v, before %+v", after, before)
	}
	c.Others = "another"
	if r := give(control.Order{Action: control.Sleep}); r.Done() || u.Sleeping() {
		t.Errorf("with another password: %+v", r)
	}
}
