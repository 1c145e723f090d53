package abuse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

// Options of a measurement.
type Options struct {
	Duration time.Duration // of each of its parts
	Attacks  []string      // by name; empty for all
	Rounds   int           // each attack goes on in so many, quiet and not by turns; medians count
	// Start starts a process of the measurement in a role: serve, pool, sink or attack. Its standard input and output
	// are the measurement's.
	Start func(role string) *exec.Cmd
}

// Names lists the attacks.
func Names() (names []string) {
	for _, a := range attacks {
		names = append(names, a.name)
	}
	return names
}

// Rate is what honest payers reach, or honest miners.
type Rate struct {
	PerSecond float64 `json:"per_second"` // payments or shares
	P99       float64 `json:"p99_millis"`
	Failed    int     `json:"failed"`            // of them that were refused
	Refusal   string  `json:"refusal,omitempty"` // of the last of them
}

// Attacked is one attack, beside what it is compared with.
type Attacked struct {
	Quiet    Rate    `json:"quiet"`    // in the last round, in which what throws all away is attacked as hard
	Attacked Rate    `json:"attacked"` // and in which it is the node
	Share    float64 `json:"honest_share"`
	P99Ratio float64 `json:"honest_p99_ratio"`
	Memory   float64 `json:"memory_megabytes_over_quiet"` // at its highest, resident
	Steps    int64   `json:"attackers_steps"`
	Refused  int64   `json:"attackers_refused"` // of these
	Left     int     `json:"connections_left"`  // of the attackers', open at the node when they are gone
}

// Result is a measurement.
type Result struct {
	Cores         int                 `json:"cores"`
	Seconds       float64             `json:"seconds_each"`
	Rounds        int                 `json:"rounds"`
	Alone         Rate                `json:"alone"`        // nobody attacks anything
	MinersAlone   Rate                `json:"miners_alone"` // nor a pool
	ShareWorst    float64             `json:"honest_share_worst"`
	P99RatioWorst float64             `json:"honest_p99_ratio_worst"`
	MemoryWorst   float64             `json:"memory_megabytes_over_quiet"`
	Attacks       map[string]Attacked `json:"attacks"`
}

// Run measures. An attack's figures are ratios to the same work beside the same attackers with another target, in
// turns of one run: a machine that is busy with something else is so for both. notify is called before each attack.
func Run(ctx context.Context, o Options, notify func(phase string, done, of int)) (r Result, err error) {
	r = Result{Cores: runtime.GOMAXPROCS(0), Seconds: o.Duration.Seconds(), Rounds: o.Rounds, ShareWorst: 1,
		P99RatioWorst: 1, Attacks: map[string]Attacked{}}
	chosen := o.Attacks
	if len(chosen) == 0 {
		chosen = Names()
	}
	// Attackers that only spend the machine's processor attack this: what is taken from honest payers then is not the
	// target's fault, and is the base that attacks are held against.
	sink, nowhere, err := begin(ctx, o.Start("sink"))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, sink.end(nil)) }()
	done := 0
	for _, target := range []struct {
		role, starts string
		pool         bool
		alone        *Rate
		honest       func(place Place) (honest, func(), error)
	}{
		{"serve", "making the network", false, &r.Alone, func(place Place) (honest, func(), error) {
			return newPayers(place).pay, func() {}, nil
		}},
		{"pool", "making the pool", true, &r.MinersAlone, miners},
	} {
		var mine []string
		for _, name := range chosen {
			if a := find(name); a == nil {
				return r, fmt.Errorf("no attack %q", name)
			} else if a.pool == target.pool {
				mine = append(mine, name)
			}
		}
		if len(mine) == 0 {
			continue
		}
		notify(target.starts, done, len(chosen))
		if err := r.against(ctx, o, target.role, nowhere.URL, target.honest, target.alone, mine, func(name string) {
			notify(name, done, len(chosen))
			done++
		}); err != nil {
			return r, err
		}
	}
	return r, nil
}

// against measures attacks on one process, which it starts.
func (r *Result) against(ctx context.Context, o Options, role, nowhere string,
	makeHonest func(Place) (honest, func(), error), alone *Rate, names []string, notify func(name string)) (err error) {
	node, place, err := begin(ctx, o.Start(role))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.end(nil)) }()
	work, end, err := makeHonest(place)
	if err != nil {
		return err
	}
	defer end()
	if _, err := work(ctx, o.Duration/2); err != nil { // warm
		return err
	}
	highest, stop := node.watchMemory()
	*alone, err = work(ctx, o.Duration)
	stop()
	if err != nil {
		return err
	}
	m := &measured{o: o, work: work, node: node, place: place, nowhere: nowhere, quiet: float64(highest()) / 1e6}
	for _, name := range names {
		notify(name)
		one, err := m.attack(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.Attacks[name] = one
		r.ShareWorst, r.P99RatioWorst, r.MemoryWorst = min(r.ShareWorst, one.Share), max(r.P99RatioWorst, one.P99Ratio),
			max(r.MemoryWorst, one.Memory)
	}
	return nil
}

// honest are those whose work is measured beside attacks.
type honest func(ctx context.Context, duration time.Duration) (Rate, error)

// measured is what attacks go against.
type measured struct {
	o       Options
	work    honest
	node    *process
	place   Place
	nowhere string  // what throws all away
	quiet   float64 // megabytes that the node had at most while nobody attacked it
}

// part has the honest work for a while beside attackers.
func (m *measured) part(ctx context.Context, name, target string,
	pace Pace) (rate Rate, memory float64, done Done, err error) {
	p, _, err := start(ctx, m.o.Start("attack"), Order{name, m.place, target, pace})
	if err != nil {
		return rate, 0, done, err
	}
	highest, stop := m.node.watchMemory()
	rate, err = m.work(ctx, m.o.Duration)
	stop()
	return rate, float64(highest()) / 1e6, done, errors.Join(err, p.end(&done))
}

// attack has one attack go on against the node, and then as hard against what throws all away.
func (m *measured) attack(ctx context.Context, name string) (a Attacked, err error) {
	var shares, ratios, memory []float64
	for range m.o.Rounds {
		attacked, during, done, err := m.part(ctx, name, m.place.URL, Pace{})
		if err != nil {
			return a, err
		}
		memory = append(memory, max(0, during-m.quiet))
		quietly, before, _, err := m.part(ctx, name, m.nowhere, done.Pace)
		if err != nil {
			return a, err
		}
		m.quiet = before
		a.Quiet, a.Attacked = quietly, attacked // of the last round
		a.Steps, a.Refused = a.Steps+done.Steps, a.Refused+done.Refused
		shares = append(shares, attacked.PerSecond/max(quietly.PerSecond, 1e-9))
		ratios = append(ratios, attacked.P99/max(quietly.P99, 1e-9))
	}
	a.Share, a.P99Ratio, a.Memory = median(shares), median(ratios), slices.Max(memory)
	for range 100 { // what the attackers held is given back when their connections are seen to be gone
		if a.Left = m.node.connections(find(name).address); a.Left == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return a, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// town are the honest payers: each has one token and passes it on to himself and his neighbour, by turns.
type town struct {
	place   Place
	world   *sim.World
	known   *api.Client
	unknown *api.Client
	tokens  []token.ID
	amounts []money.Tiyn
}

func newPayers(place Place) *town {
	t := &town{place: place, world: newWorld(), known: api.NewClient(place.URL, bankSecret),
		unknown: api.NewClient(place.URL, "")}
	t.tokens = slices.Clone(place.Tokens[:payers])
	for range payers {
		t.amounts = append(t.amounts, place.Amount)
	}
	return t
}

// pay has all of them pay for a while, each as soon as he is answered. Every second one pays with the bank's access,
// whose budget strangers cannot take.
func (t *town) pay(ctx context.Context, duration time.Duration) (Rate, error) {
	var mu sync.Mutex
	var took []float64
	failed := 0
	var last error
	var all sync.WaitGroup
	began := time.Now()
	for i := range payers {
		all.Go(func() {
			client := t.unknown
			if i%2 == 0 {
				client = t.known
			}
			for time.Since(began) < duration && ctx.Err() == nil {
				tx := t.world.Pay(t.place.Wallets[i], t.world.Key(payerName(i)), t.place.Wallets[(i+1)%payers], 1,
					[]token.ID{t.tokens[i]}, t.amounts[i], soon())
				at := time.Now()
				_, err := client.Submit(ctx, tx)
				mu.Lock()
				if err != nil {
					failed++
					last = err
				} else {
					took = append(took, time.Since(at).Seconds()*1000)
				}
				mu.Unlock()
				// The next payment spends this one's change, so a payer never waits for anything but his own answer;
				// whoever was refused tries the same tokens again.
				if err == nil {
					t.tokens[i], t.amounts[i] = token.OutputID(tx.ID(), 1), t.amounts[i]-1
				}
			}
		})
	}
	all.Wait()
	if err := ctx.Err(); err != nil {
		return Rate{}, err
	}
	if len(took) == 0 {
		return Rate{}, fmt.Errorf("no payment was made: %w", last)
	}
	slices.Sort(took)
	rate := Rate{PerSecond: float64(len(took)) / time.Since(began).Seconds(), P99: took[len(took)*99/100],
		Failed: failed}
	if last != nil {
		rate.Refusal = last.Error()
	}
	return rate, nil
}

// process is one that the measurement started; it ends with its standard input.
type process struct {
	command *exec.Cmd
	in      io.Closer
	out     *json.Decoder
	errors  bytes.Buffer
}

func begin(ctx context.Context, command *exec.Cmd) (*process, Place, error) {
	return start(ctx, command, nil)
}

// start starts a process, gives it its order, and waits for its first line: by then it is ready to be measured.
func start(_ context.Context, command *exec.Cmd, order any) (*process, Place, error) {
	p := &process{command: command}
	command.Stderr = &p.errors
	in, err := command.StdinPipe()
	if err != nil {
		return nil, Place{}, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, Place{}, err
	}
	p.in, p.out = in, json.NewDecoder(out)
	if err := command.Start(); err != nil {
		return nil, Place{}, err
	}
	var place Place
	if order != nil {
		err = json.NewEncoder(in).Encode(order)
	}
	if err == nil {
		err = p.out.Decode(&place)
	}
	if err != nil {
		return nil, Place{}, errors.Join(err, p.end(nil))
	}
	return p, place, nil
}

// end ends the process and reads its last line into done, unless that is nil.
func (p *process) end(done *Done) error {
	err := p.in.Close()
	if done != nil {
		err = errors.Join(err, p.out.Decode(done))
	}
	kill := time.AfterFunc(30*time.Second, func() { _ = p.command.Process.Kill() })
	defer kill.Stop()
	if e := p.command.Wait(); e != nil {
		err = errors.Join(err, fmt.Errorf("%w: %s", e, strings.TrimSpace(p.errors.String())))
	}
	return err
}

// resident is the process's memory in bytes; 0 where the system does not say.
func (p *process) resident() int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10
}

// connections is how many the process's network has open with 127.0.0.N; those that only wait for late packets are
// over.
func (p *process) connections(n byte) (open int) {
	const remote, state, waiting, closed = 2, 3, "06", "07" // columns and states of proc(5), net/tcp
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) > state && strings.HasPrefix(fields[remote], fmt.Sprintf("%02X00007F:", n)) &&
			fields[state] != waiting && fields[state] != closed {
			open++
		}
	}
	return open
}

// watchMemory looks for the highest resident memory until it is stopped. highest is read after stop, which waits for
// the goroutine that writes it.
func (p *process) watchMemory() (highest func() int64, stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	var most int64
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, p.resident())
			select {
			case <-tick.C:
			case <-end:
				return
			}
		}
	}()
	return func() int64 { return most }, func() { close(end); <-ended }
}
