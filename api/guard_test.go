package api_test

import (
	"io"
	"net/http"
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
