package txlog

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// ReadTile returns a hash tile: Width hashes one after the other. It is an
// *InputError if the durable log has not that many.
func (l *Log) ReadTile(t Tile) ([]byte, error) {
	v := l.view()
	first := t.Index * tileWidth
	if t.Level < 0 || t.Level >= tileLevels || t.Index > maxTileIndex || t.Width < 1 || t.Width > tileWidth ||
		first+uint64(t.Width) > v.size>>(t.Level*tileHeight) {
		return nil, refuse("tile-range", "path", "the log has no tile %s yet", t.Path())
	}
	hashes, err := l.hashesOf(t)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(hashes)*HashBytes)
	for i := range hashes {
		out = append(out, hashes[i][:]...)
	}
	return out, nil
}

// hashesOf reads a tile, and checks it if the log has all of it.
func (l *Log) hashesOf(t Tile) ([]Hash, error) {
	if l.tiles.count(t.Level+1) > t.Index {
		p, err := l.tiles.pyramid(t.Level, t.Index)
		if err != nil {
			return nil, err
		}
		return p[tileWidth:][:t.Width], nil
	}
	hashes := make([]Hash, t.Width)
	return hashes, l.tiles.read(t.Level, t.Index*tileWidth, hashes)
}

// ReadBundle returns a bundle of entries, each after its length in two bytes, read
// from the segments and checked against the tree.
func (l *Log) ReadBundle(t Tile) ([]byte, error) {
	v := l.view()
	first := t.Index * tileWidth
	if t.Level != EntriesLevel || t.Index > maxTileIndex || t.Width < 1 || t.Width > tileWidth ||
		first+uint64(t.Width) > v.size {
		return nil, refuse("tile-range", "path", "the log has no bundle %s yet", t.Path())
	}
	return l.entries(&v, nil, first, first+uint64(t.Width))
}

// Handler serves what is public, below the prefix that the caller strips:
// GET /checkpoint and the hash tiles at GET /tile/....
func (l *Log) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", l.serveCheckpoint)
	mux.HandleFunc("GET /tile/", func(w http.ResponseWriter, r *http.Request) {
		l.serveTile(w, r, func(t Tile) bool { return t.Level != EntriesLevel }, l.ReadTile)
	})
	return mux
}

// EntriesHandler serves the bundles at GET /tile/entries/.... Who may read entries
// is for the caller to decide.
func (l *Log) EntriesHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tile/entries/", func(w http.ResponseWriter, r *http.Request) {
		l.serveTile(w, r, func(t Tile) bool { return t.Level == EntriesLevel }, l.ReadBundle)
	})
	return mux
}

// serveCheckpoint answers with the latest, which nobody in between may keep.
func (l *Log) serveCheckpoint(w http.ResponseWriter, _ *http.Request) {
	signed, _ := l.Checkpoint()
	if signed == nil {
		http.Error(w, "no checkpoint has been published yet", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	send(w, signed)
}

// serveTile answers with a tile, which never changes and may be kept for ever.
func (l *Log) serveTile(w http.ResponseWriter, r *http.Request, fits func(Tile) bool, read func(Tile) ([]byte, error)) {
	t, err := ParseTilePath(strings.TrimPrefix(r.URL.Path, "/"))
	if err == nil && !fits(t) {
		http.NotFound(w, r)
		return
	}
	var content []byte
	if err == nil {
		content, err = read(t)
	}
	var input *InputError
	switch {
	case errors.As(err, &input) && input.Code == "tile-path":
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.As(err, &input):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		// What exactly is damaged is the operator's to know.
		http.Error(w, "the tile cannot be read", http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		send(w, content)
	}
}

func send(w http.ResponseWriter, content []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
}

func fieldOfEntry(i int) string { return fmt.Sprintf("entries[%d]", i) }
