package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// watchedFile says when a watch last looked at the farm. Samples are of polls that were answered: of a farm that is
// dark there are none, and without this its last hour would seem to last.
const watchedFile = "watched.json"

const maxWatched = 1 << 10

type watched struct {
	Looked time.Time `json:"looked"` // the last poll that ended, answered or not
}

func readLooked(dir string) (usage.Instant, error) {
	content, err := durable.Read(vfs.OS, filepath.Join(dir, watchedFile), maxWatched)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // no watch has run here, or an older program's
	}
	var w watched
	if err == nil {
		err = json.Unmarshal(content, &w)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", watchedFile, err)
	}
	return usage.At(w.Looked), nil
}

// Look writes down that a watch has looked at the farm at an instant.
func (b *Records) Look(at usage.Instant) error {
	b.looked.Store(int64(at))
	content, err := json.Marshal(watched{at.Time()})
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(b.Dir, watchedFile), append(content, '\n'))
}

// Newest is up to when the farm was watched: the last poll, answered or not; 0 when there is none. Days are summed up
// by answered polls alone, which are kept with them.
func (b *Records) Newest() usage.Instant {
	newest := usage.Instant(b.looked.Load())
	if b.Store != nil {
		newest = max(newest, b.Store.Newest())
	}
	return newest
}

// Unwatched is since when nobody has watched the farm, as seen at a time; false while a watch looks, or before the
// first.
func (b *Records) Unwatched(now time.Time) (since time.Time, unwatched bool) {
	newest := b.Newest()
	reach := max(3*b.Config.Interval, 3*time.Minute) // a watch says so every half minute
	if newest == 0 || now.Sub(newest.Time()) <= reach {
		return time.Time{}, false
	}
	return newest.Time().In(b.Config.Location()), true
}
