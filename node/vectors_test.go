package node_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/packed"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

var update = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

// The vectors of what copies are made of. They are read, not made again: what a compressor writes may differ from one version to the
// next, what a reader makes of it may not. verify/js reads the same files.

type copyVectors struct {
	Comment string          `json:"comment"`
	Kind    string          `json:"kind"`
	Origin  string          `json:"origin,omitempty"`
	LogKey  string          `json:"logKey,omitempty"`
	Network token.NetworkID `json:"network,omitzero"`
	Cases   json.RawMessage `json:"cases"`
}

// vectors reads a file of cases; with -update it writes those that are made.
func vectors[T any](t *testing.T, name, comment, kind string, w *sim.World, make func() []T) []T {
	t.Helper()
	path := filepath.Join("..", "testdata", "vectors", name)
	if *update {
		cases, err := json.Marshal(make())
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent(copyVectors{comment, kind, w.Genesis.Name, w.Genesis.LogKey, w.Network, cases}, "", "  ")
		if err == nil {
			err = os.WriteFile(path, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v copyVectors
	var cases []T
	if err = json.Unmarshal(text, &v); err == nil {
		err = json.Unmarshal(v.Cases, &cases)
	}
	if err != nil || len(cases) < 5 || v.LogKey != w.Genesis.LogKey {
		t.Fatalf("%s: %d cases: %v", name, len(cases), err)
	}
	return cases
}

// reported is the world of ledger-4.json, with its story.
func reported(t *testing.T) (*sim.World, *livestate.State, *sim.Chain) {
	t.Helper()
	w := sim.NewWorldUnder(4, 2026)
	state := livestate.New([32]byte{1})
	chain, _ := w.Story(state)
	return w, state, chain
}

func signedText(t *testing.T, signer note.Signer, text string) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// another is a signer of the same name with another key.
func another(t *testing.T, name string) note.Signer {
	t.Helper()
	skey, _, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

type snapshotVector struct {
	About      string `json:"about"`
	File       string `json:"file"`
	Root       string `json:"root"`       // of the state that is read; empty where the file is refused
	Compressed bool   `json:"compressed"` // whether a reader needs Zstandard
}

// sealedAs ends a packed stream as a node's file ends.
func sealedAs(t *testing.T, content []byte, signer note.Signer, text func(digest string) string) string {
	t.Helper()
	digest := sha256.Sum256(content)
	signed := signedText(t, signer, text(base64.StdEncoding.EncodeToString(digest[:])))
	file := append(slices.Clone(content), signed...)
	file = append(binary.BigEndian.AppendUint32(file, uint32(len(signed))), "AQSEAL1\n"...)
	return hex.EncodeToString(file)
}

// stored packs a stream without compressing it, in pieces of a size.
func stored(content []byte, piece int) []byte {
	b := []byte("AQPACK1\n")
	for part := range slices.Chunk(content, piece) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return summed(append(b, make([]byte, 8)...))
}

func summed(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func snapshotCases(t *testing.T) (cases []snapshotVector) {
	w, state, chain := reported(t)
	var plain, file bytes.Buffer
	root, err := state.WriteSnapshot(&plain, livestate.Position{Network: w.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()})
	if err != nil {
		t.Fatal(err)
	}
	p := packed.NewWriter(&file)
	if _, err := p.Write(plain.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	seal := func(height uint64, network token.NetworkID) func(string) string {
		return func(digest string) string {
			return fmt.Sprintf("aqsha snapshot v1\n%s\n%s\n%d\n%d\n%s\n", w.Genesis.Name, network, height, chain.Size, digest)
		}
	}
	right := seal(chain.Leaf.Height, w.Network)
	small := stored(plain.Bytes(), 4096)
	add := func(about, file, root string, compressed bool) {
		cases = append(cases, snapshotVector{about, file, root, compressed})
	}
	add("as a node writes it", sealedAs(t, file.Bytes(), w.LogSigner, right), root.String(), true)
	add("pieces that are not compressed", sealedAs(t, small, w.LogSigner, right), root.String(), false)
	one := func(b []byte, at int) []byte {
		b = slices.Clone(b)
		b[at] ^= 1
		return b
	}
	flipped := hexOf(t, sealedAs(t, small, w.LogSigner, right))
	add("a wrong byte, under the signature of the right ones", hex.EncodeToString(one(flipped, 1000)), "", false)
	add("a wrong byte, signed, under the old checksum", sealedAs(t, one(small, 1000), w.LogSigner, right), "", false)
	add("signed by another key", sealedAs(t, small, another(t, w.Genesis.Name), right), "", false)
	add("signed as of another block", sealedAs(t, small, w.LogSigner, seal(chain.Leaf.Height+1, w.Network)), "", false)
	add("signed as of another network", sealedAs(t, small, w.LogSigner, seal(chain.Leaf.Height, token.NetworkID{1})), "", false)
	add("not signed", hex.EncodeToString(small), "", false)
	add("cut in a piece", sealedAs(t, small[:len(small)-500], w.LogSigner, right), "", false)
	add("a byte after the checksum", sealedAs(t, append(slices.Clone(small), 0), w.LogSigner, right), "", false)
	add("without the eight zero bytes", sealedAs(t, summed(small[:len(small)-12]), w.LogSigner, right), "", false)
	longer := slices.Clone(small)
	binary.BigEndian.PutUint32(longer[8:], 256<<10+1)
	add("a piece of more than 256 KiB", sealedAs(t, summed(longer[:len(longer)-4]), w.LogSigner, right), "", false)
	add("another magic", sealedAs(t, append([]byte("AQPACK2\n"), small[8:]...), w.LogSigner, right), "", false)
	return cases
}

func hexOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A node reads the packed snapshots that the vectors say, with their state, and refuses the others.
func TestPackedSnapshotVectors(t *testing.T) {
	w, _, _ := reported(t)
	cases := vectors(t, "packed.json", "snapshots as a node keeps them: packed, sealed by the log's key; byte strings in hexadecimal", "snapshots", w, func() []snapshotVector { return snapshotCases(t) })
	dir := t.TempDir()
	config := node.Config{Dir: dir, AcceptTime: true, Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}}}
	if err := node.Init(config, w.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	for i, c := range cases {
		path := filepath.Join(dir, fmt.Sprint("vector", i))
		if err := os.WriteFile(path, hexOf(t, c.File), 0o600); err != nil {
			t.Fatal(err)
		}
		state, at, err := n.ReadSnapshot(path)
		root := ""
		if err == nil {
			var written txlog.Hash
			if written, err = state.WriteSnapshot(io.Discard, at); err != nil {
				t.Fatal(err)
			}
			root = written.String()
		}
		if root != c.Root {
			t.Errorf("%s: root %q, want %q: %v", c.About, root, c.Root, err)
		}
	}
}

type frameVector struct {
	Type       string   `json:"type"`
	Checkpoint string   `json:"checkpoint,omitempty"`
	Size       uint64   `json:"size,omitempty"`
	Entries    []string `json:"entries,omitempty"`
}

type feedVector struct {
	About   string        `json:"about"`
	Stream  string        `json:"stream"`
	Frames  []frameVector `json:"frames"`  // that are read
	Refused bool          `json:"refused"` // what follows them
}

func feedCases(t *testing.T) (cases []feedVector) {
	w, _, chain := reported(t)
	frame := func(kind byte, content []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content))), content...)
	}
	bundle := func(entries [][]byte) (b []byte) {
		for _, e := range entries {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(e))), e...)
		}
		return b
	}
	checkpoint := signedText(t, w.LogSigner, txlog.Checkpoint{Origin: w.Genesis.Name, Size: chain.Size, Root: chain.Root()}.Text())
	c, b := frame('C', []byte(checkpoint)), frame('B', bundle(chain.Blocks[1]))
	acked := frame('A', binary.BigEndian.AppendUint64(nil, 7))
	readC, readA := frameVector{Type: "C", Checkpoint: checkpoint}, frameVector{Type: "A", Size: 7}
	readB := frameVector{Type: "B"}
	for _, e := range chain.Blocks[1] {
		readB.Entries = append(readB.Entries, hex.EncodeToString(e))
	}
	none := []frameVector{}
	return []feedVector{
		{"a checkpoint, how much is acknowledged, a block", hex.EncodeToString(slices.Concat(c, acked, b)), []frameVector{readC, readA, readB}, false},
		{"nothing", "", none, false},
		{"an unknown type after a checkpoint", hex.EncodeToString(append(slices.Clone(c), frame('D', []byte{1})...)), []frameVector{readC}, true},
		{"a frame that ends early", hex.EncodeToString(b[:len(b)-1]), none, true},
		{"a header that ends early", hex.EncodeToString(append(slices.Clone(acked), 'B', 0)), []frameVector{readA}, true},
		{"a block that ends within an entry", hex.EncodeToString(frame('B', bundle(chain.Blocks[1])[:9])), none, true},
		{"a block that ends within a length", hex.EncodeToString(frame('B', append(bundle(chain.Blocks[1]), 0))), none, true},
		{"a block with an empty entry", hex.EncodeToString(frame('B', []byte{0, 0})), none, true},
		{"an empty block", hex.EncodeToString(frame('B', nil)), none, true},
		{"acknowledged in four bytes", hex.EncodeToString(frame('A', []byte{0, 0, 0, 7})), none, true},
		{"nothing acknowledged", hex.EncodeToString(frame('A', make([]byte, 8))), none, true},
		{"a checkpoint of more than 65,504 bytes", "430000ffe1" + strings.Repeat("41", 100), none, true},
		{"a block of more than 64 MiB", "4204000001" + strings.Repeat("41", 100), none, true},
	}
}

// Followers read of a feed what the vectors say.
func TestFeedVectors(t *testing.T) {
	w, _, _ := reported(t)
	for _, c := range vectors(t, "feed.json", "what a leader streams to followers, in hexadecimal, and the frames that are read", "streams", w, func() []feedVector { return feedCases(t) }) {
		r := bytes.NewReader(hexOf(t, c.Stream))
		frames, refused := []frameVector{}, false
		for {
			f, err := node.ReadFrame(r)
			if err != nil {
				refused = err != io.EOF
				break
			}
			switch {
			case f.Checkpoint != nil:
				frames = append(frames, frameVector{Type: "C", Checkpoint: string(f.Checkpoint)})
			case f.Acknowledged != 0:
				frames = append(frames, frameVector{Type: "A", Size: f.Acknowledged})
			default:
				v := frameVector{Type: "B"}
				for _, e := range f.Entries {
					v.Entries = append(v.Entries, hex.EncodeToString(e))
				}
				frames = append(frames, v)
			}
		}
		got, _ := json.Marshal(frames)
		if want, _ := json.Marshal(c.Frames); refused != c.Refused || !bytes.Equal(got, want) {
			t.Errorf("%s: refused %v, %s", c.About, refused, got)
		}
	}
}

type fenceVector struct {
	About  string `json:"about"`
	Note   string `json:"note"`
	Holds  bool   `json:"holds"`
	Epoch  uint64 `json:"epoch"`
	Size   uint64 `json:"size"`
	Root   string `json:"root"`
	Leader string `json:"leader"`
}

func fenceCases(t *testing.T) (cases []fenceVector) {
	w, _, chain := reported(t)
	f := node.Fence{Network: w.Network, Epoch: 3, Size: chain.Size, Root: chain.Root(), Leader: "a word"}
	good := fenceVector{"a fence", signedText(t, w.LogSigner, f.Text()), true, 3, f.Size, f.Root.String(), "a word"}
	cosigned, err := note.Sign(&note.Note{Text: f.Text()}, w.LogSigner, another(t, "somebody"))
	if err != nil {
		t.Fatal(err)
	}
	second := good
	second.About, second.Note = "with a signature by somebody else", string(cosigned)
	cases = append(cases, good, second)
	bad := func(about, signed string) { cases = append(cases, fenceVector{About: about, Note: signed}) }
	line := func(i int, with string) string {
		lines := strings.Split(f.Text(), "\n")
		lines[i] = with
		return signedText(t, w.LogSigner, strings.Join(lines, "\n"))
	}
	bad("by another key", signedText(t, another(t, w.Genesis.Name), f.Text()))
	bad("another size under the signature", strings.Replace(good.Note, fmt.Sprintf("\n%d\n", f.Size), fmt.Sprintf("\n%d\n", f.Size+1), 1))
	bad("another title", line(0, "aqsha prepare v1"))
	bad("the network in capitals", line(1, strings.ToUpper(w.Network.String())))
	bad("an epoch with a zero in front", line(2, "03"))
	bad("an epoch of 2⁶³", line(2, "9223372036854775808"))
	bad("a negative size", line(3, "-1"))
	bad("a root of 31 bytes", line(4, base64.StdEncoding.EncodeToString(f.Root[:31])))
	bad("a root that is no base64", line(4, "*"+base64.StdEncoding.EncodeToString(f.Root[:])[1:]))
	bad("a line more", signedText(t, w.LogSigner, f.Text()+"more\n"))
	bad("a line less", signedText(t, w.LogSigner, strings.TrimSuffix(f.Text(), "a word\n")))
	return cases
}

// A node reads the fences that the vectors say, and no others.
func TestFenceVectors(t *testing.T) {
	w, _, _ := reported(t)
	verifier := logKeyOf(t, w)
	for _, c := range vectors(t, "fence.json", "fences of the log's key", "fences", w, func() []fenceVector { return fenceCases(t) }) {
		f, err := node.OpenFence([]byte(c.Note), verifier)
		if (err == nil) != c.Holds || c.Holds && (f.Network != w.Network || f.Epoch != c.Epoch || f.Size != c.Size || f.Root.String() != c.Root || f.Leader != c.Leader) {
			t.Errorf("%s: %+v, %v", c.About, f, err)
		}
	}
}

func logKeyOf(t *testing.T, w *sim.World) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(w.Genesis.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

type evidenceVector struct {
	About    string            `json:"about"`
	Evidence node.TwoHistories `json:"evidence"`
	Verdict  node.Verdict      `json:"verdict"` // empty where it does not hold
}

// entries are the leaves of a log.
type entries struct{ hashes []txlog.Hash }

func (e entries) tree(size int) *txlog.Tree {
	var tree txlog.Tree
	for _, h := range e.hashes[:size] {
		tree.Add(h)
	}
	return &tree
}

// prove is PROOF(size, D[of]) of RFC 6962 section 2.1.2.
func (e entries) prove(size, of int) []txlog.Hash {
	var sub func(m int, d []txlog.Hash, whole bool) []txlog.Hash
	root := func(d []txlog.Hash) txlog.Hash { return entries{d}.tree(len(d)).Root() }
	sub = func(m int, d []txlog.Hash, whole bool) []txlog.Hash {
		if m == len(d) {
			if whole {
				return nil
			}
			return []txlog.Hash{root(d)}
		}
		k := 1
		for k*2 < len(d) {
			k *= 2
		}
		if m <= k {
			return append(sub(m, d[:k], whole), root(d[k:]))
		}
		return append(sub(m-k, d[k:], false), root(d[:k]))
	}
	if size == of || size == 0 {
		return nil
	}
	return sub(size, e.hashes[:of], true)
}

func evidenceCases(t *testing.T) (cases []evidenceVector) {
	w, _, _ := reported(t)
	var old, other entries // alike up to entry 20
	for i := range 40 {
		old.hashes = append(old.hashes, txlog.LeafHash(fmt.Appendf(nil, "entry %d", i)))
		name := "entry"
		if i >= 20 {
			name = "another"
		}
		other.hashes = append(other.hashes, txlog.LeafHash(fmt.Appendf(nil, "%s %d", name, i)))
	}
	checkpoint := func(e entries, size int, epoch string) string {
		c := txlog.Checkpoint{Origin: w.Genesis.Name, Size: uint64(size), Root: e.tree(size).Root()}
		if epoch != "" {
			c.Extensions = []string{"aqsha-epoch " + epoch}
		}
		return signedText(t, w.LogSigner, c.Text())
	}
	made := func(shorter, longer int, epochs ...string) node.TwoHistories {
		epochs = append(epochs, "", "")
		return node.TwoHistories{Origin: w.Genesis.Name, Shorter: checkpoint(old, shorter, epochs[0]), Longer: checkpoint(other, longer, epochs[1]), Root: other.tree(shorter).Root(), Proof: other.prove(shorter, longer)}
	}
	fenced := func(e node.TwoHistories, epoch uint64, size, shorter, longer int) node.TwoHistories {
		f := node.Fence{Network: w.Network, Epoch: epoch, Size: uint64(size), Root: old.tree(size).Root(), Leader: "word"}
		e.Fences = []node.FenceProof{{Fence: signedText(t, w.LogSigner, f.Text()), Shorter: old.prove(size, shorter), Longer: other.prove(size, longer)}}
		return e
	}
	add := func(about string, e node.TwoHistories, verdict node.Verdict) {
		cases = append(cases, evidenceVector{about, e, verdict})
	}
	add("two histories of 25 and 37 entries", made(25, 37), node.Forked)
	add("of the same size", made(30, 30), node.Forked)
	add("whose older one's size is a power of two", made(32, 40), node.Forked)
	add("of two epochs, without a fence", made(25, 37, "", "1"), node.Forked)
	add("what a promotion left behind", fenced(made(25, 37, "", "1"), 1, 20, 25, 37), node.LeftBehind)
	add("the same, the older history the longer one", fenced(made(25, 37, "2", "1"), 2, 18, 25, 37), node.LeftBehind)
	add("a fence of an epoch that is not between the two", fenced(made(25, 37, "1", "2"), 1, 20, 25, 37), node.Forked)
	add("a fence within one epoch", fenced(made(25, 37, "1", "1"), 1, 20, 25, 37), node.Forked)
	add("a fence with which only one of the two agrees", fenced(made(25, 37, "", "1"), 1, 22, 25, 37), "")
	wrong := made(25, 37)
	wrong.Proof = slices.Clone(wrong.Proof)
	wrong.Proof[1][0] ^= 1
	add("a wrong hash in the proof", wrong, "")
	short := made(25, 37)
	short.Proof = short.Proof[1:]
	add("a hash too few", short, "")
	add("one history", node.TwoHistories{Origin: w.Genesis.Name, Shorter: checkpoint(old, 25, ""), Longer: checkpoint(old, 37, ""), Root: old.tree(25).Root(), Proof: old.prove(25, 37)}, "")
	swapped := made(25, 37)
	swapped.Shorter, swapped.Longer = swapped.Longer, swapped.Shorter
	add("the longer one first", swapped, "")
	named := made(25, 37)
	named.Origin = "another.origin"
	add("another origin", named, "")
	forged := made(25, 37)
	c := txlog.Checkpoint{Origin: w.Genesis.Name, Size: 25, Root: old.tree(25).Root()}
	forged.Shorter = signedText(t, another(t, w.Genesis.Name), c.Text())
	add("one of the two by another key", forged, "")
	return cases
}

// Evidence holds and means what the vectors say.
func TestEvidenceVectors(t *testing.T) {
	w, _, _ := reported(t)
	verifier := logKeyOf(t, w)
	verdicts := map[node.Verdict]int{}
	for _, c := range vectors(t, "evidence.json", "evidence of two histories, and what it shows; hashes in hexadecimal", "evidence", w, func() []evidenceVector { return evidenceCases(t) }) {
		verdict, err := c.Evidence.Check(verifier)
		if verdict != c.Verdict || (err == nil) != (c.Verdict != "") {
			t.Errorf("%s: %q, %v", c.About, verdict, err)
		}
		verdicts[verdict]++
	}
	if verdicts[node.Forked] < 3 || verdicts[node.LeftBehind] < 2 || verdicts[""] < 5 {
		t.Errorf("%v", verdicts)
	}
}
