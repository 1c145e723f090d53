package api_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
)

// The feed is for those who may read everything; it begins at a block and ends with its reader.
func TestFeed(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := w.client
	for _, c := range []*api.Client{client, api.Local(w.server)} {
		stream, err := c.Feed(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		r, entries := bufio.NewReader(stream), uint64(0)
		for {
			f, err := node.ReadFrame(r)
			if err != nil {
				t.Fatal(err)
			}
			entries += uint64(len(f.Entries))
			if f.Checkpoint != nil && entries > 0 { // one comes before all blocks
				break
			}
		}
		if size := w.node.Head().Size; entries != size {
			t.Errorf("%d entries below the first checkpoint, the log has %d", entries, size)
		}
		_ = stream.Close()
	}
	var problem *api.Problem
	// Who has more than this node, or other blocks, is shown its checkpoint, and no more.
	for _, from := range []uint64{2, 1 << 40} {
		other, err := client.Feed(ctx, from)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		r := bufio.NewReader(other)
		if f, err := node.ReadFrame(r); err != nil || f.Checkpoint == nil {
			t.Errorf("from %d: %v", from, err)
		}
		if _, err := node.ReadFrame(r); err == nil {
			t.Errorf("from %d: more than the checkpoint", from)
		}
	}
	if response, err := http.Get(w.http.URL + "/v1/feed?from=x"); err != nil || response.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("from=x: %v %v", response, err)
	} else {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	if fence, err := client.Fence(ctx); fence != nil || err != nil {
		t.Errorf("fence %q, %v", fence, err)
	}
	if err := client.SetFence(ctx, []byte("no fence")); !errors.As(err, &problem) {
		t.Error(err)
	}
	if err := client.Cosign(ctx, []byte("no note")); !errors.As(err, &problem) || problem.Code != string(node.NotCosigner) {
		t.Error(err)
	}
}

func TestFeedNeedsAccess(t *testing.T) {
	w := newTown(t, api.Options{})
	var problem *api.Problem
	if _, err := api.NewClient(w.http.URL, "").Feed(t.Context(), 0); !errors.As(err, &problem) || problem.Status != http.StatusUnauthorized {
		t.Error(err)
	}
}
