package pool_test

import (
	"bufio"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// queries begins a takeover on the socket and dies: after the question, or after it has said that it is ready and before it
// reads what it is sent.
func (s *succession) queries(ready bool) {
	s.t.Helper()
	conn, err := net.Dial("unix", filepath.Join(s.dir, "admin.sock"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST /handover HTTP/1.1\r\nHost: pool\r\nContent-Length: 0\r\n\r\n")); err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("%+v, %v", answer, err)
	}
	if ready {
		_, _ = conn.Write([]byte{'g'})
	}
}

// A successor is killed at each step: when it has asked, is ready, has received everything, has opened the log, has written
// to it, has put its own socket in the place of the old one, has made the connections its own. The old process goes on
// with the same connections, whose shares are all accepted, and the next successor takes over from it. One that dies at
// the moment at which it has given its word takes the connections with it; the next start has every share that was
// accepted, once.
func TestASuccessorDiesAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"pplns", "solo"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			s := &succession{t: t, dir: t.TempDir(), scheme: scheme}
			writeCertificate(t, s.dir+"/cert.pem", s.dir+"/key.pem")
			_, addresses := s.next(false)
			load := &hashing{}
			for _, user := range []string{alice + ".1", bob + ".2", alice + ".3"} {
				load.mine(t, dial(t, addresses[0]), user)
			}
			goesOn := func(what string) {
				t.Helper()
				before := load.accepted.Load()
				for deadline := time.Now().Add(time.Minute); load.accepted.Load() < before+30; time.Sleep(time.Millisecond) {
					if t.Failed() || time.Now().After(deadline) {
						t.Fatalf("%s: %d shares of 30 were accepted since", what, load.accepted.Load()-before)
					}
				}
			}
			s.queries(false)
			goesOn("it has asked")
			s.queries(true)
			goesOn("it is ready")
			for _, step := range successorSteps[:len(successorSteps)-1] {
				s.dies = step
				s.mustDie()
				goesOn(step)
				s.dies = "" // another takes over from the one that went on
				if _, next := s.next(false); next != addresses {
					t.Errorf("after %s: listens on %v, before on %v", step, next, addresses)
				}
				goesOn("the next after " + step)
			}
			load.stop.Store(true)
			load.wait.Wait()
			if load.accepted.Load() != load.sent.Load() {
				t.Errorf("%d of %d shares accepted", load.accepted.Load(), load.sent.Load())
			}
			s.dies = "confirmed"
			s.mustDie()
			s.dies = ""
			accepted := load.accepted.Load()
			last, addresses := s.next(false)
			load.stop.Store(false)
			load.mine(t, dial(t, addresses[0]), alice+".4")
			goesOn("the next start")
			load.stop.Store(true)
			load.wait.Wait()
			_ = last.Process.Kill()
			_, _ = last.Process.Wait()
			shares, jobs := logged(t, s.dir)
			inLog := map[[16]byte]bool{}
			for _, share := range shares {
				if err := share.Verify(jobs[share.Job]); err != nil || inLog[share.HashPrefix] {
					t.Errorf("share %x, in the log already: %v; %v", share.HashPrefix, inLog[share.HashPrefix], err)
				}
				inLog[share.HashPrefix] = true
			}
			if int64(len(shares)) != load.accepted.Load() || load.accepted.Load() <= accepted {
				t.Errorf("%d shares in the log, %d were answered true", len(shares), load.accepted.Load())
			}
		})
	}
}

// mustDie starts a successor that kills itself.
func (s *succession) mustDie() {
	s.t.Helper()
	process, _ := s.next(true)
	_ = process.Wait()
	if status, ok := process.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		s.t.Errorf("the successor that dies at %q has ended otherwise: %v", s.dies, process.ProcessState)
	}
}
