package cli

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// Somebody who waits is told of it once the answer is late, and again, and no more when it has come; several requests
// speak once.
func TestWaitingIsSaid(t *testing.T) {
	t.Parallel()
	ticks := make(chan time.Time)
	var asked []time.Duration
	r, w := io.Pipe()
	lines := make(chan string)
	go func() {
		defer close(lines)
		buffer := make([]byte, 1024)
		for {
			n, err := r.Read(buffer)
			if err != nil {
				return
			}
			lines <- string(buffer[:n])
		}
	}()
	var mu sync.Mutex
	s := &waiter{w: w, after: func(d time.Duration) <-chan time.Time {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, d)
		return ticks
	}}
	answered := s.wait("http://u:secret@a:1")
	other := s.wait("http://b")
	for _, want := range []string{", 2 s", ", 12 s", ", 22 s"} {
		ticks <- time.Time{}
		if line := <-lines; !strings.Contains(line, "http://u:xxxxx@a:1"+want) {
			t.Errorf("%q, want %q", line, want)
		}
	}
	other()
	answered()
	_ = w.Close()
	for line := range lines {
		t.Errorf("after the answer: %q", line)
	}
	if asked[0] != waitingFirst || asked[1] != waitingAgain {
		t.Errorf("asked for %v", asked)
	}
	s.w = io.Discard
	s.wait("http://c")() // the next is spoken of again
}
