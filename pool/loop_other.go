//go:build !linux

package pool

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// ErrPlatform means that the pool's server does not run here: its event loops are made of epoll.
// Everything else of the program does.
var ErrPlatform = errors.New("the pool's server needs Linux")

// loop is never made on this platform; its fields and methods let the rest compile.
type loop struct {
	pool     *Pool
	current  *job
	handouts map[handoutKey]*handout
	died     map[bitcoin.Hash]time.Time
	solo     map[uint64]*handout
	now      time.Time
	reply    []byte
	message  stratum.Message
	share    sharelog.Share
	scratch  []byte
	batch    *batch
	conns    []*conn
	closing  bool
}

func newLoop(*Pool) (*loop, error) { return nil, ErrPlatform }

func (*loop) run()                {}
func (*loop) tick()               {}
func (*loop) post(func())         {}
func (*loop) finished(*batch)     {}
func (*loop) close(*conn)         {}
func (*loop) send(*conn, []byte)  {}
func (*loop) broadcast(*job)      {}
func latency(*conn) time.Duration { return 0 }

// Listener is where miners connect.
type Listener struct {
	Name string // by which a successor finds it
	Net  net.Listener
	TLS  *tls.Config // nil: plain TCP
	Port *Port       // nil: the pool's own settings
}

func (Listener) serve(context.Context, *Pool) {}

// peerUser is not known here; nobody has a role.
func peerUser(net.Conn) (uid int, ok bool) { return 0, false }

func (*loop) read(*conn)  {}
func (*loop) serve(*conn) {}
func (*loop) readMail()   {}
func (*loop) handOver()   {}
func (*loop) freeze()     {}

func (p *Pool) export(*Handover) {}

// Adopt takes nothing over here.
func (p *Pool) Adopt(*Handover) error { return ErrPlatform }

// AddListener hands nothing over here.
func (h *Handover) AddListener(string, net.Listener) error { return ErrPlatform }

// Listener takes nothing here.
func (h *Handover) Listener(string) (net.Listener, error) { return nil, nil }
