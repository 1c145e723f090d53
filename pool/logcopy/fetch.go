package logcopy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/httplimit"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Options say what to fetch and where to.
type Options struct {
	URL      string // of the pool's HTTP address
	Dir      string // of the copy, which may exist
	Key      string // the public key; empty: the copy's, or at first the one that the pool serves
	Client   *http.Client
	Progress func(entries, of uint64)
}

// Result is what a fetch has brought.
type Result struct {
	Origin string     `json:"origin"`
	Key    string     `json:"key"`
	Size   uint64     `json:"entries"`
	Before uint64     `json:"entries_before"`
	Root   txlog.Hash `json:"root"`
}

// RewrittenError is evidence: two checkpoints of one key of which neither extends the other.
type RewrittenError struct {
	Dir         string // holds both
	Before, Now txlog.Checkpoint
}

// Error names the two checkpoints and the folder in which both lie, signed.
func (e *RewrittenError) Error() string {
	return fmt.Sprintf("the pool has rewritten its log: it has signed %d entries with the root %s, and then %d "+
		"entries that do not begin with them; both signed checkpoints are in %s",
		e.Before.Size, e.Before.Root, e.Now.Size, e.Dir)
}
func (e *RewrittenError) ErrorCode() string { return "log-rewritten" }

// Fetch brings a copy up to the pool's newest checkpoint. What was fetched before is not asked for again, and the
// new log must begin with it. The checkpoint is written last: a fetch that was cut off is taken up by the next.
func Fetch(ctx context.Context, o Options) (*Result, error) {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: time.Minute, CheckRedirect: httplimit.NoRedirect}
	}
	o.URL = strings.TrimSuffix(o.URL, "/") + "/log/"
	verifier, key, err := o.verifier(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := o.get(ctx, checkpointFile, txlog.MaxCheckpointBytes)
	if err != nil {
		return nil, err
	}
	now, err := open(signed, verifier)
	if err != nil {
		return nil, err
	}
	// The key comes from the pool at the first fetch alone, and is kept: one that is changed later is seen here.
	oldSigned, before, err := readCheckpoint(o.Dir, verifier)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	result := &Result{Origin: now.Origin, Key: strings.TrimSpace(key), Size: now.Size, Before: before.Size,
		Root: now.Root}
	if oldSigned != nil && now.Size < before.Size {
		return nil, o.rewritten(oldSigned, signed, before, now)
	}
	// Entries before the checkpoint: a copy that says how long it is has everything that it says.
	if err := o.bundles(ctx, o.Dir, now.Size); err != nil {
		return nil, err
	}
	roots, err := rootsOf(o.Dir, now.Size, before.Size)
	if err != nil {
		return nil, err
	}
	if oldSigned != nil && roots[before.Size] != before.Root || roots[now.Size] != now.Root {
		return nil, o.whoLies(ctx, oldSigned, signed, before, now)
	}
	if oldSigned != nil && before.Size != now.Size {
		if err := o.write(filepath.Join(oldDir, fmt.Sprint(before.Size)), oldSigned); err != nil {
			return nil, err
		}
	}
	return result, o.write(checkpointFile, signed)
}

// verifier is of the key that was given, of the copy's, or, the first time, of the pool's. A copy keeps to its key: a
// pool that shows another later is refused, and the first time is when it can deceive.
func (o *Options) verifier(ctx context.Context) (note.Verifier, string, error) {
	kept, err := durable.Read(vfs.OS, filepath.Join(o.Dir, keyFile), 4096)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	key := o.Key
	if key == "" && there {
		key = string(kept)
	}
	if key == "" {
		served, err := o.get(ctx, "key", 4096)
		if err != nil {
			return nil, "", fmt.Errorf("the log's public key (or give it): %w", err)
		}
		key = string(served)
	}
	if there && strings.TrimSpace(key) != strings.TrimSpace(string(kept)) {
		return nil, "", fmt.Errorf("%s is a copy under the key %s, not %s", o.Dir, strings.TrimSpace(string(kept)),
			strings.TrimSpace(key))
	}
	verifier, err := parseKey(key)
	if err != nil || there {
		return verifier, key, err
	}
	return verifier, key, o.write(keyFile, []byte(strings.TrimSpace(key)+"\n"))
}

// bundles fetches what a directory lacks of a log. A bundle that is there is not asked for again, nor looked at: the
// roots that are computed afterwards tell whether all of them are right. The last one is named by how many entries it
// has, so that a longer log has another name for it.
func (o *Options) bundles(ctx context.Context, dir string, size uint64) error {
	for first := uint64(0); first < size; first += txlog.TileWidth {
		tile := bundleAt(first, size)
		path := filepath.Join(dir, filepath.FromSlash(tile.Path()))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		bundle, err := o.get(ctx, tile.Path(), maxBundle)
		if err != nil {
			return err
		}
		if err := o.writeAt(path, bundle); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(min(first+txlog.TileWidth, size), size)
		}
	}
	return nil
}

// whoLies fetches the whole log anew where the copy does not grow into it: either the pool has signed another
// history, or it serves entries that it has not signed.
func (o *Options) whoLies(ctx context.Context, oldSigned, signed []byte, before, now txlog.Checkpoint) error {
	dir := filepath.Join(o.Dir, rewrittenDir)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := o.bundles(ctx, dir, now.Size); err != nil {
		return err
	}
	roots, err := rootsOf(dir, now.Size)
	if err != nil {
		return err
	}
	if roots[now.Size] != now.Root {
		return fmt.Errorf("the pool serves %d entries with the root %s; signed is %s", now.Size, roots[now.Size],
			now.Root)
	}
	if oldSigned == nil { // what lay here was not of this log
		return fmt.Errorf("%s holds entries that are not of this log; fetch into an empty directory", o.Dir)
	}
	return o.rewritten(oldSigned, signed, before, now)
}

// rewritten keeps the evidence, the two checkpoints as they were signed, beside the entries of the second, and is the
// error that says so. The copy of before stays as it is.
func (o *Options) rewritten(oldSigned, signed []byte, before, now txlog.Checkpoint) error {
	err := errors.Join(o.write(filepath.Join(rewrittenDir, "checkpoint.before"), oldSigned),
		o.write(filepath.Join(rewrittenDir, "checkpoint.now"), signed))
	return errors.Join(&RewrittenError{filepath.Join(o.Dir, rewrittenDir), before, now}, err)
}

func (o *Options) write(name string, content []byte) error {
	return o.writeAt(filepath.Join(o.Dir, name), content)
}

func (o *Options) writeAt(path string, content []byte) error {
	if err := vfs.OS.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.Replace(vfs.OS, path, content)
}

// tries of a request: a pool that restarts is away for seconds, and one that is busy says so.
const tries = 6

// get fetches a file, and tries again after 1, 2, … seconds where that may help: no answer, 5xx, 429.
func (o *Options) get(ctx context.Context, path string, most int64) (content []byte, err error) {
	for n := range tries {
		if n > 0 {
			select {
			case <-time.After(time.Duration(n) * time.Second):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		var again bool
		if content, again, err = o.getOnce(ctx, path, most); err == nil || !again {
			return content, err
		}
	}
	return nil, err
}

// getOnce asks once; again says whether asking again may help. One byte more than the most is read, so that a file
// that is too long is told from one that just fits.
func (o *Options) getOnce(ctx context.Context, path string, most int64) (content []byte, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL+path, nil)
	if err != nil {
		return nil, false, err
	}
	response, err := o.Client.Do(request)
	if err != nil {
		return nil, ctx.Err() == nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests,
			fmt.Errorf("%s%s: %s", o.URL, path, response.Status)
	}
	content, err = io.ReadAll(io.LimitReader(response.Body, most+1))
	if err == nil && int64(len(content)) > most {
		return nil, false, fmt.Errorf("%s%s: more than %d bytes", o.URL, path, most)
	}
	return content, err != nil, err
}
