package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// The description is made from the types that are sent, by the framework, but for what writes its own JSON (schemas.go)
// and for what is served past the framework (serveRaw). TestEveryAnswerIsDescribed holds every answer against it.

// reader says who is answered by an operation; the description has it as x-readers.
type reader string

// Who may do what an operation does, as the description of the API says it. The handlers check; a test calls every
// operation as each kind of caller.
const (
	byAnybody reader = "anybody" // no access is asked for
	// the session of the wallet's key, the bank that registered it, auditors and the authority
	byWallet    reader = "wallet"
	byHolder    reader = "holder"    // the session of the wallet's key, and nobody else
	byAuditors  reader = "auditors"  // auditors and the authority
	byBank      reader = "bank"      // the bank that is asked
	bySignature reader = "signature" // whoever sends what the right key has signed
)

// security of an operation, as the description states it. An operation of anybody names the empty requirement: nothing
// is left to what a reader of the description assumes.
func (r reader) security() []map[string][]string {
	switch r {
	case byWallet:
		return []map[string][]string{{"access": {}}, {"session": {}}, {"staff": {}}}
	case byHolder:
		return []map[string][]string{{"session": {}}}
	case byAuditors, byBank:
		return []map[string][]string{{"access": {}}, {"staff": {}}}
	case byTrailReaders:
		return []map[string][]string{{"access": {}}, {"staff": {}}}
	case byStaff, byAdministrators:
		return []map[string][]string{{"staff": {}}}
	}
	return []map[string][]string{{}}
}

const describedAs = "x-readers"

// describe completes an operation with who is answered, and the refusals that it knows beyond those that any request
// can meet.
func describe(op huma.Operation, by reader, refusals ...int) huma.Operation {
	op.Security = by.security()
	op.Extensions = map[string]any{describedAs: string(by)}
	if by != byAnybody && by != bySignature {
		refusals = append(refusals, http.StatusUnauthorized, http.StatusForbidden)
	}
	slices.Sort(refusals)
	op.Errors = slices.Compact(refusals)
	return op
}

// operation describes a GET that reads.
func operation(id, path, summary string, by reader, refusals ...int) huma.Operation {
	return describe(huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Summary: summary}, by,
		refusals...)
}

// routes notes what is served, so that a test can hold it against the description. There is no other way to the router:
// what is mounted by any name is noted.
type routes struct {
	mux      *http.ServeMux
	patterns []string
}

// HandleFunc is what the framework mounts by.
func (r *routes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	r.Handle(pattern, http.HandlerFunc(handler))
}

// Handle mounts a handler.
func (r *routes) Handle(pattern string, handler http.Handler) {
	r.patterns = append(r.patterns, pattern)
	r.mux.Handle(pattern, handler)
}

// ServeHTTP answers what no route knows with a problem too.
func (r *routes) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if handler, pattern := r.mux.Handler(request); pattern == "" {
		probe := &headersOnly{header: w.Header()}
		handler.ServeHTTP(probe, request) // it knows which methods are allowed
		for _, name := range []string{"Content-Type", "X-Content-Type-Options", "Content-Length"} {
			w.Header().Del(name)
		}
		if probe.status == http.StatusMethodNotAllowed {
			writeProblem(w, newProblem(probe.status, codeNoRoute, "method", "allowed here: "+w.Header().Get("Allow")))
			return
		}
		writeProblem(w, newProblem(http.StatusNotFound, codeNoRoute, "path", "nothing is served here; /openapi.json "+
			"says what is"))
		return
	}
	r.mux.ServeHTTP(w, request)
}

// headersOnly takes an answer's status and headers, and drops its body.
type headersOnly struct {
	header http.Header
	status int
}

func (h *headersOnly) Header() http.Header         { return h.header }
func (h *headersOnly) WriteHeader(status int)      { h.status = status }
func (h *headersOnly) Write(b []byte) (int, error) { return len(b), nil }

// settings are the framework's, with what the description says of the API as a whole.
func settings() huma.Config {
	config := huma.DefaultConfig("Aqsha", "1.0.0")
	config.Info.Description =
		"The digital tenge's ledger: wallets, tokens, payments, and a log that anybody can verify. " +
			"Amounts are integers in tiyn (1 KZT = 100 tiyn) of up to 63 bits: a reader that keeps numbers in doubles " +
			"loses those above 2^53. " +
			"A development node is open: it asks for no access token, whatever an operation says here."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Servers = []*huma.Server{{URL: "/", Description: "the node that serves this description"}}
	config.Formats = maps.Clone(config.Formats)
	for name, format := range config.Formats { // any order: each by itself
		config.Formats[name] = strictJSON(format)
	}
	config.CreateHooks = nil // no $schema links in answers
	config.DocsPath = ""     // our own page, which needs no other host
	config.SchemasPath = ""  // they stand in the description
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"access": {Type: "http", Scheme: "bearer",
			Description: "an access token of the node's operator: of an intermediary, an auditor or the authority " +
				"(aqsha access)"},
		"session": {Type: "http", Scheme: "bearer", Description: "a session that a wallet's key opened: /v1/sessions"},
		"staff": {Type: "apiKey", In: "cookie", Name: cookieSecure,
			Description: "a session that a passkey of the staff opened: /v1/staff/sessions; without TLS, on the " +
				"node's own machine, the cookie is " + cookiePlain},
	}
	config.Components.Schemas = newSchemas()
	config.Tags = tags
	config.OnAddOperation = append(config.OnAddOperation, addCommon)
	return config
}

// tags group the operations, by the first word of their path.
var tags = []*huma.Tag{
	{Name: "ledger", Description: "the network, its money, its rules"},
	{Name: "wallets", Description: "what wallets hold, and what touched them"},
	{Name: "payments", Description: "transactions, and tokens for them"},
	{Name: "programs", Description: "purposes of marked money, and contracts"},
	{Name: "log", Description: "the log and what is signed of it"},
	{Name: "copies", Description: "followers: feed, cosignatures, fences"},
	{Name: "staff", Description: "who works at the node's pages, and what they did"},
	{Name: "operation", Description: "whether the node serves, and how fast"},
	{Name: "market", Description: "questions about markets, from the node's folder of data"},
}

var tagOf = map[string]string{
	"wallets": "wallets", "sessions": "wallets", "applications": "wallets", "events": "log", "transactions": "payments",
	"drafts": "payments", "tokens": "payments",
	"agencies": "programs", "purposes": "programs", "definitions": "programs", "contracts": "programs",
	"series": "ledger", "blocks": "log", "checkpoint": "log", "tile": "log", "feed": "copies", "followers": "copies",
	"cosignatures": "copies", "fence": "copies", "promises": "copies",
	"health": "operation", "livez": "operation", "readyz": "operation", "metrics": "operation", "story": "operation",
	"market": "market",
	"staff":  "staff", "audit": "staff",
}

// addCommon adds what holds for every operation: its group, and that any request can be refused (a body too large, an
// unknown host, a node that is busy or stopping) by a problem.
func addCommon(api *huma.OpenAPI, op *huma.Operation) {
	first := strings.Split(strings.TrimPrefix(strings.TrimPrefix(op.Path, "/v1"), "/"), "/")[0]
	op.Tags = []string{"ledger"}
	if tag := tagOf[first]; tag != "" {
		op.Tags[0] = tag
	}
	op.Responses["4XX"] = problemResponse(api.Components.Schemas, "Refused")
	op.Responses["default"] = problemResponse(api.Components.Schemas, "A problem that any request can meet")
	if stream := op.Responses["200"]; stream != nil && stream.Content["text/event-stream"] != nil {
		items := stream.Content["text/event-stream"].Schema.Items
		if events, _ := items.Extensions["oneOf"].([]*huma.Schema); len(events) == 1 { // one kind of event is no choice
			stream.Content["text/event-stream"].Schema.Items = events[0]
		}
	}
}

func problemResponse(r huma.Registry, description string) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: r.Schema(typeOf[Problem](), true, "Problem")},
	}}
}

// text, octets and nothing are answers that are no JSON.
func text(description string) map[string]*huma.Response { return answerOf("text/plain", description) }
func octets(description string) map[string]*huma.Response {
	return answerOf("application/octet-stream", description)
}

func answerOf(contentType, description string) map[string]*huma.Response {
	schema := &huma.Schema{Type: huma.TypeString}
	if !strings.HasPrefix(contentType, "text/") {
		schema.Format = "binary"
	}
	return map[string]*huma.Response{"200": {Description: description,
		Content: map[string]*huma.MediaType{contentType: {Schema: schema}}}}
}

// serveRaw serves an operation past the framework, and describes it. Its answers are given in op.Responses; pattern is
// the router's, if it is not the operation's path.
func (s *Server) serveRaw(mux *routes, op huma.Operation, pattern string, handler http.HandlerFunc) {
	if pattern == "" {
		pattern = op.Path
	}
	for _, status := range op.Errors {
		op.Responses[statusText(status)] = problemResponse(s.api.OpenAPI().Components.Schemas, http.StatusText(status))
	}
	s.api.OpenAPI().AddOperation(&op)
	if pattern != routedAlready {
		mux.HandleFunc(op.Method+" "+pattern, handler)
	}
}

// routedAlready stands for the pattern of an operation whose route serves another operation too.
const routedAlready = "-"

// adapt puts the framework on the routes.
func adapt(mux *routes, config huma.Config) huma.API { return humago.New(mux, config) }

// writeProblem answers with a problem outside of the framework.
func writeProblem(w http.ResponseWriter, p *Problem) {
	body, _ := json.Marshal(p)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}
