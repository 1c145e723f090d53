package seal_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/txlog/seal"
)

func keys(t testing.TB) seal.Log {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "test/seals")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return seal.Log{Origin: "test/seals", Signer: signer, Verifier: verifier}
}

func TestReadBack(t *testing.T) {
	log, dir := keys(t), t.TempDir()
	for i := range uint64(3) {
		index, checkpoint, err := log.Append(dir, fmt.Appendf(nil, "statement %d", i))
		if err != nil || index != i || len(checkpoint) == 0 {
			t.Fatal(index, err)
		}
	}
	reader := seal.Log{Origin: log.Origin, Verifier: log.Verifier}
	if entry, err := reader.Read(dir, 1); err != nil || string(entry) != "statement 1" {
		t.Errorf("%q, %v", entry, err)
	}
	var beyond *seal.NotUnder
	if _, err := reader.Read(dir, 3); !errors.As(err, &beyond) || beyond.Size != 3 {
		t.Errorf("an entry that is not there: %v", err)
	}
	stranger := keys(t)
	if _, err := stranger.Read(dir, 0); err == nil {
		t.Error("a stranger's checkpoint was believed")
	}
}

func TestDamage(t *testing.T) {
	log, dir := keys(t), t.TempDir()
	if _, _, err := log.Append(dir, []byte("a statement of some length")); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "segments", "*.log"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range content {
		if string(content[i:i+len("statement")]) == "statement" {
			content[i] ^= 1
			break
		}
	}
	if err := os.WriteFile(segments[0], content, 0o644); err != nil {
		t.Fatal(err)
	}
	if entry, err := log.Read(dir, 0); err == nil {
		t.Errorf("a changed statement was read: %q", entry)
	}
}

func Example() {
	dir, err := os.MkdirTemp("", "seals")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	secret, public, _ := note.GenerateKey(rand.Reader, "example.org/months")
	signer, _ := note.NewSigner(secret)
	verifier, _ := note.NewVerifier(public)
	log := seal.Log{Origin: "example.org/months", Signer: signer, Verifier: verifier}
	index, _, err := log.Append(dir, []byte("October: 1,234 TH"))
	entry, _ := log.Read(dir, index)
	fmt.Println(index, string(entry), err)
	// Output: 0 October: 1,234 TH <nil>
}
