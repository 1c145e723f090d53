package httplimit_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// A body that never comes gives its request's place back and ends its connection, however small it is said to be, whether or
// not the handler reads it.
func TestAnUnfinishedBodyEnds(t *testing.T) {
	t.Parallel()
	for _, reads := range []bool{true, false} {
		for _, length := range []int{10, 60_000, 4_000_000} {
			t.Run(fmt.Sprintf("%d bytes, read %v", length, reads), func(t *testing.T) {
				t.Parallel()
				left := make(chan struct{})
				l := httplimit.New(httplimit.Default(4096), func(w http.ResponseWriter, status int, _ string) { w.WriteHeader(status) })
				s := httptest.NewUnstartedServer(l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(left)
					if reads {
						_, _ = io.ReadAll(r.Body)
					}
				}), func(*http.Request) httplimit.Caller { return httplimit.Caller{Address: "10.0.0.1"} }))
				httplimit.Configure(s.Config)
				s.Start()
				defer s.Close()
				c, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", length)
				_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
				if _, err := io.ReadAll(c); err != nil {
					t.Errorf("the connection stands: %v", err)
				}
				select {
				case <-left:
				case <-time.After(time.Second):
					t.Error("the handler still waits")
				}
			})
		}
	}
}
