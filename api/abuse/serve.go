package abuse

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aqsha/aqsha/api"
)

// Serve is the measured process: a closed network's node and its API. It says where it is on out, and ends with in.
func Serve(ctx context.Context, dir string, in io.Reader, out io.Writer) error {
	n, place, err := found(ctx, dir)
	if err != nil {
		return err
	}
	server := api.New(n, api.Options{Access: access(place.Bank)})
	listener, err := server.Listen("127.0.0.1:0")
	if err != nil {
		return errors.Join(err, n.Close())
	}
	place.URL = "http://" + listener.Addr().String()
	serving, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	if err := json.NewEncoder(out).Encode(place); err != nil {
		return errors.Join(err, n.Close())
	}
	return errors.Join(server.Serve(serving, listener), n.Close())
}

// Sink is what throws all away: it takes what attackers send, and answers nothing that cost anything to make.
func Sink(ctx context.Context, in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			// of a worker that waits for its connection's end
			if r.Method == http.MethodGet && r.Header.Get("User-Agent") == "" {
				w.Header().Set("Connection", "close")
			}
			w.WriteHeader(http.StatusNoContent)
		})}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	context.AfterFunc(serving, func() { _ = server.Close() })
	if err := json.NewEncoder(out).Encode(Place{URL: "http://" + listener.Addr().String()}); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
