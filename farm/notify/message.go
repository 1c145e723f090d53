package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/faults"
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
	Detail   string               `json:"detail,omitempty"`
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
		Machines: n.Machines[:min(len(n.Machines), maxNamed)], Since: n.At, Detail: plain(n.Detail)}
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

// said are the words of messages, by language.
var said = map[string]struct {
	raised, recovered, past, machines, since, more, missed, test string
	kinds                                                        map[alert.Kind]string
}{
	"en": {"Alerts", "Recovered", "Past", "machines", "since", "and %d more",
		"Not all is named: aqsha farm alerts --since",
		"A test: this route works.", map[alert.Kind]string{
			alert.Offline: "no answer", alert.Hung: "hung", alert.Hot: "too hot", alert.Fan: "fan stands still",
			alert.Board: "hash board missing", alert.Pool: "pool not allowed", alert.NoPool: "no pool",
			alert.NoRate:  "tells no hash rate",
			alert.LowHash: "hashes less", alert.Rejects: "shares rejected", alert.Delivery: "shares missing",
			alert.Code: "error code"}},
	"ru": {"Тревоги", "Восстановлено", "Прошло", "устройств", "с", "и ещё %d",
		"Названо не всё: aqsha farm alerts --since", "Проверка: этот маршрут работает.", map[alert.Kind]string{
			alert.Offline: "не отвечает", alert.Hung: "зависло", alert.Hot: "перегрев", alert.Fan: "вентилятор стоит",
			alert.Board: "нет хеш-платы", alert.Pool: "пул не разрешён", alert.NoPool: "нет пула",
			alert.NoRate:  "не сообщает хешрейт",
			alert.LowHash: "хеширует меньше", alert.Rejects: "шары отклоняются", alert.Delivery: "шар не хватает",
			alert.Code: "код ошибки"}},
	"kk": {"Дабылдар", "Қалпына келді", "Өтіп кетті", "құрылғы", "бастап:", "тағы %d",
		"Бәрі аталған жоқ: aqsha farm alerts --since", "Сынақ: бұл бағыт жұмыс істейді.", map[alert.Kind]string{
			alert.Offline: "жауап бермейді", alert.Hung: "қатып қалды", alert.Hot: "қызып кетті",
			alert.Fan: "желдеткіш тұр", alert.Board: "хеш-тақта жоқ", alert.Pool: "пулға рұқсат жоқ",
			alert.NoRate: "хешрейтін айтпайды",
			alert.NoPool: "пул жоқ", alert.LowHash: "аз хештейді", alert.Rejects: "шаралар қабылданбайды",
			alert.Delivery: "шаралар жетіспейді", alert.Code: "қате коды"}},
}

// Title is the message in a line, as a mail's subject.
func (m Message) Title(language string) string {
	w := said[language]
	if m.Test {
		return plain(m.Farm) + ": " + w.test
	}
	var parts []string
	for _, part := range []struct {
		word  string
		lines []Line
	}{{w.raised, m.Raised}, {w.recovered, m.Recovered}, {w.past, m.Past}} {
		if count := machinesOf(part.lines); count > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", part.word, count))
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
	w := said[language]
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
		fmt.Fprintf(&b, w.more+"\n", left)
	}
	if m.Missed {
		b.WriteString(w.missed + "\n")
	}
	return b.String()
}

// text is the line in words; what machines said is made plain.
func (l Line) text(language string, zone *time.Location) string {
	w := said[language]
	text := w.kinds[l.Kind] + ": " + plain(l.Scope)
	if l.Count > 1 {
		text += fmt.Sprintf(" (%d %s)", l.Count, w.machines)
	}
	if len(l.Codes) > 0 {
		for _, c := range l.Codes {
			text += "; " + plain(c.String())
		}
	} else if l.Detail != "" {
		text += "; " + l.Detail
	}
	return text + fmt.Sprintf(", %s %s", w.since, l.Since.In(zone).Format("02.01 15:04 -07:00"))
}
