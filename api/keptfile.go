package api

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// keptFile is a small table that outlives the process: written whole, each time, before what was changed counts.
// Whoever holds mu reads and changes it.
type keptFile[T any] struct {
	path string // empty keeps it in memory

	mu   sync.Mutex
	list map[string]T // by id
}

// keptBytes bounds a file.
const keptBytes = 64 << 20

// openKept reads a table. One that cannot be read is said and begun anew: nobody's money depends on it.
func openKept[T any](dir, name string, logger *slog.Logger) *keptFile[T] {
	k := &keptFile[T]{list: map[string]T{}}
	if dir == "" {
		return k
	}
	k.path = filepath.Join(dir, name)
	content, err := durable.Read(vfs.OS, k.path, keptBytes)
	if err == nil {
		err = json.Unmarshal(content, &k.list)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		logger.Error("a table of the API cannot be read, and is begun anew", "file", k.path, "error", err)
	}
	if k.list == nil {
		k.list = map[string]T{}
	}
	return k
}

// put changes the entry of an id, and takes it back when it cannot be stored.
func (k *keptFile[T]) put(id string, value T) error {
	before, had := k.list[id]
	k.list[id] = value
	err := k.store()
	if err != nil && had {
		k.list[id] = before
	} else if err != nil {
		delete(k.list, id)
	}
	return err
}

// drop takes an entry away.
func (k *keptFile[T]) drop(id string) error {
	before, had := k.list[id]
	delete(k.list, id)
	err := k.store()
	if err != nil && had {
		k.list[id] = before
	}
	return err
}

// store writes the list; without a path it is in memory alone.
func (k *keptFile[T]) store() error {
	if k.path == "" {
		return nil
	}
	content, err := json.Marshal(k.list)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, k.path, content)
}
