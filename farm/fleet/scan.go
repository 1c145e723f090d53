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
	"github.com/aqsha/aqsha/farm/dialect"
)

// MaxScan is how many addresses one scan may cover: a /14.
const MaxScan = 1 << 18

// ScanOptions say how politely to look.
type ScanOptions struct {
	Port     int           // 0: 4028
	PortV3   int           // 0: 4433
	HTTPPort int           // 0: 80; where stock Antminers say their MAC
	User     string        // of the HTTP interface; "" root
	Password string        // "" root
	Parallel int           // addresses at a time; 0: 256
	Timeout  time.Duration // of each question; 0: 2 s
	Progress func(done, all int)
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
		return nil, farm.Refuse("too_many", "cidr", "%s has more than %d addresses", prefix, MaxScan)
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

// Scan asks every address of a prefix who is there.
func Scan(ctx context.Context, prefix netip.Prefix, o ScanOptions) ([]Found, error) {
	addresses, err := Addresses(prefix)
	if err != nil {
		return nil, err
	}
	o.Port, o.PortV3, o.HTTPPort = orDefault(o.Port, dialect.Port), orDefault(o.PortV3, dialect.PortV3), orDefault(o.HTTPPort, 80)
	o.Parallel = orDefault(o.Parallel, 256)
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	work := make(chan int)
	results := make([]*Found, len(addresses))
	var wait sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(o.Parallel, len(addresses)) {
		wait.Go(func() {
			for i := range work {
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
	return found, ctx.Err()
}

func orDefault(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// identify asks one address; nil: nobody answers there.
func identify(ctx context.Context, host string, o ScanOptions) *Found {
	ask := func(address, request string, framed bool) ([]byte, error) {
		ctx, stop := context.WithTimeout(ctx, o.Timeout)
		defer stop()
		return Ask(ctx, address, []byte(request), framed)
	}
	address := net.JoinHostPort(host, fmt.Sprint(o.Port))
	reply, err := ask(address, dialect.Probe, false)
	var d dialect.Dialect
	var r dialect.Reading
	if err == nil {
		if d, r, err = dialect.Detect(reply); err != nil {
			return &Found{Machine: Machine{Address: address}, Problem: err.Error()}
		}
	} else {
		address = net.JoinHostPort(host, fmt.Sprint(o.PortV3))
		if _, err := ask(address, dialect.WhatsminerV3.Identities()[0], true); err != nil {
			return nil
		}
		d = dialect.WhatsminerV3
	}
	if d == dialect.AntminerOld {
		if reply, err := ask(address, dialect.ProbeNewAntminer, false); err == nil && dialect.DetectNewAntminer(reply) {
			d = dialect.AntminerNew
		}
	}
	var replies [][]byte
	for _, request := range d.Identities() {
		if reply, err := ask(address, request, d.Framed()); err == nil {
			replies = append(replies, reply)
		}
	}
	m := Machine{Dialect: d, Address: address}
	if d == dialect.AntminerNew || d == dialect.AntminerOld {
		m.HTTPPort = o.HTTPPort
		ctx, stop := context.WithTimeout(ctx, o.Timeout)
		if reply, err := AntminerInfo(ctx, host, o); err == nil {
			replies = append(replies, reply)
		}
		stop()
	}
	problem := ""
	if err := dialect.ReadIdentity(&r, replies); err != nil {
		problem = err.Error()
	}
	return complete(ctx, m, r, host, problem, o.Timeout)
}

// complete fills in what a first poll and the neighbour table know.
func complete(ctx context.Context, m Machine, r dialect.Reading, host, problem string, timeout time.Duration) *Found {
	m.MAC, m.Serial, m.Model = r.MAC, r.Serial, r.Model
	if m.MAC == "" {
		m.MAC = neighbour(host)
	}
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	if reading, err := Poll(ctx, &m); err != nil {
		problem = err.Error()
	} else {
		if m.Model == "" {
			m.Model = reading.Model
		}
		if m.MAC == "" {
			m.MAC = reading.MAC
		}
		m.learn(reading)
		if rate, _, _ := m.Nameplate(); rate == 0 && reading.RateMHs > 0 {
			m.IdealMHs = reading.RateMHs // as found: neither it nor the catalogue says
		}
		account, worker, _ := strings.Cut(reading.ActivePool().User, ".")
		m.Worker, m.Simulated = worker, account == "simulated"
	}
	m.ID = m.Serial
	if m.ID == "" {
		m.ID = m.MAC
	}
	m.Since, m.Simulated = time.Now().Unix(), m.Simulated || strings.HasPrefix(m.Model, "Simulated ")
	return &Found{Machine: m, Identified: m.ID != "", Problem: problem}
}

// neighbour is the hardware address that the kernel knows for a host on the same network.
func neighbour(host string) string {
	f, err := os.Open("/proc/net/arp")
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 4 && fields[0] == host {
			return dialect.NormalMAC(fields[3])
		}
	}
	return ""
}
