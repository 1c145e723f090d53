package risk

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
)

// Measure is a value at risk and an expected shortfall at one level; a refused
// one says why and holds no number.
type Measure struct {
	Method  string   `json:"method"`
	P       float64  `json:"p"`
	VaR     *float64 `json:"var"`
	ES      *float64 `json:"es"`
	Refused string   `json:"refused,omitempty"`
}

// Static computes historical, normal, t and Cornish–Fisher measures of one
// sample. p is the tail probability, such as 0.01. rules are 0 for today's, 1 to
// 5 for those of reports sealed in these formats: until then an expansion that
// falls everywhere passed for a distribution.
func Static(r []float64, p float64, rules int) ([]Measure, garch.Student, error) {
	if !(p > 0 && p < 0.5) {
		return nil, garch.Student{}, market.Refuse("level", "p", "%v is not a tail probability between 0 and 0.5", p)
	}
	m, err := stats.Describe(r)
	if err != nil {
		return nil, garch.Student{}, err
	}
	t, err := garch.FitStudent(r)
	if err != nil {
		return nil, garch.Student{}, err
	}
	hv, he := Historical(r, p)
	nv, ne := NormalLaw(m.Mean, m.SD, p)
	out := []Measure{{Method: "historical", P: p, VaR: &hv, ES: &he}, {Method: "normal", P: p, VaR: &nv, ES: &ne},
		student(t, p), cornishFisher(m, p, rules)}
	if float64(len(r))*p < 5 {
		out[0].Refused = "fewer than five returns lie in the tail"
		out[0].VaR, out[0].ES = nil, nil
	}
	return out, t, nil
}

// Historical is minus the type-7 quantile and minus the mean of the returns not above it. There is at least one, the
// least of all, so that the shortfall is never without a value.
func Historical(r []float64, p float64) (valueAtRisk, shortfall float64) {
	sorted := stats.Sorted(r)
	q := stats.Quantile(sorted, p)
	sum, n := 0.0, 0
	for _, v := range sorted {
		if v > q {
			break
		}
		sum, n = sum+v, n+1
	}
	return -q, -sum / float64(n)
}

// NormalLaw: VaR = −(m + s·z_p), ES = −m + s·φ(z_p)/p.
func NormalLaw(mean, sd, p float64) (valueAtRisk, shortfall float64) {
	z := distuv.UnitNormal.Quantile(p)
	return -(mean + sd*z), -(mean - sd*distuv.UnitNormal.Prob(z)/p)
}

// student: VaR = −(μ + σq), q = t⁻¹(p), and ES = −μ + σ·f(q)/p·(ν + q²)/(ν − 1), f the density; ES has no value at ν ≤
// 1.
func student(t garch.Student, p float64) Measure {
	q := TQuantile(p, t.Nu)
	v := -(t.Mu + t.Sigma*q)
	m := Measure{Method: "t", P: p, VaR: &v}
	if t.Nu <= garch.LeastNu+1e-4 {
		m.Refused = "ν is at one: the expected shortfall does not exist"
		return m
	}
	density := distuv.StudentsT{Sigma: 1, Nu: t.Nu}.Prob(q)
	e := -(t.Mu - t.Sigma*density/p*(t.Nu+q*q)/(t.Nu-1))
	m.ES = &e
	return m
}

// CornishFisherQuantile expands the normal quantile by skewness and excess
// kurtosis (population moments); valid says whether the expansion rises
// everywhere, as the quantile of a distribution does (Maillard 2012).
func CornishFisherQuantile(z, skewness, excess float64) (q float64, valid bool) {
	s, k := skewness, excess
	q = z + (z*z-1)*s/6 + (z*z*z-3*z)*k/24 - (2*z*z*z-5*z)*s*s/36
	// Its derivative is a·z² + z·s/3 + c. Without a root it has one sign, which is a's and c's: a single crash in a
	// quiet series makes both negative, and then losses would grow with the probability.
	a, c := k/8-s*s/6, 1-k/8+5*s*s/36
	return q, s*s/9 <= 4*a*c && a >= 0 && c > 0
}

// rootless is the domain as it was until format 5: the expansion may also fall everywhere.
func rootless(s, k float64) bool { return s*s/9 <= 4*(k/8-s*s/6)*(1-k/8+5*s*s/36) }

// cornishFisher is value at risk by the normal quantile corrected for skewness and kurtosis, VaR = −(mean + sd·z), and
// the expected shortfall as the mean of that quantile over the tail. Outside the moments for which the expansion rises
// throughout it is no distribution, and is refused. Reports sealed under rules before the sixth keep the check that
// they were made with.
func cornishFisher(m stats.Moments, p float64, rules int) Measure {
	z, valid := CornishFisherQuantile(distuv.UnitNormal.Quantile(p), m.Skewness, m.Excess)
	if rules != 0 && rules < 6 {
		valid = rootless(m.Skewness, m.Excess)
	}
	out := Measure{Method: "cornish-fisher", P: p}
	if !valid {
		out.Refused = "skewness and kurtosis lie outside the domain in which the expansion is a distribution"
		return out
	}
	v := -(m.Mean + m.SD*z)
	out.VaR = &v
	// ES averages the quantile over the tail: midpoints of 2,000 slices.
	const slices = 2000
	sum := 0.0
	for i := range slices {
		q, _ := CornishFisherQuantile(distuv.UnitNormal.Quantile(p*(float64(i)+0.5)/slices), m.Skewness, m.Excess)
		sum += m.Mean + m.SD*q
	}
	e := -sum / slices
	if !math.IsNaN(e) {
		out.ES = &e
	}
	return out
}
