package wallet

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// batchHeader begins a journal of payments; batchRecord bounds a record of it, in bytes.
const (
	batchHeader = "aqsha journal of payments 1\n"
	batchRecord = 256 << 10
)

// batchEntry is a record of a journal of payments: one of its fields is set.
type batchEntry struct {
	Run      *batchRun      `json:"run,omitempty"`
	Signed   *batchSigned   `json:"signed,omitempty"`
	Outcome  *batchOutcome  `json:"outcome,omitempty"`
	Ended    []string       `json:"ended,omitempty"` // keys of rows of a run that is about to be complete
	Complete *batchComplete `json:"complete,omitempty"`
}

// batchRun begins a run: who pays, on which network, from which file, and how.
type batchRun struct {
	Network token.NetworkID `json:"network"`
	Payer   token.WalletID  `json:"payer"`
	Batch   string          `json:"batch,omitempty"`
	File    string          `json:"file"`
	Rows    int             `json:"rows"`
	Options BatchOptions    `json:"options,omitzero"`
	Millis  uint64          `json:"millis"`
	// Resolved says that the keys and contents of what follows are of rows whose payees are ids (canonicalRow); those
	// of earlier versions were of the rows as they were written.
	Resolved bool   `json:"resolved,omitempty"`
	Journal  string `json:"journal,omitempty"`
}

// batchSigned is a payment that is about to be sent.
type batchSigned struct {
	Key      string `json:"key"`
	Contents string `json:"contents"` // of the row
	Options  string `json:"options"`  // hash of the options under which it was signed
	Row      Row    `json:"row"`
	Payment  []byte `json:"payment"`
}

// batchOutcome is what became of it.
type batchOutcome struct {
	Key     string        `json:"key"`
	Receipt *node.Receipt `json:"receipt,omitempty"`
	Problem *api.Problem  `json:"problem,omitempty"`
}

// batchComplete says that every row of the last run was paid: those whose keys stand in the records before it.
type batchComplete struct {
	Batch  string `json:"batch,omitempty"`
	Rows   int    `json:"rows"`
	Millis uint64 `json:"millis"`
}

// batchStep is how far a row is.
type batchStep struct {
	contents, options string
	payment           []byte
	receipt           *node.Receipt
	ended             bool // it was a row of a run that is complete
	endedMillis       uint64
	run               *batchRun // that signed it
}

// batchLog is a journal of payments, and what it says.
type batchLog struct {
	journal *durable.Journal
	first   *batchRun // whose journal it is
	latest  *batchRun
	begin   *batchRun // this process's, written before its first record
	steps   map[string]*batchStep
	ending  []string // keys of a run that is about to be complete

	canonical func(Row) Row
	written   map[string]string // present key of a row by its key in a run of an earlier version
	counted   map[string]int    // such rows, by contents and batch
}

// openBatchLog opens a journal of payments and takes it: two runs at once would pay twice. All of it is read into
// memory: a step for each row that was ever signed.
func openBatchLog(files vfs.FS, path string, canonical func(Row) Row) (*batchLog, error) {
	l := &batchLog{steps: map[string]*batchStep{}, canonical: canonical, written: map[string]string{},
		counted: map[string]int{}}
	var err error
	l.journal, err = durable.OpenJournal(files, path, durable.Options{Header: batchHeader, Max: batchRecord},
		func(body []byte) error {
			var e batchEntry
			if err := json.Unmarshal(body, &e); err != nil {
				return err
			}
			l.take(e)
			return nil
		})
	return l, err
}

// take applies a record. The same records in the same order give the same steps, whether they were read or are being
// written.
func (l *batchLog) take(e batchEntry) {
	switch {
	case e.Run != nil:
		if l.first == nil {
			l.first = e.Run
		}
		l.latest, l.ending = e.Run, nil
		if e.Run.Resolved {
			clear(l.written)
		}
	case e.Signed != nil:
		s := *e.Signed
		// A journal of before has rows as they were written, names and all: they are brought into today's form, or the
		// same payment would look new.
		if l.latest == nil || !l.latest.Resolved {
			s.Contents = l.canonical(s.Row).contents()
			s.Key = l.renew(s)
		}
		l.steps[s.Key] = &batchStep{contents: s.Contents, options: s.Options, payment: s.Payment, run: l.latest}
	case e.Outcome != nil && e.Outcome.Receipt != nil:
		if step := l.steps[l.present(e.Outcome.Key)]; step != nil {
			step.receipt = e.Outcome.Receipt
		}
	case e.Ended != nil:
		// The keys of a batch that ends come in several records; only its Complete makes them count, so that a crash
		// between them leaves a batch that has not ended.
		l.ending = append(l.ending, e.Ended...)
	case e.Complete != nil:
		for _, key := range l.ending {
			if step := l.steps[l.present(key)]; step != nil {
				step.ended, step.endedMillis = true, e.Complete.Millis
			}
		}
		l.ending = nil
	}
}

// renew gives a row of a run of an earlier version the key that it has now.
func (l *batchLog) renew(s batchSigned) string {
	parts := strings.SplitN(s.Key, " ", 3)
	if key, known := l.written[s.Key]; known || s.Row.ID != "" || len(parts) < 3 {
		return cmp.Or(key, s.Key)
	}
	group := s.Contents + " " + parts[2]
	l.counted[group]++
	key := rowKey(s.Contents, l.counted[group], parts[2])
	l.written[s.Key] = key
	return key
}

// present is a row's key as it is today.
func (l *batchLog) present(key string) string { return cmp.Or(l.written[key], key) }

// write makes a record durable and applies it.
func (l *batchLog) write(e batchEntry) error {
	if begin := l.begin; begin != nil {
		l.begin = nil
		if err := l.write(batchEntry{Run: begin}); err != nil {
			l.begin = begin
			return err
		}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := l.journal.Append(body); err != nil {
		return err
	}
	l.take(e)
	return nil
}

// Codes of refusals to run a batch.
const (
	BatchComplete    token.Code = "batch-complete"     // every row was paid before
	BatchOverlaps    token.Code = "batch-overlaps"     // some rows were paid in a batch that is complete
	BatchOfAnother   token.Code = "journal-of-another" // the journal is another payer's, or another network's
	BatchOtherTerms  token.Code = "batch-options"      // the same rows, to be paid in another way
	BatchOtherRow    token.Code = "id-reused"          // the same id, another payment
	BatchOtherFile   token.Code = "batch-other-file"   // rows were paid, or begun to be, from another file
	anotherBatchHint            = "to pay the same again, give it a name of its own (--batch-name 2026-12), or the " +
		"rows an id column"
)

// check refuses a run whose rows cannot be told from those of earlier ones, before anything is paid.
func (l *batchLog) check(b *plannedBatch, network token.NetworkID) error {
	if l.first != nil && (l.first.Network != network || l.first.Payer != b.From) {
		return token.Errorf(BatchOfAnother, "journal",
			"%s is the journal of payments from %s on network %s; this run pays from %s on network %s: name another "+
				"with --journal",
			l.journal.Path(), l.first.Payer, l.first.Network, b.From, network)
	}
	ended := 0
	var latest uint64
	for i, row := range b.Rows {
		step := l.steps[b.keys[i]]
		if step == nil {
			continue
		}
		// A row with an id is that payment for ever: with other contents it is neither a repetition nor a new one,
		// and either guess could cost money.
		if step.contents != b.contents[i] {
			return token.Errorf(BatchOtherRow, "id",
				"line %d: the payment with id %q was another one in an earlier run: a new payment has a new id",
				row.Line, row.ID)
		}
		if !slices.Contains(b.options, step.options) {
			return token.Errorf(BatchOtherTerms, "batch",
				"line %d: %s to %s was signed with other options in an earlier run: run it with the same; or, %s",
				row.Line, row.Amount, row.To, anotherBatchHint)
		}
		if step.ended && row.ID == "" {
			ended++
			latest = max(latest, step.endedMillis)
		}
	}
	// Rows without an id that were paid before may be the same list with a few more, or the same people paid again:
	// only the payer knows.
	if ended == 0 || ended == len(b.Rows) || b.OnlyNew {
		return nil
	}
	return token.Errorf(BatchOverlaps, "batch",
		"%d of these %d payments were made in a batch that ended on %s: nothing was paid now. To make the other %d "+
			"alone: --only-new; %s",
		ended, len(b.Rows), onDay(latest), len(b.Rows)-ended, anotherBatchHint)
}

// isComplete is the refusal of a run whose rows were all paid in one that is complete; nil if some were not.
func (l *batchLog) isComplete(b *plannedBatch) error {
	var latest uint64
	for _, key := range b.keys {
		step := l.steps[key]
		if step == nil || !step.ended {
			return nil
		}
		latest = max(latest, step.endedMillis)
	}
	if len(b.keys) == 0 {
		return nil
	}
	return token.Errorf(BatchComplete, "batch", "all %d payments were made, the last on %s: nothing was paid now; %s",
		len(b.Rows), onDay(latest), anotherBatchHint)
}

// maxEnded is how many keys one record of a complete run holds.
const maxEnded = 1000

// end notes that every row of the run was paid.
func (l *batchLog) end(b *plannedBatch, now uint64) error {
	for part := range slices.Chunk(b.keys, maxEnded) {
		if err := l.write(batchEntry{Ended: part}); err != nil {
			return err
		}
	}
	return l.write(batchEntry{Complete: &batchComplete{Batch: b.Name, Rows: len(b.keys), Millis: now}})
}

// onDay is a time of the ledger for people.
func onDay(millis uint64) string { return Moment(millis) }
