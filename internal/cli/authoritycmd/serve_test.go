package authoritycmd

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/token"
)

// testServer is a server under a clock of the test's own, which sleeping moves; each call of the node takes the next of
// troubles, nil for none.
func testServer(waiting int, troubles ...error) (d *applicationServer, slept *[]time.Duration, said *int) {
	slept, said = new([]time.Duration), new(int)
	now := time.Unix(0, 0)
	trouble := func() error {
		if len(troubles) == 0 {
			return nil
		}
		err := troubles[0]
		troubles = troubles[1:]
		return err
	}
	left := waiting
	d = &applicationServer{
		list: func(context.Context) (list []api.ApplicationView, _ error) {
			for i := range left {
				list = append(list, api.ApplicationView{ID: strconv.Itoa(i), State: api.ApplicationWaits})
			}
			return list, trouble()
		},
		accept: func(context.Context, api.ApplicationView) (token.WalletID, error) {
			err := trouble()
			if err == nil {
				left--
			}
			return token.WalletID{}, err
		},
		registered: func(context.Context, token.WalletID) error { return nil },
		sleep: func(ctx context.Context, long time.Duration) error {
			*slept = append(*slept, long)
			now = now.Add(long)
			return ctx.Err()
		},
		now: func() time.Time { return now }, served: func(api.ApplicationView, token.WalletID) {},
		silent: func(error) { *said++ }, perHour: 60, most: waiting,
	}
	return d, slept, said
}

// A node that was killed or stopped, and is started anew, does not end what runs until it is interrupted: it is asked
// again, ever less often, and one line says so each time.
func TestServingOutlivesTheNode(t *testing.T) {
	t.Parallel()
	gone := &api.UnreachedError{Node: "http://node", Cause: &net.OpError{Op: "dial", Err: errors.New("refused")}, Asked: true,
		Changed: true}
	lost := &api.UnansweredError{Cause: errors.New("connection reset")}
	d, slept, said := testServer(2, gone, gone, gone, gone, gone, gone, nil, lost, gone, nil)
	if err := d.serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := time.Second
	want := []time.Duration{s, 2 * s, 4 * s, 8 * s, 15 * s, 15 * s, 15 * s, 15 * s, s}
	if d.done != 2 || *said != 1 || !slices.Equal(*slept, want) {
		t.Errorf("%d accepted, %d lines, slept %v, want 2, 1, %v", d.done, *said, *slept, want)
	}
	d, _, _ = testServer(1, errors.New("no keys"))
	if err := d.serve(t.Context()); err == nil {
		t.Error("what asking again does not mend is not said")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, _, _ = testServer(1, gone)
	if err := d.serve(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// Applications that come together are accepted together: a limit by the hour is no pause between two.
func TestApplicationsComeTogether(t *testing.T) {
	t.Parallel()
	d, slept, _ := testServer(60)
	if err := d.serve(t.Context()); err != nil || d.done != 60 || !slices.Equal(*slept, []time.Duration{applicationsEvery}) {
		t.Errorf("%d accepted, slept %v, %v", d.done, *slept, err)
	}
	d, slept, _ = testServer(61)
	if err := d.serve(t.Context()); err != nil || d.done != 61 || (*slept)[0] != time.Hour {
		t.Errorf("the sixty-first of an hour: %d accepted, slept %v, %v", d.done, *slept, err)
	}
}
