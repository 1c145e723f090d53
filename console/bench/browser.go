package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// ErrNoBrowser means that there is no Chromium on this machine.
var ErrNoBrowser = errors.New("no chromium on this machine (make deps installs it)")

// startWait and closeWait are how long a browser may take to come up and to end; maxMessage bounds what it says at
// once.
const (
	startWait  = 30 * time.Second
	closeWait  = 10 * time.Second
	maxMessage = 16 << 20
)

// Browser is a Chromium of its own, with a profile that is thrown away. One goroutine uses it.
type Browser struct {
	process *exec.Cmd
	profile string
	socket  *websocket.Conn
	last    int
}

// Start starts a browser without a window. Close ends it.
func Start(ctx context.Context) (*Browser, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, ErrNoBrowser
	}
	b := &Browser{}
	if b.profile, err = os.MkdirTemp("", "aqsha-bench-console-"); err != nil {
		return nil, err
	}
	// As root, in a container, its sandbox cannot be had; it loads nothing but our own pages.
	b.process = exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
		"--user-data-dir="+b.profile, "about:blank")
	if err := b.process.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.profile))
	}
	address, err := b.address(ctx)
	if err == nil {
		b.socket, _, err = websocket.Dial(ctx, address, nil)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	b.socket.SetReadLimit(maxMessage)
	return b, nil
}

// address waits for the file in which the browser says where it listens: a port, and a path that is a secret.
func (b *Browser) address(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		text, err := os.ReadFile(filepath.Join(b.profile, "DevToolsActivePort"))
		if port, path, whole := strings.Cut(strings.TrimSpace(string(text)), "\n"); err == nil && whole {
			return "ws://127.0.0.1:" + port + path, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the browser does not come up: %w", ctx.Err())
		case <-look.C:
		}
	}
}

// Close ends the browser and throws its profile away. It is asked first: its own processes write there to the end.
func (b *Browser) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if b.socket != nil {
		_, _ = b.command(ctx, "", "Browser.close", nil)
		_ = b.socket.CloseNow()
	}
	ended := make(chan struct{})
	go func() {
		_ = b.process.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		_ = b.process.Process.Kill()
		<-ended
	}
	for {
		err := os.RemoveAll(b.profile)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond) // a process of the browser's has not ended yet
	}
}

// object is what goes over the socket, with the protocol's own names.
type object map[string]any

// message is an answer, or an event, which has no id.
type message struct {
	ID     int    `json:"id"`
	Result object `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// command sends a command and waits for its answer; events on the way are passed over.
func (b *Browser) command(ctx context.Context, session, method string, params object) (object, error) {
	b.last++
	command := object{"id": b.last, "method": method, "params": params}
	if session != "" {
		command["sessionId"] = session
	}
	text, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	if err := b.socket.Write(ctx, websocket.MessageText, text); err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	for {
		_, text, err := b.socket.Read(ctx)
		var m message
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", method, err)
		// Events of the page come between a question and its answer; they are passed over, one question being out at a
		// time.
		case m.ID != b.last:
		case m.Error != nil:
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		default:
			return m.Result, nil
		}
	}
}

// name is a text of an answer.
func (o object) name(key string) string {
	text, _ := o[key].(string)
	return text
}
