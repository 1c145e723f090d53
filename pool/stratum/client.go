package stratum

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
)

// What a miner must understand: jobs, and the answer to subscribe.

const (
	// What a pool may send: a miner is not to be filled up by one.
	maxBranch     = 32 // 2^32 transactions
	maxExtranonce = 32
	maxJobID      = 64
)

// ParseNotify reads the parameters of mining.notify.
func (m *Message) ParseNotify() (*Notify, error) {
	if m.N < 9 {
		return nil, errors.New("mining.notify: want 9 parameters")
	}
	n := new(Notify)
	job, err := m.Text(0)
	if err != nil || len(job) == 0 || len(job) > maxJobID {
		return nil, errors.New("mining.notify: job id is not a short string")
	}
	n.JobID = string(job)
	previous, _ := m.Text(1)
	var ok bool
	if n.Previous, ok = parsePrevious(previous); !ok {
		return nil, errors.New("mining.notify: previous hash is not 64 hexadecimal digits")
	}
	// Of any length that a line holds: pools with many payees have coinbases of tens of kilobytes.
	for i, part := range []*[]byte{&n.Head, &n.Tail} {
		text, err := m.Text(2 + i)
		if err != nil {
			return nil, errors.New("mining.notify: coinbase is not a string")
		}
		if *part, err = hex.DecodeString(string(text)); err != nil {
			return nil, fmt.Errorf("mining.notify: coinbase: %w", err)
		}
	}
	var branch []string
	if err := m.Decode(4, &branch); err != nil || len(branch) > maxBranch {
		return nil, errors.New("mining.notify: merkle branch is not a short list")
	}
	for _, text := range branch {
		var sibling bitcoin.Hash
		if !HexBytes(sibling[:], []byte(text)) {
			return nil, errors.New("mining.notify: merkle branch: want 64 hexadecimal digits")
		}
		n.Branch = append(n.Branch, sibling)
	}
	for i, field := range []*uint32{&n.Version, &n.Bits, &n.Time} {
		text, _ := m.Text(5 + i)
		if *field, ok = Hex32(text); !ok {
			return nil, errors.New("mining.notify: version, bits and time are hexadecimal")
		}
	}
	return n, m.Decode(8, &n.CleanJobs)
}

// Subscription is a pool's answer to mining.subscribe.
type Subscription struct {
	Extranonce1     []byte
	Extranonce2Size int
	Session         string // to offer when connecting again
}

// ParseSubscription reads the result [[[name, id]…], extranonce1, size].
func ParseSubscription(result []byte) (*Subscription, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(result, &parts); err != nil || len(parts) < 3 {
		return nil, errors.New("mining.subscribe: want three results")
	}
	s := new(Subscription)
	var pairs [][]string
	if json.Unmarshal(parts[0], &pairs) == nil {
		for _, pair := range pairs {
			if len(pair) == 2 && pair[0] == "mining.notify" && len(pair[1]) <= maxJobID {
				s.Session = pair[1]
			}
		}
	}
	return s, s.setExtranonce(parts[1], parts[2])
}

// setExtranonce takes what a pool sends. A size of 0 would leave nothing to search but the nonce, a large one would
// make every coinbase large: both are refused.
func (s *Subscription) setExtranonce(first, size json.RawMessage) error {
	var digits string
	if err := json.Unmarshal(first, &digits); err != nil || len(digits) > 2*maxExtranonce {
		return errors.New("extranonce1: want a short string")
	}
	extranonce1, err := hex.DecodeString(digits)
	if err != nil {
		return fmt.Errorf("extranonce1: %w", err)
	}
	var n int
	if err := json.Unmarshal(size, &n); err != nil || n < 1 || n > maxExtranonce {
		return errors.New("extranonce2: size is not 1 to 32")
	}
	s.Extranonce1, s.Extranonce2Size = extranonce1, n
	return nil
}

// ParseSetExtranonce reads mining.set_extranonce into the subscription.
func (s *Subscription) ParseSetExtranonce(m *Message) error {
	if m.N < 2 {
		return errors.New("mining.set_extranonce: want two parameters")
	}
	return s.setExtranonce(m.Params[0], m.Params[1])
}

// Refusal is a pool's error, in any of the forms pools use.
type Refusal struct {
	Code Code
	Text string
}

func (r Refusal) Error() string { return fmt.Sprintf("%s (code %d)", r.Text, r.Code) }

// ParseRefusal reads the error member: [code, text, …] or an object or a text. Nil without one.
func ParseRefusal(raw []byte) *Refusal {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var list []json.RawMessage
	r := &Refusal{Code: Other, Text: string(raw[:min(len(raw), 100)])}
	if json.Unmarshal(raw, &list) == nil && len(list) >= 2 {
		_ = json.Unmarshal(list[0], &r.Code)
		_ = json.Unmarshal(list[1], &r.Text)
		return r
	}
	var object struct {
		Code    Code   `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &object) == nil && object.Message != "" {
		return &Refusal{object.Code, object.Message}
	}
	_ = json.Unmarshal(raw, &r.Text)
	return r
}
