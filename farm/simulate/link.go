package simulate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// Link asks a unit within the process, in its firmware's own words (fleet.Link). A unit that says nothing is waited for
// until the question's time is up.
type Link struct{ Unit *Unit }

// errReset is the end of a question to a machine that is not there.
var errReset = errors.New("connection reset")

// Command implements fleet.Link.
func (l Link) Command(ctx context.Context, request string, _ bool) ([]byte, error) {
	at := usage.At(time.Now())
	if l.Unit.Has(Silent, at) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if reply := l.Unit.Answer([]byte(request), at); reply != nil {
		return reply, nil
	}
	return nil, errReset
}

// Web implements fleet.Link.
func (l Link) Web(ctx context.Context, d protocol.Protocol, request string) ([]byte, error) {
	at := usage.At(time.Now())
	if l.Unit.Has(Silent, at) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	reading, answers := l.Unit.Reading(at)
	if !answers && !l.Unit.Has(Garbage, at) || d != protocol.AxeOS || !strings.HasPrefix(request, http.MethodGet+" ") {
		return nil, errReset
	}
	return l.Unit.page(reading, at), nil
}
