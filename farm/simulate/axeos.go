package simulate

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// pages serves machines that speak over HTTP only. Which machine is asked follows from the address that was connected
// to.
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
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		if !ok && !u.Has(Garbage, now) || err != nil {
			panic(http.ErrAbortHandler)
		}
		page := u.page(asked(r.Method, r.URL.Path, string(body)), reading, now)
		if page == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(page)
	})
}

// page is what a machine that speaks over HTTP only answers to a request; nil: it has no such page. A broken one
// answers with a page of something else.
func (u *Unit) page(request string, reading *protocol.Reading, at usage.Instant) []byte {
	if u.Has(Garbage, at) {
		return []byte("<html>")
	}
	document := u.document(request, reading)
	if document == nil {
		return nil
	}
	page, _ := json.Marshal(document) // of numbers and texts
	return page
}

// axeOS is the document of ESP-Miner 2.9, whose rates are in gigahashes.
func (u *Unit) axeOS(r *protocol.Reading) map[string]any {
	url, user := u.pool()
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
		fan = int64(slices.Min(r.Fans)) // it has one
	}
	return map[string]any{"deviceModel": u.Machine.Model, "ASICModel": "BM1370", "version": "simulated",
		"macAddr": strings.ToUpper(u.Machine.MAC), "hostname": "simulated", "hashRate": float64(r.RateMHs) / 1000,
		"expectedHashrate": float64(u.Machine.IdealMHs) / 1000, "uptimeSeconds": r.ElapsedSeconds,
		"sharesAccepted": r.Accepted, "sharesRejected": r.Rejected, "power": r.PowerWatts, "temp": r.ChipTemp,
		"vrTemp": r.BoardTemp, "asicCount": 1, "fanrpm": fan, "overheat_mode": 0, "isUsingFallbackStratum": 0,
		"stratumURL": host, "stratumPort": port, "stratumUser": user}
}
