package pool_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool/miner"
)

// Blocks are found through the pool by our own miner, are on the node's chain, and pay.
func TestMineThroughThePool(t *testing.T) {
	testnode.Each(t, func(t *testing.T, node *bitcoin.Client) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		p := startPool(t, t.TempDir(), testConfig(), node)
		stats := miner.NewStats(time.Now())
		engine := miner.NewEngine(miner.Options{Threads: 1}, stats)
		go engine.Run(ctx)
		mining, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		pc := miner.PoolClient{URLs: []string{"stratum+tcp://" + p.address}, User: alice + ".rig", Password: "x", Agent: "aqsha/test", Log: quiet}
		go func() { done <- pc.Run(mining, engine, stats) }()
		for {
			info, err := node.Info(ctx) // a node that is busy with sixteen siblings at once may refuse us a connection
			if err != nil && !strings.Contains(err.Error(), "HTTP 503") {
				t.Fatal(err)
			}
			if err == nil && info.Height >= 5 {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		s := stats.Summary(time.Now())
		if s.Accepted == 0 || s.RejectedTotal() > s.Rejected["stale"]+s.Rejected["job not found"] {
			t.Errorf("%+v", s)
		}
	})
}
