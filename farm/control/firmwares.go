package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// Firmwares that are given orders over HTTP, after what pyasic 0.79 and asic-rs (August 2026) send them and, for
// Braiins OS, developer.braiins-os.com. What a firmware lacks here it is not asked for.

// webGive gives an order; webHolds reads back what polls do not tell.
type (
	webGive  func(ctx context.Context, w *web, o Order) error
	webHolds func(ctx context.Context, w *web, o Order) (bool, remark)
)

// manner is how an order is given in a firmware, and read back beside the next poll (nil: the poll tells).
type manner struct {
	give  webGive
	holds webHolds
}

// firmware is what orders in a protocol need.
type firmware struct {
	port    int       // where orders are taken; 0: where polls are answered
	account [2]string // that machines come with
	header  string    // of what login gives; "": Authorization
	login   func(ctx context.Context, w *web, path string) (string, error)
	orders  map[Action]manner
}

// web speaks to one machine.
type web struct {
	m              *fleet.Machine
	kind           firmware
	base           string
	user, password string
}

// send is the manner of an order that is one request: method, path and body.
func send(method, path string, body func(o Order) any) webGive {
	return func(ctx context.Context, w *web, o Order) error {
		var sent any
		if body != nil {
			sent = body(o)
		}
		_, err := w.ask(ctx, method, path, sent)
		return err
	}
}

// always is a body that is the same for every order of an action.
func always(body any) func(Order) any { return func(Order) any { return body } }

// limitHolds compares the limit that the next poll tells.
func limitHolds(ctx context.Context, w *web, o Order) (bool, remark) {
	return limitOf(ctx, w.m, o.Watts)
}

// limitOf polls the machine for its limit. One that was rounded by the machine is not what was ordered.
func limitOf(ctx context.Context, m *fleet.Machine, watts int64) (bool, remark) {
	reading, err := fleet.Poll(ctx, m)
	if err != nil {
		return false, failure(err)
	}
	return reading.PowerLimit == watts, saw("power-limit", "watts", reading.PowerLimit)
}

// firmwares are those that take orders over HTTP with one account; filled once, at the start.
var firmwares map[protocol.Protocol]firmware

func init() { // its functions refer to it
	firmwares = map[protocol.Protocol]firmware{
		protocol.BraiinsREST:    {account: [2]string{"root", "root"}, login: loginBraiins, orders: braiinsOrders},
		protocol.BraiinsGraphQL: {account: [2]string{"root", ""}, orders: graphOrders},
		protocol.VNish:          {account: [2]string{"admin", "admin"}, login: loginVNish, orders: vnishOrders},
		protocol.EPIC:           {account: [2]string{"root", "letmein"}, orders: epicOrders},
		protocol.Marathon:       {account: [2]string{"root", "root"}, orders: maraOrders},
		protocol.AxeOS:          {orders: axeOrders},
		protocol.Proto:          {account: [2]string{"admin", "admin"}, login: loginProto, orders: protoOrders},
		protocol.Auradine: {port: 8080, account: [2]string{"admin", "admin"}, header: "Token", login: loginAuradine,
			orders: auradineOrders},
		protocol.ElphaPex: {account: [2]string{"root", "root"}, orders: elphaOrders},
		protocol.IceRiver: {account: [2]string{"admin", "12345678"}, orders: iceOrders},
	}
}

// newWeb speaks to the machine at the port of its orders. Without a password it tries the one that such machines come
// with.
func newWeb(m *fleet.Machine, kind firmware, password string) (*web, error) {
	host, port, err := net.SplitHostPort(m.Address)
	if err != nil {
		return nil, err
	}
	switch {
	case m.HTTPPort != 0 && !m.Protocol.HTTP():
		port = strconv.Itoa(m.HTTPPort)
	case kind.port != 0:
		port = strconv.Itoa(kind.port)
	}
	if password == "" {
		password = kind.account[1]
	}
	return &web{m: m, kind: kind, base: m.Scheme() + net.JoinHostPort(host, port), user: kind.account[0],
		password: password}, nil
}

// raw does one request and returns the body; a body to be sent is made JSON of. Each request logs in by itself where
// the firmware wants it; no token is kept.
func (w *web) raw(ctx context.Context, method, path string, body any) ([]byte, error) {
	text := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = string(encoded)
	}
	client := fleet.Digest{User: w.user, Password: w.password, Header: w.kind.header}
	if w.kind.login != nil {
		client.Login = func(ctx context.Context) (string, error) { return w.kind.login(ctx, w, path) }
	}
	return fleet.Web(w.m, client).Do(ctx, method, w.base+path, text)
}

// ask does one request and reads the answer, which may be empty. One that says no is a refusal.
func (w *web) ask(ctx context.Context, method, path string, body any) (protocol.Value, error) {
	reply, err := w.raw(ctx, method, path, body)
	if err != nil || len(strings.TrimSpace(string(reply))) == 0 {
		return protocol.Value{}, err
	}
	v, err := protocol.Parse(reply)
	if err != nil {
		return protocol.Value{}, nil //nolint:nilerr // a page; what was done is read back
	}
	no := v.Get("result").Text() == "false" || v.Get("success").Text() == "false"
	if row := v.Get("STATUS").At(0); no || row.Get("STATUS").Text() == "E" {
		return v, farm.Refuse("refused", path, "the machine says: %q",
			row.Get("Msg").Text()+v.Get("error").Text()+v.Get("message").Text())
	}
	return v, nil
}

func (w *web) identify(ctx context.Context) error { return identifyByPoll(ctx, w.m) }

// identifyByPoll asks who answers where a poll tells it.
func identifyByPoll(ctx context.Context, m *fleet.Machine) error {
	reading, err := fleet.Poll(ctx, m)
	if err != nil {
		return err
	}
	mac, serial := reading.MAC, reading.Serial
	if mac == "" && serial == "" {
		if mac, serial, err = fleet.Identify(ctx, m); err != nil {
			if mac = fleet.Neighbour(m); mac == "" { // it has answered: on its own network the kernel knows who
				return err
			}
		}
	}
	return sameMachine(m, mac, serial, reading.MinerID)
}

// give is called for orders of the firmware alone: split has taken the others out.
func (w *web) give(ctx context.Context, o Order) error {
	return w.kind.orders[o.Action].give(ctx, w, o)
}

// holds asks what polls do not tell; where they do, it says yes and leaves it to the poll.
func (w *web) holds(ctx context.Context, o Order) (bool, remark) {
	if holds := w.kind.orders[o.Action].holds; holds != nil {
		return holds(ctx, w, o)
	}
	return true, remark{}
}

// pools are those that the machine has now, with the ordered one in the place of the first.
func (w *web) pools(ctx context.Context, o Order) ([]pool, error) {
	reading, err := fleet.Poll(ctx, w.m)
	if err != nil {
		return nil, err
	}
	return poolsWith(reading, o), nil
}

// poolsWith keeps the machine's second and third pool, without the maker's own and without the ordered one a second
// time. No more than three are sent.
func poolsWith(r *protocol.Reading, o Order) []pool {
	out := []pool{{o.PoolURL, o.PoolUser, "x"}}
	for i, p := range r.Pools {
		if i > 0 && !p.Fee && p.URL != "" && (p.URL != o.PoolURL || p.User != o.PoolUser) {
			out = append(out, pool{p.URL, p.User, "x"})
		}
	}
	return out[:min(len(out), 3)]
}

// object is a JSON object that is read, changed and sent back whole.
type object = map[string]any

// object reads an object. Its numbers stay text, so that they are sent back digit for digit.
func (w *web) object(ctx context.Context, path string) (object, error) {
	reply, err := w.raw(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	var out object
	decoder := json.NewDecoder(strings.NewReader(string(reply)))
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", path, w.m.ID, err)
	}
	return out, nil
}

// within is the object at a path of keys, made where there is none. What stands there and is no object is replaced.
func within(o object, keys ...string) object {
	for _, key := range keys {
		next, ok := o[key].(object)
		if !ok {
			next = object{}
			o[key] = next
		}
		o = next
	}
	return o
}

// says compares a field that a page of the machine has with what it should be.
func says(path string, want func(o Order) string, keys ...string) webHolds {
	return func(ctx context.Context, w *web, o Order) (bool, remark) {
		v, err := w.ask(ctx, http.MethodGet, path, nil)
		if err != nil {
			return false, failure(err)
		}
		for _, key := range keys {
			v = v.Get(key)
		}
		return v.Text() == want(o), saw("field", "name", keys[len(keys)-1], "value", v.Text())
	}
}

// onOff is a lamp's state as most firmwares write it.
func onOff(o Order) string { return strconv.FormatBool(o.On) }

// --- Braiins OS since 25.03 ---

var braiinsOrders = map[Action]manner{
	Reboot: {give: send(http.MethodPut, "/api/v1/actions/reboot", nil)},
	Sleep:  {give: send(http.MethodPut, "/api/v1/actions/pause", nil)},
	Wake:   {give: send(http.MethodPut, "/api/v1/actions/resume", nil)},
	Power: {give: send(http.MethodPut, "/api/v1/performance/power-target",
		func(o Order) any { return object{"watt": o.Watts} }), holds: limitHolds},
	LED: {give: send(http.MethodPut, "/api/v1/actions/locate", func(o Order) any { return o.On }),
		holds: func(ctx context.Context, w *web, o Order) (bool, remark) {
			reply, err := w.raw(ctx, http.MethodGet, "/api/v1/actions/locate", nil)
			if err != nil {
				return false, failure(err)
			}
			state := strings.TrimSpace(string(reply))
			return state == onOff(o), saw("lamp", "state", state)
		}},
	Pool: {give: giveBraiinsPool},
}

// loginBraiins gives the token for the header.
func loginBraiins(ctx context.Context, w *web, _ string) (string, error) {
	return w.token(ctx, "/api/v1/auth/login", object{"username": w.user, "password": w.password}, "token")
}

// token logs in without credentials in the header, and returns what the answer has under the key. The keys lead down,
// into the first element where there is a list. A token that cannot stand in a header is none.
func (w *web) token(ctx context.Context, path string, body any, keys ...string) (string, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	plain := fleet.Digest{Login: func(context.Context) (string, error) {
		return "", farm.Refuse("denied", "password", "the machine does not take it")
	}}
	reply, err := fleet.Web(w.m, plain).Do(ctx, http.MethodPost, w.base+path, string(text))
	if err != nil {
		return "", err
	}
	v, err := protocol.Parse(reply)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if row := v.Get(key); row.At(0).OK() {
			v = row.At(0)
		} else {
			v = row
		}
	}
	token := v.Text()
	if token == "" || len(token) > 4096 || strings.ContainsAny(token, "\r\n") {
		return "", farm.Refuse("denied", "password", "the machine gives no token")
	}
	return token, nil
}

// giveBraiinsPool changes the first pool of the first group: groups are set as a whole.
func giveBraiinsPool(ctx context.Context, w *web, o Order) error {
	reply, err := w.raw(ctx, http.MethodGet, "/api/v1/pools", nil)
	if err != nil {
		return err
	}
	var groups []object
	decoder := json.NewDecoder(strings.NewReader(string(reply)))
	decoder.UseNumber()
	if err := decoder.Decode(&groups); err != nil {
		return fmt.Errorf("pools of %s: %w", w.m.ID, err)
	}
	if len(groups) == 0 {
		groups = []object{{"name": "default", "load_balance_strategy": object{"quota": object{"value": 1}}}}
	}
	out := make([]object, 0, len(groups))
	for i, group := range groups {
		var pools []object
		list, _ := group["pools"].([]any)
		for _, entry := range list {
			p, _ := entry.(object)
			// The API gives no passwords back and sets groups whole. Pools take any word: who is paid says the user.
			pools = append(pools, object{"url": p["url"], "user": p["user"], "password": "x"})
		}
		if i == 0 {
			ordered := object{"url": o.PoolURL, "user": o.PoolUser, "password": "x"}
			pools = append([]object{ordered}, pools[min(len(pools), 1):]...)
		}
		next := object{"name": group["name"], "pools": pools}
		if strategy, ok := group["load_balance_strategy"]; ok {
			next["load_balance_strategy"] = strategy
		}
		out = append(out, next)
	}
	_, err = w.ask(ctx, http.MethodPut, "/api/v1/pools/batch", out)
	return err
}

// --- VNish 1.2 and later ---

var vnishOrders = map[Action]manner{
	Reboot: {give: send(http.MethodPost, "/api/v1/system/reboot", always(object{}))},
	Sleep:  {give: send(http.MethodPost, "/api/v1/mining/stop", always(object{}))},
	Wake:   {give: send(http.MethodPost, "/api/v1/mining/start", always(object{}))},
	LED: {give: send(http.MethodPost, "/api/v1/find-miner", func(o Order) any { return object{"on": o.On} }),
		holds: says("/api/v1/status", onOff, "find_miner")},
	Profile: {give: func(ctx context.Context, w *web, o Order) error { return setPreset(ctx, w, o.Profile) },
		holds: says("/api/v1/settings", func(o Order) string { return o.Profile }, "miner", "overclock", "preset")},
	Power: {give: func(ctx context.Context, w *web, o Order) error {
		preset, err := presetFor(ctx, w, o.Watts)
		if err != nil {
			return err
		}
		return setPreset(ctx, w, preset)
	}, holds: func(ctx context.Context, w *web, o Order) (bool, remark) {
		preset, err := presetFor(ctx, w, o.Watts)
		if err != nil {
			return false, failure(err)
		}
		return says("/api/v1/settings", func(Order) string { return preset }, "miner", "overclock", "preset")(ctx, w, o)
	}},
	Pool: {give: func(ctx context.Context, w *web, o Order) error {
		pools, err := w.pools(ctx, o)
		if err != nil {
			return err
		}
		list := make([]object, 0, len(pools))
		for i, p := range pools {
			bare := p.url[strings.Index(p.url, "://")+len("://"):]
			list = append(list, object{"url": bare, "user": p.user, "pass": p.pass, "order": i, "id": i})
		}
		_, err = w.ask(ctx, http.MethodPost, "/api/v1/settings", object{"miner": object{"pools": list}})
		return err
	}},
	Password: {give: func(ctx context.Context, w *web, o Order) error {
		_, err := w.ask(ctx, http.MethodPost, "/api/v1/settings",
			object{"password": object{"current": w.password, "pw": o.Secret}})
		return err
	}, holds: func(ctx context.Context, w *web, o Order) (bool, remark) {
		_, err := w.token(ctx, "/api/v1/unlock", object{"pw": o.Secret}, "token")
		if err != nil {
			return false, failure(err)
		}
		return true, remark{}
	}},
}

// loginVNish gives the token: bare for settings and mining, as a bearer's for the system's own paths.
func loginVNish(ctx context.Context, w *web, path string) (string, error) {
	token, err := w.token(ctx, "/api/v1/unlock", object{"pw": w.password}, "token")
	if strings.HasPrefix(path, "/api/v1/system") {
		token = "Bearer " + token
	}
	return token, err
}

// setPreset chooses one of the presets: what else the section of the settings has stays.
func setPreset(ctx context.Context, w *web, preset string) error {
	settings, err := w.object(ctx, "/api/v1/settings")
	if err != nil {
		return err
	}
	section := within(settings, "miner", "overclock")
	section["preset"] = preset
	_, err = w.ask(ctx, http.MethodPost, "/api/v1/settings", object{"miner": object{"overclock": section}})
	return err
}

// presetFor is the highest preset that draws no more: presets are named by their watts.
func presetFor(ctx context.Context, w *web, watts int64) (string, error) {
	v, err := w.ask(ctx, http.MethodGet, "/api/v1/autotune/presets", nil)
	if err != nil {
		return "", err
	}
	if list := v.Get("presets"); list.OK() {
		v = list
	}
	best := int64(0)
	for _, p := range v.Each {
		if n, err := strconv.ParseInt(p.Get("name").Text(), 10, 64); err == nil && n <= watts && n > best {
			best = n
		}
	}
	if best == 0 {
		return "", farm.WithFinding(farm.Refuse("refused", "power",
			"not ordered: no preset of the machine draws %d W or less", watts),
			farm.Found("no-preset", "watts", watts))
	}
	return strconv.FormatInt(best, 10), nil
}

// --- PowerPlay of ePIC ---

var epicOrders = map[Action]manner{
	Reboot: {give: epic("/reboot", always("0"))},
	Update: {give: epicImage},
	Sleep:  {give: epic("/miner", always("Stop"))},
	Wake:   {give: epic("/miner", always("Autostart"))},
	LED: {give: epic("/identify", func(o Order) any { return o.On }),
		holds: says("/summary", onOff, "Misc", "Locate Miner State")},
	Pool: {give: func(ctx context.Context, w *web, o Order) error {
		pools, err := w.pools(ctx, o)
		if err != nil {
			return err
		}
		var list []object
		for _, p := range pools {
			list = append(list, object{"pool": p.url, "login": p.user, "password": p.pass})
		}
		return epic("/coin", always(object{"coin": "Btc", "stratum_configs": list, "unique_id": false}))(ctx, w, o)
	}},
}

// epic is an order whose password goes with it.
func epic(path string, param func(o Order) any) webGive {
	return func(ctx context.Context, w *web, o Order) error {
		_, err := w.ask(ctx, http.MethodPost, path, object{"param": param(o), "password": w.password})
		return err
	}
}

// --- MARA ---

var maraOrders = map[Action]manner{
	Reboot: {give: send(http.MethodPost, "/kaonsu/v1/maintenance", always(object{"type": "reboot"}))},
	Sleep: {give: maraConfigured(func(conf object, _ Order) {
		within(conf, "mode")["work-mode-selector"] = "Sleep"
	})},
	Wake: {give: maraConfigured(func(conf object, _ Order) {
		within(conf, "mode")["work-mode-selector"] = "Auto"
	})},
	Power: {give: maraConfigured(func(conf object, o Order) {
		within(conf, "mode")["work-mode-selector"] = "Auto"
		target := within(conf, "mode", "concorde")
		target["mode-select"], target["power-target"] = "PowerTarget", o.Watts
	}), holds: says("/kaonsu/v1/miner_config", func(o Order) string { return fmt.Sprint(o.Watts) }, "mode", "concorde",
		"power-target")},
	Fan: {give: maraConfigured(func(conf object, o Order) {
		advanced := within(conf, "advance-config")
		advanced["override-fan-control"], advanced["fan-fixed-percent"] = o.FanPercent != Automatic,
			max(o.FanPercent, 0)
	}), holds: func(ctx context.Context, w *web, o Order) (bool, remark) {
		v, err := w.ask(ctx, http.MethodGet, "/kaonsu/v1/miner_config", nil)
		if err != nil {
			return false, failure(err)
		}
		fan := v.Get("advance-config")
		fixed, percent := fan.Get("override-fan-control").True(), fan.Get("fan-fixed-percent").Count()
		return fixed == (o.FanPercent != Automatic) && (!fixed || percent == int64(o.FanPercent)),
			sawFans(!fixed, percent)
	}},
	LED: {give: send(http.MethodPost, "/kaonsu/v1/locate_miner", func(o Order) any { return object{"blinking": o.On} }),
		holds: says("/kaonsu/v1/locate_miner", onOff, "blinking")},
}

// maraConfigured changes the configuration, which is set as a whole: one that names no pool is not sent.
func maraConfigured(change func(conf object, o Order)) webGive {
	return func(ctx context.Context, w *web, o Order) error {
		conf, err := w.object(ctx, "/kaonsu/v1/miner_config")
		if err != nil {
			return err
		}
		if pools, _ := conf["pools"].([]any); len(pools) == 0 {
			return farm.WithFinding(farm.Refuse("no-pools", "miner_config",
				"not ordered: the machine names no pool, and setting its mode would leave it without one"),
				farm.Found("would-lose-pools"))
		}
		change(conf, o)
		_, err = w.ask(ctx, http.MethodPost, "/kaonsu/v1/miner_config", conf)
		return err
	}
}

// --- AxeOS ---

var axeOrders = map[Action]manner{
	Reboot: {give: send(http.MethodPost, "/api/system/restart", nil)},
	Update: {give: axeImage},
	Pool: {give: func(ctx context.Context, w *web, o Order) error {
		host, text, err := net.SplitHostPort(o.PoolURL[strings.Index(o.PoolURL, "://")+len("://"):])
		if err != nil {
			return farm.Refuse("bad-pool", "pool", "want a host and a port, got %q", o.PoolURL)
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return farm.Refuse("bad-pool", "pool", "want a host and a port, got %q", o.PoolURL)
		}
		if _, err := w.ask(ctx, http.MethodPatch, "/api/system",
			object{"stratumURL": host, "stratumPort": port, "stratumUser": o.PoolUser}); err != nil {
			return err
		}
		_, err = w.ask(ctx, http.MethodPost, "/api/system/restart", nil) // settings are taken at a start
		return err
	}},
	Fan: {give: func(ctx context.Context, w *web, o Order) error {
		body := object{"autofanspeed": 1}
		if o.FanPercent != Automatic {
			body = object{"autofanspeed": 0, "fanspeed": o.FanPercent}
		}
		_, err := w.ask(ctx, http.MethodPatch, "/api/system", body)
		return err
	}, holds: func(ctx context.Context, w *web, o Order) (bool, remark) {
		v, err := w.ask(ctx, http.MethodGet, "/api/system/info", nil)
		if err != nil {
			return false, failure(err)
		}
		automatic, percent := v.Get("autofanspeed").True(), v.Get("fanspeed").Count()
		return automatic == (o.FanPercent == Automatic) && (automatic || percent == int64(o.FanPercent)),
			sawFans(automatic, percent)
	}},
}

// --- Proto ---

var protoOrders = map[Action]manner{
	Reboot: {give: send(http.MethodPost, "/api/v1/system/reboot", nil)},
	Sleep:  {give: send(http.MethodPost, "/api/v1/mining/stop", nil)},
	Wake:   {give: send(http.MethodPost, "/api/v1/mining/start", nil)},
	Power: {give: send(http.MethodPut, "/api/v1/mining/target",
		func(o Order) any { return object{"power_target_watts": o.Watts} }), holds: limitHolds},
	Pool: {give: func(ctx context.Context, w *web, o Order) error {
		pools, err := w.pools(ctx, o)
		if err != nil {
			return err
		}
		var list []object
		for i, p := range pools {
			list = append(list, object{"name": fmt.Sprintf("Pool %d", i+1), "url": p.url, "username": p.user,
				"password": p.pass, "priority": i})
		}
		_, err = w.ask(ctx, http.MethodPost, "/api/v1/pools", list)
		return err
	}},
}

// loginProto gives a bearer's token.
func loginProto(ctx context.Context, w *web, _ string) (string, error) {
	token, err := w.token(ctx, "/api/v1/auth/login", object{"password": w.password}, "access_token")
	return "Bearer " + token, err
}

// --- Auradine ---

var auradineOrders = map[Action]manner{
	Reboot: {give: send(http.MethodPost, "/restart", always(object{"command": "restart"}))},
	Sleep:  {give: send(http.MethodPost, "/mode", always(object{"command": "mode", "sleep": "on"}))},
	Wake:   {give: send(http.MethodPost, "/mode", always(object{"command": "mode", "sleep": "off"}))},
	Power: {give: send(http.MethodPost, "/mode", func(o Order) any {
		return object{"command": "mode", "mode": "custom", "tune": "power", "power": o.Watts}
	}), holds: limitHolds},
	LED: {give: send(http.MethodPost, "/led", func(o Order) any {
		return object{"command": "led", "code": auradineLamp(o)}
	}), holds: func(ctx context.Context, w *web, o Order) (bool, remark) {
		v, err := w.ask(ctx, http.MethodGet, "/led", nil)
		if err != nil {
			return false, failure(err)
		}
		code := v.Get("LED").At(0).Get("Code").Count()
		return code == int64(auradineLamp(o)), saw("lamp-code", "code", code)
	}},
	Pool: {give: func(ctx context.Context, w *web, o Order) error {
		pools, err := w.pools(ctx, o)
		if err != nil {
			return err
		}
		var list []object
		for _, p := range pools {
			list = append(list, object{"url": p.url, "user": p.user, "pass": p.pass})
		}
		_, err = w.ask(ctx, http.MethodPost, "/updatepools", object{"command": "updatepools", "pools": list})
		return err
	}},
}

// auradineLamp is the code of the lamp: 3 shows the machine, 2 is as always.
func auradineLamp(o Order) int {
	if o.On {
		return 3
	}
	return 2
}

// loginAuradine gives the token for the header of its own.
func loginAuradine(ctx context.Context, w *web, _ string) (string, error) {
	return w.token(ctx, "/token", object{"command": "token", "user": w.user, "password": w.password}, "Token", "Token")
}

// --- ElphaPex ---

var elphaOrders = map[Action]manner{
	Reboot: {give: send(http.MethodGet, "/cgi-bin/reboot.cgi", nil)},
	LED: {give: send(http.MethodPost, "/cgi-bin/blink.cgi", func(o Order) any { return object{"blink": onOff(o)} }),
		holds: says("/cgi-bin/get_blink_status.cgi", onOff, "blink")},
}

// --- IceRiver ---

// iceOrders are after pyasic, which knows the page of the lamp and no other that changes something; not tried on a
// machine.
var iceOrders = map[Action]manner{LED: {give: giveIceLamp, holds: iceLamp}}

// giveIceLamp logs in and has the lamp lit or put out, within the session that cookies name. What became of it is read
// back: a login that was not taken shows by a lamp that stays as it was.
func giveIceLamp(ctx context.Context, w *web, o Order) error {
	account := url.Values{"post": {"6"}, "user": {w.user}, "pwd": {w.password}}
	session, _, err := w.postTo(ctx, "/user/loginpost?"+account.Encode(), nil, "")
	if err != nil {
		return err
	}
	state := "0"
	if o.On {
		state = "1"
	}
	_, _, err = w.postTo(ctx, "/user/userpanel?post=5&locate="+state, session, "")
	return err
}

// iceLamp asks the page that polls read whether the lamp is on.
func iceLamp(ctx context.Context, w *web, o Order) (bool, remark) {
	_, content, err := w.postTo(ctx, "/user/userpanel?post=4", nil, "")
	if err != nil {
		return false, failure(err)
	}
	v, err := protocol.Parse(content)
	if err != nil {
		return false, failure(err)
	}
	state := v.Get("data").Get("locate")
	return state.True() == o.On && state.OK(), saw("lamp", "state", state.Text())
}

// --- Sealed and Avalon machines take orders on the socket of polls ---

// socket gives orders to firmwares of the cgminer family that need no session.
type socket struct{ m *fleet.Machine }

// socketOrders are the parameters of ascset, or a command of its own. Avalon wants the time at which to do it, a few
// seconds from now.
var socketOrders = map[protocol.Protocol]map[Action]func(o Order, at int64) string{
	protocol.Avalon: {
		Reboot: func(Order, int64) string { return `{"command":"restart"}` },
		Sleep:  func(_ Order, at int64) string { return ascset(fmt.Sprintf("0,softoff,1:%d", at+5)) },
		Wake:   func(_ Order, at int64) string { return ascset(fmt.Sprintf("0,softon,1:%d", at+5)) },
		LED: func(o Order, _ int64) string {
			if o.On {
				return ascset("0,led,1-1")
			}
			return ascset("0,led,1-0")
		},
	},
	protocol.SealMiner: {
		Sleep: func(Order, int64) string { return ascset("0,suspend") },
		Wake:  func(Order, int64) string { return `{"command":"restart"}` },
	},
}

// ascset is the request that changes one of the settings.
func ascset(parameter string) string {
	return fmt.Sprintf(`{"command":"ascset","parameter":%q}`, parameter)
}

func (s *socket) identify(ctx context.Context) error { return identifyByPoll(ctx, s.m) }

// give sends one command. What is not JSON is taken for an answer that broke off, not for a refusal.
func (s *socket) give(ctx context.Context, o Order) error {
	request := socketOrders[s.m.Protocol][o.Action](o, clock().Unix())
	reply, err := fleet.Query(ctx, s.m.Address, []byte(request), false)
	if err != nil {
		return err
	}
	v, err := protocol.Parse(reply)
	if err != nil {
		// BTMiner and Avalon end with a bare word when they restart; what was done is read back
		return nil //nolint:nilerr // as above
	}
	if row := v.Get("STATUS").At(0); row.Get("STATUS").Text() == "E" {
		return farm.Refuse("refused", "ascset", "the machine says: %s", row.Get("Msg").Text())
	}
	return nil
}

// holds finds the lamp in the text that Avalon puts all its state into.
func (s *socket) holds(ctx context.Context, o Order) (bool, remark) {
	if o.Action != LED {
		return true, remark{} // the poll tells
	}
	reply, err := fleet.Query(ctx, s.m.Address, []byte(`{"command":"estats"}`), false)
	if err != nil {
		return false, failure(err)
	}
	_, after, found := strings.Cut(string(reply), "Led[")
	state, _, _ := strings.Cut(after, "]")
	want := "0"
	if o.On {
		want = "1"
	}
	return found && state == want, saw("lamp", "state", state)
}

// Abilities are the orders that Aqsha gives in a protocol, in the order of Actions.
func Abilities(d protocol.Protocol) (out []Action) {
	for _, action := range Actions {
		if able(d, action) {
			out = append(out, action)
		}
	}
	return out
}

// able says whether an order is given in a protocol.
func able(d protocol.Protocol, action Action) bool {
	if list, ok := ownOrders[d]; ok {
		return slices.Contains(list, action)
	}
	if kind, ok := firmwares[d]; ok {
		_, ok := kind.orders[action]
		return ok
	}
	_, ok := socketOrders[d][action]
	return ok
}

// ownOrders are of the protocols that have a speaker of their own. What their give and holds do must agree with these
// lists.
var ownOrders = map[protocol.Protocol][]Action{
	protocol.LuxOS:        {Reboot, Pool, Sleep, Wake, Power, Profile, Fan, LED},
	protocol.AntminerOld:  {Reboot, Pool, Sleep, Wake, Profile, Fan, LED, Password},
	protocol.AntminerNew:  {Reboot, Pool, Sleep, Wake, Profile, Fan, LED, Password, Update},
	protocol.WhatsminerV2: {Reboot, Pool, Sleep, Wake, Power, Profile, LED, Password},
	protocol.WhatsminerV3: {Reboot, Pool, Sleep, Wake, Power, Profile},
}

// form encodes a form's fields.
func form(fields map[string]string) string {
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, value)
	}
	return values.Encode()
}
