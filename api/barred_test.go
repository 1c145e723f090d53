package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// watchedBody counts what is read of it.
type watchedBody struct {
	io.Reader
	read int
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

// from posts transactions as somebody at an address does, with an access or without, and says how much of the body was read.
func (w *town) from(address, access string, body []byte, length int64) (answer *httptest.ResponseRecorder, read int) {
	watched := &watchedBody{Reader: bytes.NewReader(body)}
	r := httptest.NewRequest(http.MethodPost, "/v1/transactions", watched)
	r.RemoteAddr, r.ContentLength = address+":4000", length
	r.Header.Set("Content-Type", "application/cbor-seq")
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	answer = httptest.NewRecorder()
	w.server.Handler().ServeHTTP(answer, r)
	return answer, watched.read
}

// forgeries are payments from alice's wallet that a thief has signed.
func (w *town) forgeries(n int) (body []byte) {
	for i := range n {
		body = append(body, w.world.Pay(w.alice, w.world.Key("thief"), w.bob, 100, []token.ID{token.OutputID(w.money.ID(), 0)},
			100_000*money.Tenge, soon()+uint64(i)).Encode()...)
	}
	return body
}

func codeOfAnswer(t *testing.T, answer *httptest.ResponseRecorder) string {
	t.Helper()
	var p api.Problem
	if answer.Code == http.StatusOK {
		return ""
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	return p.Code
}

// Forgeries are borne by the address that they come from: what it sends next is refused by its head, and its connection ends.
// The wallet that they were of pays from anywhere else, at once, and from behind that very address too: one payment after the
// other, and as ever with an access.
func TestForgeriesAreBorneByTheirSource(t *testing.T) {
	w := newTown(t, api.Options{})
	w.server.SetAccess([]api.Access{{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank's")}})
	const forger, elsewhere = "203.0.113.9", "198.51.100.7"
	forged := w.forgeries(200)
	first, read := w.from(forger, "", forged, int64(len(forged)))
	var answers []api.Answer
	if err := json.Unmarshal(first.Body.Bytes(), &answers); first.Code != 200 || err != nil || read != len(forged) || len(answers) != 200 {
		t.Fatalf("%d, %d bytes read: %.200s", first.Code, read, first.Body)
	}
	looked := 0
	for _, a := range answers {
		switch {
		case a.Problem == nil:
			t.Fatal("a forgery was executed")
		case a.Problem.Code == "not-accepted":
			looked++
		case a.Problem.Code != "source-barred":
			t.Errorf("a forgery is answered %s", a.Problem.Code)
		}
	}
	if looked > 100 { // 64 before anything is known of it, and a second of its lane
		t.Errorf("%d of 200 forgeries of a new address were verified", looked)
	}
	for name, length := range map[string]int64{"a large body": int64(len(forged)), "one of unknown length": -1} {
		answer, read := w.from(forger, "", forged, length)
		after, _ := strconv.Atoi(answer.Header().Get("Retry-After"))
		if code := codeOfAnswer(t, answer); answer.Code != 429 || code != "source-barred" || read != 0 || after < 2 || answer.Header().Get("Connection") != "close" {
			t.Errorf("%s of a forger: %d %s, %d bytes read, Retry-After %d", name, answer.Code, code, read, after)
		}
	}
	last, amount := token.OutputID(w.money.ID(), 0), 100_000*money.Tenge
	pay := func(address, access string, pieces int) (int, string) {
		var body []byte
		change, left := last, amount
		for range pieces { // each spends the change of the one before
			tx := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, money.Tenge, []token.ID{change}, left, soon())
			change, left = token.OutputID(tx.ID(), 1), left-money.Tenge
			body = append(body, tx.Encode()...)
		}
		answer, _ := w.from(address, access, body, int64(len(body)))
		var answers []api.Answer
		if answer.Code != http.StatusOK {
			return answer.Code, codeOfAnswer(t, answer)
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &answers); err != nil || len(answers) != pieces {
			t.Fatalf("%v: %s", err, answer.Body)
		}
		for _, a := range answers {
			if a.Problem != nil {
				return a.Problem.Status, a.Problem.Code
			}
		}
		last, amount = change, left
		return answer.Code, ""
	}
	if status, code := pay(elsewhere, "", 1); status != 200 {
		t.Errorf("the wallet's owner from another address: %d %s", status, code)
	}
	if status, code := pay(forger, "bank's", 100); status != 200 { // larger than a small body
		t.Errorf("a bank from the forger's address: %d %s", status, code)
	}
	until := time.Now().Add(20 * time.Second)
	for {
		status, code := pay(forger, "", 1)
		if status == 200 {
			break
		}
		if status != 429 || code != "source-barred" || time.Now().After(until) {
			t.Fatalf("an honest payer behind the forger's address: %d %s", status, code)
		}
	}
}

// A barred source's request is answered before any of its body has come, and its connection is closed.
func TestABarredBodyIsNotWaitedFor(t *testing.T) {
	w := newTown(t, api.Options{})
	forged := w.forgeries(200)
	response, err := http.Post(w.http.URL+"/v1/transactions", "application/cbor-seq", bytes.NewReader(forged))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	c, err := net.Dial("tcp", w.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/cbor-seq\r\nContent-Length: 2000000\r\n\r\n")
	reader := bufio.NewReader(c)
	response, err = http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusTooManyRequests || !response.Close {
		t.Fatalf("%v, %v", response, err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); err != io.EOF {
		t.Errorf("the connection goes on: %v", err)
	}
}
