package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// PageTLS says how a pool's or a farm's pages travel beyond this machine: by TLS with a certificate, or in clear from a
// proxy that ends TLS, which alone is let in. Nothing listens beyond loopback without either, as of a node: pages name
// people, machines and what they earn, and whoever is on the way would read them or write others.
type PageTLS struct {
	page, mode, cert, key string
	config                *tls.Config
	proxy                 string
}

// AddFlag adds --PAGE-tls of the pages that --PAGE names.
func (p *PageTLS) AddFlag(flags *pflag.FlagSet, page string) {
	p.page = page
	flags.StringVar(&p.mode, page+"-tls", "",
		"how --"+page+
			" speaks beyond loopback: files (--tls-cert, --tls-key), or proxy=ADDRESS, which ends TLS and alone is let in")
}

// AddCertificate adds --tls-cert and --tls-key, where a command has none of its own.
func (p *PageTLS) AddCertificate(flags *pflag.FlagSet) {
	flags.StringVar(&p.cert, "tls-cert", "", "PEM certificate chain; read again when it changes or on SIGHUP")
	flags.StringVar(&p.key, "tls-key", "", "PEM key")
}

// UseCertificate names a certificate that the command's own flags have.
func (p *PageTLS) UseCertificate(cert, key string) { p.cert, p.key = cert, key }

// Read reads what --PAGE-tls says; a certificate is read again when it is renewed, until ctx ends. It is called before
// the page listens, so that a mistake ends the command before anything is served.
func (p *PageTLS) Read(ctx context.Context, hangup <-chan os.Signal, log *slog.Logger) error {
	switch address, ofProxy := strings.CutPrefix(p.mode, "proxy="); {
	case p.mode == "":
		return nil
	case ofProxy:
		ip, err := netip.ParseAddr(address)
		if err != nil {
			return Usage(fmt.Errorf("--%s-tls: %q: name the proxy's address, such as proxy=192.0.2.7", p.page, p.mode))
		}
		p.proxy = httplimit.AddressOf(ip.Unmap().String())
		return nil
	case p.mode != "files":
		return Usage(fmt.Errorf("--%s-tls: want files or proxy=ADDRESS, got %q", p.page, p.mode))
	case p.cert == "" || p.key == "":
		return Usage(fmt.Errorf("--%s-tls files needs --tls-cert and --tls-key", p.page))
	}
	renewing, err := LoadCertificate(p.cert, p.key, log)
	if err != nil {
		return Usage(fmt.Errorf("--tls-cert: %w", err))
	}
	p.config = renewing.Config()
	go renewing.Watch(ctx, hangup)
	return nil
}

// Scheme is what the pages speak themselves, once they are secured; a proxy before them may speak another.
func (p *PageTLS) Scheme() string {
	if p.config != nil {
		return "https"
	}
	return "http"
}

// Check refuses an address that is seen to be beyond loopback without being secured, before anything is begun.
func (p *PageTLS) Check(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return Usage(fmt.Errorf("--%s %s: %w", p.page, address, err))
	}
	ip, err := netip.ParseAddr(host)
	if p.mode != "" || host == "localhost" || err == nil && ip.IsLoopback() || err != nil && host != "" {
		return nil // of a name the listener says where it is
	}
	return p.plain(address)
}

// plain is the refusal of what would be served in clear.
func (p *PageTLS) plain(address string) error {
	return Usage(
		fmt.Errorf("--%s %s: nothing listens beyond loopback without TLS: give --%s-tls files with a certificate, or "+
			"--%s-tls proxy=ADDRESS behind a proxy that ends TLS", p.page, address, p.page, p.page))
}

// Secure is a listener as it may be served on. One that others reach in clear is closed and refused.
func (p *PageTLS) Secure(listener net.Listener) (net.Listener, error) {
	switch {
	case p.config != nil:
		return tls.NewListener(listener, p.config), nil
	case p.proxy != "":
		return httplimit.Only(listener, p.proxy), nil
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return nil, errors.Join(p.plain(listener.Addr().String()), listener.Close())
	}
	return listener, nil
}
