package node_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/packed"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// journal collects what a node logs.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) has(words string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), words)
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// snapshotOf is the newest snapshot of a closed town, and its bytes.
func snapshotOf(t *testing.T, dir string) (path string, content []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "snapshots", "*.snapshot"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no snapshot: %v", err)
	}
	path = files[len(files)-1]
	if content, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return path, content
}

// noteOf splits a snapshot's file into what is signed and the note.
func noteOf(content []byte) (packed, signed []byte) {
	length := int(binary.BigEndian.Uint32(content[len(content)-12:]))
	end := len(content) - 12 - length
	return content[:end], content[end : len(content)-12]
}

func withNote(content, signed []byte) []byte {
	b := append(bytes.Clone(content), signed...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(signed))), "AQSEAL1\n"...)
}

// stolen is a snapshot of the same ledger in which somebody's wallet has the thief's key.
func stolen(t *testing.T, content []byte, wallet token.WalletID, thief token.PublicKey) []byte {
	t.Helper()
	body, _ := noteOf(content)
	state, at, err := livestate.ReadOwnSnapshot(packed.NewReader(bytes.NewReader(body)), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := state.Wallet(wallet)
	w.Key = thief
	state.PutWallet(wallet, w)
	var out bytes.Buffer
	pack := packed.NewWriter(&out)
	if _, err := state.WriteSnapshot(pack, at); err != nil {
		t.Fatal(err)
	}
	if err := pack.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reopen opens a town with a logger and says from how many entries of a snapshot it came.
func (w *town) reopen(j *journal) (snapshot uint64) {
	w.t.Helper()
	config := w.config()
	config.Logger = j.logger()
	n, err := node.Open(config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.node = n
	return n.Recovered().Snapshot
}

// A key replaced in the snapshot's file once moved 777 tenge to a thief, with the node's own signature under it.
func TestASnapshotOfAThiefIsNotBelieved(t *testing.T) {
	w := newTown(t)
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	path, content := snapshotOf(t, w.dir)
	thief := w.world.Key("thief")
	body := stolen(t, content, w.alice, thief.Public())
	_, signed := noteOf(content)
	secret, _, err := note.GenerateKey(nil, w.world.Genesis.Name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(verifierOf(t, w.world)))
	if err != nil {
		t.Fatal(err)
	}
	byThief, err := note.Sign(&note.Note{Text: opened.Text}, other)
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string][]byte{
		"under the old note":         withNote(body, signed),
		"without a note":             body,
		"signed by another key":      withNote(body, byThief),
		"an old note, cut":           withNote(body, signed[:len(signed)-3]),
		"a length beyond the file":   append(binary.BigEndian.AppendUint32(bytes.Clone(body), 1<<31), "AQSEAL1\n"...),
		"nothing":                    {},
		"the note of another ledger": withNote(body, sealedElsewhere(t)),
	} {
		if err := os.WriteFile(path, forged, 0o600); err != nil {
			t.Fatal(err)
		}
		j := &journal{}
		if from := w.reopen(j); from != 0 {
			t.Errorf("%s: the snapshot was believed", name)
		}
		if !j.has("level=WARN") {
			t.Errorf("%s: no warning", name)
		}
		selection, err := w.node.Select(context.Background(), w.alice, 777)
		if err != nil {
			t.Fatal(err)
		}
		theft := w.world.Pay(w.alice, thief, w.bob, 777, []token.ID{selection.Tokens[0].ID}, selection.Total, soon())
		var refusal *token.Error
		if _, err := w.node.Submit(context.Background(), theft); !errors.As(err, &refusal) || refusal.Code != ledger.BadSignature {
			t.Errorf("%s: the thief's payment: %v", name, err)
		}
		w.node.Release(w.alice, []token.ID{selection.Tokens[0].ID})
		if err := w.node.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Closing replaced the forgery by a snapshot of its own, which is believed.
	if from := w.reopen(&journal{}); from == 0 {
		t.Error("the node's own snapshot is not believed")
	}
}

func verifierOf(t *testing.T, w *sim.World) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(w.Genesis.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sealedElsewhere is the note of a snapshot of another network.
func sealedElsewhere(t *testing.T) []byte {
	t.Helper()
	v := newVoyage(t, 77)
	s := v.on(t, 1)
	if err := s.sail(); err != nil {
		t.Fatal(err)
	}
	if err := s.node.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, s.disk) {
		if strings.HasSuffix(name, ".snapshot") {
			_, signed := noteOf(s.disk.Contents(name))
			return signed
		}
	}
	t.Fatal("it has no snapshot")
	return nil
}

// Each byte of a snapshot's file, changed, is found at the start; the log is replayed instead, and the state is right.
func TestAChangedByteOfASnapshotIsFound(t *testing.T) {
	v := newVoyage(t, 21)
	s := v.on(t, 1)
	if err := s.sail(); err != nil {
		t.Fatal(err)
	}
	if err := s.node.Close(); err != nil {
		t.Fatal(err)
	}
	var newest string
	for _, name := range files(t, s.disk) {
		if strings.HasSuffix(name, ".snapshot") {
			newest = name
		}
	}
	size := len(s.disk.Contents(newest))
	step := max(1, size/int(short(400, 20)))
	for at := 0; at < size; at += step {
		if at > size-300 {
			step = int(short(1, 11)) // the note and its trailer, each byte
		}
		bits := byte(1) << (at % 8)
		s.disk.Rot(newest, int64(at), bits)
		j := &journal{}
		config := s.config()
		config.Logger = j.logger()
		n, err := node.Open(config)
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		if !j.has("level=WARN") || n.Recovered().Snapshot == v.size(len(v.roots)-1) {
			t.Fatalf("byte %d of %d changed: the snapshot was believed", at, size)
		}
		s.node = n
		s.check()
		s.disk.Kill() // leaves the file as it is
		s.disk.Rot(newest, int64(at), bits)
	}
}

// size is how many entries the first blocks of a voyage have.
func (v *voyage) size(blocks int) (entries uint64) {
	for _, block := range v.chain.Blocks[:blocks] {
		entries += uint64(len(block))
	}
	return entries
}

// A follower has not the log's key: his snapshots are signed with the key with which he cosigns, and believed by who knows it.
func TestAFollowersSnapshotIsSignedByHim(t *testing.T) {
	signer, verifier := cosigner(t, "follower")
	d := disk.New(3)
	f := newFleet(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f.populate(ctx)
	config := node.Config{Dir: "copy", Leader: "leader", Options: txlog.Options{Origin: f.world.Genesis.Name, FS: d.FS(), SegmentBytes: 1 << 16}}
	genesis, err := f.leader.Log().Entry(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.InitCopy(config, genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	size := f.leader.Head().Size
	if err := n.FollowUntil(ctx, to(f.leader), signer, size, nil); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for _, known := range []bool{false, true} {
		if config.SnapshotVerifiers = nil; known {
			config.SnapshotVerifiers = []note.Verifier{verifier}
		}
		if n, err = node.Open(config); err != nil {
			t.Fatal(err)
		}
		if believed := n.Recovered().Snapshot == size; believed != known {
			t.Errorf("believed: %v, the key is known: %v", believed, known)
		}
		if err := n.Close(); err != nil { // it has no key now and writes none
			t.Fatal(err)
		}
	}
}

// A snapshot that cannot be written hinders no payment and is no error; it is tried again, and written when there is room.
func TestASnapshotOnAFullDiskIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d, j := sim.NewWorld(5), disk.New(5), &journal{}
		w.Genesis.Policy.SnapshotEvery = 1
		w.Refound()
		config := node.Config{Dir: "data", Logger: j.logger(), Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, FS: d.FS(), SegmentBytes: 1 << 20}}
		config.Now = func() uint64 { return sim.StartMillis + 1000 }
		if err := node.Init(config, w.Genesis); err != nil {
			t.Fatal(err)
		}
		n, err := node.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		used := int64(0)
		for _, name := range files(t, d) {
			used += int64(len(d.Contents(name)))
		}
		d.SetCapacity(used) // what the log takes is there already
		admit, bank := w.Admit("bank", 1, fleetValid)
		for _, tx := range []*token.Transaction{admit, w.Issue(1, bank, fleetValid, 1000*money.Tenge)} {
			if _, err := n.Submit(context.Background(), tx); err != nil {
				t.Fatalf("paying on a full disk: %v", err)
			}
		}
		synctest.Wait()
		if _, cause := n.SnapshotFailure(); !errors.Is(cause, disk.ErrFull) || !j.has("no snapshot could be written") {
			t.Fatalf("the failure is %v", cause)
		}
		if err := n.Err(); err != nil {
			t.Fatal(err)
		}
		d.SetCapacity(0)
		time.Sleep(time.Minute) // of the bubble's time
		synctest.Wait()
		if _, cause := n.SnapshotFailure(); cause != nil || n.Counts().Snapshots == 0 {
			t.Fatalf("with room again: %v, %d snapshots", cause, n.Counts().Snapshots)
		}
		used = 0
		for _, name := range files(t, d) {
			used += int64(len(d.Contents(name)))
		}
		d.SetCapacity(used)
		if _, err := n.Submit(context.Background(), w.Issue(2, bank, fleetValid, 1000*money.Tenge)); err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Fatalf("closing on a full disk: %v", err)
		}
		if _, cause := n.SnapshotFailure(); cause == nil {
			t.Error("the snapshot at the end is said to be written")
		}
	})
}
