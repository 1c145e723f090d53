package simulate

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// A machine that is set to another pool while its pages are read shows a pool with the name that belongs to it.
func TestPoolsWhileTheyChange(t *testing.T) {
	for name, page := range map[protocol.Protocol]func(u *Unit) string{
		protocol.AntminerNew: func(u *Unit) string {
			w := httptest.NewRecorder()
			u.configuration(w)
			return w.Body.String()
		},
		protocol.AxeOS: func(u *Unit) string { return fmt.Sprint(u.axeOS(&protocol.Reading{})) },
	} {
		u := NewUnit(0, 1, name, 20_500*usage.Day)
		u.SetPool("stratum+tcp://one.example:1", "one")
		var orders sync.WaitGroup
		orders.Go(func() {
			for range 20_000 {
				u.SetPool("stratum+tcp://two.example:1", "two")
				u.SetPool("stratum+tcp://one.example:1", "one")
			}
		})
		for range 2_000 {
			got := page(u)
			if one, two := strings.Count(got, "one"), strings.Count(got, "two"); one+two != 2 || one == 1 {
				t.Errorf("%s: the pool of one order under the name of another: %s", name, got)
				break
			}
		}
		orders.Wait()
	}
}
