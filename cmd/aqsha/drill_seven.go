package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
)

// drilled is what a drill found.
type drilled struct {
	Seconds  float64 `json:"seconds"`  // the longest from the fault on that no payment was answered
	Answered int     `json:"answered"` // payments, before and after
	Lost     int     `json:"lost"`     // of them, not in the ledger in the end
	Refused  int     `json:"refused"`  // payments that their payers have to ask about
}

// drills are what can be rehearsed, in order.
var drills = []struct {
	name, what string
	play       func(g *drillGroup) error
}{
	{"leader-lost", "the leader is killed and its data deleted; a follower is promoted", (*drillGroup).leaderLost},
	{"leader-cut-off", "the leader stands still, a follower is promoted, and the old leader goes on", (*drillGroup).leaderCutOff},
	{"follower-lost", "one of two followers is killed", (*drillGroup).followerLost},
	{"two-lost", "both followers are killed, and come back", (*drillGroup).twoLost},
	{"wrong-promotion", "the leader and a follower are killed; the other may not lead before that one is back", (*drillGroup).wrongPromotion},
	{"switchover", "a follower takes over from a leader that is there", (*drillGroup).switchover},
	{"old-copy", "an old copy of the leader is put back; a follower is promoted", (*drillGroup).oldCopy},
}

func newDrillCommand() *cobra.Command {
	var duration time.Duration
	var clients int
	names := make([]string, 0, len(drills))
	about := ""
	for _, one := range drills {
		names = append(names, one.name)
		about += fmt.Sprintf("  %-16s %s\n", one.name, one.what)
	}
	command := &cobra.Command{
		Use:   "drill [DRILL…]",
		Short: "Rehearse the loss of machines: seven drills with a leader and two followers",
		Long: `Found a network for each drill, with a leader and two followers in processes of their own, of which one must
acknowledge each payment; let clients pay at whichever node leads; and play what operators have to be
ready for:

` + about + `
Prints the longest time, from the fault on, that no payment was answered, how many payments were answered, and how many of those are lost: none, or the command fails.`,
		Example: `  aqsha drill
  aqsha drill leader-lost switchover --json`,
		RunE: func(command *cobra.Command, args []string) error {
			for _, name := range args {
				if !slices.Contains(names, name) {
					return usageError{fmt.Errorf("%q is no drill: want %s", name, strings.Join(names, ", "))}
				}
			}
			if clients < 1 || clients > 100 {
				return usageError{errors.New("--clients: want 1 to 100")}
			}
			return runDrills(command, args, clients, duration)
		},
	}
	command.Flags().IntVar(&clients, "clients", 4, "who pay at once")
	command.Flags().DurationVar(&duration, "for", 2*time.Second, "how long they pay before the fault, and after it")
	command.AddCommand(newDrillDestroyCommand())
	return command
}

func runDrills(command *cobra.Command, only []string, clients int, duration time.Duration) error {
	results := map[string]drilled{}
	var failed error
	for _, one := range drills {
		if len(only) > 0 && !slices.Contains(only, one.name) {
			continue
		}
		result, err := drillOnce(command, one.name, one.play, clients, duration)
		if err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		if result.Lost > 0 {
			failed = errors.Join(failed, fmt.Errorf("%s: %d payments that were answered are lost", one.name, result.Lost))
		}
		results[one.name] = result
	}
	return errors.Join(show(command, results, func(w io.Writer) {
		for _, one := range drills {
			if r, played := results[one.name]; played {
				fmt.Fprintf(w, "%-16s  %6.2f s to serve, %6d answered, %d lost, %d to be asked about\n", one.name, r.Seconds, r.Answered, r.Lost, r.Refused)
			}
		}
	}), failed)
}

func drillOnce(command *cobra.Command, name string, play func(g *drillGroup) error, clients int, duration time.Duration) (result drilled, err error) {
	dir, err := os.MkdirTemp("", "aqsha-drill-")
	if err != nil {
		return result, err
	}
	defer os.RemoveAll(dir)
	d := &drill{command: command, dir: dir, result: drillResult{Clients: clients, Acknowledgement: true}}
	defer d.stopAll()
	d.say("%s: founding a network, a leader and two followers …", name)
	g, err := newDrillGroup(d, duration)
	if err != nil {
		return result, err
	}
	stop := g.startPaying()
	g.wait(duration)
	err = play(g)
	if err == nil {
		err = g.untilServed()
	}
	g.wait(duration)
	stop()
	if err != nil {
		return result, err
	}
	return g.count()
}

// fault notes the moment from which on time is counted.
func (g *drillGroup) fault(what string) {
	g.d.say("  %s …", what)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faulted = time.Now()
	g.last, g.served = g.faulted, false
}

func (g *drillGroup) leaderLost() error {
	g.fault("killing the leader and deleting its data")
	g.kill(0)
	if err := os.RemoveAll(g.dir(0)); err != nil {
		return err
	}
	return g.promote(1)
}

func (g *drillGroup) leaderCutOff() error {
	g.fault("the leader stands still")
	if err := g.nodes[0].Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := g.promote(1); err != nil {
		return err
	}
	if err := g.untilServed(); err != nil {
		return err
	}
	g.d.say("  the old leader goes on …")
	if err := g.nodes[0].Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	return g.answersNothing(0)
}

func (g *drillGroup) followerLost() error {
	g.fault("killing a follower")
	g.kill(2)
	return nil
}

func (g *drillGroup) twoLost() error {
	g.fault("killing both followers")
	g.kill(1)
	g.kill(2)
	if err := g.answersNothing(0); err != nil {
		return err
	}
	g.d.say("  they come back …")
	return errors.Join(g.follow(1), g.follow(2))
}

func (g *drillGroup) wrongPromotion() error {
	g.fault("killing the leader and a follower")
	g.kill(0)
	g.kill(2)
	if err := g.promote(1); err == nil || !strings.Contains(err.Error(), "--without") {
		return fmt.Errorf("a promotion that may lose payments was not refused: %w", err)
	}
	g.d.say("  refused; the follower comes back …")
	if err := g.follow(2); err != nil {
		return err
	}
	return g.promote(1)
}

func (g *drillGroup) switchover() error {
	g.fault("taking over")
	if err := g.nodes[1].end(); err != nil {
		return err
	}
	child, err := g.d.serveAt(g.address(1), "switchover", "--data", g.dir(1), "--log-key", g.logKey())
	if err == nil {
		g.nodes[1] = child
	}
	return err
}

func (g *drillGroup) oldCopy() error {
	g.kill(0)
	if err := os.CopyFS(g.d.path("old"), os.DirFS(g.dir(0))); err != nil {
		return err
	}
	if err := g.lead(0); err != nil {
		return err
	}
	g.wait(g.duration)
	g.fault("killing the leader and putting an old copy of it back")
	g.kill(0)
	if err := errors.Join(os.RemoveAll(g.dir(0)), os.CopyFS(g.dir(0), os.DirFS(g.d.path("old")))); err != nil {
		return err
	}
	if err := g.lead(0); err != nil {
		return err
	}
	if err := g.answersNothing(0); err != nil {
		return err
	}
	return g.promote(1)
}

// answersNothing checks that a node alone answers no payment.
func (g *drillGroup) answersNothing(i int) error {
	ctx, cancel := context.WithTimeout(g.d.command.Context(), 3*time.Second)
	defer cancel()
	answered := make(chan error, 1)
	go func() {
		answered <- g.payAt(ctx, api.NewClient(g.urls[i], ""))
	}()
	select {
	case err := <-answered:
		if err == nil {
			return errors.New("a node that may not answer answered a payment")
		}
	case <-ctx.Done():
	}
	return nil
}
