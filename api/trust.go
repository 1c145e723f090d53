package api

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"sync/atomic"
)

// trusted are the system's authorities and those of Trust; nil for the system's alone.
var trusted atomic.Pointer[x509.CertPool]

// Trust has clients that are made from now on believe an authority's certificate too, in PEM, beside the system's. It
// is for the start of a program: of two calls at once one may be lost.
func Trust(certificates []byte) error {
	pool, err := x509.SystemCertPool()
	if known := trusted.Load(); known != nil {
		pool, err = known.Clone(), nil
	}
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(certificates) {
		return errors.New("no certificate in PEM")
	}
	trusted.Store(pool)
	return nil
}

// newTransport is a client's. An access token and a signed payment go to the node that was named, and to none that an
// answer names.
func newTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	if pool := trusted.Load(); pool != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return transport
}
