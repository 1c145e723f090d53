package staff_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// who says who stands in a folder's trail, once it was opened under another key.
func who(t testing.TB, files vfs.FS, dir string) (text string) {
	t.Helper()
	c := config(files)
	c.Dir = dir
	s, err := staff.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	accounts, _ := s.List(start)
	for _, a := range accounts {
		text += fmt.Sprint(a.Name, a.Roles, a.Ended != 0, len(a.Passkeys), " ")
	}
	return text
}

// A copy is made while the node writes, is continued, lets in who had a passkey, and holds nothing by which anybody
// gets in who had none.
func TestATrailIsCopied(t *testing.T) {
	files := disk.New(1).FS()
	c, err := staff.Copy(files, "staff", "copy")
	if err != nil || c != (staff.Copied{}) {
		t.Fatalf("of nothing: %+v, %v", c, err)
	}
	s := open(t, files)
	if c, err = staff.Copy(files, "staff", "copy"); err != nil || c != (staff.Copied{}) {
		t.Fatalf("of a store in which nothing was done: %+v, %v", c, err)
	}
	p := first(t, s, files, start)
	if c, err = staff.Copy(files, "staff", "copy"); err != nil || c.Entries != c.New || c.New == 0 ||
		c.Last != uint64(start.UnixMilli()) {
		t.Fatalf("%+v, %v", c, err)
	}
	before := c.Entries
	auditor := invited(t, s, p, "Bolat", start.Add(time.Minute), staff.Auditor)
	if c, err = staff.Copy(files, "staff", "copy"); err != nil || c.New == 0 || c.Entries != before+c.New {
		t.Fatalf("continued: %+v, %v", c, err)
	}
	if c, err = staff.Copy(files, "staff", "copy"); err != nil || c.New != 0 {
		t.Fatalf("again: %+v, %v", c, err)
	}
	names, err := files.List("copy")
	if err != nil || fmt.Sprint(names) != "[trail]" {
		t.Errorf("the copy holds %v, %v", names, err)
	}
	if err := s.End(p.id, auditor.id, start.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := who(t, files, "copy"); got != "Aigul[administrator] false 1 Bolat[auditor] false 1 " {
		t.Error(got)
	}
	config := config(files)
	config.Dir = "copy"
	back, err := staff.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if _, _, ok := back.Session(p.secret, start); ok {
		t.Error("a session came along")
	}
	if _, err := signIn(back, auditor.Device, start.Add(time.Hour)); err != nil {
		t.Errorf("a passkey of the copy: %v", err)
	}
}

// A copy over a trail that knows more, knows something else, or is damaged leaves it as it is, and says which.
func TestACopyOverwritesNothing(t *testing.T) {
	d := disk.New(1)
	files := d.FS()
	s := open(t, files)
	p := first(t, s, files, start)
	if _, err := staff.Copy(files, "staff", "older"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Invite(p.id, "Bolat", []staff.Role{staff.Auditor}, token.WalletID{}, start); err != nil {
		t.Fatal(err)
	}
	for _, copied := range []string{"newer", "damaged"} {
		if _, err := staff.Copy(files, "staff", copied); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := staff.Copy(files, "older", "newer"); !errors.Is(err, staff.ErrCopyDiffers) {
		t.Errorf("over what knows more: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	c := config(files)
	c.Dir = "older"
	other, err := staff.Open(c) // which goes on by itself
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.Invite(p.id, "Mallory", []staff.Role{staff.Authority}, token.WalletID{}, start); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := staff.Copy(files, "staff", "older"); !errors.Is(err, staff.ErrCopyDiffers) {
		t.Errorf("over another history: %v", err)
	}
	rot(t, d, files, "damaged")
	damaged := (*staff.UnreadableCopyError)(nil)
	if _, err := staff.Copy(files, "staff", "damaged"); !errors.As(err, &damaged) {
		t.Errorf("over damage: %v", err)
	}
	rot(t, d, files, "staff")
	if _, err := staff.Copy(files, "staff", "new"); err == nil {
		t.Error("a damaged trail was copied")
	}
}

// rot damages a folder's trail where it speaks of an auditor.
func rot(t testing.TB, d *disk.Disk, files vfs.FS, dir string) {
	t.Helper()
	names, err := files.List(dir + "/trail/segments")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := dir + "/trail/segments/" + name
		if at := bytes.Index(d.Contents(path), []byte("auditor")); at >= 0 {
			d.Rot(path, int64(at), 1)
			return
		}
	}
	t.Fatal("nothing to damage")
}
