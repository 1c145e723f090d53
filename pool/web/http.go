// Package web serves a pool's figures, its log and its pages for people.
package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/answer"
)

// site serves a pool's figures.
type site struct{ *pool.Pool }

// maxBody bounds what a request may bring to the pages and lists: they take nothing.
const maxBody = 4 << 10

// Bounded are the pages, lists and the log as strangers meet them, for a process that may have so many files open.
// Miners' shares come first: what is shown beside them has a small part of the processor.
func Bounded(p *pool.Pool, files int, logger *slog.Logger) *httplimit.Server {
	return httplimit.NewServer(Handler(p), httplimit.Options{Limits: httplimit.Public(files, maxBody), Logger: logger,
		Cheap: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/log/") }})
}

// Handler serves the pool's figures as JSON, the metrics for Prometheus, and the log itself: its
// checkpoint, tiles and entries, so that every miner can recompute its pay.
//
//	GET /, /user/{address}      pages for people
//	GET /v1/pool                figures of the pool
//	GET /v1/workers             figures of workers in the order of their numbers, ?limit=100&user=ADDRESS; the next page by the Link header
//	GET /v1/blocks              blocks found
//	GET /v1/users/{address}     what an address is owed and may expect
//	GET /metrics                Prometheus
//	GET /log/key                the public key of the log
//	GET /log/checkpoint, /log/tile/…
func Handler(p *pool.Pool) http.Handler {
	s := &site{p}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePoolPage)
	mux.HandleFunc("GET /user", s.findUser)
	mux.HandleFunc("GET /user/{address}", s.serveUserPage)
	// Hash rates of the last walk over the workers, not of one for each request: walks are as long as the pool is
	// large, and anybody may ask.
	mux.HandleFunc("GET /v1/pool", func(w http.ResponseWriter, _ *http.Request) {
		answer.JSON(w, p.ShownStats(time.Now()))
	})
	mux.HandleFunc("GET /v1/workers", s.serveWorkers)
	mux.HandleFunc("GET /v1/blocks", s.serveBlocks)
	mux.HandleFunc("GET /v1/users/{address}", func(w http.ResponseWriter, r *http.Request) {
		view, ok := p.User(r.PathValue("address"), time.Now())
		if !ok {
			answer.Problem(w, http.StatusNotFound, "unknown-user", "no such user")
			return
		}
		answer.JSON(w, view)
	})
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collector{p})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /log/key", func(w http.ResponseWriter, r *http.Request) {
		if p.LogKey() == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(strings.TrimSpace(p.LogKey()) + "\n"))
	})
	mux.Handle("GET /log/tile/entries/", http.StripPrefix("/log", p.Log().EntriesHandler()))
	mux.Handle("GET /log/", http.StripPrefix("/log", p.Log().Handler()))
	return mux
}

// maxBlocksPage bounds a page of blocks.
const maxBlocksPage = 1000

// pageAsked reads what part of a list is asked for. What is wrong is answered.
func pageAsked(w http.ResponseWriter, r *http.Request, usual, most int) (limit int, after uint64, ok bool) {
	limit = usual
	var err error
	if text := r.URL.Query().Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
	}
	if err != nil || limit < 1 || limit > most {
		answer.Problem(w, http.StatusBadRequest, "bad-limit", fmt.Sprintf("limit: want 1 to %d", most))
		return 0, 0, false
	}
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			answer.Problem(w, http.StatusBadRequest, "bad-after", "after: want the number in a page's Link header")
			return 0, 0, false
		}
	}
	return limit, after, true
}

// linkNext names the next page (RFC 8288).
func linkNext(w http.ResponseWriter, r *http.Request, after string) {
	query := r.URL.Query()
	query.Set("after", after)
	w.Header().Set("Link", "<"+r.URL.Path+"?"+query.Encode()+`>; rel="next"`)
}

func (p *site) serveWorkers(w http.ResponseWriter, r *http.Request) {
	limit, after, ok := pageAsked(w, r, pool.DefaultWorkersPage, pool.MaxWorkersPage)
	if !ok {
		return
	}
	page := p.WorkersPage(limit, after, r.URL.Query().Get("user"), time.Now())
	if page.Next != "" {
		linkNext(w, r, page.Next)
	}
	answer.JSON(w, page.Workers)
}

// serveBlocks serves a part of the list of blocks. Blocks have no numbers but their places, which they keep.
func (p *site) serveBlocks(w http.ResponseWriter, r *http.Request) {
	limit, after, ok := pageAsked(w, r, maxBlocksPage, maxBlocksPage)
	if !ok {
		return
	}
	blocks, more := p.BlocksAfter(after, limit)
	if more {
		linkNext(w, r, strconv.FormatUint(after+uint64(len(blocks)), 10))
	}
	answer.JSON(w, blocks)
}

// collector reads the pool's figures when Prometheus asks.
type collector struct{ pool *pool.Pool }

var (
	metricConnections = prometheus.NewDesc("aqsha_pool_connections", "Open connections of miners.", nil, nil)
	metricShares      = prometheus.NewDesc("aqsha_pool_shares_total", "Shares by outcome.", []string{"outcome"}, nil)
	metricHashRate    = prometheus.NewDesc("aqsha_pool_hashrate_hashes_per_second",
		"Hashes per second from credited work.",
		[]string{"window"}, nil)
	metricBlocks      = prometheus.NewDesc("aqsha_pool_blocks_submitted_total", "Blocks handed to the nodes.", nil, nil)
	metricUndelivered = prometheus.NewDesc("aqsha_pool_blocks_undelivered",
		"Blocks found that no node is known to have: alarm when not 0 for longer than 10 s.", nil, nil)
	metricBans   = prometheus.NewDesc("aqsha_pool_bans_total", "Addresses banned.", nil, nil)
	metricLog    = prometheus.NewDesc("aqsha_pool_log_entries", "Durable entries of the share log.", nil, nil)
	metricSync   = prometheus.NewDesc("aqsha_pool_log_sync_seconds", "Duration of the newest commit.", nil, nil)
	metricJobAge = prometheus.NewDesc("aqsha_pool_job_age_seconds", "Age of the current job's template.", nil, nil)
	metricHalted = prometheus.NewDesc("aqsha_pool_halted", "1 when work is stopped because no node is sound.", nil,
		nil)
	metricWorker = prometheus.NewDesc("aqsha_pool_worker_hashrate_hashes_per_second",
		"Hashes per second of a worker over about an hour.", []string{"worker"}, nil)
)

func (c collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// maxWorkerMetrics bounds the series; the largest workers come first.
const maxWorkerMetrics = 500

// Collect gives the pool's figures of the last walk over its workers, so that asking often costs no walk each time.
func (c collector) Collect(out chan<- prometheus.Metric) {
	now := time.Now()
	s := c.pool.ShownStats(now)
	s.Workers = c.pool.ShownWorkers(now)
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	counter := func(desc *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(metricConnections, float64(s.Connections))
	counter(metricShares, s.Accepted, "accepted")
	counter(metricShares, s.Rejected, "rejected")
	gauge(metricHashRate, s.HashRate1m, "1m")
	gauge(metricHashRate, s.HashRate1h, "1h")
	gauge(metricHashRate, s.HashRate24h, "24h")
	counter(metricBlocks, s.Blocks)
	counter(metricBans, s.BansTotal)
	gauge(metricUndelivered, float64(s.Undelivered))
	gauge(metricLog, float64(s.Logged))
	gauge(metricSync, s.SyncMillis/1000)
	gauge(metricJobAge, s.JobAge)
	halted := 0.0
	if s.Halted {
		halted = 1
	}
	gauge(metricHalted, halted)
	// A name is whoever's who logs in: without a bound strangers would fill a monitoring server.
	for _, w := range s.Workers[:min(len(s.Workers), maxWorkerMetrics)] {
		gauge(metricWorker, w.HashRate1h, w.Worker)
	}
}
