package device

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/aqsha/aqsha/contract/channel"
	"github.com/aqsha/aqsha/money"
)

// MaxDeviceLine bounds a message between devices, DeviceSilence how long one waits for the other.
const (
	MaxDeviceLine = 4096
	DeviceSilence = 30 * time.Second
)

// Message is a line between two machines: the car sends one of the first three, the charger
// answers each with what it has accepted in all, or with the code of its refusal.
type Message struct {
	Hello   *channel.ID      `json:"hello,omitempty"`
	Voucher *channel.Voucher `json:"voucher,omitempty"`
	Tick    *channel.Word    `json:"tick,omitempty"`

	Total  money.Tiyn `json:"total,omitempty"`
	Code   string     `json:"code,omitempty"`
	Detail string     `json:"detail,omitempty"`
}

// Link sends and receives lines.
type Link struct {
	net.Conn
	in *json.Decoder
}

// LineLimit fails when one connection has carried more than any session needs in one message's time.
type LineLimit struct {
	r    io.Reader
	left int
}

func (l *LineLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("a message of more than %d bytes", MaxDeviceLine)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// NewLink speaks lines over a connection.
func NewLink(c net.Conn) (*Link, *LineLimit) {
	limit := &LineLimit{r: c}
	return &Link{c, json.NewDecoder(limit)}, limit
}

func (l *Link) send(m Message) error {
	content, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_ = l.SetWriteDeadline(time.Now().Add(DeviceSilence))
	_, err = l.Write(append(content, '\n'))
	return err
}

// Receive reads the next line, for which the other has DeviceSilence.
func (l *Link) Receive(limit *LineLimit) (m Message, err error) {
	limit.left = MaxDeviceLine
	_ = l.SetReadDeadline(time.Now().Add(DeviceSilence))
	return m, l.in.Decode(&m)
}
