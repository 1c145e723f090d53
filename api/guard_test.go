package api_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
)

// A web page can neither read an open node through a name that it bent, nor send it anything.
func TestWebPagesOfOthersAreKeptOut(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	wallet := "/v1/wallets/" + w.alice.String()
	for _, tc := range []struct {
		what, method, path string
		host               string
		headers            map[string]string
		status             int
		code               string
	}{
		{"a name bent to this address", "GET", wallet, "evil.example", nil, 421, "wrong-host"},
		{"the same with a port", "GET", wallet, "evil.example:8420", nil, 421, "wrong-host"},
		{"a name that begins like ours", "GET", wallet, "localhost.evil.example", nil, 421, "wrong-host"},
		{"another machine's address", "GET", wallet, "192.168.1.1:8420", nil, 421, "wrong-host"},
		{"metrics too", "GET", "/metrics", "evil.example", nil, 421, "wrong-host"},
		{"our names", "GET", wallet, "localhost:8420", nil, 200, ""},
		{"our names", "GET", wallet, "[::1]:8420", nil, 200, ""},
		{"our names", "GET", wallet, "127.0.0.1", nil, 200, ""},
		{"a page's form", "POST", "/v1/sessions/challenges", "localhost", map[string]string{"Origin": "http://evil.example", "Content-Type": "application/json"}, 403, "cross-site"},
		{"a browser's word", "POST", "/v1/sessions/challenges", "localhost", map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, 403, "cross-site"},
		{"our page", "POST", "/v1/sessions/challenges", "localhost:8420", map[string]string{"Origin": "http://localhost:8420", "Content-Type": "application/json"}, 200, ""},
		{"a program", "POST", "/v1/sessions/challenges", "localhost", map[string]string{"Content-Type": "application/json"}, 200, ""},
		{"a blob without a type", "POST", "/v1/sessions/challenges", "localhost", nil, 415, "content-type"},
	} {
		r, err := http.NewRequest(tc.method, w.http.URL+tc.path, strings.NewReader(`{"wallet":"`+w.alice.String()+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tc.host
		for name, value := range tc.headers {
			r.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != tc.status || !strings.Contains(string(body), tc.code) {
			t.Errorf("%s: %s %s as %s: %d %s, want %d", tc.what, tc.method, tc.path, tc.host, response.StatusCode, body, tc.status)
		}
	}
}

// A node that is not open answers under its own names too: those of its machine, its origins, and its certificate's,
// wildcards among them; behind a proxy, under what it is configured to be dialled at.
func TestANodeAnswersUnderItsOwnNames(t *testing.T) {
	origins := []string{"https://Tenge.example.kz:8443"}
	for _, c := range []struct {
		options api.Options
		tls     bool
		host    string
		path    string
		want    int
	}{
		{api.Options{}, false, "evil.example", "/v1/network", 421},
		{api.Options{}, false, "evil.example", "/livez", 200},
		{api.Options{}, false, "localhost:1", "/v1/network", 200},
		{api.Options{Origins: origins}, false, "tenge.example.kz", "/v1/network", 200},
		{api.Options{Origins: origins}, true, "tenge.example.kz:8443", "/v1/network", 200},
		{api.Options{Origins: origins}, true, "tenge.example.kz.", "/v1/network", 200},
		{api.Options{Origins: origins}, true, "evil.example", "/v1/network", 421},
		{api.Options{Origins: origins}, true, "evil.example", "/no-such-route", 421},
		{api.Options{Names: []string{"*.example.kz", "2001:db8::7"}}, true, "a.example.kz", "/v1/network", 200},
		{api.Options{Names: []string{"*.example.kz", "2001:db8::7"}}, true, "[2001:0db8::7]:8443", "/v1/network", 200},
		{api.Options{Names: []string{"*.example.kz"}}, true, "a.b.example.kz", "/v1/network", 421},
		{api.Options{Names: []string{"*.example.kz"}}, true, "example.kz", "/v1/network", 421},
		{api.Options{Proxy: "127.0.0.1"}, false, "anything.example", "/v1/network", 200},
		{api.Options{Proxy: "127.0.0.1", Origins: origins}, false, "anything.example", "/v1/network", 421},
		{api.Options{Proxy: "127.0.0.1", Origins: origins}, false, "tenge.example.kz", "/v1/network", 200},
	} {
		w := street(t)
		server := api.New(w.node, c.options)
		r := httptest.NewRequest(http.MethodGet, "http://x"+c.path, nil)
		r.Host, r.RemoteAddr = c.host, "127.0.0.1:999"
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		answer := httptest.NewRecorder()
		server.Handler().ServeHTTP(answer, r)
		if answer.Code != c.want {
			t.Errorf("%+v as %s: %d, want %d", c.options, c.host, answer.Code, c.want)
		}
		if hsts := answer.Header().Get("Strict-Transport-Security"); (hsts != "") != c.tls {
			t.Errorf("as %s, TLS %v: HSTS %q", c.host, c.tls, hsts)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
}
