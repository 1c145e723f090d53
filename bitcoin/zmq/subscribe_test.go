package zmq_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin/zmq"
	"github.com/aqsha/aqsha/internal/testnode"
)

// A bitcoind's publisher tells of each block, again after it was started anew.
func TestBlocksOfANode(t *testing.T) {
	for _, topic := range []string{"hashblock", "rawblock"} {
		t.Run(topic, func(t *testing.T) {
			address := fmt.Sprintf("tcp://127.0.0.1:%d", testnode.FreePort(t))
			node := testnode.CoreWith(t, "regtest", "-listen=0", "-zmqpub"+topic+"="+address)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			host, err := zmq.ParseAddress(address)
			if err != nil {
				t.Fatal(err)
			}
			lost := make(chan error, 100)
			news := zmq.Blocks(ctx, host, func(err error) { lost <- err })
			await := func(what string) {
				t.Helper()
				if _, ok := <-news; !ok {
					t.Fatalf("%s: no news", what)
				}
			}
			await("connected")
			for i := range 3 {
				// A subscription takes a moment to reach the publisher; blocks before are not told of.
				for heard := false; !heard; {
					if _, err := node.Client.MineBlocks(ctx, 1, []byte{0x51}); err != nil {
						t.Fatal(err)
					}
					select {
					case _, heard = <-news:
						if !heard {
							t.Fatalf("no news of block %d", i)
						}
					case <-time.After(time.Second):
					}
				}
			}
			node.Stop(os.Kill)
			<-lost
			node.Start()
			await("connected again")
		})
	}
}

// What is not a publisher is reported, not believed; nothing it sends is taken without bound.
func TestNotAPublisher(t *testing.T) {
	greeting := append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00NULL"), make([]byte, 48)...)
	ready := "\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB"
	for name, said := range map[string]string{
		"a web server":    "HTTP/1.1 400 Bad Request\r\n\r\n" + string(make([]byte, 64)),
		"another version": string(append([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x01\x00NULL"), make([]byte, 48)...)),
		"a huge frame":    string(greeting) + ready + "\x02\x7f\xff\xff\xff\xff\xff\xff\xff",
		"reserved flags":  string(greeting) + ready + "\xf0\x01x",
		"nothing":         "",
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, said)
					_ = conn.(*net.TCPConn).CloseWrite()
				}
			}()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			failed := make(chan error, 1)
			zmq.Blocks(ctx, listener.Addr().String(), func(err error) {
				select {
				case failed <- err:
				default:
				}
			})
			if err := <-failed; err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := zmq.ParseAddress("ipc:///tmp/x"); err == nil {
		t.Error("an address without a port passes")
	}
}
