package httplimit

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
)

// Public are the limits of a server that knows nobody and takes little: pages, lists, figures. Answers are bounded as
// well, since each costs the processor's time.
func Public(files int, body int64) Limits {
	l := Default(files)
	l.Requests, l.RequestsPerAddress = 512, 64
	l.Body, l.StrangersBody = body, body
	l.Bodies, l.BodiesPerAddress = 16<<20, 4<<20
	l.Answers, l.AnswersPerAddress = 2<<20, 256<<10
	return l
}

// Server is an HTTP server that bounds connections, header time, requests, bodies, streams and answers. It is for
// whoever serves beside the ledger's own API, which counts by accesses too.
type Server struct {
	http    http.Server
	limiter *Limiter
}

// Options of a Server.
type Options struct {
	Limits  Limits
	Streams func(r *http.Request) bool // which requests last; nil for none
	Cheap   func(r *http.Request) bool // which answers are not counted; nil for none
	// Known names whoever shows an access, who has budgets of his own wherever he comes from; "" for a stranger. nil:
	// all are strangers.
	Known func(r *http.Request) string
	// Reject answers a request that is over a limit; nil for problem details (RFC 9457) with the code "overloaded".
	Reject func(w http.ResponseWriter, status int, detail string)
	Logger *slog.Logger // of what the server itself has to say; nil for silence
}

// NewServer bounds a handler.
func NewServer(handler http.Handler, o Options) *Server {
	if o.Reject == nil {
		o.Reject = problem
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{limiter: New(o.Limits, o.Reject)}
	s.http.Handler = s.limiter.Handler(handler, func(r *http.Request) Caller {
		c := Caller{Address: AddressOf(r.RemoteAddr), Stream: o.Streams != nil && o.Streams(r),
			Cheap: o.Cheap != nil && o.Cheap(r)}
		if o.Known != nil {
			if name := o.Known(r); name != "" {
				c.Address, c.Known = "access "+name, true
			}
		}
		return c
	})
	s.http.ErrorLog = slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug)
	Configure(&s.http)
	return s
}

// Handler is what is served, within its limits.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// Serve answers until the server is closed, and closes the listener.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(s.limiter.Listen(l, "")) }

// Close ends the server at once.
func (s *Server) Close() error { return s.http.Close() }

// Shutdown lets what is under way end until ctx does, and then ends it.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.http.Shutdown(ctx) != nil {
		return s.http.Close()
	}
	return nil
}

// problem is an answer of the kind that all of our servers give.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status,
		"code": "overloaded", "detail": detail})
}
