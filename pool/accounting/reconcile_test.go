package accounting_test

import (
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// A block of the pool's that the log does not name was found while the log was alive if the log has a job as late on the
// same parent. A job on that parent alone is no sign of it: a backup's last job is on the tip under which the first
// block after it was found.
func TestOneBlockAfterABackupIsNotKnown(t *testing.T) {
	tip, other := bitcoin.Hash{1}, bitcoin.Hash{2}
	state := accounting.New()
	jobs := func(numbers ...uint64) {
		t.Helper()
		for _, n := range numbers {
			if _, err := state.Apply(&sharelog.Job{Number: n, Height: 9, Previous: tip, Bits: 0x207fffff}); err != nil {
				t.Fatal(err)
			}
		}
	}
	has := func(want bool, parent bitcoin.Hash, job uint32) {
		t.Helper()
		if got := state.HasBlock(bitcoin.Hash{9}, parent, job); got != want {
			t.Errorf("a block of job %d on %x: known %t, want %t", job, parent[:1], got, want)
		}
	}
	has(false, tip, 1)
	jobs(7, 8)
	has(true, tip, 7)
	has(true, tip, 8)
	has(false, tip, 9) // the backup was made here, and job 9 came after it
	has(false, other, 7)
	jobs(11, 10) // 10 pays one user: it came with its first share
	has(true, tip, 9)
	has(true, tip, 11)
	has(false, tip, 12)
	jobs(1<<32 + 2) // a coinbase has 32 bits of the number
	has(true, tip, 1<<32-1)
	has(true, tip, 2)
	has(false, tip, 3)
}
