package farmcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/internal/terminal"
)

func newFarmWatchCommand() *cobra.Command {
	var interval, timeout, duration time.Duration
	var metrics, poolWorkers string
	var metricsTLS cli.PageTLS
	var perMachine bool
	command := &cobra.Command{
		Use:   "watch",
		Short: "Poll every machine, keep what they say, raise alarms",
		Long: `Polls each machine once an interval, spread evenly over it; silent machines delay nobody. Alerts go
to standard output, alerts.jsonl in the farm's folder, and the webhooks and routes of farm.toml: offline, hung, board,
hot, fan, pool and nopool by the second poll that shows them; lowhash, rejects and delivery by sequential tests
with at most one false alarm in 10,000 machine-days. Runs until interrupted, or for --for.`,
		Example: "  aqsha farm watch\n  aqsha farm watch --metrics 127.0.0.1:9104 --per-machine\n  aqsha farm watch " +
			"--for 2m --json\n  aqsha farm watch --pool-workers http://127.0.0.1:8080/v1/workers",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if metrics != "" {
				if err := metricsTLS.Check(metrics); err != nil {
					return err
				}
			}
			dir, err := farmDir(command, true)
			if err != nil {
				return err
			}
			b, err := records.Open(dir)
			if err != nil {
				return err
			}
			defer b.Close()
			log := slog.New(slog.NewTextHandler(command.ErrOrStderr(), cli.LogOptions(slog.LevelWarn)))
			running, err := monitor.New(b, monitor.Options{Interval: interval, Timeout: timeout,
				PoolWorkers: poolWorkers, Log: log, Notify: func(notices []alert.Notice) {
					printNotices(command, b.Config.Location(), notices)
				}})
			if err != nil {
				return err
			}
			if metrics != "" {
				if err := metricsTLS.Read(command.Context(), nil, log); err != nil {
					return err
				}
				stop, err := serveFarmMetrics(metrics, &metricsTLS, running, perMachine)
				if err != nil {
					return err
				}
				defer stop()
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
				fmt.Fprintf(w, "%d polls, %d answered, %d skipped, %d ms late at the worst, %d alerts, %.1f s of "+
					"processor time\n", counts.Polls, counts.Answered, counts.Skipped, counts.LagMS, counts.Raised, cpu)
			})
		},
	}
	flags := command.Flags()
	flags.DurationVar(&interval, "interval", 0, "between polls of a machine (default: farm.toml, 30s)")
	flags.DurationVar(&timeout, "timeout", 0, "of one poll (default: farm.toml, 5s)")
	flags.DurationVar(&duration, "for", 0, "stop after this time")
	flags.StringVar(&metrics, "metrics", "", "serve Prometheus metrics on this address")
	metricsTLS.AddFlag(flags, "metrics")
	metricsTLS.AddCertificate(flags)
	flags.StringVar(&poolWorkers, "pool-workers", "",
		"URL of the pool's workers (an Aqsha pool's /v1/workers), written down for 'aqsha farm compare'")
	flags.BoolVar(&perMachine, "per-machine", false, "with each machine's rate and temperature")
	return command
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
			many = fmt.Sprintf(" (%d machines)", len(n.Machines))
		}
		if n.Silenced {
			many += " (silenced)"
		}
		if n.Codes != "" && n.Raised {
			if language, err := cli.LanguageOf(command); err == nil {
				n.Detail = faults.Text(n.Codes, string(language))
			}
		}
		fmt.Fprintf(command.OutOrStdout(), "%s %s %-8s %s%s: %s\n", n.At.In(zone).Format(time.TimeOnly), sign, n.Kind,
			terminal.Plain(n.Scope), many, terminal.Plain(n.Detail))
	}
}

func serveFarmMetrics(address string, secure *cli.PageTLS, running *monitor.Monitor,
	perMachine bool) (stop func(), err error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(&monitor.Metrics{Monitor: running, PerMachine: perMachine}); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics: %w", err)
	}
	if listener, err = secure.Secure(listener); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := httplimit.NewServer(mux, httplimit.Options{Limits: httplimit.Public(httplimit.Files(), 64<<10)})
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("metrics", "error", err)
		}
	}()
	return func() { _ = server.Close() }, nil
}
