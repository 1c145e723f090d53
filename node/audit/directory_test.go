package audit_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/audit"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// history is the story's blocks in a log with several segments.
type history struct {
	chain *sim.Chain
	dir   string // of the log
	log   *txlog.Log
}

func newHistory(t testing.TB) *history {
	t.Helper()
	w := sim.NewWorld(1)
	chain, _ := w.Story(ledger.NewModel())
	h := &history{chain: chain, dir: filepath.Join(t.TempDir(), "log")}
	h.open(t)
	for _, block := range chain.Blocks {
		h.write(t, block)
	}
	return h
}

func (h *history) open(t testing.TB) {
	t.Helper()
	var err error
	h.log, err = txlog.Open(h.dir, txlog.Options{Origin: h.chain.Genesis.Name, Signers: []note.Signer{h.chain.LogSigner}, SegmentBytes: 6 << 10})
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a block durable and publishes it.
func (h *history) write(t testing.TB, entries [][]byte) {
	t.Helper()
	h.commit(t, entries)
	if _, err := h.log.Publish(); err != nil {
		t.Fatal(err)
	}
}

func (h *history) commit(t testing.TB, entries [][]byte) {
	t.Helper()
	batch, err := h.log.Stage(entries)
	if err == nil {
		err = h.log.Commit(batch)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (h *history) close(t testing.TB) {
	t.Helper()
	if err := h.log.Close(); err != nil {
		t.Fatal(err)
	}
}

func directory(dir string) (audit.Report, error) {
	return audit.Directory(context.Background(), dir, token.NetworkID{}, nil)
}

// codeOf is an error's stable code.
func codeOf(err error) string {
	if coded := (interface{ ErrorCode() string })(nil); errors.As(err, &coded) {
		return coded.ErrorCode()
	}
	return fmt.Sprint(err)
}

func change(t testing.TB, path string, with func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, with(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// files are all files below a directory with their contents.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A directory is verified with nothing but its bytes, and stays as it was.
func TestDirectoryVerifiesByItsBytesAlone(t *testing.T) {
	h := newHistory(t)
	h.close(t)
	before := files(t, h.dir)
	for _, dir := range []string{h.dir, filepath.Dir(h.dir)} {
		r, err := directory(dir)
		if err != nil {
			t.Fatal(err)
		}
		if r.Size != h.chain.Size || r.Root != h.chain.Root().String() || r.Network != h.chain.Network || r.Tiles == 0 || r.StateRoot == "" {
			t.Fatalf("report %+v", r)
		}
		if want := []string{audit.UncheckedNetwork}; !slices.Equal(r.Unchecked, want) {
			t.Fatalf("unchecked %v, want %v", r.Unchecked, want)
		}
	}
	after := files(t, h.dir)
	if len(after) != len(before) {
		t.Fatalf("%d files, %d before", len(after), len(before))
	}
	for path, content := range before {
		if after[path] != content {
			t.Errorf("%s was changed", path)
		}
	}
	r, err := audit.Directory(context.Background(), h.dir, h.chain.Network, nil)
	if err != nil || len(r.Unchecked) != 0 {
		t.Fatalf("unchecked %v, error %v", r.Unchecked, err)
	}
	if _, err := audit.Directory(context.Background(), h.dir, token.NetworkID{1}, nil); codeOf(err) != "verification-failed" {
		t.Fatalf("another network's id: %v", err)
	}
}

const slot = 64 << 10

// newestSlot is where the checkpoint that counts is stored.
func newestSlot(b []byte) int {
	if binary.BigEndian.Uint64(b[8:]) > binary.BigEndian.Uint64(b[slot+8:]) {
		return 0
	}
	return slot
}

// Damage that leaves a checkpoint and the entries under it whole is named all the same.
func TestDirectoryNamesWhatACheckpointDoesNotCover(t *testing.T) {
	tests := map[string]struct {
		damage func(t *testing.T, h *history)
		code   string
		faults []string
	}{
		"a bit of the newest checkpoint": {func(t *testing.T, h *history) {
			change(t, filepath.Join(h.dir, "checkpoint"), func(b []byte) []byte { b[newestSlot(b)+64] ^= 1; return b })
		}, audit.FaultSlot, []string{audit.FaultSlot, audit.FaultBeyond}},
		"a bit of the older checkpoint": {func(t *testing.T, h *history) {
			change(t, filepath.Join(h.dir, "checkpoint"), func(b []byte) []byte { b[slot-newestSlot(b)+64] ^= 1; return b })
		}, audit.FaultSlot, []string{audit.FaultSlot}},
		"the newest checkpoint zeroed": {func(t *testing.T, h *history) {
			change(t, filepath.Join(h.dir, "checkpoint"), func(b []byte) []byte { at := newestSlot(b); clear(b[at : at+slot]); return b })
		}, audit.FaultBeyond, []string{audit.FaultBeyond}},
		"the newest checkpoint's header zeroed": {func(t *testing.T, h *history) {
			change(t, filepath.Join(h.dir, "checkpoint"), func(b []byte) []byte { at := newestSlot(b); clear(b[at : at+32]); return b })
		}, audit.FaultSlot, []string{audit.FaultSlot, audit.FaultBeyond}},
		"both checkpoints zeroed": {func(t *testing.T, h *history) {
			change(t, filepath.Join(h.dir, "checkpoint"), func(b []byte) []byte { clear(b); return b })
		}, "no-checkpoint", nil},
		"no checkpoint file": {func(t *testing.T, h *history) {
			if err := os.Remove(filepath.Join(h.dir, "checkpoint")); err != nil {
				t.Fatal(err)
			}
		}, "log-damaged", nil},
		"a batch for which nobody signed": {func(t *testing.T, h *history) {
			h.open(t)
			h.commit(t, [][]byte{{1}})
			h.close(t)
		}, audit.FaultBeyond, []string{audit.FaultBeyond}},
		"half a batch": {func(t *testing.T, h *history) {
			change(t, lastSegment(t, h.dir), func(b []byte) []byte { b[endOf(b)+9] = 1; return b })
		}, audit.FaultTail, []string{audit.FaultTail}},
		"a segment missing": {func(t *testing.T, h *history) {
			all := segmentFiles(t, h.dir)
			if err := os.Remove(all[1]); err != nil {
				t.Fatal(err)
			}
		}, "log-damaged", nil},
		"the last segment missing": {func(t *testing.T, h *history) {
			if err := os.Remove(lastSegment(t, h.dir)); err != nil {
				t.Fatal(err)
			}
		}, "log-behind-checkpoint", nil},
		"a wrong hash in a tile": {func(t *testing.T, h *history) {
			change(t, filepath.Join(h.dir, "tiles", "level-0"), func(b []byte) []byte { b[33] ^= 1; return b })
		}, "verification-failed", nil},
		"no log at all": {func(t *testing.T, h *history) {
			if err := os.RemoveAll(filepath.Join(h.dir, "segments")); err != nil {
				t.Fatal(err)
			}
		}, "no-log", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			h.close(t)
			test.damage(t, h)
			r, err := directory(h.dir)
			if codeOf(err) != test.code {
				t.Fatalf("code %q, want %q: %v", codeOf(err), test.code, err)
			}
			var codes []string
			for _, f := range r.Faults {
				codes = append(codes, f.Code)
			}
			if !slices.Equal(codes, test.faults) {
				t.Fatalf("faults %v, want %v", r.Faults, test.faults)
			}
		})
	}
}

func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "segments", "*.log"))
	if err != nil || len(all) < 3 {
		t.Fatalf("segments %v, error %v", all, err)
	}
	return all
}

func lastSegment(t testing.TB, dir string) string {
	all := segmentFiles(t, dir)
	return all[len(all)-1]
}

// endOf is where the last record of a segment ends; no record ends with a zero byte that counts here.
func endOf(b []byte) int { return len(strings.TrimRight(string(b), "\x00")) }

// Any one bit of what is stored, changed, makes the verification fail.
func TestDirectoryRefusesEveryFlippedBit(t *testing.T) {
	h := newHistory(t)
	h.close(t)
	random := rand.New(rand.NewPCG(7, 7))
	var paths []string
	for path := range files(t, h.dir) {
		if strings.HasSuffix(path, ".log") || strings.Contains(path, "level-") || filepath.Base(path) == "checkpoint" {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	runs := 30
	if testing.Short() {
		runs = 10
	}
	for range runs {
		path := paths[random.IntN(len(paths))]
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := slices.Clone(whole)
		at := random.IntN(len(damaged))
		if filepath.Base(path) == "checkpoint" { // what counts of a slot: header and note
			at = random.IntN(2) * slot
			at += random.IntN(32 + int(binary.BigEndian.Uint32(whole[at+16:])))
		}
		damaged[at] ^= 1 << random.IntN(8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := directory(h.dir); err == nil {
			t.Errorf("%s: byte %d changed from %#x to %#x, and it verifies", filepath.Base(path), at, whole[at], damaged[at])
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := directory(h.dir); err != nil {
		t.Fatal(err)
	}
}

// A log is verified while a node writes to it: what is under way is no fault.
func TestDirectoryVerifiesWhileItGrows(t *testing.T) {
	w := sim.NewWorld(1)
	chain, _ := w.Story(ledger.NewModel())
	h := &history{chain: chain, dir: filepath.Join(t.TempDir(), "log")}
	h.open(t)
	h.write(t, chain.Blocks[0])
	verified := make(chan error)
	for i, block := range chain.Blocks[1:] {
		if i%5 > 0 {
			h.write(t, block)
			continue
		}
		go func() {
			_, err := directory(h.dir)
			verified <- err
		}()
		h.write(t, block)
		if err := <-verified; err != nil {
			t.Fatal(err)
		}
	}
	h.close(t)
	if _, err := directory(h.dir); err != nil {
		t.Fatal(err)
	}
}

// Validators publish a block's checkpoint with the votes on the next one: while a node has the log open, entries wait
// longer for theirs than between two steps of one that orders alone.
func TestDirectoryWaitsForACheckpointThatVotesBring(t *testing.T) {
	t.Parallel()
	w := sim.NewWorld(1)
	chain, _ := w.Story(ledger.NewModel())
	h := &history{chain: chain, dir: filepath.Join(t.TempDir(), "log")}
	h.open(t)
	h.write(t, chain.Blocks[0])
	h.commit(t, chain.Blocks[1])
	verified := make(chan error)
	go func() {
		_, err := directory(h.dir)
		verified <- err
	}()
	select {
	case err := <-verified:
		t.Fatalf("it was judged before the votes came: %v", err)
	case <-time.After(time.Second): // as long as some rounds of voting
	}
	if _, err := h.log.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := <-verified; err != nil {
		t.Fatal(err)
	}
	h.close(t)
}

// A mirror in the layout of C2SP tlog-tiles has all that is needed.
func TestDirectoryVerifiesAMirror(t *testing.T) {
	h := newHistory(t)
	dir := t.TempDir()
	h.mirror(t, dir)
	h.close(t)
	if r, err := directory(dir); err != nil || r.StateRoot == "" || r.Tiles == 0 {
		t.Fatalf("report %+v, error %v", r, err)
	}
	for path, content := range files(t, dir) {
		change(t, path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		if _, err := directory(dir); err == nil {
			t.Errorf("%s was changed, and it verifies", path)
		}
		change(t, path, func([]byte) []byte { return []byte(content) })
	}
}

// mirror copies what the log serves.
func (h *history) mirror(t testing.TB, dir string) {
	t.Helper()
	size := h.chain.Size
	copyOf := func(path string) {
		w := httptest.NewRecorder()
		handler := h.log.Handler()
		if strings.HasPrefix(path, "tile/entries") {
			handler = h.log.EntriesHandler()
		}
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+path, nil))
		if w.Code != 200 {
			t.Fatalf("%s: %d", path, w.Code)
		}
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), w.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copyOf("checkpoint")
	for first := uint64(0); first < size; first += txlog.TileWidth {
		width := int(min(txlog.TileWidth, size-first))
		copyOf(txlog.Tile{Level: txlog.EntriesLevel, Index: first / txlog.TileWidth, Width: width}.Path())
		copyOf(txlog.Tile{Level: 0, Index: first / txlog.TileWidth, Width: width}.Path())
	}
	if above := int(size / txlog.TileWidth); above > 0 {
		copyOf(txlog.Tile{Level: 1, Index: 0, Width: above}.Path())
	}
}

// The key is the genesis's: another's checkpoint over the same entries is refused.
func TestDirectoryTakesTheKeyFromTheGenesis(t *testing.T) {
	w := sim.NewWorld(1)
	chain, _ := w.Story(ledger.NewModel())
	h := &history{chain: chain, dir: filepath.Join(t.TempDir(), "log")}
	h.open(t)
	last := len(chain.Blocks) - 1
	for _, block := range chain.Blocks[:last] {
		h.write(t, block)
	}
	h.close(t)
	skey, _, err := note.GenerateKey(nil, h.chain.Genesis.Name)
	if err != nil {
		t.Fatal(err)
	}
	h.chain.World.LogSigner, err = note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	h.open(t)
	h.write(t, chain.Blocks[last])
	h.close(t)
	_, err = directory(h.dir)
	if failed := new(node.VerifyError); !errors.As(err, &failed) {
		t.Fatalf("error %v", err)
	}
}
