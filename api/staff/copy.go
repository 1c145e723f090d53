package staff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Copied says what a copy of a trail holds.
type Copied struct {
	Entries uint64 `json:"entries"`
	New     uint64 `json:"new"`         // of them, copied now
	Last    uint64 `json:"last_millis"` // Unix milliseconds of the last: what was done since is not in the copy
}

// ErrCopyDiffers means that a trail holds what the one that is to be copied over it does not.
var ErrCopyDiffers = errors.New("the trail that is there holds what the other does not, and stays as it is")

// UnreadableCopyError means that the trail that is there is damaged, so that nothing can be added to it.
type UnreadableCopyError struct{ Err error }

func (e *UnreadableCopyError) Error() string {
	return "the trail that is there is damaged: " + e.Err.Error()
}

func (e *UnreadableCopyError) Unwrap() error { return e.Err }

// Copy brings what is published of the trail in one staff folder, whose node may be running, to another that nobody
// uses. Each entry is held against the checkpoint and against those before it. A copy that is there is continued; one
// that holds more, or something else, is ErrCopyDiffers, one that cannot be read an UnreadableCopyError, and both stay
// as they are. Without a trail to copy nothing is made, and Entries is 0. Sessions, links and the key that signs
// checkpoints stay behind: who holds the copy gets in nowhere with it.
func Copy(files vfs.FS, from, to string) (c Copied, err error) {
	source, err := txlog.OpenStored(files, filepath.Join(from, trailDir))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	signed, _, unsigned := source.Checkpoint()
	if none := (*txlog.NoCheckpointError)(nil); errors.As(unsigned, &none) {
		return c, nil // nobody of the staff has done anything yet
	}
	if err = errors.Join(err, unsigned); err != nil {
		return c, err
	}
	published, err := txlog.ParseSigned(signed)
	if err != nil {
		return c, err
	}
	if err := durable.Folder(files, to); err != nil {
		return c, err
	}
	log, err := txlog.Open(filepath.Join(to, trailDir), txlog.Options{Origin: published.Origin, FS: files,
		SegmentBytes: segmentBytes, Background: func(work func()) { work() }})
	damage, behind, other := (*txlog.DamageError)(nil), (*txlog.BehindError)(nil), (*txlog.HistoryError)(nil)
	if errors.As(err, &damage) || errors.As(err, &behind) || errors.As(err, &other) {
		return c, &UnreadableCopyError{err}
	}
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return copyTrail(source, published, log, signed)
}

// copyTrail copies what log lacks of what source has published.
func copyTrail(source *txlog.Stored, published txlog.Checkpoint, log *txlog.Log, signed []byte) (c Copied, err error) {
	entries, last, err := readTrail(source, published.Size)
	if err != nil {
		return c, err
	}
	c = Copied{Entries: published.Size, Last: last}
	have := log.Size()
	if have > published.Size {
		return c, ErrCopyDiffers
	}
	c.New = published.Size - have
	for i, text := range entries[:have] {
		same, err := log.Entry(uint64(i))
		if err != nil {
			return c, &UnreadableCopyError{err}
		}
		if !bytes.Equal(same, text) {
			return c, ErrCopyDiffers
		}
	}
	// One by one: a copy that is stopped in the midst is a shorter trail, which the next one goes on from.
	for _, text := range entries[have:] {
		batch, err := log.Stage([][]byte{text})
		if err == nil {
			err = log.Commit(batch)
		}
		if err != nil {
			return c, err
		}
	}
	return c, log.Adopt(signed)
}

// readTrail reads a trail's first entries, and refuses those that do not follow from each other. last is the newest
// one's time, in milliseconds.
func readTrail(source *txlog.Stored, size uint64) (entries [][]byte, last uint64, err error) {
	r := newRoster()
	for text, err := range source.Entries(size) {
		var e AuditRecord
		if err == nil {
			err = json.Unmarshal(text, &e)
		}
		if err == nil {
			err = r.take(e)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("the audit trail of staff: %w", err)
		}
		entries, last = append(entries, append([]byte(nil), text...)), e.Time
	}
	return entries, last, nil
}
