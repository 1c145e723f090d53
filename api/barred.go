package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/node"
)

// barred refuses, by its head alone, what comes from a source whose forgeries have lost it its share: its body is not read, and
// its connection ends. A body as small as one payment's is still let in while the source's lane has room, so that somebody
// honest behind the same address pays, if slowly; who has an access or has signed in is another source and notices nothing.
// The wallet that a forgery names is never held against it: anybody can name any.
func (s *Server) barred(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == transactionsPath {
			wait, single := s.node.Barred(senderOf(r.Context()))
			small := r.ContentLength >= 0 && r.ContentLength <= httplimit.SmallBody
			if wait > 0 && !(single && small) {
				if small { // the lane has room for one again before long
					wait = time.Second
				}
				seconds := (wait + time.Second - 1) / time.Second
				w.Header().Set("Connection", "close")
				w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
				writeProblem(w, newProblem(http.StatusTooManyRequests, string(node.SourceBarred), "", fmt.Sprintf(
					"forged signatures came from where this comes from: one payment at a time is taken from there, and more in %d s if no more of them come; "+
						"who signs in with a wallet's key, or has an access, is not meant", seconds)))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
