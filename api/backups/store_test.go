package backups_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api/backups"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

var start = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func id(n byte) token.WalletID { return token.WalletID{n} }

func open(t *testing.T, files vfs.FS, dir string) *backups.Store {
	t.Helper()
	s, err := backups.Open(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refused(t *testing.T, err error, want token.Code) {
	t.Helper()
	if rule := (*token.Error)(nil); !errors.As(err, &rule) || rule.Code != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// What was kept is there after the process, an older page overwrites nothing, and each wallet has its own.
func TestOneBoxAWallet(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s := open(t, vfs.OS, dir)
		_, err := s.Get(id(1))
		refused(t, err, node.NotFound)
		_, err = s.Put(id(1), 3, []byte("a"), start)
		refused(t, err, ledger.StaleVersion)
		for n := range uint64(3) {
			b, err := s.Put(id(1), n, fmt.Append(nil, "box ", n), start)
			if err != nil || b.Version != n+1 || b.Changed != uint64(start.UnixMilli()) {
				t.Fatalf("%+v, %v", b, err)
			}
		}
		_, err = s.Put(id(1), 2, []byte("older page"), start)
		refused(t, err, ledger.StaleVersion)
		_, err = s.Get(id(2))
		refused(t, err, node.NotFound)
		for _, wrong := range [][]byte{nil, make([]byte, backups.MaxBytes+1)} {
			_, err = s.Put(id(1), 3, wrong, start)
			refused(t, err, token.TooLarge)
		}
		if dir != "" {
			s = open(t, vfs.OS, dir)
		}
		if b, err := s.Get(id(1)); err != nil || string(b.Sealed) != "box 2" || b.Version != 3 {
			t.Errorf("%q: %+v, %v", dir, b, err)
		}
		if err := s.Delete(id(1)); err != nil {
			t.Error(err)
		}
		refused(t, s.Delete(id(1)), node.NotFound)
		_, err = s.Get(id(1))
		refused(t, err, node.NotFound)
	}
}

// A wallet changes its backup so often and no more; another one does not pay for it.
func TestChangesAreFew(t *testing.T) {
	s := open(t, vfs.OS, "")
	for n := range uint64(backups.Burst) {
		if _, err := s.Put(id(1), n, []byte("x"), start); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Put(id(1), backups.Burst, []byte("x"), start)
	refused(t, err, node.Overloaded)
	if _, err := s.Put(id(2), 0, []byte("x"), start); err != nil {
		t.Error(err)
	}
	if _, err := s.Put(id(1), backups.Burst, []byte("x"), start.Add(backups.Every)); err != nil {
		t.Error(err)
	}
}

// Of many who change the same version at once one is first.
func TestOneOfManyIsFirst(t *testing.T) {
	s := open(t, vfs.OS, t.TempDir())
	var all sync.WaitGroup
	kept := make(chan string, backups.Burst)
	for n := range backups.Burst {
		all.Go(func() {
			text := fmt.Sprint("page ", n)
			if _, err := s.Put(id(1), 0, []byte(text), start); err == nil {
				kept <- text
			}
		})
	}
	all.Wait()
	b, err := s.Get(id(1))
	if first := <-kept; len(kept) != 0 || err != nil || string(b.Sealed) != first {
		t.Errorf("%q was kept and %d more; there is %q, %v", first, len(kept), b.Sealed, err)
	}
}

// What was acknowledged outlives a crash at any moment; what was not is the one before or it.
func TestWhatWasKeptOutlivesACrash(t *testing.T) {
	box := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 900) }
	diskfault.Every(t,
		func(vfs.FS) error { return nil },
		func(files vfs.FS) (int, error) {
			s, err := backups.Open(files, "backups")
			for n := 0; n < 3 && err == nil; n++ {
				if _, err = s.Put(id(1), uint64(n), box(n+1), start); err != nil {
					return n, err
				}
			}
			return 3, err
		},
		func(files vfs.FS, done int) error {
			s, err := backups.Open(files, "backups")
			if err != nil {
				return err
			}
			b, err := s.Get(id(1))
			if done == 0 && err != nil {
				return nil
			}
			if n := int(b.Version); err != nil || n < done || n > done+1 || !bytes.Equal(b.Sealed, box(n)) {
				return fmt.Errorf("after %d changes: version %d, %v", done, b.Version, err)
			}
			_, err = s.Put(id(1), b.Version, box(int(b.Version)+1), start)
			return err
		})
}

// A copy brings what is lost or older, leaves what is newer, and says what it could not read.
func TestCopiesBringWhatIsOlder(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()+"/lost"
	if c, err := backups.Copy(vfs.OS, from+"/none", to); err != nil || c != (backups.Copied{}) {
		t.Errorf("%+v, %v", c, err)
	}
	s := open(t, vfs.OS, from)
	for n := range byte(3) {
		if _, err := s.Put(id(n), 0, []byte("first"), start); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := backups.Copy(vfs.OS, from, to); err != nil || c != (backups.Copied{Wallets: 3, New: 3}) {
		t.Fatalf("%+v, %v", c, err)
	}
	there := open(t, vfs.OS, to)
	for version, wallet := range map[uint64]byte{1: 1, 2: 2} { // any order: each by itself
		for n := uint64(1); n <= version; n++ {
			of := map[byte]*backups.Store{1: s, 2: there}[wallet]
			if _, err := of.Put(id(wallet), n, []byte("later"), start); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := vfs.OS.Rename(from+"/"+id(0).String()+".json", from+"/"+id(9).String()+".json"); err != nil {
		t.Fatal(err)
	}
	if c, err := backups.Copy(vfs.OS, from, to); err != nil || c != (backups.Copied{Wallets: 3, New: 2}) {
		t.Fatalf("%+v, %v", c, err)
	}
	for wallet, want := range map[byte]string{0: "first 1", 1: "later 2", 2: "later 3", 9: "first 1"} { // any order
		b, err := open(t, vfs.OS, to).Get(id(wallet))
		if fmt.Sprintf("%s %d", b.Sealed, b.Version) != want || err != nil {
			t.Errorf("wallet %d: %s %d, %v; want %s", wallet, b.Sealed, b.Version, err, want)
		}
	}
}
