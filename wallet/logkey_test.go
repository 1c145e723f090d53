package wallet_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/wallet"
)

// The public half of the log's key is that of its signer; what is no whole key opens nothing.
func TestTheLogsKeyHasItsPublicHalf(t *testing.T) {
	t.Parallel()
	for range 20 { // base64 with and without the letter at which a key's text is divided
		dir := t.TempDir()
		secret, public, err := note.GenerateKey(nil, "tenge.example")
		if err != nil {
			t.Fatal(err)
		}
		keyring, err := wallet.OpenKeyring(dir, "", func(string) (string, error) { return "", nil })
		if err == nil {
			err = keyring.KeepLogKey(secret)
		}
		if err != nil {
			t.Fatal(err)
		}
		s, v, err := keyring.LogKey()
		if err != nil {
			t.Fatal(err)
		}
		want, err := note.NewVerifier(public)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := note.Sign(&note.Note{Text: "text\n"}, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, verifier := range []note.Verifier{v, want} {
			if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil || verifier.Name() != "tenge.example" {
				t.Errorf("%s: %v", verifier.Name(), err)
			}
		}
		for _, wrong := range []string{"", "PRIVATE+KEY", secret[:len(secret)-8], public} {
			if err := os.WriteFile(filepath.Join(dir, wallet.LogKeyFile), []byte(wrong+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := keyring.LogKey(); err == nil {
				t.Errorf("%q is a key", wrong)
			}
		}
	}
}
