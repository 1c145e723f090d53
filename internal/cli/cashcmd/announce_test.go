package cashcmd

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// keysetsOf are an office's keysets in the order of its file, as first digits of their ids, with a star behind those
// that are announced.
func keysetsOf(t *testing.T, dir string) string {
	t.Helper()
	list, err := office.ReadKeys(vfs.OS, dir)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, k := range list {
		said = append(said, k.ID.String()[:8]+strings.Repeat("*", min(len(k.Announcement), 1)))
	}
	return strings.Join(said, " ")
}

// addKeyset adds a keyset that signs until a time, and returns the first digits of its id.
func addKeyset(t *testing.T, dir string, secret byte, until uint64) string {
	t.Helper()
	key, err := office.NewKey([32]byte{secret}, cash.Binary(), 1, until, until+1000)
	if err == nil {
		err = office.UpdateKeys(vfs.OS, dir, func(list []office.KeyFile) ([]office.KeyFile, error) {
			return append(list, key), nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return key.ID.String()[:8]
}

const farAhead = 4_000_000_000 // in Unix seconds

// A keyset that is refused leaves noted what the ledger took before it, and the same command goes on behind it once it
// is out of the way.
func TestALaterKeysetThatIsRefused(t *testing.T) {
	l := served.Start(t, nouns)
	dir := filepath.Join(t.TempDir(), "office")
	run(t, "keys", "new", "--office", dir).Wants(t, 0)
	first := keysetsOf(t, dir)
	over := addKeyset(t, dir, 1, 2) // signs nothing any more: the ledger refuses it
	last := addKeyset(t, dir, 2, farAhead)
	announce := []string{"cash", "keys", "announce", "reserve", "--office", dir}
	l.Run(announce...).Wants(t, 3, "is announced by", first, "would sign nothing any more")
	if got, want := keysetsOf(t, dir), first+"* "+over+" "+last; got != want {
		t.Fatalf("the office knows %s, want %s", got, want)
	}
	l.Refused("expired", announce...) // of the first nothing is said again
	list, err := office.ReadKeys(vfs.OS, dir)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "keys", "retire", list[1].ID.String(), "--office", dir).Wants(t, 0)
	l.Done(announce...).Wants(t, 0, last)
	if got, want := keysetsOf(t, dir), first+"* "+over+" "+last+"*"; got != want {
		t.Errorf("the office knows %s, want %s", got, want)
	}
	l.Done(announce...)
}

// An announcement whose answer is lost is on the ledger and not in the keys' file: the next run takes it up, with the
// name of the reserve that it opened, and announces nothing twice. Another reserve's name is not given to it.
func TestAnAnnouncementWhoseAnswerIsLost(t *testing.T) {
	l := served.Start(t, append(nouns[:len(nouns):len(nouns)], walletcmd.NewBalanceCommand))
	dir := filepath.Join(t.TempDir(), "office")
	run(t, "keys", "new", "--office", dir).Wants(t, 0)
	first := keysetsOf(t, dir)
	announce := func(reserve string, flags ...string) []string {
		return append([]string{"cash", "keys", "announce", reserve, "--office", dir}, flags...)
	}
	l.Run(announce("reserve", "--node", l.Lossy(1))...).Wants(t, 4)
	if got := keysetsOf(t, dir); got != first {
		t.Fatalf("the office knows %s before it was answered", got)
	}
	l.Refused("duplicate", announce("other")...)
	l.Refused("unknown-name", "balance", "reserve")
	l.Done(announce("reserve")...).Wants(t, 0, "is announced by")
	l.Done("balance", "reserve")
	if got, want := keysetsOf(t, dir), first+"*"; got != want {
		t.Errorf("the office knows %s, want %s", got, want)
	}
	// And so of one that comes later, for the reserve that is there.
	second := addKeyset(t, dir, 3, farAhead)
	l.Run(announce("reserve", "--node", l.Lossy(1))...).Wants(t, 4)
	l.Refused("duplicate", announce("other")...)
	l.Done(announce("reserve")...).Wants(t, 0, second)
	if got, want := keysetsOf(t, dir), first+"* "+second+"*"; got != want {
		t.Errorf("the office knows %s, want %s", got, want)
	}
	// The folder of another office with this one's keysets has another log.
	stranger := t.TempDir()
	err := office.UpdateKeys(vfs.OS, stranger, func([]office.KeyFile) ([]office.KeyFile, error) {
		list, err := office.ReadKeys(vfs.OS, dir)
		list[0].Announcement = ""
		return list, err
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, "keys", "new", "--office", stranger).Wants(t, 0)
	l.Refused("other-log", "cash", "keys", "announce", "reserve", "--office", stranger)
}

// With --out the first keyset is drafted, and noted once the ledger has it: a draft may never be signed.
func TestAnAnnouncementIsDrafted(t *testing.T) {
	l := served.Start(t, append(nouns[:len(nouns):len(nouns)], walletcmd.NewTxCommand))
	dir, draft := filepath.Join(t.TempDir(), "office"), filepath.Join(t.TempDir(), "draft.json")
	run(t, "keys", "new", "--office", dir).Wants(t, 0)
	second := addKeyset(t, dir, 1, farAhead)
	before := keysetsOf(t, dir)
	l.Done("cash", "keys", "announce", "reserve", "--office", dir, "--out", draft).Wants(t, 0, draft)
	l.Run("cash", "keys", "announce", "reserve", "--office", dir).Wants(t, 2, "backs no banknotes")
	if got := keysetsOf(t, dir); got != before {
		t.Fatalf("the office knows %s of what nobody has submitted, want %s", got, before)
	}
	l.Done("tx", "submit", draft)
	l.Done("cash", "keys", "announce", "reserve", "--office", dir).Wants(t, 0, strings.Fields(before)[0], second)
	if got, want := keysetsOf(t, dir), strings.ReplaceAll(before, " ", "* ")+"*"; got != want {
		t.Errorf("the office knows %s, want %s", got, want)
	}
}

// A keyset that is announced comes behind those that were before, whatever stands between them and behind.
func TestOrderOfKeysets(t *testing.T) {
	for _, tc := range []struct{ before, after string }{
		{"u", "A"}, {"a u", "a A"}, {"u a", "a A"}, {"r u a", "r a A"}, {"r a u u", "r a A u"}, {"u r a u", "r a A u"},
		{"a r", "a r"}, {"r", "r"}, {"a", "a"}, {"u u", "A u"}, {"r u", "r A"},
	} {
		dir := t.TempDir()
		ids := map[cash.KeysetID]string{}
		err := office.UpdateKeys(vfs.OS, dir, func([]office.KeyFile) (list []office.KeyFile, err error) {
			for i, what := range strings.Fields(tc.before) {
				k, err := office.NewKey([32]byte{byte(i)}, cash.Binary()[:1], 1, 2, 3)
				if err != nil {
					return nil, err
				}
				k.Retired = what == "r"
				if what == "a" {
					k.Announcement = "before"
				}
				ids[k.ID], list = what, append(list, k)
			}
			return list, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = announceNext(dir, func(k *office.KeyFile) (string, error) {
			ids[k.ID] = "A"
			return "now", nil
		})
		if err != nil {
			t.Fatal(err)
		}
		list, err := office.ReadKeys(vfs.OS, dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range list {
			got = append(got, ids[k.ID])
		}
		if !slices.Equal(got, strings.Fields(tc.after)) {
			t.Errorf("%s becomes %v, want %s", tc.before, got, tc.after)
		}
	}
}
