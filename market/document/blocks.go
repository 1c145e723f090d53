package document

import "math"

// Section of a document; Key is its heading's word.
type Section struct {
	Key        string     `json:"key"`
	Paragraphs []Sentence `json:"paragraphs,omitempty"`
	Tables     []Table    `json:"tables,omitempty"`
	Pictures   []Picture  `json:"pictures,omitempty"`
}

// Sentence is a word of the catalogue whose {0}, {1} … stand for cells.
type Sentence struct {
	Word  string `json:"word"`
	Cells []Cell `json:"cells,omitempty"`
}

// Table with words for heads.
type Table struct {
	Title string   `json:"title"`
	Heads []string `json:"heads"`
	Rows  [][]Cell `json:"rows"`
}

// Cell is one of: a word of the catalogue, a text that stands as it is in every
// language (name, date, citation), a number, or a list of cells.
type Cell struct {
	Word   string   `json:"word,omitempty"`
	Text   string   `json:"text,omitempty"`
	Value  *float64 `json:"value,omitempty"`
	Digits int      `json:"digits,omitempty"` // after the decimal sign
	Unit   string   `json:"unit,omitempty"`   // a word behind the number
	List   []Cell   `json:"list,omitempty"`

	whole bool // a whole number, of which significant figures behind the sign say nothing
}

// Picture is lines over days, or bars of two shares beside each other.
type Picture struct {
	Title string    `json:"title"`
	Unit  string    `json:"unit"`
	Log   bool      `json:"log,omitempty"`
	Days  []string  `json:"days,omitempty"`
	Lines []Line    `json:"lines,omitempty"`
	Bars  []BarPair `json:"bars,omitempty"`
	Names []string  `json:"names,omitempty"` // words of the two shares
}

// Line of a picture.
type Line struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
}

// BarPair is a row of bars; null: not available.
type BarPair struct {
	Label  Cell     `json:"label"`
	First  *float64 `json:"first"`
	Second *float64 `json:"second"`
}

func word(key string) Cell { return Cell{Word: key} }
func text(s string) Cell   { return Cell{Text: s} }

// named is a word where the catalogues have it, else the name as it stands.
func named(name string) Cell {
	if _, ok := catalogues[English][name]; ok {
		return word(name)
	}
	return text(name)
}

// number is "not available" where there is none.
func number(v *float64, digits int) Cell {
	if v == nil {
		return word("not available")
	}
	x := *v
	return Cell{Value: &x, Digits: digits}
}

func value(v float64, digits int) Cell { return number(&v, digits) }

// measured is a number with its unit.
func measured(v *float64, digits int, unit string) Cell {
	c := number(v, digits)
	if c.Value != nil {
		c.Unit = unit
	}
	return c
}

// significant is a number with about four figures that count.
func significant(v *float64) Cell {
	digits := 0
	if v != nil {
		for limit := 1000.0; digits < 8 && *v != 0 && abs(*v) < limit; limit /= 10 {
			digits++
		}
	}
	c := number(v, digits)
	c.whole = v != nil && *v == math.Trunc(*v)
	return c
}

// whole takes the zeros behind the sign off whole numbers: "3.000 pools" reads
// like three thousand where a point separates them.
func (d *Document) whole() {
	var trim func(cells []Cell)
	trim = func(cells []Cell) {
		for i := range cells {
			if trim(cells[i].List); cells[i].whole {
				cells[i].Digits = 0
			}
		}
	}
	for _, s := range d.Sections {
		for _, p := range s.Paragraphs {
			trim(p.Cells)
		}
		for _, t := range s.Tables {
			for _, row := range t.Rows {
				trim(row)
			}
		}
	}
}

func abs(v float64) float64 { return max(v, -v) }
