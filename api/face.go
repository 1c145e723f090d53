package api

import (
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Face is another line's API that is described and refuses as this one does.
type Face struct {
	API    huma.API
	routes *routes
}

// NewFace makes an API without operations. Its description (OpenAPI 3.1) is served at /openapi.json and /openapi.yaml
// to anybody.
func NewFace(title, description string, schemes map[string]*huma.SecurityScheme, schemas huma.Registry) *Face {
	config := huma.DefaultConfig(title, "1.0.0")
	config.Info.Description = description
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Servers = []*huma.Server{{URL: "/", Description: "the server of this description"}}
	config.CreateHooks, config.DocsPath, config.SchemasPath = nil, "", ""
	config.Components.SecuritySchemes, config.Components.Schemas = schemes, schemas
	config.OnAddOperation = append(config.OnAddOperation, func(api *huma.OpenAPI, op *huma.Operation) {
		op.Responses["4XX"] = problemResponse(api.Components.Schemas, "Refused")
		op.Responses["default"] = problemResponse(api.Components.Schemas, "A problem that any request can meet")
	})
	mux := &routes{mux: http.NewServeMux()}
	return &Face{adapt(mux, config), mux}
}

// ServeHTTP answers; what no route knows is refused with a problem.
func (f *Face) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.routes.ServeHTTP(w, r) }

// Patterns are the routes that are served, as the router names them.
func (f *Face) Patterns() []string { return f.routes.patterns }

// NewProblem is a refusal as it is answered (RFC 9457).
func NewProblem(status int, code, field, detail string) *Problem {
	return newProblem(status, code, field, detail)
}

// Unauthorised refuses who shows no access token that stands, Forbidden whose access does not reach this.
func Unauthorised(detail string) *Problem {
	return newProblem(http.StatusUnauthorized, codeUnauthorised, "Authorization", detail)
}

// Forbidden refuses whose access does not reach what he asks for.
func Forbidden(detail string) *Problem {
	return newProblem(http.StatusForbidden, codeForbidden, "", detail)
}

// Internal refuses what the server could not do; its log says why.
func Internal(detail string) *Problem {
	return newProblem(http.StatusInternalServerError, codeInternal, "", detail)
}

// WriteProblem answers with a problem outside of the framework.
func WriteProblem(w http.ResponseWriter, p *Problem) { writeProblem(w, p) }

// ProblemIn is the problem that an answer states; nil where it states none.
func ProblemIn(body []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(body, p) != nil || p.Code == "" {
		return nil //nolint:nilerr // what is no problem is none
	}
	p.Code, p.Field, p.Detail = printable(p.Code), printable(p.Field), printable(p.Detail)
	return p
}
