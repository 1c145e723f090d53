package nodecmd

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/localca"
)

// pair writes a certificate of an authority of its own, as it was issued at a moment, and its key.
func pair(t *testing.T, dir string, at time.Time, names ...string) (chain, key string) {
	t.Helper()
	authority, err := localca.New(names, at)
	if err != nil {
		t.Fatal(err)
	}
	c, k, err := authority.Issue(at)
	if err != nil {
		t.Fatal(err)
	}
	clitest.Put(t, string(authority.PEM()), dir, CaFile)
	return clitest.Put(t, string(c), dir, serverFile), clitest.Put(t, string(k), dir, serverKey)
}

// How TLS is spoken is judged before anything listens: each mode wants what it needs, and no other is taken for one.
func TestHowTLSIsSpoken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	chain, key := pair(t, filepath.Join(dir, TlsFolder), time.Now(), "tenge.example", "192.0.2.7")
	_, otherKey := pair(t, t.TempDir(), time.Now(), "other.example")
	torn, empty := clitest.Put(t, "-----BEGIN CERT", dir, "torn.pem"), t.TempDir()
	ended, endedKey := pair(t, t.TempDir(), time.Now().Add(-390*24*time.Hour), "old.example")
	for _, c := range []struct {
		name, dir string
		c         datadir.Config
		want      string   // a word of the error
		names     []string // that the node answers to
		proxy     bool
		warns     bool
	}{
		{name: "nothing"},
		{name: "none", c: datadir.Config{TLS: "none"}},
		{name: "a proxy", c: datadir.Config{TLS: "proxy=192.0.2.9"}, proxy: true},
		{name: "a proxy of IPv6", c: datadir.Config{TLS: "proxy=2001:db8::9"}, proxy: true},
		{name: "no proxy", c: datadir.Config{TLS: "proxy="}, want: "proxy=192.0.2.7"},
		{name: "a proxy by name", c: datadir.Config{TLS: "proxy=localhost"}, want: "proxy=192.0.2.7"},
		{name: "own", dir: dir, c: datadir.Config{TLS: "self"}, names: []string{"tenge.example", "192.0.2.7"}},
		{name: "own without one", dir: empty, c: datadir.Config{TLS: "self"}, want: "aqsha tls init"},
		{name: "files", c: datadir.Config{TLS: "files", TLSCert: chain, TLSKey: key},
			names: []string{"tenge.example", "192.0.2.7"}},
		{name: "no key", c: datadir.Config{TLS: "files", TLSCert: chain}, want: "tls_key"},
		{name: "no certificate", c: datadir.Config{TLS: "files", TLSKey: key}, want: "tls_cert"},
		{name: "a file that is not there", c: datadir.Config{TLS: "files", TLSCert: chain + "x", TLSKey: key},
			want: "no such file"},
		{name: "another's key", c: datadir.Config{TLS: "files", TLSCert: chain, TLSKey: otherKey}, want: "tls:"},
		{name: "a torn certificate", c: datadir.Config{TLS: "files", TLSCert: torn, TLSKey: key}, want: "tls:"},
		{name: "one that ends soon", c: datadir.Config{TLS: "files", TLSCert: ended, TLSKey: endedKey},
			names: []string{"old.example"}, warns: true},
		{name: "an authority without names", c: datadir.Config{TLS: "acme"}, want: "tls_names"},
		{name: "another word", c: datadir.Config{TLS: "SELF"}, want: "want self"},
		{name: "a word and more", c: datadir.Config{TLS: "yes"}, want: "want self"},
	} {
		var o api.Options
		var log bytes.Buffer
		err := Secure(t.Context(), c.c, c.dir, &o, slog.New(slog.NewTextHandler(&log, nil)))
		fails(t, c.name, c.want, err)
		if (o.TLS != nil) != (c.names != nil) || c.names != nil && !slices.Equal(o.Names, c.names) ||
			(o.Proxy != "") != c.proxy || strings.Contains(log.String(), "ends soon") != c.warns {
			t.Errorf("%s: names %v, proxy %q, TLS %v, log %s", c.name, o.Names, o.Proxy, o.TLS != nil, &log)
		}
	}
	clitest.Put(t, "not PEM", dir, TlsFolder, CaFile)
	var o api.Options
	fails(t, "a torn authority", CaFile, Secure(t.Context(), datadir.Config{TLS: "self"}, dir, &o, slog.Default()))
}

// A configuration with which nothing would be served is refused, and nothing listens for its check.
func TestServingIsTriedWithoutListening(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for listen, want := range map[string]string{taken.Addr().String(): "", "127.0.0.1:0": "", "0.0.0.0:8420": "listen",
		"8420": "listen", "127.0.0.1:99999": "listen", "": "listen", "127.0.0.1:port name": "listen"} {
		fails(t, listen, want, CheckServing(t.Context(), datadir.Config{Listen: listen}, t.TempDir()))
	}
	fails(t, "TLS first", "aqsha tls init", CheckServing(t.Context(), datadir.Config{Listen: "0.0.0.0:1", TLS: "self"},
		t.TempDir()))
	fails(t, "beyond loopback behind a proxy", "", CheckServing(t.Context(),
		datadir.Config{Listen: "0.0.0.0:8420", TLS: "proxy=192.0.2.9"}, t.TempDir()))
}

// Flags are put over the configuration; what they do not name stays.
func TestFlagsOfTLSAreOverTheConfiguration(t *testing.T) {
	t.Parallel()
	config := datadir.Config{TLS: "files", TLSCert: "c", TLSKey: "k", TLSNames: []string{"a"}, ACMEDirectory: "d"}
	for line, want := range map[string]func(c *datadir.Config){
		"":                              func(*datadir.Config) {},
		"--tls none":                    func(c *datadir.Config) { c.TLS = "none" },
		"--tls-cert x --tls-key y":      func(c *datadir.Config) { c.TLSCert, c.TLSKey = "x", "y" },
		"--tls-name x --tls-name y":     func(c *datadir.Config) { c.TLSNames = []string{"x", "y"} },
		"--acme-directory x --tls acme": func(c *datadir.Config) { c.TLS, c.ACMEDirectory = "acme", "x" },
	} {
		c, command := config, &cobra.Command{}
		AddTLSFlags(command)
		if err := command.ParseFlags(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		TakeTLS(&c, command)
		wanted := config
		if want(&wanted); len(differing(c, wanted)) > 0 {
			t.Errorf("%s: %v differ", line, differing(c, wanted))
		}
	}
}

// Whom a user trusts is every authority that was kept, and that of --ca, else of AQSHA_CA; a file that is none stops
// the command, for it would end at strangers' certificates otherwise.
func TestWhomAUserTrusts(t *testing.T) {
	home, other := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	pair(t, other, time.Now(), "tenge.example")
	good, bad := filepath.Join(other, CaFile), clitest.Put(t, "none", other, "bad.pem")
	large := clitest.Put(t, strings.Repeat("x", tlsMostFile+1), other, "large.pem")
	try := func(flag, environment string) error {
		t.Setenv("AQSHA_CA", environment)
		command := &cobra.Command{}
		command.Flags().String("ca", flag, "")
		return TrustCAs(command)
	}
	for _, c := range []struct{ flag, environment, want string }{
		{"", "", ""}, {good, "", ""}, {"", good, ""}, {good, bad, ""}, {bad, good, bad}, {"", bad, bad},
		{large, "", "too large"}, {filepath.Join(other, "none.pem"), "", "no such file"},
	} {
		fails(t, c.flag+" "+c.environment, c.want, try(c.flag, c.environment))
	}
	clitest.Put(t, "none", home, "aqsha", "trusted", "x.pem")
	fails(t, "a file among those that were kept", "x.pem", try(good, ""))
}

// A code is drawn two rows in a line, with its margin: from what is drawn comes the code again.
func TestACodeIsDrawnAsItIs(t *testing.T) {
	t.Parallel()
	code, err := qr.Encode("aqsha-ca:tenge.example.kz?sha256="+strings.Repeat("0f", 32), qr.M)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	drawCode(&out, code)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if want := (code.Size + 5) / 2; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for n, line := range lines {
		drawn := []rune(line)
		if len(drawn) != code.Size+4 {
			t.Fatalf("line %d has %d columns, want %d", n, len(drawn), code.Size+4)
		}
		for x, r := range drawn {
			top, bottom := r == ' ' || r == '▄', r == ' ' || r == '▀' // light stands on a dark terminal
			if top != code.Black(x-2, 2*n-2) || bottom != code.Black(x-2, 2*n-1) {
				t.Fatalf("line %d, column %d: %q", n, x, r)
			}
		}
	}
}

// An administrator's link leads where people dial the node by a name, since a passkey belongs to one.
func TestWherePagesAreDialled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	named := []string{"https://192.0.2.7", "https://tenge.example.kz"}
	for _, c := range []struct {
		name, given string
		c           datadir.Config
		want, fails string
	}{
		{name: "given", given: "https://a.example", c: datadir.Config{Origins: named}, want: "https://a.example"},
		{name: "given with a path", given: "https://a.example/x", want: "https://a.example"},
		{name: "given without scheme", given: "a.example", fails: "origin"},
		{name: "given by address", given: "https://192.0.2.7", fails: "is an address"},
		{name: "the first that has a name", c: datadir.Config{Origins: named, TLS: "self"}, want: named[1]},
		{name: "TLS, and nobody says", c: datadir.Config{TLS: "self", Listen: "0.0.0.0:8420"}, fails: "--origin"},
		{name: "TLS by addresses alone", c: datadir.Config{TLS: "self", Origins: named[:1]}, fails: "--origin"},
		{name: "on this machine", c: datadir.Config{Listen: "127.0.0.1:8420"}, want: "http://localhost:8420"},
		{name: "TLS switched off", c: datadir.Config{Listen: "127.0.0.1:1", TLS: "none"}, want: "http://localhost:1"},
		{name: "no address", c: datadir.Config{Listen: "8420"}, fails: "listen"},
	} {
		got, err := PageOrigin(c.c, dir, c.given)
		if fails(t, c.name, c.fails, err); got != c.want && err == nil {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	clitest.Put(t, "http://127.0.0.1:9999\nword\n", dir, "node.url")
	got, err := PageOrigin(datadir.Config{Listen: "127.0.0.1:8420"}, dir, "")
	if err != nil || got != "http://localhost:9999" {
		t.Errorf("a node that runs elsewhere than configured: %s, %v", got, err)
	}
}

// A link is made on the node's own machine, in the directory of a network that is there, and stands nowhere else.
func TestALinkForTheFirstAdministrator(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "net")
	run(t, dir, "console", "link").Wants(t, 2, "no network", "--data")
	run(t, dir, "init", "--development").Wants(t, 0)
	run(t, dir, "console", "link", "--node", "http://127.0.0.1:1").Wants(t, 2, "on the node's machine")
	run(t, dir, "console", "link", "--origin", "https://192.0.2.7").Wants(t, 3, "is an address")
	if _, err := os.Stat(filepath.Join(dir, "staff")); err == nil {
		t.Error("what was refused has left a link")
	}
	before := time.Now()
	var made [2]struct {
		Link  string
		Until int64 `json:"until_millis"`
	}
	for i := range made {
		run(t, dir, "console", "link", "--origin", "https://tenge.example", "--json").JSON(t, &made[i])
		address, secret, found := strings.Cut(made[i].Link, "#join?")
		left := time.UnixMilli(made[i].Until).Sub(before)
		if address != "https://tenge.example/sign-in" || !found || len(secret) < 20 || left < 14*time.Minute ||
			left > time.Hour {
			t.Errorf("%+v, lasts %s", made[i], left)
		}
		kept := ""
		_ = filepath.WalkDir(filepath.Join(dir, "staff"), func(path string, _ os.DirEntry, _ error) error {
			content, _ := os.ReadFile(path)
			kept += string(content)
			return nil
		})
		if strings.Contains(kept, secret) || kept == "" {
			t.Error("the link's secret is kept as it is, or nothing is")
		}
	}
	if made[0].Link == made[1].Link {
		t.Error("two links of one secret")
	}
}

// An authority of a node's own, from its making to a stranger who trusts it by its fingerprint alone.
func TestAnAuthorityOfItsOwn(t *testing.T) {
	home, root := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("AQSHA_PASSPHRASE", "of a test")
	dir, key := filepath.Join(root, "net"), filepath.Join(root, "safe", "ca.key")
	folder := filepath.Join(dir, TlsFolder)
	run(t, dir, "tls", "renew").Wants(t, 2, "no authority")
	if err := os.MkdirAll(filepath.Dir(key), 0o700); err != nil {
		t.Fatal(err)
	}
	var view, again tlsView
	run(t, dir, "tls", "init", "Tenge.Example", "127.0.0.1", "tenge.example", "--authority-key", key, "--json").
		JSON(t, &view)
	if !slices.Equal(view.Names, []string{"tenge.example", "localhost", "127.0.0.1"}) || view.Key != "" ||
		view.Code != "aqsha-ca:tenge.example?sha256="+view.Fingerprint || !view.ServerExpires.Before(view.AuthorityExpires) {
		t.Errorf("%+v", view)
	}
	if content, err := os.ReadFile(key); err != nil || strings.Contains(string(content), "PRIVATE KEY") {
		t.Errorf("the authority's key is not encrypted: %v", err)
	}
	run(t, dir, "tls", "init", "other.example").Wants(t, 2, "tls renew")
	run(t, filepath.Join(root, "second"), "tls", "init", "other.example", "--authority-key", key).
		Wants(t, 2, "is there already", "--authority-key")
	run(t, dir, "tls", "renew").Wants(t, 1, "ca.key") // carried away
	first, err := os.ReadFile(filepath.Join(folder, serverFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AQSHA_PASSPHRASE", "another")
	run(t, dir, "tls", "renew", "--authority-key", key).Wants(t, 1)
	if now, err := os.ReadFile(filepath.Join(folder, serverFile)); err != nil || !bytes.Equal(now, first) {
		t.Error("what was refused has changed the certificate")
	}
	t.Setenv("AQSHA_PASSPHRASE", "of a test")
	run(t, dir, "tls", "renew", "--authority-key", key, "--json").JSON(t, &again)
	if now, err := os.ReadFile(filepath.Join(folder, serverFile)); err != nil || bytes.Equal(now, first) ||
		again.Fingerprint != view.Fingerprint {
		t.Error("a renewal made no new certificate of the same authority")
	}
	trusting(t, dir, home, view.Fingerprint)
	for file, said := range map[string]string{serverFile: serverFile, CaFile: CaFile} {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		clitest.Put(t, string(content[:len(content)/3]), folder, file)
		run(t, dir, "tls", "show").Wants(t, 1, said)
		clitest.Put(t, string(content), folder, file)
	}
	otherFolder := t.TempDir()
	pair(t, otherFolder, time.Now(), "other.example")
	content, err := os.ReadFile(filepath.Join(otherFolder, CaFile))
	if err != nil {
		t.Fatal(err)
	}
	clitest.Put(t, string(content), folder, CaFile)
	run(t, dir, "tls", "renew", "--authority-key", key).Wants(t, 1, "not the authority's", key)
}

// trusting has a user trust a node with a directory's certificate.
func trusting(t *testing.T, dir, home, fingerprint string) {
	t.Helper()
	serving, stop := context.WithCancel(t.Context())
	defer stop()
	var o api.Options
	if err := Secure(serving, datadir.Config{TLS: "self"}, dir, &o, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	url := "https://" + tlsServer(t, o.TLS)
	kept := func() []string {
		files, err := filepath.Glob(filepath.Join(home, "aqsha", "trusted", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	for _, c := range []struct {
		url, fingerprint string
		exit             int
		says             string
	}{
		{strings.Replace(url, "https", "http", 1), fingerprint, 2, "not a URL"},
		{"https://", fingerprint, 2, "not a URL"},
		{"::", fingerprint, 2, "not a URL"},
		{url, strings.Repeat("0", 64), 2, "somebody"},
		{url, fingerprint[:62], 2, "somebody"},
		{url, "", 2, "somebody"},
		{"https://127.0.0.1:1", fingerprint, 5, ""},
	} {
		run(t, dir, "tls", "trust", c.url, c.fingerprint).Wants(t, c.exit, c.says)
	}
	if got := kept(); len(got) != 0 {
		t.Errorf("what was refused is kept: %v", got)
	}
	var colons []string
	for i := 0; i < len(fingerprint); i += 2 {
		colons = append(colons, strings.ToUpper(fingerprint[i:i+2]))
	}
	for range 2 {
		var view struct {
			Names []string
			Kept  string
		}
		e := run(t, dir, "tls", "trust", url, strings.Join(colons, ":"), "--json")
		if json.Unmarshal([]byte(e.Out), &view) != nil || !slices.Contains(view.Names, "tenge.example") {
			t.Errorf("%+v", e)
		}
		if got := kept(); len(got) != 1 || got[0] != view.Kept {
			t.Errorf("kept %v, said %q", got, view.Kept)
		}
	}
}

// tlsServer shakes hands at an address of this machine until the test is over.
func tlsServer(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	return clitest.Listen(t, func(c net.Conn) { _ = tls.Server(c, config).Handshake() })
}
