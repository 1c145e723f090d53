package serve

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/worker"
)

// freeze stops reading. The loop ends once what it has read is durable and answered; its connections stay open.
func (l *loop) freeze() {
	l.frozen = true
	for _, c := range l.conns {
		if c.virtual == nil {
			_ = l.control(unix.EPOLL_CTL_DEL, c.fd, 0)
		}
	}
}

// Export describes what the loops have left. Nothing runs any more. The sockets stay open here; the handover lists them
// in Files, and a connection names its place there.
func (srv *Server) Export(h *handover.Handover) {
	s := &h.State
	s.Version, s.Current, s.LastJob, s.Draining = handover.Version, -1, srv.lastJob.Load(), srv.draining.Load()
	s.Died, s.Claims, s.Exempt = maps.Clone(srv.loops[0].died), map[bitcoin.Hash]int64{}, srv.guard.Exempted()
	maps.Copy(s.Claims, srv.seen.Claims())
	for ip, at := range srv.guard.Earnings() {
		s.Earned = append(s.Earned, handover.Earned{IP: ip, At: at})
	}
	// Jobs are shared by loops and connections: each is described once, and named by its place, and so is each
	// transaction of their templates, which are megabytes.
	jobs, transactions := map[*job.Job]int{}, map[bitcoin.Hash]int{}
	place := func(j *job.Job) int {
		at, known := jobs[j]
		if !known {
			at = len(s.Jobs)
			jobs[j] = at
			s.Jobs = append(s.Jobs, describeJob(s, j, transactions))
		}
		return at
	}
	// A halted pool has no current job: its successor must not hand out what its nodes have left.
	if j := srv.current.Load(); j != nil && !srv.halted.Load() {
		s.Current = place(j)
	}
	for _, l := range srv.loops {
		var one handover.Loop
		for _, h := range l.handouts {
			at := place(h.Job)
			if !slices.Contains(h.Job.Handouts, h) {
				one.Solo = append(one.Solo, handover.Coinbase{Job: at, Number: h.Number, Parts: h.Parts,
					Record: h.Record})
			}
		}
		for _, c := range l.conns {
			if c.virtual == nil {
				one.Conns = append(one.Conns, c.describe(len(h.Files)))
				h.Files = append(h.Files, c.fd)
			}
		}
		s.Loops = append(s.Loops, one)
	}
}

// describeJob is a job for the next process; a transaction that several jobs have is there once.
func describeJob(s *handover.State, j *job.Job, transactions map[bitcoin.Hash]int) handover.Job {
	one := handover.Job{Record: j.Record, Template: *j.Template, Arrived: j.Arrived, MinTime: j.MinTime,
		MaxTime: j.MaxTime, TipTime: j.TipTime, Clean: j.Clean, Previous: j.Previous}
	for _, tx := range j.Template.Transactions {
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

// describe is a connection for the next process, which gets its socket too.
func (c *conn) describe(file int) handover.Conn {
	v := c.vardiff
	one := handover.Conn{
		File: file, IP: c.ip, Port: *c.port, Secure: c.secure, Subscribed: c.subscribed, Partial: c.partial,
		Unsent:    c.unsent,
		Connected: c.connected, LastByte: c.lastByte, LineSince: c.lineSince, Extranonce1: c.extranonce1,
		Agent: c.agent, Login: c.login,
		Class: c.class, Mask: c.mask, Floor: c.floor, Window: c.window, Requests: c.requests, Good: c.good, Bad: c.bad,
		Vardiff: handover.Vardiff{Wanted: v.wanted, Since: v.since, Shares: v.shares, Measured: v.measured,
			Least: v.least, Asked: v.asked},
	}
	for _, step := range c.steps {
		one.Steps = append(one.Steps, handover.Step{From: step.from, Difficulty: step.difficulty})
	}
	if c.workers != nil {
		one.Workers = map[string]handover.Worker{}
		for name, m := range c.workers {
			w := describeWorker(m.worker)
			w.Share = m.last
			one.Workers[name] = w
		}
	} else if c.worker != nil {
		w := describeWorker(c.worker)
		one.Worker = &w
	}
	return one
}

func describeWorker(w *worker.Worker) handover.Worker {
	return handover.Worker{Name: w.FullName(), Floor: w.FloorDifficulty(), Last: w.LastDifficulty()}
}

// Adopt makes an earlier process's connections and jobs the pool's own. Called between Open and Run.
func (srv *Server) Adopt(h *handover.Handover) error {
	s := &h.State
	srv.tunnels = h.Tunnels
	srv.draining.Store(s.Draining)
	srv.lastJob.Store(max(srv.lastJob.Load(), s.LastJob))
	for _, prefix := range s.Exempt {
		if err := srv.guard.Exempt(prefix, true); err != nil {
			return err
		}
	}
	for _, one := range s.Earned {
		srv.guard.Earned(one.IP, one.At)
	}
	jobs := make([]*job.Job, len(s.Jobs))
	for i := range s.Jobs {
		var err error
		if jobs[i], err = srv.adoptJob(s, &s.Jobs[i]); err != nil {
			return fmt.Errorf("job %d: %w", s.Jobs[i].Record.Number, err)
		}
	}
	// A block that was sent out just before must not be claimed anew here, as if a share of the same tip were the
	// first.
	for tip, at := range s.Claims {
		srv.seen.On(tip).Claimed.Store(at)
	}
	for _, l := range srv.loops {
		maps.Copy(l.died, s.Died)
		for _, j := range jobs {
			for _, one := range j.Handouts {
				l.handouts[one.Key()] = one
			}
		}
	}
	if s.Current >= 0 && s.Current < len(jobs) {
		srv.current.Store(jobs[s.Current])
		for _, l := range srv.loops {
			l.current = jobs[s.Current]
		}
	}
	ports := map[settings.Port]*settings.Port{}
	// There may be more or fewer loops than there were: connections are dealt out in turn.
	for i, old := range s.Loops {
		l := srv.loops[i%len(srv.loops)]
		for _, one := range old.Solo {
			if one.Job >= 0 && one.Job < len(jobs) {
				made := job.NewHandout(jobs[one.Job], one.Number, 0, one.Parts)
				made.Record = one.Record
				l.handouts[made.Key()] = made
			}
		}
		for j := range old.Conns {
			l.adoptConn(h, &old.Conns[j], ports)
		}
	}
	return nil
}

// adoptJob makes the job again that another process handed over, with the same numbers.
func (srv *Server) adoptJob(s *handover.State, one *handover.Job) (*job.Job, error) {
	t := one.Template
	for _, at := range one.Transactions {
		if at < 0 || at >= len(s.Transactions) {
			return nil, errors.New("a transaction is missing")
		}
		t.Transactions = append(t.Transactions, s.Transactions[at])
	}
	j := &job.Job{Record: one.Record, Template: &t, Arrived: one.Arrived, MinTime: one.MinTime, MaxTime: one.MaxTime,
		TipTime: one.TipTime, Clean: one.Clean,
		Previous: one.Previous, Seen: srv.seen.On(t.Previous)}
	for i, v := range one.Record.Variants {
		parts := bitcoin.CoinbaseParts{Head: v.Head, Tail: v.Tail,
			Extranonce: job.Extranonce1Size + job.Extranonce2Size, HasWitness: v.Witness}
		j.Handouts = append(j.Handouts, job.NewHandout(j, one.Record.Number, uint64(i), parts))
	}
	if len(j.Handouts) == 0 {
		return nil, errors.New("it has no coinbase")
	}
	return j, nil
}

// adoptConn goes on where a connection was left: the protocol's state, half a line, what has not been written. It runs
// before the loop does, so it may touch what is the loop's.
func (l *loop) adoptConn(h *handover.Handover, one *handover.Conn, ports map[settings.Port]*settings.Port) {
	fd, ok := h.Take(one.File)
	if !ok {
		return
	}
	if ports[one.Port] == nil {
		ports[one.Port] = &one.Port
	}
	v := one.Vardiff
	c := &conn{
		fd: fd, ip: one.IP, port: ports[one.Port], secure: one.Secure, subscribed: one.Subscribed, partial: one.Partial,
		unsent:    one.Unsent,
		connected: one.Connected, lastByte: one.LastByte, lineSince: one.LineSince, extranonce1: one.Extranonce1,
		agent: one.Agent, login: one.Login,
		class: one.Class, mask: one.Mask, floor: one.Floor, window: one.Window, requests: one.Requests, good: one.Good,
		bad: one.Bad,
		vardiff: vardiff{wanted: v.Wanted, since: v.Since, shares: v.Shares, measured: v.Measured, least: v.Least,
			asked: v.Asked},
	}
	for _, step := range one.Steps {
		c.steps = append(c.steps, stepAt(l.server, step))
	}
	l.server.guard.Enter(c.ip)
	err := l.adoptWorkers(c, one)
	l.serve(c)
	switch {
	case c.at >= len(l.conns) || l.conns[c.at] != c: // closed by serve
	case err != nil:
		l.server.logger.Warn("a connection is not taken over", "address", c.ip, "error", err)
		l.close(c)
	case len(c.unsent) > 0:
		c.wants = true
		_ = l.control(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLOUT)
	}
}

func stepAt(srv *Server, s handover.Step) step {
	return step{s.From, s.Difficulty, srv.targetOf(s.Difficulty)}
}

// adoptWorkers holds a connection's workers as its authorizations did: the registry counts who holds a worker, and
// each hold is given back when the connection ends. After an error some may be held; the caller closes the connection.
func (l *loop) adoptWorkers(c *conn, one *handover.Conn) error {
	find := func(known handover.Worker) (*worker.Worker, error) {
		w, err := l.server.registry.Find(known.Name)
		if err == nil {
			w.SetFloor(cmp.Or(known.Floor, w.FloorDifficulty()))
			w.Found(cmp.Or(known.Last, w.LastDifficulty()))
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

// NewHandover is what a server begins to hand over.
func (s *Server) NewHandover() *handover.Handover { return &handover.Handover{Tunnels: s.tunnels} }
