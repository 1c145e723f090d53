package pursecmd

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// held is what a purse holds, in tiyn.
func (s street) held(name string) int64 {
	s.t.Helper()
	var p struct {
		Funds int64 `json:"funds_tiyn"`
	}
	s.alone("", "show", "--json", "--purse", s.purse(name)).JSON(s.t, &p)
	return p.Funds
}

// A street whose purses are looked at by several: whoever breaks off, whatever is asked and shown, the purses together
// hold what was set aside.
func TestPursesThatMeet(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.Done("purse", "bond", "halyk", "--amount", "200000")
	for _, line := range [][]string{{"--hops", "0"}, {"--hops", "6"}, {"--age-hours", "0"}, {"--age-hours", "169"},
		{"--days", "0"}, {"--days", "366"}, {"--payment", "-1"}, {"--offline", "x"}, {"--deposit", "999999999"}} {
		e := s.Run(append([]string{"purse", "open", "aigerim", "--purse", s.purse("none")}, line...)...)
		if _, err := os.Stat(s.purse("none")); err == nil || e.Exit != 2 && e.Exit != 3 {
			t.Fatalf("%v: exit %d, a file: %v\n%s%s", line, e.Exit, err == nil, e.Out, e.Err)
		}
	}
	s.Done("purse", "open", "aigerim", "--deposit", "5000", "--purse", s.purse("a"))
	s.Done("purse", "open", "canteen", "--purse", s.purse("b"))
	for _, part := range []struct {
		name string
		test func(t *testing.T, s street)
	}{
		{"Connections", connectionsThatBreak}, {"Codes", codesThatAreCarried}, {"GivenUp", paymentsThatAreGivenUp},
		{"Ends", endsOfPurses}, {"Openers", namesThatAreOpened},
	} {
		t.Run(part.name, func(t *testing.T) {
			s.t = t
			part.test(t, s)
			if a, b := s.held("a"), s.held("b"); a+b > 500_000 || a < 0 || b < 0 {
				t.Errorf("the purses hold %d and %d of 500000", a, b)
			}
		})
	}
}

// Two devices pay over a connection of their own; one that breaks off, says rubbish or says nothing leaves the payer
// with what it had, or with a payment that is the same when they meet again.
func connectionsThatBreak(t *testing.T, s street) {
	meet := func(payee func(conn net.Conn)) clitest.Ended {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if conn, err := l.Accept(); err == nil {
				payee(conn)
				_ = conn.Close()
			}
		}()
		e := s.alone("", "pay", "100", "--connect", l.Addr().String(), "--purse", s.purse("a"))
		_ = l.Close()
		<-done
		return e
	}
	before := s.held("a")
	for name, payee := range map[string]func(net.Conn){
		"it goes at once": func(net.Conn) {},
		"rubbish":         func(c net.Conn) { _, _ = c.Write([]byte("\xff\xff\xff\xffrubbish")) },
		"half a message":  func(c net.Conn) { _, _ = c.Write([]byte{0, 0, 0, 90, 1, 2, 3}) },
	} {
		if e := meet(payee); e.Exit == 0 || s.held("a") != before {
			t.Errorf("%s: exit %d, %s; holds %d, held %d", name, e.Exit, e.Out, s.held("a"), before)
		}
	}
	s.alone("", "pay", "100", "--connect", "127.0.0.1:1", "--purse", s.purse("a")).Wants(t, 5)
	s.alone("", "pay", "100", "--connect", "x", "--listen", "y", "--purse", s.purse("a")).Wants(t, 2)
	// A payee of this program, over a pipe of a connection.
	e := meet(func(c net.Conn) {
		wire := clitest.FeedFrom(c, c, nouns, "purse", "receive", "100", "--purse", s.purse("b"))
		if wire.Exit != 0 {
			t.Errorf("the payee: exit %d, %s", wire.Exit, wire.Err)
		}
	})
	if e.Exit != 0 || s.held("a") != before-10_000 || s.held("b") != 10_000 {
		t.Errorf("exit %d, %s; purses hold %d and %d", e.Exit, e.Err, s.held("a"), s.held("b"))
	}
	e = meet(func(c net.Conn) {
		_ = clitest.FeedFrom(c, c, nouns, "purse", "receive", "100.01", "--purse", s.purse("b"))
	})
	if e.Exit == 0 || s.held("a") != before-10_000 {
		t.Errorf("more than was allowed: exit %d, %s", e.Exit, e.Out)
	}
}

// A message in frames is the message, in whatever order they come; a part of it, or another's, is none.
func codesThatAreCarried(t *testing.T, s street) {
	code := filepath.Join(s.dir, "request.png")
	request := s.alone("", "receive", "5", "--step", "request", "--ur", "--qr", code, "--purse", s.purse("b")).
		Wants(t, 0).Out
	if info, err := os.Stat(code); err != nil || info.Size() == 0 {
		t.Error(err)
	}
	var paid struct {
		Payment string
		Frames  []string
	}
	e := s.alone(request, "pay", "5", "--step", "payment", "--ur", "--json", "--purse", s.purse("a"))
	if e.JSON(t, &paid); len(paid.Frames) < 2 {
		t.Fatalf("%d frames", len(paid.Frames))
	}
	for name, text := range map[string]string{"half": strings.Join(paid.Frames[:len(paid.Frames)/2], "\n"),
		"one": paid.Frames[0], "torn": paid.Payment[:len(paid.Payment)-2], "a request": request} {
		if e := s.alone(text, "receive", "--step", "payment", "--purse", s.purse("b")); e.Exit == 0 || e.Exit == 4 {
			t.Errorf("%s was taken: exit %d, %s", name, e.Exit, e.Out)
		}
	}
	turned := append(append([]string{}, paid.Frames[1:]...), paid.Frames[0])
	receipt := s.alone(strings.Join(turned, "\n"), "receive", "--step", "payment", "--purse", s.purse("b")).Wants(t, 0).Out
	if again := s.alone(paid.Payment, "receive", "--step", "payment", "--purse", s.purse("b")).Out; again != receipt {
		t.Error("one payment as frames and as a text has two receipts")
	}
	s.alone(receipt, "pay", "1", "--step", "receipt", "--purse", s.purse("a")).Wants(t, 0)
	s.alone("", "receive", "--step", "payment", "5", "--purse", s.purse("b")).Wants(t, 2, "says its amount")
	s.alone("", "receive", "--purse", s.purse("b")).Wants(t, 2, "want an amount")
	for _, amount := range []string{"0", "-5", "x", "99999999999999999999"} {
		e := s.alone("", "receive", "--step", "request", "--purse", s.purse("b"), "--", amount)
		if e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%s: exit %d, %s%s", amount, e.Exit, e.Out, e.Err)
		}
	}
}

// A payment that is given up stays paid, and is listed until its receipt comes; the purse pays on meanwhile.
func paymentsThatAreGivenUp(t *testing.T, s street) {
	s.alone("", "give-up", "--purse", s.purse("a")).Wants(t, 3)
	request := s.alone("", "receive", "7", "--step", "request", "--purse", s.purse("b")).Wants(t, 0).Out
	payment := s.alone(request, "pay", "7", "--step", "payment", "--purse", s.purse("a")).Wants(t, 0).Out
	after := s.held("a")
	other := s.alone("", "receive", "8", "--step", "request", "--purse", s.purse("b")).Wants(t, 0).Out
	if e := s.alone(other, "pay", "8", "--step", "payment", "--purse", s.purse("a")); e.Exit != 3 {
		t.Errorf("two payments wait: exit %d, %s", e.Exit, e.Out)
	}
	var up struct {
		Payment string
		Amount  int64 `json:"amount_tiyn"`
	}
	s.alone("", "give-up", "--json", "--purse", s.purse("a")).JSON(t, &up)
	if up.Payment != strings.TrimSpace(payment) || up.Amount != 700 || s.held("a") != after {
		t.Errorf("%+v, holds %d, held %d", up, s.held("a"), after)
	}
	s.alone("", "give-up", "--list", "--purse", s.purse("a")).Wants(t, 0, up.Payment)
	// Asked for again it is the same payment, and no second one.
	if again := s.alone(request, "pay", "7", "--step", "payment", "--purse", s.purse("a")); again.Out != payment ||
		s.held("a") != after {
		t.Errorf("exit %d, another payment for one request, or %d of %d are left", again.Exit, s.held("a"), after)
	}
	receipt := s.alone(payment, "receive", "--step", "payment", "--purse", s.purse("b")).Wants(t, 0).Out
	s.alone(receipt, "pay", "1", "--step", "receipt", "--purse", s.purse("a")).Wants(t, 0)
	if e := s.alone("", "give-up", "--list", "--purse", s.purse("a")); strings.Contains(e.Out, up.Payment) {
		t.Errorf("it waits still: %s", e.Out)
	}
}

// A purse ends when its time is over, and nobody is convicted by what is no proof.
func endsOfPurses(t *testing.T, s street) {
	s.Refused("claim-window", "purse", "close", "--purse", s.purse("a"))
	if e := s.Run("purse", "close", "halyk"); e.Exit != 3 {
		t.Errorf("a bond comes back before its purses: exit %d, %s", e.Exit, e.Out)
	}
	for name, text := range map[string]string{"empty": "", "rubbish": "zz", "short": "8301",
		"large": strings.Repeat("ab", 1<<20)} {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if e := s.Run("purse", "convict", path); e.Exit == 0 || e.Exit == 4 {
			t.Errorf("%s convicts: exit %d, %s", name, e.Exit, e.Out)
		}
		if e := s.alone("", "update", "--list", path, "--purse", s.purse("b")); e.Exit == 0 {
			t.Errorf("%s is a list of revocations: %s", name, e.Out)
		}
	}
	if e := s.Run("purse", "revocations", "--save", filepath.Join(s.dir, "none", "x")); e.Exit == 0 || e.Out != "" {
		t.Errorf("written in no folder: exit %d, %s", e.Exit, e.Out)
	}
	var view struct{ Bonds []json.RawMessage }
	s.Done("purse", "revocations", "--json").JSON(t, &view)
	if len(view.Bonds) != 1 {
		t.Errorf("%d bonds", len(view.Bonds))
	}
}

// The openers' key is made by all of them, each dealing as it was dealt and in one order; a name is opened by as many
// as it takes, and read by who asked alone.
func namesThatAreOpened(t *testing.T, s street) {
	dir := t.TempDir()
	of := func(name string) string { return filepath.Join(dir, name) }
	said := func(name string, line ...string) string {
		t.Helper()
		var all map[string]string
		s.Done(append([]string{"purse", "openers"}, append(line, "--json")...)...).JSON(t, &all)
		return all[name]
	}
	var points, dealings []string
	for _, n := range []string{"1", "2", "3"} {
		points = append(points, said("point", "key", of(n)))
	}
	s.Wrong("never overwritten", "purse", "openers", "key", of("1"))
	members := strings.Join(points, ",")
	for _, n := range []string{"1", "2", "3"} {
		dealings = append(dealings, said("dealing", "deal", "--members", members, "--opener", n, "--threshold", "2"))
	}
	refuses := func(what string, line ...string) {
		t.Helper()
		if e := s.Run(append([]string{"purse", "openers"}, line...)...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%s: exit %d, %s%s", what, e.Exit, e.Out, e.Err)
		}
	}
	deal := func(line ...string) []string { return append([]string{"deal"}, line...) }
	refuses("opener 0", deal("--members", members)...)
	refuses("opener 4", deal("--members", members, "--opener", "4")...)
	refuses("no members", deal("--opener", "1")...)
	refuses("a member that is none", deal("--members", members+",x", "--opener", "1")...)
	refuses("more than there are", deal("--members", members, "--opener", "1", "--threshold", "4")...)
	refuses("nobody", deal("--members", members, "--opener", "1", "--threshold", "0")...)
	join := func(key, share string, list ...string) []string {
		return append(append([]string{"join"}, list...), "--members", members, "--opener", "1", "--key", of(key), "--share",
			of(share))
	}
	if err := os.WriteFile(of("torn"), []byte("ab\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses("another's key", join("2", "bad", dealings...)...)
	refuses("another order", join("1", "bad", dealings[1], dealings[0], dealings[2])...)
	refuses("one is missing", join("1", "bad", dealings[:2]...)...)
	refuses("one twice", join("1", "bad", dealings[0], dealings[1], dealings[1])...)
	refuses("a torn dealing", join("1", "bad", dealings[0], dealings[1], dealings[2][:80])...)
	refuses("a torn key", join("torn", "bad", dealings...)...)
	if _, err := os.Stat(of("bad")); err == nil {
		t.Error("what was refused has left a share")
	}
	joint := map[string]bool{}
	for i, n := range []string{"1", "2", "3"} {
		joint[said("key", append(append([]string{"join"}, dealings...), "--members", members, "--opener", n, "--key", of(n),
			"--share", of("share"+n))...)] = true
		if len(joint) != 1 {
			t.Fatalf("opener %d has another key", i+1)
		}
	}
	for key := range joint {
		refuses("a torn key", "announce", key[:60])
		s.Done("purse", "openers", "announce", key).Wants(t, 0, "2 of 3")
	}
	s.Refused("no-seal", "purse", "open", "marat", "--purse", s.purse("m"))
	s.Done("purse", "open", "marat", "--name", "Marat Ospan", "--purse", s.purse("m"))
	var m struct{ Purse string }
	s.alone("", "show", "--json", "--purse", s.purse("m")).JSON(t, &m)
	request := said("request", "ask", m.Purse, "--case", "7599/1", "--key", of("court"))
	share := func(n string) string {
		return said("share", "share", request, "--opener", n, "--share", of("share"+n))
	}
	one, three := share("1"), share("3")
	refuses("a share of another opener", "share", request, "--opener", "2", "--share", of("none"))
	refuses("one of two", "open", request, one)
	refuses("one twice", "open", request, one, one)
	refuses("a torn share", "open", request, one, three[:60])
	refuses("not opened yet", "read", m.Purse, "--key", of("court"))
	s.Done("purse", "openers", "open", request, one, three)
	if name := said("name", "read", m.Purse, "--key", of("court")); name != "Marat Ospan" {
		t.Errorf("the name is %q", name)
	}
	refuses("another's key", "read", m.Purse, "--key", of("1"))
	refuses("opened again", "open", request, one, three)
	s.Done("purse", "openings").Wants(t, 0, "1 name", m.Purse)
}
