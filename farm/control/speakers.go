package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/dialect"
	"github.com/aqsha/aqsha/farm/fleet"
)

// luxOS gives orders within a session, of which a machine has one at a time.
type luxOS struct{ m *fleet.Machine }

func (l *luxOS) identify(ctx context.Context) error {
	mac, serial, err := fleet.Identify(ctx, l.m)
	if err != nil {
		return err
	}
	return sameMachine(l.m, mac, serial)
}

// command sends one command and returns its reply, which must be a success.
func (l *luxOS) command(ctx context.Context, name, parameter string) (dialect.Value, error) {
	request, err := json.Marshal(struct {
		Command   string `json:"command"`
		Parameter string `json:"parameter,omitempty"`
	}{name, parameter})
	if err != nil {
		return dialect.Value{}, err
	}
	reply, err := fleet.Ask(ctx, l.m.Address, request, false)
	if err != nil {
		return dialect.Value{}, err
	}
	v, err := dialect.Parse(reply)
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
		Pool:   {{"addpool", session + "," + o.PoolURL + "," + o.PoolUser + ",x"}, {"switchpool", session + ",1"}},
	}[o.Action]
	for _, step := range steps {
		if _, err = l.command(ctx, step[0], step[1]); err != nil {
			break
		}
	}
	if o.Action != Reboot { // which ends the session itself
		if _, ended := l.command(ctx, "logoff", session); err == nil {
			err = ended
		}
	}
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
	var r dialect.Reading
	if err := dialect.ReadIdentity(&r, [][]byte{reply}); err != nil {
		return err
	}
	return sameMachine(a.m, r.MAC, r.Serial)
}

func (a *antminer) give(ctx context.Context, o Order) error {
	if o.Action == Reboot {
		_, err := a.http.Do(ctx, http.MethodGet, a.base+"reboot.cgi", "")
		return err
	}
	// The configuration is set as a whole: what is not meant stays as it is.
	reply, err := a.http.Do(ctx, http.MethodGet, a.base+"get_miner_conf.cgi", "")
	if err != nil {
		return err
	}
	var conf map[string]any
	if err := json.Unmarshal(reply, &conf); err != nil {
		return fmt.Errorf("configuration of %s: %w", a.m.ID, err)
	}
	if mode, ok := conf["bitmain-work-mode"]; ok {
		conf["miner-mode"] = mode // it is read under one name and written under another
		delete(conf, "bitmain-work-mode")
	}
	switch o.Action {
	case Sleep:
		conf["miner-mode"] = "1"
	case Wake:
		conf["miner-mode"] = "0"
	case Pool:
		pools, _ := conf["pools"].([]any)
		first := map[string]any{"url": o.PoolURL, "user": o.PoolUser, "pass": "x"}
		if len(pools) == 0 {
			pools = []any{nil}
		}
		pools[0] = first
		conf["pools"] = pools
	}
	body, err := json.Marshal(conf)
	if err != nil {
		return err
	}
	reply, err = a.http.Do(ctx, http.MethodPost, a.base+"set_miner_conf.cgi", string(body))
	if err != nil {
		return err
	}
	var answer struct {
		Stats string `json:"stats"`
		Msg   string `json:"msg"`
	}
	if json.Unmarshal(reply, &answer) == nil && answer.Stats != "" && answer.Stats != "success" {
		return farm.Refuse("refused", "set_miner_conf", "the machine says: %q", answer.Msg)
	}
	return nil
}
