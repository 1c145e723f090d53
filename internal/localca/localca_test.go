package localca_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/localca"
)

func pair(t *testing.T, a *localca.Authority) tls.Certificate {
	t.Helper()
	chain, key, err := a.Issue(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := tls.X509KeyPair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A client that trusts the authority speaks to its server, by name and by address, and one that does not refuses it.
func TestAServersCertificateIsTrusted(t *testing.T) {
	a, err := localca.New([]string{"tenge.example.kz", "127.0.0.1", "localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair(t, a)}}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM())
	for name, trusted := range map[string]bool{"127.0.0.1": true, "tenge.example.kz": true, "other.example.kz": false, "127.0.0.2": false} {
		_, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
		if (err == nil) != trusted {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{ServerName: "127.0.0.1"}); err == nil {
		t.Error("it is trusted without the authority")
	}
}

// The authority vouches for no other name, whoever has its key.
func TestTheAuthorityIsBoundToItsNames(t *testing.T) {
	for _, test := range []struct{ mine, others []string }{
		{[]string{"tenge.example.kz"}, []string{"bank.example.com", "127.0.0.1"}},
		{[]string{"192.0.2.7"}, []string{"tenge.example.kz", "192.0.2.8"}},
		{[]string{"2001:db8::7", "a.kz"}, []string{"2001:db8::8", "b.kz", "192.0.2.7"}},
	} {
		mine, err := localca.New(test.mine, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key, err := mine.Key()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := localca.Open(mine.PEM(), key); err != nil {
			t.Fatal(err)
		}
		for _, other := range test.others {
			theirs, err := localca.New([]string{other}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			// A certificate for another name, signed with this authority's key.
			forged, err := localca.Forge(mine, theirs, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AddCert(mine.Certificate)
			if _, err := forged.Verify(x509.VerifyOptions{Roots: roots, DNSName: hostOf(other)}); err == nil {
				t.Errorf("the authority of %v vouches for %s", test.mine, other)
			}
		}
	}
}

func hostOf(name string) string {
	if ip := net.ParseIP(name); ip != nil && ip.To4() == nil {
		return "[" + name + "]"
	}
	return name
}

func TestNamesThatAreNone(t *testing.T) {
	for _, names := range [][]string{nil, {""}, {"a b"}, {"-a.kz"}, {"a..kz"}, {"https://a.kz"}, {"a.kz:80"}, {strings.Repeat("a", 64) + ".kz"}} {
		if _, err := localca.New(names, time.Now()); err == nil {
			t.Errorf("%q were taken", names)
		}
	}
	a, _ := localca.New([]string{"a.kz"}, time.Now())
	b, _ := localca.New([]string{"a.kz"}, time.Now())
	key, _ := b.Key()
	if _, err := localca.Open(a.PEM(), key); err == nil {
		t.Error("another authority's key was taken")
	}
}

// An authority that is confined to no name, such as a company's own, is refused before anything is issued under it.
func TestAnAuthorityOfNoNamesIsRefused(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	a, err := localca.Open(certificate, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	if err == nil {
		_, _, err = a.Issue(time.Now())
		t.Errorf("it is opened, and issues: %v", err)
	}
	if _, err := localca.ParseAuthority(certificate); err == nil {
		t.Error("it is read as an authority")
	}
	if _, err := localca.ParseCertificate(certificate); err != nil {
		t.Errorf("as a certificate it is whole: %v", err)
	}
}
