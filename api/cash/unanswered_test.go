package cash

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash/office"
)

// An office that takes a request and hangs up leaves open what became of money; of what was only asked for nothing is
// open. Either way whoever waits is said to wait.
func TestAnOfficeThatHangsUp(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.Close()
	}))
	defer server.Close()
	c, err := NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	begun, ended := 0, 0
	c.WhileWaiting(func(base string) func() {
		if begun++; base != server.URL {
			t.Errorf("waits for %s", base)
		}
		return func() { ended++ }
	})
	ctx := context.Background()
	for what, one := range map[string]struct {
		moves bool
		ask   func() error
	}{
		"swap":       {true, func() error { _, err := c.Swap(ctx, office.SwapRequest{}); return err }},
		"mint":       {true, func() error { _, err := c.Mint(ctx, office.MintRequest{}); return err }},
		"melt":       {true, func() error { _, err := c.Melt(ctx, office.MeltRequest{}); return err }},
		"melt quote": {false, func() error { _, err := c.NewMeltQuote(ctx, "request"); return err }},
		"restore":    {false, func() error { _, _, err := c.Restore(ctx, nil); return err }},
		"states":     {false, func() error { _, err := c.States(ctx, nil); return err }},
		"keysets":    {false, func() error { _, _, err := c.Keysets(ctx); return err }},
	} {
		err := one.ask()
		if err == nil {
			t.Fatalf("%s: no error", what)
		}
		if open := errors.As(err, new(*api.UnansweredError)); open != one.moves {
			t.Errorf("%s: open what became of it %v, want %v: %v", what, open, one.moves, err)
		}
	}
	if begun == 0 || begun != ended {
		t.Errorf("%d waits begun, %d ended", begun, ended)
	}
}
