package consolebench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/internal/cli"
)

// Subscribers are a process of their own: what they spend on hearing is none of the node's work, though both have this
// machine's processors. The process opens its streams, says so, and answers each line of its input with what it has
// heard; it ends with its input.

// hearing is what the subscribers' process says.
type hearing struct {
	Opened     int     `json:"opened,omitempty"`
	Heard      uint64  `json:"heard"` // blocks, by all of them
	CPUSeconds float64 `json:"cpu_seconds"`
	Error      string  `json:"error,omitempty"`
}

// subscribers are that process, seen from here.
type subscribers struct {
	process *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.Reader
	answers *bufio.Scanner
}

// A connection of its own for each, as of so many people.
// hearer makes the process: this program again.
type hearer func(ctx context.Context, url string, n int) (*exec.Cmd, error)

func thisProgram(ctx context.Context, url string, n int) (*exec.Cmd, error) {
	self, err := os.Executable()
	return exec.CommandContext(ctx, self, "bench", "console", "--hear", url, "--subscribers", fmt.Sprint(n)), err
}

// subscribe starts the process and returns when each stream was answered. The subscribers are a process of their own,
// so that what hearing costs them is not counted as the node's time.
func subscribe(ctx context.Context, make hearer, url string, n int) (s *subscribers, err error) {
	process, err := make(ctx, url, n)
	if err != nil {
		return nil, err
	}
	process.Stderr = os.Stderr
	s = &subscribers{process: process}
	if s.stdin, err = process.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	s.stdout = stdout
	s.answers = bufio.NewScanner(stdout)
	if first, err := s.read(); err != nil || first.Opened != n {
		return nil, errors.Join(err, s.close(), fmt.Errorf("%d of %d streams were opened", first.Opened, n))
	}
	return s, nil
}

// read takes the process's next line; what it says went wrong is the error.
func (s *subscribers) read() (h hearing, err error) {
	if !s.answers.Scan() {
		return h, fmt.Errorf("the subscribers' process ended: %w", errors.Join(s.answers.Err(), io.ErrUnexpectedEOF))
	}
	if err := json.Unmarshal(s.answers.Bytes(), &h); err != nil {
		return h, err
	}
	if h.Error != "" {
		err = errors.New(h.Error)
	}
	return h, err
}

// hearWait is how long subscribers may take, after the last payment, to hear of its block; hearLook is how often they
// are asked.
const (
	hearWait = 20 * time.Second
	hearLook = 100 * time.Millisecond
)

// await waits until all have heard of so many blocks together, and returns what they have.
func (s *subscribers) await(ctx context.Context, blocks uint64) (h hearing, err error) {
	ctx, cancel := context.WithTimeout(ctx, hearWait)
	defer cancel()
	look := time.NewTicker(hearLook)
	defer look.Stop()
	for {
		if _, err := io.WriteString(s.stdin, "\n"); err != nil {
			return h, err
		}
		if h, err = s.read(); err != nil || h.Heard >= blocks {
			return h, err
		}
		select {
		case <-ctx.Done():
			return h, nil
		case <-look.C:
		}
	}
}

// close ends the process, and its streams with it.
func (s *subscribers) close() error {
	err := s.stdin.Close()
	_, _ = io.Copy(io.Discard, s.stdout) // what it still says: while nobody reads that, it does not end
	return errors.Join(err, s.process.Wait())
}

// hear is the subscribers' process: it opens so many streams, and reports until its input ends. Each line that comes
// in asks for a report, so that the two keep no time of their own. Each stream has a connection of its own, as from
// another browser.
func hear(ctx context.Context, url string, n int, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer func() {
		stop()
		group.Wait()
	}()
	var heard atomic.Uint64
	opened := make(chan error, n)
	transport := &http.Transport{DisableKeepAlives: true}
	for range n {
		group.Go(func() { hearOne(ctx, transport, url, opened, &heard) })
	}
	say := json.NewEncoder(out)
	for i := range n {
		if err := <-opened; err != nil {
			return errors.Join(err, say.Encode(hearing{Opened: i, Error: err.Error()}))
		}
	}
	if err := say.Encode(hearing{Opened: n}); err != nil {
		return err
	}
	for asked := bufio.NewScanner(in); asked.Scan(); {
		if err := say.Encode(hearing{Heard: heard.Load(), CPUSeconds: cli.CpuTime().Seconds()}); err != nil {
			return err
		}
	}
	return nil
}

// blockEvent begins the event of a block within a stream.
var blockEvent = []byte("\nevent: block\n")

// hearOne reads a stream and counts its blocks.
func hearOne(ctx context.Context, transport *http.Transport, url string, opened chan<- error, heard *atomic.Uint64) {
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
	buffer := make([]byte, 16<<10)
	kept := 0 // bytes at the buffer's beginning that may begin an event whose rest comes next
	for {
		n, err := response.Body.Read(buffer[kept:])
		text := buffer[:kept+n]
		heard.Add(uint64(bytes.Count(text, blockEvent)))
		kept = copy(buffer, text[max(0, len(text)-len(blockEvent)+1):])
		if err != nil {
			return
		}
	}
}
