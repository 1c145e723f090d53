package signer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/signer"
)

// FuzzKeyFile: whatever a file holds, loading it ends with a key or an error. Files that name a program
// are left out, as it would be run, and encrypted ones, as each costs a second.
func FuzzKeyFile(f *testing.F) {
	f.Add("aqsha-key-1 ed25519 " + strings.Repeat("07", 32) + "\n")
	f.Add("aqsha-key-1 ed25519")
	f.Add("")
	f.Fuzz(func(t *testing.T, content string) {
		if strings.Contains(content, "command") {
			return
		}
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := signer.Load(vfs.OS, path, nil)
		if err != nil {
			return
		}
		if _, err := s.Sign([32]byte{}); err != nil {
			t.Fatal(err)
		}
	})
}
