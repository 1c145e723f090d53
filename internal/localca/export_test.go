package localca

import (
	"crypto/rand"
	"crypto/x509"
	"time"
)

// Forge has one authority sign a server's certificate for another's names.
func Forge(a, names *Authority, now time.Time) (*x509.Certificate, error) {
	template := &x509.Certificate{SerialNumber: serial(), NotBefore: now.Add(-backdated), NotAfter: now.Add(backdated),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: names.Certificate.PermittedDNSDomains}
	for _, n := range names.Certificate.PermittedIPRanges {
		template.IPAddresses = append(template.IPAddresses, n.IP)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, names.key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
