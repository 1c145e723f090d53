package control

import (
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/words"
)

// remark is what is said of a machine or an order: the English sentence that is written down, and the finding of which
// any language makes its own.
type remark struct {
	text  string
	found farm.Finding
}

// done is the outcome of an order that was seen to be obeyed.
const done = "done"

// saw is a remark of a finding's code, with what is filled in as pairs of a name and a value.
func saw(code string, pairs ...any) remark { return of(farm.Found(code, pairs...)) }

func of(found farm.Finding) remark { return remark{found.In(words.English), found} }

// failure is an error as a remark: its text is written down as it is.
func failure(err error) remark {
	if err == nil {
		return remark{}
	}
	return remark{err.Error(), farm.FindingOf(err)}
}

// sawFans is how fans are governed.
func sawFans(automatic bool, percent any) remark {
	if automatic {
		return saw("fans-automatic", "percent", percent)
	}
	return saw("fans-fixed", "percent", percent)
}

// none says whether nothing is said.
func (r remark) none() bool { return r.text == "" }

// because is the remark with its reason, whose English text may say more than its finding does.
func (r remark) because(why remark) remark {
	plain := r.found
	plain.Values = map[string]string{"why": why.text}
	for name, value := range r.found.Values {
		plain.Values[name] = value
	}
	return remark{plain.In(words.English), r.found.Because(why.found)}
}

// take makes a remark the outcome.
func (r *Result) take(what remark) { r.Outcome, r.Finding = what.text, what.found }

// Say is the outcome in a language.
func (r Result) Say(l words.Language) string {
	if r.Done() {
		return l.Text("farm-found.done")
	}
	return r.Finding.Say(l, r.Outcome)
}
