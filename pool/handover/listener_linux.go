package handover

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// duplicate is another descriptor of a listening socket, which outlives the listener: who connects meanwhile waits
// in the kernel's queue.
func duplicate(l net.Listener) (fd int, err error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlErr := raw.Control(func(original uintptr) { fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(controlErr, err)
}

// AddListener hands a listening socket over under a name. The listener is the caller's to close.
func (h *Handover) AddListener(name string, l net.Listener) error {
	fd, err := duplicate(l)
	if err != nil {
		return fmt.Errorf("listener %s: %w", name, err)
	}
	h.State.Listeners = append(h.State.Listeners, ListenerFile{name, len(h.Files)})
	h.Files = append(h.Files, fd)
	return nil
}

// Listener takes a listening socket by its name; nil without an error when none of it was handed over.
func (h *Handover) Listener(name string) (net.Listener, error) {
	for _, one := range h.State.Listeners {
		if one.Name != name {
			continue
		}
		if fd, ok := h.Take(one.File); ok {
			file := os.NewFile(uintptr(fd), name)
			defer file.Close() // FileListener has a descriptor of its own
			return net.FileListener(file)
		}
	}
	return nil, nil
}
