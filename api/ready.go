package api

import (
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// registerOperation serves what watches over the node.
func (s *Server) registerOperation(mux *routes) {
	live := operation("get-livez", "/livez", "Whether the process answers", byAnybody)
	live.Responses = text("ok")
	s.serveRaw(mux, live, "", livez)
	ready := operation("get-readyz", "/readyz", "Whether requests belong here, by the status alone", byAnybody)
	ready.Parameters = []*huma.Param{{Name: "for", In: "query",
		Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"payments", "reads"}, Default: "payments"}}}
	ready.Responses = text("ok")
	ready.Responses["503"] = &huma.Response{Description: "The reason", Content: ready.Responses["200"].Content}
	s.serveRaw(mux, ready, "", s.readyz)
	figures := operation("get-metrics", "/metrics", "The node's figures in Prometheus's form", byAnybody)
	figures.Responses = text("Figures")
	s.serveRaw(mux, figures, "", s.metrics().ServeHTTP)
}

// livez answers as long as the process does: whoever restarts it on anything else would restart a node that waits for
// others.
func livez(w http.ResponseWriter, _ *http.Request) { writeWord(w, http.StatusOK, "ok") }

// readyz says by its status whether requests belong here: 200, or 503 with the reason. Payments do where they are taken
// and answered; with ?for=reads it is asked whether what is read here is the ledger as it stands.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	h := s.health()
	ready := h.Ready
	switch purpose := r.URL.Query().Get("for"); purpose {
	case "", "payments":
	case "reads":
		ready = h.readable()
	default:
		writeProblem(w, problemOf(token.Errorf(token.OutOfRange, "for", "want payments or reads")))
		return
	}
	if ready {
		writeWord(w, http.StatusOK, "ok")
		return
	}
	word := h.Status
	if h.Detail != "" {
		word += ": " + h.Detail
	}
	writeWord(w, http.StatusServiceUnavailable, word)
}

// readable says whether reads are answered, and with what is not long past: a follower must hear its leader.
func (h Health) readable() bool {
	switch {
	case h.Height == nil, h.Status == "stalled", h.Status == "leader-doubted", h.Follows != nil &&
		h.Status == "read-only":
		return false
	case h.Role == node.StandsReplaced: // what it shows ends at its successor's fence
		return false
	case h.Follows != nil:
		return h.Follows.Connected
	}
	return h.Status != "waiting" // then a read waits with the payments before it
}

// writeWord answers one line that no cache keeps: balancers and supervisors read it.
func writeWord(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, word)
}
