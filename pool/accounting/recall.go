package accounting

import (
	"iter"

	"github.com/aqsha/aqsha/pool/sharelog"
)

// recallStep is how many entries are read at a time when a job is looked for backwards.
const recallStep = 4096

// RecallFrom looks jobs up in a log, backwards from before an entry: the newest of the number. It is for State.Recall.
// It reads backwards until it has it: a late share is of a job a little before it.
func RecallFrom(log interface {
	Entries(from, to uint64) iter.Seq2[[]byte, error]
}) func(number, before uint64) (*sharelog.Job, uint64, error) {
	return func(number, before uint64) (found *sharelog.Job, index uint64, err error) {
		for to := before; to > 0 && found == nil; to -= min(to, recallStep) {
			at := to - min(to, recallStep)
			for entry, err := range log.Entries(at, to) {
				if err != nil {
					return nil, 0, err
				}
				if !sharelog.IsShare(entry) {
					if record, err := sharelog.Decode(entry); err == nil {
						if j, ok := record.(*sharelog.Job); ok && j.Number == number {
							found, index = j, at
						}
					}
				}
				at++
			}
		}
		return found, index, nil
	}
}
