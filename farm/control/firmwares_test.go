package control_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// ordersOf are orders with what a double must be like after them.
func ordersOf(d protocol.Protocol) []struct {
	order control.Order
	holds func(x *double) bool
} {
	profile, watts := "low", int64(2800)
	if d == protocol.VNish {
		profile = "3500"
	}
	const url = "stratum+tcp://new.example:4444"
	return []struct {
		order control.Order
		holds func(x *double) bool
	}{
		{control.Order{Action: control.LED, On: true}, func(x *double) bool { return x.lamp }},
		{control.Order{Action: control.LED}, func(x *double) bool { return !x.lamp }},
		{control.Order{Action: control.Sleep}, func(x *double) bool { return x.asleep && len(x.pools) == 2 }},
		{control.Order{Action: control.Wake}, func(x *double) bool { return !x.asleep && len(x.pools) == 2 }},
		{control.Order{Action: control.Power, Watts: watts}, func(x *double) bool {
			return x.watts == watts || x.profile == "2500" // the highest preset below
		}},
		{control.Order{Action: control.Profile, Profile: profile}, func(x *double) bool {
			return x.profile == profile
		}},
		{control.Order{Action: control.Fan, FanPercent: 70}, func(x *double) bool { return x.fan == 70 }},
		{control.Order{Action: control.Fan, FanPercent: control.Automatic}, func(x *double) bool { return x.fan == 0 }},
		{control.Order{Action: control.Pool, PoolURL: url, PoolUser: "farm.new"}, func(x *double) bool {
			return x.pools[0] == row{url, "farm.new"} && len(x.pools) == 2 // the spare one stays
		}},
		{control.Order{Action: control.Reboot}, func(x *double) bool { return x.elapsed == 1 }},
		{control.Order{Action: control.Password, Secret: "changed99"}, func(x *double) bool {
			return x.password == "changed99"
		}},
	}
}

// Doubled are the firmwares that have a double; LuxOS and stock Antminers have simulated machines.
var doubled = []protocol.Protocol{protocol.BraiinsREST, protocol.BraiinsGraphQL, protocol.VNish, protocol.EPIC,
	protocol.Marathon,
	protocol.AxeOS,
	protocol.Proto, protocol.Auradine, protocol.ElphaPex, protocol.IceRiver, protocol.Avalon, protocol.SealMiner, protocol.WhatsminerV2,
	protocol.WhatsminerV3}

// Every order of every firmware is done and seen, or it is not on the firmware, and then nothing is sent.
func TestOrdersOfFirmwares(t *testing.T) {
	t.Parallel()
	for _, d := range doubled {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			x := &double{d: d}
			m := start(t, x)
			c, _ := controller(t)
			c.Confirm = 5 * time.Second
			given := 0
			for _, o := range ordersOf(d) {
				x.mu.Lock()
				before := len(x.orders)
				x.elapsed = 5000
				x.mu.Unlock()
				results, err := c.Give(t.Context(), []*fleet.Machine{m}, o.order)
				saidIn(t, results...)
				if err != nil || len(results) != 1 {
					t.Fatalf("%s: %v %v", o.order.Action, results, err)
				}
				x.mu.Lock()
				sent, holds := len(x.orders) > before, o.holds(x)
				x.mu.Unlock()
				switch r := results[0]; {
				case r.Absent:
					if sent || r.Done() || !strings.HasPrefix(r.Outcome, "not on this firmware") {
						t.Errorf("%s is not on the firmware, and yet: %+v, sent %t", o.order.Action, r, sent)
					}
				case !r.Done() || !holds || !sent:
					t.Errorf("%s: %+v, holds %t", o.order.Action, r, holds)
				default:
					given++
				}
			}
			if given < 2 {
				t.Errorf("%d orders were given", given)
			}
		})
	}
}

// A firmware that says yes and does nothing is unconfirmed with every order, and the trail does not say done.
func TestDeafFirmwares(t *testing.T) {
	t.Parallel()
	for _, d := range doubled {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			for _, o := range ordersOf(d) {
				switch o.order.Action {
				case control.Wake:
					continue // it was awake, and shows it
				case control.LED:
					if !o.order.On {
						continue
					}
				case control.Fan:
					if o.order.FanPercent == control.Automatic {
						continue
					}
				}
				x := &double{d: d, deaf: true}
				m := start(t, x)
				c, dir := controller(t)
				c.Confirm = 400 * time.Millisecond
				results, err := c.Give(t.Context(), []*fleet.Machine{m}, o.order)
				saidIn(t, results...)
				if err != nil {
					t.Fatal(err)
				}
				r := results[0]
				if !r.Absent && (r.Done() || !r.Unknown || !strings.HasPrefix(r.Outcome, "unconfirmed: ")) {
					t.Errorf("%s of a deaf machine: %+v", o.order.Action, r)
				}
				trail, err := os.ReadFile(dir + "/audit.jsonl")
				if err != nil || strings.Contains(string(trail), `"done"`) ||
					strings.Contains(string(trail), "changed99") {
					t.Errorf("%s: the trail says %s, %v", o.order.Action, trail, err)
				}
			}
		})
	}
}

// A machine that starts anew in the midst of an order gives no answer, and is away for a while. Whether it has kept the
// order it says afterwards: done or unconfirmed, and the trail with it. The order goes out once.
func TestAMachineStartsAnewInTheMidstOfAnOrder(t *testing.T) {
	t.Parallel()
	for _, d := range doubled {
		for _, forgets := range []bool{false, true} {
			t.Run(fmt.Sprint(d, " forgets ", forgets), func(t *testing.T) {
				t.Parallel()
				o := ordersOf(d)[2] // sleep
				if !slices.Contains(control.Abilities(d), control.Sleep) {
					o = ordersOf(d)[6] // fans
				}
				if !slices.Contains(control.Abilities(d), o.order.Action) {
					o = ordersOf(d)[0] // lamp
				}
				x := &double{d: d, falls: 3, forgets: forgets}
				m := start(t, x)
				c, dir := controller(t)
				if c.Confirm = 15 * time.Second; forgets {
					c.Confirm = 400 * time.Millisecond
				}
				results, err := c.Give(t.Context(), []*fleet.Machine{m}, o.order)
				saidIn(t, results...)
				if err != nil {
					t.Fatal(err)
				}
				x.mu.Lock()
				holds, sent := o.holds(x), len(x.orders)
				x.mu.Unlock()
				r := results[0]
				if r.Done() == forgets || r.Unknown != forgets || holds == forgets || sent != 1 {
					t.Errorf("%s: %+v, holds %t, sent %d times", o.order.Action, r, holds, sent)
				}
				trail, err := os.ReadFile(dir + "/audit.jsonl")
				if err != nil || strings.Contains(string(trail), `"done"`) == forgets {
					t.Errorf("the trail says %s, %v", trail, err)
				}
			})
		}
	}
}

// A deaf machine that does not tell any more since when it runs, or that refuses to be polled, which is an answer, has
// not been seen to start anew.
func TestNoSignOfAStartIsNoStart(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]*double{
		"its uptime is not told": {d: protocol.WhatsminerV2, deaf: true, ageless: true},
		"it refuses the poll":    {d: protocol.WhatsminerV2, deaf: true, refuses: true},
	} {
		m := start(t, x)
		c, _ := controller(t)
		c.Confirm = 400 * time.Millisecond
		results, err := c.Give(t.Context(), []*fleet.Machine{m}, control.Order{Action: control.Reboot})
		saidIn(t, results...)
		if err != nil || results[0].Done() || !results[0].Unknown || len(x.orders) != 1 {
			t.Errorf("%s: %+v, %v, took %v", name, results, err, x.orders)
		}
	}
}

// An order that GraphQL answers with a message is refused with it: nothing is left unconfirmed.
func TestAMessageIsARefusal(t *testing.T) {
	t.Parallel()
	x := &double{d: protocol.BraiinsGraphQL, refuses: true}
	m := start(t, x)
	c, _ := controller(t)
	c.Confirm = 400 * time.Millisecond
	results, err := c.Give(t.Context(), []*fleet.Machine{m}, control.Order{Action: control.Sleep})
	saidIn(t, results...)
	if err != nil || results[0].Done() || results[0].Unknown || !strings.Contains(results[0].Outcome, "not now") {
		t.Errorf("%+v, %v", results, err)
	}
}

// Somebody else at the address, and a password that is not taken: nothing is done.
func TestFirmwaresRefuse(t *testing.T) {
	t.Parallel()
	for _, d := range doubled {
		x := &double{d: d}
		m := start(t, x)
		c, _ := controller(t)
		c.Confirm = 400 * time.Millisecond
		stranger := *m
		stranger.MAC = "02:00:00:00:00:99"
		order := control.Order{Action: control.Reboot}
		switch d {
		case protocol.SealMiner:
			order.Action = control.Sleep
		case protocol.IceRiver:
			order = control.Order{Action: control.LED, On: true}
		}
		results, err := c.Give(t.Context(), []*fleet.Machine{&stranger}, order)
		saidIn(t, results...)
		if err != nil || results[0].Done() || !strings.Contains(results[0].Outcome, "not ordered") ||
			len(x.orders) != 0 {
			t.Errorf("%s: an order for another machine: %+v, %v, took %v", d, results, err, x.orders)
		}
		switch d {
		case protocol.Avalon, protocol.SealMiner, protocol.AxeOS, protocol.Marathon, protocol.ElphaPex,
			protocol.BraiinsREST:
			continue // take orders without a password, or are polled with it
		}
		c.Others = "wrong-one"
		results, err = c.Give(t.Context(), []*fleet.Machine{m}, order)
		saidIn(t, results...)
		if err != nil || results[0].Done() || len(x.orders) != 0 {
			t.Errorf("%s: an order with a wrong password: %+v, %v, took %v", d, results, err, x.orders)
		}
	}
}

// An IceRiver machine is told its password in the address of a page: where that page cannot be reached, nothing that is
// said or kept has it.
func TestAPasswordInAnAddressIsNotTold(t *testing.T) {
	t.Parallel()
	x := &double{d: protocol.IceRiver}
	m := start(t, x)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/user/loginpost" {
			panic(http.ErrAbortHandler)
		}
		x.ServeHTTP(w, r)
	}))
	defer broken.Close()
	m.Address = broken.Listener.Addr().String()
	c, dir := controller(t)
	c.Others, c.Confirm = "s3cret-of-ice", 400*time.Millisecond
	results, err := c.Give(t.Context(), []*fleet.Machine{m}, control.Order{Action: control.LED, On: true})
	saidIn(t, results...)
	kept, _ := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil || results[0].Done() || len(x.orders) != 0 || len(kept) == 0 ||
		strings.Contains(fmt.Sprintf("%+v", results)+string(kept), "s3cret") {
		t.Errorf("%+v, %v, took %v\n%s", results, err, x.orders, kept)
	}
}

// The configuration of a MARA machine is set as a whole: one that names no pool is not sent.
func TestNoOrderLeavesAMachineWithoutPools(t *testing.T) {
	t.Parallel()
	x := &double{d: protocol.Marathon}
	m := start(t, x)
	x.pools = nil
	c, _ := controller(t)
	results, err := c.Give(t.Context(), []*fleet.Machine{m}, control.Order{Action: control.Sleep})
	saidIn(t, results...)
	if err != nil || results[0].Done() || !strings.Contains(results[0].Outcome, "without one") || len(x.orders) != 0 {
		t.Errorf("%+v, %v, took %v", results, err, x.orders)
	}
}

// An order that its firmware cannot mean is not given, whatever the name of its profile would make of the command.
func TestOrdersAreChecked(t *testing.T) {
	t.Parallel()
	x := &double{d: protocol.WhatsminerV2}
	m := start(t, x)
	c, _ := controller(t)
	for _, o := range []control.Order{{Action: control.Power}, {Action: control.Power, Watts: 200_000},
		{Action: control.Profile}, {Action: control.Profile, Profile: "a,b"}, {Action: control.Fan, FanPercent: 5},
		{Action: control.Fan, FanPercent: 101}, {Action: control.Password, Secret: "short"},
		{Action: control.Password, Secret: "with space inside"}} {
		if _, err := c.Give(t.Context(), []*fleet.Machine{m}, o); code(err) != "farm-bad-order" {
			t.Errorf("%+v: %v", o, err)
		}
	}
	results, err := c.Give(t.Context(), []*fleet.Machine{m}, control.Order{Action: control.Profile, Profile: "led"})
	saidIn(t, results...)
	if err != nil || results[0].Done() || len(x.orders) != 0 {
		t.Errorf("a profile that there is not: %+v, %v, took %v", results, err, x.orders)
	}
}

// The table of the documents is what is given.
func TestTheDocumentsTableOfOrders(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/farm.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range protocol.Protocols {
		var names []string
		for _, action := range control.Abilities(d) {
			names = append(names, string(action))
		}
		if len(names) == 0 {
			names = []string{"none"}
		}
		if want := fmt.Sprintf("| `%s` | %s |", d, strings.Join(names, ", ")); !strings.Contains(string(document),
			want) {
			t.Errorf("docs/farm.md lacks the line\n%s", want)
		}
	}
}
