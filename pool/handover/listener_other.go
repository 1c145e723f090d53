//go:build !linux

package handover

import (
	"errors"
	"net"
)

// AddListener hands nothing over here.
func (h *Handover) AddListener(string, net.Listener) error { return errors.ErrUnsupported }

// Listener takes nothing here.
func (h *Handover) Listener(string) (net.Listener, error) { return nil, nil }
