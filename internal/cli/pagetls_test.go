package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/internal/localca"
)

func pages(t *testing.T, args ...string) (*PageTLS, error) {
	t.Helper()
	var p PageTLS
	flags := pflag.NewFlagSet("pages", pflag.ContinueOnError)
	p.AddFlag(flags, "http")
	p.AddCertificate(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return &p, p.Read(t.Context(), nil, slog.New(slog.DiscardHandler))
}

// Pages go beyond this machine by TLS, or to a proxy that ends it, and in no other way.
func TestPagesGoBeyondLoopbackByTLS(t *testing.T) {
	plain, err := pages(t)
	if err != nil {
		t.Fatal(err)
	}
	for address, allowed := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "localhost:80": true, "pool.example:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "192.0.2.7:80": false, "127.0.0.1": false} {
		if err := plain.Check(address); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Secure(listener); !errors.As(err, new(UsageError)) {
		t.Errorf("pages in clear for everybody: %v", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("what was refused goes on listening: %v", err)
	}
	for _, wrong := range [][]string{{"--http-tls", "proxy"}, {"--http-tls", "proxy="}, {"--http-tls", "proxy=proxy.example"}, {"--http-tls", "self"},
		{"--http-tls", "files"}, {"--http-tls", "files", "--tls-cert", "x"}, {"--http-tls", "files", "--tls-cert", "/nope", "--tls-key", "/nope"}} {
		if _, err := pages(t, wrong...); !errors.As(err, new(UsageError)) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// dialFrom asks a listener for a byte from an address of this machine.
func dialFrom(t *testing.T, from string, listener net.Listener) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

func TestOnlyTheProxyReadsPages(t *testing.T) {
	p, err := pages(t, "--http-tls", "proxy=127.0.0.5")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check("0.0.0.0:80"); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	secured, err := p.Secure(listener)
	if err != nil {
		t.Fatal(err)
	}
	defer secured.Close()
	go func() {
		for {
			conn, err := secured.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("x"))
			_ = conn.Close()
		}
	}()
	if err := dialFrom(t, "127.0.0.6", listener); err == nil {
		t.Error("another than the proxy was let in")
	}
	if err := dialFrom(t, "127.0.0.5", listener); err != nil {
		t.Errorf("the proxy was not: %v", err)
	}
}

func TestPagesWithACertificate(t *testing.T) {
	authority, err := localca.New([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, err := authority.Issue(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, secret := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(cert, certificate, 0o600), os.WriteFile(secret, key, 0o600)); err != nil {
		t.Fatal(err)
	}
	p, err := pages(t, "--http-tls", "files", "--tls-cert", cert, "--tls-key", secret)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secured, err := p.Secure(listener)
	if err != nil {
		t.Fatal(err)
	}
	defer secured.Close()
	go func() {
		conn, err := secured.Accept()
		if err == nil {
			_, _ = conn.Write([]byte("x"))
			_ = conn.Close()
		}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // our own, of this minute
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
