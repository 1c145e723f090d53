package simulate

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// Link asks a unit within the process, in its firmware's own words (fleet.Link). A unit that says nothing is waited for
// until the question's time is up.
type Link struct {
	Unit *Unit
	At   usage.Instant // when it is asked; 0: now
}

// now is the instant at which the unit is asked.
func (l Link) now() usage.Instant {
	if l.At != 0 {
		return l.At
	}
	return usage.At(time.Now())
}

// errReset is the end of a question to a machine that is not there.
var errReset = errors.New("connection reset")

// Command implements fleet.Link. The unit takes no time to answer, not even a slow one.
func (l Link) Command(ctx context.Context, request string, _ bool) ([]byte, error) {
	at := l.now()
	if l.Unit.Has(Silent, at) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if reply := l.Unit.Answer([]byte(request), at); reply != nil {
		return reply, nil
	}
	return nil, errReset
}

// Web implements fleet.Link. The request is a method, a path and, behind them, a body.
func (l Link) Web(ctx context.Context, d protocol.Protocol, request string) ([]byte, error) {
	at := l.now()
	if l.Unit.Has(Silent, at) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	reading, answers := l.Unit.Reading(at)
	if !answers && !l.Unit.Has(Garbage, at) || d != l.Unit.Machine.Protocol {
		return nil, errReset
	}
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	if page := l.Unit.page(asked(method, path, body), reading, at); page != nil {
		return page, nil
	}
	return nil, errors.New("404 Not Found")
}
