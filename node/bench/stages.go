package bench

import (
	"crypto/rand"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// stages times each stage of the pipeline alone, on one core, per transfer.
func (r *run) stages(w *workload) map[string]float64 {
	n := len(w.encoded)
	micros := func(do func()) float64 {
		start := time.Now()
		do()
		return float64(time.Since(start).Nanoseconds()) / 1000 / float64(n)
	}
	out := map[string]float64{}
	out["decode and hash"] = micros(func() {
		for _, encoded := range w.encoded {
			if _, err := token.Decode(encoded); err != nil {
				panic(err)
			}
		}
	})
	all := r.signatures(w)
	decoded := make([]token.DecodedKey, len(all))
	out["decode keys (when not cached)"] = micros(func() {
		for i := range all {
			decoded[i], _ = token.DecodeKey(all[i].key)
		}
	})
	out["verify"] = micros(func() {
		var batch token.Batch
		var valid []bool
		for from := 0; from < len(all); from += 1024 {
			batch.Reset()
			for i := from; i < min(from+1024, len(all)); i++ {
				batch.Add(&all[i].key, &decoded[i], &all[i].digest, &all[i].signature)
			}
			valid, _ = batch.Verify(rand.Reader, valid)
		}
	})
	out["log entry and tree"] = micros(func() {
		var tree txlog.Tree
		var space []byte
		for _, encoded := range w.encoded {
			space = ledger.AppendTransactionEntry(space[:0], encoded)
			tree.Add(txlog.LeafHash(space))
		}
		_ = tree.Root()
	})
	// Measured in the node, for execution needs its state; the others are pure and repeated here.
	out["execute"] = r.node.ExecuteMicros()
	return out
}
