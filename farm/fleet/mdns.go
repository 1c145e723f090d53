package fleet

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// MDNSGroup is where multicast DNS is asked (RFC 6762).
const MDNSGroup = "224.0.0.251:5353"

// MaxAnnounced is how many hosts one question may bring.
const MaxAnnounced = 4096

// Announced asks a network's multicast DNS who serves web pages (_http._tcp, which Bitaxe and its kin announce) and
// returns the addresses that answer within a time, at most so many, each once, in order. The question comes from a port
// of its own, so that answers come back to it alone (RFC 6762, 6.7); only who answered is taken from them.
func Announced(ctx context.Context, group string, wait time.Duration, most int) ([]netip.Addr, error) {
	to, err := net.ResolveUDPAddr("udp4", group)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline := time.Now().Add(wait)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := conn.SetReadDeadline(deadline); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	question := dnsQuestion("_http._tcp.local")
	if _, err := conn.WriteToUDP(question, to); err != nil {
		return nil, err
	}
	// What answers say of themselves is not believed: the address a packet came from is asked next, as in any scan.
	var out []netip.Addr
	for packet := make([]byte, 9000); len(out) < most; {
		n, from, err := conn.ReadFromUDPAddrPort(packet)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return nil, err
		}
		if a := from.Addr().Unmap(); isDNSAnswer(packet[:n]) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out, ctx.Err()
}

// dnsQuestion is a question for a name's PTR records, answered to whoever asks.
func dnsQuestion(name string) []byte {
	packet := make([]byte, 12, 64)
	binary.BigEndian.PutUint16(packet[4:], 1) // questions
	for _, label := range strings.Split(name, ".") {
		packet = append(append(packet, byte(len(label))), label...)
	}
	return append(packet, 0, 0, 12, 0x80, 1) // PTR, unicast answer wanted, IN
}

// isDNSAnswer says whether a packet is a response without an error that has records.
func isDNSAnswer(packet []byte) bool {
	return len(packet) >= 12 && packet[2]&0x80 != 0 && packet[3]&0x0f == 0 && binary.BigEndian.Uint16(packet[6:]) > 0
}
