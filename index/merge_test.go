package index

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// files writes adjacent runs of so many entries each.
func files(t *testing.T, dir string, network token.NetworkID, entries ...uint64) {
	t.Helper()
	at := uint64(0)
	for _, n := range entries {
		r := &run{first: at, size: at + n}
		for kind := range tables {
			r.memory[kind] = randomRecords(rand.New(rand.NewPCG(at, n)), at, at+n, 2, 3)
			sortRecords(r.memory[kind], nil)
		}
		written, err := writeRun(vfs.OS, dir, network, []*run{r})
		if err != nil {
			t.Fatal(err)
		}
		_ = written.file.f.Close()
		at += n
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	all, err := vfs.OS.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Many files of one size become one; what each id stands under stays the same.
func TestFilesAreMerged(t *testing.T) {
	dir, network := t.TempDir(), token.NetworkID{9}
	files(t, dir, network, 40, 40, 40, 40, 40, 40, 40, 40)
	x, err := Open(vfs.OS, dir, network, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32) // prefix zero is popular
	before, err := x.find(ofWallets, id, noEntry, 1000)
	if err != nil || len(before) < 20 {
		t.Fatalf("%d entries, %v", len(before), err)
	}
	// Merging is done in the background; closing before it has begun leaves it to the next start.
	for deadline := time.Now().Add(time.Minute); len(names(t, dir)) != 3 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	x, err = Open(vfs.OS, dir, network, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("the files are %v, want six of them merged", got)
	}
	after, err := x.find(ofWallets, id, noEntry, 1000)
	if err != nil || len(after) != len(before) {
		t.Errorf("%d entries after merging, %v, want %d", len(after), err, len(before))
	}
	if x.Size() != 320 {
		t.Errorf("size %d", x.Size())
	}
}

// A crash may leave a merged file beside its parts, a part without those before it, or a file half written.
func TestOpeningAfterACrash(t *testing.T) {
	network := token.NetworkID{9}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		size  uint64
		files int
	}{
		{"merged beside its parts", func(t *testing.T, dir string) {
			a, _ := openRun(vfs.OS, dir, runName(0, 40), network)
			b, _ := openRun(vfs.OS, dir, runName(40, 80), network)
			merged, err := writeRun(vfs.OS, dir, network, []*run{a, b})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []*run{a, b, merged} {
				_ = r.file.f.Close()
			}
		}, 120, 2},
		{"a gap", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, runName(40, 80))) }, 40, 1},
		{"half written", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, runName(120, 160)+".new"), []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 120, 4},
		{"damaged", func(t *testing.T, dir string) {
			path := filepath.Join(dir, runName(40, 80))
			content, _ := os.ReadFile(path)
			content[50] ^= 1
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}, 40, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			files(t, dir, network, 40, 40, 40)
			test.spoil(t, dir)
			x, err := Open(vfs.OS, dir, network, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			if x.Size() != test.size {
				t.Errorf("it goes on at %d, want %d", x.Size(), test.size)
			}
			if (len(x.Dropped()) > 0) != (test.name == "damaged") {
				t.Errorf("dropped: %v", x.Dropped())
			}
			if got := names(t, dir); len(got) != test.files {
				t.Errorf("%v", got)
			}
		})
	}
}
