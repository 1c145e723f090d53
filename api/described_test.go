package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aqsha/aqsha/api"
)

// description is the document as a client of another language reads it: what it says of an answer is what it is held
// against.
type description struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
	paths    []describedPath

	mu      sync.Mutex
	schemas map[string]*jsonschema.Schema
	seen    map[string]bool // operation and status that was answered
}

type describedPath struct {
	path string
	form *regexp.Regexp
	ops  map[string]any
}

var parameter = regexp.MustCompile(`\\\{(\w+)\\\}`)

func newDescription(t testing.TB, s *api.Server) *description {
	t.Helper()
	text, err := json.Marshal(s.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &description{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler(),
		schemas: map[string]*jsonschema.Schema{}, seen: map[string]bool{}}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	for name, bits := range map[string]int{"int32": 32, "int64": 64} {
		d.compiler.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			n, ok := v.(json.Number)
			if !ok {
				return nil
			}
			_, err := strconv.ParseInt(n.String(), 10, bits)
			return err
		}})
	}
	if err := d.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	for path, ops := range d.doc["paths"].(map[string]any) {
		form := parameter.ReplaceAllStringFunc(regexp.QuoteMeta(path), func(p string) string {
			if strings.Contains(p, "index") {
				return "((?:x[0-9]{3}/)*[^/]+)"
			}
			return "([^/]+)"
		})
		d.paths = append(d.paths, describedPath{path, regexp.MustCompile("^" + form + "$"), ops.(map[string]any)})
	}
	// The most literal path first, as routers choose.
	slices.SortFunc(d.paths, func(a, b describedPath) int {
		return strings.Count(a.path, "{") - strings.Count(b.path, "{")
	})
	return d
}

// operation is what the document says of a request; nil if nothing.
func (d *description) operation(method, path string) (where string, op map[string]any) {
	for _, p := range d.paths {
		if op, ok := p.ops[strings.ToLower(method)].(map[string]any); ok && p.form.MatchString(path) {
			return "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p.path) + "/" +
				strings.ToLower(method), op
		}
	}
	return "", nil
}

// undescribed is what is served beside the API.
var undescribed = []string{"/", "/docs", "/openapi.json", "/openapi.yaml", "/openapi-3.0.json", "/openapi-3.0.yaml",
	"/wallet/", "/assets/", "/explorer", "/explorer.js", "/explorer.css", "/explorer.en.json",
	"/explorer.kk.json", "/explorer.ru.json", "/docs.js", "/docs.css", "/sign-in", "/account", "/staff", "/audit"}

// holds says what of an answer is not as the document says.
func (d *description) holds(method, path string, status int, contentType string, body []byte) error {
	where, op := d.operation(method, path)
	if op == nil {
		if slices.Contains(undescribed, path) || strings.HasPrefix(path, "/assets/") ||
			strings.HasPrefix(path, "/wallet/") || status == http.StatusNotFound ||
			status == http.StatusMethodNotAllowed || status == http.StatusTemporaryRedirect {
			return nil
		}
		return fmt.Errorf("answered with %d and not described", status)
	}
	responses := op["responses"].(map[string]any)
	key := strconv.Itoa(status)
	d.mu.Lock()
	d.seen[op["operationId"].(string)+" "+key] = true
	d.mu.Unlock()
	response, ok := responses[key].(map[string]any)
	for _, key = range []string{key, strconv.Itoa(status/100) + "XX", "default"} {
		if response, ok = responses[key].(map[string]any); ok || status < 400 {
			break
		}
	}
	if !ok {
		return fmt.Errorf("status %d is not described", status)
	}
	content, _ := response["content"].(map[string]any)
	kind, _, _ := mime.ParseMediaType(contentType)
	if len(content) == 0 {
		if len(body) != 0 {
			return fmt.Errorf("%d bytes where none are described", len(body))
		}
		return nil
	}
	media, ok := content[kind].(map[string]any)
	if !ok {
		return fmt.Errorf("content type %q is not described for status %d", contentType, status)
	}
	if media["schema"] == nil {
		return fmt.Errorf("no schema for %s", kind)
	}
	schema := fmt.Sprintf("openapi.json#%s/responses/%s/content/%s/schema", where, key,
		strings.ReplaceAll(kind, "/", "~1"))
	switch {
	case strings.HasSuffix(kind, "json"):
		return d.validate(schema, body)
	case kind == "text/event-stream":
		return d.events(schema, body)
	}
	return nil
}

func (d *description) validate(where string, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	schema := d.schemas[where]
	if schema == nil {
		if schema, err = d.compiler.Compile(where); err != nil {
			return err
		}
		d.schemas[where] = schema
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w in %.300s", err, body)
	}
	return nil
}

// events holds each whole event of a stream against the schema of the list's items.
func (d *description) events(schema string, body []byte) error {
	for event := range strings.SplitSeq(string(body), "\n\n") {
		form := map[string]json.RawMessage{}
		for line := range strings.SplitSeq(event, "\n") {
			name, value, ok := strings.Cut(line, ": ")
			switch {
			case !ok || name == "":
			case name == "data" || name == "id" && json.Valid([]byte(value)): // an id may be a number
				form[name] = json.RawMessage(value)
			default:
				form[name], _ = json.Marshal(value)
			}
		}
		if len(form) == 0 || !strings.HasSuffix(string(body), "\n\n") && strings.HasSuffix(string(body), event) {
			continue // a comment, or cut off
		}
		text, err := json.Marshal([]any{form})
		if err != nil {
			return err
		}
		if err := d.validate(schema, text); err != nil {
			return err
		}
	}
	return nil
}

// checked is a server whose every answer is held against its description.
func checked(t testing.TB, s *api.Server) http.Handler {
	return newDescription(t, s).around(t, s.Handler())
}

func (d *description) around(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &keptAnswer{ResponseWriter: w, status: http.StatusOK}
		path, method := r.URL.Path, r.Method
		next.ServeHTTP(kept, r)
		if method == http.MethodHead {
			return
		}
		if err := d.holds(method, path, kept.status, w.Header().Get("Content-Type"), kept.body.Bytes()); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
		}
	})
}

type keptAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *keptAnswer) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

func (k *keptAnswer) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

func (k *keptAnswer) Flush()                      { _ = http.NewResponseController(k.ResponseWriter).Flush() }
func (k *keptAnswer) Unwrap() http.ResponseWriter { return k.ResponseWriter }
