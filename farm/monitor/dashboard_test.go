package monitor_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

var (
	metricName = regexp.MustCompile(`aqsha_farm_\w+`)
	metricUse  = regexp.MustCompile(`(aqsha_farm_\w+)(?:\{([^}]*)\})?`)
	legend     = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// grafana is what of a dashboard's file Grafana needs to load it (schema 39).
type grafana struct {
	Title         string
	UID           string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		ID         int
		Title      string
		Type       string
		GridPos    struct{ X, Y, W, H int }
		Datasource struct{ Type, UID string }
		Targets    []struct{ RefID, Expr, LegendFormat string }
	}
}

// exposed are the labels of each metric that a watch serves, by the metric's name.
func exposed(t *testing.T) map[string][]string {
	t.Helper()
	labels := map[string][]string{}
	synctest.Test(t, func(t *testing.T) {
		b, d := newMonitor(t, simulate.Units(6, 3, protocol.Braiins, usage.At(time.Now()), nil), nil)
		defer b.Close()
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(&monitor.Metrics{Monitor: d, PerMachine: true})
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			names := []string{}
			for _, l := range f.Metric[0].Label {
				names = append(names, l.GetName())
			}
			labels[f.GetName()] = names
		}
	})
	return labels
}

// The dashboard is a file that Grafana loads: it asks for nothing that no watch states, by no label that is not there,
// and it shows everything that is stated.
func TestTheDashboardKnowsTheMetrics(t *testing.T) {
	labels := exposed(t)
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations", "farm-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d grafana
	if err := json.Unmarshal(content, &d); err != nil || d.Title == "" || d.UID == "" || d.SchemaVersion != 39 ||
		len(d.Templating.List) != 2 || len(d.Panels) < 10 {
		t.Fatalf("%+v, %v", d, err)
	}
	shown := map[string]bool{}
	for i, p := range d.Panels {
		kinds := []string{"stat", "timeseries", "table"}
		if p.ID != i+1 || p.Datasource.UID != "${datasource}" || !slices.Contains(kinds, p.Type) ||
			len(p.Targets) == 0 {
			t.Errorf("%+v", p)
		}
		for _, q := range d.Panels[:i] {
			a, b := p.GridPos, q.GridPos
			if a.X+a.W > 24 || a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies over %s", p.Title, q.Title)
			}
		}
		for _, target := range p.Targets {
			if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") || target.RefID == "" {
				t.Errorf("%s: %s", p.Title, target.Expr)
			}
			var known []string
			for _, use := range metricUse.FindAllStringSubmatch(target.Expr, -1) {
				if labels[use[1]] == nil {
					t.Errorf("%s: no watch states %s", p.Title, use[1])
				}
				shown[use[1]] = true
				known = append(known, labels[use[1]]...)
				for _, match := range strings.Split(use[2], ",") {
					if name, _, _ := strings.Cut(match, "="); match != "" &&
						!slices.Contains(labels[use[1]], strings.TrimRight(name, "!")) {
						t.Errorf("%s: %s has no label %q", p.Title, use[1], name)
					}
				}
			}
			for _, l := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(known, l[1]) {
					t.Errorf("%s: nothing in %s has the label %q", p.Title, target.Expr, l[1])
				}
			}
		}
	}
	for _, v := range d.Templating.List {
		if name := metricName.FindString(v.Query); v.Type == "query" && labels[name] == nil {
			t.Errorf("the variable %s asks for %q", v.Name, v.Query)
		}
	}
	for name := range labels {
		if !shown[name] {
			t.Errorf("%s is on no panel", name)
		}
	}
	if len(labels) != 9 {
		t.Errorf("%d metrics: %v", len(labels), labels)
	}
}
