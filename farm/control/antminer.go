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

// antminerModes are the modes of stock firmware since X19 by name.
var antminerModes = map[string]int{"normal": 0, "high": 2, "low": 3}

// The modes of a stock Antminer: before X19 asleep is 254, since then 1.
const (
	asleepOld = "254"
	asleepNew = 1
)

// configuration reads what the machine is set to. It is kept as it came: what Aqsha does not know of must be sent back
// unchanged.
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

// poolsOf are the pools of a configuration, in its order, with those that are empty.
func poolsOf(conf map[string]any) (out []pool) {
	list, _ := conf["pools"].([]any)
	for _, entry := range list {
		p, _ := entry.(map[string]any)
		out = append(out, pool{word(p["url"]), word(p["user"]), word(p["pass"])})
	}
	return out
}

// word is a value of a configuration as text: firmwares write the same number with and without quotes.
func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// give does the order with the programs that the machine's own page uses. For all but a reboot and an update the
// configuration is read first: it tells which of the two generations the firmware is of.
func (a *antminer) give(ctx context.Context, o Order) error {
	if o.Action == Reboot {
		_, err := a.http.Do(ctx, http.MethodGet, a.base+"reboot.cgi", "")
		return err
	}
	if o.Action == Update {
		return a.giveImage(ctx, o)
	}
	conf, err := a.configuration(ctx)
	if err != nil {
		return err
	}
	if o.Action == LED || o.Action == Password {
		return a.giveAside(ctx, o, a.modern(conf))
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
		return farm.WithFinding(farm.Refuse("no-pools", "get_miner_conf",
			"not ordered: the machine names no pool, and setting its mode would leave it without one"),
			farm.Found("would-lose-pools"))
	}
	var body string
	if a.modern(conf) {
		body, err = jsonConfiguration(conf, pools, o)
	} else {
		body, err = formConfiguration(conf, pools, o)
	}
	if err != nil {
		return err
	}
	return a.post(ctx, "set_miner_conf.cgi", body)
}

// modern says whether the firmware is X19's or later, which takes JSON; firmwares before take a form, and write an
// empty configuration from JSON.
func (a *antminer) modern(conf map[string]any) bool {
	_, level := conf["bitmain-freq-level"]
	return level || a.m.Protocol == protocol.AntminerNew
}

// giveAside gives the orders that leave the configuration alone.
func (a *antminer) giveAside(ctx context.Context, o Order, modern bool) error {
	switch {
	case o.Action == Password && !modern:
		return farm.WithFinding(farm.Refuse("no-control", "password",
			"not ordered: how this firmware changes its password is not known"),
			farm.Found("password-unknown"))
	case o.Action == Password:
		text, err := json.Marshal(map[string]string{"curPwd": a.http.Password, "newPwd": o.Secret,
			"confirmPwd": o.Secret})
		if err != nil {
			return err
		}
		return a.post(ctx, "passwd.cgi", string(text))
	case modern:
		return a.post(ctx, "blink.cgi", fmt.Sprintf(`{"blink":%q}`, onOff(o)))
	case o.On:
		return a.post(ctx, "blink.cgi", form(map[string]string{"action": "startBlink"}))
	}
	return a.post(ctx, "blink.cgi", form(map[string]string{"action": "stopBlink"}))
}

// post sends a body to a program; what its answer says of success is not yet done.
func (a *antminer) post(ctx context.Context, program, body string) error {
	reply, err := a.http.Do(ctx, http.MethodPost, a.base+program, body)
	if err != nil {
		return err
	}
	var answer struct {
		Stats string `json:"stats"`
		Msg   string `json:"msg"`
	}
	if json.Unmarshal(reply, &answer) == nil && answer.Stats != "" && answer.Stats != "success" {
		return farm.Refuse("refused", program, "the machine says: %q", answer.Msg)
	}
	return nil // whether it has done it is read back
}

// jsonConfiguration is what X19 and later are sent: mode and level have names without "bitmain" there. Waking returns
// to the normal mode, whichever it was before sleep: the configuration has one place for both.
func jsonConfiguration(conf map[string]any, pools []pool, o Order) (string, error) {
	out := map[string]any{"miner-mode": modeNumber(conf)}
	// The configuration is set as a whole: all that it has is sent back, with the one change.
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
	switch o.Action {
	case Sleep:
		out["miner-mode"] = asleepNew
	case Wake:
		out["miner-mode"] = 0
	case Profile:
		mode, ok := antminerModes[o.Profile]
		if !ok {
			return "", farm.WithFinding(farm.Refuse("farm-bad-order", "profile",
				"not ordered: this firmware has normal, high and low, not %q",
				o.Profile),
				farm.Found("other-profiles", "profiles", "high, low, normal", "profile", o.Profile))
		}
		out["miner-mode"] = mode
	case Fan:
		if out["bitmain-fan-ctrl"] = o.FanPercent != Automatic; o.FanPercent != Automatic {
			out["bitmain-fan-pwm"] = fmt.Sprint(o.FanPercent)
		}
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

// formConfiguration is what firmwares before X19 are sent: every field of the page's form. A field that the
// configuration has no value for is left out.
func formConfiguration(conf map[string]any, pools []pool, o Order) (string, error) {
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
	case o.Action == Profile:
		return "", farm.WithFinding(farm.Refuse("no-control", "profile",
			"not ordered: this firmware has no profiles"),
			farm.Found("no-profiles"))
	case o.Action == Fan && conf["bitmain-fan-ctrl"] == nil:
		return "", farm.WithFinding(farm.Refuse("no-control", "fan",
			"not ordered: this firmware's fans are not told how fast to turn"),
			farm.Found("no-fans"))
	case o.Action == Fan:
		form.Set("_ant_fan_customize_switch", fmt.Sprint(o.FanPercent != Automatic))
		if o.FanPercent != Automatic {
			form.Set("_ant_fan_customize_value", fmt.Sprint(o.FanPercent))
		}
	case o.Action != Pool && !modes:
		return "", farm.WithFinding(farm.Refuse("no-control", "mode",
			"not ordered: this firmware has no mode that sleeps"),
			farm.Found("no-sleep"))
	case o.Action == Sleep:
		form.Set("_ant_work_mode", asleepOld)
	case o.Action == Wake:
		form.Set("_ant_work_mode", "0")
	}
	return form.Encode(), nil
}

// holds reads the configuration back: whether it says what was ordered, and what it says. An order other than those
// with a case of its own is Sleep or Wake.
func (a *antminer) holds(ctx context.Context, o Order) (bool, remark) {
	// A password cannot be read back: it holds if the machine lets the new one in.
	if o.Action == Password {
		after := *a.http
		after.Password = o.Secret
		if _, err := after.Do(ctx, http.MethodGet, a.base+"get_system_info.cgi", ""); err != nil {
			return false, failure(err)
		}
		return true, remark{}
	}
	conf, err := a.configuration(ctx)
	if err != nil {
		return false, failure(err)
	}
	if o.Action == Pool {
		pools := poolsOf(conf)
		if len(pools) == 0 {
			return false, saw("configured-none")
		}
		return pools[0].url == o.PoolURL && pools[0].user == o.PoolUser,
			saw("configured-pool", "pool", pools[0].url, "user", pools[0].user)
	}
	mode := modeNumber(conf)
	switch o.Action {
	case LED:
		return a.lampHolds(ctx, o, a.modern(conf))
	case Profile:
		return mode == antminerModes[o.Profile], saw("configured-mode", "mode", mode)
	case Fan:
		fixed, percent := word(conf["bitmain-fan-ctrl"]) == "true", word(conf["bitmain-fan-pwm"])
		return fixed == (o.FanPercent != Automatic) && (!fixed || percent == fmt.Sprint(o.FanPercent)),
			sawFans(!fixed, percent)
	}
	asleep := mode == asleepNew || fmt.Sprint(mode) == asleepOld
	return asleep == (o.Action == Sleep), saw("configured-mode", "mode", mode)
}

// lampHolds asks whether the lamp blinks.
func (a *antminer) lampHolds(ctx context.Context, o Order, modern bool) (bool, remark) {
	method, program, body, key := http.MethodGet, "get_blink_status.cgi", "", "blink"
	if !modern {
		method, program, key = http.MethodPost, "blink.cgi", "isBlinking"
		body = form(map[string]string{"action": "onPageLoaded"})
	}
	reply, err := a.http.Do(ctx, method, a.base+program, body)
	if err != nil {
		return false, failure(err)
	}
	v, err := protocol.Parse(reply)
	if err != nil {
		return false, failure(err)
	}
	return v.Get(key).Text() == onOff(o), saw("lamp", "state", v.Get(key).Text())
}
