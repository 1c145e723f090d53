// Package localca makes a small certificate authority for one server's names. It can vouch for these names and no
// others (RFC 5280, section 4.2.1.10, critical), so that whoever trusts it trusts it for nothing else. Its key is kept
// apart from the server.
package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

// How long certificates last: the authority's for years, a server's as long as browsers take one of a private
// authority.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 397 * 24 * time.Hour
	backdated     = time.Hour // for clocks that are behind
)

// Authority is a certificate and its key.
type Authority struct {
	Certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// split divides names into DNS names and addresses.
func split(names []string) (dns []string, ips []net.IP, err error) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			if !slices.ContainsFunc(ips, ip.Equal) {
				ips = append(ips, ip)
			}
			continue
		}
		if !isHostname(name) {
			return nil, nil, fmt.Errorf("%q is neither a host's name, such as tenge.example.kz, nor an address", name)
		}
		if name = strings.ToLower(name); !slices.Contains(dns, name) {
			dns = append(dns, name)
		}
	}
	if len(dns)+len(ips) == 0 {
		return nil, nil, errors.New("name the host, such as tenge.example.kz, or its address")
	}
	return dns, ips, nil
}

func isHostname(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, c := range label {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// serial is 120 random bits and at least 1: RFC 5280 (4.1.2.2) wants a positive number of at most 20 bytes, and
// browsers' rules for authorities 64 bits of chance.
func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return n.Add(n, big.NewInt(1))
}

// New makes an authority for some names: hosts and addresses, at least one. Whoever issues with it beyond them makes
// certificates that no verifier takes.
func New(names []string, now time.Time) (*Authority, error) {
	dns, ips, err := split(names)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Aqsha authority of " + names[0]},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, PermittedDNSDomainsCritical: true,
		PermittedDNSDomains: dns,
	}
	for _, ip := range ips {
		if v4 := ip.To4(); v4 != nil {
			ip = v4
		}
		template.PermittedIPRanges = append(template.PermittedIPRanges,
			&net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
	}
	// Where a kind of name is not permitted at all, everything of that kind is forbidden.
	if len(dns) == 0 {
		template.ExcludedDNSDomains = []string{""}
	}
	if len(ips) == 0 {
		template.ExcludedIPRanges = []*net.IPNet{{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{certificate, key}, err
}

// Names are those that the authority may vouch for.
func Names(authority *x509.Certificate) []string {
	names := append([]string(nil), authority.PermittedDNSDomains...)
	for _, n := range authority.PermittedIPRanges {
		names = append(names, n.IP.String())
	}
	return names
}

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate.Raw})
}

// Key is the authority's key as text, a secret to be encrypted.
func (a *Authority) Key() (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// Open joins an authority's certificate with its key. That they belong together is checked here: otherwise every
// certificate that is issued would be refused at the other end, and only there.
func Open(certificate []byte, key string) (*Authority, error) {
	c, err := ParseAuthority(certificate)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, errors.New("the authority's key is not PEM")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	k, ok := private.(*ecdsa.PrivateKey)
	if !ok || !k.PublicKey.Equal(c.PublicKey) {
		return nil, errors.New("the key is not the authority's")
	}
	return &Authority{c, k}, nil
}

// ParseCertificate reads the first certificate of a PEM file.
func ParseCertificate(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// ParseAuthority reads the certificate of an authority as New makes them. Another's, such as a company's, may name
// nothing that it is confined to: it is refused, since what is issued is for all names of the authority.
func ParseAuthority(content []byte) (*x509.Certificate, error) {
	c, err := ParseCertificate(content)
	if err != nil {
		return nil, err
	}
	if len(Names(c)) == 0 {
		return nil, errors.New("the authority's certificate is confined to no name: it is none of \"aqsha tls init\"")
	}
	return c, nil
}

// Issue makes a server's certificate for all names of the authority, with the authority's behind it, and its key, both
// in PEM. It ends with the authority at the latest.
func (a *Authority) Issue(now time.Time) (chain, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: Names(a.Certificate)[0]},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(serverLife), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		DNSNames: a.Certificate.PermittedDNSDomains,
	}
	if template.NotAfter.After(a.Certificate.NotAfter) {
		template.NotAfter = a.Certificate.NotAfter
	}
	for _, n := range a.Certificate.PermittedIPRanges {
		template.IPAddresses = append(template.IPAddresses, n.IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, private.Public(), a.key)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.PEM()...)
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), nil
}

// Fingerprint is the SHA-256 of a certificate's DER bytes, in lower-case hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
