package copycmd

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/sim/passkey"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

const staffOrigin = "https://tenge.example.kz"

func openStaffOf(t *testing.T, dir string) *staff.Store {
	t.Helper()
	s, err := staff.Open(staff.Config{Dir: filepath.Join(dir, staff.Folder), Origin: "tenge.example.kz/staff"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// letIn makes an administrator by the machine's link and returns his account.
func letIn(t *testing.T, s *staff.Store, dir string) string {
	t.Helper()
	now := time.Now()
	link, _, err := staff.MakeMachineLink(vfs.OS, filepath.Join(dir, staff.Folder), rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Begin(staff.ToJoin, staffOrigin, link, now)
	if err != nil {
		t.Fatal(err)
	}
	m := passkey.New(c.Account).Make(staffOrigin, c.Site, c.Challenge)
	_, _, account, err := s.Join(staffOrigin, link, "Aigul", c.Challenge,
		staff.Attestation{ID: m.ID, ClientData: m.ClientData, Object: m.Object}, now)
	if err != nil {
		t.Fatal(err)
	}
	return account.ID
}

// Staff come back from a backup into a directory that lost them, or whose trail is damaged, which is set aside; a trail
// that knows more than the backup stays, and each time it is said.
func TestStaffComeBackFromABackup(t *testing.T) {
	home, backup, lost := t.TempDir(), t.TempDir(), t.TempDir()
	if c, err := copyStaff(home, backup); c != nil || err != nil {
		t.Fatalf("of none: %+v, %v", c, err)
	}
	s := openStaffOf(t, home)
	by := letIn(t, s, home)
	c, err := copyStaff(home, backup) // while it is in use
	if err != nil || c == nil || c.Entries == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	var said bytes.Buffer
	back, err := staffFrom(backup, lost)
	if back.describe(&said, words.English); err != nil || back.Entries != c.Entries ||
		!strings.Contains(said.String(), "stands again") {
		t.Fatalf("%+v, %v: %s", back, err, &said)
	}
	found := openStaffOf(t, lost)
	if accounts, _ := found.List(time.Now()); len(accounts) != 1 || accounts[0].ID != by {
		t.Errorf("%+v", accounts)
	}
	if err := found.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Invite(by, "Bolat", []staff.Role{staff.Auditor}, token.WalletID{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if back, err = staffFrom(backup, home); err != nil || !back.Kept || back.SetAside != "" {
		t.Errorf("over a trail that knows more: %+v, %v", back, err)
	}
	segments, err := filepath.Glob(filepath.Join(home, staff.Folder, "trail", "segments", "*"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	text, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.Replace(text, []byte("Aigul"), []byte("Mallo"), 1)
	if err := os.WriteFile(segments[0], spoilt, 0o600); err != nil {
		t.Fatal(err)
	}
	said.Reset()
	back, err = staffFrom(backup, home)
	if back.describe(&said, words.English); err != nil || back.Entries != c.Entries ||
		!strings.Contains(said.String(), back.SetAside) {
		t.Fatalf("over damage: %+v, %v: %s", back, err, &said)
	}
	if _, err := os.Stat(filepath.Join(back.SetAside, "trail.key")); err != nil {
		t.Errorf("what was damaged is gone: %v", err)
	}
	openStaffOf(t, home).Close()
}
