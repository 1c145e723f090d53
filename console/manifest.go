package console

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// Manifest lists the built files as "sha256sum" does, a line each (docs/FORMATS.md, "Pages"): 64 hexadecimal digits of
// SHA-256, two spaces, the name, a line feed; ascending by the bytes of the names. It is empty where the program was
// built without its pages.
func Manifest() string { return ofBuilt().text }

// Digest is the SHA-256 of Manifest in hexadecimal digits, or empty where the program was built without its pages.
// Equal sources give equal files, and so an equal digest, on any machine.
func Digest() string { return ofBuilt().digest }

type listed struct{ text, digest string }

// The embedded files never change while the program runs: they are hashed once, by who asks first, so that programs
// that show no pages do not pay for it.
var ofBuilt = sync.OnceValue(func() listed {
	if !Built() {
		return listed{}
	}
	text, err := manifest(built)
	if err != nil {
		panic("console: an embedded file cannot be read: " + err.Error()) // they lie in the program's own memory
	}
	digest := sha256.Sum256([]byte(text))
	return listed{text, hex.EncodeToString(digest[:])}
})

// manifest lists the files below dist that are served. README stands there for who reads the sources.
func manifest(files fs.FS) (string, error) {
	var names []string
	err := fs.WalkDir(files, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && name != "dist/README" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	// A walk goes folder by folder, which is another order than that of the names' bytes.
	slices.Sort(names)
	var lines strings.Builder
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(content), strings.TrimPrefix(name, "dist/"))
	}
	return lines.String(), nil
}
