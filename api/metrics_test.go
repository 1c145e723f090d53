package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
)

// openWorld serves a network of one node.
func openWorld(t *testing.T, logger *slog.Logger) *Server {
	t.Helper()
	world := sim.NewWorld(3)
	c := node.Config{Dir: t.TempDir(), Now: func() uint64 { return sim.StartMillis + 1000 }}
	c.Options.Origin, c.Options.Signers = world.Genesis.Name, []note.Signer{world.LogSigner}
	if err := node.Init(c, world.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return New(n, Options{Open: true, Logger: logger})
}

// described are the names of all metrics that a node ever states, whether or not it knows their values now.
func described(s *Server) map[string]bool {
	names, descriptions := map[string]bool{"up": true}, make(chan *prometheus.Desc)
	go func() {
		s.registry().Describe(descriptions)
		close(descriptions)
	}()
	name := regexp.MustCompile(`fqName: "([^"]+)"`)
	for d := range descriptions {
		found := name.FindStringSubmatch(d.String())[1]
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			names[found+suffix] = true
		}
	}
	return names
}

// knows checks that an expression can be read and asks for nothing that no node states.
func knows(t *testing.T, names map[string]bool, where, expression string) {
	t.Helper()
	parsed, err := metricsql.Parse(expression)
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	asked := 0
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		m, ok := e.(*metricsql.MetricExpr)
		if !ok {
			return
		}
		for _, filters := range m.LabelFilterss {
			for _, f := range filters {
				if f.Label != "__name__" {
					continue
				}
				if asked++; !names[f.Value] {
					t.Errorf("%s asks for %s, which no node states", where, f.Value)
				}
			}
		}
	})
	if asked == 0 {
		t.Errorf("%s asks for nothing", where)
	}
}

type rules struct {
	Groups []struct {
		Name  string `yaml:"name"`
		Rules []struct {
			Alert       string            `yaml:"alert"`
			Expr        string            `yaml:"expr"`
			For         string            `yaml:"for"`
			Labels      map[string]string `yaml:"labels"`
			Annotations map[string]string `yaml:"annotations"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// The alerts and the dashboard load, ask for nothing that no node states, and the operator's page has a word on each alert.
func TestAlertsAndDashboardKnowTheMetrics(t *testing.T) {
	names := described(openWorld(t, nil))
	operations := filepath.Join("..", "docs", "operations")
	raw, err := os.ReadFile(filepath.Join(operations, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "OPERATING.md"))
	if err != nil {
		t.Fatal(err)
	}
	var file rules
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil || len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("%+v, %v", file, err)
	}
	for _, r := range file.Groups[0].Rules {
		knows(t, names, r.Alert, r.Expr)
		if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
			t.Errorf("%s says neither how bad it is nor what", r.Alert)
		}
		if !bytes.Contains(page, []byte("`"+r.Alert+"`")) {
			t.Errorf("docs/OPERATING.md does not say what to do about %s", r.Alert)
		}
	}
	if raw, err = os.ReadFile(filepath.Join(operations, "dashboard.json")); err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Fatalf("%+v, %v", dashboard, err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			knows(t, names, p.Title, target.Expr)
		}
	}
}

// Requests are counted by the route that answered them; a stranger's paths and methods make no labels.
func TestRequestsAreTimedByRoute(t *testing.T) {
	s := openWorld(t, nil)
	ask := func(method, path string) string {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Body.String()
	}
	ask("GET", "/v1/network")
	ask("GET", "/v1/wallets/00000000000000000000000000000001")
	ask("GET", "/no/such/path/7319")
	ask("BREW", "/v1/network")
	figures := ask("GET", "/metrics")
	for _, want := range []string{
		`aqsha_http_request_seconds_count{code="200",method="GET",route="/v1/network"} 1`,
		`route="/v1/wallets/{id}"`, `method="other"`, "\naqsha_disk_free_bytes ", "\naqsha_leader 1\n", "\naqsha_epoch 0\n",
		"aqsha_commit_seconds_bucket", "\naqsha_build_info{",
	} {
		if !strings.Contains(figures, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for _, not := range []string{"7319", "BREW", "0000000000000001"} {
		if strings.Contains(figures, not) {
			t.Errorf("a stranger's %s is a label", not)
		}
	}
}

// Connections that cannot be accepted are told, once in a while, and counted; what strangers do wrong is not.
func TestAcceptErrorsAreTold(t *testing.T) {
	var reported bytes.Buffer
	e := &serverErrors{logger: slog.New(slog.NewTextHandler(&reported, nil))}
	for range 5 {
		e.log().Println("http: Accept error: accept tcp 127.0.0.1:1: accept4: too many open files; retrying in 5ms")
	}
	e.log().Println("http: TLS handshake error from 10.0.0.1:1: EOF")
	if n := strings.Count(reported.String(), "level=ERROR"); n != 1 || strings.Contains(reported.String(), "handshake") || e.accepts.Load() != 5 {
		t.Errorf("told %d times, counted %d:\n%s", n, e.accepts.Load(), &reported)
	}
}
