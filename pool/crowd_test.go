package pool_test

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is how many connections are tried: what the process may open, at both ends, and 5,000 at most.
func crowd(t *testing.T) int {
	t.Helper()
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	files.Cur = files.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	return min(5000, int(files.Cur-500)/2)
}

// Five thousand devices behind one address, as a proxy of a large farm or a rental service: all are let in, have a job
// and are credited, once together and once more while all are connected. A few that break the rules lose
// their connections; the address is not banned for them.
func TestFiveThousandBehindOneAddress(t *testing.T) {
	p := startOffered(t, testConfig())
	clients := make([]*client, crowd(t))
	each := func(do func(i int)) {
		var all sync.WaitGroup
		for part := range 40 {
			all.Go(func() {
				for i := part; i < len(clients); i += 40 {
					do(i)
				}
			})
		}
		all.Wait()
	}
	each(func(i int) {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			t.Errorf("connection %d: %v", i, err)
			return
		}
		t.Cleanup(func() { conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(4 * time.Minute))
		clients[i] = &client{t: t, conn: conn, reader: bufio.NewReaderSize(conn, 1<<13)}
		clients[i].login(fmt.Sprintf("%s.rig%d", alice, i))
	})
	if t.Failed() {
		return
	}
	for round := range uint64(2) {
		each(func(i int) {
			c := clients[i]
			work := c.find(fmt.Sprintf("%s.rig%d", alice, i), c.jobs[0], round, meets(c.difficulty))
			if a := c.call("mining.submit", work...); !a.isTrue() {
				t.Errorf("connection %d, share %d: %+v", i, round, a)
			}
		})
	}
	s := p.WorkerStats(time.Now())
	if s.Connections != len(clients) || s.Accepted != uint64(2*len(clients)) || s.Refused != 0 || s.BansTotal != 0 || len(s.Workers) != len(clients) {
		t.Errorf("of %d: %d connected, %d shares, %d workers, %d refused, %d bans", len(clients), s.Connections, s.Accepted, len(s.Workers), s.Refused, s.BansTotal)
	}
	for range 3 {
		bad := dial(t, p.address)
		_, _ = bad.conn.Write([]byte("not JSON\n"))
		for ok := true; ok; {
			_, ok = bad.next()
		}
	}
	dial(t, p.address).login(bob)
	if s := p.Stats(time.Now()); s.BansTotal != 0 || s.Connections != len(clients)+1 {
		t.Errorf("after three of them broke the rules: %d connected, %d bans", s.Connections, s.BansTotal)
	}
	t.Logf("%d connections from one address", len(clients))
}
