package api_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/node"
)

// What a node was given in a request is what it shows afterwards, whatever else was sent since. Bodies are spoiled in
// this package's tests as soon as their requests are answered.
func TestAFenceIsShownAsItWasGiven(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	head := w.node.Head()
	fence := node.Fence{Network: w.world.Network, Epoch: 1, Size: head.Size, Root: head.Root, Leader: hex.EncodeToString(bytes.Repeat([]byte{7}, 16))}
	signed, err := note.Sign(&note.Note{Text: fence.Text()}, w.world.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.client.SetFence(t.Context(), signed); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		_ = w.client.Cosign(t.Context(), fmt.Appendf(nil, "another body of another client, number %d, as long as it takes to cover what was there before it", i))
	}
	if shown, err := w.client.Fence(t.Context()); err != nil || !bytes.Equal(shown, signed) {
		t.Errorf("shown is %q: %v", shown, err)
	}
}
