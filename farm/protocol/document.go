package protocol

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/farm"
)

// Limits of a reply. The longest seen from real firmware, with the state of every chip, is 30 kB.
const (
	MaxReply = 256 << 10
	maxDepth = 16
	maxNodes = 20_000
)

// kind is what a node of a document is.
type kind uint8

const (
	missing kind = iota
	object
	array
	text
	bare // a number, true, false, null, nan
)

// span is a part of a reply: bytes from, below to.
type span struct{ from, to int32 }

// node is one value; siblings are chained, so that a reply is read with a single slice. It has no pointers: the
// collector looks at none of the thousands of nodes of a poll. An object's members are chained from the last to the
// first: of two with one name, which cgminer's kin write, the last counts, as for everybody who reads JSON.
type node struct {
	key, text   span
	first, next int32  // 0: none; the root is never a child
	mark        uint16 // of the key: what Get looks at first
	kind        kind
}

// mark of a key is its length and its last byte: keys of a reply are often alike but for their end (chain_rate1,
// chain_rate2), and most of them are not the one that is wanted.
func mark(key string) uint16 {
	if key == "" {
		return 0
	}
	return uint16(len(key))<<8 | uint16(key[len(key)-1])
}

// document is a reply, read leniently: firmwares leave out commas between objects, write nan, put
// control characters into strings and end with a NUL.
type document struct {
	reply string
	nodes []node
}

// Value is a place in a reply; the zero Value is one that is not there.
type Value struct {
	doc *document
	at  int32
}

// Parse reads a reply.
func Parse(reply []byte) (Value, error) {
	return new(document).parse(reply, nil)
}

// parse reads a reply into a document, whose nodes go into room as far as there is some.
func (d *document) parse(reply []byte, room []node) (Value, error) {
	if len(reply) > MaxReply {
		return Value{}, farm.Refuse("farm-too-large", "reply", "more than %d bytes", MaxReply)
	}
	if room == nil {
		room = make([]node, 0, len(reply)/12+1)
	}
	*d = document{reply: strings.TrimPrefix(string(reply), "\ufeff"), nodes: room}
	if isPlain(d.reply) {
		d.reply = fromPlain(d.reply)
	}
	p := parser{text: d.reply, doc: d}
	p.space()
	if p.pos >= len(p.text) || (p.text[p.pos] != '{' && p.text[p.pos] != '[') {
		return Value{}, farm.Refuse("garbage", "reply", "does not begin as JSON")
	}
	if _, ok := p.value(span{}, 0); !ok {
		return Value{}, farm.Refuse("garbage", "reply", "is not JSON near byte %d", p.pos)
	}
	return Value{d, 0}, nil
}

type parser struct {
	text string
	pos  int
	doc  *document
}

func (p *parser) space() {
	for p.pos < len(p.text) && (p.text[p.pos] <= ' ' || p.text[p.pos] == ',') {
		p.pos++
	}
}

// value reads one value and returns its node.
func (p *parser) value(key span, depth int) (int32, bool) {
	p.space()
	if p.pos >= len(p.text) || depth > maxDepth || len(p.doc.nodes) >= maxNodes {
		return 0, false
	}
	at := int32(len(p.doc.nodes))
	p.doc.nodes = append(p.doc.nodes, node{key: key, mark: mark(p.text[key.from:key.to])})
	switch p.text[p.pos] {
	case '{':
		p.doc.nodes[at].kind = object
		return at, p.children(at, '}', depth)
	case '[':
		p.doc.nodes[at].kind = array
		return at, p.children(at, ']', depth)
	case '"':
		s, ok := p.quoted()
		p.doc.nodes[at].kind, p.doc.nodes[at].text = text, s
		return at, ok
	}
	start := p.pos
	for p.pos < len(p.text) && inWord(p.text[p.pos]) {
		p.pos++
	}
	p.doc.nodes[at].kind, p.doc.nodes[at].text = bare, span{int32(start), int32(p.pos)}
	return at, p.pos > start
}

// inWord says whether a byte goes on with a bare word.
func inWord(c byte) bool {
	switch c {
	case ',', ':', '{', '}', '[', ']', '"':
		return false
	}
	return c > ' '
}

// children reads what an object or array holds, up to its end.
func (p *parser) children(parent int32, end byte, depth int) bool {
	p.pos++
	last := int32(0)
	for {
		p.space()
		if p.pos >= len(p.text) {
			return false
		}
		if p.text[p.pos] == end {
			p.pos++
			return true
		}
		key := span{}
		if end == '}' {
			var ok bool
			if p.text[p.pos] != '"' {
				return false
			}
			if key, ok = p.quoted(); !ok {
				return false
			}
			if p.space(); p.pos >= len(p.text) || p.text[p.pos] != ':' {
				return false
			}
			p.pos++
		}
		// The depth is bounded by value, the nodes by the text: a machine's answer may be anything.
		child, ok := p.value(key, depth+1)
		if !ok {
			return false
		}
		switch nodes := p.doc.nodes; {
		case end == '}':
			nodes[child].next, nodes[parent].first = nodes[parent].first, child
		case last == 0:
			nodes[parent].first = child
		default:
			nodes[last].next = child
		}
		last = child
	}
}

// quoted reads a string, its escapes as they stand.
func (p *parser) quoted() (span, bool) {
	p.pos++
	start := p.pos
	for p.pos < len(p.text) {
		switch p.text[p.pos] {
		case '\\':
			p.pos++
		case '"':
			p.pos++
			return span{int32(start), int32(p.pos - 1)}, true
		}
		p.pos++
	}
	return span{}, false
}

// OK says whether the value is there.
func (v Value) OK() bool { return v.doc != nil }

func (v Value) kind() kind { return v.doc.nodes[v.at].kind }

// text is what stands there, as it was sent.
func (v Value) text() string { return v.doc.of(v.doc.nodes[v.at].text) }

func (d *document) of(s span) string { return d.reply[s.from:s.to] }

// Get is the member of an object under the first of these keys that is there.
func (v Value) Get(keys ...string) Value {
	if !v.OK() || v.kind() != object {
		return Value{}
	}
	nodes, reply := v.doc.nodes, v.doc.reply
	for _, key := range keys {
		wanted := mark(key)
		for at := nodes[v.at].first; at != 0; at = nodes[at].next {
			if n := &nodes[at]; n.mark == wanted && reply[n.key.from:n.key.to] == key {
				return Value{v.doc, at}
			}
		}
	}
	return Value{}
}

// Each yields an object's members or an array's elements, in their order.
func (v Value) Each(yield func(key string, child Value) bool) {
	if !v.OK() {
		return
	}
	if v.kind() == object {
		var some [32]int32 // most have fewer, and need no memory of their own
		members := some[:0]
		for at := v.doc.nodes[v.at].first; at != 0; at = v.doc.nodes[at].next {
			members = append(members, at)
		}
		for _, at := range slices.Backward(members) {
			if !yield(v.doc.of(v.doc.nodes[at].key), Value{v.doc, at}) {
				return
			}
		}
		return
	}
	for at := v.doc.nodes[v.at].first; at != 0; at = v.doc.nodes[at].next {
		if !yield(v.doc.of(v.doc.nodes[at].key), Value{v.doc, at}) {
			return
		}
	}
}

// Rows yields an array's elements with their numbers.
func (v Value) Rows(yield func(i int, child Value) bool) {
	i := 0
	for _, child := range v.Each {
		if !yield(i, child) {
			return
		}
		i++
	}
}

// At is an element of an array.
func (v Value) At(index int) Value {
	for _, child := range v.Each {
		if index == 0 {
			return child
		}
		index--
	}
	return Value{}
}

// Text is a string's or a bare word's text ("" for null), cleaned of what a terminal could obey and cut at 200 bytes.
func (v Value) Text() string {
	if !v.OK() {
		return ""
	}
	s := v.text()
	if v.kind() == bare && s == "null" {
		return "" // said to be there, and to be nothing
	}
	if v.kind() == text && strings.Contains(s, `\'`) {
		s = strings.ReplaceAll(s, `\'`, "'") // no escape of JSON; Whatsminer writes it
	}
	if v.kind() == text && strings.Contains(s, `\`) {
		var plain string
		if json.Unmarshal([]byte(`"`+s+`"`), &plain) == nil {
			s = plain
		}
	}
	s = strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return -1
	}, s)
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return strings.TrimSpace(s)
}

// null says whether the value is there and is null.
func (v Value) null() bool { return v.OK() && v.kind() == bare && v.text() == "null" }

// Raw is a string's text as it stands, however long; it is not fit to print.
func (v Value) Raw() string {
	if !v.OK() || v.kind() != text {
		return ""
	}
	return v.text()
}

// Number is a finite number, written bare or as a string, as firmwares do either way; also one with a decimal comma or
// with the field's own unit behind it ("5400 RPM").
func (v Value) Number() (float64, bool) {
	if !v.OK() || (v.kind() != bare && v.kind() != text) {
		return 0, false
	}
	s := strings.TrimSpace(v.text())
	if f, ok := shortDecimal(s); ok {
		return f, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && v.kind() == text {
		number, unit, ok := quantity(s)
		return number, ok && plainUnit(unit)
	}
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// shortDecimal reads what nearly every number of a reply is: digits, up to 15 of them, perhaps with a point. Both the
// digits as an integer and the power of ten are exact then, so that their quotient is rounded once: it is
// strconv.ParseFloat's number, for a third of the time. Anything else is not ok, and ParseFloat's to judge.
func shortDecimal(s string) (f float64, ok bool) {
	var digits uint64
	point, n := -1, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = digits*10 + uint64(c-'0')
			n++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	if n == 0 || n > len(powersOfTen)-1 {
		return 0, false
	}
	if point < 0 {
		return float64(digits), true
	}
	return float64(digits) / powersOfTen[len(s)-1-point], true
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// Float is the number, or 0 when there is none.
func (v Value) Float() float64 {
	f, _ := v.Number()
	return f
}

// Count is a number as an integer in [0, 2^53]; −1 when there is none.
func (v Value) Count() int64 {
	f, ok := v.Number()
	if !ok || f < 0 || f > 1<<53 {
		return -1
	}
	return int64(math.Round(f))
}

// True says whether the value is true, "Y" or a number other than 0.
func (v Value) True() bool {
	if !v.OK() {
		return false
	}
	switch strings.ToLower(v.text()) {
	case "true", "y", "yes", "1":
		return true
	}
	return false
}
