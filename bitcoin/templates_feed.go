package bitcoin

import (
	"context"
	"time"
)

// WatchOptions tune how templates are followed. Zero values take the defaults.
type WatchOptions struct {
	// Poll is the interval of plain questions for a template beside the long poll: nodes hold a long
	// poll for up to a minute when only transactions change, and btcd for ever. Default 5 s.
	Poll time.Duration
	// Tip is the interval of questions for the best block's hash, which cost a node nothing; they
	// stand in for the long poll while there is none. Default 1 s, at most Poll.
	Tip time.Duration
	// Retry is the first wait after an error; it doubles up to 30 s. Default 500 ms.
	Retry time.Duration
	// News says that a block has come, from a source of the caller's own such as ZeroMQ. May be nil.
	News <-chan struct{}
}

func (o *WatchOptions) fill() {
	if o.Poll == 0 {
		o.Poll = 5 * time.Second
	}
	if o.Tip == 0 {
		o.Tip = time.Second
	}
	o.Tip = min(o.Tip, o.Poll)
	if o.Retry == 0 {
		o.Retry = 500 * time.Millisecond
	}
}

// Update is a template that arrived, or the error that kept it from arriving. Arrived is this machine's clock, not the
// template's: latencies are measured from it.
type Update struct {
	Template *Template
	Arrived  time.Time
	Err      error
}

// Watch follows the node's templates until ctx ends and then closes the channel. A long poll
// brings new blocks at once; a question for the tip each second stands in where the node does not
// long-poll or the long poll was lost; a plain question each Poll brings new fees. Errors are
// reported and retried, so a restarted node is found again. Only the newest unread update is kept.
func (c *Client) Watch(ctx context.Context, options WatchOptions) <-chan Update {
	options.fill()
	updates := make(chan Update, 1)
	w := &watch{client: c, options: options, updates: updates, wait: options.Retry}
	go func() {
		defer close(updates)
		for ctx.Err() == nil {
			w.step(ctx)
		}
	}()
	return updates
}

// watch is owned by the goroutine of one call of Watch.
type watch struct {
	client  *Client
	options WatchOptions
	updates chan Update
	last    *Template
	asked   time.Time     // when the last plain question was answered
	wait    time.Duration // after the next error
}

// step brings one update, or finds that there is nothing new.
func (w *watch) step(ctx context.Context) {
	long := w.client.longPoll.arrived
	if w.last == nil {
		w.plain(ctx)
		return
	}
	timer := time.NewTimer(w.options.Tip)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case template := <-long:
		w.take(ctx, Update{Template: template, Arrived: time.Now()})
	case _, ok := <-w.options.News:
		if !ok {
			w.options.News = nil
			return
		}
		w.plain(ctx)
	case <-timer.C:
		if time.Since(w.asked) >= w.options.Poll || w.moved(ctx) {
			w.plain(ctx)
		}
	}
}

// moved says whether the node's tip is no longer the one that the last template is on. A node that
// cannot say is asked for its template, whose error is then reported.
func (w *watch) moved(ctx context.Context) bool {
	tip, err := w.client.Tip(ctx)
	return err != nil || tip != w.last.Previous
}

func (w *watch) plain(ctx context.Context) {
	template, err := w.client.Template(ctx)
	if ctx.Err() != nil {
		return
	}
	w.take(ctx, Update{template, time.Now(), err})
}

// take hands an update on. After an error last is nil, so that the next step asks plainly and does not wait for a poll
// that may never be answered; a template makes the wait short again and begins the next long poll.
func (w *watch) take(ctx context.Context, u Update) {
	deliver(w.updates, u)
	if u.Err != nil {
		w.last = nil
		w.client.longPoll.failed(u.Err)
		// The long poll's answer may come meanwhile; it waits in its channel.
		sleep(ctx, min(w.wait, w.options.Poll))
		w.wait = min(2*w.wait, 30*time.Second)
		return
	}
	w.last, w.asked, w.wait = u.Template, time.Now(), w.options.Retry
	w.client.longPoll.begin(w.client, u.Template)
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
