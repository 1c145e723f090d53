package control

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Entry is a line of the audit trail. Before is the SHA-256 of the line before it, so that a line that
// was changed or taken out is noticed.
type Entry struct {
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`
	Action  Action    `json:"action"`
	Machine string    `json:"machine"`
	Address string    `json:"address"`
	Detail  string    `json:"detail,omitempty"`
	Outcome string    `json:"outcome"` // ordered, done, or what went wrong
	Before  string    `json:"before"`
}

// Audit is the trail, audit.jsonl in a farm's folder. It is only ever added to.
type Audit struct {
	mu   sync.Mutex
	file *os.File
	last string
}

// OpenAudit opens the trail after checking it.
func OpenAudit(dir string) (*Audit, error) {
	path := filepath.Join(dir, "audit.jsonl")
	_, last, err := ReadAudit(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	return &Audit{file: file, last: last}, err
}

// ReadAudit reads the trail and checks that its lines follow from each other. It returns the hash of the last.
func ReadAudit(dir string) (entries []Entry, last string, err error) {
	file, err := os.Open(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var e Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, "", fmt.Errorf("audit.jsonl line %d: %w", len(entries)+1, err)
		}
		if e.Before != last {
			return nil, "", fmt.Errorf("audit.jsonl line %d does not follow from the one before: the trail was changed", len(entries)+1)
		}
		entries, last = append(entries, e), hashOf(lines.Bytes())
	}
	return entries, last, lines.Err()
}

func hashOf(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// write makes an entry durable.
func (a *Audit) write(e Entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Before = a.last
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := a.file.Write(append(line, '\n')); err != nil {
		return err
	}
	a.last = hashOf(line)
	return a.file.Sync()
}

// Close lets go of the file.
func (a *Audit) Close() error { return a.file.Close() }

var _ io.Closer = (*Audit)(nil)
