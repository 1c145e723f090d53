package node_test

import (
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// A disk that lied about its syncs, or whose bits rotted, has lost what was acknowledged. Where a follower acknowledges
// too, nothing is: the ledger is copied back from it, and goes on.
func TestWhatADiskLostComesBackFromAFollower(t *testing.T) {
	ctx := t.Context()
	lost := 0
	for _, harm := range []string{"lies", "rot"} {
		for seed := range uint64(4) {
			d := disk.New(seed)
			signer, verifier := cosigner(t, "follower.one")
			f := &fleet{t: t, world: newFleetWorld()}
			f.config = node.Config{Dir: "data", NoIndex: true, Now: func() uint64 { return sim.StartMillis + 1000 },
				Options: txlog.Options{Origin: f.world.Genesis.Name, Signers: []note.Signer{f.world.LogSigner}, FS: d.FS(), SegmentBytes: 1 << 14}}
			if err := node.Init(f.config, f.world.Genesis); err != nil {
				t.Fatal(err)
			}
			f.config.Followers, f.config.Acks = []note.Verifier{verifier}, 1
			f.open()
			leader := to(f.leader)
			n, stop := follow(t, f.copyConfig(), leader, signer)
			f.populate(ctx)
			d.Lie(harm == "lies")
			for i := range 30 {
				if err := f.pay(ctx, money.Tiyn(i+1)); err != nil {
					t.Fatal(err)
				}
			}
			answered := f.leader.Head()
			leader.pointer.Store(nil)
			d.CrashAt(1)
			_ = f.pay(ctx, 1) // the machine goes down under this one
			_ = f.leader.Close()
			d.Lie(false)
			d.Restart()
			f.config.Options.FS = d.FS()
			if harm == "rot" {
				for _, name := range files(t, d) {
					if at := 1000 + 100*int(seed); at < len(d.Contents(name)) {
						d.Rot(name, int64(at), 0x20)
					}
				}
			}
			damaged, err := node.Open(f.config)
			if err == nil && damaged.Head().Size >= answered.Size {
				_ = damaged.Close() // this crash lost nothing
			} else {
				lost++
				if err == nil {
					_ = damaged.Close()
				}
			}

			// Copied back to a new place on the disk, then opened to write.
			back := f.config
			back.Dir, back.Leader, back.Followers, back.Acks = "restored", "the follower", nil, 0
			genesis, err := n.Log().Entry(0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := node.InitCopy(back, genesis); err != nil {
				t.Fatal(err)
			}
			copying, err := node.Open(back)
			if err != nil {
				t.Fatal(err)
			}
			if err := copying.FollowUntil(ctx, to(n), nil, n.Head().Size, nil); err != nil {
				t.Fatal(err)
			}
			if err := copying.Close(); err != nil {
				t.Fatal(err)
			}
			back.Leader = ""
			restored, err := node.Open(back)
			if err != nil {
				t.Fatal(err)
			}
			if restored.Head().Size < answered.Size || rootOf(t, restored) != rootOf(t, n) {
				t.Errorf("%s %d: %d entries came back, %d were answered", harm, seed, restored.Head().Size, answered.Size)
			}
			if err := holds(restored, map[uint64]token.TransactionID{}); err != nil {
				t.Error(err)
			}
			f.leader = restored
			if err := f.pay(ctx, 9); err != nil && codeOf(err) == "" {
				t.Error("the restored ledger does not go on:", err)
			}
			_ = restored.Close()
			_ = stop()
		}
	}
	t.Logf("%d of 8 disks had lost what was answered", lost)
	if lost < 2 {
		t.Error("the disks lost too little to show anything")
	}
}
