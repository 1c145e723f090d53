package fleet_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/farm/fleet"
)

// What a machine answers leads nobody to another address.
func TestAMachinesRedirectIsNotFollowed(t *testing.T) {
	var asked atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+"/internal/metadata", http.StatusFound)
	}))
	defer machine.Close()
	host, text, _ := net.SplitHostPort(machine.Listener.Addr().String())
	port, _ := strconv.Atoi(text)
	client, base := fleet.AntminerHTTP(host, port, "", "")
	_, _ = client.Do(context.Background(), http.MethodGet, base+"/cgi-bin/get_system_info.cgi", "")
	if asked.Load() != 0 {
		t.Error("the machine's redirect was followed")
	}
}

// A password of ours is shown to machines of the fleet: from the digest over a nonce of his choice whoever answers at another
// address finds it out at leisure.
func TestAScanShowsAPasswordToTheFleetOnly(t *testing.T) {
	var mu sync.Mutex
	users := map[string]bool{}
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, rest, found := strings.Cut(r.Header.Get("Authorization"), `username="`); found {
			user, _, _ := strings.Cut(rest, `"`)
			mu.Lock()
			users[user] = true
			mu.Unlock()
		}
		w.Header().Set("WWW-Authenticate", `Digest realm="antMiner Configuration", nonce="chosen", qop="auth"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer machine.Close()
	host, text, _ := net.SplitHostPort(machine.Listener.Addr().String())
	port, _ := strconv.Atoi(text)
	for _, trusted := range []bool{false, true} {
		clear(users)
		_, err := fleet.ScanAddresses(context.Background(), []netip.Addr{netip.MustParseAddr(host)}, fleet.ScanOptions{Port: 1, PortV3: 1, HTTPPort: port, User: "ours", Password: "secret",
			Trusted: func(at string) bool { return trusted && at == host }})
		if err != nil || users["ours"] != trusted {
			t.Errorf("trusted %v: %v was shown, %v", trusted, users, err)
		}
	}
}
