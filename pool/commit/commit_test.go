package commit

import (
	"bytes"
	"testing"

	"github.com/aqsha/aqsha/txlog"
)

// More than a batch of the log holds may have gathered while the disk stood still: it is written in several.
func TestMoreThanOneBatchGathers(t *testing.T) {
	log, err := txlog.Open(t.TempDir(), txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 28})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	one := bytes.Repeat([]byte{1}, 60_000)
	n := txlog.MaxBatchBytes/len(one) + 100
	c := New(log, func(error) {})
	for range n {
		c.records = append(c.records, one)
	}
	if err := c.Commit(); err != nil {
		t.Fatal(err)
	}
	if log.Size() != uint64(n) {
		t.Errorf("%d of %d entries", log.Size(), n)
	}
}
