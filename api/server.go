package api

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/api/backups"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Options say who may read, and how the server behaves.
type Options struct {
	// Open lets everybody read everything. Only for loopback; Serve refuses it elsewhere.
	Open   bool
	Within bool // open to this process alone, which reads a network that is none for development: /v1/network says so
	Access []Access
	// Machine is the hash of a token that reads everything, which this run leaves in its data directory: whoever may
	// read it there reads the log beside it anyway. Empty for none.
	Machine string
	// Origins are where clients dial this server (https://tenge.example.kz), besides the loopback address it listens
	// on: a wallet's key signs in at one of them.
	Origins []string
	Story   func() []StoryStep // how far the story is; nil for none
	// Demo are the story's people, whom a browser may be. Only an Open node has any.
	Demo *Demo
	// MarketDir is a folder of market data to answer questions from; empty for none.
	MarketDir string
	// CashLogs are folders of cash offices, or copies of their public logs with the key: what circulates is recounted
	// from them.
	CashLogs []string
	// Instance is a word of this run alone, in the header InstanceHeader of every answer: whoever knows it can tell
	// this server from another that listens at the same address later.
	Instance string
	Logger   *slog.Logger // nil discards
	// Cluster is how this validator sees its cluster; nil for a node that orders alone.
	Cluster func() status.Status
	Members Members // who follows this node, as its configuration says
	// TLS is spoken on what Listen opens, under Names; nil for none. Proxy is the address of a proxy that ends TLS
	// before this server: nobody else is let in, and it says whom it speaks for (X-Forwarded-For).
	TLS   *tls.Config
	Names []string
	Proxy string
	// Dir is a folder in which delegations, applications, drafts and wallets' backups outlive the process, and staff;
	// empty keeps the others in memory, and there is no staff. Whoever names one closes the server.
	Dir string
	// Limits of what callers may hold at once; nil for those that fit the process.
	Limits *httplimit.Limits
}

// strangersBody bounds a body that comes without an access, where not everybody is open to read.
const strangersBody = 2 << 20

// strangersAnswers bounds the bytes a second that are encoded for those without an access, where not everybody is open
// to read: a part of a core's time.
const (
	strangersAnswers     = 12 << 20
	strangersAnswersEach = 3 << 20
)

// limits are those of callers. Where everybody is open to read nobody is a stranger: such a node listens on loopback
// alone.
func (s *Server) limits() httplimit.Limits {
	if s.options.Limits != nil {
		return *s.options.Limits
	}
	l := httplimit.Default(httplimit.Files())
	if l.Body = maxBody; !s.options.Open {
		l.StrangersBody = strangersBody
		l.Answers, l.AnswersPerAddress = strangersAnswers, strangersAnswersEach
	}
	return l
}

// Limits of requests.
const (
	maxBody        = 8 << 20 // bytes; many transactions travel in one request
	requestTimeout = 30 * time.Second
	lastPayments   = 3 * time.Second // how long payments under way are waited for at the end
)

// Server serves one node.
//
// Set by New and not changed after, but for what has a lock of its own (shown.mu, and those in sessions, staff, drafts
// and so on) or is atomic and set anew while requests run (SetAccess, SetMembers, SetOrigins): a request reads each of
// those once. No lock is held while the node is asked, which may wait for followers.
type Server struct {
	node    *node.Node
	options Options
	handler http.Handler
	api     huma.API
	routes  *routes // what is served

	seconds  *prometheus.HistogramVec // of requests
	errors   *serverErrors
	sessions *sessions
	limiter  *httplimit.Limiter
	offices  offices
	shown    struct { // blocks and definitions as they were shown last: they never change
		mu          sync.Mutex
		blocks      *recent.Map[uint64, BlockView]
		texts       *recent.Map[uint64, []byte] // of blocks, as streams send them
		definitions *recent.Map[token.Hash, DefinitionView]
		words       *recent.Map[explained, []string]
	}
	delegations  *delegations
	applications *applications
	drafts       *draftBoard
	backups      *backups.Store
	staff        *staffDoor
	access       atomic.Pointer[[]Access]
	members      atomic.Pointer[Members]
	sites        atomic.Pointer[http.CrossOriginProtection]
	hosts        atomic.Pointer[map[string]bool] // names under which clients dial this node; never changed once stored
	streaming    context.Context                 // ends when the server shuts down, and streams with it
	listeners    atomic.Int64                    // streams of events that are open
	refusals     *refusals
	endStreams   context.CancelFunc
}

// New makes the server of a node. It listens nowhere and starts no goroutine; Serve does. The server does not close the
// node.
func New(n *node.Node, options Options) *Server {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{node: n, options: options, seconds: newRequestSeconds(), errors: &serverErrors{logger: options.Logger},
		sessions: newSessions()}
	s.delegations, s.applications = openDelegations(options.Dir, options.Logger),
		openApplications(options.Dir, options.Logger)
	s.drafts = openDrafts(options.Dir, options.Logger)
	s.openBackups()
	s.openStaff()
	s.SetAccess(options.Access)
	s.SetMembers(options.Members)
	s.SetOrigins(options.Origins)
	s.shown.blocks = recent.New[uint64, BlockView](keptBlocks)
	s.shown.texts = recent.New[uint64, []byte](keptBlocks)
	s.shown.definitions = recent.New[token.Hash, DefinitionView](keptDefinitions)
	s.shown.words = recent.New[explained, []string](keptWords)
	s.refusals = openRefusals(options.Dir, options.Logger)
	s.streaming, s.endStreams = context.WithCancel(context.Background())
	mux := &routes{mux: http.NewServeMux()}
	s.api, s.routes = adapt(mux, settings()), mux
	s.registerNetwork()
	s.registerWallets()
	s.registerSessions()
	s.registerKeyed()
	s.registerDelegations()
	s.registerBackups()
	s.registerApplications()
	s.registerDrafts()
	s.registerStaff()
	s.registerEvents(mux)
	s.registerTokens()
	s.registerPrograms()
	s.registerNext()
	s.registerPurses()
	s.registerSeries()
	s.registerTransactions()
	s.registerBlocks()
	s.registerErrors()
	s.registerExplain()
	s.registerStory()
	s.registerDemo()
	s.registerBanknotes()
	s.registerMarket()
	s.registerFollow(mux)
	s.registerCluster()
	s.mountLog(mux)
	s.registerOperation(mux)
	s.mountPages(mux)
	s.limiter = httplimit.New(s.limits(), tooMany)
	// From the outside in: the origin is guarded before anybody is identified, the caller is known before his share
	// is counted, and what is barred for forgeries is timed as a request too.
	s.handler = s.name(s.guard(s.identify(s.limiter.Handler(timed(s.seconds, s.barred(bursts(mux))), callerOf))))
	return s
}

// Handler is the whole server, for tests and for use within one process.
func (s *Server) Handler() http.Handler { return s.handler }

// OpenAPI returns the API's description.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// InstanceHeader carries Options.Instance.
const InstanceHeader = "Aqsha-Instance"

// name puts the server's own word into every answer.
func (s *Server) name(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.Instance != "" {
			w.Header().Set(InstanceHeader, s.options.Instance)
		}
		next.ServeHTTP(w, r)
	})
}

// tooMany answers a request that is over a limit.
func tooMany(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Retry-After", "1")
	writeProblem(w, newProblem(status, string(node.Overloaded), "", detail))
}

// streamPaths are those of streams: they last, and are counted apart.
func isStream(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/v1/feed" || r.URL.Path == "/v1/events" ||
		strings.HasSuffix(r.URL.Path, "/stream"))
}

// isProbe says whether a request is an orchestrator's question, which costs nothing to answer.
func isProbe(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/livez" || r.URL.Path == "/readyz") && r.ContentLength == 0
}

// callerOf is what a request counts to.
func callerOf(r *http.Request) httplimit.Caller {
	if isProbe(r) {
		return httplimit.Caller{} // whoever restarts what does not answer must not be told that it is busy
	}
	address, _ := r.Context().Value(addressKey{}).(string)
	access, _ := r.Context().Value(accessKey{}).(*Access)
	known := access != nil && access != everything
	if known { // wherever it comes from
		address = "access " + access.Name + access.TokenSHA256 + access.wallet.String()
	}
	return httplimit.Caller{Address: address, Known: known, Stream: isStream(r)}
}

// mountLog serves the log's public parts, and entries to those who may read all. Tiles and checkpoints are as any C2SP
// reader expects them, at the root and not under /v1.
func (s *Server) mountLog(mux *routes) {
	public, entries := s.node.Log().Handler(), s.node.Log().EntriesHandler()
	checkpoint := operation("get-checkpoint", "/checkpoint", "The newest signed checkpoint (C2SP tlog-checkpoint)",
		byAnybody, http.StatusNotFound)
	checkpoint.Responses = text("Signed note")
	s.serveRaw(mux, checkpoint, "", s.checkpoint)
	problem := &huma.MediaType{Schema: s.api.OpenAPI().Components.Schemas.Schema(typeOf[Problem](), true, "Problem")}
	for _, part := range []struct {
		id, path, summary, pattern string
		by                         reader
		serve                      http.HandlerFunc
	}{
		{"get-hash-tile", "/tile/{level}/{index}", "A full tile of 256 hashes (C2SP tlog-tiles)", "/tile/", byAnybody,
			public.ServeHTTP},
		{"get-partial-hash-tile", "/tile/{level}/{index}/{width}", "The first hashes of a tile", routedAlready,
			byAnybody, nil},
		{"get-entry-bundle", "/tile/entries/{index}", "256 entries, each after its length in two bytes",
			"/tile/entries/", byAuditors, s.whole(entries)},
		{"get-partial-entry-bundle", "/tile/entries/{index}/{width}", "The first entries of a bundle", routedAlready,
			byAuditors, nil},
	} {
		tile := operation(part.id, part.path, part.summary, part.by)
		tile.Description = "Numbers from 1,000 on are written in groups of three digits, all but the last after an " +
			"x, which here are one parameter: x001/234."
		tile.Responses = octets("The tile")
		for status, description := range map[string]string{"400": "No path of a tile",
			"404": "No such tile, or not yet", "500": "The tile cannot be read"} {
			tile.Responses[status] = &huma.Response{Description: description,
				Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}
		}
		// Hashes are public and say nothing of anybody; entries are the payments themselves.
		if strings.HasPrefix(part.path, "/tile/entries/") {
			tile.Responses["404"].Content["application/problem+json"] = problem
		}
		tile.Parameters = tileParameters(part.path)
		s.serveRaw(mux, tile, part.pattern, part.serve)
	}
}

// whole serves who may read the whole ledger, as far as it may be shown.
func (s *Server) whole(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := mayReadAll(r.Context()); err != nil {
			writeProblem(w, problemOf(err))
			return
		}
		// What too few followers have yet may be taken back: it is shown to nobody.
		if t, err := txlog.ParseTilePath(strings.TrimPrefix(r.URL.Path, "/")); err == nil && t.Width > 0 &&
			t.Index*txlog.TileWidth+uint64(t.Width) > s.node.Head().Size {
			writeProblem(w, problemOf(token.Errorf(node.NotFound, "path", "%d entries are acknowledged, and so "+
				"shown; this bundle ends beyond them", s.node.Head().Size)))
			return
		}
		next.ServeHTTP(w, r)
	}
}

// tileParameters describes the parts of a path of the log's tiles.
func tileParameters(path string) (list []*huma.Param) {
	about := map[string]*huma.Param{
		"level": {Description: "0 to 63", Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]{1,2}$"}},
		"index": {Description: "number of the tile; a partial one's ends with .p",
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: `^(x[0-9]{3}/)*[0-9]{3}(\.p)?$`}},
		"width": {Description: "how many of the 256 a partial tile has",
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9]{1,3}$"}},
	}
	for _, name := range []string{"level", "index", "width"} {
		if p := about[name]; strings.Contains(path, "{"+name+"}") {
			p.Name, p.In, p.Required = name, "path", true
			list = append(list, p)
		}
	}
	return list
}

// checkpoint serves the newest signed checkpoint that may be shown.
func (s *Server) checkpoint(w http.ResponseWriter, _ *http.Request) {
	signed := s.node.PublicCheckpoint()
	if signed == nil {
		writeProblem(w, problemOf(token.Errorf(node.NotFound, "checkpoint", "none was signed over what is shown "+
			"here: none was published yet, no follower has acknowledged one, or this is a copy of the past (restored "+
			"up to a size or time), which was verified as it was made")))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(signed)
}

// ErrOpenBeyondLoopback means that a node which lets everybody read would be reachable from elsewhere.
var ErrOpenBeyondLoopback = errors.New("a node that is open to read listens on loopback only: configure access " +
	"tokens, or listen on 127.0.0.1")

// ErrPlainBeyondLoopback means that access tokens would travel in clear.
var ErrPlainBeyondLoopback = errors.New("nothing listens beyond loopback without TLS: make a certificate (aqsha tls " +
	"init NAME) and use --tls self, " +
	"have one fetched (--tls acme), name yours (--tls files), or name the proxy before this node that ends TLS " +
	"(--tls proxy=ADDRESS)")

// Listen opens the address to serve on. Callers and connections are bounded before TLS.
func (s *Server) Listen(address string) (net.Listener, error) {
	l, err := s.options.listen(address)
	if err != nil {
		return nil, err
	}
	s.sessions.listens(l.Addr())
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && s.options.TLS != nil {
		for _, name := range s.options.Names {
			s.sessions.add("https://" + net.JoinHostPort(name, strconv.Itoa(tcp.Port)))
		}
	}
	if s.options.Proxy != "" {
		l = httplimit.Only(l, s.options.Proxy)
	}
	return s.limiter.Listen(l, s.options.Proxy), nil
}

// MayListen says whether a server with these options could listen at an address now.
func (o Options) MayListen(address string) error {
	l, err := o.listen(address)
	if err != nil {
		return err
	}
	return l.Close()
}

// listen opens an address, unless the options do not let it be served.
func (o Options) listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if err := o.mayServe(l.Addr()); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// CheckListen refuses an address at which a server with these options would not listen, without listening: the address
// may be taken, by this very node, or be of another machine.
func (o Options) CheckListen(address string) error {
	tcp, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return err
	}
	return o.mayServe(tcp)
}

// mayServe says whether what is served with these options may be reached at an address. The refusals are
// ErrOpenBeyondLoopback and ErrPlainBeyondLoopback.
func (o Options) mayServe(address net.Addr) error {
	tcp, ok := address.(*net.TCPAddr)
	beyond := !ok || !tcp.IP.IsLoopback()
	switch {
	case beyond && o.Open:
		return ErrOpenBeyondLoopback
	case beyond && o.TLS == nil && o.Proxy == "":
		return ErrPlainBeyondLoopback
	}
	return nil
}

// ListenHere opens a port on loopback for this machine's own commands, where the address that others dial speaks TLS.
func (s *Server) ListenHere() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.sessions.listens(l.Addr())
	return s.limiter.Listen(l, ""), nil
}

// Serve answers requests until ctx ends, then lets those under way finish. The first listener is that of Listen; others
// are plain. It returns nil after an orderly end, and the first error of a listener otherwise.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	server := &http.Server{Handler: s.handler, ErrorLog: s.errors.log()}
	httplimit.Configure(server)
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	server.TLSConfig = s.options.TLS
	failed := make(chan error, len(listeners))
	for i, l := range listeners {
		go func() {
			if i == 0 && s.options.TLS != nil {
				failed <- server.ServeTLS(l, "", "")
				return
			}
			failed <- server.Serve(l)
		}()
	}
	go s.settleDrafts(s.streaming)
	go s.refusals.keep(s.streaming)
	select {
	case err := <-failed:
		s.endStreams()
		return err
	case <-ctx.Done():
	}
	// Streams end once nobody waits for followers any more: it is by them that followers hear of what they are to
	// acknowledge.
	go func() {
		for until := time.Now().Add(lastPayments); s.node.Counts().Waiting > 0 && time.Now().Before(until); {
			time.Sleep(5 * time.Millisecond)
		}
		// A payment that others do not order now would hold the server up until it is cut without an answer.
		s.node.AbandonOrdered("this node is shutting down")
		s.endStreams()
	}()
	grace, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	for range listeners {
		<-failed
	}
	return err
}
