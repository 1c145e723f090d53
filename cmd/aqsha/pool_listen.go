package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aqsha/aqsha/pool"
)

// parseListen reads ADDRESS[,start=N][,min=N][,max=N]: where miners connect, and the difficulties
// there when they differ from the pool's.
func parseListen(text string, config pool.Config) (address string, port *pool.Port, err error) {
	address, rest, several := strings.Cut(text, ",")
	own := config.Port()
	if !several {
		return address, &own, nil
	}
	startGiven := false
	for option := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(option, "=")
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return "", nil, fmt.Errorf("listen %q: %s: want a number", text, name)
		}
		switch name {
		case "start":
			own.StartDifficulty, startGiven = number, true
		case "min":
			own.MinDifficulty = number
		case "max":
			own.MaxDifficulty = number
		default:
			return "", nil, fmt.Errorf("listen %q: %q: want start=N, min=N or max=N", text, name)
		}
	}
	if !startGiven {
		own.StartDifficulty = min(max(own.StartDifficulty, own.MinDifficulty), own.MaxDifficulty)
	}
	return address, &own, own.Validate()
}

// renewedCertificate is a TLS certificate that is read again when its files change, or on SIGHUP, so that a
// renewal drops nobody: connections keep the one they began with.
type renewedCertificate struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]
}

// certificateLook is how often the files' times are looked at.
const certificateLook = 30 * time.Second

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*renewedCertificate, error) {
	c := &renewedCertificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.load()
}

func (c *renewedCertificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	return nil
}

// config serves whatever certificate is current when a client connects.
func (c *renewedCertificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

func (c *renewedCertificate) changed() time.Time {
	newest := time.Time{}
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// watch reads the files again when they change or hangup says so. A pair that does not fit together,
// as in the midst of a renewal, is left for the next look; the old one stays in use.
func (c *renewedCertificate) watch(ctx context.Context, hangup <-chan os.Signal) {
	seen := c.changed()
	tick := time.NewTicker(certificateLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			seen = time.Time{}
		case <-tick.C:
		}
		now := c.changed()
		if now.Equal(seen) {
			continue
		}
		if err := c.load(); err != nil {
			c.log.Error("the renewed certificate cannot be used; the old one stays", "error", err)
			continue
		}
		seen = now
		c.log.Info("certificate read", "file", c.certFile)
	}
}

// hangups takes SIGHUP, which otherwise would end the pool.
func hangups() chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// listenAs takes a listening socket over by its name, or opens it.
func listenAs(ctx context.Context, from *pool.Handover, name, address string) (net.Listener, error) {
	if from != nil {
		if listener, err := from.Listener(name); listener != nil || err != nil {
			return listener, err
		}
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// listeners open what --listen and --tls-listen name.
func (up *poolUp) listeners(ctx context.Context, log *slog.Logger, from *pool.Handover) (listeners []pool.Listener, addresses []string, err error) {
	hangup := hangups()
	add := func(kind, text string, config *tls.Config) error {
		address, port, err := parseListen(text, up.config)
		if err != nil {
			return usageError{err}
		}
		name := kind + " " + address
		listener, err := listenAs(ctx, from, name, address)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		listeners = append(listeners, pool.Listener{Name: name, Net: listener, TLS: config, Port: port})
		addresses = append(addresses, listener.Addr().String())
		return nil
	}
	for _, text := range up.listen {
		if err := add("stratum", text, nil); err != nil {
			return nil, nil, err
		}
	}
	if len(up.tlsListen) == 0 {
		return listeners, addresses, nil
	}
	if up.tlsCert == "" || up.tlsKey == "" {
		return nil, nil, usageError{errors.New("--tls-listen needs --tls-cert and --tls-key")}
	}
	renewing, err := loadCertificate(up.tlsCert, up.tlsKey, log)
	if err != nil {
		return nil, nil, usageError{err}
	}
	go renewing.watch(ctx, hangup)
	for _, text := range up.tlsListen {
		if err := add("tls", text, renewing.config()); err != nil {
			return nil, nil, err
		}
	}
	return listeners, addresses, nil
}
