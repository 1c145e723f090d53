package handover

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Handover is what a pool leaves to the process that takes its place: listening sockets, connections with all that
// the protocol has said on them, and the jobs that are out, with the transactions of their blocks. Everything else is
// in the directory. While the successor has not confirmed, the sockets are open in both processes and only what has
// ended serves none: if the successor dies, the predecessor serves them again.
type Handover struct {
	State   State
	Files   []int
	Tunnels *sync.WaitGroup // TLS connections that this process ends for others
	peer    *net.UnixConn   // where it was received from, until it is confirmed
}

// Version changes when a successor could misread a predecessor. Fields that are only added do not change it:
// gob gives them their zero value.
const Version = 1

// State is what a pool's next process needs to go on with its connections, in gob. Places (Current, Transactions, Job,
// File) are indices into the lists of the same State, so that what several share is described once. Died is when each
// tip was followed by another, Claims when a block on a tip was last sent out: one that is on its way must not be
// claimed anew by the next process. Exempt and Earned are the guard's: who is not to be banned.
type State struct {
	Version      int
	Listeners    []ListenerFile
	Transactions []bitcoin.TemplateTx // of all jobs, each once
	Jobs         []Job
	Current      int // of Jobs; −1: none
	Died         map[bitcoin.Hash]time.Time
	Claims       map[bitcoin.Hash]int64
	LastJob      uint64
	Loops        []Loop
	Exempt       []netip.Prefix
	Earned       []Earned
	Draining     bool
}

// ListenerFile is a socket that listens: the name of its port, and its place among the files passed.
type ListenerFile struct {
	Name string
	File int
}

// Job is a job as it was handed out. Record is what the log has of it; MinTime and MaxTime bound the time of a header
// in Unix seconds, TipTime is that of the block it builds on; Clean says that it ended the jobs before it.
type Job struct {
	Record                    sharelog.Job
	Template                  bitcoin.Template // without transactions
	Transactions              []int
	Arrived                   time.Time
	MinTime, MaxTime, TipTime uint32
	Clean                     bool
	Previous                  bitcoin.Hash
}

// Loop is a loop's connections, with the coinbases of single users that only it knows.
type Loop struct {
	Conns []Conn
	Solo  []Coinbase
}

// Coinbase is one made for a single user, of the job at a place. Record is what the log has of it.
type Coinbase struct {
	Job    int
	Number uint64
	Parts  bitcoin.CoinbaseParts
	Record *sharelog.Job
}

// Conn is a connection with all that its loop knew of it. File is the number of its socket among the files passed;
// Partial is of a line that has not ended, Unsent what the miner has not taken yet. One worker stands in Worker,
// several by their names in Workers. Window, Requests, Good and Bad are the counts by which a miner is closed, so that
// a handover gives nobody a fresh allowance; Steps are the difficulties of the jobs that are still known, the oldest
// first.
type Conn struct {
	File                           int
	IP                             netip.Addr
	Port                           settings.Port
	Secure, Subscribed             bool
	Partial, Unsent                []byte
	Connected, LastByte, LineSince time.Time
	Extranonce1                    [job.Extranonce1Size]byte
	Agent, Login                   string
	Class                          uint8
	Mask                           uint32
	Worker                         *Worker
	Workers                        map[string]Worker
	Floor                          float64
	Steps                          []Step
	Vardiff                        Vardiff
	Window                         time.Time
	Requests, Good, Bad            int
}

// Worker is a worker by his name, with his own least difficulty and the last that was found for him.
type Worker struct {
	Name        string // in full
	Floor, Last float64
	Share       time.Time // the newest valid one on the connection
}

// Step says that jobs have a difficulty from a number on. A share is judged by that of its job, so the steps go with
// the connection: by the newest alone, shares that are under way would be refused.
type Step struct {
	From       uint64
	Difficulty stratum.Difficulty
}

// Vardiff is the search for a connection's difficulty, as it stands: see serve.
type Vardiff struct {
	Wanted       stratum.Difficulty
	Since        time.Time
	Shares       int
	Measured     bool
	Least, Asked float64
}

// Earned says when an address last sent a share that counted.
type Earned struct {
	IP netip.Addr
	At time.Time
}

// Connections is how many miners are handed over.
func (h *Handover) Connections() (n int) {
	for _, l := range h.State.Loops {
		n += len(l.Conns)
	}
	return n
}

// Close closes this process's copies of the sockets that nobody has taken.
func (h *Handover) Close() {
	Close(h.Files)
	h.Files = nil
	if h.peer != nil {
		_ = h.peer.Close()
	}
}

// Wait waits until the TLS connections have ended whose encryption this process does, or the context has.
func (h *Handover) Wait(ctx context.Context) {
	done := make(chan struct{})
	go func() { h.Tunnels.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Take gives a descriptor to its new owner.
func (h *Handover) Take(file int) (fd int, ok bool) {
	if file < 0 || file >= len(h.Files) || h.Files[file] < 0 {
		return -1, false
	}
	fd, h.Files[file] = h.Files[file], -1
	return fd, true
}

const (
	// The words of one byte that the two processes say to each other.
	GoAhead   = 'g' // the successor is ready to receive
	confirmed = 'c' // the successor serves
)

// SendTo hands everything to the successor and waits for its word that it serves. After an error this process is to
// serve again: a successor that has gone holds neither the sockets nor the log. One that is alive is waited for.
func (h *Handover) SendTo(ctx context.Context, successor *net.UnixConn) error {
	stop := context.AfterFunc(ctx, func() { _ = successor.Close() })
	defer stop()
	defer successor.Close()
	var state bytes.Buffer
	if err := gob.NewEncoder(&state).Encode(&h.State); err != nil {
		return err
	}
	if err := Send(successor, state.Bytes(), h.Files); err != nil {
		return fmt.Errorf("handing over: %w", err)
	}
	var word [1]byte
	if _, err := successor.Read(word[:]); err != nil || word[0] != confirmed {
		return errors.Join(errors.New("the successor has not begun to serve"), err)
	}
	return nil
}

// Confirm tells the predecessor that its connections are served here. From then on it is not needed, but for the TLS
// connections that it goes on to decrypt.
func (h *Handover) Confirm() error {
	if h.peer == nil {
		return nil // the process's own
	}
	defer h.peer.Close()
	_, err := h.peer.Write([]byte{confirmed})
	return err
}

// TakeOver asks the pool behind an administration socket for its connections. It answers once that pool has written
// everything and let its log go. Without a pool there the error is an *net.OpError.
func TakeOver(ctx context.Context, socket string) (*Handover, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	peer, isUnix := conn.(*net.UnixConn)
	if !isUnix {
		return nil, errors.ErrUnsupported
	}
	stop := context.AfterFunc(ctx, func() { _ = peer.Close() })
	defer stop()
	h, err := receive(peer)
	if err != nil {
		_ = peer.Close()
		return nil, fmt.Errorf("taking over: %w", err)
	}
	return h, nil
}

func receive(peer *net.UnixConn) (*Handover, error) {
	if _, err := peer.Write([]byte("POST /handover HTTP/1.1\r\nHost: pool\r\nContent-Length: 0\r\n\r\n")); err != nil {
		return nil, err
	}
	// The pool sends nothing behind its answer before it gets the word, so the reader takes no byte too many.
	answer, err := http.ReadResponse(bufio.NewReader(peer), nil)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the running pool answers %s: it is older than this, or another user's", answer.Status)
	}
	if _, err := peer.Write([]byte{GoAhead}); err != nil {
		return nil, err
	}
	state, files, err := Receive(peer)
	if err != nil {
		return nil, err
	}
	h := &Handover{Files: files, Tunnels: &sync.WaitGroup{}, peer: peer}
	if err := gob.NewDecoder(bytes.NewReader(state)).Decode(&h.State); err != nil {
		h.Close()
		return nil, err
	}
	if h.State.Version != Version {
		h.Close()
		return nil, fmt.Errorf("the running pool hands over in version %d, this program takes %d", h.State.Version,
			Version)
	}
	return h, nil
}
