package nodecmd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/internal/localca"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Files of a directory's TLS. The authority's key is encrypted, and may be carried away: only a new certificate needs
// it.
const (
	TlsFolder   = "tls"
	CaFile      = "ca.pem"
	caKeyFile   = "ca.key"
	serverFile  = "server.pem"
	serverKey   = "server.key"
	acmeFolder  = "acme"
	tlsMostFile = 64 << 10
)

// tlsModes are what --tls and the key tls of config.toml take.
const tlsModes = "self (aqsha tls init), files (tls_cert, tls_key), acme (tls_names), proxy=ADDRESS or none"

func AddTLSFlags(command *cobra.Command) {
	command.Flags().String("tls", "", "how TLS is spoken: "+tlsModes+" (default: tls in config.toml, none)")
	command.Flags().String("tls-cert", "", "for --tls files: PEM certificate chain; read again when it is renewed, "+
		"without a connection dropped")
	command.Flags().String("tls-key", "", "for --tls files: PEM key")
	command.Flags().String("acme-directory", "",
		"for --tls acme: directory URL of an authority other than Let's Encrypt")
	command.Flags().StringArray("tls-name", nil, "for --tls acme: name of this host, several times for several")
}

// TakeTLS puts the flags over the configuration.
func TakeTLS(c *datadir.Config, command *cobra.Command) {
	for name, into := range map[string]*string{"tls": &c.TLS, "tls-cert": &c.TLSCert, "tls-key": &c.TLSKey,
		"acme-directory": &c.ACMEDirectory} {
		if given := cli.Flag(command, name); given != "" {
			*into = given
		}
	}
	if names, _ := command.Flags().GetStringArray("tls-name"); len(names) > 0 {
		c.TLSNames = names
	}
}

// Secure sets in o how a node's directory has TLS spoken. What it starts ends with ctx.
func Secure(ctx context.Context, c datadir.Config, dir string, o *api.Options, logger *slog.Logger) error {
	mode, proxy, _ := strings.Cut(c.TLS, "=")
	switch mode {
	case "", "none":
		return nil
	case "proxy":
		ip := net.ParseIP(proxy)
		if ip == nil {
			return cli.Usage(fmt.Errorf("tls: %q: name the proxy's address, such as proxy=192.0.2.7", c.TLS))
		}
		o.Proxy = httplimit.AddressOf(ip.String())
		return nil
	case "self":
		folder := filepath.Join(dir, TlsFolder)
		content, err := durable.Read(vfs.OS, filepath.Join(folder, CaFile), tlsMostFile)
		if errors.Is(err, os.ErrNotExist) {
			return cli.Usage(fmt.Errorf("tls: %s has no certificate yet: aqsha tls init NAME --data %s", dir, dir))
		}
		if err != nil {
			return err
		}
		authority, err := localca.ParseCertificate(content)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(folder, CaFile), err)
		}
		o.Names = localca.Names(authority)
		return serveFiles(ctx, filepath.Join(folder, serverFile), filepath.Join(folder, serverKey), o, logger)
	case "files":
		if c.TLSCert == "" || c.TLSKey == "" {
			return cli.Usage(errors.New("tls: files wants tls_cert and tls_key (--tls-cert, --tls-key)"))
		}
		return serveFiles(ctx, c.TLSCert, c.TLSKey, o, logger)
	case "acme":
		if len(c.TLSNames) == 0 {
			return cli.Usage(errors.New("tls: acme wants the host's names (tls_names, --tls-name)"))
		}
		// The authority asks on port 443 (RFC 8737): listen there, or have it sent here.
		manager := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(c.TLSNames...),
			Cache: autocert.DirCache(filepath.Join(dir, TlsFolder, acmeFolder))}
		if c.ACMEDirectory != "" {
			manager.Client = &acme.Client{DirectoryURL: c.ACMEDirectory}
		}
		o.TLS, o.Names = manager.TLSConfig(), c.TLSNames
		o.TLS.MinVersion = tls.VersionTLS12
		return nil
	}
	return cli.Usage(fmt.Errorf("tls: %q: want %s", c.TLS, tlsModes))
}

// CheckServing refuses a configuration with which a node would not begin to serve: its TLS, and where it listens.
// Nothing listens, and nothing is left running.
func CheckServing(ctx context.Context, c datadir.Config, dir string) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	options := api.Options{Open: c.Development}
	if err := Secure(ctx, c, dir, &options, c.LoggerOrDefault()); err != nil {
		return err
	}
	if err := options.CheckListen(c.Listen); err != nil {
		return cli.Usage(token.Errorf(datadir.BadConfig, "listen", "%q: %v", c.Listen, err))
	}
	return nil
}

// expiresSoon is from when on a certificate's end is warned of.
const expiresSoon = 30 * 24 * time.Hour

// serveFiles speaks TLS with a certificate in files, read again when they change or on SIGHUP.
func serveFiles(ctx context.Context, certFile, keyFile string, o *api.Options, logger *slog.Logger) error {
	certificate, err := cli.LoadCertificate(certFile, keyFile, logger)
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	leaf := certificate.Current.Load().Leaf
	if left := time.Until(leaf.NotAfter); left < expiresSoon {
		logger.Warn("the TLS certificate ends soon", "file", certFile, "ends",
			leaf.NotAfter.UTC().Format(time.DateOnly), "days", int(left.Hours()/24))
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { signal.Stop(hangup) })
	go certificate.Watch(ctx, hangup)
	o.TLS = certificate.Config()
	if len(o.Names) == 0 {
		o.Names = leaf.DNSNames
		for _, ip := range leaf.IPAddresses {
			o.Names = append(o.Names, ip.String())
		}
	}
	return nil
}

// TrustCAs has this program's clients believe the authority of --ca or AQSHA_CA, and those of aqsha tls trust.
func TrustCAs(command *cobra.Command) error {
	files, _ := filepath.Glob(filepath.Join(trustedFolder(), "*.pem"))
	if ca := cli.Flag(command, "ca"); ca != "" {
		files = append(files, ca)
	} else if ca := os.Getenv("AQSHA_CA"); ca != "" {
		files = append(files, ca)
	}
	for _, file := range files {
		content, err := durable.Read(vfs.OS, file, tlsMostFile)
		if err == nil {
			err = api.Trust(content)
		}
		if err != nil {
			return cli.Usage(fmt.Errorf("--ca: %s: %w", file, err))
		}
	}
	return nil
}

// trustedFolder is where aqsha tls trust keeps authorities, for every data directory of this user.
func trustedFolder() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "aqsha", "trusted")
}
