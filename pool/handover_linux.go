package pool

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"golang.org/x/sys/unix"
)

// duplicate is another descriptor of a listening socket, which outlives the listener: who connects meanwhile waits
// in the kernel's queue.
func duplicate(l net.Listener) (fd int, err error) {
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlErr := raw.Control(func(original uintptr) { fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(controlErr, err)
}

// AddListener hands a listening socket over under a name. The listener is the caller's to close.
func (h *Handover) AddListener(name string, l net.Listener) error {
	fd, err := duplicate(l)
	if err != nil {
		return fmt.Errorf("listener %s: %w", name, err)
	}
	h.state.Listeners = append(h.state.Listeners, handedListener{name, len(h.files)})
	h.files = append(h.files, fd)
	return nil
}

// Listener takes a listening socket by its name; nil without an error when none of it was handed over.
func (h *Handover) Listener(name string) (net.Listener, error) {
	for _, one := range h.state.Listeners {
		if one.Name != name {
			continue
		}
		if fd, ok := h.take(one.File); ok {
			file := os.NewFile(uintptr(fd), name)
			defer file.Close() // FileListener has a descriptor of its own
			return net.FileListener(file)
		}
	}
	return nil, nil
}

// freeze stops reading. The loop ends once what it has read is durable and answered; its connections stay open.
func (l *loop) freeze() {
	l.frozen = true
	for _, c := range l.conns {
		if c.virtual == nil {
			_ = l.control(unix.EPOLL_CTL_DEL, c.fd, 0)
		}
	}
}

// export describes what the loops have left. Nothing runs any more.
func (p *Pool) export(h *Handover) {
	s := &h.state
	s.Version, s.Current, s.LastJob, s.Draining = handoverVersion, -1, p.lastJob.Load(), p.draining.Load()
	s.Died, s.Claims, s.Exempt = maps.Clone(p.loops[0].died), map[bitcoin.Hash]int64{}, p.guard.exempt
	for tip, seen := range p.seen.byTip {
		if at := seen.claimed.Load(); at != 0 {
			s.Claims[tip] = at
		}
	}
	for ip, one := range p.guard.recent {
		if !one.earned.IsZero() {
			s.Earned = append(s.Earned, handedEarned{ip, one.earned})
		}
	}
	jobs, transactions := map[*job]int{}, map[bitcoin.Hash]int{}
	place := func(j *job) int {
		at, known := jobs[j]
		if !known {
			at = len(s.Jobs)
			jobs[j] = at
			s.Jobs = append(s.Jobs, s.describe(j, transactions))
		}
		return at
	}
	if j := p.current.Load(); j != nil && !p.halted.Load() {
		s.Current = place(j)
	}
	for _, l := range p.loops {
		var one handedLoop
		for _, h := range l.handouts {
			at := place(h.job)
			if !slices.Contains(h.job.handouts, h) {
				one.Solo = append(one.Solo, handedCoinbase{at, h.number, h.parts, h.record})
			}
		}
		for _, c := range l.conns {
			if c.virtual == nil {
				one.Conns = append(one.Conns, c.describe(len(h.files)))
				h.files = append(h.files, c.fd)
			}
		}
		s.Loops = append(s.Loops, one)
	}
}

func (s *handedState) describe(j *job, transactions map[bitcoin.Hash]int) handedJob {
	one := handedJob{Record: j.record, Template: *j.template, Arrived: j.arrived, MinTime: j.minTime, MaxTime: j.maxTime, TipTime: j.tipTime, Clean: j.clean, Previous: j.previous}
	for _, tx := range j.template.Transactions {
		at, known := transactions[tx.WitnessID]
		if !known {
			at = len(s.Transactions)
			transactions[tx.WitnessID] = at
			s.Transactions = append(s.Transactions, tx)
		}
		one.Transactions = append(one.Transactions, at)
	}
	one.Template.Transactions = nil
	return one
}

func (c *conn) describe(file int) handedConn {
	v := c.vardiff
	one := handedConn{
		File: file, IP: c.ip, Port: *c.port, Secure: c.secure, Subscribed: c.subscribed, Partial: c.partial, Unsent: c.unsent,
		Connected: c.connected, LastByte: c.lastByte, LineSince: c.lineSince, Extranonce1: c.extranonce1, Agent: c.agent, Login: c.login,
		Class: c.class, Mask: c.mask, Floor: c.floor, Window: c.window, Requests: c.requests, Good: c.good, Bad: c.bad,
		Vardiff: handedVardiff{v.wanted, v.since, v.shares, v.measured, v.least, v.asked},
	}
	for _, step := range c.steps {
		one.Steps = append(one.Steps, handedStep{step.from, step.difficulty})
	}
	if c.workers != nil {
		one.Workers = map[string]handedWorker{}
		for name, m := range c.workers {
			w := m.worker.describe()
			w.Share = m.last
			one.Workers[name] = w
		}
	} else if c.worker != nil {
		w := c.worker.describe()
		one.Worker = &w
	}
	return one
}

func (w *worker) describe() handedWorker {
	return handedWorker{Name: w.fullName(), Floor: w.floorDifficulty(), Last: w.lastDifficulty()}
}

// Adopt makes an earlier process's connections and jobs the pool's own. Called between Open and Run.
func (p *Pool) Adopt(h *Handover) error {
	s := &h.state
	p.tunnels = h.tunnels
	p.draining.Store(s.Draining)
	p.lastJob.Store(max(p.lastJob.Load(), s.LastJob))
	for _, prefix := range s.Exempt {
		if err := p.Exempt(prefix, true); err != nil {
			return err
		}
	}
	for _, one := range s.Earned {
		p.guard.earned(one.IP, one.At)
	}
	jobs := make([]*job, len(s.Jobs))
	for i := range s.Jobs {
		var err error
		if jobs[i], err = p.adoptJob(s, &s.Jobs[i]); err != nil {
			return fmt.Errorf("job %d: %w", s.Jobs[i].Record.Number, err)
		}
	}
	for tip, at := range s.Claims {
		p.seen.on(tip).claimed.Store(at)
	}
	for _, l := range p.loops {
		maps.Copy(l.died, s.Died)
		for _, j := range jobs {
			for _, one := range j.handouts {
				l.handouts[one.key()] = one
			}
		}
	}
	if s.Current >= 0 && s.Current < len(jobs) {
		p.current.Store(jobs[s.Current])
		for _, l := range p.loops {
			l.current = jobs[s.Current]
		}
	}
	ports := map[Port]*Port{}
	for i, old := range s.Loops {
		l := p.loops[i%len(p.loops)]
		for _, one := range old.Solo {
			if one.Job < len(jobs) {
				made := newHandout(jobs[one.Job], one.Number, 0, one.Parts)
				made.record = one.Record
				l.handouts[made.key()] = made
			}
		}
		for j := range old.Conns {
			l.adoptConn(h, &old.Conns[j], ports)
		}
	}
	return nil
}

func (p *Pool) adoptJob(s *handedState, one *handedJob) (*job, error) {
	t := one.Template
	for _, at := range one.Transactions {
		if at >= len(s.Transactions) {
			return nil, errors.New("a transaction is missing")
		}
		t.Transactions = append(t.Transactions, s.Transactions[at])
	}
	j := &job{record: one.Record, template: &t, arrived: one.Arrived, minTime: one.MinTime, maxTime: one.MaxTime, tipTime: one.TipTime, clean: one.Clean,
		previous: one.Previous, seen: p.seen.on(t.Previous)}
	for i, v := range one.Record.Variants {
		parts := bitcoin.CoinbaseParts{Head: v.Head, Tail: v.Tail, Extranonce: extranonce1Size + extranonce2Size, HasWitness: v.Witness}
		j.handouts = append(j.handouts, newHandout(j, one.Record.Number, uint64(i), parts))
	}
	if len(j.handouts) == 0 {
		return nil, errors.New("it has no coinbase")
	}
	return j, nil
}

// adoptConn goes on where a connection was left: the protocol's state, half a line, what has not been written.
func (l *loop) adoptConn(h *Handover, one *handedConn, ports map[Port]*Port) {
	fd, ok := h.take(one.File)
	if !ok {
		return
	}
	if ports[one.Port] == nil {
		ports[one.Port] = &one.Port
	}
	v := one.Vardiff
	c := &conn{
		fd: fd, ip: one.IP, port: ports[one.Port], secure: one.Secure, subscribed: one.Subscribed, partial: one.Partial, unsent: one.Unsent,
		connected: one.Connected, lastByte: one.LastByte, lineSince: one.LineSince, extranonce1: one.Extranonce1, agent: one.Agent, login: one.Login,
		class: one.Class, mask: one.Mask, floor: one.Floor, window: one.Window, requests: one.Requests, good: one.Good, bad: one.Bad,
		vardiff: vardiff{wanted: v.Wanted, since: v.Since, shares: v.Shares, measured: v.Measured, least: v.Least, asked: v.Asked},
	}
	for _, step := range one.Steps {
		c.steps = append(c.steps, stepAt(l.pool, step))
	}
	g := l.pool.guard
	g.mu.Lock()
	g.open[c.ip]++
	g.total++
	g.mu.Unlock()
	err := l.adoptWorkers(c, one)
	l.serve(c)
	switch {
	case c.at >= len(l.conns) || l.conns[c.at] != c: // closed by serve
	case err != nil:
		l.pool.logger.Warn("a connection is not taken over", "address", c.ip, "error", err)
		l.close(c)
	case len(c.unsent) > 0:
		c.wants = true
		_ = l.control(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLOUT)
	}
}

func stepAt(p *Pool, s handedStep) step { return step{s.From, s.Difficulty, p.targetOf(s.Difficulty)} }

// adoptWorkers holds a connection's workers as its authorizations did.
func (l *loop) adoptWorkers(c *conn, one *handedConn) error {
	find := func(known handedWorker) (*worker, error) {
		w, err := l.pool.registry.find(known.Name)
		if err == nil {
			w.setFloor(cmp.Or(known.Floor, w.floorDifficulty()))
			w.found(cmp.Or(known.Last, w.lastDifficulty()))
		}
		return w, err
	}
	if one.Worker != nil {
		w, err := find(*one.Worker)
		c.worker = w
		return err
	}
	for name, known := range one.Workers {
		w, err := find(known)
		if err != nil {
			return err
		}
		if c.workers == nil {
			c.workers = map[string]*member{}
		}
		c.workers[name] = &member{worker: w, last: known.Share}
	}
	if m := c.workers[c.login]; m != nil {
		c.worker = m.worker
	}
	return nil
}
