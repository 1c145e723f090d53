package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/params"
)

// Noise of a machine of about 95 TH/s. Over t seconds the mean rate scatters by sigma5·√(5/t).
const (
	sigma5      = 0.05
	rejectShare = 0.002
	bootTime    = 60 * usage.Second
	longestStep = 30 * usage.Second
	ambient     = 24.0
)

// Unit is a simulated machine. Its methods may be called from several goroutines. It has no clock: it is asked at an
// instant and lives until then; it never goes back.
type Unit struct {
	Machine fleet.Machine // how the fleet would know it
	Model   params.MiningMachine

	mu       sync.Mutex // over what follows
	Pool     string     // both may be read before it serves
	User     string
	rng      *rand.Rand
	faults   []Fault
	now      usage.Instant
	booted   usage.Instant
	sleeping bool
	session  string
	pending  []string // a pool that was added and is not in use

	skill              float64 // this machine's own factor of the nameplate
	chip               float64
	rate5s             float64 // MH/s
	totalMH            float64
	accepted, rejected float64 // difficulty
	stale              float64
	shares, lost       int64
	errors             float64
	difficulty         float64
	totalOffset        float64 // of the fault Counters
	frozen             *protocol.Reading

	// What orders set: the firmware's mode, its lamp, fans in per cent (0: automatic) and the password of its pages.
	mode, fan int
	lamp      bool
	password  string // "": as it came
	firmware  string // "": "simulated"

	// Thirst is by what part of them a machine draws more watts than its model, as its chips are; set before it serves.
	Thirst float64

	// Deaf machines say yes to every order and do nothing; set before they serve.
	Deaf bool
}

// models that the units are of, by protocol, in turn.
var models = []struct {
	d    protocol.Protocol
	name string
}{
	{protocol.AntminerNew, "Antminer S19"}, {protocol.AntminerOld, "Antminer S17 Pro"},
	{protocol.WhatsminerV2, "Whatsminer M30S++"}, {protocol.LuxOS, "Antminer S19j Pro"},
	{protocol.Braiins, "Antminer S19 Pro"}, {protocol.WhatsminerV3, "Whatsminer M60S"},
	{protocol.Cgminer, "Antminer S19"},
}

// asideModels are of units that are asked for by their protocol.
var asideModels = map[protocol.Protocol]string{protocol.AxeOS: "Bitaxe Gamma", protocol.VNish: "Antminer S21 Pro",
	protocol.BraiinsREST: "Antminer S19 XP", protocol.BraiinsGraphQL: "Antminer S19 Pro", protocol.Proto: "Proto Rig",
	protocol.EPIC: "Antminer S19 XP", protocol.Marathon: "Antminer S21", protocol.Avalon: "Avalon A1246",
	protocol.SealMiner: "SealMiner A2", protocol.Auradine: "Teraflux AT1500"}

// webPort is where these answer: the port 80 of real ones is not everybody's to open.
const webPort = 8048

// Spoken are the protocols that simulated machines speak.
var Spoken = []protocol.Protocol{protocol.AntminerNew, protocol.AntminerOld, protocol.WhatsminerV2, protocol.LuxOS,
	protocol.Braiins, protocol.WhatsminerV3, protocol.Cgminer}

// Aside are those that are spoken by machines that are asked for by their protocol alone.
var Aside = []protocol.Protocol{protocol.AxeOS, protocol.VNish, protocol.BraiinsREST, protocol.BraiinsGraphQL,
	protocol.Proto, protocol.EPIC, protocol.Marathon, protocol.Avalon, protocol.SealMiner, protocol.Auradine}

// NewUnit makes the machine of an index: model and protocol in turn (or one protocol for all), identity and noise from
// index and seed. It has been running for up to five days already, with the counters of such a time.
func NewUnit(index int, seed uint64, only protocol.Protocol, at usage.Instant) *Unit {
	choice := models[index%len(models)]
	if name, aside := asideModels[only]; aside {
		choice.d, choice.name = only, name
	} else if only != "" {
		for _, m := range models {
			if m.d == only {
				choice = m
				break
			}
		}
	}
	fact, ok := params.FindMiningMachine(choice.name)
	if !ok {
		panic("the catalogue has no " + choice.name)
	}
	u := &Unit{Model: fact.Value, rng: rand.New(rand.NewPCG(seed, uint64(index)+1)), now: at,
		Pool: "stratum+tcp://127.0.0.1:3333", User: fmt.Sprintf("simulated.m%05d", index)}
	u.booted = at - usage.Instant(u.rng.Int64N(int64(5*usage.Day)))
	u.skill = 1 + 0.01*(u.rng.Float64()-0.5)
	u.chip = 70
	u.difficulty = math.Exp2(math.Round(math.Log2(u.mean() * 1e6 * 6 / (1 << 32)))) // a share in about six seconds
	since := float64(at-u.booted) / 10
	u.totalMH = u.mean() * since
	u.accepted = u.totalMH * 1e6 / (1 << 32)
	u.shares = int64(u.accepted / u.difficulty)
	u.rate5s = u.mean()
	u.Machine = fleet.Machine{
		ID: fmt.Sprintf("SIM%07d", index), Serial: fmt.Sprintf("SIM%07d", index),
		MAC:   fmt.Sprintf("02:51:%02x:%02x:%02x:%02x", index>>24&255, index>>16&255, index>>8&255, index&255),
		Model: "Simulated " + fact.Value.Name, Protocol: choice.d,
		Address: fmt.Sprintf("127.%d.%d.%d:%d", 10+index/62500, index/250%250, 1+index%250, portOf(choice.d)),
		Worker:  fmt.Sprintf("m%05d", index), Simulated: true,
		Place: fleet.Place{Site: "simulated", Container: fmt.Sprintf("c%d", index/200+1),
			Rack: fmt.Sprintf("r%d", index/20%10+1), Shelf: fmt.Sprintf("s%d", index%20+1)},
		Since: at.Time().Unix(), IdealMHs: fact.Value.RateGHs * 1000, NominalWatts: fact.Value.Watts,
		Boards: fact.Value.Boards,
	}
	return u
}

// portOf is where simulated machines of a protocol answer.
func portOf(d protocol.Protocol) int {
	if d.HTTP() {
		return webPort
	}
	return d.DefaultPort()
}

// mean is the rate of a healthy machine, MH/s.
func (u *Unit) mean() float64 { return float64(u.Model.RateGHs) * 1000 * u.skill }

// Skill is what part of its model's rate the unit hashes when it is healthy.
func (u *Unit) Skill() float64 { return u.skill }

// Break gives the unit a fault.
func (u *Unit) Break(f Fault) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.faults = append(u.faults, f)
}

// Sleep tells the unit to mine or not to.
func (u *Unit) Sleep(sleep bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sleeping = sleep
}

// Sleeping says whether it was told to sleep.
func (u *Unit) Sleeping() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.sleeping
}

// pool is where it mines.
func (u *Unit) pool() (url, user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.Pool, u.User
}

// SetPool changes where it mines.
func (u *Unit) SetPool(url, user string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.Pool, u.User = url, user
}

// Restart boots it.
func (u *Unit) Restart(at usage.Instant) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.advance(at)
	u.boot(at, false)
}

// Has says whether a fault is there at an instant.
func (u *Unit) Has(kind Kind, at usage.Instant) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.has(kind, at)
}

// has is Has for callers that hold mu.
func (u *Unit) has(kind Kind, at usage.Instant) bool {
	for _, f := range u.faults {
		if f.Kind == kind && f.at(at) {
			return true
		}
	}
	return false
}

// advance lives until an instant, in steps so short that faults begin where they should. The caller holds mu. Each step
// draws from the unit's own random numbers: asked at other instants, it tells other noise.
func (u *Unit) advance(to usage.Instant) {
	for u.now < to {
		u.step(min(longestStep, to-u.now))
	}
}

// step lives through a span of at most longestStep, under the faults that are there at its beginning.
func (u *Unit) step(span usage.Instant) {
	from := u.now
	u.now += span
	for _, f := range u.faults {
		if (f.Kind == Reboot || f.Kind == Counters) && f.From >= from && f.From < u.now {
			u.boot(f.From, f.Kind == Counters)
		}
	}
	if u.has(Offline, from) {
		u.boot(u.now, false) // comes back with everything at zero
		u.chip = ambient
		return
	}
	seconds := float64(u.now-max(from, u.booted+bootTime)) / 10
	if seconds <= 0 || u.has(Hung, from) {
		u.rate5s = 0
		return
	}
	rate := u.mean() * float64(u.profile().rate) / 100
	if u.sleeping {
		rate = 0
	}
	if u.has(BoardDead, from) {
		rate *= float64(u.Model.Boards-1) / float64(u.Model.Boards)
	}
	if u.has(LowHash, from) {
		rate *= 0.9
	}
	target := ambient + 46*rate/u.mean() + u.rng.NormFloat64()*0.7
	if u.has(Hot, from) {
		target = float64(u.Model.HeatLimit) + 3
		if u.chip >= float64(u.Model.HeatLimit) {
			rate *= 0.7
		}
	}
	u.chip += (target - u.chip) * (1 - math.Exp(-seconds/60))
	hashed := max(0, rate*seconds*(1+u.rng.NormFloat64()*sigma5*math.Sqrt(5/seconds)))
	u.rate5s = max(0, rate*(1+u.rng.NormFloat64()*sigma5))
	if u.has(NoPool, from) {
		return // firmwares stop hashing when nobody gives work
	}
	u.totalMH += hashed
	u.errors += float64(poisson(u.rng, hashed*1e6/(1<<32)*2e-6))
	u.submit(hashed, from)
}

// submit finds shares in the work.
func (u *Unit) submit(hashed float64, from usage.Instant) {
	expected := hashed * 1e6 / (u.difficulty * (1 << 48) / 65535)
	if u.has(Theft, from) {
		expected *= 5.0 / 6
	}
	found := poisson(u.rng, expected)
	reject := rejectShare
	if u.has(Rejects, from) {
		reject = 0.1
	}
	bad := int64(0)
	for range found {
		if u.rng.Float64() < reject {
			bad++
		}
	}
	u.shares += found - bad
	u.lost += bad
	u.accepted += float64(found-bad) * u.difficulty
	if bad > 0 && u.rng.IntN(4) == 0 {
		u.stale += u.difficulty
		bad--
	}
	u.rejected += float64(bad) * u.difficulty
}

// boot starts the mining program anew.
func (u *Unit) boot(at usage.Instant, wrongCounter bool) {
	u.booted = at
	u.totalMH, u.accepted, u.rejected, u.stale, u.errors, u.shares, u.lost, u.rate5s, u.totalOffset = 0, 0, 0, 0, 0, 0,
		0, 0, 0
	if wrongCounter {
		u.totalOffset = 3.3e15 // a leftover of somebody else's year
	}
}

// poisson draws a number of rare events; of many, by the normal law that is near it.
func poisson(rng *rand.Rand, mean float64) int64 {
	if mean > 50 {
		return max(0, int64(math.Round(mean+rng.NormFloat64()*math.Sqrt(mean))))
	}
	limit, product, n := math.Exp(-mean), rng.Float64(), int64(0)
	for product > limit {
		product *= rng.Float64()
		n++
	}
	return n
}

// Reading is what the unit would say at an instant, without the words; the second is false when it says nothing.
func (u *Unit) Reading(at usage.Instant) (*protocol.Reading, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.advance(at)
	if u.has(Offline, at) || u.has(Silent, at) || u.has(Garbage, at) || at < u.booted+bootTime {
		return nil, false
	}
	return u.reading(at), true
}

// reading is Reading for callers that hold mu and have advanced. A hung unit repeats the last one it gave.
func (u *Unit) reading(at usage.Instant) *protocol.Reading {
	if u.has(Hung, at) && u.frozen != nil {
		return u.frozen
	}
	r := &protocol.Reading{Protocol: u.Machine.Protocol, Model: u.Machine.Model, Firmware: "simulated",
		ElapsedSeconds: int64(at-u.booted) / 10, RateMHs: int64(u.rate5s), IdealMHs: u.Machine.IdealMHs,
		TotalMH: int64(u.totalMH + u.totalOffset), AcceptedMH: int64(u.accepted * 4295.032833),
		RejectedMH: int64(u.rejected * 4295.032833), StaleMH: int64(u.stale * 4295.032833), Accepted: u.shares,
		Rejected:       u.lost,
		HardwareErrors: int64(u.errors), ChipTemp: int(math.Round(u.chip)), BoardTemp: int(math.Round(u.chip - 14)),
		PowerWatts: u.watts(), PowerLimit: protocol.Unknown, Sleeping: u.sleeping}
	for b := range u.Model.Boards {
		board := protocol.Board{Slot: b, RateMHs: int64(u.rate5s) / int64(u.Model.Boards), Chips: 126,
			ChipTemp: r.ChipTemp}
		if u.has(BoardDead, at) {
			if board.RateMHs = int64(u.rate5s) / int64(max(1, u.Model.Boards-1)); b == u.Model.Boards-1 {
				board.RateMHs, board.Chips, board.ChipTemp = 0, 0, protocol.Unknown
			}
		}
		if board.RateMHs == 0 && board.Chips > 0 {
			board.RateMHs = 1 // a board that idles is there
		}
		r.Boards = append(r.Boards, board)
	}
	for f := range 4 {
		rpm := 4200 + 60*int((u.chip-60)/3) + 60*(f%2)
		if f == 2 && u.has(FanDead, at) {
			rpm = 0
		}
		r.Fans = append(r.Fans, max(rpm, 0))
	}
	url, user := u.Pool, u.User
	if u.has(WrongPool, at) {
		url, user = "stratum+tcp://127.0.0.66:3333", "stranger.x"
	}
	alive := !u.has(NoPool, at)
	r.Pools = []protocol.Pool{{URL: url, User: user, Alive: alive, Active: alive}}
	u.frozen = r
	return r
}

// watts at the wall. A machine that sleeps draws a fiftieth.
func (u *Unit) watts() int64 {
	share := 0.02
	if u.mean() > 0 && !u.sleeping {
		running := u.profile()
		share += 0.98 * min(1.2, u.rate5s/u.mean()*100/float64(running.rate)) * float64(running.watts) / 100
		share *= 1 + u.Thirst
	}
	noise := u.rng.Int64N(21) - 10
	return max(0, int64(float64(u.Model.Watts)*share)+max(-u.Model.Watts/10, min(u.Model.Watts/10, noise)))
}

// Units makes many, and spreads orders of faults over them: each order takes the next machines. Which machines those
// are depends on the seed; when all have one, a machine gets a second.
func Units(n int, seed uint64, only protocol.Protocol, at usage.Instant, orders []Order) []*Unit {
	return UnitsFrom(0, n, seed, only, at, orders)
}

// UnitsFrom is Units whose numbers, and with them serial numbers and MACs, begin at first: those of several runs are
// other machines.
func UnitsFrom(first, n int, seed uint64, only protocol.Protocol, at usage.Instant, orders []Order) []*Unit {
	units := make([]*Unit, n)
	for i := range units {
		units[i] = NewUnit(first+i, seed, only, at)
	}
	order := rand.New(rand.NewPCG(seed, 0)).Perm(n)
	next := 0
	for _, o := range orders {
		for range min(o.Machines, n) {
			f := Fault{Kind: o.Kind, From: at + tenths(o.After)}
			if o.For > 0 {
				f.To = f.From + tenths(o.For)
			}
			units[order[next%n]].Break(f)
			next++
		}
	}
	return units
}

// tenths is a duration in the unit of instants, a tenth of a second.
func tenths(d time.Duration) usage.Instant { return usage.Instant(d / (100 * time.Millisecond)) }
