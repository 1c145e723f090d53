package statuscmd

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// speaks is something that listens, says what it always says, and ends the connection.
func speaks(t *testing.T, first, answer string) (url string) {
	t.Helper()
	return "http://" + clitest.Listen(t, func(c net.Conn) {
		_, _ = io.WriteString(c, first)
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, answer)
	})
}

// What answers and is no node is said to be none, with what helps, and without the words of a library.
func TestStatusOfStrangers(t *testing.T) {
	page := func(handle http.HandlerFunc) string {
		server := httptest.NewServer(handle)
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, c := range map[string]struct{ url, says string }{
		"a shell's server": {speaks(t, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", ""), "does not speak HTTP"},
		"a mail server":    {speaks(t, "", "220 mail.example.kz ESMTP\r\n"), "does not speak HTTP"},
		"zeros":            {speaks(t, "", string(make([]byte, 512))), "does not speak HTTP"},
		"a redirection": {page(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.kz/", http.StatusFound)
		}),
			`redirection to "https://login.example.kz/", which is not followed`},
		"a page": {page(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!doctype html><title>Router</title>")
		}), "not as a node of a ledger does"},
		"nothing":         {page(func(http.ResponseWriter, *http.Request) {}), "not as a node of a ledger does"},
		"another program": {page(http.NotFound), "answers 404 Not Found, and not as a node of a ledger does"},
		"another one's JSON": {page(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"network": 7}`)
		}), "not as a node of a ledger does"},
		"not modified, empty": {page(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotModified)
		}), "answers 304 Not Modified"},
	} {
		m := queryNode(t.Context(), c.url, "")
		if m.Role != RoleUnknown || m.Status != noNode || !strings.Contains(m.Detail, c.says) ||
			!strings.HasPrefix(m.Detail, c.url) {
			t.Errorf("%s: %s, %s: %s", name, m.Role, m.Status, m.Detail)
		}
		for _, inside := range []string{"malformed", "invalid character", "net/http", "json:", "unmarshal", "EOF"} {
			if strings.Contains(m.Detail, inside) {
				t.Errorf("%s: a library speaks: %s", name, m.Detail)
			}
		}
	}
}
