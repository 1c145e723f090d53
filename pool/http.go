package pool

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

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
func (p *Pool) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.servePoolPage)
	mux.HandleFunc("GET /user", p.findUser)
	mux.HandleFunc("GET /user/{address}", p.serveUserPage)
	mux.HandleFunc("GET /v1/pool", func(w http.ResponseWriter, _ *http.Request) {
		s := p.WorkerStats(time.Now())
		s.Workers = nil
		writeJSON(w, s)
	})
	mux.HandleFunc("GET /v1/workers", p.serveWorkers)
	mux.HandleFunc("GET /v1/blocks", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.Blocks()) })
	mux.HandleFunc("GET /v1/users/{address}", func(w http.ResponseWriter, r *http.Request) {
		view, ok := p.User(r.PathValue("address"), time.Now())
		if !ok {
			problem(w, http.StatusNotFound, "unknown-user", "no such user")
			return
		}
		writeJSON(w, view)
	})
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collector{p})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /log/key", func(w http.ResponseWriter, r *http.Request) {
		if p.logKey == "" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(strings.TrimSpace(p.logKey) + "\n"))
	})
	mux.Handle("GET /log/tile/entries/", http.StripPrefix("/log", p.log.EntriesHandler()))
	mux.Handle("GET /log/", http.StripPrefix("/log", p.log.Handler()))
	return mux
}

// Workers on one page.
const (
	workersPage    = 100
	maxWorkersPage = 1000
)

// workersPageOf is a part of the list of workers, and where the next begins.
type workersPageOf struct {
	Workers []WorkerStats
	Next    string // ?after= of the next page; empty at the end
}

func (p *Pool) serveWorkers(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, after := workersPage, uint64(0)
	var err error
	if text := query.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
	}
	if err != nil || limit < 1 || limit > maxWorkersPage {
		problem(w, http.StatusBadRequest, "bad-limit", fmt.Sprintf("limit: want 1 to %d", maxWorkersPage))
		return
	}
	if text := query.Get("after"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			problem(w, http.StatusBadRequest, "bad-after", "after: want the number in a page's Link header")
			return
		}
	}
	page := p.workersPage(limit, after, query.Get("user"), time.Now())
	if page.Next != "" { // RFC 8288
		query.Set("after", page.Next)
		w.Header().Set("Link", "<"+r.URL.Path+"?"+query.Encode()+`>; rel="next"`)
	}
	writeJSON(w, page.Workers)
}

// workersPage lists the workers whose numbers follow after, of one user if it is named.
func (p *Pool) workersPage(limit int, after uint64, user string, now time.Time) workersPageOf {
	page := workersPageOf{Workers: []WorkerStats{}}
	last := uint64(0)
	for _, w := range p.registry.all() {
		number := w.number.Load()
		if number <= after || user != "" && !sameAddress(w.address, user) {
			continue
		}
		if len(page.Workers) == limit {
			page.Next = strconv.FormatUint(last, 10)
			break
		}
		last = number
		page.Workers = append(page.Workers, w.snapshot(now))
	}
	return page
}

// problem answers with an error (RFC 9457).
func problem(w http.ResponseWriter, status int, code, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": title, "status": status, "code": code})
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// collector reads the pool's figures when Prometheus asks.
type collector struct{ pool *Pool }

var (
	metricConnections = prometheus.NewDesc("aqsha_pool_connections", "Open connections of miners.", nil, nil)
	metricShares      = prometheus.NewDesc("aqsha_pool_shares_total", "Shares by outcome.", []string{"outcome"}, nil)
	metricHashRate    = prometheus.NewDesc("aqsha_pool_hash_rate", "Hashes per second from credited work.", []string{"window"}, nil)
	metricBlocks      = prometheus.NewDesc("aqsha_pool_blocks_submitted_total", "Blocks handed to the nodes.", nil, nil)
	metricUndelivered = prometheus.NewDesc("aqsha_pool_blocks_undelivered", "Blocks found that no node is known to have: alarm when not 0 for longer than 10 s.", nil, nil)
	metricBans        = prometheus.NewDesc("aqsha_pool_bans_total", "Addresses banned.", nil, nil)
	metricLog         = prometheus.NewDesc("aqsha_pool_log_entries", "Durable entries of the share log.", nil, nil)
	metricSync        = prometheus.NewDesc("aqsha_pool_log_sync_seconds", "Duration of the newest commit.", nil, nil)
	metricJobAge      = prometheus.NewDesc("aqsha_pool_job_age_seconds", "Age of the current job's template.", nil, nil)
	metricHalted      = prometheus.NewDesc("aqsha_pool_halted", "1 when work is stopped because no node is sound.", nil, nil)
	metricWorker      = prometheus.NewDesc("aqsha_pool_worker_hash_rate", "Hashes per second of a worker over about an hour.", []string{"worker"}, nil)
)

func (c collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// maxWorkerMetrics bounds the series; the largest workers come first.
const maxWorkerMetrics = 500

func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.pool.WorkerStats(time.Now())
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
	for _, w := range s.Workers[:min(len(s.Workers), maxWorkerMetrics)] {
		gauge(metricWorker, w.HashRate1h, w.Worker)
	}
}
