//go:build !linux

package loadgen

import (
	"context"
	"errors"
	"time"
)

// ErrPlatform means that the load generator does not run here: it is made of epoll.
var ErrPlatform = errors.New("the load generator needs Linux")

// Load is never made on this platform.
type Load struct {
	Accepted, Refused uint64
	FirstRefusal      string
}

// Connect says that this needs Linux.
func Connect(context.Context, string, string, int) (*Load, error) { return nil, ErrPlatform }

func (*Load) Close()                                           {}
func (*Load) Len() int                                         { return 0 }
func (*Load) Submit(context.Context, int, time.Duration) error { return ErrPlatform }

func (*Load) AwaitJob(context.Context, time.Time) ([]time.Duration, error) { return nil, ErrPlatform }
