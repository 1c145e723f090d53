package index

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// pageWriter writes a run's file, page by page.
type pageWriter struct {
	f       vfs.File
	page    []byte
	used    int // bytes of the page
	number  int // of the page
	pending []byte
	offset  int64 // of what is pending
	fences  []uint64
	err     error
}

// writeAtOnce is how many bytes of pages gather before they are written.
const writeAtOnce = 1 << 20

// put writes a record on the page under way; errors are kept for the end.
func (w *pageWriter) put(r record) {
	if w.used == 0 {
		w.fences = append(w.fences, r.prefix)
	}
	binary.BigEndian.PutUint64(w.page[w.used:], r.prefix)
	binary.BigEndian.PutUint64(w.page[w.used+8:], r.entry)
	if w.used += recordBytes; w.used == pageContent {
		w.endPage()
	}
}

// endPage closes the page under way, if anything stands on it: the rest is zeros, then come its number and the
// checksum over all before it. With the number in it a page that was written in another's place is found.
func (w *pageWriter) endPage() {
	if w.used == 0 {
		return
	}
	clear(w.page[w.used:])
	binary.BigEndian.PutUint32(w.page[pageContent:], uint32(w.number))
	binary.BigEndian.PutUint32(w.page[pageBytes-4:], crc32.Checksum(w.page[:pageBytes-4], castagnoli))
	w.pending = append(w.pending, w.page...)
	w.used = 0
	w.number++
	if len(w.pending) >= writeAtOnce {
		w.write()
	}
}

// write writes the pages that are pending.
func (w *pageWriter) write() {
	if w.err == nil {
		_, w.err = w.f.WriteAt(w.pending, w.offset)
	}
	w.offset += int64(len(w.pending))
	w.pending = w.pending[:0]
}

// writeRun merges adjacent runs into one file, durable whole or not at all, and opens it.
func writeRun(files vfs.FS, dir string, network token.NetworkID, parts []*run) (*run, error) {
	first, size := parts[0].first, parts[len(parts)-1].size
	name := runName(first, size)
	temporary := filepath.Join(dir, name+".new")
	if err := files.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := files.Create(temporary)
	if err != nil {
		return nil, err
	}
	err = fillRun(f, network, parts)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = files.Rename(temporary, filepath.Join(dir, name))
	}
	if err == nil {
		err = files.SyncDir(dir)
	}
	if err != nil {
		_ = files.Remove(temporary) // on a full disk its room is wanted
		return nil, err
	}
	return openRun(files, dir, name, network)
}

// fillRun writes a run from others, page by page, without having it in memory. A fence of each page comes last, as they
// are known only then; a reader finds them from the counts in the header.
func fillRun(f vfs.File, network token.NetworkID, parts []*run) error {
	w := &pageWriter{f: f, page: make([]byte, pageBytes)}
	copy(w.page, runMagic)
	copy(w.page[8:], network[:])
	binary.BigEndian.PutUint64(w.page[40:], parts[0].first)
	binary.BigEndian.PutUint64(w.page[48:], parts[len(parts)-1].size)
	// The counts before the records, from what the parts state: merging neither drops nor joins records, so they are
	// known without reading.
	for t := range tables {
		count := 0
		for _, part := range parts {
			count += part.cursor(t).len()
		}
		binary.BigEndian.PutUint64(w.page[56+8*t:], uint64(count))
	}
	w.used = 56 + 8*int(tables)
	w.endPage()
	for t := range tables {
		if err := mergeInto(w, t, parts); err != nil {
			return err
		}
		w.endPage()
	}
	for _, fence := range w.fences {
		binary.BigEndian.PutUint64(w.page[w.used:], fence)
		if w.used += 8; w.used == pageContent {
			w.endPage()
		}
	}
	w.endPage()
	w.write()
	return w.err
}

// mergeInto writes the records of one table of several runs in order. Of equal prefixes that of the earlier run goes
// first: its entries are earlier.
func mergeInto(w *pageWriter, t table, parts []*run) error {
	cursors := make([]*cursor, len(parts))
	heads, next := make([]record, len(parts)), make([]int, len(parts))
	live := make([]int, 0, len(parts)) // which have records left, in order of their entries
	for i, part := range parts {
		cursors[i] = part.cursor(t)
		if cursors[i].len() > 0 {
			heads[i] = cursors[i].at(0)
			live = append(live, i)
		}
	}
	for len(live) > 0 {
		least := 0
		for k := 1; k < len(live); k++ {
			if heads[live[k]].prefix < heads[live[least]].prefix {
				least = k
			}
		}
		i := live[least]
		w.put(heads[i])
		if next[i]++; next[i] == cursors[i].len() {
			live = append(live[:least], live[least+1:]...)
			continue
		}
		heads[i] = cursors[i].at(next[i])
	}
	for _, c := range cursors {
		if c.err != nil {
			return c.err
		}
	}
	return w.err
}
