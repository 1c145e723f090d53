package ask

import (
	"context"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/market/functions"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/paper"
	"github.com/aqsha/aqsha/market/report"
	"github.com/aqsha/aqsha/market/risks"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/systems"
	"github.com/aqsha/aqsha/market/use"
)

// Folder is where a service's market data lie.
type Folder string

// answers by question; each takes the folder and the query's parameters.
var answers = map[string]func(context.Context, Folder, url.Values) (any, error){
	"files":         files,
	"summary":       summary,
	"volatility":    volatility,
	"garch":         fit,
	"risk":          valueAtRisk,
	"report":        wholeReport,
	"concentration": concentrated,
	"paper":         func(_ context.Context, f Folder, _ url.Values) (any, error) { return paper.Check(string(f)) },
	"use":           used,
	"functions":     money,
	"risks":         listed,
	"architecture":  func(context.Context, Folder, url.Values) (any, error) { return systems.Load(nil) },
}

// Questions that Answer understands, sorted.
func Questions() []string { return slices.Sorted(maps.Keys(answers)) }

// Answer computes the answer to a question. Parameters are those of the
// commands: file, price, from, to, model, law, mean, like, free, forecast, p,
// backtest, benchmark, asset, by, of, residual, country, usd-per-kwh.
// An error with ErrorCode is the asker's; "not_found" means no such question.
func (f Folder) Answer(ctx context.Context, question string, q url.Values) (any, error) {
	answer := answers[question]
	if answer == nil {
		return nil, market.Refuse("not_found", "question", "%q is not one of %s", question, strings.Join(Questions(), ", "))
	}
	return answer(ctx, f, q)
}

// table opens a file of the folder; a name with a path in it is refused.
func (f Folder) table(name string) (*market.Table, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\`) {
		return nil, market.Refuse("file_name", "file", "%q is not the name of a file in the data folder", name)
	}
	if _, err := os.Stat(filepath.Join(string(f), name)); err != nil {
		return nil, market.Refuse("not_found", "file", "%q is not in the data folder", name)
	}
	return market.ReadFile(filepath.Join(string(f), name), market.ReadOptions{})
}

func (f Folder) input(q url.Values) (study.Input, error) {
	t, err := f.table(q.Get("file"))
	return study.Input{Table: t, Column: q.Get("price"), From: q.Get("from"), To: q.Get("to")}, err
}

func number(q url.Values, name string, otherwise float64) (float64, error) {
	if q.Get(name) == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseFloat(q.Get(name), 64)
	if err != nil {
		return 0, market.Refuse("not_a_number", name, "%q is not a number", q.Get(name))
	}
	return v, nil
}

// files lists what the folder holds that can be read, by name.
func files(_ context.Context, f Folder, _ url.Values) (any, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".csv" || ext == ".parquet") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func summary(_ context.Context, f Folder, q url.Values) (any, error) {
	t, err := f.table(q.Get("file"))
	if err != nil {
		return nil, err
	}
	return market.Summarise(t, market.Check(t)), nil
}

func volatility(_ context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	return study.StudyVolatility(in)
}

func fit(ctx context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	days, err := number(q, "forecast", 0)
	if err != nil {
		return nil, err
	}
	spec := garch.Spec{Model: garch.Model(q.Get("model")), Law: garch.Law(q.Get("law")), Mean: garch.Mean(q.Get("mean")), Free: q.Get("free") == "true"}
	return study.StudyGarch(ctx, in, study.GarchOptions{Spec: spec, Like: garch.Package(q.Get("like")), Days: int(days), Paths: 10_000, Level: 0.95, Seed: 1})
}

func valueAtRisk(ctx context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	p, err := number(q, "p", 0.01)
	if err != nil {
		return nil, err
	}
	return study.StudyRisk(ctx, in, p, q.Get("backtest") == "true", nil)
}

func wholeReport(ctx context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	o := report.Options{Asset: q.Get("asset"), From: q.Get("from"), To: q.Get("to"), Input: in}
	if name := q.Get("benchmark"); name != "" {
		if o.Benchmark, err = f.table(name); err != nil {
			return nil, err
		}
	}
	return report.Build(ctx, o, nil)
}

func concentrated(_ context.Context, f Folder, q url.Values) (any, error) {
	t, err := f.table(q.Get("file"))
	if err != nil {
		return nil, err
	}
	return concentration.Over(t, q.Get("by"), q.Get("of"), q.Get("residual"))
}

func used(_ context.Context, f Folder, q url.Values) (any, error) {
	o := use.Options{Dir: string(f), From: q.Get("from"), To: q.Get("to"), Overheads: use.CBECI, Country: q.Get("country")}
	var err error
	if o.Overheads.USDPerKWh, err = number(q, "usd-per-kwh", o.Overheads.USDPerKWh); err != nil {
		return nil, err
	}
	return use.OfFolder(o)
}

func money(_ context.Context, f Folder, q url.Values) (any, error) {
	anchors, err := functions.ParseAnchors(functions.DefaultAnchors())
	if err != nil {
		return nil, err
	}
	return functions.OfFolder(functions.Options{Dir: string(f), From: q.Get("from"), To: q.Get("to"), Anchors: anchors})
}

func listed(_ context.Context, f Folder, q url.Values) (any, error) {
	events, err := risks.ParseEvents(nil)
	if err != nil {
		return nil, err
	}
	return risks.OfFolder(risks.Options{Dir: string(f), From: q.Get("from"), To: q.Get("to"), Events: events})
}
