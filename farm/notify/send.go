package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// Failure is why a message was not taken, as far as is known. It holds no secret and nothing that the receiver said.
type Failure struct {
	Route   string
	Reached bool // the receiver was there
	Unknown bool // it may have taken the message all the same
	Reason  string
}

func (f *Failure) Error() string { return fmt.Sprintf("route %s: %s", f.Route, f.Reason) }

const (
	sendTimeout = 20 * time.Second
	maxSecret   = 4 << 10
	maxAnswer   = 64 << 10
)

// Headers of a signed webhook: v1=HMAC-SHA256(key, time "." body) in hexadecimal, and the time in seconds since 1970.
const (
	SignatureHeader = "Aqsha-Signature"
	TimeHeader      = "Aqsha-Time"
)

// Sign is the signature of a webhook's body at a time.
func Sign(key []byte, seconds int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d.", seconds)
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Send sends a message to the route's receiver, once. What goes wrong is a *Failure.
func (r *Route) Send(ctx context.Context, m Message, zone *time.Location) error {
	ctx, stop := context.WithTimeout(ctx, sendTimeout)
	defer stop()
	m = m.bounded()
	if r.Form == Mail {
		return r.sendMail(ctx, m, zone)
	}
	request, err := r.request(ctx, m, zone)
	if err != nil {
		return err
	}
	client := &http.Client{CheckRedirect: httplimit.NoRedirect, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer}}
	response, err := client.Do(request)
	if err != nil {
		return r.failed(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode/100 != 2 {
		return &Failure{Route: r.Name, Reached: true, Reason: "answered " + strconv.Itoa(response.StatusCode)}
	}
	return nil
}

// failed is the failure of a request. An error of net/http names the URL, which may be a secret: only its cause is
// told.
func (r *Route) failed(err error) error {
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	var op *net.OpError
	var name *net.DNSError
	dialled := errors.As(err, &op) && op.Op == "dial" || errors.As(err, &name)
	return &Failure{Route: r.Name, Reached: !dialled, Unknown: !dialled, Reason: err.Error()}
}

// request makes the HTTP request of a message.
func (r *Route) request(ctx context.Context, m Message, zone *time.Location) (*http.Request, error) {
	secret, err := r.secret(r.SecretFile)
	if err != nil {
		return nil, err
	}
	target, body := r.URL, any(m)
	switch r.Form {
	case Telegram:
		target = strings.TrimRight(r.URL, "/") + "/bot" + url.PathEscape(secret) + "/sendMessage"
		body = map[string]any{"chat_id": r.Chat, "text": m.Text(r.Language, zone), "disable_web_page_preview": true}
	case Slack:
		// Slack reads <…> as links and calls to everybody: machines' words are not to be that.
		escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
		body = map[string]any{"text": escape.Replace(m.Text(r.Language, zone))}
	}
	if r.URLFile != "" {
		if target, err = r.secret(r.URLFile); err != nil {
			return nil, err
		}
		if err := r.fit(target); err != nil {
			return nil, err
		}
	}
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(content))
	if err != nil {
		return nil, &Failure{Route: r.Name, Reason: "the URL cannot be used"}
	}
	request.Header.Set("Content-Type", "application/json")
	if r.Form == Webhook {
		now := time.Now().Unix()
		request.Header.Set(TimeHeader, strconv.FormatInt(now, 10))
		request.Header.Set(SignatureHeader, Sign([]byte(secret), now, content))
	}
	return request, nil
}

// secret reads the first line of a file each time anew, so that a secret can be changed while a watch runs.
func (r *Route) secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(content), "\n")
	if line = strings.TrimSpace(line); line == "" || len(content) > maxSecret {
		return "", r.refuse("secret_file", "%s: want a line, in at most %d bytes", path, maxSecret)
	}
	return line, nil
}
