package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Hooks posts a farm's notices as JSON to URLs, each from a goroutine of its own, so that a slow receiver delays
// neither a poll nor another one. alerts.jsonl is the outbox: a notice is sent until the receiver has taken it, also by
// the next watch; what comes meanwhile goes with it. After a crash one may come twice.
type Hooks struct {
	Dir    string // the farm's folder
	URLs   []string
	Log    *slog.Logger
	Files  vfs.FS       // nil: the system's
	Client *http.Client // nil: one of its own

	mu       sync.Mutex // over what follows
	lines    int64      // of alerts.jsonl
	waiting  []waiting  // what some receiver has not taken, in order
	last     int64      // sequence of the newest
	dropped  int64      // sequence up to which some was dropped
	taken    map[string]int64
	position []int64 // by URL: sequence up to which it was taken
	least    int64   // line up to which everybody had taken all when the watch began

	saving sync.Mutex // one writer of webhooks.json; taken before mu
	wake   []chan struct{}
	done   sync.WaitGroup
}

// waiting is a notice and where it stands: in this watch, and in alerts.jsonl.
type waiting struct {
	sequence, line int64
	notice         alert.Notice
}

const (
	hooksFile = "webhooks.json" // lines of alerts.jsonl by the hash of a URL, which may be a secret
	// hookTimeout is long: nobody waits for a receiver but what is to be sent to it.
	hookTimeout = 2 * time.Minute
	// maxWaiting bounds the notices that are kept for a receiver that is away, maxAtOnce those of a request.
	maxWaiting, maxAtOnce = 20_000, 1000
)

func hookKey(url string) string {
	hash := sha256.Sum256([]byte(url))
	return hex.EncodeToString(hash[:8])
}

// Open prepares hooks. Notices of before are then taken, and Start called.
func (h *Hooks) Open() error {
	if h.Files == nil {
		h.Files = vfs.OS
	}
	if h.Client == nil {
		h.Client = &http.Client{Timeout: hookTimeout, CheckRedirect: httplimit.NoRedirect}
	}
	h.taken, h.least = map[string]int64{}, math.MaxInt64
	content, err := durable.Read(h.Files, filepath.Join(h.Dir, hooksFile), maxStates)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := json.Unmarshal(content, &h.taken); err != nil {
		return fmt.Errorf("%s: %w", hooksFile, err)
	}
	for _, url := range h.URLs {
		if line, known := h.taken[hookKey(url)]; known {
			h.least = min(h.least, line)
		}
	}
	return nil
}

// Take follows a notice; written is whether it is a line of alerts.jsonl.
func (h *Hooks) Take(n alert.Notice, written bool) {
	if len(h.URLs) == 0 {
		return
	}
	h.mu.Lock()
	if written {
		h.lines++
	}
	if started := h.position != nil; !n.Silenced && (started || h.lines > h.least) {
		h.last++
		h.waiting = append(h.waiting, waiting{h.last, h.lines, n})
		if over := len(h.waiting) - maxWaiting; over > 0 {
			h.dropped = h.waiting[over-1].sequence
			h.waiting = slices.Delete(h.waiting, 0, over)
		}
	}
	h.mu.Unlock()
	for _, wake := range h.wake {
		select {
		case wake <- struct{}{}:
		default: // it will look
		}
	}
}

// Start begins to send, until ctx ends. A URL that is new gets what comes from now on.
func (h *Hooks) Start(ctx context.Context) {
	h.mu.Lock()
	h.position = make([]int64, len(h.URLs))
	taken := map[string]int64{}
	for i, url := range h.URLs {
		line, known := h.taken[hookKey(url)]
		if !known {
			line = h.lines
		}
		// No further than the file goes, which somebody may have begun anew.
		taken[hookKey(url)] = min(line, h.lines)
		for _, w := range h.waiting {
			if w.line <= line {
				h.position[i] = w.sequence
			}
		}
		h.wake = append(h.wake, make(chan struct{}, 1))
	}
	h.taken = taken
	h.mu.Unlock()
	if len(h.URLs) > 0 {
		if err := h.save(); err != nil {
			h.Log.Error("writing down what webhooks have taken", "error", err)
		}
	}
	for i := range h.URLs {
		h.done.Go(func() { h.run(ctx, i) })
	}
}

// Wait returns when all have ended.
func (h *Hooks) Wait() { h.done.Wait() }

// run sends to one URL.
func (h *Hooks) run(ctx context.Context, i int) {
	pause := leastPause
	for ctx.Err() == nil {
		notices, last, dropped := h.due(i)
		if dropped {
			h.Log.Error("a webhook was away for too long: notices were dropped", "url", h.URLs[i], "kept", maxWaiting)
		}
		if len(notices) == 0 {
			select {
			case <-ctx.Done():
			case <-h.wake[i]:
			}
			continue
		}
		if err := h.post(ctx, h.URLs[i], notices); err != nil {
			if ctx.Err() != nil {
				return
			}
			h.Log.Error("a webhook has not taken notices; they are sent again", "url", h.URLs[i], "notices",
				len(notices), "error", err, "after", pause)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
				pause = min(pause*2, maxPause)
			}
			continue
		}
		// After it was taken: a crash between the two sends it once more, and never loses it.
		pause = leastPause
		if err := h.commit(i, last); err != nil {
			h.Log.Error("writing down what webhooks have taken", "error", err)
		}
	}
}

// due is what a URL is to be sent next, and whether some before it was dropped.
func (h *Hooks) due(i int) (notices []alert.Notice, last waiting, dropped bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if dropped = h.dropped > h.position[i]; dropped {
		h.position[i] = h.dropped
	}
	for _, w := range h.waiting {
		if w.sequence > h.position[i] && len(notices) < maxAtOnce {
			notices, last = append(notices, w.notice), w
		}
	}
	return notices, last, dropped
}

// commit writes down that a URL has taken all up to a notice, and forgets what everybody has.
func (h *Hooks) commit(i int, last waiting) error {
	h.mu.Lock()
	h.position[i] = max(h.position[i], last.sequence)
	h.taken[hookKey(h.URLs[i])] = last.line
	all := slices.Min(h.position)
	h.waiting = slices.DeleteFunc(h.waiting, func(w waiting) bool { return w.sequence <= all })
	h.mu.Unlock()
	return h.save()
}

func (h *Hooks) save() error {
	h.saving.Lock()
	defer h.saving.Unlock()
	h.mu.Lock()
	content, err := json.Marshal(h.taken)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	return durable.Replace(h.Files, filepath.Join(h.Dir, hooksFile), append(content, '\n'))
}

func (h *Hooks) post(ctx context.Context, url string, notices []alert.Notice) error {
	body, err := json.Marshal(struct {
		Notices []alert.Notice `json:"notices"`
	}{notices})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := h.Client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}
