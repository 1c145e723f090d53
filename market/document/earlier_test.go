package document

import (
	"context"
	"os"
	"runtime"
	"testing"
)

// testdata/seal-1.json is what the program that spelled keys otherwise sealed of the same document.
func TestADocumentSealedInTheFirstFormatVerifies(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("another architecture rounds otherwise than the one that sealed")
	}
	d := build(t, "bitcoin")
	entry, err := os.ReadFile("testdata/seal-1.json")
	if err != nil {
		t.Fatal(err)
	}
	s, ok := ReadSeal(entry)
	if !ok {
		t.Fatal("not read")
	}
	if err := s.Rederive(context.Background(), d.Options.Dir); err != nil {
		t.Fatal(err)
	}
	s.Format = SealFormat
	if err := s.Rederive(context.Background(), d.Options.Dir); err == nil {
		t.Error("hashes over the keys of then pass for those over today's")
	}
}
