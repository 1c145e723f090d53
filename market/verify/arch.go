package verify

import (
	"context"
	"embed"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/market/garch/family"
	"github.com/aqsha/aqsha/market/realised"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/stats"
)

// references are inputs of their own, which the synthetic set does not have, beside what Python's arch, numpy and scipy
// gave for them: each JSON file or program says how.
//
//go:embed references
var references embed.FS

// arch adds realised kernels, the family of GARCH, tests of unit roots and memory and the confidence set of models. A
// figure that is off is a line of the report; an error is only that something could not be computed.
func (r *Report) arch(ctx context.Context, progress func(string)) error {
	for _, part := range []struct {
		name    string
		compare func(context.Context, string) error
	}{{"realised_kernel", r.kernels}, {"garch_family", r.families}, {"roots_and_memory", r.roots},
		{"confidence_set", r.confidence}} {
		progress(part.name)
		if err := part.compare(ctx, "arch."+part.name); err != nil {
			return err
		}
	}
	return nil
}

// reference reads one of the JSON files.
func reference(name string, into any) error {
	data, err := references.ReadFile("references/" + name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// columns reads a file of numbers, one observation a line. It returns them by column.
func columns(name string) ([][]float64, error) {
	data, err := references.ReadFile("references/" + name)
	if err != nil {
		return nil, err
	}
	var out [][]float64
	for line := range strings.Lines(string(data)) {
		for i, cell := range strings.Fields(line) {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, err
			}
			if i == len(out) {
				out = append(out, nil)
			}
			out[i] = append(out[i], v)
		}
	}
	return out, nil
}

// kernels compares realised kernels with their bandwidths, day by day.
func (r *Report) kernels(_ context.Context, path string) error {
	var days []struct {
		Returns   []float64
		Bandwidth float64
		Kernel    float64
	}
	if err := reference("kernel.json", &days); err != nil {
		return err
	}
	var want, got []any
	for _, day := range days {
		variance, bandwidth := realised.Kernel(day.Returns)
		want = append(want, tree{"kernel": day.Kernel, "bandwidth": day.Bandwidth})
		got = append(got, tree{"kernel": variance, "bandwidth": bandwidth})
	}
	r.walk(path, want, got)
	return nil
}

// families of the reference, by the names they have there.
var families = map[string]family.Spec{
	"garch11-n": {}, "garch21-n": {P: 2, Q: 1}, "garch22-t": {P: 2, Q: 2, Law: family.StudentT},
	"gjr11-t": {P: 1, O: 1, Q: 1, Law: family.StudentT}, "gjr22-n": {P: 2, O: 2, Q: 2},
	"aparch11-n":  {Model: family.APARCH, P: 1, O: 1, Q: 1},
	"aparch11-t":  {Model: family.APARCH, P: 1, O: 1, Q: 1, Law: family.StudentT},
	"tgarch11-t":  {P: 1, O: 1, Q: 1, Exp: 1, Law: family.StudentT},
	"figarch11-n": {Model: family.FIGARCH}, "figarch11-t": {Model: family.FIGARCH, Law: family.StudentT},
	"garch11-ged": {Law: family.GED}, "garch11-hansen": {Law: family.Hansen},
	"gjr11-ged": {P: 1, O: 1, Q: 1, Law: family.GED},
}

// families compares the fits of the family of GARCH. Whether the mean is estimated shows in the reference's parameters;
// names are those of the reference, without brackets.
func (r *Report) families(ctx context.Context, path string) error {
	var file struct {
		Fits map[string]struct {
			LogLik     float64
			Parameters map[string]float64
		}
	}
	if err := reference("family.json", &file); err != nil {
		return err
	}
	x, err := columns("returns.txt")
	if err != nil {
		return err
	}
	want, got := tree{}, tree{}
	for name, fit := range file.Fits {
		mean := "zero"
		if _, estimated := fit.Parameters["mu"]; estimated {
			mean = "constant"
		}
		m, y, err := family.MeanOf(mean, 0, x[0], nil, nil)
		if err != nil {
			return err
		}
		ours, err := family.Estimate(ctx, y, m, families[name])
		if err != nil {
			return err
		}
		wanted, par := tree{}, tree{}
		for theirs, v := range fit.Parameters {
			plain := strings.NewReplacer("[1]", "1", "[2]", "2").Replace(theirs)
			if par[plain] = ours.Value(plain); math.IsNaN(ours.Value(plain)) {
				par[plain] = ours.Value(strings.TrimSuffix(plain, "1")) // of an order of one we number none
			}
			wanted[plain] = v
		}
		want[name] = tree{"loglik": fit.LogLik, "par": wanted}
		got[name] = tree{"loglik": ours.LogLik, "par": par}
	}
	r.walk(path, want, got)
	return nil
}

// roots compares Phillips–Perron tests and the memory of returns and of their sizes.
func (r *Report) roots(_ context.Context, path string) error {
	var want tree
	if err := reference("tests.json", &want); err != nil {
		return err
	}
	x, err := columns("returns.txt")
	if err != nil {
		return err
	}
	var levels, absolute []float64
	sum := 0.0
	for i, v := range x[0] {
		sum += v
		// As many as the reference's figures are of.
		if absolute = append(absolute, math.Abs(v)); i < 1500 {
			levels = append(levels, sum)
		}
	}
	roots, memory := tree{}, tree{}
	for name, y := range map[string][]float64{"levels": levels, "returns": x[0]} {
		for suffix, trend := range map[string]bool{"_constant": false, "_trend": true} {
			pp, err := stats.PP(y, trend, 12)
			if err != nil {
				return err
			}
			roots[name+suffix] = tree{"tau": pp.Tau, "rho": pp.Rho, "p": pp.P}
		}
	}
	for name, y := range map[string][]float64{"absolute": absolute, "returns": x[0]} {
		d, err := stats.LocalWhittle(y, 0)
		if err != nil {
			return err
		}
		memory[name] = tree{"d": d.D, "frequencies": d.M}
	}
	r.walk(path, tree{"phillips_perron": want["phillips_perron"], "local_whittle": want["local_whittle"]},
		tree{"phillips_perron": roots, "local_whittle": memory})
	return nil
}

// confidence compares the set of models that the losses leave.
func (r *Report) confidence(_ context.Context, path string) error {
	var want tree
	if err := reference("tests.json", &want); err != nil {
		return err
	}
	losses, err := columns("losses.txt")
	if err != nil {
		return err
	}
	r.walk(path, want["confidence_set"], risk.ConfidenceSet(losses))
	return nil
}
