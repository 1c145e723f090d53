package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
)

// A request that says one field twice is refused, wherever it stands and whoever reads it; equal names in different
// objects are no such thing.
func TestAFieldIsSaidOnce(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	wallet := w.alice.String()
	for _, c := range []struct{ path, body, field string }{
		{"/v1/sessions/challenges", `{"wallet":"` + wallet + `","wallet":"` + w.bob.String() + `"}`, "wallet"},
		{"/v1/sessions/challenges", `{"wallet":"` + wallet + `","Wallet":"` + w.bob.String() + `"}`, "Wallet"},
		{"/v1/explain", `{"code":"expired","x":[{"a":1,"b":{"c":[1,2],"c":3}}]}`, "c"},
		{"/v1/transactions", `{"kind":"transfer","body":{"amount":1,"amount":2}}`, "amount"},
		{"/v1/explain", `{"code":"expired","` + strings.Repeat("x", 99) + `":1,"` + strings.Repeat("x", 99) + `":2}`, "xxx…"},
	} {
		status, _, answer := w.call(t, "POST", c.path, "application/json", "", []byte(c.body))
		if status != http.StatusBadRequest || !strings.Contains(string(answer), `"doubled-field"`) ||
			!strings.Contains(string(answer), c.field+`"`) {
			t.Errorf("%s %.60s: %d %s", c.path, c.body, status, answer)
		}
	}
	for path, body := range map[string]string{"/v1/sessions/challenges": `{"wallet":"` + wallet + `"}`,
		"/v1/explain": `{"code":"expired"}`} {
		if status, _, answer := w.call(t, "POST", path, "application/json", "", []byte(body)); status != 200 {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}
