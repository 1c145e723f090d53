package bench

import (
	"crypto/rand"
	"runtime"
	"sync"
	"time"

	"github.com/aqsha/aqsha/token"
)

// rawBatches are the batch sizes of which the best counts.
var rawBatches = []int{1024, 2048, 4096}

// signed is one signature with what is needed to verify it.
type signed struct {
	key       token.PublicKey
	digest    [32]byte
	signature token.Signature
}

// rawRate verifies signatures in batches on all cores, without anything else, and returns the best rate a second, over
// all sizes of a batch: it is the limit that the node's rate is held against, and must not be too low.
func rawRate(all []signed, verify func(batch []signed) bool) float64 {
	best := 0.0
	for _, size := range rawBatches {
		if size > len(all) {
			continue
		}
		start := time.Now()
		var group sync.WaitGroup
		next := make(chan []signed)
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				for batch := range next {
					if !verify(batch) {
						panic("a signature of the workload is not valid")
					}
				}
			})
		}
		count := 0
		for from := 0; from+size <= len(all); from += size {
			next <- all[from : from+size]
			count += size
		}
		close(next)
		group.Wait()
		best = max(best, float64(count)/time.Since(start).Seconds())
	}
	return best
}

// plainBatch is the library's batch verification, each key decoded anew.
func plainBatch(batch []signed) bool {
	v := token.NewLibraryBatch(len(batch))
	for i := range batch {
		v.Add(&batch[i].key, nil, &batch[i].digest, &batch[i].signature)
	}
	return v.Verify(rand.Reader)
}

// expandedBatch is the library's with keys expanded beforehand.
func expandedBatch(expanded map[token.PublicKey]*token.LibraryKey) func(batch []signed) bool {
	return func(batch []signed) bool {
		v := token.NewLibraryBatch(len(batch))
		for i := range batch {
			v.Add(&batch[i].key, expanded[batch[i].key], &batch[i].digest, &batch[i].signature)
		}
		return v.Verify(rand.Reader)
	}
}
