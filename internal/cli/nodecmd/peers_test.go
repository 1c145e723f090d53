package nodecmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// answering is a node that answers every question with one text.
func answering(t *testing.T, status int, text string) *api.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	return api.NewClient(server.URL, "")
}

// follower makes the public key of a follower.
func follower(t *testing.T, name string) string {
	t.Helper()
	_, verifier, err := note.GenerateKey(nil, name)
	if err == nil {
		verifier, err = formats.VKeyToCosignatureV1(verifier)
	}
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

// A follower keeps who the leader says that the followers are, for the day when the leader is lost; what it could not
// start with, or what no leader said, changes nothing.
func TestWhatALeaderSaysOfItsFollowers(t *testing.T) {
	t.Parallel()
	first, second := follower(t, "first"), follower(t, "second")
	before := datadir.Config{Leader: "http://127.0.0.1:1", Listen: "127.0.0.1:2", Followers: []string{first}, Acks: 1,
		FollowerURLs: map[string]string{"first": "http://127.0.0.1:3"}}
	members := func(acks int, urls map[string]string, followers ...string) string {
		text, err := json.Marshal(api.Members{Followers: followers, Acks: acks, URLs: urls})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	urls := map[string]string{"second": "http://127.0.0.1:4", "first": "http://127.0.0.1:5"}
	for name, c := range map[string]struct {
		status  int
		text    string
		changes bool
	}{
		"two":                        {200, members(2, urls, first, second), true},
		"another's address":          {200, members(1, map[string]string{"first": "http://127.0.0.1:9"}, first), true},
		"the same":                   {200, members(1, nil, first), false},
		"more acks than followers":   {200, members(3, urls, first, second), false},
		"a key that is none":         {200, members(1, nil, first, "second"), false},
		"one key twice":              {200, members(1, nil, first, first), false},
		"no acks below nothing":      {200, members(-1, nil, first), false},
		"an address that is none":    {200, members(1, map[string]string{"first": "gopher://x"}, first), false},
		"a name that is a key's":     {200, members(1, map[string]string{"leader": "http://127.0.0.1:9"}, first), false},
		"nothing that can be read":   {200, "<html>", false},
		"busy":                       {429, `{"code":"overloaded"}`, false},
		"broken, and says something": {500, members(2, urls, first, second), false},
	} {
		dir := t.TempDir()
		if err := datadir.WriteConfig(dir, before); err != nil {
			t.Fatal(err)
		}
		held := before
		held.Listen = "127.0.0.1:7777" // of this run's --listen
		if err := keepMembers(t.Context(), dir, &held, answering(t, c.status, c.text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		kept, err := datadir.ReadConfig(dir)
		if err != nil {
			t.Errorf("%s: what was kept cannot be read: %v", name, err)
		}
		changed := len(differing(before, kept)) > 0 || !maps.Equal(before.FollowerURLs, kept.FollowerURLs)
		if changed != c.changes || kept.Listen != before.Listen || kept.Leader != before.Leader {
			t.Errorf("%s: %+v", name, kept)
		}
		if !reflect.DeepEqual(held.Members(), kept.Members()) {
			t.Errorf("%s: holds %+v, keeps %+v", name, held.Members(), kept.Members())
		}
	}
}

// Addresses that are said are added to those that are known; what is no node's URL is not.
func TestAddressesOfFollowers(t *testing.T) {
	t.Parallel()
	known := map[string]string{"a": "http://a:1"}
	said := map[string]string{"a": "http://a:2", "b": "https://b", "c": "ftp://c", "d": ""}
	if got := KnownURLs(known, said); !maps.Equal(got, map[string]string{"a": "http://a:2", "b": "https://b"}) {
		t.Errorf("%v", got)
	}
	if known["a"] != "http://a:1" {
		t.Error("what was known was changed in its place")
	}
	if got := KnownURLs(nil, map[string]string{"c": "ftp://c"}); got != nil {
		t.Errorf("%v of nothing", got)
	}
	for listens, want := range map[string][2]string{ // by address, without and with one in the configuration
		"http://127.0.0.1:8420": {"http://127.0.0.1:8420", "https://n.example"},
		"https://0.0.0.0:8420":  {"", "https://n.example"}, "http://[::]:8420": {"", "https://n.example"},
		"http://n.local:8420": {"http://n.local:8420", "https://n.example"}, "::": {"", "https://n.example"},
	} {
		if got := ownURL(datadir.Config{}, listens); got != want[0] {
			t.Errorf("%s: %q, want %q", listens, got, want[0])
		}
		if got := ownURL(datadir.Config{URL: "https://n.example/"}, listens); got != want[1] {
			t.Errorf("%s: %q, want %q", listens, got, want[1])
		}
	}
}

// Every key of the configuration that differs is named when the file is taken in, but for what the node writes itself.
func TestEveryKeyThatDiffersIsNamed(t *testing.T) {
	t.Parallel()
	of := reflect.TypeFor[datadir.Config]()
	seen := 0
	for i := range of.NumField() {
		key, _, _ := strings.Cut(of.Field(i).Tag.Get("toml"), ",")
		var before, after datadir.Config
		field := reflect.ValueOf(&after).Elem().Field(i)
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Int:
			field.SetInt(1)
		case reflect.Bool:
			field.SetBool(true)
		case reflect.Slice:
			if key == "-" {
				continue
			}
			reflect.ValueOf(&before).Elem().Field(i).Set(reflect.MakeSlice(field.Type(), 0, 1))
			if got := differing(before, datadir.Config{}); len(got) != 0 {
				t.Errorf("an empty list and none: %v", got)
			}
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case reflect.Map:
			field.Set(reflect.ValueOf(map[string]string{"a": "http://a"}))
		default:
			if key != "-" {
				t.Errorf("a key of a kind that is not tried: %s", key)
			}
			continue
		}
		got, want := differing(before, after), []string{key}
		if key == "-" || key == "follower_urls" {
			want = nil
		}
		if seen++; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", key, got)
		}
	}
	if seen < 15 {
		t.Errorf("%d keys were tried", seen)
	}
	if keysOrNone(nil) != "none" || keysOrNone([]string{"a", "b"}) != "a, b" {
		t.Error("an empty list says nothing in a log")
	}
}

// Who changes a directory's configuration at the same time as others loses nothing of theirs: accesses that are given
// and taken back, whom a follower follows, where followers can be asked.
func TestNobodysChangeOfAConfigurationIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const each = 8
	c := datadir.Config{Leader: "http://127.0.0.1:1", Listen: datadir.DefaultListen, Followers: []string{}}
	urls := map[string]string{}
	for i := range each {
		name := fmt.Sprint("f", i)
		c.Followers = append(c.Followers, follower(t, name))
		urls[name] = "http://127.0.0.1:" + fmt.Sprint(100+i)
		c.Access = append(c.Access, api.Access{Name: fmt.Sprint("old", i), Role: api.RoleAuditor,
			TokenSHA256: api.HashToken(fmt.Sprint(i))})
	}
	if err := datadir.WriteConfig(dir, c); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range each {
		all.Go(func() { run(t, dir, "access", "new", fmt.Sprint("new", i)).Wants(t, 0) })
		all.Go(func() { run(t, dir, "access", "revoke", fmt.Sprint("old", i)).Wants(t, 0) })
		all.Go(func() {
			if err := adoptLeader(dir, "http://127.0.0.1:"+fmt.Sprint(i+2)); err != nil { // none is the leader of before
				t.Error(err)
			}
		})
		all.Go(func() {
			name := fmt.Sprint("f", i)
			text, _ := json.Marshal(api.Members{Followers: c.Followers, URLs: map[string]string{name: urls[name]}})
			held, err := datadir.ReadConfig(dir)
			if err == nil {
				err = keepMembers(t.Context(), dir, &held, answering(t, 200, string(text)))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := datadir.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Access) != each {
		t.Errorf("%d accesses are left, want the %d new ones", len(got.Access), each)
	}
	for _, a := range got.Access {
		if !strings.HasPrefix(a.Name, "new") {
			t.Errorf("%s was revoked and opens again", a.Name)
		}
	}
	if got.Leader == c.Leader && each > 1 || !maps.Equal(got.FollowerURLs, urls) {
		t.Errorf("leader %s, followers at %v", got.Leader, got.FollowerURLs)
	}
}

// An access is given in the directory of a ledger alone, in a role that there is; what is refused leaves no file and no
// token that opens nothing.
func TestAccessesThatAreNotGiven(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir, token := filepath.Join(root, "net"), filepath.Join(root, "token")
	run(t, dir, "access", "new", "x").Wants(t, 2, "no network in")
	run(t, root, "access", "revoke", "x").Wants(t, 2, "no network in")
	run(t, dir, "access", "list", "--node", "http://127.0.0.1:1").Wants(t, 2, "on the node's machine")
	run(t, dir, "init", "--development").Wants(t, 0)
	for _, line := range [][]string{{"x", "--role", "king"}, {"x", "--role", ""}, {"two words"}, {""},
		{"x", "--for", "d"}, {"x", "--role", "intermediary", "--bank", "nobody"}} {
		if e := run(t, dir, append([]string{"access", "new", "--out", token}, line...)...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%q: exit %d, %s", line, e.Exit, e.Err)
		}
		if _, err := os.Stat(token); err == nil {
			t.Fatalf("%q has left a token", line)
		}
	}
	run(t, dir, "access", "new", "x", "--out", filepath.Join(root, "none", "token")).Wants(t, 1, "none")
	var list []map[string]any
	run(t, dir, "access", "list", "--json").JSON(t, &list)
	files, err := filepath.Glob(filepath.Join(dir, "*.lock"))
	if err != nil || len(list) != 0 || len(files) != 0 {
		t.Errorf("accesses %v, files %v, %v", list, files, err)
	}
	run(t, dir, "access", "new", "x", "--out", token).Wants(t, 0)
	if info, err := os.Stat(token); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a token that others can read: %v, %v", info, err)
	}
	ended := api.Access{Name: "over", Role: api.RoleAuthority, TokenSHA256: api.HashToken("x")}
	if err := datadir.ChangeConfig(dir, func(c *datadir.Config) error {
		ended.Expires = ended.Expires.AddDate(2020, 0, 0)
		c.Access = append(c.Access, ended)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "access", "list").Wants(t, 0, "over", "expired", "authority")
}
