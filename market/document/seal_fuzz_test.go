package document

import (
	"context"
	"os"
	"testing"
)

// FuzzReadSeal: an entry from a log is a seal or is none; one that names files
// outside the folder, or files that are not there, is refused and never read.
func FuzzReadSeal(f *testing.F) {
	for _, name := range []string{"seal-1.json", "seal-2.json"} {
		entry, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(entry)
	}
	f.Add([]byte(`{"format":"aqsha-study-seal/3","options":{"system":"farm","farm":{"k_ext":-1}},"inputs":[{"file":"../secret"}]}`))
	empty := f.TempDir()
	f.Fuzz(func(t *testing.T, entry []byte) {
		s, ok := ReadSeal(entry)
		if !ok {
			return
		}
		if err := s.Rederive(context.Background(), empty); err == nil {
			t.Fatalf("derived from an empty folder: %s", entry)
		}
	})
}
