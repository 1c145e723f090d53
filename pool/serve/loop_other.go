//go:build !linux

package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// ErrPlatform means that the pool's server does not run here: its event loops are made of epoll.
// Everything else of the program does.
var ErrPlatform = errors.New("the pool's server needs Linux")

// loop is never made on this platform; its fields and methods let the rest compile.
type loop struct {
	server   *Server
	current  *job.Job
	handouts map[job.Key]*job.Handout
	died     map[bitcoin.Hash]time.Time
	solo     map[uint64]*job.Handout
	now      time.Time
	reply    []byte
	message  stratum.Message
	share    sharelog.Share
	scratch  []byte
	batch    *batch
	conns    []*conn
	closing  bool
}

type batch struct {
	commit.Batch
	acks []ack
	ids  []byte
}

type ack struct {
	conn  *conn
	idEnd int
}

func newLoop(*Server) (*loop, error) { return nil, ErrPlatform }

func (*loop) run()                {}
func (*loop) tick()               {}
func (*loop) post(func())         {}
func (*loop) close(*conn)         {}
func (*loop) send(*conn, []byte)  {}
func (*loop) broadcast(*job.Job)  {}
func latency(*conn) time.Duration { return 0 }

// Listener is where miners connect.
type Listener struct {
	Name string // by which a successor finds it
	Net  net.Listener
	TLS  *tls.Config    // nil: plain TCP
	Port *settings.Port // nil: the pool's own settings
}

// Serve accepts nobody here.
func (Listener) Serve(context.Context, *Server) {}

func (*loop) read(*conn)  {}
func (*loop) serve(*conn) {}
func (*loop) readMail()   {}
func (*loop) handOver()   {}
func (*loop) freeze()     {}

// Export leaves nothing here.
func (*Server) Export(*handover.Handover) {}

// NewHandover is empty here.
func (s *Server) NewHandover() *handover.Handover { return &handover.Handover{Tunnels: s.tunnels} }

// Adopt takes nothing over here.
func (*Server) Adopt(*handover.Handover) error { return ErrPlatform }
