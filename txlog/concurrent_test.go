package txlog_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog"
)

// TestEverythingAtOnce stages, commits, publishes and reads on the real disk at the
// same time, small segments being sealed and closed behind the commits.
func TestEverythingAtOnce(t *testing.T) {
	signer, verifiers := newKey(t)
	l := must(txlog.Open(t.TempDir(), txlog.Options{Origin: origin, Signers: []note.Signer{signer}, SegmentBytes: 8192}))
	const size = 30000
	staged := make(chan *txlog.Batch, 4)
	var writers, readers sync.WaitGroup
	writers.Go(func() {
		defer close(staged)
		for at := uint64(0); at < size; at += 100 {
			staged <- must(l.Stage(batchOf(at, at+100)))
		}
	})
	writers.Go(func() {
		for b := range staged {
			group := []*txlog.Batch{b}
			for len(staged) > 0 {
				group = append(group, <-staged)
			}
			must(0, l.Commit(group...))
		}
	})
	readers.Go(func() {
		for l.Size() < size {
			must(l.WaitSize(context.Background(), l.Size()+1))
			c, _, err := txlog.OpenCheckpoint(must(l.Publish()), origin, verifiers)
			if err != nil || must(l.Root(c.Size)) != c.Root {
				t.Errorf("published %+v: %v", c, err)
			}
		}
	})
	for range 3 {
		readers.Go(func() {
			for l.Size() < size {
				at, root, _ := l.State()
				if at == 0 {
					continue
				}
				i := rand.Uint64N(at)
				e := must(l.Entry(i))
				if err := txlog.VerifyInclusion(txlog.LeafHash(e), i, at, must(l.InclusionProof(i, at)), root); err != nil || !bytes.Equal(e, entry(i)) {
					t.Errorf("entry %d of %d: %v", i, at, err)
				}
				n := i
				for got, err := range l.Entries(i, min(at, i+300)) {
					if err != nil || !bytes.Equal(got, entry(n)) {
						t.Errorf("entry %d: %v", n, err)
					}
					n++
				}
			}
		})
	}
	writers.Wait()
	readers.Wait()
	if t.Failed() {
		return
	}
	expectEntries(t, l, size)
	ok(t, l.Verify(context.Background(), nil))
	ok(t, l.Close())
}
