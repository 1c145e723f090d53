package minebench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/cli"
)

// farmBench is what 'aqsha bench farm' prints.
type farmBench struct {
	MachinesPerCPUSecond float64 `json:"machines_per_cpu_second"`
	// of those that speak over HTTP only
	HTTPMachinesPerCPUSecond float64 `json:"http_machines_per_cpu_second"`
	MachinesPerSecond        float64 `json:"machines_per_second"`
	Machines                 int     `json:"machines"`
	Polls                    int64   `json:"polls"`
	Failed                   int64   `json:"failed"`
	BytesPerSample           float64 `json:"bytes_per_sample"`
	BytesPerPoll             float64 `json:"bytes_per_poll"`
	BytesPerCell             float64 `json:"bytes_per_rollup_cell"`
	MegabytesPerMachineYear  float64 `json:"megabytes_per_machine_year"`
	StoredMachineDays        float64 `json:"stored_machine_days"`
}

// NewBenchFarmCommand is the verb "farm" of "bench".
func NewBenchFarmCommand() *cobra.Command {
	var machines, workers, stored int
	var duration time.Duration
	command := &cobra.Command{
		Use:   "farm",
		Short: "Measure a farm's watch: machines per CPU-second, bytes per sample",
		Long: `Starts simulated machines of every protocol in a process of its own and polls them as a watch does:
ask, read, store durably, look for alarms; then as many that speak over HTTP only (AxeOS). Machines are counted per
second of this process's processor time. The store
is measured on 18 days of other simulated machines, polled every 30 s: a sample is one measured number of one poll
(there are 12); a machine-year is 14 days of polls and 365 of five-minute sums.`,
		Example: "  aqsha bench farm --json\n  aqsha bench farm --machines 2000 --duration 3s",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if machines < 1 || machines > 19_000 || workers < 1 || stored < 1 {
				return cli.Usage(errors.New("--machines: want 1 to 19000; --workers and --stored: at least 1"))
			}
			if err := checkDuration(duration); err != nil {
				return err
			}
			cli.CollectLess() // as a watch does
			result := farmBench{Machines: machines}
			dir, err := os.MkdirTemp("", "aqsha-bench-farm")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			// The machines are a process of their own: the processor time that is counted is the watch's alone.
			measured, err := pollPeer(command, filepath.Join(dir, "live"), machines, workers, duration)
			if err != nil {
				return err
			}
			result.Polls, result.Failed = measured.polls, measured.failed
			result.MachinesPerCPUSecond, result.MachinesPerSecond = measured.perCPUSecond, measured.perSecond
			web, err := pollPeer(command, filepath.Join(dir, "web"), machines, workers, duration, "--protocol", "axeos")
			if err != nil {
				return err
			}
			result.HTTPMachinesPerCPUSecond = web.perCPUSecond
			result.Failed += web.failed
			if err := result.store(command, filepath.Join(dir, "past"), stored); err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "machines polled per CPU-second   %10.0f  (%.0f per second; %d polls, %d failed)\n",
					result.MachinesPerCPUSecond, result.MachinesPerSecond, result.Polls, result.Failed)
				fmt.Fprintf(w, "those that speak HTTP            %10.0f\n", result.HTTPMachinesPerCPUSecond)
				fmt.Fprintf(w, "bytes per sample                 %10.3f  (%.2f per poll of %d samples)\n",
					result.BytesPerSample, result.BytesPerPoll, telemetry.MeasuredColumns)
				fmt.Fprintf(w, "megabytes per machine-year       %10.2f  (%.1f bytes per five-minute sum)\n",
					result.MegabytesPerMachineYear, result.BytesPerCell)
			})
		},
	}
	flags := command.Flags()
	flags.IntVar(&machines, "machines", 2000, "simulated machines to poll")
	flags.IntVar(&workers, "workers", 64, "polls under way at a time")
	flags.IntVar(&stored, "stored", 7, "machines whose samples are stored")
	flags.DurationVar(&duration, "duration", 5*time.Second, "of polling")
	return command
}

// polled is what polling came to.
type polled struct {
	perCPUSecond, perSecond float64
	polls, failed           int64
}

// pollPeer measures polling against simulated machines in another process.
func pollPeer(command *cobra.Command, live string, machines, workers int, duration time.Duration,
	more ...string) (result polled, err error) {
	ctx, stop := context.WithCancel(command.Context())
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return result, err
	}
	peer := exec.CommandContext(ctx, self, append([]string{"farm", "simulate", "--machines", fmt.Sprint(machines),
		"--antminer-port", "0", "--add", "--data", live}, more...)...)
	peer.Stderr = command.ErrOrStderr()
	out, err := peer.StdoutPipe()
	if err != nil {
		return result, err
	}
	if err := peer.Start(); err != nil {
		return result, err
	}
	defer func() { stop(); _ = peer.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return result, fmt.Errorf("the simulated machines do not come up: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	b, err := records.Open(live)
	if err != nil {
		return result, err
	}
	defer b.Close()
	if _, err := pollRounds(ctx, b, workers, duration/4); err != nil { // warm up
		return result, err
	}
	begun, cpu := time.Now(), cli.CpuTime()
	counts, err := pollRounds(ctx, b, workers, duration)
	if err != nil {
		return result, err
	}
	result.polls, result.failed = counts[0], counts[1]
	result.perCPUSecond = float64(result.polls) / (cli.CpuTime() - cpu).Seconds()
	result.perSecond = float64(result.polls) / time.Since(begun).Seconds()
	return result, nil
}

// pollRounds polls the fleet round and round: ask, read, observe, detect, store each second. It returns
// how many polls were answered and how many were not.
func pollRounds(ctx context.Context, b *records.Records, workers int,
	duration time.Duration) (counts [2]int64, err error) {
	machines := b.Fleet.Machines
	identities := make([]string, len(machines))
	for i := range machines {
		identities[i] = machines[i].ID
	}
	numbers, err := b.Store.Numbers(identities)
	if err != nil {
		return counts, err
	}
	detectors := make([]alert.Detector, len(machines))
	var mu sync.Mutex
	var rows []telemetry.Row
	var wait sync.WaitGroup
	end := time.Now().Add(duration)
	for worker := range workers {
		wait.Go(func() {
			// Each worker has machines of its own, so that none is polled twice at a time.
			for i := worker; time.Now().Before(end) && ctx.Err() == nil; i += workers {
				if i >= len(machines) {
					i = worker
				}
				pollCtx, stop := context.WithTimeout(ctx, fleet.DefaultTimeout)
				reading, err := fleet.Poll(pollCtx, &machines[i])
				stop()
				now := time.Now()
				if err != nil {
					mu.Lock()
					counts[1]++
					mu.Unlock()
					continue
				}
				p := machines[i].Observe(reading, now, b.Config.Pools)
				_ = detectors[i].Observe(alert.Observation{At: usage.At(now), Answered: true, Poll: p,
					Accepted: reading.Accepted, Rejected: reading.Rejected})
				mu.Lock()
				counts[0]++
				rows = append(rows, telemetry.Row{Machine: numbers[i], Poll: p})
				mu.Unlock()
			}
		})
	}
	flush := func() error {
		mu.Lock()
		batch := rows
		rows = nil
		mu.Unlock()
		_, err := b.Store.Append(batch)
		return err
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := flush(); err != nil {
				return counts, err
			}
		case <-done:
			return counts, flush()
		}
	}
}

// store measures what samples take on the disk.
func (r *farmBench) store(command *cobra.Command, dir string, machines int) error {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	const days = 18
	err := past.Write(command.Context(), dir, past.Options{Machines: machines, Seed: 1, From: from,
		To: from.AddDate(0, 0, days), Interval: 30 * time.Second, Faults: true,
		Progress: cli.ProgressOf(command, "store")})
	if err != nil {
		return err
	}
	b, err := records.OpenReader(dir)
	if err != nil {
		return err
	}
	defer b.Close()
	size, err := b.Store.Size()
	if err != nil {
		return err
	}
	if size.RawPolls == 0 || size.RollupCells == 0 {
		return errors.New("nothing was stored")
	}
	r.BytesPerPoll = float64(size.RawBytes) / float64(size.RawPolls)
	r.BytesPerSample = r.BytesPerPoll / telemetry.MeasuredColumns
	r.BytesPerCell = float64(size.RollupBytes) / float64(size.RollupCells)
	const pollsADay, cellsADay = 2880, 288
	r.MegabytesPerMachineYear = (telemetry.RawDays*pollsADay*r.BytesPerPoll + 365*cellsADay*r.BytesPerCell) / 1e6
	r.StoredMachineDays = days * float64(machines)
	return nil
}
