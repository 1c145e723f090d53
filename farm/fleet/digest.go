package fleet

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/httplimit"
)

// Digest does HTTP requests with digest authentication (RFC 7616 with MD5, which is what stock
// Antminers offer). The first request of each is without; its refusal brings the nonce.
type Digest struct {
	User, Password string
	Client         *http.Client
	Login          func(ctx context.Context) (authorization string, err error) // instead of digest; nil: digest
	Header         string                                                      // of what Login gives; "": Authorization
	// a page that is asked for the nonce before a large body is sent; "": none
	Probe string
	// of bodies; "": JSON or a form, by what they are
	ContentType string
	Cookies     []*http.Cookie // of a session
}

// Do sends a request and returns the body, of which at most protocol.MaxReply bytes are read.
func (d *Digest) Do(ctx context.Context, method, url, body string) ([]byte, error) {
	authorization, header := "", d.Header
	if header == "" {
		header = "Authorization"
	}
	// A body such as a firmware image is sent once, and not to be refused first: the nonce comes from a small page.
	if d.Probe != "" {
		challenge, err := d.challenge(ctx)
		if err != nil {
			return nil, err
		}
		target, err := neturl.Parse(url)
		if err != nil {
			return nil, err
		}
		if challenge != "" {
			if authorization, err = d.answer(challenge, method, target.RequestURI()); err != nil {
				return nil, err
			}
		}
	}
	for attempt := 0; ; attempt++ {
		request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		switch {
		case d.ContentType != "":
			request.Header.Set("Content-Type", d.ContentType)
		case json.Valid([]byte(body)):
			request.Header.Set("Content-Type", "application/json")
		case body != "":
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for _, cookie := range d.Cookies {
			request.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
		if authorization != "" {
			request.Header.Set(header, authorization)
		}
		response, err := d.Client.Do(request)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(io.LimitReader(response.Body, protocol.MaxReply))
		_ = response.Body.Close()
		switch {
		case err != nil:
			return nil, err
		// Once: a second refusal is of the password itself.
		case response.StatusCode == http.StatusUnauthorized && attempt == 0:
			if d.Login != nil {
				authorization, err = d.Login(ctx)
			} else {
				authorization, err = d.answer(response.Header.Get("WWW-Authenticate"), method, request.URL.RequestURI())
			}
			if err != nil {
				return nil, err
			}
		case response.StatusCode == http.StatusUnauthorized:
			return nil, farm.Refuse("denied", "password", "the machine does not take it")
		case response.StatusCode < 200 || response.StatusCode > 299:
			return nil, farm.Refuse("http", "reply", "%s %s: %s", method, request.URL.Path, response.Status)
		default:
			return content, nil
		}
	}
}

// challenge is what the page asks with; "" when it asks for nothing.
func (d *Digest) challenge(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Probe, nil)
	if err != nil {
		return "", err
	}
	response, err := d.Client.Do(request)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, protocol.MaxReply))
	_ = response.Body.Close()
	return response.Header.Get("WWW-Authenticate"), err
}

// answer computes the response to a challenge.
func (d *Digest) answer(challenge, method, uri string) (string, error) {
	fields := digestFields(challenge)
	if fields["nonce"] == "" || (fields["algorithm"] != "" && !strings.EqualFold(fields["algorithm"], "MD5")) {
		return "", farm.Refuse("denied", "authentication", "want a digest challenge with MD5")
	}
	hash := func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	var random [8]byte
	_, _ = rand.Read(random[:])
	own, secret, request := hex.EncodeToString(random[:]), hash(d.User, fields["realm"], d.Password), hash(method, uri)
	out := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s"`, d.User, fields["realm"],
		fields["nonce"], uri)
	if strings.Contains(fields["qop"], "auth") {
		return out + fmt.Sprintf(`, qop=auth, nc=00000001, cnonce="%s", response="%s"`, own,
			hash(secret, fields["nonce"], "00000001", own, "auth", request)), nil
	}
	return out + fmt.Sprintf(`, response="%s"`, hash(secret, fields["nonce"], request)), nil
}

// digestFields reads name=value pairs, quoted or not.
func digestFields(header string) map[string]string {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(header, "Digest ")
	if !ok {
		return fields
	}
	for rest != "" && len(fields) < 20 {
		name, value, ok := strings.Cut(strings.TrimLeft(rest, " ,"), "=")
		if !ok {
			break
		}
		if quoted, ok := strings.CutPrefix(value, `"`); ok {
			value, rest, _ = strings.Cut(quoted, `"`)
		} else {
			value, rest, _ = strings.Cut(value, ",")
		}
		if strings.ContainsAny(value, "\r\n\"") {
			continue
		}
		fields[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	return fields
}

// antminerClient is shared by all machines: their connections are not kept. What a machine names as another address is
// not asked: it would have this host ask whatever the machine cannot reach itself.
var antminerClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: DefaultTimeout,
	CheckRedirect: httplimit.NoRedirect}

// Upload is Web for bodies that take longer than a poll: only the context ends it.
func Upload(m *Machine, d Digest) *Digest {
	d.Client = m.pin().client(0)
	return &d
}

// Web speaks to a machine's web server with what d says; its connections are not kept and redirects not followed.
func Web(m *Machine, d Digest) *Digest {
	d.Client = m.pin().client(DefaultTimeout)
	return &d
}

// AntminerHTTP speaks to the CGI programs of a stock Antminer.
func AntminerHTTP(host string, port int, user, password string) (*Digest, string) {
	if user == "" {
		user = "root"
	}
	if password == "" {
		password = "root"
	}
	return &Digest{User: user, Password: password, Client: antminerClient},
		"http://" + net.JoinHostPort(host, fmt.Sprint(orDefault(port, 80))) + "/cgi-bin/"
}
