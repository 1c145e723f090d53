package benchcmd

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/drill"
	"github.com/aqsha/aqsha/node/bench"
)

// copiesRates is what copies cost, measured in one run.
type copiesRates struct {
	Clients int        `json:"clients"`
	Seconds float64    `json:"seconds"` // of each measurement
	Acks    [3]float64 `json:"acks"`    // payments a second with so many acknowledging of two followers
	// With one acknowledging, while the other follower is there and while it stands still, taken in turns.
	Both       float64 `json:"both"`
	OneStalled float64 `json:"one_stalled"`
	// share of the rate that the stalled follower costs; less than 0 when none
	StalledCost float64 `json:"stalled_cost"`
	// seconds from the leader's SIGKILL to the first payment that a promoted follower answered
	FirstAnswer float64 `json:"first_answer"`
	Answered    int     `json:"answered"`
	Lost        int     `json:"lost"` // of the answered payments
}

func newBenchCopiesCommand() *cobra.Command {
	var clients, rounds int
	var duration time.Duration
	command := &cobra.Command{
		Use:   "copies",
		Short: "Measure what followers cost, and how soon one takes the leader's place",
		Long: `Found a network with a leader and two followers in processes of their own, and let clients that sign
pay: with nobody acknowledging, with one follower and with both; with one needed and the other one standing still
(SIGSTOP), in turns with both there. Then kill the leader and promote a follower: how long until the first answer.
Rates are medians of the rounds.`,
		Example: `  aqsha bench copies
  aqsha bench copies --clients 16 --for 3s --rounds 5 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if clients < 1 || clients > 100 || rounds < 1 || rounds > 100 {
				return cli.Usage(errors.New("--clients, --rounds: want 1 to 100"))
			}
			if duration <= 0 || duration > time.Hour {
				return cli.Usage(fmt.Errorf("--for %s: want more than nothing and at most an hour", duration))
			}
			d, err := drill.New(command.Context(), cli.Narrator(command),
				drill.Result{Clients: clients, Acknowledgement: true})
			if err != nil {
				return err
			}
			// Also when a measurement failed: followers are processes, and would stay behind.
			defer d.StopAll()
			result, err := benchCopies(d, duration, rounds)
			if err != nil {
				return err
			}
			if err := cli.Show(command, result, func(w io.Writer) { result.describe(w) }); err != nil ||
				result.Lost == 0 {
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
		fmt.Fprintf(w, "%d of 2 followers acknowledge: %8.0f payments/s, %.2f of the rate without\n", acks, rate,
			rate/r.Acks[0])
	}
	fmt.Fprintf(w, "1 needed, both there %.0f payments/s; the other one standing still %.0f: it costs %.1f %%\n",
		r.Both, r.OneStalled, 100*r.StalledCost)
	fmt.Fprintf(w, "leader killed: first answer of the promoted follower after %.2f s; %d answered in all, %d lost\n",
		r.FirstAnswer, r.Answered, r.Lost)
}

func benchCopies(d *drill.Drill, duration time.Duration, rounds int) (r copiesRates, err error) {
	r = copiesRates{Clients: d.Result.Clients, Seconds: duration.Seconds()}
	g, err := drill.NewGroup(d, duration)
	if err != nil {
		return r, err
	}
	for _, acks := range []int{0, 2, 1} {
		if err := g.Acknowledging(acks); err != nil {
			return r, err
		}
		var rates []float64
		for range rounds {
			rates = append(rates, g.Rate(duration))
		}
		r.Acks[acks] = bench.Median(rates)
		d.Say("%d acknowledge: %.0f payments/s", acks, r.Acks[acks])
	}
	var both, stalled []float64
	for range rounds {
		both = append(both, g.Rate(duration))
		if err := g.Nodes[2].Process.Signal(syscall.SIGSTOP); err != nil {
			return r, err
		}
		stalled = append(stalled, g.Rate(duration))
		if err := g.Nodes[2].Process.Signal(syscall.SIGCONT); err != nil {
			return r, err
		}
		g.Wait(500 * time.Millisecond) // it catches up
	}
	r.Both, r.OneStalled = bench.Median(both), bench.Median(stalled)
	if r.Both > 0 {
		r.StalledCost = 1 - r.OneStalled/r.Both
	}
	stop := g.StartPaying()
	defer stop()
	g.Wait(duration)
	if err := g.LeaderLost(); err != nil {
		return r, err
	}
	if err := g.UntilServed(); err != nil {
		return r, err
	}
	stop()
	count, err := g.Count()
	r.FirstAnswer, r.Answered, r.Lost = count.Seconds, count.Answered, count.Lost
	return r, err
}
