package benchcmd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// subscribers hear of blocks over connections of their own.
type subscribers struct {
	stop  context.CancelFunc
	group sync.WaitGroup
	heard atomic.Uint64 // blocks, by all of them
}

// subscribe opens so many streams and returns when each was answered.
func subscribe(ctx context.Context, url string, n int) (*subscribers, error) {
	ctx, stop := context.WithCancel(ctx)
	s := &subscribers{stop: stop}
	// A connection of its own for each, as of so many people.
	transport := &http.Transport{DisableKeepAlives: true}
	opened := make(chan error, n)
	for range n {
		s.group.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/events?topics=blocks", nil)
			if err != nil {
				opened <- err
				return
			}
			response, err := transport.RoundTrip(r)
			if err != nil {
				opened <- err
				return
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				opened <- fmt.Errorf("a stream was refused with %s", response.Status)
				return
			}
			opened <- nil
			lines := bufio.NewScanner(response.Body)
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "event: block") {
					s.heard.Add(1)
				}
			}
		})
	}
	var errs []error
	for range n {
		errs = append(errs, <-opened)
	}
	if err := errors.Join(errs...); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// hearWait is how long subscribers may take, after the last payment, to hear of its block.
const hearWait = 20 * time.Second

// await waits until all have heard of so many blocks together, and returns of how many they have.
func (s *subscribers) await(ctx context.Context, blocks uint64) uint64 {
	ctx, cancel := context.WithTimeout(ctx, hearWait)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for s.heard.Load() < blocks {
		select {
		case <-ctx.Done():
			return s.heard.Load()
		case <-look.C:
		}
	}
	return s.heard.Load()
}

// close ends the streams.
func (s *subscribers) close() {
	s.stop()
	s.group.Wait()
}
