package query

import (
	"context"
	"maps"
	"math"
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
	"github.com/aqsha/aqsha/market/usage"
	annual "github.com/aqsha/aqsha/market/volatility"
)

// MaxDays is the longest forecast that a request may ask for; its 10,000
// paths then cost about a second.
const MaxDays = 250

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
	"breaks":        changed,
	"liquidity":     traded,
	"intraday":      insideDays,
	"spillover":     together,
	"architecture":  func(context.Context, Folder, url.Values) (any, error) { return systems.Load(nil) },
}

// Questions that Answer understands, sorted.
func Questions() []string { return slices.Sorted(maps.Keys(answers)) }

// Answer computes the answer to a question. Parameters are those of the
// commands: file, price, from, to, model, law, mean, like, free, forecast, p,
// backtest, benchmark, asset, by, of, residual, country, usd-per-kwh, regimes,
// level, lags, ahead; and files, names between commas.
// An error with ErrorCode is the asker's; "market-not-found" means no such question.
func (f Folder) Answer(ctx context.Context, question string, q url.Values) (any, error) {
	answer := answers[question]
	if answer == nil {
		return nil, market.Refuse("not-found", "question", "%q is not one of %s", question,
			strings.Join(Questions(), ", "))
	}
	if err := known(question, q); err != nil {
		return nil, err
	}
	return answer(ctx, f, q)
}

// parameters that each question knows; any other is refused, so that a
// misspelt one is not taken for its default.
var parameters = map[string]string{
	"files": "", "summary": "file", "volatility": "file price from to periods-per-year",
	"garch":         "file price from to periods-per-year model law mean like free forecast",
	"risk":          "file price from to periods-per-year p backtest",
	"report":        "file price from to periods-per-year asset benchmark",
	"concentration": "file by of residual", "paper": "", "use": "from to country usd-per-kwh", "functions": "from to",
	"risks": "from to", "architecture": "", "breaks": "file price from to periods-per-year regimes",
	"liquidity": "file price from to periods-per-year", "intraday": "file price from to periods-per-year level",
	"spillover": "files from to lags ahead",
}

// known refuses parameters that a question does not have: one that is misspelt would be answered as if it were not
// there.
func known(question string, q url.Values) error {
	names := strings.Fields(parameters[question])
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(names, name) {
			return market.Refuse("parameter-unknown", name, "%s knows no such parameter; it knows: %s", question,
				strings.Join(names, ", "))
		}
		if len(q[name]) != 1 {
			return market.Refuse("parameter-twice", name, "given %d times", len(q[name]))
		}
	}
	return nil
}

// table opens a file of the folder; a name with a path in it is refused.
func (f Folder) table(name string) (*market.Table, error) { return f.read(name, market.ReadOptions{}) }

// read reads a file of the folder by its bare name; nothing outside of it is reached, not by a link either.
func (f Folder) read(name string, options market.ReadOptions) (*market.Table, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.ContainsAny(name, `/\`) {
		return nil, market.Refuse("file-name", "file", "%q is not the name of a file in the data folder", name)
	}
	path := filepath.Join(string(f), name)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, market.Refuse("not-found", "file", "%q is not in the data folder", name)
	}
	if info.Mode()&os.ModeSymlink != 0 && !f.holds(path) {
		return nil, market.Refuse("file-name", "file", "%q is a link out of the data folder", name)
	}
	return market.ReadFile(path, options)
}

// holds reports whether a path, its links followed, stays inside the folder.
func (f Folder) holds(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	root, rootErr := filepath.EvalSymlinks(string(f))
	if err != nil || rootErr != nil {
		return false
	}
	inside, err := filepath.Rel(root, real)
	return err == nil && filepath.IsLocal(inside)
}

// input reads what most questions have in common.
func (f Folder) input(q url.Values) (study.Input, error) {
	periods, err := number(q, "periods-per-year", 0)
	if err != nil {
		return study.Input{}, err
	}
	if !(periods >= 0 && periods < 1e9) {
		return study.Input{}, market.Refuse("periods-per-year", "periods-per-year",
			"%g is not a number of observations a year", periods)
	}
	t, err := f.table(q.Get("file"))
	return study.Input{Table: t, Column: q.Get("price"), From: q.Get("from"), To: q.Get("to"),
		Annual: annual.Annual(periods)}, err
}

// number reads a parameter that may be left out.
func number(q url.Values, name string, otherwise float64) (float64, error) {
	if q.Get(name) == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseFloat(q.Get(name), 64)
	if err != nil {
		return 0, market.Refuse("not-a-number", name, "%q is not a number", q.Get(name))
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
		if ext := filepath.Ext(e.Name()); !e.IsDir() &&
			(slices.Contains([]string{".csv", ".tsv", ".gz", ".zip", ".xlsx", ".parquet"}, ext)) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// summary answers with what a file is and what the checks found.
func summary(_ context.Context, f Folder, q url.Values) (any, error) {
	t, err := f.table(q.Get("file"))
	if err != nil {
		return nil, err
	}
	return market.Summarise(t, market.Check(t)), nil
}

// volatility answers with all estimates.
func volatility(_ context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	return study.StudyVolatility(in)
}

// fit answers with a fit and, where it is asked for, a forecast, which draws the same paths each time.
func fit(ctx context.Context, f Folder, q url.Values) (any, error) {
	in, err := f.input(q)
	if err != nil {
		return nil, err
	}
	days, err := number(q, "forecast", 0)
	if err != nil {
		return nil, err
	}
	if !(days >= 0 && days <= MaxDays && days == math.Trunc(days)) {
		return nil, market.Refuse("forecast", "forecast", "%g days; a whole number up to %d", days, MaxDays)
	}
	spec := garch.Spec{Model: garch.Model(q.Get("model")), Law: garch.Law(q.Get("law")),
		Mean: garch.Mean(q.Get("mean")), Free: q.Get("free") == "true"}
	return study.StudyGarch(ctx, in, study.GarchOptions{Spec: spec, Like: garch.Package(q.Get("like")),
		Mean: likeMean(q), Days: int(days), Paths: 10_000, Level: 0.95, Seed: 1})
}

// likeMean is the mean that was asked for beside a package's conventions.
func likeMean(q url.Values) garch.Mean {
	if q.Get("like") == "" {
		return ""
	}
	return garch.Mean(q.Get("mean"))
}

// valueAtRisk answers with all measures at one level.
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

// wholeReport answers with all that the report has.
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
	t, err := f.read(q.Get("file"), market.ReadOptions{Panel: true})
	if err != nil {
		return nil, err
	}
	return concentration.Over(t, q.Get("by"), q.Get("of"), q.Get("residual"))
}

func used(_ context.Context, f Folder, q url.Values) (any, error) {
	o := usage.Options{Dir: string(f), From: q.Get("from"), To: q.Get("to"), Overheads: usage.CBECI,
		Country: q.Get("country")}
	var err error
	if o.Overheads.USDPerKWh, err = number(q, "usd-per-kwh", o.Overheads.USDPerKWh); err != nil {
		return nil, err
	}
	return usage.OfFolder(o)
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
