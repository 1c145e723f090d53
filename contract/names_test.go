package contract

import "testing"

func TestNamesThatCanBeTakenForOthersAreRefused(t *testing.T) {
	for _, bad := range []string{
		"2", "plain", "same", "any", " meals", "meals ", "a  b", "ministry/meals", "m\u0435als", "be\u200bef", "\u202ebeef", "be\u0301ef", "b\tf", "食堂", "mе als", "\u2066beef",
	} {
		if NameProblem(bad) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"meals", "VAT", "НДС", "VAT 2027", "Мектеп тамағы", "VAT НДС", "school-meals", "café"} {
		if problem := NameProblem(good); problem != "" {
			t.Errorf("%q: %s", good, problem)
		}
	}
	for _, pair := range [][2]string{{"beef", "Beef"}, {"beef", "be-ef"}, {"mars", "маrs"}, {"СОС", "COC"}, {"l0an", "loan"}, {"bill", "biII"}} {
		if Skeleton(pair[0]) != Skeleton(pair[1]) {
			t.Errorf("%q and %q are told apart", pair[0], pair[1])
		}
	}
	if Skeleton("meals") == Skeleton("meats") {
		t.Error("different names are taken for one")
	}
}
