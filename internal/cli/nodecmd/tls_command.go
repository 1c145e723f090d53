package nodecmd

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/localca"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/signer"
)

// tlsView is what is known of a directory's certificates.
type tlsView struct {
	Names            []string  `json:"names"`
	Fingerprint      string    `json:"fingerprint"` // SHA-256 of the authority's certificate
	Authority        string    `json:"authority"`   // its file
	AuthorityExpires time.Time `json:"authority_expires"`
	ServerExpires    time.Time `json:"server_expires"`
	Key              string    `json:"authority_key,omitempty"` // its file, when it is here
	Code             string    `json:"code"`                    // what the picture to scan says
}

// NewTLSCommand makes the command "tls".
func NewTLSCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "tls", Short: "Certificates of a node: a small authority of its own, and whom this user trusts",
		Long: `A node that listens beyond loopback speaks TLS. Without a certificate of a public authority, "aqsha tls
init" makes a small authority that can vouch for the names given and for nothing else; its key is encrypted under a
passphrase and needed only for new certificates: keep it apart from the node. Who dials the node trusts it by its file
(--ca), or by its fingerprint.`,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newTLSInitCommand(), newTLSRenewCommand(), newTLSShowCommand(), newTLSTrustCommand())
	return command
}

// newTLSInitCommand makes "tls init": the authority's key, encrypted, then its certificate, then the server's. A crash
// between them leaves a key that init names as in the way; no certificate is believed by then.
func newTLSInitCommand() *cobra.Command {
	var keyPath string
	command := &cobra.Command{
		Use: "init NAME…", Short: "Make an authority for a host's names and addresses, and the node's certificate",
		Example: "  aqsha tls init tenge.example.kz 192.0.2.7 --data pilot --authority-key /media/safe/ca.key\n  " +
			"aqsha up --tls self --listen 0.0.0.0:8420 --data pilot",
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, names []string) error {
			folder := filepath.Join(cli.Flag(command, "data"), TlsFolder)
			if _, err := os.Stat(filepath.Join(folder, CaFile)); err == nil {
				return cli.Usage(fmt.Errorf("%s has an authority: aqsha tls renew makes a new certificate of it; "+
					"remove the folder for another authority", folder))
			}
			names = append(names, slices.DeleteFunc([]string{"localhost", "127.0.0.1"}, func(n string) bool {
				return slices.Contains(names, n)
			})...)
			authority, err := localca.New(names, time.Now())
			if err != nil {
				return cli.Usage(err)
			}
			secret, err := datadir.Passphrase(command)
			if err == nil && secret == "" {
				if secret, err = datadir.PromptPassphrase("passphrase for the authority's key"); err == nil &&
					secret == "" {
					err = cli.Usage(errors.New("the authority's key wants a passphrase"))
				}
			}
			if err != nil {
				return err
			}
			key, err := authority.Key()
			if err != nil {
				return err
			}
			if err := durable.Folder(vfs.OS, folder); err != nil {
				return err
			}
			if keyPath == "" {
				keyPath = filepath.Join(folder, caKeyFile)
			}
			// The key before the certificate: an authority that clients trust and whose key is lost can renew
			// nothing.
			if err := signer.SaveSecret(vfs.OS, keyPath, key, secret); errors.Is(err, os.ErrExist) {
				// Another authority's, perhaps, which goes on with it: only a person can say that it is of no use.
				return cli.Usage(fmt.Errorf("%s is there already: name another file with --authority-key, or remove "+
					"it if it is the key of no authority, as after an interrupted init", keyPath))
			} else if err != nil {
				return err
			}
			if err := durable.Create(vfs.OS, filepath.Join(folder, CaFile), authority.PEM()); err != nil {
				return err
			}
			if err := issue(authority, folder); err != nil {
				return err
			}
			return showTLS(command)
		},
	}
	command.Flags().StringVar(&keyPath, "authority-key", "",
		"where the authority's encrypted key is put (default: beside the certificates)")
	return command
}

// issue puts a new certificate of the node where a running node finds it: the key first, so that it takes both or
// neither.
func issue(authority *localca.Authority, folder string) error {
	chain, key, err := authority.Issue(time.Now())
	if err != nil {
		return err
	}
	if err := durable.Replace(vfs.OS, filepath.Join(folder, serverKey), key); err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(folder, serverFile), chain)
}

func newTLSRenewCommand() *cobra.Command {
	var keyPath string
	command := &cobra.Command{
		Use: "renew", Short: "Make a new certificate of the node's own authority; a running node takes it up by itself",
		Example: "  aqsha tls renew --data pilot --authority-key /media/safe/ca.key", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			folder := filepath.Join(cli.Flag(command, "data"), TlsFolder)
			certificate, err := readAuthority(folder)
			if err != nil {
				return err
			}
			// The authority's key is better kept apart from the node: it makes certificates that every client believes,
			// while the node needs the certificate alone.
			if keyPath == "" {
				keyPath = filepath.Join(folder, caKeyFile)
			}
			key, err := signer.LoadSecret(vfs.OS, keyPath, func(path string) (string, error) {
				if known, err := datadir.Passphrase(command); err != nil || known != "" {
					return known, err
				}
				return datadir.PromptPassphrase("passphrase of " + filepath.Base(path))
			})
			if err != nil {
				return err
			}
			authority, err := localca.Open(certificate, key)
			if err != nil {
				return fmt.Errorf("%s and %s: %w", filepath.Join(folder, CaFile), keyPath, err)
			}
			if err := issue(authority, folder); err != nil {
				return err
			}
			return showTLS(command)
		},
	}
	command.Flags().StringVar(&keyPath, "authority-key", "",
		"where the authority's encrypted key is (default: beside the certificates)")
	return command
}

func newTLSShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "The node's authority: its names, its fingerprint, a picture to scan, and when " +
			"certificates end",
		Example: "  aqsha tls show --data pilot\n  aqsha tls show --data pilot --json", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return showTLS(command) },
	}
}

// readAuthority reads the certificate of a directory's own authority.
func readAuthority(folder string) ([]byte, error) {
	content, err := durable.Read(vfs.OS, filepath.Join(folder, CaFile), tlsMostFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, cli.Usage(fmt.Errorf("%s has no authority: aqsha tls init NAME", folder))
	}
	return content, err
}

func showTLS(command *cobra.Command) error {
	folder := filepath.Join(cli.Flag(command, "data"), TlsFolder)
	content, err := readAuthority(folder)
	if err != nil {
		return err
	}
	authority, err := localca.ParseAuthority(content)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(folder, CaFile), err)
	}
	chain, err := durable.Read(vfs.OS, filepath.Join(folder, serverFile), tlsMostFile)
	if err != nil {
		return err
	}
	server, err := localca.ParseCertificate(chain)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(folder, serverFile), err)
	}
	view := tlsView{Names: localca.Names(authority), Fingerprint: localca.Fingerprint(authority),
		Authority:        filepath.Join(folder, CaFile),
		AuthorityExpires: authority.NotAfter.UTC(), ServerExpires: server.NotAfter.UTC()}
	// Only when it is here: that it was carried away is as it should be.
	if _, err := os.Stat(filepath.Join(folder, caKeyFile)); err == nil {
		view.Key = filepath.Join(folder, caKeyFile)
	}
	view.Code = "aqsha-ca:" + view.Names[0] + "?sha256=" + view.Fingerprint
	return cli.Show(command, view, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("tls.names", "names", strings.Join(view.Names, ", ")))
		fmt.Fprintln(w, l.Text("tls.authority", "file", view.Authority, "at",
			view.AuthorityExpires.Format(time.DateOnly)))
		fmt.Fprintln(w, l.Text("tls.certificate", "at", view.ServerExpires.Format(time.DateOnly)))
		fmt.Fprintln(w, l.Text("tls.fingerprint", "fingerprint", view.Fingerprint))
		if view.Key != "" {
			fmt.Fprintln(w, l.Text("tls.key", "file", view.Key))
		}
		if code, err := qr.Encode(view.Code, qr.M); err == nil {
			drawCode(w, code)
		}
		fmt.Fprintln(w, l.Text("tls.clients", "file", view.Authority, "fingerprint", view.Fingerprint))
	})
}

// drawCode draws a code to scan, two rows in a line of text, with the margin that readers want.
func drawCode(w io.Writer, code *qr.Code) {
	const margin = 2
	for y := -margin; y < code.Size+margin; y += 2 {
		for x := -margin; x < code.Size+margin; x++ {
			switch top, bottom := code.Black(x, y), code.Black(x, y+1); {
			case top && bottom:
				fmt.Fprint(w, " ")
			case top:
				fmt.Fprint(w, "▄")
			case bottom:
				fmt.Fprint(w, "▀")
			default:
				fmt.Fprint(w, "█")
			}
		}
		fmt.Fprintln(w)
	}
}

// newTLSTrustCommand makes "tls trust". The connection that fetches the certificate is verified by nobody; the
// fingerprint, which came by another way, is what decides.
func newTLSTrustCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trust URL FINGERPRINT",
		Short: "Trust a node's own authority, whose fingerprint you have from its operator",
		Long: `Ask a node for its authority, and keep that when its fingerprint is the one given: from then on this
user's commands speak to the node. The authority vouches for the node's names only. Nothing is kept when the
fingerprint differs.`,
		Example: "  aqsha tls trust https://tenge.example.kz:8420 5f0c…", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			u, err := url.Parse(args[0])
			if err != nil || u.Scheme != "https" || u.Hostname() == "" {
				return cli.Usage(fmt.Errorf("%q is not a URL such as https://tenge.example.kz:8420", args[0]))
			}
			// Fetched over an unverified connection: what makes it trusted is the fingerprint alone, which came by
			// another way.
			authority, err := fetchAuthority(u, strings.ToLower(strings.ReplaceAll(args[1], ":", "")))
			if err != nil {
				return err
			}
			folder := trustedFolder()
			if err := durable.Folder(vfs.OS, folder); err != nil {
				return err
			}
			path := filepath.Join(folder, localca.Fingerprint(authority)+".pem")
			if err := durable.Replace(vfs.OS, path,
				pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})); err != nil {
				return err
			}
			view := map[string]any{"names": localca.Names(authority), "fingerprint": localca.Fingerprint(authority),
				"kept": path}
			return cli.Show(command, view, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("tls.trusted", "names",
					strings.Join(localca.Names(authority), ", "), "file", path))
			})
		},
	}
}

// fetchAuthority finds in what a node shows the authority of a fingerprint, and checks that the node's certificate is
// of it.
func fetchAuthority(u *url.URL, fingerprint string) (*x509.Certificate, error) {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second},
		Config: &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	c, err := dialer.Dial("tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	shown := c.(*tls.Conn).ConnectionState().PeerCertificates
	for _, authority := range shown {
		if localca.Fingerprint(authority) != fingerprint {
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(authority)
		name := u.Hostname()
		if ip := net.ParseIP(name); ip != nil && ip.To4() == nil {
			name = "[" + name + "]"
		}
		_, err := shown[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		return authority, err
	}
	return nil, cli.Usage(fmt.Errorf("the node shows no authority of fingerprint %s: it is another node, or somebody "+
		"stands between", fingerprint))
}
