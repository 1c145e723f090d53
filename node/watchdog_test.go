package node_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// stuckFS is a disk that does not answer any more, for some files.
type stuckFS struct {
	vfs.FS
	mu    sync.Mutex
	stuck map[string]chan struct{} // "sync" or "read": closed when it answers again
}

func (s *stuckFS) stick(what string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := make(chan struct{})
	s.stuck[what] = answer
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.stuck, what)
		close(answer)
	}
}

func (s *stuckFS) wait(what string) {
	s.mu.Lock()
	answer := s.stuck[what]
	s.mu.Unlock()
	if answer != nil {
		<-answer
	}
}

type stuckFile struct {
	vfs.File
	fs   *stuckFS
	name string
}

func (s *stuckFS) Create(name string) (vfs.File, error) {
	f, err := s.FS.Create(name)
	return &stuckFile{f, s, name}, err
}

func (s *stuckFS) Open(name string) (vfs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return &stuckFile{f, s, name}, nil
}

func (s *stuckFS) OpenReadWrite(name string) (vfs.File, error) {
	f, err := s.FS.OpenReadWrite(name)
	if err != nil {
		return nil, err
	}
	return &stuckFile{f, s, name}, nil
}

func (f *stuckFile) Datasync() error {
	if strings.Contains(f.name, "segments") {
		f.fs.wait("sync")
	}
	return f.File.Datasync()
}

func (f *stuckFile) ReadAt(p []byte, at int64) (int, error) {
	if strings.Contains(f.name, "segments") {
		f.fs.wait("read")
	}
	return f.File.ReadAt(p, at)
}

// stuckTown is a node on a disk that can be made to hang.
type stuckTown struct {
	*journal
	fs     *stuckFS
	world  *sim.World
	node   *node.Node
	issued uint64
}

func newStuckTown(t *testing.T) *stuckTown {
	t.Helper()
	w := &stuckTown{journal: &journal{}, world: sim.NewWorld(6), fs: &stuckFS{FS: disk.New(1).FS(), stuck: map[string]chan struct{}{}}}
	config := node.Config{Dir: "data", Logger: w.logger(), Now: func() uint64 { return sim.StartMillis + 1000 },
		Options: txlog.Options{Origin: w.world.Genesis.Name, Signers: []note.Signer{w.world.LogSigner}, FS: w.fs, SegmentBytes: 1 << 20}}
	if err := node.Init(config, w.world.Genesis); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	admit, _ := w.world.Admit("bank", 1, fleetValid)
	if _, err := w.node.Submit(t.Context(), admit); err != nil {
		t.Fatal(err)
	}
	return w
}

// pay sends a payment and does not wait for long.
func (w *stuckTown) pay(ctx context.Context) (answered chan error) {
	answered = make(chan error, 1)
	_, bank := w.world.Admit("bank", 1, fleetValid)
	w.issued++
	tx := w.world.Issue(w.issued, bank, fleetValid, money.Tenge)
	go func() { _, err := w.node.Submit(ctx, tx); answered <- err }()
	return answered
}

// stalls waits until the watchdog says that a stage, or none, stands still.
func (w *stuckTown) stalls(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var names []string
		for _, s := range w.node.Stalled() {
			names = append(names, s.Stage)
		}
		found := strings.Contains(strings.Join(names, " "), want) && (want != "" || len(names) == 0)
		if found {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("stalled: %v, want %q", names, want)
		}
	}
	// What the operator asks answers, whatever hangs.
	_, _, _ = w.node.Counts(), w.node.Clock(), w.node.Followers()
	if warnings := strings.Join(w.node.Warnings(), "\n"); !strings.Contains(warnings, want) {
		t.Errorf("warnings: %q", warnings)
	}
}

// Whatever stage hangs, the node says which, logs the stacks once, and says no more when it goes on.
func TestAStageThatHangsIsSaid(t *testing.T) {
	for _, c := range []struct {
		stage string
		hang  func(w *stuckTown) (release func())
	}{
		{"executor", func(w *stuckTown) func() { // somebody reads the state and never ends
			release, reading := make(chan struct{}), make(chan struct{})
			go func() {
				_ = w.node.View(context.Background(), func(*livestate.State, node.Head) { close(reading); <-release })
			}()
			<-reading
			return func() { close(release) }
		}},
		{"committer", func(w *stuckTown) func() { return w.fs.stick("sync") }},
		{"index", func(w *stuckTown) func() { return w.fs.stick("read") }},
	} {
		t.Run(c.stage, func(t *testing.T) {
			t.Parallel()
			w := newStuckTown(t)
			if stalled := w.node.Stalled(); len(stalled) != 0 {
				t.Fatalf("at rest: %v", stalled)
			}
			release := c.hang(w)
			answered := w.pay(t.Context())
			w.stalls(t, c.stage)
			until(t, "the stacks are logged", func() bool { return w.has("no progress though work waits") && w.has("goroutine ") })
			release()
			if err := <-answered; err != nil {
				t.Error(err)
			}
			w.stalls(t, "")
			if err := <-w.pay(t.Context()); err != nil {
				t.Error(err)
			}
			if err := w.node.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
