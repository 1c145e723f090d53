package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// Link is a way to ask one machine; a recording answers like a network does (farm/replay).
type Link interface {
	// Command sends one request of a socket API and returns the reply.
	Command(ctx context.Context, request string, framed bool) ([]byte, error)
	// Web does one HTTP request, "METHOD /path body", in a protocol's way of authentication.
	Web(ctx context.Context, d protocol.Protocol, request string) ([]byte, error)
}

// Network is the link to a machine at an address. Only ports that are not 0 are asked.
type Network struct {
	Host                  string
	Port, PortV3, WebPort int
	TLSPort               int    // of a web server that speaks HTTPS only; 0: none
	Pin                   *Pin   // of that web server; nil: in clear
	User, Password        string // "" what the protocol's machines come with
	Timeout               time.Duration
}

// errClosed is the end of a question to a port at which nobody listens.
var errClosed closedPort

// closedPort is that error, as what was found of a machine too.
type closedPort struct{}

func (closedPort) Error() string         { return "nobody listens on the port" }
func (closedPort) Finding() farm.Finding { return farm.Found("closed-port") }

// networkOf is the link to a machine of the fleet.
func networkOf(m *Machine) (*Network, error) {
	host, text, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, err
	}
	port, err := net.LookupPort("tcp", text)
	if err != nil {
		return nil, err
	}
	n := &Network{Host: host, Port: port, PortV3: port, WebPort: orDefault(m.HTTPPort, 80), Pin: m.pin()}
	if m.Protocol.HTTP() {
		n.WebPort = port
	}
	return n, nil
}

// Command implements Link.
func (n *Network) Command(ctx context.Context, request string, framed bool) ([]byte, error) {
	port := n.Port
	if framed {
		port = n.PortV3
	}
	if port == 0 {
		return nil, errClosed
	}
	if n.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, n.Timeout)
		defer stop()
	}
	return Query(ctx, net.JoinHostPort(n.Host, fmt.Sprint(port)), []byte(request), framed)
}

// defaultAccounts are those that machines come with, by protocol.
var defaultAccounts = map[protocol.Protocol][2]string{
	protocol.BraiinsREST: {"root", "root"}, protocol.BraiinsGraphQL: {"root", ""},
	protocol.IceRiver: {"admin", "12345678"}, protocol.VNish: {"admin", "admin"},
	protocol.Goldshell: {"admin", "123456789"}, protocol.Innosilicon: {"admin", "admin"},
	protocol.Ebang: {"admin", "admin"}, protocol.Bitfury: {"admin", "admin"},
}

// Web implements Link.
func (n *Network) Web(ctx context.Context, d protocol.Protocol, request string) ([]byte, error) {
	port := n.WebPort
	if d == protocol.EPIC && n.Port != 0 {
		port = n.Port
	}
	if port == 0 {
		return nil, errClosed
	}
	if n.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, n.Timeout)
		defer stop()
	}
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	account, ok := defaultAccounts[d]
	if !ok {
		account = [2]string{"root", "root"}
	}
	// What was given for the network goes before what makers ship: a login that the owner changed must not be tried
	// with the old one first, since some firmwares lock the account after a few.
	client := &Digest{User: first(n.User, account[0]), Password: first(n.Password, account[1]),
		Client: n.Pin.client(DefaultTimeout)}
	scheme := "http://"
	if n.Pin != nil {
		scheme = "https://"
	}
	base := scheme + net.JoinHostPort(n.Host, fmt.Sprint(port))
	switch d {
	case protocol.BraiinsREST:
		client.Login = func(ctx context.Context) (string, error) { return braiinsToken(ctx, base, client) }
	case protocol.Goldshell:
		client.Login = func(ctx context.Context) (string, error) {
			return bearer(ctx, client, http.MethodGet, base+"/user/login?cipher=false&username="+
				url.QueryEscape(client.User)+"&password="+url.QueryEscape(client.Password), "", "JWT Token")
		}
	case protocol.Innosilicon:
		client.Login = func(ctx context.Context) (string, error) {
			return bearer(ctx, client, http.MethodPost, base+"/api/auth",
				url.Values{"username": {client.User}, "password": {client.Password}}.Encode(), "jwt")
		}
	case protocol.Bitfury:
		client.Login = func(ctx context.Context) (string, error) {
			body := fmt.Sprintf(`{"username":%q,"password":%q}`, client.User, client.Password)
			return bearer(ctx, client, http.MethodPost, base+"/api/login", body, "token")
		}
	}
	if login, ok := sessions[d]; ok || strings.HasPrefix(path, mskPage) {
		if !ok {
			login = mskSession
		}
		var err error
		client.Cookies, err = session(ctx, client, base+login.path, login.form(client.User, client.Password))
		if err != nil {
			return nil, err
		}
	}
	return client.Do(ctx, method, base+path, body)
}

// sessionLogin is a form that a web server wants before it shows its pages to whoever has its cookie.
type sessionLogin struct {
	path string
	form func(user, password string) url.Values
}

// mskPage is what MSK's firmware tells its address on, behind a login of its own.
const mskPage = "/api/info_v1"

var (
	sessions = map[protocol.Protocol]sessionLogin{protocol.Ebang: {"/user/login", func(user,
		password string) url.Values {
		return url.Values{"username": {user}, "word": {password}, "yuyan": {"1"}, "login": {"Login"},
			"get_password": {""}}
	}}}
	mskSession = sessionLogin{"/admin/login", func(user, password string) url.Values {
		return url.Values{"username": {user}, "password": {password}}
	}}
)

// session logs in with a form and returns the cookies; none is no error, since the pages say whether they are shown.
func session(ctx context.Context, d *Digest, address string, form url.Values) ([]*http.Cookie, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := d.Client.Do(request)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, protocol.MaxReply))
	_ = response.Body.Close()
	return response.Cookies(), err
}

// bearer logs in and returns the header that shows the token which the reply has under a name.
func bearer(ctx context.Context, d *Digest, method, address, body, name string) (string, error) {
	token, err := loginToken(ctx, d, method, address, body, name)
	return "Bearer " + token, err
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// braiinsToken logs in to the REST API of Braiins OS; the token goes into the header as it stands.
func braiinsToken(ctx context.Context, base string, d *Digest) (string, error) {
	body := fmt.Sprintf(`{"username":%q,"password":%q}`, d.User, d.Password)
	return loginToken(ctx, d, http.MethodPost, base+"/api/v1/auth/login", body, "token")
}

// loginToken logs in and returns the token that the reply has under a name.
func loginToken(ctx context.Context, d *Digest, method, address, body, name string) (string, error) {
	reply, err := (&Digest{Client: d.Client}).Do(ctx, method, address, body)
	if err != nil {
		return "", err
	}
	v, err := protocol.Parse(reply)
	if err != nil {
		return "", err
	}
	token := v.Get(name).Raw()
	if token == "" || len(token) > 4096 || strings.ContainsAny(token, "\r\n") {
		return "", farm.Refuse("denied", "password", "the machine gives no token")
	}
	return token, nil
}

// query puts one request of a protocol to a machine.
func query(ctx context.Context, link Link, d protocol.Protocol, text string) ([]byte, error) {
	if d.HTTP() || strings.HasPrefix(text, "GET ") || strings.HasPrefix(text, "POST ") {
		return link.Web(ctx, d, text)
	}
	return link.Command(ctx, text, d.Framed())
}

// gather puts a protocol's requests to a machine. A joined command that the firmware refuses is asked
// piece by piece, and *single remembers it; an optional request that fails has no reply.
func gather(ctx context.Context, link Link, d protocol.Protocol, requests []protocol.Request,
	single *bool) ([][]byte, error) {
	replies := make([][]byte, len(requests))
	for i, request := range requests {
		reply, err := gatherOne(ctx, link, d, request.Text, single)
		if request.Or != "" && (err != nil || protocol.Refused(reply)) {
			if other, otherErr := query(ctx, link, d, request.Or); otherErr == nil && !protocol.Refused(other) {
				if _, bad := protocol.Parse(other); bad == nil {
					reply, err = other, nil
				}
			}
		}
		if err != nil && !request.Optional {
			return nil, err
		}
		if err == nil {
			replies[i] = reply
		}
	}
	return replies, nil
}

// gatherOne asks one request; a joined one that the machine refuses is asked command by command, from then on at once
// (single).
func gatherOne(ctx context.Context, link Link, d protocol.Protocol, text string, single *bool) ([]byte, error) {
	var reply []byte
	if !*single {
		var err error
		if reply, err = query(ctx, link, d, text); err != nil || !protocol.Refused(reply) {
			return reply, err
		}
	}
	names, texts := protocol.Singles(text)
	if names == nil {
		if reply == nil {
			return query(ctx, link, d, text)
		}
		return reply, nil
	}
	parts, answered := make([][]byte, len(names)), false
	refusal := reply
	for i, text := range texts {
		part, err := query(ctx, link, d, text)
		if err != nil && ctx.Err() != nil && !answered {
			return nil, err
		}
		if err == nil && protocol.Refused(part) {
			refusal = part
			continue
		}
		if err != nil {
			continue
		}
		if _, err := protocol.Parse(part); err == nil {
			parts[i], answered = part, true
		}
	}
	if !answered {
		if refusal != nil {
			return refusal, nil // it is the reason
		}
		return nil, farm.Refuse("no-section", names[0], "the machine answers none of %v", names)
	}
	*single = true
	return protocol.Join(names, parts), nil
}

// Poll asks a machine everything that a poll needs.
func Poll(ctx context.Context, m *Machine) (*protocol.Reading, error) {
	link, err := networkOf(m)
	if err != nil {
		return nil, err
	}
	r, err := PollOver(ctx, link, m)
	if link.Pin != nil {
		m.Certificate = link.Pin.SHA256
	}
	return r, err
}

// PollOver is Poll over a link. It sets m.Single when joined commands are refused.
func PollOver(ctx context.Context, link Link, m *Machine) (*protocol.Reading, error) {
	replies, err := gather(ctx, link, m.Protocol, m.Protocol.Polls(), &m.Single)
	if err != nil {
		return nil, err
	}
	r, err := protocol.Read(m.Protocol, replies)
	switch {
	case err != nil:
		return nil, err
	case r.NeedsConfiguration():
		// Only its configuration tells whether a stock Antminer that hashes nothing is asleep.
		readPage(ctx, link, m.Protocol, "get_miner_conf.cgi",
			func(v protocol.Value) { protocol.ReadConfiguration(r, v) })
	case r.NeedsDevices():
		if reply, err := link.Command(ctx, protocol.EDevices, false); err == nil {
			if v, err := protocol.Parse(reply); err == nil {
				protocol.ReadEDevices(r, v)
			}
		}
	case r.NeedsStatsPage():
		readPage(ctx, link, m.Protocol, "stats.cgi", func(v protocol.Value) { protocol.ReadStatsPage(r, v) })
	}
	return r, nil
}

// readPage reads a page of a stock Antminer, if it has one and the time is short.
func readPage(ctx context.Context, link Link, d protocol.Protocol, name string, read func(protocol.Value)) {
	ctx, stop := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer stop()
	if reply, err := link.Web(ctx, d, "GET /cgi-bin/"+name); err == nil {
		if page, err := protocol.Parse(reply); err == nil {
			read(page)
		}
	}
}

// Identify asks a machine who it is, beyond what a poll tells.
func Identify(ctx context.Context, m *Machine) (mac, serial string, err error) {
	link, err := networkOf(m)
	if err != nil {
		return "", "", err
	}
	r := &protocol.Reading{Protocol: m.Protocol}
	if err := identityOver(ctx, link, r); err != nil {
		return "", "", err
	}
	if r.MAC == "" && r.Serial == "" {
		return "", "", errors.New("this machine does not say who it is")
	}
	return r.MAC, r.Serial, nil
}

// identityOver asks for the identity in the words of the reading's protocol.
func identityOver(ctx context.Context, link Link, r *protocol.Reading) error {
	single := false
	replies, err := gather(ctx, link, r.Protocol, r.Protocol.Identities(), &single)
	if err != nil {
		return err
	}
	return protocol.ReadIdentity(r, replies)
}

// Look finds out over a link who answers, in what protocol, and reads it once: who it is goes into the
// reading too.
func Look(ctx context.Context, link Link) (Machine, *protocol.Reading, error) {
	d, who, err := detect(ctx, link)
	m := Machine{Protocol: d}
	if err != nil {
		return m, nil, err
	}
	who.Protocol = d
	problem := identityOver(ctx, link, &who)
	if d == protocol.AntminerNew || d == protocol.AntminerOld || (d == protocol.Cgminer && who.Model != "") {
		if reply, err := link.Web(ctx, d, "GET /cgi-bin/get_system_info.cgi"); err == nil {
			problem = errors.Join(problem, protocol.ReadIdentity(&who, [][]byte{reply}))
		}
	}
	if d == protocol.AntminerOld && who.MAC == "" && strings.Contains(who.Model, " v.") { // as MSK names its models
		if reply, err := link.Web(ctx, d, "POST "+mskPage); err == nil {
			problem = errors.Join(problem, protocol.ReadIdentity(&who, [][]byte{reply}))
		}
	}
	reading, err := PollOver(ctx, link, &m)
	if web := detectBraiins(ctx, link, d, err); web != "" {
		m.Protocol, m.Single, who.Protocol, problem = web, false, web, nil
		reading, err = PollOver(ctx, link, &m)
	}
	if err != nil {
		m.MAC, m.Serial, m.Model, m.MinerID = who.MAC, who.Serial, who.Model, who.MinerID
		return m, nil, errors.Join(problem, err)
	}
	fill(reading, &who)
	m.MAC, m.Serial, m.Model, m.MinerID = reading.MAC, reading.Serial, reading.Model, reading.MinerID
	return m, reading, problem
}

// detectBraiins asks a Braiins OS whose port 4028 tells its version and nothing else what it tells over HTTP; "" for
// others.
func detectBraiins(ctx context.Context, link Link, d protocol.Protocol, err error) protocol.Protocol {
	if err == nil || d != protocol.Braiins || ctx.Err() != nil {
		return ""
	}
	if web := detectWeb(ctx, link); web == protocol.BraiinsREST || web == protocol.BraiinsGraphQL {
		return web
	}
	return ""
}

// fill takes over what the poll does not tell.
func fill(r, who *protocol.Reading) {
	for to, from := range map[*string]string{&r.MAC: who.MAC, &r.Serial: who.Serial, &r.MinerID: who.MinerID,
		&r.Firmware: who.Firmware} {
		*to = first(*to, from)
	}
	if r.Protocol == protocol.WhatsminerV2 {
		r.Firmware = first(who.Firmware, r.Firmware) // get_version says it better than the status
	}
	if len(who.Model) > len(r.Model) || r.Protocol == protocol.Avalon { // "S17 Pro" says more than "S17"
		r.Model = first(who.Model, r.Model)
	}
	if r.PowerLimit == protocol.Unknown && who.PowerLimit > 0 {
		r.PowerLimit = who.PowerLimit
	}
}

// detect tells the protocol.
func detect(ctx context.Context, link Link) (protocol.Protocol, protocol.Reading, error) {
	reply, err := link.Command(ctx, protocol.Probe, false)
	if err != nil {
		return detectElsewhere(ctx, link, err)
	}
	d, r, err := protocol.Detect(reply)
	if err != nil {
		if d != "" {
			return d, r, err
		}
		// VNish refuses its version: its web API tells more than its stats.
		if d := detectWeb(ctx, link); d != "" {
			return d, protocol.Reading{}, nil
		}
		if d := detectSections(ctx, link, "stats", "summary", "status", "devs"); d != "" {
			return d, protocol.Reading{}, nil
		}
		return "", r, err
	}
	if d == protocol.EPIC { // or any web server on that port
		reply, err := link.Web(ctx, d, d.Polls()[0].Text)
		if v, bad := protocol.Parse(reply); err != nil || bad != nil || !v.Get("Session").OK() {
			return "", r, farm.Refuse("unknown-dialect", "reply",
				"a web server that is no machine's answers on the API's port")
		}
	}
	if d == protocol.AntminerOld {
		if reply, err := link.Command(ctx, protocol.ProbeNewAntminer, false); err == nil &&
			protocol.DetectNewAntminer(reply) {
			d = protocol.AntminerNew
		}
	}
	return d, r, nil
}

// detectElsewhere asks the framed port and the web server of a machine that says nothing on the API's port, or has that
// port shut; the reason is what to say where none of them is a machine's.
func detectElsewhere(ctx context.Context, link Link, reason error) (protocol.Protocol, protocol.Reading, error) {
	reply, err := link.Command(ctx, protocol.WhatsminerV3.Identities()[0].Text, true)
	if err == nil {
		if _, err = protocol.Parse(reply); err == nil {
			return protocol.WhatsminerV3, protocol.Reading{}, nil
		}
	}
	if errors.Is(reason, errClosed) {
		reason = err // what the port that is open answers, and not that the other is shut
	}
	if d := detectWeb(ctx, link); d != "" {
		return d, protocol.Reading{}, nil
	}
	// A web API beside sections of cgminer's that are not versions.
	if d := detectSections(ctx, link, "stats", "summary", "summary+pools+stats", "summary+pools+devs"); d != "" {
		return d, protocol.Reading{}, nil
	}
	return "", protocol.Reading{}, reason
}

// detectWeb asks the web server what it is; "" nothing that is known.
func detectWeb(ctx context.Context, link Link) protocol.Protocol {
	for _, web := range protocol.Webs {
		if reply, err := link.Web(ctx, web.Protocol, web.Request); err == nil && web.Says(reply) {
			return web.Protocol
		} else if errors.Is(err, errClosed) {
			break
		}
	}
	return ""
}

// detectSections asks commands of the API until one is answered as a protocol does; "" none is.
func detectSections(ctx context.Context, link Link, commands ...string) protocol.Protocol {
	for _, command := range commands {
		if reply, err := link.Command(ctx, `{"command":"`+command+`"}`, false); err == nil {
			if d, ok := protocol.DetectStats(reply); ok {
				return d
			}
		} else if errors.Is(err, errClosed) {
			break
		}
	}
	return ""
}
