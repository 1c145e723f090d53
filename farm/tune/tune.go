package tune

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/money"
)

// Terms are what machines earn by.
type Terms struct {
	Work  usage.Price // of hashing
	Power money.Tiyn  // of a kWh
}

// Window is what a machine did over a measured time: mean rate in 10^6 hashes a second and mean watts, by its own word.
// The zero value is a machine that was not measured.
type Window struct {
	RateMHs int64 `json:"rate_mhs"`
	Watts   int64 `json:"watts"`
}

// Measured says whether both are known.
func (w Window) Measured() bool { return w.RateMHs > 0 && w.Watts > 0 }

// maxRate is the most that is accounted for, 10^6 hashes a second: an hour of it fits into farm.Hashes.
const maxRate = 2_000_000_000

// Net is what an hour of the window earns after its electricity.
func (t Terms) Net(w Window) (farm.MicroTiyn, error) {
	if w.RateMHs < 0 || w.RateMHs > maxRate || w.Watts < 0 || w.Watts > 1_000_000 {
		return 0, farm.Refuse("farm-out-of-range", "rate", "want at most 2 PH/s and 1 MW, got %d MH/s and %d W",
			w.RateMHs, w.Watts)
	}
	satoshi, err := t.Work.Hashprice.Value(farm.Hashes(w.RateMHs * 1_000_000 * 3600))
	if err != nil {
		return 0, err
	}
	earned, err := satoshi.Tenge(t.Work.Bitcoin)
	if err != nil {
		return 0, err
	}
	// Watts for an hour at tiyn a kWh: a thousandth of watts times tiyn, in millionths.
	cost, err := money.Mul(money.Tiyn(w.Watts*1000), int64(t.Power))
	if err != nil {
		return 0, err
	}
	net, err := money.Sub(money.Tiyn(earned), cost)
	return farm.MicroTiyn(net), err
}

// Split draws the machines that are left as they are: heldPercent of them by a seed, rounded up, the same whatever
// order they come in. Both parts are in the order of identities.
func Split(ids []string, heldPercent int, seed uint64) (tuned, held []string) {
	ids = slices.Sorted(slices.Values(ids))
	order := rand.New(rand.NewPCG(seed, 0x74756e65)).Perm(len(ids))
	count := (len(ids)*heldPercent + 99) / 100
	for place, i := range order {
		if place < count {
			held = append(held, ids[i])
		} else {
			tuned = append(tuned, ids[i])
		}
	}
	slices.Sort(tuned)
	slices.Sort(held)
	return tuned, held
}

// Best is the profile in which a machine earned most, of what was measured of it in each. drift is by how much more the
// machines that were left as they are earned while each was tried than in the first: weather and price are not a
// profile's merit. A machine that was not measured in the first profile stays there.
func Best(net []farm.MicroTiyn, measured []bool, drift []farm.MicroTiyn) (best int) {
	if len(net) == 0 || !measured[0] {
		return 0
	}
	for p := range net {
		if measured[p] && net[p]-drift[p] > net[best]-drift[best] {
			best = p
		}
	}
	return best
}

// Change is what a machine earned an hour before and after.
type Change struct{ Before, After farm.MicroTiyn }

// Interval is a mean with its 95 % interval.
type Interval struct {
	Mean farm.MicroTiyn `json:"mean"`
	Low  farm.MicroTiyn `json:"low"`
	High farm.MicroTiyn `json:"high"`
}

// GainOf is by how much more a tuned machine's earnings have changed than one's that was left as it is (difference in
// differences), with Welch's interval. Fewer than two of either are refused: their scatter is not known.
func GainOf(tuned, held []Change) (Interval, error) {
	if len(tuned) < 2 || len(held) < 2 {
		return Interval{}, farm.Refuse("tune-too-few", "machines",
			"%d tuned and %d held machines were measured to the end; want at least two of each", len(tuned), len(held))
	}
	differences := func(list []Change) (mean, variance float64) {
		d := make([]float64, len(list))
		for i, c := range list {
			d[i] = float64(c.After - c.Before)
		}
		mean, variance = stat.MeanVariance(d, nil)
		return mean, variance / float64(len(list))
	}
	meanT, varT := differences(tuned)
	meanH, varH := differences(held)
	mean, both := meanT-meanH, varT+varH
	half := 0.0
	if both > 0 {
		free := both * both / (varT*varT/float64(len(tuned)-1) + varH*varH/float64(len(held)-1))
		half = distuv.StudentsT{Sigma: 1, Nu: free}.Quantile(0.975) * math.Sqrt(both)
	}
	return Interval{farm.MicroTiyn(math.Round(mean)), farm.MicroTiyn(math.Floor(mean - half)),
		farm.MicroTiyn(math.Ceil(mean + half))}, nil
}
