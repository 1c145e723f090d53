package verify

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/words"
)

// expected is what R's packages gave for the synthetic set.
//
//go:embed expected.json
var expected []byte

// Line is one figure compared.
type Line struct {
	Path      string  `json:"path"`
	Want      string  `json:"want"`
	Got       string  `json:"got"`
	Off       float64 `json:"off"`       // deviation, on the scale of the tolerance
	Tolerance float64 `json:"tolerance"` // absolute for log-likelihoods, relative otherwise
	OK        bool    `json:"ok"`
}

// Report is the outcome of a verification. A worst deviation is over all figures of its kind, those within their
// tolerance too.
type Report struct {
	Input     string  `json:"input"`
	Compared  int     `json:"compared"`
	Off       int     `json:"off"`
	LogLik    float64 `json:"worst_log_lik"`   // absolute
	Parameter float64 `json:"worst_parameter"` // relative
	Error     float64 `json:"worst_standard_error"`
	Other     float64 `json:"worst_other"`
	Lines     []Line  `json:"lines"`
}

// Synthetic verifies on the synthetic set against the embedded results, which an installation can do without any
// market data: it shows that this machine computes the same figures. The models beyond GARCH have results of their
// own, laid under "beyond"; the kernels, the GARCH family, roots and confidence sets of arch come last.
func Synthetic(ctx context.Context, progress func(string)) (Report, error) {
	files := map[string][]byte{}
	for _, f := range synthetic.Files() {
		files[f.Name] = f.Data
	}
	open := func(name string) (*market.Table, error) {
		data, ok := files[name]
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, os.ErrNotExist)
		}
		return market.Parse(name, data, market.ReadOptions{Origin: synthetic.Origin})
	}
	r, err := run(ctx, "synthetic set", expected, open, progress)
	if err != nil {
		return r, err
	}
	var want tree
	if err := json.Unmarshal(expectedBeyond, &want); err != nil {
		return r, err
	}
	got, err := beyond(ctx, open, progress)
	if err != nil {
		return r, err
	}
	r.walk("", want, tree{"beyond": got})
	return r, r.arch(ctx, progress)
}

// Folder verifies on a folder of inputs with its reference.json. Only what reference.json names is compared.
func Folder(ctx context.Context, dir string, progress func(string)) (Report, error) {
	reference, err := os.ReadFile(filepath.Join(dir, "reference.json"))
	if err != nil {
		return Report{}, err
	}
	open := func(name string) (*market.Table, error) {
		return market.ReadFile(filepath.Join(dir, name), market.ReadOptions{})
	}
	return run(ctx, dir, reference, open, progress)
}

// run computes the figures and compares them with a reference's.
func run(ctx context.Context, input string, reference []byte, open Source, progress func(string)) (Report, error) {
	var want tree
	if err := json.Unmarshal(reference, &want); err != nil {
		return Report{}, market.Refuse("reference", "reference.json", "%v", err)
	}
	got, err := Figures(ctx, open, progress)
	if err != nil {
		return Report{}, err
	}
	r := Report{Input: input, Lines: []Line{}}
	r.walk("", want, got)
	return r, nil
}

// skipped says whether a figure is passed over: descriptions, and the one program that the reference itself marks as
// stopping at a false optimum.
func skipped(path string) bool {
	name := path[strings.LastIndexByte(path, '.')+1:]
	return path == "meta" || strings.Contains(path, "crosscheck_tseries") ||
		slices.Contains([]string{"note", "spec", "unit", "demean", "ewma_seed", "rv", "cap_from_price_supply"}, name) ||
		(strings.Contains(path, "crosscheck_fGarch") && strings.Contains(path, ".se")) ||
		(name == "window" && !strings.Contains(path, "backtest")) || path == "btc_backtest.from" ||
		path == "btc_backtest.to"
}

// walk compares what is wanted, down to its numbers and texts. What we have beside that is not looked at; what we lack
// is a line that is off.
func (r *Report) walk(path string, want, got any) {
	if path != "" && skipped(path) {
		return
	}
	switch w := want.(type) {
	case map[string]any:
		if g, isText := got.(string); isText && len(w) == 0 { // R writes NULL as {}
			r.text(path, "", g)
			return
		}
		g, _ := got.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(w)) {
			r.walk(strings.TrimPrefix(path+"."+key, "."), w[key], g[key])
		}
	case []any:
		g := list(got)
		for i := range w {
			var item any
			if i < len(g) {
				item = g[i]
			}
			r.walk(fmt.Sprintf("%s[%d]", path, i), w[i], item)
		}
	case float64:
		r.number(path, w, got)
	default:
		r.text(path, fmt.Sprint(w), fmt.Sprint(got))
	}
}

// list is a value as a JSON file would have it; nil where it is no list.
func list(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []float64:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	}
	return nil
}

// text compares texts, which must be the same.
func (r *Report) text(path, want, got string) {
	r.add(Line{Path: path, Want: want, Got: got, OK: want == got})
}

// tolerance of a figure by its place: absolute for log-likelihoods, relative
// for the others. What follows from fitted parameters inherits their tolerance.
func tolerance(path string) (limit float64, absolute bool, worst func(*Report) *float64) {
	name := path[strings.LastIndexByte(path, '.')+1:]
	fitted := slices.Contains([]string{"persistence", "uncond_var", "half_life_days", "h_first", "h_last", "h_next",
		"vol_next_ann365", "t_var", "t_es"}, name)
	// the other program's own error, and not to be counted as ours
	none := func(*Report) *float64 { return new(float64) }
	switch {
	case strings.HasPrefix(path, "arch.confidence_set"):
		return 0.04, true, none // both resample: p-values of drawn worlds
	case strings.HasPrefix(path, "arch.garch_family") && strings.Contains(path, ".par."):
		return 1e-4, false, none // arch's optimiser stops earlier than it could
	case strings.Contains(path, "local_whittle"):
		return 1e-6, false, none // scipy's bounded minimum stops within 1e-8 of d
	case name == "loglik":
		return 1e-6, true, func(r *Report) *float64 { return &r.LogLik }
	case strings.Contains(path, ".se_hessian") || strings.Contains(path, ".se_robust"):
		return 1e-3, false, func(r *Report) *float64 { return &r.Error }
	case strings.Contains(path, "crosscheck_fGarch"):
		return 1e-4, false, none // fGarch stops earlier than it could
	case strings.Contains(path, ".par.") || strings.Contains(path, ".par_var.") || strings.Contains(path, "t_fit") ||
		fitted:
		return 1e-5, false, func(r *Report) *float64 { return &r.Parameter }
	}
	return 1e-8, false, func(r *Report) *float64 { return &r.Other }
}

// number compares within the tolerance of the path. NaN is off.
func (r *Report) number(path string, want float64, got any) {
	var g float64
	switch v := got.(type) {
	case float64:
		g = v
	case int:
		g = float64(v)
	default:
		r.add(Line{Path: path, Want: fmt.Sprintf("%.12g", want), Got: "missing"})
		return
	}
	limit, absolute, worst := tolerance(path)
	off := math.Abs(g - want)
	if !absolute && off > 1e-12 { // p-values of zero
		off /= max(math.Abs(want), 1e-300)
	}
	line := Line{Path: path, Want: fmt.Sprintf("%.12g", want), Got: fmt.Sprintf("%.12g", g), Off: off, Tolerance: limit,
		OK: off <= limit}
	if w := worst(r); !math.IsNaN(off) {
		*w = max(*w, off)
	}
	r.add(line)
}

// add counts a line.
func (r *Report) add(l Line) {
	r.Compared++
	if !l.OK {
		r.Off++
	}
	r.Lines = append(r.Lines, l)
}

// Print writes the verdict, and the lines that are off (all: every line).
func (r Report) Print(w io.Writer, l words.Language, all bool) {
	lines := slices.Clone(r.Lines)
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(b2i(a.OK), b2i(b.OK)) })
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	short := func(v float64) string { return fmt.Sprintf("%.1e", v) }
	for _, x := range lines {
		state := l.Text("study.verify-off")
		if x.OK {
			state = l.Text("study.verify-ok")
		}
		if all || !x.OK {
			fmt.Fprintln(tab, l.Text("study.verify-row", "state", state, "path", x.Path, "want", x.Want, "got",
				x.Got, "off", short(x.Off), "limit", fmt.Sprintf("%.0e", x.Tolerance)))
		}
	}
	tab.Flush()
	fmt.Fprintln(w, l.Text("study.verify-end", "input", r.Input, "compared", r.Compared, "off", r.Off, "loglik",
		short(r.LogLik), "parameter", short(r.Parameter), "error", short(r.Error), "other", short(r.Other)))
}

// b2i orders false before true.
func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
