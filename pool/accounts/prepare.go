package accounts

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// Prepared are accounts up to an entry of a log, read and held against the books while another process still writes it.
// One goroutine uses it, and hands it to Open once.
type Prepared struct {
	state   *accounting.State
	known   *books.Books
	entries []books.Entry // that were not held against the books yet
	// unbooked are entries of the accounts that the books did not have; those of the last moments, as the books follow.
	unbooked []books.Entry
	books    *books.Snapshot // as they were audited; before a payment they are again, all of them
}

// maxUnbooked bounds what is kept for books that are behind the log.
const maxUnbooked = 100_000

// Prepare opens the books of a log beside their writer.
func Prepare(log *txlog.Reader, booksFile string) (*Prepared, error) {
	known, err := books.OpenToRead(booksFile)
	if err != nil {
		return nil, err
	}
	d := &Prepared{state: accounting.New(), known: known}
	d.state.Recall = accounting.RecallFrom(log)
	return d, nil
}

// Take takes the log's next record, or why it could not be decoded.
func (d *Prepared) Take(ctx context.Context, record sharelog.Record, undecoded error) error {
	more, _ := d.state.ApplyDecoded(record, undecoded) // what it refuses, it keeps
	if d.entries = append(d.entries, more...); len(d.entries) < bookEvery {
		return nil
	}
	return d.check(ctx)
}

func (d *Prepared) check(ctx context.Context) error {
	missing, err := d.known.Missing(ctx, d.entries...)
	if d.unbooked = append(d.unbooked, missing...); err == nil && len(d.unbooked) > maxUnbooked {
		err = fmt.Errorf("the books are more than %d entries behind the log", maxUnbooked)
	}
	d.entries = d.entries[:0]
	return err
}

// Finish holds the rest against the books.
func (d *Prepared) Finish(ctx context.Context) (err error) {
	if err := d.check(ctx); err != nil {
		return err
	}
	d.books, err = d.known.Snapshot(ctx)
	return err
}

// Close closes the books.
func (d *Prepared) Close() { _ = d.known.Close() }
