package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// copiesRates is what copies cost, measured in one run.
type copiesRates struct {
	Clients int        `json:"clients"`
	Seconds float64    `json:"seconds"` // of each measurement
	Acks    [3]float64 `json:"acks"`    // payments a second with so many acknowledging of two followers
	// With one acknowledging, while the other follower is there and while it stands still, taken in turns.
	Both        float64 `json:"both"`
	OneStalled  float64 `json:"one_stalled"`
	StalledCost float64 `json:"stalled_cost"` // share of the rate that the stalled follower costs; less than 0 when none
	FirstAnswer float64 `json:"first_answer"` // seconds from the leader's SIGKILL to the first payment that a promoted follower answered
	Answered    int     `json:"answered"`
	Lost        int     `json:"lost"` // of the answered payments
}

func newBenchCopiesCommand() *cobra.Command {
	var clients, rounds int
	var duration time.Duration
	command := &cobra.Command{
		Use:   "copies",
		Short: "Measure what followers cost, and how soon one takes the leader's place",
		Long: `Found a network with a leader and two followers in processes of their own, and let clients that sign pay: with nobody
acknowledging, with one follower and with both; with one needed and the other one standing still (SIGSTOP), in turns with
both there. Then kill the leader and promote a follower: how long until the first answer. Rates are medians of the rounds.`,
		Example: `  aqsha bench copies
  aqsha bench copies --clients 16 --for 3s --rounds 5 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if clients < 1 || clients > 100 || rounds < 1 || rounds > 100 {
				return usageError{errors.New("--clients, --rounds: want 1 to 100")}
			}
			dir, err := os.MkdirTemp("", "aqsha-bench-copies-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			d := &drill{command: command, dir: dir, result: drillResult{Clients: clients, Acknowledgement: true}}
			defer d.stopAll()
			result, err := benchCopies(d, duration, rounds)
			if err != nil {
				return err
			}
			if err := show(command, result, func(w io.Writer) { result.describe(w) }); err != nil || result.Lost == 0 {
				return err
			}
			return fmt.Errorf("%d payments that were answered are lost", result.Lost)
		},
	}
	command.Flags().IntVar(&clients, "clients", 8, "who pay at once")
	command.Flags().IntVar(&rounds, "rounds", 3, "measurements of each kind")
	command.Flags().DurationVar(&duration, "for", 2*time.Second, "how long each measurement takes")
	return command
}

func (r copiesRates) describe(w io.Writer) {
	for acks, rate := range r.Acks {
		fmt.Fprintf(w, "%d of 2 followers acknowledge: %8.0f payments/s, %.2f of the rate without\n", acks, rate, rate/r.Acks[0])
	}
	fmt.Fprintf(w, "1 needed, both there %.0f payments/s; the other one standing still %.0f: it costs %.1f %%\n", r.Both, r.OneStalled, 100*r.StalledCost)
	fmt.Fprintf(w, "leader killed: first answer of the promoted follower after %.2f s; %d answered in all, %d lost\n", r.FirstAnswer, r.Answered, r.Lost)
}

func benchCopies(d *drill, duration time.Duration, rounds int) (r copiesRates, err error) {
	r = copiesRates{Clients: d.result.Clients, Seconds: duration.Seconds()}
	g, err := newDrillGroup(d, duration)
	if err != nil {
		return r, err
	}
	for _, acks := range []int{0, 2, 1} {
		if err := g.acknowledging(acks); err != nil {
			return r, err
		}
		var rates []float64
		for range rounds {
			rates = append(rates, g.rate(duration))
		}
		r.Acks[acks] = median(rates)
		d.say("%d acknowledge: %.0f payments/s", acks, r.Acks[acks])
	}
	var both, stalled []float64
	for range rounds {
		both = append(both, g.rate(duration))
		if err := g.nodes[2].Process.Signal(syscall.SIGSTOP); err != nil {
			return r, err
		}
		stalled = append(stalled, g.rate(duration))
		if err := g.nodes[2].Process.Signal(syscall.SIGCONT); err != nil {
			return r, err
		}
		g.wait(500 * time.Millisecond) // it catches up
	}
	r.Both, r.OneStalled = median(both), median(stalled)
	if r.Both > 0 {
		r.StalledCost = 1 - r.OneStalled/r.Both
	}
	stop := g.startPaying()
	defer stop()
	g.wait(duration)
	if err := g.leaderLost(); err != nil {
		return r, err
	}
	if err := g.untilServed(); err != nil {
		return r, err
	}
	stop()
	count, err := g.count()
	r.FirstAnswer, r.Answered, r.Lost = count.Seconds, count.Answered, count.Lost
	return r, err
}

// acknowledging starts the leader again with so many followers acknowledging, and waits until it answers.
func (g *drillGroup) acknowledging(acks int) error {
	if err := g.nodes[0].end(); err != nil {
		return err
	}
	c, err := readConfig(g.dir(0))
	if err != nil {
		return err
	}
	c.Acks = acks
	if err := writeConfig(g.dir(0), c); err != nil {
		return err
	}
	if err := g.lead(0); err != nil {
		return err
	}
	g.rate(g.duration) // until all are connected again, and caches are warm
	return nil
}

// rate has the clients pay for a while, and returns how many payments were answered a second.
func (g *drillGroup) rate(duration time.Duration) float64 {
	g.mu.Lock()
	before := len(g.answered)
	g.mu.Unlock()
	began := time.Now()
	stop := g.startPaying()
	g.wait(duration)
	stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	return float64(len(g.answered)-before) / time.Since(began).Seconds()
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
