package console

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func manifestOf(t *testing.T, files fstest.MapFS) string {
	t.Helper()
	text, err := manifest(files)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The form is that of sha256sum, in the order of LC_ALL=C sort, and what is not served is not in it.
func TestManifestIsWhatSha256sumWrites(t *testing.T) {
	files := fstest.MapFS{
		"dist/README": {Data: []byte("not served")}, "dist/index.html": {Data: []byte("")},
		"dist/wallet/index.html": {Data: []byte("abc")}, "dist/wallet.js": {Data: []byte("abc")},
	}
	// FIPS 180-4: of nothing, and of "abc". A dot comes before a slash, though a walk meets the folder first.
	const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	want := nothing + "  index.html\n" + abc + "  wallet.js\n" + abc + "  wallet/index.html\n"
	if got := manifestOf(t, files); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// A changed byte, a changed name, a missing file and one more each give another manifest.
func TestManifestChangesWithEveryFile(t *testing.T) {
	files := fstest.MapFS{"dist/index.html": {Data: []byte("page")}, "dist/assets/a.js": {Data: []byte("script")},
		"dist/wallet/sw.js": {Data: []byte("worker")}}
	before := manifestOf(t, files)
	for name := range files { // any order: each by itself
		content := files[name].Data
		for what, change := range map[string]func(fstest.MapFS){
			"changed": func(f fstest.MapFS) {
				f[name] = &fstest.MapFile{Data: append([]byte{content[0] ^ 1}, content[1:]...)}
			},
			"longer":  func(f fstest.MapFS) { f[name] = &fstest.MapFile{Data: append([]byte("\n"), content...)} },
			"missing": func(f fstest.MapFS) { delete(f, name) },
			"renamed": func(f fstest.MapFS) { delete(f, name); f[name+"x"] = &fstest.MapFile{Data: content} },
			"doubled": func(f fstest.MapFS) { f[name+"x"] = &fstest.MapFile{Data: content} },
		} {
			other := maps.Clone(files)
			change(other)
			if manifestOf(t, other) == before {
				t.Errorf("%s %s: the manifest is the same", name, what)
			}
		}
	}
}

// Each file of the manifest is served under its name, index.html under its folder's, with the bytes that it names.
func TestManifestIsWhatIsServed(t *testing.T) {
	if !Built() {
		if Manifest() != "" || Digest() != "" {
			t.Errorf("not built, and the manifest is %q, its digest %q", Manifest(), Digest())
		}
		t.Skip("the pages are not built here: make build builds them where Node is")
	}
	if sum := sha256.Sum256([]byte(Manifest())); hex.EncodeToString(sum[:]) != Digest() {
		t.Errorf("the digest %s is not the manifest's", Digest())
	}
	served := Handler()
	lines := strings.Split(strings.TrimSuffix(Manifest(), "\n"), "\n")
	plain := regexp.MustCompile(`^[\w./-]+$`) // sha256sum would escape others
	for _, line := range lines {
		hash, name, _ := strings.Cut(line, "  ")
		if !plain.MatchString(name) {
			t.Errorf("the name %q", name)
		}
		w := httptest.NewRecorder()
		served.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+strings.TrimSuffix(name, "index.html"), nil))
		if got := fmt.Sprintf("%x", sha256.Sum256(w.Body.Bytes())); w.Code != http.StatusOK || got != hash {
			t.Errorf("%s is answered with %d and %s, want %s", name, w.Code, got, hash)
		}
	}
	if len(lines) < 20 {
		t.Errorf("the manifest has only %d files", len(lines))
	}
}
