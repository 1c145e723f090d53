package protocol

import (
	"encoding/json"
	"strings"
)

// sections are the names under which cgminer's JSON has the rows that its plain text begins with the word in front
// (API-README of cgminer 4.11, "Without JSON the format of each reply").
var sections = map[string]string{"SUMMARY": "SUMMARY", "VERSION": "VERSION", "CONFIG": "CONFIG", "POOL": "POOLS",
	"STATS": "STATS", "ASC": "DEVS", "PGA": "DEVS", "GPU": "DEVS", "CPU": "DEVS"}

// isPlain says whether a reply is cgminer's plain text.
func isPlain(text string) bool { return strings.HasPrefix(text, "STATUS=") }

// fromPlain writes a reply in plain text ("STATUS=S,When=…,Msg=Summary|SUMMARY,Elapsed=…|") as the same in JSON. What
// follows a NUL is no part of it.
func fromPlain(text string) string {
	text, _, _ = strings.Cut(text, "\x00")
	rows, order := map[string][]string{}, []string{}
	for line := range strings.SplitSeq(text, "|") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		fields := plainFields(line)
		name, value, _ := strings.Cut(fields[0], "=")
		section := sections[name]
		if name == "STATUS" {
			section = "STATUS"
		}
		if section == "" {
			continue // a row of a command that is not asked
		}
		row := []string{}
		if strings.Contains(fields[0], "=") {
			row = append(row, quote(name)+":"+quote(value))
		}
		for _, field := range fields[1:] {
			if key, value, ok := strings.Cut(field, "="); ok {
				row = append(row, quote(key)+":"+quote(value))
			}
		}
		if rows[section] == nil {
			order = append(order, section)
		}
		rows[section] = append(rows[section], "{"+strings.Join(row, ",")+"}")
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, section := range order {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(section) + ":[" + strings.Join(rows[section], ",") + "]")
	}
	b.WriteByte('}')
	return b.String()
}

// plainFields cuts a row at its commas, of which those in brackets (an Avalon's "MM ID0=Ver[…] SYSTEMSTATU[Work: In
// Work, Hash Board: 3]") and those without a name behind them are part of a value.
func plainFields(line string) []string {
	fields, depth, start := []string{}, 0, 0
	for i := range len(line) {
		switch line[i] {
		case '[':
			depth++
		case ']':
			depth = max(depth-1, 0)
		case ',':
			next, _, _ := strings.Cut(line[i+1:], ",")
			if depth == 0 && strings.Contains(next, "=") {
				fields, start = append(fields, line[start:i]), i+1
			}
		}
	}
	return append(fields, line[start:])
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(text)
}
