//go:build linux

package handover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// Bounds of what is received. The kernel takes at most 253 sockets in a message (SCM_MAX_FD, unix(7)).
const (
	maxState   = 1 << 30
	maxFiles   = 1 << 20
	perMessage = 250
)

// header precedes the state: its length, and how many sockets follow it.
const headerSize = 8 + 4

// Send passes a state and descriptors; the sender's stay open.
func Send(to *net.UnixConn, state []byte, files []int) error {
	header := binary.BigEndian.AppendUint64(nil, uint64(len(state)))
	header = binary.BigEndian.AppendUint32(header, uint32(len(files)))
	if _, err := to.Write(header); err != nil {
		return err
	}
	if _, err := to.Write(state); err != nil {
		return err
	}
	for len(files) > 0 {
		n := min(len(files), perMessage)
		// Descriptors travel with a byte, and one read never takes the bytes of two messages that carry some.
		if _, _, err := to.WriteMsgUnix([]byte{1}, syscall.UnixRights(files[:n]...), nil); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// Receive takes what Send passes. The descriptors are closed when a program is executed. Numbers are bounded before
// anything is allocated, and with an error no descriptor stays open.
func Receive(from *net.UnixConn) (state []byte, files []int, err error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(from, header[:]); err != nil {
		return nil, nil, err
	}
	size, count := binary.BigEndian.Uint64(header[:]), int(binary.BigEndian.Uint32(header[8:]))
	if size > maxState || count > maxFiles {
		return nil, nil, fmt.Errorf("handover of %d bytes and %d sockets: more than %d and %d", size, count, maxState,
			maxFiles)
	}
	state = make([]byte, size)
	if _, err := io.ReadFull(from, state); err != nil {
		return nil, nil, err
	}
	for len(files) < count {
		more, err := receiveSome(from)
		files = append(files, more...)
		if err == nil && len(files) > count {
			err = fmt.Errorf("more than %d sockets", count)
		}
		if err != nil {
			Close(files)
			return nil, nil, err
		}
	}
	return state, files, nil
}

var errNoFiles = errors.New("a message without sockets")

// receiveSome takes the descriptors of one message. A kernel that had no room for all says so by MSG_CTRUNC: sockets
// would be missing without a word.
func receiveSome(from *net.UnixConn) (files []int, err error) {
	var one [1]byte
	oob := make([]byte, syscall.CmsgSpace(perMessage*4))
	n, oobn, flags, _, err := from.ReadMsgUnix(one[:], oob)
	if err != nil {
		return nil, err
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		some, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return files, err
		}
		files = append(files, some...)
	}
	if n == 0 || len(files) == 0 || flags&syscall.MSG_CTRUNC != 0 { // the last: no room for more open files
		return files, errNoFiles
	}
	return files, nil
}

// Close closes descriptors; −1 stands for one that somebody else owns by now.
func Close(files []int) {
	for _, fd := range files {
		if fd >= 0 {
			_ = syscall.Close(fd)
		}
	}
}
