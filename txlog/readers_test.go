package txlog_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

// serve makes a published log of a size and the web server in front of it.
func serve(t *testing.T, size uint64) (*txlog.Log, *httptest.Server) {
	t.Helper()
	l := open(t, onDisk(t, disk.New(1)))
	grow(t, l, size, 97)
	must(l.Publish())
	mux := http.NewServeMux()
	mux.Handle("/log/", http.StripPrefix("/log", l.Handler()))
	mux.Handle("/log/tile/entries/", http.StripPrefix("/log", l.EntriesHandler()))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return l, server
}

func get(server *httptest.Server, path string) ([]byte, error) {
	response, err := server.Client().Get(server.URL + "/log/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 32<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	return body, err
}

// sumdbReader lets the Go checksum database's client read the served tiles. It
// writes the tile height into paths, C2SP does not, as it is always 8.
type sumdbReader struct{ server *httptest.Server }

func (sumdbReader) Height() int                     { return 8 }
func (sumdbReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r sumdbReader) path(t tlog.Tile) string {
	return strings.Replace(t.Path(), "tile/8/", "tile/", 1)
}
func (r sumdbReader) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, t := range tiles {
		data, err := get(r.server, r.path(t))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func TestSumdbClientReadsTheTiles(t *testing.T) {
	for _, size := range []uint64{1, 2, 255, 256, 257, 1000, 70000} {
		l, server := serve(t, size)
		_, verifiers := newKey(t)
		signed := must(note.Open(must(get(server, "checkpoint")), verifiers))
		lines := strings.Split(signed.Text, "\n")
		root := must(tlog.ParseHash(lines[2]))
		tree := tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: root}
		if uint64(tree.N) != size {
			t.Fatalf("checkpoint of %d entries, want %d", tree.N, size)
		}
		reader := tlog.TileHashReader(tree, sumdbReader{server})
		for _, i := range []uint64{0, size / 2, size - 1} {
			leaf := tlog.RecordHash(entry(i))
			proof, err := tlog.ProveRecord(tree.N, int64(i), reader)
			ok(t, err)
			ok(t, tlog.CheckRecord(proof, tree.N, root, int64(i), leaf))
			ours := must(l.InclusionProof(i, size))
			if !sameHashes(proof, ours) {
				t.Errorf("size %d: inclusion proofs of %d differ", size, i)
			}
			old := i + 1
			if old < size {
				consistency := must(tlog.ProveTree(tree.N, int64(old), reader))
				if !sameHashes(consistency, must(l.ConsistencyProof(old, size))) {
					t.Errorf("size %d: consistency proofs from %d differ", size, old)
				}
			}
		}
	}
}

func sameHashes(theirs []tlog.Hash, ours []txlog.Hash) bool {
	if len(theirs) != len(ours) {
		return false
	}
	for i := range theirs {
		if theirs[i] != tlog.Hash(ours[i]) {
			return false
		}
	}
	return true
}

// From here on: a reader of its own, on SHA-256 and Ed25519 alone. It downloads a
// whole log and believes nothing but the key.

type plainReader struct {
	fetch func(path string) ([]byte, error)
	key   ed25519.PublicKey
	name  string
}

// checkpoint verifies the signed note and returns size and root.
func (r plainReader) checkpoint() (size uint64, root [32]byte, err error) {
	signed, err := r.fetch("checkpoint")
	if err != nil {
		return 0, root, err
	}
	text, signatures, _ := strings.Cut(string(signed), "\n\n")
	text += "\n"
	// The key's hash in a signature line: of its name, a newline, the algorithm, the key.
	id := sha256.Sum256(append([]byte(r.name+"\n\x01"), r.key...))
	good := false
	for _, line := range strings.Split(signatures, "\n") {
		rest, ours := strings.CutPrefix(line, "— "+r.name+" ")
		raw, err := base64.StdEncoding.DecodeString(rest)
		if ours && err == nil && len(raw) == 68 && bytes.Equal(raw[:4], id[:4]) {
			good = ed25519.Verify(r.key, []byte(text), raw[4:])
		}
	}
	lines := strings.Split(text, "\n")
	if !good || len(lines) < 4 || lines[0] != r.name {
		return 0, root, errors.New("checkpoint is not signed by the log")
	}
	if size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		return 0, root, err
	}
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	copy(root[:], raw)
	return size, root, err
}

func plainPath(kind string, n, width uint64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return "tile/" + kind + "/" + path
}

// readAll downloads every bundle, compares the leaf hashes with the tiles of level
// 0 and the root over them with the checkpoint, and returns the entries.
func (r plainReader) readAll() (entries [][]byte, err error) {
	size, root, err := r.checkpoint()
	if err != nil {
		return nil, err
	}
	var level [][32]byte
	for n := uint64(0); n*256 < size; n++ {
		width := min(256, size-n*256)
		bundle, err := r.fetch(plainPath("entries", n, width))
		if err != nil {
			return nil, err
		}
		tile, err := r.fetch(plainPath("0", n, width))
		if err != nil {
			return nil, err
		}
		for i := range width {
			length := int(binary.BigEndian.Uint16(bundle)) + 2
			entries = append(entries, bundle[2:length])
			leaf := sha256.Sum256(append([]byte{0}, bundle[2:length]...))
			if !bytes.Equal(leaf[:], tile[i*32:i*32+32]) {
				return nil, fmt.Errorf("entry %d does not have the hash in the tile", n*256+i)
			}
			level = append(level, leaf)
			bundle = bundle[length:]
		}
		if len(bundle) != 0 || len(tile) != int(width)*32 {
			return nil, fmt.Errorf("bundle or tile %d is too long", n)
		}
	}
	// Pairwise, level by level; a node without a partner moves up as it is.
	for len(level) > 1 {
		var above [][32]byte
		for i := 0; i+1 < len(level); i += 2 {
			above = append(above, sha256.Sum256(append(append([]byte{1}, level[i][:]...), level[i+1][:]...)))
		}
		if len(level)%2 == 1 {
			above = append(above, level[len(level)-1])
		}
		level = above
	}
	if len(level) == 1 && level[0] != root {
		return nil, errors.New("the entries do not lead to the checkpoint's root")
	}
	return entries, nil
}

func TestPlainReaderReadsTheLog(t *testing.T) {
	const size = 2100
	_, server := serve(t, size)
	secret := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	reader := plainReader{
		fetch: func(path string) ([]byte, error) { return get(server, path) },
		key:   secret.Public().(ed25519.PublicKey),
		name:  origin,
	}
	entries, err := reader.readAll()
	ok(t, err)
	if len(entries) != size {
		t.Fatalf("read %d entries", len(entries))
	}
	for i, got := range entries {
		if !bytes.Equal(got, entry(uint64(i))) {
			t.Fatalf("entry %d differs", i)
		}
	}
	// It must notice when anything it is served is changed.
	for _, path := range []string{"checkpoint", "tile/0/003", "tile/entries/003", "tile/0/008.p/52"} {
		liar := reader
		liar.fetch = func(asked string) ([]byte, error) {
			content, err := reader.fetch(asked)
			if asked == path {
				content[len(content)/2] ^= 1
			}
			return content, err
		}
		if _, err := liar.readAll(); err == nil {
			t.Errorf("a changed %s went unnoticed", path)
		}
	}
}
