package miner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool/miner"
)

func testAPI() *miner.API {
	now := time.Unix(1_800_000_000, 0)
	return &miner.API{Stats: miner.NewStats(now.Add(-time.Minute)), Version: "test", Now: func() time.Time { return now }}
}

// Answers have the shape and codes that cgminer's recorded answers have.
func TestAPIAnswers(t *testing.T) {
	api := testAPI()
	for _, tc := range []struct{ request, want string }{
		{`{"command":"version"}`, `"Code":22`},
		{`{"command":"summary"}`, `"SUMMARY":[{"Elapsed":60,"MHS av":0.00`},
		{`{"command": "pools"}`, `"POOLS":[{"POOL":0,`},
		{`{"command":"stats"}`, `"Code":70`},
		{`{"command":"devs"}`, `"Code":9`},
		{`{"command":"summary+pools"}`, `{"summary":[{"STATUS":[{"STATUS":"S",`},
		{`{"command":"quit"}`, `Access denied to 'quit' command`},
		{`{"command":"nosuch"}`, `"Code":14`},
		{`{"command":`, `"Code":23`},
	} {
		answer := api.Answer([]byte(tc.request))
		if !json.Valid(answer) || !strings.Contains(string(answer), tc.want) {
			t.Errorf("%s: %s", tc.request, answer)
		}
	}
	plain := string(api.Answer([]byte("summary")))
	if !strings.HasPrefix(plain, "STATUS=S,When=1800000000,Code=11,Msg=Summary,Description=aqsha test|SUMMARY,Elapsed=60,") || !strings.HasSuffix(plain, "|") {
		t.Errorf("plain: %s", plain)
	}
	if plain := string(api.Answer([]byte("pools|"))); !strings.Contains(plain, "|POOL=0,URL=") {
		t.Errorf("plain: %s", plain)
	}
}

func TestAPIServes(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- testAPI().Serve(ctx, listener) }()
	// Requests come whole, in pieces, with a line end or a NUL.
	for _, pieces := range [][]string{{`{"command":"summary"}`}, {`{"comm`, `and":"summary"}`}, {"{\"command\":\"summary\"}\n"}, {"summary\n"}, {"summary\x00"}} {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range pieces {
			if _, err := io.WriteString(conn, piece); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !bytes.HasSuffix(answer, []byte{0}) || !bytes.Contains(answer, []byte("Elapsed")) {
			t.Errorf("%q: %q, %v", pieces, answer, err)
		}
		conn.Close()
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func FuzzAPI(f *testing.F) {
	for _, seed := range []string{`{"command":"summary+pools"}`, "stats", "", "{", `{"command":5}`} {
		f.Add([]byte(seed))
	}
	api := testAPI()
	f.Fuzz(func(t *testing.T, request []byte) {
		answer := api.Answer(request)
		if strings.HasPrefix(strings.TrimSpace(string(request)), "{") && !json.Valid(answer) {
			t.Fatalf("%q: %q", request, answer)
		}
	})
}
