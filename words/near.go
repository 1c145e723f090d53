package words

import (
	"slices"
	"strings"
)

// CodeOf is a code as somebody typed it: in capitals, with blanks or underlines, or as a URN of a problem.
func CodeOf(typed string) string {
	code := strings.ToLower(strings.TrimSpace(typed))
	code = strings.TrimPrefix(code, "urn:aqsha:problem:")
	return strings.NewReplacer(" ", "-", "_", "-").Replace(code)
}

// maxNear is how many codes are proposed for one that is not known.
const maxNear = 3

// NearCodes are the codes most like one that is not known: those that differ in few letters, then those that have it
// as a part.
func NearCodes(typed string) []string {
	typed = CodeOf(typed)
	type near struct {
		code     string
		distance int
	}
	var all []near
	for _, code := range Codes() {
		plain := strings.TrimSuffix(code, "-*")
		d := distance(typed, plain)
		switch {
		case d <= max(1, len(typed)/4):
		case len(typed) >= 4 && (strings.Contains(plain, typed) || strings.Contains(typed, plain)):
			d += len(typed)
		default:
			continue
		}
		all = append(all, near{code, d})
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.distance - b.distance })
	var codes []string
	for _, n := range all[:min(maxNear, len(all))] {
		codes = append(codes, n.code)
	}
	return codes
}

// distance is how many letters must be changed, put in or left out to make one word of another (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := before
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			before = above
		}
	}
	return row[len(b)]
}
