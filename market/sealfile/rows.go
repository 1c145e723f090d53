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

// Limits of a document in one's hand.
const (
	MaxDocument = 64 << 20
	maxRows     = 200_000
)

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
	return rows[:min(len(rows), maxRows)]
}

// page reads HTML as far as its texts go.
type page struct {
	rows    []Row
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
	for len(text) > 0 && len(p.rows) < maxRows {
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
			close := strings.Index(strings.ToLower(text), "</"+name)
			if close < 0 {
				break
			}
			text = text[close:]
			continue
		}
		p.tag(name)
	}
	p.flush()
	return p.rows
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
			p.rows = append(p.rows, Row{p.table, p.cells, p.heads == len(p.cells)})
		}
		p.inRow, p.cells = false, nil
		p.text.Reset()
	case "h1", "h2", "h3", "figcaption", "title":
		p.flush()
		p.heading = true
	case "/h1", "/h2", "/h3", "/figcaption", "/title":
		if text := p.take(); p.heading && text != "" {
			p.table = text
			p.rows = append(p.rows, Row{text, []string{text}, false})
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
		p.rows = append(p.rows, Row{p.table, []string{text}, false})
	}
}

// lineRows are lines of cells: of Markdown's tables, whose headings start with #, or of a CSV.
func lineRows(text string, sign byte) []Row {
	var rows []Row
	table := ""
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || sign == '|' && strings.Trim(line, "|-: ") == "" {
			continue
		}
		if len(rows) == maxRows {
			break
		}
		switch {
		case sign == '|' && line[0] == '#':
			table = strings.TrimSpace(strings.TrimLeft(line, "#"))
			rows = append(rows, Row{table, []string{table}, false})
		case sign == '|' && line[0] != '|':
			rows = append(rows, Row{table, []string{line}, false})
		default:
			cells := strings.Split(strings.Trim(line, "|"), string(sign))
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, Row{table, cells, false})
		}
	}
	return rows
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
	var rows []Row
	var walk func(table, path string, value any)
	walk = func(table, path string, value any) {
		if len(rows) >= maxRows {
			return
		}
		switch value := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				if table == "" {
					walk(key, key, value[key])
				} else {
					walk(table, path+"."+key, value[key])
				}
			}
		case []any:
			for i, element := range value {
				walk(table, fmt.Sprintf("%s[%s]", path, nameOf(element, i)), element)
			}
		default:
			rows = append(rows, Row{table, []string{path, fmt.Sprint(value)}, false})
		}
	}
	walk("", "", value)
	return rows
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
