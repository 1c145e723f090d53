package market

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits on a file of XML.
const (
	maxXMLBytes = 64 << 20
	maxXMLDepth = 16
)

// isXML: the file begins with the declaration of XML.
func isXML(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("<?xml"))
}

// isHTML: the file is a web page, which sites call a workbook and ask for a login with.
func isHTML(data []byte) bool {
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(data[:min(len(data), 100)], []byte("\xef\xbb\xbf")), " \t\r\n"))
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")) ||
		bytes.HasPrefix(start, []byte("<table"))
}

// readXML reads a list of elements of one kind as rows, as banks publish rates (the Bank of Russia's ValCurs, the
// National Bank's rates, the European Central Bank's Cube): attributes, and children that hold text only, are its
// columns; what stands above it belongs to each.
func readXML(name string, data []byte, options ReadOptions) (*grid, error) {
	if len(data) > maxXMLBytes {
		return nil, Refuse("too-large", name, "more than %d MiB of XML", maxXMLBytes>>20)
	}
	w := xmlRows{kinds: map[string]*xmlKind{}}
	if err := w.walk(data); err != nil {
		return nil, Refuse("xml", name, "%v", err)
	}
	best := "" // the path of most elements; of two, the deeper one, which is the list and not its days
	for path, kind := range w.kinds {
		known := w.kinds[best]
		if known == nil || len(kind.rows) > len(known.rows) || len(kind.rows) == len(known.rows) &&
			(len(path) > len(best) || len(path) == len(best) && path < best) {
			best = path
		}
	}
	kind := w.kinds[best]
	if kind == nil || len(kind.rows) < 2 {
		return nil, Refuse("xml", name, "no element stands in it more than once with values of its own")
	}
	g := &grid{separator: ','}
	columns := kind.columns()
	if err := room(len(kind.rows), len(columns)); err != nil {
		return nil, err
	}
	if err := g.add(0, columns); err != nil {
		return nil, err
	}
	for i, row := range kind.rows {
		cells := make([]string, len(columns))
		for c, column := range columns {
			cells[c] = row.value(column)
		}
		if err := g.add(kind.lines[i], cells); err != nil {
			return nil, err
		}
	}
	g.decide("container", fmt.Sprintf("XML, %d elements %s", len(kind.rows), best), "it begins with <?xml")
	return g, g.layOut(name, options)
}

// xmlField is an attribute, or a child that holds text only.
type xmlField struct {
	name, value string
	own         bool // of the element itself, not of one above it
}

type xmlRow []xmlField

func (r xmlRow) value(name string) string {
	for _, f := range slices.Backward(r) { // the nearest counts
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// xmlKind are the elements of one path.
type xmlKind struct {
	rows  []xmlRow
	lines []int
}

// columns are the names of all rows' fields. What stands above all rows and is the same for all says nothing of them,
// but for the time.
func (k *xmlKind) columns() []string {
	var names []string
	constant := map[string]bool{}
	for _, row := range k.rows {
		for _, f := range row {
			if !slices.Contains(names, f.name) && len(names) < maxColumns {
				names = append(names, f.name)
				constant[f.name] = !f.own
			}
			constant[f.name] = constant[f.name] && !f.own
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		if lower := strings.ToLower(name); !constant[name] || lower == "date" || lower == "time" {
			return false
		}
		return !slices.ContainsFunc(k.rows, func(r xmlRow) bool { return r.value(name) != k.rows[0].value(name) })
	})
}

// xmlRows walks a document.
type xmlRows struct {
	kinds map[string]*xmlKind
	cells int
}

// open is an element that has not ended.
type xmlOpen struct {
	path     string
	fields   xmlRow
	children bool
	text     []byte
}

// walk reads the document as a stream, with the open elements on a stack: nothing of an element is kept after its end
// but what end makes of it. Depth, cells and text are bounded, and entities of the document's own are not expanded
// (the decoder knows the five of XML only), so that a small file cannot become a large one. Declarations of name
// spaces are attributes that say nothing of the element, and are left out.
func (w *xmlRows) walk(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		return charsetReader(charset, r)
	}
	var open []xmlOpen
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) >= maxXMLDepth {
				return fmt.Errorf("elements stand in each other more than %d deep", maxXMLDepth)
			}
			e := xmlOpen{path: t.Name.Local}
			if n := len(open); n > 0 {
				open[n-1].children = true // no field of the one above
				e.path = open[n-1].path + "/" + e.path
			}
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					e.fields = append(e.fields, xmlField{a.Name.Local, clipCell(a.Value), true})
				}
			}
			open = append(open, e)
		case xml.CharData:
			if n := len(open); n > 0 && len(open[n-1].text) < maxCellBytes {
				open[n-1].text = append(open[n-1].text, t...)
			}
		case xml.EndElement:
			n := len(open) - 1
			line, _ := d.InputPos()
			if err := w.end(open, t.Name.Local, line); err != nil {
				return err
			}
			open = open[:n]
		}
	}
}

// end takes an element as a field of the one above it, or as a row.
func (w *xmlRows) end(open []xmlOpen, name string, line int) error {
	n := len(open) - 1
	e := open[n]
	text := trim(clipCell(string(e.text)))
	switch {
	case len(e.fields) == 0 && !e.children && n > 0:
		open[n-1].fields = append(open[n-1].fields, xmlField{name, text, true})
		return nil
	case len(e.fields) == 0:
		return nil // it only holds others
	case !e.children && text != "":
		e.fields = append(e.fields, xmlField{name, text, true})
	}
	var row xmlRow
	for _, above := range open[:n] {
		for _, f := range above.fields {
			row = append(row, xmlField{f.name, f.value, false})
		}
	}
	row = append(row, e.fields...)
	if w.cells += len(row); w.cells > maxCells/8 {
		return fmt.Errorf("more than %d values", maxCells/8)
	}
	kind := w.kinds[e.path]
	if kind == nil {
		kind = &xmlKind{}
		w.kinds[e.path] = kind
	}
	kind.rows, kind.lines = append(kind.rows, row), append(kind.lines, line)
	return nil
}

func clipCell(s string) string { return s[:min(len(s), maxCellBytes)] }
