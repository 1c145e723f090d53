package txlog_test

import (
	"net/http"
	"testing"

	"github.com/aqsha/aqsha/internal/sim/disk"
)

func TestHandlers(t *testing.T) {
	_, server := serve(t, 70000)
	const tileType, forever = "application/octet-stream", "public, max-age=31536000, immutable"
	for _, c := range []struct {
		method, path       string
		status, bytes      int
		contentType, cache string
	}{
		{"GET", "checkpoint", 200, 0, "text/plain; charset=utf-8", "no-cache"},
		{"HEAD", "checkpoint", 200, 0, "text/plain; charset=utf-8", "no-cache"},
		{"GET", "tile/0/000", 200, 8192, tileType, forever},
		{"GET", "tile/0/272", 200, 8192, tileType, forever},
		{"GET", "tile/0/273", 404, 0, "", ""},
		{"GET", "tile/0/273.p/112", 200, 112 * 32, tileType, forever},
		{"GET", "tile/0/273.p/113", 404, 0, "", ""},
		{"GET", "tile/0/000.p/7", 200, 7 * 32, tileType, forever},
		{"GET", "tile/1/000", 200, 8192, tileType, forever},
		{"GET", "tile/1/001.p/17", 200, 17 * 32, tileType, forever},
		{"GET", "tile/2/000.p/1", 200, 32, tileType, forever},
		{"GET", "tile/3/000.p/1", 404, 0, "", ""},
		{"GET", "tile/8/000", 404, 0, "", ""},
		{"GET", "tile/64/000", 400, 0, "", ""},
		{"GET", "tile/0/0", 400, 0, "", ""},
		{"GET", "tile/0/x036/x028/x797/x018/x963/967", 404, 0, "", ""},
		{"GET", "tile/0/x036/x028/x797/x018/x963/968", 400, 0, "", ""},
		{"GET", "tile/entries/000", 200, 0, tileType, forever},
		{"GET", "tile/entries/273.p/112", 200, 0, tileType, forever},
		{"GET", "tile/entries/273.p/113", 404, 0, "", ""},
		{"GET", "tile/entries/x", 400, 0, "", ""},
		{"POST", "checkpoint", 405, 0, "", ""},
		{"POST", "tile/0/000", 405, 0, "", ""},
		{"GET", "segments", 404, 0, "", ""},
	} {
		request := must(http.NewRequest(c.method, server.URL+"/log/"+c.path, nil))
		response := must(server.Client().Do(request))
		response.Body.Close()
		if response.StatusCode != c.status {
			t.Errorf("%s %s: %s", c.method, c.path, response.Status)
			continue
		}
		if c.bytes > 0 && response.ContentLength != int64(c.bytes) {
			t.Errorf("%s: %d bytes", c.path, response.ContentLength)
		}
		if c.contentType != "" && (response.Header.Get("Content-Type") != c.contentType || response.Header.Get("Cache-Control") != c.cache) {
			t.Errorf("%s: %v", c.path, response.Header)
		}
	}
}

// TestPublicHandlerHasNoEntries: hash tiles are public, entries need a role.
func TestPublicHandlerHasNoEntries(t *testing.T) {
	l := open(t, onDisk(t, disk.New(1)))
	grow(t, l, 300, 100)
	for path, status := range map[string]int{"/tile/entries/000": 404, "/tile/0/000": 200, "/checkpoint": 404} {
		if got := request(l.Handler(), path); got != status {
			t.Errorf("public %s: %d", path, got)
		}
	}
	for path, status := range map[string]int{"/tile/entries/000": 200, "/tile/0/000": 404} {
		if got := request(l.EntriesHandler(), path); got != status {
			t.Errorf("entries %s: %d", path, got)
		}
	}
}

// TestDamageIsNotServed: a bundle that rotted is an error without details.
func TestDamageIsNotServed(t *testing.T) {
	d := disk.New(1)
	l := open(t, onDisk(t, d))
	grow(t, l, 300, 100)
	d.Rot(firstSegment, 700, 1)
	if got := request(l.EntriesHandler(), "/tile/entries/000"); got != http.StatusInternalServerError {
		t.Errorf("status %d", got)
	}
}
