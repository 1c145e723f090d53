package simulate

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// pages serves machines that speak over HTTP only.
func (s *Server) pages() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		host, _, _ := net.SplitHostPort(local.String())
		u, now := s.owners[host], usage.At(s.Now())
		if !u.answers(now) {
			panic(http.ErrAbortHandler)
		}
		if u.Has(Slow, now) && !wait(r.Context(), slowAnswer) {
			return
		}
		reading, ok := u.Reading(now)
		switch {
		case !ok:
			panic(http.ErrAbortHandler)
		case r.Method != http.MethodGet || r.URL.Path != "/api/system/info":
			http.NotFound(w, r)
		case u.Has(Garbage, now):
			_, _ = w.Write([]byte("<html>"))
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(u.axeOS(reading))
		}
	})
}

// axeOS is the document of ESP-Miner 2.9, whose rates are in gigahashes.
func (u *Unit) axeOS(r *protocol.Reading) map[string]any {
	url, user := u.Pool, u.User
	if len(r.Pools) > 0 {
		url, user = r.Pools[0].URL, r.Pools[0].User
	}
	host, port := strings.TrimPrefix(url, "stratum+tcp://"), 0
	if name, number, err := net.SplitHostPort(host); err == nil {
		host = name
		port, _ = strconv.Atoi(number)
	}
	fan := int64(0)
	if len(r.Fans) > 0 {
		fan = int64(r.Fans[0])
	}
	return map[string]any{"deviceModel": u.Machine.Model, "ASICModel": "BM1370", "version": "simulated",
		"macAddr": strings.ToUpper(u.Machine.MAC), "hostname": "simulated", "hashRate": float64(r.RateMHs) / 1000,
		"expectedHashrate": float64(u.Machine.IdealMHs) / 1000, "uptimeSeconds": r.ElapsedSeconds,
		"sharesAccepted": r.Accepted, "sharesRejected": r.Rejected, "power": r.PowerWatts, "temp": r.ChipTemp,
		"vrTemp": r.BoardTemp, "asicCount": 1, "fanrpm": fan, "overheat_mode": 0, "isUsingFallbackStratum": 0,
		"stratumURL": host, "stratumPort": port, "stratumUser": user}
}
