package signer_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet/signer"
)

// The test binary is also the external program: with these words before the call it signs.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "as-signer" {
		external(os.Args[2], os.Args[3:])
		return
	}
	os.Exit(m.Run())
}

var key = token.NewPrivateKey([32]byte{1, 2, 3})

func external(mood string, call []string) {
	switch {
	case mood == "silent" || mood == "fails":
		fmt.Fprintln(os.Stderr, "no token in the slot")
		if mood == "fails" {
			os.Exit(3)
		}
	case call[0] == "public":
		fmt.Println(key.Public())
	case mood == "garbage":
		fmt.Println("01ff")
	default:
		digest, _ := hex.DecodeString(call[1])
		if mood == "wrong" {
			digest[0] ^= 1
		}
		s, _ := key.Sign([32]byte(digest))
		text, _ := s.MarshalText()
		fmt.Println(string(text))
	}
}

func signs(t *testing.T, s token.Signer) {
	t.Helper()
	digest := [32]byte{9}
	signature, err := s.Sign(digest)
	if err != nil || s.Public() != key.Public() || !token.Verify(key.Public(), digest, &signature) {
		t.Errorf("signature by %s: %v", s.Public(), err)
	}
}

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plain.key")
	if err := signer.Save(vfs.OS, path, key, ""); err != nil {
		t.Fatal(err)
	}
	s, err := signer.Load(vfs.OS, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	signs(t, s)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v", info.Mode())
	}
	if err := signer.Save(vfs.OS, path, token.NewPrivateKey([32]byte{7}), ""); !errors.Is(err, os.ErrExist) {
		t.Errorf("a key was overwritten: %v", err)
	}
}

func TestEncryptedKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := signer.Save(vfs.OS, path, key, "құпия сөз"); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(path)
	seed := key.Seed()
	if strings.Contains(string(content), hex.EncodeToString(seed[:])) {
		t.Fatal("the seed is readable")
	}
	answer := func(passphrase string, err error) signer.Passphrase {
		return func(asked string) (string, error) {
			if asked != path {
				t.Errorf("asked about %s", asked)
			}
			return passphrase, err
		}
	}
	s, err := signer.Load(vfs.OS, path, answer("құпия сөз", nil))
	if err != nil {
		t.Fatal(err)
	}
	signs(t, s)
	if _, err := signer.Load(vfs.OS, path, answer("another", nil)); err == nil || errors.Is(err, signer.ErrNeedsPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := signer.Load(vfs.OS, path, nil); !errors.Is(err, signer.ErrNeedsPassphrase) {
		t.Errorf("nobody to ask: %v", err)
	}
	gone := errors.New("nobody answers")
	if _, err := signer.Load(vfs.OS, path, answer("", gone)); !errors.Is(err, gone) {
		t.Errorf("nobody answers: %v", err)
	}
	// An altered byte is noticed; each trial costs a second, so one must do.
	for _, i := range []int{len(content) * 2 / 3} {
		altered := append([]byte(nil), content...)
		altered[i] ^= 1
		damaged := filepath.Join(t.TempDir(), "damaged.key")
		if err := os.WriteFile(damaged, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Load(vfs.OS, damaged, func(string) (string, error) { return "құпия сөз", nil }); err == nil {
			t.Errorf("byte %d altered: accepted", i)
		}
	}
}

func TestFilesThatAreNoKeys(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "other": "hello\n", "short seed": "aqsha-key-1 ed25519 00\n", "another algorithm": "aqsha-key-1 rsa 00\n",
		"no hexadecimal": "aqsha-key-1 ed25519 " + strings.Repeat("zz", 32) + "\n", "no command": "aqsha-key-1 command\n",
		"large": strings.Repeat("x", 1<<20), "half armour": "-----BEGIN AGE ENCRYPTED FILE-----\n",
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Load(vfs.OS, path, func(string) (string, error) { return "x", nil }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := signer.Load(vfs.OS, filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestExternalProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hsm.key")
	if err := signer.SaveCommand(vfs.OS, path, self, "as-signer", "honest"); err != nil {
		t.Fatal(err)
	}
	s, err := signer.Load(vfs.OS, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	signs(t, s)
	for _, mood := range []string{"wrong", "garbage"} {
		s, err := signer.NewCommand(self, "as-signer", mood)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sign([32]byte{}); err == nil {
			t.Errorf("%s: the signature was taken", mood)
		}
	}
	for _, mood := range []string{"silent", "fails"} {
		_, err := signer.NewCommand(self, "as-signer", mood)
		if err == nil || (mood == "fails" && !strings.Contains(err.Error(), "no token in the slot")) {
			t.Errorf("%s: %v", mood, err)
		}
	}
	if err := signer.SaveCommand(vfs.OS, path+"2", "sh", "-c", "echo hi"); err == nil {
		t.Error("words with blanks cannot be told apart when read")
	}
}
