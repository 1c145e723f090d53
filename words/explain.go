package words

import (
	"maps"
	"slices"
	"strings"
)

// Money says what a refusal means for money. It is the same in every language, for programs.
type Money string

// What a code can mean for money.
const (
	MoneyNone      Money = "none"      // nothing was changed
	MoneyPart      Money = "part"      // some of it was done, the rest was not
	MoneyUnknown   Money = "unknown"   // it may have been done
	MoneyUntouched Money = "untouched" // it has nothing to do with anybody's money
)

// Moneys are all of them.
var Moneys = []Money{MoneyNone, MoneyPart, MoneyUnknown, MoneyUntouched}

// OutcomeUnknown, NotReached, Usage and Failure are codes of those who ask, not of rules: no answer came to what was
// sent, nobody could be asked, the command line is wrong, and anything else went wrong.
const (
	OutcomeUnknown = "outcome-unknown"
	NotReached     = "not-reached"
	Usage          = "usage"
	Failure        = "failure"
)

// Explanation is a refusal in words for whoever gets it.
type Explanation struct {
	Code       string   `json:"code" doc:"as errors carry it; it never changes its meaning"`
	Language   Language `json:"lang" enum:"en,kk,ru"`
	Title      string   `json:"title"`
	Means      string   `json:"means" doc:"what it means, for a lay person"`
	MoneyMoved Money    `json:"money_moved" enum:"none,part,unknown,untouched" doc:"none: nothing was changed; part: some was done; unknown: it may have been done; untouched: it has nothing to do with money"`
	Money      string   `json:"money" doc:"the same in words"`
	Do         string   `json:"do" doc:"what can be done"`
}

var moneyOf = func() map[string]Money {
	classes := map[string]Money{}
	mustRead("money.json", &classes)
	return classes
}()

// familyOf has the codes of a family that do not begin with its name, as farms and plans give them: "csv" has the words
// of farm-csv, or those of all.
var familyOf = func() map[string]string {
	families := map[string]string{}
	mustRead("families.json", &families)
	return families
}()

// Codes are all codes that have words, in order. One that ends in -* is of a family: of a farm's files and machines,
// and of the market's data, it is for those that have no words of their own.
func Codes() []string { return slices.Sorted(maps.Keys(moneyOf)) }

// worded is under which code a code has words: a number is one of digital cash, as the standard numbers them (NUT-00).
func worded(code string) string {
	if _, number := moneyOf["cash-"+code]; number {
		return "cash-" + code
	}
	if _, own := moneyOf[code]; own {
		return code
	}
	if family, known := familyOf[code]; known {
		if own := strings.TrimSuffix(family, "*") + code; moneyOf[own] != "" {
			return own
		}
		return family
	}
	family, _, _ := strings.Cut(code, "-")
	return family + "-*"
}

// MoneyOf says what a code means for money; false for one that is not known here.
func MoneyOf(code string) (Money, bool) {
	m, known := moneyOf[worded(code)]
	return m, known
}

// Explain says a code in words; false for one that is not known here.
func (l Language) Explain(code string) (e Explanation, known bool) {
	money, known := MoneyOf(code)
	if !known {
		return e, false
	}
	key := "code." + worded(code) + "."
	return Explanation{code, l, l.Text(key + "title"), l.Text(key + "means"), money, l.Text("money." + string(money)),
		l.Text(key + "do")}, true
}

// ExplainAll says every code in words.
func (l Language) ExplainAll() []Explanation {
	var all []Explanation
	for _, code := range Codes() {
		e, _ := l.Explain(code)
		all = append(all, e)
	}
	return all
}
