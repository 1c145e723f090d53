package api

import (
	"bufio"
	"bytes"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/node"
)

// requestSeconds is how long requests took, by the route that answered them. Streams, which last, are not among them.
func newRequestSeconds() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "aqsha", Name: "http_request_seconds", Help: "How long requests took, by route, method and status.",
		Buckets: []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 30},
	}, []string{"route", "method", "code"})
}

// timed measures requests. A path that no route knows is not a label: whoever asks for many would fill the memory.
func timed(seconds *prometheus.HistogramVec, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, noted := time.Now(), &statusNoted{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(noted, r)
		_, route, _ := strings.Cut(r.Pattern, " ") // set by the router
		if route == "" {
			route = "none"
		}
		if !noted.streams {
			seconds.WithLabelValues(route, methodOf(r), strconv.Itoa(noted.status)).Observe(time.Since(start).Seconds())
		}
	})
}

// methodOf is a request's method, of those that there are.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// statusNoted keeps an answer's status.
type statusNoted struct {
	http.ResponseWriter
	status  int
	streams bool // parts of the answer were sent ahead
}

// WriteHeader notes the last status; one that came before the answer (1xx) is replaced by the answer's.
func (w *statusNoted) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Flush sends what there is of the answer.
func (w *statusNoted) Flush() {
	w.streams = true
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack and Unwrap let controllers of the connection through.
func (w *statusNoted) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}
func (w *statusNoted) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// latencies collects the node's histograms.
type latencies struct {
	node                                 *node.Node
	transaction, commit, acknowledgement *prometheus.Desc
}

func newLatencies(n *node.Node) latencies {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc("aqsha_"+name, help, nil, nil) }
	return latencies{n,
		desc("transaction_seconds", "From taking a transaction in to its answer, executed or refused."),
		desc("commit_seconds", "Writing, syncing and signing a group of blocks."),
		desc("acknowledgement_seconds", "From then until enough followers had the group; absent where none must."),
	}
}

// Describe and Collect make it a prometheus.Collector.
func (l latencies) Describe(to chan<- *prometheus.Desc) {
	to <- l.transaction
	to <- l.commit
	to <- l.acknowledgement
}

// Collect reads the node's histograms; that of acknowledgements is there only where they are waited for.
func (l latencies) Collect(to chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, h node.Latency) {
		to <- prometheus.MustNewConstHistogram(d, h.Count, h.Seconds, h.Buckets)
	}
	all := l.node.Latencies()
	put(l.transaction, all.Transaction)
	put(l.commit, all.Commit)
	if _, acks, _ := l.node.AwaitedFollowers(); acks > 0 {
		put(l.acknowledgement, all.Acknowledgement)
	}
}

// serverErrors takes in what net/http has to say. That connections cannot be accepted, and that a handler panicked, the
// operator must see; what strangers do wrong is told when asked for.
type serverErrors struct {
	logger   *slog.Logger
	accepts  atomic.Uint64 // connections that could not be accepted
	reported atomic.Int64  // when that was last told, Unix seconds
}

// acceptsReported is how often it is told: the server tries again many times a second.
const acceptsReported = 10

func (e *serverErrors) log() *log.Logger { return log.New(e, "", 0) }

// Write takes a line of the HTTP server's log. Of connections that cannot be accepted one in a while is told: with too
// many open files there are thousands a second, and their lines would fill the disk.
func (e *serverErrors) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	switch {
	case strings.HasPrefix(text, "http: Accept error"):
		e.accepts.Add(1)
		if now := time.Now().Unix(); now-e.reported.Load() >= acceptsReported {
			e.reported.Store(now)
			e.logger.Error("no more connections can be accepted: raise the limit of open files (ulimit -n), or find "+
				"who holds them", "cause", text, "times", e.accepts.Load())
		}
	case strings.HasPrefix(text, "http: panic"):
		e.logger.Error("a request panicked", "cause", text)
	default:
		e.logger.Debug(text)
	}
	return len(line), nil
}
