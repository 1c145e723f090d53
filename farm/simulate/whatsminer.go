package simulate

import (
	"crypto/aes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// whatsminerSalt is what simulated machines tell as theirs; orders are signed with it and the password of API 3.
const whatsminerSalt, whatsminerPassword = "simulate", "super"

// whatsminerModes are the power modes of Whatsminers, with what each makes of watts and rate.
var whatsminerModes = []luxProfile{{"normal", 100, 100}, {"low", 80, 87}, {"high", 116, 108}}

// whatsminerOrder takes an order of API 3 (apidoc.whatsminer.com): reboot, service, pools, power mode. Its token is the
// beginning of a hash over command, password, salt and time, and pools are encrypted under that hash. "" is no order.
func (u *Unit) whatsminerOrder(request []byte, at usage.Instant) string {
	var o struct {
		Cmd   string          `json:"cmd"`
		Time  int64           `json:"ts"`
		Token string          `json:"token"`
		Param json.RawMessage `json:"param"`
	}
	if json.Unmarshal(request, &o) != nil || !strings.HasPrefix(o.Cmd, "set.") {
		return ""
	}
	say := func(code int, text string) string {
		return fmt.Sprintf(`{"code":%d,"when":1764000000,"msg":"%s","desc":"%s"}`, code, text, o.Cmd)
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s%s%s%d", o.Cmd, whatsminerPassword, whatsminerSalt, o.Time))
	if o.Token != base64.StdEncoding.EncodeToString(hash[:])[:8] {
		return say(-4, "token error")
	}
	var param string
	_ = json.Unmarshal(o.Param, &param)
	// It says yes and does nothing, as some do: that orders are read back is what this is for.
	if u.Deaf {
		return say(0, "ok")
	}
	switch o.Cmd {
	case "set.system.reboot":
		u.boot(at, false)
	case "set.miner.service":
		u.sleeping = param == "stop"
	case "set.miner.power_mode":
		mode := slices.IndexFunc(whatsminerModes, func(m luxProfile) bool { return m.name == param })
		if mode < 0 {
			return say(-2, "invalid parameter")
		}
		u.mode = mode
	case "set.miner.pools":
		var pools []struct{ Pool, Worker string }
		if json.Unmarshal(decrypt(hash, param), &pools) != nil || len(pools) == 0 {
			return say(-2, "invalid parameter")
		}
		u.Pool, u.User = pools[0].Pool, pools[0].Worker
	default:
		return say(-1, "invalid command")
	}
	return say(0, "ok")
}

// decrypt opens AES in ECB, filled up with zeros; nil for what is not whole blocks.
func decrypt(key [32]byte, encoded string) []byte {
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	block, failed := aes.NewCipher(key[:])
	if err != nil || failed != nil || len(sealed)%aes.BlockSize != 0 || len(sealed) > protocol.MaxReply {
		return nil
	}
	for at := 0; at < len(sealed); at += aes.BlockSize {
		block.Decrypt(sealed[at:at+aes.BlockSize], sealed[at:at+aes.BlockSize])
	}
	return []byte(strings.TrimRight(string(sealed), "\x00"))
}
