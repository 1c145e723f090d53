package bitcoin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
)

// serve answers every request with what answer says.
func serve(t *testing.T, answer func(w http.ResponseWriter, body string, r *http.Request)) *bitcoin.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer(w, string(body), r)
	}))
	t.Cleanup(server.Close)
	client, err := bitcoin.Dial(strings.Replace(server.URL, "http://", "http://alice:wonder@", 1), bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestCallSaysWhatTheNodeSays(t *testing.T) {
	ctx := context.Background()
	for _, tc := range []struct {
		name, body string
		status     int
		want       string // part of the error
	}{
		{"refusal with status 500 (Core)", `{"result":null,"error":{"code":-5,"message":"Block not found"},"id":1}`, 500, "Block not found"},
		{"refusal with status 200 (btcd)", `{"jsonrpc":"1.0","result":null,"error":{"code":-5,"message":"Block not found"},"id":1}`, 200, "Block not found"},
		{"wrong password", "401 Unauthorized.\n", 401, "credentials"},
		{"prose", "Work queue depth exceeded", 503, "Work queue depth exceeded"},
		{"empty line", "\n", 200, "HTTP 200"},
		{"cut JSON", `{"result":`, 200, "not JSON-RPC"},
		{"neither result nor error", `{"id":1}`, 200, "neither"},
		{"wrong type", `{"result":"x","error":null,"id":1}`, 200, "result of getblockcount"},
	} {
		client := serve(t, func(w http.ResponseWriter, _ string, _ *http.Request) {
			w.WriteHeader(tc.status)
			io.WriteString(w, tc.body)
		})
		var height int
		err := client.Call(ctx, &height, "getblockcount")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if bitcoin.NotFound(err) != strings.Contains(tc.body, "-5") {
			t.Errorf("%s: NotFound is %v", tc.name, bitcoin.NotFound(err))
		}
	}
}

// Where a block stands is said by the chain, or not at all: a block whose place could not be asked for is not off the chain.
func TestAPositionIsKnownOrAnError(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for _, tc := range []struct {
		name, answer  string // to getblockhash; empty: none
		confirmations int
		fails         bool
	}{
		{"on the chain", `{"result":"` + hash + `","error":null,"id":1}`, 3, false},
		{"another is there", `{"result":"` + strings.Repeat("cd", 32) + `","error":null,"id":1}`, -1, false},
		{"the chain is lower (Core)", `{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":1}`, -1, false},
		{"the chain is lower (btcd)", `{"result":null,"error":{"code":-1,"message":"Block number out of range"},"id":1}`, -1, false},
		{"warming up", `{"result":null,"error":{"code":-28,"message":"Loading block index"},"id":1}`, 0, true},
		{"no answer", "", 0, true},
	} {
		client := serve(t, func(w http.ResponseWriter, body string, _ *http.Request) {
			switch {
			case strings.Contains(body, "getblockheader"):
				io.WriteString(w, `{"result":{"height":7,"confirmations":3},"error":null,"id":1}`)
			case tc.answer == "":
				panic(http.ErrAbortHandler)
			default:
				io.WriteString(w, tc.answer)
			}
		})
		id, err := bitcoin.ParseHash(hash)
		if err != nil {
			t.Fatal(err)
		}
		_, confirmations, err := client.Position(t.Context(), id)
		if (err != nil) != tc.fails || confirmations != tc.confirmations {
			t.Errorf("%s: %d confirmations, %v", tc.name, confirmations, err)
		}
	}
}

// A connection that breaks is tried again, unless the call would spend twice.
func TestBrokenConnection(t *testing.T) {
	var calls atomic.Int32
	client := serve(t, func(w http.ResponseWriter, body string, _ *http.Request) {
		if calls.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, `{"result":7,"error":null,"id":1}`)
	})
	var n int
	if err := client.Call(context.Background(), &n, "getblockcount"); err != nil || n != 7 {
		t.Fatalf("got %d, %v", n, err)
	}
	if err := client.Call(context.Background(), &n, "sendmany"); err == nil || calls.Load() != 3 {
		t.Fatalf("sendmany: %v after %d calls", err, calls.Load())
	}
}

func TestCookieIsReadAtEachCall(t *testing.T) {
	cookie := filepath.Join(t.TempDir(), ".cookie")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		json.NewEncoder(w).Encode(map[string]any{"result": user + password, "error": nil, "id": 1})
	}))
	defer server.Close()
	client, err := bitcoin.Dial(server.URL, bitcoin.DialOptions{CookieFile: cookie})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := client.Call(context.Background(), &got, "x"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("without a cookie: %v", err)
	}
	for _, password := range []string{"one", "two"} {
		if err := os.WriteFile(cookie, []byte("__cookie__:"+password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := client.Call(context.Background(), &got, "x"); err != nil || got != "__cookie__"+password {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// Batch answers may come in any order and be incomplete.
func TestBatch(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, body string, _ *http.Request) {
		var calls []struct {
			ID     uint64
			Method string
		}
		if err := json.Unmarshal([]byte(body), &calls); err != nil {
			t.Error(err)
		}
		var answers []any
		for i := len(calls) - 1; i >= 0; i-- {
			switch calls[i].Method {
			case "echo":
				answers = append(answers, map[string]any{"id": calls[i].ID, "result": calls[i].ID, "error": nil})
			case "nosuch":
				answers = append(answers, map[string]any{"id": calls[i].ID, "result": nil, "error": map[string]any{"code": -32601, "message": "Method not found"}})
			}
		}
		json.NewEncoder(w).Encode(answers)
	})
	var first, last uint64
	queries := []bitcoin.Query{{Method: "echo", Result: &first}, {Method: "nosuch"}, {Method: "lost"}, {Method: "echo", Result: &last}}
	if err := client.Batch(context.Background(), queries); err != nil {
		t.Fatal(err)
	}
	if queries[0].Err != nil || queries[3].Err != nil || last != first+3 {
		t.Errorf("echoes: %v %v, %d %d", queries[0].Err, queries[3].Err, first, last)
	}
	if queries[1].Err == nil || queries[2].Err == nil {
		t.Errorf("refused and lost: %v, %v", queries[1].Err, queries[2].Err)
	}
}

func TestDialRefuses(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:8332", "ftp://x", "http://", "://", "http://u:secret@\x00"} {
		if _, err := bitcoin.Dial(bad, bitcoin.DialOptions{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Dial(%q): %v", bad, err)
		}
	}
}
