package logcopy

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/txlog"
)

// Newest reads the newest checkpoint of a copy, or of whatever serves a log, and verifies the signature with a public
// key. Source is a copy's directory, or the URL of a pool or of a copy that a web server shows.
func Newest(ctx context.Context, source, key string) (c txlog.Checkpoint, err error) {
	verifier, err := parseKey(key)
	if err != nil {
		return c, err
	}
	if !strings.Contains(source, "://") {
		_, c, err = readCheckpoint(source, verifier)
		return c, err
	}
	base := strings.TrimSuffix(source, "/") + "/"
	var signed []byte
	for _, at := range []string{base + "log/", base} { // a pool's, or a copy's directory
		o := Options{URL: at, Client: &http.Client{Timeout: 10 * time.Second, CheckRedirect: httplimit.NoRedirect}}
		if signed, _, err = o.getOnce(ctx, checkpointFile, txlog.MaxCheckpointBytes); err == nil {
			return open(signed, verifier)
		}
	}
	return c, err
}

// maxWritten bounds a batch of WriteTo, well below what the log takes.
const maxWritten = txlog.MaxBatchBytes / 4

// WriteTo appends all entries of a copy to an empty log, which ends as the copy's checkpoint says.
func (c *Copy) WriteTo(ctx context.Context, log *txlog.Log, progress func(entries, of uint64)) error {
	if log.Size() != 0 {
		return fmt.Errorf("the log to write has %d entries", log.Size())
	}
	var batch [][]byte
	size := 0
	commit := func() error {
		if err := ctx.Err(); err != nil || len(batch) == 0 {
			return err
		}
		staged, err := log.Stage(batch)
		if err == nil {
			err = log.Commit(staged)
		}
		batch, size = batch[:0], 0
		if progress != nil {
			progress(log.Size(), c.Size())
		}
		return err
	}
	for entry, err := range c.Entries(0, c.Size()) {
		if err != nil {
			return err
		}
		if size+len(entry) > maxWritten {
			if err := commit(); err != nil {
				return err
			}
		}
		batch = append(batch, append([]byte(nil), entry...))
		size += len(entry) + 16
	}
	if err := commit(); err != nil {
		return err
	}
	// The copy's hashes were checked when it was fetched; its files may have changed since.
	root, err := log.Root(log.Size())
	if err == nil && (log.Size() != c.checkpoint.Size || root != c.checkpoint.Root) {
		err = fmt.Errorf("%d entries with the root %s were written; signed are %d with %s", log.Size(), root,
			c.checkpoint.Size, c.checkpoint.Root)
	}
	return err
}
