package datadir

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// followerKey draws a follower's public key, and gives one with the same key under another name.
func followerKey(t *testing.T, name, other string) (public, renamed string) {
	t.Helper()
	_, verifier, err := note.GenerateKey(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	if public, err = formats.VKeyToCosignatureV1(verifier); err != nil {
		t.Fatal(err)
	}
	renamed, err = note.NewEd25519VerifierKey(other, node.FollowerKey(public))
	if err == nil {
		renamed, err = formats.VKeyToCosignatureV1(renamed)
	}
	if err != nil {
		t.Fatal(err)
	}
	return public, renamed
}

// What a configuration says of other nodes and could never work is refused at the start, with its key; what works is
// not.
func TestAConfigurationOfNodesThatCannotWorkIsRefused(t *testing.T) {
	one, renamed := followerKey(t, "one", "two")
	namesake, _ := followerKey(t, "one", "x")
	other, _ := followerKey(t, "three", "x")
	identity := base64.StdEncoding.EncodeToString(append([]byte{4, 1}, make([]byte, 31)...)) // the curve's neutral point
	for _, test := range []struct{ field, config string }{
		{"", `followers = ["` + one + `", "` + other + `"]` + "\nacks = 2\nkey_days = 1\npeers = [\"https://a.example\", \"http://127.0.0.1:1/\"]"},
		{"followers[1]", `followers = ["` + one + `", "` + one + `"]`},
		{"followers[1]", `followers = ["` + one + `", "` + namesake + `"]`},
		{"followers[1]", `followers = ["` + one + `", "` + renamed + `"]`},
		{"followers[0]", `followers = ["one+00000000+` + identity + `"]`},
		{"followers[0]", `followers = ["one"]`},
		{"acks", `acks = 1`},
		{"acks", `acks = -1`},
		{"acks", `followers = ["` + one + `"]` + "\nacks = 2"},
		{"key_days", `key_days = -1`},
		{"key_days", `key_days = 40000`},
		{"peers[1]", `peers = ["http://a", "not a url"]`},
		{"peers[0]", `peers = ["ftp://a"]`},
		{"leader", `leader = "127.0.0.1:8420"`},
		{"leader", `leader = "http://"`},
		{"acks", "[follower_urls]\nacks = 1"},
		{"peers", "[follower_urls]\npeers = [\"http://a\"]"},
		{"archive", "[follower_urls]\none = \"http://a\"\narchive = \"/srv/archive\""},
		{"leader", "[follower_urls]\nleader = \"http://a\""},
		{"listen", "[[access]]\nname = \"a\"\nlisten = \"127.0.0.1:1\""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(test.config), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(dir)
		var refused *token.Error
		switch {
		case test.field == "" && err != nil:
			t.Errorf("%s: %v", test.config, err)
		case test.field != "" && (!errors.As(err, &refused) || refused.Code != BadConfig || refused.Field != test.field || !strings.Contains(err.Error(), ConfigFile)):
			t.Errorf("%s: %v, want one about %s", test.config, err, test.field)
		}
	}
}

// A key that is read as another table's is said to be so, in words that say where it belongs; a follower may have the
// name of one.
func TestAKeyBelowATable(t *testing.T) {
	leader, _ := followerKey(t, "leader", "x")
	dir := t.TempDir()
	write := func(config string) error {
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadConfig(dir)
		return err
	}
	if err := write("[follower_urls]\nacks = 1"); err == nil || !strings.Contains(err.Error(), "below [follower_urls]") || !strings.Contains(err.Error(), "above the first line") {
		t.Errorf("%v", err)
	}
	if err := write(`followers = ["` + leader + `"]` + "\n[follower_urls]\nleader = \"http://a\""); err != nil {
		t.Errorf("a follower of that name: %v", err)
	}
}

// What stands where a follower's key must is said in words of followers.
func TestAFollowersKeyInWords(t *testing.T) {
	for _, public := range []string{"one", "one+5a1c9e0b", "one+5a1c9e0b+AbCd", "", "a b+00000000+AAAA"} {
		if err := CheckFollowers([]string{public}); err == nil || strings.Contains(err.Error(), "malformed") || !strings.Contains(err.Error(), "public key of a follower") {
			t.Errorf("%q: %v", public, err)
		}
	}
}

// An archive that can be made, or written, is none of a check's business; one that cannot is found before a segment
// is full. A check leaves nothing behind.
func TestAnArchiveIsTried(t *testing.T) {
	dir, disk := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(disk, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		archive string
		works   bool
	}{
		{"", true}, {disk, true}, {filepath.Join(disk, "not", "yet", "there"), true}, {filepath.Join(disk, "file"), false},
		{filepath.Join(disk, "file", "below"), false}, {"/proc/aqsha/archive", false}, {"/dev/null", false},
	} {
		err := Config{Archive: test.archive}.TryArchive(dir)
		var refused *token.Error
		if works := err == nil; works != test.works || (!works && (!errors.As(err, &refused) || refused.Field != "archive")) {
			t.Errorf("%q: %v", test.archive, err)
		}
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
