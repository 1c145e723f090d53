package handover_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aqsha/aqsha/pool/handover"
)

func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	listener, err := net.ListenUnix("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if a, err = net.DialUnix("unix", nil, address); err != nil {
		t.Fatal(err)
	}
	if b, err = listener.AcceptUnix(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// More descriptors than one message takes arrive, each as itself and in order.
func TestManyDescriptors(t *testing.T) {
	a, b := pair(t)
	var sent []int
	var inodes []uint64
	for range 600 {
		var stat syscall.Stat_t
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		w.Close()
		if err := syscall.Fstat(int(r.Fd()), &stat); err != nil {
			t.Fatal(err)
		}
		sent, inodes = append(sent, int(r.Fd())), append(inodes, stat.Ino)
	}
	state := bytes.Repeat([]byte("state"), 100_000)
	failed := make(chan error, 1)
	go func() { failed <- handover.Send(a, state, sent) }()
	got, files, err := handover.Receive(b)
	if err != nil || <-failed != nil {
		t.Fatal(err)
	}
	defer handover.Close(files)
	if !bytes.Equal(got, state) || len(files) != len(sent) {
		t.Fatalf("%d bytes and %d descriptors came", len(got), len(files))
	}
	for i, fd := range files {
		var stat syscall.Stat_t
		if err := syscall.Fstat(fd, &stat); err != nil || stat.Ino != inodes[i] {
			t.Fatalf("descriptor %d is another (%v)", i, err)
		}
	}
}

// A sender that dies, lies about lengths or sends no descriptors is an error, not a hang or a flood of memory.
func TestBrokenSender(t *testing.T) {
	head := func(size uint64, count uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, size), count)
	}
	for name, sent := range map[string][]byte{
		"nothing": {}, "half a header": head(1, 1)[:5], "half a state": append(head(10, 0), "half"...),
		"too large a state": head(1<<40, 0), "too many descriptors": head(0, 1<<30), "a byte without descriptors": append(head(0, 1), 1),
	} {
		a, b := pair(t)
		if _, err := a.Write(sent); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if _, files, err := handover.Receive(b); err == nil || len(files) > 0 {
			t.Errorf("%s: %d descriptors, error %v", name, len(files), err)
		}
	}
}
