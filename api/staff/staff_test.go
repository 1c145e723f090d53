package staff_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/internal/sim/passkey"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

const origin, site = "https://tenge.example.kz:8443", "tenge.example.kz"

var start = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

func config(files vfs.FS) staff.Config {
	return staff.Config{FS: files, Dir: "staff", Origin: "tenge.example.kz/staff", Background: func(work func()) {
		work()
	}}
}

func open(t testing.TB, files vfs.FS) *staff.Store {
	t.Helper()
	s, err := staff.Open(config(files))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// person is somebody with a device and an open session.
type person struct {
	*passkey.Device
	id     string
	secret string // of the session
}

func (p person) session(t testing.TB, s *staff.Store, now time.Time) staff.Session {
	t.Helper()
	session, account, ok := s.Session(p.secret, now)
	if !ok || account.ID != p.id {
		t.Fatalf("no session of %s", p.id)
	}
	return session
}

// join makes an account with a link.
func join(s *staff.Store, link, name string, now time.Time) (person, error) {
	c, err := s.Begin(staff.ToJoin, origin, link, now)
	if err != nil {
		return person{}, err
	}
	d := passkey.New(c.Account)
	made := d.Make(origin, c.Site, c.Challenge)
	secret, _, account, err := s.Join(origin, link, name, c.Challenge, attestation(made), now)
	return person{d, account.ID, secret}, err
}

func attestation(m passkey.Made) staff.Attestation {
	return staff.Attestation{ID: m.ID, ClientData: m.ClientData, Object: m.Object}
}
func assertion(s passkey.Signed) staff.Assertion {
	return staff.Assertion{ID: s.ID, ClientData: s.ClientData, Authenticator: s.Authenticator, Signature: s.Signature,
		Account: s.Handle}
}

func signIn(s *staff.Store, d *passkey.Device, now time.Time) (string, error) {
	c, err := s.Begin(staff.ToSignIn, origin, "", now)
	if err != nil {
		return "", err
	}
	secret, _, _, err := s.SignIn(origin, c.Challenge, assertion(d.Sign(origin, c.Site, c.Challenge)), now)
	return secret, err
}

// first is the first administrator, by the machine's link.
func first(t testing.TB, s *staff.Store, files vfs.FS, now time.Time) person {
	t.Helper()
	link, _, err := staff.MakeMachineLink(files, "staff", rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	p, err := join(s, link, "Aigul", now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// invited is somebody whom the administrator let in.
func invited(t testing.TB, s *staff.Store, by person, name string, now time.Time, roles ...staff.Role) person {
	t.Helper()
	link, _, err := s.Invite(by.id, name, roles, token.WalletID{}, now)
	if err != nil {
		t.Fatal(err)
	}
	p, err := join(s, link, name, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantCode(t testing.TB, about string, err error, code token.Code) {
	t.Helper()
	if fault.Code(err) != string(code) {
		t.Errorf("%s: %v, want %s", about, err, code)
	}
}

// The machine's link makes one administrator, within a quarter of an hour, once; another link of the machine takes its
// place.
func TestTheMachinesLinkWorksOnce(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	_, err := join(s, "no such link", "Mallory", start)
	wantCode(t, "before there is a link", err, staff.LinkRefused)
	older, _, err := staff.MakeMachineLink(files, "staff", rand.Reader, start)
	if err != nil {
		t.Fatal(err)
	}
	link, until, err := staff.MakeMachineLink(files, "staff", rand.Reader, start)
	if err != nil || until != start.Add(15*time.Minute) || len(link) != 43 {
		t.Fatalf("%q until %v, %v", link, until, err)
	}
	_, err = join(s, older, "Mallory", start)
	wantCode(t, "a link that another replaced", err, staff.LinkRefused)
	_, err = join(s, link, "Mallory", until)
	wantCode(t, "after its time", err, staff.LinkRefused)
	p, err := join(s, link, "Aigul", until.Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, a, ok := s.Session(p.secret, start.Add(15*time.Minute)); !ok || !a.Has(staff.Administrator) ||
		a.Reads() != "" {
		t.Errorf("%+v, %v: want a session of an administrator who reads no ledger", a, ok)
	}
	_, err = join(s, link, "Mallory", start)
	wantCode(t, "the second time", err, staff.LinkRefused)
	// Nor after a restart, though the file still lies there.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, files)
	_, err = join(s, link, "Mallory", start)
	wantCode(t, "the second time, after a restart", err, staff.LinkRefused)
	for path := range map[string]bool{"staff/link.json": true, "staff/sessions.json": true} {
		content, err := readAll(files, path)
		if err != nil || bytes.Contains(content, []byte(link)) || bytes.Contains(content, []byte(p.secret)) {
			t.Errorf("%s holds a secret, or nothing: %.200s %v", path, content, err)
		}
	}
}

func readAll(files vfs.FS, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	content := make([]byte, size)
	_, err = f.ReadAt(content, 0)
	return content, err
}

// A challenge is answered once, in time, at its own origin, for its own purpose, by a device that has verified the
// person, unaltered.
func TestWhatIsNoAnswerOfAPasskey(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	p := first(t, s, files, start)
	p.Still = true // no counter refuses what the challenge should
	begin := func() staff.Challenge {
		c, err := s.Begin(staff.ToSignIn, origin, "", start)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	stranger := passkey.New(p.Handle)
	unverified := p.Copy()
	unverified.Unverified = true
	for about, answer := range map[string]func(c staff.Challenge) (string, staff.Assertion, time.Time){
		"too late": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, assertion(p.Sign(origin, site, c.Challenge)), start.Add(2 * time.Minute)
		},
		"signed at another origin": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, assertion(p.Sign("https://tenge.example.kz", site, c.Challenge)), start
		},
		"sent to another origin": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return "https://tenge.example.kz", assertion(p.Sign("https://tenge.example.kz", site, c.Challenge)), start
		},
		"of another site": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, assertion(p.Sign(origin, "evil.example", c.Challenge)), start
		},
		"another challenge": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, assertion(p.Sign(origin, site, begin().Challenge)), start
		},
		"signature altered": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			a := assertion(p.Sign(origin, site, c.Challenge))
			a.Signature[len(a.Signature)-1] ^= 1
			return origin, a, start
		},
		"data altered": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			a := assertion(p.Sign(origin, site, c.Challenge))
			a.Authenticator[36]++
			return origin, a, start
		},
		"client data altered": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			a := assertion(p.Sign(origin, site, c.Challenge))
			a.ClientData = append(a.ClientData, ' ')
			return origin, a, start
		},
		"by a key that is not known": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, assertion(stranger.Sign(origin, site, c.Challenge)), start
		},
		"by another key under the id": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			stranger := passkey.New(p.Handle)
			stranger.ID = p.ID
			return origin, assertion(stranger.Sign(origin, site, c.Challenge)), start
		},
		"for another account": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			a := assertion(p.Sign(origin, site, c.Challenge))
			a.Account = make([]byte, 16)
			return origin, a, start
		},
		"person not verified": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, assertion(unverified.Sign(origin, site, c.Challenge)), start
		},
		"empty": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			return origin, staff.Assertion{}, start
		},
		"too large": func(c staff.Challenge) (string, staff.Assertion, time.Time) {
			a := assertion(p.Sign(origin, site, c.Challenge))
			a.ClientData = make([]byte, 1<<20)
			return origin, a, start
		},
	} {
		c := begin()
		at, as, now := answer(c)
		secret, _, _, err := s.SignIn(at, c.Challenge, as, now)
		wantCode(t, about, err, staff.PasskeyRefused)
		if secret != "" {
			t.Errorf("%s: a session was opened", about)
		}
	}
	c := begin()
	as := assertion(p.Sign(origin, site, c.Challenge))
	_, err := s.Confirm(p.session(t, s, start), origin, c.Challenge, as, start)
	wantCode(t, "for another purpose", err, staff.PasskeyRefused)
	adding, err := s.Begin(staff.ToAdd, origin, p.id, start)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Confirm(p.session(t, s, start), origin, adding.Challenge,
		assertion(p.Sign(origin, site, adding.Challenge)), start)
	wantCode(t, "for another purpose of the same account", err, staff.PasskeyRefused)
	if _, _, _, err = s.SignIn(origin, c.Challenge, as, start); err != nil {
		t.Fatal(err)
	}
	_, _, _, err = s.SignIn(origin, c.Challenge, as, start)
	wantCode(t, "the second time", err, staff.PasskeyRefused)
	_, err = s.Begin(staff.ToSignIn, "https://192.168.1.5:8443", "", start)
	wantCode(t, "at an address", err, staff.PasskeyNeedsName)
}

// A passkey whose counter goes back is refused and noted; one that keeps no counter is good; and what was counted
// outlives a restart.
func TestACopyOfAPasskeyIsNoticed(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	p := first(t, s, files, start)
	stolen := p.Copy()
	if _, err := signIn(s, p.Device, start); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, files)
	_, err := signIn(s, stolen, start)
	wantCode(t, "a copy", err, staff.PasskeyRefused)
	trail, err := s.Trail(1<<62, 0, 1)
	if err != nil || trail.Lines[0].Record.Act != staff.PasskeyDoubted || trail.Lines[0].Record.Account != p.id {
		t.Errorf("%+v, %v: want it noted", trail.Lines, err)
	}
	q := invited(t, s, p, "Bolat", start, staff.Auditor)
	q.Still = true
	for range 2 {
		if _, err := signIn(s, q.Device, start); err != nil {
			t.Error(err)
		}
	}
}

// A session ends after half an hour without a request, after twelve hours, with the account, with its roles; not with a
// restart. One passkey is fresh for five minutes.
func TestWhenASessionEnds(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	p := first(t, s, files, start)
	q := invited(t, s, p, "Bolat", start, staff.Auditor)
	at := func(after time.Duration, who person) bool {
		_, _, ok := s.Session(who.secret, start.Add(after))
		return ok
	}
	if !at(29*time.Minute, p) || !at(58*time.Minute, p) || at(88*time.Minute, p) {
		t.Error("a session lasts half an hour from its last request")
	}
	if q.session(t, s, start).MustBeFresh(start.Add(5*time.Minute-time.Millisecond)) != nil {
		t.Error("it is fresh for five minutes")
	}
	wantCode(t, "after five minutes", q.session(t, s, start).MustBeFresh(start.Add(5*time.Minute)), staff.ConfirmFirst)
	for after := 20 * time.Minute; after < 12*time.Hour; after += 20 * time.Minute {
		if !at(after, q) {
			t.Fatalf("over after %v of use", after)
		}
		if after == 6*time.Hour {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, files)
		}
	}
	if at(12*time.Hour, q) {
		t.Error("a session lasts twelve hours at most")
	}
	later := start.Add(24 * time.Hour)
	secret, err := signIn(s, q.Device, later)
	if err != nil {
		t.Fatal(err)
	}
	q.secret = secret
	c, err := s.Begin(staff.ToConfirm, origin, q.id, later.Add(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := s.Confirm(q.session(t, s, later.Add(10*time.Minute)), origin, c.Challenge,
		assertion(q.Sign(origin, site, c.Challenge)), later.Add(10*time.Minute))
	if err != nil || !fresh.IsFresh(later.Add(14*time.Minute)) {
		t.Errorf("%+v, %v: want it fresh again", fresh, err)
	}
	before, err := readAll(files, "staff/sessions.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetRoles(p.id, q.id, []staff.Role{staff.Authority}, token.WalletID{}, later); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Session(q.secret, later); ok {
		t.Error("a session outlives its roles")
	}
	// Nor does one that was stored before them, such as a crash leaves it or an older copy brings it back.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(files, "staff/sessions.json", before); err != nil {
		t.Fatal(err)
	}
	s = open(t, files)
	if _, _, ok := s.Session(q.secret, later); ok {
		t.Error("a session that was stored outlives its roles")
	}
	if q.secret, err = signIn(s, q.Device, later); err != nil {
		t.Fatal(err)
	}
	if err := s.End(p.id, q.id, later); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Session(q.secret, later); ok {
		t.Error("a session outlives its account")
	}
	_, err = signIn(s, q.Device, later)
	wantCode(t, "an account that has ended", err, staff.PasskeyRefused)
	secret, err = signIn(s, p.Device, later)
	if err != nil {
		t.Fatal(err)
	}
	p.secret = secret
	if err := s.SignOut(p.session(t, s, later), later); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := s.Session(secret, later); ok {
		t.Error("a session outlives its end")
	}
}

// The last administrator stays one, whoever asks; roles are such as an account can have; and the last passkey stays.
func TestWhatAnAccountCannotBecome(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	p := first(t, s, files, start)
	wantCode(t, "ending the last", s.End(p.id, p.id, start), staff.LastAdministrator)
	_, err := s.SetRoles(p.id, p.id, []staff.Role{staff.Auditor}, token.WalletID{}, start)
	wantCode(t, "another role for the last", err, staff.LastAdministrator)
	_, err = s.SetRoles(p.id, p.id, nil, token.WalletID{}, start)
	wantCode(t, "no role for the last", err, staff.LastAdministrator)
	q := invited(t, s, p, "Bolat", start, staff.Administrator, staff.Authority)
	if err := s.End(p.id, p.id, start); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "ending the one that is left", s.End(q.id, q.id, start), staff.LastAdministrator)
	for about, roles := range map[string][]staff.Role{"none": nil, "two that read": {staff.Authority, staff.Auditor},
		"unknown": {"root"},
		"twice":   {staff.Auditor, staff.Auditor}, "a bank's without a bank": {staff.Intermediary}} {
		_, _, err := s.Invite(q.id, "Carol", roles, token.WalletID{}, start)
		wantCode(t, about, err, token.OutOfRange)
	}
	_, _, err = s.Invite(q.id, "Carol", []staff.Role{staff.Auditor}, token.WalletID{1}, start)
	wantCode(t, "a bank for an auditor", err, token.OutOfRange)
	_, _, err = s.Invite(q.id, "Ca\nrol", []staff.Role{staff.Auditor}, token.WalletID{}, start)
	wantCode(t, "a name of two lines", err, staff.TextHides)
	wantCode(t, "the only passkey", s.RemovePasskey(q.id, q.id, hex.EncodeToString(q.ID), start), staff.LastPasskey)
	c, err := s.Begin(staff.ToAdd, origin, q.id, start)
	if err != nil || !slices.Contains(c.Exclude, hex.EncodeToString(q.ID)) {
		t.Fatalf("%+v, %v", c, err)
	}
	spare := passkey.New(c.Account)
	if err := s.AddPasskey(origin, q.id, "spare", c.Challenge, attestation(spare.Make(origin, site, c.Challenge)),
		start); err != nil {
		t.Fatal(err)
	}
	if err := s.RemovePasskey(q.id, q.id, hex.EncodeToString(q.ID), start); err != nil {
		t.Fatal(err)
	}
	_, err = signIn(s, q.Device, start)
	wantCode(t, "a passkey that was removed", err, staff.PasskeyRefused)
	if _, err := signIn(s, spare, start); err != nil {
		t.Error(err)
	}
}

// Invitations lapse, end, and are as many as fit; one account writes so much within an hour and no more.
func TestWhatIsBounded(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	p := first(t, s, files, start)
	link, i, err := s.Invite(p.id, "Bolat", []staff.Role{staff.Auditor}, token.WalletID{}, start)
	if err != nil {
		t.Fatal(err)
	}
	_, err = join(s, link, "Bolat", start.Add(staff.InvitationLasts))
	wantCode(t, "an invitation that has lapsed", err, staff.LinkRefused)
	if err := s.EndInvitation(p.id, i.ID(), start); err != nil {
		t.Fatal(err)
	}
	_, err = join(s, link, "Bolat", start)
	wantCode(t, "an invitation that was ended", err, staff.LinkRefused)
	for n := 0; ; n++ {
		if _, _, err = s.Invite(p.id, fmt.Sprint("guest ", n), []staff.Role{staff.Auditor}, token.WalletID{},
			start); err != nil {
			if n != 100 {
				t.Errorf("%d invitations wait", n)
			}
			break
		}
	}
	wantCode(t, "too many invitations", err, token.TooMany)
	for n := range 600 {
		if err = s.Act(p.id, "POST /v1/applications", start); err != nil {
			if n < 400 {
				t.Errorf("only %d acts", n)
			}
			break
		}
	}
	wantCode(t, "too many acts", err, staff.TooOften)
	if err := s.Act(p.id, "POST /v1/applications", start.Add(time.Hour)); err != nil {
		t.Error(err)
	}
}

// The trail says who did what; its checkpoint is signed over all of it, each line is in its tree, and a later trail
// extends an earlier one.
func TestTheTrailCanBeVerified(t *testing.T) {
	files := disk.New(1).FS()
	s := open(t, files)
	p := first(t, s, files, start)
	early, err := s.Trail(1<<62, 0, 10)
	if err != nil || early.Size != 1 {
		t.Fatalf("%+v, %v", early, err)
	}
	invited(t, s, p, "Bolat", start, staff.Auditor)
	trail, err := s.Trail(1<<62, early.Size, 2)
	if err != nil || trail.Size != 3 || len(trail.Lines) != 2 || trail.Lines[0].Index != 2 ||
		trail.Lines[1].Index != 1 {
		t.Fatalf("%+v, %v", trail, err)
	}
	if err := txlog.VerifyConsistency(early.Size, trail.Size, early.Root, trail.Root, trail.Consistency); err != nil {
		t.Error(err)
	}
	verifier, err := note.NewVerifier(trail.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := txlog.OpenCheckpoint(trail.Checkpoint, "tenge.example.kz/staff", note.VerifierList(verifier))
	if err != nil || c.Size != trail.Size || c.Root != trail.Root {
		t.Errorf("%+v, %v", c, err)
	}
	if e := trail.Lines[1].Record; e.Act != staff.Invited || e.By != p.id || e.Name != "Bolat" ||
		e.Time != uint64(start.UnixMilli()) {
		t.Errorf("%+v", e)
	}
	var again staff.AuditRecord
	if err := json.Unmarshal(trail.Lines[0].Text, &again); err != nil || again.Act != staff.Joined {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err = s.Trail(0, 9, 1); fault.Code(err) != string(token.OutOfRange) {
		t.Errorf("%v", err)
	}
}

// A trail that was changed does not open, and is not begun anew.
func TestADamagedTrailDoesNotOpen(t *testing.T) {
	d := disk.New(1)
	files := d.FS()
	s := open(t, files)
	p := first(t, s, files, start)
	invited(t, s, p, "Bolat", start, staff.Auditor)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := files.List("staff/trail/segments")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if at := bytes.Index(d.Contents("staff/trail/segments/"+name), []byte("auditor")); at >= 0 {
			d.Rot("staff/trail/segments/"+name, int64(at), 1)
		}
	}
	if _, err = staff.Open(config(files)); err == nil {
		t.Fatal("it opened")
	}
}

// What was answered outlives every fault of the disk, whole, and what failed is not done.
func TestStaffOutlivesEveryFault(t *testing.T) {
	steps := []func(s *staff.Store, files vfs.FS, p *person) error{
		func(s *staff.Store, files vfs.FS, p *person) error {
			link, _, err := staff.MakeMachineLink(files, "staff", rand.Reader, start)
			if err == nil {
				*p, err = join(s, link, "Aigul", start)
			}
			return err
		},
		func(s *staff.Store, _ vfs.FS, p *person) error {
			link, _, err := s.Invite(p.id, "Bolat", []staff.Role{staff.Administrator}, token.WalletID{}, start)
			if err == nil {
				_, err = join(s, link, "Bolat", start)
			}
			return err
		},
		func(s *staff.Store, _ vfs.FS, p *person) error { return s.End(p.id, p.id, start) },
	}
	say := func(s *staff.Store) (text string) {
		accounts, _ := s.List(start)
		for _, a := range accounts {
			text += fmt.Sprint(a.Name, a.Roles, a.Ended != 0, len(a.Passkeys), " ")
		}
		return text
	}
	states := []string{"", "Aigul[administrator] false 1 ",
		"Aigul[administrator] false 1 Bolat[administrator] false 1 ",
		"Bolat[administrator] false 1 Aigul[administrator] true 0 "}
	diskfault.Every(t,
		func(files vfs.FS) error { return files.MkdirAll("staff") },
		func(files vfs.FS) (int, error) {
			s, err := staff.Open(config(files))
			if err != nil {
				return 0, err
			}
			var p person
			for done, step := range steps {
				if err := step(s, files, &p); err != nil {
					if got := say(s); got != states[done] {
						t.Errorf("what failed counts: %s after %d", got, done)
					}
					return done, err
				}
			}
			return len(steps), nil
		},
		func(files vfs.FS, done int) error {
			s, err := staff.Open(config(files))
			if err != nil {
				return err
			}
			if got := say(s); got != states[done] && (done == len(steps) || got != states[done+1]) {
				return fmt.Errorf("%q after %d", got, done)
			}
			return nil
		})
}

// Whatever a browser answers, nobody gets in by it who has no passkey that is known, and nothing breaks.
func FuzzAnswers(f *testing.F) {
	files := disk.New(1).FS()
	s := open(f, files)
	p := first(f, s, files, start)
	c, err := s.Begin(staff.ToSignIn, origin, "", start)
	if err != nil {
		f.Fatal(err)
	}
	good, made := assertion(p.Sign(origin, site, c.Challenge)),
		attestation(passkey.New(p.Handle).Make(origin, site, c.Challenge))
	f.Add(good.ID, good.ClientData, good.Authenticator, good.Signature, good.Account, made.Object)
	f.Add(good.ID, made.ClientData, made.Object, good.Signature, good.Account, good.Authenticator)
	f.Add([]byte{}, []byte("{}"), []byte{0xa0}, []byte{}, []byte{}, []byte{0xff})
	link, _, err := s.Invite(p.id, "Bolat", []staff.Role{staff.Auditor}, token.WalletID{}, start)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, clientData, authenticator, signature, account, object []byte) {
		as := staff.Assertion{ID: id, ClientData: clientData, Authenticator: authenticator, Signature: signature,
			Account: account}
		// Another challenge than the one that the first seed answers.
		fresh, err := s.Begin(staff.ToSignIn, origin, "", start)
		if err != nil {
			t.Fatal(err)
		}
		if secret, _, _, err := s.SignIn(origin, fresh.Challenge, as, start); err == nil || secret != "" {
			t.Errorf("signed in by %x", as)
		}
		begun, err := s.Begin(staff.ToJoin, origin, link, start)
		if err != nil {
			t.Fatal(err)
		}
		at := staff.Attestation{ID: id, ClientData: clientData, Object: object}
		if secret, _, _, err := s.Join(origin, link, "Mallory", begun.Challenge, at, start); err == nil ||
			secret != "" {
			t.Errorf("joined by %x", at)
		}
	})
}
