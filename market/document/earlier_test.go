package document

import (
	"context"
	"os"
	"runtime"
	"testing"
)

// testdata/seal-1.json is what the program that spelled keys otherwise sealed of the same document, seal-2.json what
// the one with other words and digits did, seal-3.json the one whose fits climbed from every start, seal-5.json the one
// that judged the paper by synthetic data too, seal-6.json the one whose nouns had one form whatever their number.
func TestADocumentSealedInAnEarlierFormatVerifies(t *testing.T) {
	t.Parallel()
	if runtime.GOARCH != "amd64" {
		t.Skip("another architecture rounds otherwise than the one that sealed")
	}
	d := build(t, "bitcoin")
	for _, name := range []string{"seal-1.json", "seal-2.json", "seal-3.json", "seal-5.json", "seal-6.json"} {
		entry, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := ReadSeal(entry)
		if !ok {
			t.Fatalf("%s is not read", name)
		}
		if err := s.Rederive(context.Background(), d.Options.Dir); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.Format = SealFormat
		if err := s.Rederive(context.Background(), d.Options.Dir); err == nil {
			t.Errorf("%s: hashes over what was written then pass for those over today's", name)
		}
	}
}
