package cluster

import (
	"bytes"
	"testing"

	"github.com/aqsha/aqsha/txlog"
)

// What a peer offers decodes to what it encodes, or is refused; nothing that it sends panics or takes memory for what
// is not there.
func FuzzOffer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(append(append([]byte{byte(len((position{}).encode()))}, (position{Height: 1, Size: 2}).encode()...), 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := decodeOffer(data)
		if err != nil {
			return
		}
		again, err := o.encode()
		if err != nil {
			return // of a header that no block has
		}
		second, err := decodeOffer(again)
		if err != nil {
			t.Fatalf("what was encoded is refused: %v", err)
		}
		if !bytes.Equal(second.checkpoint, o.checkpoint) || !bytes.Equal(second.at.encode(), o.at.encode()) {
			t.Fatal("it decodes otherwise")
		}
	})
}

func FuzzVoting(f *testing.F) {
	f.Add([]byte{})
	f.Add(voting{height: 5}.encode())
	f.Add(voting{height: 5, round: 2, last: []vote{{round: 3, step: stepPrevote}, {step: stepPrecommit}},
		commit: []byte("votes")}.encode())
	f.Add(append(voting{height: 5}.encode()[:12], 0xff))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeVoting(data)
		if err != nil {
			return
		}
		if v.height < 1 || v.round < 0 || len(v.last) > maxMembers {
			t.Fatalf("accepted %+v", v)
		}
		if !bytes.Equal(v.encode(), data) {
			t.Fatal("it decodes otherwise")
		}
	})
}

func FuzzChunk(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add(chunk{proof: []txlog.Hash{{1}, {2}}, frames: []byte("frames")}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeChunk(data)
		if err != nil {
			return
		}
		again, err := decodeChunk(c.encode())
		if err != nil || len(again.proof) != len(c.proof) || !bytes.Equal(again.frames, c.frames) {
			t.Fatalf("it decodes otherwise: %v", err)
		}
	})
}
