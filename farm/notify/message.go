package notify

import (
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/words"
)

// Message is what a route is told at once, and the body of a signed webhook.
type Message struct {
	Farm      string    `json:"farm"`
	Route     string    `json:"route"`
	Sequence  int64     `json:"sequence"` // from 1 on; one that comes twice is the same
	At        time.Time `json:"at"`
	Test      bool      `json:"test,omitempty"`
	Raised    []Line    `json:"raised,omitempty"`
	Recovered []Line    `json:"recovered,omitempty"`
	Past      []Line    `json:"past,omitempty"`   // began and ended before it could be told
	Missed    bool      `json:"missed,omitempty"` // there are more of those than are named
}

// Line is one alert of a machine, or of many of a kind in one place.
type Line struct {
	Kind     alert.Kind           `json:"kind"`
	Severity Severity             `json:"severity"`
	Scope    string               `json:"scope"` // a place, or a machine's identity
	Count    int                  `json:"count"` // machines
	Machines []string             `json:"machines"`
	Since    time.Time            `json:"since"`
	Detail   string               `json:"detail,omitempty"` // in the route's language
	Codes    []faults.Explanation `json:"codes,omitempty"`
}

const (
	maxNamed  = 20   // machines named in a line
	maxCodes  = 8    // explained in a line
	maxLines  = 25   // of a kind (raised, recovered, past) in a text
	maxText   = 3500 // characters of a text: chats take 4,096
	maxInList = 1000 // lines of a kind in JSON
)

// lineOf is a notice as a message has it, bounded in machines and codes.
func lineOf(n alert.Notice, severity Severity, language string) Line {
	l := Line{Kind: n.Kind, Severity: severity, Scope: n.Scope, Count: len(n.Machines),
		Machines: n.Machines[:min(len(n.Machines), maxNamed)], Since: n.At,
		Detail: plain(n.Finding.Say(words.Language(language), n.Detail))}
	codes := strings.Fields(n.Codes)
	for _, text := range codes[:min(len(codes), maxCodes)] {
		if family, code, err := faults.Parse(text); err == nil {
			l.Codes = append(l.Codes, faults.Explain(family, code, language))
		}
	}
	return l
}

// bounded is the message with no more lines than a receiver takes.
func (m Message) bounded() Message {
	for _, lines := range []*[]Line{&m.Raised, &m.Recovered, &m.Past} {
		if len(*lines) > maxInList {
			*lines, m.Missed = (*lines)[:maxInList], true
		}
	}
	return m
}

// Title is the message in a line, as a mail's subject.
func (m Message) Title(language string) string {
	l := words.Language(language)
	if m.Test {
		return plain(m.Farm) + ": " + l.Text("alert-message.test")
	}
	var parts []string
	for _, part := range []struct {
		key   string
		lines []Line
	}{{"raised", m.Raised}, {"recovered", m.Recovered}, {"past", m.Past}} {
		if count := machinesOf(part.lines); count > 0 {
			text := l.Text("alert-message."+part.key, "count", count)
			if part.key == "raised" {
				text = l.Count("alert-message.raised", count)
			}
			parts = append(parts, text)
		}
	}
	return plain(m.Farm) + ": " + strings.Join(parts, ", ")
}

func machinesOf(lines []Line) (count int) {
	for _, l := range lines {
		count += l.Count
	}
	return count
}

// Text is the message for people, times in a zone.
func (m Message) Text(language string, zone *time.Location) string {
	var b strings.Builder
	b.WriteString(m.Title(language) + "\n")
	left, runes := 0, len([]rune(b.String()))
	add := func(sign string, lines []Line) {
		for i, l := range lines {
			text := sign + " " + l.text(language, zone) + "\n"
			if n := len([]rune(text)); i < maxLines && runes+n <= maxText {
				b.WriteString(text)
				runes += n
				continue
			}
			left += l.Count
		}
	}
	add("▲", m.Raised)
	add("▽", m.Recovered)
	add("·", m.Past)
	if left > 0 {
		b.WriteString(words.Language(language).Text("alert-message.more", "count", left) + "\n")
	}
	if m.Missed {
		b.WriteString(words.Language(language).Text("alert-message.missed") + "\n")
	}
	return b.String()
}

// text is the line in words; what machines said is made plain.
func (l Line) text(language string, zone *time.Location) string {
	lang, key := words.Language(language), "alert-message.line"
	text := l.Detail
	if len(l.Codes) > 0 {
		meanings := make([]string, len(l.Codes))
		for i, c := range l.Codes {
			meanings[i] = plain(c.String())
		}
		text = strings.Join(meanings, "; ")
	}
	filled := []any{"kind", lang.Text("alert-kind." + string(l.Kind)), "scope", plain(l.Scope), "text", text, "at",
		l.Since.In(zone).Format("02.01 15:04 -07:00")}
	switch {
	case l.Count > 1 && text != "":
		return lang.Count(key+"-many-text", l.Count, filled...)
	case l.Count > 1:
		return lang.Count(key+"-many", l.Count, filled...)
	case text != "":
		key += "-text"
	}
	return lang.Text(key, filled...)
}
