package farmcmd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/farmdir"
	"github.com/aqsha/aqsha/internal/terminal"
)

// watchHelp is what help says of watch at length.
const watchHelp = `Polls each machine once an interval, spread evenly over it; silent machines delay nobody. Alerts go
to standard output, alerts.jsonl in the farm's folder, and the webhooks and routes of farm.toml: offline, hung, board,
hot, fan, pool, nopool and norate by the second poll that shows them; lowhash, rejects and delivery by sequential
tests, each with at most one false alarm in 100,000 machine-days. A machine whose answers do not fit its protocol is
asked anew in which it speaks, and that is remembered. Runs until interrupted, or for --for. --http serves the farm's
API to those who have an access ('aqsha farm access'), and reads the farms that farm.toml joins.`

func newFarmWatchCommand() *cobra.Command {
	var interval, timeout, duration time.Duration
	var poolWorkers string
	var served watchServers
	command := &cobra.Command{
		Use:   "watch",
		Short: "Poll every machine, keep what they say, raise alarms",
		Long:  watchHelp,
		Example: "  aqsha farm watch\n  aqsha farm watch --metrics 127.0.0.1:9104 --per-machine\n  aqsha farm watch " +
			"--for 2m --json\n  aqsha farm watch --pool-workers http://127.0.0.1:8080/v1/workers",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := served.check(); err != nil {
				return err
			}
			if err := watchTimes(interval, timeout, duration); err != nil {
				return err
			}
			dir, err := farmWithMachines(command)
			if err != nil {
				return err
			}
			// Flags that fight and a farm without machines are found out before anything is opened or listens.
			return watchFarm(command, dir, monitor.Options{Interval: interval, Timeout: timeout,
				PoolWorkers: poolWorkers}, duration, &served)
		},
	}
	flags := command.Flags()
	flags.DurationVar(&interval, "interval", 0, "between polls of a machine (default: farm.toml, 30s)")
	flags.DurationVar(&timeout, "timeout", 0, "of one poll (default: farm.toml, 5s)")
	flags.DurationVar(&duration, "for", 0, "stop after this time")
	served.flags(flags)
	flags.StringVar(&poolWorkers, "pool-workers", "",
		"URL of the pool's workers (an Aqsha pool's /v1/workers), written down for 'aqsha farm compare'")
	return cli.SpeakingAtOnce(command)
}

// maxWatchInterval bounds the time between polls, as farm.toml's is: alarms count polls, and would come too late.
const maxWatchInterval = 5 * time.Minute

// watchTimes judges the times that flags give; 0 is the default of each.
func watchTimes(interval, timeout, duration time.Duration) error {
	switch {
	case interval < 0 || interval > maxWatchInterval:
		return farm.Refuse("farm-out-of-range", "interval", "want a time up to %s", maxWatchInterval)
	case timeout < 0 || timeout > maxWatchInterval:
		return farm.Refuse("farm-out-of-range", "timeout", "want a time up to %s", maxWatchInterval)
	case duration < 0: // it would be watched until somebody interrupts it
		return farm.Refuse("farm-out-of-range", "for", "want a time of zero or more")
	}
	return nil
}

// watchFarm polls the farm of a folder for a time, or until it is interrupted, and says what came of it.
func watchFarm(command *cobra.Command, dir string, o monitor.Options, duration time.Duration,
	served *watchServers) error {
	// Opened to write, which takes the folder's lock: a second watch ends here, before it has asked any
	// machine.
	b, err := records.Open(dir)
	if err != nil {
		return err
	}
	defer b.Close()
	cli.CollectLess()
	log := slog.New(slog.NewTextHandler(command.ErrOrStderr(), cli.LogOptions(slog.LevelWarn)))
	o.Log, o.Notify = log, func(notices []alert.Notice) { printNotices(command, b.Config.Location(), notices) }
	running, err := monitor.New(b, o)
	if err != nil {
		return err
	}
	// Served before the first poll: an address that is taken ends the watch while nothing depends on it.
	stopServing, err := served.start(command.Context(), running, log)
	if err != nil {
		return err
	}
	defer stopServing()
	if served.at != "" && !cli.WantsJSON(command) {
		fmt.Fprintln(command.OutOrStdout(), cli.LanguageFor(command).Text("farm.api", "url", served.at))
	}
	ctx, stop := command.Context(), func() {}
	if duration > 0 {
		ctx, stop = context.WithTimeout(ctx, duration)
	}
	defer stop()
	started := cli.CpuTime()
	if err := running.Run(ctx); err != nil {
		return err
	}
	counts := running.Counts()
	cpu := (cli.CpuTime() - started).Seconds()
	result := struct {
		monitor.Counts
		CPUSeconds float64 `json:"cpu_seconds"`
	}{counts, cpu}
	return cli.Show(command, result, func(w io.Writer) {
		fmt.Fprintln(w, cli.LanguageFor(command).Text("farm.watched", "polls", counts.Polls, "answered",
			counts.Answered, "skipped", counts.Skipped, "late", counts.LagMS, "alerts", counts.Raised, "cpu",
			fmt.Sprintf("%.1f", cpu)))
	})
}

// farmWithMachines is the folder of a farm that has machines to watch. Where there are none nothing is made: a folder
// that a mistyped --data has left looks like a farm.
func farmWithMachines(command *cobra.Command) (string, error) {
	dir, err := farmdir.Of(command, false)
	if err != nil {
		return "", err
	}
	inventory, err := fleet.OpenInventory(dir)
	if err == nil && len(inventory.Machines) == 0 {
		err = farm.Refuse("no-machine", "fleet",
			"there is no machine to watch; add some with 'aqsha farm scan' or 'aqsha farm import'")
	}
	return dir, err
}

func printNotices(command *cobra.Command, zone *time.Location, notices []alert.Notice) {
	for _, n := range notices {
		if cli.WantsJSON(command) {
			_ = cli.ShowJSON(command, n)
			continue
		}
		sign, many := "-", ""
		if n.Raised {
			sign = "+"
		}
		if n.Group {
			many = " " + cli.LanguageFor(command).Count("farm.group", len(n.Machines))
		}
		if n.Silenced {
			many += " " + cli.LanguageFor(command).Text("farm.group-silenced")
		}
		at := n.At.In(zone).Format("15:04:05 -07:00")
		fmt.Fprintf(command.OutOrStdout(), "%s %s %-8s %s%s: %s\n", at, sign, n.Kind,
			terminal.Plain(n.Scope), many, terminal.Plain(n.Say(cli.LanguageFor(command))))
	}
}
