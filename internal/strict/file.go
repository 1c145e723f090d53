package strict

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// MaxBytes of a file: far more than a person writes, and little enough to be held several times.
const MaxBytes = 1 << 20

// Problem is what is wrong with a key of a file. A rule violation with a stable code.
type Problem struct {
	Code   string
	File   string
	Key    string // "offer[1].price_usd"; empty when the file is no TOML at all
	Line   int    // 0: not in the file
	Detail string
}

func (p *Problem) Error() string {
	at := p.File
	if p.Line > 0 {
		at += ":" + strconv.Itoa(p.Line)
	}
	if p.Key != "" {
		at += ": " + p.Key
	}
	return at + ": " + p.Detail
}

// ErrorCode is the stable code.
func (p *Problem) ErrorCode() string { return p.Code }

// ErrorField is the key.
func (p *Problem) ErrorField() string { return p.Key }

// File is a decoded file that knows where its keys stand.
type File struct {
	Name  string
	Text  string
	lines map[string]int
}

// Decode reads text into v, whose every key must be known. The error is a *Problem: "too-long", "syntax", "value" or
// "unknown-key". v may hold a part of the file then and is not to be used.
func Decode(name, text string, v any) (*File, error) {
	f := &File{Name: name, Text: text}
	if len(text) > MaxBytes {
		return nil, &Problem{"too-long", name, "", 0, fmt.Sprintf("longer than %d bytes", MaxBytes)}
	}
	f.lines = locate(text)
	meta, err := toml.Decode(text, v)
	if err != nil {
		return nil, f.syntax(err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return nil, &Problem{"unknown-key", name, key, f.firstLine(key), "there is no such key"}
	}
	return f, nil
}

var lastKey = regexp.MustCompile(`\(last key "?([^")]*)"?\)`)

// syntax turns the library's error into ours; its positions are kept.
func (f *File) syntax(err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		if parse.LastKey != "" && !strings.Contains(parse.Message, "expected") {
			return &Problem{"value", f.Name, parse.LastKey, parse.Position.Line, parse.Message}
		}
		return &Problem{"syntax", f.Name, parse.LastKey, parse.Position.Line, parse.Message}
	}
	text, key := strings.TrimPrefix(err.Error(), "toml: "), ""
	if found := lastKey.FindStringSubmatch(text); found != nil {
		key = found[1]
	}
	return &Problem{"value", f.Name, key, f.firstLine(key), text}
}

// Refuse makes a problem of a key: "offer[1].price_usd". A key that is not in the file has the line of
// the table that lacks it.
func (f *File) Refuse(code, key, format string, args ...any) error {
	line := f.lines[key]
	for at := key; line == 0 && at != ""; line = f.lines[at] {
		cut := strings.LastIndexAny(at, ".[")
		at = at[:max(0, cut)]
	}
	return &Problem{code, f.Name, key, line, fmt.Sprintf(format, args...)}
}

// firstLine finds a key that the library names without indices.
func (f *File) firstLine(key string) int {
	best := 0
	for at, line := range f.lines { // any order: the smallest is taken
		if indices.ReplaceAllString(at, "") == key && (best == 0 || line < best) {
			best = line
		}
	}
	return best
}

var (
	indices = regexp.MustCompile(`\[\d+\]`)
	header  = regexp.MustCompile(`^\s*(\[\[?)\s*([A-Za-z0-9_.\- ]+?)\s*\]\]?\s*(?:#.*)?$`)
	assign  = regexp.MustCompile(`^\s*([A-Za-z0-9_\-]+(?:\s*\.\s*[A-Za-z0-9_\-]+)*)\s*=`)
)

// locate finds the lines of keys and tables. It serves messages only, so that it may be mistaken about
// exotic files (quoted keys, lines that look like keys in multi-line texts) without harm.
func locate(text string) map[string]int {
	lines, counts, table := map[string]int{}, map[string]int{}, ""
	for i, line := range strings.Split(text, "\n") {
		if found := header.FindStringSubmatch(line); found != nil {
			name := strings.ReplaceAll(found[2], " ", "")
			table = indexed(name, counts)
			if found[1] == "[[" {
				table += "[" + strconv.Itoa(counts[table]) + "]"
				counts[strings.TrimSuffix(table, "["+strconv.Itoa(counts[base(table)])+"]")]++
			}
			lines[table] = i + 1
			continue
		}
		if found := assign.FindStringSubmatch(line); found != nil {
			key := strings.Join(strings.Fields(found[1]), "")
			if table != "" {
				key = table + "." + key
			}
			if lines[key] == 0 {
				lines[key] = i + 1
			}
		}
	}
	return lines
}

// base is a table's name without its last index.
func base(table string) string {
	at := strings.LastIndexByte(table, '[')
	if at < 0 {
		return table
	}
	return table[:at]
}

// indexed gives the parents of a nested table the index of their latest element.
func indexed(name string, counts map[string]int) string {
	parts := strings.Split(name, ".")
	out := ""
	for i, part := range parts {
		if i > 0 {
			out += "."
		}
		out += part
		if n := counts[out]; n > 0 && i < len(parts)-1 {
			out += "[" + strconv.Itoa(n-1) + "]"
		}
	}
	return out
}
