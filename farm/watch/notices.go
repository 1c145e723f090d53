package watch

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// Standing is an alert of a machine that was raised and not cleared.
type Standing struct {
	Machine string     `json:"machine"`
	Kind    alert.Kind `json:"kind"`
	Since   time.Time  `json:"since"`
	Detail  string     `json:"detail"`
}

// Stand are the alerts that hold after notices, the most urgent kind first, then the longest standing.
func Stand(notices []alert.Notice) []Standing {
	type key struct {
		machine string
		kind    alert.Kind
	}
	open := map[key]Standing{}
	for _, n := range notices {
		for _, machine := range n.Machines {
			if n.Raised {
				open[key{machine, n.Kind}] = Standing{machine, n.Kind, n.At, n.Detail}
			} else {
				delete(open, key{machine, n.Kind})
			}
		}
	}
	out := make([]Standing, 0, len(open))
	for _, s := range open {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Standing) int {
		if order := slices.Index(alert.Kinds, a.Kind) - slices.Index(alert.Kinds, b.Kind); order != 0 {
			return order
		}
		if order := a.Since.Compare(b.Since); order != 0 {
			return order
		}
		return strings.Compare(a.Machine, b.Machine)
	})
	return out
}
