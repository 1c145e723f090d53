package market

import (
	"strings"

	"github.com/aqsha/aqsha/words"
)

// Says is what was found, as a text of any language: in English the finding's own detail, with its figures; in another
// language what its code means.
func (f Finding) Says() words.Said {
	return words.SayAs(f.Detail, "market-finding."+strings.ReplaceAll(f.Code, "_", "-"))
}

// Mends is the repair that would be made, as a text of any language; it says nothing where there is none.
func (f Finding) Mends() words.Said { return mends(f.Repair) }

// mends gives the sentence of a repair that a check proposes. The two with a figure in them have words with a place
// for it; every other is looked up whole by its slug, and none gives the empty Said.
func mends(repair string) words.Said {
	if by, is := strings.CutPrefix(repair, "divide by "); is {
		return words.SayAs(repair, "study.repair-divide", "by", by)
	}
	if by, is := strings.CutPrefix(repair, "multiply the prices before by "); is {
		return words.SayAs(repair, "study.repair-before", "by", by)
	}
	if repair == "" {
		return words.Said{}
	}
	return words.SayAs(repair, "market-word."+words.Slug(repair))
}
