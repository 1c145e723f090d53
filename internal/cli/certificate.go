package cli

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// RenewedCertificate is a TLS certificate that is read again when its files change, or on SIGHUP, so that a
// renewal drops nobody: connections keep the one they began with.
type RenewedCertificate struct {
	certFile, keyFile string
	log               *slog.Logger
	Current           atomic.Pointer[tls.Certificate]
}

// certificateLook is how often the files' times are looked at.
const certificateLook = 30 * time.Second

// LoadCertificate reads a certificate that is looked at again as it is used.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*RenewedCertificate, error) {
	c := &RenewedCertificate{certFile: certFile, keyFile: keyFile, log: log}
	return c, c.load()
}

// load reads the pair and has new connections shown it. One that cannot be read, as between the writing of its two
// files, leaves the one that is shown.
func (c *RenewedCertificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.Current.Store(&pair)
	return nil
}

// Config serves whatever certificate is current when a client connects.
func (c *RenewedCertificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.Current.Load(), nil },
	}
}

// changed is when the newer of the two files was written; the zero time when neither can be looked at.
func (c *RenewedCertificate) changed() time.Time {
	newest := time.Time{}
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// Watch reads the files again when they change or hangup says so. A pair that does not fit together,
// as in the midst of a renewal, is left for the next look; the old one stays in use.
func (c *RenewedCertificate) Watch(ctx context.Context, hangup <-chan os.Signal) {
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
