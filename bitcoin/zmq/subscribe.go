package zmq

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Topics of bitcoind that tell of a block.
var blockTopics = []string{"hashblock", "rawblock"}

const (
	// The greeting's length is ZMTP 3.0's.
	greetingSize = 64
	maxFrame     = 8 << 20 // a raw block has at most 4 MB
	maxRetry     = 30 * time.Second
	dialTimeout  = 10 * time.Second
)

// Flags of a frame (ZMTP 3.0, section "Framing").
const (
	flagMore    = 1
	flagLong    = 2
	flagCommand = 4
)

// ParseAddress reads tcp://host:port, as bitcoind writes it, or host:port.
func ParseAddress(text string) (string, error) {
	address := strings.TrimPrefix(text, "tcp://")
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("ZeroMQ address %.80q: want tcp://host:port", text)
	}
	return address, nil
}

// Blocks sends a value for each block that the publisher at an address tells of, until ctx ends,
// and then closes the channel. News that nobody has taken yet are one. A connection that cannot be
// made or breaks is reported to failed, which may be nil, and tried again; making one is news too,
// for blocks may have come meanwhile.
func Blocks(ctx context.Context, address string, failed func(error)) <-chan struct{} {
	news := make(chan struct{}, 1)
	go func() {
		defer close(news)
		for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, maxRetry) {
			err := listen(ctx, address, func() {
				wait = time.Second
				select {
				case news <- struct{}{}:
				default:
				}
			})
			if ctx.Err() != nil {
				return
			}
			if failed != nil {
				failed(fmt.Errorf("ZeroMQ publisher %s: %w", address, err))
			}
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
			timer.Stop()
		}
	}()
	return news
}

// listen subscribes and calls heard for each block until the connection ends.
func listen(ctx context.Context, address string, heard func()) error {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	reader := bufio.NewReaderSize(conn, 64<<10)
	_ = conn.SetDeadline(time.Now().Add(dialTimeout))
	if err := shake(conn, reader); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Time{}) // blocks may be an hour apart; keep-alive finds a dead connection
	heard()
	for {
		topic, err := readMessage(reader)
		if err != nil {
			return err
		}
		for _, known := range blockTopics {
			if string(topic) == known {
				heard()
			}
		}
	}
}

// shake greets, says that we subscribe, and subscribes.
func shake(conn io.Writer, reader *bufio.Reader) error {
	greeting := make([]byte, greetingSize)
	copy(greeting, "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00NULL") // signature, version 3.0, mechanism
	if _, err := conn.Write(greeting); err != nil {
		return err
	}
	var theirs [greetingSize]byte
	if _, err := io.ReadFull(reader, theirs[:]); err != nil {
		return err
	}
	if theirs[0] != 0xff || theirs[9] != 0x7f || theirs[10] < 3 || !bytes.Equal(bytes.TrimRight(theirs[12:32], "\x00"),
		[]byte("NULL")) {
		return errors.New("not a ZMTP 3 publisher with the NULL mechanism")
	}
	ready := append([]byte("\x05READY\x0bSocket-Type"), 0, 0, 0, 3)
	if err := writeFrame(conn, flagCommand, append(ready, "SUB"...)); err != nil {
		return err
	}
	flags, body, err := readFrame(reader)
	if err != nil {
		return err
	}
	if flags&flagCommand == 0 || !bytes.HasPrefix(body, []byte("\x05READY")) {
		return fmt.Errorf("publisher answers %.40q", body)
	}
	for _, topic := range blockTopics {
		if err := writeFrame(conn, 0, append([]byte{1}, topic...)); err != nil {
			return err
		}
	}
	return nil
}

// writeFrame writes a short frame (ZMTP 3.0): its length is one byte.
func writeFrame(w io.Writer, flags byte, body []byte) error {
	_, err := w.Write(append([]byte{flags, byte(len(body))}, body...)) // all of ours are short
	return err
}

// readMessage returns a message's first frame, its topic, and reads the others. Commands between
// messages, such as heartbeats, are passed over.
func readMessage(reader *bufio.Reader) (topic []byte, err error) {
	for first := true; ; {
		flags, body, err := readFrame(reader)
		if err != nil {
			return nil, err
		}
		if flags&flagCommand != 0 {
			continue
		}
		if first {
			topic, first = body, false
		}
		if flags&flagMore == 0 {
			return topic, nil
		}
	}
}

// readFrame reads a frame of either length. Reserved flags end the connection: behind them the stream may be out of
// step.
func readFrame(reader *bufio.Reader) (flags byte, body []byte, err error) {
	if flags, err = reader.ReadByte(); err != nil {
		return 0, nil, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 {
		return 0, nil, fmt.Errorf("frame with reserved flags %#x", flags)
	}
	var size uint64
	if flags&flagLong == 0 {
		short, err := reader.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		size = uint64(short)
	} else {
		var long [8]byte
		if _, err := io.ReadFull(reader, long[:]); err != nil {
			return 0, nil, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	if size > maxFrame {
		return 0, nil, fmt.Errorf("frame of %d bytes", size)
	}
	// Grown by what comes, not by what is claimed.
	var read bytes.Buffer
	if _, err := io.CopyN(&read, reader, int64(size)); err != nil {
		return 0, nil, err
	}
	return flags, read.Bytes(), nil
}
