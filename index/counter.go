package index

import (
	"context"
	"sync"
)

// counter is a number that grows and can be waited for.
type counter struct {
	mu    sync.Mutex // over both, so that who has read the value waits on the channel of its next change
	value uint64
	grown chan struct{} // closed, and made anew, when it grows
}

// get is the number now; it may have grown when it is used.
func (c *counter) get() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value
}

// set wakes all who wait.
func (c *counter) set(value uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.value = value
	if c.grown != nil {
		close(c.grown)
		c.grown = nil
	}
}

// wait returns when the number is at least value, or ctx ends.
func (c *counter) wait(ctx context.Context, value uint64) error {
	for {
		c.mu.Lock()
		if c.value >= value {
			c.mu.Unlock()
			return nil
		}
		if c.grown == nil {
			c.grown = make(chan struct{})
		}
		grown := c.grown
		c.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitSize waits until the index has come as far as a size of the log.
func (x *Index) WaitSize(ctx context.Context, size uint64) error { return x.size.wait(ctx, size) }
