package telemetry

import (
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/farm/usage"
)

// noisyHour is a machine's hour of polls every half minute, as noisy as a real one's.
func noisyHour() []row {
	rng := rand.New(rand.NewPCG(1, 1))
	var rows []row
	total := 0.0
	for i := range 120 {
		total += 95e6 * 30 * (1 + 0.02*rng.NormFloat64())
		at := usage.Instant(1e10 + 300*i)
		rows = append(rows, rowOf(Quantise(usage.Poll{At: at, Elapsed: 1e5 + int64(i)*30, RateMHs: int64(95e6 * (1 + 0.05*rng.NormFloat64())), NameplateMHs: 95e6, TotalMH: int64(total), AcceptedMH: int64(total / 280e6 * 280e6),
			HardwareErrors: int64(i), ChipTemp: 70 + rng.Int64N(3), SlowestFan: 4200 + 60*rng.Int64N(3), Watts: 3250 + rng.Int64N(40), NominalWatts: 3250, Boards: 3, BoardsDue: 3, CapPermille: 1000, PoolAlive: true})))
	}
	return rows
}

func BenchmarkPackHour(b *testing.B) {
	rows := noisyHour()
	var p packer
	size := 0
	for b.Loop() {
		size = len(packRows(rows, &p))
	}
	b.ReportMetric(float64(size)/float64(len(rows)), "bytes/poll")
}

func BenchmarkUnpackHour(b *testing.B) {
	rows := noisyHour()
	packed := packRows(rows, &packer{})
	for b.Loop() {
		if _, err := unpackRows(packed, len(rows)); err != nil {
			b.Fatal(err)
		}
	}
}
