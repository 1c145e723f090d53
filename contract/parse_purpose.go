package contract

import (
	"bytes"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// PurposeSource is a purpose as it was written: wallets, other purposes and definitions stand by name. Becomes is as
// long as Purpose.Permits, whose numbers the caller fills in once it knows what the names mean.
type PurposeSource struct {
	Purpose   token.Purpose
	Returns   string
	Becomes   []string // of each permit: plain, same, or a purpose's name or number
	Contracts []string // names or ids of definitions
	Amends    string   // the purpose that it amends, by name or number
	source    Source
}

// ParsePurpose reads a purpose in YAML or JSON. It asks neither ledger nor clock; whether the rules compile says
// Check. The source is nil where there are problems. JSON is read as the YAML that it is, and a file of more than one
// document is refused, since the second would be announced by nobody.
func ParsePurpose(data []byte) (*PurposeSource, Problems) {
	var problems Problems
	var document yaml.Node
	if len(data) > maxSource {
		problems.add("purpose", "", "%d bytes, at most %d", len(data), maxSource)
		return nil, problems
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil {
		problems.add("purpose", "", "neither YAML nor JSON: %v", err)
		return nil, problems
	}
	if more(decoder) {
		problems.add("purpose", "put it into a file of its own", "a second document after the first")
		return nil, problems
	}
	if len(document.Content) != 1 {
		problems.add("purpose", "begin with `purpose: NAME`", "nothing in it")
		return nil, problems
	}
	r := &purposeReader{reader: reader{lines: map[string]int{}}}
	r.purpose(document.Content[0])
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	r.out.source.lines = r.lines
	return &r.out, nil
}

// Check says all that is wrong with the rules, or returns them compiled.
func (s *PurposeSource) Check() (*Rule, Problems) {
	r, problems := CompilePurpose(s.Purpose)
	return r, s.source.Lines(problems)
}

type purposeReader struct {
	reader
	out PurposeSource
}

// purpose reads a purpose from YAML, keys in any order. A value that cannot be read is a problem with its line, and the
// rest is read on, so that an agency sees all of them at once.
func (r *purposeReader) purpose(n *yaml.Node) {
	p := &r.out.Purpose
	allowed := []string{"purpose", "about", "mark", "permits", "payment_most", "total_most", "from", "until", "hops",
		"returns", "contracts", "own_limits", "notice", "amends"}
	r.pairs(n, "", allowed, func(key string, value *yaml.Node) {
		switch key {
		case "purpose":
			p.Name = r.scalar(value, key)
		case "about":
			p.About = r.scalar(value, key)
		case "mark":
			p.Earmark = r.scalar(value, key)
		case "permits":
			r.items(value, key, func(at string, item *yaml.Node) { r.permit(item, at) })
		case "payment_most":
			p.MaxPayment = r.tenge(value, key)
		case "total_most":
			p.MaxTotal = r.tenge(value, key)
		case "from":
			p.FromMillis = r.time(value, key)
		case "until":
			p.UntilMillis = r.time(value, key)
		case "hops":
			hops, err := strconv.ParseUint(r.scalar(value, key), 10, 16)
			if err != nil {
				r.problem(value, key, "write how often it may be paid on, such as 3; 0 for no limit",
					"%q is no number of payments", value.Value)
			}
			p.Hops = uint16(hops)
		case "returns":
			r.out.Returns = r.scalar(value, key)
		case "contracts":
			r.out.Contracts = r.names(value, key)
		case "own_limits":
			p.OwnLimits = r.truth(value, key)
		case "notice":
			notice, err := ParseValue(token.IntValue, r.scalar(value, key), -1)
			if p.NoticeMillis = uint64(notice.Int); err != nil || notice.Int <= 0 || p.NoticeMillis > token.MaxNotice {
				r.problem(value, key, "write how long before an amendment it is announced, such as 14d; leave it out "+
					"if there can be none", "%q is no period of at most a year", value.Value)
			}
		case "amends":
			r.out.Amends = r.scalar(value, key)
		}
	})
	// After all keys, so that what is missing is told beside what is wrong.
	for _, needed := range []struct{ key, value string }{{"purpose", p.Name}, {"mark", p.Earmark},
		{"returns", r.out.Returns}} {
		if needed.value == "" {
			r.problem(n, needed.key, "add a line `"+needed.key+": …`", "missing")
		}
	}
}

// permit reads one permit. What the money becomes may be a name: its number is found when the purpose is registered.
func (r *purposeReader) permit(n *yaml.Node, where string) {
	permit, becomes := token.Permit{}, ""
	r.pairs(n, where, []string{"when", "becomes"}, func(key string, value *yaml.Node) {
		if key == "when" {
			permit.When = r.scalar(value, where+".when")
		} else {
			becomes = r.scalar(value, where+".becomes")
		}
	})
	if permit.When == "" || becomes == "" {
		r.problem(n, where, "write {when: CONDITION, becomes: plain}, or same, or a purpose",
			"a permit says when, and what the money becomes")
	}
	switch becomes {
	case "plain":
	case "same":
		permit.Becomes = token.BecomesSame
	default: // a name, of which the ledger knows the number; until then it is no purpose's
		permit.Becomes = token.BecomesSame - 1
	}
	r.out.Purpose.Permits = append(r.out.Purpose.Permits, permit)
	r.out.Becomes = append(r.out.Becomes, becomes)
}

// tenge reads an amount.
func (r *purposeReader) tenge(n *yaml.Node, where string) money.Tiyn {
	amount, err := money.ParseTenge(r.scalar(n, where))
	if err != nil {
		r.problem(n, where, "write an amount in tenge, such as 3000 or 3000.50", "%v", err)
	}
	return amount
}

// time reads a moment: RFC 3339, a day in the network's time, or Unix milliseconds. Until a day is until its end.
func (r *purposeReader) time(n *yaml.Node, where string) uint64 {
	text := r.scalar(n, where)
	if millis, err := strconv.ParseUint(text, 10, 53); err == nil {
		return millis
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.UnixMilli() >= 0 {
		return uint64(at.UnixMilli())
	}
	if at, err := time.ParseInLocation(time.DateOnly, text, Zone); err == nil && at.UnixMilli() >= 0 {
		if where == "until" {
			at = at.AddDate(0, 0, 1)
		}
		return uint64(at.UnixMilli())
	}
	r.problem(n, where, "write a time such as 2026-09-01T00:00:00+05:00, or a day", "%q is no time", text)
	return 0
}
