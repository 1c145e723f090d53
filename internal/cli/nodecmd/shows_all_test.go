package nodecmd

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Nothing is copied from a leader that shows less than it has, nor from one that cannot say whether it does.
func TestWhoShowsAll(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		health  string
		copies  bool
		refuses bool // with the code that says so
	}{
		"a leader whose followers are there": {200, `{"status":"ok","role":"leader","height":7}`, true, false},
		"a leader that waits, and shows":     {200, `{"status":"waiting","role":"leader","height":7}`, true, false},
		"a leader that waits and does not":   {200, `{"status":"waiting","role":"leader"}`, false, true},
		"a follower that waits":              {200, `{"status":"waiting","role":"follower"}`, true, false},
		"an earlier program":                 {200, `{"status":"ok"}`, true, false},
		"no answer that can be read":         {200, `<html>`, false, false},
		"busy":                               {429, `{"code":"overloaded","detail":"later","status":429}`, false, false},
		"broken":                             {500, `oops`, false, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.health)
		}))
		err := ShowsAll(t.Context(), api.NewClient(server.URL, ""))
		server.Close()
		var refusal *token.Error
		if said := errors.As(err, &refusal) && refusal.Code == node.NotYet; (err == nil) != c.copies || said != c.refuses {
			t.Errorf("%s: %v", name, err)
		}
	}
}
