package control_test

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

const doubleMAC = "02:00:00:00:00:42"

type row struct{ url, user string }

// double answers as a firmware of one protocol does, after the published references that its orders were taken from:
// its answers are composed here, not recorded. A deaf one says yes to everything and does nothing.
type double struct {
	mu       sync.Mutex // over all
	d        protocol.Protocol
	deaf     bool
	asleep   bool
	lamp     bool
	watts    int64
	fan      int // 0: automatic
	profile  string
	password string
	pools    []row
	elapsed  int64
	version  string
	serial   string
	slower   bool     // after an update
	falls    int      // connections that it is away for from the next order on: it starts anew in the midst of it
	forgets  bool     // and has not kept the order
	away     int      // connections that it is still away for
	ageless  bool     // from the next order on it does not tell since when it runs
	refuses  bool     // to be polled
	orders   []string // that were taken, to see that nothing else was sent
}

func (x *double) take(order string, do func()) {
	x.orders = append(x.orders, order)
	if x.ageless {
		x.elapsed = protocol.Unknown
	}
	if x.falls > 0 {
		x.away, x.falls, x.elapsed = x.falls, 0, 1
		if x.forgets {
			return
		}
	}
	if !x.deaf {
		do()
	}
}

// gone says whether the machine is away, for one more connection.
func (x *double) gone() bool {
	if x.away == 0 {
		return false
	}
	x.away--
	return true
}

// start lets a double listen and returns the machine it is.
func start(t *testing.T, x *double) *fleet.Machine {
	t.Helper()
	x.watts, x.elapsed, x.profile = 3000, 5000, "normal"
	x.pools = []row{{"stratum+tcp://old.example:3333", "farm.old"}, {"stratum+tcp://spare.example:3333", "farm.spare"}}
	if x.password == "" {
		x.password = map[protocol.Protocol]string{protocol.EPIC: "letmein", protocol.BraiinsREST: "root",
			protocol.Marathon: "root", protocol.ElphaPex: "root", protocol.WhatsminerV3: "super",
			protocol.IceRiver: "12345678"}[x.d]
		if x.password == "" {
			x.password = "admin"
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &fleet.Machine{ID: "double-" + string(x.d), MAC: doubleMAC, Protocol: x.d, NominalWatts: 3000,
		Address: l.Addr().String()}
	if x.d.HTTP() {
		server := &http.Server{Handler: x}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		return m
	}
	go x.accept(l)
	t.Cleanup(func() { _ = l.Close() })
	if x.d == protocol.Auradine {
		web, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		m.HTTPPort = web.Addr().(*net.TCPAddr).Port
		server := &http.Server{Handler: x}
		go func() { _ = server.Serve(web) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	return m
}

// --- over HTTP ---

func (x *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.gone() {
		panic(http.ErrAbortHandler)
	}
	var body any
	content, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(content, &body)
	r.Body = io.NopCloser(bytes.NewReader(content))
	fields, _ := body.(map[string]any)
	if x.d == protocol.BraiinsGraphQL {
		answer := x.graph(w, r, fields)
		if x.gone() {
			panic(http.ErrAbortHandler)
		}
		_ = json.NewEncoder(w).Encode(answer)
		return
	}
	answer, ok := map[protocol.Protocol]func(*http.Request, any, map[string]any) (any, bool){
		protocol.BraiinsREST: x.braiins, protocol.VNish: x.vnish, protocol.EPIC: x.epic, protocol.Marathon: x.mara,
		protocol.AxeOS: x.axe, protocol.Proto: x.proto, protocol.Auradine: x.auradine, protocol.ElphaPex: x.elpha,
		protocol.IceRiver: x.ice,
	}[x.d](r, body, fields)
	if r.URL.Path == "/user/loginpost" && ok {
		http.SetCookie(w, &http.Cookie{Name: "sess", Value: "1ce"})
	}
	if x.gone() { // it fell in the midst of this one
		panic(http.ErrAbortHandler)
	}
	if !ok {
		w.Header().Set("WWW-Authenticate", `Digest realm="m", nonce="abc", qop="auth"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

type page = map[string]any

func number(v any) int64 {
	n, _ := v.(float64)
	return int64(n)
}

// flash takes an image whose first line is its version.
func (x *double) flash(image []byte) {
	version, _, _ := strings.Cut(string(image), "\n")
	x.version = version
	x.boot()
}

func (x *double) boot() { x.elapsed = 1 }

func (x *double) braiins(r *http.Request, body any, fields page) (any, bool) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	if path == "auth/login" {
		return page{"token": "t0k"}, fields["password"] == x.password
	}
	if r.Header.Get("Authorization") != "t0k" {
		return nil, false
	}
	switch r.Method + " " + path {
	case "PUT actions/reboot":
		x.take("reboot", x.boot)
	case "PUT actions/pause":
		x.take("sleep", func() { x.asleep = true })
	case "PUT actions/resume":
		x.take("wake", func() { x.asleep = false })
	case "PUT actions/locate":
		x.take("led", func() { x.lamp, _ = body.(bool) })
	case "GET actions/locate":
		return x.lamp, true
	case "PUT performance/power-target":
		x.take("power", func() { x.watts = number(fields["watt"]) })
	case "PUT pools/batch":
		x.take("pool", func() {
			x.pools = nil
			groups, _ := body.([]any)
			for _, g := range groups {
				list, _ := g.(page)["pools"].([]any)
				for _, p := range list {
					x.pools = append(x.pools, row{p.(page)["url"].(string), p.(page)["user"].(string)})
				}
			}
		})
	case "GET pools":
		var pools []page
		for i, p := range x.pools {
			pools = append(pools, page{"url": p.url, "user": p.user, "alive": true, "active": i == 0})
		}
		return []page{{"name": "main", "pools": pools, "load_balance_strategy": page{"quota": page{"value": 1}}}}, true
	case "GET miner/stats":
		return page{"miner_stats": page{"real_hashrate": page{"last_1m": page{"gigahash_per_second": 100000}}}}, true
	case "GET performance/tuner-state":
		return page{"mode_state": page{"powertargetmodestate": page{"current_target": page{"watt": x.watts}}}}, true
	case "GET miner/details":
		status := 2
		if x.asleep {
			status = 3
		}
		return page{"bosminer_uptime_s": x.elapsed, "mac_address": doubleMAC, "status": status}, true
	default:
		return page{}, true
	}
	return nil, true
}

// graph answers Braiins OS before 25.03: mutations are for whoever shows the cookie.
func (x *double) graph(w http.ResponseWriter, r *http.Request, asked page) page {
	query, _ := asked["query"].(string)
	given, _ := asked["variables"].(page)
	info := page{"workSolver": page{"realHashrate": page{"mhs5S": 1e8}},
		"summary": page{"power": page{"limitW": x.watts}}}
	if x.asleep {
		info["workSolver"] = nil
	}
	var pools []page
	for i, p := range x.pools {
		pools = append(pools, page{"url": p.url, "user": p.user, "status": "ALIVE", "active": i == 0})
	}
	info["poolGroups"] = []page{{"name": "mine", "pools": pools}}
	cookie, err := r.Cookie("session_id")
	if strings.HasPrefix(query, "query ") {
		return page{"data": page{"bos": page{"uptime": page{"durationS": x.elapsed}, "faultLight": x.lamp},
			"bosminer": page{"info": info}}}
	}
	if strings.Contains(query, "auth{login") {
		if given["username"] == "root" && given["password"] == "" {
			http.SetCookie(w, &http.Cookie{Name: "session_id", Value: "s3ss"})
		}
		return page{"data": page{"auth": page{"login": page{"void": ""}}}}
	}
	if err != nil || cookie.Value != "s3ss" {
		return page{"data": nil, "errors": []page{{"message": "Not authorized"}}}
	}
	if x.refuses {
		return page{"data": page{"bosminer": page{"stop": page{"message": "not now"}}}}
	}
	switch {
	case strings.Contains(query, "reboot"):
		x.take("reboot", x.boot)
	case strings.Contains(query, "stop"):
		x.take("sleep", func() { x.asleep = true })
	case strings.Contains(query, "bosminer{start"):
		x.take("wake", func() { x.asleep = false })
	case strings.Contains(query, "powerTarget"):
		x.take("power", func() { x.watts = number(given["limit"]) })
	case strings.Contains(query, "setFaultLight"):
		x.take("led", func() { x.lamp, _ = given["enable"].(bool) })
	case strings.Contains(query, "updateGroups"):
		x.take("pool", func() {
			x.pools = nil
			groups, _ := given["groups"].([]any)
			list, _ := groups[0].(page)["pools"].([]any)
			for _, p := range list {
				x.pools = append(x.pools, row{p.(page)["url"].(string), p.(page)["user"].(string)})
			}
		})
	case strings.Contains(query, "restart"):
	default:
		return page{"data": nil, "errors": []page{{"message": "unknown field"}}}
	}
	return page{"data": page{"bos": page{}}}
}

// TestMain has the kernel know who is at the doubles' address, for firmwares that do not say it themselves.
func TestMain(m *testing.M) {
	table, err := os.CreateTemp("", "neighbours")
	if err == nil {
		_,
			err = table.WriteString("IP address HW type Flags HW address Mask Device\n127.0.0.1 0x1 0x2 " + doubleMAC + " * lo\n")
	}
	if err != nil {
		panic(err)
	}
	fleet.NeighbourTable = table.Name()
	code := m.Run()
	_ = os.Remove(table.Name())
	os.Exit(code)
}

func (x *double) vnish(r *http.Request, _ any, fields page) (any, bool) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	if path == "unlock" {
		return page{"token": "v"}, fields["pw"] == x.password
	}
	if path == "summary" {
		state := "mining"
		if x.asleep {
			state = "stopped"
		}
		var pools []page
		for i, p := range x.pools {
			status := map[bool]string{true: "active", false: "disabled"}[i == 0]
			pools = append(pools, page{"url": p.url, "user": p.user, "status": status})
		}
		return page{"miner": page{"hr_realtime": 100000, "pools": pools,
			"miner_status": page{"miner_state": state, "miner_state_time": x.elapsed}}}, true
	}
	if path == "info" {
		return page{"system": page{"network_status": page{"mac": doubleMAC}}}, true
	}
	token := "v"
	if strings.HasPrefix(path, "system") {
		token = "Bearer v"
	}
	if r.Header.Get("Authorization") != token {
		return nil, false
	}
	switch r.Method + " " + path {
	case "POST system/reboot":
		x.take("reboot", x.boot)
	case "POST mining/stop":
		x.take("sleep", func() { x.asleep = true })
	case "POST mining/start":
		x.take("wake", func() { x.asleep = false })
	case "POST find-miner":
		x.take("led", func() { x.lamp, _ = fields["on"].(bool) })
	case "GET status":
		return page{"find_miner": x.lamp}, true
	case "GET autotune/presets":
		return []page{{"name": "disabled"}, {"name": "2500"}, {"name": "3000"}, {"name": "3500"}}, true
	case "GET settings":
		return page{"miner": page{"overclock": page{"preset": x.profile, "modded_psu": false}}}, true
	case "POST settings":
		x.take("settings", func() {
			miner, _ := fields["miner"].(page)
			if clock, ok := miner["overclock"].(page); ok && clock["modded_psu"] == false {
				x.profile, _ = clock["preset"].(string)
			}
			if list, ok := miner["pools"].([]any); ok {
				x.pools = nil
				for _, p := range list {
					x.pools = append(x.pools, row{"stratum+tcp://" + p.(page)["url"].(string),
						p.(page)["user"].(string)})
				}
			}
			if p, ok := fields["password"].(page); ok && p["current"] == x.password {
				x.password, _ = p["pw"].(string)
			}
		})
	}
	return page{"restart_required": false, "reboot_required": false}, true // whatever came
}

func (x *double) epic(r *http.Request, _ any, fields page) (any, bool) {
	if r.URL.Path == "/systemupdate" {
		file, _, err := r.FormFile("update.zip")
		if err != nil || r.FormValue("password") != x.password {
			return page{"result": false, "error": "no"}, true
		}
		content, _ := io.ReadAll(file)
		if fmt.Sprintf("%x", sha256.Sum256(content)) == r.FormValue("checksum") {
			x.take("update", func() { x.flash(content) })
		}
		return page{"result": true}, true
	}
	if r.Method == http.MethodPost && fields["password"] != x.password {
		return page{"result": false, "error": "wrong password"}, true
	}
	param := fields["param"]
	switch r.Method + " " + r.URL.Path {
	case "POST /reboot":
		x.take("reboot", x.boot)
	case "POST /miner":
		x.take("mode", func() { x.asleep = param == "Stop" })
	case "POST /identify":
		x.take("led", func() { x.lamp, _ = param.(bool) })
	case "POST /coin":
		x.take("pool", func() {
			x.pools = nil
			for _, p := range param.(page)["stratum_configs"].([]any) {
				x.pools = append(x.pools, row{p.(page)["pool"].(string), p.(page)["login"].(string)})
			}
		})
	case "GET /summary":
		var pools []page
		for _, p := range x.pools {
			pools = append(pools, page{"pool": p.url, "login": p.user})
		}
		state := "Mining"
		if x.asleep {
			state = "Idling"
		}
		return page{"Software": x.version, "HBStatus": []page{{"Index": 0, "Detected": true}},
			"HBs":     []page{{"Index": 0, "Hashrate": []int{100000000}}},
			"Session": page{"Uptime": x.elapsed, "Average MHs": 1e8}, "Status": page{"Operating State": state},
			"Stratum": page{"Config Id": 0, "IsPoolConnected": true}, "StratumConfigs": pools,
			"Misc": page{"Locate Miner State": x.lamp}}, true
	case "GET /network":
		return page{"dhcp": page{"mac_address": doubleMAC}}, true
	}
	return page{"result": true}, true
}

func digestShown(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), `Digest username="root"`)
}

func (x *double) mara(r *http.Request, _ any, fields page) (any, bool) {
	if !digestShown(r) {
		return nil, false
	}
	path := strings.TrimPrefix(r.URL.Path, "/kaonsu/v1/")
	switch r.Method + " " + path {
	case "POST maintenance":
		x.take("reboot", x.boot)
	case "POST locate_miner":
		x.take("led", func() { x.lamp, _ = fields["blinking"].(bool) })
	case "GET locate_miner":
		return page{"blinking": x.lamp}, true
	case "GET miner_config":
		var pools []page
		for _, p := range x.pools {
			pools = append(pools, page{"url": p.url, "user": p.user, "pass": "secret"})
		}
		return page{"pools": pools, "mode": page{"work-mode-selector": "Stock",
			"concorde": page{"power-target": x.watts}},
			"advance-config": page{"override-fan-control": x.fan > 0, "fan-fixed-percent": x.fan}}, true
	case "POST miner_config":
		x.take("config", func() {
			x.pools = nil
			list, _ := fields["pools"].([]any)
			for _, p := range list {
				x.pools = append(x.pools, row{p.(page)["url"].(string), p.(page)["user"].(string)})
			}
			mode := fields["mode"].(page)
			x.asleep, x.watts = mode["work-mode-selector"] == "Sleep", number(mode["concorde"].(page)["power-target"])
			fan := fields["advance-config"].(page)
			if x.fan = 0; fan["override-fan-control"] == true {
				x.fan = int(number(fan["fan-fixed-percent"]))
			}
		})
	case "GET brief":
		status := "Mining"
		if x.asleep {
			status = "Sleep"
		}
		return page{"hashrate_realtime": 100000, "elapsed": x.elapsed, "status": status}, true
	case "GET overview":
		return page{"mac": doubleMAC}, true
	}
	return page{}, true
}

func (x *double) axe(r *http.Request, _ any, fields page) (any, bool) {
	switch r.Method + " " + r.URL.Path {
	case "POST /api/system/restart":
		x.take("reboot", x.boot)
		return nil, true
	case "POST /api/system/OTA":
		content, _ := io.ReadAll(r.Body)
		x.take("update", func() { x.flash(content) })
		return nil, true
	case "PATCH /api/system":
		x.take("settings", func() {
			if host, ok := fields["stratumURL"].(string); ok {
				x.pools[0] = row{fmt.Sprintf("stratum+tcp://%s:%d", host, number(fields["stratumPort"])),
					fields["stratumUser"].(string)}
			}
			if automatic, ok := fields["autofanspeed"]; ok {
				if x.fan = 0; number(automatic) == 0 {
					x.fan = int(number(fields["fanspeed"]))
				}
			}
		})
		return nil, true
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(x.pools[0].url, "stratum+tcp://"), ":")
	n, _ := strconv.Atoi(port)
	rate := 1200
	if x.asleep {
		rate = 0
	}
	if x.slower && x.version != "" {
		rate = 900
	}
	return page{"hashRate": rate, "version": x.version, "macAddr": doubleMAC, "uptimeSeconds": x.elapsed,
		"stratumURL": host, "stratumPort": n,
		"stratumUser": x.pools[0].user, "autofanspeed": map[bool]int{true: 1}[x.fan == 0], "fanspeed": x.fan}, true
}

func (x *double) proto(r *http.Request, body any, fields page) (any, bool) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	if path == "auth/login" {
		return page{"access_token": "p"}, fields["password"] == x.password
	}
	if r.Method != http.MethodGet && r.Header.Get("Authorization") != "Bearer p" {
		return nil, false
	}
	switch r.Method + " " + path {
	case "POST system/reboot":
		x.take("reboot", x.boot)
	case "POST mining/stop":
		x.take("sleep", func() { x.asleep = true })
	case "POST mining/start":
		x.take("wake", func() { x.asleep = false })
	case "PUT mining/target":
		x.take("power", func() { x.watts = number(fields["power_target_watts"]) })
	case "POST pools":
		x.take("pool", func() {
			x.pools = nil
			for _, p := range body.([]any) {
				x.pools = append(x.pools, row{p.(page)["url"].(string), p.(page)["username"].(string)})
			}
		})
	case "GET pools":
		var pools []page
		for i, p := range x.pools {
			status := map[bool]string{true: "Active", false: "Idle"}[i == 0]
			pools = append(pools, page{"url": p.url, "user": p.user, "enabled": true, "status": status})
		}
		return page{"pools": pools}, true
	case "GET mining":
		status := "Mining"
		if x.asleep {
			status = "Stopped"
		}
		return page{"mining-status": page{"hashrate_ghs": 100000, "mining_uptime_s": x.elapsed, "status": status,
			"power_target_watts": x.watts}}, true
	case "GET network":
		return page{"network-info": page{"mac": doubleMAC}}, true
	}
	return page{}, true
}

func (x *double) auradine(r *http.Request, _ any, fields page) (any, bool) {
	if r.URL.Path == "/token" {
		return page{"Token": []page{{"Token": "a"}}}, fields["password"] == x.password
	}
	if r.Header.Get("Token") != "a" {
		return nil, false
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /restart":
		x.take("reboot", x.boot)
	case "POST /mode":
		x.take("mode", func() {
			if sleep, ok := fields["sleep"]; ok {
				x.asleep = sleep == "on"
			}
			if fields["tune"] == "power" {
				x.watts = number(fields["power"])
			}
		})
	case "POST /led":
		x.take("led", func() { x.lamp = number(fields["code"]) == 3 })
	case "GET /led":
		return page{"LED": []page{{"Code": map[bool]int{true: 3, false: 2}[x.lamp]}}}, true
	case "POST /updatepools":
		x.take("pool", func() {
			x.pools = nil
			for _, p := range fields["pools"].([]any) {
				x.pools = append(x.pools, row{p.(page)["url"].(string), p.(page)["user"].(string)})
			}
		})
	}
	return page{"STATUS": []page{{"STATUS": "S"}}}, true
}

func (x *double) elpha(r *http.Request, _ any, fields page) (any, bool) {
	if !digestShown(r) {
		return nil, false
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /cgi-bin/reboot.cgi":
		x.take("reboot", x.boot)
	case "POST /cgi-bin/blink.cgi":
		x.take("led", func() { x.lamp = fields["blink"] == "true" })
		return page{"code": "B000"}, true
	case "GET /cgi-bin/get_blink_status.cgi":
		return page{"blink": x.lamp}, true
	case "GET /cgi-bin/get_system_info.cgi":
		return page{"macaddr": doubleMAC}, true
	case "GET /cgi-bin/stats.cgi":
		return page{"STATS": []page{{"elapsed": x.elapsed, "rate_5s": 100, "rate_unit": "GH/s", "rate_avg": 100}}}, true
	}
	return page{}, true
}

// ice answers polls to anybody, and takes orders within the session of a login alone.
func (x *double) ice(r *http.Request, _ any, _ page) (any, bool) {
	query := r.URL.Query()
	if r.Method != http.MethodPost {
		return page{}, true
	}
	switch r.URL.Path + " " + query.Get("post") {
	case "/user/loginpost 6":
		if query.Get("user") != "admin" || query.Get("pwd") != x.password {
			return page{"error": 1}, false
		}
		return page{"error": 0}, true
	case "/user/userpanel 5":
		if cookie, err := r.Cookie("sess"); err == nil && cookie.Value == "1ce" {
			x.take("led", func() { x.lamp = query.Get("locate") == "1" })
		}
	case "/user/userpanel 4":
		return page{"error": 0, "data": page{"rtpow": "100G", "avgpow": "100G", "unit": "G", "powstate": true, "mac": doubleMAC,
			"runtime": "00:01:23:20", "locate": x.lamp, "boards": []page{{"no": 1, "rtpow": "100G"}}, "softver1": "1_ks3m_miner"}}, true
	}
	return page{"error": 0}, true
}

// --- on a socket ---

func (x *double) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			if x.d == protocol.WhatsminerV3 {
				var head [4]byte
				if _, err := io.ReadFull(conn, head[:]); err == nil {
					request := make([]byte, binary.LittleEndian.Uint32(head[:]))
					_, _ = io.ReadFull(conn, request)
					if reply := x.answer(request); reply != nil {
						_, _ = conn.Write(protocol.Frame(reply))
					}
				}
				return
			}
			var request []byte
			for buffer := make([]byte, 4096); !json.Valid(request); {
				n, err := conn.Read(buffer)
				if request = append(request, buffer[:n]...); err != nil {
					return
				}
			}
			if reply := x.answer(request); reply != nil {
				_, _ = conn.Write(append(reply, 0))
			}
		}()
	}
}

func text(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// answer is the reply to a request; nil when the machine is away, or falls in the midst of it.
func (x *double) answer(request []byte) []byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.gone() {
		return nil
	}
	reply := x.said(request)
	if x.gone() {
		return nil
	}
	return reply
}

func (x *double) said(request []byte) []byte {
	var asked page
	_ = json.Unmarshal(request, &asked)
	switch x.d {
	case protocol.WhatsminerV2:
		return x.whatsminer2(asked)
	case protocol.WhatsminerV3:
		return x.whatsminer3(asked)
	}
	if parameter, ok := asked["parameter"].(string); ok {
		return x.ascset(parameter)
	}
	if asked["command"] == "restart" {
		x.take("restart", func() { x.boot(); x.asleep = false })
		return text(page{"STATUS": "RESTART"})
	}
	if command := fmt.Sprint(asked["command"]); !strings.Contains(command, "+") {
		return x.section(command)
	}
	out := page{"id": 1}
	for name := range strings.SplitSeq(asked["command"].(string), "+") {
		out[name] = []json.RawMessage{x.section(name)}
	}
	return text(out)
}

// section is a reply of the cgminer family.
func (x *double) section(name string) []byte {
	ok := []page{{"STATUS": "S", "Msg": name}}
	switch name {
	case "summary":
		return text(page{"STATUS": ok, "SUMMARY": []page{{"Elapsed": x.elapsed, "MHS av": 1e8, "MHS 5s": 1e8}}})
	case "pools":
		var pools []page
		for i, p := range x.pools {
			pools = append(pools, page{"POOL": i, "URL": p.url, "User": p.user, "Status": "Alive", "Priority": i,
				"Stratum Active": i == 0})
		}
		return text(page{"STATUS": ok, "POOLS": pools})
	case "stats":
		if x.d == protocol.SealMiner {
			state := map[bool]string{true: "Sleep", false: "Running"}[x.asleep]
			return text(page{"STATUS": ok, "STATS": []page{{"MAC": doubleMAC, "PM State": state, "State": state,
				"Work State": state}}})
		}
		return text(page{"STATUS": ok, "STATS": []page{{"MM ID0": x.management()}}})
	case "estats":
		return text(page{"STATUS": ok, "STATS": []page{{"MM ID0": x.management()}}})
	case "mode":
		sleep := map[bool]string{true: "on", false: "off"}[x.asleep]
		return text(page{"STATUS": ok, "Mode": []page{{"Mode": "custom", "Power": x.watts, "Sleep": sleep}}})
	case "ipreport":
		return text(page{"STATUS": ok, "IPReport": []page{{"mac": doubleMAC, "SerialNo": x.serial}}})
	case "version":
		return text(page{"STATUS": ok,
			"VERSION": []page{{"PROD": "AvalonMiner 1566", "MAC": strings.ReplaceAll(doubleMAC,
				":", "")}}})
	}
	return text(page{"STATUS": []page{{"STATUS": "E", "Code": 14, "Msg": "Invalid command"}}})
}

func (x *double) management() string {
	bit := map[bool]int{true: 1}
	return fmt.Sprintf("Ver[1566-test] Elapsed[%d] TA[480] SoftOFF[%d] Led[%d] TMax[80]", x.elapsed, bit[x.asleep],
		bit[x.lamp])
}

func (x *double) ascset(parameter string) []byte {
	field := strings.Split(parameter, ",")
	switch strings.Join(field[1:min(len(field), 2)], "") {
	case "softoff", "suspend":
		x.take("sleep", func() { x.asleep = true })
	case "softon":
		x.take("wake", func() { x.asleep = false })
	case "led":
		x.take("led", func() { x.lamp = field[2] == "1-1" })
	default:
		return text(page{"STATUS": []page{{"STATUS": "E", "Msg": "unknown option"}}})
	}
	return text(page{"STATUS": []page{{"STATUS": "S", "Msg": "ASC 0 set OK"}}})
}

// secrets are what crypt(3) of OpenSSL makes of the passwords with the double's salts, and of these with its time.
var secrets = map[string][2]string{
	"admin":     {"RxmaDUO33TS7O26yeMHZ81", "w.BNbkCV6n1aNWgiBWLzT/"},
	"changed99": {"ICZarLgPdkP2gO6noo7ca0", "Z1Mz9QHL05Fz0qjmvHXDt0"},
}

func (x *double) whatsminer2(asked page) []byte {
	ok := []page{{"STATUS": "S"}}
	if command, reads := asked["command"].(string); reads {
		out := page{"id": 1}
		for name := range strings.SplitSeq(command, "+") {
			out[name] = []json.RawMessage{x.whatsminer2(page{"cmd": name})}
		}
		if x.refuses {
			return text(page{"STATUS": "E", "Code": 14, "Msg": "invalid cmd", "Description": "whatsminer v1.3"})
		}
		return text(out)
	}
	switch asked["cmd"] {
	case "get_token":
		return text(page{"STATUS": "S", "Msg": page{"time": "5626", "salt": "BQ5hoXV9", "newsalt": "jbzkfQls"}})
	case "summary":
		return text(page{"STATUS": ok, "SUMMARY": []page{{"Elapsed": x.elapsed, "HS RT": 1e8, "MHS av": 1e8,
			"Power Limit": x.watts, "Power Mode": x.profile, "MAC": doubleMAC}}})
	case "pools":
		return x.section("pools")
	case "status":
		return text(page{"STATUS": "S", "Msg": page{"btmineroff": strconv.FormatBool(x.asleep)}})
	case "get_miner_info":
		lamp := map[bool]string{true: "manual", false: "auto"}[x.lamp]
		return text(page{"STATUS": "S", "Msg": page{"mac": doubleMAC, "ledstat": lamp}})
	}
	sealed, isOrder := asked["data"].(string)
	if !isOrder {
		return text(page{"STATUS": "E", "Code": 14, "Msg": "invalid cmd"})
	}
	secret := secrets[x.password]
	key := sha256.Sum256([]byte(secret[0]))
	var order map[string]string
	if json.Unmarshal(x.decrypt(key, sealed), &order) != nil || order["token"] != secret[1] {
		return text(page{"STATUS": "E", "Code": 23, "Msg": "enc json load err"})
	}
	x.take(order["cmd"], func() {
		switch order["cmd"] {
		case "reboot":
			x.boot()
		case "power_off":
			x.asleep = order["respbefore"] == "true"
		case "power_on":
			x.asleep = false
		case "adjust_power_limit":
			x.watts, _ = strconv.ParseInt(order["power_limit"], 10, 64)
		case "set_low_power", "set_high_power", "set_normal_power":
			x.profile = strings.Split(order["cmd"], "_")[1]
		case "set_led":
			x.lamp = order["param"] != "auto"
		case "update_pwd":
			if order["old"] == x.password {
				x.password = order["new"]
			}
		case "update_pools":
			x.pools = nil
			for _, n := range []string{"1", "2", "3"} {
				if order["pool"+n] != "" {
					x.pools = append(x.pools, row{order["pool"+n], order["worker"+n]})
				}
			}
		}
	})
	return text(page{"enc": x.encrypt(key, []byte(`{"STATUS":"S","Code":131,"Msg":"API command OK"}`))})
}

func (x *double) whatsminer3(asked page) []byte {
	command, _ := asked["cmd"].(string)
	switch command {
	case "get.device.info":
		working := strconv.FormatBool(!x.asleep)
		return text(page{"code": 0, "msg": page{"salt": "s4lt", "network": page{"mac": doubleMAC},
			"miner": page{"working": working}, "power": page{"mode": x.profile}}})
	case "get.miner.status":
		var pools []page
		for i, p := range x.pools {
			pools = append(pools, page{"id": i + 1, "url": p.url, "account": p.user, "status": "alive",
				"stratum-active": i == 0})
		}
		return text(page{"code": 0, "msg": page{"summary": page{"elapsed": x.elapsed, "hash-realtime": 100,
			"power-limit": x.watts}, "pools": pools}})
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s%ss4lt%d", command, x.password, number(asked["ts"])))
	if asked["account"] != "super" || asked["token"] != base64.StdEncoding.EncodeToString(hash[:])[:8] {
		return text(page{"code": -4, "msg": "token wrong"})
	}
	x.take(command, func() {
		switch param := asked["param"]; command {
		case "set.system.reboot":
			x.boot()
		case "set.miner.service":
			x.asleep = param == "stop"
		case "set.miner.power_limit":
			x.watts = number(param)
		case "set.miner.power_mode":
			x.profile, _ = param.(string)
		case "set.miner.pools":
			var list []map[string]string
			_ = json.Unmarshal(x.decrypt(hash, param.(string)), &list)
			x.pools = nil
			for _, p := range list {
				x.pools = append(x.pools, row{p["pool"], p["worker"]})
			}
		}
	})
	return text(page{"code": 0, "msg": "ok"})
}

func (x *double) decrypt(key [32]byte, sealed string) []byte {
	block, _ := aes.NewCipher(key[:])
	out, _ := base64.StdEncoding.DecodeString(sealed)
	for at := 0; at+16 <= len(out); at += 16 {
		block.Decrypt(out[at:], out[at:])
	}
	return bytes.TrimRight(out, "\x00")
}

func (x *double) encrypt(key [32]byte, plain []byte) string {
	block, _ := aes.NewCipher(key[:])
	out := append(slices.Clone(plain), make([]byte, (16-len(plain)%16)%16)...)
	for at := 0; at < len(out); at += 16 {
		block.Encrypt(out[at:], out[at:])
	}
	return base64.StdEncoding.EncodeToString(out)
}
