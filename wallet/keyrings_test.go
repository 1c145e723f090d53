package wallet_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// A key bears one name for ever, is found by its public half, and can be taken away; its public half is read without it.
func TestAKeysFile(t *testing.T) {
	dir := t.TempDir()
	open := func() *wallet.Keyring {
		t.Helper()
		k, err := wallet.OpenKeyring(dir, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	key, err := open().NewKey("aigerim")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open().NewKey("aigerim"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key of the name: %v", err)
	}
	if public, err := open().PublicKey("aigerim"); err != nil || public != key.Public() {
		t.Errorf("its public half: %v, %v", public, err)
	}
	if found, here, err := open().Find(key.Public()); err != nil || !here || found.Public() != key.Public() {
		t.Errorf("found: %v, %v", here, err)
	}
	if _, here, err := open().Find(token.PublicKey{1, 2}); err != nil || here {
		t.Errorf("a key of nobody is found: %v, %v", here, err)
	}
	for _, name := range []string{"keys/aigerim.key", "keys/aigerim.pub"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || strings.HasSuffix(name, ".key") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// With a passphrase, keys are on the disk only under it; a new key's is asked for once a run.
func TestKeysUnderAPassphrase(t *testing.T) {
	dir, asked := t.TempDir(), 0
	k, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	k.EncryptNew(func() (string, error) { asked++; return "құпия", nil })
	first, err := k.NewKey("one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.NewKey("two"); err != nil || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	reopen := func(word string) error {
		again, err := wallet.OpenKeyring(dir, "", func(string) (string, error) { return word, nil })
		if err != nil {
			t.Fatal(err)
		}
		key, err := again.Key("one")
		if err == nil && key.Public() != first.Public() {
			t.Error("another key")
		}
		return err
	}
	if err := reopen("құпия"); err != nil {
		t.Error(err)
	}
	if err := reopen("wrong"); err == nil {
		t.Error("a wrong passphrase opens the key")
	}
	refused := errors.New("no passphrase")
	k, _ = wallet.OpenKeyring(t.TempDir(), "", nil)
	k.EncryptNew(func() (string, error) { return "", refused })
	if _, err := k.NewKey("three"); !errors.Is(err, refused) || k.Signs("three") {
		t.Errorf("without a passphrase a key is made: %v", err)
	}
}

// A name stands for one id, and what is no name is none; an id is read as what it is.
func TestNamesStandForOneID(t *testing.T) {
	k, err := wallet.OpenKeyring(t.TempDir(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	id, other := token.WalletID{1}, token.WalletID{2}
	for _, n := range []wallet.Name{{Name: "дүкен", ID: id}, {Name: "bank.1", ID: other, Bank: true}} {
		if err := k.Put(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Put(wallet.Name{Name: "дүкен", ID: other}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another id: %v", err)
	}
	for text, want := range map[string]token.WalletID{"дүкен": id, "bank.1": other, id.String(): id} {
		if got, err := k.Resolve(text); err != nil || got != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	var unknown *wallet.UnknownName
	for _, text := range []string{"nobody", "", "../../etc/passwd", "a b", strings.Repeat("0", 31)} {
		if _, err := k.Resolve(text); !errors.As(err, &unknown) || unknown.ErrorField() != text {
			t.Errorf("%q: %v", text, err)
		}
		if text != "nobody" && text != strings.Repeat("0", 31) {
			if err := k.Put(wallet.Name{Name: text, ID: id}); !errors.Is(err, wallet.ErrName) {
				t.Errorf("%q is taken for a name: %v", text, err)
			}
		}
	}
	if err := wallet.CheckName(id.String()); !errors.Is(err, wallet.ErrName) {
		t.Errorf("an id is a name: %v", err)
	}
	names, err := k.Names()
	if err != nil || len(names) != 2 || names[0].Name != "bank.1" || !names[0].Bank || names[1].ID != id {
		t.Errorf("%+v, %v", names, err)
	}
}

// A memo is read by its recipient alone, or by whoever is told the salt.
func TestMemos(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	memo, err := wallet.EncryptMemo("жалақы", identity.Recipient().String())
	if err != nil || memo.Scheme != token.EncryptedMemo {
		t.Fatalf("%+v, %v", memo, err)
	}
	r, err := age.Decrypt(strings.NewReader(string(memo.Bytes)), identity)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != "жалақы" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := wallet.EncryptMemo("x", "age1nobody"); err == nil {
		t.Error("a recipient that is none")
	}
	one, salt, err := wallet.HashMemo("bread")
	if err != nil {
		t.Fatal(err)
	}
	two, _, _ := wallet.HashMemo("bread")
	sum := sha256.Sum256(append(salt[:], "bread"...))
	if one.Scheme != token.HashedMemo || string(one.Bytes) != string(sum[:]) || string(two.Bytes) == string(one.Bytes) {
		t.Error("a hashed memo is not salted, or not of its text")
	}
}

// A follower's cosigning key is made once and is the same in every run.
func TestACosigningKeyIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	var first string
	for i := range 3 {
		k, err := wallet.OpenKeyring(dir, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		signer, public, err := k.Cosigner("follower.town")
		if err != nil || signer.Name() != "follower.town" || i > 0 && public != first {
			t.Fatalf("run %d: %s, %v", i, public, err)
		}
		first = public
		if keys := k.FollowerKeys(); len(keys) != 1 || keys[0].KeyHash() != signer.KeyHash() {
			t.Errorf("its public half is %v", keys)
		}
		if lives := k.KeyLives(365); len(lives) != 1 || !strings.Contains(lives[0].Name, "cosigning") {
			t.Errorf("%+v", lives)
		}
	}
}

// Of several holders each has the public halves of all, and the secret half of his own: what another's key would sign
// goes to him as a draft.
func TestAKeyWhoseSecretHalfIsElsewhereIsNotHere(t *testing.T) {
	dir := t.TempDir()
	k, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := k.NewKey("issue-2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "keys", "issue-2.key")); err != nil {
		t.Fatal(err)
	}
	if k, err = wallet.OpenKeyring(dir, "", nil); err != nil {
		t.Fatal(err)
	}
	if found, here, err := k.Find(key.Public()); here || err != nil || found != nil {
		t.Errorf("found %v, %v, %v", found, here, err)
	}
	if public, err := k.PublicKey("issue-2"); err != nil || public != key.Public() {
		t.Errorf("its public half: %v, %v", public, err)
	}
}
