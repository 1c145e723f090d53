package pool

import (
	"time"

	"github.com/aqsha/aqsha/txlog"
)

// ShortenTimeouts makes slow clients lose their connections within a test's patience.
func ShortenTimeouts() (restore func()) {
	handshake, line := handshakeTimeout, lineTimeout
	handshakeTimeout, lineTimeout = 2*time.Second, 2*time.Second
	return func() { handshakeTimeout, lineTimeout = handshake, line }
}

// MaxLine and BadSharesToBan are limits that tests go beyond.
const (
	MaxLine        = maxLine
	BadSharesToBan = badSharesToBan
	MaxRequests    = maxRequests
)

// EdgeMinTime is edgeMinTime.
var EdgeMinTime = edgeMinTime

// ShareLog is the log that anybody recomputes from.
func (p *Pool) ShareLog() *txlog.Log { return p.log }
