package stratum

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Limits of a message. Firmware sends some 200 bytes; a job with a large coinbase is longer.
const (
	MaxLine   = 32 << 10 // bytes of a line, either way
	maxParams = 16
	maxDepth  = 8
)

// Errors of reading a line.
var (
	ErrNotJSON  = errors.New("not a JSON object")
	ErrTooDeep  = errors.New("nested too deep")
	ErrTooMany  = errors.New("too many parameters")
	ErrTooLong  = errors.New("line too long")
	errNoString = errors.New("not a string")
)

// Message is a line taken apart. Its parts are slices of the line, still in JSON.
type Message struct {
	ID     []byte // absent: nil
	Method []byte // without quotes; escapes are not resolved, no method has any
	Params [maxParams][]byte
	N      int // of Params; −1 when params is absent or no array
	Result []byte
	Error  []byte
}

// Parse takes a line apart. It accepts exactly the objects of RFC 8259 whose nesting and
// parameters are within the limits; of repeated members the last counts.
func (m *Message) Parse(line []byte) error { return m.parse(line, MaxLine) }

func (m *Message) parse(line []byte, limit int) error {
	// A Message is used again for the next line and its parts are slices of the line: nothing of the last one may
	// stay. What is not an object is refused without an allocation, for it comes from anybody at line rate.
	m.ID, m.Method, m.Result, m.Error, m.N = nil, nil, nil, nil, -1
	if len(line) > limit {
		return ErrTooLong
	}
	s := scanner{data: line}
	s.space()
	if !s.take('{') {
		return ErrNotJSON
	}
	s.space()
	if s.take('}') {
		return s.end()
	}
	for {
		s.space()
		key, err := s.text()
		if err != nil {
			return ErrNotJSON
		}
		s.space()
		if !s.take(':') {
			return ErrNotJSON
		}
		s.space()
		if err := m.member(&s, key); err != nil {
			return err
		}
		s.space()
		if s.take(',') {
			continue
		}
		if s.take('}') {
			return s.end()
		}
		return ErrNotJSON
	}
}

// member takes the value of a key into the message; of a key that stands twice the last counts. Values are slices of
// the line, as they stand there, with their quotes but for method. Keys that nobody asks for are scanned and passed
// over.
func (m *Message) member(s *scanner, key []byte) error {
	if string(key) == "params" && s.at < len(s.data) && s.data[s.at] == '[' {
		return m.params(s)
	}
	from := s.at
	if err := s.value(0); err != nil {
		return err
	}
	value := s.data[from:s.at]
	switch string(key) {
	case "id":
		m.ID = value
	case "method":
		m.Method = nil
		if len(value) >= 2 && value[0] == '"' {
			m.Method = value[1 : len(value)-1]
		}
	case "params":
		m.N = -1
	case "result":
		m.Result = value
	case "error":
		m.Error = value
	}
	return nil
}

// params takes an array's items, at most maxParams, as they stand in the line: slices of it, which are good until the
// next line is read, so that a share costs no allocation.
func (m *Message) params(s *scanner) error {
	s.at++
	m.N = 0
	s.space()
	if s.take(']') {
		return nil
	}
	for {
		s.space()
		from := s.at
		if err := s.value(1); err != nil {
			return err
		}
		if m.N == maxParams {
			return ErrTooMany
		}
		m.Params[m.N] = s.data[from:s.at]
		m.N++
		s.space()
		if s.take(',') {
			continue
		}
		if s.take(']') {
			return nil
		}
		return ErrNotJSON
	}
}

// Text returns parameter i when it is a string without escapes.
func (m *Message) Text(i int) ([]byte, error) {
	if i >= m.N {
		return nil, errNoString
	}
	p := m.Params[i]
	if len(p) < 2 || p[0] != '"' {
		return nil, errNoString
	}
	for _, c := range p {
		if c == '\\' {
			return nil, errNoString
		}
	}
	return p[1 : len(p)-1], nil
}

// Unescaped returns parameter i when it is a string, with its escapes resolved; it allocates only
// where there are any.
func (m *Message) Unescaped(i int) ([]byte, error) {
	if text, err := m.Text(i); err == nil {
		return text, nil
	}
	if i >= m.N || len(m.Params[i]) == 0 || m.Params[i][0] != '"' {
		return nil, errNoString
	}
	var text string
	if err := json.Unmarshal(m.Params[i], &text); err != nil {
		return nil, errNoString
	}
	return []byte(text), nil
}

type scanner struct {
	data []byte
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) end() error {
	s.space()
	if s.at != len(s.data) {
		return ErrNotJSON
	}
	return nil
}

// text reads a string and returns it without its quotes.
func (s *scanner) text() ([]byte, error) {
	if !s.take('"') {
		return nil, ErrNotJSON
	}
	from := s.at
	for s.at < len(s.data) {
		c := s.data[s.at]
		switch {
		case c == '"':
			s.at++
			return s.data[from : s.at-1], nil
		case c < ' ':
			return nil, ErrNotJSON
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < utf8.RuneSelf:
			s.at++
		default:
			// Ill-formed UTF-8 passes, as encoding/json lets it: nothing depends on it here.
			_, size := utf8.DecodeRune(s.data[s.at:])
			s.at += size
		}
	}
	return nil, ErrNotJSON
}

// escape passes over an escape in a text (RFC 8259, section 7). It is not decoded: what is compared is without any.
func (s *scanner) escape() error {
	s.at++
	if s.at >= len(s.data) {
		return ErrNotJSON
	}
	c := s.data[s.at]
	s.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if s.at >= len(s.data) || !isHex(s.data[s.at]) {
				return ErrNotJSON
			}
			s.at++
		}
		return nil
	}
	return ErrNotJSON
}

// value passes over any value. depth bounds the recursion, so that a line of brackets does not take the stack.
func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return ErrTooDeep
	}
	if s.at >= len(s.data) {
		return ErrNotJSON
	}
	switch c := s.data[s.at]; {
	case c == '"':
		_, err := s.text()
		return err
	case c == '{' || c == '[':
		return s.nested(depth, c)
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return ErrNotJSON
}

func (s *scanner) literal(want string) error {
	if len(s.data)-s.at < len(want) || string(s.data[s.at:s.at+len(want)]) != want {
		return ErrNotJSON
	}
	s.at += len(want)
	return nil
}

func (s *scanner) nested(depth int, open byte) error {
	shut := open + 2 // in ASCII, both pairs
	s.at++
	s.space()
	if s.take(shut) {
		return nil
	}
	for {
		s.space()
		if open == '{' {
			if _, err := s.text(); err != nil {
				return err
			}
			s.space()
			if !s.take(':') {
				return ErrNotJSON
			}
			s.space()
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.space()
		if s.take(',') {
			continue
		}
		if s.take(shut) {
			return nil
		}
		return ErrNotJSON
	}
}

func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		s.at++
	}
	return s.at > from
}

// number passes over a number in the grammar of RFC 8259, section 6: no leading zeros, no bare point.
func (s *scanner) number() error {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return ErrNotJSON
	}
	if s.take('.') && !s.digits() {
		return ErrNotJSON
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			return ErrNotJSON
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// MaxPoolLine is what a miner accepts from a pool: jobs may carry large coinbases.
const MaxPoolLine = 256 << 10

// ParsePool is Parse for what a pool sends.
func (m *Message) ParsePool(line []byte) error { return m.parse(line, MaxPoolLine) }
