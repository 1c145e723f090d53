package staff_test

import (
	"testing"
	"time"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/internal/sim/passkey"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

var (
	centralBank = staff.Part{Name: "central-bank", Roles: []staff.Role{staff.Administrator, staff.Authority}}
	auditor     = staff.Part{Name: "auditor", Roles: []staff.Role{staff.Auditor}}
)

// openDemo opens the folder on the demo's own network, or on another.
func openDemo(t *testing.T, files vfs.FS, demo bool) *staff.Store {
	t.Helper()
	c := config(files)
	c.Demo = demo
	s, err := staff.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func play(t *testing.T, s *staff.Store, p staff.Part, now time.Time) (string, staff.Account) {
	t.Helper()
	secret, session, a, err := s.Play(p, now)
	if err != nil || session.Account != a.ID || !a.Demo || a.Part != p.Name {
		t.Fatalf("%s: %+v, %v", p.Name, a, err)
	}
	return secret, a
}

// A role of the demo has one account, which the trail marks; nobody is let in by the machine's link any less for it, and
// it changes nobody but the demo's own.
func TestRolesOfTheDemo(t *testing.T) {
	files := disk.New(1).FS()
	s := openDemo(t, files, true)
	bank, b := play(t, s, centralBank, start)
	_, a := play(t, s, auditor, start)
	if _, again := play(t, s, auditor, start); again.ID != a.ID {
		t.Error("a role has two accounts")
	}
	trail, err := s.Trail(1<<62, 0, 9)
	if err != nil || trail.Size != 5 || trail.Lines[4].Record.Act != staff.DemoJoined ||
		trail.Lines[0].Record.Act != staff.DemoSignedIn || trail.Lines[0].Record.Demo != "auditor" {
		t.Errorf("%+v, %v", trail, err)
	}
	own := first(t, s, files, start)
	wantCode(t, "roles of another", func() error {
		_, err := s.SetRoles(b.ID, own.id, []staff.Role{staff.Auditor}, token.WalletID{}, start)
		return err
	}(), staff.LastAdministrator) // the demo's administrator does not count
	_, err = s.SetRoles(b.ID, own.id, []staff.Role{staff.Administrator, staff.Auditor}, token.WalletID{}, start)
	wantCode(t, "roles of another", err, staff.DemoRole)
	wantCode(t, "the end of another", s.End(b.ID, own.id, start), staff.DemoRole)
	wantCode(t, "a passkey of another", s.RemovePasskey(b.ID, own.id, "00", start), staff.DemoRole)
	_, i, err := s.Invite(own.id, "Kanat", []staff.Role{staff.Auditor}, token.WalletID{}, start)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, "an invitation of another", s.EndInvitation(b.ID, i.ID(), start), staff.DemoRole)
	if _, err := s.SetRoles(b.ID, a.ID, []staff.Role{staff.Authority}, token.WalletID{}, start); err != nil {
		t.Error(err)
	}
	if _, back := play(t, s, auditor, start); back.ID != a.ID || back.Reads() != staff.Auditor {
		t.Errorf("who chooses the auditor is %+v", back)
	}
	if err := s.End(own.id, b.ID, start); err != nil {
		t.Error(err)
	}
	if _, _, ok := s.Session(bank, start); ok {
		t.Error("it outlives its account")
	}
	if _, another := play(t, s, centralBank, start); another.ID == b.ID {
		t.Error("an account that was ended is back")
	}
}

// On every network but the demo's own its roles open nothing: not by the chooser, not by a session that was stored, not
// by a passkey that one of them has added, and not whom they have let in; whoever else works there is not touched.
func TestRolesOfTheDemoOpenNothingElsewhere(t *testing.T) {
	files := disk.New(1).FS()
	s := openDemo(t, files, true)
	own := first(t, s, files, start)
	secret, b := play(t, s, centralBank, start)
	guest := invited(t, s, person{id: b.ID}, "Bolat", start, staff.Auditor)
	waiting, _, err := s.Invite(b.ID, "Kanat", []staff.Role{staff.Authority}, token.WalletID{}, start)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Begin(staff.ToAdd, origin, b.ID, start)
	if err != nil {
		t.Fatal(err)
	}
	device := passkey.New(c.Account)
	if err := s.AddPasskey(origin, b.ID, "mine", c.Challenge,
		attestation(device.Make(origin, site, c.Challenge)), start); err != nil {
		t.Fatal(err)
	}
	for _, demo := range []bool{true, false} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openDemo(t, files, demo)
		_, _, stands := s.Session(secret, start)
		_, _, guestStands := s.Session(guest.secret, start)
		_, byKey := signIn(s, device, start)
		_, byGuest := signIn(s, guest.Device, start)
		if stands != demo || guestStands != demo || (byKey == nil) != demo || (byGuest == nil) != demo {
			t.Errorf("demo %v: sessions %v %v, passkeys %v %v", demo, stands, guestStands, byKey, byGuest)
		}
		if _, _, ok := s.Session(own.secret, start); !ok {
			t.Errorf("demo %v: an account of its own is shut out", demo)
		}
	}
	_, err = join(s, waiting, "Kanat", start)
	wantCode(t, "an invitation by a role of the demo", err, staff.LinkRefused)
	_, _, _, err = s.Play(centralBank, start)
	wantCode(t, "the chooser", err, staff.DemoRole)
	accounts, _ := s.List(start)
	if len(accounts) != 3 {
		t.Errorf("%d accounts", len(accounts))
	}
	if err := s.End(own.id, b.ID, start); err != nil { // they are seen, and can be ended
		t.Error(err)
	}
}
