package serve

import (
	"context"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// A job's difficulty is the last that was announced before it, found here by going through all; what is forgotten is of
// no job that may still come.
func TestDifficultiesOfJobs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c conn
		var all []step
		at := uint64(0)
		for range rapid.IntRange(1, 8).Draw(t, "announcements") {
			at += uint64(rapid.IntRange(1, 5).Draw(t, "jobs between"))
			all = append(all, step{from: at, difficulty: stratum.Difficulty{N: at}})
		}
		c.steps = slices.Clone(all)
		naive := func(number uint64) stratum.Difficulty {
			found := all[0].difficulty // also of a job from before the connection
			for _, s := range all {
				if s.from <= number {
					found = s.difficulty
				}
			}
			return found
		}
		oldest := uint64(rapid.IntRange(0, int(at)+3).Draw(t, "oldest"))
		for round := range 2 {
			for number := oldest * uint64(round); number <= at+3; number++ {
				if got := c.stepOf(number).difficulty; got != naive(number) {
					t.Fatalf("job %d is worked at %s, announced was %s (forgotten before %d: %v)", number, got, naive(number), oldest, round == 1)
				}
			}
			if c.announced().difficulty != all[len(all)-1].difficulty {
				t.Fatal("what was announced last is forgotten")
			}
			c.forget(oldest)
		}
	})
}

// Within its bounds a wish is granted to the grid, at them exactly; a device's own floor goes above the pool's most.
func TestBoundsOfADifficulty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		power := func(name string) float64 {
			return math.Ldexp(rapid.Float64Range(1, 2).Draw(t, name), rapid.IntRange(-30, 30).Draw(t, name+"'s power"))
		}
		b := bounds{min: power("least")}
		b.max = b.min * math.Ldexp(1, rapid.IntRange(0, 20).Draw(t, "span"))
		if rapid.Bool().Draw(t, "with a floor") {
			b.floor = power("floor")
		}
		d := power("wish")
		got := b.clamp(d).Float()
		slack := 1 + 1e-9
		switch {
		case got < b.floor:
			t.Fatalf("%v below the device's own floor %v", got, b.floor)
		case got > max(b.max, b.floor*2)*slack || got < exactly(b.min).Float(): // as near to the least as is written
			t.Fatalf("%v of a wish of %v within %v to %v, floor %v", got, d, b.min, b.max, b.floor)
		case b.floor == 0 && d > b.min && d < b.max && (got > max(d, b.min)*slack || got < d/2):
			t.Fatalf("%v of a wish of %v: far from it", got, d)
		}
	})
}

// The rate moves a difficulty the way that it should go, by no more than the evidence, and not at all before there is any;
// a device of any rate comes to the wanted number of shares in the end.
func TestRatesAreReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := bounds{min: math.Ldexp(1, -40), max: math.Ldexp(1, 40)}
		const perMinute = 12.0
		// Shares a minute at a difficulty of 1.
		rate := math.Ldexp(perMinute, rapid.IntRange(-25, 25).Draw(t, "rate"))
		now := time.Unix(1_800_000_000, 0)
		v := vardiff{wanted: exactly(math.Ldexp(1, rapid.IntRange(-25, 25).Draw(t, "start"))), since: now}
		announced := v.wanted
		for range 60 {
			now = now.Add(time.Minute)
			v.shares = int(min(rate/announced.Float(), 1e9))
			before, shares := announced.Float(), float64(v.shares)
			v.next(now, announced, perMinute, b)
			after := v.wanted.Float()
			if shares > perMinute*vardiffBand && after < before || shares < perMinute/vardiffBand && after > before {
				t.Fatalf("%v shares a minute move the difficulty from %v to %v", shares, before, after)
			}
			if up := max(vardiffStep, shares/vardiffShares); after > before*up*(1+1e-9) || after < before/vardiffStep/2 {
				t.Fatalf("%v shares a minute move the difficulty from %v to %v, further than they tell", shares, before, after)
			}
			announced = v.wanted
		}
		if got := rate / announced.Float(); got > perMinute*vardiffBand*1.5 || got < perMinute/vardiffBand/1.5 {
			t.Fatalf("after an hour %v shares a minute, wanted %v", got, perMinute)
		}
		v.shares = vardiffShares - 1
		if v.next(now.Add(time.Second), announced, perMinute, b); v.wanted != announced || v.shares != vardiffShares-1 {
			t.Fatal("a second and 23 shares are evidence")
		}
	})
}

// The difficulty of a hash is near its exact one, whatever its leading zeros.
func TestQualitiesOfHashes(t *testing.T) {
	one, _ := new(big.Float).SetString("0xffff0000000000000000000000000000000000000000000000000000")
	rapid.Check(t, func(t *rapid.T) {
		var h bitcoin.Hash
		copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		for i := range rapid.IntRange(0, 31).Draw(t, "zeros") {
			h[31-i] = 0
		}
		n := bitcoin.Target(h).Big()
		if n.Sign() == 0 {
			return
		}
		want, _ := new(big.Float).Quo(one, new(big.Float).SetInt(n)).Float64()
		// Of the top 64 bits that are not nothing the lowest may be all there is.
		if got := quality(h); got < want*(1-1e-9) || got > want*2.01 {
			t.Fatalf("%x is of difficulty %v, exactly %v", h, got, want)
		}
	})
	if quality(bitcoin.Hash{}) != 0 {
		t.Error("a hash of nothing")
	}
}

// A connection is selected by its address, a worker of it, or an account of any of its workers, however written.
func TestWhoIsSelected(t *testing.T) {
	h := newHall(t, nil)
	h.offer(1, hard)
	one, two := h.connect().login(alice+".rig"), h.connect().login(bob)
	two.say(`{"id":3,"method":"mining.authorize","params":["%s.other"]}`, alice)
	all := map[*rig]string{one: one.c.ip.String(), two: two.c.ip.String()}
	for s, want := range map[Selector][]*rig{
		{}:                               {one, two},
		{Address: all[one]}:              {one},
		{Address: "192.0.2.99"}:          {},
		{Worker: alice}:                  {one, two},
		{Worker: alice + ".rig"}:         {one},
		{Worker: alice + "_other"}:       {two},
		{Worker: bob}:                    {two},
		{Worker: bob + ".rig"}:           {},
		{Worker: "nobody"}:               {},
		{Address: all[one], Worker: bob}: {},
	} {
		for r := range all {
			if got := s.fits(r.c); got != slices.Contains(want, r) {
				t.Errorf("%+v fits %s: %v", s, r.c.login, got)
			}
		}
	}
	called, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.server.Sessions(called, Selector{}, 9); err == nil { // its loop is the test's and does not run
		t.Error("sessions of a loop that does not answer")
	}
	if !h.server.IsDraining() && h.server.IsHalted() {
		t.Error("a server that nobody has halted")
	}
}

// Workers of one connection are told apart by the names that they came with, and by others that mean the same.
func TestNamesOfOneConnection(t *testing.T) {
	h := newHall(t, nil)
	h.offer(1, hard)
	r := h.connect().login(alice + ".a")
	for _, name := range []string{alice + ".b", alice, bob + ".a", alice + ".b"} {
		wants(t, name, r.say(`{"id":3,"method":"mining.authorize","params":[%q]}`, name), 0, "")
	}
	count := 0
	r.c.each(func(*worker.Worker) { count++ })
	if count != 4 || len(r.c.workers) != 4 {
		t.Errorf("%d workers, %d names", count, len(r.c.workers))
	}
	for name, want := range map[string]string{alice + ".a": alice + ".a", alice + "_a": alice + ".a", alice + ".": alice,
		alice: alice, bob + "_a": bob + ".a", bob: "", alice + ".c": "", "": "", ".a": ""} {
		got := ""
		if w := r.c.authorized([]byte(name)); w != nil {
			got = w.FullName()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	if got := r.c.active(h.now); got != 1 {
		t.Errorf("%v of four work that have sent nothing", got)
	}
	job := h.server.CurrentJob().Handouts[0]
	for i, name := range []string{alice + ".a", bob + ".a"} {
		wants(t, name, r.submit(name, r.share(job, uint64(i))), 0, "")
	}
	if got := r.c.active(h.now); got != 2 {
		t.Errorf("%v work, of two that have", got)
	}
	if got := r.c.active(h.now.Add(activeWithin)); got != 1 {
		t.Errorf("%v work after ten minutes of silence", got)
	}
}

// No extranonce is given twice, over as many leases as it takes.
func TestExtranoncesAreGivenOnce(t *testing.T) {
	h := newHall(t, func(c *settings.Config) {})
	seen := map[[5]byte]bool{}
	for i := range 400 {
		c, ok := h.loop.Connect(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 0, h.now)
		if !ok {
			t.Fatalf("connection %d is not let in", i)
		}
		var number [5]byte
		copy(number[:], c.c.extranonce1[:])
		if seen[number] {
			t.Fatalf("extranonce %x twice", number)
		}
		seen[number] = true
		c.Close()
	}
}
