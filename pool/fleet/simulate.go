package fleet

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/serve"
)

// Options of a run.
type Options struct {
	Seed    uint64
	Devices int
	Blocks  time.Duration // mean time between the network's blocks
	Length  time.Duration // of virtual time
	Start   time.Time
	Rate    float64 // mean hashes per second of a device
	User    func(i int) string
	Kernel  sha256d.Kernel // zero: the one of the standard library
}

// Result is what became of the devices' work.
type Result struct {
	Hashes   uint64
	Found    uint64 // shares
	Accepted uint64
	Refused  map[string]uint64 // by the pool's error
	Unsaid   uint64            // shares that were never answered
	Credited float64           // hashes, by the pool's figures
	// Solutions are blocks that devices found; Blocks those that the pool sent to the network.
	Solutions, Blocks int
	// Lost are solved parents for which the pool sent nothing.
	Lost   int
	Models map[string]*ModelResult
}

// ModelResult is a kind of device's part.
type ModelResult struct{ Devices, Found, Refused uint64 }

func (r *Result) by(name string) *ModelResult {
	if r.Models[name] == nil {
		r.Models[name] = &ModelResult{}
	}
	return r.Models[name]
}

// CreditedOverHashed is the credited part of the work.
func (r *Result) CreditedOverHashed() float64 { return r.Credited / float64(r.Hashes) }

// world is a network, a pool and its devices.
type world struct {
	Options
	pool     *pool.Virtual
	random   *rand.Rand
	now      time.Time
	end      time.Time
	queue    queue
	events   uint64 // ever queued
	devices  []*device
	searcher *sha256d.Searcher
	template *bitcoin.Template
	tip      uint64                // counts blocks
	claimed  map[bitcoin.Hash]bool // parents on which a device's solution has reached the pool
	sent     map[bitcoin.Hash]bool // parents on which the pool has sent a block
	result   Result
}

// Simulate runs devices against a pool that nobody else runs.
func Simulate(p *pool.Pool, o Options) (*Result, error) {
	if o.Kernel.Name == "" {
		o.Kernel, _ = sha256d.Find("generic")
	}
	w := &world{
		Options: o, pool: p.Virtual(), random: rand.New(rand.NewPCG(o.Seed, 1)), now: o.Start,
		end: o.Start.Add(o.Length), searcher: o.Kernel.NewSearcher(),
		claimed: map[bitcoin.Hash]bool{}, sent: map[bitcoin.Hash]bool{}, result: Result{Refused: map[string]uint64{},
			Models: map[string]*ModelResult{}},
	}
	w.make()
	if err := w.block(bitcoin.Hash{1}); err != nil {
		return nil, err
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	w.finish()
	return &w.result, nil
}

// make spreads devices over the models, with rates over two orders and latencies to half a second.
func (w *world) make() {
	models := Models()
	for i := range w.Devices {
		model := &models[i%len(models)]
		d := &device{Model: model, number: i, address: w.User(i), rate: w.Rate * math.Exp(w.random.NormFloat64()*0.8),
			pending: map[int]bitcoin.Hash{}}
		d.latency = time.Duration(5+w.random.ExpFloat64()*60) * time.Millisecond
		d.latency = min(d.latency, 500*time.Millisecond)
		for n := range max(1, model.Workers) {
			switch model.Writes {
			case "underscore":
				d.names = append(d.names, fmt.Sprintf("%s_rig%d", d.address, n))
			case "escaped":
				d.names = append(d.names, fmt.Sprintf(`%s.\u049b\u0430\u0437%d`, d.address, n))
			default:
				d.names = append(d.names, fmt.Sprintf("%s.%d", d.address, i))
			}
		}
		w.devices = append(w.devices, d)
		w.result.by(model.Name).Devices++
		w.at(w.now.Add(time.Duration(w.random.Float64()*float64(min(w.Length/20, 30*time.Second)))),
			func() error { return w.connect(d) })
	}
}

// connect brings a device to the pool from an address of its own and plans when it leaves.
func (w *world) connect(d *device) error {
	ip := netip.AddrFrom4([4]byte{10, byte(d.number >> 16), byte(d.number >> 8), byte(d.number)})
	conn, ok := w.pool.Connect(ip, 2*d.latency, w.now)
	if !ok {
		return fmt.Errorf("%s is not let in", d.Name)
	}
	d.conn, d.job, d.next, d.partial, d.leaving = conn, nil, nil, nil, false
	for _, line := range d.login() {
		w.send(d, line)
	}
	if d.SuggestEvery > 0 {
		w.every(d, conn, time.Duration(d.SuggestEvery)*time.Second, func() { w.send(d, d.suggestion()) })
	}
	if d.Reconnect > 0 {
		w.at(w.now.Add(time.Duration(d.Reconnect)*time.Second), func() error { return w.leave(d) })
	}
	return nil
}

// leave stops a device, waits for what is on its way, and connects it again.
func (w *world) leave(d *device) error {
	if err := w.hash(d); err != nil {
		return err
	}
	d.job, d.next, d.leaving = nil, nil, true
	w.at(w.now.Add(10*time.Second), func() error {
		d.conn.Close()
		return w.connect(d)
	})
	return nil
}

// every repeats for as long as a connection is a device's.
func (w *world) every(d *device, conn *serve.VirtualConn, interval time.Duration, f func()) {
	w.at(w.now.Add(interval), func() error {
		if d.conn == conn && !conn.Closed() {
			f()
			w.every(d, conn, interval, f)
		}
		return nil
	})
}

// send brings a line to the pool after half a round trip.
func (w *world) send(d *device, line []byte) {
	conn := d.conn
	w.at(w.now.Add(d.latency), func() error {
		conn.Line(line, w.now)
		w.deliver(d, conn)
		return w.network()
	})
}

// deliver brings what the pool has sent to a device after half a round trip.
func (w *world) deliver(d *device, conn *serve.VirtualConn) {
	out := conn.Take()
	if len(out) == 0 {
		return
	}
	w.at(w.now.Add(d.latency), func() error {
		if d.conn != conn {
			return nil
		}
		if err := w.hash(d); err != nil {
			return err
		}
		if err := d.hear(out, w.now, &w.result); err != nil {
			return err
		}
		return w.schedule(d)
	})
}

// schedule takes up a job and goes on hashing.
func (w *world) schedule(d *device) error {
	began := d.job == nil
	if d.next != nil && !d.leaving && w.now.Before(d.nextAt) {
		w.at(d.nextAt, func() error {
			if err := w.hash(d); err != nil {
				return err
			}
			return w.schedule(d)
		})
	}
	d.take(w.now)
	if began && d.job != nil {
		d.hashedTo = w.now
		w.hashing(d, d.conn)
	}
	return nil
}

// slice is how long a device hashes without looking up.
const slice = 2 * time.Second

// hashing plans the device's next slice of work, for as long as it is on this connection.
func (w *world) hashing(d *device, conn *serve.VirtualConn) {
	w.at(w.now.Add(slice), func() error {
		if d.conn != conn || !d.ready() {
			return nil
		}
		if err := w.hash(d); err != nil {
			return err
		}
		w.hashing(d, conn)
		return nil
	})
}

// hash brings a device's search up to now. Shares leave at the moment they are found.
func (w *world) hash(d *device) error {
	if !d.ready() {
		return nil
	}
	if d.conn.Closed() {
		return fmt.Errorf("%s: the pool has closed the connection", d.Name)
	}
	from, hashes := d.hashedTo, w.now.Sub(d.hashedTo).Seconds()*d.rate+d.carry
	d.carry, d.hashedTo = hashes, w.now
	if w.now.After(w.end) || hashes < 1 { // below zero after a kernel has tried more than it was to
		return nil
	}
	count := uint64(hashes)
	d.carry -= float64(count)
	var lines [][]byte
	tried := w.searcher.Search(d.work, uint32(d.position), count, func(nonce uint32) bool {
		line, hash := d.submission(nonce)
		w.result.Found++
		w.result.by(d.Name).Found++
		w.solution(d, hash)
		lines = append(lines, line)
		return true
	})
	d.position += tried
	d.carry -= float64(tried) - float64(count) // lanes beyond the count
	w.result.Hashes += tried
	// Where in the slice each was found is as good as random.
	for i, line := range lines {
		found := from.Add(time.Duration((float64(i) + 0.5) / float64(len(lines)) * float64(w.now.Sub(from))))
		conn := d.conn
		arrives := found.Add(d.latency)
		if arrives.Before(w.now) {
			arrives = w.now
		}
		w.at(arrives, func() error {
			conn.Line(line, w.now)
			w.deliver(d, conn)
			return w.network()
		})
	}
	return nil
}

// solution notes that a device has found a block, which the pool must send when it hears of it.
func (w *world) solution(d *device, hash bitcoin.Hash) {
	target, err := bitcoin.TargetOfBits(d.job.Bits)
	if err == nil && target.Met(hash) {
		w.result.Solutions++
		w.claimed[d.job.Previous] = true
	}
}

// network takes the pool's blocks: the first on the tip becomes it.
func (w *world) network() error {
	for _, b := range w.pool.Blocks() {
		w.result.Blocks++
		w.sent[b.Previous] = true
		if b.Previous == w.template.Previous {
			if err := w.block(b.Hash); err != nil {
				return err
			}
		}
	}
	return nil
}

// block makes a hash the tip, and the time of the next one that others find.
func (w *world) block(hash bitcoin.Hash) error {
	w.tip++
	at := w.tip
	// The pool finds about every fourth block, and some in any case.
	difficulty := min(3*w.Blocks, w.Length/10).Seconds() * w.Rate * float64(w.Devices) / hashesPerDifficulty
	target, err := bitcoin.TargetOfDifficulty(difficulty)
	if err != nil {
		return err
	}
	bits := bitsOf(target)
	if target, err = bitcoin.TargetOfBits(bits); err != nil {
		return err
	}
	w.template = &bitcoin.Template{
		Version: 0x20000000, Height: uint32(100 + w.tip), Previous: hash, Bits: bits, Target: target,
		MinTime: uint32(w.now.Unix()) - 600, CurTime: uint32(w.now.Unix()), CoinbaseValue: 5 * money.Bitcoin,
		Branch: []bitcoin.Hash{{1}, {byte(w.tip)}},
	}
	if err := w.offer(at); err != nil {
		return err
	}
	wait := time.Duration(w.random.ExpFloat64() * float64(w.Blocks))
	w.at(w.now.Add(max(wait, time.Millisecond)), func() error {
		if w.tip != at {
			return nil
		}
		var others [16]byte
		binary.LittleEndian.PutUint64(others[:], w.tip)
		return w.block(bitcoin.HashOf(others[:]))
	})
	return nil
}

// jobInterval is how often a pool offers the tip's template again, with newer transactions.
const jobInterval = 30 * time.Second

// offer hands the pool the tip's template, now and each half minute.
func (w *world) offer(at uint64) error {
	if w.tip != at {
		return nil
	}
	next := *w.template
	next.CurTime = uint32(w.now.Unix())
	if err := w.pool.Offer(&next, w.now); err != nil {
		return err
	}
	for _, d := range w.devices {
		if d.conn != nil {
			w.deliver(d, d.conn)
		}
	}
	w.at(w.now.Add(jobInterval), func() error { return w.offer(at) })
	return nil
}

// run does what is planned in the order of its time, until the end and ten seconds more. The clock is the events': a
// run of a day takes what its hashes take.
func (w *world) run() error {
	// How often accepted shares become durable: a sync of the disk each time.
	commitEvery := min(max(w.Blocks/2, 250*time.Millisecond), 5*time.Second)
	var commit func() error
	commit = func() error {
		if err := w.pool.Commit(); err != nil {
			return err
		}
		for _, d := range w.devices {
			if d.conn != nil {
				w.deliver(d, d.conn)
			}
		}
		w.at(w.now.Add(commitEvery), commit)
		return nil
	}
	w.at(w.now, commit)
	last := w.end.Add(10 * time.Second) // what is on its way arrives
	for len(w.queue) > 0 {
		e := heap.Pop(&w.queue).(event)
		if e.at.After(last) {
			return nil
		}
		w.now = e.at
		if err := e.do(); err != nil {
			return err
		}
	}
	return errors.New("nothing more happens")
}

// finish counts what has not come to an end: shares without an answer, and blocks that were claimed and never sent.
func (w *world) finish() {
	for _, d := range w.devices {
		w.result.Unsaid += uint64(len(d.pending))
	}
	for parent := range w.claimed {
		if !w.sent[parent] {
			w.result.Lost++
		}
	}
	for _, worker := range w.pool.Stats(w.now).Workers {
		w.result.Credited += worker.Work * hashesPerDifficulty
	}
}

// bitsOf writes a target in the compact form, rounded down.
func bitsOf(t bitcoin.Target) uint32 {
	n := t.Big()
	size := (n.BitLen() + 7) / 8
	if n.Bit(8*size-1) == 1 {
		size++ // the top bit is the sign
	}
	n.Rsh(n, uint(8*(size-3)))
	return uint32(size)<<24 | uint32(n.Uint64())
}

// event is something that happens at a time; those of the same time keep their order.
type event struct {
	at     time.Time
	number uint64
	do     func() error
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(e any)   { *q = append(*q, e.(event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

func (w *world) at(t time.Time, f func() error) {
	w.events++
	heap.Push(&w.queue, event{t, w.events, f})
}
