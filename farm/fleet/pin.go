package fleet

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/httplimit"
)

// Pin is the certificate of a machine that is asked over TLS: its own, which no authority has signed, so that the one
// seen first is believed and every other refused. One goroutine uses it at a time.
type Pin struct {
	SHA256 string // of the certificate (DER) in hexadecimal; "": the next one is taken
}

// client asks over TLS with the pin, and in clear without one.
func (p *Pin) client(timeout time.Duration) *http.Client {
	if p == nil && timeout == antminerClient.Timeout {
		return antminerClient
	}
	transport := antminerClient.Transport
	if p != nil {
		transport = &http.Transport{DisableKeepAlives: true, TLSHandshakeTimeout: DefaultTimeout,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true,
				VerifyConnection: p.verify}} // verify takes its place
	}
	return &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: httplimit.NoRedirect}
}

// verify takes the first certificate that a machine shows for its own, and refuses another later.
func (p *Pin) verify(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return farm.Refuse("farm-certificate", "certificate", "the machine shows none")
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	shown := hex.EncodeToString(sum[:])
	if p.SHA256 == "" {
		p.SHA256 = shown
	}
	if p.SHA256 != shown {
		return farm.Refuse("farm-certificate", "certificate", "the machine shows %s…, not %.16s… as before", shown[:16],
			p.SHA256)
	}
	return nil
}

// pin is the certificate that a machine of the fleet is known by; nil when it is asked in clear.
func (m *Machine) pin() *Pin {
	if !m.TLS {
		return nil
	}
	return &Pin{SHA256: m.Certificate}
}

// Scheme is how a machine's web server is spoken to.
func (m *Machine) Scheme() string {
	if m.TLS {
		return "https://"
	}
	return "http://"
}
