package notify

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aqsha/aqsha/farm/alert"
)

// A notice goes where its owner said, and nowhere else.
func TestAWebhooksRedirectIsNotFollowed(t *testing.T) {
	asked := make(chan string, 2)
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- "inside" }))
	defer inside.Close()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
	}))
	defer hook.Close()
	h := &Hooks{Dir: t.TempDir(), URLs: []string{hook.URL}, Log: slog.New(slog.DiscardHandler)}
	if err := h.Open(); err != nil {
		t.Fatal(err)
	}
	if err := h.post(context.Background(), hook.URL, []alert.Notice{{Kind: "offline"}}); err == nil {
		t.Error("a redirect was taken for the receiver's word")
	}
	if len(asked) != 0 {
		t.Error("the redirect was followed")
	}
}
