package pool

import "time"

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
