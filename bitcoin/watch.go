package bitcoin

import (
	"context"
	"errors"
	"time"
)

// WatchOptions tune how templates are followed. Zero values take the defaults.
type WatchOptions struct {
	// Poll is the interval of plain questions beside the long poll: nodes hold a long poll for
	// up to a minute when only transactions change, and btcd for ever. Default 5 s.
	Poll time.Duration
	// Retry is the first wait after an error; it doubles up to 30 s. Default 500 ms.
	Retry time.Duration
}

// Update is a template that arrived, or the error that kept it from arriving.
type Update struct {
	Template *Template
	Arrived  time.Time
	Err      error
}

// Watch follows the node's templates until ctx ends and then closes the channel. A long poll
// brings new blocks at once; a plain question each Poll brings new fees, and stands in where the
// node does not long-poll. Errors are reported and retried, so a restarted node is found again.
// Only the newest unread update is kept.
func (c *Client) Watch(ctx context.Context, options WatchOptions) <-chan Update {
	if options.Poll == 0 {
		options.Poll = 5 * time.Second
	}
	if options.Retry == 0 {
		options.Retry = 500 * time.Millisecond
	}
	updates := make(chan Update, 1)
	go func() {
		defer close(updates)
		wait, longPoll := options.Retry, ""
		for ctx.Err() == nil {
			template, err := c.next(ctx, longPoll, options.Poll)
			if ctx.Err() != nil {
				return
			}
			deliver(updates, Update{template, time.Now(), err})
			if err != nil {
				longPoll = ""
				sleep(ctx, wait)
				wait = min(2*wait, 30*time.Second)
				continue
			}
			wait, longPoll = options.Retry, template.LongPollID
			if longPoll == "" {
				sleep(ctx, options.Poll)
			}
		}
	}()
	return updates
}

// next long-polls for at most poll, then asks plainly.
func (c *Client) next(ctx context.Context, longPollID string, poll time.Duration) (*Template, error) {
	if longPollID != "" {
		bounded, cancel := context.WithTimeout(ctx, poll)
		template, err := c.waitTemplate(bounded, longPollID)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			return template, err
		}
	}
	return c.Template(ctx)
}

// deliver replaces an update that nobody has read; the channel has one place and one sender.
func deliver(updates chan Update, u Update) {
	select {
	case <-updates:
	default:
	}
	updates <- u
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
