package farms

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/httplimit"
)

const (
	maxBody        = 64 << 10 // bytes of a request
	requestTimeout = 30 * time.Second
)

// Server is the face of a farm that is watched.
type Server struct {
	farm   *monitor.Monitor
	joined *Joined
	log    *slog.Logger
	face   *api.Face
	doors  doorkeeper

	months struct {
		mu   sync.Mutex // over the month that was accounted for last; held while one is, as it takes a core
		key  string
		at   time.Time
		last *daily.Month
	}
}

// New makes the face of a farm, with the farms that are joined to it; nil for none.
func New(m *monitor.Monitor, joined *Joined, log *slog.Logger) *Server {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	for _, text := range []reflect.Type{reflect.TypeFor[farm.Total](), reflect.TypeFor[usage.Cause]()} {
		schemas.RegisterTypeAlias(text, reflect.TypeFor[string]()) // by their MarshalText
	}
	s := &Server{farm: m, joined: joined, log: log, doors: doorkeeper{dir: m.Dir()}}
	s.face = api.NewFace("Aqsha farm", "A mining farm: its machines and their polls, alerts, repairs, orders and "+
		"months. Rates are 10^6 hashes a second, amounts of work integers as text, money tiyn (1 KZT = 100 tiyn); a "+
		"figure that a machine does not tell is -1. An order is written down and let out by who runs 'aqsha farm "+
		"orders run'. x-role names the least role that an operation is for: viewer, technician, operator, owner.",
		map[string]*huma.SecurityScheme{"access": {Type: "http", Scheme: "bearer",
			Description: "an access token of the farm (aqsha farm access)"}}, schemas)
	s.registerMachines()
	s.registerAlerts()
	s.registerTickets()
	s.registerOrders()
	s.registerAccounts()
	return s
}

// schemaName is a type's name in the description; one of the farm's rooms begins with the room's, since several have a
// type of the same name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if room := path.Base(t.PkgPath()); strings.Contains(t.PkgPath(), "/aqsha/farm/") && t.Name() != "" {
		return strings.ToUpper(room[:1]) + room[1:] + name
	}
	return name
}

type accessKey struct{}

// ServeHTTP answers. Nothing here goes by cookies: a page of another site sends no token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	if a := s.accessOf(r); a != nil {
		ctx = context.WithValue(ctx, accessKey{}, a)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.face.ServeHTTP(w, r.WithContext(ctx))
}

// accessOf is the access that a request shows; nil for none.
func (s *Server) accessOf(r *http.Request) *Access {
	secret, shown := api.BearerOf(r)
	if !shown {
		return nil
	}
	a, err := s.doors.of(secret, time.Now())
	if err != nil {
		s.log.Error("the accesses cannot be read", "error", err)
	}
	return a
}

// Bounded is the face as strangers meet it, for a process that may have so many files open.
func (s *Server) Bounded(files int) *httplimit.Server {
	return httplimit.NewServer(s, httplimit.Options{Limits: httplimit.Public(files, maxBody), Logger: s.log,
		Known: func(r *http.Request) string {
			if a := s.accessOf(r); a != nil {
				return a.Name
			}
			return ""
		}})
}

// OpenAPI is the description of the face.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.face.API.OpenAPI() }

// roleAs is where the description says which role an operation is for.
const roleAs = "x-role"

// register serves an operation to whoever has at least a role. It is the only place where a role is asked: which
// machines an access reaches, each handler asks by selected, reaches or ids.
func register[I, O any](s *Server, least Role, op huma.Operation,
	do func(ctx context.Context, a *Access, in *I) (*O, error)) {
	op.Security = []map[string][]string{{"access": {}}}
	op.Extensions = map[string]any{roleAs: string(least)}
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	slices.Sort(op.Errors)
	op.MaxBodyBytes = maxBody
	huma.Register(s.face.API, op, func(ctx context.Context, in *I) (*O, error) {
		a, _ := ctx.Value(accessKey{}).(*Access)
		if a == nil {
			return nil, api.Unauthorised("an access token of the farm is needed (aqsha farm access)")
		}
		if !a.Role.Reaches(least) {
			return nil, api.Forbidden("this is for the role " + string(least) + "; the access " + a.Name + " has " +
				string(a.Role))
		}
		out, err := do(ctx, a, in)
		if err != nil {
			return nil, s.problem(err)
		}
		return out, nil
	})
}

// get describes an operation that changes nothing.
func get(id, path, summary string, refusals ...int) huma.Operation {
	return operation(http.MethodGet, id, path, summary, refusals...)
}

// post describes an operation that writes something down.
func post(id, path, summary string, refusals ...int) huma.Operation {
	return operation(http.MethodPost, id, path, summary, append(refusals, http.StatusUnprocessableEntity)...)
}

// operation is tagged by the first part of its path.
func operation(method, id, path, summary string, refusals ...int) huma.Operation {
	tag := strings.Split(strings.TrimPrefix(path, "/v1/"), "/")[0]
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Errors: refusals,
		Tags: []string{tag}}
}

// statusOf maps codes that mean more than "refused by a rule" (422) to HTTP.
var statusOf = map[string]int{
	"no-machine": http.StatusNotFound, "no-ticket": http.StatusNotFound, "farm-no-order": http.StatusNotFound,
	"farm-no-access": http.StatusNotFound, "no-samples": http.StatusNotFound,
	"no-alert": http.StatusConflict, "ticket-open": http.StatusConflict, "ticket-closed": http.StatusConflict,
	"farm-order-state": http.StatusConflict, "farm-second-person": http.StatusForbidden,
	"farm-person": http.StatusForbidden, "farm-access-there": http.StatusConflict,
}

// problem states an error; what is not for the outside stands in the log, as paths and addresses of the farm do.
func (s *Server) problem(err error) error {
	var problem *api.Problem
	var refused *fault.Refusal
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &refused):
		status, known := statusOf[refused.Code]
		if !known {
			status = http.StatusUnprocessableEntity
		}
		return api.NewProblem(status, refused.Code, refused.Field, refused.Detail)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return api.NewProblem(http.StatusGatewayTimeout, "timeout", "", "not answered in time")
	}
	s.log.Error("answering", "error", err)
	return api.Internal("the farm could not answer; its log says why")
}

// Patterns are the routes that are served.
func (s *Server) Patterns() []string { return s.face.Patterns() }
