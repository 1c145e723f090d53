package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// luxOS gives orders within a session, of which a machine has one at a time.
type luxOS struct{ m *fleet.Machine }

// holds reads the configuration for what polls do not tell; of a limit in watts, that its profile is the one that was
// chosen for it.
func (l *luxOS) holds(ctx context.Context, o Order) (bool, remark) {
	switch o.Action {
	case Power, Profile, LED:
		v, err := l.command(ctx, "config", "")
		if err != nil {
			return false, failure(err)
		}
		config := v.Get("CONFIG").At(0)
		if o.Action == LED {
			state := config.Get("RedLed").Text()
			return state != "" && (state == "blink" || state == "on") == o.On, saw("lamp", "state", state)
		}
		want := o.Profile
		if o.Action == Power {
			if want, err = l.profileFor(ctx, o.Watts); err != nil {
				return false, failure(err)
			}
		}
		return config.Get("Profile").Text() == want, saw("profile", "profile", config.Get("Profile").Text())
	case Fan:
		return l.fansHold(ctx, o)
	}
	return true, remark{} // the poll tells
}

// fansHold reads who governs the fans, and how fast they are told to turn.
func (l *luxOS) fansHold(ctx context.Context, o Order) (bool, remark) {
	v, err := l.command(ctx, "tempctrl", "")
	if err != nil {
		return false, failure(err)
	}
	mode := v.Get("TEMPCTRL").At(0).Get("Mode").Text()
	if o.FanPercent == Automatic {
		return mode == "Automatic", saw("fans", "mode", mode)
	}
	if v, err = l.command(ctx, "fans", ""); err != nil {
		return false, failure(err)
	}
	speed := v.Get("FANS").At(0).Get("Speed").Count()
	return mode == "Manual" && speed == int64(o.FanPercent), saw("fans-at", "mode", mode, "percent", speed)
}

// profileFor is the profile that draws most within a limit.
func (l *luxOS) profileFor(ctx context.Context, watts int64) (string, error) {
	v, err := l.command(ctx, "profiles", "")
	if err != nil {
		return "", err
	}
	name, most := "", int64(0)
	for _, p := range v.Get("PROFILES").Each {
		if draws := p.Get("Watts").Count(); draws > most && draws <= watts {
			name, most = p.Get("Profile Name").Text(), draws
		}
	}
	if name == "" {
		return "", farm.WithFinding(farm.Refuse("refused", "power",
			"not ordered: no profile of the machine draws %d W or less", watts),
			farm.Found("no-preset", "watts", watts))
	}
	return name, nil
}

// steps are the commands of an order after the session's number. What is no other action is the lamp.
func (l *luxOS) steps(ctx context.Context, o Order) ([]string, error) {
	switch o.Action {
	case Reboot:
		return []string{"rebootdevice"}, nil
	case Sleep:
		return []string{"curtail", "sleep"}, nil
	case Wake:
		return []string{"curtail", "wakeup"}, nil
	case Pool:
		return []string{"addpool", o.PoolURL, o.PoolUser, "x"}, nil
	case Profile:
		return []string{"profileset", o.Profile}, nil
	case Power:
		name, err := l.profileFor(ctx, o.Watts)
		return []string{"profileset", name}, err
	case Fan:
		return []string{"fanset", fmt.Sprint(o.FanPercent)}, nil // −1 is automatic
	}
	if o.On {
		return []string{"ledset", "red", "blink"}, nil
	}
	return []string{"ledset", "red", "auto"}, nil
}

// identify asks by the commands of an identity, which need no session.
func (l *luxOS) identify(ctx context.Context) error {
	mac, serial, err := fleet.Identify(ctx, l.m)
	if err != nil {
		if _, absent := l.command(ctx, "version", ""); absent != nil {
			return absent // nobody may be there: identities that are not told leave open why
		}
		return err
	}
	return sameMachine(l.m, mac, serial, "")
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

// give logs on, sends the order and logs off, whether or not the order was taken: a session that stays open keeps
// others out.
func (l *luxOS) give(ctx context.Context, o Order) error {
	step, err := l.steps(ctx, o)
	if err != nil {
		return err
	}
	v, err := l.command(ctx, "logon", "")
	if err != nil {
		return err
	}
	session := v.Get("SESSION").At(0).Get("SessionID").Text()
	if session == "" {
		return farm.Refuse("refused", "logon", "the machine gives no session")
	}
	_, err = l.command(ctx, step[0], strings.Join(append([]string{session}, step[1:]...), ","))
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
		return farm.WithFinding(farm.Refuse("refused", "addpool",
			"the machine says yes, and the pool is not among its pools"),
			farm.Found("yes-and-no"))
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

// newAntminer speaks to the machine's HTTP port; its address has that of polls.
func newAntminer(m *fleet.Machine, user, password string) (*antminer, error) {
	host, _, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, err
	}
	client, base := fleet.AntminerHTTP(host, m.HTTPPort, user, password)
	return &antminer{m, client, base}, nil
}

// identify asks the page that tells the MAC and the serial number.
func (a *antminer) identify(ctx context.Context) error {
	reply, err := a.http.Do(ctx, http.MethodGet, a.base+"get_system_info.cgi", "")
	if err != nil {
		return err
	}
	var r protocol.Reading
	if err := protocol.ReadIdentity(&r, [][]byte{reply}); err != nil {
		return err
	}
	return sameMachine(a.m, r.MAC, r.Serial, "")
}
