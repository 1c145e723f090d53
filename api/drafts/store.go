package drafts

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Bounds of what is kept.
const (
	MaxAll   = 4096
	MaxBytes = 64 << 20 // of all drafts, as they are stored
	MaxOfKey = 16       // that one key has put up, and that are not over
	// KeptMillis is how long one that is over is kept.
	KeptMillis = 24 * 3_600_000
	maxFile    = 1 << 20
)

// Store is a folder of drafts, a file each, written whole before what was changed counts. Its methods may be called
// from several goroutines.
type Store struct {
	files  vfs.FS
	dir    string // empty keeps them in memory
	logger *slog.Logger

	mu    sync.Mutex // over what follows, and over the folder
	kept  map[token.TransactionID]*kept
	bytes int
	top   uint64        // the last change's number, though its draft is forgotten
	grown chan struct{} // closed at the next change
}

// kept is a draft, which is never changed in place, and its size.
type kept struct {
	draft *Draft
	bytes int
}

// Open reads a folder of drafts. What is no draft is said and left alone: no money depends on it, and its signers sign
// again.
func Open(files vfs.FS, dir string, logger *slog.Logger) (*Store, error) {
	s := &Store{files: files, dir: dir, logger: logger, kept: map[token.TransactionID]*kept{},
		grown: make(chan struct{})}
	if dir == "" {
		return s, nil
	}
	if err := durable.Folder(files, dir); err != nil {
		return nil, fmt.Errorf("drafts: %w", err)
	}
	names, err := files.List(dir)
	if err != nil {
		return nil, fmt.Errorf("drafts: %w", err)
	}
	for _, name := range names {
		var id token.TransactionID
		text, is := strings.CutSuffix(name, ".json")
		if !is || id.UnmarshalText([]byte(text)) != nil {
			continue // a lock, or what a crash left beside
		}
		content, err := durable.Read(files, filepath.Join(dir, name), maxFile)
		d := &Draft{}
		if err == nil {
			err = json.Unmarshal(content, d)
		}
		if err == nil && (d.Transaction == nil || d.Transaction.ID() != id) {
			err = fmt.Errorf("it is not the draft of its name")
		}
		if err != nil {
			logger.Error("a draft cannot be read, and is left out", "file", filepath.Join(dir, name), "error", err)
			continue
		}
		s.kept[id] = &kept{d, len(content)}
		s.bytes += len(content)
		s.top = max(s.top, d.Change)
	}
	return s, nil
}

func (s *Store) path(id token.TransactionID) string { return filepath.Join(s.dir, id.String()+".json") }

// Get returns a draft; nil for none. It is not to be changed.
func (s *Store) Get(id token.TransactionID, now uint64) *Draft {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse(now)
	if k := s.kept[id]; k != nil {
		return k.draft
	}
	return nil
}

// All returns the drafts, the latest first. They are not to be changed.
func (s *Store) All(now uint64) []*Draft {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse(now)
	list := make([]*Draft, 0, len(s.kept))
	for _, k := range s.kept { // any order: sorted below
		list = append(list, k.draft)
	}
	slices.SortFunc(list, func(a, b *Draft) int {
		if a.Made != b.Made {
			return int(int64(b.Made - a.Made))
		}
		x, y := a.Transaction.ID(), b.Transaction.ID()
		return bytes.Compare(x[:], y[:])
	})
	return list
}

// lapse ends drafts whose time is over, and forgets those that ended long ago. That needs no disk to be right: whoever
// opens the folder finds the same. The caller holds mu.
func (s *Store) lapse(now uint64) {
	for id, k := range s.kept {
		if d := k.draft; !d.State.Over() && d.State != Complete && d.Transaction.ValidUntil < now {
			over := *d
			over.State, over.Ended, over.Change = Lapsed, d.Transaction.ValidUntil, s.top+1
			k.draft = &over
			s.changed()
		}
		if d := k.draft; d.State.Over() && d.Ended+KeptMillis < now {
			if s.dir != "" {
				if err := durable.Remove(s.files, s.path(id)); err != nil {
					s.logger.Error("a draft that is over cannot be forgotten", "draft", id, "error", err)
					continue
				}
			}
			s.bytes -= k.bytes
			delete(s.kept, id)
		}
	}
}

// Put keeps a draft. One that is there gets what it has not: see Change. What strangers can fill is bounded by key, by
// number and in bytes; a draft that lapses makes room.
func (s *Store) Put(d *Draft, now uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse(now)
	id := d.Transaction.ID()
	if s.kept[id] != nil {
		return token.Errorf(SignedAlready, "draft", "this draft is there: add your signature to it")
	}
	own := 0
	for _, k := range s.kept {
		if k.draft.By == d.By && !k.draft.State.Over() {
			own++
		}
	}
	if own >= MaxOfKey {
		return token.Errorf(token.TooMany, "draft",
			"%d drafts of this key wait already, at most %d: sign, refuse or let them lapse", own, MaxOfKey)
	}
	if len(s.kept) >= MaxAll || s.bytes >= MaxBytes {
		return token.Errorf(node.Overloaded, "draft", "%d drafts wait: try again when some are over", len(s.kept))
	}
	return s.store(id, d)
}

// Change changes a draft: what change does to its copy counts once it is durable. It returns the draft as it stands
// then.
func (s *Store) Change(id token.TransactionID, now uint64, change func(d *Draft) *token.Error) (*Draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse(now)
	k := s.kept[id]
	if k == nil {
		return nil, token.Errorf(node.NotFound, "draft", "no such draft: one that is over is forgotten after a day")
	}
	next := *k.draft
	next.Transaction, next.Refusals = unsigned(k.draft.Transaction), slices.Clone(next.Refusals)
	for _, w := range k.draft.Transaction.Witnesses {
		next.Transaction.Add(w)
	}
	if err := change(&next); err != nil {
		return nil, err
	}
	return &next, s.store(id, &next)
}

// store makes a draft durable, and then counts it. The caller holds mu. When it cannot be stored, what was kept before
// stands.
func (s *Store) store(id token.TransactionID, d *Draft) error {
	d.Change = s.top + 1
	content, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if len(content) > maxFile {
		return token.Errorf(token.TooLarge, "draft", "%d bytes, at most %d", len(content), maxFile)
	}
	if s.dir != "" {
		if err := durable.Replace(s.files, s.path(id), content); err != nil {
			return fmt.Errorf("draft: %w", err)
		}
	}
	if k := s.kept[id]; k != nil {
		s.bytes -= k.bytes
	}
	s.kept[id] = &kept{d, len(content)}
	s.bytes += len(content)
	s.changed()
	return nil
}

// changed counts a change and wakes who waits for one. The caller holds mu.
func (s *Store) changed() {
	s.top++
	close(s.grown)
	s.grown = make(chan struct{})
}

// Changed is closed at the next change of any draft.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grown
}

// Last is the number of the last change.
func (s *Store) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.top
}

// After returns the drafts that changed after a change, in the order of their last changes. They are not to be changed.
func (s *Store) After(change, now uint64) (list []*Draft) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lapse(now)
	for _, k := range s.kept { // any order: sorted below
		if k.draft.Change > change {
			list = append(list, k.draft)
		}
	}
	slices.SortFunc(list, func(a, b *Draft) int { return cmp.Compare(a.Change, b.Change) })
	return list
}
