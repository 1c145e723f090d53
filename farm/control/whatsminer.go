package control

import (
	"context"
	"crypto/aes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

// clock is now, for the times that machines want in orders.
func clock() time.Time { return time.Now() }

// whatsminer gives orders to Whatsminers: API 2 encrypts them under the password, API 3 signs them with it.
type whatsminer struct {
	m        *fleet.Machine
	password string
}

// newWhatsminer takes the password that such machines come with where none is given.
func newWhatsminer(m *fleet.Machine, password string) *whatsminer {
	if password == "" {
		password = "admin"
		if m.Protocol == protocol.WhatsminerV3 {
			password = "super"
		}
	}
	return &whatsminer{m, password}
}

// identify asks by what both APIs tell without a password.
func (w *whatsminer) identify(ctx context.Context) error {
	mac, serial, err := fleet.Identify(ctx, w.m)
	if err != nil {
		if _, absent := w.ask(ctx, w.m.Protocol.Polls()[0].Text); absent != nil {
			return absent // nobody may be there: identities that are not told leave open why
		}
		return err
	}
	return sameMachine(w.m, mac, serial, "")
}

// ask sends one request; API 3 puts each message's length before it.
func (w *whatsminer) ask(ctx context.Context, request string) (protocol.Value, error) {
	reply, err := fleet.Query(ctx, w.m.Address, []byte(request), w.m.Protocol.Framed())
	if err != nil {
		return protocol.Value{}, err
	}
	return protocol.Parse(reply)
}

// powerModes are the profiles of both APIs.
var powerModes = []string{"low", "normal", "high"}

// order is the command of API 2 with its fields, and that of API 3 with its parameter. All three pools are set at once,
// in API 2 with empty ones for those that are missing.
func (w *whatsminer) order(o Order, pools []pool) (v2 string, fields map[string]string, v3 string, param any) {
	fields = map[string]string{}
	switch o.Action {
	case Reboot:
		v2, v3 = "reboot", "set.system.reboot"
	case Sleep:
		v2, v3, param = "power_off", "set.miner.service", "stop"
		fields["respbefore"] = "true" // a text there
	case Wake:
		v2, v3, param = "power_on", "set.miner.service", "start"
	case Power:
		v2, v3, param = "adjust_power_limit", "set.miner.power_limit", o.Watts
		fields["power_limit"] = fmt.Sprint(o.Watts)
	case Profile:
		v2, v3, param = "set_"+o.Profile+"_power", "set.miner.power_mode", o.Profile
	case LED:
		v2 = "set_led"
		if fields["param"] = "auto"; o.On {
			fields = map[string]string{"color": "red", "period": "200", "duration": "100", "start": "0"}
		}
	case Password:
		v2, fields["old"], fields["new"] = "update_pwd", w.password, o.Secret
	case Pool:
		v2, v3 = "update_pools", "set.miner.pools"
		var list []map[string]string
		for i := range 3 {
			p := pool{}
			if i < len(pools) {
				p = pools[i]
				list = append(list, map[string]string{"pool": p.url, "worker": p.user, "passwd": p.pass})
			}
			fields[fmt.Sprintf("pool%d", i+1)] = p.url
			fields[fmt.Sprintf("worker%d", i+1)] = p.user
			fields[fmt.Sprintf("passwd%d", i+1)] = p.pass
		}
		param = list
	}
	return v2, fields, v3, param
}

// give sends the order in the machine's API.
func (w *whatsminer) give(ctx context.Context, o Order) error {
	if o.Action == Profile && !slices.Contains(powerModes, o.Profile) {
		return farm.WithFinding(farm.Refuse("farm-bad-order", "profile",
			"not ordered: this firmware has low, normal and high, not %q",
			o.Profile),
			farm.Found("other-profiles", "profiles", "high, low, normal", "profile", o.Profile))
	}
	var pools []pool
	if o.Action == Pool {
		reading, err := fleet.Poll(ctx, w.m)
		if err != nil {
			return err
		}
		pools = poolsWith(reading, o)
	}
	v2, fields, v3, param := w.order(o, pools)
	if w.m.Protocol == protocol.WhatsminerV3 {
		return w.giveV3(ctx, v3, param)
	}
	return w.giveV2(ctx, v2, fields)
}

// giveV2 sends one command of API 2: encrypted with AES-256 in ECB under the hash of the password's md5crypt, with a
// token that is made from the machine's time and salts ("WhatsMiner API", MicroBT, version 2.0.5).
func (w *whatsminer) giveV2(ctx context.Context, command string, fields map[string]string) error {
	v, err := w.ask(ctx, `{"cmd":"get_token"}`)
	if err != nil {
		return err
	}
	reported := v.Get("Msg")
	salt, second := reported.Get("salt").Text(), reported.Get("newsalt").Text()
	// Two salts: the first makes the key out of the password, the second the token out of key and time.
	if salt == "" || second == "" || len(salt)+len(second) > 64 {
		return farm.Refuse("refused", "get_token", "the machine says: %q", v.Get("Msg").Text())
	}
	secret := md5crypt(w.password, salt)
	body := map[string]string{"cmd": command, "token": md5crypt(secret+reported.Get("time").Text(), second)}
	for name, value := range fields {
		body[name] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	key := sha256.Sum256([]byte(secret))
	sealed, err := json.Marshal(map[string]any{"enc": 1, "data": base64.StdEncoding.EncodeToString(ecb(key, text))})
	if err != nil {
		return err
	}
	v, err = w.ask(ctx, string(sealed))
	if err != nil {
		return err
	}
	// A refusal may come in the clear, an answer comes sealed: both are read.
	if enc := v.Get("enc").Text(); enc != "" {
		if plain, ok := openECB(key, enc); ok {
			if v, err = protocol.Parse(plain); err != nil {
				return err
			}
		}
	}
	if status := v.Get("STATUS").Text(); status == "E" || v.Get("STATUS").At(0).Get("STATUS").Text() == "E" {
		return farm.WithFinding(farm.Refuse("refused", command,
			"the machine says: %q (its API must be opened for orders with the maker's tool)",
			v.Get("Msg").Text()), farm.Found("api-closed", "says", v.Get("Msg").Text()))
	}
	return nil
}

// giveV3 sends one command of API 3: its token is the beginning of a hash over command, password, salt and time; pools
// are encrypted under that hash (apidoc.whatsminer.com).
func (w *whatsminer) giveV3(ctx context.Context, command string, param any) error {
	v, err := w.ask(ctx, `{"cmd":"get.device.info","param":"salt"}`)
	if err != nil {
		return err
	}
	// By the farm's clock: a machine whose own is wrong refuses the token, and says so.
	now := clock().Unix()
	hash := sha256.Sum256(fmt.Appendf(nil, "%s%s%s%d", command, w.password, v.Get("msg").Get("salt").Text(), now))
	body := map[string]any{"cmd": command, "ts": now, "account": "super",
		"token": base64.StdEncoding.EncodeToString(hash[:])[:8]}
	if command == "set.miner.pools" {
		text, err := json.Marshal(param)
		if err != nil {
			return err
		}
		body["param"] = base64.StdEncoding.EncodeToString(ecb(hash, text))
	} else if param != nil {
		body["param"] = param
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if v, err = w.ask(ctx, string(text)); err != nil {
		return err
	}
	if code, ok := v.Get("code").Number(); ok && code != 0 {
		return farm.Refuse("refused", command, "the machine says: %q", v.Get("msg").Text())
	}
	return nil
}

// holds asks what polls do not tell.
func (w *whatsminer) holds(ctx context.Context, o Order) (bool, remark) {
	switch o.Action {
	case Power:
		return limitOf(ctx, w.m, o.Watts)
	case Profile:
		request := `{"cmd":"summary"}`
		if w.m.Protocol == protocol.WhatsminerV3 {
			request = `{"cmd":"get.device.info"}`
		}
		v, err := w.ask(ctx, request)
		if err != nil {
			return false, failure(err)
		}
		mode := v.Get("SUMMARY").At(0).Get("Power Mode").Text()
		if w.m.Protocol == protocol.WhatsminerV3 {
			mode = v.Get("msg").Get("power").Get("mode").Text()
		}
		return strings.EqualFold(mode, o.Profile), saw("power-mode", "mode", mode)
	case LED:
		v, err := w.ask(ctx, `{"cmd":"get_miner_info"}`)
		if err != nil {
			return false, failure(err)
		}
		state := v.Get("Msg").Get("ledstat")
		return state.OK() && (state.Text() != "auto") == o.On, saw("lamp", "state", state.Text())
	case Password:
		// Only an order that the new password opens shows it; the lamp is on automatic as before.
		after := whatsminer{w.m, o.Secret}
		if err := after.giveV2(ctx, "set_led", map[string]string{"param": "auto"}); err != nil {
			return false, failure(err)
		}
	}
	return true, remark{} // the poll tells
}

// ecb encrypts with AES in ECB, block by block, after filling up with zeros.
func ecb(key [32]byte, text []byte) []byte {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	out := make([]byte, (len(text)+aes.BlockSize-1)/aes.BlockSize*aes.BlockSize)
	copy(out, text)
	for at := 0; at < len(out); at += aes.BlockSize {
		block.Encrypt(out[at:at+aes.BlockSize], out[at:at+aes.BlockSize])
	}
	return out
}

// openECB is the text that was encrypted, without the zeros; false where that is none.
func openECB(key [32]byte, encoded string) ([]byte, bool) {
	sealed, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\n", "", "\r", "").Replace(encoded))
	if err != nil || len(sealed)%aes.BlockSize != 0 || len(sealed) > protocol.MaxReply {
		return nil, false
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	for at := 0; at < len(sealed); at += aes.BlockSize {
		block.Decrypt(sealed[at:at+aes.BlockSize], sealed[at:at+aes.BlockSize])
	}
	text := []byte(strings.TrimRight(string(sealed), "\x00"))
	return text, json.Valid(text)
}

// cryptLetters are the digits of crypt(3), for six bits each, the lowest first.
const cryptLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// md5crypt is the hash part of crypt(3) with "$1$" (P.-H. Kamp, FreeBSD 1994), which Whatsminers make keys with. It
// protects nothing today; machines know no other. Only the hash is returned, without the "$1$" and the salt before it.
func md5crypt(password, salt string) string {
	salt = salt[:min(len(salt), 8)]
	p, s := []byte(password), []byte(salt)
	inner := md5.Sum([]byte(password + salt + password))
	text := append(append(append([]byte{}, p...), "$1$"...), s...)
	for left := len(p); left > 0; left -= md5.Size {
		text = append(text, inner[:min(left, md5.Size)]...)
	}
	for n := len(p); n > 0; n >>= 1 {
		// A zero byte where the bit is set, else the password's first: a slip of the original's that became the
		// format.
		if n&1 == 1 {
			text = append(text, 0)
		} else {
			text = append(text, p[0])
		}
	}
	sum := md5.Sum(text)
	for i := range 1000 {
		var round []byte
		if i%2 == 1 {
			round = append(round, p...)
		} else {
			round = append(round, sum[:]...)
		}
		if i%3 != 0 {
			round = append(round, s...)
		}
		if i%7 != 0 {
			round = append(round, p...)
		}
		if i%2 == 1 {
			round = append(round, sum[:]...)
		} else {
			round = append(round, p...)
		}
		sum = md5.Sum(round)
	}
	var out strings.Builder
	letters := func(n uint32, count int) {
		for range count {
			out.WriteByte(cryptLetters[n&63])
			n >>= 6
		}
	}
	// Bytes in the original's order; the one that is left over stands alone.
	for _, group := range [][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		letters(uint32(sum[group[0]])<<16|uint32(sum[group[1]])<<8|uint32(sum[group[2]]), 4)
	}
	letters(uint32(sum[11]), 2)
	return out.String()
}
