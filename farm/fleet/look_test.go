package fleet_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// answers is a machine that answers what it has been given and refuses the rest; without commands its port is shut.
type answers struct{ commands, pages map[string]string }

func (a answers) Command(_ context.Context, request string, framed bool) ([]byte, error) {
	if framed || a.commands == nil {
		return nil, errors.New("connection refused")
	}
	if reply, ok := a.commands[strings.TrimSuffix(strings.TrimPrefix(request, `{"command":"`), `"}`)]; ok {
		return []byte(reply), nil
	}
	return []byte(`{"STATUS":[{"STATUS":"E","Code":0,"Msg":"Invalid command"}]}`), nil
}

func (a answers) Web(_ context.Context, _ protocol.Protocol, request string) ([]byte, error) {
	if reply, ok := a.pages[request]; ok {
		return []byte(reply), nil
	}
	return nil, errors.New("404")
}

const listedStats = `{"INFO":{"type":"Antminer S19"},"STATS":[{"rate_5s":88422,"rate_unit":"GH/s","fan":[4080],
	"chain":[{"index":0,"asic_num":88,"rate_real":29500}]}]}`

// Machines that answer in part, or in an unusual place, are known and read.
func TestLook(t *testing.T) {
	for _, tc := range []struct {
		name    string
		machine answers
		want    protocol.Protocol
		boards  int
		asleep  bool
	}{
		{"an Antminer whose port is shut", answers{pages: map[string]string{"GET /cgi-bin/stats.cgi": listedStats,
			"GET /cgi-bin/pools.cgi": `{"POOLS":[{"url":"a","status":"Alive"}]}`}}, protocol.AntminerNew, 1, false},
		{"an Antminer whose boards are on a page", answers{commands: map[string]string{
			"version": `{"VERSION":[{"BMMiner":"1","Type":"Antminer S19"}]}`, "summary": `{"SUMMARY":[{"Elapsed":5,
				"GHS 5s":88422}]}`,
			"pools": `{"POOLS":[{"URL":"a","Status":"Alive"}]}`},
			pages: map[string]string{"GET /cgi-bin/stats.cgi": listedStats}},
			protocol.AntminerOld, 1, false},
		{"a VNish that refuses its version", answers{commands: map[string]string{
			"stats": `{"STATS":[{"Type":"Antminer S21 (Vnish 1.2.7)"},{"GHS 5s":1,"chain_acn1":65,"chain_rate1":1}]}`},
			pages: map[string]string{"GET /api/v1/info": `{"fw_name":"Vnish","fw_version":"1.2.7"}`,
				"GET /api/v1/summary": `{"miner":{"hr_realtime":1,"chains":[{"id":1,"hr_realtime":1}]}}`}},
			protocol.VNish, 1, false},
		{"a Braiins OS that tells its version only",
			answers{commands: map[string]string{"version": `{"VERSION":[{"BOSer":"24.09"}]}`},
				pages: map[string]string{"GET /api/v1/version": `{"major":1,"minor":2}`,
					"GET /api/v1/miner/stats":         `{"miner_stats":{}}`,
					"GET /api/v1/miner/hw/hashboards": `{"hashboards":[{"chips_count":65}]}`}}, protocol.BraiinsREST,
			1, false},
		{"a Whatsminer that sleeps and tells that alone", answers{commands: map[string]string{
			"status": `{"STATUS":"S","Code":131,"Msg":{"btmineroff":"true"},"Description":""}`}},
			protocol.WhatsminerV2, 0, true},
		{"a Whatsminer that tells its boards under another command", answers{commands: map[string]string{
			"version":       `{"STATUS":"E","Code":14,"Msg":"invalid cmd","Description":"whatsminer v1.3"}`,
			"summary":       `{"SUMMARY":[{"Elapsed":9,"MHS av":7}]}`,
			`{"cmd":"edevs`: `{"DEVS":[{"ASC":0,"MHS av":3,"Temperature":70},{"ASC":1,"MHS av":4}]}`}},
			protocol.WhatsminerV2, 2, false},
		{"an MSK, whose MAC is on a page of its own", answers{commands: map[string]string{
			"version": `{"VERSION":[{"BMMiner":"4.11.1","Type":"S19-88 v.2.6.0.39"}]}`,
			"stats":   `{"STATS":[{"chain_acn1":88,"chain_rate1":"34000","GHS 5s":34000}]}`,
			"summary": `{"SUMMARY":[{"Elapsed":9}]}`},
			pages: map[string]string{"POST /api/info_v1": `{"network_info":{"result":{"macaddr":"02:00:00:00:00:05"}}}`}},
			protocol.AntminerOld, 1, false},
		{"devices without a version", answers{commands: map[string]string{"devs": `{"DEVS":[{"ASC":0,"MHS 5s":7},
			{"ASC":1,"MHS 5s":7}]}`}},
			protocol.Cgminer, 2, false},
	} {
		if tc.want == protocol.WhatsminerV2 {
			tc.machine.commands[`{"cmd":"status`] = tc.machine.commands["status"] // its own form of a command
		}
		m, r, err := fleet.Look(t.Context(), tc.machine)
		if r == nil || err != nil {
			t.Errorf("%s: %q is not read: %v", tc.name, m.Protocol, err)
			continue
		}
		if strings.Contains(tc.name, "MSK") && m.MAC != "02:00:00:00:00:05" {
			t.Errorf("%s: %q", tc.name, m.MAC)
		}
		m.Single = true // remembered: what is refused now is no reason to call a sleeping machine silent
		if again, err := fleet.PollOver(t.Context(), tc.machine,
			&m); err != nil || again.Sleeping != tc.asleep || len(again.Boards) != tc.boards {
			t.Errorf("%s, polled again: %+v, %v", tc.name, again, err)
		}
		if m.Protocol != tc.want || len(r.Boards) != tc.boards || r.Sleeping != tc.asleep {
			t.Errorf("%s: %s, %+v", tc.name, m.Protocol, r)
		}
	}
}

// Web APIs that want a token are logged in to with what the machine comes with, and the token goes into the header.
func TestLogins(t *testing.T) {
	for _, tc := range []struct {
		d                         protocol.Protocol
		login, token, page, reply string
	}{
		{protocol.Goldshell, "GET /user/login username=admin password=123456789", `{"JWT Token":"tok"}`, "/mcb/cgminer",
			`{"data":[{"hashrate":1000,"nonces":1}]}`},
		{protocol.Innosilicon, "POST /api/auth username=admin password=admin", `{"jwt":"tok"}`, "/api/summary",
			`{"success":true,"DEVS":[{"ASC":0,"MHS 5s":1000}]}`},
		{protocol.Bitfury, "POST /api/login {\"username\":\"admin\",\"password\":\"admin\"}", `{"token":"tok"}`,
			"/api/om/miner/stat/agg",
			`{"slots":{"0":{"ghs":1}},"master":{}}`},
	} {
		logins := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			said := r.Method + " " + r.URL.Path + " username=" + r.FormValue("username") + " password=" + r.FormValue("password")
			if tc.d == protocol.Bitfury && r.Method == http.MethodPost {
				body := make([]byte, r.ContentLength)
				_, _ = r.Body.Read(body)
				said = r.Method + " " + r.URL.Path + " " + string(body)
			}
			switch {
			case said == tc.login:
				logins++
				_, _ = w.Write([]byte(tc.token))
			case r.Header.Get("Authorization") != "Bearer tok":
				w.WriteHeader(http.StatusUnauthorized)
			case r.URL.Path == tc.page:
				_, _ = w.Write([]byte(tc.reply))
			default:
				http.NotFound(w, r)
			}
		}))
		at := netip.MustParseAddrPort(server.Listener.Addr().String())
		m := &fleet.Machine{ID: "x", Protocol: tc.d, Address: net.JoinHostPort(at.Addr().String(),
			strconv.Itoa(int(at.Port())))}
		r, err := fleet.Poll(t.Context(), m)
		server.Close()
		if err != nil || r.RateMHs != 1000 || logins == 0 {
			t.Errorf("%s: %+v, %v, %d logins", tc.d, r, err, logins)
		}
	}
}

// Web servers that want a form before they show their pages get it, and then the cookie that they gave.
func TestSessions(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("http-session")
		switch {
		case r.URL.Path == "/user/login" && r.FormValue("username") == "admin" && r.FormValue("word") == "admin":
			http.SetCookie(w, &http.Cookie{Name: "http-session", Value: "s1", Path: "/"})
		case err != nil || cookie.Value != "s1":
			_, _ = w.Write([]byte("<html>login</html>"))
		case r.URL.Path == "/Cgminer/CgminerStatus":
			_, _ = w.Write([]byte(`{"feedback":{"averfigure":"12T","fiveavg":"12.5T","worktime":"1:0:0"}}`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	m := &fleet.Machine{ID: "x", Protocol: protocol.Ebang, Address: server.Listener.Addr().String()}
	if r, err := fleet.Poll(t.Context(), m); err != nil || r.RateMHs != 12_500_000 || r.ElapsedSeconds != 3600 {
		t.Errorf("%+v, %v", r, err)
	}
}
