package pool_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// siblings is a pool on a node that has found two blocks on one parent: the first is on the chain.
func siblings(t *testing.T) (node *bitcoin.Client, p *running, hashes [2]bitcoin.Hash) {
	t.Helper()
	node = testnode.CoreWith(t, "regtest", "-listen=0").Client
	ctx := context.Background()
	if _, err := node.MineBlocks(ctx, 2, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	p = startPool(t, t.TempDir(), testConfig(), node)
	c := dial(t, p.address).login(alice)
	network, _ := bitcoin.TargetOfBits(c.job().Bits)
	job := c.job()
	for i := range hashes {
		params := c.find(alice, job, uint64(i), func(h bitcoin.Hash) bool {
			hashes[i] = h
			return network.Met(h) && meets(c.difficulty)(h)
		})
		c.expect("a block", params, 0)
		if i == 0 {
			eventually(t, "the first is the tip", func() bool { tip, err := node.Tip(ctx); return err == nil && tip == hashes[0] })
		}
	}
	return node, p, hashes
}

// A second block on the same parent is handed over as well: the network decides between them. One that is sent
// again is not another.
func TestSiblingIsHandedOver(t *testing.T) {
	t.Parallel()
	node, p, hashes := siblings(t)
	for _, hash := range hashes {
		eventually(t, "the node knows the block", func() bool {
			_, _, err := node.Position(context.Background(), hash)
			return err == nil
		})
	}
	eventually(t, "the accounts have both, and one is an orphan", func() bool {
		status := blockStatuses(p.Pool)
		return len(status) == 2 && strings.Count(strings.Join(status, " "), "orphaned") == 1
	})
}

// The flag of the block that is on the chain is moved to its sibling, which is then said to be an orphan: the
// chain convicts, and so does the log alone, where the sibling came later.
func TestFlagMovedToTheSibling(t *testing.T) {
	t.Parallel()
	node, p, hashes := siblings(t)
	var honest forged
	for entry, err := range p.Log().Entries(0, p.Log().Size()) {
		if err != nil {
			t.Fatal(err)
		}
		honest = append(honest, slices.Clone(entry))
	}
	audited := func(log forged, chain bool) []audit.Contradiction {
		auditor, err := audit.Replay(log, true)
		if err != nil {
			t.Fatal(err)
		}
		if chain {
			if err := auditor.CheckChain(context.Background(), regtest, node); err != nil {
				t.Fatal(err)
			}
		}
		return auditor.Contradictions()
	}
	if found := audited(honest, true); len(found) > 0 {
		t.Fatalf("the honest log: %v", found)
	}
	forgery := func(later int64) (log forged) {
		var base int64
		for _, entry := range honest {
			record, err := sharelog.Decode(entry)
			if err != nil {
				t.Fatal(err)
			}
			switch r := record.(type) {
			case *sharelog.Status:
				continue
			case *sharelog.Share:
				r.SolvesBlock = !slices.Equal(r.HashPrefix[:], hashes[0][:16])
				if !r.SolvesBlock {
					base = r.TimeMillis
				} else {
					r.TimeMillis = base + later
				}
				entry = sharelog.Append(nil, r)
			}
			log = append(log, entry)
		}
		return append(log, sharelog.Append(nil, &sharelog.Status{TimeMillis: base + 60_000, Hash: hashes[1], Status: sharelog.StatusOrphaned}))
	}
	for name, found := range map[string][]audit.Contradiction{"chain": audited(forgery(10), true), "log": audited(forgery(5000), false)} {
		if !slices.ContainsFunc(found, func(c audit.Contradiction) bool { return c.Field == "solves" }) {
			t.Errorf("the %s does not convict: %v", name, found)
		}
	}
}
