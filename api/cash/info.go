package cash

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	notes "github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/office"
)

// KeysetView is a keyset as the protocol shows it (NUT-01, NUT-02): keys by amount in decimal, points compressed in
// hexadecimal, times in Unix seconds. Wallets that do not know our three fields pass them over.
type KeysetView struct {
	ID     string            `json:"id"`
	Unit   string            `json:"unit"`
	Active bool              `json:"active"`
	Fee    uint64            `json:"input_fee_ppk"`
	Expiry uint64            `json:"final_expiry,omitempty"`
	Keys   map[string]string `json:"keys,omitempty"`
	// Ours: when it signs, and where the ledger announces it.
	From         uint64 `json:"signs_from,omitempty"`
	Until        uint64 `json:"signs_until,omitempty"`
	Announcement string `json:"announcement,omitempty"`
}

// KeysetList is a list of them.
type KeysetList struct {
	Keysets []KeysetView `json:"keysets"`
}

// view is a keyset by its number, with or without its keys.
func (s *Server) view(i int, keys bool) KeysetView {
	k := s.office.Keysets()[i]
	v := KeysetView{ID: k.ID.String(), Unit: k.Unit, Active: s.office.Signs(i), Expiry: k.Expiry, From: k.From,
		Until: k.Until, Announcement: s.office.Announcement(i)}
	if keys {
		v.Keys = map[string]string{}
		for j, amount := range k.Amounts {
			v.Keys[strconv.FormatInt(int64(amount), 10)] = notes.HexPoint(k.Keyset.Keys[j])
		}
	}
	return v
}

// keys are the keysets that which takes, with their keys.
func (s *Server) keys(which func(i int, k *notes.Signing) bool) KeysetList {
	list := KeysetList{[]KeysetView{}}
	for i, k := range s.office.Keysets() {
		if which(i, k) {
			list.Keysets = append(list.Keysets, s.view(i, true))
		}
	}
	return list
}

// keysOf answers for one keyset, whether it signs or not.
func (s *Server) keysOf(r *http.Request) (any, error) {
	list := s.keys(func(_ int, k *notes.Signing) bool { return k.ID.String() == r.PathValue("id") })
	if len(list.Keysets) == 0 {
		return nil, &notes.Refusal{Code: notes.UnknownKeyset, Field: "id", Rule: "is no keyset of this office"}
	}
	return list, nil
}

// keysets are all of them, without keys.
func (s *Server) keysets() KeysetList {
	list := KeysetList{[]KeysetView{}}
	for i := range s.office.Keysets() {
		list.Keysets = append(list.Keysets, s.view(i, false))
	}
	return list
}

// warnSeconds is how long before a keyset's end the message of the day says so.
const warnSeconds = 90 * 86_400

// motd warns of notes that soon are not redeemed any more.
func (s *Server) motd() string {
	now := s.now()
	for _, k := range s.office.Keysets() {
		if !k.Expired(now) && k.Expiry-min(k.Expiry, now) < warnSeconds {
			return fmt.Sprintf("Notes of keyset %s are not redeemed after %s: change them before.", k.ID,
				time.Unix(int64(k.Expiry), 0).UTC().Format("2006-01-02"))
		}
	}
	return ""
}

// info names exactly what works (NUT-06): what does not is absent.
func (s *Server) info() any {
	type object = map[string]any
	setting := object{"method": Method, "unit": notes.Unit, "method_name": "Digital tenge", "min_amount": 1,
		"max_amount": s.about.Max}
	supported := object{"supported": true}
	// NUT-19: of these a wallet may send the same bytes again until the time is over and gets the same answer, so
	// that a lost answer loses no notes.
	cached := []object{}
	for _, path := range []string{"/v1/swap", "/v1/mint/" + Method, "/v1/mint/" + Method + "/batch", "/v1/melt/" +
		Method} {
		cached = append(cached, object{"method": "POST", "path": path})
	}
	nuts := object{
		"4": object{"methods": []object{setting}, "disabled": false},
		"5": object{"methods": []object{setting}, "disabled": false},
		"7": supported, "8": supported, "9": supported, "10": supported, "11": supported, "12": supported,
		"14": supported,
		"17": object{"supported": []object{{"method": Method, "unit": notes.Unit, "commands": commands}}},
		"19": object{"ttl": int(s.office.Retry() / time.Second), "cached_endpoints": cached},
		"20": supported,
		"29": object{"max_batch_size": office.MaxBatch, "methods": []string{Method}},
	}
	answer := object{"name": s.about.Name, "version": "aqsha/" + s.about.Version, "description": s.about.Description,
		"time": s.now(), "nuts": nuts,
		"max_array_length": notes.MaxArray,
		"ledger": object{"network": hex.EncodeToString(s.office.Network()), "reserve": s.office.Reserve(),
			"announcements": Prefix + "/v1/announcements/"},
		"log": object{"origin": s.office.Origin(), "key": s.about.LogKey, "path": Prefix + "/log/"}}
	if s.about.Contact != "" {
		answer["contact"] = []object{{"method": "email", "info": s.about.Contact}}
	}
	if s.about.Terms != "" {
		answer["tos_url"] = s.about.Terms
	}
	if motd := s.motd(); motd != "" {
		answer["motd"] = motd
	}
	return answer
}

// commands are the kinds of subscriptions (NUT-17).
var commands = []string{mintKind, meltKind, stateKind}

// known says whether a kind can be subscribed to.
func known(kind string) bool { return slices.Contains(commands, kind) }
