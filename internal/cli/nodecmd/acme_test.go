package nodecmd

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// authority is a certificate authority that speaks ACME (RFC 8555) with one account and one order at a time, and has names proved
// by TLS-ALPN-01 (RFC 8737) at an address.
type authority struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	root   *x509.Certificate
	asks   string // where it connects to have a name proved

	mu         sync.Mutex
	thumbprint string // of the account's key
	name       string // of the order
	proved     error  // nil once the name is
	issued     []byte // PEM
	orders     int
}

func newAuthority(t *testing.T, asks string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key, root: root, asks: asks, proved: errors.New("nobody has asked for a proof")}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

const challengeToken = "dG9rZW4"

// ServeHTTP answers one message. Requests' signatures are not checked: what counts is that the name is proved with the account's key.
func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	url := a.server.URL
	w.Header().Set("Replay-Nonce", rand.Text())
	protected, payload := a.message(r)
	answer := func(status int, location string, body any) {
		if location != "" {
			w.Header().Set("Location", url+location)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	switch r.URL.Path {
	case "/directory":
		answer(http.StatusOK, "", map[string]string{"newNonce": url + "/nonce", "newAccount": url + "/account", "newOrder": url + "/order/new"})
	case "/nonce":
	case "/account":
		a.thumbprint = thumbprint(a.t, protected)
		answer(http.StatusCreated, "/account/1", map[string]string{"status": "valid"})
	case "/order/new":
		var order struct{ Identifiers []struct{ Value string } }
		if err := json.Unmarshal(payload, &order); err != nil || len(order.Identifiers) != 1 {
			a.t.Errorf("an order of %s: %v", payload, err)
			return
		}
		a.name, a.orders, a.issued = order.Identifiers[0].Value, a.orders+1, nil
		answer(http.StatusCreated, "/order/1", a.order())
	case "/order/1":
		answer(http.StatusOK, "/order/1", a.order())
	case "/authorisation/1":
		answer(http.StatusOK, "", map[string]any{"status": a.status(), "identifier": map[string]string{"type": "dns", "value": a.name},
			"challenges": []any{a.challenge()}})
	case "/challenge/1":
		a.proved = a.ask()
		answer(http.StatusOK, "", a.challenge())
	case "/order/1/finalise":
		a.finalise(payload)
		answer(http.StatusOK, "/order/1", a.order())
	case "/certificate/1":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(a.issued)
	default:
		http.NotFound(w, r)
	}
}

// message is a signed message's header and payload; nothing for a plain request.
func (a *authority) message(r *http.Request) (protected map[string]json.RawMessage, payload []byte) {
	if r.Method != http.MethodPost {
		return nil, nil
	}
	var jws struct{ Protected, Payload string }
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &jws)
	}
	header, e1 := base64.RawURLEncoding.DecodeString(jws.Protected)
	payload, e2 := base64.RawURLEncoding.DecodeString(jws.Payload)
	if err = errors.Join(err, e1, e2); err == nil {
		err = json.Unmarshal(header, &protected)
	}
	if err != nil {
		a.t.Errorf("%s: %v", r.URL.Path, err)
	}
	return protected, payload
}

// thumbprint is that of the key in a header (RFC 7638).
func thumbprint(t *testing.T, protected map[string]json.RawMessage) string {
	t.Helper()
	var jwk struct{ Crv, X, Y string }
	if err := json.Unmarshal(protected["jwk"], &jwk); err != nil {
		t.Error(err)
	}
	x, e1 := base64.RawURLEncoding.DecodeString(jwk.X)
	y, e2 := base64.RawURLEncoding.DecodeString(jwk.Y)
	key, e3 := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err := errors.Join(e1, e2, e3); err != nil {
		t.Error(err)
		return ""
	}
	text, err := acme.JWKThumbprint(crypto.PublicKey(key))
	if err != nil {
		t.Error(err)
	}
	return text
}

func (a *authority) status() string {
	if a.proved == nil {
		return "valid"
	}
	return "pending"
}

func (a *authority) challenge() map[string]string {
	return map[string]string{"type": "tls-alpn-01", "url": a.server.URL + "/challenge/1", "token": challengeToken, "status": a.status()}
}

func (a *authority) order() map[string]any {
	order := map[string]any{"status": "pending", "identifiers": []map[string]string{{"type": "dns", "value": a.name}},
		"authorizations": []string{a.server.URL + "/authorisation/1"}, "finalize": a.server.URL + "/order/1/finalise"}
	switch {
	case a.issued != nil:
		order["status"], order["certificate"] = "valid", a.server.URL+"/certificate/1"
	case a.proved == nil:
		order["status"] = "ready"
	}
	return order
}

// ask has the name proved: whoever serves it shows a certificate with the digest of token and account's key (RFC 8737, section 3).
func (a *authority) ask() error {
	c, err := tls.Dial("tcp", a.asks, &tls.Config{ServerName: a.name, NextProtos: []string{acme.ALPNProto}, InsecureSkipVerify: true}) // it signs itself
	if err != nil {
		return err
	}
	defer c.Close()
	state := c.ConnectionState()
	if state.NegotiatedProtocol != acme.ALPNProto {
		return fmt.Errorf("it speaks %q", state.NegotiatedProtocol)
	}
	digest := sha256.Sum256([]byte(challengeToken + "." + a.thumbprint))
	want, err := asn1.Marshal(digest[:])
	if err != nil {
		return err
	}
	for _, e := range state.PeerCertificates[0].Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" && e.Critical && string(e.Value) == string(want) {
			return nil
		}
	}
	return errors.New("the certificate proves nothing")
}

// finalise issues a certificate for the key of a request, if the name was proved.
func (a *authority) finalise(payload []byte) {
	var in struct{ CSR string }
	err := json.Unmarshal(payload, &in)
	der, e1 := base64.RawURLEncoding.DecodeString(in.CSR)
	request, e2 := x509.ParseCertificateRequest(der)
	if err = errors.Join(err, e1, e2, a.proved); err != nil {
		a.t.Errorf("a certificate of a name that is not proved, or %v", err)
		return
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: request.DNSNames, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leaf, err := x509.CreateCertificate(rand.Reader, template, a.root, request.PublicKey, a.key)
	if err != nil {
		a.t.Error(err)
		return
	}
	a.issued = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})...)
}

// A node with --tls acme fetches its certificate when it is first dialled by its name, keeps it, and has none for other names.
func TestACertificateFromAnAuthority(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a := newAuthority(t, listener.Addr().String())
	dir := t.TempDir()
	var o api.Options
	config := datadir.Config{TLS: "acme", TLSNames: []string{"tenge.test"}, ACMEDirectory: a.server.URL + "/directory"}
	if err := Secure(t.Context(), config, dir, &o, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = tls.Server(c, o.TLS).HandshakeContext(t.Context())
			}()
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	dial := func(name string) error {
		c, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{ServerName: name, RootCAs: roots})
		if err != nil {
			return err
		}
		return c.Close()
	}
	if err := dial("tenge.test"); err != nil {
		t.Fatal(err)
	}
	if err := dial("other.test"); err == nil {
		t.Error("a certificate for a name that was not given")
	}
	if err := dial("tenge.test"); err != nil || a.orders != 1 {
		t.Errorf("%d orders for one certificate, %v", a.orders, err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, TlsFolder, acmeFolder, "tenge.test"))
	if err != nil || !strings.Contains(string(kept), "PRIVATE KEY") {
		t.Errorf("the certificate is not kept: %v", err)
	}
}
