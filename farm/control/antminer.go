package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// The modes of a stock Antminer: before X19 asleep is 254, since then 1.
const (
	asleepOld = "254"
	asleepNew = 1
)

// configuration reads what the machine is set to.
func (a *antminer) configuration(ctx context.Context) (map[string]any, error) {
	reply, err := a.http.Do(ctx, http.MethodGet, a.base+"get_miner_conf.cgi", "")
	if err != nil {
		return nil, err
	}
	var conf map[string]any
	if err := json.Unmarshal(reply, &conf); err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", a.m.ID, err)
	}
	return conf, nil
}

// pool is one of a configuration's.
type pool struct{ url, user, pass string }

func poolsOf(conf map[string]any) (out []pool) {
	list, _ := conf["pools"].([]any)
	for _, entry := range list {
		p, _ := entry.(map[string]any)
		out = append(out, pool{word(p["url"]), word(p["user"]), word(p["pass"])})
	}
	return out
}

func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

func (a *antminer) give(ctx context.Context, o Order) error {
	if o.Action == Reboot {
		_, err := a.http.Do(ctx, http.MethodGet, a.base+"reboot.cgi", "")
		return err
	}
	conf, err := a.configuration(ctx)
	if err != nil {
		return err
	}
	pools := poolsOf(conf)
	if o.Action == Pool {
		if len(pools) == 0 {
			pools = []pool{{}}
		}
		pools[0] = pool{o.PoolURL, o.PoolUser, "x"}
	}
	// The configuration is set as a whole: without pools in it the machine would have none.
	if len(pools) == 0 || pools[0].url == "" {
		return farm.Refuse("no-pools", "get_miner_conf",
			"not ordered: the machine names no pool, and setting its mode would leave it without one")
	}
	// X19 and later take JSON; firmwares before take a form, and write an empty configuration from JSON.
	_, modern := conf["bitmain-freq-level"]
	if a.m.Protocol == protocol.AntminerNew {
		modern = true
	}
	var body string
	if modern {
		body, err = jsonConfiguration(conf, pools, o.Action)
	} else {
		body, err = formConfiguration(conf, pools, o.Action)
	}
	if err != nil {
		return err
	}
	reply, err := a.http.Do(ctx, http.MethodPost, a.base+"set_miner_conf.cgi", body)
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
	return nil // whether it has done it is read back
}

// jsonConfiguration is what X19 and later are sent: mode and level have names without "bitmain" there.
func jsonConfiguration(conf map[string]any, pools []pool, action Action) (string, error) {
	out := map[string]any{"miner-mode": modeNumber(conf)}
	for _, key := range []string{"bitmain-fan-ctrl", "bitmain-fan-pwm", "bitmain-hashrate-percent"} {
		if value, ok := conf[key]; ok {
			out[key] = value
		}
	}
	for _, key := range []string{"freq-level", "bitmain-freq-level"} {
		if value, ok := conf[key]; ok {
			out["freq-level"] = value
		}
	}
	switch action {
	case Sleep:
		out["miner-mode"] = asleepNew
	case Wake:
		out["miner-mode"] = 0
	}
	list := make([]map[string]string, 0, len(pools))
	for _, p := range pools {
		list = append(list, map[string]string{"url": p.url, "user": p.user, "pass": p.pass})
	}
	out["pools"] = list
	text, err := json.Marshal(out)
	return string(text), err
}

// modeNumber is the mode that a configuration has, as a number; 0, hashing, when it has none.
func modeNumber(conf map[string]any) int {
	for _, key := range []string{"miner-mode", "bitmain-work-mode"} {
		var mode int
		if _, err := fmt.Sscan(word(conf[key]), &mode); err == nil {
			return mode
		}
	}
	return 0
}

// formFields are the fields of the old form by the names that the configuration has for them.
var formFields = map[string]string{"bitmain-nobeeper": "_ant_nobeeper", "bitmain-notempoverctrl": "_ant_notempoverctrl",
	"bitmain-fan-ctrl": "_ant_fan_customize_switch",
	"bitmain-fan-pwm":  "_ant_fan_customize_value", "bitmain-freq": "_ant_freq", "bitmain-voltage": "_ant_voltage",
	"bitmain-work-mode": "_ant_work_mode"}

// formConfiguration is what firmwares before X19 are sent: every field of the page's form.
func formConfiguration(conf map[string]any, pools []pool, action Action) (string, error) {
	form := url.Values{}
	for i := range 3 { // the page has three
		p := pool{}
		if i < len(pools) {
			p = pools[i]
		}
		name := fmt.Sprintf("_ant_pool%d", i+1)
		form.Set(name+"url", p.url)
		form.Set(name+"user", p.user)
		form.Set(name+"pw", p.pass)
	}
	for key, field := range formFields {
		if value, ok := conf[key]; ok {
			form.Set(field, word(value))
		}
	}
	_, modes := conf["bitmain-work-mode"]
	switch {
	case action != Pool && !modes:
		return "", farm.Refuse("no-control", "mode", "not ordered: this firmware has no mode that sleeps")
	case action == Sleep:
		form.Set("_ant_work_mode", asleepOld)
	case action == Wake:
		form.Set("_ant_work_mode", "0")
	}
	return form.Encode(), nil
}

// holds reads the configuration back: whether it says what was ordered, and what it says.
func (a *antminer) holds(ctx context.Context, o Order) (bool, string) {
	conf, err := a.configuration(ctx)
	if err != nil {
		return false, err.Error()
	}
	if o.Action == Pool {
		pools := poolsOf(conf)
		if len(pools) == 0 {
			return false, "its configuration names no pool"
		}
		return pools[0].url == o.PoolURL && pools[0].user == o.PoolUser,
			"its configuration says " + pools[0].url + " " + pools[0].user
	}
	mode := modeNumber(conf)
	asleep := mode == asleepNew || fmt.Sprint(mode) == asleepOld
	return asleep == (o.Action == Sleep), fmt.Sprintf("its configuration says mode %d", mode)
}
