package main

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/node/audit"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// namesFault is what an error says of where the damage is.
var namesFault = regexp.MustCompile(`checkpoint|slot at offset|segment|entr(y|ies) \d|entries/|tile|level-|block \d|genesis`)

// A backup, a follower's folder and a mirror of what a node serves (C2SP tlog-tiles), as the program makes them, verify by themselves;
// each file of each, damaged in each way, is found, and the error says where.
func TestEveryCopyVerifiesAndItsDamageIsNamed(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	run1(t, "pay", "c0", "c1", "10", "--data", c.dir)
	root := t.TempDir()
	backup, follower, mirror := filepath.Join(root, "backup"), filepath.Join(root, "follower"), filepath.Join(root, "mirror")
	run1(t, "backup", backup, "--data", c.dir)
	run1(t, "follow", p.url, "--data", follower, "--once")
	mirrors(t, p.url, mirror)
	p.stop(t)
	size := uint64(0)
	for kind, dir := range map[string]string{"backup": backup, "follower": follower, "mirror": mirror} {
		if out := run1(t, "verify", "--log", dir); !strings.HasPrefix(out, "Verified") {
			t.Fatalf("a %s: %s", kind, out)
		}
		report, err := audit.Directory(t.Context(), dir, token.NetworkID{}, nil)
		if err != nil || size != 0 && report.Size != size {
			t.Fatalf("a %s has %d entries of %d: %v", kind, report.Size, size, err)
		}
		size = report.Size
		damaged := 0
		for _, path := range logFiles(t, dir, kind == "mirror") {
			damaged += damages(t, kind, dir, path)
		}
		if damaged < 9 {
			t.Errorf("only %d ways to damage a %s were tried", damaged, kind)
		}
	}
	// The command says it too, and how it ends.
	path := logFiles(t, backup, false)[0]
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	out, err := aqsha("verify", "--log", backup).CombinedOutput()
	if err == nil || !namesFault.MatchString(string(out)) {
		t.Errorf("without %s: %v\n%s", path, err, out)
	}
}

// logFiles are the files of a log that hold what is verified.
func logFiles(t *testing.T, dir string, all bool) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err == nil && !entry.IsDir() && (all || name == "checkpoint" || strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "level-")) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) < 3 {
		t.Fatalf("files %v, %v", paths, err)
	}
	return paths
}

// damages damages a file in several ways, one after the other, and says how many there were.
func damages(t *testing.T, kind, dir, path string) (ways int) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := slices.Clone(whole)
	for len(used) > 0 && used[len(used)-1] == 0 { // what is reserved beyond the last record counts for nothing
		used = used[:len(used)-1]
	}
	changed := func(at int) []byte {
		content := slices.Clone(whole)
		content[at] ^= 4
		return content
	}
	middle, last := len(used)/2, len(used)-1
	if filepath.Base(path) == "checkpoint" && len(whole) > 1<<16 { // two slots, of which header and note count
		middle, last = 40, 1<<16+40
	}
	for way, content := range map[string][]byte{
		"a bit in the middle": changed(middle), "a late bit": changed(last), "its first": changed(0), "half of it": whole[:len(used)/2], "empty": {}, "gone": nil,
	} {
		if strings.HasPrefix(filepath.Base(path), "level-") && len(content) < len(whole) {
			continue // hashes that a copy lacks are computed again from its entries; those that it has must hold
		}
		if content == nil {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		ways++
		if _, err := audit.Directory(t.Context(), dir, token.NetworkID{}, nil); err == nil || !namesFault.MatchString(err.Error()) {
			t.Errorf("a %s whose %s is %s: %v", kind, filepath.Base(path), way, err)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	return ways
}

// mirrors copies what a node serves of its log, by the paths of C2SP tlog-tiles.
func mirrors(t *testing.T, url, dir string) {
	t.Helper()
	fetch := func(path string) []byte {
		response, err := http.Get(url + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, response.Status, err)
		}
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return content
	}
	claimed, err := txlog.ParseSigned(fetch("checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	for first := uint64(0); first < claimed.Size; first += txlog.TileWidth {
		width := int(min(txlog.TileWidth, claimed.Size-first))
		fetch(txlog.Tile{Level: txlog.EntriesLevel, Index: first / txlog.TileWidth, Width: width}.Path())
		fetch(txlog.Tile{Level: 0, Index: first / txlog.TileWidth, Width: width}.Path())
	}
	if above := int(claimed.Size / txlog.TileWidth); above > 0 {
		t.Fatal(fmt.Sprint("tiles above the first level: ", above))
	}
}
