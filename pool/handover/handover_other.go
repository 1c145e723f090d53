//go:build !linux

package handover

import (
	"errors"
	"net"
)

// Send passes nothing here.
func Send(*net.UnixConn, []byte, []int) error { return errors.ErrUnsupported }

// Receive takes nothing here.
func Receive(*net.UnixConn) ([]byte, []int, error) { return nil, nil, errors.ErrUnsupported }

// Close has nothing to close here.
func Close([]int) {}
