package cash

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	notes "github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/money"
)

// Prefix is the path below which everything is: a mint's URL ends with it.
const Prefix = "/cash"

// Method is the payment method of quotes (NUT-04, NUT-05 admit own ones).
const Method = "aqsha"

// maxBody bounds a request.
const maxBody = 1 << 20

// meltPatience is how long a melt's answer waits for the ledger before it says PENDING.
const meltPatience = 30 * time.Second

// About is what an office says of itself (NUT-06).
type About struct {
	Name        string
	Description string
	Contact     string // an e-mail address
	Terms       string // URL
	Version     string
	Max         money.Tiyn // of one operation with the ledger
	LogKey      string     // verifier key of the log
}

// Server is an office's face. It is set by NewServer and only read afterwards; requests are served at once, and the
// office has its own locks.
type Server struct {
	office *office.Office
	about  About
	logger *slog.Logger
	mux    *http.ServeMux
	routes []string      // what is served
	watch  chan struct{} // as many WebSockets as may be open
}

// NewServer makes the face of an office.
func NewServer(o *office.Office, about About, logger *slog.Logger) *Server {
	s := &Server{office: o, about: about, logger: logger, mux: http.NewServeMux(),
		watch: make(chan struct{}, maxWatchers)}
	s.get("/v1/info", func(*http.Request) (any, error) { return s.info(), nil })
	s.get("/v1/keys", func(*http.Request) (any, error) {
		return s.keys(func(i int, _ *notes.Signing) bool { return s.office.Signs(i) }), nil
	})
	s.get("/v1/keys/{id}", s.keysOf)
	s.get("/v1/keysets", func(*http.Request) (any, error) { return s.keysets(), nil })
	s.get("/v1/mint/quote/"+Method+"/{quote}", s.mintQuote)
	s.get("/v1/melt/quote/"+Method+"/{quote}", s.meltQuote)
	s.get("/v1/supply", func(*http.Request) (any, error) { return s.office.Status(), nil })
	post(s, "/v1/mint/quote/"+Method, s.newMintQuote)
	post(s, "/v1/mint/quote/"+Method+"/check", s.mintQuotes)
	post(s, "/v1/melt/quote/"+Method, s.newMeltQuote)
	// What changes the office goes through post, which reads the key that makes a repeated request the same one; a
	// wallet that heard no answer gets the same signatures again.
	post(s, "/v1/swap", func(ctx context.Context, key [32]byte, r office.SwapRequest) (any, error) {
		return signed(s.office.Swap(ctx, key, r))
	})
	post(s, "/v1/mint/"+Method, func(ctx context.Context, key [32]byte, r office.MintRequest) (any, error) {
		return signed(s.office.Mint(ctx, key, r))
	})
	post(s, "/v1/mint/"+Method+"/batch", func(ctx context.Context, key [32]byte, r office.BatchRequest) (any, error) {
		return signed(s.office.MintBatch(ctx, key, r))
	})
	post(s, "/v1/melt/"+Method, s.melt)
	post(s, "/v1/restore", s.restore)
	post(s, "/v1/checkstate", s.states)
	s.mount("GET "+Prefix+"/v1/announcements/{id}", s.announcement)
	s.mount("GET "+Prefix+"/v1/ws", s.socket)
	s.mount(Prefix+"/log/", http.StripPrefix(Prefix+"/log", http.HandlerFunc(s.log)).ServeHTTP)
	s.mount("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, refusalBody{"there is nothing at this path, or not by this method", 0})
	})
	return s
}

// mount serves a route, and notes it.
func (s *Server) mount(pattern string, handler http.HandlerFunc) {
	s.routes = append(s.routes, pattern)
	s.mux.HandleFunc(pattern, handler)
}

// now is in Unix seconds.
func (s *Server) now() uint64 { return uint64(time.Now().Unix()) }

// ServeHTTP answers. Wallets in browsers are of any origin: nothing here goes by cookies.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// announcement serves the receipt of a keyset's announcement: a file that shows, to whoever knows the ledger's
// network id, that the ledger has it (aqsha verify reads it too).
func (s *Server) announcement(w http.ResponseWriter, r *http.Request) {
	for i, k := range s.office.Keysets() {
		if show := s.office.Show(i); k.ID.String() == r.PathValue("id") && show != nil {
			w.Header().Set("Content-Type", "application/cbor")
			_, _ = w.Write(show)
			return
		}
	}
	write(w, http.StatusNotFound, refusalBody{"id: is no keyset whose announcement can be shown", notes.UnknownKeyset})
}

// log serves the public log: checkpoint, tiles, entries.
func (s *Server) log(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/tile/entries/") {
		s.office.Log().EntriesHandler().ServeHTTP(w, r)
		return
	}
	s.office.Log().Handler().ServeHTTP(w, r)
}

// Bounded is the face as strangers meet it, for a process that may have so many files open: what holds something
// open, a body that does not end or a WebSocket, has a share for each address.
func (s *Server) Bounded(files int) *httplimit.Server {
	limits := httplimit.Public(files, maxBody)
	limits.Answers, limits.AnswersPerAddress = 24<<20, 8<<20 // a wallet that is restored asks for much at once
	limits.Streams, limits.StreamsPerAddress = maxWatchers, maxWatchers/16
	return httplimit.NewServer(s, httplimit.Options{
		Limits: limits, Logger: s.logger,
		Streams: func(r *http.Request) bool { return r.URL.Path == Prefix+"/v1/ws" },
		Reject: func(w http.ResponseWriter, status int, detail string) {
			w.Header().Set("Retry-After", "1")
			write(w, status, refusalBody{detail, 0})
		},
	})
}

// refusalBody is an error as the standard has it.
type refusalBody struct {
	Detail string     `json:"detail"`
	Code   notes.Code `json:"code"`
}

// get serves what changes nothing.
func (s *Server) get(path string, answer func(r *http.Request) (any, error)) {
	s.mount("GET "+Prefix+path, func(w http.ResponseWriter, r *http.Request) {
		value, err := answer(r)
		s.answer(w, value, err)
	})
}

// post serves requests with a body. The key by which repeats are known is of method, path and the body's bytes
// (NUT-19).
func post[T any](s *Server, path string, answer func(ctx context.Context, key [32]byte, r T) (any, error)) {
	s.mount("POST "+Prefix+path, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			write(w, http.StatusRequestEntityTooLarge, refusalBody{fmt.Sprintf("body: has more than %d bytes", maxBody),
				notes.Malformed})
			return
		}
		if err != nil {
			write(w, http.StatusBadRequest, refusalBody{"body: did not come whole", notes.Malformed})
			return
		}
		var request T
		if err := notes.Decode(body, &request); err != nil {
			s.answer(w, nil, err)
			return
		}
		h := sha256.New()
		fmt.Fprintf(h, "POST %s\n", path)
		h.Write(body)
		value, err := answer(r.Context(), [32]byte(h.Sum(nil)), request)
		s.answer(w, value, err)
	})
}

// answer writes a value or a refusal. Any other error leaves open what was done, and says that the same request finds
// out.
func (s *Server) answer(w http.ResponseWriter, value any, err error) {
	var refused *notes.Refusal
	switch {
	case err == nil:
		write(w, http.StatusOK, value)
	case errors.As(err, &refused):
		write(w, http.StatusBadRequest, refusalBody{errtext.Plain(refused.Detail()), refused.Code})
	case errors.Is(err, context.Canceled):
	default:
		s.logger.Error("answering", "error", err)
		write(w, http.StatusServiceUnavailable, refusalBody{"the office cannot answer now; send the same request again",
			0})
	}
}

// write sends JSON that nobody in between may keep.
func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever hung up asks again
}

// signatures is the answer of mint and swap.
type signatures struct {
	Signatures []notes.Signature `json:"signatures"`
}

// signed is the answer of what signs notes.
func signed(list []notes.Signature, err error) (any, error) { return signatures{list}, err }

// melt pays a quote with notes.
func (s *Server) melt(ctx context.Context, key [32]byte, r office.MeltRequest) (any, error) {
	// Whoever hangs up has begun the payment all the same; whoever waits is answered in good time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), meltPatience)
	defer cancel()
	done, err := s.office.Melt(ctx, key, r)
	if err != nil {
		return nil, err
	}
	return meltAnswer(&done.Quote, done.Change, done.Reason), nil
}

// restore answers for those outputs that were signed, and is silent on others.
func (s *Server) restore(ctx context.Context, _ [32]byte, r struct {
	Outputs []notes.Output `json:"outputs"`
}) (any, error) {
	found, list, err := s.office.Restore(ctx, r.Outputs)
	if err != nil {
		return nil, err
	}
	return struct {
		Outputs    []notes.Output    `json:"outputs"`
		Signatures []notes.Signature `json:"signatures"`
	}{found, list}, nil
}

// states answers for each Y, in the order asked.
func (s *Server) states(ctx context.Context, _ [32]byte, r struct {
	Ys []string `json:"Ys"`
}) (any, error) {
	list, err := s.office.States(ctx, r.Ys)
	if err != nil {
		return nil, err
	}
	return struct {
		States []office.NoteState `json:"states"`
	}{list}, nil
}
