package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/node"
)

// benchRun is a population of a size that a benchmark can wait for.
func benchRun(b *testing.B) *run {
	r, err := begin(context.Background(), Options{Dir: b.TempDir(), Wallets: 120_000, LiveTokens: 500_000, Transfers: 60_000, Runs: 1, TwoOwners: 10, Seed: 1}, func(string, int, int) {})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.end)
	return r
}

// BenchmarkHalfLoad floods the node, then sends single payments at half the rate that it took: how many
// transfers a second those were, and how long the payments waited.
func BenchmarkHalfLoad(b *testing.B) {
	r := benchRun(b)
	var transfers, p50, p99, p999 []float64
	for b.Loop() {
		w := r.workload(r.Transfers, r.TwoOwners)
		seconds, err := r.commit(w)
		if err != nil {
			b.Fatal(err)
		}
		r.result.CommittedTransfers = float64(len(w.txs)) / seconds
		var at Latency
		if err := r.latency(0.5, &at); err != nil {
			b.Fatal(err)
		}
		transfers, p50, p99, p999 = append(transfers, r.result.CommittedTransfers), append(p50, at.P50), append(p99, at.P99), append(p999, at.P999)
	}
	b.ReportMetric(Median(transfers), "transfers/s")
	b.ReportMetric(Median(p50), "p50-ms")
	b.ReportMetric(Median(p99), "p99-ms")
	b.ReportMetric(Median(p999), "p99.9-ms")
}

// BenchmarkReplay starts a node without any snapshot on a log of registrations, funding with 63 outputs each, and payments.
func BenchmarkReplay(b *testing.B) {
	r := benchRun(b)
	for range 3 {
		if _, err := r.commit(r.workload(r.Transfers, r.TwoOwners)); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.node.Close(); err != nil {
		b.Fatal(err)
	}
	r.node = nil
	entries := uint64(0)
	for b.Loop() {
		b.StopTimer()
		if err := os.RemoveAll(filepath.Join(r.config.Dir, "snapshots")); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		n, err := node.Open(r.config)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		entries += n.Log().Size()
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
}
