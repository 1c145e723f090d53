package fleet_test

import (
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
)

// Who answers the question of multicast DNS is listed once; what is no answer is none.
func TestAnnounced(t *testing.T) {
	responder, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer responder.Close()
	asked := make(chan string, 1)
	own := []string{"127.0.0.3", "127.0.0.2"}
	if runtime.GOOS != "linux" {
		own = nil // other systems have one loopback address
	}
	go func() {
		packet := make([]byte, 512)
		n, from, err := responder.ReadFromUDP(packet)
		if err != nil {
			return
		}
		asked <- string(packet[:n])
		answer := append([]byte{0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0},
			"\x05_http\x04_tcp\x05local\x00\x00\x0c\x00\x01"...)
		asking := append([]byte{0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0}, packet[12:n]...) // a question with what it knows
		stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, byte(3+len(own)))})
		if err == nil {
			_, _ = stranger.WriteToUDP(asking, from)
			_ = stranger.Close()
		}
		for _, reply := range [][]byte{{1}, packet[:n], {0, 0, 0x84, 3, 0, 0, 0, 1, 0, 0, 0, 0}, answer, answer} {
			_, _ = responder.WriteToUDP(reply, from)
		}
		for _, address := range own {
			if conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(address)}); err == nil {
				_, _ = conn.WriteToUDP(answer, from)
				_ = conn.Close()
			}
		}
	}()
	found, err := fleet.Announced(t.Context(), responder.LocalAddr().String(), time.Minute, 1+len(own))
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2"),
		netip.MustParseAddr("127.0.0.3")}
	if !slices.Equal(found, want[:1+len(own)]) {
		t.Errorf("%v answered", found)
	}
	if got := <-asked; got != "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05_http\x04_tcp\x05local\x00\x00\x0c\x80\x01" {
		t.Errorf("asked %q", got)
	}
}
