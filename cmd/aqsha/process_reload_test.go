package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
)

// servesLogged starts a command that serves, with what it logs in a file.
func servesLogged(t *testing.T, log string, args ...string) *process {
	t.Helper()
	file, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := &process{Cmd: aqsha(args...)}
	p.Stderr = file
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.kill() })
	if said, ok := logs(log, " at http"); ok {
		_, rest, _ := strings.Cut(said, " at http")
		p.url = "http" + strings.Fields(rest)[0]
		return p
	}
	said, _ := os.ReadFile(log)
	t.Fatalf("the node did not start:\n%s", said)
	return nil
}

// logs waits until a log says something, and returns all of it.
func logs(path, want string) (string, bool) {
	for range 300 {
		if said, err := os.ReadFile(path); err == nil && strings.Contains(string(said), want) {
			return string(said), true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "", false
}

// edit changes a directory's configuration as an operator does.
func edit(t *testing.T, dir string, change func(c *datadir.Config)) {
	t.Helper()
	c, err := datadir.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	change(&c)
	if err := datadir.WriteConfig(dir, c); err != nil {
		t.Fatal(err)
	}
}

// Followers are added and taken out while the leader runs; a wrong file changes nothing, and what takes a restart is named.
func TestTheConfigurationIsReloaded(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 1)
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	g.leader.stop(t)
	log := filepath.Join(t.TempDir(), "leader.log")
	g.leader = servesLogged(t, log, "up", "--data", g.path("a"), "--listen", strings.TrimPrefix(g.leader.url, "http://"))
	g.comes("both follow", g.leader.url, func(h api.Health) bool { return h.Followers[0].Connected && h.Followers[1].Connected })
	var made nodecmd.Copied
	if err := json.Unmarshal([]byte(run1Out(t, "follow", g.leader.url, "--data", g.path("d"), "--once", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	hup := func(says string) {
		t.Helper()
		_ = g.leader.Process.Signal(syscall.SIGHUP)
		if _, said := logs(log, says); !said {
			content, _ := os.ReadFile(log)
			t.Fatalf("it never says %q:\n%s", says, content)
		}
	}
	good, err := os.ReadFile(filepath.Join(g.path("a"), datadir.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"acks = 7\n", "log_level = \"loud\"\n", "nonsense = 1\n"} {
		content := strings.Replace(string(good), "acks = 1\n", "", 1)
		content = strings.Replace(content, "listen =", "origins = [\"https://other.example\"]\n"+wrong+"listen =", 1)
		if err := os.WriteFile(filepath.Join(g.path("a"), datadir.ConfigFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(log, 0); err != nil {
			t.Fatal(err)
		}
		hup("everything stays as it was")
	}
	if m, err := api.NewClient(g.leader.url, "").Members(t.Context()); err != nil || m.Acks != 1 || len(m.Followers) != 2 {
		t.Errorf("a wrong file changed %+v, %v", m, err)
	}
	if err := os.WriteFile(filepath.Join(g.path("a"), datadir.ConfigFile), good, 0o600); err != nil {
		t.Fatal(err)
	}

	edit(t, g.path("a"), func(c *datadir.Config) { c.Followers, c.Acks, c.KeyDays = append(c.Followers, made.FollowerKey), 2, 99 })
	hup("key_days")
	if said, _ := os.ReadFile(log); !strings.Contains(string(said), "followers, acks") {
		t.Errorf("it says %s", said)
	}
	d := g.follow("d", g.leader.url)
	defer d.kill()
	g.comes("three follow", g.leader.url, func(h api.Health) bool {
		return len(h.Followers) == 3 && h.Followers[0].Connected && h.Followers[1].Connected && h.Followers[2].Connected
	})
	for _, name := range []string{"b", "c"} {
		kept := false
		for range 300 {
			if c, err := datadir.ReadConfig(g.path(name)); err == nil && len(c.Followers) == 3 && c.Acks == 2 {
				kept = true
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if !kept {
			t.Errorf("%s never heard of the new follower", name)
		}
	}
	g.follows[0].kill()
	run1(t, "pay", "bank", "shop", "2", "--data", g.path("a")) // two of the three others acknowledge

	edit(t, g.path("a"), func(c *datadir.Config) { c.Followers, c.Acks = c.Followers[2:], 1 })
	_ = g.leader.Process.Signal(syscall.SIGHUP)
	g.comes("one follows", g.leader.url, func(h api.Health) bool { return len(h.Followers) == 1 })
	g.follows[1].kill()
	run1(t, "pay", "bank", "shop", "3", "--data", g.path("a"))
}

// Whom to follow is remembered when it was heard and what it shows held: neither a node of another network nor an address where
// nobody answers takes the leader's place.
func TestAWrongAddressIsNotRemembered(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 0)
	g.keeps("b", g.leader.url)
	g.follows[0].stop(t)
	run1(t, "init", "--development", "--shared-keys", "--data", g.path("other"))
	other := up(t, g.path("other"))
	defer other.kill()
	if out, err := aqsha("follow", other.url, "--data", g.path("b")).CombinedOutput(); err == nil || !strings.Contains(string(out), "wrong-network") {
		t.Errorf("followed another network: %v\n%s", err, out)
	}
	if out, err := aqsha("follow", "nonsense", "--data", g.path("b")).CombinedOutput(); err == nil || !strings.Contains(string(out), "is not the URL of a node") {
		t.Errorf("followed nonsense: %v\n%s", err, out)
	}
	nobody := g.follow("b", "http://127.0.0.1:1")
	nobody.stop(t)
	if c, err := datadir.ReadConfig(g.path("b")); err != nil || c.Leader != g.leader.url {
		t.Errorf("it remembers %s, %v", c.Leader, err)
	}
	// Another address of the same leader is kept when it was heard.
	again := g.follow("b", strings.Replace(g.leader.url, "127.0.0.1", "localhost", 1))
	defer again.kill()
	g.keeps("b", strings.Replace(g.leader.url, "127.0.0.1", "localhost", 1))
}

// keeps waits until a follower keeps whom it follows.
func (g *group) keeps(name, leader string) {
	g.t.Helper()
	for range 300 {
		if c, err := datadir.ReadConfig(g.path(name)); err == nil && c.Leader == leader {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	g.t.Fatalf("%s never kept %s", name, leader)
}
