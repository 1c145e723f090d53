package fleet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// ownCertificate is one that nobody but its machine has signed.
func ownCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0),
		NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A machine that speaks HTTPS alone is found, known by the certificate that it showed first, and refused with another.
func TestPins(t *testing.T) {
	var asked atomic.Int64
	var shown atomic.Pointer[tls.Certificate]
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/api/system/info" {
			_, _ = w.Write([]byte(`{"hashRate":500,"ASICModel":"BM1366","macAddr":"02:00:00:00:00:07"}`))
			return
		}
		http.NotFound(w, r)
	}))
	first, other := ownCertificate(t), ownCertificate(t)
	shown.Store(&first)
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
	}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	at := netip.MustParseAddrPort(server.Listener.Addr().String())

	found, r := fleet.ReadAt(t.Context(), at.Addr().String(), fleet.ScanOptions{Port: 1, PortV3: 2, HTTPPort: 3,
		TLSPort: int(at.Port())})
	if found == nil || r == nil || found.Machine.Protocol != protocol.AxeOS || !found.Machine.TLS || found.Machine.Address != at.String() ||
		len(found.Machine.Certificate) != 64 {
		t.Fatalf("%+v, %+v", found, r)
	}
	m := found.Machine
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	if r, err := fleet.Poll(t.Context(), &m); err != nil || r.RateMHs != 500_000 {
		t.Errorf("%+v, %v", r, err)
	}
	shown.Store(&other)
	asked.Store(0)
	_, err := fleet.Poll(t.Context(), &m)
	var refused *farm.Error
	if !errors.As(err, &refused) || refused.Code != "farm-certificate" || asked.Load() != 0 {
		t.Errorf("another certificate: %v, %d requests", err, asked.Load())
	}
	if _, err := fleet.Web(&m, fleet.Digest{}).Do(t.Context(), http.MethodGet, m.Scheme()+at.String()+"/",
		""); !errors.As(err, &refused) || asked.Load() != 0 {
		t.Errorf("an order to another certificate: %v, %d requests", err, asked.Load())
	}
	// Found again, it is the machine of the fleet, and still known by the first.
	again, _ := fleet.ReadAt(t.Context(), at.Addr().String(), fleet.ScanOptions{Port: 1, PortV3: 2, HTTPPort: 3,
		TLSPort: int(at.Port())})
	inventory := &fleet.Inventory{Machines: []fleet.Machine{m}}
	if _, _,
		err := inventory.Merge([]fleet.Machine{again.Machine}); err != nil || inventory.Machines[0].Certificate != m.Certificate {
		t.Errorf("%+v, %v", inventory.Machines, err)
	}
	change, err := fleet.ParseGiven([]string{"certificate=-"})
	if err != nil {
		t.Fatal(err)
	}
	if change.Apply(&m); m.Certificate != "" || !m.TLS {
		t.Errorf("taken back: %+v", m)
	}
	if r, err := fleet.Poll(t.Context(), &m); err != nil || r == nil || m.Certificate != again.Machine.Certificate {
		t.Errorf("%v, %s, want %s", err, m.Certificate, again.Machine.Certificate)
	}
}
