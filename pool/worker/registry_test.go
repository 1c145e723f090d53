package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Addresses on regtest; nobody's keys matter here.
var addresses = []string{
	"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
	"bcrt1qtp7fhly84qm6q4hhzmp0nh5frtdugmyszllqc7",
	"bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry",
}

func newRegistry(t interface{ Fatal(...any) }) *Registry {
	network, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		t.Fatal(err)
	}
	return NewRegistry(network)
}

// kept is a log of workers.
type kept []*sharelog.Worker

func (k *kept) log(r sharelog.Record) { *k = append(*k, r.(*sharelog.Worker)) }

// find fails the test when a name is refused.
func find(t *testing.T, r *Registry, name string) *Worker {
	t.Helper()
	w, err := r.Find(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return w
}

func TestNames(t *testing.T) {
	for _, c := range [][3]string{
		{"addr.rig.1", "addr", "rig.1"}, {"addr_rig", "addr", "rig"}, {"addr.", "addr", ""}, {"addr", "addr", ""},
		{".rig", "", "rig"},
	} {
		if address, name := SplitName(c[0]); address != c[1] || name != c[2] {
			t.Errorf("%s is %s and %s", c[0], address, name)
		}
	}
	lower := addresses[0]
	upper, mixed := strings.ToUpper(lower), strings.ToUpper(lower[:6])+lower[6:]
	if !SameAddress(lower, lower) || !SameAddress(lower, upper) || SameAddress(lower, mixed) ||
		SameAddress(upper, lower) || SameAddress("mfWxJ", "MFWXJ") {
		t.Error("bech32 has one case or the other, and nothing else has two")
	}
	r := newRegistry(t)
	a := find(t, r, lower+".станок")
	if b := find(t, r, upper+"_станок"); a != b || b.FullName() != lower+".станок" {
		t.Errorf("%s and %s are two", a.FullName(), b.FullName())
	}
	if w := find(t, r, lower+".\xffrig"); w.Name != "?rig" {
		t.Errorf("bytes that are no text became %q", w.Name)
	}
	for _, bad := range []string{"", "nobody.rig", lower[:20], lower + ".a\nb", lower + "." + strings.Repeat("қ", 65)} {
		if _, err := r.Find(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	find(t, r, lower+"."+strings.Repeat("қ", 64)) // characters are counted, not bytes
}

// A worker's record precedes its shares, once, and its account's comes before it.
func TestWhatEntersTheLog(t *testing.T) {
	r, log := newRegistry(t), kept{}
	rig, other := find(t, r, addresses[0]+".rig"), find(t, r, addresses[1])
	if user := r.UserOf(rig); user != 1 || len(log) != 0 {
		t.Fatalf("user %d, %d records for a name that has earned nothing", user, len(log))
	}
	first := r.Register(rig, log.log)
	if again := r.Register(rig, log.log); again != first || first != 2 {
		t.Errorf("number %d, then %d", first, again)
	}
	if plain := r.Register(find(t, r, addresses[0]), log.log); plain != 1 {
		t.Errorf("the address's own worker is %d, want its account's number", plain)
	}
	if number := r.Register(other, log.log); number != 3 || r.UserOf(other) != 3 {
		t.Errorf("the other's number is %d", number)
	}
	want := kept{{Number: 1, User: 1, Address: addresses[0]}, {Number: 2, User: 1, Address: addresses[0], Name: "rig"},
		{Number: 3, User: 3, Address: addresses[1]}}
	if !reflect.DeepEqual(log, want) {
		t.Errorf("the log has %+v", log)
	}
	if user, ok := r.NumberOf(addresses[0]); !ok || user != 1 {
		t.Errorf("user %d", user)
	}
	if user := r.ByScript()[string(r.ScriptOf(3))]; user != 3 {
		t.Errorf("the script of user 3 is %d's", user)
	}
	if all := r.All(); len(all) != 3 || all[0].Number.Load() != 1 || all[2] != other {
		t.Errorf("%d workers have earned", len(all))
	}
}

// A name that earned nothing goes with its last connection; one that did, and its address, stay.
func TestNamesWithoutWorkAreForgotten(t *testing.T) {
	r, log := newRegistry(t), kept{}
	w := find(t, r, addresses[0]+".idle")
	if find(t, r, addresses[0]+".idle") != w {
		t.Fatal("two workers of one name")
	}
	user := r.UserOf(w)
	r.Release(w)
	if r.Names() != 1 {
		t.Error("forgotten while a connection uses it")
	}
	r.Release(w)
	if r.Names() != 0 || len(r.accounts) != 0 || r.ScriptOf(user) != nil {
		t.Errorf("%d names and %d accounts stay", r.Names(), len(r.accounts))
	}
	earner := find(t, r, addresses[0]+".rig")
	number := r.Register(earner, log.log)
	r.Release(earner)
	if again := find(t, r, addresses[0]+".rig"); again != earner || again.Number.Load() != number {
		t.Error("a worker that has earned is another after it has left")
	}
}

// Beyond an address's names its work goes to the address; another address does not feel it.
func TestNobodysWorkIsRefusedForWantOfAName(t *testing.T) {
	r, log := newRegistry(t), kept{}
	for i := range maxAccountNames {
		find(t, r, fmt.Sprintf("%s.%d", addresses[0], i))
	}
	over := find(t, r, addresses[0]+".one-more")
	if over.Name != "" {
		t.Fatalf("name %d of an address is kept: %q", maxAccountNames+1, over.Name)
	}
	if other := find(t, r, addresses[1]+".rig"); other.Name != "rig" {
		t.Error("another address pays for it")
	}
	if number := r.Register(over, log.log); number != r.UserOf(over) {
		t.Errorf("its work is booked under %d, not the address", number)
	}
	// And of those that earn.
	r.accounts[addresses[0]].earning = maxAccountWorkers
	held := find(t, r, addresses[0]+".7")
	if number := r.Register(held, log.log); number != r.UserOf(held) || held.Number.Load() != 0 {
		t.Errorf("a worker above the bound got number %d", number)
	}
}

// Whatever happened, a registry made of the log gives everybody the numbers that the log has.
func TestARegistryOfTheLogIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, log := newRegistry(t), kept{}
		var held []*Worker
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				name := rapid.SampledFrom([]string{"", ".a", ".b", "_a", ".c"}).Draw(t, "name")
				w, err := r.Find(rapid.SampledFrom(addresses).Draw(t, "address") + name)
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, w)
			case 1:
				if len(held) > 0 {
					r.Register(held[rapid.IntRange(0, len(held)-1).Draw(t, "worker")], log.log)
				}
			case 2:
				if len(held) > 0 {
					r.Release(held[len(held)-1])
					held = held[:len(held)-1]
				}
			}
		}
		again, numbers := newRegistry(t), map[uint64]bool{}
		for _, record := range log {
			if numbers[record.Number] {
				t.Fatalf("number %d is given twice", record.Number)
			}
			numbers[record.Number] = true
			if err := again.Restore(record); err != nil {
				t.Fatal(err)
			}
		}
		was, is := r.All(), again.All()
		if len(is) < len(was) {
			t.Fatalf("%d workers of %d are left", len(is), len(was))
		}
		for _, w := range was {
			restored := again.byName[w.FullName()]
			if restored == nil || restored.Number.Load() != w.Number.Load() || again.UserOf(restored) != r.UserOf(w) {
				t.Fatalf("%s is another after the restart", w.FullName())
			}
		}
		for address, user := range r.users {
			if is, ok := again.NumberOf(address); !ok || is != user {
				t.Fatalf("user %d is %d after the restart", user, is)
			}
		}
		// The next number is new.
		w, err := again.Find(addresses[2] + ".after")
		if err != nil {
			t.Fatal(err)
		}
		if number := again.Register(w, func(sharelog.Record) {}); numbers[number] {
			t.Fatalf("number %d is given again", number)
		}
	})
}

// A log of before addresses were written in one way has one under two numbers.
func TestAnAddressUnderTwoNumbers(t *testing.T) {
	r := newRegistry(t)
	for _, record := range []*sharelog.Worker{{Number: 5, User: 5, Address: addresses[0]},
		{Number: 6, User: 6, Address: strings.ToUpper(addresses[0])}} {
		if err := r.Restore(record); err != nil {
			t.Fatal(err)
		}
	}
	if user, _ := r.NumberOf(addresses[0]); user != 5 {
		t.Errorf("what comes goes to %d, want the first", user)
	}
	if string(r.ScriptOf(6)) != string(r.ScriptOf(5)) || len(r.ScriptOf(6)) == 0 {
		t.Error("the second cannot be paid what it is owed")
	}
	if user := r.ByScript()[string(r.ScriptOf(5))]; user != 5 {
		t.Errorf("the script is %d's", user)
	}
	if err := r.Restore(&sharelog.Worker{Number: 7, User: 7, Address: "nobody"}); err == nil {
		t.Error("a log with no address in it is taken")
	}
}

// What is kept of a worker is written when it has changed by enough, and given back after a restart.
func TestSettingsAreKept(t *testing.T) {
	r, log := newRegistry(t), kept{}
	rig, idle := find(t, r, addresses[0]+".rig"), find(t, r, addresses[0]+".idle")
	r.Register(rig, log.log)
	rig.SetFloor(4)
	rig.Found(1000)
	idle.SetFloor(9)
	var wrote []map[string]books.WorkerSetting
	keep := func(_ context.Context, settings map[string]books.WorkerSetting) error {
		wrote = append(wrote, settings)
		return nil
	}
	full := errors.New("disk full")
	if err := r.KeepSettings(t.Context(), func(context.Context, map[string]books.WorkerSetting) error {
		return full
	}); !errors.Is(err, full) {
		t.Errorf("a failed write: %v", err)
	}
	steps := []struct {
		last float64
		want int // writes so far
	}{{1000, 1}, {1900, 1}, {2100, 2}, {1100, 2}, {1000, 3}}
	for _, s := range steps {
		rig.Found(s.last)
		if err := r.KeepSettings(t.Context(), keep); err != nil || len(wrote) != s.want {
			t.Errorf("difficulty %v: %d writes, want %d (%v)", s.last, len(wrote), s.want, err)
		}
	}
	name := rig.FullName()
	if len(wrote[0]) != 1 || wrote[0][name] != (books.WorkerSetting{Floor: 4, Last: 1000}) {
		t.Errorf("written: %v", wrote[0])
	}
	again := newRegistry(t)
	before := find(t, again, name) // logged in before the settings are read
	again.RestoreSettings(map[string]books.WorkerSetting{name: {Floor: 4, Last: 1000},
		addresses[1]: {Floor: 2, Last: 8}})
	after := find(t, again, addresses[1])
	if before.FloorDifficulty() != 4 || before.LastDifficulty() != 1000 || after.FloorDifficulty() != 2 {
		t.Errorf("restored: %v %v %v", before.FloorDifficulty(), before.LastDifficulty(), after.FloorDifficulty())
	}
}

// The rates of a steady worker are its rate from the first minute on, and fade when it stops.
func TestRates(t *testing.T) {
	w := &Worker{Address: addresses[0], Name: "rig"}
	d, err := stratum.FloorDifficulty(65536)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Unix(1_700_000_000, 0)
	now := start
	for range 600 { // a share every two seconds for twenty minutes
		now = now.Add(2 * time.Second)
		w.Accept(d, 70000, now)
	}
	w.Reject("stale")
	s := w.Snapshot(now)
	want := 65536 * hashesPerDifficulty / 2
	for name, rate := range map[string]float64{"minute": s.HashRate1m, "hour": s.HashRate1h, "day": s.HashRate24h} {
		if math.Abs(rate/want-1) > 0.03 {
			t.Errorf("over a %s: %g hashes a second, want %g", name, rate, want)
		}
	}
	if s.Accepted != 600 || s.Work != 600*65536 || s.Best != 70000 || s.Rejected["stale"] != 1 || !s.LastShare.Equal(now) {
		t.Errorf("%+v", s)
	}
	w.Reject("stale")
	if s.Rejected["stale"] != 1 {
		t.Error("what was handed out changes")
	}
	later := w.Snapshot(now.Add(10 * time.Minute))
	if later.HashRate1m > want/1000 || later.HashRate1h > want || later.HashRate24h > want {
		t.Errorf("ten minutes after the last share: %g, %g, %g", later.HashRate1m, later.HashRate1h, later.HashRate24h)
	}
}

// Whoever is registered after his connection has let go of him, alone, beside others, or after another came under his
// name, is under one number of one account; what was never registered leaves nothing.
func TestARegistrationAfterTheRelease(t *testing.T) {
	for _, name := range []string{addresses[0], addresses[0] + ".rig"} {
		for what, between := range map[string]func(*Registry, *kept){
			"nobody":         func(*Registry, *kept) {},
			"somebody else":  func(r *Registry, k *kept) { r.Register(find(t, r, addresses[1]), k.log) },
			"the same again": func(r *Registry, _ *kept) { find(t, r, name) },
			"the same, who has earned": func(r *Registry, k *kept) {
				r.Register(find(t, r, name), k.log)
			},
			"another of the address": func(r *Registry, k *kept) { r.Register(find(t, r, addresses[0]+".other"), k.log) },
			"a question whose he is": func(r *Registry, _ *kept) { r.UserOf(find(t, r, name)) },
		} {
			r, log := newRegistry(t), &kept{}
			w := find(t, r, name)
			r.UserOf(w)
			r.Release(w)
			between(r, log)
			number := r.Register(w, log.log)
			if again := r.Register(find(t, r, name), log.log); again != number || number == 0 {
				t.Errorf("%s, %s: worker %d and %d", name, what, number, again)
			}
			users, numbers := map[string]uint64{}, map[uint64]bool{}
			for _, record := range *log {
				if user, known := users[record.Address]; known && user != record.User || numbers[record.Number] {
					t.Errorf("%s, %s: %+v", name, what, *log)
				}
				users[record.Address], numbers[record.Number] = record.User, true
			}
			for address, a := range r.accounts {
				if a.held < 0 || a.earning < 0 || a.earning+a.held == 0 {
					t.Errorf("%s, %s: account %s has %d held and %d earning", name, what, address, a.held, a.earning)
				}
			}
		}
	}
	r := newRegistry(t)
	r.Release(find(t, r, addresses[0]+".rig"))
	if len(r.accounts) != 0 || len(r.byName) != 0 {
		t.Errorf("%d accounts and %d names of nobody", len(r.accounts), len(r.byName))
	}
}
