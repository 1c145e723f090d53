package alert_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/farm/alert"
)

// A notice goes where its owner said, and nowhere else.
func TestAWebhooksRedirectIsNotFollowed(t *testing.T) {
	var asked, reported atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reported.Add(1)
		http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
	}))
	defer hook.Close()
	w := &alert.Webhook{URLs: []string{hook.URL}, Log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(context.Background())
	w.Start(ctx)
	w.Send([]alert.Notice{{Kind: "offline"}})
	for reported.Load() == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("nothing was sent")
		default:
		}
	}
	stop()
	w.Close()
	if asked.Load() != 0 {
		t.Error("the redirect was followed")
	}
}
