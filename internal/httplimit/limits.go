package httplimit

import (
	"net/http"
	"time"
)

// Limits of a server. Who is known (has an access) has budgets of his own, of the same size, so that strangers together
// cannot take his.
type Limits struct {
	Connections, ConnectionsPerAddress int
	Requests, RequestsPerAddress       int // under way, streams not counted
	Streams, StreamsPerAddress         int
	Body                               int64 // bytes of one
	StrangersBody                      int64 // bytes of one of a stranger's
	Bodies, BodiesPerAddress           int64 // bytes of all under way, beyond each one's first SmallBody
	Answers, AnswersPerAddress         int64 // bytes a second of what strangers are answered; 0 for any
}

// SmallBody is what a body may have beside the budget of bodies: a payment goes through however many unfinished bodies
// others hold. The number of requests bounds these.
const SmallBody = 16 << 10

// Timeouts of a request. A body has a grace, and beyond it must come at a pace; an answer that nobody takes is given
// up.
const (
	HeaderTimeout = 10 * time.Second
	IdleTimeout   = 2 * time.Minute
	bodyGrace     = 5 * time.Second
	bodyPace      = 64 << 10 // bytes a second
	WriteTimeout  = 30 * time.Second
	maxHeader     = 16 << 10
)

// spareFiles are what a server needs besides connections: its log, tiles, snapshots, an index.
const spareFiles = 256

// Default are the limits of a process that may have so many files open. A quarter of the connections is the most of
// one address: many people may come from one (NAT), and no single one takes all.
func Default(files int) Limits {
	connections := max(16, min(8192, files-spareFiles, files*3/4))
	return Limits{
		Connections: connections, ConnectionsPerAddress: max(8, connections/4),
		Requests: 2048, RequestsPerAddress: 256,
		Streams: max(8, connections/4), StreamsPerAddress: max(4, min(64, connections/16)),
		Body: 8 << 20, StrangersBody: 8 << 20, Bodies: 48 << 20, BodiesPerAddress: 12 << 20,
	}
}

// Configure sets what a server bounds by itself. HTTP/2 has few streams for each connection; the library ends a
// connection that opens and resets them faster than they are served.
func Configure(s *http.Server) {
	s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes = HeaderTimeout, IdleTimeout, maxHeader
	s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 64, MaxReadFrameSize: 64 << 10,
		MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 256 << 10}
}
