package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/internal/sim/passkey"
)

// guarded is the program as a bank would run it: a closed network over TLS with a certificate of its own.
type guarded struct {
	t      *testing.T
	dir    string
	port   string
	plain  string // the port for this machine's own commands
	origin string // as people dial it
	pool   *x509.CertPool
	client *http.Client
	*exec.Cmd
}

const guardedName = "tenge.test"

func (g *guarded) command(args ...string) *exec.Cmd {
	c := aqsha(args...)
	c.Env = append(os.Environ(), "XDG_CONFIG_HOME="+filepath.Join(g.dir, "home"))
	if args[0] == "tls" { // of the authority's key
		c.Env = append(c.Env, "AQSHA_PASSPHRASE=secret")
	}
	return c
}

func (g *guarded) run(args ...string) string {
	g.t.Helper()
	out, err := g.command(args...).CombinedOutput()
	if err != nil {
		g.t.Fatalf("aqsha %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t, dir: filepath.Join(t.TempDir(), "net")}
	g.run("init", "--development", "--shared-keys", "--data", g.dir)
	closed(t, g.dir)
	g.run("tls", "init", guardedName, "--data", g.dir, "--authority-key", filepath.Join(t.TempDir(), "ca.key"))
	ca, err := os.ReadFile(filepath.Join(g.dir, "tls", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	g.pool = x509.NewCertPool()
	g.pool.AppendCertsFromPEM(ca)
	g.start("127.0.0.1:0")
	t.Cleanup(func() { _ = g.Process.Kill(); _ = g.Wait() })
	return g
}

// closed makes a network with keys that cost no passphrase one that is read by access alone.
func closed(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "config.toml")
	content, err := os.ReadFile(file)
	shut := bytes.Replace(content, []byte("development = true"), []byte("development = false"), 1)
	if err != nil || bytes.Equal(shut, content) || os.WriteFile(file, shut, 0o600) != nil {
		t.Fatalf("%s, %v", content, err)
	}
}

// start serves, and waits until it does. A name leads to this machine, as a phone's resolver would have it.
func (g *guarded) start(listen string) {
	g.t.Helper()
	g.Cmd = g.command("up", "--data", g.dir, "--listen", listen, "--tls", "self")
	stderr, err := g.StderrPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.Start(); err != nil {
		g.t.Fatal(err)
	}
	var said bytes.Buffer
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if _, rest, ok := strings.Cut(lines.Text(), " at https://127.0.0.1:"); ok {
			g.port = strings.Fields(rest)[0]
			break
		}
	}
	if g.port == "" {
		g.t.Fatalf("it did not start:\n%s", said.String())
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	here, err := os.ReadFile(filepath.Join(g.dir, "node.url"))
	if err != nil {
		g.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(here), "http://")
	g.plain = "http://" + regexp.MustCompile(`^[0-9.:]+`).FindString(rest)
	g.origin = "https://localhost:" + g.port
	g.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: g.pool, ServerName: guardedName}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// again ends the process and starts another on the same port; what is between is done to its files.
func (g *guarded) again(between func()) {
	g.t.Helper()
	_ = g.Process.Signal(os.Interrupt)
	if err := g.Wait(); err != nil {
		g.t.Errorf("it did not stop cleanly: %v", err)
	}
	between()
	g.start("127.0.0.1:" + g.port)
}

// request is one that no other helper sends by itself: nothing is added to it.
type request struct {
	method, path, host string
	headers            map[string]string
	body               string
	plain              bool
}

func (g *guarded) send(q request) (*http.Response, string) {
	g.t.Helper()
	base := "https://127.0.0.1:" + g.port
	if q.plain {
		base = g.plain
	}
	r, err := http.NewRequestWithContext(g.t.Context(), q.method, base+q.path, strings.NewReader(q.body))
	if err != nil {
		g.t.Fatal(err)
	}
	if q.host != "" {
		r.Host = q.host
	}
	for name, value := range q.headers {
		r.Header.Set(name, value)
	}
	response, err := g.client.Do(r)
	if err != nil {
		g.t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		g.t.Fatalf("%s %s: %v", q.method, q.path, err)
	}
	return response, string(body)
}

// want sends a request and holds its status, and the code of a refusal.
func (g *guarded) want(status int, code string, q request) string {
	g.t.Helper()
	response, body := g.send(q)
	if response.StatusCode != status || code != "" && !strings.Contains(body, `"code":"`+code+`"`) {
		g.t.Errorf("%s %s as %q with %v: %d %.200s, want %d %s", q.method, q.path, q.host, q.headers,
			response.StatusCode, body, status, code)
	}
	return body
}

// Every line of what a node promises about its safety, of the program itself as it is started: TLS, names, other sites,
// headers, links, cookies, sessions, rates, rights, paths, slow and large requests.
func TestTheProgramIsGuarded(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	slow := g.slowly() // they take their time beside the rest
	g.holdNames()
	g.holdOtherSites()
	g.holdHeaders()
	g.holdPaths()
	g.holdSizes()
	admin := g.holdLinks()
	g.holdSessions(admin)
	g.holdRights(admin)
	g.holdRates()
	g.holdTransport()
	slow()
}

// holdNames: another Host is refused before anything else, over TLS and on this machine's own port.
func (g *guarded) holdNames() {
	for _, path := range []string{"/", "/wallet/", "/v1/network", "/metrics", "/no-such-route", "/v1/wallets/00"} {
		for _, plain := range []bool{false, true} {
			g.want(421, "wrong-host", request{method: "GET", path: path, host: "evil.example", plain: plain})
		}
	}
	g.want(421, "wrong-host", request{method: "POST", path: "/v1/sessions/challenges", host: "tenge.test.evil.example",
		headers: map[string]string{"Authorization": "Bearer nonsense", "Origin": "https://evil.example"}, body: "{"})
	g.want(421, "wrong-host", request{method: "GET", path: "/v1/network", host: "192.168.1.5:8443"})
	for _, host := range []string{guardedName, guardedName + ":" + g.port, "localhost", "127.0.0.1", "TENGE.test."} {
		g.want(200, "", request{method: "GET", path: "/v1/network", host: host})
	}
}

// holdOtherSites: what changes something comes from a page of the node's own, or from a program, and says what it is.
func (g *guarded) holdOtherSites() {
	q := request{method: "POST", path: "/v1/sessions/challenges", body: `{"wallet":"` + strings.Repeat("0", 32) + `"}`}
	with := func(kind string, headers ...string) request {
		q.headers = map[string]string{}
		if kind != "" {
			q.headers["Content-Type"] = kind
		}
		for i := 0; i < len(headers); i += 2 {
			q.headers[headers[i]] = headers[i+1]
		}
		return q
	}
	const js = "application/json"
	g.want(403, "cross-site", with(js, "Origin", "https://evil.example"))
	g.want(403, "cross-site", with(js, "Origin", "null"))
	g.want(403, "cross-site", with(js, "Sec-Fetch-Site", "cross-site"))
	g.want(403, "cross-site", with(js, "Sec-Fetch-Site", "same-site"))
	g.want(415, "content-type", with(""))
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		g.want(415, "", with(kind))
	}
	g.want(200, "", with(js, "Origin", "https://127.0.0.1:"+g.port, "Sec-Fetch-Site", "same-origin"))
	g.want(200, "", with(js))
}

// holdHeaders: every page and what it loads says where it may load from, and that no other site shows it.
func (g *guarded) holdHeaders() {
	pages := []string{"/", "/sign-in", "/account", "/staff", "/audit", "/explorer", "/docs", "/wallet/", "/wallet/pay",
		"/explorer.js", "/docs.js", "/explorer.css"}
	if console.Built() {
		index := g.want(200, "", request{method: "GET", path: "/wallet/"})
		assets := regexp.MustCompile(`/assets/[\w.-]+`).FindAllString(index, -1)
		if len(assets) == 0 {
			g.t.Error("the wallet's page names nothing that it loads")
		}
		pages = append(append(pages, "/wallet/sw.js"), assets...)
	}
	for _, page := range pages {
		response, body := g.send(request{method: "GET", path: page, host: guardedName})
		h := response.Header
		csp := h.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'",
			"connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'",
			"require-trusted-types-for 'script'", "trusted-types aqsha"} {
			if !strings.Contains(csp, part) {
				g.t.Errorf("%s: no %q in %q", page, part, csp)
			}
		}
		camera := strings.Contains(h.Get("Permissions-Policy"), "camera=(self)")
		if strings.Contains(csp, "unsafe") || response.StatusCode != 200 ||
			camera != strings.HasPrefix(page, "/wallet/") ||
			h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.HasPrefix(h.Get("Strict-Transport-Security"), "max-age=31536000") {
			g.t.Errorf("%s: %d %v", page, response.StatusCode, h)
		}
		if strings.Contains(body, "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(body) {
			g.t.Errorf("%s has a script or a style within it", page)
		}
	}
	// Names of this machine are other programs' too.
	if response, _ := g.send(request{method: "GET", path: "/", host: "localhost"}); response.Header.
		Get("Strict-Transport-Security") != "" {
		g.t.Error("localhost is to be dialled by TLS alone from now on")
	}
}

// holdPaths: no path leads out of what is served, or to another site.
func (g *guarded) holdPaths() {
	for _, path := range []string{"/wallet/../../../../etc/passwd", "/assets/..%2f..%2f..%2fgo.mod", "/wallet/%2e%2e/%2e%2e/x",
		"/%00", "/wallet/%00", "/v1/wallets/%00", "/assets/a%00.js", "//evil.example/", "//evil.example//%2e%2e",
		"/assets//index.js", `/\evil.example`, "/tile/0/../../checkpoint", "/v1//network", "/v1/blocks/..%2f..%2f",
		"/v1/staff/accounts/..%2f..%2f", "/" + strings.Repeat("a/", 3_000)} {
		connection, err := tls.Dial("tcp", "127.0.0.1:"+g.port, &tls.Config{RootCAs: g.pool, ServerName: guardedName})
		if err != nil {
			g.t.Fatal(err)
		}
		fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, guardedName)
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			g.t.Fatalf("%s: %v", path, err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			g.t.Fatalf("%s: %v", path, err)
		}
		to := response.Header.Get("Location")
		if response.StatusCode >= 500 || bytes.Contains(body, []byte("root:")) || bytes.Contains(body, []byte("module github")) ||
			response.StatusCode/100 == 3 && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
			g.t.Errorf("%.60s: %d to %q: %.100s", path, response.StatusCode, to, body)
		}
		_ = connection.Close()
	}
}

// holdSizes: what is too large is refused by what it says of itself, not read to its end.
func (g *guarded) holdSizes() {
	for about, head := range map[string]string{
		"a body":       "POST /v1/sessions/challenges HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9000000000\r\n",
		"a header":     "GET /v1/network HTTP/1.1\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n",
		"a chunk":      "POST /v1/sessions/challenges HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
		"two lengths":  "POST /v1/sessions/challenges HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
		"no such verb": "BREW /v1/network HTTP/1.1\r\n",
	} {
		connection, err := tls.Dial("tcp", "127.0.0.1:"+g.port, &tls.Config{RootCAs: g.pool, ServerName: guardedName})
		if err != nil {
			g.t.Fatal(err)
		}
		go func() { // whoever refuses early need not read it
			fmt.Fprintf(connection, "%sHost: %s\r\nConnection: close\r\n\r\n", head, guardedName)
			if about == "a chunk" {
				chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat(" ", 1<<20))
				for range 20 {
					if _, err := io.WriteString(connection, chunk); err != nil {
						return
					}
				}
			}
		}()
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err == nil && (response.StatusCode < 400 || response.StatusCode >= 500) {
			g.t.Errorf("%s: %d", about, response.StatusCode)
		}
		_ = connection.Close()
	}
}

// slowly opens requests that never come to their end, and returns what waits until the node has given all of them up.
func (g *guarded) slowly() (wait func()) {
	ended := make(chan string, 2)
	for about, head := range map[string]string{
		"a header": "GET /v1/network HTTP/1.1\r\nHost: " + guardedName + "\r\nX-Slow: ",
		"a body": "POST /v1/sessions/challenges HTTP/1.1\r\nHost: " + guardedName +
			"\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n",
	} {
		connection, err := tls.Dial("tcp", "127.0.0.1:"+g.port, &tls.Config{RootCAs: g.pool, ServerName: guardedName})
		if err != nil {
			g.t.Fatal(err)
		}
		_, _ = io.WriteString(connection, head)
		go func() { // a byte a second, until nobody listens any more
			beat := time.NewTicker(time.Second)
			defer beat.Stop()
			for range beat.C {
				if _, err := io.WriteString(connection, "x"); err != nil {
					return
				}
			}
		}()
		go func() {
			answer, _ := io.ReadAll(connection)
			_ = connection.Close()
			if bytes.HasPrefix(answer, []byte("HTTP/1.1 2")) {
				ended <- about + " that never ended was answered: " + string(answer)
				return
			}
			ended <- ""
		}()
	}
	return func() {
		for range 2 {
			if problem := <-ended; problem != "" {
				g.t.Error(problem)
			}
		}
	}
}

// holdTransport: nothing listens beyond this machine without TLS, and plain speech to the port that speaks it is no way
// in.
func (g *guarded) holdTransport() {
	other := &guarded{t: g.t, dir: filepath.Join(g.t.TempDir(), "other")}
	other.run("init", "--development", "--shared-keys", "--data", other.dir)
	closed(g.t, other.dir)
	out, err := other.command("up", "--data", other.dir, "--listen", "0.0.0.0:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing listens beyond loopback without TLS") {
		g.t.Errorf("%v: %s", err, out)
	}
	connection, err := net.Dial("tcp", "127.0.0.1:"+g.port)
	if err != nil {
		g.t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "GET /v1/network HTTP/1.1\r\nHost: %s\r\n\r\n", guardedName)
	if answer, _ := io.ReadAll(connection); bytes.HasPrefix(answer, []byte("HTTP/1.1 2")) {
		g.t.Errorf("plain speech is answered: %.80s", answer)
	}
}

// officer is somebody of the staff at a browser.
type officer struct {
	*guarded
	device *passkey.Device
	id     string
	cookie *http.Cookie
}

// page sends a request as one of the node's own pages does.
func (o *officer) page(method, path, body string) (*http.Response, string) {
	o.t.Helper()
	q := request{method: method, path: path, host: "localhost:" + o.port, body: body,
		headers: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": o.origin, "Content-Type": "application/json"}}
	if o.cookie != nil {
		q.headers["Cookie"] = o.cookie.Name + "=" + o.cookie.Value
	}
	response, answer := o.send(q)
	for _, c := range response.Cookies() {
		if o.cookie = c; c.MaxAge >= 0 && (c.Name != "__Host-aqsha-staff" || !c.Secure || !c.HttpOnly ||
			c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 43) {
			o.t.Errorf("the cookie is %v", c)
		}
	}
	return response, answer
}

// ask holds the status and decodes the answer.
func (o *officer) ask(status int, method, path, body string) (value map[string]any) {
	o.t.Helper()
	response, answer := o.page(method, path, body)
	if response.StatusCode != status {
		o.t.Fatalf("%s %s: %d %s, want %d", method, path, response.StatusCode, answer, status)
	}
	if answer != "" {
		if err := json.Unmarshal([]byte(answer), &value); err != nil {
			o.t.Fatal(err)
		}
	}
	return value
}

// link has the machine make a one-time link, and takes its secret.
func (g *guarded) link() string {
	g.t.Helper()
	out := g.run("console", "link", "--data", g.dir, "--origin", g.origin, "--json")
	_, secret, ok := strings.Cut(out, "/sign-in#join?")
	if !ok || len(secret) < 43 {
		g.t.Fatal(out)
	}
	return secret[:43]
}

// join makes an account with a link, or says the refusal.
func (g *guarded) join(link, name string) (*officer, string) {
	g.t.Helper()
	o := &officer{guarded: g}
	response, answer := o.page("POST", "/v1/staff/challenges", fmt.Sprintf(`{"purpose":"join","link":%q}`, link))
	var c struct{ Challenge, Site, Account, Code string }
	if err := json.Unmarshal([]byte(answer), &c); err != nil || response.StatusCode != 200 {
		return nil, c.Code
	}
	raw, _ := hex.DecodeString(c.Challenge)
	handle, _ := hex.DecodeString(c.Account)
	o.device = passkey.New(handle)
	made := o.device.Make(g.origin, c.Site, raw)
	session := o.ask(200, "POST", "/v1/staff/accounts", fmt.Sprintf(
		`{"link":%q,"name":%q,"challenge":%q,"passkey":{"id":"%x","client_data":"%x","object":"%x"}}`, link, name,
		c.Challenge, made.ID, made.ClientData, made.Object))
	o.id = session["account"].(map[string]any)["id"].(string)
	return o, ""
}

// holdLinks: the machine's link works once, in its time; a passkey wants a name.
func (g *guarded) holdLinks() *officer {
	g.t.Helper()
	file := filepath.Join(g.dir, "staff", "link.json")
	late := g.link()
	content, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(content), late) {
		g.t.Fatalf("%s, %v: want the link's hash alone", content, err)
	}
	over := regexp.MustCompile(`"until_millis": ?\d+`).ReplaceAll(content,
		fmt.Appendf(nil, `"until_millis":%d`, time.Now().UnixMilli()))
	if err := os.WriteFile(file, over, 0o600); err != nil || bytes.Equal(over, content) {
		g.t.Fatal(err, string(content))
	}
	if _, code := g.join(late, "Mallory"); code != "link-refused" {
		g.t.Errorf("a link whose time is over: %q", code)
	}
	link := g.link()
	if _, code := g.join(late, "Mallory"); code != "link-refused" {
		g.t.Errorf("a link that another replaced: %q", code)
	}
	admin, code := g.join(link, "Aigul")
	if code != "" {
		g.t.Fatal(code)
	}
	if _, code := g.join(link, "Mallory"); code != "link-refused" {
		g.t.Errorf("a link that was used: %q", code)
	}
	g.want(422, "passkey-needs-name", request{method: "POST", path: "/v1/staff/challenges",
		body: `{"purpose":"sign-in"}`, headers: map[string]string{"Origin": "https://127.0.0.1:" + g.port,
			"Content-Type": "application/json"}})
	return admin
}

// holdSessions: a session is kept as a hash and outlives a restart; it ends when nobody used it, with its roles, and by
// signing out; and it counts for the node's own pages.
func (g *guarded) holdSessions(admin *officer) {
	g.t.Helper()
	link := admin.ask(200, "POST", "/v1/staff/invitations", `{"name":"Bolat","roles":["auditor"]}`)["link"].(string)
	bolat, code := g.join(link, "Bolat")
	if code != "" {
		g.t.Fatal(code)
	}
	file := filepath.Join(g.dir, "staff", "sessions.json")
	content, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(content), admin.cookie.Value) {
		g.t.Errorf("the sessions' file has a secret: %v", err)
	}
	g.again(func() {})
	admin.ask(200, "GET", "/v1/staff/session", "")
	bolat.ask(200, "GET", "/v1/blocks/0", "")
	foreign := request{method: "GET", path: "/v1/staff/session", host: "localhost:" + g.port,
		headers: map[string]string{"Cookie": admin.cookie.Name + "=" + admin.cookie.Value, "Sec-Fetch-Site": "cross-site"}}
	g.want(401, "unauthorised", foreign)
	foreign.headers["Cookie"] = "aqsha-staff=" + admin.cookie.Value // over TLS that name is anybody's to set
	foreign.headers["Sec-Fetch-Site"] = "same-origin"
	g.want(401, "unauthorised", foreign)
	// Another role ends the sessions.
	admin.ask(200, "PUT", "/v1/staff/accounts/"+bolat.id+"/roles", `{"roles":["authority"]}`)
	bolat.ask(401, "GET", "/v1/staff/session", "")
	// Half an hour without a request does.
	g.again(func() {
		content, err := os.ReadFile(file)
		old := regexp.MustCompile(`"seen_millis": ?\d+`).ReplaceAll(content,
			fmt.Appendf(nil, `"seen_millis":%d`, time.Now().Add(-31*time.Minute).UnixMilli()))
		if err != nil || bytes.Equal(old, content) || os.WriteFile(file, old, 0o600) != nil {
			g.t.Fatal(err)
		}
	})
	admin.ask(401, "GET", "/v1/staff/session", "")
	admin.signIn()
	before := *admin.cookie
	admin.ask(204, "DELETE", "/v1/staff/session", "")
	admin.cookie = &before
	admin.ask(401, "GET", "/v1/staff/session", "")
	admin.signIn()
}

func (o *officer) signIn() {
	o.t.Helper()
	o.cookie = nil
	c := o.ask(200, "POST", "/v1/staff/challenges", `{"purpose":"sign-in"}`)
	raw, _ := hex.DecodeString(c["challenge"].(string))
	s := o.device.Sign(o.origin, c["site"].(string), raw)
	o.ask(200, "POST", "/v1/staff/sessions", fmt.Sprintf(
		`{"challenge":%q,"passkey":{"id":"%x","client_data":"%x","authenticator":"%x","signature":"%x","account":"%x"}}`,
		c["challenge"], s.ID, s.ClientData, s.Authenticator, s.Signature, s.Handle))
}

// roleRights are who is answered, by what the description says of an operation's readers.
var roleRights = map[string][]string{
	"anybody": {"nobody", "bank", "auditor", "authority", "administrator"}, "wallet": {"auditor", "authority"}, "holder": {},
	"auditors": {"auditor", "authority"}, "staff": {"administrator"}, "administrators": {"administrator"},
	"trail": {"auditor", "authority", "administrator"},
}

// holdRights: each operation that reads is answered to those whom the description names, and refused to everybody else;
// nothing that changes something is done for nobody.
func (g *guarded) holdRights(admin *officer) {
	g.t.Helper()
	tokens := map[string]string{"nobody": "", "administrator": ""}
	for _, role := range []string{"auditor", "authority", "bank"} {
		file := filepath.Join(g.dir, role+".token")
		args := []string{"access", "new", role, "--role", role, "--out", file, "--data", g.dir}
		if role == "bank" {
			args = append(args[:4], "intermediary", "--bank", strings.Repeat("7", 32), "--out", file, "--data", g.dir)
		}
		g.run(args...)
		content, err := os.ReadFile(file)
		if err != nil {
			g.t.Fatal(err)
		}
		tokens[role] = strings.TrimSpace(string(content))
	}
	var described struct {
		Paths map[string]map[string]struct {
			ID      string `json:"operationId"`
			Readers string `json:"x-readers"`
		}
	}
	if err := json.Unmarshal([]byte(g.want(200, "", request{method: "GET", path: "/openapi.json"})), &described); err != nil {
		g.t.Fatal(err)
	}
	g.taken(tokens["auditor"])
	asked := 0
	for path, methods := range described.Paths {
		filled := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(strings.NewReplacer("{height}", "0", "{number}", "1",
			"{measure}", "value", "{level}", "0", "{index}", "000", "{id}", strings.Repeat("9", 32)).Replace(path), strings.Repeat("9", 32))
		if path == "/v1/events" || path == "/v1/feed" || strings.HasSuffix(path, "/stream") {
			continue // they last; who may hear what is held in package api
		}
		for method, op := range methods {
			for role, token := range tokens {
				asked++
				g.holdRight(strings.ToUpper(method), filled, op.ID, op.Readers, role, token, admin)
			}
		}
	}
	if asked < 400 {
		g.t.Errorf("only %d questions were asked", asked)
	}
}

// taken waits until the running node has taken up an access that was added to its configuration.
func (g *guarded) taken(token string) {
	g.t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		if response, _ := g.send(request{method: "GET", path: "/v1/blocks/0",
			headers: map[string]string{"Authorization": "Bearer " + token}}); response.StatusCode == 200 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	g.t.Fatal("the node does not take up the new access")
}

func (g *guarded) holdRight(method, path, id, readers, role, token string, admin *officer) {
	g.t.Helper()
	q := request{method: method, path: path, headers: map[string]string{}}
	if token != "" {
		q.headers["Authorization"] = "Bearer " + token
	}
	if role == "administrator" {
		if method != "GET" {
			return // it would change who works here; package api holds each
		}
		q.host = "localhost:" + g.port
		q.headers["Cookie"], q.headers["Sec-Fetch-Site"] = admin.cookie.Name+"="+admin.cookie.Value, "same-origin"
	}
	if method != "GET" {
		q.headers["Content-Type"], q.body = "application/json", "{}"
	}
	response, body := g.send(q)
	refused := response.StatusCode == 401 || response.StatusCode == 403
	may := slices.Contains(roleRights[readers], role)
	switch {
	case response.StatusCode >= 500 && response.StatusCode != 503:
		g.t.Errorf("%s as %s: %d %.200s", id, role, response.StatusCode, body)
	case method != "GET":
		if readers != "anybody" && readers != "signature" && role == "nobody" && response.StatusCode < 400 {
			g.t.Errorf("%s is done for nobody: %d", id, response.StatusCode)
		}
	case roleRights[readers] == nil || readers == "wallet" && role == "bank": // by whose the wallet or draft is
	case may && refused, !may && !refused && response.StatusCode != 422 && response.StatusCode != 404:
		g.t.Errorf("%s (for %s) as %s: %d %.200s", id, readers, role, response.StatusCode, body)
	case !may && role == "nobody" && response.StatusCode == 404:
		g.t.Errorf("%s tells nobody what is there: %.200s", id, body)
	}
}

// holdRates: who gets links wrong is told to wait, and for how long.
func (g *guarded) holdRates() {
	g.t.Helper()
	o := &officer{guarded: g}
	wrong := fmt.Sprintf(`{"purpose":"join","link":%q}`, strings.Repeat("A", 43))
	for i := range 40 {
		response, body := o.page("POST", "/v1/staff/challenges", wrong)
		if response.StatusCode == 429 {
			if i < 10 || response.Header.Get("Retry-After") == "" || !strings.Contains(body, "too-often") {
				g.t.Errorf("after %d: %v %s", i, response.Header, body)
			}
			return
		}
	}
	g.t.Error("forty wrong links of one address were looked at")
}
