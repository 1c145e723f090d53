// Package verify holds implementations of the ledger's rules that are not the node's, and this test, which holds them
// against it.
package verify_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

var (
	blocks = flag.Int("blocks", 1500, "how many blocks TestJavaScriptJudgesAlike draws")
	seed   = flag.Uint64("seed", 1, "from which")
)

// javaScript is the path of Node.js, or skips.
func javaScript(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no Node.js on this machine: install nodejs, 20 or newer")
	}
	return path
}

func TestJavaScriptReplaysTheVectors(t *testing.T) {
	files, err := filepath.Glob("../testdata/vectors/ledger*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v: %v", files, err)
	}
	files = append(files, "../testdata/vectors/contract.json", "../testdata/vectors/contract-5.json",
		"../testdata/vectors/definitions.json", "../testdata/vectors/malformed.json", "../testdata/vectors/pages.json",
		"../testdata/vectors/proof.json", "../testdata/vectors/receipt.json",
		"../testdata/vectors/refused.json", "../testdata/vectors/refused-blocks.json",
		"../testdata/vectors/zip215.json",
		"../testdata/vectors/packed.json", "../testdata/vectors/feed.json", "../testdata/vectors/fence.json",
		"../testdata/vectors/evidence.json", "../testdata/vectors/signers.json")
	out, err := exec.CommandContext(t.Context(), javaScript(t),
		append([]string{"js/vectors.js"}, files...)...).CombinedOutput()
	if err != nil || bytes.Count(out, []byte("equal ")) != len(files) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// judge is the other implementation, which is asked line by line.
type judge struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

type verdict struct {
	Code  string   `json:"code"`
	Root  string   `json:"root"`
	What  string   `json:"what"`
	Costs []uint64 `json:"costs"`
}

func newJudge(t *testing.T) *judge {
	t.Helper()
	command := exec.CommandContext(t.Context(), javaScript(t), "js/serve.js")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err == nil {
		command.Stderr = t.Output()
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait()
	})
	j := &judge{t, in, bufio.NewScanner(out)}
	j.out.Buffer(nil, 1<<20)
	return j
}

func (j *judge) query(question any) (v verdict) {
	j.t.Helper()
	line, err := json.Marshal(question)
	if err == nil {
		_, err = j.in.Write(append(line, '\n'))
	}
	if err != nil {
		j.t.Fatal(err)
	}
	if !j.out.Scan() {
		j.t.Fatalf("no answer: %v", j.out.Err())
	}
	if err := json.Unmarshal(j.out.Bytes(), &v); err != nil {
		j.t.Fatalf("%s: %v", j.out.Bytes(), err)
	}
	return v
}

func texts(entries [][]byte) (all []string) {
	for _, e := range entries {
		all = append(all, hex.EncodeToString(e))
	}
	return all
}

// history is a log, with a snapshot of the state after each of its blocks.
type history struct {
	chain     *sim.Chain
	snapshots [][]byte // after block 1 and on; a snapshot is never of the genesis alone
	pool      [][]byte // byte strings of 16 and 32 bytes that occur in it
}

func newHistory(t *testing.T, rules uint32, seed uint64) *history {
	t.Helper()
	h := &history{}
	state := livestate.New([32]byte{1})
	h.chain, _ = sim.NewWorldUnder(rules, seed).Story(ledger.NewModel())
	replay := ledger.NewReplay(state, true)
	size := uint64(0)
	for i, block := range h.chain.Blocks {
		leaf, err := replay.Block(block, token.Hash(h.chain.Roots[i]))
		if err != nil {
			t.Fatal(err)
		}
		size += uint64(len(block))
		for _, e := range block {
			for _, part := range parts(e) {
				if part.major == 2 && (len(part.content) == 16 || len(part.content) == 32) {
					h.pool = append(h.pool, part.content)
				}
			}
		}
		if i == 0 {
			continue
		}
		var out bytes.Buffer
		if _, err := state.WriteSnapshot(&out, livestate.Position{Network: h.chain.Network, Leaf: leaf, LogSize: size,
			LogRoot: h.chain.Roots[i+1]}); err != nil {
			t.Fatal(err)
		}
		h.snapshots = append(h.snapshots, out.Bytes())
	}
	return h
}

// at is the state before a block, from the second on, and the replay that goes on from there.
func (h *history) at(t *testing.T, number int) (*livestate.State, *ledger.Replay, livestate.Position) {
	t.Helper()
	state, at, err := livestate.ReadSnapshot(bytes.NewReader(h.snapshots[number-2]), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return state, ledger.ResumeReplay(state, h.chain.Network, at.Leaf, false), at
}

// judged is the node's own verdict of a block.
func (h *history) judged(t *testing.T, number int, entries [][]byte) (code, root string) {
	t.Helper()
	state, replay, at := h.at(t, number)
	leaf, err := replay.Block(entries, token.Hash(h.chain.Roots[number]))
	if err != nil {
		var coded interface{ ErrorCode() string }
		if !errors.As(err, &coded) {
			t.Fatalf("a refusal without a code: %v", err)
		}
		return coded.ErrorCode(), ""
	}
	var tree txlog.Tree
	for _, block := range append(slices.Clone(h.chain.Blocks[:number]), entries) {
		for _, e := range block {
			tree.Add(txlog.LeafHash(e))
		}
	}
	at.Leaf, at.LogSize, at.LogRoot = leaf, tree.Size(), tree.Root()
	stateRoot, err := state.WriteSnapshot(io.Discard, at)
	if err != nil {
		t.Fatal(err)
	}
	return "", stateRoot.String()
}

// part is an item of an entry's CBOR that is no list.
type part struct {
	start, end int
	major      byte
	n          uint64
	content    []byte
}

// parts finds the items of an encoding that holds to the rules.
func parts(b []byte) (all []part) {
	for at := 0; at < len(b); {
		p := part{start: at, major: b[at] >> 5}
		info := b[at] & 31
		at++
		if p.n = uint64(info); info >= 24 && info <= 27 {
			p.n = 0
			for range 1 << (info - 24) {
				p.n = p.n<<8 | uint64(b[at])
				at++
			}
		}
		if p.major == 2 || p.major == 3 {
			p.content = b[at : at+int(p.n)]
			at += int(p.n)
		}
		if p.end = at; p.major != 4 {
			all = append(all, p)
		}
	}
	return all
}

// head is the shortest head of an item.
func head(major byte, n uint64) []byte {
	b := token.AppendUint(nil, n)
	b[0] |= major << 5
	return b
}

// altered draws a change of one item: a number, a text, a byte string; or of any byte.
func (h *history) altered(r *rand.Rand, b []byte) []byte {
	all := parts(b)
	p := all[r.IntN(len(all))]
	replace := func(with ...byte) []byte { return slices.Concat(b[:p.start], with, b[p.end:]) }
	switch {
	case r.IntN(8) == 0:
		b = slices.Clone(b)
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		return b
	case p.major == 0:
		near := []uint64{p.n + 1, p.n - 1, 0, 1, 2 * p.n, p.n / 2, p.n + 1000, r.Uint64() >> r.IntN(64),
			uint64(r.IntN(12)), 1<<63 - 1}
		return replace(head(0, near[r.IntN(len(near))])...)
	case p.major == 2 && (len(p.content) == 16 || len(p.content) == 32) && r.IntN(4) > 0:
		for {
			if other := h.pool[r.IntN(len(h.pool))]; len(other) == len(p.content) {
				return replace(append(head(2, uint64(len(other))), other...)...)
			}
		}
	case p.major == 2 || p.major == 3:
		content := slices.Clone(p.content)
		if len(content) > 0 {
			content[r.IntN(len(content))] ^= 1 << r.IntN(7)
		}
		return replace(append(head(p.major, uint64(len(content))), content...)...)
	case p.major == 7:
		return replace([]byte{0xf4, 0xf5, 0xf6}[r.IntN(3)])
	}
	return replace(head(p.major, p.n+1)...)
}

// resigned alters a transaction's body and has it signed by whom the state demands, in a block of its own with the
// effects and the leaf that follow, if it is executed. It is nil where nothing can be made of the body.
func (h *history) resigned(t *testing.T, r *rand.Rand, number int, tx *token.Transaction) [][]byte {
	bare, err := token.New(tx.Body, tx.ValidUntil)
	if err != nil {
		return nil
	}
	changed, err := ledger.DecodeEntry(ledger.AppendTransactionEntry(nil, h.altered(r, bare.Encode())))
	if err != nil || changed.Transaction == nil {
		return nil
	}
	state, replay, at := h.at(t, number)
	body := changed.Transaction
	signed := h.chain.World.SignFor(state, body.Body, body.ValidUntil)
	if r.IntN(10) == 0 {
		signed = body // by nobody
	}
	leaf := at.Leaf
	leaf.Height, leaf.Previous, leaf.TimeMillis = at.Leaf.Height+1, token.Hash(h.chain.Roots[number]),
		at.Leaf.TimeMillis+uint64(r.IntN(1000))
	if old, err := ledger.DecodeEntry(h.chain.Blocks[number][0]); err == nil && r.IntN(4) > 0 {
		leaf.TimeMillis = old.Leaf.TimeMillis // as the transactions expect it
	}
	leaf.Rules = state.Authority().RulesAt(leaf.Height)
	executor := replay.Executor()
	entries := [][]byte{nil}
	for i, due := range executor.Begin(leaf.Height, leaf.TimeMillis) {
		if executor.Salted() {
			due.Salt = h.chain.Salt(leaf.Height, i)
		}
		entries = append(entries, due.Encode())
	}
	effects := &ledger.Effects{}
	if executor.Apply(signed, nil) == nil {
		effects = executor.Effects()
	}
	entries = append(entries, ledger.AppendEntry(nil, signed.Encode(), effects))
	a := state.Authority()
	leaf.Count, leaf.Issued, leaf.Redeemed, leaf.Circulating = uint32(len(entries)-1), a.Issued, a.Redeemed,
		a.Circulating()
	entries[0] = leaf.Encode()
	return entries
}

// drawn is a block that could, or could not, stand in the place of one.
func (h *history) drawn(t *testing.T, r *rand.Rand, number int) (how string, _ [][]byte) {
	block := slices.Clone(h.chain.Blocks[number])
	entry := r.IntN(len(block))
	switch n := r.IntN(20); {
	case n == 0:
		return "as it was", block
	case n == 1:
		return "an entry left out", slices.Delete(block, entry, entry+1)
	case n == 2:
		return "an entry twice", slices.Insert(block, entry, block[entry])
	case n == 3:
		other := h.chain.Blocks[1+r.IntN(len(h.chain.Blocks)-1)]
		return "another block", other
	case n == 4:
		other := h.chain.Blocks[1+r.IntN(len(h.chain.Blocks)-1)]
		block[entry] = other[r.IntN(len(other))]
		return "another entry", block
	case n < 9:
		block[entry] = h.altered(r, block[entry])
		return "an entry altered", block
	}
	for range 20 {
		from := h.chain.Blocks[1+r.IntN(len(h.chain.Blocks)-1)]
		if r.IntN(3) > 0 {
			from = block
		}
		e, err := ledger.DecodeEntry(from[len(from)-1])
		if err != nil || e.Transaction == nil {
			continue
		}
		if entries := h.resigned(t, r, number, e.Transaction); entries != nil {
			return fmt.Sprintf("%s altered and signed", e.Transaction.Body.Kind()), entries
		}
	}
	return "as it was", block
}

// Both implementations take and refuse the same blocks, and come to the same state.
func TestJavaScriptJudgesAlike(t *testing.T) {
	j := newJudge(t)
	draws := *blocks
	if testing.Short() {
		draws /= 5
	}
	const each = 250 // blocks drawn from one history
	taken, codes, differ := 0, map[string]int{}, map[string]int{}
	for round := 0; round*each < draws; round++ {
		r := rand.New(rand.NewPCG(*seed, uint64(round)))
		rules := uint32(ledger.FirstRules) + uint32(round)%ledger.LatestRules
		h := newHistory(t, rules, *seed+uint64(round))
		var log [][]string
		for _, block := range h.chain.Blocks {
			log = append(log, texts(block))
		}
		if v := j.query(map[string]any{"log": log}); v.Code != "" {
			t.Fatalf("version %d: the log is refused: %+v", rules, v)
		}
		for range each {
			number := 2 + r.IntN(len(h.chain.Blocks)-2)
			how, entries := h.drawn(t, r, number)
			if len(entries) == 0 {
				continue
			}
			code, root := h.judged(t, number, entries)
			v := j.query(map[string]any{"at": number, "block": texts(entries)})
			if (v.Code == "") != (code == "") || v.Root != root || v.Code == "broken" {
				t.Errorf("version %d, block %d, %s: here %q %s, in JavaScript %q %s %s\n%v", rules, number, how, code,
					root, v.Code, v.Root, v.What, texts(entries))
			}
			if v.Code != code {
				differ[code+" is "+v.Code]++
			}
			if code == "" {
				taken++
			}
			codes[code]++
		}
	}
	t.Logf("%d blocks, %d taken, %d codes; otherwise named: %v", draws, taken, len(codes), differ)
	if taken == 0 || len(codes) < 10 {
		t.Errorf("%d taken, codes %v: the blocks say little", taken, codes)
	}
}

// A log in a folder of C2SP tiles is replayed to the roots that the node comes to; where a byte of it is another, where
// the checkpoint is somebody else's or of more, and where another network was meant, it is not verified.
func TestJavaScriptReplaysALogOfTiles(t *testing.T) {
	w := sim.NewWorldUnder(ledger.LatestRules, 2026)
	state := livestate.New([32]byte{1})
	chain, _ := w.Story(state)
	var log, out bytes.Buffer
	for _, block := range chain.Blocks {
		for _, e := range block {
			log.Write(binary.BigEndian.AppendUint16(nil, uint16(len(e))))
			log.Write(e)
		}
	}
	root, err := state.WriteSnapshot(&out, livestate.Position{Network: chain.Network, Leaf: chain.Leaf,
		LogSize: chain.Size, LogRoot: chain.Root()})
	if err != nil || chain.Size > 256 {
		t.Fatalf("%v: %d entries", err, chain.Size)
	}
	signed := func(signer note.Signer, size uint64) []byte {
		text, err := note.Sign(&note.Note{Text: txlog.Checkpoint{Origin: w.Genesis.Name, Size: size,
			Root: chain.Root()}.Text()}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	replay := func(checkpoint, entries []byte, network string) (string, error) {
		dir := t.TempDir()
		bundle := filepath.Join(dir, "tile", "entries", "000.p", fmt.Sprint(chain.Size))
		if err := os.MkdirAll(filepath.Dir(bundle), 0o700); err != nil {
			t.Fatal(err)
		}
		// any order
		for path, content := range map[string][]byte{bundle: entries, filepath.Join(dir, "checkpoint"): checkpoint} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), javaScript(t), "js/log.js", dir, "--network",
			network).CombinedOutput()
		return string(out), err
	}
	good := signed(w.LogSigner, chain.Size)
	said, err := replay(good, log.Bytes(), chain.Network.String())
	if err != nil || !strings.Contains(said, root.String()) || !strings.Contains(said, chain.Root().String()) {
		t.Fatalf("%v: %s", err, said)
	}
	altered := bytes.Clone(log.Bytes())
	altered[len(altered)/2] ^= 1
	stranger := sim.NewWorldUnder(ledger.LatestRules, 7).LogSigner // of the same name
	for about, run := range map[string]func() (string, error){     // any order
		"a byte of an entry": func() (string, error) { return replay(good, altered, chain.Network.String()) },
		"another key": func() (string, error) {
			return replay(signed(stranger, chain.Size), log.Bytes(), chain.Network.String())
		},
		"a byte after the last": func() (string, error) {
			return replay(good, append(log.Bytes(), 0), chain.Network.String())
		},
		"another network": func() (string, error) { return replay(good, log.Bytes(), strings.Repeat("00", 32)) },
	} {
		if said, err := run(); err == nil || !strings.Contains(said, "not verified") {
			t.Errorf("%s: %v: %s", about, err, said)
		}
	}
}
