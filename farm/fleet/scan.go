package fleet

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// MaxScan is how many addresses one scan may cover: a /14.
const MaxScan = 1 << 18

// DefaultParallel is how many addresses are asked at a time: with three ports each, an idle /16 takes
// 65,536/1024 times dialTimeout.
const DefaultParallel = 1024

// ScanOptions say how politely to look.
type ScanOptions struct {
	Port     int    // 0: 4028
	PortV3   int    // 0: 4433
	HTTPPort int    // 0: 80; where stock Antminers say their MAC
	TLSPort  int    // 0: 443; where some web APIs are served with a certificate of the machine's own
	User     string // of the HTTP interface; "" root
	Password string // "" root
	// Trusted says which addresses are shown User and Password: from a digest over a nonce of its choice a machine, or
	// what passes for one, finds the password out at leisure. Others are tried with what the firmware comes with. Nil:
	// all.
	Trusted  func(host string) bool
	Parallel int           // addresses at a time; 0: 1024
	Timeout  time.Duration // of each question; 0: 2 s
	Progress func(done, all int)
}

// completed fills in the defaults.
func (o ScanOptions) completed() ScanOptions {
	o.Port, o.PortV3, o.HTTPPort = orDefault(o.Port, protocol.Port), orDefault(o.PortV3, protocol.PortV3),
		orDefault(o.HTTPPort, 80)
	o.TLSPort = orDefault(o.TLSPort, 443)
	o.Parallel = orDefault(o.Parallel, DefaultParallel)
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	return o
}

// Found is a machine that answered.
type Found struct {
	Machine Machine
	// Identified says whether a serial number or MAC is known; without one a machine cannot join the fleet.
	Identified bool
	Problem    string
}

// Addresses lists the hosts of a prefix.
func Addresses(prefix netip.Prefix) ([]netip.Addr, error) {
	prefix = prefix.Masked()
	hostBits := prefix.Addr().BitLen() - prefix.Bits()
	if hostBits > 18 {
		return nil, farm.Refuse("farm-too-many", "cidr", "%s has more than %d addresses", prefix, MaxScan)
	}
	var out []netip.Addr
	for a := prefix.Addr(); prefix.Contains(a); a = a.Next() {
		out = append(out, a)
	}
	if hostBits > 1 && prefix.Addr().Is4() {
		out = out[1 : len(out)-1] // network and broadcast
	}
	return out, nil
}

// Targets lists the addresses that texts mean: "10.1.0.17", "10.1.0.0/22", "10.1.0.10-10.1.0.40" or, short,
// "10.1.0.10-40", several in one text parted by commas or spaces; each once.
func Targets(texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	seen := map[netip.Addr]bool{}
	add := func(addresses ...netip.Addr) error {
		for _, a := range addresses {
			if a = a.Unmap(); !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
		// Within the loop: a /8 is refused while it is counted.
		if len(out) > MaxScan {
			return farm.Refuse("farm-too-many", "addresses", "more than %d in one scan", MaxScan)
		}
		return nil
	}
	for _, text := range texts {
		for _, part := range strings.FieldsFunc(text, func(c rune) bool {
			return c == ',' || c == ' ' || c == '\n' ||
				c == '\t' || c == '\r'
		}) {
			addresses, err := target(part)
			if err == nil {
				err = add(addresses...)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if len(out) == 0 {
		return nil, farm.Refuse("farm-bad-address", "addresses",
			"there is none: want 10.1.0.17, 10.1.0.0/22 or 10.1.0.10-40")
	}
	return out, nil
}

// target is one part of a list of addresses: an address, a network or a range.
func target(part string) ([]netip.Addr, error) {
	bad := farm.Refuse("farm-bad-address", "addresses", "%q: want 10.1.0.17, 10.1.0.0/22 or 10.1.0.10-40", part)
	if prefix, err := netip.ParsePrefix(part); err == nil {
		return Addresses(prefix)
	}
	if a, err := netip.ParseAddr(part); err == nil {
		return []netip.Addr{a}, nil
	}
	from, to, ok := strings.Cut(part, "-")
	first, err := netip.ParseAddr(from)
	if !ok || err != nil {
		return nil, bad
	}
	last, err := netip.ParseAddr(to)
	if err != nil && first.Is4() {
		last, err = netip.ParseAddr(from[:strings.LastIndexByte(from, '.')+1] + to)
	}
	if err != nil || last.BitLen() != first.BitLen() || last.Less(first) {
		return nil, bad
	}
	out := []netip.Addr{first}
	for a := first; a != last; {
		if a = a.Next(); len(out) >= MaxScan {
			return nil, farm.Refuse("farm-too-many", "addresses", "%s has more than %d", part, MaxScan)
		}
		out = append(out, a)
	}
	return out, nil
}

// Scan asks every address of a prefix who is there.
func Scan(ctx context.Context, prefix netip.Prefix, o ScanOptions) ([]Found, error) {
	addresses, err := Addresses(prefix)
	if err != nil {
		return nil, err
	}
	return ScanAddresses(ctx, addresses, o)
}

// ScanAddresses asks every address who is there.
func ScanAddresses(ctx context.Context, addresses []netip.Addr, o ScanOptions) ([]Found, error) {
	o = o.completed()
	work := make(chan int)
	results := make([]*Found, len(addresses))
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(o.Parallel, len(addresses)) {
		wait.Go(func() {
			for i := range work {
				// Each goroutine writes its own places, and they are read after all have ended: the lock is for the
				// count alone.
				results[i] = identify(ctx, addresses[i].String(), o)
				mu.Lock()
				if done++; o.Progress != nil {
					o.Progress(done, len(addresses))
				}
				mu.Unlock()
			}
		})
	}
	for i := range addresses {
		if ctx.Err() != nil {
			break
		}
		work <- i
	}
	close(work)
	wait.Wait()
	var found []Found
	for _, r := range results {
		if r != nil {
			found = append(found, *r)
		}
	}
	twins(found)
	return found, ctx.Err()
}

// twins tells apart machines of one scan that call themselves by one name: by their MACs where these
// differ; otherwise none of them is taken, because they would become one.
func twins(found []Found) {
	named := func() map[string][]int {
		by := map[string][]int{}
		for i, f := range found {
			if f.Identified {
				by[f.Machine.ID] = append(by[f.Machine.ID], i)
			}
		}
		return by
	}
	for _, same := range named() {
		for _, i := range same {
			if m := &found[i].Machine; len(same) > 1 && m.Serial == m.ID && m.MAC != "" {
				m.ID, m.Serial = m.MAC, "" // a serial number that two have is none
			}
		}
	}
	for id, same := range named() {
		for _, i := range same {
			if len(same) > 1 {
				other := same[0]
				if other == i {
					other = same[1]
				}
				found[i].Identified = false
				found[i].Problem = strings.TrimSpace(fmt.Sprintf("calls itself %s, as %s does: not added; give one "+
					"of them another MAC or serial number. %s", id, found[other].Machine.Address, found[i].Problem))
			}
		}
	}
	sharedMACs(found)
}

// sharedMACs says of machines of one scan that have one MAC that they are known by their serial numbers alone.
func sharedMACs(found []Found) {
	by := map[string]int{}
	for i := range found {
		f := &found[i]
		if !f.Identified || f.Machine.MAC == "" {
			continue
		}
		if first, ok := by[f.Machine.MAC]; ok {
			f.Problem = strings.TrimSpace(fmt.Sprintf("has the MAC %s, as %s does: known by its serial number. %s",
				f.Machine.MAC, found[first].Machine.Address, f.Problem))
		} else {
			by[f.Machine.MAC] = i
		}
	}
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// open are the ports of a host at which somebody listens, tried at the same time: an address where
// nobody is costs one timeout.
func open(ctx context.Context, host string, o ScanOptions) *Network {
	if o.Trusted != nil && !o.Trusted(host) {
		o.User, o.Password = "", ""
	}
	n := &Network{Host: host, User: o.User, Password: o.Password, Timeout: o.Timeout}
	ctx, stop := context.WithTimeout(ctx, min(o.Timeout, dialTimeout))
	defer stop()
	var wait sync.WaitGroup
	for _, port := range []struct {
		to   *int
		port int
	}{{&n.Port, o.Port}, {&n.PortV3, o.PortV3}, {&n.WebPort, o.HTTPPort}, {&n.TLSPort, o.TLSPort}} {
		wait.Go(func() {
			dialer := net.Dialer{KeepAlive: -1}
			if conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(port.port))); err == nil {
				_ = conn.Close()
				*port.to = port.port
			}
		})
	}
	wait.Wait()
	if n.Port+n.PortV3+n.WebPort+n.TLSPort == 0 {
		return nil
	}
	return n
}

// dialTimeout is how long a scan waits for a connection: a farm's network answers in milliseconds, and
// TCP sends a lost packet again after one second.
const dialTimeout = 1500 * time.Millisecond

// identify asks one address; nil: no machine answers there.
func identify(ctx context.Context, host string, o ScanOptions) *Found {
	f, _ := ReadAt(ctx, host, o)
	return f
}

// ReadAt asks one address who is there and reads it; nil: no machine answers there.
func ReadAt(ctx context.Context, host string, o ScanOptions) (*Found, *protocol.Reading) {
	n := open(ctx, host, o.completed())
	if n == nil {
		return nil, nil
	}
	m, reading, err := Look(ctx, n)
	if reading == nil && (m.Protocol == "" || m.Protocol.HTTP()) && n.TLSPort != 0 {
		over := &Network{Host: host, WebPort: n.TLSPort, Pin: &Pin{}, User: n.User, Password: n.Password,
			Timeout: n.Timeout}
		if found, said, problem := Look(ctx, over); found.Protocol != "" {
			n, m, reading, err = over, found, said, problem
			m.TLS, m.Certificate = true, over.Pin.SHA256
		}
	}
	if m.Protocol == "" && n.Port+n.PortV3 == 0 {
		return nil, nil // a web server that is no machine
	}
	port := n.Port
	if m.Protocol == protocol.WhatsminerV3 {
		port = n.PortV3
	} else if m.Protocol.HTTP() && m.Protocol != protocol.EPIC {
		port = n.WebPort
	}
	if port == 0 && m.Protocol == protocol.AntminerNew {
		port = o.completed().Port // shut: what it would tell there is asked over HTTP
	}
	if port == 0 { // the one that was asked first of those that are open: what is wrong is said of it
		port = orDefault(n.Port, orDefault(n.PortV3, n.WebPort))
	}
	m.Address = net.JoinHostPort(host, fmt.Sprint(port))
	if m.Protocol == protocol.AntminerNew || m.Protocol == protocol.AntminerOld {
		m.HTTPPort = o.HTTPPort
	}
	if m.MAC == "" {
		m.MAC = neighbour(host)
	}
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	return complain(m, reading, problem), reading
}

// complain fills in what a first poll knows, and says what is wrong.
func complain(m Machine, reading *protocol.Reading, problem string) *Found {
	if reading != nil {
		m.learn(reading)
		if rate, _, _ := m.Nameplate(); rate == 0 && reading.RateMHs > 0 {
			m.IdealMHs = reading.RateMHs // as found: neither it nor the catalogue says
		}
		account, worker, _ := strings.Cut(reading.ActivePool().User, ".")
		m.Worker, m.Simulated = worker, account == "simulated"
	}
	m.ID, m.ModelSeen = first(protocol.ProperSerial(m.Serial), m.MAC), m.Model != ""
	m.ProtocolSeen = reading != nil
	m.Since, m.Simulated = time.Now().Unix(), m.Simulated || strings.HasPrefix(m.Model, "Simulated ")
	f := &Found{Machine: m, Identified: m.ID != "" && m.Protocol != "", Problem: problem}
	if err := f.Machine.Validate(); f.Identified && err != nil {
		f.Identified, f.Problem = false, strings.TrimSpace(err.Error()+" "+problem) // the others are taken all the same
	}
	return f
}

// NeighbourTable is where the kernel lists the hosts of its networks with their hardware addresses; tests have their
// own.
var NeighbourTable = "/proc/net/arp"

// Neighbour is the MAC that the kernel knows for a machine's address; "" beyond its own networks.
func Neighbour(m *Machine) string {
	host, _, err := net.SplitHostPort(m.Address)
	if err != nil {
		return ""
	}
	return neighbour(host)
}

// neighbour is the hardware address that the kernel knows for a host on the same network.
func neighbour(host string) string {
	f, err := os.Open(NeighbourTable)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 4 && fields[0] == host {
			return protocol.NormalMAC(fields[3])
		}
	}
	return ""
}
