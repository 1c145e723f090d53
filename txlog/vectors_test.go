package txlog_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/txlog"
)

var update = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

// compareVectors holds what the code makes now against the file.
func compareVectors(t *testing.T, name string, vectors any) {
	t.Helper()
	path := filepath.Join("..", "testdata", "vectors", name)
	made := append(must(json.MarshalIndent(vectors, "", "  ")), '\n')
	if *update {
		ok(t, os.WriteFile(path, made, 0o644))
	}
	if kept := must(os.ReadFile(path)); !bytes.Equal(kept, made) {
		t.Errorf("%s differs from what the code makes; a format change needs a new version", name)
	}
}

type inclusionVector struct {
	Index uint64   `json:"index"`
	Size  uint64   `json:"size"`
	Proof []string `json:"proof"`
}

type consistencyVector struct {
	Old   uint64   `json:"old"`
	New   uint64   `json:"new"`
	Proof []string `json:"proof"`
}

type treeVectors struct {
	Comment     string              `json:"comment"`
	Entries     []string            `json:"entries"` // hexadecimal
	LeafHashes  []string            `json:"leafHashes"`
	Roots       []string            `json:"roots"` // of the first 0, 1, 2, … entries
	Inclusion   []inclusionVector   `json:"inclusion"`
	Consistency []consistencyVector `json:"consistency"`
}

func hexes(hashes []txlog.Hash) []string {
	list := []string{}
	for _, h := range hashes {
		list = append(list, h.String())
	}
	return list
}

func TestTreeVectors(t *testing.T) {
	l := open(t, onDisk(t, disk.New(1)))
	v := treeVectors{Comment: "RFC 6962 tree over the entries"}
	for i := range 9 {
		e := bytes.Repeat([]byte{byte(i)}, i+1)
		v.Entries = append(v.Entries, hex.EncodeToString(e))
		v.LeafHashes = append(v.LeafHashes, txlog.LeafHash(e).String())
		ok(t, l.Commit(must(l.Stage([][]byte{e}))))
	}
	for size := range l.Size() + 1 {
		v.Roots = append(v.Roots, must(l.Root(size)).String())
		for index := range size {
			v.Inclusion = append(v.Inclusion, inclusionVector{index, size, hexes(must(l.InclusionProof(index, size)))})
			v.Consistency = append(v.Consistency, consistencyVector{index + 1, size, hexes(must(l.ConsistencyProof(index+1, size)))})
		}
	}
	compareVectors(t, "txlog-tree.json", v)
}

type segmentBatch struct {
	Height     uint64   `json:"height"`
	FirstIndex uint64   `json:"firstIndex"`
	Entries    []string `json:"entries"` // hexadecimal
	Root       string   `json:"root"`
}

type segmentVectors struct {
	Comment string           `json:"comment"`
	Origin  string           `json:"origin"`
	Commits [][]segmentBatch `json:"commits"`
	Segment string           `json:"segment"` // hexadecimal, without the zeros behind the last record
}

func TestSegmentVectors(t *testing.T) {
	d := disk.New(1)
	options := onDisk(t, d)
	options.Random = bytes.NewReader([]byte{0xa1, 2, 3, 4, 5, 6, 7, 8})
	l := open(t, options)
	v := segmentVectors{Comment: "three batches, the last two by one write; mark a102030405060708", Origin: origin}
	for _, sizes := range [][]int{{2}, {1, 3}} {
		var group []*txlog.Batch
		var commit []segmentBatch
		for _, n := range sizes {
			var entries [][]byte
			var texts []string
			for i := range n {
				e := bytes.Repeat([]byte{byte(n)}, 3+i)
				entries, texts = append(entries, e), append(texts, hex.EncodeToString(e))
			}
			b := must(l.Stage(entries))
			group = append(group, b)
			commit = append(commit, segmentBatch{b.Height(), b.FirstIndex(), texts, b.Root().String()})
		}
		ok(t, l.Commit(group...))
		v.Commits = append(v.Commits, commit)
	}
	v.Segment = hex.EncodeToString(bytes.TrimRight(d.Contents(firstSegment), "\x00"))
	compareVectors(t, "txlog-segment.json", v)
}

type tileVector struct {
	Path   string `json:"path"`
	Level  int    `json:"level"` // -1 for entries
	Index  uint64 `json:"index"`
	Width  int    `json:"width"`
	SHA256 string `json:"sha256,omitempty"` // of the content in the log below
}

type tileVectors struct {
	Comment string       `json:"comment"`
	Tiles   []tileVector `json:"tiles"`
	Paths   []tileVector `json:"paths"`
	Invalid []string     `json:"invalid"`
}

func TestTileVectors(t *testing.T) {
	l := open(t, onDisk(t, disk.New(1)))
	v := tileVectors{Comment: "Tiles are of the log whose entry i is the decimal number i in ASCII, for 0 <= i < 600; paths are of any log"}
	var entries [][]byte
	for i := range 600 {
		entries = append(entries, must(json.Marshal(i)))
	}
	ok(t, l.Commit(must(l.Stage(entries))))
	for _, tile := range []txlog.Tile{{0, 0, 256}, {0, 2, 88}, {1, 0, 2}, {-1, 0, 256}, {-1, 2, 88}, {-1, 1, 3}} {
		read := l.ReadTile
		if tile.Level == txlog.EntriesLevel {
			read = l.ReadBundle
		}
		v.Tiles = append(v.Tiles, tileVector{tile.Path(), tile.Level, tile.Index, tile.Width, sha256Hex(must(read(tile)))})
	}
	for _, tile := range []txlog.Tile{{0, 999, 256}, {0, 1000, 1}, {3, 1234067, 256}, {-1, 1234067, 255}, {63, 0, 256}} {
		if got := must(txlog.ParseTilePath(tile.Path())); got != tile {
			t.Errorf("%s was read as %+v", tile.Path(), got)
		}
		v.Paths = append(v.Paths, tileVector{Path: tile.Path(), Level: tile.Level, Index: tile.Index, Width: tile.Width})
	}
	v.Invalid = []string{"tile/64/000", "tile/00/000", "tile/0/0", "tile/0/0000", "tile/0/x000/001", "tile/0/000/001", "tile/0/x001", "tile/0/000.p/0",
		"tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p", "tile/-1/000", "tile/data/000", "tile/8/0/000", "/tile/0/000", "tile/0/000/", "tile/0/+01"}
	for _, path := range v.Invalid {
		if tile, err := txlog.ParseTilePath(path); err == nil {
			t.Errorf("%q was read as %+v", path, tile)
		}
	}
	compareVectors(t, "txlog-tiles.json", v)
}

type checkpointVector struct {
	Name   string `json:"name"`
	Signed string `json:"signed"`
	Valid  bool   `json:"valid"`
}

type checkpointVectors struct {
	Comment     string             `json:"comment"`
	Origin      string             `json:"origin"`
	SigningKey  string             `json:"signingKey"` // as in signed-note, for tests only
	VerifierKey string             `json:"verifierKey"`
	Checkpoints []checkpointVector `json:"checkpoints"`
}

func TestCheckpointVectors(t *testing.T) {
	secret, public, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), origin)
	ok(t, err)
	signer, verifiers := newKey(t)
	v := checkpointVectors{"signed checkpoints; Ed25519 signatures are deterministic", origin, secret, public, nil}
	root := txlog.LeafHash([]byte("x"))
	add := func(name, text string, valid bool) {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		ok(t, err)
		if _, _, err := txlog.OpenCheckpoint(signed, origin, verifiers); (err == nil) != valid {
			t.Errorf("%s: %v", name, err)
		}
		v.Checkpoints = append(v.Checkpoints, checkpointVector{name, string(signed), valid})
	}
	good := txlog.Checkpoint{Origin: origin, Size: 7, Root: root}
	add("plain", good.Text(), true)
	add("empty log", txlog.Checkpoint{Origin: origin, Root: txlog.EmptyRoot}.Text(), true)
	good.Extensions = []string{"issued 700", "redeemed 20"}
	add("extension lines", good.Text(), true)
	add("another origin", txlog.Checkpoint{Origin: "other.example", Size: 7, Root: root}.Text(), false)
	add("leading zero", origin+"\n07\n"+good.Text()[len(origin)+3:], false)
	add("negative size", origin+"\n-7\n"+good.Text()[len(origin)+3:], false)
	add("size of 2^63", origin+"\n9223372036854775808\n"+good.Text()[len(origin)+3:], false)
	add("short root", origin+"\n7\nAAAA\n", false)
	add("root without padding", origin+"\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", false)
	add("root with loose bits", origin+"\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", false)
	add("two lines", origin+"\n7\n", false)
	v.Checkpoints = append(v.Checkpoints, checkpointVector{"changed after signing", string(bytes.Replace([]byte(v.Checkpoints[0].Signed), []byte("\n7\n"), []byte("\n8\n"), 1)), false})
	if _, _, err := txlog.OpenCheckpoint([]byte(v.Checkpoints[len(v.Checkpoints)-1].Signed), origin, verifiers); err == nil {
		t.Error("a changed checkpoint verifies")
	}
	compareVectors(t, "txlog-checkpoint.json", v)
}
