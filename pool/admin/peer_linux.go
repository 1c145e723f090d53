package admin

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerUser asks the kernel for the user at the other end of a Unix socket (SO_PEERCRED, unix(7)).
func peerUser(conn net.Conn) (uid int, ok bool) {
	socket, isUnix := conn.(*net.UnixConn)
	if !isUnix {
		return 0, false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, false
	}
	var who *unix.Ucred
	controlErr := raw.Control(func(fd uintptr) {
		who, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET,
			unix.SO_PEERCRED)
	})
	if controlErr != nil || err != nil {
		return 0, false
	}
	return int(who.Uid), true
}
