package backups

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Folder is the name of the folder in a data directory.
const Folder = "backups"

// Bounds of what is kept, and of how often.
const (
	MaxBytes   = 128 << 10 // of one sealed box
	MaxWallets = 50_000
	Burst      = 20          // changes of one wallet at once
	Every      = time.Minute // then one more each

	maxFile    = 256 << 10
	maxBuckets = 10_000 // wallets whose changes are counted at once
)

// Backup is a wallet's box as it is kept.
type Backup struct {
	Version uint64 `json:"version"`        // from 1, one more with each change
	Changed uint64 `json:"changed_millis"` // Unix milliseconds
	Sealed  []byte `json:"sealed"`
}

// bucket counts a wallet's changes: what is left at a time, and regains one Every.
type bucket struct {
	left float64
	at   time.Time
}

// Store is a folder with a file for each wallet, written whole before a change counts. Its methods may be called from
// several goroutines.
type Store struct {
	files vfs.FS
	dir   string // empty keeps them in memory

	mu      sync.Mutex // over what follows, and over the folder
	known   map[token.WalletID]bool
	memory  map[token.WalletID]Backup // where there is no folder
	buckets map[token.WalletID]bucket
}

// Open reads which wallets have a backup in a folder, which is made with the first one.
func Open(files vfs.FS, dir string) (*Store, error) {
	s := &Store{files: files, dir: dir, known: map[token.WalletID]bool{}, memory: map[token.WalletID]Backup{},
		buckets: map[token.WalletID]bucket{}}
	if dir == "" {
		return s, nil
	}
	own, err := names(files, dir)
	for _, id := range own {
		s.known[id] = true
	}
	return s, err
}

// names are the wallets that have a file in a folder, which need not exist.
func names(files vfs.FS, dir string) (list []token.WalletID, err error) {
	found, err := files.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, name := range found {
		var id token.WalletID
		if text, is := strings.CutSuffix(name, ".json"); is && id.UnmarshalText([]byte(text)) == nil {
			list = append(list, id)
		}
	}
	return list, err
}

func path(dir string, id token.WalletID) string { return filepath.Join(dir, id.String()+".json") }

// read is a wallet's backup in a folder. A file that is none is an error.
func read(files vfs.FS, dir string, id token.WalletID) (b Backup, err error) {
	content, err := durable.Read(files, path(dir, id), maxFile)
	if err == nil {
		err = json.Unmarshal(content, &b)
	}
	if err == nil && (b.Version == 0 || len(b.Sealed) == 0) {
		err = fmt.Errorf("%s is no backup of a wallet", path(dir, id))
	}
	return b, err
}

// write makes the folder with its first file: a node without backups has none.
func write(files vfs.FS, dir string, id token.WalletID, b Backup) error {
	content, err := json.Marshal(b)
	if err == nil {
		err = durable.Folder(files, dir)
	}
	if err == nil {
		err = durable.Replace(files, path(dir, id), content)
	}
	return err
}

// Get returns a wallet's backup, or refuses with node.NotFound.
func (s *Store) Get(id token.WalletID) (Backup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(id)
}

// get reads a backup that is known. The caller holds mu.
func (s *Store) get(id token.WalletID) (Backup, error) {
	if !s.known[id] {
		return Backup{}, token.Errorf(node.NotFound, "wallet", "no backup of this wallet lies here")
	}
	if s.dir == "" {
		return s.memory[id], nil
	}
	return read(s.files, s.dir, id)
}

// Put keeps a sealed box in the place of the one whose version is after, 0 for none. Another version is there where
// another page was first: refused with ledger.StaleVersion, and nothing is lost.
func (s *Store) Put(id token.WalletID, after uint64, sealed []byte, now time.Time) (Backup, error) {
	if len(sealed) == 0 || len(sealed) > MaxBytes {
		return Backup{}, token.Errorf(token.TooLarge, "sealed", "%d bytes, want 1 to %d", len(sealed), MaxBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.spend(id, now); err != nil {
		return Backup{}, err
	}
	var before Backup
	if s.known[id] {
		var err error
		// One that cannot be read any more is replaced by who says that he knows of none.
		if before, err = s.get(id); err != nil && after != 0 {
			return Backup{}, err
		}
	} else if len(s.known) >= MaxWallets {
		return Backup{}, token.Errorf(node.Overloaded, "wallet", "%d wallets have a backup here, at most so many",
			MaxWallets)
	}
	if before.Version != after {
		return Backup{}, token.Errorf(ledger.StaleVersion, "after", "version %d is here: read it first", before.Version)
	}
	b := Backup{Version: after + 1, Changed: uint64(now.UnixMilli()), Sealed: sealed}
	if s.dir == "" {
		s.memory[id] = b
	} else if err := write(s.files, s.dir, id, b); err != nil {
		return Backup{}, fmt.Errorf("backup of a wallet: %w", err)
	}
	s.known[id] = true
	return b, nil
}

// Delete forgets a wallet's backup, or refuses with node.NotFound. After a crash it is gone or there as it was.
func (s *Store) Delete(id token.WalletID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known[id] {
		return token.Errorf(node.NotFound, "wallet", "no backup of this wallet lies here")
	}
	if s.dir != "" {
		if err := durable.Remove(s.files, path(s.dir, id)); err != nil {
			return fmt.Errorf("backup of a wallet: %w", err)
		}
	}
	delete(s.known, id)
	delete(s.memory, id)
	return nil
}

// spend takes one of a wallet's changes. The caller holds mu.
func (s *Store) spend(id token.WalletID, now time.Time) error {
	if len(s.buckets) >= maxBuckets {
		for other, b := range s.buckets { // any order: those that are full again are as good as new
			if now.Sub(b.at) >= Burst*Every {
				delete(s.buckets, other)
			}
		}
	}
	b, counted := s.buckets[id]
	if !counted {
		if len(s.buckets) >= maxBuckets {
			return token.Errorf(node.Overloaded, "wallet", "%d wallets change their backups now", maxBuckets)
		}
		b = bucket{left: Burst, at: now}
	}
	b.left, b.at = min(Burst, b.left+max(0, now.Sub(b.at)).Minutes()/Every.Minutes()), now
	if b.left < 1 {
		return token.Errorf(node.Overloaded, "wallet", "%d changes at once, and then one a minute, are the most", Burst)
	}
	b.left--
	s.buckets[id] = b
	return nil
}

// Copied says what a copy of a folder did.
type Copied struct {
	Wallets int `json:"wallets"`       // that have a backup in the folder that was copied
	New     int `json:"new"`           // of them, copied now
	Left    int `json:"left,omitzero"` // that could not be read, and were left out
}

// Copy brings the backups in one folder, whose node may be running, to another that nobody uses. One that is there in
// the same or a later version stays. Without any to copy nothing is made.
func Copy(files vfs.FS, from, to string) (c Copied, err error) {
	own, err := names(files, from)
	if err != nil {
		return c, err
	}
	for _, id := range own {
		b, err := read(files, from, id)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its owner deleted it meanwhile
		}
		if err != nil {
			c.Left++
			continue
		}
		c.Wallets++
		if there, err := read(files, to, id); err == nil && there.Version >= b.Version {
			continue
		}
		if err := write(files, to, id, b); err != nil {
			return c, err
		}
		c.New++
	}
	return c, nil
}
