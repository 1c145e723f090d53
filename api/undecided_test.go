package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// standstill takes what is proposed, and orders nothing.
type standstill struct{}

func (standstill) Propose(*node.Batch) *token.Error { return nil }
func (standstill) Behind() bool                     { return false }

// What a cluster has not decided when the time for answers is over is answered as not known, with why the cluster does
// not decide; and as long as one waits, the node says the same of itself.
func TestWhatIsNotDecidedSaysWhy(t *testing.T) {
	t.Parallel()
	world := sim.NewWorld(1)
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: world.Genesis.Name,
		Signers: []note.Signer{world.LogSigner}, SegmentBytes: 1 << 20}}
	if err := node.Init(config, world.Genesis); err != nil {
		t.Fatal(err)
	}
	config.Options.Signers, config.Sequencer, config.TrustClock = nil, standstill{}, true
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	seen := status.Status{Member: "central", Reached: 2, Needed: 3, Silent: 5_000, Members: []status.Member{
		{Name: "central", Self: true}, {Name: "dala", Connected: true}, {Name: "tulpar"}, {Name: "farmers"}}}
	server := api.New(n, api.Options{Open: true, Cluster: func() status.Status { return seen }})
	defer server.Close()
	client := api.Local(server)
	admit, _ := world.Admit("bank", 1, soon())
	answer := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond) // in place of the server's own 30 s
		defer cancel()
		_, err := client.Submit(ctx, admit)
		return err
	}
	const why = "2 of 4, and 3 are needed; away: tulpar, farmers"
	if err := answer(); fault.Code(err) != string(node.Undecided) || !strings.Contains(err.Error(), why) {
		t.Errorf("answered %v", err)
	}
	if reason := client.NotReady(t.Context()); !strings.Contains(reason, why) {
		t.Errorf("not ready: %q", reason)
	}
	if got, _ := asked(t, server, "/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", got)
	}
	seen.Reached, seen.Silent = 4, 0
	if err := answer(); fault.Code(err) != string(node.Undecided) || !strings.Contains(err.Error(), "no block has it yet") {
		t.Errorf("answered %v", err)
	}
	if reason := client.NotReady(t.Context()); reason != "" {
		t.Errorf("ready: %q", reason)
	}
}
