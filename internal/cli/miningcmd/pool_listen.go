package miningcmd

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
)

// parseListen reads ADDRESS[,start=N][,min=N][,max=N]: where miners connect, and the difficulties
// there when they differ from the pool's.
func parseListen(text string, config settings.Config) (address string, port *settings.Port, err error) {
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

// checkListens judges where miners connect before a node is asked and a log is opened: with a large log that takes a
// while, and a slip would be found out behind it.
func (up *poolUp) checkListens() error {
	seen := map[string]bool{}
	flags := map[string][]string{"listen": up.listen, "tls-listen": up.tlsListen}
	for flag, list := range flags { // any order: of several that are wrong one is said
		for _, text := range list {
			address, _, err := parseListen(text, up.config)
			if err != nil {
				return cli.Usage(fmt.Errorf("--%s: %w", flag, err))
			}
			if err := cli.ListenAddress("--"+flag, address); err != nil {
				return err
			}
			if seen[address] && !strings.HasSuffix(address, ":0") { // which is another port each time
				return cli.Usage(fmt.Errorf("--%s %s: more than one listener on an address", flag, address))
			}
			seen[address] = true
		}
	}
	return nil
}

// hangups takes SIGHUP, which otherwise would end the pool.
func hangups() chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// listenAs takes a listening socket over by its name, or opens it.
func listenAs(ctx context.Context, from *handover.Handover, name, address string) (net.Listener, error) {
	if from != nil {
		if listener, err := from.Listener(name); listener != nil || err != nil {
			return listener, err
		}
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

// listeners open what --listen and --tls-listen name.
func (up *poolUp) listeners(ctx context.Context, log *slog.Logger,
	from *handover.Handover) (listeners []serve.Listener, addresses []string, err error) {
	hangup := hangups()
	add := func(kind, text string, config *tls.Config) error {
		address, port, err := parseListen(text, up.config)
		if err != nil {
			return cli.Usage(err)
		}
		name := kind + " " + address
		listener, err := listenAs(ctx, from, name, address)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		listeners = append(listeners, serve.Listener{Name: name, Net: listener, TLS: config, Port: port})
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
	renewing, err := cli.LoadCertificate(up.tlsCert, up.tlsKey, log)
	if err != nil {
		return nil, nil, cli.Usage(err)
	}
	// Certificates are renewed while miners are connected: listeners stay, new handshakes get the new one.
	go renewing.Watch(ctx, hangup)
	for _, text := range up.tlsListen {
		if err := add("tls", text, renewing.Config()); err != nil {
			return nil, nil, err
		}
	}
	return listeners, addresses, nil
}
