package speed

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/garch/family"
	"github.com/aqsha/aqsha/market/regimes"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/spillover"
	"github.com/aqsha/aqsha/market/stats"
)

// Model is one row of the comparison: CPU milliseconds of a fit with all its
// starts and both kinds of standard error, and, where a peer was asked in the same
// run, of the peer's fit of the same model to the same returns.
type Model struct {
	Millis     float64  `json:"millis"`
	Peer       string   `json:"peer,omitempty"`
	PeerMillis *float64 `json:"peer_millis"` // null: no peer was asked
	Ratio      *float64 `json:"ratio"`       // peer_millis over millis
	LogLik     float64  `json:"log_lik"`     // or the statistic
	PeerLogLik *float64 `json:"peer_log_lik,omitempty"`
}

// modelDays is the length of the series on which models are compared.
const modelDays = 2000

//go:embed peer.py
var peerProgram []byte

// specs are the models of the family that a peer has too, in the order of the table.
var specs = []struct {
	name string
	spec family.Spec
}{{"garch(2,2) t", family.Spec{P: 2, Q: 2, Law: family.StudentT}},
	{"tgarch(1,1) t", family.Spec{P: 1, O: 1, Q: 1, Exp: 1, Law: family.StudentT}},
	{"aparch(1,1) t", family.Spec{Model: family.APARCH, P: 1, O: 1, Q: 1, Law: family.StudentT}},
	{"figarch normal", family.Spec{Model: family.FIGARCH}}, {"garch(1,1) ged", family.Spec{Law: family.GED}},
	{"garch(1,1) hansen", family.Spec{Law: family.Hansen}},
	{"gjr(1,1) t", family.Spec{P: 1, O: 1, Q: 1, Law: family.StudentT}},
}

// plain are the models of order (1,1) of market/garch, with the peer's initial variance.
var plain = []struct {
	name string
	spec garch.Spec
}{
	{"garch(1,1) normal", garch.Spec{}}, {"garch(1,1) t", garch.Spec{Law: garch.StudentT}},
	{"egarch(1,1) t", garch.Spec{Model: garch.EGARCH, Law: garch.StudentT, NormalAbs: true}},
}

// row is a model or test: fit returns its log-likelihood, or the statistic that
// shows that the peer computed the same.
type row struct {
	name string
	fit  func(ctx context.Context, r []float64) (float64, error)
}

// rows of the table: the family first, then what other packages have of the rest.
func rows() (out []row) {
	for _, s := range plain {
		// As the other program beside begins, so that both look for the same optimum.
		s.spec.Mean, s.spec.Initial = garch.Zero, garch.Backcast
		out = append(out, row{s.name, func(ctx context.Context, r []float64) (float64, error) {
			fit, err := garch.Estimate(ctx, r, s.spec)
			if err != nil {
				return 0, err
			}
			return fit.LogLik, nil
		}})
	}
	for _, s := range specs {
		out = append(out, row{s.name, func(ctx context.Context, r []float64) (float64, error) {
			fit, err := family.Estimate(ctx, r, family.Mean{}, s.spec)
			if err != nil {
				return 0, err
			}
			return fit.LogLik, nil
		}})
	}
	return append(out, row{"regimes, 2", func(ctx context.Context, r []float64) (float64, error) {
		fit, err := regimes.Estimate(ctx, r, 2)
		if err != nil {
			return 0, err
		}
		return fit.LogLik, nil
	}}, row{"connectedness, 3 series", func(_ context.Context, r []float64) (float64, error) {
		c, err := spillover.Connectedness([]string{"a", "b", "c"}, three(r), 2, 10)
		return c.Total, err
	}}, row{"pareto tail", func(_ context.Context, r []float64) (float64, error) {
		p, err := risk.FitTail(r, 0.1)
		return p.LogLik, err
	}}, row{"phillips-perron", func(_ context.Context, r []float64) (float64, error) {
		sums, sum := make([]float64, len(r)), 0.0
		for i, v := range r {
			sum += v
			sums[i] = sum
		}
		p, err := stats.PP(sums, false, 12)
		return p.Tau, err
	}}, row{"local whittle", func(_ context.Context, r []float64) (float64, error) {
		sizes := make([]float64, len(r))
		for i, v := range r {
			sizes[i] = math.Abs(v)
		}
		w, err := stats.LocalWhittle(sizes, 139)
		return w.D, err
	}})
}

// three series that are related, made of one in a way that the peer repeats.
func three(r []float64) [][]float64 {
	n := len(r)
	b, c := make([]float64, n), make([]float64, n)
	for i := range r {
		b[i] = 0.5*r[i] + r[n-1-i]
	}
	for i := range r {
		c[i] = r[(i+n/2)%n] + 0.5*b[i]
	}
	return [][]float64{r, b, c}
}

// measureModels times each fit; python is an interpreter that has arch, statsmodels and scipy, or empty.
func measureModels(ctx context.Context, repetitions int, python string,
	cpu func() time.Duration) (map[string]Model, error) {
	r, err := garch.Simulate(garch.Spec{Law: garch.StudentT, Mean: garch.Zero}, truth, modelDays, 21)
	if err != nil {
		return nil, err
	}
	out := map[string]Model{}
	for _, row := range rows() {
		times := make([]float64, repetitions)
		var said float64
		for i := range times {
			// A clock of a tick cannot see a fit of a tenth of it: as many fits as fill a few.
			before, fits := cpu(), 0
			for fits == 0 || cpu()-before < 5*time.Millisecond && fits < 200 {
				if said, err = row.fit(ctx, r); err != nil {
					return nil, fmt.Errorf("%s: %w", row.name, err)
				}
				fits++
			}
			times[i] = float64(cpu()-before) / float64(time.Millisecond) / float64(fits)
		}
		slices.Sort(times)
		out[row.name] = Model{Millis: times[len(times)/2], LogLik: said}
	}
	if python == "" {
		return out, nil
	}
	return out, queryPeer(ctx, out, r, repetitions, python)
}

// queryPeer runs the peer's program on the same returns, bounded in time.
func queryPeer(ctx context.Context, out map[string]Model, r []float64, repetitions int, python string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	var in, errors bytes.Buffer
	for _, v := range r {
		in.WriteString(strconv.FormatFloat(v, 'g', -1, 64) + "\n")
	}
	command := exec.CommandContext(ctx, python, "-c", string(peerProgram), strconv.Itoa(repetitions))
	command.Stdin, command.Stderr = &in, &errors
	data, err := command.Output()
	if err != nil {
		return market.Refuse("peer", "peer", "%s did not run arch, statsmodels and scipy: %v: %.400s", python, err,
			errors.String())
	}
	var reported map[string]struct {
		Peer   string  `json:"peer"`
		Millis float64 `json:"millis"`
		LogLik float64 `json:"log_lik"`
	}
	if err := json.Unmarshal(data, &reported); err != nil {
		return market.Refuse("peer", "peer", "the peer's answer is not understood: %v", err)
	}
	for name, m := range out {
		if p, ok := reported[name]; ok {
			// Both on the same returns, on this machine, in this run; a peer's likelihood beside ours says whether it
			// is the same fit.
			ratio := p.Millis / m.Millis
			m.Peer, m.PeerMillis, m.PeerLogLik, m.Ratio = p.Peer, &p.Millis, &p.LogLik, &ratio
			out[name] = m
		}
	}
	return nil
}
