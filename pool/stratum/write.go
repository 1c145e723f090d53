package stratum

import (
	"encoding/hex"
	"strconv"

	"github.com/aqsha/aqsha/bitcoin"
)

// Code is a Stratum error code.
type Code int

// Codes in use since the protocol's first pool.
const (
	Other         Code = 20
	StaleJob      Code = 21 // job not found, or its block is no longer the tip
	Duplicate     Code = 22
	LowDifficulty Code = 23
	Unauthorized  Code = 24
	NotSubscribed Code = 25
)

var null = []byte("null")

func idOrNull(id []byte) []byte {
	if len(id) == 0 {
		return null
	}
	return id
}

// AppendResult appends an answer whose result is already JSON.
func AppendResult(to, id []byte, result string) []byte {
	to = append(to, `{"id":`...)
	to = append(to, idOrNull(id)...)
	to = append(to, `,"result":`...)
	to = append(to, result...)
	return append(to, ",\"error\":null}\n"...)
}

// AppendError appends a refusal. Result false rather than null, because firmware tests it.
func AppendError(to, id []byte, code Code, text string) []byte {
	to = append(to, `{"id":`...)
	to = append(to, idOrNull(id)...)
	to = append(to, `,"result":false,"error":[`...)
	to = strconv.AppendInt(to, int64(code), 10)
	to = append(to, ',')
	to = strconv.AppendQuote(to, text)
	return append(to, ",null]}\n"...)
}

// AppendRequest appends a request or, with a negative id, a notification; params are JSON.
func AppendRequest(to []byte, id int, method, params string) []byte {
	to = append(to, `{"id":`...)
	if id < 0 {
		to = append(to, null...)
	} else {
		to = strconv.AppendInt(to, int64(id), 10)
	}
	to = append(to, `,"method":"`...)
	to = append(to, method...)
	to = append(to, `","params":`...)
	to = append(to, params...)
	return append(to, "}\n"...)
}

// AppendSetDifficulty appends mining.set_difficulty.
func AppendSetDifficulty(to []byte, d Difficulty) []byte {
	to = append(to, `{"id":null,"method":"mining.set_difficulty","params":[`...)
	to = strconv.AppendFloat(to, d.Float(), 'g', -1, 64)
	return append(to, "]}\n"...)
}

// Notify is mining.notify taken apart. Previous is in the order of the header's bytes, whatever order the words came
// in; Branch is the coinbase's siblings from the leaf up; Time is in Unix seconds. CleanJobs ends all jobs before it.
type Notify struct {
	JobID      string
	Previous   bitcoin.Hash
	Head, Tail []byte // of the coinbase, around the extranonces
	Branch     []bitcoin.Hash
	Version    uint32
	Bits       uint32
	Time       uint32
	CleanJobs  bool
}

// AppendPrevious appends a previous block's hash as Stratum writes it: eight words of four
// bytes, each reversed.
func AppendPrevious(to []byte, h bitcoin.Hash) []byte {
	for i := 0; i < len(h); i += 4 {
		to = hex.AppendEncode(to, []byte{h[i+3], h[i+2], h[i+1], h[i]})
	}
	return to
}

// parsePrevious undoes AppendPrevious.
func parsePrevious(text []byte) (h bitcoin.Hash, ok bool) {
	if !HexBytes(h[:], text) {
		return h, false
	}
	for i := 0; i < len(h); i += 4 {
		h[i], h[i+1], h[i+2], h[i+3] = h[i+3], h[i+2], h[i+1], h[i]
	}
	return h, true
}

// AppendNotify appends mining.notify, with the line's end: job, previous hash (in Stratum's order of words), coinb1,
// coinb2, branch, version, bits, time (8 digits each) and whether older jobs are void. Nothing needs an escape.
func AppendNotify(to []byte, n *Notify) []byte {
	to = append(to, `{"id":null,"method":"mining.notify","params":["`...)
	to = append(to, n.JobID...)
	to = append(to, `","`...)
	to = AppendPrevious(to, n.Previous)
	to = append(to, `","`...)
	to = hex.AppendEncode(to, n.Head)
	to = append(to, `","`...)
	to = hex.AppendEncode(to, n.Tail)
	to = append(to, `",[`...)
	for i, sibling := range n.Branch {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, '"')
		to = hex.AppendEncode(to, sibling[:])
		to = append(to, '"')
	}
	to = append(to, `],"`...)
	to = AppendHex32(to, n.Version)
	to = append(to, `","`...)
	to = AppendHex32(to, n.Bits)
	to = append(to, `","`...)
	to = AppendHex32(to, n.Time)
	to = append(to, `",`...)
	to = strconv.AppendBool(to, n.CleanJobs)
	return append(to, "]}\n"...)
}
