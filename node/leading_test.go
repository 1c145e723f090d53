package node_test

import (
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Who leads is said by the key that signs the log now. Those who signed it before a change promote nobody behind it, and
// stop nobody who leads there.
func TestWhoSignsTheLogNowSaysWhoLeads(t *testing.T) {
	world := sim.NewWorld(1)
	config := node.Config{Dir: t.TempDir(), TrustClock: true, Options: txlog.Options{Origin: world.Genesis.Name,
		Signers: []note.Signer{world.LogSigner}, SegmentBytes: 1 << 20}}
	if err := node.Init(config, world.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	next := []token.Validator{world.Validator("next")}
	set := world.Sign(&token.SetValidators{Sequence: 1, Validators: next}, soon(), world.By(token.RoleRoot, 2))
	if _, err := n.Submit(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	size, root, _ := n.Log().State()
	fence := func(signer note.Signer, size uint64) []byte {
		f := node.Fence{Network: world.Network, Epoch: 7, Size: size, Root: root, Leader: "5f0c"}
		signed, err := note.Sign(&note.Note{Text: f.Text()}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	if err := n.Fence(fence(world.LogSigner, size)); fault.Code(err) != string(token.NotCanonical) {
		t.Errorf("the key before the change promotes behind it: %v", err)
	}
	if _, known := n.KnownFence(); known.Epoch != 0 {
		t.Error("it was taken")
	}
	if err := n.Fence(fence(world.Signer(next, 0), size)); err != nil {
		t.Errorf("those who sign now: %v", err)
	}
	if _, known := n.KnownFence(); known.Epoch != 7 {
		t.Error("it was not taken")
	}
	earlier := node.Fence{Network: world.Network, Epoch: 8, Size: 1, Root: root, Leader: "5f0c"}
	signed, err := note.Sign(&note.Note{Text: earlier.Text()}, world.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Fence(signed); fault.Code(err) != string(node.Fenced) {
		t.Errorf("the key before the change ends what came after: %v", err)
	}
	if _, known := n.KnownFence(); known.Epoch != 7 {
		t.Error("it was taken")
	}
	if text, verifier, err := n.LeadKey(); err != nil || text == world.Genesis.LogKey ||
		verifier.KeyHash() == world.LogSigner.KeyHash() {
		t.Errorf("%s, %v", text, err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
