package records

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
)

// maxNotice is the longest line of alerts.jsonl: a whole site of machines may be in one.
const maxNotice = 16 << 20

// ReadNotices reads a folder's alerts.jsonl from an instant on. A last line that is not whole yet is left out.
func ReadNotices(dir string, since time.Time) (notices []alert.Notice, err error) {
	file, err := os.Open(filepath.Join(dir, "alerts.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxNotice)
	for lines.Scan() {
		var n alert.Notice
		if json.Unmarshal(lines.Bytes(), &n) == nil && !n.At.Before(since) {
			notices = append(notices, n)
		}
	}
	return notices, lines.Err()
}

// Standing are the alerts that hold for the machines of the fleet: the one state that alerts, the morning
// page and a watch that is started again stand on. Watched is false when no watch has run here yet, so
// that there is nothing to know of alerts.
func (b *Records) Standing() (standing []alert.Standing, watched bool, err error) {
	if _, err := os.Stat(filepath.Join(b.Dir, "alerts.jsonl")); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, false, nil
		}
		return nil, false, err
	}
	notices, err := ReadNotices(b.Dir, time.Time{})
	if err != nil {
		return nil, true, err
	}
	// A machine that was taken out of the fleet is polled by nobody: what was raised for it ends with it.
	known := make(map[string]bool, len(b.Fleet.Machines))
	for i := range b.Fleet.Machines {
		known[b.Fleet.Machines[i].ID] = true
	}
	standing = slices.DeleteFunc(alert.Stand(notices), func(s alert.Standing) bool { return !known[s.Machine] })
	return standing, true, nil
}
