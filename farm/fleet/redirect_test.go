package fleet_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
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
