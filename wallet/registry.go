package wallet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/token"
)

// paymentsDir is the folder of a book that holds what was paid: a registry of each payer, and journals of payments
// under a key.
const paymentsDir = "payments"

// plannedBatch is a batch whose rows are known by what they pay, however their payees are written.
type plannedBatch struct {
	*Batch
	contents, keys []string // of each row
	options        []string // hashes of the options; the second as earlier versions took it
}

// batchRunning is a run of a batch with its two journals: the one beside the file, and the payer's registry, which
// holds what was signed from whichever file.
type batchRunning struct {
	client   *Client
	batch    *Batch
	plan     *plannedBatch
	log      *batchLog
	started  uint64    // Unix milliseconds
	registry *batchLog // nil for a payment under a key, whose journal lies in the book itself
}

// openRun opens the journals of a batch, and refuses a run that cannot be told from an earlier one.
func (d *Client) openRun(ctx context.Context, b *Batch) (_ *batchRunning, err error) {
	if err := d.meet(ctx); err != nil {
		return nil, err
	}
	n := &naming{ctx: ctx, client: d}
	r := &batchRunning{client: d, batch: b, plan: n.plan(b), started: d.Now()}
	if n.err != nil {
		return nil, n.err
	}
	if r.log, err = r.open(n, b.Journal); err != nil {
		return nil, err
	}
	if !b.Repeat {
		err = r.openRegistry(n)
	}
	if err == nil {
		err = r.log.check(r.plan, d.Network)
	}
	if err = errors.Join(err, n.err); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// open opens one of the two journals and prepares its first record of this run.
func (r *batchRunning) open(n *naming, path string) (*batchLog, error) {
	b := r.batch
	l, err := openBatchLog(r.client.Keyring.Files(), path, n.row)
	if err != nil {
		return nil, err
	}
	if cut := l.journal.Cut(); cut > 0 && b.Notice != nil {
		b.Notice(fmt.Sprintf("%s: its last record was torn by a crash and is cut (%d bytes); nobody is paid twice or "+
			"left out for it", path, cut))
	}
	l.begin = &batchRun{Network: r.client.Network, Payer: b.From, Batch: b.Name, File: b.File, Rows: len(b.Rows),
		Options: b.Options,
		Millis:  r.client.Now(), Resolved: true, Journal: b.Journal}
	return l, nil
}

// openRegistry opens the payer's registry, and takes over what it knows of these rows.
func (r *batchRunning) openRegistry(n *naming) (err error) {
	keyring := r.client.Keyring
	if err := durable.Folder(keyring.Files(), filepath.Join(keyring.dir, paymentsDir)); err != nil {
		return err
	}
	name := fmt.Sprintf("batches-%s-%s.journal", r.client.Network, r.batch.From)
	if r.registry, err = r.open(n, keyring.path(paymentsDir, name)); err != nil {
		return err
	}
	return r.adopt()
}

// adopt takes over steps of the registry that the file's journal lacks: of rows with an id, and of this same file. Rows
// that were signed from another file, or under another name, might be the same payments or next month's: they are not
// guessed about.
func (r *batchRunning) adopt() error {
	b, signed := r.plan, r.registry.byContents()
	elsewhere, found := 0, (*batchRun)(nil)
	for i, row := range b.Rows {
		step, known := r.registry.steps[b.keys[i]], r.log.steps[b.keys[i]]
		if known != nil {
			// a crash came between the two
			if step != nil && step.ended && !known.ended && bytes.Equal(step.payment, known.payment) {
				known.ended, known.endedMillis = true, step.endedMillis
			}
			continue
		}
		if step != nil && (row.ID != "" || step.run.File == b.File) {
			r.log.steps[b.keys[i]] = step
			continue
		}
		if row.ID != "" {
			continue
		}
		if step != nil {
			elsewhere, found = elsewhere+1, step.run
			continue
		}
		for _, run := range signed[b.contents[i]] {
			if b.Name == "" && (run.File != b.File || run.Batch != "") {
				elsewhere, found = elsewhere+1, run
				break
			}
		}
	}
	if elsewhere == 0 {
		return nil
	}
	under := ""
	if found.Batch != "" {
		under = fmt.Sprintf(" under the name %q", found.Batch)
	}
	return token.Errorf(BatchOtherFile, "batch",
		"%d of these %d payments were made, or begun, on %s from %s%s: nothing was paid now. If this is the same "+
			"batch, go on with its journal (--journal %s); %s",
		elsewhere, len(b.Rows), onDay(found.Millis), found.File, under, found.Journal, anotherBatchHint)
}

// byContents lists the runs that signed a row of some contents, each file and name once.
func (l *batchLog) byContents() map[string][]*batchRun {
	runs, seen := map[string][]*batchRun{}, map[string]bool{}
	for _, step := range l.steps {
		known := strings.Join([]string{step.contents, step.run.File, step.run.Batch}, "\x00")
		if !seen[known] {
			seen[known] = true
			runs[step.contents] = append(runs[step.contents], step.run)
		}
	}
	return runs
}

// write makes a record durable in the registry, then in the file's journal: what the latter holds may be sent.
func (r *batchRunning) write(e batchEntry) error {
	if r.registry != nil {
		if err := r.registry.write(e); err != nil {
			return err
		}
	}
	return r.log.write(e)
}

// end notes in both that every row was paid.
func (r *batchRunning) end() error {
	if r.registry != nil {
		if err := r.registry.end(r.plan, r.client.Now()); err != nil {
			return err
		}
	}
	return r.log.end(r.plan, r.client.Now())
}

// close lets go of both journals.
func (r *batchRunning) close() (err error) {
	for _, l := range []*batchLog{r.log, r.registry} {
		if l != nil {
			err = errors.Join(err, l.journal.Close())
		}
	}
	return err
}

// naming writes rows in one way: a payee as its id, a purpose as its name. A wallet's name stands for one id, and a
// purpose's number for one name, for ever; not so a purpose's name for a number.
type naming struct {
	ctx      context.Context
	client   *Client
	purposes []api.PurposeView // asked for once, when a row has a number
	asked    bool
	err      error // the first
}

// plan writes all rows and the options in one way, and gives each row its key.
func (n *naming) plan(b *Batch) *plannedBatch {
	p := &plannedBatch{Batch: b}
	for _, row := range b.Rows {
		p.contents = append(p.contents, n.row(row).contents())
	}
	p.keys = keysOf(b.Name, b.Rows, p.contents)
	o := b.Options
	o.Purpose, o.Earmark, o.Document = n.purpose(o.Purpose), n.purpose(o.Earmark), strings.ToLower(o.Document)
	p.options = []string{o.hash(), b.Options.hash()}
	return p
}

// row is a row in that writing. What cannot be resolved stays as it is: it is refused when it is to be signed.
func (n *naming) row(row Row) Row {
	if id, err := n.client.Keyring.Resolve(row.To); err == nil {
		row.To = id.String()
	}
	row.Purpose, row.Earmark, row.Document = n.purpose(row.Purpose), n.purpose(row.Earmark),
		strings.ToLower(row.Document)
	return row
}

// purpose is a purpose's name where its number was written.
func (n *naming) purpose(text string) string {
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return text
	}
	if !n.asked {
		n.asked = true
		n.purposes, n.err = n.client.API.Purposes(n.ctx)
	}
	for i := len(n.purposes) - 1; i >= 0; i-- {
		if p := n.purposes[i]; p.Name == text || uint64(p.Number) == number {
			return p.Name
		}
	}
	return text
}
