package minebench

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/pool/loadgen"
)

// poolBench is what 'aqsha bench pool' prints.
type poolBench struct {
	Pipelined       float64 `json:"shares_per_cpu_second"`
	Single          float64 `json:"shares_per_cpu_second_single"`
	PipelinedWall   float64 `json:"shares_per_second"`
	SingleWall      float64 `json:"shares_per_second_single"`
	BroadcastP50    float64 `json:"broadcast_millis_p50"`
	BroadcastP99    float64 `json:"broadcast_millis_p99"`
	BroadcastMiners int     `json:"broadcast_miners"`
	BytesPerMiner   float64 `json:"bytes_per_miner"`
	BytesPerTLS     float64 `json:"bytes_per_miner_tls"`
	TLS             float64 `json:"tls_shares_per_cpu_second"`
	Credited        float64 `json:"credited_over_hashed"` // of a modelled fleet, see package fleet
	Rejected        uint64  `json:"rejected"`
}

// benchUser is the miner of the measurement, on a network where coins are worth nothing.
const benchUser = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080.bench"

// NewBenchPoolCommand is the verb "pool" of "bench".
func NewBenchPoolCommand() *cobra.Command {
	var miners, connections int
	var duration time.Duration
	var serve string
	command := &cobra.Command{
		Use:   "pool",
		Short: "Measure the pool: shares per CPU-second, broadcast, memory",
		Long: `Runs a pool in a process of its own on a synthetic template (12 levels of merkle branch)
and loads it with valid shares whose work is prepared. Every share is checked, logged and
synced before it is answered. Shares are counted per second of the pool's processor time;
the broadcast is timed from the template's arrival until each miner has read its job.
Then a modelled fleet of real firmware works forty minutes of virtual time, and the part
of its hashes that the pool credits is printed; it fails if a block of it is lost.`,
		Example: "  aqsha bench pool --json\n  aqsha bench pool --miners 2000 --duration 2s",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// This program again, as the pool: the load's processor time is not to be counted with it.
			if serve != "" {
				return servePoolBench(command, serve)
			}
			if miners < 1 || miners > 60_000 || connections < 1 || connections > 10_000 {
				return cli.Usage(errors.New("--miners and --connections: want 1 to 60000 and 1 to 10000"))
			}
			if err := checkDuration(duration); err != nil {
				return err
			}
			result, err := runPoolBench(command.Context(), miners, connections, duration, command.ErrOrStderr())
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "shares per CPU-second, pipelined      %10.0f  (%.0f per second)\n", result.Pipelined,
					result.PipelinedWall)
				fmt.Fprintf(w, "shares per CPU-second, one in flight  %10.0f  (%.0f per second)\n", result.Single,
					result.SingleWall)
				fmt.Fprintf(w, "shares per CPU-second over TLS        %10.0f\n", result.TLS)
				fmt.Fprintf(w, "credited over hashed, modelled fleet  %10.4f\n", result.Credited)
				fmt.Fprintf(w, "new job to %d miners, p99          %10.1f ms (median %.1f ms)\n",
					result.BroadcastMiners, result.BroadcastP99, result.BroadcastP50)
				fmt.Fprintf(w, "memory of an idle miner               %10.0f bytes (TLS %.0f)\n", result.BytesPerMiner,
					result.BytesPerTLS)
				fmt.Fprintf(w, "rejected                              %10d\n", result.Rejected)
			})
		},
	}
	command.Flags().IntVar(&miners, "miners", 10_000, "idle connections for broadcast and memory")
	command.Flags().IntVar(&connections, "connections", 1000,
		"connections that submit shares one at a time; a tenth of them for the pipelined load")
	command.Flags().DurationVar(&duration, "duration", 5*time.Second, "of each load")
	command.Flags().StringVar(&serve, "serve", "", "be the pool under measurement, with its data in this directory")
	_ = command.Flags().MarkHidden("serve")
	return command
}

// checkDuration refuses a time in which nothing is measured, and one that is a slip.
func checkDuration(d time.Duration) error {
	if d <= 0 || d > time.Hour {
		return cli.Usage(fmt.Errorf("--duration %s: want more than nothing and at most an hour", d))
	}
	return nil
}

// benchPool is the pool's process as its measurer sees it.
type benchPool struct {
	process *exec.Cmd
	stdin   io.WriteCloser
	answers *bufio.Scanner
	address string
	tls     string
}

// benchAnswer is what the pool's process says of itself.
type benchAnswer struct {
	Address    string  `json:"address"`
	TLS        string  `json:"tls"`
	CPUSeconds float64 `json:"cpu_seconds"`
	RSSBytes   float64 `json:"rss_bytes"`
	Accepted   uint64  `json:"accepted"`
	At         int64   `json:"at"` // of a job, Unix nanoseconds
	Error      string  `json:"error"`
}

func startBenchPool(ctx context.Context, dir string) (*benchPool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := exec.CommandContext(ctx, self, "bench", "pool", "--serve", dir)
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	b := &benchPool{process: process, stdin: stdin, answers: bufio.NewScanner(stdout)}
	first, err := b.read()
	b.address, b.tls = first.Address, first.TLS
	return b, err
}

func (b *benchPool) read() (answer benchAnswer, err error) {
	if !b.answers.Scan() {
		return answer, fmt.Errorf("the pool's process ended: %w", errors.Join(b.answers.Err(), io.ErrUnexpectedEOF))
	}
	if err := json.Unmarshal(b.answers.Bytes(), &answer); err != nil {
		return answer, err
	}
	if answer.Error != "" {
		err = errors.New(answer.Error)
	}
	return answer, err
}

func (b *benchPool) query(question string) (benchAnswer, error) {
	if _, err := io.WriteString(b.stdin, question+"\n"); err != nil {
		return benchAnswer{}, err
	}
	return b.read()
}

func (b *benchPool) stop() error {
	_ = b.stdin.Close()
	return b.process.Wait()
}

func runPoolBench(ctx context.Context, miners, connections int, duration time.Duration,
	progress io.Writer) (*poolBench, error) {
	dir, err := os.MkdirTemp(".", "bench-pool-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b, err := startBenchPool(ctx, dir)
	if err != nil {
		return nil, err
	}
	result := &poolBench{BroadcastMiners: miners}
	fmt.Fprintln(progress, "idle miners and a new job …")
	err = b.broadcast(ctx, miners, result)
	if err == nil {
		fmt.Fprintln(progress, "shares, pipelined …")
		result.Pipelined, result.PipelinedWall, err = b.shares(ctx, max(connections/10, 1), 200, duration, result)
	}
	if err == nil {
		fmt.Fprintln(progress, "shares, one in flight …")
		result.Single, result.SingleWall, err = b.shares(ctx, connections, 1, duration, result)
	}
	if err == nil {
		fmt.Fprintln(progress, "shares over TLS …")
		result.TLS, err = b.sharesTLS(ctx, duration)
	}
	// The pool ends before the modelled fleet works, which takes processor time of its own.
	err = errors.Join(err, b.stop())
	if err == nil {
		fmt.Fprintln(progress, "a modelled fleet …")
		result.Credited, err = creditedOverHashed(dir)
	}
	return result, err
}

// shares measures one load: per CPU-second of the pool, and per second.
func (b *benchPool) shares(ctx context.Context, connections, window int, duration time.Duration,
	result *poolBench) (perCPU, perSecond float64, err error) {
	load, err := loadgen.Connect(ctx, b.address, benchUser, connections)
	if err != nil {
		return 0, 0, err
	}
	defer load.Close()
	if err := load.Submit(ctx, window, duration/5); err != nil { // warm up
		return 0, 0, err
	}
	before, err := b.query("state")
	if err != nil {
		return 0, 0, err
	}
	start, had := time.Now(), load.Accepted
	if err := load.Submit(ctx, window, duration); err != nil {
		return 0, 0, err
	}
	elapsed := time.Since(start)
	after, err := b.query("state")
	if err != nil {
		return 0, 0, err
	}
	result.Rejected += load.Refused
	if load.Refused > 0 && load.FirstRefusal != "" {
		fmt.Fprintln(os.Stderr, "refused:", load.FirstRefusal)
	}
	counted := load.Accepted - had
	if logged := after.Accepted - before.Accepted; logged != counted {
		return 0, 0, fmt.Errorf("the pool logged %d shares and answered %d", logged, counted)
	}
	return float64(counted) / (after.CPUSeconds - before.CPUSeconds), float64(counted) / elapsed.Seconds(), nil
}

// tlsMiners is how many connections the memory of one with TLS is averaged over.
const tlsMiners = 300

// memoryTLS measures what an idle miner costs behind TLS.
func (b *benchPool) memoryTLS(ctx context.Context, before benchAnswer) (float64, error) {
	// our own child, on loopback, with a key made for the minute
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	for range tlsMiners {
		c, err := dialer.DialContext(ctx, "tcp", b.tls)
		if err != nil {
			return 0, err
		}
		defer c.Close()
		if _, err := io.WriteString(c, `{"id":1,"method":"mining.subscribe","params":[]}`+"\n"+
			`{"id":2,"method":"mining.authorize","params":["`+benchUser+`","x"]}`+"\n"); err != nil {
			return 0, err
		}
		for lines := bufio.NewScanner(c); lines.Scan() && !strings.Contains(lines.Text(), "mining.notify"); {
		}
	}
	after, err := b.query("state")
	return (after.RSSBytes - before.RSSBytes) / tlsMiners, err
}

// broadcast measures memory and the time of a new job, the best of five.
func (b *benchPool) broadcast(ctx context.Context, miners int, result *poolBench) error {
	empty, err := b.query("state")
	if err != nil {
		return err
	}
	load, err := loadgen.Connect(ctx, b.address, benchUser, miners)
	if err != nil {
		return err
	}
	defer load.Close()
	full, err := b.query("state")
	if err != nil {
		return err
	}
	result.BytesPerMiner = (full.RSSBytes - empty.RSSBytes) / float64(miners)
	if result.BytesPerTLS, err = b.memoryTLS(ctx, full); err != nil {
		return err
	}
	for range 5 {
		time.Sleep(300 * time.Millisecond)
		job, err := b.query("job")
		if err != nil {
			return err
		}
		took, err := load.AwaitJob(ctx, time.Unix(0, job.At))
		if err != nil {
			return err
		}
		p99 := float64(took[len(took)*99/100].Microseconds()) / 1000
		// The best of five: miners and pool share this machine, and what others do on it only lengthens.
		if result.BroadcastP99 == 0 || p99 < result.BroadcastP99 {
			result.BroadcastP99 = p99
			result.BroadcastP50 = float64(took[len(took)/2].Microseconds()) / 1000
		}
	}
	return nil
}
