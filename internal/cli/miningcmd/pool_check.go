package miningcmd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os/user"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/admin"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/settings"
)

// Bounds of the settings of payments.
const (
	maxPayDepth = 1000   // a week: a payment that isn't paid by then is not going to be
	maxFeeRate  = 10_000 // what Bitcoin Core refuses to relay by default, satoshi per virtual byte
)

// checkFlags holds what settings.Config does not have to its bounds, before a node is asked or a running pool told to
// end.
func (up *poolUp) checkFlags() error {
	if !(up.fee >= 0 && up.fee <= 100) { // not a number neither
		return &settings.ConfigError{Field: "fee", Rule: fmt.Sprintf("%g: want 0 to 100 percent", up.fee)}
	}
	if up.payEvery < 0 {
		return &settings.ConfigError{Field: "pay_every",
			Rule: fmt.Sprintf("%v: want a time to wait, or 0 for no payments", up.payEvery)}
	}
	if _, err := up.payOptions(); err != nil {
		return err
	}
	if up.http != "" {
		if err := up.httpTLS.Check(up.http); err != nil {
			return err
		}
	}
	_, err := up.groups()
	return err
}

// payOptions are the bounds of payments from the wallet.
func (up *poolUp) payOptions() (options payments.PayOptions, err error) {
	bad := func(field string, value any, rule string) (payments.PayOptions, error) {
		return options, &settings.ConfigError{Field: field, Rule: fmt.Sprintf("%v: %s", value, rule)}
	}
	minimum, err := money.ParseBitcoin(up.payMinimum)
	switch {
	case err != nil:
		return bad("pay_minimum", fmt.Sprintf("%.50q", up.payMinimum), err.Error())
	case minimum < 0 || minimum > bitcoin.MaxMoney:
		return bad("pay_minimum", up.payMinimum, "want 0 to 21000000 bitcoin")
	case !(up.maxFeeRate > 0 && up.maxFeeRate <= maxFeeRate):
		return bad("max_fee_rate", up.maxFeeRate, fmt.Sprintf("want more than 0, at most %d satoshi per virtual byte",
			maxFeeRate))
	case up.payDepth < 1 || up.payDepth > maxPayDepth:
		return bad("pay_confirmations", up.payDepth, fmt.Sprintf("want 1 to %d", maxPayDepth))
	case up.paySweep < 0:
		return bad("pay_sweep", up.paySweep, "want a time, or 0 for never")
	}
	return payments.PayOptions{Minimum: max(minimum, 1), MaxFeeRate: up.maxFeeRate, Confirmations: up.payDepth,
		SweepAfter: up.paySweep}, nil
}

// groups are the roles of this system's groups. A name that the system does not know would give nobody a role,
// silently.
func (up *poolUp) groups() (map[string]admin.Role, error) {
	groups := map[string]admin.Role{}
	for _, text := range up.adminGroups {
		group, name, _ := strings.Cut(text, "=")
		role, err := admin.ParseRole(name)
		if err != nil || group == "" {
			return nil, &settings.ConfigError{Field: "admin_group",
				Rule: fmt.Sprintf("%.50q: want GROUP=viewer, GROUP=support or GROUP=admin", text)}
		}
		if _, err := user.LookupGroup(group); err != nil {
			return nil, &settings.ConfigError{Field: "admin_group", Rule: fmt.Sprintf("%.50q: %v", text, err)}
		}
		groups[group] = role
	}
	return groups, nil
}

// maxSocketPath is what a system takes for the name of a socket, bytes.
const maxSocketPath = 107

// checkPlaces judges what stands beside the node before it is asked: with a large log a slip would be found out late,
// and of some only by an alarm.
func (up *poolUp) checkPlaces() error {
	if up.name == "" || strings.ContainsFunc(up.name, unicode.IsSpace) || strings.Contains(up.name, "+") ||
		!utf8.ValidString(up.name) { // a log's name is part of each line that it signs
		return cli.Usage(fmt.Errorf("--name %.50q: want a name without spaces and +", up.name))
	}
	if scheme, _, is := strings.Cut(up.mirror, "://"); is && scheme != "http" && scheme != "https" {
		return cli.Usage(fmt.Errorf("--mirror %.90q: want http://…, https://… or a directory", up.mirror))
	}
	for _, peer := range up.peers {
		host, port, err := net.SplitHostPort(peer)
		if number, wrong := strconv.ParseUint(port, 10, 16); err != nil || host == "" || wrong != nil || number == 0 {
			return cli.Usage(fmt.Errorf("--peer %.90q: want host:port", peer))
		}
	}
	if len(up.adminSocket) > maxSocketPath {
		return cli.Usage(fmt.Errorf("--admin-socket: a path of %d bytes; at most %d", len(up.adminSocket),
			maxSocketPath))
	}
	if len(up.tlsListen) == 0 {
		return nil
	}
	if up.tlsCert == "" || up.tlsKey == "" {
		return cli.Usage(errors.New("--tls-listen needs --tls-cert and --tls-key"))
	}
	if _, err := tls.LoadX509KeyPair(up.tlsCert, up.tlsKey); err != nil {
		return cli.Usage(fmt.Errorf("--tls-cert: %w", err))
	}
	return nil
}
