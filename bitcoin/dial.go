package bitcoin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// DialOptions say how a node is reached. The zero value suits a URL with user and password.
type DialOptions struct {
	CookieFile  string        // Bitcoin Core's .cookie; read again at each call, because Core rewrites it at start
	Certificate string        // PEM file of the node's own certificate, for btcd with TLS
	Timeout     time.Duration // of one call; 0 means 30 s
}

// maxCookieBytes is well above the some 75 bytes of a cookie: another file that was named by mistake is not sent to the
// node as a password.
const maxCookieBytes = 1 << 10

// Dial prepares a client for http://user:password@host:port or https://…; it does not connect yet. The password is
// taken out of the URL, so that no error and no log line of the client shows it.
func Dial(nodeURL string, options DialOptions) (*Client, error) {
	parsed, err := url.Parse(nodeURL)
	if err != nil {
		return nil, errors.New("node URL: not a URL") // the text may hold a password
	}
	if parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return nil, fmt.Errorf("node URL %q: want http://user:password@host:port", parsed.Redacted())
	}
	client := &Client{timeout: options.Timeout, auth: credentials{cookieFile: options.CookieFile}}
	if client.timeout == 0 {
		client.timeout = 30 * time.Second
	}
	if parsed.User != nil {
		client.auth.user = parsed.User.Username()
		client.auth.password, _ = parsed.User.Password()
	}
	parsed.User = nil
	client.endpoint = parsed.String()
	var security *tls.Config
	if options.Certificate != "" {
		pem, err := os.ReadFile(options.Certificate)
		if err != nil {
			return nil, fmt.Errorf("node certificate: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("node certificate %s: no PEM certificate in it", options.Certificate)
		}
		security = &tls.Config{RootCAs: roots}
	}
	// Three sets, so that a block that was found never waits for a connection that a long poll or a large answer holds.
	client.longPoll.arrived = make(chan *Template, 1)
	for _, connections := range []**http.Client{&client.http, &client.polls, &client.blocks} {
		*connections = connect(security)
	}
	return client, nil
}

// connect makes a set of connections of its own. Redirects are not followed: they would carry the credentials to whom
// the node names.
func connect(security *tls.Config) *http.Client {
	return &http.Client{CheckRedirect: httplimit.NoRedirect, Transport: &http.Transport{
		// Keep-alive probes find a long poll's connection that is dead.
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     20 * time.Second, // Core closes idle connections after 30 s
		TLSClientConfig:     security,
	}}
}

// Endpoint is the node's address without credentials.
func (c *Client) Endpoint() string { return c.endpoint }

// Host is the node's host name or address, without the port.
func (c *Client) Host() string {
	parsed, err := url.Parse(c.endpoint)
	if err != nil {
		return ""
	}
	return parsed.Hostname()
}

// Close gives the long poll up and drops idle connections.
func (c *Client) Close() {
	c.longPoll.close()
	for _, connections := range []*http.Client{c.http, c.polls, c.blocks} {
		connections.CloseIdleConnections()
	}
}

type credentials struct {
	user, password string
	cookieFile     string
}

// get is asked at each call and not at Dial: a node that was started again has a new cookie, and the pool must go on.
func (c credentials) get() (user, password string, err error) {
	if c.cookieFile == "" {
		return c.user, c.password, nil
	}
	raw, err := os.ReadFile(c.cookieFile)
	if err != nil {
		return "", "", fmt.Errorf("node cookie: %w (is the node running?)", err)
	}
	if len(raw) > maxCookieBytes {
		return "", "", fmt.Errorf("node cookie %s: longer than %d bytes", c.cookieFile, maxCookieBytes)
	}
	user, password, ok := strings.Cut(strings.TrimSpace(string(raw)), ":")
	if !ok {
		return "", "", fmt.Errorf("node cookie %s: want user:password", c.cookieFile)
	}
	return user, password, nil
}
