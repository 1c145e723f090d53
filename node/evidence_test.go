package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// lead opens a promoted directory as the leader.
func lead(t *testing.T, f *fleet, c node.Config) *node.Node {
	t.Helper()
	c.Leader, c.Options.Signers, c.Options.Verifiers = "", []note.Signer{f.world.LogSigner}, nil
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// keeping is a leader that can be asked for the fence of an epoch.
type keeping struct{ direct }

func (k keeping) FenceOf(_ context.Context, epoch uint64) ([]byte, error) {
	return k.leader().FenceOf(epoch)
}

// copyOf is a copy of a directory, in another.
func copyOf(t *testing.T, c node.Config) node.Config {
	t.Helper()
	from := c.Dir
	c.Dir = filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(c.Dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return c
}

// What an old leader signed and nobody had acknowledged is told apart from a rewritten history, in the file itself, whichever of
// the two is longer, and also when there was more than one promotion since.
func TestWhatAPromotionLeftBehindIsNoFraud(t *testing.T) {
	for _, tc := range []struct {
		name       string
		tail       int // payments that only the old leader and one follower have
		payments   int // of the new leader
		promotions int
	}{{"the older is longer", 9, 1, 1}, {"the newer is longer", 1, 9, 1}, {"two promotions", 3, 9, 2}} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := t.Context()
			f := newFleet(t, nil)
			f.populate(ctx)
			c, behind := f.copyConfig(), f.copyConfig()
			n, stop := follow(t, c, to(f.leader), nil)
			other, stopOther := follow(t, behind, to(f.leader), nil)
			until(t, "both have all", func() bool {
				return n.Head().Size == f.leader.Head().Size && other.Head().Size == n.Head().Size
			})
			_ = stop()
			coin, rest := f.coin, f.rest
			for i := range tc.tail {
				if err := f.pay(ctx, money.Tiyn(100+i)); err != nil {
					t.Fatal(err)
				}
			}
			until(t, "the other has the tail", func() bool { return other.Head().Size == f.leader.Head().Size })
			_ = stopOther()
			f.coin, f.rest = coin, rest
			for round := range tc.promotions {
				n, stop = follow(t, c, to(nil), nil)
				if _, _, err := promote(n, f.world.LogSigner, []string{"one", "two"}[round]); err != nil {
					t.Fatal(err)
				}
				_ = stop()
				f.leader = lead(t, f, c)
				for i := range tc.payments {
					if err := f.pay(ctx, money.Tiyn(1+i)); err != nil {
						t.Fatal(err)
					}
				}
				if round+1 < tc.promotions {
					_ = f.leader.Close()
				}
			}
			if signed, now := f.leader.Log().Checkpoint(); node.EpochOf(now) != uint64(tc.promotions) {
				t.Errorf("a checkpoint of epoch %d: %s", tc.promotions, signed)
			}
			other, stopOther = follow(t, behind, keeping{to(f.leader)}, nil)
			until(t, "it stops", func() bool { return other.Err() != nil })
			var evidence *node.EvidenceError
			if err := stopOther(); !errors.As(err, &evidence) || evidence.Verdict != node.LeftBehind || evidence.ErrorCode() != "left-behind" {
				t.Fatalf("it stopped for %v", err)
			}
			logKey, _ := note.NewVerifier(f.world.Genesis.LogKey)
			if verdict, err := evidence.Evidence.Check(logKey); err != nil || verdict != node.LeftBehind {
				t.Error(verdict, err)
			}
			bare := evidence.Evidence
			bare.Fences = nil
			if verdict, err := bare.Check(logKey); err != nil || verdict != node.Forked {
				t.Errorf("without a fence: %s, %v", verdict, err)
			}
			forged := evidence.Evidence
			forged.Fences = []node.FenceProof{forged.Fences[0]}
			forged.Fences[0].Longer = []txlog.Hash{{1}}
			if _, err := forged.Check(logKey); err == nil {
				t.Error("a fence with which one history does not agree explains it")
			}
		})
	}
}

// A leader that rewrites its history after a promotion is no better for it: both are of its own epoch.
func TestAFenceExplainsNoForkOfItsEpoch(t *testing.T) {
	ctx := t.Context()
	f := newFleet(t, nil)
	f.populate(ctx)
	c := f.copyConfig()
	n, stop := follow(t, c, to(f.leader), nil)
	until(t, "it has all", func() bool { return n.Head().Size == f.leader.Head().Size })
	if _, _, err := promote(n, f.world.LogSigner, "word"); err != nil {
		t.Fatal(err)
	}
	_ = stop()
	twin := copyOf(t, c)
	first, coin, rest := lead(t, f, c), f.coin, f.rest
	f.leader = first
	again := f.copyConfig()
	follower, stopFollower := follow(t, again, keeping{to(first)}, nil)
	for range 3 {
		if err := f.pay(ctx, 3); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "it has all", func() bool { return follower.Head().Size == first.Head().Size })
	f.leader, f.coin, f.rest = lead(t, f, twin), coin, rest
	for range 5 {
		if err := f.pay(ctx, 5); err != nil {
			t.Fatal(err)
		}
	}
	_ = stopFollower()
	follower, stopFollower = follow(t, again, keeping{to(f.leader)}, nil)
	until(t, "it stops", func() bool { return follower.Err() != nil })
	var evidence *node.EvidenceError
	if err := stopFollower(); !errors.As(err, &evidence) || evidence.Verdict != node.Forked {
		t.Fatalf("it stopped for %v", err)
	}
}
