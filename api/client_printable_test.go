package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/aqsha/aqsha/api"
)

// What a server says of itself reaches a terminal, and a server may be anybody's: nothing of it moves a cursor, clears a screen or
// turns the direction of writing.
func TestAServerSaysNothingToATerminal(t *testing.T) {
	for name, body := range map[string]string{
		"problem": `{"code":"x\u001b[2J","field":"f\u0007","detail":"\u202eyes\u001b]0;t\u0007\nsecond line"}`,
		"no json": "\x1b[2J",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(body))
		}))
		_, err := api.NewClient(server.URL, "").Network(t.Context())
		server.Close()
		if err == nil {
			t.Fatal(name, ": a refusal is no error")
		}
		if i := strings.IndexFunc(err.Error(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s: %q", name, err.Error())
		}
	}
}
