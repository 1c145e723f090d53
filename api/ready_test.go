package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
)

// asked is what a server answers to a path.
func asked(t *testing.T, s *api.Server, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestReadyz(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/readyz?for=payments": 200, "/readyz?for=reads": 200, "/readyz?for=fun": 422} {
		if got, body := asked(t, w.server, path); got != want {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	// Another has become the leader: payments belong there.
	signer := w.world.LogSigner
	fence := node.Fence{Network: w.node.Network(), Epoch: 1, Size: 2, Leader: "another"}
	signed, err := note.Sign(&note.Note{Text: fence.Text()}, signer)
	if err == nil {
		err = w.client.SetFence(t.Context(), signed)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, body := asked(t, w.server, "/readyz"); got != http.StatusServiceUnavailable || !strings.Contains(body, "read-only") {
		t.Errorf("fenced: %d %s", got, body)
	}
	if got, body := asked(t, w.server, "/readyz?for=reads"); got != http.StatusServiceUnavailable {
		t.Errorf("fenced, for reads: %d %s", got, body)
	}
	if got, body := asked(t, w.server, "/v1/supply"); got != http.StatusServiceUnavailable || !strings.Contains(body, `"not-shown"`) || !strings.Contains(body, "Read at the node that leads now") {
		t.Errorf("a read beyond the fence: %d %s", got, body)
	}
	if got, body := asked(t, w.server, "/livez"); got != http.StatusOK {
		t.Errorf("fenced: %d %s", got, body)
	}
}

// A leader whose followers must acknowledge and are not there is alive and not ready; what it may not show is absent, not nought.
func TestALeaderWithoutItsFollowersIsNotReady(t *testing.T) {
	world := sim.NewWorld(5)
	c := node.Config{Dir: t.TempDir(), Now: func() uint64 { return sim.StartMillis + 1000 }}
	c.Options.Origin, c.Options.Signers = world.Genesis.Name, []note.Signer{world.LogSigner}
	if err := node.Init(c, world.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	admit, _ := world.Admit("bank", 1, sim.StartMillis+1_800_000)
	if _, err := n.Submit(t.Context(), admit); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	_, public, err := note.GenerateKey(nil, "follower.one")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := node.ParseFollower(public)
	if err != nil {
		t.Fatal(err)
	}
	c.Followers, c.Acks = []note.Verifier{verifier}, 1
	if n, err = node.Open(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	s := api.New(n, api.Options{Open: true})
	for _, path := range []string{"/readyz", "/readyz?for=reads"} {
		if got, body := asked(t, s, path); got != http.StatusServiceUnavailable || !strings.Contains(body, "waiting for followers: 0 of 1") {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	h, err := api.Local(s).Health(t.Context())
	if err != nil || h.Status != "waiting" || h.Ready || h.Height != nil || len(h.Followers) != 1 || h.Followers[0].Connected || h.Followers[0].Size != nil || h.Followers[0].Lag != nil {
		t.Errorf("%+v, %v", h, err)
	}
	_, figures := asked(t, s, "/metrics")
	for _, name := range []string{"aqsha_height", "aqsha_log_entries", "aqsha_issued_tiyn", "aqsha_follow_lag_entries"} {
		if strings.Contains(figures, "\n"+name+" ") {
			t.Errorf("%s is stated though nobody knows it", name)
		}
	}
	if !strings.Contains(figures, "\naqsha_ready 0\n") || !strings.Contains(figures, "\naqsha_followers_connected 0\n") {
		t.Error("the metrics do not say that it is not ready")
	}
}
