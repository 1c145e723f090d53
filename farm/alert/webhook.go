package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// Webhook posts notices as JSON to URLs, in order, from one goroutine, so that a slow receiver delays
// no poll. A notice that cannot be delivered is tried again three times, then logged.
type Webhook struct {
	URLs   []string
	Log    *slog.Logger
	Client *http.Client

	queue chan []Notice
	done  sync.WaitGroup
}

const (
	webhookQueue   = 256
	webhookTries   = 4
	webhookTimeout = 10 * time.Second
)

// Start begins to deliver, until ctx ends and Close is called.
func (w *Webhook) Start(ctx context.Context) {
	w.queue = make(chan []Notice, webhookQueue)
	if w.Client == nil {
		w.Client = &http.Client{Timeout: webhookTimeout, CheckRedirect: httplimit.NoRedirect}
	}
	w.done.Go(func() {
		for notices := range w.queue {
			for _, url := range w.URLs {
				if err := w.deliver(ctx, url, notices); err != nil {
					w.Log.Error("webhook", "url", url, "notices", len(notices), "error", err)
				}
			}
		}
	})
}

// Send queues notices; when the queue is full they are logged and dropped.
func (w *Webhook) Send(notices []Notice) {
	if len(notices) == 0 || len(w.URLs) == 0 {
		return
	}
	select {
	case w.queue <- notices:
	default:
		w.Log.Error("webhook: queue is full, notices dropped", "notices", len(notices))
	}
}

// Close delivers what is queued and ends.
func (w *Webhook) Close() {
	close(w.queue)
	w.done.Wait()
}

// deliver posts notices, some times with longer and longer pauses. A receiver may get them twice.
func (w *Webhook) deliver(ctx context.Context, url string, notices []Notice) error {
	body, err := json.Marshal(struct {
		Notices []Notice `json:"notices"`
	}{notices})
	if err != nil {
		return err
	}
	pause := time.Second
	for try := 1; ; try++ {
		if err = w.post(ctx, url, body); err == nil || try == webhookTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 4
		}
	}
}

// post posts once; any answer but a 2xx is an error.
func (w *Webhook) post(ctx context.Context, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := w.Client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}
