package farmcmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/api/farms"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// watchServers is what a watch serves beside its work.
type watchServers struct {
	metrics, http       string // addresses; "": not served
	metricsTLS, httpTLS cli.PageTLS
	cert, key           string
	perMachine          bool
	at                  string // where the API is, once it is served
}

func (s *watchServers) flags(flags *pflag.FlagSet) {
	cli.ListenVar(flags, &s.metrics, "metrics", "", "serve Prometheus metrics on this address")
	cli.ListenVar(flags, &s.http, "http", "", "serve the farm's API on this address")
	s.metricsTLS.AddFlag(flags, "metrics")
	s.httpTLS.AddFlag(flags, "http")
	flags.StringVar(&s.cert, "tls-cert", "", "PEM certificate chain; read again when it changes or on SIGHUP")
	flags.StringVar(&s.key, "tls-key", "", "PEM key")
	flags.BoolVar(&s.perMachine, "per-machine", false, "with each machine's rate and temperature in the metrics")
}

// check refuses what would be served in clear beyond this machine, before anything is begun.
func (s *watchServers) check() error {
	var errs []error
	if s.metrics != "" {
		errs = append(errs, s.metricsTLS.Check(s.metrics))
	}
	if s.http != "" {
		errs = append(errs, s.httpTLS.Check(s.http))
	}
	return errors.Join(errs...)
}

// urlFile says in a farm's folder where its watch serves the API, while it does.
const urlFile = "http.url"

// start serves until stop is called.
func (s *watchServers) start(ctx context.Context, running *monitor.Monitor, log *slog.Logger) (stop func(), err error) {
	ctx, end := context.WithCancel(ctx)
	var closes []func() error
	var reading sync.WaitGroup
	stop = func() {
		end()
		for _, shut := range closes {
			_ = shut()
		}
		reading.Wait()
	}
	serve := func(name, address string, secure *cli.PageTLS, server *httplimit.Server) (at string, err error) {
		secure.UseCertificate(s.cert, s.key)
		if err := secure.Read(ctx, nil, log); err != nil {
			return "", err
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return "", fmt.Errorf("--%s: %w", name, err)
		}
		at = listener.Addr().String()
		if listener, err = secure.Secure(listener); err != nil {
			return "", err
		}
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				log.Error("serving", "what", name, "error", err)
			}
		}()
		closes = append(closes, server.Close)
		return at, nil
	}
	var joined *farms.Joined
	if config := running.Config(); s.http != "" && len(config.Joined) > 0 {
		joined = farms.NewJoined(config.Joined, log)
	}
	if s.metrics != "" {
		handler, failed := metricsHandler(running, s.perMachine)
		if err = failed; err == nil {
			_, err = serve("metrics", s.metrics, &s.metricsTLS, handler)
		}
	}
	if err == nil && s.http != "" {
		var at string
		at, err = serve("http", s.http, &s.httpTLS, farms.New(running, joined, log).Bounded(httplimit.Files()))
		if scheme := s.httpTLS.Scheme(); err == nil {
			path := filepath.Join(running.Dir(), urlFile)
			s.at = scheme + "://" + at
			err = durable.Replace(vfs.OS, path, []byte(s.at+"\n"))
			closes = append(closes, func() error { return durable.Remove(vfs.OS, path) })
		}
	}
	if err != nil {
		// What has begun to listen is ended when the rest cannot: no server stays behind an error.
		stop()
		return nil, err
	}
	if joined != nil {
		reading.Go(func() { joined.Run(ctx) })
	}
	return stop, nil
}

// metricsHandler serves a watch's figures for Prometheus.
func metricsHandler(running *monitor.Monitor, perMachine bool) (*httplimit.Server, error) {
	registry := prometheus.NewRegistry()
	if err := registry.Register(&monitor.Metrics{Monitor: running, PerMachine: perMachine}); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return httplimit.NewServer(mux, httplimit.Options{Limits: httplimit.Public(httplimit.Files(), 64<<10)}), nil
}
