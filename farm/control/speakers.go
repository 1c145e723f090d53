package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// luxOS gives orders within a session, of which a machine has one at a time.
type luxOS struct{ m *fleet.Machine }

func (l *luxOS) holds(context.Context, Order) (bool, string) { return true, "" } // the poll tells

func (l *luxOS) identify(ctx context.Context) error {
	mac, serial, err := fleet.Identify(ctx, l.m)
	if err != nil {
		if _, absent := l.command(ctx, "version", ""); absent != nil {
			return absent // nobody may be there: identities that are not told leave open why
		}
		return err
	}
	return sameMachine(l.m, mac, serial)
}

// command sends one command and returns its reply, which must be a success.
func (l *luxOS) command(ctx context.Context, name, parameter string) (protocol.Value, error) {
	request, err := json.Marshal(struct {
		Command   string `json:"command"`
		Parameter string `json:"parameter,omitempty"`
	}{name, parameter})
	if err != nil {
		return protocol.Value{}, err
	}
	reply, err := fleet.Query(ctx, l.m.Address, request, false)
	if err != nil {
		return protocol.Value{}, err
	}
	v, err := protocol.Parse(reply)
	if err != nil {
		return v, err
	}
	status := v.Get("STATUS").At(0)
	if status.Get("STATUS").Text() != "S" {
		return v, farm.Refuse("refused", name, "the machine says: %s", status.Get("Msg").Text())
	}
	return v, nil
}

func (l *luxOS) give(ctx context.Context, o Order) error {
	v, err := l.command(ctx, "logon", "")
	if err != nil {
		return err
	}
	session := v.Get("SESSION").At(0).Get("SessionID").Text()
	if session == "" {
		return farm.Refuse("refused", "logon", "the machine gives no session")
	}
	steps := map[Action][][2]string{
		Reboot: {{"rebootdevice", session}},
		Sleep:  {{"curtail", session + ",sleep"}},
		Wake:   {{"curtail", session + ",wakeup"}},
		Pool:   {{"addpool", session + "," + o.PoolURL + "," + o.PoolUser + ",x"}},
	}[o.Action]
	for _, step := range steps {
		if _, err = l.command(ctx, step[0], step[1]); err != nil {
			break
		}
	}
	if err == nil && o.Action == Pool {
		err = l.switchPool(ctx, session, o)
	}
	if o.Action != Reboot { // which ends the session itself
		if _, ended := l.command(ctx, "logoff", session); err == nil {
			err = ended
		}
	}
	return err
}

// switchPool makes the pool that was added the one in use: its number is the machine's to give.
func (l *luxOS) switchPool(ctx context.Context, session string, o Order) error {
	v, err := l.command(ctx, "pools", "")
	if err != nil {
		return err
	}
	number := int64(protocol.Unknown)
	for _, p := range v.Get("POOLS").Each {
		if p.Get("URL").Text() == o.PoolURL && p.Get("User").Text() == o.PoolUser {
			number = p.Get("POOL").Count()
		}
	}
	if number == protocol.Unknown {
		return farm.Refuse("refused", "addpool", "the machine says yes, and the pool is not among its pools")
	}
	_, err = l.command(ctx, "switchpool", session+","+fmt.Sprint(number))
	return err
}

// antminer gives orders to the CGI programs of stock firmware.
type antminer struct {
	m    *fleet.Machine
	http *fleet.Digest
	base string
}

func newAntminer(m *fleet.Machine, user, password string) (*antminer, error) {
	host, _, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, err
	}
	client, base := fleet.AntminerHTTP(host, m.HTTPPort, user, password)
	return &antminer{m, client, base}, nil
}

func (a *antminer) identify(ctx context.Context) error {
	reply, err := a.http.Do(ctx, http.MethodGet, a.base+"get_system_info.cgi", "")
	if err != nil {
		return err
	}
	var r protocol.Reading
	if err := protocol.ReadIdentity(&r, [][]byte{reply}); err != nil {
		return err
	}
	return sameMachine(a.m, r.MAC, r.Serial)
}
