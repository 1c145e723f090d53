package node

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// roomRetry is how long a node waits before it looks again whether a full disk has room.
const roomRetry = time.Second

// room is what a node does about a disk that has no room for more of the log. The log has written nothing then and can
// be asked again, so the node takes no transactions meanwhile and goes on by itself when there is room. A crash loses
// the blocks that wait: nobody was told that they are executed. Whoever waited for a held block was answered with
// disk-full: sending the same again finds it executed.
type room struct {
	lack atomic.Pointer[lack] // nil when there is room
	held []*block             // executed, and waiting for room, in order; the committer's alone
}

// lack is since when and why there is no room.
type lack struct {
	since time.Time
	cause error
}

// NoRoom says since when and why the disk has no room for more of the log; nil when it has. Payments are refused
// meanwhile.
func (n *Node) NoRoom() (since time.Time, cause error) {
	if l := n.room.lack.Load(); l != nil {
		return l.since, l.cause
	}
	return time.Time{}, nil
}

// full is the refusal of whoever asks for more of the log while there is no room for it; nil when there is.
func (n *Node) full() *token.Error {
	if n.room.lack.Load() == nil {
		return nil
	}
	return refuse(DiskFull, "", "the node's disk is full: its operator must make room; send the same again then, it "+
		"is never executed twice")
}

// hinder notes that a write of the log found no room, and says whether that is so: any other error is final.
func (n *Node) hinder(err error) bool {
	var none *txlog.NoRoomError
	if !errors.As(err, &none) {
		return false
	}
	if n.room.lack.CompareAndSwap(nil, &lack{time.Now(), none.Cause}) {
		n.logger.Error("the disk is full: no transactions are taken until there is room", "cause", none.Cause)
		n.grown.wake() // who waits to be shown a state that is not stored is told
	}
	return true
}

// roomy notes that a write of the log found room.
func (n *Node) roomy() {
	if l := n.room.lack.Swap(nil); l != nil {
		n.logger.Info("the disk has room again: transactions are taken", "after",
			time.Since(l.since).Round(time.Millisecond))
	}
}

// hold keeps blocks until there is room for them, and tells those who wait for them now.
func (n *Node) hold(group []*block) {
	n.answerAll(group, n.full())
	for _, b := range group {
		b.submissions = nil
		if b.batch != nil {
			n.room.held = append(n.room.held, b)
		}
	}
}
