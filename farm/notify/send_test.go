package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// secretFile holds a secret as an owner keeps it.
func secretFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func aMessage(language string) Message {
	n := notice("hot", true, 0, "M00")
	n.Detail = "<!channel> жарыс & \"бой\""
	return Message{Farm: "Екібастұз", Route: "people", Sequence: 7, At: noon, Raised: []Line{lineOf(n, Critical, language)}}
}

// Each form asks its receiver as that wants to be asked.
func TestForms(t *testing.T) {
	var path, body string
	var head http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		path, head, body = r.Method+" "+r.URL.Path, r.Header, string(content)
	}))
	defer server.Close()
	send := func(r Route) {
		t.Helper()
		r.Name = "people"
		routes := []Route{r}
		if err := CheckRoutes(routes); err != nil {
			t.Fatal(err)
		}
		if err := routes[0].Send(t.Context(), aMessage(routes[0].Language), almaty); err != nil {
			t.Fatal(err)
		}
	}
	var said struct {
		Chat string `json:"chat_id"`
		Text string
	}
	send(Route{Form: Telegram, URL: server.URL, Chat: "-100", SecretFile: secretFile(t, "123:AbC"), Language: "kk"})
	if err := json.Unmarshal([]byte(body), &said); err != nil || path != "POST /bot123:AbC/sendMessage" ||
		said.Chat != "-100" || !strings.Contains(said.Text, "қызып кетті: M00") {
		t.Errorf("telegram: %s %s %v", path, body, err)
	}
	send(Route{Form: Slack, URLFile: secretFile(t, server.URL+"/services/T0/B0/x")})
	if err := json.Unmarshal([]byte(body), &said); err != nil || path != "POST /services/T0/B0/x" ||
		!strings.Contains(said.Text, "&lt;!channel&gt; жарыс &amp;") {
		t.Errorf("slack: %s %s %v", path, body, err)
	}
	send(Route{Form: Webhook, URL: server.URL + "/hook", SecretFile: secretFile(t, "key")})
	var m Message
	if err := json.Unmarshal([]byte(body), &m); err != nil || m.Sequence != 7 || m.Raised[0].Machines[0] != "M00" {
		t.Errorf("webhook: %s %v", body, err)
	}
	var seconds int64
	_, err := fmt.Sscan(head.Get(TimeHeader), &seconds)
	if err != nil || head.Get(SignatureHeader) != Sign([]byte("key"), seconds, []byte(body)) {
		t.Errorf("signature %q at %q", head.Get(SignatureHeader), head.Get(TimeHeader))
	}
	for name, other := range map[string]string{
		"another body": Sign([]byte("key"), seconds, []byte(body+" ")),
		"another time": Sign([]byte("key"), seconds+1, []byte(body)),
		"another key":  Sign([]byte("kez"), seconds, []byte(body)),
	} {
		if other == head.Get(SignatureHeader) {
			t.Errorf("%s has the same signature", name)
		}
	}
	// RFC 2104 by other means: Python's hmac over "1700000000.{}".
	if got := Sign([]byte("key"), 1_700_000_000, []byte("{}")); got != "v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae" {
		t.Errorf("signature %s", got)
	}
}

// A receiver that refuses, sends elsewhere, or is not there: what it comes to is told, no redirect is followed, and no
// secret is in what is told.
func TestFailures(t *testing.T) {
	var followed atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer inside.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "away"):
			http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
		case strings.Contains(r.URL.Path, "cut"):
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	const secret = "s3cretWord"
	for name, tc := range map[string]struct {
		url              string
		reached, unknown bool
	}{
		"refused": {server.URL + "/" + secret, true, false}, "away": {server.URL + "/away/" + secret, true, false},
		"cut": {server.URL + "/cut/" + secret, true, true}, "gone": {gone.URL + "/" + secret, false, false},
	} {
		for _, r := range []Route{{Name: name, Form: Slack, URLFile: secretFile(t, tc.url)},
			{Name: name, Form: Telegram, URL: strings.TrimSuffix(tc.url, secret), Chat: "1", SecretFile: secretFile(t, secret)}} {
			err := r.Send(t.Context(), aMessage("en"), almaty)
			var failure *Failure
			if !errors.As(err, &failure) || failure.Reached != tc.reached || failure.Unknown != tc.unknown {
				t.Errorf("%s by %s: %+v", name, r.Form, err)
			} else if strings.Contains(err.Error(), secret) {
				t.Errorf("%s by %s tells the secret: %v", name, r.Form, err)
			}
		}
	}
	if followed.Load() != 0 {
		t.Error("a redirect was followed")
	}
	for name, path := range map[string]string{"empty": secretFile(t, ""), "long": secretFile(t, strings.Repeat("x", maxSecret)),
		"missing": filepath.Join(t.TempDir(), "none")} {
		r := Route{Name: name, Form: Slack, URLFile: path}
		if err := r.Send(t.Context(), aMessage("en"), almaty); err == nil {
			t.Errorf("%s: was sent", name)
		}
	}
	r := Route{Name: "file", Form: Slack, URLFile: secretFile(t, "http://10.0.0.5/"+secret)}
	if err := r.Send(t.Context(), aMessage("en"), almaty); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a secret URL in clear: %v", err)
	}
}

// mailServer takes one mail a connection, as RFC 5321 servers do.
type mailServer struct {
	listener       net.Listener
	tls            *tls.Config
	implicit       bool
	answers        map[string]string // instead of what is usual, by the command's first word
	login          string            // what PLAIN must say
	mails          chan string
	sawClearSecret atomic.Bool
}

func newMailServer(t *testing.T, change func(s *mailServer)) (*mailServer, string) {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{listener: listener, tls: &tls.Config{Certificates: certified.TLS.Certificates},
		login: "\x00me\x00pass-word", mails: make(chan string, 1), answers: map[string]string{}}
	if change != nil {
		change(s)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	}()
	t.Cleanup(func() { listener.Close(); <-served })
	return s, ca
}

func (s *mailServer) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // who stops listening holds nobody up
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	lines := bufio.NewReader(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 mail.test ready")
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) == 0 {
			return
		}
		if answer, other := s.answers[words[0]]; other {
			if say(answer); answer == "" || strings.HasPrefix(answer, "4") {
				return
			}
			continue
		}
		switch words[0] {
		case "EHLO":
			if encrypted {
				say("250-mail.test\r\n250 AUTH PLAIN")
			} else {
				say("250-mail.test\r\n250 STARTTLS")
			}
		case "STARTTLS":
			say("220 go")
			conn = tls.Server(conn, s.tls)
			lines, encrypted = bufio.NewReader(conn), true
		case "AUTH":
			said, _ := base64.StdEncoding.DecodeString(words[2])
			if !encrypted {
				s.sawClearSecret.Store(true)
			}
			if string(said) != s.login {
				say("535 no: " + string(said))
				continue
			}
			say("235 welcome")
		case "DATA":
			say("354 go")
			var content strings.Builder
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				content.WriteString(line)
			}
			if answer, other := s.answers["."]; other {
				say(answer)
				return
			}
			s.mails <- content.String()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func mailRoute(t *testing.T, s *mailServer, ca, mode string) Route {
	t.Helper()
	r := []Route{{Name: "mail", Form: Mail, Server: s.listener.Addr().String(), TLS: mode, CAFile: ca, User: "me",
		SecretFile: secretFile(t, "pass-word"), From: "Ферма <farm@example.kz>",
		To: []string{"Айгерім <a@example.kz>", "b@example.kz"}, Language: "ru"}}
	if err := CheckRoutes(r); err != nil {
		t.Fatal(err)
	}
	return r[0]
}

// A mail arrives over both kinds of TLS, whole, in its languages' letters, and nothing in its head is a machine's.
func TestMail(t *testing.T) {
	for _, mode := range []string{startTLS, implicitTLS} {
		s, ca := newMailServer(t, func(s *mailServer) { s.implicit = mode == implicitTLS })
		r := mailRoute(t, s, ca, mode)
		m := aMessage("ru")
		m.Farm = "Екібастұз\r\nBcc: everybody@example.kz"
		if err := r.Send(t.Context(), m, almaty); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		got, err := mail.ReadMessage(strings.NewReader(<-s.mails))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		body, _ := io.ReadAll(quotedprintable.NewReader(got.Body))
		if err != nil || !strings.Contains(subject, "1 тревога") || got.Header.Get("Bcc") != "" ||
			!strings.Contains(string(body), "перегрев: M00") || got.Header.Get("Date") == "" {
			t.Errorf("%s: %q %v\n%s\n%v", mode, subject, got.Header, body, err)
		}
		if to, err := got.Header.AddressList("To"); err != nil || len(to) != 2 || to[0].Name != "Айгерім" {
			t.Errorf("%s: to %v, %v", mode, to, err)
		}
	}
}

// A mail server that cannot be trusted, offers no encryption or refuses gets no password it should not have, and the
// failure tells the step and not the secret.
func TestMailFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(s *mailServer)
		route   func(r *Route)
		unknown bool
		want    string
	}{
		"no starttls":  {func(s *mailServer) { s.answers["EHLO"] = "250 mail.test" }, nil, false, "does not offer it"},
		"not trusted":  {nil, func(r *Route) { r.CAFile = "" }, false, "certificate"},
		"password":     {func(s *mailServer) { s.login = "other" }, nil, false, "the password was answered by 535"},
		"receiver":     {func(s *mailServer) { s.answers["RCPT"] = "550 nobody" }, nil, false, "answered by 550"},
		"mail refused": {func(s *mailServer) { s.answers["."] = "554 spam" }, nil, false, "answered by 554"},
		"cut":          {func(s *mailServer) { s.answers["."] = "" }, nil, true, "the mail's end"},
		"endless": {func(s *mailServer) { s.answers["MAIL"] = strings.Repeat("250-more\r\n", maxTalk/8) + "250 ok" }, nil,
			false, "says too much"},
	} {
		s, ca := newMailServer(t, tc.change)
		r := mailRoute(t, s, ca, startTLS)
		if tc.route != nil {
			tc.route(&r)
		}
		err := r.Send(t.Context(), aMessage("ru"), almaty)
		var failure *Failure
		if !errors.As(err, &failure) || !failure.Reached || failure.Unknown != tc.unknown ||
			!strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "pass-word") {
			t.Errorf("%s: %+v, want %q", name, err, tc.want)
		}
		if s.sawClearSecret.Load() || len(s.mails) > 0 {
			t.Errorf("%s: a password went in clear, or a mail was taken", name)
		}
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	r := Route{Name: "mail", Form: Mail, Server: gone.Addr().String(), TLS: noTLS}
	var failure *Failure
	if err := r.Send(context.Background(), aMessage("en"), almaty); !errors.As(err, &failure) || failure.Reached {
		t.Errorf("nobody was there: %v", err)
	}
}
