package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// RestartOptions say how a node is killed.
type RestartOptions struct {
	Options
	Load  float64       // of the rate that the node reaches
	After time.Duration // of load; a random part of a third more is added
	// Process makes the command that runs a part of the measurement in a process of its own, see RestartPart.
	Process func(ctx context.Context, part string, o RestartOptions) *exec.Cmd
	// Payer pays in the part that serves.
	Payer token.WalletID
}

// Parts of the measurement.
const (
	PartLoad  = "load"
	PartServe = "serve"
)

// RestartResult is what a kill and a start took.
type RestartResult struct {
	Wallets         int     `json:"wallets"`
	LiveTokens      int     `json:"live_tokens"`
	Capacity        float64 `json:"capacity_per_second"` // transfers, flat out
	Aim             float64 `json:"aim_per_second"`
	LoadedSeconds   float64 `json:"loaded_seconds"`       // under load before SIGKILL
	SnapshotsTaken  uint64  `json:"snapshots_taken"`      // meanwhile
	SnapshotSeconds float64 `json:"snapshot_seconds"`     // that the last one took
	SnapshotHold    float64 `json:"snapshot_hold_millis"` // the longest that taking them held payments up at a time
	Answered        uint64  `json:"answered_entries"`     // in the log, as of the last answer before SIGKILL
	Found           uint64  `json:"found_entries"`        // by the start
	Tail            uint64  `json:"tail_entries"`         // of those, replayed on top of the snapshot
	LogSeconds      float64 `json:"log_seconds"`          // opening the log
	LoadSeconds     float64 `json:"load_seconds"`         // reading the snapshot
	TailSeconds     float64 `json:"tail_seconds"`         // replaying the tail
	ServingSeconds  float64 `json:"serving_seconds"`      // from the start of the process to the first answered payment
	Lost            uint64  `json:"lost_entries"`         // answered, and not found
}

// restartLine is what a part tells the one that measures.
type restartLine struct {
	Phase  string          `json:"phase,omitempty"`
	Done   int             `json:"done,omitempty"`
	Of     int             `json:"of,omitempty"`
	Result *RestartResult  `json:"result,omitempty"`
	Payer  *token.WalletID `json:"payer,omitempty"`
}

// Restart has a process of its own keep a node under load, kills it, and has another start on what it left.
func Restart(ctx context.Context, o RestartOptions, notify func(phase string, done, of int)) (result RestartResult,
	err error) {
	if o.After < time.Second || !(o.Load > 0 && o.Load <= 1) {
		return result, errors.New("want at least a second of load, and a load between 0 and 1")
	}
	// A random moment: a fixed one could always hit the same part of a snapshot or block.
	after := o.After + time.Duration(rand.Int64N(int64(o.After)/3))
	killed := new(atomic.Bool)
	err = o.part(ctx, PartLoad, func(line restartLine, kill func()) {
		switch {
		case line.Phase != "":
			notify(line.Phase, line.Done, line.Of)
		case line.Payer != nil:
			o.Payer = *line.Payer
			time.AfterFunc(after, func() {
				killed.Store(true)
				kill()
			})
		case line.Result != nil:
			result = *line.Result
		}
	})
	// An end of its own would measure a start after a clean stop, which is another thing.
	if !killed.Load() {
		return result, fmt.Errorf("the loaded node ended before it was killed: %w",
			cmp.Or(err, errors.New("it had no more payments")))
	}
	notify("starting again", 0, 1)
	before := result
	start := time.Now()
	err = o.part(ctx, PartServe, func(line restartLine, _ func()) {
		if line.Result != nil {
			served := *line.Result
			result.Found, result.Tail = served.Found, served.Tail
			result.LogSeconds, result.LoadSeconds, result.TailSeconds = served.LogSeconds, served.LoadSeconds,
				served.TailSeconds
			result.ServingSeconds = time.Since(start).Seconds()
		}
	})
	if err != nil {
		return result, err
	}
	if result.ServingSeconds == 0 {
		return result, errors.New("the started node answered nothing")
	}
	// What was answered is counted by this process, which lives on: the dead one's word could be lost with it.
	result.Lost = before.Answered - min(before.Answered, result.Found)
	return result, nil
}

// longest is how long the load may last: until the kill, and what that may be late on busy cores.
func (o RestartOptions) longest() time.Duration { return o.After*4/3 + 8*time.Second }

// part runs a part in its process and hands over its lines.
func (o RestartOptions) part(ctx context.Context, part string, each func(line restartLine, kill func())) error {
	command := o.Process(ctx, part, o)
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var line restartLine
		if json.Unmarshal(lines.Bytes(), &line) == nil {
			each(line, func() { _ = command.Process.Kill() })
		}
	}
	return command.Wait()
}

// RestartPart is one part, run in a process of its own; out is its standard output.
func RestartPart(ctx context.Context, part string, o RestartOptions, out io.Writer) error {
	lines := json.NewEncoder(out)
	if part == PartServe {
		return o.serve(ctx, lines)
	}
	return o.load(ctx, lines)
}

// load keeps a node under load until it is killed.
func (o RestartOptions) load(ctx context.Context, lines *json.Encoder) error {
	notify := func(phase string, done, of int) { _ = lines.Encode(restartLine{Phase: phase, Done: done, Of: of}) }
	r, err := begin(ctx, o.Options, notify)
	if err != nil {
		return err
	}
	defer r.end()
	r.config.SnapshotWork = 0 // as usual
	if err := r.reopen(true); err != nil {
		return err
	}
	notify("finding the capacity", 0, 1)
	var capacities []float64
	for range 3 {
		w := r.workload(o.Transfers, o.TwoOwners)
		runtime.GC()
		seconds, err := r.commit(w)
		if err != nil {
			return err
		}
		capacities = append(capacities, float64(len(w.encoded))/seconds)
	}
	result := RestartResult{Wallets: o.Wallets, LiveTokens: r.node.Counts().LiveTokens, Capacity: Median(capacities)}
	result.Aim = result.Capacity * o.Load
	// Signed before, so that the node has the cores to itself.
	chunks := int(result.Aim*o.longest().Seconds())/o.Transfers + 2
	s := &soak{run: r, made: make(chan *workload, chunks)}
	for i := range chunks {
		notify("signing payments", i, chunks)
		w := r.workload(o.Transfers, o.TwoOwners)
		w.txs = nil
		s.made <- w
	}
	close(s.made)
	runtime.GC()
	notify("under load", 0, 1)
	begun := time.Now()
	if err := lines.Encode(restartLine{Payer: &r.people.ids[0]}); err != nil {
		return err
	}
	_, _, err = s.press(ctx, o.longest(), result.Aim, func() {
		counts := r.node.Counts()
		result.LoadedSeconds, result.SnapshotsTaken, result.SnapshotSeconds = time.Since(begun).Seconds(),
			counts.Snapshots, counts.SnapshotSeconds
		result.SnapshotHold = counts.SnapshotHoldMillis
		result.Answered = r.node.Head().Size
		_ = lines.Encode(restartLine{Result: &result})
	})
	return err
}

// serve starts a node on what was left, and pays once.
func (o RestartOptions) serve(ctx context.Context, lines *json.Encoder) error {
	world := newWorld(o.Options)
	n, err := node.Open(node.Config{Dir: filepath.Join(o.Dir, "bench"), NoIndex: true, Now: o.Now,
		Options: txlog.Options{Origin: world.Genesis.Name, Signers: []note.Signer{world.LogSigner}}})
	if err != nil {
		return err
	}
	recovered := n.Recovered()
	result := RestartResult{
		Found: n.Head().Size, Tail: recovered.Tail,
		LogSeconds: recovered.LogTook.Seconds(), LoadSeconds: recovered.LoadTook.Seconds(),
		TailSeconds: recovered.TailTook.Seconds(),
	}
	var held []livestate.LiveToken
	if err := n.View(ctx, func(state *livestate.State, _ node.Head) { held = state.TokensOf(o.Payer, 1) }); err != nil {
		return err
	}
	if len(held) == 0 {
		return fmt.Errorf("wallet %s holds nothing", o.Payer)
	}
	// Serving means that a payment is durable, not that a socket is open: the payer pays itself, as its tokens are
	// all that is known to be left.
	body := &token.Transfer{Parties: []token.WalletID{o.Payer}, Payers: 1, Inputs: []token.ID{held[0].ID},
		Outputs: []token.Output{{Amount: held[0].Amount}}}
	if _, err := n.Submit(ctx, world.Sign(body, valid(), sim.One(token.RoleWallet, 0, secret(o.Seed, 0)))); err != nil {
		return fmt.Errorf("the first payment: %w", err)
	}
	if err := lines.Encode(restartLine{Result: &result}); err != nil {
		return err
	}
	return n.Close()
}
