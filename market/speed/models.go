package speed

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/garch/family"
)

// Model is one row of the comparison: CPU milliseconds of a fit with all its
// starts and both kinds of standard error, and, where a peer was asked in the same
// run, of the peer's fit of the same model to the same returns.
type Model struct {
	Millis     float64  `json:"millis"`
	Peer       string   `json:"peer,omitempty"`
	PeerMillis *float64 `json:"peer_millis"` // null: no peer was asked
	Ratio      *float64 `json:"ratio"`       // peer_millis over millis
	LogLik     float64  `json:"log_lik"`
	PeerLogLik *float64 `json:"peer_logLik,omitempty"`
}

// modelDays is the length of the series on which models are compared.
const modelDays = 2000

//go:embed peer.py
var peerProgram []byte

// rows are the models that a peer has too, in the order of the table.
var rows = []struct {
	name string
	spec family.Spec
}{
	{"garch(1,1) normal", family.Spec{}}, {"garch(2,2) t", family.Spec{P: 2, Q: 2, Law: family.StudentT}},
	{"gjr(1,1) t", family.Spec{P: 1, O: 1, Q: 1, Law: family.StudentT}},
	{"tgarch(1,1) t", family.Spec{P: 1, O: 1, Q: 1, Exp: 1, Law: family.StudentT}},
	{"aparch(1,1) t", family.Spec{Model: family.APARCH, P: 1, O: 1, Q: 1, Law: family.StudentT}},
	{"figarch normal", family.Spec{Model: family.FIGARCH}}, {"garch(1,1) ged", family.Spec{Law: family.GED}},
	{"garch(1,1) hansen", family.Spec{Law: family.Hansen}},
}

// measureModels times each fit; python is an interpreter that has arch, or empty.
func measureModels(ctx context.Context, repetitions int, python string,
	cpu func() time.Duration) (map[string]Model, error) {
	r, err := garch.Simulate(garch.Spec{Law: garch.StudentT, Mean: garch.Zero}, truth, modelDays, 21)
	if err != nil {
		return nil, err
	}
	out := map[string]Model{}
	for _, row := range rows {
		times := make([]float64, repetitions)
		var fit *family.Fit
		for i := range times {
			before := cpu()
			if fit, err = family.Estimate(ctx, r, family.Mean{}, row.spec); err != nil {
				return nil, fmt.Errorf("%s: %w", row.name, err)
			}
			times[i] = float64(cpu()-before) / float64(time.Millisecond)
		}
		slices.Sort(times)
		out[row.name] = Model{Millis: times[len(times)/2], LogLik: fit.LogLik}
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
		return market.Refuse("peer", "peer", "%s did not run arch: %v: %.400s", python, err, errors.String())
	}
	var reported map[string]struct{ Millis, LogLik float64 }
	if err := json.Unmarshal(data, &reported); err != nil {
		return market.Refuse("peer", "peer", "the peer's answer is not understood: %v", err)
	}
	for name, m := range out {
		if p, ok := reported[name]; ok {
			ratio := p.Millis / m.Millis
			m.Peer, m.PeerMillis, m.PeerLogLik, m.Ratio = "python arch", &p.Millis, &p.LogLik, &ratio
			out[name] = m
		}
	}
	return nil
}
