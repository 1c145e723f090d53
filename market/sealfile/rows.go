package sealfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
)

// Row is a line of a document as a reader sees it: of a table, or a sentence alone. Table is the heading above it.
type Row struct {
	Table string   `json:"table,omitempty"`
	Cells []string `json:"cells"`
	Head  bool     `json:"head,omitempty"` // names of columns
}

// Limits of a document in one's hand. Its texts are counted with the headings and paths that rows repeat: a long one
// over many rows would take the square of the document.
const (
	MaxDocument = 64 << 20
	maxRows     = 200_000
	maxTexts    = 4 * MaxDocument
)

// list gathers rows within the limits.
type list struct {
	rows []Row
	size int // of all texts, in bytes
}

// full is whether nothing more is taken.
func (l *list) full() bool { return len(l.rows) >= maxRows || l.size > maxTexts }

func (l *list) add(r Row) {
	for _, cell := range r.Cells {
		l.size += len(cell)
	}
	if l.size += len(r.Table); !l.full() {
		l.rows = append(l.rows, r)
	}
}

// Rows are the texts of a document of a form: html, md, csv or json. Pictures, styles and scripts have none. Whatever
// the bytes, it gives what it finds.
func Rows(form string, data []byte) []Row {
	var rows []Row
	switch form {
	case "html":
		rows = htmlRows(string(data))
	case "md":
		rows = lineRows(string(data), '|')
	case "csv":
		rows = lineRows(string(data), ',')
	case "json":
		rows = jsonRows(data)
	}
	return rows
}

// page reads HTML as far as its texts go.
type page struct {
	list
	table   string
	cells   []string
	text    strings.Builder
	inRow   bool
	heads   int // cells of the row that are names
	heading bool
}

// silent are elements whose text is not read by people.
var silent = []string{"style", "script", "svg"}

func htmlRows(text string) []Row {
	var p page
	// Of the same length, so that a place in the one is the same place in the other; and made once.
	lower := lowerASCII(text)
	for len(text) > 0 && !p.full() {
		lower = lower[len(lower)-len(text):]
		open := strings.IndexByte(text, '<')
		if open < 0 {
			p.text.WriteString(text)
			break
		}
		p.text.WriteString(text[:open])
		text = text[open:]
		end := strings.IndexByte(text, '>')
		// A remark may hold what looks like rows: no reader sees it.
		if strings.HasPrefix(text, "<!--") {
			if end = strings.Index(text, "-->"); end >= 0 {
				end += 2
			}
		}
		if end < 0 {
			break
		}
		tag := strings.ToLower(strings.TrimSpace(text[1:end]))
		text = text[end+1:]
		name, _, _ := strings.Cut(strings.ReplaceAll(tag, "\n", " "), " ")
		if slices.Contains(silent, name) && !strings.HasSuffix(tag, "/") {
			_, after, closed := strings.Cut(lower[len(lower)-len(text):], "</"+name)
			if !closed {
				break
			}
			text = text[len(text)-len(after)-len("</"+name):]
			continue
		}
		p.tag(name)
	}
	p.flush()
	return p.rows
}

// lowerASCII is a text with the letters of HTML's names small, byte for byte.
func lowerASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (p *page) tag(name string) {
	switch name {
	case "tr":
		p.flush()
		p.inRow, p.cells, p.heads = true, nil, 0
	case "/td", "/th":
		if p.inRow {
			p.cells = append(p.cells, p.take())
			if name == "/th" {
				p.heads++
			}
		}
	case "/tr", "/table":
		if p.inRow && len(p.cells) > 0 {
			p.add(Row{p.table, p.cells, p.heads == len(p.cells)})
		}
		p.inRow, p.cells = false, nil
		p.text.Reset()
	case "h1", "h2", "h3", "figcaption", "title":
		p.flush()
		p.heading = true
	case "/h1", "/h2", "/h3", "/figcaption", "/title":
		if text := p.take(); p.heading && text != "" {
			p.table = text
			p.add(Row{text, []string{text}, false})
		}
		p.heading = false
	// What begins or ends a line on the screen; inside a row it is a part of the cell.
	case "p", "/p", "li", "/li", "div", "/div", "table", "ul", "/ul", "nav", "/nav", "a", "/a", "br", "body", "/body":
		if !p.inRow && !p.heading {
			p.flush()
		}
	}
}

// take is the text so far, its blanks as one.
func (p *page) take() string {
	text := strings.Join(strings.Fields(html.UnescapeString(p.text.String())), " ")
	p.text.Reset()
	return text
}

// flush makes a row of a text that stands alone.
func (p *page) flush() {
	if text := p.take(); text != "" {
		p.add(Row{p.table, []string{text}, false})
	}
}

// lineRows are lines of cells: of Markdown's tables, whose headings start with #, or of a CSV.
func lineRows(text string, sign byte) []Row {
	var l list
	table := ""
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || sign == '|' && strings.Trim(line, "|-: ") == "" {
			continue
		}
		if l.full() {
			break
		}
		switch {
		case sign == '|' && line[0] == '#':
			table = strings.TrimSpace(strings.TrimLeft(line, "#"))
			l.add(Row{table, []string{table}, false})
		case sign == '|' && line[0] != '|':
			l.add(Row{table, []string{line}, false})
		default:
			cells := strings.Split(strings.Trim(line, "|"), string(sign))
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			l.add(Row{table, cells, false})
		}
	}
	return l.rows
}

// jsonRows are the values of a JSON document with their paths; elements of a list are called by their name, where they
// have one.
func jsonRows(data []byte) []Row {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // as written: 1.0 is not 1
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	var l list
	var walk func(table, path string, value any)
	walk = func(table, path string, value any) {
		if l.size += len(path); l.full() {
			return
		}
		switch value := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				if l.full() {
					return
				}
				if table == "" {
					walk(key, key, value[key])
				} else {
					walk(table, path+"."+key, value[key])
				}
			}
		case []any:
			for i, element := range value {
				if l.full() {
					return
				}
				walk(table, fmt.Sprintf("%s[%s]", path, nameOf(element, i)), element)
			}
		default:
			l.add(Row{table, []string{path, fmt.Sprint(value)}, false})
		}
	}
	walk("", "", value)
	return l.rows
}

func nameOf(element any, i int) string {
	if object, ok := element.(map[string]any); ok {
		for _, key := range []string{"key", "name", "method", "file"} {
			if name, ok := object[key].(string); ok {
				return name
			}
		}
	}
	return fmt.Sprint(i)
}
